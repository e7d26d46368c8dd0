"""A registry of actors and their names, and the mentions of them in a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from actorstance.errors import InputError
from actorstance.resources import shipped

_ID = re.compile(r"[a-z][a-z0-9_]*")
MAX_ALIAS = 100  # characters; a longer "name" is a mistake in the file


@dataclass(frozen=True)
class Mention:
    """text[start:end] names the actor; `rule` says what found it."""

    start: int
    end: int
    actor: str
    rule: str = "registry"


class _UniqueKeys(yaml.SafeLoader):
    """A SafeLoader that refuses a key that stands twice, of which YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key, count in Counter(map(str, keys)).items() if count > 1), None):
            raise yaml.YAMLError(f"{twice!r} stands there twice (near line {node.start_mark.line + 1})")
        return super().construct_mapping(node, deep)


class Registry:
    """Actors and their aliases.

    Args:
        aliases: actor id -> its names. A name is matched as it is written, case included, as whole words; a possessive
            's stays outside the mention. Of overlapping names the leftmost, then the longest counts.

    Raises:
        InputError: if an id or a name cannot be one, or two actors share a name.

    Example:
        >>> registry = Registry({"turkey": ["Turkey", "Turkish"], "russia": ["Russia"]})
        >>> text = "Turkey's president accused Russia; no turkey was hurt."
        >>> [(mention.actor, text[mention.start:mention.end]) for mention in registry.mentions(text)]
        [('turkey', 'Turkey'), ('russia', 'Russia')]

    """

    def __init__(self, aliases: Mapping[str, Sequence[str]]) -> None:
        self.aliases: dict[str, tuple[str, ...]] = {}
        self._actor: dict[str, str] = {}
        for actor, names in aliases.items():
            if not isinstance(actor, str) or not _ID.fullmatch(actor):
                raise InputError(f"actor id {actor!r}: use lower-case letters, digits and _, a letter first.")
            if isinstance(names, str) or not isinstance(names, Sequence) or not names:
                raise InputError(f"actor {actor}: expected a list of names, found {names!r}.")
            for name in names:
                if not isinstance(name, str) or not re.fullmatch(r"(?=.*\w)\S(?:.*\S)?", name) or len(name) > MAX_ALIAS:
                    raise InputError(
                        f"actor {actor}: {name!r} is no name: text of 1 to {MAX_ALIAS} characters, trimmed."
                    )
                if (other := self._actor.setdefault(_plain(name), actor)) != actor:
                    raise InputError(f"the name {name!r} belongs to {other} and to {actor}. A name has one actor.")
            self.aliases[actor] = tuple(names)
        names = sorted(self._actor, key=len, reverse=True)
        alternatives = "|".join(re.escape(name).replace(r"\ ", r"\s+").replace("'", "['’]") for name in names)
        self._pattern = re.compile(rf"(?<![\w-])(?:{alternatives})(?!\w)") if names else None

    @classmethod
    def read(cls, path: Path) -> Registry:
        """Read a YAML file of `actor: [name, name]`.

        Raises:
            InputError: naming the file.

        """
        try:
            table = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506  (a SafeLoader)
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such registry of actors.") from error
        except (ValueError, yaml.YAMLError, OSError, RecursionError) as error:
            raise InputError(f"{path}: no YAML file of actors: {' '.join(str(error).split())}") from error
        if not isinstance(table, dict):
            raise InputError(f"{path}: expected a table of actor: [names], found {type(table).__name__}.")
        try:
            return cls(table)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def world(cls) -> Registry:
        """Return the registry that ships: conf/actors/world.yaml."""
        return cls.read(shipped("conf/actors/world.yaml"))

    def with_more(self, other: Registry) -> Registry:
        """Return both together; a name that both hold goes to the other's actor."""
        mine = {
            actor: [name for name in names if other._actor.get(_plain(name), actor) == actor]
            for actor, names in self.aliases.items()
        }
        both = {actor: [*mine.get(actor, ()), *other.aliases.get(actor, ())] for actor in {**mine, **other.aliases}}
        return Registry({actor: list(dict.fromkeys(names)) for actor, names in both.items() if names})

    def mentions(self, text: str) -> list[Mention]:
        """Return the mentions in a text, in order; they do not overlap."""
        if self._pattern is None:
            return []
        found = self._pattern.finditer(text)
        return [Mention(at.start(), at.end(), self._actor[_plain(at[0])]) for at in found]

    def to_json(self) -> dict[str, Any]:
        """Return the aliases as plain lists, for a model's folder."""
        return {actor: list(names) for actor, names in self.aliases.items()}


def _plain(name: str) -> str:
    """One spelling of a name for look-up: single spaces, straight apostrophes."""
    return re.sub(r"\s+", " ", name.replace("’", "'"))
