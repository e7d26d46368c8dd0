"""The files of a run, read back: each row checked, since a run's folder may come from a stranger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from actorstance.errors import InputError, require_seed
from actorstance.examples import LABELS, OFFSETS
from actorstance.files import GUARDS, read_json, read_json_lines, records

ARCHIVE = "archive.json"  # marks a run over an archive, whose predictions are Parquet
FIRST = 5_000  # rows of a table that are kept for an archive, which may have millions
STAGES = ("train", "evaluate", "predict")
SCORES = ("gold", "score", "low", "high")
_WHOLE = ("n", "documents", "labelled", "by_registry", "by_rule", "unresolved")
_FRACTIONS = (*SCORES, "accuracy", "macro_f1", "model_score", "power", "low_here", "high_here")
_REQUIRED = ("n", "documents", *SCORES, "correction")


class Folder:
    """A run's folder, opened for reading. Nothing is read before it is asked for.

    Raises:
        InputError: if it is not a run of `actorstance`, or a file of it is not as this version writes it.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "predictions.jsonl").is_file() and not (path / ARCHIVE).is_file():
            raise InputError(f"{path}: no run here: it has no predictions.jsonl.")
        if not (path / "provenance.json").is_file():
            raise InputError(f"{path}: it has no provenance.json: an older version made this run. Make it again.")
        if self.provenance.get("stage") not in STAGES or not isinstance(self.provenance.get("model"), dict):
            raise InputError(f"{path / 'provenance.json'}: not as this version writes it. Make the run again.")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """See `provenance.provenance`."""
        return read_json(self.path / "provenance.json")

    @property
    def priors(self) -> dict[str, Any] | None:
        """See `priors.Priors.row`; None: those of training."""
        told = self.provenance.get("priors")
        if told is None:
            return None
        shares = [told.get(key) for key in ("own", "new")] if isinstance(told, dict) else [None]
        if not all(isinstance(row, dict) and all(_is(row.get(label), float) for label in LABELS) for row in shares):
            raise InputError(f"{self.path / 'provenance.json'}: priors not as this version writes them.")
        return {**told, "estimated": told.get("estimated") is True}

    @property
    def seed(self) -> int:
        """The seed of the intervals."""
        return require_seed(self.provenance.get("seed"), f"{self.path / 'provenance.json'}: seed")

    @cached_property
    def known(self) -> dict[str, dict[str, Any]]:
        """Actor -> `name` and, of those that have one, `iso`."""
        found = self.provenance.get("actors")
        if not isinstance(found, dict) or not all(map(_is_named, found.values())):
            wrong = f"{self.path / 'provenance.json'}: actors"
            raise InputError(f"{wrong}: expected a table of actor: name and iso. Make the run again.")
        return {actor: {key: value for key, value in entry.items() if value} for actor, entry in found.items()}

    def optional(self, name: str) -> dict[str, Any] | None:
        """Return a JSON file that not every run has, None if this one does not."""
        return read_json(self.path / name) if (self.path / name).is_file() else None

    @cached_property
    def archive(self) -> dict[str, Any] | None:
        """What a run over an archive was made with; None for any other run."""
        return self.optional(ARCHIVE)

    @cached_property
    def actors(self) -> list[dict[str, Any]]:
        """The rows of actors.csv; for an archive the first `FIRST` of either role, those with most mentions."""
        rows = _table(self.path / "actors.csv", ("actor", "role"))
        return list(rows if self.archive is None else _first(rows, "role"))

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """The rows of pairs.csv; for an archive the first `FIRST`."""
        rows = _table(self.path / "pairs.csv", ("source", "target"))
        return list(rows if self.archive is None else islice(rows, FIRST))

    def predictions(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of predictions.jsonl."""
        kinds: dict[str, type] = dict.fromkeys(("document_id", "group_id", "text", "source", "target"), str)
        kinds |= dict.fromkeys(("against", "neutral", "favor"), float)
        if self.provenance["stage"] == "predict":
            kinds |= dict.fromkeys(OFFSETS, int) | {"why": str}
        return self.lines("predictions.jsonl", kinds)

    def lines(self, name: str, kinds: Mapping[str, type]) -> Iterator[dict[str, Any]]:
        """Yield the objects of a JSONL file, which must have these keys; a file without lines is not an error here."""
        path = self.path / name
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        if not path.stat().st_size:
            return
        for where, row in read_json_lines(path):
            for key, kind in kinds.items():
                if not _is(row.get(key), kind):
                    raise InputError(f"{where}: {key} is {str(row.get(key))[:40]!r}, expected {kind.__name__}.")
            yield row


def _first(rows: Iterator[dict[str, Any]], key: str) -> Iterator[dict[str, Any]]:
    """The first `FIRST` rows of each value of a key."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row[key]] += 1
        if seen[row[key]] <= FIRST:
            yield row


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(value, str | None) for value in entry.values())


def _is(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _table(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Rows of a CSV file of scores: numbers as numbers, and text without the guard against spreadsheets."""
    found = records(path, ",")
    _, names = next(found, ("", []))
    if missing := [name for name in (*keys, *_REQUIRED) if name not in names]:
        raise InputError(f"{path}: no column {' and no '.join(map(repr, missing))}; found {', '.join(names)[:200]}.")
    for where, fields in found:
        if len(fields) != len(names):
            raise InputError(f"{where}: {len(fields)} fields, the first line names {len(names)}.")
        row: dict[str, Any] = dict(zip(names, fields, strict=True))
        for name, value in row.items():
            if name in _WHOLE or name in _FRACTIONS:
                row[name] = _number(where, name, value)
            elif value.startswith("'") and value[1:].startswith(GUARDS):
                row[name] = value[1:]
        if row["n"] is None or row["score"] is None or (row["low"] is None) != (row["high"] is None):
            raise InputError(f"{where}: a row of scores without n, score, or one end of its interval.")
        yield row


def _number(where: str, name: str, value: str) -> int | float | None:
    if value == "":
        return None
    try:
        number = int(value) if name in _WHOLE else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (name in _FRACTIONS and abs(number) > 1.5) or (name in _WHOLE and number < 0):
        raise InputError(f"{where}: {name} is {value[:40]!r}, expected a number of that kind.")
    return number
