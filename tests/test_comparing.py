"""Comparisons: against scipy, on differences that are there and that are not, and what cannot be compared."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from actorstance import comparing
from actorstance.commands import terminal
from actorstance.days import day_of
from actorstance.errors import InputError
from actorstance.evaluation import significance
from actorstance.examples import LABELS
from actorstance.files import write_json, write_jsonl
from actorstance.saved import Saved


def saved(
    probabilities: NDArray[np.float64], gold: NDArray[np.int64], group: NDArray[np.int64], name: str = "a", **more: Any
) -> Saved:
    inclusion, asked = more.get("inclusion", np.zeros(len(gold))), more.get("asked", np.zeros(len(gold)) > 0)
    rows = [
        {
            "example_id": str(at),
            "text": f"Sentence {at}.",
            **dict(zip(LABELS, probabilities[at].tolist(), strict=True)),
            "inclusion": inclusion[at],
            "asked": asked[at],
            "source": "AUTHOR",
            "target": ("varna", "ostia")[at % 2],
            "gold": None if gold[at] < 0 else LABELS[gold[at]],
            "group_id": f"g{group[at]}",
            "document_id": f"g{group[at]}",
            "date": f"2020-0{1 + int(group[at] >= 40)}-1{group[at] % 10}",
        }
        for at in range(len(gold))
    ]
    return Saved(Path(name), rows)


def answers(gold: NDArray[np.int64], right: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Probabilities of a model that is right so often."""
    said = np.where(rng.random(len(gold)) < right, gold, rng.integers(3, size=len(gold)))
    return 0.1 + 0.7 * np.eye(3)[said]


@pytest.fixture
def gold() -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(3, size=320)


GROUP = np.arange(320) // 4


