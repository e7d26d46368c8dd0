"""A check from the sheet to the corrected scores, and what is said of a sheet that does not fit."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstance import checking
from actorstance.commands import terminal
from actorstance.correction import correct
from actorstance.errors import InputError
from actorstance.evaluation import sheets
from actorstance.examples import LABELS
from actorstance.files import write_jsonl
from actorstance.saved import Saved, read_saved, wanted_intervals

ACTORS = ("=varna", "ostia", "corvia")
WORDS = "\U0001f54a Varna's envoy, “quite calm”, said no to Ostia."


def lines(articles: int = 30) -> list[dict[str, Any]]:
    """Predictions of articles with a mention in each of three sentences: who is spoken of takes turns."""
    rng = np.random.default_rng(0)
    found = []
    for at in range(3 * articles):
        text = f"{WORDS} {at}"
        chances = rng.dirichlet([1, 1, 1])
        ids = {"example_id": f"a{at // 3}:{at % 3}", "document_id": f"a{at // 3}", "group_id": f"a{at // 3}"}
        places = {"source_start": 2, "source_end": 7, "target_start": 43, "target_end": 48, "raw_start": 60 * (at % 3)}
        pair = {"source": ACTORS[at % 3], "target": ACTORS[(at + 1) % 3], "gold": None}
        row = {**ids, "text": text, **pair, **dict(zip(LABELS, chances.tolist(), strict=True)), **places}
        found.append({**row, "set": None, "date": f"2020-0{1 + at // 45}-11"})
    return found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    write_jsonl(folder / "predictions.jsonl", lines())
    kept = [{key: row[key] for key in ("document_id", "raw_start", "text")} for row in lines()]
    write_jsonl(folder / "sentences.jsonl", [{**row, "raw_end": row["raw_start"] + 59} for row in kept])
    columns = "actor,role,n,documents,gold,score,low,high,correction,by_rule"
    (folder / "actors.csv").write_text(f"{columns}\n'=varna,received,30,30,,0.1,,,none,7\n", encoding="utf-8")
    return folder


def asked(run: Path, out: Path, n: int = 20, wanted: list[str] | None = None) -> Saved:
    saved = read_saved(run)
    checking.write_plan(out, saved, checking.plan(saved, n, wanted))
    return read_saved(out)


def labels_of(saved: Saved, answer: Callable[[int], str]) -> dict[str, str]:
    ids = [
        row["example_id"] for row, there in zip(saved.rows, saved.asked, strict=True) if there and row["gold"] is None
    ]
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
        stance: dict[str, Any] = {"from_name": "stance", "to_name": "text", "type": "choices"}
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
    assert {path.name for path in (tmp_path / "check").iterdir()} >= {
        "sentences.jsonl",
        "sheet_labelstudio.xml",
        *sheets.SHEETS,
    }
    assert (tmp_path / "check" / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    labels = labels_of(saved, lambda at: (*LABELS, "unclear", "")[at % 5] if at < 10 else "against")
    answered, summary = checking.answer(saved, fill_csv(tmp_path / "check", labels))
    assert [summary[key] for key in ("asked", "answered", "unclear", "blank", "skipped")] == [40, 36, 2, 2, 2]
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
    assert more.asked.sum() == 50
    assert (more.asked >= saved.asked).all()
    assert json.loads((tmp_path / "more" / "check.json").read_text(encoding="utf-8"))["intervals"][0]["half_width"] > 0
    last, summary = checking.answer(more, fill_csv(tmp_path / "more", labels_of(more, lambda _: "favor")))
    assert (summary["answered"], summary["blank"]) == (10, 4)
    assert (last.gold >= 0).sum() == 36 + 10


def in_turn(saved: Saved, answer: Callable[[int], str], sheet: int = 1) -> dict[str, str]:
    """Labels by the row of the sheet, from 0."""
    ids = {row["place"][1]: row["example_id"] for row in saved.rows if row["place"] and row["place"][0] == sheet}
    return {ids[row]: answer(row - 1) for row in sorted(ids)}


def test_a_sheet_may_be_filled_as_far_as_one_gets_and_then_further(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = asked(run, tmp_path / "check")
    sheet = fill_csv(tmp_path / "check", in_turn(saved, lambda at: "favor" if at < 8 else ""))
    half, summary = checking.answer(saved, sheet)
    assert [summary[key] for key in ("asked", "answered", "blank", "skipped")] == [20, 8, 12, 0]
    assert half.label_chances == pytest.approx(0.4 * saved.inclusion)
    terminal.answered(summary, [], half)
    assert "random part" not in capsys.readouterr().out  # its order is by chance: nothing need be taken for granted
    checking.write_answered(tmp_path / "half", half, summary)
    half = read_saved(tmp_path / "half")
    with pytest.raises(InputError, match=r"filled\.csv: every label in it was read before"):
        checking.answer(half, sheet)
    with pytest.raises(InputError, match=r"is against here, but favor was read before"):
        checking.answer(half, fill_csv(tmp_path / "check", in_turn(saved, lambda _: "against")))
    gaps = in_turn(saved, lambda at: ("favor", "unclear", "")[at % 3] if at >= 8 else "favor")
    full, summary = checking.answer(half, fill_csv(tmp_path / "check", gaps))
    assert [summary[key] for key in ("asked", "answered", "unclear", "blank")] == [12, 4, 4, 4]
    assert summary["skipped"] == 4
    assert full.label_chances == pytest.approx(0.6 * saved.inclusion)
    terminal.answered(summary, [], full)
    assert "8 rows before the last labelled one have no label. They are taken for a random" in capsys.readouterr().out


def test_each_sheet_has_its_own_share_of_answers(tmp_path: Path, run: Path) -> None:
    """All of the first, on one actor; a quarter of the second, on another."""
    saved = asked(run, tmp_path / "first", wanted=["ostia"])
    filled, summary = checking.answer(saved, fill_csv(tmp_path / "first", in_turn(saved, lambda _: "favor")))
    checking.write_answered(tmp_path / "one", filled, summary)
    more = asked(tmp_path / "one", tmp_path / "second", wanted=["corvia"])
    promised = json.loads((tmp_path / "second" / "check.json").read_text(encoding="utf-8"))["intervals"]
    assert promised[0]["expected_labelled"] == pytest.approx(20)
    sheet = fill_csv(tmp_path / "second", in_turn(more, lambda at: "favor" if at < 5 else "", 2))
    both, _ = checking.answer(more, sheet)
    chances, target = both.label_chances, np.array([row["target"] for row in both.rows])
    assert chances is not None
    for name, share in (("ostia", 1.0), ("corvia", 0.25), ("=varna", 0.0)):
        assert chances[target == name] == pytest.approx(share * both.inclusion[target == name]), name


def test_a_check_of_before_sheets_were_told_apart_is_read(tmp_path: Path, run: Path) -> None:
    saved = asked(run, tmp_path / "check")
    old = [{key: value for key, value in row.items() if key not in ("draws", "place")} for row in saved.rows]
    write_jsonl(tmp_path / "check" / "predictions.jsonl", old)
    saved = read_saved(tmp_path / "check")
    labels = labels_of(saved, lambda at: "favor" if at < 10 else "")
    answered, summary = checking.answer(saved, fill_csv(tmp_path / "check", labels))
    assert answered.label_chances == pytest.approx(saved.inclusion / 2)
    assert summary["skipped"] == 10  # nothing tells that the others are the last ones
    checking.write_answered(tmp_path / "corrected", answered, summary)
    more = asked(tmp_path / "corrected", tmp_path / "more", n=10)
    assert more.draws.shape == (90, 2)
    assert sorted(more.places[more.places[:, 0] == 1, 1].tolist()) == list(range(1, 11))


def test_scores_of_half_filled_sheets_are_right_on_average(tmp_path: Path) -> None:
    """A model that is sure of most mentions, rightly, and wrong about the others; of these nearly all are asked.

    One actor of 150 mentions, 100 asked and 50 answered; two of 75, 40 of each asked on a sheet of its own, of which
    all of the first and 10 of the second are answered. 400 times each.
    """
    rng, n = np.random.default_rng(1), 150
    hard = rng.random(n) < 0.2
    chances = np.where(hard[:, None], rng.dirichlet([2, 2, 2], n), rng.dirichlet([0.2, 12, 0.2], n))
    truth = np.where(hard, rng.choice(3, n, p=[0.55, 0.35, 0.1]), rng.choice(3, n, p=[0.03, 0.94, 0.03]))
    rows = [
        {
            "example_id": str(at),
            "group_id": str(at),
            "source": "AUTHOR",
            "gold": None,
            **dict(zip(LABELS, p, strict=True)),
        }
        for at, p in enumerate(chances.tolist())
    ]
    for parts, plans in ((1, [(100, 50)]), (2, [(40, 40), (40, 10)])):
        found = [{**row, "target": str(at % parts)} for at, row in enumerate(rows)]
        held, errors = 0, []
        for seed in range(400):
            now = Saved(tmp_path, found)
            (tmp_path / "check.json").write_text(json.dumps({"seed": seed}), encoding="utf-8")
            for part, (asked, filled) in enumerate(plans):
                plan = checking.plan(now, asked, [str(part)], seed)
                gold = now.gold.copy()
                gold[plan.chosen[:filled]] = truth[plan.chosen[:filled]]
                now = checking.with_plan(now, plan).labelled(gold)
            ours = correct(now.worth, np.arange(n), now.scores, now.label_chances)
            assert ours is not None
            held += ours.low_here <= (truth - 1).mean() <= ours.high_here
            errors.append(ours.score - (truth - 1).mean())
        assert abs(np.mean(errors)) < 0.15 * np.std(errors), parts
        assert held / 400 >= 0.93, parts


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


def rows_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What each form of a sheet holds of its rows."""
    with (folder / "sheet.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    tasks = json.loads((folder / "sheet_labelstudio.json").read_text(encoding="utf-8"))
    doccano = (folder / "sheet_doccano.jsonl").read_text(encoding="utf-8").splitlines()
    return {"csv": table, "label studio": [task["data"] for task in tasks], "doccano": list(map(json.loads, doccano))}


def test_a_sheet_shows_the_sentences_before(tmp_path: Path, run: Path) -> None:
    saved = asked(run, tmp_path / "check")
    (run / "sentences.jsonl").unlink()
    asked(run, tmp_path / "unknown")
    texts = {(row["document_id"], row["raw_start"]): row["text"] for row in saved.rows}
    places = {row["example_id"]: (row["document_id"], row["raw_start"]) for row in saved.rows}
    for form, rows in rows_of(tmp_path / "check").items():
        assert {len(row["before"].split(WORDS)) - 1 for row in rows} == {0, 1, 2}, form
        for row in rows:
            document, start = places[row["example_id"]]
            before = [texts[document, at] for at in (start - 120, start - 60) if at >= 0]
            assert (row["document_id"], row["before"]) == (document, " ".join(before)), form
        assert {row["before"] for row in rows_of(tmp_path / "unknown")[form]} == {""}, form
    settings = (tmp_path / "check" / "sheet_labelstudio.xml").read_text(encoding="utf-8")
    assert settings.index('"$document_id"') < settings.index('"$before"') < settings.index('"$text"')


def test_the_first_columns_and_keys_of_a_sheet_stay(tmp_path: Path, run: Path) -> None:
    asked(run, tmp_path / "check")
    rows = rows_of(tmp_path / "check")
    assert list(rows["csv"][0])[:9] == [
        *("row", "label", "text", "source", "target", "source_mention", "target_mention", "date", "example_id")
    ]
    assert list(rows["label studio"][0])[:5] == ["example_id", "text", "source", "target", "date"]
    assert list(rows["doccano"][0])[:7] == ["text", "example_id", "source", "target", "date", "entities", "relations"]


@pytest.mark.parametrize("form", FILL)
def test_a_sheet_without_the_sentences_before_is_read(tmp_path: Path, run: Path, form: str) -> None:
    def without(found: list[Any]) -> None:
        if form == "csv":
            for name in ("before", "document_id"):
                at = found[0].index(name)
                for row in found:
                    del row[at]
            return
        for row in found:
            data = row["data"] if form == "label studio" else row
            del data["before"], data["document_id"]

    saved = asked(run, tmp_path / "check")
    labels = labels_of(saved, lambda at: LABELS[at % 3])
    answered, _ = checking.answer(saved, FILL[form](tmp_path / "check", labels, without))
    assert (answered.gold >= 0).sum() == 20


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (
            "csv",
            r"filled\.csv: none of 20 rows is labelled\. Fill in the column label: against, neutral, favor, unclear",
        ),
        ("label studio", r"export\.json: none of 20 rows is labelled\. Fill in the choice stance of each task"),
        ("doccano", r"all\.jsonl: none of 20 rows is labelled\. Fill in an entity's label in each row"),
    ],
)
def test_a_sheet_without_a_label(tmp_path: Path, run: Path, form: str, says: str) -> None:
    def clear(found: list[Any]) -> None:
        for row in found:
            if form == "label studio":
                del row["annotations"][0]["result"][3:]
            elif form == "doccano":
                del row["entities"][2:]

    saved = asked(run, tmp_path / "check")
    labels = {} if form == "csv" else labels_of(saved, lambda _: "favor")
    with pytest.raises(InputError, match=says):
        checking.answer(saved, FILL[form](tmp_path / "check", labels, clear))
    answered, summary = checking.answer(saved, fill_csv(tmp_path / "check", labels_of(saved, lambda _: "unclear")))
    assert (summary["unclear"], (answered.gold >= 0).sum()) == (20, 0)  # an answer, if none that corrects


