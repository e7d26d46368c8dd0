"""A run's predictions, read back: what checks, comparisons and corrections start from."""

from __future__ import annotations

import re
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
from actorstance.files import read_json_lines
from actorstance.folder import ARCHIVE

PREDICTIONS = "predictions.jsonl"
SENTENCES = "sentences.jsonl"
_NO_TEXT = re.compile("[\ud800-\udfff]")
_SUM = 1e-3  # how far the sum of three probabilities may be from 1


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
        places = [_place(self.rows[at]) for at in chosen]
        wanted, document, last = set(places), None, deque[str](maxlen=CONTEXT)
        found: dict[tuple[str, int] | None, str] = {}
        path = self.folder / SENTENCES
        for _, row in read_json_lines(path) if path.is_file() and path.stat().st_size else ():
            place, text = _place(row), row.get("text")
            if place is None or not isinstance(text, str):
                continue
            if place[0] != document:
                document = place[0]
                last.clear()
            if place in wanted:
                found[place] = " ".join(last)
            last.append(_NO_TEXT.sub("\ufffd", text))
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
    folder = Path(run)
    path = folder / PREDICTIONS
    if not path.is_file() and (folder / ARCHIVE).is_file():
        raise InputError(
            f"{folder}: a run over an archive; check and compare read ordinary runs, with {PREDICTIONS}. Read the "
            "documents to be checked, or a sample of them, with predict and archive=false (actorstance: --no-archive)."
        )
    if not path.is_file():
        raise InputError(f"{folder}: no run's folder: it has no {PREDICTIONS}.")
    rows: list[dict[str, Any]] = []
    seen = set()
    for where, row in read_json_lines(path):
        _check(where, row)
        if row["example_id"] in seen:
            raise InputError(f"{where}: example_id {row['example_id']!r} stands there twice.")
        seen.add(row["example_id"])
        if rows and len(row.get("draws", ())) != len(rows[0].get("draws", ())):
            raise InputError(f"{where}: draws has another length than in the first line.")
        rows.append(row)
    return Saved(
        folder,
        rows,
        np.array([[row[label] for label in LABELS] for row in rows], dtype=np.float64),
        np.array([-1 if row["gold"] is None else LABELS.index(row["gold"]) for row in rows], dtype=np.int64),
        np.array([row.get("inclusion", 0.0) for row in rows], dtype=np.float64),
        np.array([row.get("asked", False) for row in rows], dtype=bool),
    )


def _place(row: dict[str, Any]) -> tuple[str, int] | None:
    """Where a sentence is: its document, and its start in the raw text."""
    document, start = row.get("document_id"), row.get("raw_start")
    return (document, start) if isinstance(document, str) and type(start) is int else None


def _check(where: str, row: dict[str, Any]) -> None:
    for name in IDENTITY:
        if not isinstance(row.get(name), str) or not row[name]:
            raise InputError(f"{where}: {name} is {row.get(name)!r}, expected text. Is it a run's {PREDICTIONS}?")
        if _NO_TEXT.search(row[name]):
            raise InputError(f"{where}: {name} holds a character that is no text.")
    for role in ("source", "target"):
        span = (row.get(f"{role}_start", -1), row.get(f"{role}_end", -1))
        whole = all(isinstance(place, int) and not isinstance(place, bool) for place in span)
        if not whole or (span != (-1, -1) and not 0 <= span[0] < span[1] <= len(row["text"])):
            raise InputError(f"{where}: {role}_start and {role}_end are {span}, outside the text.")
    chances = [row.get(label) for label in LABELS]
    numbers = [chance for chance in chances if isinstance(chance, int | float) and not isinstance(chance, bool)]
    if len(numbers) < len(LABELS) or not abs(sum(numbers) - 1) <= _SUM or min(numbers) < 0:
        raise InputError(f"{where}: {', '.join(LABELS)} are {chances}, expected probabilities that add up to 1.")
    if row.get("gold") is not None and row["gold"] not in LABELS:
        raise InputError(f"{where}: gold is {row['gold']!r}, expected {', '.join(LABELS)} or null.")
    row.setdefault("gold", None)
    inclusion, asked = row.get("inclusion", 0.0), row.get("asked", False)
    if isinstance(inclusion, bool) or not isinstance(inclusion, int | float) or not 0 <= inclusion <= 1:
        raise InputError(f"{where}: inclusion is {inclusion!r}, expected a probability.")
    if not isinstance(asked, bool) or (asked and not inclusion):
        raise InputError(f"{where}: asked is {asked!r} with an inclusion of {inclusion!r}.")
    _check_draws(where, row)


def _check_draws(where: str, row: dict[str, Any]) -> None:
    """Which sheets a line could be in, and where it is; neither exists before a check."""
    draws, place, sheets = row.get("draws"), row.get("place"), 1
    if "draws" in row:
        numbers = isinstance(draws, list) and all(type(chance) in (int, float) for chance in draws)
        if not draws or not numbers or not all(0 <= chance <= 1 for chance in draws):
            raise InputError(f"{where}: draws is {str(draws)[:80]}, expected probabilities.")
        if abs(sum(draws) - row.get("inclusion", 0.0)) > _SUM:
            raise InputError(f"{where}: draws add up to {sum(draws)}, but inclusion is {row.get('inclusion')!r}.")
        sheets = len(draws)
    if place is None and not (row.get("asked") and "draws" in row):
        return
    whole = isinstance(place, list) and len(place) == 2 and all(type(part) is int for part in place)
    sheet, number = place if whole and place else (0, 0)
    if not row.get("asked") or not 1 <= sheet <= sheets or number < 0:
        raise InputError(f"{where}: place is {str(place)[:80]}, expected sheet and row of a line that was asked.")
