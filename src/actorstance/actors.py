"""The registry of actors: their names, when a name is theirs, and where a text contains one."""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ahocorasick
import yaml

from actorstance.errors import InputError
from actorstance.files import read_text
from actorstance.resources import shipped

_ID = re.compile(r"[a-z][a-z0-9_]*")
AUTHOR = "AUTHOR"  # the source where the text itself takes the stance
UNKNOWN = "UNKNOWN"  # where somebody does, and it cannot be told who
MAX_ALIAS = 100  # characters; a longer "name" is a mistake in the file
MAX_REGISTRY = 50_000_000  # bytes of a registry's file; PETRARCH's largest has three million
NAME_KINDS = ("names", "people", "seats", "unsure")  # of a name, as keys of a registry's file
BY_RULE = ("own", "group", "pronoun", "description")  # what else finds an actor; own: a name of the article's own
COLUMNS = ("alias", "actor", "kind", "from", "to", "note")


@dataclass(frozen=True)
class Alias:
    """A name of an actor: its kind (see `NAME_KINDS`), and the first and last day on which it belongs to that actor."""

    name: str
    actor: str
    kind: str = "names"
    since: str | None = None
    until: str | None = None
    note: str = ""

    def holds(self, date: str | None) -> bool:
        """Return whether the name is the actor's on a day (ISO, see `days.iso`); on an unknown day it may be."""
        return date is None or ((self.since or "") <= date[:10] <= (self.until or "9999"))


@dataclass(frozen=True)
class Mention:
    """text[start:end] means the actor.

    `by` is what found it: a name of the registry, by its kind (see `NAME_KINDS`), or one of `BY_RULE`; `how` says more,
    in words. `known`: the actor is in the registry. `confidence` is in (0, 1]. Where nobody can say who is meant the
    actor is `UNKNOWN`, and `candidates` are those it may be.
    """

    start: int
    end: int
    actor: str
    by: str = "names"
    how: str = ""
    known: bool = True
    confidence: float = 1.0
    candidates: tuple[str, ...] = ()
    name: str = ""  # the fullest name the text has for the one meant, where that is not the actor itself
    offices: tuple[str, ...] = ()  # beside a name of the registry: "presidency", in lower case

    @property
    def by_registry(self) -> bool:
        """Whether a name of the registry found it."""
        return self.by in NAME_KINDS

    @property
    def is_bare_name(self) -> bool:
        """Whether it is a known actor's own name alone: not its people or seat, and without an office beside it."""
        return self.by == "names" and self.known and not self.offices

    @property
    def rule(self) -> str:
        """What found it, for a reader, as in mentions.jsonl: "registry" comes first if a name of the registry did.

        Example:
            >>> Mention(0, 17, "turkey", "people", offices=("presidency",)).rule
            'registry: people, office: presidency'
            >>> Mention(0, 2, "turkey", "pronoun", "speaker").rule, Mention(0, 4, "ana_lima", "own", "name").rule
            ('pronoun: speaker', 'name')

        """
        if self.by_registry:
            name = "registry" if self.by == "names" else f"registry: {self.by}"
            return ", ".join([name, *([self.how] if self.how else []), *(f"office: {one}" for one in self.offices)])
        return self.how if self.by == "own" else f"{self.by}: {self.how}" if self.how else self.by


