"""The names in an article: which of them are actors, and which are one and the same.

A name that the registry knows is its actor. Who speaks for an actor is that actor ("Kremlin spokesman Ivan Orlov"). Any
other person, body or group becomes an actor of the article's own, if the article shows that it is one: by a title, a
given name, the last word of an organisation's name, or since it says or does something.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from actorstance.actors import Mention, Registry
from actorstance.documents import Document
from actorstance.quotes import Statement

Span = tuple[int, int]

OFTEN = 4  # mentions, from which a name that does nothing is one that the article is about

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽȘȚ"
_WORD = rf"(?:(?:[A-Z]\.)+|(?:al|el|ul|ash|as)-[{_UPPER}][^\W_]+|[{_UPPER}][^\W_]*(?:['’‘](?!s\b)[^\W_]+|-[{_UPPER}][^\W_]+)*)"
_PARTICLE = r"(?:(?:bin|ibn|abu|al|el|de|da|di|du|del|della|der|den|van|von|la|le|dos|ter)\s)*"
_SEQUENCE = re.compile(rf"(?<![^\W_])(?<!-){_WORD}(?:\s{_PARTICLE}{_WORD})*(?![^\W_])")
_ABBREVIATED = re.compile(r"(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Gen|Lt|Col|St|Prof|Rev|Capt|Sgt|Adm|Maj|Jr|Sr|Sens|Reps)\Z")
_LINK = re.compile(rf"\s(?:of|for|on)\s(?:the\s)?(?={_WORD})")
_AND = re.compile(  # "Department of Health and Human Services", not "the Ministry of Health and Ana Lima"
    r"\sand\s(?=(?:Human|Technology|Welfare|Security|Development|Services|Information|Tourism|Culture|Sports?|Labou?r|Energy|Trade"
    r"|Industry|Commerce|Economy|Education|Sciences?|Research|Innovation|Urban|Democracy|Rights|Justice|Peace|Prevention|Water|Food"
    r"|Rural|Mines|Budget|Cooperation|Co-operation|Immigration|Customs|Medicine|Agriculture|Firearms|Drug)\b)"
)
_ACRONYM = re.compile(r"\s\(([A-Z][A-Z&.]{1,9})\)")
_OF_A_PERSON = re.compile(r"\s(administration|campaign|family|camp)(?![\w-])")  # "the Okoro campaign" is not Okoro
_MODIFIER = (
    r"(?:(?:top|senior|acting|interim|new|deputy|chief|military|state|national|federal|outgoing|elite|naval|own|hard-line"
    r"|ruling|central|caretaker|transitional|democratically|elected|civilian|top|government)\s+)?"
)
_NOT_HOLDING = re.compile(r"\b(?:former|ex-|late|onetime|one-time|then-|would-be|critic|opponent|rival|opposition)\b|\bex-", re.I)


@cache
def roles() -> dict[str, frozenset[str]]:
    """Return the word lists of roles.yaml."""
    table = yaml.safe_load((Path(__file__).parent / "roles.yaml").read_text(encoding="utf-8"))
    del table["groups"], table["nicknames"]
    return {name: frozenset(word.strip() for word in words.split(",")) for name, words in table.items()}


@cache
def _groups() -> tuple[re.Pattern[str], dict[str, str]]:
    table = yaml.safe_load((Path(__file__).parent / "roles.yaml").read_text(encoding="utf-8"))["groups"]
    group_of = {form.strip(): group for group, forms in table.items() for form in forms.split(",")}
    return _any_of(group_of, r"(?:(?:holdout|armed|radical|moderate|anti-government|pro-government|local|displaced)\s)?"), group_of


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    words = roles()
    office = _alternatives(words["offices"])
    return {
        "office": re.compile(rf"(?:['’]s|['’])?\s+{_MODIFIER}((?:{office})(?:\s+(?:{office}))*)(?![\w-])", re.I),
        "head": re.compile(rf"([\w’'.-]+)\s+((?:{_alternatives(words['heads'])}))\s+$", re.I),
        "title": re.compile(rf"(?<![\w-])({_alternatives(words['titles'])})\.?\s+$", re.I),
        "role": re.compile(rf"\b(?:{_alternatives(words['heads'] | words['offices'])})\b", re.I),
        "place_before": re.compile(rf"\b(?:{_alternatives(words['places_before'])})\s+(?:the\s+)?$", re.I),
        "motion": re.compile(
            r"\b(?:go|goes|going|went|gone|fly|flies|flew|flown|travel\w*|return\w*|trips?|visits?|flights?|head|headed|heading|arriv\w+"
            r"|mov\w+|back|road|roads|way|route|drive|drove|march\w*|link\w*|fled|flee|fleeing|close)\s+(?:to|for|from)\s+(?:the\s+)?$",
            re.I,
        ),
        "place_after": re.compile(rf"\s+(?:{_alternatives(words['places_after'])})\b", re.I),
    }


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))


def _any_of(words: Iterable[str], before: str = "") -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){before}({_alternatives(words)})(?![\w’'-]*[^\W_])(?=\W|$)|(?<![\w-])({_alternatives(words)})(?=-(?:held|controlled|backed|led|run|dominated)\b)", re.I)


@dataclass
class Entity:
    """Somebody or something that an article names: the words of the fullest name, and the actor it belongs to."""

    words: tuple[str, ...]
    kind: str = "name"  # person, organisation, group, state; name where nobody can say
    actor: str = ""
    known: bool = False
    gender: str = ""  # m, f
    owner_rule: str = ""
    evidence: bool = False
    count: int = 0
    first: int = 0
    aliases: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return " ".join(self.words)


@dataclass
class _Name:
    """One name in the text, before anybody knows whose."""

    start: int
    end: int
    words: tuple[str, ...]
    title: str = ""
    owner: str = ""
    owner_rule: str = ""
    kind: str = ""
    entity: Entity | None = None
    initial: bool = False  # opens a sentence, where any word has a capital


@dataclass
class Cast:
    """The named mentions of an article, in order, the entity of each, and how many names were left out and why."""

    mentions: list[Mention]
    entities: dict[Span, Entity]
    left_out: Counter[str]


def _given_alike(one: str, other: str) -> bool:
    """Whether two given names can be one person's: equal, or one short for the other."""
    nicknames = _nicknames()
    return one == other or nicknames.get(one.lower(), one.lower()) == nicknames.get(other.lower(), other.lower())


