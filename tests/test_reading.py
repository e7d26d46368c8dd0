"""Actors, speakers, pronouns and pairs against gold cases: tests/gold/actors, one case a line, each with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actorstance.actors import Registry
from actorstance.documents import Document, Sentence
from actorstance.quotes import statements
from actorstance.reading import read_actors
from actorstance.sentences import split

GOLD = Path(__file__).parent / "gold" / "actors"
WORLD = Registry.world()


def cases(name: str) -> list[tuple[str, str]]:
    lines = (GOLD / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    assert all(len(parts) == 3 and all(parts) for parts in found), [parts for parts in found if len(parts) != 3]
    return [(text, expected) for text, expected, _ in found]


def document(text: str, date: str | None = None) -> Document:
    """A document of a text whose paragraphs are parted by ¶, all of it body."""
    raw, sentences, at = text.replace(" ¶ ", "\n\n"), [], 0
    for number, paragraph in enumerate(raw.split("\n\n")):
        sentences += [Sentence(at + start, at + end, number) for start, end in split(paragraph)]
        at += len(paragraph) + 2
    return Document("gold", raw, date, (), tuple(sentences))


def place(raw: str, words: str) -> tuple[int, int]:
    """Where words stand; "words#2" is their second place."""
    plain, _, number = words.partition("#")
    found = [at.span() for at in re.finditer(rf"(?<!\w){re.escape(plain)}(?!\w)", raw)]
    return found[int(number or 1) - 1]


def test_there_are_enough_gold_cases() -> None:
    assert sum(len(cases(path.stem)) for path in GOLD.glob("*.txt")) >= 250


@pytest.mark.parametrize(("text", "expected"), cases("mentions") + cases("metonyms") + cases("pronouns"))
def test_who_is_meant(text: str, expected: str) -> None:
    reading = read_actors(document(text), WORLD)
    for one in expected.split("; "):
        words, _, actor = one.partition(" = ")
        start, end = place(reading.document.raw, words)
        if actor == "none":
            assert not [m for m in reading.mentions if (m.start, m.end) == (start, end)], one
        else:
            over = [m for m in reading.mentions if m.start <= start and end <= m.end]
            over = over or [m for m in reading.mentions if m.start < end and start < m.end]
            assert [m.actor for m in over][:1] == [actor], (one, [(m.actor, m.rule) for m in over])


@pytest.mark.parametrize(("text", "expected"), cases("speakers"))
def test_who_speaks(text: str, expected: str) -> None:
    found = document(text)
    for one in expected.split("; "):
        words, _, speaker = one.partition(" <- ")
        start, end = place(found.raw, words)
        covering = [s for s in statements(found) if s.kind != "act" and s.content[0] < end and start < s.content[1]]
        assert covering or speaker == "nobody", one
        best = max(covering, key=lambda s: _overlap(s.content, (start, end)), default=None)
        source = best.source if best else None
        if speaker == "nobody":
            assert source is None, (one, found.raw[slice(*source)] if source else "")
        else:
            assert source is not None, one
            assert speaker in found.raw[slice(*source)], (one, found.raw[slice(*source)])


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    common = min(one[1], other[1]) - max(one[0], other[0])
    return common / (max(one[1], other[1]) - min(one[0], other[0]))
