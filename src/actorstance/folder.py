"""The files of a run, read back: each row checked, here and nowhere else, since a run may come from a stranger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from actorstance.errors import InputError, require_seed
from actorstance.examples import IDENTITY, LABELS, NO_TEXT, OFFSETS
from actorstance.files import GUARDS, read_json, read_json_lines, records

PREDICTIONS = "predictions.jsonl"
ARCHIVE = "archive.json"  # marks a run over an archive, whose predictions are Parquet
FOREIGN = "not_english.jsonl"  # of an archive: the ids of the documents that do not look English
REJECTED = "rejected.jsonl"  # documents of an archive that could not be read, and why; alone if none could
FIRST = 5_000  # rows of a table that are kept for an archive, which may have millions
STAGES = ("train", "evaluate", "predict")
KEYS = {"actors.csv": ("actor", "role"), "pairs.csv": ("source", "target")}
SCORES = ("gold", "score", "low", "high")
_WHOLE = ("n", "documents", "labelled", "by_registry", "by_rule", "unresolved")
_FRACTIONS = (*SCORES, "accuracy", "macro_f1", "model_score", "power", "low_here", "high_here")
_REQUIRED = ("n", "documents", *SCORES, "correction")
_PLACE = {"document_id": str, "raw_start": int, "raw_end": int}
_KINDS: dict[str, dict[str, type]] = {  # what every line has; it may have more
    PREDICTIONS: dict.fromkeys(IDENTITY, str) | dict.fromkeys(LABELS, float),
    "documents.jsonl": {"id": str, "text": str},
    FOREIGN: {"id": str},
    "lines.jsonl": {**_PLACE, "kind": str, "kept": bool, "reason": str},
    "sentences.jsonl": {**_PLACE, "text": str},
    "mentions.jsonl": {**_PLACE, "text": str, "actor": str, "rule": str, "confidence": float, "candidates": list},
    "errors.jsonl": {"text": str, "source": str, "target": str, "p": float},
}
_OF_NEW_TEXT: dict[str, type] = dict.fromkeys(OFFSETS, int) | {"why": str}  # what its predictions have too
_SUM = 1e-3  # how far the sum of three probabilities may be from 1


class Folder:
    """A run's folder, opened for reading. Nothing is read before it is asked for.

    Raises:
        InputError: if it is not a run of `actorstance`; as a file is read, if it is not as this version writes it.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not self._has(PREDICTIONS) and not self._has(ARCHIVE):
            raise InputError(f"{path}: no run here: it has no {PREDICTIONS}.")

    def _has(self, name: str) -> bool:
        return (self.path / name).is_file()

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """See `provenance.provenance`."""
        if not self._has("provenance.json"):
            raise InputError(f"{self.path}: it has no provenance.json: an older version made this run. Make it again.")
        told = read_json(self.path / "provenance.json")
        if told.get("stage") not in STAGES or not isinstance(told.get("model"), dict):
            raise InputError(f"{self.path / 'provenance.json'}: not as this version writes it. Make the run again.")
        return told

    @property
    def of_new_text(self) -> bool:
        """Whether it is of new articles, not of labelled examples."""
        return bool(self.provenance["stage"] == "predict")

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
        return read_json(self.path / name) if self._has(name) else None

    @cached_property
    def archive(self) -> dict[str, Any] | None:
        """What a run over an archive was made with; None for any other run."""
        return self.optional(ARCHIVE)

    @cached_property
    def actors(self) -> list[dict[str, Any]]:
        """The rows of actors.csv; for an archive the first `FIRST` of either role, those with most mentions."""
        rows = self.table("actors.csv")
        return list(rows if self.archive is None else _first(rows, "role"))

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """The rows of pairs.csv; for an archive the first `FIRST`."""
        rows = self.table("pairs.csv")
        return list(rows if self.archive is None else islice(rows, FIRST))

    def table(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield all rows of actors.csv or pairs.csv: numbers as numbers, None where one is not known."""
        return _table(self.path / name, KEYS[name])

    def predictions(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of predictions.jsonl, `gold` None where there is no label. See `saved.Saved`."""
        new_text = self._has("provenance.json") and self.of_new_text  # checks read older runs too, which have none
        seen: set[str] = set()
        sheets = 0
        for where, row in self._lines(PREDICTIONS, _KINDS[PREDICTIONS] | (_OF_NEW_TEXT if new_text else {})):
            _check_prediction(where, row)
            if new_text and row["target_start"] < 0:
                raise InputError(f"{where}: target_start is {row['target_start']}; of new text a target has a place.")
            _check_draws(where, row)
            if row["example_id"] in seen:
                raise InputError(f"{where}: example_id {row['example_id']!r} stands there twice.")
            sheets = sheets if seen else len(row.get("draws", ()))
            if len(row.get("draws", ())) != sheets:
                raise InputError(f"{where}: draws has another length than in the first line.")
            seen.add(row["example_id"])
            yield row

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of any other JSONL file; one without lines is not an error here."""
        return (row for _, row in self._lines(name, _KINDS[name]))

    def not_english(self) -> Iterator[str]:
        """Yield the ids of the articles that do not look English."""
        if self.archive is not None:
            return (row["id"] for row in self.lines(FOREIGN))
        return (row["id"] for row in self.lines("documents.jsonl") if row.get("english") is False)

    def _lines(self, name: str, kinds: dict[str, type]) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self._has(name):
            raise InputError(f"{self.path / name}: no such file.")
        if not (self.path / name).stat().st_size:
            return
        for where, row in read_json_lines(self.path / name):
            for key, kind in kinds.items():
                if not _is(row.get(key), kind):
                    raise InputError(f"{where}: {key} is {str(row.get(key))[:40]!r}, expected {kind.__name__}.")
            yield where, row


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
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) and abs(value) < math.inf if kind is float else isinstance(value, kind)


def _check_prediction(where: str, row: dict[str, Any]) -> None:
    for name in IDENTITY:
        if NO_TEXT.search(row[name]):
            raise InputError(f"{where}: {name} holds a character that is no text.")
    for name in OFFSETS:  # what a run over new text has, others may have
        if not _is(row.get(name, -1), int):
            raise InputError(f"{where}: {name} is {str(row[name])[:40]!r}, expected int.")
    for role in ("source", "target"):
        span = (row.get(f"{role}_start", -1), row.get(f"{role}_end", -1))
        if span != (-1, -1) and not 0 <= span[0] < span[1] <= len(row["text"]):
            raise InputError(f"{where}: {role}_start and {role}_end are {span}, outside the text.")
    chances = [row[label] for label in LABELS]
    if abs(sum(chances) - 1) > _SUM or min(chances) < 0:
        raise InputError(f"{where}: {', '.join(LABELS)} are {chances}, expected probabilities that add up to 1.")
    if row.setdefault("gold", None) not in (None, *LABELS):
        raise InputError(f"{where}: gold is {row['gold']!r}, expected {', '.join(LABELS)} or null.")


def _check_draws(where: str, row: dict[str, Any]) -> None:
    """Which sheets of a check a line could be in, and where it is; neither exists before a check."""
    inclusion, asked = row.get("inclusion", 0.0), row.get("asked", False)
    if not _is(inclusion, float) or not 0 <= inclusion <= 1:
        raise InputError(f"{where}: inclusion is {inclusion!r}, expected a probability.")
    if not isinstance(asked, bool) or (asked and not inclusion):
        raise InputError(f"{where}: asked is {asked!r} with an inclusion of {inclusion!r}.")
    draws, place, sheets = row.get("draws"), row.get("place"), 1
    if "draws" in row:
        numbers = isinstance(draws, list) and all(_is(chance, float) for chance in draws)
        if not draws or not numbers or not all(0 <= chance <= 1 for chance in draws):
            raise InputError(f"{where}: draws is {str(draws)[:80]}, expected probabilities.")
        if abs(sum(draws) - inclusion) > _SUM:
            raise InputError(f"{where}: draws add up to {sum(draws)}, but inclusion is {inclusion!r}.")
        sheets = len(draws)
    if place is None and not (asked and "draws" in row):
        return
    whole = isinstance(place, list) and len(place) == 2 and all(_is(part, int) for part in place)
    sheet, number = place if whole and place else (0, 0)
    if not asked or not 1 <= sheet <= sheets or number < 0:
        raise InputError(f"{where}: place is {str(place)[:80]}, expected sheet and row of a line that was asked.")


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
        number = math.nan if len(value) > 40 else int(value) if name in _WHOLE else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (name in _FRACTIONS and abs(number) > 1.5) or (name in _WHOLE and number < 0):
        raise InputError(f"{where}: {name} is {value[:40]!r}, expected a number of that kind.")
    return number
