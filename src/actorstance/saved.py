"""A run's predictions and their numbers: what checks, comparisons and corrections start from."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Value
from numpy.typing import NDArray

from actorstance.errors import InputError
from actorstance.examples import CONTEXT, FEATURES, IDENTITY, LABELS
from actorstance.folder import NO_TEXT, PREDICTIONS, Folder


@dataclass(frozen=True)
class Saved:
    """The lines of a run's predictions.jsonl, and their numbers as arrays.

    `probabilities` has shape (n, 3); `gold` are label indices, -1 where there is no label; `inclusion` the
    probability with which each mention was drawn for a check, 0 where none was made; `asked` whether it was. A line
    of a checked run also has `draws`, that probability sheet by sheet, and, if it was asked, `place`: sheet and row.
    """

    folder: Path
    rows: list[dict[str, Any]]
    probabilities: NDArray[np.float64]
    gold: NDArray[np.int64]
    inclusion: NDArray[np.float64]
    asked: NDArray[np.bool_]

    @property
    def checked(self) -> bool:
        """Whether a check drew mentions of this run."""
        return bool(self.asked.any())

    @property
    def draws(self) -> NDArray[np.float64]:
        """The probability of each line to be in each sheet, shape (n, sheets), adding up to `inclusion`."""
        if "draws" not in self.rows[0]:  # written when sheets were not kept apart
            return self.inclusion[:, None]
        return np.array(self.column("draws"), dtype=np.float64).reshape(len(self.rows), -1)

    @property
    def places(self) -> NDArray[np.int64]:
        """The sheet of each line that was asked, from 0, and its row there, from 1 (0: not known); shape (n, 2)."""
        places = [row.get("place") or (1, 0) for row in self.rows]
        return np.where(self.asked[:, None], np.array(places, dtype=np.int64) - (1, 0), -1)

    def column(self, name: str) -> list[Any]:
        """Return one value of every line."""
        return [row[name] for row in self.rows]

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
        columns: dict[str, Sequence[Any]] = {name: self.column(name) for name in IDENTITY}
        columns["label"] = [None if label < 0 else label for label in self.gold.tolist()]
        kinds = {name: Value("string") for name in IDENTITY} | {"label": FEATURES["label"]}
        return Dataset.from_dict(columns, features=Features(kinds))


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
    return Saved(
        folder.path,
        rows,
        np.array([[row[label] for label in LABELS] for row in rows], dtype=np.float64),
        np.array([-1 if row["gold"] is None else LABELS.index(row["gold"]) for row in rows], dtype=np.int64),
        np.array([row.get("inclusion", 0.0) for row in rows], dtype=np.float64),
        np.array([row.get("asked", False) for row in rows], dtype=bool),
    )
