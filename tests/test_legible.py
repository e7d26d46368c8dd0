"""Spoilt characters: the gold cases, places in both texts, and a run on an article that was scraped."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstance import documents, pipeline, reading
from actorstance.actors import Registry
from actorstance.archives import shards
from actorstance.archives.archive import Text
from actorstance.models import load
from actorstance.pages import article
from actorstance.text.legible import mend

GOLD = Path(__file__).parent / "gold" / "characters.txt"
LINES = GOLD.read_text(encoding="utf-8").split("\n")
CASES = [line.replace("\\n", "\n").split(" | ") for line in LINES if line and line[0] != "#"]
SCRAPED = (
    "AT&amp;amp;T quarrels with Varna &amp; Ostia\n\nBy Ana Lima\n\n"
    "Varna&rsquo;s president, Ana Lima, on Monday accused C&ocirc;te d&#8217;Ivoire of spying. "
    "&ldquo;Russia didnâ€™t pay,&rdquo; she said. The cafÃ© in Turkey &lt;shut&gt;. Turkey blamed Russia.\n"
)


@pytest.mark.parametrize(("text", "meant", "kinds", "reason"), CASES)
def test_gold_characters(text: str, meant: str, kinds: str, reason: str) -> None:
    found = mend(text)
    assert (found.text if found else text) == meant, reason
    assert ", ".join(found.kinds if found else ("none",)) == kinds


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(["a", "Lima ", "&amp;", "&amp;amp;", "amp;", "&#8217;", "â€™", "Ã©", "é", "&Acirc;©", ". "])
        | st.sampled_from(
            ["<p>", "</p>", "<i>", "</i>", "<a href='?a=>'>", "&lt;br&gt;", "<nav>", "</nav>", "<!--", "\n"]
        )
        | st.sampled_from("\u00ad\u200b<\n")
    )
)
def test_every_place_is_known_in_both_texts(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = mend(text)
    if found is None:
        return
    last = 0
    for at, letter in enumerate(found.text):
        start, end = found.in_given(at, at + 1)
        assert last <= start < end <= len(text)  # no two letters are in one place
        last = end
        assert (found.in_text(start), found.in_text(end)) == (at, at + 1)
        assert letter not in "aLim" or text[start:end] == letter


@pytest.mark.parametrize("unseen", "\u00ad\u200b\u200c\u200d\u2060\ufeff")
def test_a_name_with_an_invisible_character_is_the_actors(unseen: str) -> None:
    text = f"Rus{unseen}sia on Monday accused Tur{unseen}key{unseen} of spying on the port."
    document = documents.parse("a", text)
    assert [document.text(sentence) for sentence in document.sentences] == [text.replace(unseen, "")]
    found = reading.read_actors(document, Registry.world()).mentions
    places = [(one.actor, text[slice(*document.in_given(one.start, one.end))]) for one in found]
    assert places == [
        ("russia", f"Rus{unseen}sia"),
        ("turkey", f"Tur{unseen}key"),
    ]


def test_a_soft_hyphen_at_the_end_of_a_line_still_joins_its_word() -> None:
    text = "On Monday Ostia\u00ads gov\u00ad \nernment accused a Varna- \nbacked group of spying on its port."
    document = documents.parse("a", text)
    assert document.mended is not None
    assert document.mended.kinds == ("invisible", "hyphens")
    (sentence,) = document.sentences
    assert document.text(sentence).startswith("On Monday Ostias government accused")


def test_a_hostile_text_is_mended_in_no_time() -> None:
    start = time.perf_counter()
    mend("a" + "\u00ad" * 300_000 + "\u200d" * 300_000 + "\n" + "a\u200b " * 100_000)
    mend("&" + "amp;" * 100_000)
    mend("Ã©" * 100_000)
    assert time.perf_counter() - start < 10


def _rows(run: Path) -> dict[str, list[dict[str, Any]]]:
    files = run.glob("*.jsonl")
    return {path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in files}


def test_a_run_counts_in_the_text_as_it_was_given(trained: Path, tmp_path: Path) -> None:
    document = documents.parse("scraped", SCRAPED)
    counts = pipeline.predict(load(trained), [document], tmp_path / "run")
    assert (counts["documents_entities"], counts["documents_encoding"]) == (1, 1)
    rows = _rows(tmp_path / "run")
    (row,) = rows["documents"]
    assert (row["text"], row["mended"]) == (SCRAPED, ["entities", "encoding"])
    assert [SCRAPED[one["raw_start"] : one["raw_end"]] for one in rows["sentences"]] == [
        "Varna&rsquo;s president, Ana Lima, on Monday accused C&ocirc;te d&#8217;Ivoire of spying.",
        "&ldquo;Russia didnâ€™t pay,&rdquo; she said.",
        "The cafÃ© in Turkey &lt;shut&gt;.",
        "Turkey blamed Russia.",
    ]
    assert [one["text"] for one in rows["sentences"]][1:3] == [
        "“Russia didn’t pay,” she said.",
        "The café in Turkey <shut>.",
    ]
    named = {one["text"]: SCRAPED[one["raw_start"] : one["raw_end"]] for one in rows["mentions"]}
    assert {
        "Côte d’Ivoire": "C&ocirc;te d&#8217;Ivoire",
        "Russia": "Russia",
        "Turkey": "Turkey",
    }.items() <= named.items()
    said = next(one for one in rows["statements"] if one["kind"] == "direct")
    assert SCRAPED[said["raw_start"] : said["raw_end"]] == "&ldquo;Russia didnâ€™t pay,&rdquo;"
    assert SCRAPED[said["source_start"] : said["source_end"]] == "she"
    texts = {(one["raw_start"], one["raw_end"]): one["text"] for one in rows["sentences"]}
    assert rows["predictions"]
    assert all(one["text"] == texts[one["raw_start"], one["raw_end"]] for one in rows["predictions"])


def test_an_archive_counts_in_the_text_as_it_holds_it() -> None:
    shard = shards.Shard(0, (Text("a.jsonl:1", "scraped", None, SCRAPED),), "", 0)
    prepared = shards.prepare(shard, Registry.world(), None)
    rows = {
        name: pq.read_table(pa.BufferReader(prepared.files[name])).to_pylist() for name in ("sentences", "mentions")
    }
    places = [SCRAPED[one["raw_start"] : one["raw_end"]] for one in rows["sentences"]]
    assert [place[-8:] for place in places] == [" spying.", "he said.", "hut&gt;.", " Russia."]
    assert {"C&ocirc;te d&#8217;Ivoire", "Ana Lima", "Turkey"} <= {
        SCRAPED[one["raw_start"] : one["raw_end"]] for one in rows["mentions"]
    }
    starts = {one["raw_start"] for one in rows["sentences"]}
    assert set(prepared.examples["raw_start"].to_pylist()) <= starts
    assert (prepared.record["counts"]["documents_entities"], prepared.record["counts"]["documents_encoding"]) == (1, 1)


def test_what_a_run_read_is_read_again_as_it_was(trained: Path, tmp_path: Path) -> None:
    pipeline.predict(load(trained), [documents.parse("scraped", SCRAPED)], tmp_path / "run")
    (again,) = documents.read(tmp_path / "run" / "documents.jsonl")
    assert again == documents.parse("scraped", SCRAPED)


def test_the_page_marks_the_words_that_are_meant(trained: Path, tmp_path: Path) -> None:
    pipeline.predict(load(trained), [documents.parse("scraped", SCRAPED)], tmp_path / "run")
    rows = _rows(tmp_path / "run")
    found = article.article(rows["documents"][0], rows["lines"], rows["predictions"])
    assert found.title == "AT&T quarrels with Varna & Ostia"
    marked = [piece.text for block in found.blocks for piece in block.pieces if piece.mark >= 0]
    assert {"Côte d’Ivoire", "Russia", "Turkey"} <= set(marked)
    assert all(word.strip() == word and "&" not in word for word in marked)
