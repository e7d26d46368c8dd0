"""Exports of news databases against the gold files: where articles begin, what is a field, what is the body."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstance import documents
from actorstance.archives.archive import Archive, Text
from actorstance.errors import InputError
from actorstance.text import exports, lines

FILES = sorted((Path(__file__).parent / "gold" / "exports").glob("*.txt"))
Lines = list[tuple[str, str]]


def _gold(path: Path) -> tuple[str, list[tuple[str, Lines]]]:
    """The text of an export, and of each article its day and lines; ¦ ends a field's name, ‖ a dateline."""
    raw, articles = "", []
    for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
        if line.startswith("# article "):
            articles.append((line.removeprefix("# article "), Lines()))
        if line.startswith("# "):
            continue
        kind, _, text = line.partition("\t")
        if text:
            first = "furniture" if "¦" in text else "dateline"
            *before, last = text.replace("‖", "¦").split("¦")
            articles[-1][1].extend([*((first, name.strip()) for name in before), (kind, last.strip())])
        raw += text.replace("¦", "").replace("‖", "") + "\n"
    return raw, articles


def _found(document: documents.Document) -> Lines:
    return [(line.kind, document.raw[line.start : line.end]) for line in document.lines]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_gold_exports(path: Path, newline: str, tmp_path: Path) -> None:
    raw, articles = _gold(path)
    file = tmp_path / "download.txt"
    file.write_text(raw, encoding="utf-8", newline=newline)
    found = documents.read(file)
    assert [(one.date, _found(one)) for one in found] == articles
    assert [one.id for one in found] == [f"download.txt#{number}" for number in range(1, len(articles) + 1)]
    assert "".join(one.raw for one in found) == raw.replace("\n", newline)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_archive_has_the_same_articles(path: Path, tmp_path: Path) -> None:
    raw, _ = _gold(path)
    (tmp_path / "download.txt").write_text(raw, encoding="utf-8")
    found = [(one.id, one.text) for one in Archive(tmp_path) if isinstance(one, Text)]
    assert found == documents.articles("download.txt", raw)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_article_is_told_by_itself(path: Path) -> None:
    raw, articles = _gold(path)
    for (_, text), (day, expected) in zip(documents.articles("a", raw), articles, strict=True):
        (document,) = documents.read(text)
        assert (document.id, document.date, _found(document)) == ("text", day, expected)


PIECES = [line + "\n" for path in FILES for line in _gold(path)[0].split("\n")]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_whatever_is_exported_nothing_is_lost(raw: str) -> None:
    spans = exports.split(raw)
    assert [0, *(end for _, end in spans)] == [*(start for start, _ in spans), len(raw)]
    at = 0
    for line in lines.classify(raw):
        assert at <= line.start < line.end
        assert not raw[at : line.start].strip()
        at = line.end
    assert not raw[at:].strip()


def test_a_row_holds_one_article() -> None:
    raw, articles = _gold(FILES[0])
    with pytest.raises(InputError, match=f"^row 1: {len(articles)} articles of a news database in one. Put each in"):
        documents.parse("a", raw, "row 1")


@pytest.mark.parametrize(
    "sign", ["LENGTH: the minister's speech ran to 634 words", "Document 1 of 2", "388 words", "BODY: 12 of them", "HD"]
)
def test_one_sign_makes_no_export(sign: str) -> None:
    body = "Varna on Monday accused Ostia of spying on its port, and thanked Senga for its help."
    (document,) = documents.read(f"{body}\n\n{sign}\n\n{body}\n")
    assert [line.reason for line in document.lines if "database" in line.reason] == []
