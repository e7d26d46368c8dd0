"""What a run says on the terminal: which scores are corrected, why others are not, and what is left for the files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from actorstance.commands import terminal
from actorstance.files import write_jsonl
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
    assert "scores are the model's own, uncorrected: if its errors differ between periods" in out
    assert "9 actor scores compared: 1 significant" in out
    assert "b - a  95 %, unadjusted  p, Holm" in out
    assert "*" not in out
    assert len(re.findall(r"\]  0\.\d{4}$", out, re.MULTILINE)) == terminal.ROWS
    assert "  … 3 more in comparison.csv" in out.splitlines()
    rows = compared(["none"] * 2, runs=["a", "b"])
    for row in rows["actors"]:
        del row["correction"]  # as of two runs
    out = told(rows, capsys)
    assert "scores are the models' own, uncorrected\n" in out
    assert "more in" not in out


def test_a_comparison_marks_what_is_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(compared(["ppi++", "none", "classical"]), capsys)
    stars = [bool(re.search(r"-0\.25\* -> -0\.50\*", line)) for line in out.splitlines() if line.startswith("  actor")]
    assert stars == [True, False, True]
    assert f"  {terminal.STAR}" in out.splitlines()
    assert "1 is the model's own, uncorrected" in out
    out = told(compared(["ppi++"] * 2), capsys)
    assert terminal.STAR in out
    assert "uncorrected" not in out


def test_why_a_score_is_not_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    """Of varna every mention could be drawn; of ostia some could not, and of corvia there are too few articles."""
    targets = [("varna", "ostia", "corvia")[min(at % 3, 1 if at >= 9 else 2)] for at in range(60)]
    rows: list[dict[str, Any]] = [
        {"example_id": str(at), "source": "AUTHOR", "target": target, "group_id": f"g{at}"}
        for at, target in enumerate(targets)
    ]
    for at, row in enumerate(rows):
        row["inclusion"] = 0.5 if row["target"] == "varna" or at < 30 else 0.0
        row["gold"] = "neutral" if at < 9 else None
    saved = Saved(Path("run"), rows)
    actors = [{"actor": name, "role": "received", "correction": "none"} for name in ("varna", "ostia", "corvia")]
    actors.append({"actor": "AUTHOR", "role": "expressed", "correction": "ppi++"})
    summary = {"asked": 40, "answered": 9, "unclear": 0, "blank": 31, "skipped": 0, "intervals": []}
    terminal.answered(summary, actors, saved)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= terminal.WIDTH
    start = next(at for at, line in enumerate(lines) if line.startswith("Corrected: 1 of 4 actor scores."))
    assert lines[start].endswith(" The others remain the model's own.")
    assert sorted(lines[start + 1 :]) == [
        "  1: in fewer than 5 articles (of a single one: sentences), which is too few",
        "  1: some examples could not be drawn: name the actor in wanted of another sheet",
        "  1: too few labels: label more",
    ]
    terminal.answered(summary, actors[-1:], saved)
    assert capsys.readouterr().out.splitlines()[-1] == "Corrected: 1 of 1 actor score."


def test_pairs_of_actors_are_shown_and_those_with_an_interval_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = "n,documents,gold,score,low,high,correction\n"
    rows = [
        "AUTHOR,a,1234567,9,,0.1,0.0,0.2,none",
        "a,b,1200,9,,0.1,,,none",
        "UNKNOWN,a,9,9,,0.1,,,none",
        "b,a,7,7,,-0.1,-0.2,-0.1,none",
    ]
    (tmp_path / "pairs.csv").write_text("source,target," + columns + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "actors.csv").write_text("actor,role," + columns, encoding="utf-8")
    (tmp_path / "predictions.jsonl").touch()
    terminal.actors(tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert [line[:3] for line in lines[1:3]] == [["b", "a", "7"], ["a", "b", "1,200"]]
    assert lines[3] == ["…", "2", "more", "in", "pairs.csv"]
    assert not any("AUTHOR" in line or "UNKNOWN" in line for line in lines)


def test_the_rule_behind_a_mention_is_wrapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = {"document_id": "a", "raw_start": 0, "raw_end": 9}
    rule, actor = "pronoun: subject of the sentence before", "union_of_all_" * 5
    mention = {**place, "text": "its" * 20, "actor": actor, "rule": rule, "confidence": 0.45, "candidates": ["varna"]}
    write_jsonl(tmp_path / "predictions.jsonl", [])
    write_jsonl(tmp_path / "sentences.jsonl", [{**place, "text": "Its port shut, " * 9}])
    write_jsonl(tmp_path / "mentions.jsonl", [mention, mention | {"text": "its", "actor": "UNKNOWN"}])
    terminal.explain(tmp_path)
    _, sentence, *lines = capsys.readouterr().out.splitlines()
    assert sentence.startswith("Its port shut")
    assert max(map(len, [sentence, *lines])) <= terminal.WIDTH
    assert lines[-2:] == [
        f"  {'its':28} UNKNOWN (varna): pronoun: subject of the sentence",
        f"  {'':28} before, confidence 0.45",
    ]
    assert "".join(line[31:] for line in lines[:-2]).startswith(actor + " (varna): ")


def test_a_file_that_was_not_read_is_named_at_the_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.unread([Path("in/dams.csv")], ended=True)
    assert capsys.readouterr().out == (
        "\nwarning: 1 file was not read: dams.csv\n  Tables are read one at a time, as the input: in/dams.csv\n"
    )
    terminal.unread([Path("in/a.pdf"), Path("in/b.pdf")], ended=True)
    assert capsys.readouterr().out == "\nwarning: 2 files were not read: a.pdf, b.pdf\n"
    terminal.unread([], ended=True)
    assert capsys.readouterr().out == ""
