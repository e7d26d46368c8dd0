"""Which mentions to label: a random sample that narrows the wanted intervals most, with known probabilities.

Every mention has its own probability of being sampled, larger where its label would narrow a wanted interval more:
proportional to how unsure the model is of it, and to how few mentions the interval rests on (Neyman 1934, and for
model-assisted means Särndal, Swensson, Wretman 1992). It depends only on the model's output, never on a label, and a
label is weighted by its inverse: so the correction stays valid (`correction.correct`).

The sample of fixed size is Pareto sampling (Rosén 1997, On sampling with probability proportional to size): each
mention has a random number of its own, once and for all (a permanent random number, Ohlsson 1995), and those with the
smallest odds ratio are drawn. So a sample grows: asking for forty more keeps the forty there are. The n drawn come
in random order: labelling only the first m labels a random m/n of them, with m/n of their probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

CERTAIN = 0.5  # weight of the mean variance in each mention's own: guards against an overconfident model
LEAST = 1e-9
LEAST_SHARE = 2  # mentions of a wanted interval in a draw, below which it is drawn with the others


def uncertainty(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected variance of a label's value (-1, 0, 1) around the model's score, shape (n,).

    Half of it is the mention's own, half the mean of all: no mention is left out because a model is sure of it.

    Example:
        >>> uncertainty(np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]]))
        array([0.25, 0.75])

    """
    score = probabilities[:, 2] - probabilities[:, 0]
    own = probabilities[:, 2] + probabilities[:, 0] - score**2
    result: NDArray[np.float64] = CERTAIN * own.mean() + (1 - CERTAIN) * own
    return result


