"""Restore what of a text was garbled on the way: HTML, characters (a wrong encoding), and divided words.

The mended text is what is read; what is reported refers to the text as it was given, so each place in one is known in
the other.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.entities import html5
from typing import NamedTuple

from actorstance.text import markup

KINDS = HTML, ENTITIES, ENCODING, INVISIBLE, HYPHENS = "html", "entities", "encoding", "invisible", "hyphens"
MENDED = {  # what was done, as a user is told
    HTML: "the tags and menus of HTML were taken out",
    ENTITIES: "HTML character names were read as characters (&amp; as &)",
    ENCODING: "wrong encoding was mended (â€™ as ’); better get them again, as UTF-8",
    INVISIBLE: "invisible characters in words were taken out (soft hyphens)",
    HYPHENS: "words divided at the ends of lines were joined (pro-/ject as project)",
}

# Whole ones only: "AT&T" and "?a=1&copy=2" are left alone.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FOREIGN = re.compile(r"[^\x00-\x7f]{2,}")  # a single such letter never results from a wrong encoding
# Characters without width tell a browser where a word may be broken; inside a name they hide it. They stay at the ends
# of lines, where a soft hyphen tells that a word was divided (`hyphens`). Joiners shape emojis and other scripts.
_JOINERS = "\u200c\u200d"
_WITHOUT_WIDTH = "\u00ad\u200b\u2060\ufeff"
_ANY, _LATIN, _REST = _WITHOUT_WIDTH + _JOINERS, "A-Za-z0-9À-ɏ", r"(?=[ \t\u00a0]*\S)"
_UNSEEN = re.compile(
    rf"(?<=[{_LATIN}])[{_ANY}]++{_REST}|(?<=[^\r\n{_ANY}])(?:[{_ANY}]++(?=[{_LATIN}])|[{_WITHOUT_WIDTH}]++{_REST})"
)
_BREAK = str.maketrans("\r\n", "  ")
_SPACES = re.compile(r"[ \t]{2,}")
_ROUNDS = 4  # no text is garbled more often; a hostile one would be mended one character per round
_NO_TEXT = frozenset({"Cc", "Cs", "Co", "Cn"})  # Unicode's categories of what is not a character of a text


class _Step(NamedTuple):
    """Replacements, in order: where each begins and ends in the text after them, and ended in the text before."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    ended: tuple[int, ...]


@dataclass(frozen=True)
class Mended:
    """A text that was mended, and how: `given` is the text before, `text` after; `kinds` says what was mended."""

    given: str
    text: str
    kinds: tuple[str, ...]
    steps: tuple[_Step, ...]

    def in_given(self, start: int, end: int) -> tuple[int, int]:
        """Return a span's place in the text as it was given, without what was taken out before or behind it."""
        for step in reversed(self.steps):
            first, last = bisect_right(step.ends, start), bisect_right(step.ends, end)
            last = min(last, bisect_left(step.begins, end))  # what was taken out right behind it is not of it
            start, end = (_moved(at, n - 1, step.ends, step.ended) for at, n in ((start, first), (end, last)))
        return start, end

    def in_text(self, place: int) -> int:
        """Return the place in the mended text."""
        for step in self.steps:
            place = _moved(place, bisect_right(step.ended, place) - 1, step.ended, step.ends)
        return place


def mend(given: str) -> Mended | None:
    """Take HTML out of a text, and invisible characters out of its words, and mend others; None if nothing needs it.

    It is mended several times, as scraped texts were often garbled twice (`&amp;rsquo;`). Which letters were read in a
    wrong encoding, and which were meant, is up to ftfy (Speer 2019, https://ftfy.readthedocs.io).

    Example:
        >>> found = mend("AT&amp;T didn&#8217;t sell its cafÃ©.")
        >>> found.text, found.kinds
        ('AT&T didn’t sell its café.', ('entities', 'encoding'))
        >>> start, end = found.in_given(*re.search("café", found.text).span())
        >>> found.given[start:end]
        'cafÃ©'

    """
    text = given
    steps: list[_Step] = []
    kinds: list[str] = []
    for _ in range(_ROUNDS):
        before = text
        if markup.is_html(text):
            kinds.append(HTML)
            flows, edits = markup.breaks_lines(text), markup.edits(text)
            # In HTML only a tag ends a line. A break is as long as the space that it stands for, so no place moves.
            text, step = _edited(text.translate(_BREAK) if flows else text, edits)
            steps.append(step)
            if flows:
                text, step = _replaced(text, _SPACES, lambda _: " ")
                steps.append(step)
        for kind, pattern, meant in ((ENTITIES, _ENTITY, _character), (ENCODING, _FOREIGN, _well_read)):
            text, step = _replaced(text, pattern, meant)
            if step.ends:
                steps.append(step)
                kinds.append(kind)
        if text == before:
            break
    if any(one in text for one in _ANY):  # cheaper than the search, and nearly always false
        text, step = _replaced(text, _UNSEEN, lambda _: "")
        if step.ends:
            steps.append(step)
            kinds.append(INVISIBLE)
    return Mended(given, text, tuple(dict.fromkeys(kinds)), tuple(steps)) if steps else None


def without(text: str, mended: Mended | None, spans: Sequence[tuple[int, int]]) -> Mended:
    """Take spans out of a text that was mended before, or not: where words were divided at the ends of lines.

    Example:
        >>> found = without("the pro- ject", None, [(7, 9)])
        >>> found.text, found.in_given(4, 11)
        ('the project', (4, 13))

    """
    joined, step = _edited(text, [(start, end, "") for start, end in spans])
    kinds, steps = (mended.kinds, mended.steps) if mended else ((), ())
    given = mended.given if mended else text
    return Mended(given, joined, (*kinds, HYPHENS), (*steps, step))


def _replaced(text: str, pattern: re.Pattern[str], meant: Callable[[str], str]) -> tuple[str, _Step]:
    """A text with what was meant in place of what a pattern finds, where that is shorter, and the step."""
    found = ((*match.span(), meant(match[0])) for match in pattern.finditer(text))
    return _edited(text, [(start, end, new) for start, end, new in found if len(new) < end - start])


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> tuple[str, _Step]:
    """A text with each (start, end) replaced by something shorter, in order, and the step."""
    pieces: list[str] = []
    ends: list[int] = []
    last = shorter = 0
    for start, end, new in edits:
        pieces += [text[last:start], new]
        last = end
        shorter += end - start - len(new)
        ends.append(end - shorter)
    begins = (end - len(new) for end, (_, _, new) in zip(ends, edits, strict=True))
    step = _Step(tuple(begins), tuple(ends), tuple(end for _, end, _ in edits))
    return "".join([*pieces, text[last:]]), step


def _moved(place: int, last: int, here: tuple[int, ...], there: tuple[int, ...]) -> int:
    """Where a place of one text is in the other: as far behind the last replacement before it, -1 if there is none."""
    return place if last < 0 else place - here[last] + there[last]


def _character(entity: str) -> str:
    """The character that an entity names, or the entity itself if a text cannot hold that character."""
    if entity[1] != "#" and entity[1:] not in html5:
        return entity
    one = html.unescape(entity)
    if len(one) != 1 or one == "\ufffd":
        return entity
    return one if one.isspace() or unicodedata.category(one) not in _NO_TEXT else entity


def _well_read(letters: str) -> str:
    """What was there before letters were read in a wrong encoding, or else the letters."""
    from ftfy import TextFixerConfig, fix_encoding  # seldom needed: English text has few such letters side by side

    return fix_encoding(letters, TextFixerConfig(replace_lossy_sequences=False, fix_c1_controls=False))
