"""What leaks from training into the held-out part, what clashes, and what a model could know without reading.

A check is how much was found, out of how many, and its limit (docs/corpora.md says what each counts).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from actorstance.errors import InputError
from actorstance.examples import FEATURES, LABELS, among, known_labels, label_sets, labels, twin_key
from actorstance.scoring import macro_f1
from actorstance.twins import twins

# What a check may reach before an audit fails; None: it is reported and never fails. Why: conf/limits/default.yaml.
LIMITS: dict[str, float | None] = {
    "twins": 0.01,
    "near_twins": 0.01,
    "repeated": None,
    "same_document": None,
    "same_story": None,
    "same_date": None,
    "clashes": 0.01,
    "cut_spans": 0.01,
    "rarest_label": 30,
    "unseen_sources": None,
    "unseen_targets": None,
    "names_only": 0.4,
}
ABOUT = {
    "twins": "held-out sentences verbatim in training",
    "near_twins": "held-out sentences nearly so in training",
    "repeated": "training sentences that repeat another",
    "same_document": "held-out sentences, document in training",
    "same_story": "held-out sentences, story in training",
    "same_date": "held-out sentences, day in training",
    "clashes": "examples that stand there with two labels",
    "cut_spans": "mentions that begin or end inside a word",
    "rarest_label": "examples of the rarest label",
    "unseen_sources": "held-out examples, source not in training",
    "unseen_targets": "held-out examples, target not in training",
    "names_only": "macro-F1 that the names alone add",
}
UNITS = {"rarest_label": "count", "names_only": "gain"}  # what value and limit are; in all others: a share
AT_LEAST = frozenset(["rarest_label"])  # checks that fail below their limit
SHOWN = 5  # examples that a check names
ROLES = ("source", "target")

Key = tuple[Any, ...]
Marked = NDArray[np.bool_]
Copies = tuple[Marked, Marked]  # see `twins.twins`


def names_only(train: Dataset, held_out: Dataset) -> NDArray[np.int64]:
    """Return, shape (n,), the predictions of a model that sees the two names and no sentence.

    Its score is what a corpus gives away by who is in it. It learns from both actors' ids and the words of their
    mentions, each marked with its role.
    """
    y = labels(train)
    if len(set(y.tolist())) < 2:
        return np.full(len(held_out), y[0])
    model = make_pipeline(
        CountVectorizer(analyzer=str.split, binary=True),
        # Run to convergence: stopped early, the result would depend on the number of threads.
        LogisticRegression(class_weight="balanced", solver="newton-cg", tol=1e-6, max_iter=1000),
    )
    chances = np.zeros((len(held_out), len(LABELS)))
    chances[:, np.unique(y)] = model.fit(_names(train), y).predict_proba(_names(held_out))
    found: NDArray[np.int64] = among(chances, known_labels(held_out, label_sets(train))).argmax(axis=1)
    return found


def commonest(train: Dataset, held_out: Dataset) -> NDArray[np.int64]:
    """Return, shape (n,), the commonest label in training among those that each example's corpus has."""
    counts = np.bincount(labels(train), minlength=len(LABELS))
    found: NDArray[np.int64] = np.where(known_labels(held_out, label_sets(train)), counts, -1).argmax(axis=1)
    return found


def _names(examples: Dataset) -> list[str]:
    columns = ("text", "source", "source_start", "source_end", "target", "target_start", "target_end")
    result = []
    for text, source, s0, s1, target, t0, t1 in zip(*(examples[name][:] for name in columns), strict=True):
        words = [f"source={word}" for word in [f"<{source}>", *text[max(s0, 0) : max(s1, 0)].lower().split()]]
        words += [f"target={word}" for word in [f"<{target}>", *text[max(t0, 0) : max(t1, 0)].lower().split()]]
        result.append(" ".join(word.replace(" ", "_") for word in words))
    return result


