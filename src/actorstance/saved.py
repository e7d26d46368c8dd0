"""A run's predictions and their numbers: what checks, comparisons and corrections start from."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Value
from numpy.typing import NDArray

from actorstance.correction import MIN_GROUPS, Corrected, correct
from actorstance.errors import InputError
from actorstance.examples import CONTEXT, FEATURES, IDENTITY, LABELS, NO_TEXT
from actorstance.folder import PREDICTIONS, Folder
from actorstance.scoring import stance_scores

WANTED = 5  # intervals that are wanted where none are named: those of the actors spoken of most


@dataclass(frozen=True)
class Saved:
    """The n lines of a run's predictions.jsonl, and their numbers as arrays.

    A line of a checked run has `inclusion`, the probability with which its mention was drawn, `draws`, that probability
    sheet by sheet, whether it was `asked`, and, if it was, `place`: sheet and row.
    """

    folder: Path
    rows: list[dict[str, Any]]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of the labels, shape (n, 3)."""
        return np.array([[row[label] for label in LABELS] for row in self.rows], dtype=np.float64)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """P(favor) - P(against), shape (n,)."""
        return stance_scores(self.probabilities)

    @cached_property
    def gold(self) -> NDArray[np.int64]:
        """The labels as indices into `LABELS`, -1 where there is none, shape (n,)."""
        found = [-1 if row["gold"] is None else LABELS.index(row["gold"]) for row in self.rows]
        return np.array(found, dtype=np.int64)

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """The labels as scores: favor = 1, neutral = 0, against = -1, NaN where there is none, shape (n,)."""
        return np.where(self.gold < 0, np.nan, self.gold - 1.0)

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """The group of each line, shape (n,)."""
        return np.array([row["group_id"] for row in self.rows])

    @cached_property
    def inclusion(self) -> NDArray[np.float64]:
        """The probability with which a check drew each line, 0 where none was made, shape (n,)."""
        return np.array([row.get("inclusion", 0.0) for row in self.rows], dtype=np.float64)

    @cached_property
    def asked(self) -> NDArray[np.bool_]:
        """Whether a check asked for the label of each line, shape (n,)."""
        return np.array([row.get("asked", False) for row in self.rows], dtype=bool)

    @property
    def checked(self) -> bool:
        """Whether a check drew mentions of this run."""
        return bool(self.asked.any())

    @property
    def draws(self) -> NDArray[np.float64]:
        """The probability of each line to be in each sheet, shape (n, sheets), adding up to `inclusion`."""
        if "draws" not in self.rows[0]:  # written when sheets were not kept apart
            return self.inclusion[:, None]
        return np.array([row["draws"] for row in self.rows], dtype=np.float64).reshape(len(self.rows), -1)

    @property
    def places(self) -> NDArray[np.int64]:
        """The sheet of each line that was asked, from 0, and its row there, from 1 (0: not known); shape (n, 2)."""
        places = [row.get("place") or (1, 0) for row in self.rows]
        return np.where(self.asked[:, None], np.array(places, dtype=np.int64) - (1, 0), -1)

    def labelled(self, gold: NDArray[np.int64]) -> Saved:
        """Return the run with other labels, as indices, -1 for none."""
        names = [None if label < 0 else LABELS[label] for label in gold.tolist()]
        return Saved(self.folder, [{**row, "gold": name} for row, name in zip(self.rows, names, strict=True)])

    @cached_property
    def answer_rates(self) -> NDArray[np.float64]:
        """The share of each sheet's rows that have a label, shape (sheets,)."""
        sheet, number = self.places[self.asked, 0], self.draws.shape[1]
        asked, answered = (np.bincount(of, minlength=number) for of in (sheet, sheet[self.gold[self.asked] >= 0]))
        rates: NDArray[np.float64] = answered / np.maximum(asked, 1)
        return rates

    @cached_property
    def label_chances(self) -> NDArray[np.float64] | None:
        """The probability with which each line came to have a label, shape (n,), None without a check.

        The rows of a sheet that have an answer are a random part of it: the first ones are, by its order; where
        some were skipped, this is assumed.
        """
        if not (self.asked & (self.gold >= 0)).any():
            return None
        return np.minimum(1, self.draws @ self.answer_rates)

    def corrected(self, at: NDArray[np.int64]) -> Corrected | None:
        """Return the score of some lines, corrected by the labels of checks; None if these do not suffice."""
        if self.label_chances is None:
            return None
        return correct(self.worth[at], self.groups[at], self.scores[at], self.label_chances[at])

    def groups_of(self, at: NDArray[np.int64]) -> int:
        """Return how many groups some lines are in."""
        return len(np.unique(self.groups[at]))

    def members(self, role: str) -> dict[tuple[str, ...], NDArray[np.int64]]:
        """Return the lines of every actor as target ("received") or source ("expressed"), or of every "pair"."""
        names = {"received": ("target",), "expressed": ("source",), "pair": ("source", "target")}[role]
        found: dict[tuple[str, ...], list[int]] = {}
        for at, row in enumerate(self.rows):
            found.setdefault(tuple(row[name] for name in names), []).append(at)
        return {key: np.array(rows) for key, rows in found.items()}

    def before(self, chosen: Sequence[int]) -> list[str]:
        """Return the sentences before each chosen line's, at most `CONTEXT`; nothing where they are not known."""
        places = [(self.rows[at]["document_id"], self.rows[at].get("raw_start")) for at in chosen]
        wanted, document, last = set(places), None, deque[str](maxlen=CONTEXT)
        found: dict[tuple[str, Any], str] = {}
        for row in Folder(self.folder).lines("sentences.jsonl") if (self.folder / "sentences.jsonl").is_file() else ():
            place = (row["document_id"], row["raw_start"])
            if place[0] != document:
                document = place[0]
                last.clear()
            if place in wanted:
                found[place] = " ".join(last)
            last.append(NO_TEXT.sub("\ufffd", row["text"]))
        return [found.get(place, "") for place in places]

    def examples(self) -> Dataset:
        """Return the columns from which a table of scores is made."""
        columns: dict[str, Sequence[Any]] = {name: [row[name] for row in self.rows] for name in IDENTITY}
        columns["label"] = [None if label < 0 else label for label in self.gold.tolist()]
        kinds = {name: Value("string") for name in IDENTITY} | {"label": FEATURES["label"]}
        return Dataset.from_dict(columns, features=Features(kinds))


