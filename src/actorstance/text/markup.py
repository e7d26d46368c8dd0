"""HTML in a text: what to take out of it, so that what a browser shows of an article is left.

Articles come as HTML from interfaces of newspapers and from scrapers, as a piece (`<p>…</p>`) or as a whole page. Tags
become line breaks or nothing; what a page holds besides its text (scripts, menus, asides, captions of pictures) goes
with its tags. Where a browser is lenient so is this: a tag that is not closed, or one too many, hides nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from actorstance.days import day_of

Edit = tuple[int, int, str]  # start, end, replacement

# Elements by what a browser shows of them; others, such as <Laughs>, are text.
_PARAGRAPHS = (
    "address article blockquote body center dd details div dl dt fieldset figure form h1 h2 h3 h4 h5 h6 header hgroup "
    "hr html li main ol p pre section summary table tbody tfoot thead tr ul"
)
_WITHIN = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label link mark meta meter nobr "
    "output param picture progress q rp rt ruby s samp small source span strike strong sub sup time track tt u var wbr"
)
_NO_TEXT = (  # these go with all that is in them
    "aside audio button canvas datalist dialog figcaption footer head iframe map math menu nav noscript object "
    "optgroup option select svg template video"
)
_SHOWN = {  # element -> what its tags become
    **dict.fromkeys(_WITHIN.split(), ""),
    **dict.fromkeys(_PARAGRAPHS.split(), "\n\n"),
    **{"br": "\n", "td": " ", "th": " "},
}
_HIDDEN = frozenset(_NO_TEXT.split())
_OPAQUE = "script|style|textarea|title|xmp"  # in these a sign "<" begins no tag
_NOTE = r"<sup\b[^<>]*+>(?:[\s\[(]|<a\b[^<>]*+>)*+\d{1,3}(?:[\s\])]|</a>)*+</sup>"  # the number of a footnote
_TAG = re.compile(
    rf"{_NOTE}|<!--.*?(?:-->|\Z)|<[!?][a-z\[][^<>]*+>|<({_OPAQUE})\b[^<>]*+>.*?(?:</\1\s*+>|\Z)|"
    r"<(/?+)([a-z][a-z0-9:-]*+)(?:(?:\s(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+|/)?+>|[\s/][^<>]*+>)",
    re.IGNORECASE | re.DOTALL,
)
# A text is HTML if it has one of these: a sign "<" alone, or "<Laughs>", does not make it so.
_HTML = re.compile(
    r"</(?:a|article|b|blockquote|body|div|em|figure|h[1-6]|html|i|li|ol|p|section|span|strong|table|t[dr]|u|ul)\s*+>|"
    r"<(?:p|br|hr|img)\b[^<>]*+>",
    re.IGNORECASE,
)
_ISO = r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)"
_META = re.compile(r"<meta\s[^<>]*\barticle:published_time\b[^<>]*>", re.IGNORECASE)
_STATED = re.compile(r'"datePublished"\s{0,9}:\s{0,9}"(\d{4}-\d\d-\d\d)\b')  # as schema.org has it
_FLOWS = re.compile(r"<(?:p|div|br|article|section|li|t[dr])\b", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Return whether a text is HTML, or a piece of it.

    Example:
        >>> is_html("<p>France thanked Egypt.</p>"), is_html("France <laughs> thanked Egypt: 1 < 2.")
        (True, False)

    """
    return "<" in text and _HTML.search(text) is not None


def breaks_lines(text: str) -> bool:
    """Return whether tags break the lines of a text, so that a line break of its own is but a space."""
    return _FLOWS.search(text) is not None


def published(text: str) -> str | None:
    """Return the day on which a page says for machines that it was published, None unless it gives one day only.

    Example:
        >>> published('<meta property="article:published_time" content="2021-03-04T09:14:00Z"><p>France thanked Egypt.')
        '2021-03-04'

    """
    for days in ([day for tag in _META.findall(text) for day in re.findall(_ISO, tag)], _STATED.findall(text)):
        known = {day for day in days if day_of(day)}
        if known:
            return known.pop() if len(known) == 1 else None
    return None


def edits(text: str) -> list[Edit]:
    r"""Return what to replace in HTML, in order, each by something shorter.

    Example:
        >>> edits("<p>France <b>thanked</b> Egypt.</p>")
        [(0, 3, '\n\n'), (10, 13, ''), (20, 24, ''), (31, 35, '\n\n')]

    """
    found: list[Edit] = []
    last = 0
    for start, end, new in sorted(_all(text), key=lambda edit: (edit[0], -edit[1])):
        if start >= last:  # not within what is taken out already
            found.append((start, end, new))
            last = end
    return found


def _all(text: str) -> Iterator[Edit]:
    """Yield the edits for each tag, and for each element without text as a whole."""
    opened: defaultdict[str, list[int]] = defaultdict(list)
    for tag in _TAG.finditer(text):
        name = (tag[3] or "").lower()
        if not name:  # a footnote, a comment, a declaration, a script
            yield *tag.span(), ""
        elif name in _HIDDEN:
            if not tag[2]:
                opened[name].append(tag.start())
            elif opened[name]:
                yield opened[name].pop(), tag.end(), "\n\n"
            yield *tag.span(), ""
        elif name in _SHOWN or ":" in name or "-" in name:  # the elements of a site's own have a hyphen
            yield *tag.span(), _SHOWN.get(name, "")
