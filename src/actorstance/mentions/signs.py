"""What the text around a name shows of it: whether it says or does something, is a person, a body, or a place."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from actorstance.actors import Mention
from actorstance.documents import Sentence
from actorstance.mentions.names import Name
from actorstance.speech.attribution import Statement
from actorstance.syntax.roles import MOTION, ends_with, is_given, office, place_after, roles
from actorstance.syntax.spelling import has_form_of_person
from actorstance.syntax.tagging import lexicon

_ADJECTIVE = re.compile(r".{4}[ni]s?\Z")
_STAKE = re.compile(
    r"\b(?:shares?|stakes?|shareholders?|invest\w*|confidence|faith|trust|interest)\s+in\s+(?:the\s+)?\Z"
)
_NEXT_WORD = re.compile(r"(?:['’]s?)?\s([a-z]+)")
_ANNOUNCED = re.compile(
    r"(?:vice |deputy )?(?:president|prime minister|premier|leader|chancellor|king|queen|\w+ minister)", re.I
)


class Signs:
    """The signs of an article.

    Args:
        raw: its text.
        statements: what is said and done in it.

    """

    def __init__(self, raw: str, statements: Sequence[Statement]) -> None:
        self.raw, self.words = raw, roles()
        self._sources = sorted({one.source for one in statements if one.source is not None})
        self._starts = [start for start, _ in self._sources]
        self._speakers = {one.source for one in statements if one.source and one.kind != "act"}
        self._objects = {one.content[0] for one in statements if one.kind != "act"}

    def acts(self, name: Name, speaks: bool = False) -> bool:
        """Whether a name says or does something; `speaks`: says it."""
        at = bisect_right(self._starts, name.end)
        for start, end in self._sources[max(0, at - 4) : at]:
            if max(start, name.start) < min(end, name.end) and (name.end <= end or name.start <= start):
                between = self.raw[start : name.start]
                if not re.search(r"\b(?:of|in|at|from|on|to|with)\b|,", between) and (
                    not speaks or (start, end) in self._speakers
                ):
                    return True
        return False

    def modifies(self, name: Name) -> bool:
        """Whether a noun follows that a name belongs to: "Human rights groups said"."""
        behind = _NEXT_WORD.match(self.raw, name.end)
        form = lexicon().verbs.get(behind[1]) if behind else None
        return behind is not None and behind[1] not in lexicon().closed and not (form and form.forms & {"d", "s"})

    def is_object(self, name: Name) -> bool:
        """Whether what somebody says begins with a name."""
        return any(place in self._objects for place in (name.start, name.start - 4))

    def kind(self, name: Name) -> tuple[str, bool]:
        """Return person or organisation, and whether that alone makes it an actor; "" if nothing tells."""
        first, last = name.words[0].lower(), name.words[-1].lower().rstrip(".")
        body = (
            last in self.words["bodies"]
            or last in self.words["firms"]
            or last in {"family", "camp"}
            or not {"of", "for", "and", "&"}.isdisjoint(name.words)
            or name.kind == "organisation"
        )
        long = body and last not in {"house", "port", "star", "guard", "press", "post"} and len(name.words) > 2
        formed = not body and (has_form_of_person(name.words) or name.title)
        if name.kind == "person" or formed or (is_given(first) and not long):
            return "person", True
        if body or self.called(name):
            return "organisation", True
        return ("organisation", False) if not name.title and self.has_article(name) else ("", False)

    def called(self, name: Name) -> str:
        """What body a name is, by the noun before it: "regulator" in "the regulator Anatel"; "" if nothing tells."""
        before = self.raw[max(0, name.start - 30) : name.start]
        return "" if name.title or not before[-2:-1].islower() else ends_with(before, self.words["described_bodies"])

    def has_article(self, name: Name) -> bool:
        """Whether "the" belongs to a name, which is no person's then: "the Argus said", but not "the Lima affair"."""
        if self.raw[max(0, name.start - 4) : name.start].lower() != "the " or self.raw.startswith("-", name.end):
            return False
        return not self.modifies(name)

    def is_place(self, name: Name) -> bool:
        """Whether a name stands where places do: "flew to Ostia", "Ostia's suburbs"."""
        before = self.raw[max(0, name.start - 40) : name.start]
        before = before[before.rfind(". ") + 1 :]
        return bool(
            (ends_with(before.removesuffix("the "), self.words["places_before"]) and not _STAKE.search(before))
            or MOTION.search(before)
            or place_after().match(self.raw, name.end)
        )

    def opening_offices(
        self, known: Sequence[Mention], sentences: Sequence[Sentence]
    ) -> dict[int, tuple[Mention, str]]:
        """Return whose office opens a sentence, by the number of the one after it: "Turkey's president accused …"."""
        starts = [one.start for one in sentences]
        found: dict[int, tuple[Mention, str]] = {}
        for mention in known:
            at = bisect_right(starts, mention.start) - 1
            if at < 0 or mention.start > starts[at] + 16 or at in found:
                continue
            held = office().match(self.raw, mention.end, sentences[at].end)
            if held and _ANNOUNCED.fullmatch(held[1]):
                found[at + 1] = mention, self.raw[mention.start : held.end()]
        return found


def with_nouns(found: Sequence[Name]) -> None:
    """Give adjectives and peoples the name of their place, where the text has that too.

    Example:
        >>> found = [Name(0, 8, ("Durrania",)), Name(9, 18, ("Durranian",)), Name(20, 30, ("Durranians",))]
        >>> with_nouns(found)
        >>> [name.words for name in found]
        [('Durrania',), ('Durrania',), ('Durrania',)]

    """
    families = {name.words[-1] for name in found if len(name.words) > 1 or name.title} | {"Christ"}
    single = {name.words[0] for name in found if len(name.words) == 1} - families
    for name in found:
        word = name.words[0]
        if len(name.words) > 1 or name.title or not _ADJECTIVE.search(word) or is_given(word.lower()):
            continue
        stem = word.removesuffix("s")
        name.words = (next((noun for cut in (1, 2, 3) if (noun := stem[:-cut]) in single and len(noun) > 4), word),)


def by_title(title: str) -> str:
    """Return what a title tells: m, f, or nothing."""
    return "m" if title in roles()["titles_of_men"] else "f" if title in roles()["titles_of_women"] else ""


def gender(name: Name) -> str:
    """Return what a title tells, else the given name: m, f, or nothing."""
    first, words = name.words[0].lower(), roles()
    if told := by_title(name.title):
        return told
    if len(name.words) == 1 or not is_given(first):
        return ""
    return "f" if first not in words["men"] else "m" if first not in words["women"] else ""
