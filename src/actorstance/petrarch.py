"""Turn actor dictionaries of PETRARCH and TABARI (`*.actors.txt`) into a registry, with the dates of their codes.

A record is a name, its synonyms on lines that begin with `+`, and its codes::

    RECEP_TAYYIP_ERDOGAN_
    +ERDOGAN_
        [TURELI 720101-021118]
        [TURGOV >030314]

Only the owner of a code counts here: `TURGOV`, `TURMIL` and plain `TUR` are the state (by its ISO code), any other
role is an actor of its own (`TURELI`: turkey_eli), since a registry names who acts, not what they are. As in PETRARCH,
the first code whose dates apply counts, or one without dates where none apply, and two-digit years up to 30 are in this
century.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actorstance.errors import InputError

if TYPE_CHECKING:
    from actorstance.actors import Registry

OF_THE_STATE = re.compile(r"(?:GOV|MIL|COP|SPY|JUD|LEG)\w*|")  # roles that speak for the state
_COMMENT = re.compile(r"<!--.*?-->|[#;][^\n]*", re.DOTALL)
_CODE = re.compile(r"\[\s*(?P<code>[A-Za-z]\w*)\s*(?P<when>[<>]?\s*\d+(?:\s*-\s*\d+)?)?\s*\]")
_SMALL = frozenset(
    [
        "of",
        "the",
        "and",
        "for",
        "in",
        "on",
        "de",
        "del",
        "la",
        "bin",
        "ibn",
        "al",
        "el",
        "van",
        "von",
        "du",
        "da",
        "dos",
    ]
)
_FIRST, _LAST = datetime.date.min, datetime.date.max
_DAY = datetime.timedelta(days=1)

Rule = tuple[datetime.date, datetime.date, str]  # first day, last day, actor


def registry(path: Path, text: str, world: Registry) -> Registry:
    """Return the registry of a dictionary, without the names that the world's registry has for the same actor.

    Args:
        path: where the dictionary comes from, for messages.
        text: its content.
        world: the registry whose ISO codes join the dictionary's codes to actors.

    Raises:
        InputError: if it holds no record, a code comes before any name, or a date is invalid.

    """
    from actorstance.actors import MAX_ALIAS, Registry

    rules: dict[str, list[Rule]] = {}
    dropped: Counter[str] = Counter()
    actors = {iso: actor for actor, iso in world.iso.items()}
    for where, names, codes in _records(path, text):
        if not codes:
            dropped["names without a code"] += len(names)
        for name in names if codes else ():
            known = rules.setdefault(name, [])
            known += [(first, last, _actor(code, actors, where)) for first, last, code in codes]
    if not rules:
        raise InputError(f"{path}: no record of a PETRARCH dictionary: NAME_ [CODE], one per line.")
    entries: dict[str, dict[str, list[Any]]] = {}
    for name, periods in rules.items():
        for since, until, actor in _apart(periods):
            for spelling in _spellings(name):
                dates = {"from": since, "to": until}
                if spelling in world.aliases.get(actor, ()):
                    dropped["names that the registry has already"] += 1
                elif len(spelling) > MAX_ALIAS or not re.search(r"\w", spelling):
                    dropped["names that are too long or have no letter"] += 1
                else:
                    one = {"name": spelling, **{key: value for key, value in dates.items() if value}}
                    entries.setdefault(actor, {"names": []})["names"].append(one)
    found = Registry(entries)
    found.dropped = dropped
    return found


def _records(path: Path, text: str) -> Iterator[tuple[str, list[str], list[Rule]]]:
    """Yield (where, names, codes) of each record; codes without dates come last."""
    names: list[str] = []
    codes: list[Rule] = []
    default: list[Rule] = []
    begun = 0
    lines = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text).split("\n")
    for number, line in enumerate([*lines, "END"], 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        found = [_rule(code, where) for code in _CODE.finditer(line)]
        name = line.split("[")[0].strip()
        if name and not name.startswith("+"):
            if names:
                yield f"{path}:{begun}", names, codes + default
            names, codes, default, begun = [], [], [], number
        if name:
            names.append(re.sub(r"[\s_]+", " ", name.lstrip("+")).strip())
        elif not names:
            raise InputError(f"{where}: a code before any name.")
        for rule, dated in found:
            (codes if dated else default).append(rule)


def _rule(found: re.Match[str], where: str) -> tuple[Rule, bool]:
    code, when = found["code"].upper(), re.sub(r"\s", "", found["when"] or "")
    if not when:
        return (_FIRST, _LAST, code), False
    if when[0] in "<>":
        day = _day(when[1:], where)
        return ((_FIRST, day, code) if when[0] == "<" else (day, _LAST, code)), True
    first, _, last = when.partition("-")
    return (_day(first, where), _day(last or first, where), code), True


def _day(digits: str, where: str) -> datetime.date:
    if len(digits) == 6:
        digits = ("20" if int(digits[:2]) <= 30 else "19") + digits
    try:
        return datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError as error:
        raise InputError(f"{where}: {digits!r} is not a date. Dates are YYMMDD or YYYYMMDD.") from error


def _actor(code: str, actors: dict[str, str], where: str) -> str:
    """The actor of a code: the state, or the state's name and the role, or the code."""
    owner = actors.get(code[:3])
    if owner is None:
        return code.lower()
    return owner if OF_THE_STATE.fullmatch(code[3:]) else f"{owner}_{code[3:].lower()}"


def _apart(rules: list[Rule]) -> Iterator[tuple[str | None, str | None, str]]:
    """Yield (first day, last day, actor) of periods that do not overlap; the first rule that applies counts."""
    cuts = sorted({first for first, _, _ in rules} | {last + _DAY for _, last, _ in rules if last < _LAST} | {_FIRST})
    merged: list[tuple[datetime.date, datetime.date, str]] = []
    for at, first in enumerate(cuts):
        last = cuts[at + 1] - _DAY if at + 1 < len(cuts) else _LAST
        actor = next((actor for begin, end, actor in rules if begin <= first <= end), None)
        if actor is None:
            continue
        if merged and merged[-1][2] == actor and merged[-1][1] + _DAY == first:
            merged[-1] = (merged[-1][0], last, actor)
        else:
            merged.append((first, last, actor))
    for first, last, actor in merged:
        yield None if first == _FIRST else first.isoformat(), None if last == _LAST else last.isoformat(), actor


def _spellings(name: str) -> list[str]:
    """A name in capitals as newspapers write it; a short one also as an abbreviation."""
    if name != name.upper():
        return [name]
    words = [
        word.lower() if at and word.lower() in _SMALL else re.sub(r"[^\W_]+", lambda part: part[0].capitalize(), word)
        for at, word in enumerate(name.split())
    ]
    return list(dict.fromkeys([" ".join(words), *([name] if len(name) <= 5 else [])]))
