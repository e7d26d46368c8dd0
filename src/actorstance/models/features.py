"""A sentence as seen from a pair: the features of the linear model, with names that a person can read.

Source and target appear in the sentence as SOURCE and TARGET, and words count by their position relative to the two.
The features of many pairs are found at once: words are numbers, and the sentences are concatenated in one array.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from Stemmer import Stemmer

from actorstance.examples import AUTHOR, UNKNOWN
from actorstance.resources import table_of

WINDOW = 3  # words on each side of a mention that count by their distance; 5 and 8 were worse on DSE
NEAR = 4  # words on each side of a mention that count as its neighbourhood, in pairs
ZONE = 8  # words before the first and after the second mention in which a stance word is likely to be theirs
SCOPE = 3  # words over which a negation before a stance word reaches it
FAR = 12  # words between two mentions; larger distances count alike
STEMS = 2**18  # words whose stem is cached: more than a language has, fewer than an archive's misprints would need
ROWS = 10_000  # examples that are in memory at a time

_TOKEN = re.compile(r"\w+(?:[-’']\w+)*|[^\w\s]")
_ROLES = ("SOURCE", "TARGET")
_SOURCES = (AUTHOR, UNKNOWN)  # that are distinguished: names must not decide
_ORDERS = ("*", ">", "<")  # of the mentions: one alone or none, the source first, the target first
_ZONES = ("far before", "before", "between", "after", "far after")
_NEGATIONS = frozenset(
    ["not", "no", "never", "without", "nor", "neither", "hardly", "cannot", "refus", "declin", "deni", "stop"]
)
_BE = frozenset(["was", "were", "is", "are", "been", "being", "be"])

Numbers = NDArray[np.int64]


class Found(NamedTuple):
    """The features of some examples: example `row[i]` has `names[feature[i]]`, as often as it is listed."""

    names: list[str]
    row: NDArray[np.int32]
    feature: NDArray[np.int32]
    rows: int


@cache
def _stemmer() -> Any:
    return Stemmer("english")


@lru_cache(maxsize=STEMS)
def _stem(word: str) -> str:
    """The stem of a word; contractions of "not" become "not"."""
    word = word.lower().replace("’", "'")
    return "not" if word.endswith("n't") else str(_stemmer().stemWord(word))


@cache
def _stance_words() -> dict[str, str]:
    """Stem -> the stance that the word expresses by itself."""
    table = table_of("models/stance_words.yaml")
    return {_stem(word): stance for stance, words in table.items() for word in words.split()}


@cache
def _speech_verbs() -> frozenset[str]:
    verbs = "say said tell told add ask state write wrote tweet argue claim call insist note declare announce accord"
    return frozenset(_stem(verb) for verb in verbs.split())


def features(examples: Dataset) -> Iterator[Found]:
    """Yield the features of examples, `ROWS` at a time. The first word of a name is its kind.

    Example:
        >>> from actorstance.examples import dataset
        >>> row = dict(example_id="1", document_id="d", group_id="d", text="Ana did not blame Bo.", target="bo",
        ...     source="ana", source_start=0, source_end=3, target_start=18, target_end=20)
        >>> found = next(features(dataset([("row 1", row)])))
        >>> [found.names[one] for one in found.feature if found.names[one].startswith("cue")]
        ['cue between > against', 'cue between > not against', 'cue between > blame']

    """
    columns = ["text", "source", "source_start", "source_end", "target_start", "target_end"]
    table = examples.select_columns(columns).with_format("arrow")
    for first in range(0, len(examples), ROWS):
        part = table[first : first + ROWS]
        seen = _Seen(*(part[name].to_pylist() for name in columns))
        names: list[str] = []
        parts = [f" {stem}" if stem else "" for stem in seen.stems]
        found = [(group.row, _named(group, parts, names)) for group in _groups(seen)]
        row, feature = (np.concatenate(numbers).astype(np.int32) for numbers in zip(*found, strict=True))
        yield Found(names, row, feature, len(part))


class _Group(NamedTuple):
    """Features named by one pattern: feature i, of example `row[i]`, is `shared[which[i]]` and then its `words`."""

    row: Numbers
    shared: Sequence[str]
    which: Numbers
    words: tuple[Numbers, ...] = ()  # the numbers of the first, second, … word of each; 0: no word


def _named(group: _Group, parts: Sequence[str], names: list[str]) -> Numbers:
    """The feature of each of a group, as an index into `names`, to which those of the group are added.

    `parts` is what each number of a word adds to a name: a space and its stem.
    """
    key = group.which
    for place, words in enumerate(group.words):
        if place > 1:  # numbers for three words together may exceed 64 bits
            key = np.unique(key, return_inverse=True)[1]
        key = key * len(parts) + words
    distinct, inverse = np.unique(key, return_inverse=True)
    one = np.empty(len(distinct), dtype=np.int64)  # one occurrence of each: numpy's are the first, and twice as slow
    one[inverse] = np.arange(len(key))
    known = len(names)
    shared = map(group.shared.__getitem__, group.which[one].tolist())
    further = [map(parts.__getitem__, words[one].tolist()) for words in group.words]
    names += map("".join, zip(shared, *further, strict=True))
    return inverse + known


class _Vocabulary(dict[str, int]):
    """Word -> the number of its stem, assigned in order of appearance; 0 is no word."""

    def __init__(self) -> None:
        super().__init__()
        self.stems = {"": 0}

    def of_stem(self, stem: str) -> int:
        return self.stems.setdefault(stem, len(self.stems))

    def __missing__(self, word: str) -> int:
        number = self[word] = self.of_stem(_stem(word))
        return number


class _Seen:
    """Sentences as seen from their pairs, one after another.

    Attributes:
        number: the number of each stem.
        stems: the stem of each number.
        words: the number of each word.
        row: the sentence of each word.
        begin: where each sentence begins in `words`.
        end: where it ends.
        at: where SOURCE and TARGET are in it; -1 for one that is not mentioned.
        source: its source, as an index into `_SOURCES`; their number for any other.

    """

    def __init__(self, texts: list[str], sources: list[str], *spans: list[int]) -> None:
        vocabulary = _Vocabulary()
        roles = [array("q", [vocabulary.of_stem(role)]) for role in _ROLES]
        for stem in ("not", "by", *_stance_words(), *_stance_words().values()):
            vocabulary.of_stem(stem)
        words, end, at = array("q"), array("q"), (array("q"), array("q"))
        before: str | None = None
        pieces: dict[tuple[int, int], array[int]] = {}
        for text, s0, s1, t0, t1 in zip(texts, *spans, strict=True):
            if text != before:  # the pairs of a sentence are consecutive, and share most of its pieces
                before, pieces = text, {}
            place, where = 0, [-1, -1]
            for start, stop, role in (*sorted(((s0, s1, 0), (t0, t1, 1))), (len(text), 0, None)):
                if start < 0:
                    continue
                cut = (place, max(place, start))
                if (piece := pieces.get(cut)) is None:
                    piece = pieces[cut] = array("q", map(vocabulary.__getitem__, _TOKEN.findall(text, *cut)))
                words.extend(piece)
                if role is not None:
                    where[role] = len(words)
                    words.extend(roles[role])
                    place = max(place, stop)
            at[0].append(where[0])
            at[1].append(where[1])
            end.append(len(words))
        self.number = vocabulary.stems
        self.stems = list(self.number)
        self.words, self.end = np.asarray(words), np.asarray(end)
        self.begin = np.concatenate([[0], self.end[:-1]])
        self.row = np.repeat(np.arange(len(texts)), self.end - self.begin)
        self.at = (np.asarray(at[0]), np.asarray(at[1]))
        self.source = np.array([_SOURCES.index(one) if one in _SOURCES else len(_SOURCES) for one in sources])

    def word(self, row: Numbers, at: Numbers) -> Numbers:
        """The words at some places, 0 where they lie outside the sentence."""
        inside = (at >= self.begin[row]) & (at < self.end[row])
        return np.where(inside, self.words[np.where(inside, at, 0)], 0)

    def before(self, stems: Collection[str]) -> Numbers:
        """How many of some words occur before each place of `words`, the end included."""
        one_of = np.array([stem in stems for stem in self.stems])
        return np.concatenate([[0], np.cumsum(one_of[self.words])])

    def among(self, stems: Collection[str], row: Numbers, first: Numbers, end: Numbers) -> NDArray[np.bool_]:
        """Whether one of some words occurs from one place to before another, in the sentence."""
        count = self.before(stems)
        found: Numbers = count[np.minimum(end, self.end[row])] - count[np.maximum(first, self.begin[row])]
        return found > 0


def _groups(seen: _Seen) -> Iterator[_Group]:
    """All features of all sentences."""
    source, target = seen.at
    yield _Group(seen.row, ["word"], np.zeros_like(seen.row), (seen.words,))
    for role, at in zip(_ROLES, seen.at, strict=True):
        row = np.flatnonzero(at >= 0)
        yield from _around(seen, role, row, at[row])
    row = np.flatnonzero(source < 0)
    yield _Group(row, [f"source {one}" for one in (*_SOURCES, "unnamed")], seen.source[row])
    both = (source >= 0) & (target >= 0)
    order = np.where(both, np.where(source < target, 1, 2), 0)
    first = np.where(both, np.minimum(source, target), np.maximum(np.maximum(source, target), seen.begin))
    second = np.where(both, np.maximum(source, target), first)
    yield from _between(seen, order, first, second)
    yield from _cues(seen, order, first, second)


def _around(seen: _Seen, role: str, row: Numbers, at: Numbers) -> Iterator[_Group]:
    """The words beside a mention, by side and distance, by side, and in pairs."""

    def group(shared: list[str], which: NDArray[Any], *words: Numbers) -> _Group:
        """Those of a mention's features whose words all lie in the sentence. `words` have shape (n, features)."""
        there = np.logical_and.reduce(np.broadcast_arrays(*(one > 0 for one in words)))
        rows, whichs = np.broadcast_to(row[:, None], there.shape)[there], np.broadcast_to(which, there.shape)[there]
        return _Group(rows, shared, whichs, tuple(one[there] for one in words))

    steps = np.arange(-NEAR, NEAR + 1)
    words = seen.word(row[:, None], at[:, None] + steps)
    beside = np.flatnonzero((np.abs(steps) <= WINDOW) & (steps != 0))
    yield group([f"before {role}", f"after {role}"], steps[beside] > 0, words[:, beside])
    yield group([f"at {role} {step:+d}" for step in steps], beside, words[:, beside])
    yield group([f"near {role}"], np.zeros(1, np.int64), words[:, :-1], words[:, 1:])
    none = np.zeros(len(row), dtype=np.int64)
    for left in (NEAR - 2, NEAR):
        yield _Group(row, [f"near {role}"], none, tuple(words[:, left + one] for one in range(3)))
    speech = row[seen.among(_speech_verbs(), row, at - NEAR, at + NEAR + 1)]
    yield _Group(speech, [f"speech {role}"], np.zeros_like(speech))
    opened, closed, straight = (count[at] - count[seen.begin[row]] for count in (seen.before({mark}) for mark in '“”"'))
    yield _Group(row, [f"quoted {role} False", f"quoted {role} True"], (opened > closed) | (straight % 2 == 1))