def test_fewer_mentions_than_were_requested(tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """30 mentions bear on a wanted actor; the terminal says that there are no more, and only then."""
    saved = read_saved(run)
    few = checking.plan(saved, 40, ["ostia"]).summary
    assert (few["requested"], few["asked"], few["left"]) == (40, 30, 0)
    terminal.asked(few, tmp_path, "then")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Fewer than 40" in line]
    assert "no other affects these intervals" in line
    assert len(line) <= terminal.WIDTH
    enough = checking.plan(saved, 20, ["ostia"]).summary
    assert (enough["requested"], enough["asked"], enough["left"]) == (20, 20, 10)
    terminal.asked(enough, tmp_path, "then")
    assert "Fewer than" not in capsys.readouterr().out


def set_cell(row: int, name: str, value: str) -> Callable[[list[list[str]]], None]:
    def change(table: list[list[str]]) -> None:
        table[row][table[0].index(name)] = value

    return change


def as_spreadsheets_do(table: list[list[str]]) -> None:
    """Rows sorted, columns moved and added, some without a name; labels in capitals and with spaces; an empty row."""
    label = table[0].index("label")
    for at, row in enumerate(table):
        row[label] = row[label] if at == 0 else (f" {row[label].title()}\u00a0 ", f"{row[label].upper()} ")[at % 2]
        row[:] = [*row[::-1], "my notes" if at == 0 else f"why; {at}", "", ""]
    table[1:] = [*table[:0:-1], [""] * len(table[0])]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("name", ["FILLED.CSV", "filled.csv"])
def test_a_sheet_as_spreadsheets_save_it(tmp_path: Path, run: Path, delimiter: str, name: str) -> None:
    saved = asked(run, tmp_path / "check")
    labels = labels_of(saved, lambda at: LABELS[at % 3])
    expected, _ = checking.answer(saved, fill_csv(tmp_path / "check", labels))
    with fill_csv(tmp_path / "check", labels, as_spreadsheets_do).open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file, delimiter=";"))
    with (tmp_path / name).open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(table)
    answered, _ = checking.answer(saved, tmp_path / name)
    assert answered.gold.tolist() == expected.gold.tolist()


