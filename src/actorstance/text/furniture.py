"""What a newspaper's page says around its articles, recognised by its words: the patterns of furniture.yaml."""

from __future__ import annotations

import re
from functools import cache

from actorstance.resources import table_of

_ANYWHERE = r".*\b"  # begins a pattern of what may occur anywhere in a line
_SIZES = ("short", "sentences", "long")  # sections of furniture.yaml; a line is matched against its own and those below
_LONGEST = 300  # words of a notice
_LABELLED = re.compile(  # "Opinion | Why the dam failed": a headline after the name of its kind
    r"(?:opinion|comment|commentary|analysis|editorial|exclusive|explainer|interview|review|perspective) ?[|:]"
    r" ?([^|>»›·•]+(?: [^|>»›·•]+){3,})",
    re.IGNORECASE,
)


def furniture(text: str) -> str | None:
    """Return why a line belongs to the page by its words, or None.

    Long lines are paragraphs, whatever they say, except for notices that ask for a reader's consent.

    Example:
        >>> furniture("Sign up for our morning newsletter")
        'newsletter'

    """
    words = len(text.split())
    if not re.search(r"[^\W_]", text):
        return "no words"
    if words > _LONGEST:
        return None
    parts = [text, *(re.split(r"[|·•]", text) if words <= 12 else [])]  # one tool of a tool bar makes it a tool bar
    size = "long" if words > 60 or len(text) > 500 else "sentences" if words > 12 else "short"
    together, each = _patterns(size)
    found = (why for part in parts if together.fullmatch(part) for why, pattern in each if pattern.fullmatch(part))
    return next(found, None)


def labelled(text: str) -> bool:
    """Return whether a line is a headline after the name of its kind, which elsewhere is a link to another article.

    Example:
        >>> labelled("Opinion | Why the dam failed"), labelled("Opinion | Columnists | Ana Lima")
        (True, False)

    """
    found = _LABELLED.fullmatch(text)
    return found is not None and furniture(found[1]) is None


@cache
def _patterns(size: str) -> tuple[re.Pattern[str], list[tuple[str, re.Pattern[str]]]]:
    """The patterns of furniture.yaml for lines of a size: one that any line matching one of them matches, and each.

    Few lines match any. What may occur anywhere is looked for in one pass, at the start of each word in turn.
    """
    table = table_of("text/furniture.yaml")
    found = [
        (reason, pattern)
        for section in _SIZES[_SIZES.index(size) :]
        for reason, patterns in table[section].items()
        for pattern in patterns
    ]
    anywhere = [pattern.removeprefix(_ANYWHERE) for _, pattern in found if pattern.startswith(_ANYWHERE)]
    others = [pattern for _, pattern in found if not pattern.startswith(_ANYWHERE)]
    return _line("|".join([*others, rf"{_ANYWHERE}(?:{'|'.join(anywhere)})"])), [
        (reason, _line(pattern)) for reason, pattern in found
    ]


def _line(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE)
