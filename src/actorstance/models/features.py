"""A sentence as seen from a pair: the features of the linear model, as strings that a person can read.

Source and target stand in the sentence as SOURCE and TARGET, and words count by where they stand to the two.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import yaml
from datasets import Dataset
from snowballstemmer import stemmer

from actorstance.examples import AUTHOR, UNKNOWN

WINDOW = 3  # words on each side of a mention that count by their distance; 5 and 8 were worse on DSE
NEAR = 4  # words on each side of a mention that count as its neighbourhood, in pairs
ZONE = 8  # words before the first and after the second mention in which a stance word is likely to be theirs
SCOPE = 3  # words over which a negation before a stance word reaches it
STEMS = 2**18  # words whose stem is kept: more than a language has, less than an archive's misprints take
ROWS = 10_000  # examples that are in memory as Python's objects at a time

_TOKEN = re.compile(r"\w+(?:[-’']\w+)*|[^\w\s]")
_SOURCE, _TARGET = "SOURCE", "TARGET"
_LEFT, _RIGHT = [[f"{sign}{step}" for step in range(1, WINDOW + 1)] for sign in "-+"]
_NEGATIONS = frozenset(
    ["not", "no", "never", "without", "nor", "neither", "hardly", "cannot", "refus", "declin", "deni", "stop"]
)
_BE = frozenset(["was", "were", "is", "are", "been", "being", "be"])


# Features that share their first words: those, and the further words of each.
Group = tuple[str, Iterable[str | tuple[str, ...]]]


@cache
def _stemmer() -> Any:
    return stemmer("english")


@lru_cache(maxsize=STEMS)
def _stem(word: str) -> str:
    """The stem of a word; contractions of "not" become it."""
    word = word.lower().replace("’", "'")
    return "not" if word.endswith("n't") else str(_stemmer().stemWord(word))


@cache
def _stance_words() -> dict[str, str]:
    """Stem -> the stance that the word tells by itself."""
    table = yaml.safe_load(files("actorstance.models").joinpath("stance_words.yaml").read_text(encoding="utf-8"))
    return {_stem(word): stance for stance, words in table.items() for word in words.split()}


@cache
def _speech_verbs() -> frozenset[str]:
    verbs = "say said tell told add ask state write wrote tweet argue claim call insist note declare announce accord"
    return frozenset(_stem(verb) for verb in verbs.split())


def features_of(examples: Dataset) -> Iterator[dict[str, list[str]]]:
    """Yield the `features` of each example."""
    return map(_named, _groups_of(examples))


def numbered(examples: Dataset) -> tuple[list[str], array[int], array[int]]:
    """Return the features of all examples, many of which stand in many: each is named once, and counted on.

    Returns:
        Names of features, the index of a name for each feature of each example, and where those of an example end,
        after a first 0.

    """
    names: list[str] = []
    tables: dict[str, _Numbers] = {}
    numbers, ends = array("l"), array("l", [0])
    for groups in _groups_of(examples):
        for shared, found in groups:
            if (table := tables.get(shared)) is None:
                table = tables[shared] = _Numbers(shared, names)
            numbers.extend(map(table.__getitem__, found))
        ends.append(len(numbers))
    return names, numbers, ends


class _Numbers(dict[str | tuple[str, ...], int]):
    """The numbers of the features of a group, given as they come: no name is put together twice."""

    def __init__(self, shared: str, names: list[str]) -> None:
        super().__init__()
        self.shared, self.names = shared, names

    def __missing__(self, words: str | tuple[str, ...]) -> int:
        number = self[words] = len(self.names)
        self.names.append(_name(self.shared, words))
        return number


def features(
    text: str, source: str, source_span: tuple[int, int], target_span: tuple[int, int]
) -> dict[str, list[str]]:
    """Return the features of a pair in its sentence, by kind (word, place, cue), as readable strings.

    Args:
        text: the sentence.
        source: the source's id, of which only `AUTHOR` and `UNKNOWN` are told apart: names must not decide.
        source_span: (start, end) of its mention in the text; (-1, -1) if it has none.
        target_span: likewise.

    Example:
        >>> features("Ana did not blame Bo.", "ana", (0, 3), (18, 20))["cue"]
        ['cue between > against', 'cue between > not against', 'cue between > blame']

    """
    return _named(_groups(text, source, source_span, target_span))


def _named(groups: Iterable[Group]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"word": [], "place": [], "cue": []}
    for shared, each in groups:
        kind = shared.split(" ", 1)[0]
        found[kind if kind in found else "place"] += [_name(shared, words) for words in each]
    return found


def _name(shared: str, words: str | tuple[str, ...]) -> str:
    return f"{shared} {words if isinstance(words, str) else ' '.join(words)}"


def _groups_of(examples: Dataset) -> Iterator[list[Group]]:
    names = ["text", "source", "source_start", "source_end", "target_start", "target_end"]
    table = examples.select_columns(names).with_format("arrow")
    for first in range(0, len(examples), ROWS):  # many at once: row by row takes as long as the features
        rows = table[first : first + ROWS]
        for text, source, s0, s1, t0, t1 in zip(*(rows[name].to_pylist() for name in names), strict=True):
            yield _groups(text, source, (s0, s1), (t0, t1))


def _groups(text: str, source: str, source_span: tuple[int, int], target_span: tuple[int, int]) -> list[Group]:
    words, places = _seen(text, source_span, target_span)
    found: list[Group] = [("word", words)]
    quotes = "“" in text or '"' in text
    for role, at in places:
        found += _around(words, role, at)
        found.append((f"quoted {role}", (str(quotes and _in_quotes(words, at)),)))
    if source_span[0] < 0:
        found.append(("source", (source if source in (AUTHOR, UNKNOWN) else "unnamed",)))
    if len(places) == 2:
        first, second = places[0][1], places[1][1]
        order = ">" if places[0][0] == _SOURCE else "<"
    else:
        first = second = places[0][1] if places else 0
        order = "*"
    found += _between(words[first + 1 : second], order)
    found += _cues(words, first, second, order)
    return found


def _seen(text: str, source: tuple[int, int], target: tuple[int, int]) -> tuple[list[str], list[tuple[str, int]]]:
    """The stems of a text with the two mentions as symbols, and the places of those that it has, in order."""
    words: list[str] = []
    places: list[tuple[str, int]] = []
    position = 0
    for (start, end), role in sorted(((source, _SOURCE), (target, _TARGET))):
        if start >= 0:
            words += _stems(text, position, max(position, start))
            places.append((role, len(words)))
            words.append(role)
            position = max(position, end)
    words += _stems(text, position, len(text))
    return words, places


@lru_cache(maxsize=64)  # the pairs of a sentence, which follow one another, share most of its pieces
def _stems(text: str, start: int, end: int) -> list[str]:
    return [_stem(word) for word in _TOKEN.findall(text, start, end)]


def _around(words: list[str], role: str, at: int) -> list[Group]:
    """The words beside a mention, by side and distance, by side, and in pairs."""
    before, after = words[max(0, at - WINDOW) : at], words[at + 1 : at + 1 + WINDOW]
    near = words[max(0, at - NEAR) : at + NEAR + 1]
    ends = (tuple(words[max(0, at - 2) : at + 1]), tuple(words[at : at + 3]))
    found: list[Group] = [
        (f"before {role}", before),
        (f"after {role}", after),
        (f"at {role}", zip(_LEFT, reversed(before), strict=False)),
        (f"at {role}", zip(_RIGHT, after, strict=False)),
        (f"near {role}", pairwise(near)),
        (f"near {role}", ends),
    ]
    if not _speech_verbs().isdisjoint(near):
        found.append(("speech", (role,)))
    return found


def _between(between: list[str], order: str) -> list[Group]:
    """The words between the two mentions, with the order of the two."""
    found: list[Group] = [("order", (order,)), (f"distance {order}", (str(min(len(between), 12) // 2),))]
    if between:
        found += [(f"between {order}", between), (f"between {order}", pairwise(between))]
        if len(between) <= NEAR:
            found.append((f"from {order}", (tuple(between),)))
        if len(between) > 1:
            found.append((f"edges {order}", ((between[0], between[-1]),)))
    return found


def _cues(words: list[str], first: int, second: int, order: str) -> list[Group]:
    """The words that tell a stance by themselves, by zone of the sentence, with negation and the passive's "by"."""
    stances = _stance_words()
    found: list[Group] = []
    for at, word in [(at, word) for at, word in enumerate(words) if word in stances]:
        if at < first:
            zone = "before" if at >= first - ZONE else "far before"
        elif at > second:
            zone = "after" if at <= second + ZONE else "far after"
        else:
            zone = "between"
        stance = stances[word]
        negated = "" if _NEGATIONS.isdisjoint(words[max(0, at - SCOPE) : at]) else "not "
        passive = " by" if "by" in words[at + 1 : at + 3] and not _BE.isdisjoint(words[max(0, at - 2) : at]) else ""
        found.append((f"cue {zone} {order}", (stance, f"{negated}{stance}{passive}", word)))
    return found


def _in_quotes(words: list[str], at: int) -> bool:
    opened = words[:at].count("“") - words[:at].count("”")
    return opened > 0 or words[:at].count('"') % 2 == 1