def audited(
    counts: dict[str, Any],
    train: Dataset,
    held_out: Dataset,
    *,
    limits: Mapping[str, float | None] | None = None,
    named: NDArray[np.int64] | None = None,
    copies: Copies | None = None,
) -> dict[str, Any]:
    """Return what audit.json holds for a part: counts of both sides, `checks`, one per key of `LIMITS`, and `failed`.

    Args:
        counts: of the corpus.
        train: all examples that a model sees in training.
        held_out: the examples that it is scored on.
        limits: check -> the share, count or gain that it may reach, or None for one that never fails; those of
            `LIMITS` that are not given keep their defaults.
        named: what `names_only` predicts for `held_out`, shape (n,), if available.
        copies: what `twins` finds of `held_out` in `train`, if available.

    Raises:
        InputError: if a limit is of no check, or is not a number.

    """
    bounds = _bounds(limits or {})
    named = names_only(train, held_out) if named is None else named
    copies = twins(held_out["text"][:], train["text"][:]) if copies is None else copies
    found = _findings(train, held_out, named, copies)
    checks = [found[name].row(name, bounds[name]) for name in LIMITS]
    failed = [row["check"] for row in checks if row["failed"]]
    return {"rows": counts, **_both_sides(train, held_out, copies[0]), "checks": checks, "failed": failed}


def _both_sides(train: Dataset, held_out: Dataset, verbatim: Marked) -> dict[str, Any]:
    """The counts of training and of what is held out; `verbatim`: which of these occur in training too."""
    shared = {column: _shared(column, train, held_out) for column in ("document_id", "group_id", "source", "target")}
    return {
        "labels": {"train": _label_counts(train), "held_out": _label_counts(held_out)},
        "leakage": {
            "held_out_examples": len(held_out),
            "with_twin_in_train": int(verbatim.sum()),
            "documents_on_both_sides": len(shared["document_id"]),
            "groups_on_both_sides": len(shared["group_id"]),
        },
        "clashes": {"train": _clashes(train), "held_out": _clashes(held_out)},
        "unseen": {
            role: {
                "actors": len(set(held_out[role][:]) - shared[role]),
                "examples": sum(actor not in shared[role] for actor in held_out[role][:]),
            }
            for role in ROLES
        },
    }


def _bounds(limits: Mapping[str, Any]) -> dict[str, float | None]:
    """The limits of all checks, with defaults for those that are not given."""
    for name, value in limits.items():
        if name not in LIMITS:
            raise InputError(f"limits.{name}: no such check. There are: {', '.join(LIMITS)}.")
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise InputError(f"limits.{name}={value!r}: expected a number, or null for a check that never fails.")
    return {**LIMITS, **limits}


@dataclass(frozen=True)
class _Found:
    """What a check found: how many of how many, the value that its limit applies to, and some examples' ids."""

    found: float
    of: int
    value: float
    examples: tuple[str, ...] = ()

    def row(self, name: str, limit: float | None) -> dict[str, Any]:
        """The check as it is in audit.json."""
        over = limit is not None and (self.value < limit if name in AT_LEAST else self.value > limit)
        found = {"found": self.found, "of": self.of, "value": self.value, "unit": UNITS.get(name, "share")}
        bound = {"limit": limit, "at_least": name in AT_LEAST, "failed": over}
        return {"check": name, "about": ABOUT[name], **found, **bound, "examples": list(self.examples)}


_SENTENCE = ("document_id", "raw_start", "text")  # with all its examples it counts once
_PAIR = ("text", "source", "source_start", "target", "target_start")


def _findings(train: Dataset, held_out: Dataset, named: NDArray[np.int64], copies: Copies) -> dict[str, _Found]:
    verbatim, near = copies
    ours, theirs = _columns(held_out), _columns(train)
    sentences = _keys(ours, _SENTENCE)

    def known(column: str) -> Marked:
        there = set(theirs[column]) - {None}
        return np.array([value in there for value in ours[column]], dtype=bool)

    return {
        "twins": _share(ours, sentences, verbatim),
        "near_twins": _share(ours, sentences, near),
        "repeated": _repeated(theirs),
        "same_document": _share(ours, sentences, known("document_id")),
        "same_story": _share(ours, sentences, known("group_id")),
        "same_date": _share(ours, sentences, known("date")),
        "clashes": _clashing({name: theirs[name] + ours[name] for name in ours}),
        "cut_spans": _cut_spans({name: theirs[name] + ours[name] for name in ours}),
        "rarest_label": _rarest(train, held_out),
        "unseen_sources": _share(ours, ours["example_id"], ~known("source")),
        "unseen_targets": _share(ours, ours["example_id"], ~known("target")),
        "names_only": _names_gain(train, held_out, named),
    }