@pytest.mark.parametrize("form", FILL)
def test_a_sheet_may_begin_with_a_byte_order_mark(tmp_path: Path, run: Path, form: str) -> None:
    saved = asked(run, tmp_path / "check")
    sheet = FILL[form](tmp_path / "check", labels_of(saved, lambda _: "favor"))
    sheet.write_bytes(codecs.BOM_UTF8 + sheet.read_bytes())
    answered, _ = checking.answer(saved, sheet)
    assert (answered.gold >= 0).sum() == 20


def test_rows_that_are_not_in_a_sheet_are_left_out(tmp_path: Path, run: Path) -> None:
    saved = asked(run, tmp_path / "check")
    sheet = fill_csv(tmp_path / "check", labels_of(saved, lambda _: "favor"), lambda table: table.__delitem__(3))
    answered, summary = checking.answer(saved, sheet)
    assert [summary[key] for key in ("answered", "blank", "skipped")] == [19, 1, 1]
    assert answered.label_chances == pytest.approx(19 / 20 * saved.inclusion)


BAD: list[tuple[str, Callable[..., Any], str]] = [
    ("csv", set_cell(2, "label", "hostile"), r"filled.csv:3: label 'hostile' is none of against"),
    ("csv", set_cell(1, "text", "Another sentence."), r"filled.csv:2: text is 'Another sentence\.'"),
    ("csv", set_cell(1, "source", "bomark"), "source is 'bomark'"),
    ("csv", set_cell(1, "example_id", "a99:0"), "'a99:0' is no row of the sheet"),
    ("csv", lambda table: table.append(table[1]), r"stands already in .*filled.csv:2"),
    ("csv", lambda table: [row.pop(1) for row in table], "no column 'label'"),
    ("csv", lambda table: [row.append(row[1]) for row in table], "two columns have one name, 'label'"),
    ("csv", lambda table: table[3].pop(), r"filled.csv:4: 10 fields, the first line names 11"),
    (
        "label studio",
        lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(start=2),
        "task 1: source is marked",
    ),
    (
        "label studio",
        lambda tasks: tasks[0]["annotations"][0]["result"][0]["value"].update(start=1),
        "task 1: source is marked",
    ),
    (
        "label studio",
        lambda tasks: tasks[1]["annotations"][0]["result"][2].update(from_id="target", to_id="source"),
        "task 2: a relation goes from target to source",
    ),
    ("label studio", lambda tasks: tasks[0]["annotations"][0]["result"][2].update(direction="left"), "relation"),
    (
        "label studio",
        lambda tasks: tasks[0]["annotations"].append(
            {"result": [{"from_name": "stance", "value": {"choices": ["x"]}}]}
        ),
        "2 answers",
    ),
    ("label studio", lambda tasks: tasks[0].pop("data"), "task 1: no data"),
    (
        "doccano",
        lambda rows: rows[2]["entities"][1].update(end_offset=48),
        "all.jsonl:3: target is marked from 44 to 48",
    ),
    ("doccano", lambda rows: rows[0]["relations"][0].update(from_id=1, to_id=0), "from target to source"),
    ("doccano", lambda rows: rows[0].update(target="bomark"), "target is 'bomark'"),
]