def _between(seen: _Seen, order: Numbers, first: Numbers, second: Numbers) -> Iterator[_Group]:
    """The words between the two mentions, with the order of the two."""
    rows = np.arange(len(order))
    length = np.maximum(second - first - 1, 0)
    far = FAR // 2 + 1
    yield _Group(rows, [f"order {one}" for one in _ORDERS], order)
    which = order * far + np.minimum(length, FAR) // 2
    yield _Group(rows, [f"distance {one} {step}" for one in _ORDERS for step in range(far)], which)
    shared = [f"between {one}" for one in _ORDERS]
    place = np.arange(len(seen.words))
    at = np.flatnonzero((place > first[seen.row]) & (place < second[seen.row]))
    row = seen.row[at]
    yield _Group(row, shared, order[row], (seen.words[at],))
    pair = at[at + 1 < second[row]]
    row = seen.row[pair]
    yield _Group(row, shared, order[row], (seen.words[pair], seen.words[pair + 1]))
    few = np.flatnonzero((length >= 1) & (length <= NEAR))
    words = (
        np.where(step <= length[few], seen.words[first[few] + np.minimum(step, length[few])], 0)
        for step in range(1, NEAR + 1)
    )
    yield _Group(few, [f"from {one}" for one in _ORDERS], order[few], tuple(words))
    row = np.flatnonzero(length > 1)
    ends = (seen.words[first[row] + 1], seen.words[second[row] - 1])
    yield _Group(row, [f"edges {one}" for one in _ORDERS], order[row], ends)


def _cues(seen: _Seen, order: Numbers, first: Numbers, second: Numbers) -> Iterator[_Group]:
    """The words that express a stance by themselves, by zone of the sentence, with negation and the passive's "by"."""
    stance_of = np.zeros(len(seen.stems), dtype=np.int64)
    for stem, one in _stance_words().items():
        stance_of[seen.number[stem]] = seen.number[one]
    at = np.flatnonzero(stance_of[seen.words])
    row, stance = seen.row[at], stance_of[seen.words[at]]
    before, after = first[row] - at, at - second[row]
    zone = np.select([before > ZONE, before > 0, after > ZONE, after > 0], [0, 1, 4, 3], 2)
    shared = [f"cue {one} {other}" for one in _ZONES for other in _ORDERS]
    which = zone * len(_ORDERS) + order[row]
    yield _Group(row, shared, which, (stance,))
    negated = seen.among(_NEGATIONS, row, at - SCOPE, at)
    passive = seen.among({"by"}, row, at + 1, at + 3) & seen.among(_BE, row, at - 2, at)
    told = (np.where(negated, seen.number["not"], 0), stance, np.where(passive, seen.number["by"], 0))
    yield _Group(row, shared, which, told)
    yield _Group(row, shared, which, (seen.words[at],))
