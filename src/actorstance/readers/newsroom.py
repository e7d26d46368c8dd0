"""The authoring format of data/newsroom: a page that a person can write, read and label.

A file holds a YAML header and the page from top to bottom::

    ---
    id: m5-highway
    story: m5-highway
    date: 2020-02-12
    split: train
    genre: agency report
    actors:
      syria: [Syria, Syrian army, Damascus]
      turkey: [Turkey, Turkish, Ankara, Erdogan]
    ---
    [headline] Army takes the road

    [dateline] BEIRUT —
    {turkey|Turkey} condemned {syria|the Syrian army}'s advance.
      turkey -> syria: against
      syria -> turkey: neutral

    [furniture] Share this article

Every other line is one sentence, with its mentions marked ``{actor|words}``; the indented lines below it are its
pairs. ``a <-> b: label`` stands for both directions. What makes a pair hard to read may follow its label, as in
``turkey -> syria: against #deed #irony``: see `TAGS_OF_PAIRS`. A blank line ends a paragraph. A tagged line is a line
of the page that is not a sentence; a dateline opens the line of the sentence after it.

Every ordered pair of the actors marked in a sentence must be labelled, so a pair that is left out is an oversight, not
a hidden neutral.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import yaml

from actorstance.errors import InputError
from actorstance.examples import AUTHOR, LABELS, SPLITS, UNKNOWN

TAGS = ("headline", "byline", "dateline", "caption", "sub-heading", "furniture")
TAGS_OF_PAIRS = ("deed", "irony", "negation", "third")  # third: what one actor says of two others
HEADER_KEYS = {"id", "story", "date", "split", "genre", "actors"}  # genre is for human readers, and may be left out

_ACTOR = r"[a-z][a-z0-9_]*"
_TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\] (?P<text>.*\S)\s*$")
_MENTION = re.compile(rf"\{{(?P<actor>{_ACTOR})\|(?P<words>[^{{}}|]*)\}}")
_ANYBODY = rf"{_ACTOR}|{AUTHOR}|{UNKNOWN}"
_PAIR = re.compile(
    rf"\s+(?P<source>{_ANYBODY}) (?P<arrow>->|<->) (?P<target>{_ANYBODY}): (?P<label>\w+)(?P<tags>(?: #\w+)*)\s*$"
)


@dataclass(frozen=True)
class Sentence:
    """One labelled sentence: its place in the page, its mentions and its pairs."""

    start: int
    end: int
    mentions: tuple[tuple[str, int, int], ...]  # (actor, start, end) in the sentence
    pairs: tuple[tuple[str, str, str], ...]  # (source, target, label)
    tags: tuple[frozenset[str], ...]  # of each pair, those of `TAGS_OF_PAIRS` that its line names


KINDS = ("author", "pronoun", "quote", *TAGS_OF_PAIRS)
_PRONOUN = re.compile(
    "he|him|his|himself|she|hers?|herself|its?|itself|they|them|theirs?|themselves|i|me|my|we|us|ours?|your?|whom?|whose",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Article:
    """One article: its header, the page as a reader would have pasted it, and its labelled sentences."""

    id: str
    story: str
    date: str
    split: str
    actors: dict[str, tuple[str, ...]]
    raw: str
    lines: tuple[tuple[str, str], ...]  # (tag, text) of the lines that are not sentences
    sentences: tuple[Sentence, ...]

    def kinds(self) -> dict[str, frozenset[str]]:
        """Return what makes each pair hard to read, by the example's id: some of `KINDS`, or none.

        `author`: the text itself is the source; `pronoun`: source or target is one; `quote`: the target is named
        between quotation marks; the others are the pair's own tags.
        """
        found = {}
        for index, sentence in enumerate(self.sentences):
            text = self.raw[sentence.start : sentence.end]
            first: dict[str, tuple[int, int]] = {}
            for actor, start, end in sentence.mentions:
                first.setdefault(actor, (start, end))
            for (source, target, _), tags in zip(sentence.pairs, sentence.tags, strict=True):
                places = [first[actor] for actor in (source, target) if actor in first]
                kinds = set(tags) | ({"author"} if source == AUTHOR else set())
                if any(_PRONOUN.fullmatch(text[start:end]) for start, end in places):
                    kinds.add("pronoun")
                if target in first and _quoted(text, first[target][0]):
                    kinds.add("quote")
                found[f"{self.id}:{index}:{source}:{target}"] = frozenset(kinds)
        return found


def _quoted(text: str, place: int) -> bool:
    """Whether a place in a sentence is between quotation marks, straight or curly, double."""
    before = text[:place]
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def parse(path: Path) -> Article:
    """Read and check one article file.

    Raises:
        InputError: naming file and line, for anything that does not fit the format above.

    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 at byte {error.start}. Save the file as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    parts = content.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise InputError(f"{path}:1: no header. Open the file with a YAML header between two lines '---'.")
    header = _header(path, parts[1])
    body_line = parts[1].count("\n") + 3
    return _Page(path, header).read(parts[2].split("\n"), body_line)


