"""Directed Sentiment Extraction as its authors publish it (Park, Pan, Joo, Findings of ACL 2021)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from actorstance.errors import InputError
from actorstance.examples import twin_key
from actorstance.files import records
from actorstance.readers import actor_of
from actorstance.readers.tables import Rows, Tally

# class -> label of (first entity -> second, second -> first)
LABELS = {
    "0": ("neutral", "neutral"),
    "1": ("favor", "neutral"),
    "2": ("neutral", "favor"),
    "3": ("against", "neutral"),
    "4": ("neutral", "against"),
}
_FILES = {"train.txt": "train", "valid.txt": "valid", "test.txt": "test"}
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")


def read(path: Path, tally: Tally) -> Rows:
    """Yield two examples per row, one for each direction.

    A row is `sentence TAB first TAB second TAB class`, a field with quotation marks quoted as in CSV, the two entities
    in brackets in the sentence. The group is the sentence, so that repeated rows stay together.
    """
    files = {path / name: split for name, split in _FILES.items() if (path / name).is_file()}
    if path.is_file():
        files = {path: _FILES.get(path.name, "")}
    if not files:
        raise InputError(f"{path}: none of {', '.join(_FILES)} in this folder.")
    for file, split in files.items():
        for where, fields in records(file, "\t"):
            tally.read += 1
            tally.published[split] += bool(split)
            if len(fields) != 4 or fields[3] not in LABELS:
                found = f"{len(fields)} fields" if len(fields) != 4 else f"class {fields[3]!r}"
                raise InputError(f"{where}: {found}, expected sentence, entity, entity, class 0 to 4, tab-separated.")
            sentence, first, second, label = fields
            spans = _spans(sentence, first, second)
            if spans is None:
                tally.dropped["not exactly two brackets, around the two entities named"] += 1
                continue
            text, mentions = spans
            mended = [_whole_words(text, mention) for mention in mentions]
            names = [actor_of(text[start:end]) for start, end in mended]
            if names[0] == names[1]:
                tally.dropped["both entities have one name"] += 1
                continue
            tally.kept += 1
            tally.mended["bracket that ended inside a word"] += sum(
                a != b for a, b in zip(mended, mentions, strict=True)
            )
            number = where.rsplit(":", 1)[1]
            key = twin_key(text)
            for direction, (source, target) in enumerate(((0, 1), (1, 0))):
                yield (
                    where,
                    {
                        "example_id": f"{file.stem}:{number}:{direction}",
                        "document_id": f"{file.stem}:{number}",
                        "group_id": hashlib.sha256(key.encode()).hexdigest()[:16],
                        "split": split,
                        "text": text,
                        "source": names[source],
                        "source_start": mended[source][0],
                        "source_end": mended[source][1],
                        "target": names[target],
                        "target_start": mended[target][0],
                        "target_end": mended[target][1],
                        "label": LABELS[label][direction],
                    },
                )


def _spans(sentence: str, first: str, second: str) -> tuple[str, list[tuple[int, int]]] | None:
    """The sentence without brackets, and the spans of first and second in it; None if they are not clear."""
    text, spans, position = "", [], 0
    for found in _BRACKETED.finditer(sentence):
        text += sentence[position : found.start()]
        spans.append((len(text), len(text) + len(found[1])))
        text += found[1]
        position = found.end()
    text += sentence[position:]
    spans = [_stripped(text, span) for span in spans]
    names, expected = [text[start:end] for start, end in spans], [first.strip(), second.strip()]
    if len(spans) != 2 or not all(names) or sorted(names) != sorted(expected):
        return None
    return text, spans if names == expected else spans[::-1]


def _stripped(text: str, span: tuple[int, int]) -> tuple[int, int]:
    words = text[span[0] : span[1]]
    start = span[0] + len(words) - len(words.lstrip())
    return start, start + len(words.strip())


def _whole_words(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span extended to whole words: `[Los Angele]s` -> Los Angeles; and cut before a possessive's apostrophe."""
    start, end = span
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    while end > start + 1 and text[end - 1] in "'’" and end < len(text) and text[end].isalnum():
        end -= 1
    return start, end
