"""Pronouns and descriptions to the actors they stand for, within one article and over a short distance.

By rule, with a confidence: the subject of the sentence or of the one before, of fitting number and gender. Below
`THRESHOLD` a mention is left unresolved: its actor is `UNKNOWN` and its candidates are named.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from actorstance.actors import UNKNOWN, Mention, Registry
from actorstance.cast import Cast
from actorstance.documents import Document
from actorstance.names import MAX_SENTENCE
from actorstance.quotes import Statement
from actorstance.roles import alternatives, is_given, roles

THRESHOLD = 0.6
REACH = 3  # sentences back, of a pronoun
_NEARNESS = (2.5, 2.0, 1.0, 0.5)  # what it counts, by sentences back
BACK = 200  # mentions back, of a description

_PRONOUN = re.compile(
    r"(?=[hstiwumo])(?<![\w’'-])(?:(?P<m>he|him|his|himself)|(?P<f>she|her|hers|herself)|(?P<plural>they|them|their)|(?P<thing>it|its)"
    r"|(?P<first>I|we|us|me|my|our)|(?P<relative>who|which))(?![\w-])",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset({"his", "their", "its", "my", "our"})
_OBJECTS = frozenset({"it", "him", "her", "them"})
_NO_NOUN = re.compile(
    r"\W*\Z|[^\w\s]|\s(?:of|for|to|in|on|over|as|with|by|from|at|and|but|that|when|while|after|before)\b"
)
_ITS = frozenset({"its", "it", "their", "they", "them"})  # of a body that speaks of itself
_DONE_TO = frozenset({"with", "from", "against", "to", "at", "on", "for", "by", "about", "of"})
_OURS = re.compile(r"this\s+(?:newspaper|daily|network|broadcaster)", re.IGNORECASE)  # who writes here
_JOINED = re.compile(r"[,;:()]|\s(?:and|or|of|for|in|at|on|from|to|by|with|who|which|that|as|than)\s", re.IGNORECASE)
_GENDERS = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "its": "n"}
# Behind "it" they say nothing of anybody: "it is clear", "it would help".
_BEING = re.compile(
    r"(?:is|was|'s|are|were|be(?:en)?|would|will|could|may|might|must|should|ha[sd]|(?:seem|appear)(?:s|ed)|takes|took|became)"
)

_PERSON_IN_OFFICE = re.compile(
    r"office: .*\b(?:president|minister|leader|spokesman|spokeswoman|chancellor|premier|king|queen|ambassador|envoy"
    r"|counterpart)$"
)


@cache
def _description() -> re.Pattern[str]:
    """What matches a description: "the senator", "the ruling party", "the regime", "all these groups"."""
    words = roles()
    kinds = "|".join(
        f"(?P<{kind}>{alternatives(words[f'described_{name}'])})"
        for kind, name in (("person", "persons"), ("body", "bodies"), ("state", "states"))
    )
    return re.compile(
        r"(?=[targ])(?:(?<![\w’'-])(?:(?P<bare>(?:the\s+)?(?:regime|government\s+(?:forces|troops|soldiers|officials)))(?![\w-]|\s+of\b)"
        r"|(?:the|this|that)\s+(?:(?:ruling|armed|militant|rebel|outgoing|former|embattled|central|federal|new)\s+)?"
        rf"(?:{kinds})(?![\w-]|\s+of\b))|(?:all\s+)?these\s+(?P<groups>groups|fighters|factions)\b)",
        re.IGNORECASE,
    )


@dataclass
class _Seen:
    """A mention that a later pronoun may stand for."""

    mention: Mention
    sentence: int
    kind: str  # person, organisation, group, state
    gender: str
    subject: bool
    said: str  # what the text calls it, in lower case; nothing if a pronoun or a description does
    quote: Statement | None  # in which it stands


def resolve(document: Document, cast: Cast, statements: Sequence[Statement], registry: Registry) -> list[Mention]:
    """Return the mentions by pronoun and description of a document, in order.

    Example:
        >>> from actorstance.documents import parse
        >>> from actorstance.cast import cast
        >>> from actorstance.quotes import statements
        >>> document = parse("d", "Ana Lima accused the board of lying. She said it had hidden the report.")
        >>> said, registry = statements(document), Registry({"board": ["board"]})
        >>> for mention in resolve(document, cast(document, registry, said), said, registry):
        ...     print(document.raw[mention.start:mention.end], mention.actor, mention.rule)
        She ana_lima pronoun: subject of the sentence before
        it board pronoun: named in the sentence before

    """
    return list(_Resolver(document, cast, statements, registry).mentions())


class _Resolver:
    def __init__(self, document: Document, cast: Cast, statements: Sequence[Statement], registry: Registry) -> None:
        self.document, self.raw, self.registry = document, document.raw, registry
        self.cast = cast
        self.sources = {one.source for one in statements if one.source is not None and one.rule != "according to"}
        # "it" in "it is clear", "it rained" is nobody
        self.doing = {one.source for one in statements if one.source is not None and not _BEING.fullmatch(one.rule)}
        said = [one for one in statements if one.kind in {"indirect", "mixed"}]
        self.told = {one.content[0] for one in said}
        self.done_by = {one.content[0]: one.source for one in statements if one.source is not None}
        self.said = sorted((one.content, one.source) for one in said if one.source is not None)
        self.genders: dict[tuple[str, str], str] = {}  # of those whom a pronoun has told, by actor and name
        self.quotes = sorted((one for one in statements if one.kind == "direct"), key=lambda one: one.content)
        self._ordered = sorted(self.sources)
        self.quote_starts = [one.content[0] for one in self.quotes]
        self.seen: list[_Seen] = []
        self.latest: dict[tuple[str, str], _Seen] = {}  # by actor and name
        self.resolved: list[Mention] = []

    def mentions(self) -> Iterator[Mention]:
        named = list(self.cast.mentions)
        position = 0
        later: list[tuple[re.Match[str], int]] = []
        for number, sentence in enumerate(self.document.sentences):
            here: list[tuple[int, Mention | re.Match[str]]] = []
            while position < len(named) and named[position].start < sentence.end:
                here.append((named[position].start, named[position]))
                position += 1
            spans = [(one.start, one.end) for _, one in here if isinstance(one, Mention)]
            for pattern in (_PRONOUN, _description()) if sentence.end - sentence.start <= MAX_SENTENCE else ():
                for found in pattern.finditer(self.raw, sentence.start, sentence.end):
                    if not any(start < found.end() and found.start() < end for start, end in spans):
                        here.append((found.start(), found))
            here.sort(key=lambda one: one[0])
            for _, one in here:
                if isinstance(one, Mention):
                    self._see(one, number)
                elif one.re is _PRONOUN and one["first"]:
                    later.append((one, number))
                elif (
                    mention := self._pronoun(one, number) if one.re is _PRONOUN else self._description(one, number)
                ) is not None:
                    if mention.actor != UNKNOWN:
                        self._see(mention, number)
                    yield mention
        self.resolved_starts = [one.start for one in self.resolved]
        for found, _ in later:  # the speaker may stand behind the quotation
            if (mention := self._first_person(found)) is not None:
                yield mention

    def _see(self, mention: Mention, sentence: int) -> None:
        entity = self.cast.entities.get((mention.start, mention.end))
        text = self.raw[mention.start : mention.end]
        earlier = self.latest.get((mention.actor, mention.name))
        if entity is not None:
            kind, gender = entity.kind, entity.gender
            text = " ".join([text, *sorted(entity.titles)])
        elif mention.rule == "group":
            kind, gender = "group", ""
        elif earlier is not None and mention.rule.startswith(("pronoun", "description")):
            kind, gender = earlier.kind, earlier.gender
        else:
            kind, gender = self._known(mention, text)
            if _PERSON_IN_OFFICE.search(mention.rule):
                kind = "person"
        if (
            not gender
            and kind in {"person", "name"}
            and mention.confidence >= THRESHOLD
            and (told := _GENDERS.get(text.lower()))
        ):
            self.genders[mention.actor, mention.name] = told
        self.resolved.append(mention)
        said = "" if mention.rule.startswith(("pronoun", "description")) else f"{text} {mention.rule}".lower()
        quote = self._inside_quote(mention.start)
        one = _Seen(mention, sentence, kind, gender, self._is_subject(mention), said, quote)
        self.seen.append(one)
        self.latest[mention.actor, mention.name] = one

    def _known(self, mention: Mention, text: str) -> tuple[str, str]:
        """Kind and gender of whom the registry names: a person, if one of the actor's names is a person's."""
        men, women = roles()["men"], roles()["women"]
        last = text.split()[-1]
        for alias in self.registry.aliases.get(mention.actor, ()):
            words = alias.split()
            if len(words) > 1 and words[-1] == last and is_given(given := words[0].lower()):
                return "person", "f" if given not in men else "m" if given not in women else ""
        return self.registry.kinds.get(mention.actor, "organisation"), ""

    def _is_subject(self, mention: Mention) -> bool:
        return any(
            start <= mention.start and mention.end <= end + 2
            for start, end in self._sources_near(mention.start, mention.end)
        )

    def _sources_near(self, start: int, end: int) -> list[tuple[int, int]]:
        at = bisect_right(self._ordered, (end, 0))
        return [one for one in self._ordered[max(0, at - 6) : at] if one[1] > start]

    # --- pronouns ---

    def _pronoun(self, found: re.Match[str], sentence: int) -> Mention | None:
        word = found[0].lower()
        span = found.span()
        if found["relative"]:
            return self._relative(span)
        if found["thing"]:
            if word == "it" and span not in self.doing and span[0] not in self.told:
                return None  # "it is clear", "it rained"
            kinds = {"organisation", "state"}
        elif found["plural"]:
            kinds = {"group", "state", "organisation"}
        else:
            kinds = {"person"}
        gender = "m" if found["m"] else "f" if found["f"] else ""
        return self._choose(span, sentence, kinds, gender, subject=span in self.sources, word=word)

    def _choose(
        self, span: tuple[int, int], sentence: int, kinds: set[str], gender: str, subject: bool, word: str
    ) -> Mention | None:
        scores: dict[tuple[str, str], tuple[float, _Seen]] = {}
        here, speaking = self._inside_quote(span[0]), self._speaking(span[0])
        others = self._others(span, word, here)
        for one in reversed(self.seen):
            back = sentence - one.sentence
            if back > REACH:
                break
            if one.kind not in kinds and not (one.kind == "name" and "group" not in kinds):
                continue
            key = (one.mention.actor, one.mention.name)
            if gender and (one.gender or self.genders.get(key, gender)) != gender:
                continue
            if key in others:
                continue
            if one.quote is not None and (here is None or one.quote.source != here.source):
                continue  # whoever speaks outside does not mean who is named inside
            score = _NEARNESS[back]
            if back == 0 and one.subject and word in {"his", "her", "its", "their"}:
                score += 0.5
            if one.subject:
                score += 2.0 if (subject or word in _POSSESSIVE or word == "her" or back == 0) else 1.0
            if gender and one.gender == gender:
                score += 0.5
            if any(start <= one.mention.start < end for start, end in speaking):
                score += 1.0  # "Lima said she": whoever speaks, though nobody has told that she is a woman
            if one.kind == "name":
                score -= 1.0
            if back == 0 and not one.subject and word in {"his", "her", "its", "their"}:
                score += 0.5
            if key not in scores or score > scores[key][0]:
                scores[key] = (score, one)
        if not scores:
            if kinds == {"person"}:
                return Mention(*span, UNKNOWN, "pronoun: nobody before it fits", False, 0.0)
            return None
        ranked = sorted(scores.values(), key=lambda one: -one[0])
        best = ranked[0]
        gap = best[0] - (ranked[1][0] if len(ranked) > 1 else 0.0)
        confidence = min(0.9, 0.5 + 0.2 * gap) if best[0] >= 1.5 else 0.4
        if kinds != {"person"}:
            confidence -= 0.05
        where = {0: "in the sentence", 1: "in the sentence before"}.get(sentence - best[1].sentence, "further up")
        role = "subject" if best[1].subject else "named"
        rule = (
            f"pronoun: {role} of{where.removeprefix('in')}"
            if role == "subject" and where.startswith("in")
            else f"pronoun: {role} {where}"
        )
        return self._made(span, best[1].mention, rule, confidence, [one[1].mention.actor for one in ranked])

    def _others(self, span: tuple[int, int], word: str, here: Statement | None) -> set[tuple[str, str]]:
        """Whom a pronoun cannot stand for: who does to it what is done, "Lima denied it", and who speaks of it."""
        told_by = [here.source] if here is not None and here.source is not None and word not in _ITS else []
        if span not in self.sources and word in _OBJECTS and (word != "her" or _NO_NOUN.match(self.raw, span[1])):
            before = self.raw.rfind(" ", 0, span[0] - 1) + 1
            start = before if self.raw[before : span[0] - 1] in _DONE_TO else span[0]
            told_by += [self.done_by[start]] if start in self.done_by else []
        found = set()
        for source in told_by:
            who = meant_by(source, [one.mention for one in self.seen[-8:]], self.raw)
            if who is not None and not self.raw.startswith(("'s ", "’s "), who.end):  # "Lima's lawyer praised her"
                found.add((who.actor, who.name))
        return found

    def _made(
        self, span: tuple[int, int], meant: Mention, rule: str, confidence: float, candidates: Sequence[str]
    ) -> Mention:
        different = tuple(dict.fromkeys(candidates))
        if confidence < THRESHOLD and len(different) > 1:
            return Mention(*span, UNKNOWN, rule, False, round(confidence, 2), different[:5])
        confidence = max(confidence, THRESHOLD) if len(different) == 1 else confidence
        return Mention(*span, meant.actor, rule, meant.known, round(confidence, 2), (), meant.name)

    def _speaking(self, place: int) -> list[tuple[int, int]]:
        """Where those stand who say, in a report without quotation marks, what stands at a place."""
        at = bisect_right(self.said, ((place, 1 << 60), (0, 0)))
        return [source for content, source in self.said[max(0, at - 6) : at] if place < content[1]]

    def _inside_quote(self, place: int) -> Statement | None:
        """The outermost quotation round a place."""
        at = bisect_right(self.quote_starts, place)
        return next((one for one in self.quotes[max(0, at - 3) : at] if place < one.content[1]), None)

    def _relative(self, span: tuple[int, int]) -> Mention | None:
        for one in reversed(self.seen):
            gap = self.raw[one.mention.end : span[0]]
            if len(gap) > 40:
                break
            if one.kind == "person" and self.raw[span[0] : span[1]].lower() == "which":
                continue
            if re.fullmatch(r"(?:['’]s?)?,?\s|,\s[^,.;]{1,38},\s", gap):
                return Mention(
                    *span, one.mention.actor, "pronoun: relative", one.mention.known, 0.85, (), one.mention.name
                )
        return None

    def _first_person(self, found: re.Match[str]) -> Mention | None:
        one = self._inside_quote(found.start())
        if one is None or one.source is None:
            return None
        at = bisect_right(self.resolved_starts, one.source[1])
        speaker = meant_by(one.source, self.resolved[max(0, at - 8) : at], self.raw)
        if speaker is None:
            return None
        confidence = 0.9 if found[0] in {"I", "me", "my", "My"} else 0.8
        return Mention(*found.span(), speaker.actor, "pronoun: speaker", speaker.known, confidence, (), speaker.name)

    # --- descriptions ---

    def _description(self, found: re.Match[str], sentence: int) -> Mention | None:
        span = found.span()
        if found["groups"]:
            return self._last(span, "groups", {"group"}, sentence)
        if found["bare"]:
            return self._state(span, "regime", sentence)
        if _OURS.match(found[0]):
            return None
        kind = "person" if found["person"] else "body" if found["body"] else "state"
        noun = re.sub(r"\s+", " ", found[kind].lower())
        if re.match(r"\s+(?:[A-Z]|['’]s\s+office)", self.raw[span[1] : span[1] + 12]):
            return None  # "the president Ivan Orlov": the name says it
        head = noun
        if noun.endswith(("ministry", "presidency")):  # whoever heads it speaks for the same actor
            head = noun.replace("ministry", "minister").replace("presidency", "president")
        for one in reversed(self.seen[-BACK:]):
            called = (noun in one.said and re.search(rf"\b{re.escape(noun)}\b", one.said)) or (
                head != noun
                and head in one.said
                and re.search(rf"(?<!prime )(?<!vice )\b{re.escape(head)}\b", one.said)
            )
            if called and (kind != "person" or one.kind == "person"):
                confidence = 0.85 if sentence - one.sentence <= REACH else 0.7
                return Mention(
                    *span,
                    one.mention.actor,
                    f"description: {noun}",
                    one.mention.known,
                    confidence,
                    (),
                    one.mention.name,
                )
        if kind == "state":
            return self._state(span, noun, sentence)
        if kind == "body" and noun in {
            "group",
            "movement",
            "militia",
            "organisation",
            "organization",
            "alliance",
            "company",
            "firm",
            "party",
            "union",
            "agency",
            "newspaper",
            "body",
            "bloc",
        }:
            return self._last(span, noun, {"organisation"}, sentence)
        return None

    def _state(self, span: tuple[int, int], noun: str, sentence: int) -> Mention | None:
        """The state whose government or army the article speaks of: by far the most often, else the only one near."""
        governed = Counter(
            one.mention.actor
            for one in self.seen
            if one.kind == "state"
            and re.search(r"office: .*\b(?:government|army|forces|troops|military|regime)", one.mention.rule)
        )
        ranked = governed.most_common(2)
        if ranked and (len(ranked) == 1 or ranked[0][1] >= 2 * ranked[1][1]):
            meant = next(one.mention for one in reversed(self.seen) if one.mention.actor == ranked[0][0])
            return Mention(*span, meant.actor, f"description: {noun}", meant.known, 0.65, (), meant.name)
        return self._last(span, noun, {"state"}, sentence)

    def _last(self, span: tuple[int, int], noun: str, kinds: set[str], sentence: int) -> Mention | None:
        """The last actor of a kind, unresolved if there are several of them near."""
        near = [one for one in reversed(self.seen) if sentence - one.sentence <= 2 and one.kind in kinds]
        if not near:
            return None
        actors = list(dict.fromkeys(one.mention.actor for one in near))
        confidence = 0.7 if len(actors) == 1 else 0.55
        return self._made(span, near[0].mention, f"description: {noun}", confidence, actors)


def meant_by(source: tuple[int, int], mentions: Sequence[Mention], raw: str) -> Mention | None:
    """Return the mention that names the speaker in a source's span: the first in it, or the name that ends it.

    Args:
        source: where the source stands in `raw`.
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
    if first is None or last is None or first is last or last.end < source[1] or not raw[last.start].isupper():
        return first
    return last if _JOINED.search(raw, first.end, last.start) is None else first
