"""The words by which an article introduces its actors (roles.yaml), and how they are looked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import ahocorasick

from actorstance.resources import table_of

NAMES = 2**14  # names whose ids are cached: those that an archive repeats
# Titles written with a dot before a name, and endings written with one after it, as patterns.
SHORTENED = (
    "Mr|Mrs|Ms|Dr|Drs|Prof|Gen|Lt|Col|Maj|Capt|Cpl|Sgt|Adm|Cmdr|Sen|Sens|Rep|Reps|Gov|Govs|Rev|Hon|Pres|Amb|Atty|Supt"
    "|Det|Sec|Insp|Messrs|Mme|St"
)
ENDINGS = "Jr|Sr"
OF_FIRMS = "Inc|Corp|Co|Ltd|Bros|Cos"  # endings of firms, likewise
_IN_FULL = {
    "gov": "governor",
    "sen": "senator",
    "rep": "representative",
    "gen": "general",
    "lt": "lieutenant",
    "col": "colonel",
    "maj": "major",
    "capt": "captain",
    "sgt": "sergeant",
    "adm": "admiral",
    "cmdr": "commander",
    "prof": "professor",
    "rev": "reverend",
    "pres": "president",
    "amb": "ambassador",
    "dr": "doctor",
    "det": "detective",
    "insp": "inspector",
    "cllr": "councillor",
}
_BEFORE_GROUP = frozenset(
    ["holdout", "armed", "radical", "moderate", "anti-government", "pro-government", "local", "displaced"]
)
_HELD = re.compile(r"-(?:held|controlled|backed|led|run|dominated)\b")
_MODIFIER = (
    r"(?:(?:top|senior|acting|interim|new|deputy|chief|military|state|national|federal|outgoing|elite|naval|own|hard-line"
    r"|ruling|central|caretaker|transitional|democratically|elected|civilian|government)\s+)?"
)
# No longer in an office, or not in one.
NOT_HOLDING = re.compile(
    r"\b(?:former|ex-|late|onetime|one-time|then-|would-be|critic|opponent|rival|opposition)\b|\bex-", re.I
)
MOTION = re.compile(  # "flew to Moscow": a place
    r"\b(?:go|goes|going|went|gone|fly|flies|flew|flown|travel\w*|return\w*|trips?|visits?|flights?|head|headed|heading|arriv\w+"
    r"|mov\w+|back|roads?|way|route|drive|drove|march\w*|link\w*|fled|flee|fleeing|close)\s+(?:to|for|from)\s+(?:the\s+)?$",
    re.I,
)


@cache
def _table() -> dict[str, Any]:
    return table_of("syntax/roles.yaml")


@cache
def roles() -> dict[str, frozenset[str]]:
    """Return the word lists of roles.yaml."""
    found = {
        name: frozenset(word.strip() for word in words.split(","))
        for name, words in _table().items()
        if isinstance(words, str)
    }
    return found | {"titles": found["titles"] | {*SHORTENED.lower().split("|")}}


@cache
def office() -> re.Pattern[str]:
    """Return what matches an office after its owner: " foreign ministry", "'s Ministry of Defence"."""
    one = alternatives(roles()["offices"])
    portfolio = alternatives(roles()["portfolios"])
    held = rf"(?:ministry|department|minister|secretary)\s+(?:of|for)\s+(?:the\s+)?(?:{portfolio})"
    both = rf"(?:,?\s+and\s+(?:the\s+)?(?:{portfolio}))?"
    return re.compile(
        rf"(?:['’]s|['’])?\s+{_MODIFIER}((?:{held}{both}|{one})(?:\s+(?:{one})|['’]s\s+(?:office|{one}))*)(?![\w-])",
        re.I,
    )


@cache
def role() -> re.Pattern[str]:
    """Return what matches any office or headship."""
    return re.compile(rf"\b(?:{alternatives(roles()['heads'] | roles()['offices'])})\b", re.I)


@cache
def place_after() -> re.Pattern[str]:
    """Return what matches a word after a name that makes it a place: " province"."""
    return re.compile(rf"\s+(?:{alternatives(roles()['places_after'])})\b", re.I)


def alternatives(words: Iterable[str]) -> str:
    """Return a pattern that matches any of the phrases, longest first, however their words are spaced."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))


def ends_with(before: str, phrases: frozenset[str]) -> str:
    """Return the longest phrase, of up to three words, that a text ends with; "" if there is none.

    Example:
        >>> ends_with("said the deputy foreign minister ", frozenset({"minister", "foreign minister"}))
        'foreign minister'

    """
    if not before or not before[-1].isspace():
        return ""
    words = before.rsplit(None, 3)[-3:]
    if not words or words[-1].rstrip(".").lower() not in last_words(phrases):
        return ""  # nearly always
    words = [word.rstrip(".").lower() for word in words]
    for first in range(len(words)):
        phrase = " ".join(words[first:])
        if phrase in phrases:
            return phrase
    return ""


