"""Who is meant by a state and an office or a party: "the Texas governor", "the Kentucky Republican"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from actorstance.mentions.entities import Entity
from actorstance.mentions.names import Name
from actorstance.syntax.roles import in_full, is_state, roles
from actorstance.syntax.titles import PARTISANS, party

_PARTISANS = frozenset(PARTISANS.values())
_DEPUTIES = frozenset({"congressman", "congresswoman", "representative", "rep"})
_SENATORS = frozenset({"senator", "sen"})
_IN_CONGRESS = _DEPUTIES | _SENATORS | {"lawmaker", "legislator"}
_ANYONE = re.compile(r"(?<![^\W_])an?\s\Z", re.IGNORECASE)
_OF_STATE = re.compile(r"\s(?:of|from|for)\s([A-Z]\w+(?:\s[A-Z]\w+)?)")


def introduced(raw: str, name: Name) -> set[str]:
    """Return what the letters or the title of a name say of the state that somebody serves, in lower case.

    Example:
        >>> raw = "Texas Gov. Bo Hale, and Ana Lima (D-Vt.), left"
        >>> introduced(raw, Name(11, 18, ("Bo", "Hale"), "gov")), introduced(raw, Name(24, 32, ("Ana", "Lima")))
        ({'texas governor'}, {'vermont democrat'})

    """
    found = {party(raw, name.end)}
    if name.title:
        before = raw[max(0, name.start - 60) : name.start].split()[: -len(name.title.split())]
        state = next((one for size in (2, 1) if is_state(one := " ".join(before[-size:]))), "")
        behind = None if state else _OF_STATE.match(raw, name.end)
        found.add(f"{state or _state(behind)} {in_full(name.title)}")
    return {one.lower() for one in found if one and one[0] != " "}


def appositions(raw: str, found: Sequence[Name]) -> Iterator[tuple[Name, Name]]:
    """Yield each name with the description of a member that is its apposition: "Ana Lima, Vermont Democrat, left"."""
    for name, behind in pairwise(found):
        if behind.kind == "member" and raw[name.end : behind.start] in {", ", ", a ", ", an "}:
            yield name, behind


def apposed(words: str) -> str:
    """Return the state and the office of an apposition, in lower case; "" if it is no such office.

    Example:
        >>> apposed("the governor of Texas"), apposed("a senator from Vermont"), apposed("head of the port")
        ('texas governor', 'vermont senator', '')

    """
    found = _OF_STATE.search(words)
    office = words[: found.start()].rpartition(" ")[2].lower() if found else ""
    state = _state(found) if office in roles()["local_offices"] or office in _PARTISANS else ""
    return f"{state} {office}".lower() if state else ""


def _state(found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    return next((one for one in (found[1], found[1].partition(" ")[0]) if is_state(one)), "")


def whom(raw: str, name: Name, people: Sequence[Entity]) -> Entity | None:
    """Return the one person whom the text has introduced with a state and office, or party; None if none or several.

    Example:
        >>> people = [Entity(("Bo", "Hale"), titles={"sen", "vermont democrat"}), Entity(("Ana", "Lima"))]
        >>> raw = "The Vermont senator left."
        >>> whom(raw, Name(4, 19, ("Vermont", "senator"), kind="member"), people).name
        'Bo Hale'

    """
    if _ANYONE.search(raw, max(0, name.start - 4), name.start):
        return None
    state, role = " ".join(name.words[:-1]).lower(), name.words[-1].lower()
    people = [one for one in people if one.kind != "organisation"]
    found = [one for one in people if f"{state} {role}" in one.titles]
    found = found or [one for one in people if _fits(state, role, one.titles)]
    return found[0] if len(found) == 1 else None


def _fits(state: str, role: str, titles: set[str]) -> bool:
    """Whether the titles of a person of that state leave room for a role: a senator may be "vermont democrat"."""
    theirs = {one.removeprefix(f"{state} ") for one in titles if one.startswith(f"{state} ")}
    if role in _PARTISANS:
        return bool(theirs) and theirs.isdisjoint(_PARTISANS)
    others = _DEPUTIES if role in _SENATORS else _SENATORS if role in _DEPUTIES else frozenset[str]()
    return role in _IN_CONGRESS and not theirs.isdisjoint(_PARTISANS | _IN_CONGRESS) and titles.isdisjoint(others)