def _columns(examples: Dataset) -> dict[str, list[Any]]:
    """The columns the checks look at, as lists: of a million rows no more than that."""
    return {name: examples[name][:] for name in FEATURES if name not in ("split", "context", "raw_end")}


def _keys(columns: dict[str, list[Any]], names: tuple[str, ...]) -> list[Key]:
    return list(zip(*(columns[name] for name in names), strict=True))


def _share(columns: dict[str, list[Any]], units: Sequence[Any], marked: Marked) -> _Found:
    """How many of the units have a marked example; a unit is all examples with the same key."""
    rows: list[int] = np.flatnonzero(marked).tolist()
    found, of = len({units[row] for row in rows}), len(set(units))
    return _Found(found, of, found / of if of else 0.0, tuple(columns["example_id"][row] for row in rows[:SHOWN]))


def _repeated(train: dict[str, list[Any]]) -> _Found:
    """Sentences of training that occur again when held out."""
    seen: set[str] = set()
    again = []
    for key, id in dict(zip(_keys(train, _SENTENCE), train["example_id"], strict=True)).items():
        twin = twin_key(str(key[-1]))
        if twin in seen:
            again.append(id)
        seen.add(twin)
    of = len(again) + len(seen)
    return _Found(len(again), of, len(again) / of, tuple(again[:SHOWN]))


def _clashing(columns: dict[str, list[Any]]) -> _Found:
    """Examples whose sentence, source and target have another label elsewhere."""
    keys, labels_of = _labels_of_pairs(columns)
    return _share(columns, columns["example_id"], np.array([len(labels_of[key]) > 1 for key in keys], dtype=bool))


def _labels_of_pairs(columns: dict[str, list[Any]]) -> tuple[list[Key], dict[Key, set[int]]]:
    """The sentence, source and target of each example, and all labels that each of these has."""
    keys = _keys({**columns, "text": [twin_key(text) for text in columns["text"]]}, _PAIR)
    labels_of: defaultdict[Key, set[int]] = defaultdict(set)
    for key, label in zip(keys, columns["label"], strict=True):
        labels_of[key].add(label)
    return keys, labels_of


def _cut_spans(columns: dict[str, list[Any]]) -> _Found:
    """Mentions, of either role, with a letter or digit on both sides of an end."""
    mentions: dict[Key, str] = {}
    for role in ROLES:
        names = (*_SENTENCE, f"{role}_start", f"{role}_end")
        keys = _keys(columns, names)
        mentions |= {key: id for key, id in zip(keys, columns["example_id"], strict=True) if key[3] >= 0}
    cut = [id for (*_, text, start, end), id in mentions.items() if _inside(text, start) or _inside(text, end)]
    return _Found(len(cut), len(mentions), len(cut) / len(mentions) if mentions else 0.0, tuple(cut[:SHOWN]))


def _inside(text: str, at: int) -> bool:
    """Whether a place is inside a word."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _rarest(train: Dataset, held_out: Dataset) -> _Found:
    """The fewest examples of a label, in training or held out; a label that neither has does not count."""
    taught, asked = _label_counts(train), _label_counts(held_out)
    there = [label for label in LABELS if taught[label] or asked[label]]
    fewest = min(count for label in there for count in (taught[label], asked[label] or taught[label]))
    return _Found(fewest, len(train) + len(held_out), fewest)


def _names_gain(train: Dataset, held_out: Dataset, named: NDArray[np.int64]) -> _Found:
    gold = labels(held_out)
    gain = macro_f1(gold, named) - macro_f1(gold, commonest(train, held_out))
    return _Found(gain, len(gold), gain)


def _shared(column: str, train: Dataset, held_out: Dataset) -> set[str]:
    return set(train[column][:]) & set(held_out[column][:])


def _label_counts(examples: Dataset) -> dict[str, int]:
    counts = Counter(labels(examples).tolist())
    return {label: counts[index] for index, label in enumerate(LABELS)}


def _clashes(examples: Dataset) -> int:
    """How many (sentence, source, target) occur more than once with different labels."""
    _, labels_of = _labels_of_pairs(_columns(examples))
    return sum(len(found) > 1 for found in labels_of.values())
