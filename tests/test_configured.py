"""What a config names, and what is said where it names what is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

import actorstance.models
from actorstance import pipeline
from actorstance.archives import cluster
from actorstance.commands import configured
from actorstance.errors import InputError


def _without(monkeypatch: pytest.MonkeyPatch, package: str, module: str) -> None:
    """As if the package were not installed, and our module that imports it not imported yet."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"actorstance.models.{module}", raising=False)
    monkeypatch.delattr(actorstance.models, module, raising=False)


def test_a_model_whose_extra_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "torch", "transformer")
    config = OmegaConf.create({"_target_": "actorstance.models.transformer.TransformerModel"})
    with pytest.raises(InputError, match=r"^this model needs torch: pip install 'actorstance\[transformer\]'\.$"):
        configured.model_of(config)


@pytest.mark.parametrize("target", ["nowhere.Model", "actorstance.models.nowhere.Model"])
def test_a_class_that_is_nowhere_is_no_missing_extra(target: str) -> None:
    with pytest.raises(InputError, match=r"Error loading .*nowhere"):
        configured.model_of(OmegaConf.create({"_target_": target}))


def test_an_export_without_its_extras_names_all_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without(monkeypatch, "onnxruntime", "exporting")
    transformer: Any = SimpleNamespace(kind="transformer")
    with pytest.raises(InputError, match=r"onnxruntime: pip install 'actorstance\[transformer,onnx,export\]'"):
        pipeline.export(transformer, transformer, tmp_path / "out")


def test_a_cluster_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    unread: Any = None
    with pytest.raises(InputError, match=r"pip install 'actorstance\[ray\]'"):
        next(cluster.cluster(unread, unread, []))
