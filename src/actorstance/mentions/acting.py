"""The names of the registry in an article, and which of them act: neither places nor words with another meaning."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache

from actorstance.actors import Mention, Registry
from actorstance.syntax.roles import (
    MOTION,
    SHORTENED,
    ends_with,
    given_alike,
    is_state,
    local_office,
    place_after,
    roles,
    slug,
)
from actorstance.syntax.spelling import WORD, over_given

_AT_SEAT = re.compile(
    r"\b((?:(?:foreign|defen[cs]e|interior|finance|justice|health|energy|oil|trade|education)\s+)?ministry|government"
    r"|presidency|parliament|authorities|cabinet)\s+in\s+\Z",
    re.I,
)
_OWNED = re.compile(r"[^\W\d]['’]s?\s\Z")
_BRANCH = re.compile(r"\s(?:leader|group|bureau|correspondent|office|branch)s?\b")  # "the party's Westminster leader"
PARTY = re.compile(rf"\s(?:[a-z][\w-]*\s){{0,2}}party\s(?={WORD})")  # "the Peruvian opposition party Sumaq"


@dataclass
class Acting:
    """The mentions that act; the spans of others that are places; how many are left out, and why."""

    mentions: list[Mention] = field(default_factory=list)
    places: set[tuple[int, int]] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


def acting(raw: str, date: str | None, registry: Registry) -> Acting:
    """Find the registry's mentions that act: not places, nor unsure names of which the text shows no sign.

    Args:
        raw: the text.
        date: of the article, ISO, since offices change hands; None if it is not known.
        registry: who is known.

    Example:
        >>> raw = "Talks in Moscow failed. Turkey blamed the government in Moscow."
        >>> found = acting(raw, None, Registry.world())
        >>> [raw[mention.start : mention.end] for mention in found.mentions], sorted(found.places)
        (['Turkey', 'government in Moscow'], [(9, 15)])

    """
    found = registry.mentions(raw, date)
    sure = {mention.actor for mention in found if mention.by != "unsure"}
    acts = Acting()
    kept = acts.mentions
    for mention in found:
        free = kept[-1].end if kept else 0
        if mention.by == "unsure" and mention.actor not in sure:
            acts.left_out["a name with another common meaning"] += 1
        elif mention.by == "seats" and (held := _at_seat(raw, mention, free)) is not None:
            kept.append(held)
        elif mention.by in {"seats", "unsure"} and local_office().match(raw, mention.end):
            acts.left_out["a place beside a local office"] += 1
            if not is_state(raw[mention.start : mention.end]):
                acts.places.add((mention.start, mention.end))
        elif _is_titled(raw, mention, registry):
            acts.left_out["a place that is a person's name"] += 1
        elif _is_place(raw, mention):
            acts.left_out["a capital or seat as a place"] += mention.by == "seats"
            acts.places.add((mention.start, mention.end))
        elif mention.by == "people" and PARTY.match(raw, mention.end):
            acts.left_out["an adjective of a party"] += 1
            acts.places.add((mention.start, mention.end))
        else:
            kept.append(_with_given(raw, mention, registry, free))
    return acts


@cache
def _of_persons() -> tuple[frozenset[str], frozenset[str]]:
    """The titles that only a person has, and those that open a sentence before a state too: "Host Peru lost"."""
    words = roles()
    sure = {*SHORTENED.lower().split("|"), *words["titles_of_men"], *words["titles_of_women"]} - {"st"}
    return frozenset(sure), words["titles"] & words["described_persons"]


def _is_titled(raw: str, mention: Mention, registry: Registry) -> bool:
    """Whether a title makes a person of a state's name or seat: "Ms Lima", "President Jordan"."""
    if mention.start < 3 or raw[mention.start - 1] != " ":
        return False
    alias = raw[mention.start : mention.end]
    places = mention.by in {"seats", "unsure"} or (mention.by == "names" and slug(alias) == mention.actor)
    if not places or registry.kinds.get(mention.actor) != "state" or alias.isupper():
        return False  # a registry of one's own may have the president among the names of a state
    before = raw[max(0, mention.start - 24) : mention.start]
    word = before.rsplit(None, 1)[-1] if before[-1:] == " " and before.strip() else ""
    if not word[:1].isupper() or (word[-1] == "." and word[:-1] not in SHORTENED.split("|")):
        return False  # "the Prime Minister. Peru"
    sure, others = _of_persons()
    opens = before[: -len(word) - 1].rstrip(" \n\"“‘'")[-1:] in ("", ".", "!", "?", "”")
    return bool(ends_with(before, sure) or (not opens and ends_with(before, others)))


def _with_given(raw: str, mention: Mention, registry: Registry, free: int) -> Mention:
    """A registry's surname with the given names and initials before it, unless those belong to somebody else."""
    alias = raw[mention.start : mention.end]
    of_person = registry.kinds.get(mention.actor, "person") == "person"
    if mention.by != "names" or not of_person or not alias.isalpha() or alias.isupper():
        return mention
    start = over_given(raw, mention.start, free)
    given = raw[start : mention.start].split()[:1]
    known = [name.split()[0] for name in registry.aliases[mention.actor] if name.endswith(f" {alias}")]
    if known and given and not any(given_alike(given[0], one) for one in known):
        return mention
    return replace(mention, start=start)


def _at_seat(raw: str, mention: Mention, free: int) -> Mention | None:
    """The mention of a body that sits there and acts for the state: "the foreign ministry in Ankara"."""
    held = _AT_SEAT.search(raw, max(free, mention.start - 40), mention.start)
    if held is None or raw[max(free, held.start() - 1)].isalpha():
        return None
    return replace(mention, start=held.start(), offices=(" ".join(held[1].lower().split()),))


def _is_place(raw: str, mention: Mention) -> bool:
    after = raw[mention.end : mention.end + 24]
    if mention.by == "people":
        return False
    if mention.by != "seats":
        return re.match(r"-(?:based|born|made|style|language|speaking|built)\b", after) is not None
    before = raw[max(0, mention.start - 40) : mention.start]
    before = before[before.rfind(". ") + 1 :]
    return bool(
        (_BRANCH.match(after) and _OWNED.search(before))
        or ends_with(before.removesuffix("the "), roles()["places_before"])
        or MOTION.search(before)
        or place_after().match(after)
        or re.match(r"-(?:based|born|area)\b", after)
    )
