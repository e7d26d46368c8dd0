"""Articles as news databases export them: LexisNexis, Nexis Uni, Factiva and ProQuest.

One text file holds many articles, each with fields above and below its body ("LENGTH: 634 words", "LOAD-DATE: …").
It is cut where the database says that an article begins or ends. In an article the fields are told from the body by
their names; the body is then read like any page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from actorstance.resources import table_of

Span = tuple[int, int]

DAY = "the day that the database gives"
_FIELD = "a field of the database"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DATED = re.compile(rf"(?:{_MONTH} \d{{1,2}}, |\d{{1,2}} {_MONTH} |{_MONTH},? )\d{{4}}\b")
_RIGHTS = re.compile(r"copyright|\(c\)|©|.*all rights reserved", re.IGNORECASE)
_WORDS = re.compile(r"(?:LENGTH:\s*)?\d[\d,]* words")
_CODE = re.compile(r"[\W\d_]*|[A-Z\d]{1,8}|.{0,6}\d|Page \w+")  # no name of a newspaper: time, page, abbreviation
_BEGINS = r"^[^\S\n]*(?:\d+ of \d+ DOCUMENTS?|Document \d+ of \d+)[^\S\n]*$"
_FACTIVA = r"Document [A-Z][A-Z0-9]{2,12}(?:19|20)\d{6}[a-z0-9]{9}"  # source, day, number
_ENDS = rf"^[^\S\n]*(?:End of Document|(?:AN[ \t]+)?{_FACTIVA})[^\S\n]*$"
_CUT = re.compile(rf"(?P<begins>{_BEGINS})|(?P<ends>{_ENDS})", re.MULTILINE)
_PUBLISHER = re.compile(r"(?:[A-Z(&]\S*|of|and|the|for)(?: (?:[A-Z(&]\S*|of|and|the|for)){0,7}")
_HINTS = ("LENGTH:", "Length:", "Document ", "ProQuest document ID")  # one of them is in whatever is told by its signs
_HEADER = 12  # lines of Factiva's header below the number of words


@dataclass(frozen=True)
class Field:
    """What an export has around the body of an article: raw[start:end], with kind and reason as of `lines.Line`."""

    start: int
    end: int
    kind: str
    reason: str = _FIELD


@dataclass(frozen=True)
class _Database:
    """How a database's articles and their fields are recognised: exports.yaml, as patterns of a line's start."""

    signs: tuple[re.Pattern[str], ...]
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    head: re.Pattern[str]
    opens: re.Pattern[str]
    foot: re.Pattern[str]
    long: re.Pattern[str]
    blank: bool
    rights: bool

    def made(self, raw: str) -> bool:
        """Return whether an article comes from this database."""
        return all(sign.search(raw) for sign in self.signs)

    def kind(self, text: str) -> str:
        """Return the kind of the field that a line opens."""
        return next((kind for kind, name in self.kinds if name.match(text)), "furniture")


@cache
def _databases() -> tuple[_Database, ...]:
    found = []
    for table in table_of("text/exports.yaml").values():

        def field(names: str, shape: str = table["shape"]) -> re.Pattern[str]:
            return re.compile(shape.format(names.replace("| ", "|")))

        kinds, body = table["kinds"], table["body"]
        found.append(
            _Database(
                tuple(re.compile(rf"^[^\S\n]*(?:{sign})", re.MULTILINE) for sign in table["signs"]),
                tuple((kind, field(names)) for kind, names in kinds.items()),
                field("|".join([*kinds.values(), body, table["above"]])),
                field(body),
                field(table["below"]),
                field(table.get("long", "(?!)")),
                table.get("blank", True),
                table.get("rights", False),
            )
        )
    return tuple(found)


def _database(raw: str) -> _Database | None:
    """The database that a text comes from; most come from none, which a look for its commonest words tells."""
    if not any(hint in raw for hint in _HINTS):
        return None
    return next((one for one in _databases() if one.made(raw)), None)


def split(raw: str) -> list[Span]:
    r"""Return where the articles of a text are; all of it is one article unless a database divides it.

    Example:
        >>> raw = "Talks fail\n\nLength: 3 words\n\nBody\n\nVarna is angry.\n\nEnd of Document\n"
        >>> split(raw + raw)
        [(0, 67), (67, 136)]

    """
    marks = list(_CUT.finditer(raw)) if _database(raw) else []
    if not marks:
        return [(0, len(raw))]
    kind = marks[0].lastgroup
    cuts = [mark.start() if kind == "begins" else mark.end() for mark in marks if mark.lastgroup == kind]
    inner = cuts[1:] if kind == "begins" else cuts[:-1]  # what is above the first article goes with it, likewise below
    return list(zip([0, *inner], [*inner, len(raw)], strict=True))


def fields(raw: str, lines: Sequence[Span]) -> list[Field]:
    r"""Return what of an article's lines is not its body, in order; nothing if it is no database's.

    Args:
        raw: the text of one article.
        lines: where its lines are that are not blank, without the white space around them.

    Example:
        >>> raw = "Talks collapse\nThe Varna Herald\nMay 12, 2021 Wednesday\n\nLength: 3 words\nBody\n\nVarna is angry."
        >>> lines = [found.span() for found in re.finditer(".+", raw)]
        >>> [(field.kind, raw[field.start : field.end]) for field in fields(raw, lines) if field.kind != "furniture"]
        [('headline', 'Talks collapse'), ('byline', 'The Varna Herald'), ('byline', 'May 12, 2021 Wednesday')]

    """
    database = _database(raw)
    if not database:
        return []
    texts = [raw[slice(*line)] for line in lines]
    blank = [not at or raw.count("\n", lines[at - 1][1], start) > 1 for at, (start, _) in enumerate(lines)]
    first, last = _body(texts, blank, database)
    found, top, kind = [], [], ""
    for at, (text, (start, end)) in enumerate(zip(texts, lines, strict=True)):
        if at >= last:
            found.append(Field(start, end, "furniture"))
            continue
        name = (database.head if at < first else database.opens).match(text)
        if name:
            kind = database.kind(text)
            value = start + name.end()
            found.append(Field(start, start + len(name[0].rstrip()), "furniture"))
            start = value
        elif at < first and (not kind or (database.blank and blank[at])):
            kind = ""
            top.append(at)
        if at < first and kind and start < end:
            found.append(Field(start, end, kind, DAY if kind == "byline" and _DATED.search(text) else _FIELD))
    titled = any(field.kind == "headline" for field in found)
    found += [Field(*lines[at], *what) for at, what in _top(texts, blank, top, titled=titled).items()]
    return sorted(found, key=lambda field: field.start)


def _body(texts: Sequence[str], blank: Sequence[bool], database: _Database) -> Span:
    """Index of the body's first line, and of the first one below it."""
    number = len(texts)
    words = next((at for at, text in enumerate(texts) if _WORDS.match(text)), -1)
    header = range(max(words, 0), number if words < 0 else min(words + _HEADER, number))
    opened = [at for at in header if (name := database.opens.match(texts[at])) and (words < 0 or name[0] == texts[at])]
    rights = [at + 1 for at in header if database.rights and _RIGHTS.match(texts[at])]
    first = (opened or rights or [words + 1])[0]
    while not opened and first < number and (database.head.match(texts[first]) or not blank[first]):
        first += 1  # nothing opens the body: it begins below the fields around the number of words
    end = next((at + 1 for at in range(first, number) if re.fullmatch(_ENDS, texts[at])), number)
    return first, next((at for at in range(first + 1, end) if _below(texts[:end], blank, at, database)), end)


