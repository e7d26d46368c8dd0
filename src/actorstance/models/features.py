"""A sentence as seen from a pair: the features of the linear model, as strings that a person can read.

Source and target stand in the sentence as SOURCE and TARGET, and words count by where they stand to the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple

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
_NEGATIONS = frozenset(
    ["not", "no", "never", "without", "nor", "neither", "hardly", "cannot", "refus", "declin", "deni", "stop"]
)
_BE = frozenset(["was", "were", "is", "are", "been", "being", "be"])


class Seen(NamedTuple):
    """A sentence as seen from a pair: its words stemmed, the two mentions as symbols; None where not mentioned."""

    words: list[str]
    source: int | None
    target: int | None


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
    names = ["text", "source", "source_start", "source_end", "target_start", "target_end"]
    table = examples.select_columns(names).with_format("arrow")
    for first in range(0, len(examples), ROWS):  # many at once: row by row takes as long as the features
        rows = table[first : first + ROWS]
        for text, source, s0, s1, t0, t1 in zip(*(rows[name].to_pylist() for name in names), strict=True):
            yield features(text, source, (s0, s1), (t0, t1))


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
    seen = _seen(text, source_span, target_span)
    words = seen.words
    found: list[str] = []
    places = [(role, at) for role, at in ((_SOURCE, seen.source), (_TARGET, seen.target)) if at is not None]
    for role, at in places:
        found += _around(words, role, at)
        found.append(f"quoted {role} {_in_quotes(words, at)}")
    if seen.source is None:
        found.append(f"source {source if source in (AUTHOR, UNKNOWN) else 'unnamed'}")
    if seen.source is not None and seen.target is not None:
        first, second = sorted((seen.source, seen.target))
        order = ">" if seen.source < seen.target else "<"
    else:
        first = second = places[0][1] if places else 0
        order = "*"
    found += _between(words, first, second, order)
    return {"word": [f"word {word}" for word in words], "place": found, "cue": _cues(words, first, second, order)}


def _seen(text: str, source: tuple[int, int], target: tuple[int, int]) -> Seen:
    named = [(span, role) for span, role in ((source, _SOURCE), (target, _TARGET)) if span[0] >= 0]
    named.sort()
    words, places = _cut(text, tuple(span for span, _ in named))
    words = words.copy()
    for place, (_, role) in zip(places, named, strict=True):
        words[place] = role
    where = {role: place for place, (_, role) in zip(places, named, strict=True)}
    return Seen(words, where.get(_SOURCE), where.get(_TARGET))


@lru_cache(maxsize=16)  # the two directions of a pair, which follow one another, are cut once
def _cut(text: str, spans: tuple[tuple[int, int], ...]) -> tuple[list[str], list[int]]:
    """The stems of a text, with one empty word for each span, and the places of those."""
    words: list[str] = []
    places, position = [], 0
    for start, end in spans:
        words += [_stem(word) for word in _TOKEN.findall(text, position, max(position, start))]
        places.append(len(words))
        words.append("")
        position = max(position, end)
    words += [_stem(word) for word in _TOKEN.findall(text, position)]
    return words, places


def _around(words: list[str], role: str, at: int) -> list[str]:
    """The words beside a mention, by side and distance, by side, and in pairs."""
    before, after = words[max(0, at - WINDOW) : at][::-1], words[at + 1 : at + 1 + WINDOW]
    near = words[max(0, at - NEAR) : at + NEAR + 1]
    found = [f"before {role} {word}" for word in before]
    found += [f"after {role} {word}" for word in after]
    found += [f"at {role} -{step} {word}" for step, word in enumerate(before, 1)]
    found += [f"at {role} +{step} {word}" for step, word in enumerate(after, 1)]
    found += [f"near {role} {a} {b}" for a, b in pairwise(near)]
    found.append(f"near {role} {' '.join(words[max(0, at - 2) : at + 1])}")
    found.append(f"near {role} {' '.join(words[at : at + 3])}")
    if not _speech_verbs().isdisjoint(near):
        found.append(f"speech {role}")
    return found


def _between(words: list[str], first: int, second: int, order: str) -> list[str]:
    """The words between the two mentions, with the order of the two."""
    between = words[first + 1 : second]
    found = [f"order {order}", f"distance {order} {min(len(between), 12) // 2}"]
    found += [f"between {order} {word}" for word in between]
    found += [f"between {order} {a} {b}" for a, b in pairwise(between)]
    if 1 <= len(between) <= NEAR:
        found.append(f"from {order} {' '.join(between)}")
    if len(between) > 1:
        found.append(f"edges {order} {between[0]} {between[-1]}")
    return found


def _cues(words: list[str], first: int, second: int, order: str) -> list[str]:
    """The words that tell a stance by themselves, by zone of the sentence, with negation and the passive's "by"."""
    stances, found = _stance_words(), []
    for at, word in enumerate(words):
        if word not in stances:
            continue
        if at < first:
            zone = "before" if at >= first - ZONE else "far before"
        elif at > second:
            zone = "after" if at <= second + ZONE else "far after"
        else:
            zone = "between"
        stance = stances[word]
        negated = "" if _NEGATIONS.isdisjoint(words[max(0, at - SCOPE) : at]) else "not "
        passive = " by" if "by" in words[at + 1 : at + 3] and not _BE.isdisjoint(words[max(0, at - 2) : at]) else ""
        found.append(f"cue {zone} {order} {stance}")
        found.append(f"cue {zone} {order} {negated}{stance}{passive}")
        found.append(f"cue {zone} {order} {word}")
    return found


def _in_quotes(words: list[str], at: int) -> bool:
    opened = words[:at].count("“") - words[:at].count("”")
    return opened > 0 or words[:at].count('"') % 2 == 1
