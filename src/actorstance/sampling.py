"""Which mentions to label: a random sample that narrows the wanted intervals most, with known probabilities.

Every mention has its probability of coming into the sample, larger where its label would narrow a wanted interval more:
proportional to how unsure the model is of it, and to how few mentions the interval rests on (Neyman 1934, and for
model-assisted means Särndal, Swensson, Wretman 1992). It depends on the model's word alone, never on a label, and a
label counts by its inverse: so the correction stays valid (`correction.correct`).

The sample of fixed size is Pareto sampling (Rosén 1997, On sampling with probability proportional to size): each mention
has a random number of its own, once and for all (a permanent random number, Ohlsson 1995), and those with the least
odds ratio come in. So a sample grows: who asks for forty more keeps the forty there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

CERTAIN = 0.5  # how far every mention is taken for as unsure as the average: a model may be wrong where it is sure
LEAST = 1e-9


def uncertainty(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance that a label's worth (-1, 0, 1) is expected to have about the model's score, shape (n,).

    Half of it is the mention's own, half the mean of all: no mention is left out because a model is sure of it.

    Example:
        >>> uncertainty(np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]]))
        array([0.25, 0.75])

    """
    score = probabilities[:, 2] - probabilities[:, 0]
    own = probabilities[:, 2] + probabilities[:, 0] - score**2
    return CERTAIN * own.mean() + (1 - CERTAIN) * own


def inclusion(
    variance: NDArray[np.float64],
    wanted: Sequence[NDArray[np.int64]],
    size: float,
    known: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the probability with which each mention is to be drawn, shape (n,), in [0, 1].

    The mean square of the wanted intervals' widths is made least, as far as labels bear on it.

    Args:
        variance: see `uncertainty`, shape (n,), > 0.
        wanted: for each wanted interval the indices of its mentions.
        size: the sum of the probabilities: the number of labels, at most the number of mentions wanted.
        known: the probabilities of a sample that was drawn before; none becomes less.

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
    return np.maximum(floor, np.minimum(1, factor * worth))


def draw(chance: NDArray[np.float64], numbers: NDArray[np.float64], size: int, drawn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the indices of `size` mentions more, in the order in which they are drawn.

    Args:
        chance: the probability of each mention of being in the sample, shape (n,); see `inclusion`.
        numbers: its permanent random number, in (0, 1), shape (n,).
        size: how many are drawn beside those that are there; fewer, if no more have a chance.
        drawn: which are there already.

    """
    odds = chance / np.maximum(1 - chance, LEAST)
    rank = (numbers / (1 - numbers)) / np.maximum(odds, LEAST)
    order = np.argsort(np.where(drawn | (chance <= 0), np.inf, rank), kind="stable")
    return order[: min(size, int((~drawn & (chance > 0)).sum()))]
