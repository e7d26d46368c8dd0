"""From pronouns and descriptions to the actors they stand for, within one article and over a short distance.

By rule, with a confidence: the subject of the sentence or of the one before, if number and gender agree. Below
`discourse.THRESHOLD` a mention is left unresolved: its actor is `UNKNOWN` and its candidates are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from actorstance.actors import UNKNOWN, Mention, Registry
from actorstance.documents import Document, Sentence
from actorstance.mentions.cast import Cast
from actorstance.mentions.descriptions import described, description, place_of
from actorstance.mentions.discourse import Discourse
from actorstance.mentions.names import MAX_SENTENCE
from actorstance.mentions.pronouns import PRONOUN, Pronouns
from actorstance.speech.attribution import Statement


def resolve(document: Document, cast: Cast, statements: Sequence[Statement], registry: Registry) -> list[Mention]:
    """Return the mentions by pronoun and description of a document, in order.

    Example:
        >>> from actorstance.documents import parse
        >>> from actorstance.mentions.cast import cast
        >>> from actorstance.speech.quotes import statements
        >>> document = parse("d", "Ana Lima accused the board of lying. She said it had hidden the report.")
        >>> said, registry = statements(document), Registry({"board": ["board"]})
        >>> for mention in resolve(document, cast(document, registry, said), said, registry):
        ...     print(document.raw[mention.start:mention.end], mention.actor, mention.rule)
        She ana_lima pronoun: subject of the sentence before
        it board pronoun: named in the sentence before

    """
    dateline = next((document.raw[one.start : one.end] for one in document.lines if one.kind == "dateline"), "")
    discourse = Discourse(document.raw, cast, statements, registry, dateline.title())
    pronouns = Pronouns(discourse, statements)
    found: list[Mention] = []
    first_person: list[re.Match[str]] = []  # whose speaker may come after the quotation
    at = 0
    for number, sentence in enumerate(document.sentences):
        first = at
        while at < len(cast.mentions) and cast.mentions[at].start < sentence.end:
            at += 1
        named = cast.mentions[first:at]
        here: list[tuple[int, Mention | re.Match[str]]] = [(one.start, one) for one in named]
        here += [(one.start(), one) for one in _anaphors(document.raw, sentence, named)]
        for _, one in sorted(here, key=lambda each: each[0]):
            if isinstance(one, Mention):
                discourse.see(one, number)
            elif one.re is PRONOUN and one["first"]:
                first_person.append(one)
            else:
                of_pronoun = one.re is PRONOUN
                mention = pronouns.third_person(one, number) if of_pronoun else description(discourse, one, number)
                if mention is not None:
                    found.append(mention)
                    if mention.actor != UNKNOWN:
                        discourse.see(mention, number)
    return found + [mention for one in first_person if (mention := pronouns.first_person(one)) is not None]


def _anaphors(raw: str, sentence: Sentence, named: Sequence[Mention]) -> Iterator[re.Match[str]]:
    """The pronouns and descriptions of a sentence, outside the names in it."""
    if sentence.end - sentence.start > MAX_SENTENCE:
        return
    for pattern in (PRONOUN, described()):
        for found in pattern.finditer(raw, sentence.start, sentence.end):
            start, end = found.span() if pattern is PRONOUN else place_of(found)
            if not any(one.start < end and start < one.end for one in named):
                yield found
