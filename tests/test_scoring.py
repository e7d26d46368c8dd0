"""Metrics against scikit-learn and by hand, intervals that resample groups, and the scores of actors and pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from datasets import Dataset
from numpy.typing import NDArray

from actorstance import scoring
from actorstance.correction import MIN_GROUPS
from actorstance.examples import AUTHOR, LABELS, dataset

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def certain(labels: Ints, sureness: float = 1.0) -> Floats:
    found = np.full((len(labels), 3), (1 - sureness) / 2)
    found[np.arange(len(labels)), labels] = sureness
    return found


def measure(gold: Ints, probabilities: Floats, groups: list[str], seed: int = 0, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"clean": None, "names_only": None, "majority": 1} | more
    return scoring.metrics(gold, probabilities, groups, seed=seed, **given)


def random_case(seed: int, allowed_gold: list[int], allowed_predicted: list[int], n: int = 60) -> tuple[Ints, Ints]:
    rng = np.random.default_rng(seed)
    return rng.choice(allowed_gold, n), rng.choice(allowed_predicted, n)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gold_labels", [[0, 1, 2], [0, 2], [1]])
@pytest.mark.parametrize("predicted_labels", [[0, 1, 2], [0, 1], [2]])
def test_against_scikit_learn(seed: int, gold_labels: list[int], predicted_labels: list[int]) -> None:
    gold, predicted = random_case(seed, gold_labels, predicted_labels)
    names_only, clean = np.roll(predicted, 1), np.arange(60) % 3 == 0
    found = measure(gold, certain(predicted, 0.8), [str(n) for n in range(60)], clean=clean, names_only=names_only)
    assert np.array_equal(
        scoring.confusion_matrix(gold, predicted), sklearn.metrics.confusion_matrix(gold, predicted, labels=[0, 1, 2])
    )
    precision, recall, f1, n = sklearn.metrics.precision_recall_fscore_support(
        gold, predicted, labels=[0, 1, 2], zero_division=0.0
    )
    for at, label in enumerate(LABELS):
        want = {"precision": precision[at], "recall": recall[at], "f1": f1[at], "n": n[at]}
        assert found["per_label"][label] == pytest.approx(want)
    assert found["macro_f1"] == scoring.macro_f1(gold, predicted) == pytest.approx(f1[np.unique(gold)].mean())
    assert found["accuracy"] == found["micro_f1"] == pytest.approx(sklearn.metrics.accuracy_score(gold, predicted))
    assert found["labels"] == dict(zip(LABELS, n.tolist(), strict=True))
    assert found["majority"]["accuracy"] == pytest.approx((gold == 1).mean())
    assert found["majority"]["macro_f1"] == scoring.macro_f1(gold, np.ones(60, dtype=np.int64))
    assert found["names_only"]["macro_f1"] == scoring.macro_f1(gold, names_only)
    part = {"n": 20, "accuracy": (gold == predicted)[clean].mean()}
    assert found["clean"] == pytest.approx(part | {"macro_f1": scoring.macro_f1(gold[clean], predicted[clean])})


def test_by_hand() -> None:
    gold, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    assert scoring.confusion_matrix(gold, predicted).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    found = measure(gold, certain(predicted), list("abcdef"))
    assert found["per_label"]["against"] == pytest.approx({"precision": 1, "recall": 2 / 3, "f1": 0.8, "n": 3})
    assert found["per_label"]["favor"] == pytest.approx({"precision": 0.5, "recall": 1, "f1": 2 / 3, "n": 1})
    assert found["macro_f1"] == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert found["n"] == 6
    assert (found["names_only"], found["clean"]["n"]) == ({"macro_f1": None}, None)
    none_clean = measure(gold, certain(predicted), list("abcdef"), clean=np.zeros(6, dtype=bool))
    assert none_clean["clean"] == {"n": 0, "accuracy": None, "macro_f1": None}


# --- intervals


def ends(found: dict[str, Any]) -> tuple[float, float]:
    return found["macro_f1_low"], found["macro_f1_high"]


def test_interval_of_macro_f1() -> None:
    gold = np.tile([0, 1, 2], 40)
    predicted = np.where(np.arange(120) % 5 == 0, (gold + 1) % 3, gold)
    groups = [f"g{n // 3}" for n in range(120)]
    found = measure(gold, certain(predicted), groups)
    assert 0 <= ends(found)[0] < found["macro_f1"] < ends(found)[1] <= 1
    assert (
        ends(measure(gold, certain(predicted), groups))
        == ends(found)
        != ends(measure(gold, certain(predicted), groups, 1))
    )
    for count, known in ((MIN_GROUPS - 1, False), (MIN_GROUPS, True)):
        few = ends(measure(gold, certain(predicted), [f"g{n % count}" for n in range(120)]))
        assert [end is not None for end in few] == [known, known]


def test_macro_f1_is_of_the_same_labels_in_every_draw() -> None:
    """A label that one group has, and none is right about: a draw without it must not be measured over two labels."""
    rng = np.random.default_rng(0)
    gold = np.where(rng.random(400) < 0.5, 0, 1)
    gold[60:66] = 2
    predicted = np.where(rng.random(400) < 0.8, gold, 1 - np.minimum(gold, 1))
    predicted[gold == 2] = 1
    found = measure(gold, certain(predicted), [str(at // 20) for at in range(400)])
    f1 = [found["per_label"][label]["f1"] for label in LABELS[:2]]
    assert found["macro_f1"] == pytest.approx(sum(f1) / 3)
    assert ends(found)[1] < 2 / 3


def test_a_label_that_nobody_has_is_not_in_macro_f1() -> None:
    """One answer of a hundred that is a label which gold has nowhere is one error, not a third of the figure."""
    gold = np.repeat([0, 2], [60, 40])
    one = gold.copy()
    one[:10] = 2
    other = one.copy()
    other[20] = 1
    assert 0 < scoring.macro_f1(gold, one) - scoring.macro_f1(gold, other) < 0.01


def test_copies_in_a_group_are_no_new_evidence() -> None:
    gold, predicted = random_case(0, [0, 1, 2], [0, 1, 2], 50)
    predicted[::2] = gold[::2]
    once = measure(gold, certain(predicted), [str(n) for n in range(50)])
    gold, predicted = np.repeat(gold, 4), np.repeat(predicted, 4)
    grouped = measure(gold, certain(predicted), [str(n // 4) for n in range(200)])
    alone = measure(gold, certain(predicted), [str(n) for n in range(200)])
    assert np.diff(ends(grouped))[0] > 1.7 * np.diff(ends(alone))[0]  # twice, in the limit
    assert np.diff(ends(grouped))[0] == pytest.approx(np.diff(ends(once))[0], rel=0.1)


def make(*rows: dict[str, Any]) -> Dataset:
    empty = {"document_id": "d", "group_id": "g", "text": "Ana met Bo.", "source": "ana", "target": "bo", "label": 1}
    return dataset((f"row {n}", empty | {"example_id": str(n)} | row) for n, row in enumerate(rows))


def scored(values: NDArray[np.float64]) -> Floats:
    """Probabilities of which P(favor) - P(against) are the values."""
    return np.stack([(1 - values) / 2, np.zeros(len(values)), (1 + values) / 2], axis=1)


def test_interval_of_a_score() -> None:
    values = np.random.default_rng(3).uniform(-0.4, 0.4, 30).repeat(4)
    probabilities = scored(values)
    np.testing.assert_allclose(scoring.stance_scores(probabilities), values)
    grouped = make(*({"group_id": f"g{n // 4}"} for n in range(120)))
    alone = make(*({"group_id": f"g{n}"} for n in range(120)))
    (wide,), (narrow,) = scoring.pair_table(grouped, probabilities), scoring.pair_table(alone, probabilities)
    assert wide["low"] < wide["score"] < wide["high"]
    assert wide["score"] == narrow["score"] == pytest.approx(values.mean())
    assert wide["high"] - wide["low"] > 1.7 * (narrow["high"] - narrow["low"])
    assert scoring.pair_table(grouped, probabilities) == [wide]
    for groups in (MIN_GROUPS - 1, MIN_GROUPS):
        (row,) = scoring.pair_table(grouped.select(range(4 * groups)), probabilities[: 4 * groups])
        assert [row[end] is None for end in ("low", "high")] == [groups < MIN_GROUPS] * 2


def test_interval_of_a_score_holds_the_truth_as_often_as_it_says() -> None:
    """200 actors, each a corpus of 40 groups of unequal size that share a stance; the true mean is 0.1."""
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(40), 1 + np.arange(40) % 4)
    values = 0.1 + rng.normal(0, 0.2, (200, 40)).clip(-0.5, 0.5)[:, group]
    values += rng.uniform(-0.2, 0.2, values.shape)
    rows = ({"target": f"t{actor}", "group_id": f"g{at}"} for actor in range(200) for at in group)
    table = scoring.actor_table(make(*rows), scored(values.ravel()))
    held = [row["low"] <= 0.1 <= row["high"] for row in table if row["role"] == "received"]
    assert len(held) == 200
    assert 0.88 <= np.mean(held) <= 0.99


# --- tables


def test_actor_and_pair_tables() -> None:
    rows: list[dict[str, Any]] = [
        {"source": "ana", "target": "bo", "label": 0, "document_id": "d1"},
        {"source": "ana", "target": "bo", "label": 0, "document_id": "d2"},
        {"source": "ana", "target": "cleo", "label": 2, "document_id": "d2"},
        {"source": AUTHOR, "target": "bo", "label": 1, "document_id": "d3"},
        {"source": "bo", "target": "ana", "label": None, "document_id": "d3"},
    ]
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0, 0, 1], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1]])
    table = scoring.actor_table(make(*rows), probabilities)
    order = [("bo", "received"), ("ana", "received"), ("cleo", "received")]
    order += [("ana", "expressed"), (AUTHOR, "expressed"), ("bo", "expressed")]
    assert [(row["actor"], row["role"]) for row in table] == order
    found = dict(zip(order, table, strict=True))
    bo, unlabelled = found["bo", "received"], found["ana", "received"]
    assert (bo["n"], bo["documents"], bo["correction"]) == (3, 3, "none")
    assert bo["gold"] == pytest.approx(-2 / 3)
    assert bo["score"] == pytest.approx((-0.7 + 0.1 + 0) / 3)
    assert bo["accuracy"] == pytest.approx(2 / 3)
    assert bo["macro_f1"] == pytest.approx(2 / 3)  # both labels that occur: precision 1, recall 1/2; and vice versa
    assert (bo["low"], bo["high"]) == (None, None)
    assert (unlabelled["gold"], unlabelled["accuracy"], unlabelled["macro_f1"]) == (None, None, None)
    assert unlabelled["score"] == pytest.approx(-0.5)
    assert found["ana", "expressed"]["gold"] == pytest.approx(-1 / 3)
    assert found["ana", "expressed"]["documents"] == 2
    pairs = scoring.pair_table(make(*rows), probabilities)
    assert [(row["source"], row["target"], row["n"]) for row in pairs] == [
        ("ana", "bo", 2),
        (AUTHOR, "bo", 1),
        ("ana", "cleo", 1),
        ("bo", "ana", 1),
    ]
    assert [row["gold"] for row in pairs] == [-1, 0, 1, None]
    assert [row["score"] for row in pairs] == pytest.approx([-0.3, 0, 1, -0.5])


def test_all_neutral_scores_0() -> None:
    rows = make(*({"group_id": f"g{n}"} for n in range(8)))
    table = scoring.actor_table(rows, certain(np.ones(8, dtype=np.int64), 0.98))
    assert [row["actor"] for row in table] == ["bo", "ana"]
    assert all(row[key] == pytest.approx(0) for row in table for key in ("score", "low", "high", "gold"))
