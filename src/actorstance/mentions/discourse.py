"""Whom an article has named so far, and how: what a later pronoun or description may stand for."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from actorstance.actors import UNKNOWN, Mention, Registry
from actorstance.mentions.cast import Cast
from actorstance.speech.attribution import Statement
from actorstance.syntax.marks import Span
from actorstance.syntax.roles import alternatives, in_full, is_given, roles

THRESHOLD = 0.6  # confidence below which a mention that may stand for several is left unresolved

_JOINED = re.compile(r"[,;:()]|\s(?:and|or|of|for|in|at|on|from|to|by|with|who|which|that|as|than)\s", re.IGNORECASE)
_GENDERS = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "its": "n"}
_SPOKEN = re.compile(r"(he|she)\s", re.IGNORECASE)
_LEFT = re.compile(r"\b(?:former|onetime|one-time|then-|ex-)", re.IGNORECASE)  # an office
_LEFT_BEHIND = re.compile(r"['’]s?\s+(?:former|onetime|one-time|ex-|then-)", re.IGNORECASE)
_PERSON = re.compile(  # an office of one
    r"\b(?:president|minister|leader|spokesman|spokeswoman|chancellor|premier|king|queen|ambassador|envoy|counterpart)$"
)


@dataclass
class Antecedent:
    """A mention that a later one may stand for."""

    mention: Mention
    sentence: int
    kind: str  # person, organisation, group, state
    gender: str
    subject: bool
    said: str  # what the text calls it, in lower case; empty for a pronoun or a description
    quote: Statement | None  # that it is in

    @property
    def key(self) -> tuple[str, str]:
        """Who it is: the actor, and the name of the person or body of it that the text speaks of."""
        return self.mention.actor, self.mention.name


class Discourse:
    """The mentions of an article as they come, the last in `seen` last.

    `sources` are the places of those who say or do something, `genders` are those that a pronoun has revealed; `home`
    is the actor whose seat the dateline names, or "".
    """

    def __init__(
        self, raw: str, cast: Cast, statements: Sequence[Statement], registry: Registry, dateline: str = ""
    ) -> None:
        self.raw, self.cast, self.registry = raw, cast, registry
        self.sources = {one.source for one in statements if one.source is not None and one.rule != "according to"}
        self._done_by = {one.content[0]: one.source for one in statements if one.source is not None}
        self._ordered = sorted(self.sources)
        self._quotes = sorted((one for one in statements if one.kind == "direct"), key=lambda one: one.content)
        self._quote_starts = [one.content[0] for one in self._quotes]
        self.home = next((one.actor for one in registry.mentions(dateline) if one.by == "seats"), "")
        self._starts = [one.start for one in cast.mentions]
        self.seen: list[Antecedent] = []
        self.genders = self._told_by_saying(statements)
        self._latest: dict[tuple[str, str], Antecedent] = {}

    def see(self, mention: Mention, sentence: int) -> None:
        """Add a mention of a sentence as one that a later one may stand for."""
        text = self.raw[mention.start : mention.end]
        stands_for = mention.by in ("pronoun", "description")
        earlier = self._latest.get((mention.actor, mention.name))
        if (entity := self.cast.entities.get((mention.start, mention.end))) is not None:
            kind, gender = entity.kind, entity.gender
            text = " ".join([text, *sorted(map(in_full, entity.titles))])
        elif mention.by == "group":
            kind, gender = "group", ""
        elif earlier is not None and stands_for:
            kind, gender = earlier.kind, earlier.gender
        elif stands_for and _GENDERS.get(text.lower(), "n") in "mf":  # of somebody named behind it
            kind, gender = "person", ""
        else:
            kind, gender = self._known(mention, text)
            if mention.offices and _PERSON.search(mention.offices[-1]):
                kind = "person"
        said = "" if stands_for else " ".join([text, mention.how, *mention.offices]).lower()
        quote = self.quotation(mention.start)
        one = Antecedent(mention, sentence, kind, gender, self._is_subject(mention), said, quote)
        told = _GENDERS.get(text.lower())
        if told and not gender and kind in {"person", "name"} and mention.confidence >= THRESHOLD:
            self.genders.setdefault(one.key, told)
        self.seen.append(one)
        self._latest[one.key] = one

    def _told_by_saying(self, statements: Sequence[Statement]) -> dict[tuple[str, str], str]:
        """Of whoever is said to speak of himself or herself: "Lima said she would sue"."""
        found: dict[tuple[str, str], str] = {}
        for one in statements:
            if one.source is None or one.kind not in {"indirect", "mixed"}:
                continue
            spoken = _SPOKEN.match(self.raw, one.content[0])
            if spoken is None:
                continue
            if (who := self.at(one.source)) is not None:
                found.setdefault((who.actor, who.name), _GENDERS[spoken[1].lower()])
        return found

    def _known(self, mention: Mention, text: str) -> tuple[str, str]:
        """Kind and gender of an actor in the registry: a person, if one of the actor's names is a person's."""
        men, women = roles()["men"], roles()["women"]
        last = text.split()[-1]
        for alias in self.registry.aliases.get(mention.actor, ()):
            words = alias.split()
            if len(words) > 1 and words[-1] == last and is_given(given := words[0].lower()):
                return "person", "f" if given not in men else "m" if given not in women else ""
        return self.registry.kinds.get(mention.actor, "organisation"), ""

    def _is_subject(self, mention: Mention) -> bool:
        if self.raw.startswith("-", mention.end):  # "the Iran-backed group"
            return False
        at = bisect_right(self._ordered, (mention.end, 0))
        near = self._ordered[max(0, at - 6) : at]
        start = next((a for a, b in near if mention.start < b and a <= mention.start and mention.end <= b + 2), None)
        if start is None or not self.seen or self.seen[-1].mention.start < start:
            return start is not None
        # "the mission in Peru": Peru is in the subject, but is not it
        return _JOINED.search(self.raw, self.seen[-1].mention.end, mention.start) is None

    def doer(self, place: int) -> tuple[str, str] | None:
        """Return the key of whoever does something to who is named at a place, and so is another one."""
        source = self._done_by.get(place)
        who = None if source is None else self.at(source)
        return None if who is None else (who.actor, who.name)

    def named_at(self, place: int) -> Mention | None:
        """Return the name that begins at a place, seen already or not."""
        at = bisect_left(self._starts, place)
        return self.cast.mentions[at] if at < len(self._starts) and self._starts[at] == place else None

    def at(self, source: Span) -> Mention | None:
        """Return the mention of whoever says or does something, also by a name that is still to come."""
        named, first = self.cast.mentions, bisect_right(self._starts, source[0])
        near = named[max(0, first - 2) : bisect_right(self._starts, source[1])]
        return meant_by(source, [*(one.mention for one in self.seen[-8:]), *near], self.raw)

    def quotation(self, place: int) -> Statement | None:
        """Return the outermost quotation round a place."""
        at = bisect_right(self._quote_starts, place)
        return next((one for one in self._quotes[max(0, at - 3) : at] if place < one.content[1]), None)


def standing_for(
    meant: Mention, span: Span, by: str, how: str, confidence: float, candidates: Sequence[str] = ()
) -> Mention:
    """Return the mention at a span that stands for the same as another one.

    Args:
        meant: the other one.
        span: where it is.
        by: what stands there, `pronoun` or `description`.
        how: what shows whom it stands for.
        confidence: of that; below `THRESHOLD`, a mention that may stand for several gets the actor `UNKNOWN`.
        candidates: the actors that it may stand for, the likeliest first.

    """
    different = tuple(dict.fromkeys(candidates))
    if confidence < THRESHOLD and len(different) > 1:
        return Mention(*span, UNKNOWN, by, how, False, round(confidence, 2), different[:5])
    confidence = max(confidence, THRESHOLD) if len(different) == 1 else confidence
    return Mention(*span, meant.actor, by, how, meant.known, round(confidence, 2), (), meant.name)


def speaker(source: Span, mentions: Sequence[Mention], raw: str) -> Mention | None:
    """Return the mention of whom a source speaks for, see `meant_by`: not of whose wife, critic or ex-minister it is.

    Example:
        >>> raw = "Haddad's wife"
        >>> meant_by((0, 13), [Mention(0, 6, "haddad")], raw).actor, speaker((0, 13), [Mention(0, 6, "haddad")], raw)
        ('haddad', None)

    """
    found = meant_by(source, mentions, raw)
    if found is None or (found.start <= source[0] and found.end >= source[1]):
        return found
    of, whose = _apart()
    if of.search(raw, source[0], found.start) or whose.match(raw, found.end, source[1]):
        return None
    left = _LEFT_BEHIND.match(raw, found.end, source[1])
    if found.end < source[1] or found.offices:  # else it names the one who has left: "former President Ana Lima"
        left = left or _LEFT.search(raw, source[0], found.start)
    return None if left and found.by_registry else found


@cache
def _apart() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What stands before and behind a name in a source that does not speak for it."""
    words = alternatives(roles()["apart"])
    between = r"(?:(?!and\b|or\b)[\w-]+\s+){0,2}?"
    return (
        re.compile(rf"\b(?:{words})\s+(?:of|to)\s+(?:the\s+)?\Z", re.IGNORECASE),
        re.compile(rf"(?:['’]s?)?\s+{between}(?:{words})(?![\w-])", re.IGNORECASE),
    )


def meant_by(source: tuple[int, int], mentions: Sequence[Mention], raw: str) -> Mention | None:
    """Return the mention that names the speaker in a source's span: the first in it, or the name that ends it.

    Args:
        source: where the source is in `raw`.
        mentions: mentions near it, in order.
        raw: the text.

    Example:
        >>> raw = "Turkish journalist Ana Lima"
        >>> meant_by((0, 27), [Mention(0, 7, "turkey"), Mention(19, 27, "ana_lima")], raw).actor
        'ana_lima'

    """
    first = last = None
    for one in mentions:
        if one.start < source[1] and source[0] < one.end:
            first = one if first is None or one.start < first.start else first
            last = one if last is None or one.start > last.start else last
    if first is None or last is None or first is last or last.end < source[1]:
        return first
    if not raw[last.start].isupper() and raw[first.end] != "-":  # "the Iran-backed group"
        return first
    return last if _JOINED.search(raw, first.end, last.start) is None else first
