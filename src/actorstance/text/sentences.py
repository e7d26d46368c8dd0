"""Text to sentences, with offsets: sentencex, and the repairs that news needs.

sentencex knows abbreviations, initials and numbers in many languages, but keeps a balanced quotation in one piece
however long it is, and trips over one that is not closed in its paragraph. So it is given the text with the quotation
marks blanked out, and the marks are put back where they belong.
"""

from __future__ import annotations

import re

from sentencex import get_sentence_boundaries

from actorstance.syntax.roles import SHORTENED

# A mark that opens or closes a quotation: the double ones everywhere; single ones (straight or curly) at the edge of a
# word only, where they are not an apostrophe, and two single ones, as some wires write them.
# A bullet, behind which sentencex finds no end, is blanked out as they are.
_QUOTES = re.compile(r"[\"“”„«»•▪●◦]|''|``|['‘](?<![^\s(\[—–].)|['’](?<=[.?!,…].)(?!\w)")
_PARENTHESIS = re.compile(r"\(([^()]*[.?!])\)")
_CLOSERS = "\"'”’»)]"
_OPENERS = "\"'“”„‘«([`"
_SPEECH = (
    r"said|says|asked|asks|added|adds|replied|told|wrote|writes|cried|shouted|wondered|warned|argued|insisted"
    r"|continued|recalled|quipped|declared|demanded|exclaimed|tweeted|responded|explained|joked|snapped"
)
_TAG = re.compile(rf"(?:[A-Z][\w.'’-]*,?\s+){{1,5}}(?:[^.!?\"“”]{{2,60}},\s+)?(?:{_SPEECH})\b")
# Words that open a sentence far more often than they follow an abbreviation.
_STARTERS = (
    r"(?:The|A|An|He|She|It|They|We|You|I|This|That|These|Those|There|Nobody|No|But|And|So|In|On|At|As|If|When|While|After"
    r"|Before|Its|His|Her|Their|Our|Both|Neither|Many|Most|Some|Yes|Not|By|For|With|Then|What|Who|Why|How)\b"
)
_CLOCK = re.compile(r"\b[ap]\.m\.$")
_AFTER_CLOCK = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\b|[A-Z]{2,4}\b"
    r"|(?:Eastern|Central|Mountain|Pacific|Greenwich)\b"
)
_ABBREVIATION = re.compile(rf"\b(?:{SHORTENED}|Mt|Ft|vs|v|Vols?|approx|ca)\.$")
_SHORT = 8  # characters, more than any of these abbreviations: only the end of a sentence is searched for one
_DOTTED = re.compile(r"\b[A-Z]\.$")  # goes on with another letter: "D-N.Y.", "R-W.Va."
_LETTERED = re.compile(r"[A-Z][a-z]{0,2}\.")
_NUMBER = re.compile(r"\bNos?\.$")  # an abbreviation only before a figure
_LETTER = re.compile(r"\w")
_ITEM = re.compile(r"[(]?(?:\d{1,2}|[a-z])[.)]")
_INITIALS = re.compile(r"\b(?!U\.S\.|U\.N\.|U\.K\.|E\.U\.|D\.C\.|N\.Y\.|L\.A\.|U\.A\.E\.)(?:[A-Z]\.){2,3}$")
# The number of a note behind a sentence: "denied it.4 It", "denied it.”[4] It".
_NOTE = re.compile(
    r"[.!?](?<=[^\W\d_]{2}[.!?])(?<!\bNo[.!?])(?<!\bNos[.!?])[\"”’]?(\[?\d{1,3}\]?|[¹²³⁴-⁹]+)(?=\s+[\"“‘]?[A-Z])"
)
# Two sentences pasted without the space between them. A web address has no capital after its dot.
_GLUED = re.compile(r"[.?!](?<=[a-z]{3}.)[\"”’]?(?=[“‘]?[A-Z][a-z]+\s)")
# Sentence ends that sentencex misses: initials or a firm's ending before a word that opens sentences; an ellipsis.
_MISSED = re.compile(
    rf"(?:(?=[A-Z])\b(?:(?:[A-Z]\.){{2,6}}|(?:St|Ltd|Inc|Corp|Co|Jr|Sr|No)\.)|…[\"”’]?)\s+(?=[\"“‘']?{_STARTERS})"
)
# Words that it takes for abbreviations: of states, of titles, and of a month that is never abbreviated.
_NUMERAL = r"(?:[IVXLC]{2,}|[B-HJ-Z])\b"  # art. IV, ref. B
_WORDS = re.compile(
    r"\b(?:[Mm]ay|fed|Fed(?!\.\s+Reserve)|me|no|ill|art|con|ore|miss|id|ok|ref)\.[\"”’']*\s+"
    rf"(?=[\"“‘'(]*(?!{_NUMERAL})[A-Z])"
)