@pytest.mark.parametrize(("form", "change", "says"), BAD)
def test_a_row_that_does_not_fit(tmp_path: Path, run: Path, form: str, change: Callable[..., None], says: str) -> None:
    saved = asked(run, tmp_path / "check")
    labels = labels_of(saved, lambda at: LABELS[at % 3])
    with pytest.raises(InputError, match=says):
        checking.answer(saved, FILL[form](tmp_path / "check", labels, change))


def test_what_cannot_be_checked(tmp_path: Path, run: Path) -> None:
    saved = read_saved(run)
    for n in (0, True, -3):
        with pytest.raises(InputError, match="n="):
            checking.plan(saved, n)
    for wanted, says in (
        (["nobody"], "nothing of that"),
        ([], "no actor is named"),
        (["ostia->nobody"], "nothing of that"),
    ):
        with pytest.raises(InputError, match=says):
            checking.plan(saved, 5, wanted)
    with pytest.raises(InputError, match="seed=-1"):
        checking.plan(saved, 5, seed=-1)
    with pytest.raises(InputError, match="nothing was asked of it"):
        checking.answer(saved, run / "sheet.csv")
    everything = asked(run, tmp_path / "all", n=90)
    assert everything.asked.all()
    with pytest.raises(InputError, match="was asked already"):
        checking.plan(everything, 1)
    for wanted_now, says in (
        (3, "no list 'wanted'"),
        ([{"role": "pair"}], "None -> None is not in"),
        (["x"], "expected role"),
    ):
        (tmp_path / "all" / "check.json").write_text(json.dumps({"seed": 0, "wanted": wanted_now}), encoding="utf-8")
        with pytest.raises(InputError, match=says):
            checking.answer(everything, tmp_path / "all" / "sheet.csv")
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
        ({"draws": []}, "expected probabilities"),
        ({"draws": [0.5, "x"], "inclusion": 0.5}, "expected probabilities"),
        ({"draws": [0.5], "inclusion": 0.9}, "draws add up to 0.5"),
        ({"draws": [0.5], "inclusion": 0.5}, "another length than in the first line"),
        ({"draws": [0.5], "inclusion": 0.5, "asked": True}, "place is None"),
        ({"draws": [0.5], "inclusion": 0.5, "asked": True, "place": [2, 1]}, r"place is \[2, 1\]"),
        ({"place": [1, 1]}, r"place is \[1, 1\]"),
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
    after = checking.with_plan(saved, found).labelled(gold)
    for one, row in zip(wanted_intervals(saved), found.summary["intervals"], strict=True):
        now = checking._now(after, one)
        assert now["half_width"] == pytest.approx(row["expected_half_width"], rel=0.3)
        assert now["labelled"] == pytest.approx(row["expected_labelled"], abs=1)
    assert abs(saved.scores.mean()) < 0.2


@given(st.text(), st.data())
def test_utf16_places_come_back(text: str, data: Any) -> None:
    place = data.draw(st.integers(0, len(text)))
    assert sheets.code_point(text, sheets.utf16(text, place)) == place
    assert sheets.code_point(text, len(text.encode("utf-16-le")) // 2 + 1) is None
