"""Files: written whole or not at all, read with bounds, and with errors that name file and line."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from actorstance.errors import InputError

MAX_JSON = 50_000_000  # bytes of a JSON file that is opened
PAGES = (".html", ".htm", ".xhtml")  # what a browser saves
MAX_LINE = 10_000_000  # bytes of one line; in JSONL a line holds a whole article
GUARDS = ("=", "+", "-", "@", "\t", "\r")  # first characters of text that a spreadsheet takes for a formula
DIGITS = 6  # decimals of a number in a CSV file; JSON has them all


def first_process() -> bool:
    """Return whether this process writes and prints: of those that torchrun starts together, only the first does."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be written whole or not at all: a partial file is deleted, even on a full disk."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk, so that it survives a power cut."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all; line ends stay as they are."""
    with whole(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write human-readable JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line."""
    with whole(path) as file:
        for row in rows:
            file.write(json_line(row))


def json_line(row: dict[str, Any]) -> bytes:
    """Return a row as written in JSONL."""
    return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]], *, mark: bool = False) -> None:
    """Write CSV (RFC 4180); an unknown number is empty. `mark`: begin as spreadsheets expect of UTF-8."""
    with whole(path) as binary, io.TextIOWrapper(binary, "utf-8-sig" if mark else "utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([cell(row[name]) for name in columns] for row in rows)


def cell(value: Any) -> Any:
    """Return a value as written in a CSV: rounded; what a spreadsheet would take for a formula after an apostrophe."""
    if isinstance(value, float):
        return round(value, DIGITS)
    return f"'{value}" if isinstance(value, str) and value.startswith(GUARDS) else value


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: naming the file, if it is missing, too large or not a JSON object.

    """
    try:
        if path.stat().st_size > MAX_JSON:
            raise InputError(f"{path}: more than {MAX_JSON:,} bytes.")
        text = read_text(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON {type(value).__name__}, expected an object.")
    return value


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("file:line", object) of a JSONL file, without blank lines.

    Raises:
        InputError: for a line that is not a JSON object, is too long or is not UTF-8, and for a file without objects.

    """
    rows = 0
    for number, line in enumerate(lines(path), 1):
        where, text = f"{path}:{number}", line.strip()
        if not text:
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: no JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InputError(f"{where}: a JSON {type(row).__name__}, expected an object.")
        rows += 1
        yield where, row
    if not rows:
        raise InputError(f"{path}: the file is empty.")


_SAVE = " Save it as UTF-8 (Notepad: Save as, Encoding: UTF-8), or convert it: iconv -f UTF-16LE -t UTF-8."
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


# What older English pages declare; browsers read all of the first group as Windows-1252 (the WHATWG's encodings).
_CHARSETS = dict.fromkeys((b"windows-1252", b"iso-8859-1", b"latin1", b"us-ascii"), "windows-1252")
_CHARSETS[b"iso-8859-15"] = "iso-8859-15"
_DECLARED = re.compile(rb"<meta\b[^<>]{0,200}?\bcharset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)


def decode(data: bytes, where: str, page: bool = False) -> str:
    """Return UTF-8 bytes as text, or UTF-16 ones that begin with a byte order mark.

    Those of a page that are no UTF-8 may be in the Windows-1252 or ISO 8859-15 that the page declares.

    Raises:
        InputError: if they are binary or neither; `where` names them in the message.

    """
    if data.startswith(_UTF16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: not UTF-16 at byte {error.start}, though it begins so.{_SAVE}") from error
    if b"\0" in data:
        zeros = [data[place::2].count(0) / len(data) for place in (0, 1)]
        maybe = f" Is it UTF-16?{_SAVE}" if max(zeros) > 0.25 > 0.05 > min(zeros) else ""
        raise InputError(f"{where}: a binary file (zero byte at {data.index(0)}), expected UTF-8 text.{maybe}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        declared = _DECLARED.search(data, 0, 4096) if page else None
        if declared and (charset := _CHARSETS.get(declared[1].lower())):
            with suppress(UnicodeDecodeError):
                return data.decode(charset)
        raise InputError(
            f"{where}: not UTF-8 at byte {error.start} (0x{data[error.start]:02x}). Save it as UTF-8, or convert it: "
            "iconv -f WINDOWS-1252 -t UTF-8."
        ) from error


def read_text(path: Path) -> str:
    """Return a text file's content without its byte order mark, which `decode` keeps: a text's offsets count it.

    Raises:
        InputError: see `decode`.

    """
    return decode(path.read_bytes(), str(path)).removeprefix("\ufeff")


def below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in the order of their names, folder by folder.

    Links to folders are not followed.

    Raises:
        InputError: if a folder cannot be opened.

    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot be opened: {error.strerror}.") from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from below(Path(entry.path))
        else:
            yield Path(entry.path)


def is_frame(file: Path) -> bool:
    """Return whether a page is part of another one, saved by a browser: `Talks_files/ad.html` beside `Talks.html`."""
    page = file.parent.name.removesuffix("_files")
    if file.suffix.lower() not in PAGES or page == file.parent.name:
        return False
    endings = (*PAGES, *map(str.upper, PAGES))
    return any((file.parent.parent / f"{page}{ending}").is_file() for ending in endings)


def lines(path: Path, ends: bool = False) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, or of a UTF-16 one with its mark, without their ends or with them unchanged.

    Raises:
        InputError: naming the line, if it is too long or not UTF-8.

    """
    with path.open("rb") as raw:
        read: Callable[[int], bytes | str] = raw.readline
        if raw.peek(2).startswith(_UTF16):  # whose line ends are not single bytes
            read = io.TextIOWrapper(raw, "utf-16", newline="\n").readline
        number = 0
        while line := _next_line(read, path, number + 1):
            number += 1
            text = line if isinstance(line, str) else decode(line, f"{path}:{number}")
            text = text if ends else text.rstrip("\r\n")
            yield text.removeprefix("\ufeff") if number == 1 else text


def _next_line(read: Callable[[int], bytes | str], path: Path, number: int) -> bytes | str:
    try:
        line = read(MAX_LINE + 1)
    except UnicodeDecodeError as error:  # perhaps some lines further down: it is decoded in pieces
        raise InputError(f"{path}: not UTF-16, though it begins so.{_SAVE}") from error
    if len(line) > MAX_LINE:
        raise InputError(f"{path}:{number}: a line of more than {MAX_LINE:,} bytes, which is more than is read.")
    return line


def require_distinct(names: Sequence[str], where: str) -> None:
    """Raise InputError if two columns have one name; a spreadsheet adds several without one."""
    if twice := [name for name, count in Counter(names).items() if name and count > 1]:
        raise InputError(f"{where}: two columns have one name, {twice[0]!r}: {', '.join(names)}.")


def csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("file:line", row) of a CSV or TSV file; its delimiter is the one most frequent in its first line."""
    first = next(lines(path), "")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
    found = records(path, delimiter)
    _, names = next(found, ("", []))
    if not any(names):
        raise InputError(f"{path}: the file is empty.")
    require_distinct(names, f"{path}:1")
    for where, fields in found:
        if len(fields) != len(names):
            raise InputError(f"{where}: {len(fields)} fields, the first line names {len(names)}.")
        yield where, dict(zip(names, fields, strict=True))


def records(path: Path, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield ("file:line", fields) of a delimited file; a quoted field may hold delimiters and line breaks."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))  # of the process; an article may be above its default
    reader = csv.reader(lines(path, ends=True), delimiter=delimiter, strict=True)
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            fields = next(reader, None)
        except csv.Error as error:
            if "field limit" in str(error):
                raise InputError(
                    f"{where}: a field of more than {MAX_LINE:,} characters. Is a quotation mark open?"
                ) from error
            raise InputError(f"{where}: no valid quoting of fields: {error}.") from error
        if fields is None:
            return
        if fields:
            yield where, fields
