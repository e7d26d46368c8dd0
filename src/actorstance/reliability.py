"""Are the probabilities what they say? The reliability curve and its error, with intervals that resample groups.

Of the answers given with a confidence of 0.8, four in five should be right. The expected calibration error (Guo, Pleiss,
Sun, Weinberger 2017) is the mean distance between confidence and accuracy over bins of confidence. It is never 0, as
some of that distance is chance: `ece_if_calibrated` tells how much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance.scoring import ECE_BINS, MIN_GROUPS, expected_calibration_error, group_weights, interval

DRAWS = 200  # of labels from the probabilities themselves: their mean error is then known to a few per cent


def reliability(
    gold: NDArray[np.int64], probabilities: NDArray[np.float64], groups: list[str], seed: int = 0
) -> dict[str, Any]:
    """Return `ece_low`, `ece_high`, `ece_if_calibrated` and `reliability` of metrics.json: see docs/runs.md.

    The interval is the basic bootstrap's (twice the estimate minus the percentiles): resampling adds chance to an error
    that holds chance already, and the basic interval takes it off again.

    Args:
        gold: label indices, shape (n,).
        probabilities: shape (n, 3).
        groups: the group of each example, which is resampled whole.
        seed: of the draws.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> p = rng.dirichlet([1, 1, 1], 3000)
        >>> gold = (rng.random((3000, 1)) > p.cumsum(axis=1)).sum(axis=1)  # labels as likely as they say
        >>> found = reliability(gold, p, [str(i) for i in range(3000)])
        >>> found["ece_low"] <= found["ece_if_calibrated"] <= found["ece_high"]
        True

    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    count, sure, hit = (_by_group_and_bin(index, bins, values) for values in (np.ones(len(gold)), confidence, right))
    ece = expected_calibration_error(gold, probabilities)
    low = high = None
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    if len(names) >= MIN_GROUPS:
        weights = group_weights(len(names), seed)
        drawn = weights @ count, weights @ hit
        low, high = interval(2 * ece - _ece(drawn[0], weights @ sure, drawn[1]), len(names))
        low, high = max(0.0, low), max(0.0, high)
    return {
        "ece_low": low,
        "ece_high": high,
        "ece_if_calibrated": _if_calibrated(probabilities, confidence, bins, seed),
        "reliability": [_bin(at, count, sure, hit, drawn) for at in np.flatnonzero(count.sum(axis=0)).tolist()],
    }


def _by_group_and_bin(index: NDArray[np.int64], bins: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Sums, shape (groups, bins)."""
    sums = np.bincount(index * ECE_BINS + bins, weights=values, minlength=(index.max() + 1) * ECE_BINS)
    return sums.reshape(-1, ECE_BINS)


def _ece(count: NDArray[Any], sure: NDArray[Any], hit: NDArray[Any]) -> Any:
    """Sums by bin, shape (..., bins) -> the error, shape (...)."""
    return np.abs(hit - sure).sum(axis=-1) / count.sum(axis=-1)


def _if_calibrated(
    probabilities: NDArray[np.float64], confidence: NDArray[np.float64], bins: NDArray[np.int64], seed: int
) -> float:
    """The mean error that chance alone makes: an answer is right as often as it says."""
    right = np.random.default_rng(seed).random((DRAWS, len(probabilities))) < confidence
    gaps = np.stack([((right - confidence) * (bins == at)).sum(axis=1) for at in range(ECE_BINS)])
    return float(np.abs(gaps).sum(axis=0).mean() / len(probabilities))


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
        with np.errstate(invalid="ignore"):  # a draw may hold nothing of a bin
            low, high = interval(drawn[1][:, at] / drawn[0][:, at], groups)
    return {
        "from": at / ECE_BINS,
        "to": (at + 1) / ECE_BINS,
        "n": int(n),
        "confidence": float(sure[:, at].sum() / n),
        "accuracy": float(hit[:, at].sum() / n),
        "low": low,
        "high": high,
    }
