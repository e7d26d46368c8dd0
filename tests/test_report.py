"""What lies beside the report, what refuses to become one, and the `actorstance` command."""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import actorstance
from actorstance import comparing, documents, load, pipeline, report
from actorstance.actors import Registry
from actorstance.commands import cli, terminal
from actorstance.errors import InputError
from actorstance.pages import events, figures, findings

RAW = (
    "Talks collapse\n\nTurkey on Monday accused Russia of breaking the truce.\n\n"
    "France praised Iran for the help it had sent.\n"
)


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run, and a run of predict in it."""
    made = tmp_path_factory.mktemp("runs")
    shutil.copytree(trained, made / "run")
    pipeline.predict(
        load(trained), [documents.parse("=a", RAW, date="2031-02-03")], made / "read", command="predict =a"
    )
    return made


@pytest.mark.parametrize("name", ["run", "read"])
def test_a_report_is_made_again_from_the_files_alone(folder: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(folder / name, tmp_path / name)
    first = (folder / name / "report.html").read_bytes()
    for file in ("report.html", "network.graphml"):
        (tmp_path / name / file).unlink()
    assert report.write(tmp_path / name).read_bytes() == first


def _change(path: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Change the rows of a table of scores."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row | change(row) for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_scored_run_tells_label_by_label_what_it_says_and_what_is(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    terminal.metrics(metrics)
    page, said = (trained / "report.html").read_text(encoding="utf-8"), capsys.readouterr().out
    for label, row in metrics["calibration"].items():
        figures = [f"{row[name]:.3f}" for name in ("mean_probability", "share")]
        assert re.search(rf"  {label} .*{'  '.join(figures)}\n", said)
        cells = "".join(f'<td class="n">{figure}</td>' for figure in [*figures, f"{row['ece']:.3f}"])
        assert re.search(rf"{label}</th>{cells}</tr>", page)
    assert f"rarely more than {metrics['ece_if_calibrated_high']:.3f}" in page


@pytest.fixture
def checked(folder: Path, tmp_path: Path) -> Path:
    """The run of predict, with scores that are corrected: what Russia receives, of all and of the author."""
    run = shutil.copytree(folder / "read", tmp_path / "checked")
    more = {"correction": "ppi++", "low": "-0.5", "high": "-0.1"}
    _change(run / "actors.csv", lambda row: more if (row["actor"], row["role"]) == ("russia", "received") else {})
    _change(run / "pairs.csv", lambda row: more if (row["source"], row["target"]) == ("AUTHOR", "russia") else {})
    return run


def test_a_corrected_score_has_a_star(folder: Path, checked: Path) -> None:
    star, meaning = '<span class="star" role="img" aria-label="corrected">*</span>', "corrected by hand-checked labels;"
    page = report.write(checked).read_text(encoding="utf-8")
    sections = {name: page.split(f'id="{name}"')[1].split("</section>")[0] for name in ("actors", "matrix")}
    assert [section.count(star) for section in sections.values()] == [1, 2]  # a cell of the matrix, and of the list
    assert all(section.count(meaning) == 1 for section in sections.values())
    (row,) = [row for row in sections["actors"].split("<tr>") if star in row]
    assert row.startswith('<th scope="row"><bdi>Russia</bdi>')
    assert re.search(r'data-tip="the author on Russia: [−+.\d]+ corrected, ', sections["matrix"])
    before = report.write(folder / "read").read_text(encoding="utf-8")
    assert star not in before
    assert meaning not in before


def test_the_terminal_marks_what_is_corrected(folder: Path, checked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note, needs = "* corrected by labels; a score without a star is the model's own", "an interval needs 5 groups: "
    more = {"correction": "ppi++", "low": "-0.5", "high": "-0.1"}
    _change(checked / "pairs.csv", lambda row: more if (row["source"], row["target"]) == ("turkey", "russia") else {})
    terminal.actors(checked)
    out = capsys.readouterr().out.splitlines()
    assert max(map(len, out)) <= terminal.WIDTH
    starred = [line for line in out if re.search(r"\d\* \[", line)]
    assert [line.split()[:2] for line in starred][1:] == [["turkey", "russia"]]
    assert starred[0].split()[0] == "russia"
    assert [line.strip() for line in out if "corrected" in line] == [note]
    assert sum(needs in line for line in out) == 1
    terminal.actors(folder / "read")
    out = capsys.readouterr().out.splitlines()
    assert not any("*" in line for line in out)
    assert any("too few groups" in line for line in out)
    assert sum(needs in line for line in out) == 1


def test_what_rounds_to_zero_is_printed_one_way(checked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = itertools.cycle(("-0.004", "0.004"))
    for name in ("actors.csv", "pairs.csv"):
        _change(checked / name, lambda _: {"score": next(scores), "low": "-0.0049", "high": "0.0"})
    page = report.write(checked).read_text(encoding="utf-8")
    terminal.actors(checked)
    out = capsys.readouterr().out
    assert not re.search(r"[-+−]0\.00\b", page.split("<script")[0] + out)
    assert " 0.00  [0.00, 0.00]" in out
    assert "an interval needs" not in out
    assert '<td class="n ink">0.00</td>' in page


def test_no_bold_zero_and_a_note_where_all_groups_are_alike(checked: Path) -> None:
    cell = r"<td class=\"c [^>]*><b>"

    def matrix(score: str, low: str, high: str) -> str:
        for name in ("actors.csv", "pairs.csv"):
            _change(checked / name, lambda _: {"score": score, "low": low, "high": high})
        return report.write(checked).read_text(encoding="utf-8").split('id="matrix"')[1].split("</section>")[0]

    note = "all sentences have the same score. They may be copies of one text"
    small = matrix("-0.0049", "-0.0049", "-0.0041")
    assert not re.search(cell, small)
    assert note not in small
    alike = matrix("0.54", "0.54", "0.54")
    assert re.search(cell, alike)
    assert note in alike


def _scored(correction: str, **names: Any) -> dict[str, Any]:
    return {"n": 40, "documents": 9, "score": -0.4, "low": -0.6, "high": -0.2, "correction": correction, **names}


def test_a_finding_says_if_its_score_is_uncorrected() -> None:
    def told(correction: str, other: str) -> list[str]:
        actors = [
            _scored(correction, actor="b", role="received"),
            _scored(correction, actor="AUTHOR", role="expressed"),
        ]
        pairs = [_scored(correction, source="a", target="b"), _scored(other, source="b", target="a")]
        return [finding.text.unescape() for finding in findings.of_reading(actors, pairs, str)]

    for text in told("none", "none"):
        for sentence in re.split(r"(?<=\.) (?=[A-Z])", text):
            assert "uncorrected" in sentence
    assert told("none", "none")[2].startswith("According to the model, the text in its own voice leans against")
    assert not any("uncorrected" in text or "to the model" in text for text in told("ppi++", "ppi++"))
    of_most, clearest, voice, pairs = told("ppi++", "none")
    assert "uncorrected" not in of_most + voice
    assert clearest.endswith("Next: b on a (−0.40, uncorrected).")
    assert "Of 2 pairs (1 uncorrected), <b>2 have intervals that exclude 0</b>" in pairs
    assert pairs.endswith("<b>one has an interval that excludes 0</b> (by chance alone: fewer than one).")
    assert "chance" not in told("none", "none")[3]


@pytest.mark.parametrize(
    ("pairs", "chance"), [(1, "fewer than one"), (19, "fewer than one"), (20, "some 1"), (90, "some 4")]
)
def test_what_chance_would_clear_is_a_twentieth(pairs: int, chance: str) -> None:
    rows = [_scored("ppi++", source="a", target=str(at)) for at in range(pairs)]
    found = findings.of_reading([], rows, str)[-1].text
    said = "one has an interval that excludes" if pairs == 1 else f"{pairs} have intervals that exclude"
    assert found.endswith(f"<b>{said} 0</b> (by chance alone: {chance}).")


def test_a_finding_needs_an_interval_that_is_printed_without_0_and_says_if_it_is_slight() -> None:
    """The ends 0.004 and 0.11 are printed as 0.00 to +0.11: that is no finding."""

    def told(score: float, low: float, high: float) -> list[str]:
        row = _scored("ppi++", source="a", target="b") | {"score": score, "low": low, "high": high}
        return [finding.text.striptags() for finding in findings.of_reading([], [row], str)]

    none = "Of 1 pair, none has an interval that excludes 0 (by chance alone: fewer than one)."
    assert told(0.04, 0.004, 0.11) == [none]
    assert told(0.04, 0.02, 0.11)[0].startswith("a leans slightly toward b: score +0.04 (+0.02 to +0.11)")
    assert told(-0.04, -0.11, -0.02)[0].startswith("a leans slightly against b: ")
    assert told(0.4, 0.2, 0.6)[0].startswith("a stands clearest for b: ")


def test_who_is_asked_about_most_is_no_stance() -> None:
    row = _scored("none", actor="b", role="received") | {"low": None, "high": None}
    (first, _) = findings.of_reading([row], [row | {"source": "a", "target": "b"}], str, "sentences")
    assert (
        first.text
        == "<b>b</b> is the actor most often asked about (40 examples): uncorrected score −0.40 (no interval)."
    )


def test_a_score_has_a_colour_only_where_its_interval_excludes_0(checked: Path) -> None:
    def coloured(score: str, low: str, high: str) -> bool:
        for name in ("actors.csv", "pairs.csv"):
            _change(checked / name, lambda _: {"score": score, "low": low, "high": high})
        page = report.write(checked).read_text(encoding="utf-8")
        tables = page.split("<tbody>", 1)[1].split('id="network"')[0]
        return bool(re.search(r'class="(n against|range s-against|f-against|hollow s-against|c a\d)"', tables))

    assert coloured("-0.4", "-0.6", "-0.2")
    assert not coloured("-0.4", "-0.8", "0.1")
    assert not coloured("-0.4", "-0.8", "-0.004")  # printed as 0.00
    assert not coloured("-0.4", "", "")


def test_uncorrected_scores_are_to_be_compared_with_their_average(folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(folder / "read", tmp_path / "run")
    note = "The average uncorrected score over all examples is {}; compare with that, not with 0."

    def page(**changes: str) -> str:
        _change(run / "pairs.csv", lambda row: changes)
        return report.write(run).read_text(encoding="utf-8")

    _change(
        run / "pairs.csv", lambda row: {"n": "3", "score": "-0.5"} if row["source"] == "AUTHOR" else {"score": "0.25"}
    )
    with (run / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mean = sum(int(row["n"]) * float(row["score"]) for row in rows) / sum(int(row["n"]) for row in rows)
    assert mean < -0.005
    assert note.format(f"−{-mean:.2f}") in page()
    _change(run / "actors.csv", lambda _: {"correction": "ppi++"})
    assert "compare with that" not in page(correction="ppi++")


def test_scores_are_drawn_from_the_first_day_of_all_to_the_last() -> None:
    days = [datetime.date(1, 1, 1), datetime.date(2020, 2, 12), datetime.date(9999, 12, 31)]
    points = [figures.Point(day, 0.5, None, None, 3) for day in days]
    ET.fromstring(figures.over_time(points, days[0], days[-1], 1.0, "about"))


def test_a_name_is_spelled_as_the_text_spells_it(folder: Path, tmp_path: Path) -> None:
    text = "Vote near\n\nMarta McConnery praised Danny O'Barrow on Monday. Danny O'Barrow thanked Marta McConnery.\n"
    pipeline.predict(load(folder / "run"), [documents.parse("a", text)], tmp_path / "run")
    told = json.loads((tmp_path / "run" / "provenance.json").read_text(encoding="utf-8"))["actors"]
    names = {actor: row["name"] for actor, row in told.items()}
    assert names["marta_mcconnery"] == "Marta McConnery"
    assert "Danny O'Barrow" in names.values()


def test_a_run_says_with_what_its_actors_were_found(folder: Path, tmp_path: Path) -> None:
    def names(text: str) -> list[tuple[int, int, str]]:
        return []

    model, texts = (
        load(folder / "run"),
        [documents.parse("a", "Talks\n\nTurkey accused Russia of breaking the truce.\n")],
    )
    told = []
    asked: list[dict[str, Any]] = [{}, {"registry": Registry({"turkey": ["Turkey"]})}, {"names": names}]
    for number, found in enumerate(asked):
        pipeline.predict(model, texts, tmp_path / str(number), **found)
        told.append(json.loads((tmp_path / str(number) / "provenance.json").read_text(encoding="utf-8")))
    assert [row["registry"] for row in told] == [
        (model.registry or Registry.world()).sha256,
        Registry({"turkey": ["Turkey"]}).sha256,
        told[0]["registry"],
    ]
    assert told[0]["registry"] != told[1]["registry"]
    assert "by a registry, by a finder of the caller" in (tmp_path / "2" / "report.html").read_text(encoding="utf-8")
    assert [row["ner"] for row in told] == [None, None, "a finder of the caller's"]
    assert f"SHA-256 <code>{told[1]['registry']}</code>" in (tmp_path / "1" / "report.html").read_text(encoding="utf-8")


def test_dots_over_time_stand_inside_the_axes(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By quarter, a dot stands at the quarter's first day, before the first article's."""
    said = "Talks\n\nTurkey accused Russia of breaking the truce.\n"
    dates = [f"20{17 + n // 4}-{2 + 3 * (n % 4):02}-14" for n in range(3, 15)]
    texts = [documents.parse(f"a{n}", said, date=date) for n, date in enumerate(dates)]
    drawn = []

    def drawing(points: list[figures.Point], first: Any, last: Any, *rest: Any) -> str:
        drawn.append((first, [point.day for point in points], last))
        return ""

    monkeypatch.setattr(figures, "over_time", drawing)
    pipeline.predict(load(folder / "run"), texts, tmp_path / "run")
    assert drawn
    for first, days, last in drawn:
        assert days[0].isoformat() == "2017-10-01"
        assert first <= min(days) <= max(days) <= last


