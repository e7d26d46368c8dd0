"""Probabilities and prediction sets that are what they say, and checks of behaviour that tell models apart."""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar

import numpy as np
import pytest
from crepes import ConformalClassifier
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from actorstance.actors import Registry
from actorstance.errors import InputError
from actorstance.evaluation import behaviour, conformal, editing
from actorstance.evaluation.reliability import reliability
from actorstance.examples import LABELS, dataset
from actorstance.models.linear import LinearModel


def drawn(n: int, seed: int, sure: float = 1.0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels, and probabilities that are as often right as they say; with `sure` above 1 they say too much."""
    rng = np.random.default_rng(seed)
    honest = rng.dirichlet([0.6, 1.2, 0.3], n)
    gold = (rng.random((n, 1)) > honest.cumsum(axis=1)).sum(axis=1)
    said = honest**sure
    return gold, said / said.sum(axis=1, keepdims=True)


def test_reliability_tells_honest_from_sure() -> None:
    groups = [str(at // 3) for at in range(1500)]
    honest, boastful = (reliability(*drawn(1500, 0, sure), groups) for sure in (1.0, 3.0))
    assert honest["ece"] < honest["ece_if_calibrated_high"]
    assert boastful["ece"] > 3 * boastful["ece_if_calibrated_high"]
    assert 1 < boastful["ece_if_calibrated_high"] / boastful["ece_if_calibrated"] < 2
    bins = honest["reliability"]
    assert sum(row["n"] for row in bins) == 1500
    ece = sum(row["n"] * abs(row["confidence"] - row["accuracy"]) for row in bins) / 1500
    assert ece == pytest.approx(honest["ece"])
    assert all(row["from"] <= row["confidence"] <= row["to"] for row in bins)
    inside = [row["low"] <= row["confidence"] <= row["high"] for row in bins if row["n"] > 50]
    assert np.mean(inside) > 0.8
    few = reliability(*drawn(4, 0), list("abcd"))
    assert few["reliability"][0]["low"] is None


def test_the_error_of_a_calibrated_model_is_seldom_above_what_one_shows() -> None:
    above = []
    for seed in range(100):
        gold, p = drawn(400, seed)
        found = reliability(gold, p, [str(at) for at in range(400)], seed)
        above.append(found["ece"] > found["ece_if_calibrated_high"])
    assert 0.01 <= np.mean(above) <= 0.11


def test_a_label_that_is_said_too_often_is_seen_by_label_alone() -> None:
    """Of the answers four in five are right, as they say; but favor is said to be 0.15 likely, and is nowhere."""
    gold = np.tile([0, 0, 0, 0, 1], 200)
    p = np.tile([0.8, 0.05, 0.15], (1000, 1))
    found = reliability(gold, p, [str(at) for at in range(1000)])
    assert found["ece"] < 1e-9
    assert found["calibration"]["favor"] == pytest.approx({"mean_probability": 0.15, "share": 0, "ece": 0.15})
    assert found["calibration"]["neutral"] == pytest.approx({"mean_probability": 0.05, "share": 0.2, "ece": 0.15})
    assert found["classwise_ece"] == pytest.approx(0.1)


def test_calibration_error_by_hand() -> None:
    """Of four answers that are 0.9 sure three are right, of two that are 0.5 sure both."""
    p = np.array([[0.9, 0.05, 0.05]] * 4 + [[0.25, 0.5, 0.25]] * 2)
    found = reliability(np.array([0, 0, 0, 2, 1, 1]), p, list("abcdef"))
    assert found["ece"] == pytest.approx((4 * abs(0.75 - 0.9) + 2 * abs(1 - 0.5)) / 6)
    for said, error in (([0, 1], 0), ([1, 2], 1)):
        assert reliability(np.array([0, 1]), np.eye(3)[said], list("ab"))["ece"] == error


def test_class_wise_errors_by_hand() -> None:
    """Each in its bin: 0.9 said of two of which one is, 0.1 said of two of which none is."""
    p = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.1, 0.9, 0], [0.1, 0.9, 0]])
    found = reliability(np.array([0, 1, 1, 1]), p, list("abcd"))
    assert found["calibration"]["against"]["ece"] == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_sets_against_crepes() -> None:
    """Class-conditional p-values of crepes, the true label's class as the category."""
    (gold, p), (_, new) = drawn(400, 1), drawn(300, 2)
    for level in (0.8, 0.9, 0.95):
        theirs = np.zeros((300, 3), dtype=bool)
        for at in range(3):
            ours = gold == at
            classifier = ConformalClassifier().fit(1 - p[ours, at], seed=0)
            values = classifier.predict_p(1 - new[:, [at]], smoothing=False)
            theirs[:, at] = values[:, 0] > 1 - level + 1e-9
        assert np.array_equal(conformal.sets(new, conformal.calibrate(gold, p), level), theirs)


def test_each_label_is_covered_however_rare() -> None:
    gold, p = drawn(4000, 3, sure=2.0)  # of whatever use the probabilities are
    groups = [str(at // 4) for at in range(4000)]
    found = conformal.report(gold, p, conformal.sets_by_folds(gold, p, groups), 0.9)
    for row in found["per_label"].values():
        assert row["covered"] == pytest.approx(0.9, abs=3.5 * np.sqrt(0.09 / row["n"]))
    assert sum(found["sizes"]) == 4000
    assert found["accuracy_of_one"] > (p.argmax(axis=1) == gold).mean()


def test_a_label_with_few_examples_is_never_left_out() -> None:
    gold, p = np.array([0] * 100 + [1] * 100 + [2] * 8), drawn(208, 4)[1]
    assert conformal.sets(p, conformal.calibrate(gold, p), 0.9)[:, 2].all()
    assert conformal.calibrate(gold[:200], p[:200])["favor"] == {"n": 0, "scores": []}


@settings(deadline=None)
@given(st.integers(1, 3000), st.sampled_from([0.5, 0.8, 0.9, 0.99]))
def test_a_thinned_calibration_leaves_no_more_out(n: int, level: float) -> None:
    scores = np.linspace(0, 1, n)
    p = np.stack([1 - scores, scores, np.zeros(n)], axis=1)
    found = conformal.calibrate(np.zeros(n, dtype=np.int64), p)
    assert len(found["against"]["scores"]) <= conformal.KEPT
    share = float(conformal.sets(p, found, level)[:, 0].mean())
    if math.ceil((n + 1) * level - 1e-9) > n:  # too few examples to leave any out
        assert share == 1
    else:
        assert level - 1e-9 <= share <= level + 1 / conformal.KEPT + 2 / n


@pytest.mark.parametrize(
    "found",
    [
        {},
        [],
        {label: {"n": 3, "scores": [0.1]} for label in LABELS},
        {label: {"n": 1, "scores": ["x"]} for label in LABELS},
    ],
)
def test_a_calibration_that_is_none(found: Any) -> None:
    with pytest.raises(InputError, match="conformal"):
        conformal.sets(np.full((1, 3), 1 / 3), found)


@pytest.mark.parametrize("level", [0, 1, True, "0.9", 90])
def test_a_level_that_is_none(level: Any) -> None:
    with pytest.raises(InputError, match="level="):
        conformal.sets(np.full((1, 3), 1 / 3), conformal.calibrate(*drawn(50, 0)), level)


# --- behaviour ---

NAMES = ("Turkey", "France", "Egypt", "Libya", "Spain", "Chile")
VERBS = {"against": "accused", "neutral": "met", "favor": "praised"}


def examples(labelled: bool = True) -> Dataset:
    rows: list[tuple[str, dict[str, Any]]] = []
    for at in range(90):
        source, target = NAMES[at % 6], NAMES[(at + 1 + at // 6 % 4) % 6]
        text = f"{source} {VERBS[LABELS[at % 3]]} {target} on day {at} of the talks."
        for one, other, label in ((source, target, LABELS[at % 3]), (target, source, "neutral")):
            ids = {"example_id": f"{at}{one}", "document_id": str(at // 3), "group_id": str(at // 3)}
            row: dict[str, Any] = {**ids, "text": text}
            for role, name in (("source", one), ("target", other)):
                place = text.index(name)
                row |= {role: name.lower(), f"{role}_start": place, f"{role}_end": place + len(name)}
            rows.append((str(at), row | {"label": label if labelled else None}))
        author = {
            "source": "AUTHOR",
            "source_start": -1,
            "source_end": -1,
            "label": LABELS[at % 3] if labelled else None,
        }
        rows.append((str(at), {**rows[-1][1], **author, "example_id": f"{at}AUTHOR"}))
    return dataset(rows)


class Knows:
    """A model that has its answers by heart: by the source's name as it stands in the sentence, and nothing else."""

    kind: ClassVar[str] = "linear"
    registry: Registry | None = Registry({name.lower(): {"names": [name], "kind": "state"} for name in NAMES})
    log: ClassVar[list[dict[str, Any]]] = []

    def __init__(self) -> None:
        self.cropped = {"predict": {"sentences": 3}}

    def predict_proba(self, asked: Dataset) -> NDArray[np.float64]:
        self.cropped["predict"] = {"sentences": len(asked)}
        result = np.full((len(asked), 3), 0.1)
        for at, row in enumerate(asked):
            name = row["text"][max(row["source_start"], 0) : max(row["source_end"], 0)]
            result[at, {"Turkey": 0, "France": 2, "": 2}.get(name, 1)] = 0.8
        return result

    def explain(self, asked: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        return [[("name", 1.0)]] * len(asked)


def rates(model: Any, asked: Dataset) -> dict[str, float | None]:
    return {check["name"]: check["rate"] for check in behaviour.checks(model, asked)["checks"]}


def test_a_model_that_fails_has_its_own_counts_back(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = Knows()
    monkeypatch.setattr(model, "explain", lambda *asked: [][0])  # after the sentences of the checks were counted
    with pytest.raises(IndexError):
        behaviour.checks(model, examples())
    assert model.cropped == {"predict": {"sentences": 3}}


def test_a_model_that_knows_the_names_is_found_out() -> None:
    model: Any = Knows()
    found = behaviour.checks(model, examples())
    assert model.cropped == {"predict": {"sentences": 3}}
    by_name = {check["name"]: check for check in found["checks"]}
    assert list(by_name) == [check.name for check in behaviour.CHECKS]
    for name in ("names masked", "names swapped", "names only"):
        assert by_name[name]["rate"] < 0.85, name
        assert by_name[name]["low"] <= by_name[name]["rate"] <= by_name[name]["high"]
    for name in ("negation added", "said by somebody else"):
        assert by_name[name]["rate"] == 0, name
    worst = by_name["names masked"]["worst"][0]
    assert "Entity-A" in worst["changed"]
    assert worst["before"]["neutral"] == 0.1
    assert worst["after"]["neutral"] == 0.8
    assert worst["pushes"] == [["name", 1.0]]


def test_a_model_that_reads_passes() -> None:
    asked = examples()
    model = LinearModel(min_df=1).fit(asked, asked)
    model.registry = Knows.registry
    found = rates(model, asked)
    assert found["names masked"] == found["names swapped"] == 1
    assert (found["names only"] or 0) > 0.8
    assert found["source and target flipped"] == 1
    unlabelled = examples(labelled=False)
    assert rates(model, unlabelled)["source and target flipped"] == 1
    nothing = asked.select([])
    assert set(rates(model, nothing).values()) == {None}


@given(st.data())
def test_edited_moves_the_mentions_along(data: Any) -> None:
    left, middle, right = (data.draw(st.text("ab \U0001f600", max_size=6)) for _ in range(3))
    text = f"{left}SOURCE{middle}TARGET{right}"
    source, target = len(left), len(left) + 6 + len(middle)
    row = {
        "text": text,
        "source_start": source,
        "source_end": source + 6,
        "target_start": target,
        "target_end": target + 6,
    }
    edits = [(source, source + 6, "X"), (target, target + 6, "a long name")] if data.draw(st.booleans()) else []
    places = data.draw(
        st.lists(st.sampled_from([*range(source + 1), *range(target + 6, len(text) + 1)]), unique=True, max_size=3)
    )
    new = editing.edited(row, [*edits, *((place, place, "+") for place in places)])
    expected = ("X", "a long name") if edits else ("SOURCE", "TARGET")
    assert (
        new["text"][new["source_start"] : new["source_end"]],
        new["text"][new["target_start"] : new["target_end"]],
    ) == expected
    assert len(new["text"]) == len(text) + len(places) + (1 + 11 - 12 if edits else 0)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("Ana accused Bo.", "Ana never accused Bo."),
        ("Ana has accused Bo.", "Ana has not accused Bo."),
        ("Ana will, she said, sue Bo.", "Ana will not, she said, sue Bo."),
        ("Ana did not accuse Bo.", None),
        ("Ana hasn't accused Bo.", None),
        ("Ana against Bo.", None),
    ],
)
def test_negation(text: str, changed: str | None) -> None:
    row = {"text": text, "source_start": 0, "source_end": 3, "target_start": -1, "target_end": -1}
    edit = editing.negation(text, 3)
    assert (None if edit is None else editing.edited(copy.deepcopy(row), [edit])["text"]) == changed