def inclusion(
    variance: NDArray[np.float64],
    wanted: Sequence[NDArray[np.int64]],
    size: float,
    known: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the probability with which each mention is to be drawn, shape (n,), in [0, 1].

    They minimise the mean square width of the wanted intervals, as far as labels affect it.

    Args:
        variance: see `uncertainty`, shape (n,), > 0.
        wanted: for each wanted interval the indices of its mentions.
        size: the sum of the probabilities: the number of labels, at most the number of mentions wanted.
        known: the probabilities of an earlier sample; none decreases.

    """
    worth = np.zeros(len(variance))
    for at in wanted:
        worth[at] += variance[at] / len(at) ** 2
    return _scaled(np.sqrt(worth), np.zeros(len(variance)) if known is None else known, size)


def label_variance(variance: NDArray[np.float64], chance: NDArray[np.float64], at: NDArray[np.int64]) -> float:
    """Return the variance of a mean over the mentions `at` that is left by labelling only some of them."""
    if (chance[at] <= 0).any():
        return np.inf
    return float((variance[at] * (1 - chance[at]) / chance[at]).sum()) / len(at) ** 2


def _scaled(worth: NDArray[np.float64], floor: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Probabilities in proportion to `worth`, no less than `floor` and no more than 1, that add up to `size`."""
    most = float(np.where(worth > 0, 1, floor).sum())
    if size >= most - LEAST:
        return np.where(worth > 0, 1.0, floor)

    def excess(factor: float) -> float:
        return float(np.maximum(floor, np.minimum(1, factor * worth)).sum()) - size

    if excess(0) >= 0:
        return floor
    factor = brentq(excess, 0, 1 / worth[worth > 0].min())
    result: NDArray[np.float64] = np.maximum(floor, np.minimum(1, factor * worth))
    return result


def draw(
    variance: NDArray[np.float64],
    wanted: Sequence[NDArray[np.int64]],
    size: int,
    numbers: NDArray[np.float64],
    known: NDArray[np.float64],
    drawn: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw `size` more mentions from those in a wanted interval.

    Each wanted interval gets its whole share, so that none falls short by chance: each is a stratum.

    Args:
        variance: see `inclusion`, shape (n,).
        wanted: see `inclusion`.
        size: how many are drawn; fewer, if there are not enough.
        numbers: the permanent random number of each mention, in (0, 1), shape (n,).
        known: the probability of each mention to be in each earlier draw, shape (n, draws); (n, 0) at first.
        drawn: which were drawn earlier, shape (n,).
        rng: for the order.

    Returns:
        The indices of those drawn, in random order, in which every wanted interval has its share of every prefix:
        so the first m of n are a random m/n of the draw. And `known` with this draw as one more column (as it was, if
        none is drawn). A row adds up to the probability with which the mention is in the whole sample; in the wanted
        intervals together they add up to how many were drawn there.

    """
    stratum = _strata(len(variance), wanted)
    size = min(size, int((~drawn[stratum >= 0]).sum()))
    if not size:
        return np.zeros(0, dtype=np.int64), known
    stratum, floor, chance, sizes = _shares(variance, wanted, size, known, drawn, stratum)
    before = floor.sum(axis=1)
    chosen, turn = [], []
    for which, number in enumerate(sizes.tolist()):
        at = np.flatnonzero(stratum == which)
        chance[at] = _scaled(chance[at], before[at], float(before[at].sum()) + number)
        chosen.append(at[_pareto(chance[at], numbers[at], drawn[at])][:number])
        turn.append((rng.permutation(number) + rng.random(number)) / max(number, 1))
    order = np.argsort(np.concatenate(turn), kind="stable")
    return np.concatenate(chosen)[order], np.column_stack([floor, np.maximum(chance - before, 0)])


def _shares(
    variance: NDArray[np.float64],
    wanted: Sequence[NDArray[np.int64]],
    size: int,
    known: NDArray[np.float64],
    drawn: NDArray[np.bool_],
    stratum: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The strata, the probabilities before and after a draw, and how many of `size` are drawn in each stratum.

    Strata too small for a share are merged, or joined to the next larger; one with nothing left to ask is dropped.
    """
    while True:
        floor, stratum = known.copy(), stratum.copy()
        for at in (stratum == which for which in range(stratum.max() + 1)):
            floor[at] = _given(known[at], drawn[at])
        before = floor.sum(axis=1)
        chance, among = inclusion(variance, wanted, float(before.sum()) + size, before), stratum >= 0
        shares = np.bincount(stratum[among], weights=(chance - before)[among])
        some = np.flatnonzero(shares > LEAST)
        least = some[np.argsort(shares[some], kind="stable")][:2]
        if len(least) < 2 or shares[least[0]] >= LEAST_SHARE - LEAST:
            return stratum, floor, chance, _whole(shares)
        stratum[stratum == least[0]] = least[1]


def _given(known: NDArray[np.float64], drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probabilities of a sample, given how many of these mentions are in it: they add up to that.

    A sample allocated differently holds more or fewer of them than expected. Without this a draw
    would fall short by that number, or treat as certain what it does not ask.
    """
    chance = known.sum(axis=1)
    result, open_ = chance.copy(), (chance > 0) & ~(drawn & (chance >= 1 - LEAST))
    found, expected, most = int(drawn[open_].sum()), float(chance[open_].sum()), int(open_.sum())
    if found < expected:
        result[open_] *= found / expected
    elif found > expected:
        result[open_] = 1 - (1 - chance[open_]) * (most - found) / (most - expected)
    scaled: NDArray[np.float64] = known * (result / np.where(chance > 0, chance, 1))[:, None]
    return scaled


def _strata(n: int, wanted: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The wanted interval of each mention: of several the one with fewest mentions; -1 if there is none."""
    stratum = np.full(n, -1, dtype=np.int64)
    for which in sorted(range(len(wanted)), key=lambda which: -len(wanted[which])):
        stratum[wanted[which]] = which
    return stratum


def _whole(shares: NDArray[Any]) -> NDArray[np.int64]:
    """Whole numbers with the same sum, each share rounded down or up."""
    down = np.floor(shares + LEAST).astype(np.int64)
    short = round(float(shares.sum())) - int(down.sum())
    down[np.argsort(down - shares, kind="stable")[:short]] += 1
    return down


def _pareto(chance: NDArray[np.float64], numbers: NDArray[np.float64], drawn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The places of those not drawn yet, the next to be drawn first."""
    odds = np.maximum(chance, LEAST) / np.maximum(1 - chance, LEAST)
    order = np.argsort((numbers / (1 - numbers)) / odds, kind="stable")
    return order[~drawn[order]]