def one_line(text: str) -> str:
    """Return a text of the same length with a space for each white space character."""
    return text if text.isprintable() else re.sub(r"\s", " ", text)  # printable text has no white space but spaces


def split(text: str) -> list[tuple[int, int]]:
    """Split one paragraph into sentences.

    Returns:
        (start, end) of each sentence in `text`, in code points, end exclusive, without the white space around it.
        Nothing but white space lies outside them.

    Example:
        >>> text = '"We will not go. We stay," she said. Gen. J. R. Okoro left the U.S. at 5 p.m. Monday.'
        >>> [text[start:end] for start, end in split(text)]
        ['"We will not go.', 'We stay," she said.', 'Gen. J. R. Okoro left the U.S. at 5 p.m. Monday.']

    """
    pieces: list[tuple[int, int]] = []
    for start, end in _candidates(text):
        if pieces and _belongs_together(text, pieces[-1], start, end):
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return pieces


def _candidates(text: str) -> list[tuple[int, int]]:
    """Where sentencex, blind to quotation marks, would cut; closing marks stay left, opening ones right."""
    blanked = _QUOTES.sub(lambda found: " " * len(found[0]), text)
    blanked = _PARENTHESIS.sub(lambda found: f" {found[1]} ", blanked)
    notes = {found.start(1): found.end() for found in _NOTE.finditer(text)}
    for start, end in notes.items():
        blanked = blanked[:start] + " " * (end - start) + blanked[end:]
    blanked = one_line(blanked)  # a line break inside a paragraph does not end a sentence
    cuts = {boundary["end_index"] for boundary in get_sentence_boundaries("en", blanked)}
    cuts |= {found.end() for pattern in (_GLUED, _MISSED, _WORDS) for found in pattern.finditer(text)}
    spans, start = [], 0
    for cut in sorted(cuts | {len(text)}):
        if cut < len(text):
            while cut > start and text[cut - 1] in _OPENERS + " \t\r\n\u00a0\u3000":
                cut -= 1
            while cut < len(text) and text[cut] in _CLOSERS:
                cut += 1
            cut = notes.get(cut, cut)
        if cut <= start:
            continue
        piece = text[start:cut]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, left + len(piece.strip())))
        start = cut
    return spans


def _belongs_together(text: str, previous: tuple[int, int], start: int, end: int) -> bool:
    """Whether a cut is wrong: it would split a sentence in two."""
    before, after = text[previous[0] : previous[1]], text[start:end].lstrip(_OPENERS + " \t\r\n—–")
    if not _LETTER.search(before) or not _LETTER.search(after) or _ITEM.fullmatch(before):
        return True  # a lone mark, or the number of an item, is not a sentence
    if after[0].islower():
        return True
    if before[-1] == ".":
        last = len(before) - _SHORT
        if previous[1] == start and _DOTTED.search(before, last) and _LETTERED.match(after):
            return True
        if _NUMBER.search(before, last) and after[0].isdigit():
            return True
        if (_ABBREVIATION.search(before, last) or _INITIALS.search(before, last)) and not re.match(_STARTERS, after):
            return True
        return bool(_CLOCK.search(before, last) and _AFTER_CLOCK.match(after))
    inside = before.rstrip(_CLOSERS)
    if inside == before or not inside.endswith(("?", "!", "…", "...")):
        return False
    nested = before[-1] in "'’" and before.count("“") > before.count("”")
    return nested or bool(_TAG.match(after))
