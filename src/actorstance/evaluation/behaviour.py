"""What does the model read? Sentences are changed in ways whose effect is known, and the answers compared.

Tests of behaviour after Ribeiro, Wu, Guestrin, Singh (2020, Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList): under some changes the answer must not change (other names), under others it must go one way (a
negation). They need no labels, and show what an accuracy cannot: whether a model reads the sentence or knows the
names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from actorstance.actors import NAME_KINDS, Registry
from actorstance.evaluation.editing import (
    Row,
    edited,
    everywhere,
    free,
    mention_of,
    mentioned,
    named,
    negation,
    spans_of,
    turned_round,
)
from actorstance.evaluation.priors import Priors
from actorstance.examples import AUTHOR, LABELS, dataset
from actorstance.models import Model, counted_apart
from actorstance.scoring import mean_interval, stance_scores
from actorstance.syntax.tagging import lexicon

CANDIDATES = 1000  # examples, of which each check takes those that suit it
SAMPLE = 300  # examples a check tries at most: its rate is then known to five points or so
WORST = 3  # failures that are shown for each check
SURE = 0.5  # with names alone, no stance may be likelier than its opposite and neutral together
PLACEHOLDERS = {"source": "Entity-A", "target": "Entity-B"}
NEUTRAL = LABELS.index("neutral")

_PAIR = ("text", "source", "source_start", "target", "target_start")

Change = tuple[int, Row]  # index of the example, the example that is asked about instead
Ask = Callable[[Dataset], NDArray[np.float64]]  # the answers of the run's model


@dataclass(frozen=True)
class Examples:
    """Some examples, what the model says of them, and what is known of the actors."""

    rows: list[Row]
    probabilities: NDArray[np.float64]
    gold: dict[tuple[Any, ...], int | None]  # of all examples, by their pair
    names: _Names

    @property
    def said(self) -> NDArray[np.int64]:
        """The model's answers, shape (n,)."""
        found: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return found

    def stances(self) -> Iterator[tuple[int, Row]]:
        """Yield the examples for which the model says anything but neutral."""
        for at in np.flatnonzero(self.said != NEUTRAL).tolist():
            yield at, self.rows[at]


@dataclass(frozen=True)
class Check:
    """One change: what it does, what is expected, how it is made, and how far off an answer is (above 0: failed)."""

    name: str
    does: str
    expects: str
    change: Callable[[Examples], Iterator[Change]]
    off: Callable[[Examples, int, NDArray[np.float64]], float]


def checks(
    model: Model, examples: Dataset, seed: int = 0, *, priors: Priors | None = None, in_training: bool = False
) -> dict[str, Any]:
    """Return what behaviour.json holds: for each check its pass rate, and the failures that are furthest off.

    Args:
        model: a fitted model.
        examples: labelled or not; at most a random `CANDIDATES` of them, of which a check tries at most `SAMPLE`.
        seed: of the sample, of the names that are put in, and of the bootstrap.
        priors: under which all answers are read, as in the run.
        in_training: whether the model was fitted on these same examples, as after folds: it then knows the unchanged
            sentences, and its rates are not those for sentences that are new to it.

    """
    sample = examples.select(np.random.default_rng(seed).permutation(len(examples))[:CANDIDATES])
    rows = [dict(row) for row in sample]
    names = _Names(model.registry or Registry.world(), rows, seed)
    pairs = zip(*(examples[name][:] for name in _PAIR), strict=True)
    known = dict(zip(pairs, examples["label"][:], strict=True))

    def ask(asked: Dataset) -> NDArray[np.float64]:
        chances = model.predict_proba(asked)
        return priors.applied(chances) if priors else chances

    with counted_apart(model):  # it counts the sentences of the run, not those made here
        found = Examples(rows, ask(sample), known, names)
        ran = [_run(check, model, ask, found, seed) for check in CHECKS]
    return {"examples": len(rows), "in_training": in_training, "checks": ran}


