"""Documents against the gold pages and sentences, the authored articles, arbitrary text and bad input."""

from __future__ import annotations

import errno
import json
import os
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from actorstance import documents, files
from actorstance.actors import Registry
from actorstance.archives.archive import Archive, Text
from actorstance.documents import Document
from actorstance.errors import InputError
from actorstance.readers import newsroom
from actorstance.reading import read_actors
from actorstance.text import lines, sentences
from actorstance.text.legible import mend

ROOT = Path(__file__).resolve().parents[1]
GOLD = ROOT / "tests" / "gold"
PAGES = sorted((GOLD / "pages").glob("*.txt"))
SEED = ROOT / "data" / "article" / "syria-m5-2020-02-12.json"
AUTHORED = sorted((ROOT / "data" / "newsroom" / "articles").glob("*.txt"))
SEED_TEXTS = sorted((ROOT.parent / "shared" / "article").glob("syria-m5-2020-02-12.txt"))  # not in every checkout
BODY = "Varna on Monday accused Ostia of spying on its port."
Span = tuple[int, int]

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def _gold_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip() and not line.startswith("# ")]


SENTENCES = [line.split("\t")[0] for line in _gold_lines(GOLD / "sentences.txt")]
KNOWN_MISSES = [tuple(line.split("\t")) for line in _gold_lines(GOLD / "known_misses.txt")]


# --- gold sentences


def _marked(paragraph: str) -> tuple[str, list[Span]]:
    """The text of a gold paragraph, and where its marks say that the sentences stand."""
    text, spans = "", []
    for piece in re.split("([‖⁂])", paragraph):
        if piece in "‖⁂":
            text += " " if piece == "‖" else ""
        else:
            start = len(text) + len(piece) - len(piece.lstrip())
            spans.append((start, len(text) + len(piece.rstrip())))
            text += piece
    return text, spans


@pytest.mark.parametrize("paragraph", SENTENCES)
def test_gold_sentences(paragraph: str) -> None:
    text, expected = _marked(paragraph)
    listed = any(paragraph.startswith(miss[1]) for miss in KNOWN_MISSES if miss[0] == "sentences")
    right = sentences.split(text) == expected
    assert right != listed, "mended: take it off known_misses.txt" if right else sentences.split(text)


# --- gold pages


@dataclass(frozen=True)
class GoldLine:
    kind: str
    start: int
    end: int
    dateline: int | None  # where the dateline that opens the line ends


def _page(path: Path, newline: str | None = None) -> tuple[str, list[GoldLine]]:
    content = path.read_text(encoding="utf-8")
    newline = newline or ("\r\n" if "# newline: crlf\n" in content else "\n")
    raw, gold = "", []
    for line in content.removesuffix("\n").split("\n"):
        if line.startswith("# "):
            continue
        if line.strip():
            kind, text = line.split("\t")
            mark = len(raw) + text.index("‖") if "‖" in text else None
            text = text.replace("‖", "")
            gold.append(GoldLine(kind, len(raw), len(raw) + len(text), mark))
            raw += text
        raw += newline
    return raw, gold


def _found(raw: str, gold: list[GoldLine]) -> list[tuple[list[str], int | None]]:
    """For each gold line, the kinds of what was found in it, without dateline and signature, and the dateline's end."""
    result = []
    classified = lines.classify(raw)
    for line in gold:
        inside = [found for found in classified if found.start < line.end and found.end > line.start]
        dateline = next((found.end for found in inside if found.kind == "dateline"), None)
        kinds = [found.kind for found in inside if found.kind != "dateline" and found.reason != lines.SIGNED]
        result.append((kinds, dateline))
    return result


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_gold_pages(path: Path) -> None:
    """No body line is lost, no other line becomes body, headline and dateline are found; but for the known misses."""
    raw, gold = _page(path)
    assert any(line.kind == "body" for line in gold)
    missed = set()
    for line, (kinds, dateline) in zip(gold, _found(raw, gold), strict=True):
        wrong_body = kinds != ["body"] if line.kind == "body" else "body" in kinds
        if wrong_body or (line.kind == "headline" and kinds != ["headline"]) or dateline != line.dateline:
            missed.add(raw[line.start : line.end])
    prefixes = [miss[2] for miss in KNOWN_MISSES if miss[:2] == ("pages", path.name)]
    listed = {text for text in (raw[g.start : g.end] for g in gold) if text.startswith(tuple(prefixes))}
    assert not missed - listed, "not on known_misses.txt"
    assert not listed - missed, "mended: take it off known_misses.txt"


def test_gold_pages_share_of_right_kinds() -> None:
    right = [
        kinds == [line.kind]
        for raw, gold in map(_page, PAGES)
        for line, (kinds, _) in zip(gold, _found(raw, gold), strict=True)
    ]
    assert sum(right) / len(right) >= 0.93


