"""What the benchmarks compute themselves: the five classes of DSE from the answers for both directions."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from actorstance.readers.dse import LABELS


@pytest.fixture(scope="module")
def dse() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dse", Path(__file__).parents[1] / "benchmarks" / "dse.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_classes_are_those_of_the_corpus(dse: ModuleType) -> None:
    names = ("against", "neutral", "favor")
    assert {str(at): (names[a], names[b]) for at, (a, b) in enumerate(dse.CLASSES)} == LABELS


def test_five_classes(dse: ModuleType) -> None:
    sure = {"against": [0.8, 0.1, 0.1], "neutral": [0.1, 0.8, 0.1], "favor": [0.1, 0.1, 0.8]}
    forward = np.array([sure[name] for name in ("neutral", "favor", "neutral", "against", "neutral", "favor")])
    backward = np.array([sure[name] for name in ("neutral", "neutral", "favor", "neutral", "against", "against")])
    found = dse.five_classes(forward, backward)
    assert found[:5].tolist() == [0, 1, 2, 3, 4]
    assert found[5] in (1, 4)  # no class has both


def test_five_f1(dse: ModuleType) -> None:
    micro, macro = dse.five_f1(np.array([0, 1, 2, 3, 4, 0]), np.array([0, 1, 2, 3, 3, 0]))
    assert micro == pytest.approx(5 / 6)
    assert macro == pytest.approx((1 + 1 + 1 + 2 / 3 + 0) / 5)
