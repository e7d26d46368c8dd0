"""A raw file to documents: which lines are the article's own, which belong to the page, and where sentences stand.

The raw text is kept as it is, and every offset counts its code points, 0-based, end exclusive, so that whatever is said
of a sentence can be shown on the page as it was pasted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actorstance import lines as page_lines
from actorstance.errors import InputError
from actorstance.lines import Line
from actorstance.sentences import split

MAX_FILE = 100_000_000  # bytes of one text file; a newspaper article has five thousand
MAX_LINE = 10_000_000  # characters of one line; in JSONL a line holds a whole article
SUFFIXES = (".txt", ".text", ".md", ".jsonl")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a document's body: raw[start:end], and the index of its paragraph."""

    start: int
    end: int
    paragraph: int


@dataclass(frozen=True)
class Document:
    """One article: its raw text, every line of it with what it is, and the sentences of its body."""

    id: str
    raw: str
    date: str | None
    lines: tuple[Line, ...]
    sentences: tuple[Sentence, ...]

    def text(self, sentence: Sentence) -> str:
        """Return the sentence as one line of the same length: each white space character becomes a space."""
        return re.sub(r"\s", " ", self.raw[sentence.start : sentence.end])


def read(source: str | Path) -> list[Document]:
    """Read the documents of a text file, a JSONL file (`id`, `date`, `text`), a folder of them, or a text.

    Args:
        source: a `Path`, or a string. A string that names an existing file or folder is one; any other string that
            holds white space is the text of one document; without white space it is a path.

    Returns:
        The documents, in order of file name and line. `id` is the file's path below the folder, or the row's `id`.

    Raises:
        InputError: naming the file and line, for what cannot be read, and for an article without a body.

    Example:
        >>> document, = read("Home\\n\\nTalks collapse\\n\\nBy Ana Lima\\n\\nVarna on Monday accused Ostia of spying.\\n")
        >>> [(line.kind, line.kept) for line in document.lines]
        [('furniture', False), ('headline', True), ('byline', True), ('body', True)]
        >>> [document.text(sentence) for sentence in document.sentences]
        ['Varna on Monday accused Ostia of spying.']

    """
    if isinstance(source, str) and re.search(r"\s", source) and not (len(source) < 1000 and Path(source).exists()):
        return [parse("text", source)]
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file()) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no file in this folder ends in {', '.join(SUFFIXES)}.")
    documents: dict[str, Document] = {}
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        for document in _read_jsonl(file) if file.suffix == ".jsonl" else [parse(name, _read_text(file), str(file))]:
            if document.id in documents:
                raise InputError(f"{file}: the document id {document.id!r} occurs twice. Ids must be unique.")
            documents[document.id] = document
    return list(documents.values())


def parse(id: str, raw: str, where: str | None = None, date: str | None = None) -> Document:
    """Make a document of a raw text.

    Raises:
        InputError: if no line of it is an article's body; `where` names the text in the message.

    """
    classified = page_lines.classify(raw)
    sentences = []
    for index, (start, end) in enumerate(page_lines.paragraphs(classified)):
        sentences += [Sentence(start + left, start + right, index) for left, right in split(raw[start:end])]
    if not sentences:
        kinds = ", ".join(sorted({line.kind for line in classified})) or "none"
        raise InputError(f"{where or id}: no article's body found. Lines found: {kinds}; body needs whole sentences.")
    return Document(id, raw, date, classified, tuple(sentences))


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise InputError(f"{path}: {size:,} bytes, at most {MAX_FILE:,} are read. Split the file into articles.")
    raw = _decode(path.read_bytes(), str(path))
    if not raw.strip("\ufeff \t\r\n"):
        raise InputError(f"{path}: the file is empty.")
    for number, line in enumerate(raw.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise InputError(f"{path}:{number}: a line of {len(line):,} characters, at most {MAX_LINE:,} are read.")
    return raw


def _decode(data: bytes, where: str) -> str:
    if b"\0" in data:
        raise InputError(f"{where}: a binary file (zero byte at {data.index(0)}), expected UTF-8 text.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: not UTF-8 at byte {error.start} (0x{data[error.start]:02x}). Save it as UTF-8, or convert it: "
            "iconv -f WINDOWS-1252 -t UTF-8."
        ) from error


def _read_jsonl(path: Path) -> Iterator[Document]:
    for where, row in read_json_lines(path):
        text, id, date = row.get("text"), row.get("id"), row.get("date")
        if not isinstance(text, str) or not isinstance(id, str | int) or not isinstance(date, str | None):
            found = ", ".join(f"{key}: {type(value).__name__}" for key, value in row.items()) or "nothing"
            raise InputError(f"{where}: expected id, text and (if known) date as strings, found {found}.")
        yield parse(str(id), text, where, date)


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("file:line", object) of a JSONL file, without blank lines.

    Raises:
        InputError: for a line that is no JSON object, is too long or is not UTF-8, and for a file without any object.

    """
    rows = 0
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            where = f"{path}:{number}"
            if len(line) > MAX_LINE:
                raise InputError(f"{where}: a line of more than {MAX_LINE:,} bytes, which is more than is read.")
            text = _decode(line, where).strip("\ufeff \t\r\n")
            if not text:
                continue
            try:
                row = json.loads(text)
            except (json.JSONDecodeError, RecursionError) as error:
                raise InputError(f"{where}: no JSON: {error}.") from error
            if not isinstance(row, dict):
                raise InputError(f"{where}: a JSON {type(row).__name__}, expected an object.")
            rows += 1
            yield where, row
    if not rows:
        raise InputError(f"{path}: the file is empty.")