def _run(check: Check, model: Model, ask: Ask, examples: Examples, seed: int) -> dict[str, Any]:
    changes = list(islice(check.change(examples), SAMPLE))
    rows = [(f"{check.name} {number}", {**row, "example_id": str(number)}) for number, (_, row) in enumerate(changes)]
    asked = dataset(rows)
    after = ask(asked)
    off = np.array([check.off(examples, at, p) for (at, _), p in zip(changes, after, strict=True)])
    passed = off <= 0
    groups = [examples.rows[at]["group_id"] for at, _ in changes]
    low, high = mean_interval(passed, groups, seed)
    worst = [at for at in np.argsort(-off, kind="stable")[:WORST].tolist() if not passed[at]]
    pushes = model.explain(asked.select(worst)) if worst else []
    return {
        "name": check.name,
        "does": check.does,
        "expects": check.expects,
        "n": len(changes),
        "passed": int(passed.sum()),
        "rate": float(passed.mean()) if len(changes) else None,
        "low": low,
        "high": high,
        "worst": [_failure(examples, changes[at], after[at], push) for at, push in zip(worst, pushes, strict=True)],
    }


def _failure(
    examples: Examples, change: Change, after: NDArray[np.float64], pushes: list[tuple[str, float]]
) -> dict[str, Any]:
    at, changed = change
    row = examples.rows[at]
    return {
        **{name: row[name] for name in ("example_id", "source", "target", "text")},
        "changed": changed["text"],
        "before": dict(zip(LABELS, examples.probabilities[at].tolist(), strict=True)),
        "after": dict(zip(LABELS, after.tolist(), strict=True)),
        "pushes": [list(push) for push in pushes],
    }


# --- how far off an answer is ---


def _must_stay(examples: Examples, at: int, after: NDArray[np.float64]) -> float:
    """By how much another label is likelier than the original answer."""
    said = int(examples.said[at])
    return float(np.delete(after, said).max() - after[said])


def _must_fall(examples: Examples, at: int, after: NDArray[np.float64]) -> float:
    """By how much the original answer has become likelier; 1e-9 where nothing has moved at all."""
    said = int(examples.said[at])
    return float(after[said] - examples.probabilities[at, said]) + 1e-9


def _must_not_know(examples: Examples, at: int, after: NDArray[np.float64]) -> float:
    return float(np.delete(after, NEUTRAL).max()) - SURE


def _must_turn(examples: Examples, at: int, after: NDArray[np.float64]) -> float:
    """Where both directions are labelled: how far apart their scores are the wrong way. Else: 1 - their distance."""
    row = examples.rows[at]
    before = examples.probabilities[at]
    gap = float(stance_scores(before[None])[0] - stance_scores(after[None])[0])
    reverse = examples.gold.get(_pair(turned_round(row)))
    if row["label"] is not None and reverse is not None:
        return 1e-9 - gap if row["label"] > reverse else 1e-9 + gap
    return 1 - abs(gap) if before.argmax() == after.argmax() else 0.0


# --- the changes ---


def _masked(examples: Examples) -> Iterator[Change]:
    for at, row in enumerate(examples.rows):
        named = mentioned(row)
        if named:
            yield at, edited(row, everywhere(row, {role: PLACEHOLDERS[role] for role in named}))


def _swapped(examples: Examples) -> Iterator[Change]:
    for at, row in enumerate(examples.rows):
        others = {role: examples.names.other(row[role], mention_of(row, role), row["text"]) for role in named(row)}
        new = {role: other for role, other in others.items() if other is not None}
        if new and len(new) == len(others):
            yield at, edited(row, everywhere(row, new))


def _flipped(examples: Examples) -> Iterator[Change]:
    done: set[frozenset[Any]] = set()
    for at, row in enumerate(examples.rows):
        other = turned_round(row)
        both = frozenset([_pair(row), _pair(other)])
        if row["source_start"] < 0 or row["target_start"] < 0 or both in done:
            continue
        reverse = examples.gold.get(_pair(other))
        labelled = row["label"] is not None and reverse is not None
        if (labelled and row["label"] != reverse) or (row["label"] is None and examples.said[at] != NEUTRAL):
            done.add(both)
            yield at, other


