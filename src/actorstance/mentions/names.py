"""The names in an article as written: those that the registry knows, offices, groups, and runs of capitalised words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from actorstance.actors import Mention, Registry
from actorstance.documents import Document
from actorstance.mentions.acting import PARTY, acting
from actorstance.syntax.roles import (
    NOT_HOLDING,
    ends_with,
    groups,
    is_given,
    is_state,
    local_office,
    office,
    place_after,
    role,
    roles,
)
from actorstance.syntax.spelling import PARTICLES, nickname, over_particles, stretches, with_small_words
from actorstance.syntax.tagging import lexicon
from actorstance.syntax.titles import JUNIOR, PARTISANS, before, behind_place, behind_title, is_member, title_of

Span = tuple[int, int]

MAX_SENTENCE = 4000  # characters; a longer "sentence" is a list or not prose, and is not searched for actors
NOT_READ = f"sentence over {MAX_SENTENCE:,} characters: no actors looked for"

_LETTERS = re.compile(r"[^\W\d_]{2}|^[A-Z]$|[A-Z]&[A-Z]")
OF_A_PERSON = ("administration", "campaign", "family", "camp")  # "the Okoro campaign" is not Okoro
_OF_A_PERSON = re.compile(rf"\s({'|'.join(OF_A_PERSON)})(?![\w-])")

_TO_NAME = re.compile(r"(?:\s(?:to|for|in|at)\s[^,.;:]{2,40})?,\s")  # "ambassador to Peru, Ana Lima,"

_QUARTERS = frozenset({"north", "south", "east", "west", "northern", "southern", "eastern", "western"})
_ABROAD = frozenset({"UK", "GB", "USA"})  # they end names of parties, charities and firms
_OF_STATE = frozenset({"US", "U.S.", "UK", "U.K."})
_SINGULAR = frozenset(  # forms without an -s that mean many
    {"police", "opposition", "moderate opposition", "news media", "the media", "the press", "displaced people"}
)


@cache
def _trailing() -> frozenset[str]:
    """Return the words that end no name: "Lima Monday", but "Human Rights Watch"."""
    return roles()["not_names"] - roles()["bodies"]


@dataclass
class Name:
    """A name of the article's own, before it is known whose: its place, words and title, and its owner."""

    start: int
    end: int
    words: tuple[str, ...]
    title: str = ""
    owner: str = ""  # the known actor whose office precedes it
    owner_rule: str = ""  # or the words before it: "observatory head"
    kind: str = ""
    initial: bool = False  # opens a sentence, where any word has a capital


@dataclass(frozen=True)
class _Known:
    """A mention by a known name, and the end of the office after it ("Turkish presidency"); its own end without one."""

    mention: Mention
    end: int


@dataclass
class Names:
    """What is in an article: names of its own, mentions that are settled, and what was left out and why."""

    names: list[Name] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    known: list[Mention] = field(default_factory=list)


def names(document: Document, registry: Registry) -> Names:
    """Find the names of a document.

    Example:
        >>> from actorstance.documents import parse
        >>> document = parse("d", "In Kyiv, President Ana Lima met the Russian foreign minister and two rebel leaders.")
        >>> found = names(document, Registry({"russia": {"people": ["Russian"]}, "ukraine": {"seats": ["Kyiv"]}}))
        >>> [(name.title, name.words) for name in found.names]
        [('president', ('Ana', 'Lima'))]
        >>> [(mention.actor, document.raw[mention.start:mention.end]) for mention in found.mentions]
        [('russia', 'Russian foreign minister'), ('rebels', 'rebel')]

    """
    return _Finder(document, registry).find()


