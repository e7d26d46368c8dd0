"""What leaks from training into the held-out part, what clashes, and what a model could know without reading."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from actorstance.examples import LABELS, labels, twin_key


def without_twin(held_out: Dataset, train: Dataset) -> NDArray[np.bool_]:
    """Return, shape (n,), which held-out examples have a sentence that does not stand in training too.

    Two sentences are twins if they are verbatim the same but for brackets, case and spaces.
    """
    seen = {twin_key(text) for text in set(train["text"][:])}
    return np.array([twin_key(text) not in seen for text in held_out["text"][:]], dtype=bool)


def names_only(train: Dataset, held_out: Dataset) -> NDArray[np.int64]:
    """Return, shape (n,), what a model predicts that sees the two names and no sentence.

    What it scores is what a corpus gives away by who is in it. It learns from both actors' ids and the words of their
    mentions, each marked with its role.
    """
    y = labels(train)
    if len(set(y.tolist())) < 2:
        return np.full(len(held_out), y[0])
    model = make_pipeline(
        CountVectorizer(analyzer=str.split, binary=True),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )
    found: NDArray[np.int64] = model.fit(_names(train), y).predict(_names(held_out))
    return found


def _names(examples: Dataset) -> list[str]:
    columns = ("text", "source", "source_start", "source_end", "target", "target_start", "target_end")
    result = []
    for text, source, s0, s1, target, t0, t1 in zip(*(examples[name][:] for name in columns), strict=True):
        words = [f"source={word}" for word in [f"<{source}>", *text[max(s0, 0) : max(s1, 0)].lower().split()]]
        words += [f"target={word}" for word in [f"<{target}>", *text[max(t0, 0) : max(t1, 0)].lower().split()]]
        result.append(" ".join(word.replace(" ", "_") for word in words))
    return result


def report(counts: dict[str, Any], train: Dataset, held_out: Dataset) -> dict[str, Any]:
    """Return the audit of a training run, as it stands in audit.json."""
    clean = without_twin(held_out, train)
    shared = {column: _shared(column, train, held_out) for column in ("document_id", "group_id", "source", "target")}
    return {
        "rows": counts,
        "labels": {"train": _label_counts(train), "held_out": _label_counts(held_out)},
        "leakage": {
            "held_out_examples": len(held_out),
            "with_twin_in_train": int((~clean).sum()),
            "documents_on_both_sides": len(shared["document_id"]),
            "groups_on_both_sides": len(shared["group_id"]),
        },
        "clashes": {"train": _clashes(train), "held_out": _clashes(held_out)},
        "unseen": {
            role: {
                "actors": len(set(held_out[role][:]) - shared[role]),
                "examples": sum(actor not in shared[role] for actor in held_out[role][:]),
            }
            for role in ("source", "target")
        },
    }


def _shared(column: str, train: Dataset, held_out: Dataset) -> set[str]:
    return set(train[column][:]) & set(held_out[column][:])


def _label_counts(examples: Dataset) -> dict[str, int]:
    counts = Counter(labels(examples).tolist())
    return {label: counts[index] for index, label in enumerate(LABELS)}


def _clashes(examples: Dataset) -> int:
    """How many (sentence, source, target) stand there more than once with different labels."""
    found: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    columns = [examples[name][:] for name in ("text", "source", "source_start", "target", "target_start", "label")]
    for text, source, s0, target, t0, label in zip(*columns, strict=True):
        found[(twin_key(text), source, str(s0), target, str(t0))].add(label)
    return sum(len(values) > 1 for values in found.values())