@pytest.mark.parametrize("case", _gold_lines(GOLD / "lines.txt"))
def test_gold_lines_between_paragraphs(case: str) -> None:
    kind, text = case.split("\t")
    raw = "\n\n".join(["Talks collapse over the port of Varna", BODY, text, BODY])
    assert [(line.kind, raw[line.start : line.end]) for line in lines.classify(raw)][2] == (kind, text)


@pytest.mark.parametrize("case", _gold_lines(GOLD / "signatures.txt"))
def test_gold_signatures(case: str) -> None:
    before, _, signature = case.partition("‖")
    raw = "\n\n".join(["Talks collapse over the port of Varna", "By Ana Lima", BODY, case.replace("‖", "")])
    expected = [("body", before.rstrip()), ("byline", signature)] if signature else [("body", before)]
    assert [(line.kind, raw[line.start : line.end]) for line in lines.classify(raw)][3:] == expected


@pytest.mark.parametrize("case", _gold_lines(GOLD / "headlines.txt"))
def test_gold_headlines(case: str) -> None:
    kind, text = case.split("\t")
    raw = "\n\n".join(["Home", "News", "Sport", text, "By Ana Lima", BODY, BODY])
    assert [(line.kind, raw[line.start : line.end]) for line in lines.classify(raw)][3] == (kind, text)


def test_gold_page_tells_bylines_and_captions() -> None:
    raw, gold = _page(GOLD / "pages" / "16-consent-wire.txt")
    assert [kinds for kinds, _ in _found(raw, gold)] == [[line.kind] for line in gold]


WIRES = {
    "one sentence": ["Harbour Commissioner Ilmar Vestrik yesterday sacked pilot Dana Korb."],
    "two sentences": ["Ostian Foreign Minister Inés Barragán visited Varna.", "Senga blamed Puntara!"],
    "sentences of two words": [
        "Dam keeper Abel Toro accused Puntaran engineers.",
        "Kelland rejoiced.",
        "Torsay kept quiet.",
    ],
}


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())
@pytest.mark.parametrize(
    "above", ["", "Home\nShare this article\n\nVarna quarrels with Ostia over port dues\n\nBy Ana Lima\n"]
)
def test_a_wire_without_small_words_is_read(wire: list[str], above: str) -> None:
    document = documents.parse("a", above + " ".join(wire))
    assert _normalised(document) == wire
    assert [line.kind for line in document.lines][-3:] == (["headline", "byline", "body"] if above else ["body"])


def test_a_question_and_its_answer_may_be_a_headline() -> None:
    headline = "Coal enough? Varna port officials promise twelve full barges soon."
    assert [line.kind for line in lines.classify(f"{headline}\n\n{BODY}\n\n{BODY}")] == ["headline", "body", "body"]


def test_without_sentences_a_page_has_no_body() -> None:
    with pytest.raises(InputError, match="no article's body found"):
        documents.parse(
            "a", "Accept all\nOstian President Dana Korb thanks President Ilmar Vestrik\nWe value your privacy."
        )


def test_windows_line_ends_change_nothing() -> None:
    windows = [path for path in PAGES if "\r\n" in _page(path)[0]]
    assert windows
    for path in windows:
        (raw, gold), (unix, unix_gold) = _page(path), _page(path, "\n")
        assert raw.replace("\r\n", "\n") == unix != raw
        assert [kinds for kinds, _ in _found(raw, gold)] == [kinds for kinds, _ in _found(unix, unix_gold)]


def test_each_known_miss_names_one_gold_line() -> None:
    for miss in KNOWN_MISSES:
        if miss[0] == "authored":
            assert [path.stem for path in AUTHORED].count(miss[1]) == 1, miss
            continue
        where, prefix = miss[:-2], miss[-2]
        assert where in {("sentences",), *(("pages", path.name) for path in PAGES)}, miss
        pool = SENTENCES
        if where[0] == "pages":
            raw, gold = _page(GOLD / "pages" / where[1])
            pool = [raw[line.start : line.end] for line in gold]
        assert sum(text.startswith(prefix) for text in pool) == 1, miss


# --- authored articles


def _authored(path: Path) -> tuple[str, list[Span], str]:
    """The raw page, where its sentences stand, and its captions."""
    if path in AUTHORED:
        article = newsroom.parse(path)
        captions = "\n".join(text for tag, text in article.lines if tag == "caption")
        return article.raw, [(sentence.start, sentence.end) for sentence in article.sentences], captions
    rows = json.loads(SEED.read_text(encoding="utf-8"))["sentences"]
    assert len(rows) == 28
    return path.read_bytes().decode("utf-8"), [(row["start"], row["end"]) for row in rows], ""


