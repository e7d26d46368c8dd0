"""Any table with labels to rows of the schema, and the account that every reader keeps of its rows."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import datasets
from datasets import ClassLabel, Dataset, DatasetDict, Features
from pyarrow import parquet

from actorstance.days import day_of
from actorstance.errors import InputError
from actorstance.examples import AUTHOR, FEATURES, LABELS, OFFSETS, SPLITS, UNKNOWN, twin_key
from actorstance.files import csv_rows, read_json_lines, require_distinct
from actorstance.stored import ROWS

Rows = Iterator[tuple[str, dict[str, Any]]]

SHOWN = 5  # ids, and places of each, that are named
_REQUIRED = ("text", "target", "label")
HUB = "hf://"  # before the name of a dataset on the Hugging Face hub
InMemory: TypeAlias = Dataset | DatasetDict


class Tally:
    """Counts rows, so that none goes missing without a reason."""

    def __init__(self) -> None:
        self.read = self.kept = 0
        self.dropped: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.published: Counter[str] = Counter()  # rows read of each part that its authors publish
        self.form = ""  # the form in which the corpus is published, if there are several and it is not the usual one

    def counts(self, examples: int) -> dict[str, Any]:
        """Return the account, as `Corpus.counts`; rows read that are neither kept nor dropped are a bug."""
        if self.read != self.kept + self.dropped.total():
            raise AssertionError(f"{self.read} rows read, {self.kept} kept, {dict(self.dropped)} dropped")
        noted = {reason: rows for reason, rows in self.noted.items() if rows}
        found = {"dropped": dict(self.dropped), "mended": dict(self.mended), "noted": noted}
        return {"read": self.read, "kept": self.kept, **found, "examples": examples}


class _Spellings:
    """The ids of a table's actors, so that those that differ only in case or spaces are reported."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, list[str]]] = {}  # as compared, as written: the first places where it occurs
        self._counts: Counter[str] = Counter()

    def add(self, where: str, row: Mapping[str, Any]) -> None:
        """Take the ids of a row, which is at `where`."""
        for name in {name for name in (row.get("source"), row.get("target")) if isinstance(name, str)}:
            self._counts[name] += 1
            places = self._found.setdefault(_folded(name), {}).setdefault(name, [])
            if len(places) < SHOWN:
                places.append(Path(where).name)

    def note(self, tally: Tally) -> None:
        """Name the ids that have others like them, with the first `SHOWN` places of each; of many, count the rest."""
        alike = [ids for ids in self._found.values() if len(ids) > 1]
        for at, ids in enumerate(alike):
            names = " and ".join(f"{name!r} ({', '.join(places)})" for name, places in ids.items())
            about = f"{names} differ only in case or spaces: they are different actors"
            counts = [self._counts[name] for name in ids]
            rows = sum(counts) - max(counts)
            tally.noted[about if at < SHOWN else "of more ids that differ only in case or spaces"] += rows


def place_of(path: Path | str | InMemory) -> str:
    """How messages and cards name where a table is."""
    return "a dataset in memory" if isinstance(path, InMemory) else str(path)