def test_a_better_model_is_better(gold: NDArray[np.int64]) -> None:
    rng = np.random.default_rng(1)
    a, b = (saved(answers(gold, right, rng), gold, GROUP, name) for name, right in (("a", 0.5), ("b", 0.7)))
    found = comparing.runs(a, b, repeats=500)
    assert (found["runs"], found["n"], found["groups"]) == (["a", "b"], 320, 80)
    for row, expected in zip(found["metrics"], ("accuracy", "macro_f1"), strict=True):
        assert row["name"] == expected
        assert row["difference"] == pytest.approx(row["b"] - row["a"])
        assert 0 < row["low"] < row["difference"] < row["high"]
        assert 1 / 501 <= row["p"] < 0.05
    said = [one.probabilities.argmax(axis=1) == gold for one in (a, b)]
    only = int((said[0] & ~said[1]).sum()), int((said[1] & ~said[0]).sum())
    assert (found["mcnemar"]["only_a"], found["mcnemar"]["only_b"]) == only
    assert found["mcnemar"]["p"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    turned = comparing.runs(b, a, repeats=500)
    assert turned["metrics"][0]["difference"] == pytest.approx(-found["metrics"][0]["difference"])


@pytest.mark.parametrize("wanted", [["varna", "AUTHOR->varna"], ["AUTHOR->varna", "varna"]])
def test_actors_and_pairs_are_rows_of_one_table(gold: NDArray[np.int64], wanted: list[str], tmp_path: Path) -> None:
    a, b = (saved(answers(gold, 0.6, np.random.default_rng(seed)), gold, GROUP) for seed in (1, 2))
    halves = comparing.read_periods(["2020-01-01..2020-01-31", "2020-02-01..2020-02-29"])
    for found in (
        comparing.runs(a, b, wanted=wanted, repeats=100),
        comparing.periods(a, halves, wanted=wanted, repeats=100),
    ):
        comparing.write(tmp_path, found)
        with (tmp_path / "comparison.csv").open(encoding="utf-8", newline="") as file:
            rows = [[row[name] for name in ("role", "actor", "source", "target")] for row in csv.DictReader(file)]
        assert sorted(rows) == [["pair", "", "AUTHOR", "varna"], ["received", "varna", "", ""]]
        terminal.comparison(found)


def test_the_same_twice_does_not_differ(gold: NDArray[np.int64]) -> None:
    a = saved(answers(gold, 0.6, np.random.default_rng(1)), gold, GROUP)
    found = comparing.runs(a, a, repeats=200)
    assert [(row["difference"], row["p"]) for row in found["metrics"]] == [(0, 1), (0, 1)]
    assert found["mcnemar"] == {"only_a": 0, "only_b": 0, "p": 1.0}
    assert all((row["difference"], row["p_adjusted"], row["significant"]) == (0, 1, False) for row in found["actors"])


def test_signs_of_groups_against_scipy(gold: NDArray[np.int64]) -> None:
    """With a group an example the paired test is scipy's permutation test of paired samples."""
    rng = np.random.default_rng(2)
    a, b = (saved(rng.dirichlet([1, 1, 1], 24), gold[:24], np.arange(24), name) for name in ("a", "b"))
    scores = [(one.probabilities[:, 2] - one.probabilities[:, 0]) for one in (a, b)]
    both = stats.permutation_test(
        scores[::-1], lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=5_000
    )
    every = next(row for row in comparing.runs(a, b, repeats=5_000)["actors"] if row["n"] == 24)
    assert every["p"] == pytest.approx(both.pvalue, abs=0.03)


def test_tests_are_right_as_often_as_they_say() -> None:
    """Where nothing differs but groups do, p is below 0.1 one time in ten."""
    rng = np.random.default_rng(3)
    paired, unpaired = [], []
    for _ in range(100):
        mood = rng.normal(0, 0.4, (2, 30))
        index = np.repeat(np.arange(30), 3)
        gap = (mood[1] - mood[0])[index] + rng.normal(0, 0.2, 90)
        paired.append(significance.paired(gap, index, 100, 0)[3])
        size = rng.integers(1, 6, 30)
        sums = mood[0] * size + rng.normal(0, 0.2, 30)
        unpaired.append(significance.permuted(sums, size, 12, 100, 0))
    for p in (paired, unpaired):
        assert 0.03 <= np.mean(np.array(p) <= 0.1) <= 0.19


def test_an_actor_between_two_periods(gold: NDArray[np.int64]) -> None:
    chances = answers(gold, 0.9, np.random.default_rng(1))
    chances[(GROUP >= 40) & (np.arange(320) % 2 == 0)] = [0.8, 0.1, 0.1]  # varna has fallen out of favour
    run = saved(chances, np.full(320, -1), GROUP)
    between = comparing.read_periods(["2020-01-01..2020-01-31", "2020-02-01..2020-02-29"])
    found = comparing.periods(run, between, repeats=500, wanted=["varna", "ostia"])
    varna, ostia = found["actors"]
    assert (varna["actor"], varna["groups_a"], varna["groups_b"], varna["n_b"]) == ("varna", 40, 40, 80)
    assert varna["significant"]
    assert varna["low"] < varna["difference"] < varna["high"] < -0.3
    assert not ostia["significant"]
    assert varna["correction"] == "none"
    labelled = saved(chances, chances.argmax(axis=1), GROUP, inclusion=np.ones(320), asked=np.ones(320) > 0)
    corrected = comparing.periods(labelled, between, repeats=500, wanted=["varna"])["actors"][0]
    assert (corrected["correction"], corrected["b"]) == ("classical", -1)


PERIODS = ["2020-01-01..2020-01-31", "2020-02-01..2020-02-29"]


def labelled_run(
    truth: NDArray[np.int64],
    p: NDArray[np.float64],
    chosen: NDArray[np.int64],
    inclusion: NDArray[np.float64] | None = None,
) -> Saved:  # of mentions of one actor, alternately of two
    gold = np.full(len(truth), -1)
    gold[chosen] = truth[chosen]
    asked = gold >= 0
    even = np.full(len(truth), asked.mean())
    return saved(p, gold, GROUP, inclusion=even if inclusion is None else inclusion, asked=asked)


def test_few_labels_are_not_taken_for_many_groups() -> None:
    """Five neutral labels in one period, five against in the other, among forty groups each: next to nothing."""
    chosen = np.concatenate([np.arange(0, 160, 32), np.arange(160, 320, 32)])
    truth = np.where(GROUP < 40, 1, 0)
    run = labelled_run(truth, np.tile([0.1, 0.8, 0.1], (320, 1)), chosen)
    (row,) = comparing.periods(run, comparing.read_periods(PERIODS), repeats=500, wanted=["varna"])["actors"]
    assert (row["difference"], row["labelled_a"], row["labelled_b"]) == (-1, 5, 5)
    assert row["low"] < -1.5 < -0.5 < row["high"]
    assert row["p"] > 0.003  # by groups dealt at random it would be 1 / 501


@pytest.mark.parametrize("labels", [(8, 8), (5, 30)])
def test_corrected_periods_that_do_not_differ(labels: tuple[int, int]) -> None:
    """The interval holds 0 nineteen times in twenty, and p is below 0.05 in one, whatever few labels there are."""
    rng = np.random.default_rng(4)
    held, significant = 0, 0
    for _ in range(200):
        mood = rng.normal(0, 0.7, 80)[GROUP] + rng.normal(0, 1, 320)
        truth = np.digitize(mood, [-0.5, 1.2])
        chosen = np.concatenate([at * 160 + 2 * rng.choice(80, size, replace=False) for at, size in enumerate(labels)])
        run = labelled_run(truth, answers(truth, 0.7, rng), chosen, np.repeat(np.array(labels) / 80, 160))
        row = comparing._change((run, np.arange(0, 160, 2)), (run, np.arange(160, 320, 2)), 100, 0)
        held += row["correction"] == "none" or row["low"] <= 0 <= row["high"]
        significant += row["p"] <= 0.05
    assert held >= 0.92 * 200
    assert significant <= 0.08 * 200


def test_labels_in_one_period_alone_correct_neither(capsys: pytest.CaptureFixture[str]) -> None:
    truth = np.random.default_rng(0).integers(3, size=320)
    run = labelled_run(truth, answers(truth, 0.6, np.random.default_rng(1)), np.arange(0, 160, 4))
    found = comparing.periods(run, comparing.read_periods(PERIODS), repeats=500, wanted=["varna"])
    (row,) = found["actors"]
    assert (row["correction"], row["labelled_a"], row["labelled_b"]) == ("none", 40, 0)
    terminal.comparison(found)
    assert "note: 1 with enough labels in one period only" in " ".join(capsys.readouterr().out.split())


def test_both_corrections_are_named(gold: NDArray[np.int64]) -> None:
    """In the second period the model's word is of no use, and the labels stand alone."""
    p = np.where((GROUP < 40)[:, None], answers(gold, 0.95, np.random.default_rng(1)), [0.3, 0.4, 0.3])
    run = labelled_run(gold, p, np.arange(0, 320, 4))
    (row,) = comparing.periods(run, comparing.read_periods(PERIODS), repeats=500, wanted=["varna"])["actors"]
    assert row["correction"] == "ppi++, classical"


def test_periods_take_days_and_not_letters_and_tell_what_they_leave_out(gold: NDArray[np.int64]) -> None:
    chances = answers(gold, 0.9, np.random.default_rng(1))
    run = saved(chances, np.full(320, -1), GROUP)
    between = comparing.read_periods(["2020-01-01..2020-01-31", "2020-02-01..2020-02-29"])
    wanted = comparing.periods(run, between, repeats=500, wanted=["varna"])
    for form in ("%Y%m%d", "%Y-%m-%dT08:00:00Z"):
        rows = [row | {"date": day_of(row["date"]).strftime(form)} for row in run.rows]  # type: ignore[union-attr]
        other = Saved(run.folder, rows)
        assert comparing.periods(other, between, repeats=500, wanted=["varna"]) == wanted
    rows = [row | {"date": date} for row, date in zip(run.rows, ["2020-1-5", "2021-01-05"], strict=False)]
    odd = Saved(run.folder, rows + run.rows[2:])
    found = comparing.periods(odd, between, repeats=500)
    assert found["left_out"] == {"no ISO date": 1, "in neither period": 1}
    assert found["n"] == 318
    few = [row | ({"date": "2019-01-01"} if row["target"] == "ostia" else {}) for row in run.rows]
    only = Saved(run.folder, few)
    found = comparing.periods(only, between, repeats=500, wanted=["varna", "ostia"])
    assert {row["actor"] for row in found["actors"]} == {"varna"}
    assert [(row["actor"], row["groups"]) for row in found["skipped"] if row["role"] == "received"] == [
        ("ostia", [0, 0])
    ]


def paper(
    folder: Path,
    p: NDArray[np.float64],
    gold: NDArray[np.int64] | None = None,
    told: dict[str, Any] | None = None,
    **more: Any,
) -> Saved:
    """A run of its own over a newspaper's articles, whose groups are called as any other's."""
    run = saved(p, np.full(len(p), -1) if gold is None else gold, np.arange(len(p)) // 4, str(folder), **more)
    folder.mkdir()
    write_jsonl(folder / "predictions.jsonl", [])
    write_json(
        folder / "provenance.json", {"stage": "predict", "model": {"sha256": "1"}, "priors": None, **(told or {})}
    )
    return Saved(folder, [{**row, "text": f"{folder.name}: {row['text']}"} for row in run.rows])


def test_an_actor_between_two_newspapers(
    gold: NDArray[np.int64], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures are those of two periods of one run that holds both newspapers' articles."""
    chances = answers(gold, 0.9, np.random.default_rng(1))
    chances[(GROUP >= 40) & (np.arange(320) % 2 == 0)] = [0.8, 0.1, 0.1]  # of the second newspaper's, on varna
    a, b = paper(tmp_path / "herald", chances[:160]), paper(tmp_path / "courier", chances[160:])
    found = comparing.newspapers(a, b, repeats=500)
    assert (found["newspapers"], found["n"], found["groups"], found["in_both"]) == (["herald", "courier"], 320, 80, 0)
    together = comparing.periods(saved(chances, np.full(320, -1), GROUP), comparing.read_periods(PERIODS), repeats=500)
    drawn = ("low", "high", "p", "p_adjusted")  # in another order of the groups
    for row, expected in zip(found["actors"], together["actors"], strict=True):
        assert [row.pop(key) for key in drawn] == pytest.approx([expected.pop(key) for key in drawn], abs=0.05)
        assert row == expected
    found = comparing.newspapers(a, b, repeats=500)
    varna = next(row for row in found["actors"] if row["actor"] == "varna")
    assert varna["significant"]
    assert varna["high"] < -0.3
    turned = comparing.newspapers(b, a, repeats=500, wanted=["varna"])
    assert turned["actors"][0]["difference"] == pytest.approx(-varna["difference"])
    b.rows[0]["text"] = a.rows[0]["text"]
    terminal.comparison(comparing.newspapers(a, b, repeats=100))
    out = " ".join(capsys.readouterr().out.split())
    assert "a: herald b: courier 320 examples in 80 groups" in out
    assert "1 sentence in both, word for word" in out
    assert "if its errors differ between newspapers" in out


def test_each_newspaper_is_corrected_by_labels_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The model is always against; the labels of one newspaper are, those of the other are neutral."""
    p, every = np.tile([0.8, 0.1, 0.1], (160, 1)), dict[str, Any](inclusion=np.ones(160), asked=np.ones(160) > 0)
    against, neutral = np.zeros(160, dtype=np.int64), np.ones(160, dtype=np.int64)
    a, b = paper(tmp_path / "a", p, against, **every), paper(tmp_path / "b", p, neutral, **every)
    (row,) = comparing.newspapers(a, b, repeats=100, wanted=["varna"])["actors"]
    assert (row["a"], row["b"], row["labelled_a"], row["labelled_b"]) == (-1, 0, 80, 80)
    assert row["correction"] != "none"
    bare = paper(tmp_path / "c", p)
    found = comparing.newspapers(a, bare, repeats=100, wanted=["varna"])
    assert (found["actors"][0]["correction"], found["actors"][0]["difference"]) == ("none", 0)
    terminal.comparison(found)
    assert "note: 1 with enough labels in one newspaper only" in " ".join(capsys.readouterr().out.split())


def test_newspapers_that_cannot_be_compared(gold: NDArray[np.int64], tmp_path: Path) -> None:
    chances = answers(gold, 0.9, np.random.default_rng(1))
    a = paper(tmp_path / "a", chances)
    with pytest.raises(InputError, match="every sentence of one is in the other"):
        comparing.newspapers(a, Saved(a.folder, a.rows[:100]))
    with pytest.raises(InputError, match="of different models"):
        comparing.newspapers(a, paper(tmp_path / "b", chances, told={"model": {"sha256": "2"}}))
    shares = dict.fromkeys(LABELS, 1 / 3)
    told = {"priors": {"own": shares, "new": shares, "estimated": True}}
    with pytest.raises(InputError, match="with different priors"):
        comparing.newspapers(a, paper(tmp_path / "c", chances, told=told))
    with pytest.raises(InputError, match="with different registries of actors, so an actor"):
        comparing.newspapers(a, paper(tmp_path / "f", chances, told={"registry": "3"}))
    with pytest.raises(InputError, match=r"with different finders of names \(ner\), so an actor"):
        comparing.newspapers(a, paper(tmp_path / "g", chances, told={"ner": "en_core_web_sm"}))
    for compared in (comparing.newspapers, comparing.runs):
        with pytest.raises(InputError, match="seed=-1"):
            compared(a, a, seed=-1)
    few = paper(tmp_path / "d", chances[:16])
    with pytest.raises(InputError, match=r"in 5 groups .* of both newspapers\. The most .* in: 80 and 4\. Read more"):
        comparing.newspapers(a, few)
    with pytest.raises(InputError, match="wanted=nobody: "):
        comparing.newspapers(a, few, wanted=["nobody"])
    more = [{**row, "target": "corvia"} for row in paper(tmp_path / "e", chances[:40]).rows]
    found = comparing.newspapers(a, Saved(few.folder, few.rows + more), wanted=["AUTHOR->", "varna"], repeats=100)
    assert [row["role"] for row in found["actors"]] == ["expressed"]
    assert [(row["actor"], row["groups"]) for row in found["skipped"]] == [("varna", [80, 4])]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "expected two"),
        (["2020-01-01..2020-01-31"], "expected two"),
        (["2020-01-01..2020-01-31", "spring"], "'spring' is no period"),
        (["2020-01-01..2020-01-31", "2020-01-31..2020-02-28"], "overlap"),
        (["2020-01-31..2020-01-01", "2020-02-01..2020-02-28"], "ends before it begins"),
    ],
)
def test_periods_that_are_none(given: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        comparing.read_periods(given)


def test_what_cannot_be_compared(gold: NDArray[np.int64]) -> None:
    chances = answers(gold, 0.5, np.random.default_rng(1))
    a = saved(chances, gold, GROUP)
    with pytest.raises(InputError, match="320 and 319, 319 of them in both"):
        comparing.runs(a, saved(chances[:-1], gold[:-1], GROUP[:-1]))
    with pytest.raises(InputError, match="example '0' differs in its gold"):
        comparing.runs(a, saved(chances, np.roll(gold, 1) if gold[0] != gold[-1] else (gold + 1) % 3, GROUP))
    with pytest.raises(InputError, match="adjust='none': expected holm or bh"):
        comparing.runs(a, a, adjust="none")
    with pytest.raises(InputError, match="repeats=5: expected a whole number from 100 to 1000000"):
        comparing.runs(a, a, repeats=5)
    with pytest.raises(InputError, match="wanted=nobody: "):
        comparing.runs(a, a, wanted=["nobody"])
    undated = Saved(a.folder, [row | {"date": None} for row in a.rows])
    between = comparing.read_periods(["2020-01-01..2020-01-31", "2020-02-01..2020-02-29"])
    with pytest.raises(InputError, match="no article has an ISO date"):
        comparing.periods(undated, between)


def test_adjusted_against_scipy() -> None:
    p = np.random.default_rng(0).random(30) ** 3
    assert significance.adjusted(p.tolist(), "bh") == pytest.approx(stats.false_discovery_control(p).tolist())
    holm = significance.adjusted(p.tolist(), "holm")
    assert min(holm) == pytest.approx(30 * p.min())
    assert all(a >= b for a, b in zip(holm, p.tolist(), strict=True))
