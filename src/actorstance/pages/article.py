"""An article with its stances marked: the page as it was pasted, and what each marked word of it says."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actorstance.documents import parse
from actorstance.examples import LABELS
from actorstance.text.legible import Mended

NOTE = 110  # characters of text that leave room for one line in the margin


class Stance(NamedTuple):
    """What a marked word says of its target: `origin` is the mark of the source's own mention, -1 if it has none."""

    source: str
    target: str
    label: int
    probability: float
    why: str
    origin: int


class Piece(NamedTuple):
    """A stretch of text; `mark` is its number among the article's marks, -1 if it has none."""

    text: str
    mark: int


class Block(NamedTuple):
    """A line of the page: its kind, its dateline, whether it belongs to the article, why, and its text in pieces."""

    kind: str
    lead: str
    kept: bool
    reason: str
    pieces: tuple[Piece, ...]


@dataclass
class Article:
    """An article as a report shows it. `marks` has the stances on each marked word, in order of the text."""

    id: str
    date: str | None
    title: str
    blocks: list[Block]
    marks: list[list[Stance]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many stances there are of each label."""
        found = dict.fromkeys(LABELS, 0)
        for stances in self.marks:
            for stance in stances:
                found[LABELS[stance.label]] += 1
        return found

    def notes(self, block: Block) -> tuple[list[Stance], int]:
        """Return what the margin says of a block: the surest stances for or against that fit, and how many more."""
        stances = [one for piece in block.pieces if piece.mark >= 0 for one in self.marks[piece.mark]]
        surest: dict[tuple[str, str, int], Stance] = {}
        for one in sorted(stances, key=lambda one: -one.probability):
            if LABELS[one.label] != "neutral":
                surest.setdefault((one.source, one.target, one.label), one)
        told = list(surest.values())
        room = 1 + sum(len(piece.text) for piece in block.pieces) // NOTE
        return told[:room], len(told[room:])


def article(
    document: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, Any]]
) -> Article:
    r"""Mark the stances of a document: each at the word that names its target.

    Args:
        document: a line of documents.jsonl.
        lines: its lines of lines.jsonl.
        predictions: its lines of predictions.jsonl, with offsets.

    Example:
        >>> raw = "Home\n\nTurkey accused Russia."
        >>> lines = [{"raw_start": 0, "raw_end": 4, "kind": "furniture", "kept": False, "reason": "navigation"},
        ...          {"raw_start": 6, "raw_end": 28, "kind": "body", "kept": True, "reason": "sentence"}]
        >>> pair = {"source": "turkey", "target": "russia", "raw_start": 6, "source_start": 0, "source_end": 6,
        ...         "target_start": 15, "target_end": 21, "against": 0.9, "neutral": 0.1, "favor": 0.0, "why": "speaks"}
        >>> found = article({"id": "a", "date": None, "text": raw}, lines, [pair])
        >>> [(piece.text, piece.mark) for piece in found.blocks[1].pieces]
        [('Turkey', 0), (' accused ', -1), ('Russia', 1), ('.', -1)]
        >>> found.marks[1]
        [Stance(source='turkey', target='russia', label=0, probability=0.9, why='speaks', origin=0)]

    """
    raw = document["text"]
    if document.get("mended") and (mended := parse(document["id"], raw).mended):
        raw = mended.text
        lines, predictions = _placed(lines, mended), _placed(predictions, mended)
    spans = _spans(predictions)
    starts = [start for start, _ in spans]
    marks: list[list[Stance]] = [[] for _ in spans]
    for row in predictions:
        at = _at(starts, row["raw_start"] + row["target_start"])
        origin = -1 if row["source_start"] < 0 else _at(starts, row["raw_start"] + row["source_start"])
        label = max(range(len(LABELS)), key=lambda index: float(row[LABELS[index]]))
        chance = float(row[LABELS[label]])
        marks[at].append(
            Stance(row["source"], row["target"], label, chance, row["why"], -1 if origin == at else origin)
        )
    for stances in marks:
        stances.sort(key=lambda one: (LABELS[one.label] == "neutral", -one.probability))
    blocks = []
    lead = ""
    for line in lines:
        if line["kind"] == "dateline":
            lead = raw[line["raw_start"] : line["raw_end"]]
            continue
        blocks.append(Block(line["kind"], lead, line["kept"], line["reason"], tuple(_pieces(raw, line, spans, starts))))
        lead = ""
    title = next(
        (raw[line["raw_start"] : line["raw_end"]] for line in lines if line["kind"] == "headline"), document["id"]
    )
    return Article(document["id"], document["date"], " ".join(title.split()), blocks, marks)


def _placed(rows: Sequence[Mapping[str, Any]], mended: Mended) -> list[Mapping[str, Any]]:
    """Rows whose offsets count in the text as it was given, with their offsets in the text as it was read."""
    places = ("raw_start", "raw_end")
    return [{**row, **{name: mended.in_text(row[name]) for name in places if name in row}} for row in rows]


def _spans(predictions: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """The mentions to mark, in order; of two that overlap the first, which then stands for both."""
    places = {
        (row["raw_start"] + row[f"{role}_start"], row["raw_start"] + row[f"{role}_end"])
        for row in predictions
        for role in ("source", "target")
        if row[f"{role}_start"] >= 0
    }
    result: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if not result or start >= result[-1][1]:
            result.append((start, end))
    return result


def _at(starts: Sequence[int], place: int) -> int:
    return max(0, bisect_right(starts, place) - 1)


def _pieces(
    raw: str, line: Mapping[str, Any], spans: Sequence[tuple[int, int]], starts: Sequence[int]
) -> Iterator[Piece]:
    start, end = line["raw_start"], line["raw_end"]
    for index in range(bisect_right(starts, start - 1), bisect_right(starts, end - 1)):
        left, right = spans[index]
        if left > start:
            yield Piece(raw[start:left], -1)
        yield Piece(raw[left : min(right, end)], index)
        start = min(right, end)
    if start < end:
        yield Piece(raw[start:end], -1)


def by_document(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each document, in order."""
    found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["document_id"]].append(row)
    return found
