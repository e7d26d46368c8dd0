"""Appositions after a name, and for whom the office in one speaks: "Ana Lima, the Turkish foreign minister"."""

from __future__ import annotations

import re

from actorstance.actors import Mention, Registry
from actorstance.syntax.roles import NOT_HOLDING, ends_with, office, role, roles
from actorstance.syntax.spelling import WORD
from actorstance.syntax.tagging import lexicon

_APPOSITION = re.compile(r"(?:\s\([^)]{1,12}\))?,\s((?:[^,.;:“”\"]|(?<=\b[A-Z])\.){3,90})[,.;]")
_ALSO = re.compile(
    rf",?\s(?:(?:better|also|widely|popularly)\s)?(?:known|nicknamed|dubbed)\s(?:as\s)?(?:the\s)?({WORD})(?=[\s,.])"
)
_CLAUSE = re.compile(r"\b(?:who|whom|whose|which|that|where|when|while|as|because)\b")
_WHOSE = re.compile(r"(.+)\s(?:of|for)\s(?:the\s)?")
_CALLED = re.compile(  # "the Varnan leader", "Ostia's chairman", "a hedge fund"; not what they were before
    r"(?!(?:(?:an?|the|its|his|her|their)\s)?(?i:former|late|ex)\b)"
    r"(?:(?:an?|the|its|his|her|their)\s|[^\W_]\w*['’]s?\s)?((?:[\w-]+\s){0,3}?[\w-]+)"
    r"(?=$|\s(?:of|for|in|at|to|with|on|from|who|which|that|and)\b)"
)


def apposition(raw: str, start: int, end: int) -> str:
    """Return the words of an apposition that begins at a place, "" if none does: a clause or an action is not one.

    Example:
        >>> raw = "Ana Lima, head of the port, told Bo Hale, that she had left, no."
        >>> apposition(raw, 8, len(raw)), apposition(raw, 40, len(raw))
        ('head of the port', '')

    """
    found = _APPOSITION.match(raw, start, end)
    words = found[1].strip() if found else ""
    first = words.split(None, 1)[0].lower() if words else ""
    form = lexicon().verbs.get(first)
    is_clause = first == "that" or lexicon().closed.get(first) == "X" or (form is not None and "d" in form.forms)
    return "" if is_clause else words


def also_called(raw: str, end: int) -> str:
    """Return the one word by which a person or body is known too, "" if none follows its name.

    Example:
        >>> also_called("Omar Haddad, better known as Hamdi, left", 11), also_called("Omar Haddad, known for art,", 11)
        ('Hamdi', '')

    """
    found = _ALSO.match(raw, end)
    return found[1] if found else ""


def is_office(words: str) -> bool:
    """Return whether an apposition holds an office or a headship that its person holds now."""
    return role().search(words) is not None and NOT_HOLDING.search(words) is None


def speaks_for(words: str, registry: Registry, date: str | None) -> Mention | None:
    """Return the known actor for whom the office in an apposition speaks, None if it speaks for none.

    The office is the head of the apposition, and the actor its modifier or whose it is. Who served in Iraq, has ties
    to Russia or leads American Airlines speaks for no state, and an ambassador to a state not for that one.

    Example:
        >>> registry = Registry({"peru": {"names": ["Peru"], "people": ["Peruvian"]}})
        >>> offices = "a Peruvian envoy", "head of Peru's army", "envoy to Peru", "a major who fled Peru"
        >>> [speaks_for(words, registry, None) is not None for words in offices]
        [True, True, False, False]

    """
    phrase = _CLAUSE.split(words, maxsplit=1)[0].rstrip()
    for mention in registry.mentions(phrase, date):
        held = office().match(phrase, mention.end)
        if not mention.known or not ends_name(phrase, held.end() if held else mention.end):
            continue
        before = phrase[: mention.start]
        if held is not None and _modifies(before):
            return mention
        headed = _WHOSE.fullmatch(before)
        if headed and (held or mention.by != "people") and _modifies(headed[1]) and _is_headship(headed[1]):
            return mention
    return None


def ends_name(text: str, end: int) -> bool:
    """Return whether nothing after a known name makes it part of something else: "Peru in May", "Peru Airlines"."""
    rest = text[end:].lstrip(" ")
    if rest[:1] in ("", ",", ".", ";", "("):
        return True
    word = rest.split(None, 1)[0].strip(",.;")
    form = lexicon().verbs.get(word)
    return len(rest) < len(text) - end and (word in lexicon().closed or (form is not None and "d" in form.forms))


def _modifies(words: str) -> bool:
    """Whether words leave what follows them in the same phrase: "the top", not "aide to the", "the West"."""
    return all(word.islower() and lexicon().closed.get(word) not in ("I", "T") for word in words.split())


def _is_headship(words: str) -> bool:
    return any(ends_with(f"{words} ", roles()[name]) for name in ("heads", "offices"))


def called(words: str) -> str:
    """Return what the text may call somebody later, after an apposition, in lower case; "" if nothing.

    Example:
        >>> called("the Varnan leader of the opposition"), called("a former minister")
        ('varnan leader', '')

    """
    found = _CALLED.match(words)
    return found[1].lower() if found else ""
