"""A raw file to documents: which lines are the article's, which belong to the page, and where its sentences are.

The raw text is kept as it is except for what was garbled (`legible`), and offsets count its code points, 0-based,
end exclusive. Each is mapped to its place in the text as it was given, which is what a run's files count in, so that
anything said of a sentence can be shown on the page as it was pasted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from actorstance.days import iso, published
from actorstance.errors import InputError
from actorstance.files import MAX_JSON, PAGES, below, csv_rows, decode, is_frame, read_json_lines, read_text
from actorstance.text import exports, hyphens, markup
from actorstance.text import lines as page_lines
from actorstance.text.language import looks_english
from actorstance.text.legible import Mended, mend, without
from actorstance.text.lines import Line
from actorstance.text.sentences import one_line, split

MAX_TEXT = 1_000_000  # characters of one document; the longest articles have a tenth of that
MAX_PAGE = 10 * MAX_TEXT  # characters of one web page, most of which are no text
MAX_FILE = 50 * MAX_TEXT  # bytes of a text file; one of a database may hold five hundred articles
TOO_LONG = f"at most {MAX_TEXT:,} characters are read. Split it into articles."
TEXTS = (".txt", ".text", ".md", *PAGES)
SUFFIXES = (*TEXTS, ".jsonl")
TABLES = (".csv", ".tsv", ".json")  # read only if given alone: in a folder of articles a table is rather about them
COLUMNS = {"id": "id", "date": "date", "text": "text"}  # of tables, by their default names
_NAMED = 10  # bad documents that a message names; it counts the others
_OTHERS = {  # kinds of files that hold articles, but not as text: what they are, and what to do
    ".mhtml .mht .webarchive": "a packed web page. Save the page as HTML (.html)",
    ".docx .doc .odt .rtf .pages": "a word processor's file. Save it as plain text (.txt, UTF-8)",
    ".pdf": "a PDF file. Copy the article's text into a .txt file",
    ".xlsx .xls .ods .numbers": "a spreadsheet. Save the sheet as CSV (UTF-8), with columns id, date and text",
    ".zip .tar .7z .rar": "a packed folder. Unpack it and give the folder",
    ".gz .zst": "a packed file. Unpack it (.jsonl.gz and .jsonl.zst are read as they are)",
    ".parquet": "an archive, which scripts/predict.py and actorstance predict read",
}


@dataclass(frozen=True)
class Sentence:
    """A sentence of a document's body: raw[start:end], and the index of its paragraph."""

    start: int
    end: int
    paragraph: int