class _UniqueKeys(yaml.SafeLoader):
    """A SafeLoader that refuses a key that occurs twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key, count in Counter(map(str, keys)).items() if count > 1), None):
            raise yaml.YAMLError(f"{twice!r} stands there twice (near line {node.start_mark.line + 1})")
        return super().construct_mapping(node, deep)


class Registry:
    """Actors and their names.

    Args:
        actors: actor id -> its names, as a list, or as a table of `names`, `people`, `seats`, `unsure` (lists), `iso`
            and `kind`: see conf/actors/world.yaml. A name is a string or a table `{name, from, to, note}` with ISO
            dates. It is matched as written, case included, as whole words; a possessive 's stays outside the
            mention. Of overlapping names the leftmost, then the longest counts.

    Raises:
        InputError: if an id or a name is not valid, or two actors share a name at the same time.

    Example:
        >>> registry = Registry({"turkey": {"names": ["Turkey"], "people": ["Turkish"]}, "russia": ["Russia"]})
        >>> text = "Turkey's president accused Russia; no turkey was hurt."
        >>> [(mention.actor, text[mention.start:mention.end]) for mention in registry.mentions(text)]
        [('turkey', 'Turkey'), ('russia', 'Russia')]

    """

    def __init__(self, actors: Mapping[str, Sequence[Any] | Mapping[str, Any]]) -> None:
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.iso: dict[str, str] = {}  # actor -> ISO 3166 alpha-3
        self.kinds: dict[str, str] = {}
        self.dropped: Counter[str] = Counter()  # names of a dictionary that were left out, by reason
        self._names: dict[str, list[Alias]] = {}
        for actor, entry in actors.items():
            if not isinstance(actor, str) or not _ID.fullmatch(actor):
                raise InputError(f"actor id {actor!r}: use lower-case letters, digits and _, a letter first.")
            found = list(self._entry(actor, entry))
            for alias in found:
                self._add(alias)
            self.aliases[actor] = tuple(dict.fromkeys(alias.name for alias in found))
        self._automaton = ahocorasick.Automaton()
        for name in self._names:
            self._automaton.add_word(name, name)
        if self._names:
            self._automaton.make_automaton()

    def _entry(self, actor: str, entry: Any) -> Iterable[Alias]:
        if isinstance(entry, Mapping):
            if unknown := set(entry) - {*NAME_KINDS, "iso", "kind"}:
                raise InputError(
                    f"actor {actor}: {min(map(str, unknown))!r} is no key. Keys: {', '.join(NAME_KINDS)}, iso, kind."
                )
            for key, table in (("iso", self.iso), ("kind", self.kinds)):
                if (value := entry.get(key)) is not None:
                    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_]{2,20}", value):
                        raise InputError(f"actor {actor}: {key} is {value!r}, expected a word.")
                    table[actor] = value
            lists = {kind: entry[kind] for kind in NAME_KINDS if entry.get(kind) is not None}
        else:
            lists = {"names": entry}
        if actor in self.iso:
            self.kinds.setdefault(actor, "state")
        for kind, names in lists.items():
            if isinstance(names, str) or not isinstance(names, Sequence) or not names:
                raise InputError(f"actor {actor}: expected a list of names, found {names!r}.")
            for name in names:
                yield _alias(actor, kind, name)
        if not lists:
            raise InputError(f"actor {actor}: expected a list of names, found {entry!r}.")

    def _add(self, alias: Alias) -> None:
        same = self._names.setdefault(_plain(alias.name), [])
        for other in same:
            apart = (other.until or "9999") < (alias.since or "") or (alias.until or "9999") < (other.since or "")
            if other.actor != alias.actor and not apart:
                raise InputError(
                    f"the name {alias.name!r} belongs to {other.actor} and to {alias.actor}. "
                    "A name has one actor at a time."
                )
        same.append(alias)

    @classmethod
    def read(cls, path: str | Path, world: Registry | None = None) -> Registry:
        """Read a registry's file.

        Args:
            path: YAML as conf/actors/world.yaml; a CSV table with the columns alias, actor and, if it has them, kind,
                from, to, note; or an actor dictionary of PETRARCH (`*.actors.txt`).
            world: the registry whose ISO codes join PETRARCH's codes to actors; by default the world's.

        Raises:
            InputError: naming the file, and the row if one is wrong.

        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_REGISTRY:
                raise InputError(f"{path}: more than {MAX_REGISTRY:,} bytes. That is no registry of actors.")
            text = read_text(path).replace("\r\n", "\n")
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such registry of actors.") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
        if path.name.lower().endswith(".actors.txt"):
            from actorstance import petrarch

            return petrarch.registry(path, text, world or cls.world())
        try:
            return cls(_table(path, text) if path.suffix.lower() in (".csv", ".tsv") else _yaml(path, text))
        except InputError as error:
            raise InputError(f"{path}: {error}" if not str(error).startswith(str(path)) else str(error)) from error

    @classmethod
    def world(cls) -> Registry:
        """Return the registry that ships: conf/actors/world.yaml."""
        return cls.read(shipped("conf/actors/world.yaml"))

    def with_more(self, other: Registry) -> Registry:
        """Return both together; a name in both goes to the other's actor."""
        both: dict[str, dict[str, Any]] = {}
        for registry, taken in ((self, other._names), (other, {})):
            for actor, entry in registry._entries().items():
                merged = both.setdefault(actor, {})
                for key, value in entry.items():
                    if key in NAME_KINDS:
                        kept = [name for name in value if not _taken(name, taken)]
                        merged[key] = [*(name for name in merged.get(key, []) if name not in kept), *kept]
                    else:
                        merged[key] = value
        lists = {actor: {key: value for key, value in entry.items() if value} for actor, entry in both.items()}
        return Registry({actor: entry for actor, entry in lists.items() if set(entry) & set(NAME_KINDS)})

    def mentions(self, text: str, date: str | None = None) -> list[Mention]:
        """Return the mentions in a text, in order; they do not overlap.

        Args:
            text: any text.
            date: the day (ISO) it is about. A name that has several actors over time means the one of that day;
                without a day it is `UNKNOWN`.

        """
        if not self._names:
            return []
        plain, places = _flat(text)
        found: list[tuple[int, int, str]] = []
        for last, name in self._automaton.iter(plain):
            start, end = last + 1 - len(name), last + 1
            if (start and (plain[start - 1].isalnum() or plain[start - 1] in "_-")) or (
                end < len(plain) and (plain[end].isalnum() or plain[end] == "_")
            ):
                continue
            found.append((start, end, name))
        found.sort(key=lambda one: (one[0], -one[1]))
        result, free = [], 0
        for start, end, name in found:
            if start < free:
                continue
            aliases = [alias for alias in self._names[name] if alias.holds(date)]
            if not aliases:
                continue
            free = end
            where = (start, end) if places is None else (_place(places, start), _place(places, end - 1) + 1)
            result.append(_mention(where, aliases))
        return result

    def _entries(self) -> dict[str, dict[str, Any]]:
        """All actors as tables."""
        found: dict[str, dict[str, Any]] = {actor: {} for actor in self.aliases}
        for actor, entry in found.items():
            for key, table in (("iso", self.iso), ("kind", self.kinds)):
                if actor in table and (key, table[actor]) != ("kind", "state"):
                    entry[key] = table[actor]
        for aliases in self._names.values():
            for alias in aliases:
                dates = {"from": alias.since, "to": alias.until, "note": alias.note}
                more = {key: value for key, value in dates.items() if value}
                found[alias.actor].setdefault(alias.kind, []).append(
                    {"name": alias.name, **more} if more else alias.name
                )
        return found

    @property
    def sha256(self) -> str:
        """The SHA-256 of `to_json`, as JSON: of two registries that are alike the same."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the registry as plain tables, for a model's folder; a list where an actor has only names."""
        return {actor: entry["names"] if set(entry) == {"names"} else entry for actor, entry in self._entries().items()}