@pytest.mark.parametrize("path", [*AUTHORED, *SEED_TEXTS], ids=lambda path: path.stem)
def test_authored_sentences_stand_where_they_were_written(path: Path) -> None:
    raw, expected, captions = _authored(path)
    found = [(sentence.start, sentence.end) for sentence in documents.parse(path.stem, raw).sentences]
    lost = [raw[slice(*span)] for span in expected if span not in found]
    extra = [raw[slice(*span)] for span in found if span not in expected]
    extra = [text for text in extra if text not in captions]  # a caption without credit reads like a sentence
    if any(miss[:2] == ("authored", path.stem) for miss in KNOWN_MISSES):
        assert lost or extra
    else:
        assert (lost, extra) == ([], [])


# --- arbitrary text

ODD = [*"\"'“”‘’«»„()[].?!…,;:—–-•*1aZé\u00a0\u200b\ufeff\u3000\u2028\x85", "😀", "👩\u200d🚀", "``"]
NEWLINES = ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", " \n ", "\v", "\f"]
GOLD_TEXTS = [_marked(paragraph)[0] for paragraph in SENTENCES]
PIECES = GOLD_TEXTS + [raw[line.start : line.end] for raw, gold in map(_page, PAGES) for line in gold]
TEXT = st.lists(
    st.sampled_from(ODD)
    | st.sampled_from(NEWLINES)
    | st.sampled_from(PIECES)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    max_size=30,
).map("".join)


def _outside(text: str, spans: Iterable[Span]) -> str:
    """What lies outside the spans, which must be in order and must not overlap."""
    outside, position = "", 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        outside += text[position:start]
        position = end
    return outside + text[position:]


@PROPERTY
@given(TEXT)
def test_split_loses_nothing(text: str) -> None:
    spans = sentences.split(text)
    assert not _outside(text, spans).strip()
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)


@PROPERTY
@given(TEXT)
def test_classify_loses_nothing(raw: str) -> None:
    classified = lines.classify(raw)
    assert re.fullmatch(r"[\s\u200b\ufeff]*", _outside(raw, [(line.start, line.end) for line in classified]))
    assert all(line.kind in lines.KINDS and line.kept == (line.kind != "furniture") for line in classified)


@PROPERTY
@given(TEXT, st.sampled_from(NEWLINES))
def test_parse_finds_exactly_the_body(text: str, newline: str) -> None:
    raw = text + newline + BODY + newline
    if "\0" in raw:
        with pytest.raises(InputError, match=r"^a: a character that is no text \(U\+0000\)"):
            documents.parse("a", raw)
        return
    mended = mend(raw)
    raw = mended.text if mended else raw
    body = [line for line in lines.classify(raw) if line.kind == "body"]
    if not body:
        with pytest.raises(InputError, match=r"^a: no article's body found"):
            documents.parse("a", raw)
        return
    document = documents.parse("a", raw)
    assert document.raw == raw
    outside = _outside(raw, [(sentence.start, sentence.end) for sentence in document.sentences])
    others = [raw[line.start : line.end] for line in document.lines if line.kind != "body"]
    assert re.sub(r"[\s\u200b\ufeff]", "", outside) == re.sub(r"[\s\u200b\ufeff]", "", "".join(others))
    for sentence in document.sentences:
        assert len(document.text(sentence)) == sentence.end - sentence.start
        assert len(document.text(sentence).splitlines()) == 1


def _normalised(document: Document) -> list[str]:
    return [" ".join(document.text(sentence).split()) for sentence in document.sentences]


def _same_when_wrapped(paragraph: str, wrapped: str) -> bool:
    return _normalised(documents.parse("a", wrapped)) == _normalised(documents.parse("a", paragraph))


@PROPERTY
@given(st.lists(st.sampled_from(GOLD_TEXTS), min_size=8, max_size=24).map(" ".join), st.sampled_from(["\n", "\r\n"]))
def test_wrapped_text_has_the_same_sentences(paragraph: str, newline: str) -> None:
    wrapped = textwrap.wrap(paragraph, 72, break_long_words=False, break_on_hyphens=False)
    assume(len(wrapped) >= 12)
    assert _same_when_wrapped(paragraph, newline.join(wrapped))


@pytest.mark.parametrize("bullet", ["•", "▪", "●", "◦", "·", "-", "*"])
def test_behind_a_bullet_a_sentence_ends_as_elsewhere(bullet: str) -> None:
    found = documents.parse("a", f"{bullet} Peru blamed Chile for it. Egypt thanked Oman.\n")
    assert [found.raw[one.start : one.end] for one in found.sentences] == [
        f"{bullet} Peru blamed Chile for it.",
        "Egypt thanked Oman.",
    ]


