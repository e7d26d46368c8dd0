"""Titles and headships before a name: where the name begins behind them, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from actorstance.syntax.roles import NOT_HOLDING, ends_with, is_given, is_state, last_words, roles, state_of

PARTISANS = {"R": "republican", "D": "democrat", "I": "independent"}
JUNIOR = frozenset({"jr", "sr"})

_LETTERED = frozenset({"R-", "D-", "I-"})
_PARTY = re.compile(r",?\s\(?([RDI])-([A-Z][A-Za-z.]*(?:\s[A-Z][a-z]+)?)[,)]")
_OF_PLACE = re.compile(r"\sof\s(?:the\s)?\Z")
_INNER_WORD = re.compile(r"(?<=\s)\S+(?=\s)")
_COMMA_BEHIND_WORD = re.compile(r"(?<![\w-])[a-z][\w-]*,\s\Z")
_COMMA_BEHIND_PLACE = re.compile(r"\s(?:of|for)\s(?:the\s)?[^\W\d_][\w’'-]*,\s\Z")


def behind_title(stretch: str) -> tuple[int, str]:
    """Return where the name after the last title of a stretch of capitalised words begins, and the title.

    Example:
        >>> behind_title("House Speaker Ana Lima"), behind_title("Ana Lima")
        ((14, 'house speaker'), (0, ''))

    """
    titles, bodies = roles()["titles"], roles()["bodies"]
    words = [word.rstrip(".,").replace("’", "'") for word in stretch.lower().split()]
    if len(words) == 1 or words[-1] in bodies:
        return 0, ""
    may_end = last_words(titles)
    for at in range(len(words) - 1, 0, -1):
        if words[at - 1] not in may_end or (words[at - 1] == "st" and at > 1 and is_given(words[at - 2])):
            continue  # "Ana St. John" is not a saint
        if words[at] in bodies or words[at] in JUNIOR:
            continue
        for long in (3, 2, 1):
            if at >= long and (title := " ".join(words[at - long : at])) in titles:
                return len(stretch) - len(stretch.split(None, at)[at]), title
    return 0, ""


def title_of(raw: str, place: int, start: int) -> tuple[int, str]:
    """Return where the title begins that "of" joins to what begins at a place, and the title, "" if there is none.

    Example:
        >>> title_of("The Mayor of London left", 13, 0)
        (4, 'mayor')

    """
    begin = max(start, place - 40)
    held = _OF_PLACE.search(raw, begin, place) if raw.endswith(("of ", "the "), begin, place) else None
    title = ends_with(raw[begin : held.start() + 1], roles()["titles"]) if held else ""
    if held is None or not title:
        return place, ""
    words = [word.start() for word in re.finditer(r"\S+", raw[begin : held.start()])]
    return begin + words[-len(title.split())], title


def behind_place(raw: str, first: int, last: int, start: int) -> tuple[int, str]:
    """Return where a name after a title and its place begins, and the title.

    Args:
        raw: the text.
        first: where the stretch of capitalised words begins, "Chicago" in "Mayor of Chicago Ana Lima".
        last: where it ends.
        start: where the sentence begins.

    Example:
        >>> raw = "Mayor of Chicago Ana Lima"
        >>> behind_place(raw, 9, len(raw), 0)
        (17, 'mayor')

    """
    title = title_of(raw, first, start)[1]
    for word in _INNER_WORD.finditer(raw[first:last]) if title else ():
        if is_given(word[0].lower()):
            return first + word.start(), title
    return first, ""


def party(raw: str, end: int) -> str:
    """Return what the letters behind a member of Congress say, in lower case; "" if there are none.

    Example:
        >>> party("Rep. Ana Lima, R-Ky., left", 13), party("Ana Lima (D-N.H.) left", 8), party("Ana Lima left", 8)
        ('kentucky republican', 'new hampshire democrat', '')

    """
    found = _PARTY.match(raw, end) if raw[end + 2 : end + 4] in _LETTERED or raw[end + 1 : end + 2] == "(" else None
    return f"{state_of(found[2])} {PARTISANS[found[1]]}" if found else ""


def is_member(raw: str, start: int, words: Sequence[str]) -> bool:
    """Return whether a name is a description of a member of a party: "the Kentucky Republican"."""
    described = len(words) > 1 and words[-1].lower() in PARTISANS.values()
    return described and (raw.startswith(("the ", "The "), max(0, start - 4)) or is_state(" ".join(words[:-1])))


def before(raw: str, place: tuple[int, int], words: Sequence[str], title: str, start: int) -> tuple[str, str]:
    """Return the title of a name, with those in front of it that are written small, and the headship that precedes it.

    Args:
        raw: the text.
        place: where the name is.
        words: its words.
        title: the title in capitals that it has, or "".
        start: where the sentence begins.

    Returns:
        The title in lower case, and whose headship it is as its last word and the headship: "observatory head"; or "".

    Example:
        >>> raw = "Said its chairwoman, Ana Lima, and observatory head Bo Hale."
        >>> before(raw, (21, 29), ["Ana", "Lima"], "", 0), before(raw, (52, 59), ["Bo", "Hale"], "", 0)
        (('chairwoman', ''), ('head', 'observatory head'))

    """
    titles, heads = roles()["titles"], roles()["heads"]
    text = raw[max(start, place[0] - 60) : place[0]]
    title = title or ends_with(text, titles)
    if not title and len(words) > 1 and text.endswith(", ") and raw.startswith(",", place[1]):
        if _COMMA_BEHIND_WORD.search(text):
            title = ends_with(f"{text[:-2]} ", titles)
        elif behind := _COMMA_BEHIND_PLACE.search(text):  # "the Archbishop of York, Ana Lima, left"
            title = ends_with(text[: behind.start() + 1], titles)
    headship = ends_with(text, heads)
    if not headship or NOT_HOLDING.search(text[-40:]):
        return title, ""
    if len(title) > len(headship) and title in roles()["offices"]:
        return title, ""  # "Foreign Secretary Ana Lima" heads no Foreign Office
    rest = text.split()[: -len(headship.split())]
    return title or headship, f"{rest[-1]} {headship}".lower() if rest else ""
