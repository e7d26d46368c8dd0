"""What the benchmarks compute themselves: the five classes of DSE from the answers for both directions."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from actorstance.errors import InputError
from actorstance.files import read_json_lines
from actorstance.readers.dse import LABELS

FEATURES = Features(
    {"example_id": Value("string"), "text": Value("string"), "label": ClassLabel(names=["against", "neutral", "favor"])}
)


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


def test_directions_are_found_in_any_order_and_never_guessed(dse: ModuleType) -> None:
    ids = ["dse/valid:10:1", "dse/valid:2:0", "dse/valid:10:0", "dse/valid:2:1"]
    forward, backward = dse.directions(ids)
    assert [(ids[a], ids[b]) for a, b in zip(forward, backward, strict=True)] == [
        ("dse/valid:10:0", "dse/valid:10:1"),
        ("dse/valid:2:0", "dse/valid:2:1"),
    ]
    for wrong in (ids[:3], [*ids[:3], "dse/valid:3:1"]):
        with pytest.raises(InputError, match="lacks one of its two directions"):
            dse.directions(wrong)


@pytest.fixture(scope="module")
def quality() -> Iterator[ModuleType]:
    folder = Path(__file__).parents[1] / "benchmarks"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module("quality")


def a_run(quality: ModuleType, corpus: str, rows: list[tuple[str, int, list[float]]]) -> Any:
    ids, gold, chances = zip(*rows, strict=True)
    clean = np.arange(len(rows)) > 0
    folder = Path("outputs")
    found = [list(ids), list(ids), np.array(gold), np.array(chances), clean, "valid", 60.0, "python scripts/train.py"]
    return quality.Run(folder, corpus, "linear", *found)


def test_each_corpus_is_scored_as_its_papers_do(quality: ModuleType) -> None:
    sure = np.eye(3) * 0.7 + 0.1
    neutral_first = [0.3, 0.5, 0.2]  # of a model that knows neutral: against, where there is none
    (polarity,) = quality.measures(a_run(quality, "seesaw", [("a", 0, neutral_first), ("b", 0, sure[2])]), "seesaw")
    assert polarity.score() == 0.5
    rows = [("mt:a", 0, sure[0]), ("mt:b", 1, sure[1]), ("rw:a", 2, sure[0])]
    mt, rw = quality.measures(a_run(quality, "newsmtsc", rows), "newsmtsc")
    assert (mt.score(), rw.score()) == (1.0, 0.0)
    rows = [
        ("valid:10:1", 1, sure[1]),
        ("valid:2:0", 0, sure[0]),
        ("valid:10:0", 2, sure[2]),
        ("valid:2:1", 1, sure[1]),
    ]
    micro, macro = quality.measures(a_run(quality, "dse", rows), "dse")
    assert sorted(micro.gold.tolist()) == sorted(micro.predicted.tolist()) == [1, 3]
    assert micro.score() == 1.0
    assert (macro.name, macro.score()) == ("five classes, macro-F1", 1.0)
    rows = [("a", 0, sure[0]), ("b", 2, sure[1]), ("c", 1, sure[1])]
    (both,) = quality.measures(a_run(quality, "semeval", rows), "semeval")
    assert both.score() == 0.5  # against 1, favor 0; neutral does not count


def test_a_joint_run_has_a_row_a_corpus_and_commands_stand_below(quality: ModuleType) -> None:
    sure = np.eye(3) * 0.7 + 0.1
    rows = [(f"{corpus}/{at}", at % 3, sure[at % 3]) for corpus in ("seesaw", "newsroom") for at in range(0, 12, 2)]
    rows = [row for row in rows if row[0].startswith("newsroom") or row[1] != 1]
    seeds = [a_run(quality, "joint", rows)] * 2
    lines = quality.table([seeds]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| newsroom", "| seesaw"]
    assert "| linear, joint | 100.0 [100.0, 100.0] | 6 | 100.0 [100.0, 100.0] | 6 | 2 | 1.0 |" in lines[2]
    assert any("83.72" in line and "Wen, Hovy" in line for line in lines)
    assert lines[-2] == "python scripts/train.py"


@pytest.fixture(scope="module")
def newsroom() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        return importlib.import_module("newsroom")


def test_agreement_is_that_of_the_datasheet(newsroom: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1]
    assert newsroom.alpha("aabb", "aabb") == 1
    assert newsroom.alpha("aabb", "aabc") == pytest.approx(1 - (2 / 8) / (38 / 56))  # by hand, from counts 4, 3, 1
    newsroom.agreement(folder / "data" / "newsroom")
    final, first = capsys.readouterr().out.split("\n\n")
    sheet = (folder / "data" / "README.md").read_text(encoding="utf-8")
    for said, name, words in (
        (final, "all pairs", "{} over all pairs"),
        (final, "against", "against {}"),
        (final, "irony", "irony {}"),
        (final, "batch 1", "first batch it is {}"),
        (first, "all pairs", "alpha was {}"),
    ):
        (found,) = [line.split()[-1] for line in said.splitlines() if line.startswith(f"{name} ")]
        assert words.format(found) in sheet


def test_the_fields_are_those_of_the_datasheet(newsroom: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1]
    newsroom.by_field(folder / "data" / "newsroom")
    said = capsys.readouterr().out.strip()
    assert len(said.splitlines()) >= 2 + 12
    assert said in (folder / "data" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("article", "row", "says"),
    [
        ("a", {}, None),
        ("b", {}, "^a: .* has no row of it"),
        ("a", {"decided": "favor"}, "^a:0:varna:ostia: decided favor, the article has against"),
        ("a", {"example_id": "a:1:varna:ostia"}, "^1 rows .* belong to no pair, among them a:1:varna:ostia"),
    ],
)
def test_both_labels_of_a_pair(
    newsroom: ModuleType, tmp_path: Path, article: str, row: dict[str, str], says: str | None
) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.txt").write_text(
        "---\n{id: a, story: s, date: 2031-02-03, split: train, genre: report,\n"
        " actors: {varna: [Varna], ostia: [Ostia]}}\n---\n"
        "{varna|Varna} sued {ostia|Ostia}.\n  varna -> ostia: against #deed\n  ostia -> varna: neutral\n",
        encoding="utf-8",
    )
    row = {"example_id": "a:0:varna:ostia", "first": "neutral", "second": "against", "decided": "against"} | row
    (tmp_path / "adjudication.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    about = {"article": article, "batch": 2, "field": "courts"}
    (tmp_path / "articles.jsonl").write_text(json.dumps(about) + "\n", encoding="utf-8")
    if says is None:
        assert newsroom.twice(tmp_path, "adjudication.jsonl") == [
            ("neutral", "against", {"courts", "batch 2", "deed"}),
            ("neutral", "neutral", {"courts", "batch 2", "none of these kinds"}),
        ]
    else:
        with pytest.raises(SystemExit, match=says):
            newsroom.twice(tmp_path, "adjudication.jsonl")


@pytest.mark.parametrize(
    ("corpus", "params", "origins", "words"),
    [
        ("newsroom", {}, [], None),
        ("newsroom", {"teacher": "larger"}, [{"corpus": "newsroom"}], None),
        ("dse", {}, [], "was trained on dse"),
        ("newsroom", {"start": "other"}, [], "may have seen more"),
        ("newsroom", {"start": "a"}, [{"corpus": "newsroom"}, {"corpus": "dse, seesaw"}], "trained on dse, seesaw"),
    ],
)
def test_transfer_takes_only_what_learned_from_newsroom_alone(
    corpus: str,
    params: dict[str, str],
    origins: list[dict[str, str]],
    words: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    transfer = importlib.import_module("transfer")
    model = SimpleNamespace(card={"corpus": {"name": corpus}, "origins": origins}, params=params)
    monkeypatch.setattr("actorstance.load", lambda run: model)
    if words is None:
        assert transfer.only_newsroom(Path("run")) is model
    else:
        with pytest.raises(InputError, match=words):
            transfer.only_newsroom(Path("run"))


@pytest.fixture(scope="module")
def agreement() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module("agreement")


def test_kappa_is_what_is_more_than_chance(agreement: ModuleType) -> None:
    people, ours = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 0])
    assert agreement.kappa(people, ours) == pytest.approx((4 / 6 - 0.5) / 0.5)
    assert np.isnan(agreement.kappa(people * 0, people * 0))


def test_agreement_compares_the_forced_answer_and_names_a_release_that_lacks_a_pair(
    agreement: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [{"example_id": "a", "label": "neutral", "forced": "favor", "kind": "quote"}]
    rows += [{"example_id": "b", "label": "against", "forced": "against", "kind": "deed"}]
    (tmp_path / "agreement").mkdir()
    (tmp_path / "agreement" / "seesaw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    release = Dataset.from_dict({"example_id": ["b", "a"], "text": ["B.", "A."], "label": [0, 2]}, features=FEATURES)
    monkeypatch.setattr(agreement, "shipped", lambda _: tmp_path)
    monkeypatch.setattr(agreement.corpora, "load", lambda *_: SimpleNamespace(examples=release))
    people, ours, sentences, kinds = agreement.read("seesaw", tmp_path)
    assert (people.tolist(), ours.tolist(), sentences, kinds) == ([2, 0], [2, 0], ["A.", "B."], ["quote", "deed"])
    monkeypatch.setattr(agreement.corpora, "load", lambda *_: SimpleNamespace(examples=release.select([0])))
    with pytest.raises(InputError, match="no example 'a'"):
        agreement.read("seesaw", tmp_path)


@pytest.mark.parametrize(("corpus", "pairs"), [("dse", 600), ("seesaw", 300)])
def test_labels_that_ship_are_whole(corpus: str, pairs: int) -> None:
    path = Path(__file__).parents[1] / "data" / "agreement" / f"{corpus}.jsonl"
    rows = [row for _, row in read_json_lines(path)]
    assert len({row["example_id"] for row in rows}) == len(rows) == pairs
    assert {row["label"] for row in rows} == {"against", "neutral", "favor"}
    assert all(row["label"] in ("neutral", row.get("forced", row["label"])) for row in rows)


def test_articles_without_labels_are_those_of_training_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    unlabelled = importlib.import_module("unlabelled")
    news, short = "Peru on Monday accused Chile of spying on its fleet in May.\n", "Share this\n"
    for name in ("polnear/text", "seesaw/SEESAW/articles", "seesaw/SEESAW/meta"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "polnear/text/a.txt").write_text(news, encoding="utf-8")
    (tmp_path / "polnear/text/b.txt").write_text(short, encoding="utf-8")
    for number, split in enumerate(("train", "test")):
        text = {"title": "Fleet row", "text": [{"text": news.strip()}, {"text": ""}, {"text": news.strip()}]}
        folder = tmp_path / "seesaw/SEESAW"
        (folder / f"articles/T{number}_DOCUMENT_0.json").write_text(json.dumps(text), encoding="utf-8")
        (folder / f"meta/T{number}.json").write_text(json.dumps({"Split": split}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["unlabelled.py", str(tmp_path), str(tmp_path / "out.jsonl")])
    unlabelled.main()
    rows = [row for _, row in read_json_lines(tmp_path / "out.jsonl")]
    assert [row["id"] for row in rows] == ["polnear/a", "seesaw/T0_DOCUMENT_0"]
    assert rows[1]["text"].count("\n\n") == 2  # the title and two paragraphs
    assert "polnear: 1 articles; 1 without a body are left out" in capsys.readouterr().out