@dataclass(frozen=True)
class Document:
    """One article: its raw text, every line of it with what it is, and the sentences of its body.

    `mended` says what was mended in the raw text, None if it is as it was given.
    """

    id: str
    raw: str
    date: str | None
    lines: tuple[Line, ...]
    sentences: tuple[Sentence, ...]
    mended: Mended | None = None

    @property
    def given(self) -> str:
        """The text as it was given."""
        return self.mended.given if self.mended else self.raw

    @cached_property
    def english(self) -> bool | None:
        """Whether the body looks English, None if it is too short to tell; see `language`."""
        return looks_english(" ".join(self.raw[one.start : one.end] for one in self.sentences))

    def in_given(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of the raw text is in the text as it was given."""
        return self.mended.in_given(start, end) if self.mended else (start, end)

    def text(self, sentence: Sentence) -> str:
        """Return the sentence as one line of the same length: each white space character becomes a space."""
        return one_line(self.raw[sentence.start : sentence.end])


def read(source: str | Path, columns: Mapping[str, str] = COLUMNS) -> list[Document]:
    r"""Read the documents of a text file, a table of articles, a folder of text and JSONL files, or a text.

    A table is a .jsonl, .csv, .tsv or .json file (one object, or an array of them) with `id`, `text` and maybe `date`.

    Args:
        source: a `Path`, or a string. A string that names an existing file or folder is one; any other string that
            holds white space is the text of one document; without white space it is a path.
        columns: what a table calls `id`, `date` and `text`, where that differs.

    Returns:
        The documents, in order of file name and line. `id` is the file's path below the folder, or the row's `id`; of
        the articles that a news database exported in one file (`exports`), the path with `#1`, `#2` … behind it.

    Raises:
        InputError: naming the file and line of everything that cannot be read, and of articles without a body; if
            columns are named and there is no table.

    Example:
        >>> document, = read("Home\n\nTalks collapse\n\nBy Ana Lima\n\nVarna on Monday accused Ostia of spying.\n")
        >>> [(line.kind, line.kept) for line in document.lines]
        [('furniture', False), ('headline', True), ('byline', True), ('body', True)]
        >>> [document.text(sentence) for sentence in document.sentences]
        ['Varna on Monday accused Ostia of spying.']

    """
    names = named_columns(columns)
    if isinstance(source, str) and re.search(r"\s", source) and not _exists(source):
        require_table(names, False, "what is given")
        return [parse(id, text) for id, text in articles("text", source)]
    if not str(source):
        raise InputError("nothing to read: the path is empty.")
    path = Path(source)
    if re.match(r"https?:/", str(source)):
        raise InputError(f"{source}: an address. Nothing is fetched: save the page's text in a file.")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    files = [file for file in below(path) if _readable(file)] if path.is_dir() else [path]
    if not files:
        raise InputError(
            f"{path}: no file in this folder ends in {', '.join(SUFFIXES)}. "
            f"A table ({', '.join(TABLES)}) is read if it is given alone."
        )
    require_table(names, any(map(has_columns, files)), str(path))
    documents: dict[str, Document] = {}
    bad: list[str] = []
    for file in files:
        try:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            for where, row in _rows(file, name, names):
                try:
                    id, date, text = _told(where, row, names)
                    document = parse(id, text, where, date)
                    if id in documents:
                        raise InputError(f"{where}: the document id {id!r} occurs twice. Ids must be unique.")
                    documents[id] = document
                except InputError as error:
                    bad.append(str(error))
        except InputError as error:  # what comes after it in the file cannot be read either
            bad.append(str(error))
        except OSError as error:
            bad.append(f"{file}: cannot be opened: {error.strerror}.")
    if bad:
        raise InputError(_all_of(bad, alone=not documents and len(bad) == 1))
    return list(documents.values())


def _all_of(bad: Sequence[str], *, alone: bool) -> str:
    """One message for everything that cannot be read: otherwise files would be mended one by one, run after run."""
    if alone:
        return bad[0]
    more = [f"and {len(bad) - _NAMED:,} more"] if len(bad) > _NAMED else []
    last = (
        f"{len(bad):,} could not be read: mend or remove them, or set them aside with archive=true "
        "(actorstance: --archive)."
    )
    return "\n".join([*bad[:_NAMED], *more, last])


def unread(path: str | Path) -> list[Path]:
    """Return the files of a folder that `read` skips because they are of no kind it knows."""
    folder = Path(path)
    return [file for file in below(folder) if file.is_file() and not _readable(file)] if folder.is_dir() else []


def named_columns(given: Mapping[str, str]) -> dict[str, str]:
    """Return what a file calls `id`, `date` and `text`.

    Raises:
        InputError: if anything else is named.

    """
    if unknown := set(given) - set(COLUMNS):
        raise InputError(f"columns.{min(unknown)}: there is no such setting. There are {', '.join(COLUMNS)}.")
    return {**COLUMNS, **{key: str(name) for key, name in given.items()}}


def has_columns(file: Path) -> bool:
    """Return whether a file, by its name, is anything else than plain text."""
    return file.suffix.lower() not in (*TEXTS, "")


def require_table(names: Mapping[str, str], there: bool, where: str) -> None:
    """Check that no column is named by the user if no table is there.

    Raises:
        InputError: if one is.

    """
    given = [f"{key}={name}" for key, name in names.items() if name != COLUMNS[key]]
    if given and not there:
        raise InputError(
            f"columns.{given[0]}: {where} is plain text, which has no columns. Leave it out (actorstance: --columns "
            f"{given[0]}), or give a table of articles."
        )


def require_named(names: Mapping[str, str], there: Collection[str], where: str, always: Sequence[str] = ()) -> None:
    """Check that the columns named by the user, and those of `always`, are there.

    Raises:
        InputError: if one is not.

    """
    asked = {key: name for key, name in names.items() if key in always or name != COLUMNS[key]}
    if missing := {key: name for key, name in asked.items() if name not in there}:
        found = ", ".join(there)[:300] or "none"
        given = [f"{key}=…" for key in missing]
        raise InputError(
            f"{where}: no column {' and no '.join(map(repr, missing.values()))}; there are {found}. Name the one that "
            f"holds the {' and the '.join(missing)}: {' '.join(f'columns.{one}' for one in given)} "
            f"(actorstance: {' '.join(f'--columns {one}' for one in given)})."
        )


def is_table(path: Path) -> bool:
    """Return whether a file, by its name, is a table of articles rather than the text of one.

    Raises:
        InputError: if it is neither.

    """
    suffix = path.suffix.lower()
    if suffix in (".jsonl", *TABLES):
        return True
    if suffix not in (*SUFFIXES, ""):
        what = next((told for kinds, told in _OTHERS.items() if suffix in kinds.split()), None)
        what = what or f"neither a text nor a table. If it is an article's text, call it {path.stem}.txt"
        raise InputError(f"{path}: {what}. Read are {', '.join((*SUFFIXES, *TABLES))}.")
    return False


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("file:line", row) of a table.

    Raises:
        InputError: naming the line, if it cannot be read.

    """
    readers = {".json": _json_rows, ".jsonl": read_json_lines}
    return readers.get(path.suffix.lower(), csv_rows)(path)


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.stat().st_size > MAX_JSON:
        raise InputError(f"{path}: more than {MAX_JSON:,} bytes. Write it as JSONL, one object a line.")
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = " Is it JSONL, one object a line? Call it .jsonl." if "Extra data" in str(error) else ""
        raise InputError(f"{path}: no JSON: {error}.{hint}") from error
    found = value if isinstance(value, list) else [value]
    if not found:
        raise InputError(f"{path}: the file is empty.")
    for number, row in enumerate(found, 1):
        if not isinstance(row, dict):
            raise InputError(f"{path}: record {number} is a JSON {type(row).__name__}, expected an object.")
        yield f"{path}: record {number}", row


def _readable(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not is_frame(path)


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # too long for a path
        return False


def parse(id: str, raw: str, where: str | None = None, date: str | None = None) -> Document:
    """Make a document of a text; without a date it gets the one day written in its byline or dateline, if only one is.

    HTML, its names of characters, and letters read in a wrong encoding are mended first (`legible.mend`); words divided
    at the ends of lines are joined.

    Raises:
        InputError: if it is too long, no line of it is an article's body, or the date is not ISO; `where` names the
            text in the message.

    """
    date = iso(date, where or id)
    if (number := len(exports.split(raw))) > 1:
        raise InputError(f"{where or id}: {number} articles of a news database in one. Put each in a row of its own.")
    if reason := too_long(raw):
        raise InputError(f"{where or id}: {reason}")
    if bad := re.search("[\0\ud800-\udfff]", raw):
        raise InputError(f"{where or id}: a character that is no text (U+{ord(bad[0]):04X}) at {bad.start()}.")
    date = date or markup.published(raw)
    mended = mend(raw)
    raw = mended.text if mended else raw
    if len(raw) > MAX_TEXT:
        raise InputError(f"{where or id}: {len(raw):,} characters: {TOO_LONG}")
    classified = page_lines.classify(raw)
    if spans := hyphens.divided(raw, classified):
        mended, classified = without(raw, mended, spans), hyphens.moved(classified, spans)
        raw = mended.text
    date = date or _published(raw, classified)
    sentences = []
    for index, (start, end) in enumerate(page_lines.paragraphs(classified)):
        sentences += [Sentence(start + left, start + right, index) for left, right in split(raw[start:end])]
    if not sentences:
        kinds = ", ".join(sorted({line.kind for line in classified})) or "none"
        foreign = " It does not look English, the only language that is read." if looks_english(raw) is False else ""
        found = f"no article's body found. Lines found: {kinds}; body needs whole sentences.{foreign}"
        raise InputError(f"{where or id}: {found}")
    return Document(id, raw, date, classified, tuple(sentences), mended)


def too_long(text: str) -> str | None:
    """Say that an article is longer than what is read, None if it is not."""
    if len(text) <= MAX_TEXT:
        return None
    if not markup.is_html(text):
        return f"{len(text):,} characters: {TOO_LONG}"
    return f"{len(text):,} characters of HTML: at most {MAX_PAGE:,} are read." if len(text) > MAX_PAGE else None


def _published(raw: str, classified: Sequence[Line]) -> str | None:
    """The day given by the lines above the body: those below it are about other articles or a later version."""
    head = list(takewhile(lambda line: line.kind != "body", classified))
    stated = [line for line in head if line.reason == exports.DAY]
    day = published(raw[line.start : line.end] for line in stated or head if line.kind in ("byline", "dateline"))
    return day.isoformat() if day else None


def articles(name: str, raw: str) -> list[tuple[str, str]]:
    """Return (id, text) of the articles of a text: `name`, or `name#1`, `name#2` … of a news database's export."""
    spans = exports.split(raw)
    if len(spans) == 1:
        return [(name, raw)]
    return [(f"{name}#{number}", raw[start:end]) for number, (start, end) in enumerate(spans, 1)]


def _rows(path: Path, name: str, names: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) of the documents of a file, not yet checked; the text of one is a row too."""
    if not is_table(path):
        for one, raw in articles(name, _read_text(path)):
            where = str(path) if one == name else f"{path}, article {one.removeprefix(f'{name}#')}"
            yield where, {names["id"]: one, names["text"]: raw}
        return
    spreadsheet = path.suffix.lower() in (".csv", ".tsv")
    for number, (where, row) in enumerate(rows(path)):
        if not number:
            require_named(names, row, where, always=("id", "text") if spreadsheet else ())
        yield where, row


def _told(where: str, row: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str | None, str]:
    """Id, date and text of a row."""
    id, date, text = (row.get(names[key]) for key in COLUMNS)
    if (
        not isinstance(text, str)
        or not isinstance(id, str | int)
        or isinstance(id, bool)
        or not isinstance(date, str | None)
        or not str(id).strip()
    ):
        found = ", ".join(f"{key}: {type(value).__name__}" for key, value in row.items()) or "nothing"
        wanted = f"{names['id']}, {names['text']} and (if known) {names['date']}"
        raise InputError(f"{where}: expected {wanted} as strings, found {found}.")
    return str(id), date, text


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise InputError(f"{path}: {size:,} bytes: {TOO_LONG}")
    raw = decode(path.read_bytes(), str(path), path.suffix.lower() in PAGES)
    if not raw.strip("\ufeff\u200b \t\r\n\u00a0"):
        raise InputError(f"{path}: the file is empty.")
    return raw
