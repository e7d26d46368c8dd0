"""A mean stance from the model's word on all mentions and labels on some: PPI++, resampling groups.

Prediction-powered inference (Angelopoulos, Duchi, Zrnic 2023, PPI++: Efficient Prediction-Powered Inference): the mean
of the model's scores, times a power λ, plus the mean of what the labels say beyond that. It is unbiased whatever
the quality of the model; the better the model, the narrower the interval. λ is tuned for the narrowest one (0: the
labels alone).

Labels count by the inverse of the probability with which their mentions were drawn (Horvitz and Thompson 1952, with
Hájek's normalisation), so a sample need not be even, as long as its probabilities are known. Two questions, two
intervals:

- about articles like these: the articles are a sample too. Mentions of one article are not independent, so whole groups
  carry the variance (the sandwich estimator: the linear form of resampling groups).
- about just these articles: only the choice of mentions to label is chance; with all labelled nothing is left open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

MIN_GROUPS = 5  # labelled groups; below this no interval is given
LEVEL = 0.95
VALUES = (-1.0, 0.0, 1.0)  # what a label is worth: against, neutral, favor


@dataclass(frozen=True)
class Corrected:
    """A corrected score; see `correct`.

    `score`, `low`, `high` (articles like these), `low_here`, `high_here` (these articles) lie in [-1, 1]. `power` is
    λ in [0, 1]; `labelled` the number of labels; `correction` is "ppi++", or "classical" where the labels stand
    alone. `error` is the standard error of the score (articles like these), `freedom` the degrees of freedom of
    Student's t that it goes with.
    """

    score: float
    low: float
    high: float
    low_here: float
    high_here: float
    power: float
    labelled: int
    correction: str
    error: float
    freedom: int


def correct(
    gold: NDArray[np.float64],
    groups: NDArray[np.generic],
    scores: NDArray[np.float64] | None = None,
    inclusion: NDArray[np.float64] | None = None,
    level: float = LEVEL,
) -> Corrected | None:
    """Return the mean stance of mentions, some of them labelled, with its intervals.

    Args:
        gold: favor = 1, neutral = 0, against = -1, and NaN where there is no label, shape (n,).
        groups: the group of each mention (story, article), shape (n,).
        scores: the model's P(favor) - P(against), shape (n,); None where there are only labels.
        inclusion: the probability with which each mention came to be labelled, in (0, 1], shape (n,). None: those with
            a label are a simple random sample.
        level: of the intervals, in (0, 1).

    Returns:
        None with labels in fewer than `MIN_GROUPS` groups, or if a mention had no chance of being labelled: then
        nothing can be said of it.

    Raises:
        ValueError: if shapes differ, or a labelled mention has no inclusion probability in (0, 1].

    Example:
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(-1, 2, 400).astype(float)
        >>> scores = np.clip(0.6 * truth + 0.3 + rng.normal(0, 0.3, 400), -1, 1)  # a model that leans to favor
        >>> gold = np.where(rng.random(400) < 0.25, truth, np.nan)
        >>> found = correct(gold, np.arange(400), scores)
        >>> print(f"{scores.mean():.2f} is corrected to {found.score:.2f} [{found.low:.2f}, {found.high:.2f}]")
        0.30 is corrected to 0.06 [-0.04, 0.17]
        >>> print(f"and the truth is {truth.mean():.3f}")
        and the truth is 0.075

    """
    chosen = ~np.isnan(gold)
    labelled = int(chosen.sum())
    if any(array is not None and array.shape != gold.shape for array in (groups, scores, inclusion)):
        raise ValueError("gold, groups, scores and inclusion must have one shape")
    if len(np.unique(groups[chosen])) < MIN_GROUPS:
        return None
    chance = np.full(len(gold), labelled / len(gold)) if inclusion is None else inclusion
    if not ((chance[chosen] > 0) & (chance[chosen] <= 1)).all():
        raise ValueError("a labelled mention needs an inclusion probability in (0, 1]")
    if (chance[~chosen] <= 0).any():
        return None
    if labelled == len(gold):  # however they were drawn, there are no others for them to represent
        chance = np.ones(len(gold))
    weight = np.where(chosen, 1 / np.where(chosen, chance, 1), 0)
    weight *= len(gold) / weight.sum()  # Hájek: they stand for all mentions
    y = np.where(chosen, gold, 0)
    label_mean = float((weight * y).mean())
    labels_part = weight * (y - label_mean)
    _, index = np.unique(groups, return_inverse=True)
    if scores is None or labelled == len(gold):
        power, model_part, score = 0.0, np.zeros(len(gold)), label_mean
    else:
        sampled = float((weight * scores).mean())
        model_part = (scores - scores.mean()) - weight * (scores - sampled)
        power = _power(_by_group(labels_part, index), _by_group(model_part, index))
        score = label_mean + power * float(scores.mean() - sampled)
    deviations = labels_part + power * model_part
    f = np.zeros(len(gold)) if scores is None else scores
    residual = labels_part - power * weight * (f - float((weight * f).mean()))
    few = _few(weight[chosen], label_mean, labels_part, residual)
    lost = 1 + (power > 0)  # degrees of freedom: a mean, and a slope
    squares, units = float((_by_group(deviations, index) ** 2).sum()), len(np.unique(groups[chosen]))
    error, freedom = _standard_error(squares + few, len(gold), units, lost)
    wide = half_width(squares + few, len(gold), units, lost, level)
    not_sure = (1 - chance) * chosen  # a mention certain to be labelled leaves nothing open
    squares = float((not_sure * residual**2).sum() + few * not_sure.sum() / labelled)
    narrow = half_width(squares, len(gold), labelled, lost, level)
    low, high, low_here, high_here = (
        float(np.clip(end, -1, 1)) for end in (score - wide, score + wide, score - narrow, score + narrow)
    )
    correction = "ppi++" if power > 0 else "classical"
    score = float(np.clip(score, -1, 1))
    return Corrected(score, low, high, low_here, high_here, power, labelled, correction, error, freedom)


def _power(labels_part: NDArray[np.float64], model_part: NDArray[np.float64]) -> float:
    """The λ in [0, 1] that minimises the squares of the sums by group."""
    spread = float((model_part**2).sum())
    if spread <= 1e-12:
        return 0.0
    return float(np.clip(-(labels_part @ model_part) / spread, 0, 1))


def _by_group(values: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[Any]:
    return np.bincount(index, weights=values)


def _few(
    weight: NDArray[np.float64],
    mean: float,
    labels_part: NDArray[np.float64],
    residual: NDArray[np.float64],
) -> float:
    """Squares that one more label of each kind would add, as far from the model's word as the others are on average.

    As Agresti and Coull (1998) do for a proportion: thirty labels that agree do not prove that all would, and without
    this their interval would be a point.
    """
    spread = float((labels_part**2).sum())
    share = max(float((residual**2).sum()) / spread, 1 / len(weight)) if spread > 0 else 1.0
    return float((weight**2).mean() * sum((value - mean) ** 2 for value in VALUES)) * share


def half_width(squares: float, n: int, units: int, lost: int, level: float = LEVEL) -> float:
    """Return half the width of the interval of a mean.

    Args:
        squares: what the mentions' deviations add up to, squared (by group).
        n: the number of mentions.
        units: the number of labelled groups (or mentions) that the squares come from.
        lost: degrees of freedom that were spent.
        level: of the interval.

    """
    error, freedom = _standard_error(squares, n, units, lost)
    return float(student_t.ppf((1 + level) / 2, freedom)) * error


def _standard_error(squares: float, n: int, units: int, lost: int) -> tuple[float, int]:
    """The standard error of a mean, and its degrees of freedom."""
    freedom = max(1, units - lost)
    return float(np.sqrt(squares * units / freedom * units / (units + len(VALUES)))) / n, freedom