LINE = "Councillors voted to keep the bridge in the old town by the harbour too."  # 72 characters
WRAPPED = {  # each broke an earlier version
    "dash before a line break": [
        "They asked the council of the old town for one plan — who would pay? —",
        "which was dropped.",
        *[LINE] * 12,
    ],
    "no-break space in a first word": [*[LINE] * 12, LINE[:-13] + "port of", "Mr.\u00a0Okoro on Monday."],
    "last line the longest": [*[LINE[:-5]] * 12, LINE],
    "colon after a dateline": ["BEIRUT: " + "Extraordinarily " * 4, "long words were said there.", *[LINE] * 12],
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED.keys())
def test_wrapped_text_that_broke_earlier_versions(wrapped: list[str]) -> None:
    assert _same_when_wrapped(" ".join(map(str.strip, wrapped)), "\n".join(map(str.strip, wrapped)))


def test_a_column_has_the_same_sentences_however_it_is_wrapped() -> None:
    """As copied from a PDF: the edge is about as far for every line, since letters are not of one width."""
    for path in AUTHORED[:12]:
        document = documents.parse(path.stem, _authored(path)[0])
        paragraphs: dict[int, list[str]] = {}
        for sentence in document.sentences:
            paragraphs.setdefault(sentence.paragraph, []).append(" ".join(document.text(sentence).split()))
        wrapped = (_column(" ".join(found)) for found in paragraphs.values())
        column = documents.parse(path.stem, "A report on the port\n\n" + "\n\n".join(wrapped))
        assert _normalised(column) == [text for found in paragraphs.values() for text in found]


def _column(paragraph: str) -> str:
    """A paragraph wrapped at an edge that letters of different widths reach: i and l are a third of an m."""
    lines, room = [""], 0.0
    for word in paragraph.split():
        width = sum(0.3 if letter in "ijlft.,;:'’ " else 0.9 if letter in "mwMW" else 0.55 for letter in f"{word} ")
        lines, room = ([*lines, ""], 44) if width > room else (lines, room)
        lines[-1] += f"{word} "
        room -= width
    return "\n".join(lines).strip()


def test_divided_words_are_joined_and_found_again() -> None:
    raw, gold = _page(GOLD / "pages" / "17-pdf-report.txt")
    document = documents.parse("a", raw)
    assert document.mended
    assert document.mended.kinds == ("hyphens",)
    assert document.given == raw
    texts = [document.text(sentence) for sentence in document.sentences]
    assert "Ostia, which once backed the project, now accuses Torsay of bad faith.1" in texts
    assert any(text.endswith("but his talks collapsed in April.") for text in texts)
    assert "Varna blamed Kelland; Kelland blamed Varna and an Ostian-backed group of engineers." in texts
    for sentence, text in zip(document.sentences, texts, strict=True):
        start, end = document.in_given(sentence.start, sentence.end)
        assert re.sub(r"\W", "", raw[start:end]) == re.sub(r"\W", "", text)
    for line, (mended, unmended) in zip(gold, zip(document.lines, lines.classify(raw), strict=True), strict=True):
        assert raw[line.start : line.end].startswith(document.raw[mended.start : mended.end])
        assert (mended.kind, mended.wrapped) == (unmended.kind, unmended.wrapped)


SHORT = [
    "China on Thursday condemned Japan for releasing the treated water of the plant, and banned all seafood.",
    "South Korea said it respected the decision, while North Korea called it a crime against all. The United "
    "States praised what it called an open process.",
    "Fishermen blamed their own government. The agency in Varna defended Tokyo and said it had been given the figures.",
]
TAIL = (
    "Copyright 2021 The Northern Courier Ltd. No part of this may be copied without the written leave of its publisher."
)


@pytest.mark.parametrize("width", range(60, 81))
@pytest.mark.parametrize("tail", ["", f"\n\n{TAIL}\nContact: editor@example.org\n"], ids=["", "a longer line"])
def test_a_short_wrapped_item_is_read_whole(width: int, tail: str) -> None:
    above = "China protests at the water\n\n"
    wrapped = above + "\n\n".join("\n".join(textwrap.wrap(paragraph, width)) for paragraph in SHORT) + tail
    alone = _normalised(documents.parse("a", "\n\n".join(SHORT)))
    assert _normalised(documents.parse("a", wrapped))[: len(alone)] == alone  # what stands below may stay


def test_wrapped_text_keeps_lists_and_bylines_apart() -> None:
    headline = "Councillors of the old town vote to keep the bridge by the harbour now"
    items = ["• " + "a new roof for the covered market beside the bridge and the river", "• a ferry"]
    page = [headline, "By Ana Lima", "", *textwrap.wrap(" ".join(SHORT), 72), "", *items, "", BODY]
    blocks = [line for line in lines.classify("\n".join(page)) if not line.wrapped]
    assert [line.kind for line in blocks][:2] == ["headline", "byline"]
    assert len(blocks) == 6


# --- reading


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _row(id: str | int, text: str = BODY) -> str:
    return json.dumps({"id": id, "date": "2024-05-01", "text": text}) + "\n"


