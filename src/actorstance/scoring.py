"""From probabilities to metrics, and to the score of every actor and pair, with intervals that resample groups.

Sentences of one article are not independent, and intervals that take them to be so are too narrow. So every interval
here is from the cluster bootstrap: whole groups are drawn with replacement (Field and Welsh 2007, Bootstrapping
clustered data), and the percentiles are expanded for few groups (Hesterberg 2015, What Teachers Should Know About
the Bootstrap).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from actorstance.correction import LEVEL, MIN_GROUPS, correct
from actorstance.examples import LABELS

REPEATS = 2000  # bootstrap draws: enough for the ends of a 95 % interval to move by less than a tenth of its width
FEW_GROUPS, FEW_REPEATS = 50, 10_000  # few groups need ends further out, and so more draws


def metrics(
    gold: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    groups: list[str],
    clean: NDArray[np.bool_] | None,
    names_only: NDArray[np.int64] | None,
    majority: int | NDArray[np.int64],
    seed: int = 0,
) -> dict[str, Any]:
    """Return the metrics of held-out examples, as in metrics.json: how often, and for which label, a model is right.

    Args:
        gold: label indices, shape (n,).
        probabilities: shape (n, 3).
        groups: the group of each example.
        clean: which examples have no twin in training, shape (n,); None if the training examples are not at hand.
        names_only: labels predicted from the two names alone, shape (n,); None in the same case.
        majority: the commonest label in training, or, shape (n,), the commonest of those that each example can have.
        seed: of the bootstrap.

    Macro-F1 is the mean over the labels that occur in `gold`.

    """
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(gold, predicted)
    tables = confusions(gold, predicted, groups)
    low = high = None
    if len(tables) >= MIN_GROUPS:
        draws = macro_f1_of(drawn(tables, group_weights(len(tables), seed)), confusion.sum(axis=1) > 0)
        low, high = interval(draws, len(tables))
    precision, recall, f1 = _per_label(confusion)
    return {
        "n": len(gold),
        "labels": {label: int(count) for label, count in zip(LABELS, confusion.sum(axis=1), strict=True)},
        "accuracy": float((gold == predicted).mean()),
        "micro_f1": float((gold == predicted).mean()),  # equals accuracy: one label per example
        "macro_f1": macro_f1(gold, predicted),
        "macro_f1_low": low,
        "macro_f1_high": high,
        "per_label": {
            label: {
                "precision": float(precision[at]),
                "recall": float(recall[at]),
                "f1": float(f1[at]),
                "n": int(confusion[at].sum()),
            }
            for at, label in enumerate(LABELS)
        },
        "majority": {
            "accuracy": float((gold == majority).mean()),
            "macro_f1": macro_f1(gold, np.full(len(gold), majority)),
        },
        "names_only": {"macro_f1": None if names_only is None else macro_f1(gold, names_only)},
        "clean": _clean(gold, predicted, clean),
    }


def by_corpus(
    gold: NDArray[np.int64], of_all: NDArray[np.float64], of_own: NDArray[np.float64], corpora: list[str]
) -> dict[str, dict[str, Any]]:
    """Return the metrics of each of several corpora: over all labels, and `own_labels`, choosing among its own.

    Example:
        >>> sure, among = np.array([[0.4, 0.5, 0.1], [0.1, 0.2, 0.7]]), np.array([[0.8, 0, 0.2], [0.1, 0, 0.9]])
        >>> found = by_corpus(np.array([0, 2]), sure, among, ["a", "a"])
        >>> found["a"]["accuracy"], found["a"]["own_labels"]["accuracy"]
        (0.5, 1.0)

    """
    result = {}
    for name in dict.fromkeys(corpora):
        rows = np.flatnonzero(np.asarray(corpora) == name)
        figures = [
            {"accuracy": float((gold[rows] == found).mean()), "macro_f1": macro_f1(gold[rows], found)}
            for found in (of_all[rows].argmax(axis=1), of_own[rows].argmax(axis=1))
        ]
        result[name] = {"n": len(rows), **figures[0], "own_labels": figures[1]}
    return result


def _clean(
    gold: NDArray[np.int64], predicted: NDArray[np.int64], clean: NDArray[np.bool_] | None
) -> dict[str, int | float | None]:
    if clean is None:
        return {"n": None, "accuracy": None, "macro_f1": None}
    if not clean.any():
        return {"n": 0, "accuracy": None, "macro_f1": None}
    right = float((gold == predicted)[clean].mean())
    return {"n": int(clean.sum()), "accuracy": right, "macro_f1": macro_f1(gold[clean], predicted[clean])}


def confusion_matrix(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts, shape (3, 3): rows gold, columns predicted, in `LABELS` order."""
    return np.bincount(gold * len(LABELS) + predicted, minlength=len(LABELS) ** 2).reshape(len(LABELS), len(LABELS))