def read_table(
    path: Path | str | InMemory,
    tally: Tally,
    columns: Mapping[str, str | None] | None = None,
    labels: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Rows:
    """Any table with text, target, label and what else it has.

    It is a JSONL, CSV, TSV or Parquet file; a folder of them, named for their splits; a folder saved by `datasets`; a
    dataset in memory; or one on the Hugging Face hub, `hf://owner/name` or `hf://owner/name/config`, with or without
    `@commit`.

    A target or source that occurs in the text exactly once, and comes without offsets, gets them. A column
    source_mention or target_mention must be what the offsets give. Without a group_id the group is the document,
    without a document_id the document is the group, and without either both are the sentence. Labels and splits may
    have capitals and spaces around them. A label that is a number needs `labels`, or the names that `datasets` keeps
    with it. A source `author` or `unknown` without offsets, however written, is AUTHOR or UNKNOWN.
    """
    for setting, given in (("columns", columns or {}), ("constants", constants or {})):
        if unknown := set(given) - set(FEATURES):
            raise InputError(f"data.{setting}.{min(unknown)}: no such column. The schema has {', '.join(FEATURES)}.")
    if twice := set(columns or {}) & set(constants or {}):
        raise InputError(f"data.constants.{min(twice)}: data.columns.{min(twice)} is given too. Leave one out.")
    given_names = {column: str(name) for column, name in (columns or {}).items() if name is not None}
    names = {column: given_names.get(column, column) for column in FEATURES}
    wanted = dict(given_names)  # columns that have not been seen yet
    fixed = {names[column]: value for column, value in (constants or {}).items()}
    calls, raw, spellings = _label_names(labels or {}), dict[str, Any](), _Spellings()
    for number, (where, found) in enumerate(_table_rows(path), 1):
        found = {str(name): value for name, value in found.items()}
        if there := set(fixed) & set(found):
            raise InputError(
                f"{where}: the column {min(there)!r} is there, and a constant would take its place. Leave out "
                f"data.constants.{min(there)}."
            )
        wanted = {column: name for column, name in wanted.items() if name not in found}
        tally.read += 1
        raw = {**found, **fixed}
        if missing := [column for column in _REQUIRED if names[column] not in raw]:
            told = " and ".join(f"{names[column]!r} for {column}" for column in missing)
            raise InputError(
                f"{where}: no column {told}; found {', '.join(map(str, raw))}. Name what the file calls them: "
                f"{' '.join(f'data.columns.{column}=COLUMN' for column in missing)}."
            )
        row = {column: raw[name] for column, name in names.items() if _is_there(raw.get(name))}
        row |= {name: raw[name] for name in ("source_mention", "target_mention") if _is_there(raw.get(name))}
        if not any(str(value).strip() for value in found.values() if value is not None):
            tally.dropped["empty row"] += 1
        elif not str(row.get("label", "")).strip():
            tally.dropped["no label"] += 1
        else:
            row["label"] = _label(where, row["label"], calls)
            tally.kept += 1
            completed = _completed(where, row, number, tally)
            spellings.add(where, completed)
            yield where, completed
    spellings.note(tally)
    for column, name in wanted.items():
        last = ", ".join(raw)[:300] or "no row at all"
        raise InputError(
            f"{place_of(path)}: data.columns.{column}={name}: no row has such a column; the last one has {last}."
        )


def _completed(where: str, row: dict[str, Any], number: int, tally: Tally) -> dict[str, Any]:
    """A table's row as a row of the schema: numbers as numbers, mentions found, ids and groups made."""
    for column in OFFSETS:
        if column in row:
            row[column] = _integer(where, column, row[column])
    if (split := _folded(str(row.get("split", "")))) and split not in _OFFICIAL:
        raise InputError(f"{where}: split {row['split']!r} is none of {', '.join(SPLITS)}.")
    row = {"text": "", "target": "", **row, "split": _OFFICIAL.get(split, "")}
    if "source" not in row:
        tally.noted["no source: AUTHOR is taken"] += 1
    elif (source := _nobody(row)) != row["source"]:
        tally.mended[f"source {row['source']!r}: {source} is taken"] += 1
        row["source"] = source
    if not {"group_id", "document_id"} & set(row):
        tally.noted["neither group_id nor document_id: the sentence is the group"] += 1
    elif "document_id" not in row:
        tally.noted["no document_id: the group is the document"] += 1
    for column in ("source", "target"):
        _locate(row, column)
        if column in row and row[column] not in ("", AUTHOR, UNKNOWN) and row.get(f"{column}_start", -1) < 0:
            tally.noted[f"{column} without offsets, and not once in its sentence"] += 1
    for column in ("example_id", "document_id", "group_id", "date"):
        if column in row:
            row[column] = _text(where, column, row[column])
    row.setdefault("example_id", str(number))
    key = hashlib.sha256(twin_key(str(row["text"])).encode(errors="replace")).hexdigest()[:16]
    row.setdefault("document_id", row.get("group_id", key))
    row.setdefault("group_id", row["document_id"])
    if "date" in row and day_of(row["date"]) is None:
        tally.noted["date that is not ISO (2020-02-12): its day is not known"] += 1
    return row


def _is_there(value: Any) -> bool:
    """Whether a cell holds anything; pandas writes NaN where there is nothing."""
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def _text(where: str, column: str, value: Any) -> str:
    """An id or a date as text; a list or a table would silently be the id of nothing else."""
    if isinstance(value, bool | list | dict):
        raise InputError(f"{where}: {column} is {str(value)[:40]!r}, expected text or a number.")
    return str(value)


def _folded(name: str) -> str:
    """A name as it is compared where case and spaces do not count."""
    return " ".join(name.split()).casefold()


def _nobody(row: Mapping[str, Any]) -> Any:
    """The source of a row: AUTHOR or UNKNOWN if it is that word, however written, and no mention in the sentence."""
    nobody = {_folded(name): name for name in (AUTHOR, UNKNOWN)}
    source = row["source"]
    return (
        nobody.get(_folded(source), source) if isinstance(source, str) and row.get("source_start", -1) < 0 else source
    )


def _label_names(labels: Mapping[str, Any]) -> dict[str, str]:
    """What the file calls a label -> the label."""
    if unknown := set(labels) - set(LABELS):
        raise InputError(f"data.labels.{min(unknown)}: no such label. There are {', '.join(LABELS)}.")
    theirs = [
        (_written(name), ours)
        for ours, names in labels.items()
        for name in (names if isinstance(names, list | tuple) else [names])
        if name is not None
    ]
    if len({name for name, _ in theirs}) < len(theirs):
        raise InputError(f"data.labels: two labels have one name in the file, {', '.join(name for name, _ in theirs)}.")
    mapped = dict(theirs)
    return {label: label for label in LABELS} | mapped


def _written(value: Any) -> str:
    """A label as it is compared: that of the number 1 is 1, even where a table writes 1.0."""
    number = re.fullmatch(r"(-?\d+)\.0+", str(value))
    return number[1] if number else str(value)


def _label(where: str, value: Any, calls: Mapping[str, str]) -> str:
    found = None if isinstance(value, bool) else calls.get(_written(value))
    if found is None and isinstance(value, str):
        meant = {label for name, label in calls.items() if _folded(name) == _folded(value)}
        found = meant.pop() if len(meant) == 1 else None
    if found is None:
        raise InputError(
            f"{where}: label {value!r} is none of {', '.join(calls)}. Say what the file calls them: "
            "data.labels.against=NAME data.labels.neutral=NAME data.labels.favor=NAME."
        )
    return found


def _integer(where: str, column: str, value: Any) -> int:
    try:
        number = float(value)  # "3.0" too, which pandas writes where other rows have none
        if number.is_integer() and abs(number) < 2**31 and not isinstance(value, bool):
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{where}: {column} is {str(value)[:40]!r}, expected a whole number.")


def _locate(row: dict[str, Any], role: str) -> None:
    """Find the mention of an actor whose id occurs in the text as it is, as whole words, once."""
    name, text = row.get(role), row["text"]
    if f"{role}_start" not in row and isinstance(name, str) and isinstance(text, str):
        found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        if name and len(found) == 1:
            row[f"{role}_start"], row[f"{role}_end"] = found[0]


def _table_rows(path: Path | str | InMemory) -> Rows:
    suffix = path.suffix.lower() if isinstance(path, Path) else ""
    if isinstance(path, InMemory):
        yield from _named_rows(path, place_of(path))
    elif isinstance(path, str):
        yield from _named_rows(_from_hub(path), path)
    elif path.is_dir() and not any((path / name).exists() for name in ("dataset_dict.json", "state.json")):
        yield from _folder_rows(path)
    elif path.is_dir():
        with _opening(path):
            table = datasets.load_from_disk(str(path))
        yield from _named_rows(table, str(path))
    elif suffix == ".parquet":
        yield from _parquet_rows(path)
    elif suffix == ".jsonl":
        yield from read_json_lines(path)
    elif suffix in (".csv", ".tsv"):
        yield from csv_rows(path)
    else:
        raise InputError(f"{path}: a table is a .jsonl, .csv, .tsv or .parquet file, or a folder of them.")


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be opened as a table: {' '.join(str(error).split())[:300]}") from error


def _parquet_rows(path: Path) -> Rows:
    """The rows of a Parquet file, in pieces; `datasets` would leave a copy of it in the user's cache."""
    with _opening(path):
        file = parquet.ParquetFile(path)
        require_distinct(file.schema_arrow.names, str(path))
        kinds = Features.from_arrow_schema(file.schema_arrow)

    def rows() -> Iterator[dict[str, Any]]:
        with _opening(path), file:
            for batch in file.iter_batches(ROWS):
                yield from batch.to_pylist()

    for number, row in enumerate(_with_names(rows(), kinds, str(path)), 1):
        yield f"{path}, row {number}", row


_OFFICIAL = {"train": "train", "valid": "valid", "validation": "valid", "dev": "valid", "test": "test"}
_PART = re.compile(rf"({'|'.join(_OFFICIAL)})(?![a-z]).*\.(jsonl|csv|tsv|parquet)", re.IGNORECASE)


def _folder_rows(path: Path) -> Rows:
    """The rows of a folder as the Hugging Face hub lays it out, as train-00000-of-00001.parquet or data/test.jsonl."""
    files = sorted([*path.iterdir(), *(path / "data").glob("*")])
    parts = [(file, found[1].lower()) for file in files if (found := _PART.fullmatch(file.name))]
    if not parts:
        raise InputError(
            f"{path}: neither a folder that datasets saved, nor one with tables that are named train, valid, test."
        )
    for file, part in parts:
        for where, row in _table_rows(file):
            yield where, {**row, "split": _OFFICIAL[part]}


def _from_hub(name: str) -> Any:
    """A dataset of the hub; nothing of a repository's own code is ever run."""
    place, _, revision = name.removeprefix(HUB).partition("@")
    owner, _, rest = place.partition("/")
    repository, _, config = rest.partition("/")
    if not owner or not repository:
        raise InputError(f"data.path={name}: expected {HUB}owner/name, {HUB}owner/name/config or either with @commit.")
    try:
        return datasets.load_dataset(f"{owner}/{repository}", config or None, revision=revision or None)
    except Exception as error:
        raise InputError(f"{name}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def _named_rows(table: InMemory, where: str) -> Rows:
    """The rows of a dataset, with the names of labels that are numbers, and splits' names."""
    parts = table if isinstance(table, DatasetDict) else {"": table}
    for split, part in parts.items():
        official = _OFFICIAL.get(str(split), str(split))
        for number, row in enumerate(_with_names(part, part.features, f"{where}, {official}".removesuffix(", ")), 1):
            yield (
                f"{where}, {official} row {number}".replace(",  row", ", row"),
                {**row, "split": official} if split else row,
            )


def _with_names(rows: Iterable[dict[str, Any]], kinds: Features, where: str) -> Iterator[dict[str, Any]]:
    """Rows with the names of labels that are numbers; one below 0 is no label."""
    named = {name: kind for name, kind in kinds.items() if isinstance(kind, ClassLabel)}
    for number, row in enumerate(rows, 1):
        for name, kind in named.items():
            if row[name] is not None and row[name] >= kind.num_classes:
                raise InputError(
                    f"{where}, row {number}: {name} is label number {row[name]} of {kind.num_classes}, counted from 0."
                )
            row[name] = None if row[name] is None or row[name] < 0 else kind.int2str(row[name])
        yield row