def test_read_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.txt", "a.md", "deep/c.text", "deep/notes.csv"):
        _write(tmp_path / name, BODY)
    _write(tmp_path / "d.jsonl", _row("one") + "\n" + _row(2))
    found = documents.read(tmp_path)
    assert [document.id for document in found] == ["a.md", "b.txt", "one", "2", "deep/c.text"]
    assert documents.read(str(tmp_path)) == found


def test_read_jsonl(tmp_path: Path) -> None:
    text = f"Talks collapse\r\n\r\n{BODY}\r\n"
    file = _write(tmp_path / "a.jsonl", "\ufeff" + _row("x", text) + json.dumps({"id": 7, "text": BODY}) + "\r\n")
    found = [(document.id, document.date, document.raw) for document in documents.read(file)]
    assert found == [("x", "2024-05-01", text), ("7", None, BODY)]


@pytest.mark.parametrize("content", ["\ufeffTalks collapse\r\n\r\n" + BODY + "\r\n", f"{BODY}\r{BODY}\n", f" {BODY}\t"])
def test_read_keeps_every_byte(tmp_path: Path, content: str) -> None:
    file = _write(tmp_path / "a b.txt", content)
    (document,) = documents.read(str(file))  # a path with white space that exists is a path
    assert document.raw.encode() == file.read_bytes()
    assert document.id == "a b.txt"
    assert {document.text(sentence) for sentence in document.sentences} == {BODY}


def test_read_text() -> None:
    (document,) = documents.read(f"Talks collapse\n\n{BODY}\n")
    assert (document.id, document.raw, document.date) == ("text", f"Talks collapse\n\n{BODY}\n", None)
    assert _normalised(document) == [BODY]


# --- bad input

HUGE = "a" * 11_000_000
BAD: dict[str, tuple[str, str | bytes, str]] = {  # what: (file, content, message after the file's name)
    "empty": ("a.txt", "\ufeff \r\n", ": the file is empty"),
    "empty jsonl": ("a.jsonl", "\n\n", ": the file is empty"),
    "latin-1": ("a.txt", "Café".encode("latin-1"), r": not UTF-8 at byte 3 \(0xe9\)"),
    "latin-1 jsonl": ("a.jsonl", _row(1).encode() + '{"id": "Café"}'.encode("latin-1"), ":2: not UTF-8"),
    "zero byte": ("a.txt", BODY + "\0", ": a binary file"),
    "zero byte jsonl": ("a.jsonl", _row(1) + "\0", ":2: a binary file"),
    "5 MB": ("a.txt", BODY * 120_000, r": [\d,]+ characters: at most 1,000,000 characters are read"),
    "5 MB jsonl": (
        "a.jsonl",
        _row(1) + _row(2, "x " * 2_500_000),
        ":2: 5,000,000 characters: at most 1,000,000",
    ),
    "long line jsonl": ("a.jsonl", _row(1) + _row(2, HUGE), ":2: a line of more than 10,000,000 bytes"),
    "broken jsonl": ("a.jsonl", _row(1) + _row(2) + '{"id": 3, "text": \n', ":3: no JSON"),
    "no object": ("a.jsonl", _row(1) + "[1]\n", ":2: a JSON list, expected an object"),
    "no text": ("a.jsonl", _row(1) + '{"id": "x"}\n', ":2: expected id, text and .* found id: str"),
    "date no string": ("a.jsonl", '{"id": "x", "text": "y", "date": 2020}\n', ":1: expected .* date: int"),
    "duplicate ids": ("a.jsonl", _row(1) + _row("1"), ".*: the document id '1' occurs twice"),
    "navigation only": ("a.txt", "Home\nNews\nSign in\nShare this article\n", ": no article's body found"),
    "navigation only jsonl": ("a.jsonl", _row(1) + _row(2, "Home\nSign in"), ":2: no article's body found"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    file = _write(tmp_path / name, content)
    for source in (file, tmp_path):
        with pytest.raises(InputError, match=f"^{re.escape(str(file))}{message}"):
            documents.read(source)


def test_missing_file_and_folder_without_texts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'none.txt'}: no such file or folder")):
        documents.read(tmp_path / "none.txt")
    _write(tmp_path / "a.csv", BODY)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}: no file in this folder ends in .txt")):
        documents.read(tmp_path)


DEFECTIVE = {
    "line of a duplicate id": (_row(1) + _row(1), ":2: .* occurs twice"),
    "lone surrogate": (_row(1, f"{BODY} It \ud800 ended."), ":1: a character that is no text"),
    "number of 5000 digits": ('{"id": 1, "n": ' + "1" * 5000 + "}\n", ":1: no JSON"),
}


@pytest.mark.parametrize(("content", "message"), DEFECTIVE.values(), ids=DEFECTIVE.keys())
def test_rows_that_broke_earlier_versions(tmp_path: Path, content: str, message: str) -> None:
    file = _write(tmp_path / "a.jsonl", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}{message}"):
        documents.read(file)


def test_a_long_text_on_one_line_is_no_path() -> None:
    (document,) = documents.read(" ".join([BODY] * 10))
    assert len(document.sentences) == 10


