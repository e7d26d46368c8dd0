"""Interviews that are printed as "Q: … A: …": what is answered, and by whom."""

from __future__ import annotations

import re
from collections.abc import Collection

from actorstance.documents import Document
from actorstance.syntax.marks import Span
from actorstance.syntax.roles import roles
from actorstance.syntax.spelling import SEQUENCE

_LABEL = re.compile(r"(?:(?P<question>Q|Question)|A|Answer)\s?[:.]\s+(?=\S)")
_TURNS = 2  # questions, and as many answers, make an interview
_MET = re.compile(
    r"\b(?:sp(?:oke|eaks|oken|eaking)|talk(?:s|ed|ing)?|(?:sat|sits) down|interview(?:s|ed)?|met|answer(?:s|ed)"
    r"|conversation)\b"
)
_PRONOUN = re.compile(r"(?:She|He|They)\b")


def answers(document: Document) -> tuple[list[Span], Span | None]:
    r"""Return where the answers of an interview are, and where the text above names who gives them.

    An answer continues over paragraphs up to the next question; only the first paragraph of the last one is certain.
    Nobody is named (None) unless the sentences above that mention a meeting name exactly one person, with the whole
    name, or with its last word or a pronoun if only one person above it is meant by that.

    Example:
        >>> from actorstance.documents import parse
        >>> turns = ["Q: Will you sign?", "A: We will not.", "Q: Why?", "A: They have lied."]
        >>> raw = "\n\n".join(["We spoke to Ana Lima in Varna.", *turns])
        >>> spans, who = answers(parse("d", raw))
        >>> [raw[start:end] for start, end in spans], raw[slice(*who)]
        (['We will not.', 'They have lied.'], 'Ana Lima')

    """
    if document.raw.count("Q") < _TURNS:  # very few articles are one
        return [], None
    turns: list[tuple[bool, Span]] = []  # (is it a question?, where its words are), one per paragraph
    labels = [0, 0]
    first = 0
    for line in document.lines:
        label = None if line.wrapped else _LABEL.match(document.raw, line.start, line.end)
        if label is not None:
            first = first or line.start
            labels[bool(label["question"])] += 1
            turns.append((bool(label["question"]), (label.end(), line.end)))
        elif turns and line.kind == "body":
            asked, span = turns[-1]
            if line.wrapped:
                turns[-1] = asked, (span[0], line.end)
            elif not asked:
                turns.append((False, (line.start, line.end)))
    if min(labels) < _TURNS:
        return [], None
    last = max(at for at, (asked, _) in enumerate(turns) if asked) + 1
    return [span for asked, span in turns[: last + 1] if not asked], _answering(document, first)


def _answering(document: Document, end: int) -> Span | None:
    """Where the only person is whom the sentences above an interview name along with the meeting."""
    found: dict[str, Span] = {}
    above: dict[str, Span] = {}  # the persons named so far
    known = roles()
    for sentence in document.sentences:
        if sentence.end > end:
            break
        names = list(SEQUENCE.finditer(document.raw, sentence.start, sentence.end))
        words = {name[0]: name[0].lower().split() for name in names}
        whole = [name for name in names if _is_whole(words[name[0]], known["bodies"])]
        above = {name[0]: name.span() for name in whole} | above
        if not _MET.search(document.raw, sentence.start, sentence.end):
            continue
        meant = {name[0]: name.span() for name in whole}
        if not meant:
            alone = {name[0] for name in names if len(words[name[0]]) == 1}
            short = [name for name in above if name.split()[-1] in alone]
            if not short and _PRONOUN.match(document.raw, sentence.start):
                short = list(above)
            meant = {short[0]: above[short[0]]} if len(short) == 1 else {}
        found = meant | found
    return next(iter(found.values())) if len(found) == 1 else None


def _is_whole(words: list[str], bodies: Collection[str]) -> bool:
    """Whether these are the words of a person's whole name."""
    return len(words) > 1 and words[0] != "the" and words[-1] not in bodies
