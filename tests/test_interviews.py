"""Interviews in questions and answers, as whole pages, against the gold cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorstance.actors import UNKNOWN, Registry
from actorstance.documents import parse
from actorstance.reading import read_actors

GOLD = Path(__file__).parent / "gold" / "actors" / "interviews.txt"
CASES = [line.split(" | ") for line in GOLD.read_text(encoding="utf-8").split("\n") if line and line[0] != "#"]


@pytest.mark.parametrize(("page", "expected", "reason"), CASES)
def test_who_answers(page: str, expected: str, reason: str) -> None:
    raw = page.replace(" ¶ ", "\n\n")
    reading = read_actors(parse("gold", raw), Registry.world())
    for one in expected.split("; "):
        words, _, speaker = one.partition(" <- ")
        start = raw.index(words)
        saying = [
            UNKNOWN if who is None else who.actor
            for said, who in zip(reading.statements, reading.speakers, strict=True)
            if said.kind == "direct" and said.content[0] <= start and start + len(words) <= said.content[1]
        ]
        assert saying == ([] if speaker == "author" else [UNKNOWN if speaker == "nobody" else speaker]), reason


def test_what_is_answered_is_not_the_authors() -> None:
    turns = [
        "Q: Will you sign the deal?",
        "A: Russia has lied to us.",
        "Q: Why do you think so?",
        "A: We saw Turkey pay.",
    ]
    found = {}
    for above in ("The dockers of Varna have been on strike.", "We spoke to Ana Lima in Varna."):
        reading = read_actors(parse("gold", "\n\n".join([above, *turns])), Registry.world())
        found[above] = {(pair.source, pair.target) for pair in reading.pairs if pair.target in ("russia", "turkey")}
    assert list(found.values()) == [
        {(UNKNOWN, "russia"), (UNKNOWN, "turkey")},
        {("ana_lima", "russia"), ("ana_lima", "turkey")},
    ]
