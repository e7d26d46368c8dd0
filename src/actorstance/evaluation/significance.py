"""Whether a difference of two scores is more than chance: tests by group, and their adjustment for many actors.

Tests are randomised, by group: if nothing differed, the two answers to a story could just as well be swapped (paired
randomisation: Noreen 1989, Computer-Intensive Methods for Testing Hypotheses), and an article could be from the
other sample (permutation). Sentences of an article go together, since they are not independent. Scores corrected by
labels vary with those labels, of which a sample may have few: their difference is judged by Welch's t (1947, The
Generalization of `Student's' Problem when Several Different Population Variances are Involved). Of many actors some
differ by chance, so their p-values are adjusted (Holm 1979; Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from actorstance.correction import LEVEL, Corrected
from actorstance.scoring import FEW_REPEATS, drawn, interval, mean_draws, mean_interval

_BATCH = 500  # randomisations that are held in memory at once
_EQUAL = 1e-12  # differences this close count as equal: rounding

Sample = tuple[NDArray[np.float64], NDArray[np.generic]]  # the scores of n mentions, and the group of each


def paired(
    gap: NDArray[np.float64], index: NDArray[np.int64], repeats: int, seed: int
) -> tuple[float, float | None, float | None, float]:
    """Return the mean difference of two scores of the same mentions, its interval, and its p.

    Args:
        gap: the difference of each mention, shape (n,).
        index: its group, as a number, shape (n,); the signs of whole groups are flipped.
        repeats: of the randomisation; the smallest p is 1 / (repeats + 1).
        seed: of the randomisation and of the bootstrap.

    Returns:
        Difference, lower and upper end (None with too few groups), p.

    """
    low, high = mean_interval(gap, index, seed)
    sums, _ = _by_group(gap, index)
    reached, rng = 0, np.random.default_rng(seed)
    for start in range(0, repeats, _BATCH):
        signs = 2 * rng.integers(2, size=(min(_BATCH, repeats - start), len(sums))) - 1
        reached += int((np.abs(signs @ sums) >= abs(sums.sum()) - _EQUAL * len(gap)).sum())
    return float(gap.mean()), low, high, (reached + 1) / (repeats + 1)


def swapped(
    a: NDArray[np.int64], b: NDArray[np.int64], of: Callable[[NDArray[Any]], Any], repeats: int, seed: int
) -> float:
    """Return how often a metric of two models differs as much when their answers to groups are swapped at random.

    Args:
        a: a model's confusions by group, shape (groups, 3, 3).
        b: another's.
        of: the metric of confusions, shape (..., 3, 3).
        repeats: of the randomisation.
        seed: likewise.

    """
    seen = abs(of(b.sum(axis=0)) - of(a.sum(axis=0)))
    reached, rng = 0, np.random.default_rng(seed)
    for start in range(0, repeats, _BATCH):
        swap = rng.integers(2, size=(min(_BATCH, repeats - start), len(a)))
        turned = [drawn(other - one, swap) + one.sum(axis=0) for one, other in ((a, b), (b, a))]
        reached += int((np.abs(of(turned[1]) - of(turned[0])) >= seen - _EQUAL).sum())
    return (reached + 1) / (repeats + 1)


def unpaired(first: Sample, second: Sample, repeats: int, seed: int) -> tuple[float, float, float]:
    """Return the interval of the difference (second - first) of two samples' mean scores, and its p.

    Each sample is resampled by itself; the smaller one says how few groups there are. For p, groups are dealt to the
    two at random. A group in both counts as two.
    """
    (one, few), (other, many) = (
        mean_draws(*sample, seed + which, FEW_REPEATS) for which, sample in enumerate((first, second))
    )
    low, high = interval(other - one, min(few, many))
    (sums_a, counts_a), (sums_b, counts_b) = (_by_group(*sample) for sample in (first, second))
    sums, counts = np.concatenate([sums_a, sums_b]), np.concatenate([counts_a, counts_b])
    return low, high, permuted(sums, counts, len(sums_a), repeats, seed)


def permuted(sums: NDArray[np.float64], counts: NDArray[np.int64], first: int, repeats: int, seed: int) -> float:
    """Return how often as large a difference arises when groups are dealt to two samples at random.

    The difference is in units of its standard error, so that unequal spread is not a difference (Janssen 1997).

    Args:
        sums: the sum of each group's scores, the first sample's groups before the second's.
        counts: how many scores each group has.
        first: how many groups the first sample has.
        repeats: of the randomisation.
        seed: likewise.

    """

    def statistic(order: NDArray[np.int64]) -> NDArray[np.float64]:
        parts = [(sums[order[:, cut]], counts[order[:, cut]]) for cut in (slice(None, first), slice(first, None))]
        means = [total.sum(axis=1) / count.sum(axis=1) for total, count in parts]
        squares = [
            ((total - mean[:, None] * count) ** 2).sum(axis=1) / count.sum(axis=1) ** 2
            for (total, count), mean in zip(parts, means, strict=True)
        ]
        result: NDArray[np.float64] = np.abs(means[1] - means[0]) / np.sqrt(np.maximum(squares[0] + squares[1], _EQUAL))
        return result

    rng = np.random.default_rng(seed)
    seen = float(statistic(np.arange(len(sums))[None])[0])
    reached = 0
    for start in range(0, repeats, _BATCH):
        orders = rng.permuted(np.tile(np.arange(len(sums)), (min(_BATCH, repeats - start), 1)), axis=1)
        reached += int((statistic(orders) >= seen - _EQUAL).sum())
    return (reached + 1) / (repeats + 1)


def welch(a: Corrected, b: Corrected) -> tuple[float, float, float]:
    """Return the interval and the p of b - a by Welch's t: each score has its own error and number of labels."""
    squares = a.error**2, b.error**2
    error = float(np.sqrt(sum(squares)))
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / a.freedom + squares[1] ** 2 / b.freedom)
    difference, half = b.score - a.score, float(student_t.ppf((1 + LEVEL) / 2, freedom)) * error
    p = 2 * float(student_t.sf(abs(difference) / error, freedom))
    return max(-2.0, difference - half), min(2.0, difference + half), p


def adjusted(p: Sequence[float], how: str) -> list[float]:
    """Return p-values adjusted for their number.

    Args:
        p: p-values.
        how: `holm` controls the chance of any false finding, `bh` (Benjamini-Hochberg) the share of false findings.

    Example:
        >>> adjusted([0.01, 0.02, 0.5], "holm"), adjusted([0.01, 0.02, 0.5], "bh")
        ([0.03, 0.04, 0.5], [0.03, 0.03, 0.5])

    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, len(values) + 1)
    if how == "holm":
        stepped = np.maximum.accumulate(values[order] * (len(values) + 1 - rank))
    else:
        stepped = np.minimum.accumulate((values[order] * len(values) / rank)[::-1])[::-1]
    result = np.empty(len(values))
    result[order] = np.minimum(stepped, 1)
    return [float(value) for value in result]


def _by_group(values: NDArray[np.float64], groups: NDArray[np.generic]) -> tuple[NDArray[Any], NDArray[Any]]:
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=values), np.bincount(index)