def in_full(title: str) -> str:
    """Return a title, in lower case, as a later description has it: "governor" for "gov"."""
    return _IN_FULL.get(title, title)


@cache
def last_words(phrases: frozenset[str]) -> frozenset[str]:
    """Return the last words of the phrases: a text that ends with none of them ends with no phrase."""
    return frozenset(phrase.rpartition(" ")[2] for phrase in phrases)


@cache
def _groups() -> tuple[Any, dict[str, str]]:
    group_of = {form.strip(): group for group, forms in _table()["groups"].items() for form in forms.split(",")}
    automaton = ahocorasick.Automaton()
    for form in group_of:
        automaton.add_word(form, form)
    automaton.make_automaton()
    return automaton, group_of


def groups(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, group, form) of the groups that common nouns name in a text; the longest of overlapping ones.

    Example:
        >>> text = "Holdout rebel groups fled; the rebel-held town fell to the police."
        >>> [(text[start:end], group) for start, end, group, _ in groups(text)]
        [('Holdout rebel groups', 'rebels'), ('rebel', 'rebels'), ('police', 'police')]

    """
    automaton, group_of = _groups()
    plain = text.lower()
    if len(plain) != len(text):  # İ becomes two characters in lower case
        plain = "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
    plain = re.sub(r"\s", " ", plain)
    found = []
    for last, form in automaton.iter(plain):
        start, end = last + 1 - len(form), last + 1
        if start and (plain[start - 1].isalnum() or plain[start - 1] in "-’'_"):
            continue
        after = plain[end : end + 1]
        if after.isalnum() or after == "_" or (after == "-" and _HELD.match(plain, end) is None):
            continue
        found.append((start, end, form))
    free = 0
    for start, end, form in sorted(found, key=lambda one: (one[0], -one[1])):
        if start < free:
            continue
        free = end
        words = plain[max(0, start - 18) : start].split(" ")
        if len(words) > 1 and words[-1] == "" and words[-2] in _BEFORE_GROUP:
            start -= len(words[-2]) + 1
        yield start, end, group_of[form], form


def given_alike(one: str, other: str) -> bool:
    """Return whether two given names can be the same person's: equal, or one short for the other.

    Example:
        >>> given_alike("Chuck", "Charles"), given_alike("Ana", "Anton")
        (True, False)

    """
    nicknames = _nicknames()
    return one == other or nicknames.get(one.lower(), one.lower()) == nicknames.get(other.lower(), other.lower())


@cache
def _states() -> dict[str, str]:
    return {short.strip(): name for name, shorts in _table()["states"].items() for short in shorts.split(",")}


def state_of(code: str) -> str:
    """Return the American state that an abbreviation means, in lower case; what is none is returned as it is.

    Example:
        >>> state_of("Ky."), state_of("N.H."), state_of("Utah")
        ('kentucky', 'new hampshire', 'utah')

    """
    plain = code.replace(".", "").lower()
    return _states().get(plain, plain)


def is_state(name: str) -> bool:
    """Return whether a name is an American state's, even if a country or a capital has it too: Georgia."""
    return name[:1].isupper() and name.lower() in _state_names()


@cache
def _state_names() -> frozenset[str]:
    return frozenset(_table()["states"])


@cache
def local_office() -> re.Pattern[str]:
    """Return what matches a local office behind a place, without a name behind it: " governor"."""
    kinds = r"(?:(?:state|federal|district|county|(?:superior|supreme|appeals)\s+court)\s+)?"
    return re.compile(rf"\s+(?=[a-z]){kinds}({alternatives(roles()['local_offices'])})(?![\w-]|\s[A-Z])")


@cache
def _nicknames() -> dict[str, str]:
    return {short.strip(): name for name, shorts in _table()["nicknames"].items() for short in shorts.split(",")}


def is_given(word: str) -> bool:
    """Return whether a word in lower case is a given name."""
    return word in roles()["men"] or word in roles()["women"]


@lru_cache(maxsize=NAMES)
def slug(name: str) -> str:
    """Return the id of an actor known only from the article.

    Example:
        >>> slug("Recep Tayyip Erdoğan")
        'recep_tayyip_erdogan'

    """
    name = re.sub("['’‘]", "", name)
    plain = unicodedata.normalize("NFKD", name).replace("ı", "i").encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return found if found[:1].isalpha() else f"actor_{found}" if found else "actor"
