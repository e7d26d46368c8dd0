"""Restore what of a text was garbled on the way: characters (HTML entities, a wrong encoding), and divided words.

The mended text is what is read; what is reported refers to the text as it was given, so each place in one is known in
the other.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.entities import html5

KINDS = ENTITIES, ENCODING, INVISIBLE, HYPHENS = "entities", "encoding", "invisible", "hyphens"  # what was mended

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
_ROUNDS = 4  # no text is garbled more often; a hostile one would be mended one character per round
_NO_TEXT = frozenset({"Cc", "Cs", "Co", "Cn"})  # Unicode's categories of what is not a character of a text


@dataclass(frozen=True)
class Mended:
    """A text that was mended, and how.

    `given` is the text before, `text` after; `kinds` says what was mended. A step holds where each replacement in it
    ends: in the text after the step, and in the text before it, in ascending order.
    """

    given: str
    text: str
    kinds: tuple[str, ...]
    steps: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    def in_given(self, place: int) -> int:
        """Return the place in the text as it was given."""
        for behind, before in reversed(self.steps):
            place = _moved(place, behind, before)
        return place

    def in_text(self, place: int) -> int:
        """Return the place in the mended text."""
        for behind, before in self.steps:
            place = _moved(place, before, behind)
        return place


def mend(given: str) -> Mended | None:
    """Mend the characters of a text, and take invisible ones out of its words; None if there is nothing to mend.

    It is mended several times, as scraped texts were often garbled twice (`&amp;rsquo;`). Which letters were read in a
    wrong encoding, and which were meant, is up to ftfy (Speer 2019, https://ftfy.readthedocs.io).

    Example:
        >>> found = mend("AT&amp;T didn&#8217;t sell its cafÃ©.")
        >>> found.text, found.kinds
        ('AT&T didn’t sell its café.', ('entities', 'encoding'))
        >>> start = found.text.index("café")
        >>> found.given[found.in_given(start) : found.in_given(start + 4)]
        'cafÃ©'

    """
    text = given
    steps: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    kinds: list[str] = []
    for _ in range(_ROUNDS):
        before = text
        for kind, pattern, meant in ((ENTITIES, _ENTITY, _character), (ENCODING, _FOREIGN, _well_read)):
            text, step = _replaced(text, pattern, meant)
            if step[0]:
                steps.append(step)
                kinds.append(kind)
        if text == before:
            break
    if any(one in text for one in _ANY):  # cheaper than the search, and nearly always false
        text, step = _replaced(text, _UNSEEN, lambda _: "")
        if step[0]:
            steps.append(step)
            kinds.append(INVISIBLE)
    return Mended(given, text, tuple(dict.fromkeys(kinds)), tuple(steps)) if steps else None


def without(text: str, mended: Mended | None, spans: Sequence[tuple[int, int]]) -> Mended:
    """Take spans out of a text that was mended before, or not: where words were divided at the ends of lines.

    Example:
        >>> found = without("the pro- ject", None, [(7, 9)])
        >>> found.text, found.in_given(7), found.in_given(8)
        ('the project', 9, 10)

    """
    pieces: list[str] = []
    behind: list[int] = []
    last = 0
    for start, end in spans:
        pieces.append(text[last:start])
        behind.append((behind[-1] if behind else 0) + start - last)
        last = end
    step = tuple(behind), tuple(end for _, end in spans)
    kinds, steps = (mended.kinds, mended.steps) if mended else ((), ())
    given = mended.given if mended else text
    return Mended(given, "".join([*pieces, text[last:]]), (*kinds, HYPHENS), (*steps, step))


def _replaced(
    text: str, pattern: re.Pattern[str], meant: Callable[[str], str]
) -> tuple[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """A text with what was meant in place of what a pattern finds, where that is shorter, and the step."""
    pieces: list[str] = []
    behind: list[int] = []
    before: list[int] = []
    last = shorter = 0
    for found in pattern.finditer(text):
        new = meant(found[0])
        if len(new) < len(found[0]):
            pieces += [text[last : found.start()], new]
            last = found.end()
            shorter += len(found[0]) - len(new)
            before.append(last)
            behind.append(last - shorter)
    return "".join([*pieces, text[last:]]), (tuple(behind), tuple(before))


def _moved(place: int, here: tuple[int, ...], there: tuple[int, ...]) -> int:
    """Where a place of one text is in the other: as far behind the last replacement."""
    at = bisect_right(here, place) - 1
    return place if at < 0 else place - here[at] + there[at]


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
