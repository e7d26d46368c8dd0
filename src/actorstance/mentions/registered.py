"""Names that stand for an actor of the registry but are not in it: an office's, a surname, a body's last word."""

from __future__ import annotations

import re
from collections import defaultdict

from actorstance.actors import Mention
from actorstance.mentions.names import Name, Names
from actorstance.syntax.roles import is_given, roles
from actorstance.syntax.spelling import family, has_form_of_person, is_short


def take_registered(raw: str, found: Names) -> list[Name]:
    """Make mentions, in `found`, of the names that stand for a known actor; return the others.

    Args:
        raw: the text.
        found: the names of the text, and the mentions by the registry.

    Example:
        >>> raw = "Ana Lima left. Lima denied it. Bo Hale stayed."
        >>> names = Names([Name(15, 19, ("Lima",)), Name(31, 38, ("Bo", "Hale"))], [Mention(0, 8, "peru")])
        >>> [name.words for name in take_registered(raw, names)], [one.rule for one in names.mentions]
        ([('Bo', 'Hale')], ['registry', 'surname of Ana Lima'])

    """
    offices = _offices(found)
    people, bodies = _people(raw, found), _bodies(raw, found)
    if not (offices or people or bodies):
        return found.names
    kept, meant = [], []
    for name in found.names:
        mention = _of_office(raw, name, offices) or _of_person(name, people) or _of_body(name, bodies)
        if mention is not None:
            meant.append(mention)
        else:
            kept.append(name)
    found.mentions = sorted([*found.mentions, *meant], key=lambda one: one.start)
    return kept


def _offices(found: Names) -> list[tuple[Mention, str]]:
    return [(one, _in_one_order(one.offices[-1])) for one in found.mentions if one.offices]


def _of_office(raw: str, name: Name, offices: list[tuple[Mention, str]]) -> Mention | None:
    """Take "the Foreign Ministry" for Turkey's, where the text has called it Turkey's before."""
    if name.owner or raw[max(0, name.start - 4) : name.start] not in {"the ", "The "}:
        return None
    words = _in_one_order(" ".join(name.words).lower().replace("’", "'"))
    names = {words, words.removesuffix("'s office")}
    owner = next((one for one, called in reversed(offices) if one.start < name.start and called in names), None)
    if owner is None:
        return None
    return Mention(name.start, name.end, owner.actor, "description", words, owner.known, 0.85)


def _people(raw: str, found: Names) -> dict[str, dict[str, str]]:
    """Whom the registry names in full: family name -> actor -> name; not if others have the same family name."""
    people: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in found.mentions:
        words = tuple(raw[one.start : one.end].split())
        if one.by_registry and len(words) > 1 and words[-1][:1].isupper():
            people[family(words)].setdefault(one.actor, " ".join(words))
    for name in found.names:
        if not is_short(name.words):
            people.pop(family(name.words), None)
    return people


def _of_person(name: Name, people: dict[str, dict[str, str]]) -> Mention | None:
    bearing = people.get(family(name.words), {}) if is_short(name.words) and not name.owner else {}
    if len(bearing) != 1:
        return None
    ((actor, full),) = bearing.items()
    words = tuple(full.split())
    if not (name.title or is_given(words[0].lower()) or has_form_of_person(words)):
        return None  # "Red Cross" has no surname Cross
    return Mention(name.start, name.end, actor, "own", f"surname of {full}", True, 0.9)


def _bodies(raw: str, found: Names) -> dict[str, dict[str, tuple[int, str]]]:
    """Bodies that the registry names: last word -> actor -> where first, and its name; not if others end the same."""
    bodies: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    words = roles()
    for one in found.mentions:
        name = raw[one.start : one.end]
        last = name.rpartition(" ")[2].lower()
        if one.is_bare_name and " " in name and last in words["bodies"] and last not in words["offices"]:
            bodies[last].setdefault(one.actor, (one.start, name))
    for own in found.names if bodies else ():
        if len(own.words) > 1:
            bodies.pop(own.words[-1].lower(), None)
    return bodies


def _of_body(name: Name, bodies: dict[str, dict[str, tuple[int, str]]]) -> Mention | None:
    """Take "the League" for the Arab League, where the text has named it before."""
    bearing = bodies.get(name.words[0].lower(), {}) if len(name.words) == 1 and not name.owner else {}
    if len(bearing) != 1:
        return None
    ((actor, (start, full)),) = bearing.items()
    return Mention(name.start, name.end, actor, "own", f"short for {full}", True, 0.9) if start < name.start else None


def _in_one_order(words: str) -> str:
    """One form of an office's name: "ministry of the interior" is the "interior ministry"."""
    return re.sub(r"(ministry|department) of (?:the )?(.+)", r"\2 \1", words)