def macro_f1(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the mean F1 over the labels that occur in gold.

    Example:
        >>> round(macro_f1(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 1])), 3)
        0.778

    """
    confusion = confusion_matrix(gold, predicted)
    return float(macro_f1_of(confusion, confusion.sum(axis=1) > 0))


def macro_f1_of(confusion: NDArray[Any], occur: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the macro-F1 of confusion matrices, shape (..., labels, labels) -> (...), over one set of labels.

    Args:
        confusion: rows gold, columns predicted.
        occur: the labels that it is the mean of, shape (labels,): those that occur in the gold of all rows. If each
            matrix had its own, draws of a bootstrap, or two models, would be measured by different figures. Where
            one of them has no gold there is no macro-F1: NaN, and `interval` skips such a draw.

    """
    right, gold = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1)
    f1 = 2 * right / np.maximum(gold + confusion.sum(axis=-2), 1)
    mean = f1[..., occur].sum(axis=-1) / max(int(occur.sum()), 1)
    result: NDArray[np.float64] = np.where((gold[..., occur] > 0).all(axis=-1), mean, np.nan)
    return result


def accuracy_of(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Return the accuracy of confusion matrices, shape (..., labels, labels) -> (...)."""
    result: NDArray[np.float64] = np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))
    return result


def confusions(
    gold: NDArray[np.int64], predicted: NDArray[np.int64], groups: Sequence[Any] | NDArray[Any], size: int = len(LABELS)
) -> NDArray[np.int64]:
    """Return the confusion matrix of each group, shape (groups, size, size), of `size` labels."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    flat = np.bincount((index * size + gold) * size + predicted, minlength=(index.max() + 1) * size**2)
    return flat.reshape(-1, size, size)


def drawn(tables: NDArray[Any], weights: NDArray[np.int64]) -> NDArray[Any]:
    """Return the sums of tables weighted by how often each is drawn: (groups, …), (repeats, groups) -> (repeats, …)."""
    sums: NDArray[Any] = (weights @ tables.reshape(len(tables), -1)).reshape(-1, *tables.shape[1:])
    return sums


def _per_label(confusion: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    right = np.diagonal(confusion)
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    recall = right / np.maximum(confusion.sum(axis=1), 1)
    f1 = 2 * right / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return precision, recall, f1


def group_weights(groups: int, seed: int, repeats: int | None = None) -> NDArray[np.int64]:
    """Return how often each group is drawn, shape (repeats, groups)."""
    rng = np.random.default_rng(seed)
    size = repeats or (FEW_REPEATS if groups < FEW_GROUPS else REPEATS)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=size)


def interval(values: NDArray[np.float64], groups: int) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a figure from its bootstrap draws (no NaN), expanded for few groups."""
    spread = np.sqrt(groups / (groups - 1)) * student_t.ppf((1 + LEVEL) / 2, groups - 1)
    tail = 100 * norm.cdf(-spread)  # 2.5 with many groups, 0.1 with five
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)


def mean_draws(
    values: NDArray[Any], groups: Sequence[Any] | NDArray[Any], seed: int, repeats: int | None = None
) -> tuple[NDArray[np.float64], int]:
    """Return bootstrap draws of the mean of values, shape (repeats,), whole groups resampled, and the number of groups.

    Args:
        values: shape (n,).
        groups: the group of each, shape (n,).
        seed: of the draws.
        repeats: how many draws; None: as many as the number of groups needs.

    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    weights = group_weights(len(names), seed, repeats)
    return (weights @ np.bincount(index, weights=values)) / (weights @ np.bincount(index)), len(names)


def mean_interval(
    values: NDArray[Any], groups: Sequence[Any] | NDArray[Any], seed: int
) -> tuple[float, float] | tuple[None, None]:
    """Return the 95 % interval of the mean of values, whole groups resampled; None with fewer than `MIN_GROUPS`.

    Example:
        >>> low, high = mean_interval(np.array([0.0, 1.0, 0.0, 1.0] * 25), list(range(100)), seed=0)
        >>> round(low, 1), round(high, 1)
        (0.4, 0.6)

    """
    if len(set(np.asarray(groups).tolist())) < MIN_GROUPS:
        return None, None
    return interval(*mean_draws(values, groups, seed))


# --- actors and pairs ---

ROLES = ("received", "expressed")


def stance_scores(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(favor) - P(against) of each example, shape (n,), in [-1, 1]."""
    return probabilities[:, 2] - probabilities[:, 0]


def actor_table(
    examples: Dataset,
    probabilities: NDArray[np.float64],
    seed: int = 0,
    inclusion: NDArray[np.float64] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of actors.csv: each actor's score as target (received) and as source (expressed).

    `gold` is the mean of favor = 1, neutral = 0, against = -1 where all its examples are labelled. With fewer than
    `MIN_GROUPS` groups `low` and `high` are None.

    Args:
        examples: of the schema.
        probabilities: shape (n, 3).
        seed: of the bootstrap.
        inclusion: the probability with which each example came to be labelled, shape (n,): then labels correct the
            scores (`correction.correct`). None: the labels are not a random sample, the score is the model's own,
            and its `correction` is "none".

    """
    table = _Table(examples, probabilities, seed, inclusion)
    rows = []
    for role, column in zip(ROLES, ("target", "source"), strict=True):
        for actor, at in _indices(examples[column][:]).items():
            accuracy, f1 = table.quality(at)
            rows.append({"actor": actor, "role": role, **table.score(at), "accuracy": accuracy, "macro_f1": f1})
    return sorted(rows, key=lambda row: (row["role"] != ROLES[0], -row["n"], row["actor"]))


def pair_table(
    examples: Dataset,
    probabilities: NDArray[np.float64],
    seed: int = 0,
    inclusion: NDArray[np.float64] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of pairs.csv: the score of each source -> target. See `actor_table`."""
    table = _Table(examples, probabilities, seed, inclusion)
    pairs = _indices(list(zip(examples["source"][:], examples["target"][:], strict=True)))
    rows = [{"source": source, "target": target, **table.score(at)} for (source, target), at in pairs.items()]
    return sorted(rows, key=lambda row: (-row["n"], row["source"], row["target"]))


def _indices(keys: list[Any]) -> dict[Any, NDArray[np.int64]]:
    found: defaultdict[Any, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        found[key].append(index)
    return {key: np.array(rows) for key, rows in found.items()}


class _Table:
    """The examples as arrays, from which any subset is scored."""

    def __init__(
        self, examples: Dataset, probabilities: NDArray[np.float64], seed: int, inclusion: NDArray[np.float64] | None
    ) -> None:
        self.scores, self.predicted, self.seed = stance_scores(probabilities), probabilities.argmax(axis=1), seed
        self.gold = np.array([-1 if label is None else label for label in examples["label"][:]], dtype=np.int64)
        self.worth = np.where(self.gold < 0, np.nan, self.gold - 1.0)
        self.groups = np.unique(np.asarray(examples["group_id"][:]), return_inverse=True)[1]
        self.documents = np.asarray(examples["document_id"][:])
        self.inclusion = inclusion

    def score(self, at: NDArray[np.int64]) -> dict[str, Any]:
        """All columns but the names and the quality, of the examples `at`."""
        model_score = float(self.scores[at].mean())
        found = None
        if self.inclusion is not None:
            found = correct(self.worth[at], self.groups[at], self.scores[at], self.inclusion[at])
        if found is None:
            low, high = mean_interval(self.scores[at], self.groups[at], self.seed)
            empty = {"power": None, "low_here": None, "high_here": None}
            score = {"score": model_score, "low": low, "high": high, "correction": "none", "labelled": 0, **empty}
        else:
            score = {name: value for name, value in vars(found).items() if name not in ("error", "freedom")}
        return {
            "n": len(at),
            "documents": len(np.unique(self.documents[at])),
            "gold": float((self.gold[at] - 1).mean()) if (self.gold[at] >= 0).all() else None,
            "model_score": model_score,
            **score,
        }

    def quality(self, at: NDArray[np.int64]) -> tuple[float | None, float | None]:
        """Accuracy and macro-F1 of the examples `at`, if all are labelled."""
        gold, predicted = self.gold[at], self.predicted[at]
        if (gold < 0).any():
            return None, None
        return float((gold == predicted).mean()), macro_f1(gold, predicted)