@dataclass(frozen=True)
class Interval:
    """A wanted interval: role received, expressed or pair, the actor or the pair, and the lines that it rests on."""

    role: str
    names: tuple[str, ...]
    at: NDArray[np.int64]

    @property
    def key(self) -> dict[str, str]:
        """How check.json names it."""
        names = ("source", "target") if self.role == "pair" else ("actor",)
        return {"role": self.role, **dict(zip(names, self.names, strict=True))}

    @property
    def row(self) -> dict[str, str | None]:
        """How a table names it that has the same columns for actors and pairs."""
        return {"role": self.role, "actor": None, "source": None, "target": None, **self.key}


def wanted_intervals(saved: Saved, wanted: Sequence[str] | None = None) -> list[Interval]:
    """Return the intervals that are to be narrowed, or compared.

    Args:
        saved: a run's predictions.
        wanted: `turkey` (where others stand on it), `turkey->` (where it stands on others), `russia->turkey` (a pair).
            None: the `WANTED` actors that are spoken of most, in at least `MIN_GROUPS` groups.

    Raises:
        InputError: if the run has no such actor or pair, or too few groups for any interval.

    """
    if wanted is None:
        found = [Interval("received", names, at) for names, at in saved.members("received").items()]
        found = [one for one in found if saved.groups_of(one.at) >= MIN_GROUPS]
        if not found:
            raise InputError(f"{saved.folder}: no actor is spoken of in {MIN_GROUPS} groups: no interval can be given.")
        return sorted(found, key=lambda one: (-len(one.at), one.names))[:WANTED]
    if not wanted:
        raise InputError("wanted: no actor is named. Leave it out, or name some, as 'turkey,russia->turkey'.")
    result = []
    for name in dict.fromkeys(wanted):
        source, arrow, target = (part.strip() for part in name.partition("->"))
        role, key = ("pair", (source, target)) if target else ("expressed" if arrow else "received", (source,))
        at = saved.members(role).get(key)
        if at is None:
            there = sorted({names[0] for names in saved.members("received")})
            raise InputError(f"wanted={name}: nothing of that in {saved.folder}. Its actors: {', '.join(there)[:300]}.")
        if saved.groups_of(at) < MIN_GROUPS:
            raise InputError(f"wanted={name}: in fewer than {MIN_GROUPS} groups, so no interval can be given.")
        result.append(Interval(role, key, at))
    return result


def read_saved(run: str | Path) -> Saved:
    """Read the predictions of a run's folder.

    Raises:
        InputError: naming file and line, if they are missing or not what a run writes.

    """
    folder = Folder(Path(run))
    if folder.archive is not None:
        raise InputError(
            f"{folder.path}: a run over an archive; check and compare read ordinary runs, with {PREDICTIONS}. Read the "
            "documents to be checked, or a sample of them, with predict and archive=false (actorstance: --no-archive)."
        )
    rows = list(folder.predictions())
    if not rows:
        raise InputError(f"{folder.path / PREDICTIONS}: the file is empty.")
    return Saved(folder.path, rows)