def _header(path: Path, text: str) -> dict[str, Any]:
    try:
        header = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{path}:2: the header is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(header, dict) or set(header) | {"genre"} != HEADER_KEYS:
        found = sorted(map(str, header)) if isinstance(header, dict) else type(header).__name__
        raise InputError(f"{path}:2: the header has {found}, expected the keys {sorted(HEADER_KEYS)}.")
    if header["split"] not in SPLITS:
        raise InputError(f"{path}:2: split is {header['split']!r}, expected one of {', '.join(SPLITS)}.")
    actors = header["actors"]
    if not isinstance(actors, dict):
        raise InputError(f"{path}:2: actors must be a table of actor: [names].")
    for actor, names in actors.items():
        if not re.fullmatch(_ACTOR, str(actor)):
            raise InputError(f"{path}:2: actor id {actor!r}: use lower-case letters, digits and _, a letter first.")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"{path}:2: actor {actor}: expected a list of at least one name, found {names!r}.")
    return header


class _Page:
    """Builds the raw page line by line while it checks the labels."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.header = path, header
        self.raw, self.glue = "", ""
        self.lines: list[tuple[str, str]] = []
        self.sentences: list[Sentence] = []
        self.mentioned: set[str] = set()
        self.pending: tuple[int, int, list[tuple[str, int, int]], int] | None = None
        self.pairs: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}  # of the pending sentence

    def read(self, lines: list[str], first: int) -> Article:
        for number, line in enumerate(lines, first):
            if not line.strip():
                self.glue = "\n\n" if self.raw else ""
            elif line[0].isspace():
                self._pair(line, number)
            elif line.startswith("["):
                self._tagged(line, number)
            else:
                self._sentence(line.rstrip(), number)
        self._close()
        if not self.sentences:
            raise InputError(f"{self.path}: no sentence. Write one per line below the header.")
        head = self.header
        return Article(
            id=str(head["id"]),
            story=str(head["story"]),
            date=str(head["date"]),
            split=head["split"],
            actors={actor: tuple(names) for actor, names in head["actors"].items()},
            raw=self.raw + "\n",
            lines=tuple(self.lines),
            sentences=tuple(self.sentences),
        )

    def _error(self, number: int, message: str) -> InputError:
        return InputError(f"{self.path}:{number}: {message}")

    def _tagged(self, line: str, number: int) -> None:
        found = _TAGGED.match(line)
        if not found or found["tag"] not in TAGS:
            raise self._error(number, f"{line[:40]!r} is not a tagged line. Tags: {', '.join(TAGS)}.")
        self._close()
        self.raw += ("\n\n" if self.glue else "") + found["text"]  # a line of its own, even directly below a sentence
        self.glue = " " if found["tag"] == "dateline" else "\n\n"
        self.lines.append((found["tag"], found["text"]))

    def _sentence(self, line: str, number: int) -> None:
        self._close()
        text, mentions, position = "", [], 0
        for found in _MENTION.finditer(line):
            actor, words = found["actor"], found["words"]
            if actor not in self.header["actors"]:
                raise self._error(number, f"unknown actor {actor!r}. Add it to the header's actors.")
            if not words.strip() or words != words.strip():
                raise self._error(number, f"the mention {words!r} of {actor} is empty or has spaces at its ends.")
            text += line[position : found.start()]
            mentions.append((actor, len(text), len(text) + len(words)))
            text += words
            position = found.end()
        text += line[position:]
        if "{" in text or "}" in text:
            raise self._error(number, "a brace that is not a mention. Write {actor|words}.")
        start = len(self.raw) + len(self.glue)
        self.raw += self.glue + text
        self.glue = " "
        self.mentioned.update(actor for actor, _, _ in mentions)
        self.pending = (start, start + len(text), mentions, number)
        self.pairs = {}

    def _pair(self, line: str, number: int) -> None:
        found = _PAIR.match(line)
        if not found:
            raise self._error(number, f"{line.strip()!r} is not a pair. Write 'source -> target: label'.")
        if self.pending is None:
            raise self._error(number, "a pair without a sentence above it.")
        source, target, label = found["source"], found["target"], found["label"]
        if label not in LABELS:
            raise self._error(number, f"label {label!r}: expected one of {', '.join(LABELS)}.")
        tags = frozenset(found["tags"].replace("#", " ").split())
        if unknown := sorted(tags - set(TAGS_OF_PAIRS)):
            raise self._error(number, f"tag {unknown[0]!r}: expected one of {', '.join(TAGS_OF_PAIRS)}.")
        if source == target:
            raise self._error(number, f"source and target are both {source!r}.")
        if target in (AUTHOR, UNKNOWN) or (source in (AUTHOR, UNKNOWN) and found["arrow"] == "<->"):
            raise self._error(number, f"{target if target in (AUTHOR, UNKNOWN) else source} cannot be a target.")
        for actor in (source, target):
            if actor not in self.header["actors"] and (actor != source or source not in (AUTHOR, UNKNOWN)):
                raise self._error(number, f"unknown actor {actor!r}. Add it to the header's actors.")
            if actor in self.header["actors"] and actor not in self.mentioned:
                raise self._error(number, f"{actor!r} is marked neither in this sentence nor before it.")
        both = found["arrow"] == "<->"
        for pair in [(source, target), (target, source)] if both else [(source, target)]:
            if pair in self.pairs:
                raise self._error(number, f"{pair[0]} -> {pair[1]} is labelled twice.")
            self.pairs[pair] = label, tags

    def _close(self) -> None:
        if self.pending is None:
            return
        start, end, mentions, number = self.pending
        for source, target in permutations(dict.fromkeys(actor for actor, _, _ in mentions), 2):
            if (source, target) not in self.pairs:
                raise self._error(number, f"the pair {source} -> {target} of this sentence has no label.")
        labelled = tuple((source, target, label) for (source, target), (label, _) in self.pairs.items())
        tags = tuple(tags for _, tags in self.pairs.values())
        self.sentences.append(Sentence(start, end, tuple(mentions), labelled, tags))
        self.pending = None


if __name__ == "__main__":  # a check for writers: python -m actorstance.readers.newsroom FILE...
    import sys
    from collections import Counter

    for name in sys.argv[1:]:
        try:
            article = parse(Path(name))
        except InputError as problem:
            sys.exit(str(problem))
        labels = Counter(label for sentence in article.sentences for *_, label in sentence.pairs)
        print(f"{name}: {len(article.sentences)} sentences, {labels.total()} pairs, {dict(labels)}")
