"""One article, read: who is named, who says what, and the pairs of actors worth asking a model about."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from actorstance.actors import AUTHOR, UNKNOWN, Mention, Registry
from actorstance.documents import Document
from actorstance.mentions.cast import cast
from actorstance.mentions.coreference import resolve
from actorstance.mentions.discourse import speaker
from actorstance.speech.attribution import Statement
from actorstance.speech.quotes import statements

MAX_PAIRS = 72  # of one sentence: nine actors, each with each; a longer list of names says little about any two
NOWHERE = (-1, -1)
_EACH_OTHER = re.compile(r"(?:each other|one another)\b")
_WEAK = frozenset({"whose", "his", "her", "its", "their", "my", "our", "i", "we", "us", "me"})
COUNTED = (
    "mentions_registry",
    "mentions_rule",
    "mentions_unresolved",
    "statements",
    "statements_without_speaker",
    "pairs_left_out",
)

Names = Callable[[str], Sequence[tuple[int, int, str]]]  # text -> (start, end, kind) of the names in it


@dataclass(frozen=True)
class Pair:
    """A question to a model: where the source stands on the target in this sentence.

    `sentence` is its index in the document; the spans are of the mentions in the raw text, (-1, -1) where the sentence
    has none; `why` says where the pair comes from.
    """

    sentence: int
    source: str
    source_span: tuple[int, int]
    target: str
    target_span: tuple[int, int]
    why: str


@dataclass(frozen=True)
class Reading:
    """What was found in an article. `speakers` has the mention that makes each statement, None if nobody is named."""

    document: Document
    mentions: tuple[Mention, ...]
    statements: tuple[Statement, ...]
    speakers: tuple[Mention | None, ...]
    pairs: tuple[Pair, ...]
    counts: dict[str, int]


def read_actors(document: Document, registry: Registry, names: Names | None = None) -> Reading:
    """Read the actors of a document.

    Args:
        document: see `documents.read`.
        registry: the actors that are known; others are found as the article introduces them.
        names: finds names that the rules may miss, as spaCy's NER does (`ner.SpacyNames`); None for the rules alone.

    Example:
        >>> from actorstance.documents import parse
        >>> document = parse("d", "Turkey's president, Ana Lima, said no. She accused Russia of breaking the truce.")
        >>> reading = read_actors(document, Registry({"turkey": ["Turkey"], "russia": ["Russia"]}))
        >>> [(pair.sentence, pair.source, pair.target, pair.why) for pair in reading.pairs if pair.source != "AUTHOR"]
        [(1, 'turkey', 'russia', 'speaks: accused'), (1, 'russia', 'turkey', 'named together')]

    """
    said = [each for one in statements(document) for each in one.by_each()]
    found = cast(document, registry, said, names(document.raw) if names else ())
    more = resolve(document, found, said, registry)
    mentions = sorted([*found.mentions, *more], key=lambda one: (one.start, -one.end))
    starts = [one.start for one in mentions]
    speakers = [
        None if one.source is None else speaker(one.source, _near(mentions, starts, one.source), document.raw)
        for one in said
    ]
    said, speakers = _told_once(said, speakers)
    asked = _Asker(document, mentions, said, speakers)
    pairs = list(asked.pairs())
    counts = Counter(
        {
            "mentions_registry": sum(one.by_registry and one.actor != UNKNOWN for one in mentions),
            "mentions_rule": sum(not one.by_registry and one.actor != UNKNOWN for one in mentions),
            "mentions_unresolved": sum(one.actor == UNKNOWN for one in mentions),
            "statements": sum(one.kind != "act" for one in said),
            "statements_without_speaker": sum(
                one.kind != "act" and (who is None or who.actor == UNKNOWN)
                for one, who in zip(said, speakers, strict=True)
            ),
            "pairs_left_out": asked.left_out,
        }
    )
    counts.update({f"left_out: {reason}": number for reason, number in found.left_out.items() if number})
    return Reading(document, tuple(mentions), tuple(said), tuple(speakers), tuple(pairs), dict(counts))


def _told_once(
    said: Sequence[Statement], speakers: Sequence[Mention | None]
) -> tuple[list[Statement], list[Mention | None]]:
    """Drop the duplicates of a statement whose one speaker was taken for several: "Bosnia and Herzegovina"."""
    kept: dict[tuple[object, ...], tuple[Statement, Mention | None]] = {}
    for at, (one, who) in enumerate(zip(said, speakers, strict=True)):
        kept.setdefault((who, one.kind, one.cue, one.content) if one.joined else (at,), (one, who))
    return [one for one, _ in kept.values()], [who for _, who in kept.values()]


def _near(mentions: Sequence[Mention], starts: Sequence[int], span: tuple[int, int]) -> Sequence[Mention]:
    return mentions[max(0, bisect_left(starts, span[0]) - 2) : bisect_right(starts, span[1])]


class _Asker:
    """Makes the pairs of a document, sentence by sentence."""

    def __init__(
        self,
        document: Document,
        mentions: Sequence[Mention],
        said: Sequence[Statement],
        speakers: Sequence[Mention | None],
    ) -> None:
        self.document, self.mentions = document, mentions
        self.starts = [one.start for one in mentions]
        self.said = sorted(zip(said, speakers, strict=True), key=lambda one: one[0].content[0])
        self.quotes = sorted(one.content for one in said if one.kind == "direct")
        self.left_out = 0

    def pairs(self) -> Iterator[Pair]:
        first = 0
        longest = max((one.content[1] - one.content[0] for one, _ in self.said), default=0)
        for number, sentence in enumerate(self.document.sentences):
            while first < len(self.said) and self.said[first][0].content[0] < sentence.start - longest:
                first += 1
            inside = []
            for at in range(first, len(self.said)):
                one, who = self.said[at]
                if one.content[0] >= sentence.end:
                    break
                if one.content[1] > sentence.start:
                    inside.append((one, who))
            found = list(self._of_sentence(number, inside))
            self.left_out += max(0, len(found) - MAX_PAIRS)
            yield from found[:MAX_PAIRS]

    def _of_sentence(self, number: int, inside: list[tuple[Statement, Mention | None]]) -> Iterator[Pair]:
        sentence = self.document.sentences[number]
        here = self.mentions[bisect_left(self.starts, sentence.start) : bisect_left(self.starts, sentence.end)]
        spans: dict[str, list[tuple[int, int]]] = {}
        weak = []
        for one in here:
            if one.actor != UNKNOWN and _is_weak(one, self.document.raw):
                weak.append(one)
            elif one.actor != UNKNOWN:
                spans.setdefault(one.actor, []).append((one.start, one.end))
        for one in weak:  # possessives and "I" stand for an actor only where nothing else does
            if one.actor not in spans or self._only_weak(spans[one.actor]):
                spans.setdefault(one.actor, []).append((one.start, one.end))
        speaking, acting = self._told(inside, spans)
        for target, places in spans.items():
            if any(not self._quoted(start) for start, _ in places):
                yield Pair(number, AUTHOR, NOWHERE, target, places[0], "author")
        for source, target in permutations(spans, 2):
            why = speaking.get((source, target)) or acting.get((source, target)) or "named together"
            yield Pair(number, source, spans[source][0], target, spans[target][0], why)
        for (source, target), why in speaking.items():
            if source not in spans:
                yield Pair(number, source, NOWHERE, target, spans[target][0], why)

    def _told(
        self, inside: list[tuple[Statement, Mention | None]], spans: dict[str, list[tuple[int, int]]]
    ) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
        """(who speaks or acts, target) -> the reason, for everybody who is spoken of or acted on.

        Of the statements that one speaker makes of a target, the narrowest gives it: the last, as they come in order.
        """
        speaking: dict[tuple[str, str], str] = {}
        acting: dict[tuple[str, str], str] = {}
        for one, who in inside:
            if one.kind == "act" and who is None:
                continue
            found, told = (acting, "acts") if one.kind == "act" else (speaking, "speaks")
            speaker = UNKNOWN if who is None else who.actor
            for target, places in spans.items():
                told_of = any(one.is_of(start) or self._reciprocal(one, start) for start, _ in places)
                if target != speaker and told_of:
                    found[speaker, target] = f"{told}: {one.rule}"
        return speaking, acting

    def _reciprocal(self, one: Statement, place: int) -> bool:
        """Whether a place is in another of those who say or do something to each other."""
        if not one.joined or _EACH_OTHER.match(self.document.raw, one.content[0]) is None:
            return False
        return any(start <= place < end for start, end in one.joined if (start, end) != one.source)

    def _only_weak(self, spans: list[tuple[int, int]]) -> bool:
        return all(self.document.raw[start:end].lower() in _WEAK for start, end in spans)

    def _quoted(self, place: int) -> bool:
        at = bisect_right(self.quotes, (place, 1 << 60))
        return any(start <= place < end for start, end in self.quotes[max(0, at - 3) : at])


def _is_weak(mention: Mention, raw: str) -> bool:
    """Whether a mention is a possessive or the speaker's own "I"."""
    return mention.by == "pronoun" and raw[mention.start : mention.end].lower() in _WEAK
