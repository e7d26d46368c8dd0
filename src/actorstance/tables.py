"""Any table with labels to rows of the schema, and the account that every reader keeps of its rows."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset

from actorstance.errors import InputError
from actorstance.examples import AUTHOR, FEATURES, LABELS, SPLITS, UNKNOWN, twin_key
from actorstance.files import lines, read_json_lines

Rows = Iterator[tuple[str, dict[str, Any]]]


class Tally:
    """Counts rows, so that none goes missing without a reason."""

    def __init__(self) -> None:
        self.read = self.kept = 0
        self.dropped: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()

    def counts(self, examples: int) -> dict[str, Any]:
        """Return the account, as `Corpus.counts`; rows read that are neither kept nor dropped are a defect of ours."""
        if self.read != self.kept + self.dropped.total():
            raise AssertionError(f"{self.read} rows read, {self.kept} kept, {dict(self.dropped)} dropped")
        found = {"dropped": dict(self.dropped), "mended": dict(self.mended), "noted": dict(self.noted)}
        return {"read": self.read, "kept": self.kept, **found, "examples": examples}


_REQUIRED = ("text", "target", "label")
_INTEGERS = ("source_start", "source_end", "target_start", "target_end", "raw_start", "raw_end")


def read_table(
    path: Path, tally: Tally, columns: Mapping[str, str | None] | None = None, labels: Mapping[str, Any] | None = None
) -> Rows:
    """Any table with text, target, label and what else it has: JSONL, CSV, TSV, Parquet, a folder saved by `datasets`.

    A target or source that stands in the text exactly once, and that comes without offsets, gets those. A column
    source_mention or target_mention must be what the offsets give. Without a group_id the group is the document, and
    without that the sentence. A label that is a number needs `labels`, or the names that `datasets` keeps with it.
    """
    if unknown := set(columns or {}) - set(FEATURES):
        raise InputError(f"data.columns.{min(unknown)}: no such column. The schema has {', '.join(FEATURES)}.")
    names = {column: (columns or {}).get(column) or column for column in FEATURES}
    calls = _label_names(labels or {})
    for number, (where, raw) in enumerate(_table_rows(path), 1):
        tally.read += 1
        for column in _REQUIRED:
            if names[column] not in raw:
                raise InputError(
                    f"{where}: no column {names[column]!r} for {column}; found {', '.join(map(str, raw))}. "
                    f"Name it: data.columns.{column}=COLUMN."
                )
        row = {column: raw[name] for column, name in names.items() if raw.get(name) is not None and raw[name] != ""}
        row |= {name: raw[name] for name in ("source_mention", "target_mention") if raw.get(name)}
        if not any(str(value).strip() for value in raw.values() if value is not None):
            tally.dropped["empty row"] += 1
            continue
        if "label" not in row:
            tally.dropped["no label"] += 1
            continue
        row["label"] = _label(where, row["label"], calls)
        for column in _INTEGERS:
            if column in row:
                row[column] = _integer(where, column, row[column])
        if row.get("split", "") not in (*SPLITS, ""):
            raise InputError(f"{where}: split {row['split']!r} is none of {', '.join(SPLITS)}.")
        row = {"text": "", "target": "", **row}
        if "source" not in row:
            tally.noted["no source: AUTHOR is taken"] += 1
        if not {"group_id", "document_id"} & set(row):
            tally.noted["neither group_id nor document_id: the sentence is the group"] += 1
        for column in ("source", "target"):
            _locate(row, column)
            if column in row and row[column] not in ("", AUTHOR, UNKNOWN) and row.get(f"{column}_start", -1) < 0:
                tally.noted[f"{column} without offsets, and not once in its sentence"] += 1
        row["example_id"] = str(row.get("example_id", number))
        key = hashlib.sha256(twin_key(str(row["text"])).encode(errors="replace")).hexdigest()[:16]
        row["document_id"] = str(row.get("document_id", key))
        row["group_id"] = str(row.get("group_id", row["document_id"]))
        if "date" in row:
            row["date"] = str(row["date"])
        tally.kept += 1
        yield where, row


def _label_names(labels: Mapping[str, Any]) -> dict[str, str]:
    """What the file calls a label -> the label."""
    if unknown := set(labels) - set(LABELS):
        raise InputError(f"data.labels.{min(unknown)}: no such label. There are {', '.join(LABELS)}.")
    theirs = [str(name) for name in labels.values() if name is not None]
    if len(set(theirs)) < len(theirs):
        raise InputError(f"data.labels: two labels have one name in the file, {', '.join(theirs)}.")
    mapped = {str(name): ours for ours, name in labels.items() if name is not None}
    return {label: label for label in LABELS} | mapped


def _label(where: str, value: Any, calls: Mapping[str, str]) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = None if isinstance(value, bool) else calls.get(str(value))
    if found is None:
        raise InputError(
            f"{where}: label {value!r} is none of {', '.join(calls)}. Say what the file calls them: "
            "data.labels.against=NAME data.labels.neutral=NAME data.labels.favor=NAME."
        )
    return found


def _integer(where: str, column: str, value: Any) -> int:
    try:
        number = int(value)
        if number == float(value) and abs(number) < 2**31 and not isinstance(value, bool):
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{where}: {column} is {str(value)[:40]!r}, expected a whole number.")


def _locate(row: dict[str, Any], role: str) -> None:
    """Find the mention of an actor whose id stands in the text as it is, as whole words, once."""
    name, text = row.get(role), row["text"]
    if f"{role}_start" not in row and isinstance(name, str) and isinstance(text, str):
        found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        if name and len(found) == 1:
            row[f"{role}_start"], row[f"{role}_end"] = found[0]


def _table_rows(path: Path) -> Rows:
    if path.is_dir() or path.suffix == ".parquet":
        yield from _saved_rows(path)
    elif path.suffix == ".jsonl":
        yield from read_json_lines(path)
    elif path.suffix in (".csv", ".tsv"):
        yield from csv_rows(path)
    else:
        raise InputError(f"{path}: a table is a .jsonl, .csv, .tsv or .parquet file, or a folder that datasets saved.")


def _saved_rows(path: Path) -> Rows:
    """The rows of a Parquet file or a saved dataset, with the names of labels that are numbers, and splits' names."""
    try:
        table = datasets.load_from_disk(str(path)) if path.is_dir() else Dataset.from_parquet(str(path))
    except Exception as error:
        raise InputError(f"{path}: cannot be opened as a table: {' '.join(str(error).split())[:300]}") from error
    parts = table if isinstance(table, datasets.DatasetDict) else {"": table}
    for split, part in parts.items():
        named = {name: kind for name, kind in part.features.items() if isinstance(kind, datasets.ClassLabel)}
        official = {"validation": "valid", "dev": "valid"}.get(str(split), str(split))
        for number, row in enumerate(part, 1):
            for name, kind in named.items():
                row[name] = None if row[name] is None or row[name] < 0 else kind.int2str(row[name])
            yield (
                f"{path}, {official} row {number}".replace(",  row", ", row"),
                {**row, "split": official} if split else row,
            )


def csv_rows(path: Path) -> Rows:
    """Yield ("file:line", row) of a CSV or TSV file; its delimiter is the one that its first line has most of."""
    first = next(lines(path), "")
    delimiter = "\t" if path.suffix == ".tsv" else max(",;\t", key=first.count)
    found = records(path, delimiter)
    _, names = next(found, ("", []))
    if not any(names):
        raise InputError(f"{path}: the file is empty.")
    if len(set(names)) < len(names):
        raise InputError(f"{path}:1: two columns have one name: {', '.join(names)}.")
    for where, fields in found:
        if len(fields) != len(names):
            raise InputError(f"{where}: {len(fields)} fields, the first line names {len(names)}.")
        yield where, dict(zip(names, fields, strict=True))


def records(path: Path, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield ("file:line", fields) of a delimited file; a quoted field may hold delimiters and line breaks."""
    reader = csv.reader((line + "\n" for line in lines(path)), delimiter=delimiter, strict=True)
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{where}: no valid quoting of fields: {error}.") from error
        if fields is None:
            return
        if fields:
            yield where, fields
