"""Who is who in an article: which names are actors, and which mean the same one.

A name that the registry knows is its actor. Who speaks for an actor is that actor ("Kremlin spokesman Ivan Orlov"). Any
other person, body or group becomes an actor of the article's own, if the article shows that it is one: by a title, a
given name, the last word of an organisation's name, or because it says or does something.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from actorstance.actors import UNKNOWN, Mention, Registry
from actorstance.documents import Document
from actorstance.mentions.appositions import also_called, apposition, called, ends_name, is_office, speaks_for
from actorstance.mentions.entities import Entity
from actorstance.mentions.members import apposed, appositions, introduced, whom
from actorstance.mentions.names import OF_A_PERSON, Name, Span, names
from actorstance.mentions.registered import take_registered
from actorstance.mentions.signs import Signs, by_title, gender, with_nouns
from actorstance.speech.attribution import Statement
from actorstance.syntax.roles import is_given, roles, slug
from actorstance.syntax.spelling import ACRONYM, ending, family, is_acronym, is_same_firm, is_short, letters, nickname
from actorstance.syntax.tagging import lexicon

OFTEN = 4  # mentions from which the article is about a name, even one that does nothing
_OF = re.compile(r"\sof\s(?:the\s)?")


@dataclass
class Cast:
    """The named mentions of an article, in order, the entity of each, and how many names were left out, and why."""

    mentions: list[Mention]
    entities: dict[Span, Entity]
    left_out: Counter[str]


def cast(
    document: Document, registry: Registry, statements: Sequence[Statement], extra: Sequence[tuple[int, int, str]] = ()
) -> Cast:
    """Find the named actors of a document.

    Args:
        document: the article.
        registry: the known actors.
        statements: what is said in it: whoever says or does something is an actor.
        extra: names found by other means: (start, end, kind), kind `person` or `organisation`.

    Example:
        >>> from actorstance.documents import parse
        >>> from actorstance.speech.quotes import statements
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
        self,
        document: Document,
        registry: Registry,
        statements: Sequence[Statement],
        extra: Sequence[tuple[int, int, str]],
    ) -> None:
        self.raw, self.document, self.registry = document.raw, document, registry
        self.words = roles()
        self.starts = [sentence.start for sentence in document.sentences]
        self.signs = Signs(document.raw, statements)
        self.extra = {(start, end): kind for start, end, kind in extra}
        self.found = names(document, registry)
        self.left_out = self.found.left_out
        self.entities: list[Entity] = []
        self.entity: dict[int, Entity] = {}  # by the place where a name begins
        self.by_letters: dict[str, Entity] = {}
        self.by_family: defaultdict[str, list[Entity]] = defaultdict(list)
        self.by_part: defaultdict[str, list[Entity]] = defaultdict(list)  # any other part of a name
        self.by_alias: dict[str, Entity] = {}
        self.unclear: list[tuple[Name, list[str]]] = []  # surnames of several persons

    def find(self) -> Cast:
        found = self._with_extra(take_registered(self.raw, self.found))
        with_nouns(found)
        self._introduce(found)
        self._announced(found)
        found = self._surnames(found)
        self._link(found)
        for name in found:
            self._weigh(name)
        mentions: list[tuple[Mention, Entity | None]] = [(one, None) for one in self.found.mentions]
        for name in found:
            entity = self.entity.get(name.start)
            if entity is not None and (mention := self._mention(name, entity)) is not None:
                mentions.append((mention, entity))
        for name, candidates in self.unclear:
            meant = tuple(dict.fromkeys(candidates))
            one = Mention(name.start, name.end, UNKNOWN, "own", "surname of several", False, 1 / len(meant), meant)
            mentions.append((one, None))
        mentions.sort(key=lambda each: (each[0].start, -each[0].end))
        kept: list[tuple[Mention, Entity | None]] = []
        for each in mentions:
            if not kept or each[0].start >= kept[-1][0].end:
                kept.append(each)
        return Cast([m for m, _ in kept], {(m.start, m.end): e for m, e in kept if e is not None}, self.left_out)

    def _with_extra(self, found: list[Name]) -> list[Name]:
        """Add the names found by other means, where the rules have none."""
        taken = [(name.start, name.end) for name in found] + [(one.start, one.end) for one in self.found.mentions]
        more = []
        for start, end in self.extra:
            at = bisect_right(self.starts, start) - 1
            if at < 0 or end > self.document.sentences[at].end or not self.raw[start:end].strip():
                continue
            if not any(first < end and start < last for first, last in taken):
                more.append(Name(start, end, tuple(self.raw[start:end].split())))
        return sorted([*found, *more], key=lambda name: name.start)

    def _introduce(self, found: list[Name]) -> None:
        """Make the entities for names of several words."""
        several = [name for name in found if not is_short(name.words) and name.kind != "member"]
        for name in several:
            entity = self._same(name) or self._new(name)
            self._join(entity, name)
            entity.called.append(name)
        for name in several:
            self._owner(name, self.entity[name.start])
            if alias := nickname(self.raw[name.start : name.end])[1] or also_called(self.raw, name.end):
                self.by_alias.setdefault(alias, self.entity[name.start])
        for name, behind in appositions(self.raw, found):
            if (who := self.entity.get(name.start)) is not None and who.kind != "organisation":
                who.titles.add(" ".join(behind.words).lower())
                self.entity[behind.start] = who
        for one in self.found.mentions:
            if one.offices and (initials := "".join(re.findall(r"\b[A-Z]", self.raw[one.start : one.end])))[2:]:
                words = tuple(self.raw[one.start : one.end].split())  # "Sudanese Armed Forces", later SAF
                body = Entity(words, "organisation", one.actor, one.known, evidence=True)
                self.by_alias.setdefault(initials, body)

    def _same(self, name: Name) -> Entity | None:
        """An entity of the same name: letter for letter, or with a first and last name in common."""
        if (known := self.by_letters.get(letters(name.words))) is not None:
            called = family(name.words)
            if called != family(known.words) and known not in self.by_family[called]:
                self.by_family[called].append(known)  # "Lee Sun Woo" is "Lee Sun-woo", and then "Lee"
            return known
        for one in self.by_part.get(name.words[0], ()):
            if one.kind != "person" and is_same_firm(one.words, name.words):
                return one
        if name.kind == "organisation":
            return None
        return next((one for one in self.by_family[family(name.words)] if one.may_be(name.words)), None)

    def _new(self, name: Name) -> Entity:
        entity = Entity(name.words, first=name.start)
        self.entities.append(entity)
        self.by_letters.setdefault(letters(name.words), entity)
        self.by_family[family(name.words)].append(entity)
        for word in name.words[:-1]:
            self.by_part[word].append(entity)
        return entity

    def _join(self, entity: Entity, name: Name) -> None:
        self.entity[name.start] = entity
        entity.count += 1
        entity.titles |= {name.title, self.signs.called(name), *introduced(self.raw, name)} - {""}
        if len(name.words) > len(entity.words):
            entity.words = name.words
        kind, sure = self.signs.kind(name)
        if extra := self.extra.get((name.start, name.end)):
            kind, sure = extra, True
        if sure and (kind == "person" or extra or entity.kind == "name"):
            entity.kind, entity.evidence = kind, True
        elif kind and entity.kind == "name":
            entity.kind = kind
        entity.gender = entity.gender or gender(name)
        initials = "".join(word[0] for word in name.words if word[0].isupper() or word == "&")
        if (short := ACRONYM.match(self.raw, name.end)) and is_acronym(short[1], initials):
            own = entity.kind == "organisation" or (entity.kind == "name" and len(name.words) > 2)
            if own or short[1][0] == initials[:1]:  # "Ana Lima (SPD)" is no party
                self.by_alias[short[1]] = entity
        if len(name.words) > 2 or entity.kind == "organisation":
            self.by_alias.setdefault(initials, entity)

    def _owner(self, name: Name, entity: Entity) -> None:
        """Whom a person speaks for, by the title before the name or the apposition after it."""
        if entity.actor:
            return
        if name.owner:
            self._belongs(entity, name.owner, name.owner_rule)
            return
        if name.owner_rule and (body := self._body_called(name.owner_rule.split()[0], name.start)):
            self._belongs(entity, body[0], name.owner_rule, body[1])
            return
        end = self._sentence_end(name.end)
        words = apposition(self.raw, name.end, end)
        entity.titles |= {called(words), apposed(words)} - {""}
        if words and entity.kind != "organisation":
            if is_office(words):
                entity.kind, entity.evidence = "person", True
                if (owner := speaks_for(words, self.registry, self.document.date)) is not None:
                    self._belongs(entity, owner.actor, f"apposition: {words}")
            elif re.match(r"(?:a|an|the|who)\s|\d\d\b", words) and entity.kind == "name":
                entity.evidence = True
        if not entity.actor and name.title in self.words["offices"] and (found := _OF.match(self.raw, name.end)):
            behind = self.raw[found.end() : min(end, found.end() + 40)]
            owner = next(iter(self.registry.mentions(behind, self.document.date)), None)
            if owner is not None and owner.start == 0 and ends_name(behind, owner.end):
                self._belongs(entity, owner.actor, f"title: {name.title} … of {behind[: owner.end]}")

    def _announced(self, found: list[Name]) -> None:
        """Join a full name without a title that opens a sentence to the office that opened the one before.

        "Turkey's president accused Russia. Recep Tayyip Erdogan threatened …"
        """
        offices = self.signs.opening_offices(self.found.known, self.document.sentences)
        seen: set[int] = set()
        for name in found:
            entity = self.entity.get(name.start)
            if entity is None or id(entity) in seen:
                continue
            seen.add(id(entity))
            at = bisect_right(self.starts, name.start) - 1
            opens = self.starts[at] == name.start and not name.title and len(name.words) > 1
            if opens and at in offices and not entity.actor and entity.kind != "organisation":
                mention, words = offices[at]
                self._belongs(entity, mention.actor, f"announced as {words}", mention.known)

    def _surnames(self, found: list[Name]) -> list[Name]:
        """Take a known name as the surname of a person in the article who bears it: London, after Jack London."""
        people = {one.words[-1] for one in self.entities if one.kind == "person"}
        people |= {name.words[-1] for name in found if name.title and is_short(name.words)}
        bearing = [
            one
            for one in self.found.mentions
            if one.by_registry and one.by != "people" and self.raw[one.start : one.end] in people
        ]
        self.found.mentions = [one for one in self.found.mentions if one not in bearing]
        more = [Name(one.start, one.end, (self.raw[one.start : one.end],)) for one in bearing]
        return sorted([*found, *more], key=lambda name: name.start)

    def _sentence_end(self, place: int) -> int:
        return self.document.sentences[bisect_right(self.starts, place) - 1].end

    def _belongs(self, entity: Entity, actor: str, rule: str, known: bool = True) -> None:
        entity.actor, entity.known, entity.owner_rule, entity.evidence, entity.kind = actor, known, rule, True, "person"

    def _body_called(self, word: str, place: int) -> tuple[str, bool] | None:
        """The body that a word means at a place: a known actor, or one of the article's with that word in its name.

        What any body of its kind is called, "party president Ana Lima", means the only such one before it.
        """
        plain = re.sub(r"['’]s?$", "", word)
        for mention in self.registry.mentions(plain[:1].upper() + plain[1:], self.document.date):
            return (mention.actor, True) if mention.known else None
        bodies = [one for one in self.entities if one.kind == "organisation" and plain in map(str.lower, one.words)]
        if any(one.kind == "person" for one in self.by_family.get(slug(plain), ())):
            bodies = [one for one in bodies if one.words[-1] in OF_A_PERSON]  # not the Lima Trust's, "Lima attorney Bo"
        if plain in self.words["described_bodies"]:
            bodies = [one for one in bodies if one.first < place]
            bodies = bodies if len(bodies) == 1 else []
        return (self._actor_of(bodies[0]), bodies[0].known) if bodies else None

    def _link(self, found: list[Name]) -> None:
        """Give the names of one word an entity: a surname's, an abbreviation's, or a new one."""
        inner = {name.words[0] for name in found if len(name.words) == 1 and not name.initial}
        latest: dict[str, Entity] = {}
        for name in found:
            if (entity := self.entity.get(name.start)) is not None:
                latest[family(name.words)] = entity
                continue
            if (known := self.by_alias.get(name.words[0])) is not None:
                self._count(name, known)
                continue
            if name.kind == "member":
                meant = None if self.signs.modifies(name) else whom(self.raw, name, self.entities)
                if meant is not None:
                    self._count(name, meant)
                continue
            if candidates := self._bearing(name):
                if (entity := self._which(name, candidates, latest)) is not None:
                    self._count(name, entity)
                    latest[family(name.words)] = entity
                continue
            alone, word = len(name.words) == 1, name.words[0]
            if alone and (word.lower() in self.words["nobody"] or word.lower() in lexicon().closed):
                continue
            plain = word[1:].islower() or (word.isupper() and len(word) > 4)  # not "McLaren", "NPR"
            opens = alone and name.initial and word not in inner and plain
            if opens and (self.signs.modifies(name) or not self.signs.acts(name, speaks=True)):
                continue  # any word that opens a sentence has a capital
            entity = self._new(name)
            if alone and word.endswith("s") and word.lower() not in self.words["bodies"] and len(word) > 4:
                entity.kind = "group"
            self._join(entity, name)

    def _bearing(self, name: Name) -> list[Entity]:
        """Those with this family name, else those of whose name it is a part: "Lula", "Xi"."""
        last, word = ending(name.words), name.words[0]
        if name.words[-1].lower() in self.words["parties"]:
            return []  # "Republicans" are more than House Republicans
        found = self.by_family.get(family(name.words))
        if found and len(found) == 1 and not last and not name.title:
            return found
        if found:
            found = [one for one in found if one.kind != "organisation" or not name.title]
            if len(found) > 1 or last:  # a Jr. only where the name says so, or nobody else bears it
                found = [one for one in found if ending(one.words) == last] or ([] if last else found)
            if found:
                return found
        if len(name.words) > 1 or (word not in self.by_part) or word in self.words["places"]:
            return []
        people = [one for one in self.by_part[word] if one.kind == "person"]
        firms = [] if name.title or people else [one for one in self.by_part[word] if self._is_firm(one, word)]
        if len(firms) == 1 and not self.signs.is_place(name):
            return firms  # "Lakeshore", after Lakeshore Energy
        if not people and (name.title or self.signs.acts(name, speaks=True)):
            people = [
                one
                for one in self.by_part[word]
                if one.kind == "name" and any(self.signs.acts(called, speaks=True) for called in one.called)
            ]
        return people if len(people) == 1 or is_given(word.lower()) else []

    def _is_firm(self, entity: Entity, word: str) -> bool:
        return entity.kind != "person" and entity.words[0] == word and entity.words[-1].lower() in self.words["firms"]

    def _count(self, name: Name, entity: Entity) -> None:
        self.entity[name.start] = entity
        entity.count += 1
        entity.titles |= {name.title} - {""}
        entity.gender = by_title(name.title) or entity.gender  # "Mr Lane" is no woman, whatever Kelly may be
        if entity.kind == "name" and (name.title or self._is_surname(name, entity)):
            entity.kind, entity.evidence = "person", True

    def _is_surname(self, name: Name, entity: Entity) -> bool:
        """Whether a name of two words goes on as its last: a person's does, a firm's as its first."""
        last = entity.words[-1]
        if len(entity.words) != 2 or name.words != (last,) or last.endswith("s") or last.isupper():
            return False
        return not (self.signs.is_place(name) or self.signs.has_article(name))

    def _which(self, name: Name, candidates: list[Entity], latest: dict[str, Entity]) -> Entity | None:
        """Of several with one surname: by title, then the one named far more often, then the last named."""
        wrong = "f" if name.title == "mr" else "m" if name.title in {"mrs", "ms", "miss"} else "-"
        fits = [one for one in candidates if one.gender != wrong] or candidates
        people = sorted([one for one in fits if one.kind == "person"] or fits, key=lambda one: -one.count)
        if len(people) == 1 or people[0].count >= 2 * people[1].count:
            return people[0]
        recent = latest.get(family(name.words))
        if recent in people:
            first = min(people, key=lambda one: one.first)
            return people[0] if people[0] is first and people[0].count > people[1].count else recent
        self.unclear.append((name, [self._actor_of(one) for one in people]))
        return None

    def _weigh(self, name: Name) -> None:
        """Note what shows that a name is an actor: it does something, has a title, or something is said of it."""
        entity = self.entity.get(name.start)
        if entity is not None and not entity.evidence:
            entity.evidence = bool(name.title) or self.signs.is_object(name) or self.signs.acts(name)

    def _mention(self, name: Name, entity: Entity) -> Mention | None:
        """The mention of a name, None if nothing shows that it is an actor."""
        if not entity.evidence and entity.count < OFTEN:
            self.left_out["a name that shows no sign of an actor"] += 1
            return None
        place = " ".join(name.words)
        if place in self.words["places"] and not self.signs.acts(name):
            self.left_out["a place"] += 1
            return None
        if (entity.kind == "name" and self.signs.is_place(name)) or self.raw.startswith("-based", name.end):
            self.left_out["a place"] += 1
            return None
        if len(name.words) == len(entity.words):
            how = "name"
        elif is_short(name.words) and family(name.words) == family(entity.words):
            how = f"surname of {entity.name}" if entity.kind != "organisation" else f"short for {entity.name}"
        else:
            how = f"short for {entity.name}"
        if entity.owner_rule and entity.actor:
            how += f"; {entity.owner_rule}"
        actor, confidence = self._actor_of(entity), 0.9 if entity.actor else 0.8
        return Mention(name.start, name.end, actor, "own", how, entity.known, confidence, name=entity.name)

    def _actor_of(self, entity: Entity) -> str:
        if entity.actor:
            return entity.actor
        words = [word for word in entity.words if not re.fullmatch(r"[A-Z]\.?", word)]  # Donald J. is Donald Trump
        found = slug(" ".join(words if len(words) > 1 else entity.words))
        return f"{found}_{entity.kind}" if found in self.registry.aliases else found