@pytest.mark.parametrize("date", ["12 Feb 2020", "2020-2-3", "2020-02-30", "12.02.2020", "Wed, 12 Feb 2020 08:00"])
def test_a_date_in_another_form_is_no_date(date: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "a", "date": date, "text": BODY}), encoding="utf-8")
    with pytest.raises(InputError, match=rf"a\.jsonl:1: its date '{re.escape(date)}' is no ISO date"):
        documents.read(path)


def test_a_page_without_a_date_has_the_day_of_its_byline() -> None:
    (sample,) = documents.read(ROOT / "data" / "sample" / "moscow-talks-2020-03-05.txt")
    assert sample.date == "2020-03-05"
    page = f"Talks collapse\n\nPublished 4 March 2021 at 09:14 GMT\n\n{BODY}\n\nPublished 6 March 2021\n\n{BODY}"
    assert documents.parse("a", page).date == "2021-03-04"
    assert documents.parse("a", page, date="2020-02-12").date == "2020-02-12"
    assert documents.parse("a", page.replace("4 March 2021", "04/03/2021")).date is None


def test_columns_of_jsonl_may_have_other_names(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"key": "a", "published": "20200212", "body": BODY}), encoding="utf-8")
    named = {"id": "key", "date": "published", "text": "body"}
    (found,) = documents.read(path, named)
    assert (found.id, found.date, found.raw) == ("a", "2020-02-12", BODY)
    with pytest.raises(InputError, match=r"no column 'publishd'; there are key, published, body\. .*columns\.date="):
        documents.read(path, named | {"date": "publishd"})
    with pytest.raises(InputError, match=r"columns\.title: there is no such setting"):
        documents.read(path, {"title": "headline"})


TWO = [("a", "2024-05-01", f"Talks collapse\n\n{BODY}"), ("b", None, f'{BODY} "It ended," it said.')]


def _cells(delimiter: str) -> str:
    rows = [("id", "date", "text"), *((id, date or "", text.replace('"', '""')) for id, date, text in TWO)]
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)


def _records() -> list[dict[str, str | None]]:
    return [{"id": id, "date": date, "text": text} for id, date, text in TWO]


TABLES: dict[str, tuple[str, str | bytes]] = {
    "commas": ("a.csv", _cells(",")),
    "semicolons, as Excel saves them": ("a.CSV", "\ufeff" + _cells(";")),
    "tabs": ("a.tsv", _cells("\t")),
    "UTF-16": ("a.csv", _cells(";").encode("utf-16")),
    "array": ("a.json", json.dumps(_records(), indent=1)),
    "JSONL in UTF-16": ("a.jsonl", "".join(json.dumps(row) + "\n" for row in _records()).encode("utf-16")),
}


@pytest.mark.parametrize(("name", "content"), TABLES.values(), ids=TABLES.keys())
def test_a_table_is_read_row_by_row(tmp_path: Path, name: str, content: str | bytes) -> None:
    found = documents.read(_write(tmp_path / name, content))
    assert [(document.id, document.date, document.raw) for document in found] == TWO


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_and_fields_are_bounded(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1_000)
    row = json.dumps({"id": "a", "text": BODY * 100}) + "\n"
    with pytest.raises(InputError, match=r"a\.jsonl:1: a line of more than 1,000 bytes"):
        documents.read(_write(tmp_path / "a.jsonl", row.encode(encoding)))


@pytest.mark.parametrize(("charset", "apostrophe"), [("windows-1252", "’"), ("ISO-8859-1", "’"), ("iso-8859-15", "'")])
def test_a_page_is_read_in_the_encoding_that_it_declares(charset: str, apostrophe: str, tmp_path: Path) -> None:
    head = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head>'
    said = f"Peñarol accused Ostia{apostrophe}s café of lying about Monday{apostrophe}s price: 3 €."
    page = f"{head}<body><p>{said}</p></body></html>"
    data = page.encode("windows-1252" if charset != "iso-8859-15" else charset)
    (found,) = documents.read(_write(tmp_path / "a.html", data))
    assert found.raw.strip() == said
    (text,) = Archive(tmp_path)
    assert isinstance(text, Text)
    assert text.text == page
    for name, wrong in (("b.txt", data), ("c.html", data.replace(charset.encode(), b"rot13"))):
        with pytest.raises(InputError, match="not UTF-8 at byte"):
            documents.read(_write(tmp_path / name, wrong))