def _negated(examples: Examples) -> Iterator[Change]:
    for at, row in examples.stances():
        edit = negation(row["text"], max(row["source_end"], 0))
        if edit is not None and not any(start < edit[0] < end for start, end in spans_of(row)):
            yield at, edited(row, [edit])


def _said(examples: Examples) -> Iterator[Change]:
    for at, row in examples.stances():
        if row["source"] == AUTHOR:
            text = row["text"]
            first = re.match(r"\w+", text)
            lower = first is not None and first[0].lower() in lexicon().closed and not text.startswith("I ")
            opening = "A visitor said that " + (text[0].lower() if lower else text[0])
            yield at, edited(row, [(0, 1, opening)]) if free(row, 1) else edited(row, [(0, 0, opening[:-1])])


def _names_only(examples: Examples) -> Iterator[Change]:
    for at, row in enumerate(examples.rows):
        spans = {role: (row[f"{role}_start"], row[f"{role}_end"]) for role in named(row)}
        if "target" not in spans:
            continue
        order = sorted(spans, key=lambda role: spans[role])
        text, places = "", dict[str, int]()
        for role in order:
            text += " and " if text else ""
            mention = mention_of(row, role)
            places |= {f"{role}_start": len(text), f"{role}_end": len(text) + len(mention)}
            text += mention
        yield at, {**row, "context": "", "text": f"{text}.", **places}


CHECKS = (
    Check(
        "names masked",
        "Both names are replaced by placeholders.",
        "The answer stays: it must come from the sentence, not from who is in it.",
        _masked,
        _must_stay,
    ),
    Check(
        "names swapped",
        "Both names are replaced by other names of their kind: a state by a state, its people by another's.",
        "The answer stays.",
        _swapped,
        _must_stay,
    ),
    Check(
        "source and target flipped",
        "The same sentence is asked the other way round: where does the target stand on the source?",
        "Where labels of both directions differ, the scores differ the same way; without labels, a stance one way is "
        "not simply repeated the other way.",
        _flipped,
        _must_turn,
    ),
    Check(
        "negation added",
        "The first verb after the source is negated by `never` or `not`.",
        "The stance that was said becomes less likely.",
        _negated,
        _must_fall,
    ),
    Check(
        "said by somebody else",
        "`A visitor said that` is put before a sentence in which the author takes a stance.",
        "The author's stance becomes less likely: it is the visitor's now.",
        _said,
        _must_fall,
    ),
    Check(
        "names only",
        "Nothing is left of the sentence but the names.",
        f"No stance has a probability above {SURE}: there is nothing to read.",
        _names_only,
        _must_not_know,
    ),
)


def _pair(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _PAIR)


@dataclass
class _Names:
    """Other names of a kind: the registry's, or those of unknown actors with the same number of words."""

    registry: Registry
    rows: list[Row]
    seed: int
    _of_kind: defaultdict[tuple[str, ...], list[tuple[str, str]]] = field(init=False)
    _kind: dict[tuple[str, str], tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._of_kind, self._kind = defaultdict(list), {}
        for actor, entry in self.registry.to_json().items():
            lists = entry if isinstance(entry, dict) else {"names": entry}
            for kind in NAME_KINDS[:2]:
                names = [name["name"] if isinstance(name, dict) else name for name in lists.get(kind, ())]
                for name in names:
                    self._kind[actor, name] = (kind, self.registry.kinds.get(actor, ""))
                if names:
                    self._of_kind[kind, self.registry.kinds.get(actor, "")].append((actor, names[0]))
        found = {(row[role], mention_of(row, role)) for row in self.rows for role in named(row)}
        for actor, name in sorted(found):
            if actor not in self.registry.aliases:
                self._kind[actor, name] = (str(len(name.split())),)
                self._of_kind[self._kind[actor, name]].append((actor, name))
        self._random = np.random.default_rng(self.seed)

    def other(self, actor: str, name: str, text: str) -> str | None:
        """Return another actor's name of the same kind that the text does not have; None if there is none."""
        there = [
            other
            for who, other in self._of_kind.get(self._kind.get((actor, name), ()), [])
            if who != actor and other != name and other not in text
        ]
        return there[int(self._random.integers(len(there)))] if there else None