@cache
def _nicknames() -> dict[str, str]:
    table = yaml.safe_load((Path(__file__).parent / "roles.yaml").read_text(encoding="utf-8"))["nicknames"]
    return {short.strip(): name for name, shorts in table.items() for short in shorts.split(",")}


def slug(name: str) -> str:
    """Return the id of an actor of the article's own.

    Example:
        >>> slug("Recep Tayyip Erdoğan")
        'recep_tayyip_erdogan'

    """
    plain = unicodedata.normalize("NFKD", name).replace("ı", "i").encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return found if found[:1].isalpha() else f"actor_{found}" if found else "actor"


def cast(document: Document, registry: Registry, statements: Sequence[Statement], extra: Sequence[tuple[int, int, str]] = ()) -> Cast:
    """Find the named actors of a document.

    Args:
        document: the article.
        registry: the actors that are known.
        statements: what is said in it: who says or does something is an actor.
        extra: names that something else has found: (start, end, kind), kind `person` or `organisation`.

    Example:
        >>> from actorstance.documents import parse
        >>> from actorstance.quotes import statements
        >>> text = "Kremlin spokesman Ivan Orlov told reporters that Ana Lima was wrong. Lima disagreed with Orlov."
        >>> document = parse("d", text)
        >>> found = cast(document, Registry({"russia": ["Russia", "Kremlin"]}), statements(document))
        >>> [(document.raw[m.start:m.end], m.actor, m.known) for m in found.mentions]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('Kremlin spokesman Ivan Orlov', 'russia', True), ('Ana Lima', 'ana_lima', False),
         ('Lima', 'ana_lima', False), ('Orlov', 'russia', True)]

    """
    return _Caster(document, registry, statements, extra).find()


