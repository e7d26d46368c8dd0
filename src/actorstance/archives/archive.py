"""An archive of articles, streamed: its files in order, its documents one by one, and those that cannot be read.

An archive may be larger than memory, and one bad document among ten million must not end a run. So nothing here holds a
list of all, and what cannot be read comes out as `Rejected`, with the reason, in its place.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from actorstance.documents import (
    COLUMNS,
    MAX_FILE,
    TABLES,
    TOO_LONG,
    Document,
    articles,
    has_columns,
    is_table,
    named_columns,
    parse,
    read,
    require_named,
    require_table,
    rows,
    too_long,
)
from actorstance.documents import SUFFIXES as PLAIN
from actorstance.errors import InputError
from actorstance.files import MAX_LINE, PAGES, below, decode, is_frame, require_distinct
from actorstance.stored import Ids

ONLY_ARCHIVES = (".jsonl.gz", ".jsonl.zst", ".parquet")  # kinds of files that are read only here
SUFFIXES = (*PLAIN, *ONLY_ARCHIVES)
LARGE = 20_000_000  # bytes from which an input is read as an archive: about four thousand articles
MAX_ID = 1_000
_BATCH = 64  # rows of a Parquet file that are in memory at once


@dataclass(frozen=True)
class Text:
    """A document as it is in the archive: where, its id, date (ISO, or None) and raw text."""

    where: str
    id: str
    date: str | None
    text: str


@dataclass(frozen=True)
class Rejected:
    """What cannot be read: where it is, its id if it has one, and why."""

    where: str
    id: str | None
    reason: str


class _BadError(Exception):
    """A document that cannot be read, and why."""


def is_archive(source: str | Path) -> bool:
    """Return whether an input is read as an archive by default: by its kind, or because it is large.

    It is one if any of its files is compressed or Parquet, or if all its files together have more than `LARGE` bytes,
    of which a web page counts a tenth.
    """
    path = Path(source)
    if re.search(r"\s", str(source)) and not _exists(path):
        return False
    size = 0
    for file in files(path) if _exists(path) else ():
        size += file.stat().st_size // (10 if file.suffix.lower() in PAGES else 1)
        if size > LARGE or file.name.lower().endswith(ONLY_ARCHIVES):
            return True
    return False


def read_whole(source: str | Path, columns: Mapping[str, str] = COLUMNS) -> list[Document]:
    """Read all documents of an input, of whatever kind, for an ordinary run.

    Args:
        source: a file or folder, as of `Archive`.
        columns: as of `Archive`.

    Raises:
        InputError: as `documents.read`; also for the first document that an archive would reject.

    """
    path = Path(source)
    if not _exists(path) or not any(file.name.lower().endswith(ONLY_ARCHIVES) for file in files(path)):
        return read(source if "://" in str(source) else path, columns)
    found = []
    for one in Archive(path, columns):
        if isinstance(one, Rejected):
            raise InputError(f"{one.where}: {one.reason}.")
        found.append(parse(one.id, one.text, one.where, one.date))
    return found


def files(path: Path) -> Iterator[Path]:
    """Yield the files of an archive in the order of their names, folder by folder; one file alone is itself."""
    if path.is_file():
        yield path
        return
    for file in below(path):
        if file.name.lower().endswith(SUFFIXES) and file.is_file() and not is_frame(file):
            yield file


def _is_jsonl(file: Path) -> bool:
    return file.name.lower().endswith((".jsonl", ".jsonl.gz", ".jsonl.zst"))


class Archive:
    """A folder or file of articles, to be read once from the first document to the last.

    Args:
        source: a file (text, .jsonl, .jsonl.gz, .jsonl.zst, .parquet), or a folder of them; alone, it may also be
            another table that `documents.read` knows.
        columns: the names of `id`, `date` and `text` in JSONL and Parquet.

    Raises:
        InputError: if there is nothing to read; if a Parquet file lacks a column, or a JSONL file one that was named;
            if columns are named and there is no table.

    """

    def __init__(self, source: str | Path, columns: Mapping[str, str] = COLUMNS) -> None:
        self.path = Path(source)
        self.columns = named_columns(columns)
        if re.match(r"https?:/", str(source)):
            raise InputError(f"{source}: an address. Nothing is fetched: save the archive on a disk.")
        if not _exists(self.path):
            raise InputError(f"{source}: no such file or folder.")
        if self.path.is_file() and not self.path.name.lower().endswith(ONLY_ARCHIVES):
            is_table(self.path)
        self.bytes, found, tables, names = 0, 0, False, hashlib.sha256()
        for file in files(self.path):
            size = file.stat().st_size
            self.bytes, found, tables = self.bytes + size, found + 1, tables or has_columns(file)
            names.update(f"{self._name(file)}\0{size}\n".encode("utf-8", "surrogatepass"))
            if file.suffix.lower() == ".parquet":
                self._require_columns(file)
            elif _is_jsonl(file):
                self._require_named(file)
        if not found:
            raise InputError(f"{self.path}: no file in this folder ends in {', '.join(SUFFIXES)}.")
        require_table(self.columns, tables, str(self.path))
        self.fingerprint = names.hexdigest()  # of the names and sizes of all files
        self.passed = 0  # bytes of the files read so far, as far as is known

    def _name(self, file: Path) -> str:
        return file.relative_to(self.path).as_posix() if self.path != file else file.name

    def _require_columns(self, file: Path) -> None:
        try:
            found = pq.read_schema(file).names
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{file}: no Parquet file that can be read ({error}).") from error
        require_distinct(found, str(file))
        require_named(self.columns, found, str(file), always=("id", "text"))

    def _require_named(self, file: Path) -> None:
        """Look at the first object of a JSONL file, if columns are named; other errors in it come later."""
        if self.columns == COLUMNS:
            return
        with suppress(_BadError, EOFError, zlib.error, OSError, pa.ArrowException), _opened(file) as (stream, _):
            line = next(_lines(stream), None)
            row = _object(_decoded(line or b"").removeprefix("\ufeff"))
            require_named(self.columns, row, self._name(file))

    def __iter__(self) -> Iterator[Text | Rejected]:
        """Yield the documents; of two with one id the first counts, whatever else is wrong with it."""
        seen = Ids()
        self.passed = 0
        for file in files(self.path):
            behind, size = self.passed, file.stat().st_size
            for one in self._of_file(file, behind):
                if one.id is not None and not seen.add(one.id):
                    yield Rejected(one.where, one.id, "the document id occurs twice")
                else:
                    yield one
            self.passed = behind + size

    def _of_file(self, file: Path, behind: int) -> Iterator[Text | Rejected]:
        name = self._name(file)
        try:
            if file.suffix.lower() == ".parquet":
                yield from self._parquet(file, name, behind)
            elif _is_jsonl(file):
                yield from self._jsonl(file, name, behind)
            elif file.suffix.lower() in TABLES:
                yield from self._table(file, name)
            else:
                yield from self._text(file, name)
        except (EOFError, zlib.error, OSError, pa.ArrowException) as error:
            reason = "cut short, or no such archive" if isinstance(error, EOFError | zlib.error) else "cannot be read"
            yield Rejected(name, None, f"the rest of the file: {reason} ({' '.join(str(error).split())[:200]})")

    def _text(self, file: Path, name: str) -> Iterator[Text | Rejected]:
        """The article that a text file holds, or the many that a news database exported in one."""
        try:
            if (size := file.stat().st_size) > MAX_FILE:
                raise _BadError(f"{size:,} bytes: {TOO_LONG}")
            found = articles(name, _decoded(file.read_bytes(), file.suffix.lower() in PAGES))
        except _BadError as bad:
            yield Rejected(name, name, str(bad))
            return
        for id, text in found:
            try:
                yield self._checked(id, id, None, text)
            except _BadError as bad:
                yield Rejected(id, id, str(bad))

    def _jsonl(self, file: Path, name: str, behind: int) -> Iterator[Text | Rejected]:
        with _opened(file) as (stream, place):
            for number, line in enumerate(_lines(stream), 1):
                where, id = f"{name}:{number}", None
                self.passed = behind + place()
                try:
                    if line is None:
                        raise _BadError(f"a line of more than {MAX_LINE:,} bytes")
                    text = _decoded(line).removeprefix("\ufeff" if number == 1 else "").strip()
                    if not text:
                        continue
                    row = _object(text)
                    id = _id(row.get(self.columns["id"]))
                    yield self._checked(where, id, row.get(self.columns["date"]), row.get(self.columns["text"]))
                except _BadError as bad:
                    yield Rejected(where, id, str(bad))

    def _table(self, file: Path, name: str) -> Iterator[Text | Rejected]:
        """The rows of a table that is not JSONL; where a row cannot be told from the next, the rest is lost."""
        try:
            for number, (place, row) in enumerate(rows(file)):
                if not number:
                    require_named(self.columns, row, name, always=("id", "text"))
                where, id = place.replace(str(file), name, 1), None
                try:
                    id = _id(row.get(self.columns["id"]))
                    date = row.get(self.columns["date"])
                    yield self._checked(where, id, date or None, row.get(self.columns["text"]))
                except _BadError as bad:
                    yield Rejected(where, id, str(bad))
        except InputError as error:
            yield Rejected(name, None, f"the rest of the file: {str(error).replace(str(file), name, 1)}")

    def _parquet(self, file: Path, name: str, behind: int) -> Iterator[Text | Rejected]:
        with pq.ParquetFile(file, buffer_size=1 << 16) as table:
            size, rows, number = file.stat().st_size, table.metadata.num_rows, 0
            wanted = [column for column in self.columns.values() if column in table.schema_arrow.names]
            for batch in table.iter_batches(_BATCH, columns=wanted, use_threads=False):
                self.passed = behind + size * number // max(1, rows)
                for at in range(len(batch)):
                    number += 1
                    where, id = f"{name}:{number}", None
                    try:
                        row = {column: batch[column][at].as_py() for column in wanted}
                        id = _id(row[self.columns["id"]])
                        date = row.get(self.columns["date"])
                        date = date if isinstance(date, str | None) else date.isoformat()
                        yield self._checked(where, id, date, row[self.columns["text"]])
                    except _BadError as bad:
                        yield Rejected(where, id, str(bad))
                    except (AttributeError, OverflowError):
                        yield Rejected(where, id, "its date is no date and no text")
                    except ValueError as error:
                        yield Rejected(where, id, f"cannot be read ({error})")

    def _checked(self, where: str, id: str, date: Any, text: Any) -> Text:
        if not isinstance(text, str) or not isinstance(date, str | None):
            kinds = f"{type(text).__name__} and {type(date).__name__}"
            raise _BadError(f"expected text and (if known) date as text, found {kinds}")
        if reason := too_long(text):
            raise _BadError(reason)
        if not text.strip("\ufeff\u200b \t\r\n\u00a0"):
            raise _BadError("empty")
        for value in (id, date or ""):
            if re.search("[\0\ud800-\udfff]", value):
                raise _BadError("its id or date holds a character that is no text")
        return Text(where, id, date, text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long for a path
        return False


def _id(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        raise _BadError("no id")
    if len(str(value)) > MAX_ID:
        raise _BadError(f"an id of more than {MAX_ID:,} characters")
    return str(value)


def _object(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _BadError(f"no JSON: {error}") from error
    if not isinstance(row, dict):
        raise _BadError(f"a JSON {type(row).__name__}, expected an object")
    return row


def _decoded(data: bytes, page: bool = False) -> str:
    try:
        return decode(data, "it", page)
    except InputError as error:
        raise _BadError(str(error).removeprefix("it: ").split(". Save it")[0]) from error


def _lines(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes | None]:
    """Yield the lines of a file; None for one that is too long, of which only a piece is held."""
    while line := stream.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)
        yield None


@contextmanager
def _opened(file: Path) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, Callable[[], int]]]:
    """Open a file that may be compressed, and what tells how much of it has been read."""
    with file.open("rb") as raw:
        if file.suffix.lower() == ".gz":
            with gzip.open(raw) as unpacked:
                yield unpacked, raw.tell
        elif file.suffix.lower() == ".zst":
            with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as unpacked:
                yield io.BufferedReader(unpacked), raw.tell
        else:
            yield raw, raw.tell