def _below(texts: Sequence[str], blank: Sequence[bool], at: int, database: _Database) -> bool:
    """Whether a line is a field below the body, and fields follow it: one name alone may be the article's own."""
    if database.rights and at + 1 < len(texts) and database.foot.match(texts[at + 1]):
        return bool(_PUBLISHER.fullmatch(texts[at]))

    def named(at: int) -> bool:
        return bool(database.foot.match(texts[at]) or _RIGHTS.match(texts[at]))

    after = range(at, len(texts))
    follows = next((later for later in after[1:] if blank[later]), at)
    return (
        named(at)
        and (named(follows) or database.long.match(texts[at]) is not None)
        and 2 * sum(map(named, after)) >= len(after)
    )


def _top(
    texts: Sequence[str], blank: Sequence[bool], top: Sequence[int], *, titled: bool
) -> dict[int, tuple[str, str]]:
    """What the lines without a name are, above an article: its title, the newspaper, the day; the others are cut."""
    found = dict.fromkeys(top, ("furniture", _FIELD))
    cover = max((at + 1 for at in top if re.fullmatch(_BEGINS, texts[at])), default=0)
    names = [at for at in top if at >= cover and not _RIGHTS.match(texts[at]) and re.search(r"[^\W\d_]", texts[at])]
    day = max((at for at in names if _DATED.match(texts[at])), default=-1)
    words = next((at for at in names if _WORDS.fullmatch(texts[at])), -1)
    above, below = [at for at in names if at < day], [at for at in names if at > day >= 0]
    if words < 0 <= day:  # LexisNexis: newspaper, day, edition, blank, title; Nexis Uni: title, newspaper, day, edition
        paper = above[-1:]
        title = [at for at in below if any(blank[day + 1 : at + 1])] or above[-2:-1]
    else:  # Factiva: section, title, byline, words, day, time, newspaper, its code; ProQuest: title, author
        paper = [at for at in below if not _CODE.fullmatch(texts[at])][:1]
        title = [at for at in names if at < words or words < 0]
        longest = max(title, key=lambda at: len(texts[at].split()), default=0)
        found |= dict.fromkeys((at for at in title if at > longest), ("byline", _FIELD))
        title = [at for at in title if at == longest]
    found |= dict.fromkeys(paper, ("byline", _FIELD))
    if day >= 0:
        found[day] = ("byline", DAY)
    if not titled:
        found |= dict.fromkeys(title, ("headline", _FIELD))
    return found