class _Caster:
    def __init__(
        self, document: Document, registry: Registry, statements: Sequence[Statement], extra: Sequence[tuple[int, int, str]]
    ) -> None:
        self.raw, self.document, self.registry = document.raw, document, registry
        self.words, self.patterns = roles(), _patterns()
        self.sources = sorted({one.source for one in statements if one.source is not None})
        self.source_starts = [start for start, _ in self.sources]
        self.speakers = {one.source for one in statements if one.source and one.kind != "act"}
        self.objects = {one.content[0] for one in statements if one.kind != "act"}
        self.extra = {(start, end): kind for start, end, kind in extra}
        self.left_out: Counter[str] = Counter()
        self.lower = set(re.findall(r"(?<![\w’'-])[a-z][a-z'’-]+", self.raw))
        self.entities: list[Entity] = []
        self.by_last: defaultdict[str, list[Entity]] = defaultdict(list)
        self.by_alias: dict[str, Entity] = {}

    def find(self) -> Cast:
        known = self._registry_mentions()
        names: list[_Name] = []
        mentions: list[tuple[Mention, Entity | None]] = []
        for sentence in self.document.sentences:
            inside = [one for one in known if sentence.start <= one[0].start and one[0].end <= sentence.end]
            found, more = self._sentence(sentence.start, sentence.end, inside)
            names += found
            mentions += [(one, None) for one in more]
        self._introduce(names)
        self._announced(names, known)
        self._link(names)
        for name in names:
            self._weigh(name)
        for name in names:
            if name.entity is not None and (mention := self._mention(name)) is not None:
                mentions.append((mention, name.entity))
        mentions.sort(key=lambda one: (one[0].start, -one[0].end))
        kept: list[tuple[Mention, Entity | None]] = []
        for one in mentions:
            if not kept or one[0].start >= kept[-1][0].end:
                kept.append(one)
        entities = {(m.start, m.end): e for m, e in kept if e is not None}
        return Cast([m for m, _ in kept], entities, self.left_out)

    # --- what the registry knows ---

    def _registry_mentions(self) -> list[tuple[Mention, str]]:
        """The registry's mentions that act: neither places nor names of which the text shows no sure sign."""
        found = self.registry.named(self.raw, self.document.date)
        sure = {mention.actor for mention, kind in found if kind != "unsure"}
        kept = []
        for mention, kind in found:
            if kind == "unsure" and mention.actor not in sure:
                self.left_out["a name with another common meaning"] += 1
            elif self._is_place(mention, kind):
                self.left_out["a capital or seat as a place"] += kind == "seats"
            else:
                kept.append((mention, kind))
        return kept

    def _is_place(self, mention: Mention, kind: str) -> bool:
        after = self.raw[mention.end : mention.end + 24]
        if kind == "people":
            return False
        if kind != "seats":
            return re.match(r"-(?:based|born|made|style|language|speaking|built)\b", after) is not None
        before = self.raw[max(0, mention.start - 40) : mention.start]
        return bool(
            self.patterns["place_before"].search(before)
            or self.patterns["motion"].search(before)
            or self.patterns["place_after"].match(after)
            or re.match(r"-(?:based|born|area)\b", after)
        )

    # --- the names of one sentence ---

    def _sentence(self, start: int, end: int, known: list[tuple[Mention, str]]) -> tuple[list[_Name], list[Mention]]:
        raw = self.raw
        names: list[_Name] = []
        mentions: list[Mention] = []
        taken = self._groups_in(start, end, known, mentions)
        free = start
        owners = self._offices(known, end, taken)
        for first, last in self._sequences(start, end):
            if first < free:
                continue
            inside = [one for one in owners if first <= one[0].start < last or one[0].start <= first < one[1] or (one[1] > one[0].end and one[1] == first - 1)]
            covering = next((one for one in inside if one[0].start <= first and one[1] >= last), None)
            if covering is not None:
                continue
            if inside:
                name = self._beside(inside, first, last, start)
            else:
                name = self._name(first, last, start)
            if name is not None:
                if (more := _OF_A_PERSON.match(raw, name.end, end)) and not name.owner:
                    name.words, name.end, name.kind = (*name.words, more[1]), more.end(), "organisation"
                names.append(name)
                free = max(free, name.end)
        for mention, stop, rule, _kind in owners:
            # a person behind the office takes the whole phrase; a longer name takes the name inside it
            if any(name.start <= mention.start and mention.end <= name.end for name in names):
                continue
            mentions.append(Mention(mention.start, stop, mention.actor, rule, mention.known, mention.confidence, mention.candidates))
        mentions = [one for one in mentions if not any(n.start < one.end and one.start < n.end for n in names)]
        _ = raw
        return names, mentions

    def _groups_in(self, start: int, end: int, known: list[tuple[Mention, str]], mentions: list[Mention]) -> list[Span]:
        """Add mentions of groups, which take the adjective before them: "Syrian rebels" are no state."""
        pattern, group_of = _groups()
        taken: list[Span] = []
        for found in pattern.finditer(self.raw, start, end):
            form = re.sub(r"\s+", " ", (found[1] or found[2]).lower())
            group = group_of[form]
            first = found.start()
            owner = next((m for m, kind in known if kind == "people" and 0 <= first - m.end <= 2), None)
            if owner is not None and group == "police":
                continue  # of that state
            if self.raw[found.start() : found.start() + 1].isupper() and first != start:
                continue  # part of a name
            follows = self.raw[found.end() : found.end() + 20]
            singular = not form.endswith("s") and form not in {"police", "opposition", "news media", "staff", "the media", "the press", "displaced people"}
            if singular and re.match(r"\s+[a-z]|-", follows) is None and form not in {"rebel"}:
                continue
            if owner is not None:
                first = owner.start
                taken.append((owner.start, owner.end))
            actor = group if group not in self.registry.aliases else f"{group}_group"
            mentions.append(Mention(first, found.end(), group if group in self.registry.aliases else actor, "group", False, 0.8, name=form))
        return taken

    def _offices(self, known: list[tuple[Mention, str]], end: int, taken: list[Span]) -> list[tuple[Mention, int, str, str]]:
        """(mention, end of the office behind it, rule, kind): "Turkish presidency", "Russia's foreign ministry"."""
        result: list[tuple[Mention, int, str, str]] = []
        for mention, kind in known:
            if (mention.start, mention.end) in taken:
                continue
            stop, rule = mention.end, mention.rule
            found = self.patterns["office"].match(self.raw, mention.end, end)
            if found and not re.search(r"\n", found[0]):
                stop = found.end()
                rule = f"{mention.rule}, office: {re.sub(chr(92) + 's+', ' ', found[1].lower())}"
            elif kind == "people" and self.patterns["place_after"].match(self.raw, mention.end, end):
                self.left_out["an adjective of a place"] += 1
                continue
            result.append((mention, stop, rule, kind))
        return result

    def _sequences(self, start: int, end: int) -> Iterator[Span]:
        """Stretches of capitalised words; the names of bodies go on over "of" and "for"."""
        at = start
        bodies = self.words["bodies"]
        while found := _SEQUENCE.search(self.raw, at, end):
            first, last = found.span()
            while last < end and self.raw[last] == "." and _ABBREVIATED.search(self.raw[max(first, last - 5) : last].split()[-1]):
                more = re.compile(rf"\.\s{_WORD}(?:\s{_PARTICLE}{_WORD})*").match(self.raw, last, end)
                if more is None:
                    break
                last = more.end()
            words = self.raw[first:last].lower().split()
            if words[-1] in bodies or words[-1] in {"ministry", "president", "minister", "secretary", "representatives", "voice"}:
                linked = _LINK.match(self.raw, last, end)
                if linked and (more := _SEQUENCE.match(self.raw, linked.end(), end)) and words[-1] not in {"president", "minister"}:
                    last = more.end()
                    if (again := _AND.match(self.raw, last, end)) and (more := _SEQUENCE.match(self.raw, again.end(), end)):
                        last = more.end()
            yield first, last
            at = last

    def _beside(self, inside: list[tuple[Mention, int, str, str]], first: int, last: int, start: int) -> _Name | None:
        """A stretch of capitals that holds a known name and more: a person in office, or another body's name."""
        mention, stop, _rule, kind = inside[-1]
        before, rest = (first, mention.start), self.raw[stop:last]
        if stop == first - 1:
            tail, rest = self.raw[first:last], self.raw[first:last]
        else:
            tail = rest.strip(" '’s") if rest.startswith(("'s", "’s")) else rest.strip()
        words = self.raw[first:last].split()
        if not tail or stop >= last or (stop > mention.end and kind == "unsure"):  # the known name ends it: "West Virginia", "Bank of America"
            lead = self.raw[before[0] : before[1]].strip()
            if lead and lead.lower().split()[0] in self.words["bodies"] | {"voice"} and " of " in lead + " ":
                return None if self.patterns["role"].fullmatch(lead.split()[0]) else self._name(first, last, start)
            if lead and mention.start > first and kind != "people":
                return self._name(first, mention.start - 1, start)
            return None
        offset = self.raw.index(tail, stop)
        office = stop > mention.end
        if office:
            if _NOT_HOLDING.search(self.raw[max(start, mention.start - 12) : stop]):
                return self._name(offset, last, start)
            name = self._name(offset, last, start)
            if name is not None:
                name.start = mention.start
                name.owner, name.kind = mention.actor, "person"
                name.owner_rule = f"title: {self.raw[mention.start:stop]}"
            return name
        if words[0] in {w.capitalize() for w in self.words["men"] | self.words["women"]} and mention.start == first:
            return self._name(first, last, start)
        if words[-1].lower() in self.words["bodies"] or re.search(r" (?:of|for) ", self.raw[first:last]):
            name = self._name(first, last, start)
            if name is not None:
                name.kind = "organisation"
            return name
        if kind == "people" or self._behind_title(offset, last)[1]:
            return self._name(offset, last, start)
        return None

    def _name(self, first: int, last: int, start: int) -> _Name | None:
        """A name without the words round it that are none: articles, days, titles."""
        raw, stop = self.raw, self.words["not_names"]
        title = ""
        initial = first <= start + 1
        first, title = self._behind_title(first, last)
        initial = initial and not title
        while first < last:
            piece = raw[first:last]
            word = re.match(r"\S+", piece)[0]  # type: ignore[index]
            plain = word.lower().rstrip(".").replace("’", "'")
            rest = first + len(word) + len(piece[len(word) :]) - len(piece[len(word) :].lstrip())
            common = initial and plain in self.lower and not self._given(plain) and not title
            if plain in stop or plain in self.words["titles"] and rest >= last or (common and rest < last):
                first, initial = rest, False
            else:
                break
        words = raw[first:last].split()
        while len(words) > 1 and words[-1].lower().strip(".") in self.words["not_names"] - {"jr", "sr", "war", "act", "bill"}:
            last = first + raw[first:last].rindex(words[-1])
            while last > first and raw[last - 1].isspace():
                last -= 1
            words = raw[first:last].split()
        if first >= last or not re.search(r"[^\W\d_]{2}|^[A-Z]$", raw[first:last]) or len(words) > 9:
            return None
        if len(words) == 1 and words[0].lower() in stop:
            return None
        name = _Name(first, last, tuple(words), title, initial=initial)
        self._before(name, start)
        return name

    def _behind_title(self, first: int, last: int) -> tuple[int, str]:
        """Where the name behind the last title in a stretch begins, and the title: "Senate Majority Leader Ana Lima"."""
        places = [found.span() for found in re.finditer(r"\S+", self.raw[first:last])]
        words = [self.raw[first + a : first + b].lower().rstrip(".,").replace("’", "'") for a, b in places]
        if words[-1] in self.words["bodies"]:
            return first, ""
        for at in range(len(words) - 1, 0, -1):
            for long in (3, 2, 1):
                if at >= long and " ".join(words[at - long : at]) in self.words["titles"] and words[at] not in self.words["bodies"] | {"jr", "sr"}:
                    return first + places[at][0], " ".join(words[at - long : at])
        return first, ""

    def _given(self, word: str) -> bool:
        return word in self.words["men"] or word in self.words["women"]

    def _before(self, name: _Name, start: int) -> None:
        """What stands before a name: a title in lower case, or a role and whose it is."""
        before = self.raw[max(start, name.start - 60) : name.start]
        if not name.title and (found := self.patterns["title"].search(before)):
            name.title = found[1].lower()
        if (found := self.patterns["head"].search(before)) and not _NOT_HOLDING.search(before[-40:]):
            name.owner_rule = f"{found[1]} {found[2]}".lower()
            if not name.title:
                name.title = found[2].lower()

    # --- who is who ---

    def _introduce(self, names: list[_Name]) -> None:
        """Make the entities of names of several words, and of those with a title."""
        for name in names:
            if len(name.words) > 1:
                entity = self._same(name) or self._new(name)
                self._join(entity, name)
        for at, name in enumerate(names):
            if name.entity is not None:
                self._owner(name, names[at - 1] if at else None)

    def _same(self, name: _Name) -> Entity | None:
        """An entity of the same name: word for word, or with a first and last name in common."""
        for entity in self.by_last[name.words[-1]]:
            shorter, longer = sorted((name.words, entity.words), key=len)
            if shorter == longer:
                return entity
            if entity.kind == "organisation" or name.kind == "organisation":
                continue
            if shorter[-1] == longer[-1] and _given_alike(shorter[0], longer[0]):
                return entity
            if len(shorter) > 1 and set(shorter) <= set(longer) and entity.kind != "organisation":
                return entity
        return None

    def _new(self, name: _Name) -> Entity:
        entity = Entity(name.words, first=name.start)
        self.entities.append(entity)
        self.by_last[name.words[-1]].append(entity)
        return entity

    def _join(self, entity: Entity, name: _Name) -> None:
        name.entity = entity
        entity.count += 1
        if len(name.words) > len(entity.words):
            entity.words = name.words
        first, last = name.words[0].lower(), name.words[-1].lower().rstrip(".")
        body = last in self.words["bodies"] or last in {"family", "camp"} or any(word in {"of", "for"} for word in name.words) or name.kind == "organisation"
        extra = self.extra.get((name.start, name.end))
        if extra:
            entity.kind, entity.evidence = extra, True
        elif name.kind == "person" or (name.title and not body) or (self._given(first) and not (body and last not in {"house", "port", "star", "guard", "press", "post"} and len(name.words) > 2)):
            entity.kind, entity.evidence = "person", True
        elif body and entity.kind == "name":
            entity.kind, entity.evidence = "organisation", True
        if not entity.gender:
            if first in self.words["men"] and first not in self.words["women"] or name.title in {"mr", "king", "prince", "sir", "lord", "congressman"}:
                entity.gender = "m"
            elif first in self.words["women"] or name.title in {"mrs", "ms", "miss", "queen", "princess", "dame", "lady", "congresswoman", "spokeswoman", "chairwoman"}:
                entity.gender = "f"
        if acronym := _ACRONYM.match(self.raw, name.end):
            self.by_alias[acronym[1]] = entity
        if len(name.words) > 2 or entity.kind == "organisation":
            self.by_alias.setdefault("".join(word[0] for word in name.words if word[0].isupper()), entity)

    def _owner(self, name: _Name, before: _Name | None) -> None:
        """Whom a person speaks for, by the title before the name or the apposition behind it."""
        entity = name.entity
        assert entity is not None
        if entity.actor:
            return
        if name.owner:
            self._belongs(entity, name.owner, name.owner_rule)
            return
        if name.owner_rule and (owner := self._body_called(name.owner_rule.split()[0])):
            self._belongs(entity, owner[0], name.owner_rule, owner[1])
            return
        sentence_end = self._sentence_end(name.end)
        if entity.kind != "organisation" and (found := re.compile(r"(?:\s\([^)]{1,12}\))?,\s([^,.;:“”\"]{3,90})[,.;]").match(self.raw, name.end, sentence_end)):
            words = found[1]
            role = self.patterns["role"].search(words)
            if role and not _NOT_HOLDING.search(words):
                owners = [m for m, _ in self.registry.named(words, self.document.date) if m.known]
                if owners:
                    self._belongs(entity, owners[0].actor, f"apposition: {words.strip()}")
                else:
                    entity.kind, entity.evidence = "person", True
            elif re.match(r"(?:a|an|the|who)\s|\d\d\b", words) and entity.kind == "name":
                entity.evidence = True
        if not entity.actor and name.title in self.words["offices"] and (found := re.compile(r"\sof\s(?:the\s)?").match(self.raw, name.end)):
            owners = [m for m, _ in self.registry.named(self.raw[found.end() : found.end() + 40], self.document.date)]
            if owners and owners[0].start == 0:
                self._belongs(entity, owners[0].actor, f"title: {name.title} … of {self.raw[found.end():found.end() + owners[0].end]}")

    def _announced(self, names: list[_Name], known: list[tuple[Mention, str]]) -> None:
        """Join who opens a sentence by full name, without a title, to the office that opened the one before.

        "Turkey's president accused Russia. Recep Tayyip Erdogan threatened …"
        """
        opening = {sentence.start: at for at, sentence in enumerate(self.document.sentences)}
        seen: set[int] = set()
        for name in names:
            entity = name.entity
            if entity is None or id(entity) in seen:
                continue
            seen.add(id(entity))
            at = opening.get(name.start, 0)
            if not at or entity.actor or name.title or len(name.words) < 2 or entity.kind == "organisation":
                continue
            before = self.document.sentences[at - 1]
            for mention, _ in known:
                if before.start <= mention.start <= before.start + 16 and (
                    office := self.patterns["office"].match(self.raw, mention.end, before.end)
                ):
                    if re.fullmatch(r"(?:vice |deputy )?(?:president|prime minister|premier|leader|chancellor|king|queen|\w+ minister)", office[1], re.I):
                        self._belongs(entity, mention.actor, f"announced as {self.raw[mention.start:office.end()]}", mention.known)
                        break

    def _sentence_end(self, place: int) -> int:
        starts = [sentence.start for sentence in self.document.sentences]
        return self.document.sentences[bisect_right(starts, place) - 1].end

    def _belongs(self, entity: Entity, actor: str, rule: str, known: bool = True) -> None:
        entity.actor, entity.known, entity.owner_rule, entity.evidence, entity.kind = actor, known, rule, True, "person"

    def _body_called(self, word: str) -> tuple[str, bool] | None:
        """The body that a word means: a known actor, or one of the article's own with that word in its name."""
        plain = re.sub(r"['’]s?$", "", word)
        for mention, _ in self.registry.named(plain[:1].upper() + plain[1:], self.document.date):
            return (mention.actor, True) if mention.known else None
        for entity in self.entities:
            if entity.kind == "organisation" and plain in (part.lower() for part in entity.words):
                return self._actor_of(entity), entity.known
        return None

    def _link(self, names: list[_Name]) -> None:
        """Give the names of one word an entity: a surname, an abbreviation, or one of their own."""
        counts = Counter(name.words[0] for name in names if len(name.words) == 1)
        inner = {name.words[0] for name in names if len(name.words) == 1 and not name.initial}
        latest: dict[str, Entity] = {}
        for name in names:
            word = name.words[0]
            if name.entity is not None:
                latest[name.words[-1]] = name.entity
                continue
            candidates = [entity for entity in self.by_last.get(word, ()) if entity.kind != "organisation" or name.title == ""]
            if candidates:
                name.entity = self._which(name, candidates, latest)
                if name.entity is not None:
                    name.entity.count += 1
                    latest[word] = name.entity
                    if name.title and name.entity.kind == "name":
                        name.entity.kind, name.entity.evidence = "person", True
                continue
            if (entity := self.by_alias.get(word)) is not None and word.isupper():
                name.entity = entity
                entity.aliases.add(word)
                continue
            given = [e for e in self.entities if e.kind == "person" and e.words[0] == word and self._given(word.lower())]
            if len(given) == 1:
                name.entity = given[0]
                continue
            if name.initial and word not in inner and (word.lower() in self.lower or not self._acts(name, speaks=True)):
                continue
            if word in {w for w in self.words["places"]} or counts[word] == 0:
                if not self._acts(name):
                    self.left_out["a place"] += 1
                    continue
            entity = next((e for e in self.entities if e.words == (word,)), None)
            if entity is None:
                entity = self._new(name)
                if word.endswith("s") and word.lower() not in self.words["bodies"] and len(word) > 4:
                    entity.kind = "group"
            self._join(entity, name)

    def _which(self, name: _Name, candidates: list[Entity], latest: dict[str, Entity]) -> Entity | None:
        """Of several with one surname: by title, then the one who is named far more often, then the last named."""
        fits = [e for e in candidates if not (name.title == "mr" and e.gender == "f") and not (name.title in {"mrs", "ms", "miss"} and e.gender == "m")]
        people = [e for e in fits if e.kind == "person"] or fits or candidates
        if len(people) == 1:
            return people[0]
        ranked = sorted(people, key=lambda e: -e.count)
        if ranked[0].count >= 2 * ranked[1].count:
            return ranked[0]
        recent = latest.get(name.words[-1])
        if recent in people and ranked[0].first == min(e.first for e in people):
            return ranked[0] if ranked[0].count > ranked[1].count else recent
        if recent in people:
            return recent
        name.kind = "ambiguous"
        name.entity = None
        self.left_out["a surname of several persons"] += 1
        return None

    def _acts(self, name: _Name, speaks: bool = False) -> bool:
        """Whether a name is who says or does something."""
        at = bisect_right(self.source_starts, name.start)
        for start, end in self.sources[max(0, at - 4) : at]:
            if start <= name.start and name.end <= end:
                between = self.raw[start : name.start]
                if not re.search(r"\b(?:of|in|at|from|on|to|with)\b|,", between) and (not speaks or (start, end) in self.speakers):
                    return True
        return False

    def _mention(self, name: _Name) -> Mention | None:
        """The mention of a name, None if nothing shows that it is an actor."""
        entity = name.entity
        assert entity is not None
        if not entity.evidence and entity.count < OFTEN:
            self.left_out["a name that shows no sign of an actor"] += 1
            return None
        place = " ".join(name.words)
        if place in self.words["places"] and not self._acts(name):
            self.left_out["a place"] += 1
            return None
        if entity.kind == "name" and self._looks_like_place(name):
            self.left_out["a place"] += 1
            return None
        if len(name.words) == len(entity.words):
            rule = "name"
        elif name.words[-1] == entity.words[-1] and len(name.words) == 1:
            rule = f"surname of {entity.name}" if entity.kind != "organisation" else f"short for {entity.name}"
        else:
            rule = f"short for {entity.name}"
        if entity.owner_rule and entity.actor:
            rule += f"; {entity.owner_rule}"
        confidence = 0.9 if entity.actor else 0.8
        return Mention(name.start, name.end, self._actor_of(entity), rule, entity.known, confidence, (), entity.name)

    def _actor_of(self, entity: Entity) -> str:
        if entity.actor:
            return entity.actor
        found = slug(entity.name)
        return f"{found}_{entity.kind}" if found in self.registry.aliases else found

    def _weigh(self, name: _Name) -> None:
        """Note what shows that a name is an actor: it does something, has a title, or something is said of it."""
        entity = name.entity
        if entity is not None and not entity.evidence:
            objects = any(place in self.objects for place in (name.start, name.start - 4))
            entity.evidence = bool(name.title) or objects or self._acts(name)

    def _looks_like_place(self, name: _Name) -> bool:
        before = self.raw[max(0, name.start - 40) : name.start]
        return bool(
            self.patterns["place_before"].search(before)
            or self.patterns["motion"].search(before)
            or self.patterns["place_after"].match(self.raw, name.end)
        )