def test_a_page_of_a_run_that_an_older_version_made(folder: Path, tmp_path: Path) -> None:
    """Its audit.json lacks the counts that came since."""
    run = shutil.copytree(folder / "read", tmp_path / "run")
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    for name in ("documents_entities", "documents_encoding", "pairs_of_actors"):
        del audit["rows"][name]
    (run / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
    pages = [report.write(one).read_text(encoding="utf-8") for one in (run, folder / "read")]
    deck, expected = (page.split('<p class="deck">')[1].split("</p>")[0] for page in pages)
    assert deck == expected


def test_the_graph_has_every_actor_and_pair(folder: Path) -> None:
    root = ET.parse(folder / "read" / "network.graphml").getroot()
    with (folder / "read" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        pairs = {(row["source"], row["target"]) for row in csv.DictReader(file)}
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert {(edge.get("source"), edge.get("target")) for edge in root.iter(f"{space}edge")} == pairs
    nodes = {node.get("id"): node for node in root.iter(f"{space}node")}
    assert nodes.keys() >= {"turkey", "russia", "france", "iran", "AUTHOR"}
    names = {key.get("id"): key.get("attr.name") for key in root.iter(f"{space}key")}
    told = {names[cell.get("key")]: cell.text for cell in nodes["russia"].iter(f"{space}data")}
    assert {told.get(f"{role}_correction") for role in ("received", "expressed") if f"{role}_score" in told} == {"none"}


@pytest.mark.parametrize(
    ("label", "why", "root", "quad"),
    [
        ("against", "speaks: accused", "ACCUSE", 3),
        ("against", "speaks: threats", "THREATEN", 3),
        ("against", "acts: attacked", "ASSAULT", 4),
        ("against", "speaks: attacked", "ACCUSE", 3),  # with words
        ("favor", "speaks: praised", "SUPPORT", 1),
        ("favor", "acts: withdrew", "RETREAT", 2),
        ("favor", "speaks: accused", None, 1),  # the stance counts, the word does not fit it
        ("against", "acts: grumbled", None, 4),
    ],
)
def test_an_event_has_the_class_of_its_stance(label: str, why: str, root: str | None, quad: int) -> None:
    found = events.event(label, why)
    assert found is not None
    assert (found[0] and found[0].name, found[1]) == (root, quad)


@pytest.mark.parametrize("case", [("neutral", "speaks: accused"), ("against", "named together"), ("favor", "author")])
def test_what_is_no_event(case: tuple[str, str]) -> None:
    assert events.event(*case) is None


def test_a_figure_holds_no_markup_of_a_name(tmp_path: Path) -> None:
    names = ["<script>x</script>", "a\x01b\u202e", "$x_1$", "\u0627\u0644"]
    arrows = [figures.Arrow(0, 1, 0.5, 2), figures.Arrow(2, 3, -0.5, 2)]
    drawn = figures.network(names, [1, 2, 3, 4], arrows, "about <b>")
    assert "<script" not in drawn
    assert "$x_1$" in drawn
    assert "style=" not in drawn
    ET.fromstring(drawn)


def _without(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def _line(name: str, **changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        first, *rest = (run / name).read_text("utf-8").splitlines()
        (run / name).write_text("\n".join([json.dumps(json.loads(first) | changes), *rest]) + "\n", encoding="utf-8")

    return change


def _told(**changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        told = json.loads((run / "provenance.json").read_text("utf-8")) | changes
        (run / "provenance.json").write_text(json.dumps(told), encoding="utf-8")

    return change


def _json(name: str, **changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        (run / name).write_text(json.dumps(json.loads((run / name).read_text("utf-8")) | changes), encoding="utf-8")

    return change


def _score(run: Path) -> None:
    text = (run / "actors.csv").read_text("utf-8")
    (run / "actors.csv").write_text(
        text + "x,received,1,1,,nan,,,none" + "," * (text.splitlines()[0].count(",") - 8) + "\n"
    )


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_without("predictions.jsonl"), "no run here"),
        (_without("provenance.json"), "an older version made this run"),
        (_without("lines.jsonl"), "no such file"),
        (_line("predictions.jsonl", against="much"), "predictions.jsonl:1: against is 'much', expected float"),
        (_line("predictions.jsonl", target_start=True), "target_start is 'True', expected int"),
        (_line("documents.jsonl", text=None), "text is 'None', expected str"),
        (_score, "score is 'nan'"),
        (_told(seed="7"), "seed='7': expected a whole number from 0 to 4294967295"),
        (_told(seed=True), "seed=True: expected a whole number"),
        (_told(actors=["turkey"]), "provenance.json: actors: expected a table"),
        (_line("predictions.jsonl", target_start=-1, target_end=-1), "of new text a target has a place"),
        (_json("audit.json", rows={"sentences": []}), r"not as this version writes a run \(TypeError"),
        (_json("behaviour.json", checks=[{}]), r"not as this version writes a run \(UndefinedError"),
        (_told(actors={"turkey": "Turkey"}), "actors: expected a table"),
        (_told(actors={"turkey": {"name": 7}}), "actors: expected a table"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(
    break_it: Callable[[Path], None], says: str, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "read", tmp_path / "run")
    break_it(tmp_path / "run")
    with pytest.raises(InputError, match=says):
        report.write(tmp_path / "run")


def test_the_command_reads_checks_compares(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    others = ("Turkey", "France", "Iran", "Egypt", "Syria", "Ukraine")  # a group a sentence, six for one interval
    said = " ".join(f"{other} accused Russia of breaking the truce." for other in others)
    Path("a.txt").write_text(f"Talks collapse\n\n{said}\n", encoding="utf-8")
    assert cli.main(["predict", "a.txt", "--run", str(folder / "run"), "--out", "read"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "run: read"
    page = Path("read/report.html").read_text(encoding="utf-8")
    assert "actorstance predict a.txt --run" in page
    assert cli.main(["report", "read"]) == 0
    assert Path("read/report.html").read_text(encoding="utf-8") == page
    assert cli.main(["check", "read", "-n", "4", "--out", "check"]) == 0
    assert "\nthen:\n  actorstance check check --sheet check/sheet.csv\n" in capsys.readouterr().out
    sheet = Path("check/sheet.csv")
    head, *asked = csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines())
    with Path("filled.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [head, *({**dict(zip(head, row, strict=True)), "label": "against"}.values() for row in asked)]
        )
    assert cli.main(["check", "check", "--sheet", "check/sheet.csv", "--out", "corrected"]) == 2
    assert "none of 4 rows is labelled. Fill in the column label" in capsys.readouterr().err
    assert cli.main(["check", "check", "--sheet", "filled.csv", "--wanted", "turkey", "--out", "corrected"]) == 2
    assert "Leave wanted out" in capsys.readouterr().err
    assert not Path("corrected").exists()
    assert cli.main(["check", "check", "--sheet", "filled.csv", "--out", "corrected"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["open corrected/report.html", "run: corrected"]
    page = Path("corrected/report.html").read_text(encoding="utf-8")
    commands = [
        "actorstance predict a.txt",
        "actorstance check read -n 4",
        "actorstance check check --sheet filled.csv",
    ]
    assert [page.index(command) for command in commands] == sorted(page.index(command) for command in commands)
    Path("b.txt").write_text(f"Talks go on\n\n{said.replace('accused', 'thanked')}\n", encoding="utf-8")
    assert cli.main(["predict", "b.txt", "--run", str(folder / "run"), "--out", "other"]) == 0
    assert cli.main(["compare", "corrected", "other", "--newspapers", "--wanted", "russia", "--repeats", "100"]) == 0
    assert "a: corrected\nb: other\n" in capsys.readouterr().out
    assert cli.main(["compare", str(folder / "run"), str(folder / "run"), "--repeats", "100"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("run: outputs/")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["predict", "gone.txt", "--run", "RUN"], "no such file or folder"),
        (["predict", "gone.txt", "--run", "nowhere"], "no such run or model folder"),
        (["compare", "RUN", "RUN", "--repeats", "100", "--out", f"{__file__}/a"], "test_report.py/a: Not a directory."),
        (["report", "nowhere"], "no run here"),
        (["compare", "RUN"], "compare what?"),
        (["compare", "RUN", "RUN", "--newspapers", "--repeats", "100"], "every sentence of one is in the other"),
        (["compare", "RUN", "RUN", "--periods", "2020-01-01..2020-01-02", "2020-01-03..2020-01-04"], "compare what?"),
        (["predict", "gone.txt", "--run", "RUN", "--resume"], "--resume needs the run's folder"),
        (["predict", "gone.txt", "--run", "RUN", "--columns", "body"], "--columns body: expected id=NAME"),
        (["predict", "gone.txt", "--run", "RUN", "--cpus", "1"], "--cpus: only with --ray"),
        (["predict", "gone.txt", "--run", "RUN", "--ray", "auto", "--processes", "1"], "--processes: only without"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str],
    says: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([str(folder / "run") if word == "RUN" else word for word in words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_is_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparing, "write", interrupt)
    assert cli.main(["compare", *[str(folder / "run")] * 2, "--repeats", "100", "--out", "compared"]) == 1
    assert capsys.readouterr().err == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_table_with_other_columns_and_the_names_of_folders(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "time", SimpleNamespace(strftime=lambda form: "NOW"))
    with Path("a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("key", "text"), ("first", "Turkey accused Russia of breaking the truce.")])
    typed = ["predict", "a.csv", "--run", str(folder / "run")]
    assert cli.main(typed) == 2
    assert "(actorstance: --columns id=…)" in capsys.readouterr().err
    assert cli.main([*typed, "--columns", "id=key", "--processes", "1", "--strict"]) == 2
    assert "strict, engine: only of a run over an archive" in capsys.readouterr().err
    for out in ("outputs/NOW_predict", "outputs/NOW_predict-2"):
        assert cli.main([*typed, "--columns", "id=key"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"run: {out}"
        assert Path(out, "documents.jsonl").read_text(encoding="utf-8").startswith('{"id": "first"')


def test_a_complete_archive_is_kept_whatever_comes_after_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*told: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(terminal, "rejected", broken)
    (tmp_path / "a.txt").write_text("Turkey accused Russia of breaking the truce.\n", encoding="utf-8")
    typed = ["predict", str(tmp_path / "a.txt"), "--run", str(folder / "run"), "--archive", "--processes", "1"]
    with pytest.raises(BrokenPipeError):
        cli.main([*typed, "--out", str(tmp_path / "read")])
    assert (tmp_path / "read" / "archive.json").exists()


def test_what_messages_tell_to_type_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each `(actorstance: --flag …)` in a message is an option of predict, which alone has such hints."""
    source = "\n".join(path.read_text("utf-8") for path in Path(actorstance.__file__).parent.rglob("*.py"))
    hints = set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"\(actorstance: (--[^)]*)\)", source))))
    assert hints >= {"--archive", "--columns", "--processes", "--resume"}
    with pytest.raises(SystemExit, match="0"):
        cli.main(["predict", "--help"])
    assert hints <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["predict"], ["report"], ["check"], ["compare"]):
        with pytest.raises(SystemExit, match="0"):
            cli.main([*words, "--help"])
        assert "usage: actorstance" in capsys.readouterr().out
