"""Prediction sets: the labels that an example may well have, so that "cannot tell" is an answer.

Split conformal prediction, for each label by itself (Mondrian: Vovk, Gammerman, Shafer 2005, Algorithmic Learning in
a Random World): a label is left out of a set if the model gives it less than it gave that label in all but a few
of the examples that have it. So of the examples of *each* label at least `level` have it in their set, however rare
the label is, if new examples are like those used for calibration. It is calibrated on held-out examples, which
nothing else has seen. One label in a set is an answer; two or three are "cannot tell", none is "unlike anything
seen".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance.errors import InputError
from actorstance.examples import LABELS

LEVEL = 0.9
FOLDS = 10  # in which the calibrating examples are judged themselves: each by the groups of the other nine
KEPT = 500  # steps of a calibration that a model keeps for each label: a level is then met within 0.2 per cent

Calibration = dict[str, dict[str, Any]]


def calibrate(gold: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Calibration:
    """Return what prediction sets need: for each label how unlikely the model thought it where it was right.

    Args:
        gold: label indices of held-out examples, shape (n,).
        probabilities: shape (n, 3).

    Returns:
        For each label `n` and `scores`: 1 - P(label) of its examples in ascending order; of more than `KEPT`
        examples, `KEPT` of them evenly spaced.

    """
    result = {}
    for at, label in enumerate(LABELS):
        scores = np.sort(1 - probabilities[gold == at, at])
        n = len(scores)
        kept = scores[_ranks(n) - 1]
        result[label] = {"n": n, "scores": kept.tolist()}
    return result


def sets(probabilities: NDArray[np.float64], calibration: Calibration, level: float = LEVEL) -> NDArray[np.bool_]:
    """Return which labels the set of each example contains, shape (n, 3).

    Raises:
        InputError: if the level is not between 0 and 1, or the calibration is not as `calibrate` returned it.

    Example:
        >>> found = calibrate(np.array([0] * 19), np.linspace([0.05, 0, 0], [0.95, 0, 0], 19))
        >>> sets(np.array([[0.06, 0.9, 0.04], [0.5, 0.1, 0.4]]), found, level=0.9)
        array([[False,  True,  True],
               [ True,  True,  True]])

    """
    known = calibration if isinstance(calibration, dict) else {}  # a model's card may come from a stranger
    limits = np.array([_limit(known.get(label), level) for label in LABELS])
    return 1 - probabilities <= limits


def sets_by_card(
    card: Mapping[str, Any], probabilities: NDArray[np.float64], level: float = LEVEL
) -> NDArray[np.bool_] | None:
    """Return the sets of new examples, shape (n, 3), by the calibration in a model's card; None if it has none."""
    calibration = card.get("conformal")
    return None if calibration is None else sets(probabilities, calibration, level)


def sets_by_folds(
    gold: NDArray[np.int64], probabilities: NDArray[np.float64], groups: list[str], level: float = LEVEL
) -> NDArray[np.bool_]:
    """Return the sets of labelled examples, shape (n, 3), each calibrated on the groups of the other folds."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    fold = index % FOLDS
    result = np.ones((len(gold), len(LABELS)), dtype=bool)
    for at in np.unique(fold):
        rest = fold != at
        result[~rest] = sets(probabilities[~rest], calibrate(gold[rest], probabilities[rest]), level)
    return result


def report(
    gold: NDArray[np.int64], probabilities: NDArray[np.float64], held: NDArray[np.bool_], level: float
) -> dict[str, Any]:
    """Return `conformal` of metrics.json: how often the sets contain the label, and how large they are."""
    covered, size = held[np.arange(len(gold)), gold], held.sum(axis=1)
    one = size == 1
    per_label = {}
    for at, label in enumerate(LABELS):
        n = int((gold == at).sum())
        per_label[label] = {"n": n, "covered": float(covered[gold == at].mean()) if n else None}
    return {
        "level": level,
        "per_label": per_label,
        "covered": float(covered.mean()),
        "sizes": np.bincount(size, minlength=len(LABELS) + 1).tolist(),
        "accuracy_of_one": float(covered[one].mean()) if one.any() else None,
    }


def names(held: NDArray[np.bool_]) -> list[list[str]]:
    """Return the sets as lists of labels."""
    return [[label for label, there in zip(LABELS, row, strict=True) if there] for row in held.tolist()]


def _ranks(n: int) -> NDArray[np.int64]:
    """Which of n scores in ascending order, counted from 1, are kept: the last always is."""
    return np.unique(np.ceil(np.arange(1, KEPT + 1) * n / KEPT).astype(np.int64)) if n else np.zeros(0, np.int64)


def _limit(found: Any, level: float) -> float:
    """The largest 1 - P that a label in a set may have; infinite where there are too few examples to leave any out."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise InputError(f"level={level!r}: expected a number between 0 and 1, as 0.9.")
    n, scores = (found.get("n"), found.get("scores")) if isinstance(found, dict) else (None, None)
    if (
        not isinstance(n, int)
        or not isinstance(scores, list)
        or not all(isinstance(score, float) and 0 <= score <= 1 for score in scores)
        or not 0 <= n < 2**31
        or len(scores) != len(_ranks(n))
        or scores != sorted(scores)
    ):
        raise InputError("the model's card holds no valid calibration of prediction sets (conformal). Copy it again.")
    rank = math.ceil((n + 1) * level - 1e-9)
    if rank > n:
        return math.inf
    return float(scores[int(np.searchsorted(_ranks(n), rank))])
