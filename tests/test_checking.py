"""A check from the sheet to the corrected scores, and what is said of a sheet that does not fit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstance import checking, sheets
from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.files import write_jsonl
from actorstance.saved import Saved, read_saved
from actorstance.scoring import stance_scores

ACTORS = ("=varna", "ostia", "corvia")
WORDS = "\U0001f54a Varna's envoy, “quite calm”, said no to Ostia."


def lines(articles: int = 30) -> list[dict[str, Any]]:
    """Predictions of articles with three mentions each: who is spoken of takes turns."""
    rng = np.random.default_rng(0)
    found = []
    for at in range(3 * articles):
        text = f"{WORDS} {at}"
        chances = rng.dirichlet([1, 1, 1])
        ids = {"example_id": f"a{at // 3}:{at % 3}", "document_id": f"a{at // 3}", "group_id": f"a{at // 3}"}
        places = {"source_start": 2, "source_end": 7, "target_start": 43, "target_end": 48}
        pair = {"source": ACTORS[at % 3], "target": ACTORS[(at + 1) % 3], "gold": None}
        row = {**ids, "text": text, **pair, **dict(zip(LABELS, chances.tolist(), strict=True)), **places}
        found.append({**row, "set": None, "date": f"2020-0{1 + at // 45}-11"})
    return found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    write_jsonl(folder / "predictions.jsonl", lines())
    write_jsonl(folder / "sentences.jsonl", [{"text": "kept"}])
    (folder / "actors.csv").write_text("actor,role,n,by_rule\n'=varna,received,30,7\n", encoding="utf-8")
    return folder


def asked(run: Path, out: Path, n: int = 20, wanted: list[str] | None = None) -> Saved:
    saved = read_saved(run)
    checking.write_plan(out, saved, checking.plan(saved, n, wanted))
    return read_saved(out)


def labels_of(saved: Saved, answer: Callable[[int], str]) -> dict[str, str]:
    ids = [row["example_id"] for row, there in zip(saved.rows, saved.asked, strict=True) if there and row["gold"] is None]
    return {id: answer(at) for at, id in enumerate(ids)}


def fill_csv(folder: Path, labels: dict[str, str], change: Callable[[list[list[str]]], None] = lambda _: None) -> Path:
    with (folder / "sheet.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    label, id = table[0].index("label"), table[0].index("example_id")
    for row in table[1:]:
        row[label] = labels.get(row[id], "")
    change(table)
    path = folder / "filled.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(table)  # as a spreadsheet in much of Europe saves it
    return path


def fill_label_studio(
    folder: Path, labels: dict[str, str], change: Callable[[list[Any]], None] = lambda _: None
) -> Path:
    tasks = json.loads((folder / "sheet_labelstudio.json").read_text(encoding="utf-8"))
    for task in tasks:
        stance = {"from_name": "stance", "to_name": "text", "type": "choices"}
        stance |= {"value": {"choices": [labels[task["data"]["example_id"]]]}}
        task["annotations"] = [{"result": [*task["predictions"][0]["result"], stance]}]
    change(tasks)
    path = folder / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def fill_doccano(folder: Path, labels: dict[str, str], change: Callable[[list[Any]], None] = lambda _: None) -> Path:
    rows = [json.loads(line) for line in (folder / "sheet_doccano.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["entities"].append({"id": 9, "label": labels[row["example_id"]], "start_offset": 0, "end_offset": 2})
    change(rows)
    path = folder / "all.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


FILL = {"csv": fill_csv, "label studio": fill_label_studio, "doccano": fill_doccano}


def test_from_the_sheet_to_corrected_scores_and_on(tmp_path: Path, run: Path) -> None:
    saved = asked(run, tmp_path / "check", n=40)
    assert (saved.asked.sum(), saved.inclusion.sum()) == (40, pytest.approx(40))
    assert {path.name for path in (tmp_path / "check").iterdir()} >= {"sentences.jsonl", "sheet_labelstudio.xml", *sheets.SHEETS}
    assert (tmp_path / "check" / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    labels = labels_of(saved, lambda at: (*LABELS, "unclear", "")[at % 5] if at < 10 else "against")
    answered, summary = checking.answer(saved, fill_csv(tmp_path / "check", labels))
    assert [summary[key] for key in ("asked", "answered", "unclear", "blank")] == [40, 36, 2, 2]
    assert summary["labels"] == {"against": 32, "neutral": 2, "favor": 2}
    checking.write_answered(tmp_path / "corrected", answered, summary)
    with (tmp_path / "corrected" / "actors.csv").open(encoding="utf-8", newline="") as file:
        actors = list(csv.DictReader(file))
    received = {row["actor"]: row for row in actors if row["role"] == "received"}
    assert {row["correction"] for row in received.values()} <= {"ppi++", "classical"}
    assert sum(int(row["labelled"]) for row in received.values()) == 36
    assert all(float(row["score"]) < -0.5 for row in received.values())
    assert received["'=varna"]["by_rule"] == "7"
    again = read_saved(tmp_path / "corrected")
    assert [row["example_id"] for row in again.rows] == [row["example_id"] for row in saved.rows]
    more = asked(tmp_path / "corrected", tmp_path / "more", n=10, wanted=["ostia", "ostia->corvia", "corvia->"])
    assert (more.asked.sum(), (more.inclusion >= saved.inclusion - 1e-12).all()) == (50, True)
    assert json.loads((tmp_path / "more" / "check.json").read_text(encoding="utf-8"))["intervals"][0]["half_width"] > 0
    last, summary = checking.answer(more, fill_csv(tmp_path / "more", labels_of(more, lambda _: "favor")))
    assert (summary["answered"], (last.gold >= 0).sum()) == (12 - 2, 36 + 10) or summary["answered"] >= 10


def test_the_three_forms_say_the_same(tmp_path: Path, run: Path) -> None:
    saved = asked(run, tmp_path / "check")
    labels = labels_of(saved, lambda at: LABELS[at % 3])
    gold = [checking.answer(saved, fill(tmp_path / "check", labels))[0].gold.tolist() for fill in FILL.values()]
    assert gold[0] == gold[1] == gold[2]
    assert sum(label >= 0 for label in gold[0]) == 20
    task = json.loads((tmp_path / "check" / "sheet_labelstudio.json").read_text(encoding="utf-8"))[0]
    spans = {part["id"]: part["value"] for part in task["predictions"][0]["result"] if part["type"] == "labels"}
    assert (spans["source"]["start"], spans["target"]["start"]) == (3, 44)  # the dove is two units
    assert task["predictions"][0]["result"][-1]["direction"] == "right"


def set_cell(row: int, name: str, value: str) -> Callable[[list[list[str]]], None]:
    def change(table: list[list[str]]) -> None:
        table[row][table[0].index(name)] = value

    return change


BAD: list[tuple[str, Callable[..., None], str]] = [
    ("csv", set_cell(2, "label", "hostile"), r"filled.csv:3: label 'hostile' is none of against"),
    ("csv", set_cell(1, "text", "Another sentence."), r"filled.csv:2: text is 'Another sentence\.'"),
    ("csv", set_cell(1, "source", "bomark"), "source is 'bomark'"),
    ("csv", set_cell(1, "example_id", "a99:0"), "'a99:0' is no row of the sheet"),
    ("csv", lambda table: table.append(table[1]), r"stands already in .*filled.csv:2"),
    ("csv", lambda table: [row.pop(1) for row in table], "no column 'label'"),
    ("label studio", lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(start=2), "task 1: source is marked"),
    ("label studio", lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(start=1), "task 1: source is marked"),
    (
        "label studio",
        lambda tasks: tasks[1]["annotations"][0]["result"][2].update(from_id="target", to_id="source"),
        "task 2: a relation goes from target to source",
    ),
    ("label studio", lambda tasks: tasks[0]["annotations"][0]["result"][2].update(direction="left"), "relation"),
    (
        "label studio",
        lambda tasks: tasks[0]["annotations"].append({"result": [{"from_name": "stance", "value": {"choices": ["x"]}}]}),
        "2 answers",
    ),
    ("label studio", lambda tasks: tasks[0].pop("data"), "task 1: no data"),
    ("doccano", lambda rows: rows[2]["entities"][1].update(end_offset=48), "all.jsonl:3: target is marked from 44 to 48"),
    ("doccano", lambda rows: rows[0]["relations"][0].update(from_id=1, to_id=0), "from target to source"),
    ("doccano", lambda rows: rows[0].update(target="bomark"), "target is 'bomark'"),
]


@pytest.mark.parametrize(("form", "change", "says"), BAD)
def test_a_row_that_does_not_fit(
    tmp_path: Path, run: Path, form: str, change: Callable[..., None], says: str
) -> None:
    saved = asked(run, tmp_path / "check")
    labels = labels_of(saved, lambda at: LABELS[at % 3])
    with pytest.raises(InputError, match=says):
        checking.answer(saved, FILL[form](tmp_path / "check", labels, change))


def test_what_cannot_be_checked(tmp_path: Path, run: Path) -> None:
    saved = read_saved(run)
    for n in (0, True, -3):
        with pytest.raises(InputError, match="n="):
            checking.plan(saved, n)
    for wanted, says in ((["nobody"], "nothing of that"), ([], "no actor is named"), (["ostia->nobody"], "nothing of that")):
        with pytest.raises(InputError, match=says):
            checking.plan(saved, 5, wanted)
    with pytest.raises(InputError, match="nothing was asked of it"):
        checking.answer(saved, run / "sheet.csv")
    everything = asked(run, tmp_path / "all", n=90)
    assert everything.asked.all()
    with pytest.raises(InputError, match="was asked already"):
        checking.plan(everything, 1)
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    write_jsonl(labelled / "predictions.jsonl", [row | {"gold": "favor"} for row in lines()])
    with pytest.raises(InputError, match="have labels already"):
        checking.plan(read_saved(labelled), 5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"favor": 0.9}, "add up to 1"),
        ({"gold": "yes"}, "gold is 'yes'"),
        ({"text": "\ud800"}, "no text"),
        ({"target_end": 999}, "outside the text"),
        ({"inclusion": 2}, "expected a probability"),
        ({"asked": True}, "with an inclusion of 0.0"),
        ({"example_id": "a1:0"}, "twice"),
    ],
)
def test_predictions_that_no_run_writes(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    rows = lines()
    rows[0] |= change
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "predictions.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_saved(tmp_path)


def test_the_expected_width_comes_about(run: Path, tmp_path: Path) -> None:
    """Labels that fall as the probabilities say give the widths that were promised."""
    saved = read_saved(run)
    found = checking.plan(saved, 60)
    gold = np.full(len(saved.rows), -1)
    rng = np.random.default_rng(1)
    for at in found.chosen:
        gold[at] = rng.choice(3, p=saved.probabilities[at])
    drawn = np.isin(np.arange(len(saved.rows)), found.chosen)
    after = Saved(saved.folder, saved.rows, saved.probabilities, gold, found.inclusion, drawn)
    for one, row in zip(checking.wanted_intervals(saved), found.summary["intervals"], strict=True):
        now = checking._now(after, one)
        assert now["half_width"] == pytest.approx(row["expected_half_width"], rel=0.3)
        assert now["labelled"] == pytest.approx(row["expected_labelled"], abs=1)
    assert abs(stance_scores(saved.probabilities).mean()) < 0.2


@given(st.text(), st.data())
def test_utf16_places_come_back(text: str, data: Any) -> None:
    place = data.draw(st.integers(0, len(text)))
    assert sheets.code_point(text, sheets.utf16(text, place)) == place
    assert sheets.code_point(text, len(text.encode("utf-16-le")) // 2 + 1) is None
