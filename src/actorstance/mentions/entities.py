"""Somebody or something that an article names, as its names make one actor of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from actorstance.mentions.names import Name
from actorstance.syntax.roles import given_alike
from actorstance.syntax.spelling import ending, family_first, middle_alike


@dataclass
class Entity:
    """Somebody or something that an article names: the words of the fullest name, and the actor it belongs to."""

    words: tuple[str, ...]
    kind: str = "name"  # person, organisation, group, state; "name" where it is unclear
    actor: str = ""
    known: bool = False
    gender: str = ""  # m, f
    owner_rule: str = ""
    evidence: bool = False
    called: list[Name] = field(default_factory=list)  # where it has a name of several words
    count: int = 0
    first: int = 0
    titles: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return " ".join(self.words)

    def may_be(self, words: tuple[str, ...]) -> bool:
        """Whether a name with the same family name can be this one's: "Bob J. Lane" of Robert Lane.

        Example:
            >>> Entity(("Robert", "Lane")).may_be(("Bob", "J.", "Lane")), Entity(("Ana", "Lane")).may_be(("Bo", "Lane"))
            (True, False)

        """
        if self.kind == "organisation" or ending(self.words) != ending(words):
            return False
        if family_first(self.words) or family_first(words):
            return False  # the first word of two names is the family's
        shorter, longer = sorted((words, self.words), key=len)
        if {*map(str.lower, shorter)} <= {*map(str.lower, longer)}:
            return True
        return given_alike(shorter[0], longer[0]) and middle_alike(shorter, longer)