def _alias(actor: str, kind: str, name: Any) -> Alias:
    since = until = None
    note = ""
    if isinstance(name, Mapping):
        if unknown := set(name) - {"name", "from", "to", "note"}:
            raise InputError(
                f"actor {actor}: {min(map(str, unknown))!r} is no key of a name. Keys: name, from, to, note."
            )
        since, until, note = _date(actor, name.get("from")), _date(actor, name.get("to")), str(name.get("note") or "")
        name = name.get("name")
        if since and until and until < since:
            raise InputError(f"actor {actor}: {name!r} ends ({until}) before it begins ({since}).")
    if not isinstance(name, str) or not re.fullmatch(r"(?=.*\w)\S(?:.*\S)?", name) or len(name) > MAX_ALIAS:
        raise InputError(f"actor {actor}: {name!r} is no name: text of 1 to {MAX_ALIAS} characters, trimmed.")
    return Alias(name, actor, kind, since, until, note)


def _date(actor: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return datetime.date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise InputError(f"actor {actor}: {value!r} is no date. Write it as 2020-02-12.") from error


def _mention(where: tuple[int, int], aliases: list[Alias]) -> Mention:
    actors = tuple(dict.fromkeys(alias.actor for alias in aliases))
    kind = aliases[0].kind
    if len(actors) > 1:  # at different times
        return Mention(*where, UNKNOWN, kind, "dated, the text has no date", False, 1 / len(actors), actors)
    return Mention(*where, actors[0], kind, "dated" if any(alias.since or alias.until for alias in aliases) else "")


def _taken(name: Any, taken: Mapping[str, list[Alias]]) -> bool:
    """Whether the registry on top has the name."""
    text = name["name"] if isinstance(name, dict) else name
    return _plain(text) in taken


def _yaml(path: Path, text: str) -> Any:
    try:
        table = yaml.load(text, _UniqueKeys)  # noqa: S506  (a SafeLoader)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: no YAML file of actors: {' '.join(str(error).split())}") from error
    if not isinstance(table, dict):
        raise InputError(f"{path}: expected a table of actor: [names], found {type(table).__name__}.")
    return table


def _table(path: Path, text: str) -> dict[str, dict[str, Any]]:
    """A CSV table of names, its delimiter the one most frequent in its first line, as tables by actor."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(text.splitlines(), restkey="", strict=True, delimiter=delimiter)
    actors: dict[str, dict[str, Any]] = {}
    try:
        columns = [column.strip() for column in rows.fieldnames or []]
        if not {"alias", "actor"} <= set(columns) or set(columns) - set(COLUMNS):
            raise InputError(
                f"{path}:1: the columns are {', '.join(columns)}; expected alias, actor, and any of "
                f"{', '.join(COLUMNS[2:])}."
            )
        for number, row in enumerate(rows, 2):
            cells = {str(key).strip(): str(value or "").strip() for key, value in row.items()}
            kind = cells.get("kind") or "names"
            kind = {"name": "names", "seat": "seats"}.get(kind, kind)
            if kind not in NAME_KINDS or "" in cells:
                wrong = (
                    "more cells than columns"
                    if "" in cells
                    else f"kind {kind!r}, expected one of {', '.join(NAME_KINDS)}"
                )
                raise InputError(f"{path}:{number}: {wrong}.")
            name = {"name": cells["alias"], **{key: cells[key] for key in ("from", "to", "note") if cells.get(key)}}
            try:
                _alias(cells["actor"], kind, name)
            except InputError as error:
                raise InputError(f"{path}:{number}: {error}") from error
            actors.setdefault(cells["actor"], {}).setdefault(kind, []).append(name)
    except csv.Error as error:
        raise InputError(f"{path}:{rows.line_num}: no CSV table: {error}.") from error
    return actors


def _flat(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """The text with straight apostrophes and single spaces, and where its places moved (None: nowhere)."""
    plain = text.replace("’", "'").replace("\n", " ").replace("\t", " ").replace("\u00a0", " ").replace("\r", " ")
    if "  " not in plain:
        return plain, None
    moved, parts, at, shift = [(0, 0)], [], 0, 0
    for found in re.finditer(r" {2,}", plain):
        parts.append(plain[at : found.start() + 1])
        at = found.end()
        shift += at - found.start() - 1
        moved.append((at - shift, shift))
    return "".join([*parts, plain[at:]]), moved


def _place(moved: list[tuple[int, int]], place: int) -> int:
    """Where a place of the flat text is in the text."""
    return place + moved[bisect_right(moved, (place, 1 << 60)) - 1][1]


def _plain(name: str) -> str:
    """One spelling of a name for look-up: single spaces, straight apostrophes."""
    return re.sub(r"\s+", " ", name.replace("’", "'"))
