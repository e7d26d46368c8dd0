"""Words that were divided at the end of a line, as in what is copied from a PDF: "pro-" and "ject" are one word.

A hyphen there may also belong to its word ("Ostian-" and "backed"). What the text has elsewhere decides; else, a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from actorstance.text.lines import Line

Span = tuple[int, int]

_DIVIDED = re.compile(r"([^\W\d_][\w’'-]*)[-‐\u00ad]\Z")
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 40  # letters of a word
# fmt: off
_SECOND = frozenset([  # second halves of words with a hyphen
    "led", "backed", "based", "old", "born", "made", "owned", "run", "style", "held", "brokered", "funded", "armed",
    "controlled", "speaking", "related", "wing", "term", "level", "scale", "range", "wide", "free", "elect", "general",
    "year", "month", "day", "hour", "known", "fire", "sponsored", "dominated", "supported", "imposed", "aligned",
])
_FIRST = frozenset([  # first halves; "pro" and "co" begin other words too often
    "self", "ex", "non", "anti", "vice", "well", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
])
# fmt: on
_SUSPENDED = frozenset(["and", "or", "to", "nor"])  # "short- and long-term"


def divided(raw: str, lines: Sequence[Line]) -> list[Span]:
    r"""Return what divides the body's words: the break of the line, and the hyphen unless it is the word's own.

    Example:
        >>> from actorstance.text.lines import classify
        >>> raw = "On Monday the Ostian gov-\nernment accused a Varna-\nbacked group of spying."
        >>> [raw[start:end] for start, end in divided(raw, classify(raw))]
        ['-\n', '\n']

    """
    return list(_divided(raw, lines))


def _divided(raw: str, lines: Sequence[Line]) -> Iterator[Span]:
    for one, following in pairwise(lines):
        if not following.wrapped or one.kind != "body" or following.kind != "body":
            continue
        first = _DIVIDED.search(raw, max(one.start, one.end - _LONGEST), one.end)
        second = _WORD.match(raw, following.start, following.end)
        if first and second and second[0] not in _SUSPENDED:
            yield one.end - (not _hyphenated(raw, first[1], second[0])), following.start


def _hyphenated(raw: str, first: str, second: str) -> bool:
    """Whether a word has a hyphen of its own where it was divided."""
    if second[0].isupper() or "-" in first or re.search(rf"\b{first}-{second}\b", raw, re.IGNORECASE):
        return True
    whole = re.search(rf"\b{first}{second}\b", raw, re.IGNORECASE)
    return not whole and (second in _SECOND or first.lower() in _FIRST)


def moved(lines: Sequence[Line], spans: Sequence[Span]) -> tuple[Line, ...]:
    """Return the lines where they are in a text without the spans."""
    found, gone, left = [], 0, list(spans)
    for line in lines:
        start = line.start - gone
        if left and left[0][0] <= line.end and left[0][0] > line.start:
            span = left.pop(0)
            found.append(replace(line, start=start, end=span[0] - gone))
            gone += span[1] - span[0]
        else:
            found.append(replace(line, start=start, end=line.end - gone))
    return tuple(found)