def test_a_field_without_end_and_utf16_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv:2: a field of more than 10,000,000 characters\. Is a quotation mark"):
        documents.read(_write(tmp_path / "a.csv", 'id,text\na,"' + f"{BODY}\n" * (10_100_000 // len(BODY))))
    broken = '{"id": "a"}\n'.encode("utf-16") + b"\x00\xd8\x00\x00"
    with pytest.raises(InputError, match=r"b\.jsonl: not UTF-16, though it begins so"):
        documents.read(_write(tmp_path / "b.jsonl", broken))


@pytest.mark.parametrize("reader", [documents.read, Archive])
def test_columns_of_plain_text_are_refused(tmp_path: Path, reader: Callable[..., Any]) -> None:
    file = _write(tmp_path / "a.txt", BODY)
    for source in (file, tmp_path):
        with pytest.raises(InputError, match=rf"^columns\.text=body: {re.escape(str(source))} is plain text"):
            reader(source, {"text": "body"})
        assert len(list(reader(source, {"text": "text"}))) == 1
    with pytest.raises(InputError, match=r"^columns\.date=day: what is given is plain text"):
        documents.read(BODY, {"date": "day"})
    _write(tmp_path / "b.jsonl", json.dumps({"id": "b", "body": BODY}))
    assert len(list(reader(tmp_path, {"text": "body"}))) == 2


def test_one_object_of_json_and_other_names_of_columns(tmp_path: Path) -> None:
    (found,) = documents.read(_write(tmp_path / "a.json", json.dumps({"key": 3, "text": BODY})), {"id": "key"})
    assert (found.id, found.date, found.raw) == ("3", None, BODY)


NO_ARTICLES: dict[str, tuple[str, str | bytes, str]] = {
    "no id": ("a.csv", f"text\n{BODY}\n", r":2: no column 'id'; there are text\. .*columns\.id="),
    "no column": (
        "a.csv",
        "key,body\n1,2\n",
        r":2: no column 'id' and no 'text'; .*the id and the text: columns\.id=… columns\.text=",
    ),
    "empty id": ("a.csv", f"id,text\n,{BODY}\n", ":2: expected id, text"),
    "latin-1": ("a.json", '[{"id": "Café"}]'.encode("latin-1"), r": not UTF-8 at byte"),
    "a number in an array": ("a.json", "[1]", ": record 1 is a JSON int, expected an object"),
    "JSONL called JSON": ("a.json", _row(1) + _row(2), ": no JSON: .* Call it .jsonl"),
    "empty array": ("a.json", "[]", ": the file is empty"),
    "packed page": ("a.mhtml", BODY, ": a packed web page. Save the page as HTML"),
    "word processor": ("a.docx", BODY, ": a word processor's file. Save it as plain text"),
    "PDF": ("a.pdf", BODY, ": a PDF file"),
    "spreadsheet": ("a.xlsx", BODY, ": a spreadsheet. Save the sheet as CSV"),
    "archive": ("a.parquet", BODY, ": an archive, which .* actorstance predict read"),
    "packed": ("a.txt.gz", BODY, ": a packed file. Unpack it"),
    "unknown": ("a.log", BODY, r": neither a text nor a table. .*a\.txt"),
}


@pytest.mark.parametrize(("name", "content", "message"), NO_ARTICLES.values(), ids=NO_ARTICLES.keys())
def test_what_holds_no_article_is_refused(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    file = _write(tmp_path / name, content)
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}{message}"):
        documents.read(file)


PAGE = (GOLD / "html" / "talks.html").read_text(encoding="utf-8")
ON_THE_PAGE = [
    "Varna on Monday accused Ostia of spying on its port, and thanked Kelland for its help.",
    "“Ostia has lied to us,” said the president, Ana Moss.",
    "Ostia’s foreign ministry denied it.",
    'It said: "Varna invents."',
    "The talks go on in Kelland.",
    "Neither side said when they would end.",
]


def test_a_saved_page_is_read_as_a_browser_shows_it(tmp_path: Path) -> None:
    for name in (
        "talks.html",
        "talks_files/frame.html",
        "more/talks.HTM",
        "more/talks_files/c.htm",
        "a.txt",
        "b_files/c.html",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        _write(tmp_path / name, PAGE)
    frames = [tmp_path / "more" / "talks_files" / "c.htm", tmp_path / "talks_files" / "frame.html"]
    assert documents.unread(tmp_path) == frames  # b_files is no page's
    assert [one.id for one in Archive(tmp_path)] == ["a.txt", "b_files/c.html", "more/talks.HTM", "talks.html"]
    _write(tmp_path / "b.jsonl", json.dumps({"id": "b", "text": PAGE[PAGE.index("<p>") :]}))
    found = documents.read(tmp_path)
    assert [one.id for one in found] == ["a.txt", "b", "b_files/c.html", "more/talks.HTM", "talks.html"]
    for one in found:
        assert [" ".join(one.text(sentence).split()) for sentence in one.sentences] == ON_THE_PAGE
        assert one.mended
        assert one.mended.kinds == ("html", "entities")
    page = found[-1]
    assert page.date == "2021-03-04"
    assert [page.raw[line.start : line.end] for line in page.lines if line.kind == "headline"] == [
        "Varna accuses Ostia of spying on its port"
    ]
    start, end = page.in_given(page.sentences[0].start, page.sentences[0].end)
    given = " ".join(page.given[start:end].split())
    assert given.startswith('Varna on Monday accused <a href="/ostia">Ostia</a> of <em>spying</em> on its port')
    assert given.endswith("Kelland for its&nbsp;help.")
    mentions = [one for one in read_actors(page, Registry({"kelland": ["Kelland"]})).mentions if one.actor == "kelland"]
    assert [page.given[slice(*page.in_given(one.start, one.end))] for one in mentions] == ["Kelland", "Kelland", "they"]


@pytest.mark.parametrize(
    ("page", "day"),
    [
        ('<meta property="article:published_time" content="2021-03-04T23:00:00-05:00">', "2021-03-04"),
        ("<META CONTENT='2021-03-04' NAME='article:published_time'/>", "2021-03-04"),
        ('<script>{"datePublished":"2021-03-04"}, {"datePublished" : "2021-03-04T09:00Z"}</script>', "2021-03-04"),
        ('<script>{"datePublished":"2021-03-04"}, {"datePublished": "2021-03-05"}</script>', None),
        ('<meta property="article:published_time" content="2021-02-30">', None),
        ('<meta property="article:modified_time" content="2021-03-04">', None),
    ],
)
def test_the_day_that_a_page_gives_for_machines(page: str, day: str | None) -> None:
    assert documents.parse("a", f"{page}<p>{BODY}</p>").date == day
    assert documents.parse("a", f"{page}<p>{BODY}</p>", date="2020-01-01").date == "2020-01-01"


def test_of_a_page_not_the_tags_are_limited_but_the_text() -> None:
    many = "<p class='wide'></p>" * 60_000
    assert documents.parse("a", f"{many}<p>{BODY}</p>").sentences
    with pytest.raises(InputError, match="1,200,000 characters: at most 1,000,000"):
        documents.parse("a", many.replace("<", "("))
    with pytest.raises(InputError, match="characters: at most 1,000,000"):
        documents.parse("a", f"<p>{BODY} </p>" * 20_000)
    with pytest.raises(InputError, match="10,000,004 characters of HTML: at most 10,000,000"):
        documents.parse("a", "<p></p>" * 1_428_572)


def test_a_file_without_suffix_is_an_article(tmp_path: Path) -> None:
    assert documents.read(_write(tmp_path / "article", BODY))[0].raw == BODY


def test_all_bad_documents_are_named_at_once(tmp_path: Path) -> None:
    for number in range(14):
        _write(tmp_path / f"{number:02}.txt", b"Caf\xe9" if number else BODY)
    _write(tmp_path / "x.jsonl", _row(1) + _row(2, "Home") + _row(3, "News") + _row(4))
    with pytest.raises(InputError) as error:
        documents.read(tmp_path)
    told = str(error.value).splitlines()
    assert [line.split(":")[0] for line in told[:10]] == [str(tmp_path / f"{number:02}.txt") for number in range(1, 11)]
    assert told[10] == "and 5 more"
    assert told[11].startswith("15 could not be read: mend or remove them, or set them aside with archive=true (")


def test_rows_of_the_wrong_kind_do_not_hide_those_after_them(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", _row(1) + '{"id": 2}\n{"id": [], "text": "x"}\n' + _row(3, "Home"))
    with pytest.raises(InputError) as error:
        documents.read(file)
    told = str(error.value).splitlines()
    assert [line.removeprefix(f"{file}:").split(": ")[0] for line in told[:3]] == ["2", "3", "4"]
    assert told[3].startswith("3 could not be read")


def test_what_may_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "a.txt", BODY)
    shut = _write(tmp_path / "b.txt", BODY)
    (tmp_path / "shut").mkdir()

    def denied(path: Path | str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: denied(path) if path == shut else BODY.encode())
        with pytest.raises(InputError, match=f"^{re.escape(str(shut))}: cannot be opened: Permission denied"):
            documents.read(tmp_path)
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: denied(path) if Path(path).name == "shut" else scan(path))
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path / 'shut'))}: cannot be opened: Permission denied"):
        documents.read(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_if_it_says_so(tmp_path: Path, encoding: str) -> None:
    text = f"Talks collapse in the café\n\n{BODY}\n"
    (found,) = documents.read(_write(tmp_path / "a.txt", ("\ufeff" + text).encode(encoding)))
    assert found.raw == text
    bare = _write(tmp_path / "b.txt", text.encode(encoding))
    with pytest.raises(InputError, match=r"b\.txt: a binary file .* Is it UTF-16\? Save it as UTF-8 \(Notepad"):
        documents.read(bare)
    cut = _write(tmp_path / "c.txt", ("\ufeff" + text).encode(encoding)[:-1])
    with pytest.raises(InputError, match=r"c\.txt: not UTF-16 at byte"):
        documents.read(cut)
