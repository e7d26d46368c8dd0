"""Are the probabilities what they say? The reliability curve, its error, and each label's probabilities on their own.

Of the answers given with a confidence of 0.8, four in five should be right. The expected calibration error (Guo,
Pleiss, Sun, Weinberger 2017) is the mean distance between confidence and accuracy over bins of confidence. It is
never 0, as some of that distance is chance, and it is not a mean of independent parts, so it has no fair bootstrap:
resampling adds chance to chance. Instead it is shown beside what a calibrated model would have (consistency resampling:
Bröcker and Smith 2007, Increasing the Reliability of Reliability Diagrams).

It looks only at the label that was answered. The same error for the probability of each label (class-wise ECE: Kull
and others 2019, Beyond Temperature Scaling) shows what a score, P(favor) - P(against), is made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance.correction import LEVEL, MIN_GROUPS
from actorstance.examples import LABELS
from actorstance.scoring import group_weights, interval

BINS = 15  # of equal width, as in Guo et al. 2017
DRAWS = 200  # of labels from the probabilities themselves: enough to know their mean error to a few per cent


def reliability(
    gold: NDArray[np.int64], probabilities: NDArray[np.float64], groups: list[str], seed: int = 0
) -> dict[str, Any]:
    """Return `ece` to `reliability` of metrics.json: see docs/runs.md.

    Args:
        gold: label indices, shape (n,).
        probabilities: shape (n, 3).
        groups: the group of each example, resampled whole for the intervals of the curve.
        seed: of the draws.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> p = rng.dirichlet([1, 1, 1], 600)
        >>> gold = (rng.random((600, 1)) > p.cumsum(axis=1)).sum(axis=1)  # labels as likely as they say
        >>> found = reliability(gold, p, [str(i // 10) for i in range(600)])
        >>> row = found["calibration"]["favor"]
        >>> print(f"P {row['mean_probability']:.2f}, share {row['share']:.2f}, error {row['ece']:.2f}")
        P 0.33, share 0.31, error 0.05

    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    bins = _bins(confidence)
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    count, sure, hit = (_by_group_and_bin(index, bins, values) for values in (np.ones(len(gold)), confidence, right))
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    if len(names) >= MIN_GROUPS:
        weights = group_weights(len(names), seed)
        drawn = weights @ count, weights @ hit
    chance = _if_calibrated(confidence, bins, seed)
    calibration = {label: _of_label(gold == at, probabilities[:, at]) for at, label in enumerate(LABELS)}
    return {
        "ece": _error(right, confidence),
        "ece_if_calibrated": float(chance.mean()),
        "ece_if_calibrated_high": float(np.quantile(chance, LEVEL)),
        "classwise_ece": float(np.mean([row["ece"] for row in calibration.values()])),
        "calibration": calibration,
        "reliability": [_bin(at, count, sure, hit, drawn) for at in np.flatnonzero(count.sum(axis=0)).tolist()],
    }


def _bins(chances: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((chances * BINS).astype(np.int64), BINS - 1)


def _of_label(is_it: NDArray[np.bool_], chances: NDArray[np.float64]) -> dict[str, float]:
    """How likely a label is said to be, how common it is, and how far apart the two are over bins of probability."""
    error = _error(is_it, chances)
    return {"mean_probability": float(chances.mean()), "share": float(is_it.mean()), "ece": error}


def _error(is_it: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """The expected calibration error: how far apart what is said and what is are on average over bins, in [0, 1]."""
    gaps = np.bincount(_bins(chances), weights=is_it - chances, minlength=BINS)
    return float(np.abs(gaps).sum() / len(chances))


def _by_group_and_bin(index: NDArray[np.int64], bins: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    """Sums, shape (groups, bins)."""
    sums = np.bincount(index * BINS + bins, weights=values, minlength=(index.max() + 1) * BINS)
    return sums.reshape(-1, BINS)


def _if_calibrated(confidence: NDArray[np.float64], bins: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """The errors that chance alone makes, shape (DRAWS,): an answer is right as often as it says."""
    right = np.random.default_rng(seed).random((DRAWS, len(confidence))) < confidence
    gaps = np.stack([((right - confidence) * (bins == at)).sum(axis=1) for at in range(BINS)])
    result: NDArray[np.float64] = np.abs(gaps).sum(axis=0) / len(confidence)
    return result


def _bin(
    at: int,
    count: NDArray[np.float64],
    sure: NDArray[np.float64],
    hit: NDArray[np.float64],
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> dict[str, Any]:
    n, groups = float(count[:, at].sum()), int((count[:, at] > 0).sum())
    low = high = None
    if drawn is not None and groups >= MIN_GROUPS:
        with np.errstate(invalid="ignore"):  # in a draw a bin may be empty
            low, high = interval(drawn[1][:, at] / drawn[0][:, at], groups)
    return {
        "from": at / BINS,
        "to": (at + 1) / BINS,
        "n": int(n),
        "confidence": float(sure[:, at].sum() / n),
        "accuracy": float(hit[:, at].sum() / n),
        "low": low,
        "high": high,
    }
