"""What a run says on the terminal: which scores are corrected, why others are not, and what is left for the files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actorstance import terminal
from actorstance.examples import LABELS
from actorstance.saved import Saved


def compared(corrections: list[str], **more: Any) -> dict[str, Any]:
    actors = [
        {
            **{"actor": f"actor-of-a-rather-long-name-{at}", "role": "expressed", "n": 9, "correction": correction},
            **{"a": -0.25, "b": -0.5, "difference": -0.25, "low": -0.375, "high": -0.125},
            **{"p": at / 100, "p_adjusted": at / 10, "significant": at / 10 <= 0.05},
        }
        for at, correction in enumerate(corrections)
    ]
    periods = [["2020-01-01", "2020-01-31"], ["2020-02-01", "2020-02-29"]]
    frame = {"n": 90, "groups": 30, "adjustment": "holm", "metrics": None, "mcnemar": None, "actors": actors}
    return {**({} if "runs" in more else {"periods": periods}), **frame, **more}


def told(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    terminal.comparison(found)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= terminal.WIDTH
    return out


def test_a_comparison_says_that_its_scores_are_uncorrected(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(compared(["none"] * 9), capsys)
    assert "scores are the model's word, uncorrected: where its errors change" in out
    assert "9 actors and pairs, p adjusted for as many (holm): 1 significant" in out
    assert "*" not in out
    assert out.count("p 0.") == terminal.ROWS
    assert "  … 3 more in comparison.csv" in out.splitlines()
    rows = compared(["none"] * 2, runs=["a", "b"])
    for row in rows["actors"]:
        del row["correction"]  # as of two runs
    out = told(rows, capsys)
    assert "scores are the models' word, uncorrected\n" in out
    assert "more in" not in out


def test_a_comparison_marks_what_is_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(compared(["ppi++", "none", "classical"]), capsys)
    stars = [bool(re.search(r"-0\.25\* -> -0\.50\*", line)) for line in out.splitlines() if " p 0." in line]
    assert stars == [True, False, True]
    assert f"  {terminal.STAR}" in out.splitlines()
    assert "1 are the model's word, uncorrected" in out
    out = told(compared(["ppi++"] * 2), capsys)
    assert terminal.STAR in out
    assert "uncorrected" not in out


def test_why_a_score_is_not_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    """Of varna every mention could be drawn; of ostia some could not, and of corvia there are too few articles."""
    targets = [("varna", "ostia", "corvia")[min(at % 3, 1 if at >= 9 else 2)] for at in range(60)]
    rows = [
        {"example_id": str(at), "source": "AUTHOR", "target": target, "group_id": f"g{at}"}
        for at, target in enumerate(targets)
    ]
    inclusion = np.array([0.5 if target == "varna" or at < 30 else 0.0 for at, target in enumerate(targets)])
    gold = np.where(np.arange(60) < 9, 1, -1)
    saved = Saved(Path("run"), rows, np.full((60, len(LABELS)), 1 / 3), gold, inclusion, inclusion > 0)
    actors = [{"actor": name, "role": "received", "correction": "none"} for name in ("varna", "ostia", "corvia")]
    actors.append({"actor": "AUTHOR", "role": "expressed", "correction": "ppi++"})
    summary = {"asked": 40, "answered": 9, "unclear": 0, "blank": 31, "skipped": 0, "intervals": []}
    terminal.answered(summary, actors, saved)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= terminal.WIDTH
    start = next(at for at, line in enumerate(lines) if line.startswith("warning: 3 of 4 scores of actors"))
    assert sorted(lines[start + 2 :]) == [
        "  1: in fewer than 5 groups (articles): no labels can correct them",
        "  1: some mention could not be drawn: name them in wanted=… of another sheet",
        "  1: too few labels of theirs: label more",
    ]