class _Finder:
    def __init__(self, document: Document, registry: Registry) -> None:
        self.raw, self.document, self.registry = document.raw, document, registry
        self.words = roles()
        self.trailing = _trailing()
        self.lower = set(re.findall(r"(?<![\w’'-])[a-z][a-z'’-]+", self.raw))
        self.particles = not PARTICLES.isdisjoint(self.lower)
        self.small = with_small_words(self.raw)
        known = acting(self.raw, document.date, registry)
        self.found = Names(known=known.mentions, left_out=known.left_out)
        self.places = known.places

    def find(self) -> Names:
        known = self.found.known
        many = list(groups(self.raw))
        at = more = 0
        for sentence in self.document.sentences:
            while at < len(known) and known[at].start < sentence.start:
                at += 1
            stop = at
            while stop < len(known) and known[stop].end <= sentence.end:
                stop += 1
            while more < len(many) and many[more][0] < sentence.start:
                more += 1
            last = more
            while last < len(many) and many[last][1] <= sentence.end:
                last += 1
            if sentence.end - sentence.start > MAX_SENTENCE:
                self.found.left_out[NOT_READ] += 1
            else:
                self._sentence(sentence.start, sentence.end, known[at:stop], many[more:last])
            at, more = stop, last
        self.found.mentions.sort(key=lambda one: one.start)
        return self.found

    def _sentence(self, start: int, end: int, known: list[Mention], many: list[tuple[int, int, str, str]]) -> None:
        """Add what one sentence names."""
        mentions, taken = self._groups(start, known, many)
        offices = [one for one in self._offices(known, end) if (one.mention.start, one.mention.end) not in taken]
        own: list[Name] = []
        free = start
        for first, last in stretches(self.raw, start, end):
            if first < free or (first, last) in self.places:
                continue
            if any(one.start <= first and last <= one.end for one in mentions):
                continue
            if self.raw.startswith("The ", first) and (first + 4, last) in taken:
                continue  # "The Syrian rebels"
            inside = [
                one
                for one in offices
                if one.mention.start >= free
                and (
                    (one.mention.start < last and first < one.end)
                    or (one.end > one.mention.end and one.end == first - 1)
                )
            ]
            if any(one.mention.start <= first and last <= one.end for one in inside):
                continue
            if inside:
                known_one = next((one for one in inside if one.end > one.mention.end), inside[-1])
                name = self._beside(known_one, first, last, start)
            else:
                name = self._name(first, last, start)
            if name is not None:
                if self._is_office_of(name, offices):
                    continue
                self._of_state(name, end)
                self._in_apposition(name, offices)
                if not name.owner and (more := _OF_A_PERSON.match(self.raw, name.end, end)):
                    name.words, name.end, name.kind = (*name.words, more[1]), more.end(), "organisation"
                own.append(name)
                free = max(free, name.end)
        mentions += [replace(one.mention, end=one.end) for one in offices]
        self.found.names += own
        self.found.mentions += [
            one for one in mentions if not any(n.start < one.end and one.start < n.end for n in own)
        ]

    def _is_office_of(self, name: Name, offices: list[_Known]) -> bool:
        """Give an office to the actor after it: "the Ministry of Justice of Turkey"; return whether it was one."""
        if not offices or ("of" not in name.words and name.words[-1].lower() not in self.words["offices"]):
            return False
        for at, one in enumerate(offices):
            if not 4 <= one.mention.start - name.end <= 8:
                continue
            if self.raw[name.end : one.mention.start] not in {" of ", " of the "}:
                continue
            if held := office().fullmatch(f" {self.raw[name.start : name.end]}"):
                both = (*one.mention.offices, held[1].lower())
                offices[at] = replace(one, mention=replace(one.mention, start=name.start, offices=both))
                return True
        return False

    def _of_state(self, name: Name, end: int) -> None:
        """Make one description of a place and the local office behind it, "Vermont senator", or of a party's member."""
        if len(name.words) < 3 and not name.title and (held := local_office().match(self.raw, name.end, end)):
            place = " ".join(name.words)
            if place in self.words["places"] or is_state(place):
                name.words, name.end, name.kind = (*name.words, held[1]), held.end(), "member"
        elif is_member(self.raw, name.start, name.words):
            name.kind = "member"

    def _in_apposition(self, name: Name, offices: list[_Known]) -> None:
        """Give a name to the office before it: "Turkey's president, Ana Lima, said"."""
        if self.raw[name.end : name.end + 1] not in {",", "."} or len(name.words) == 1:
            return
        for one in offices:
            if one.mention.end == one.end or one.mention.offices[-1].endswith("s"):
                continue
            if _TO_NAME.fullmatch(self.raw, one.end, name.start):
                name.owner, name.kind = one.mention.actor, "person"
                name.owner_rule = f"apposition: {self.raw[one.mention.start : one.end]}"

    def _groups(
        self, start: int, known: list[Mention], many: list[tuple[int, int, str, str]]
    ) -> tuple[list[Mention], list[Span]]:
        """Mentions of groups, and the adjectives that they take: "Syrian rebels" are not a state."""
        mentions: list[Mention] = []
        taken: list[Span] = []
        for first, last, group, form in many:
            people = next((m for m in known if m.by == "people" and 0 <= first - m.end <= 2), None)
            if people is not None and group == "police":
                continue  # of that state
            if self.raw[first].isupper() and first != start:
                continue  # part of a name
            if form == "opposition" and PARTY.match(self.raw, last):
                continue  # what follows is its name
            if not form.endswith("s") and form not in _SINGULAR and not self._before_noun(last):
                continue  # one protester is an individual, not the protesters
            if people is not None:
                first = people.start
                taken.append((people.start, people.end))
            known_group = group in self.registry.aliases
            mentions.append(Mention(first, last, group, "group", "", known_group, 0.8, name=form))
        return mentions, taken

    def _before_noun(self, place: int) -> bool:
        """Whether a word modifies a noun after it: "rebel stronghold", "rebel-held"."""
        following = re.compile(r"\s+([a-z]+)").match(self.raw, place)
        if following is None:
            return self.raw[place : place + 1] == "-"
        form = lexicon().verbs.get(following[1])
        return following[1] not in lexicon().closed and (form is None or not form.forms & {"d", "s"})

    def _offices(self, known: list[Mention], end: int) -> Iterator[_Known]:
        """The known names with the offices after them: "Turkish presidency", "Russia's foreign ministry"."""
        for mention in known:
            found = office().match(self.raw, mention.end, end)
            if found:
                words = " ".join(found[1].lower().split())
                yield _Known(replace(mention, offices=(*mention.offices, words)), found.end())
            elif mention.by == "people" and place_after().match(self.raw, mention.end, end):
                self.found.left_out["an adjective of a place"] += 1
            else:
                yield _Known(mention, mention.end)

    def _beside(self, known: _Known, first: int, last: int, start: int) -> Name | None:
        """A run of capitalised words that holds a known name and more: a person in office, or another body's name."""
        raw, mention = self.raw, known.mention
        words = raw[first:last].split()
        lead = nickname(raw[first : mention.start])[0].split()
        if (
            mention.start > first + 1
            and raw[mention.start : mention.end] in _ABROAD
            and self._is_name(lead, first, start)
        ):
            name = self._name(first, mention.end, start)
            if name is not None:
                name.kind = "organisation"
            return name
        if lead and is_given(lead[-1].lower()) and known.end == mention.end:
            return self._name(first, last, start)  # Jack London
        if known.end >= last:  # the known name ends it: "Bank of America"
            if not lead or mention.by == "people" or ends_with(raw[first : mention.start], self.words["titles"]):
                return None  # "Majority Leader Ana Lima": the title is hers
            if lead[-1].lower() in self.words["bodies"] and mention.by == "names":
                return self._name(first, last, start)  # "Amnesty International Kenya"
            if mention.by == "seats" and lead[-1].lower() in self.words["clubs"] and known.end == mention.end:
                return self._name(first, last, start)  # "Real Madrid"
            if lead[-1].lower() in {"of", "for"}:
                return None if role().fullmatch(lead[0]) else self._name(first, last, start)
            return self._name(first, mention.start - 1, start)
        behind = first if known.end == first - 1 else known.end
        behind += re.match(r"(?:['’]s?)?\s*", raw[behind:last]).end()  # type: ignore[union-attr]
        if known.end > mention.end:
            name = self._name(behind, last, start)
            if name is not None and not NOT_HOLDING.search(raw[max(start, mention.start - 12) : known.end]):
                name.start, name.owner, name.kind = mention.start, mention.actor, "person"
                name.owner_rule = f"title: {raw[mention.start : known.end]}"
            return name
        if is_given(words[0].lower()) and mention.start == first:  # Israel Lima, Jordan Okoro
            return self._name(first, last, start)
        if words[-1].lower() in self.words["bodies"] or {"of", "for"} & set(words):
            name = self._name(first, last, start)
            if name is not None:
                name.kind = "organisation"
                if len(name.words) > 2 and name.words[0] in _OF_STATE and words[-1].lower() in self.words["agencies"]:
                    name.words = name.words[1:]  # "the US Food and Drug Administration" is also named without
            return name
        if mention.by == "people" or behind_title(raw[behind:last])[1]:
            return self._name(behind, last, start)
        if person := self._over(mention, behind, last, start):
            return person
        opens = behind == mention.end + 1 and lead in ([], ["The"])
        name = self._name(first, last, start) if opens and self._goes_on(mention, words[len(lead) + 1 :]) else None
        return name if name is not None and len(name.words) > 1 else None

    def _goes_on(self, mention: Mention, more: list[str]) -> bool:
        """Whether more words make another name of a known one: "Paris Saint-Germain"; "Israel Katz", later "Katz"."""
        alias = self.raw[mention.start : mention.end]
        if not alias.isalpha() or alias.isupper() or not more[0][1:].islower():
            return mention.by == "seats" and "-" in more[0]
        if mention.by == "seats":
            return True
        if mention.by != "names" or len(more) > 1 or more[0].lower() in self.lower:
            return False
        return re.search(rf"(?<!{alias}\s)\b{re.escape(more[0])}\b(?!-)", self.raw) is not None

    def _is_name(self, lead: list[str], first: int, start: int) -> bool:
        """Whether words before "UK" are a name that goes on with it: "Reform UK", not "Yesterday UK firms"."""
        word = lead[-1].lower()
        common = word in self.words["not_names"] or word in self.words["titles"] or word in lexicon().closed
        return not common and (first > start + 4 or word not in self.lower)

    def _over(self, mention: Mention, behind: int, last: int, start: int) -> Name | None:
        """Who holds an office over a known place before the name: "Mayor of London Ana Lima"."""
        begin, title = title_of(self.raw, mention.start, start)
        name = self._name(behind, last, start) if title else None
        if name is not None and not is_given(name.words[0].lower()):
            state = self.registry.kinds.get(mention.actor) == "state"
            name = name if state and 1 < len(name.words) < 4 and title in self.words["offices"] else None
        if name is not None:
            name.start, name.title, name.kind = begin, title, "person"
            if title in self.words["offices"]:
                name.owner, name.owner_rule = mention.actor, f"title: {title} of {mention.actor}"
        return name

    def _is_body(self, quarter: str, words: str) -> bool:
        before, _, last = words.rpartition(" ")
        body = last.lower() in self.words["bodies"]
        return bool(before) and (body or (last.lower() in PARTISANS.values() and is_state(f"{quarter} {before}")))

    def _name(self, first: int, last: int, start: int) -> Name | None:
        """A name without the words around it that are not part of it: articles, days, titles."""
        raw, stop = self.raw, self.words["not_names"]
        initial = first <= start + 1
        at, title = behind_title(raw[first:last])
        first, title = (first + at, title) if title else behind_place(raw, first, last, start)
        initial, begin = initial and not title, first
        while first < last and raw[first:last] not in self.words["places"]:  # "West Bank"
            word, *more = raw[first:last].split(None, 1)
            plain = word.lower().rstrip(".").replace("’", "'")
            rest = last - len(more[0]) if more else last
            common = initial and plain in self.lower and not is_given(plain) and not title
            if plain in PARTICLES and rest < last and (word != plain or first == begin):
                break  # "Von der Heide", but not "the van Lima"
            if plain in _QUARTERS and rest < last and self._is_body(word, more[0]):
                break  # "South African Communist Party"
            if more and f"{plain} {more[0].split()[0].lower()}" in self.small:
                break  # To Lam
            if (
                plain in stop
                or plain in PARTICLES
                or (plain in self.words["titles"] and rest >= last and word != "SEC")  # no secretary
                or (common and rest < last)
            ):
                first, initial = rest, False
            else:
                break
        if self.particles and not title:
            first = over_particles(raw, first, start)
        words = raw[first:last].split()
        while len(words) > 1 and (word := words[-1].lower().strip(".")) in self.trailing and word not in JUNIOR:
            last = first + raw[first:last].rindex(words[-1])
            while last > first and raw[last - 1].isspace():
                last -= 1
            words = raw[first:last].split()
        words = nickname(raw[first:last])[0].split()
        words[-2:-1] = [word.rstrip(",") for word in words[-2:-1]]  # "Tesla, Inc"
        if first >= last or not _LETTERS.search(raw[first:last]) or len(words) > 9:
            return None
        numbered = words[-1][1:2] == "-" and words[-1][0] in "DRI"  # "D-Ohio"
        study = "for" in words and words[0].lower() in self.words["bodies"]  # "Institute for the Study of War"
        if (numbered or words[-1].lower().strip(".") in self.words["things"]) and not study:
            return None
        if (len(words) == 1 and words[0].lower() in stop) or (first, last) in self.places:
            return None
        title, headship = before(raw, (first, last), words, title, start)
        return Name(first, last, tuple(words), title, owner_rule=headship, initial=initial)
