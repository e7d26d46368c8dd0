"""Which lines of a page are one paragraph: text that was wrapped has several to each.

Mail is wrapped at a number of letters. What is copied from a PDF, or read by a scanner, is wrapped at a column's edge:
its lines are of about one length, since letters are not of one width.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from actorstance.text.furniture import furniture
from actorstance.text.shapes import FINAL, SENTENCE_END, alone

_BLANK = " \t\u00a0\u200b\u3000\ufeff"
_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
NUMBERED = re.compile(r"\d{1,2}[.)]\s\w")
_WRAP_WIDTHS = range(50, 111)  # characters; hard-wrapped text is neither narrower nor wider
_WRAP_LINES = 2  # fewer lines that run on say nothing about a page's width
_WRAP_SURE = 8  # this many lines are not alike by chance
_COLUMN_LINES = 4  # fewer lines that break off a sentence are no column
_COLUMN_SHORT = 25  # characters; shorter lines are menus
_FULL_ENOUGH = 0.9  # of a column's usual line
_STOPPED = re.compile(r"[.!?…:]['\"”’»)\]]*$")
_DIVIDED = re.compile(r"[^\W\d_]{2}[-‐\u00ad]\Z")  # a word
_BYLINE_BEGINS = re.compile(r"(?:By|From|Published|Updated|Posted)\b")
_BULLET = re.compile(r"[•▪●◦*·] ?\S")


def line_spans(raw: str) -> Iterator[tuple[int, int]]:
    """Yield where the lines are that are not blank, without the white space around them."""
    for found in _LINE.finditer(raw):
        text = found[0].strip(_BLANK)
        if text:
            start = found.start() + found[0].index(text)
            yield start, start + len(text)


def paragraph_lines(raw: str, spans: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Group lines into paragraphs: one line each, except in text that was wrapped."""
    width = _wrap_width(raw, spans)
    usual = _column(raw, spans, width)
    blocks: list[list[tuple[int, int]]] = []
    for index, (start, end) in enumerate(spans):
        before = spans[index - 1] if index else (0, 0)
        if index and _adjacent(raw, before[1], start) and _goes_on(raw[slice(*before)], raw[start:end], width, usual):
            blocks[-1].append((start, end))
        else:
            blocks.append([(start, end)])
    return blocks


def _goes_on(before: str, text: str, width: int, usual: float) -> bool:
    """Whether a line continues the paragraph of the line before it.

    In wrapped text it does if its first word had no room there, in a column about none. Elsewhere, if a paragraph was
    broken once: it begins in lower case, after a long line that does not end a sentence.
    """
    if not _runs_on(before) or not _runs_on(text) or len(text) > _WRAP_WIDTHS[-1]:
        return False
    if _DIVIDED.search(before) and text[0].islower():
        return True
    if width and _full(before, text, width) and not _begins_anew(before, text):
        return True
    if usual and not _begins_anew(before, text):
        room = len(before) + 1 + _first_word(text) < _FULL_ENOUGH * usual
        if not room or (text[0].islower() and not _STOPPED.search(before)):
            return True
    unfinished = len(before.split()) >= 8 and not FINAL.search(before)
    return unfinished and text[0].islower() and furniture(text) is None


def _full(before: str, text: str, width: int) -> bool:
    """Whether a line of at most this width had no room for the first word of the next."""
    return len(before) <= width < len(before) + 1 + _first_word(text)


def _first_word(text: str) -> int:
    return len(text.split(" ", 1)[0])  # a no-break space is inside a word here


def _begins_anew(before: str, text: str) -> bool:
    """Whether a line below a full one is not part of its paragraph: an item of a list, or the byline of a headline."""
    if _BULLET.match(text):
        return True
    return bool(_BYLINE_BEGINS.match(text)) and not SENTENCE_END.search(before) and alone(text)[0] == "byline"


def _runs_on(text: str) -> bool:
    """Whether a line can be part of a wrapped paragraph: not a ruler, and not an address alone."""
    return bool(re.search(r"[^\W_]", text)) and not re.fullmatch(r"(?:https?://|www\.)\S+", text)


def _adjacent(raw: str, end: int, start: int) -> bool:
    """Whether a line follows the other with no blank line in between."""
    gap = raw[end:start].replace("\r\n", "\n")
    return gap.count("\n") + gap.count("\r") == 1


def _column(raw: str, spans: list[tuple[int, int]], width: int) -> float:
    """The usual length of the lines of text that was wrapped at a column's edge, or 0.

    It was if many lines break off a sentence that the next continues in lower case, and no fixed width explains that.
    """
    broken, adjacent, explained = [], 0, 0
    for (start, end), (following, last) in pairwise(spans):
        if end - start < _COLUMN_SHORT or not _adjacent(raw, end, following):
            continue
        adjacent += 1
        if raw[following].islower() and not _STOPPED.search(raw[start:end]):
            broken.append(end - start)
            explained += _full(raw[start:end], raw[following:last], width)
    if len(broken) < _COLUMN_LINES or len(broken) < 0.4 * adjacent or explained >= 0.9 * len(broken):
        return 0
    return median(broken)


def _wrap_width(raw: str, spans: list[tuple[int, int]]) -> int:
    """The width at which a page was wrapped, or 0.

    It is the one at which most lines that are directly followed by another are full. They must be the majority of those
    that are long enough, or longer, and if there are few they must look like prose, unlike a list of headlines: many
    continue in lower case, most do so or end, some lines later, as a sentence does.
    """
    full, prose, lower = Counter[int](), Counter[int](), Counter[int]()  # by width
    long, ends = 0, False
    for (start, end), (following, last) in reversed(list(pairwise(spans))):
        if not _adjacent(raw, end, following):
            ends = False
            continue
        ends = ends or bool(SENTENCE_END.search(raw[following:last]))
        if end - start < _WRAP_WIDTHS[0]:
            continue
        long += 1
        room = end - start + 1 + _first_word(raw[following:last])
        widths = range(end - start, min(room, _WRAP_WIDTHS[-1] + 1))
        full.update(widths)
        goes_on = raw[following].islower()
        lower.update(widths if goes_on else ())
        prose.update(widths if goes_on or (ends and not SENTENCE_END.search(raw[start:end])) else ())
    width = max(full, key=lambda width: (full[width], width), default=0)
    alike = full[width] >= max(_WRAP_LINES, 0.6 * long)
    sure = full[width] >= _WRAP_SURE or 4 * lower[width] >= full[width] <= 2 * prose[width]
    return width if alike and sure else 0
