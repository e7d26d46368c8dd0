"""Corpora: what ships, what users bring, and what the reader says when it does not fit."""

from __future__ import annotations

import codecs
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actorstance import corpora
from actorstance.corpora import Corpus, load
from actorstance.errors import InputError
from actorstance.examples import AUTHOR, LABELS, UNKNOWN
from actorstance.files import read_json, read_json_lines, sha256
from actorstance.readers import newsroom

ROW = {"text": "Varna thanked Ostia.", "source": "Varna", "target": "Ostia", "label": "favor"}
HEADER = "text,source,target,label\n"
LINE = "Varna thanked Ostia.,Varna,Ostia,favor\n"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def table(path: Path, content: str | list[dict[str, Any]], **settings: Any) -> Corpus:
    """Write a table, or JSONL of rows, and load it."""
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    path.write_bytes(text.encode())
    return load("table", path, **settings)


def says(*words: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match="^" + ".*".join(re.escape(word) for word in words))


def names(corpus: Corpus) -> list[str]:
    return [LABELS[label] for label in corpus.examples["label"][:]]


def test_newsroom_is_as_promised() -> None:
    corpus = load("newsroom")
    counts, rows = corpus.counts, corpus.examples.to_list()
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    assert counts["kept"] >= 3000
    assert counts["examples"] == len(rows) >= 9000
    assert len({row["document_id"] for row in rows}) >= 150
    assert Counter(names(corpus)).most_common(1)[0][0] == "neutral"
    assert len({(row["group_id"], row["split"]) for row in rows}) == len({row["group_id"] for row in rows})
    actors: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for row, role in product(rows, ("source", "target")):
        start, end = row[f"{role}_start"], row[f"{role}_end"]
        mention = row["text"][start:end]
        assert (start, end) == (-1, -1) or (mention and mention == mention.strip()), row["example_id"]
        actors[row["document_id"], row["raw_start"]] |= {row[role]} if start >= 0 else set()
    assert sum(len(actors[row["document_id"], row["raw_start"]]) >= 2 for row in rows) >= len(rows) / 2


NEWSROOM = Path(__file__).parents[1] / "data" / "newsroom"


def test_every_decision_stands_in_its_article() -> None:
    corpus = load("newsroom")
    label = dict(zip(corpus.examples["example_id"][:], names(corpus), strict=True))
    rows = [row for _, row in read_json_lines(NEWSROOM / "adjudication.jsonl")]
    assert len({row["example_id"] for row in rows}) == len(rows) > 100
    for row in rows:
        assert row["decided"] == label[row["example_id"]], row["example_id"]
        assert row["first"] != row["second"]
        assert len(row["reason"].split()) >= 4


def test_every_article_has_one_field_of_at_least_twelve() -> None:
    rows = [row for _, row in read_json_lines(NEWSROOM / "articles.jsonl")]
    assert sorted(row["article"] for row in rows) == sorted(path.stem for path in (NEWSROOM / "articles").iterdir())
    fields = Counter(row["field"] for row in rows)
    assert 12 <= len(fields) <= 18
    assert min(fields.values()) >= 8  # so a field that is misspelt is found
    assert Counter(row["batch"] for row in rows) == {1: 152, 2: 132, 3: 96}


def test_the_first_round_holds_what_the_labels_are_not() -> None:
    corpus = load("newsroom")
    label = dict(zip(corpus.examples["example_id"][:], names(corpus), strict=True))
    batch = {row["article"]: row["batch"] for _, row in read_json_lines(NEWSROOM / "articles.jsonl")}
    rows = [row for _, row in read_json_lines(NEWSROOM / "first-round.jsonl")]
    assert len({row["example_id"] for row in rows}) == len(rows) > 1000
    for row in rows:
        assert batch[row["example_id"].split(":")[0]] > 1  # the first batch had one round
        assert {row["first"], row["second"]} != {label[row["example_id"]]}
        if row["first"] == row["second"]:
            assert row["decided"] == row["first"]
        else:
            assert len(row["reason"].split()) >= 4


def test_croissant_speaks_of_these_files() -> None:
    said = read_json(NEWSROOM / "croissant.json")
    hashes = {one["@id"]: one["sha256"] for one in said["distribution"] if one.get("contentUrl") == one["@id"]}
    assert hashes == {path.name: sha256(path) for path in NEWSROOM.glob("*.jsonl")}
    (texts,) = (one for one in said["distribution"] if "includes" in one)
    there = {name: set().union(*(row for _, row in read_json_lines(NEWSROOM / name))) for name in hashes}
    there[texts["@id"]] = {"filename", "content"}
    sources = set()
    for one in said["recordSet"]:
        assert one["key"]["@id"] in {field["@id"] for field in one["field"]}
        for field in one["field"]:
            source = field["source"]
            (name,) = (source[kind]["@id"] for kind in ("fileObject", "fileSet") if kind in source)
            assert set(source["extract"].values()) <= there[name]
            sources.add(name)
    assert sources == set(there)
    named = said["recordSet"][0]["field"][0]["source"]["transform"]["regex"]
    articles = [re.sub(named, r"\1", path.name) for path in NEWSROOM.parents[1].glob(texts["includes"])]
    assert sorted(articles) == sorted(row["article"] for _, row in read_json_lines(NEWSROOM / "articles.jsonl"))
    corpus = load("newsroom")
    assert f"{corpus.fingerprint}." in said["description"]
    assert f"{corpus.counts['examples']} labelled" in said["description"]


ACTORS = "actors: {varna: [Varna], ostia: [Ostia]}"
HEAD = f"---\n{{id: a, story: s, date: 2031-02-03, split: train, genre: report, {ACTORS}}}\n---\n"
BOTH = "{varna|Varna} sued {ostia|Ostia}.\n"
ONE = "{varna|Varna} ran.\n"


def test_parse_builds_the_page_and_its_offsets(tmp_path: Path) -> None:
    body = "[headline] Ships\n\n[dateline] OSTIA —\n" + BOTH + "  varna <-> ostia: against\nIt fell.\n\n" + ONE
    (tmp_path / "a.txt").write_text(HEAD + body, encoding="utf-8")
    article = newsroom.parse(tmp_path / "a.txt")
    assert article.raw == "Ships\n\nOSTIA — Varna sued Ostia. It fell.\n\nVarna ran.\n"
    assert [article.raw[s.start : s.end] for s in article.sentences] == ["Varna sued Ostia.", "It fell.", "Varna ran."]
    assert article.sentences[0].mentions == (("varna", 0, 5), ("ostia", 11, 16))
    assert article.sentences[0].pairs == (("varna", "ostia", "against"), ("ostia", "varna", "against"))


def test_kinds_of_hard_pairs(tmp_path: Path) -> None:
    body = '"{varna|It} lied to {ostia|Ostia}," {dorp|Dorp} said of {varna|Varna}.\n'
    body += (
        "  varna -> ostia: against #deed #third\n"
        "  ostia -> varna: neutral\n  dorp <-> varna: against\n  dorp <-> ostia: neutral\n  AUTHOR -> dorp: neutral\n"
    )
    (tmp_path / "a.txt").write_text(HEAD.replace("{varna:", "{dorp: [Dorp], varna:") + body, encoding="utf-8")
    assert {
        id.removeprefix("a:0:"): set(kinds) for id, kinds in newsroom.parse(tmp_path / "a.txt").kinds().items()
    } == {
        "varna:ostia": {"deed", "third", "pronoun", "quote"},
        "ostia:varna": {"pronoun", "quote"},
        "dorp:varna": {"pronoun", "quote"},
        "varna:dorp": {"pronoun"},
        "dorp:ostia": {"quote"},
        "ostia:dorp": set(),
        "AUTHOR:dorp": {"author"},
    }


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (HEAD + ONE + "  varna -> dorp: favor\n", ":5", "unknown actor 'dorp'"),
        (HEAD + "{dorp|Dorp} ran.\n", ":4", "unknown actor 'dorp'"),
        (HEAD + ONE + "  AUTHOR -> varna: hostile\n", ":5", "label 'hostile': expected one of against, neutral, favor"),
        (HEAD + "It fell.\n" + BOTH + "  varna -> ostia: against\n", ":5", "ostia -> varna of this sentence has no"),
        (
            HEAD + ONE + "  AUTHOR -> varna: favor #sly\n",
            ":5",
            "tag 'sly': expected one of deed, irony, negation, third",
        ),
        (HEAD + ONE + "  AUTHOR -> varna: favor\n  AUTHOR -> varna: favor\n", ":6", "labelled twice"),
        (HEAD + ONE + "  varna -> varna: favor\n", ":5", "source and target are both 'varna'"),
        (HEAD + ONE + "  varna -> AUTHOR: favor\n", ":5", "AUTHOR cannot be a target"),
        (HEAD + "{varna|Varna} ran}.\n", ":4", "a brace that is not a mention"),
        (HEAD + "[title] Ships\n", ":4", "is not a tagged line. Tags: headline"),
        (HEAD + ONE + "[headline] Ships\n  AUTHOR -> varna: favor\n", ":6", "a pair without a sentence"),
        (ONE, ":1", "no header"),
        (HEAD.replace("genre", "kind"), ":2", "expected the keys"),
        (HEAD.replace("story: s, ", ""), ":2", "expected the keys"),
        (HEAD + "caf\udce9\n", ":4", "not UTF-8"),
    ],
)
def test_parse_error_names_file_and_line(tmp_path: Path, content: str, line: str, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with says(f"{path}{line}: ", words):
        newsroom.parse(path)


def test_article_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(HEAD + ONE + "  AUTHOR -> varna: favor\n", encoding="utf-8")
    found = newsroom.parse(path)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert newsroom.parse(path) == found


def test_article_is_joined_to_the_one_file_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "Home\n\nVarna sued\nOstia. Ostia paid Varna.\n"
    article, stand_off = tmp_path / "suit.txt", tmp_path / "labels" / "suit.json"
    article.write_text(raw, encoding="utf-8")
    pairs = [["varna", 0, 5, "ostia", 11, 16, "against"], ["ostia", 11, 16, "varna", 0, 5, "neutral"]]
    sentences = [{"start": 6, "end": 23, "pairs": pairs}, {"start": 24, "end": 41, "pairs": pairs[:1]}]
    about = {"file": "suit.txt", "about": "", "date": "2031-02-03", "sha256": hashlib.sha256(raw.encode()).hexdigest()}
    stand_off.parent.mkdir()
    stand_off.write_text(json.dumps(about | {"sentences": sentences}), encoding="utf-8")
    with says(f"{article}: SHA-256 ", "There are labels for: syria-m5-2020-02-12.txt"):
        load("article", article)
    with says("data=article needs", "data.path=FILE, one of syria-m5-2020-02-12.txt"):
        load("article")
    monkeypatch.setattr(corpora, "shipped", lambda relative: stand_off.parent)
    corpus = load("article", article)
    assert corpus.examples["text"][:] == ["Varna sued Ostia."] * 2 + ["Ostia paid Varna."]
    assert corpus.examples["context"][2] == "Varna sued Ostia."
    assert len(set(corpus.examples["group_id"][:])) == 2
    assert (corpus.folds, load("article", article, folds=2).folds) == (5, 2)


def dse(folder: Path, *lines: str) -> Corpus:
    (folder / "train.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return load("dse", folder)


def test_dse_classes_in_both_directions_and_entities_in_either_order(tmp_path: Path) -> None:
    expected = ["neutral neutral", "favor neutral", "neutral favor", "against neutral", "neutral against"]
    plain = dse(tmp_path, *(f"[Varna] met [Ostia] .\tVarna\tOstia\t{number}" for number in range(5)))
    swapped = dse(tmp_path, *(f"[Varna] met [Ostia] .\tOstia\tVarna\t{number}" for number in range(5)))
    assert names(plain) == names(swapped) == " ".join(expected).split()
    assert plain.examples["source"][:] == ["varna", "ostia"] * 5 == swapped.examples["target"][:]
    assert plain.examples["source_start"][:] == [0, 10] * 5 == swapped.examples["target_start"][:]
    assert len(set(plain.examples["group_id"][:])) == 1
    assert set(plain.examples["split"][:]) == {"train"}


@pytest.mark.parametrize(
    ("line", "text", "mentions", "mended"),
    [
        ('"[Varna] said ""no"" to [Ostia] ."\tVarna\tOstia\t3', 'Varna said "no" to Ostia .', ["Varna", "Ostia"], 0),
        ("[Port Varn]a met [Ostia] .\tPort Varn\tOstia\t0", "Port Varna met Ostia .", ["Port Varna", "Ostia"], 1),
        ("[Varna']s men met [Ostia] .\tVarna'\tOstia\t0", "Varna's men met Ostia .", ["Varna", "Ostia"], 1),
        ("[ Varna ] met [Ostia ] .\t Varna \tOstia\t0", " Varna  met Ostia  .", ["Varna", "Ostia"], 0),
    ],
)
def test_dse_brackets(tmp_path: Path, line: str, text: str, mentions: list[str], mended: int) -> None:
    corpus = dse(tmp_path, line)
    row = corpus.examples[0]
    assert row["text"] == text
    assert [text[row[f"{role}_start"] : row[f"{role}_end"]] for role in ("source", "target")] == mentions
    assert corpus.counts["mended"] == {"bracket that ended inside a word": mended}


def test_dse_counts_drops_groups_and_refuses(tmp_path: Path) -> None:
    good, again = "[Varna] met [Ostia] .\tVarna\tOstia\t1", "Varna [met] [ostia].\tmet\tostia\t0"
    corpus = dse(tmp_path, good, "Varna met [Ostia] .\tVarna\tOstia\t1", again, "[A] and [a] .\tA\ta\t0")
    brackets = "not exactly two brackets, around the two entities named"
    assert corpus.counts["dropped"] == {brackets: 1, "both entities have one name": 1}
    assert (corpus.counts["read"], corpus.counts["kept"], len(corpus.examples)) == (4, 2, 4)
    assert len(set(corpus.examples["group_id"][:])) == 1
    for line, words in (("[A] b [C]\tA\tC\t9", "class '9'"), ("[A] b [C]\tA\t1", "3 fields")):
        with says(f"{tmp_path / 'train.txt'}:2: {words}, expected sentence"):
            dse(tmp_path, good, line)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", json.dumps(ROW) + "\n\n"),
        ("a.csv", (HEADER + LINE).replace(",", ";").replace("\n", "\r\n")),
        ("a.csv", "\ufeff" + HEADER + LINE),
        ("a.tsv", (HEADER + LINE).replace(",", "\t")),
    ],
)
def test_table_of_any_format_is_the_same(tmp_path: Path, name: str, content: str) -> None:
    corpus = table(tmp_path / name, content)
    row = corpus.examples[0]
    assert {key: row[key] for key in ("text", "source", "target")} == {k: v for k, v in ROW.items() if k != "label"}
    assert [row[key] for key in ("source_start", "source_end", "target_start", "target_end")] == [0, 5, 14, 19]
    assert names(corpus) == ["favor"]
    noted = {"neither group_id nor document_id: the sentence is the group": 1}
    assert corpus.counts == {"read": 1, "kept": 1, "dropped": {}, "mended": {}, "noted": noted, "examples": 1}


@pytest.mark.parametrize("part", ["valid", "test"])
def test_clean_that_leaves_nothing_of_a_part_is_refused(tmp_path: Path, part: str) -> None:
    rows = [ROW | {"split": split} for split in ("train", part, part)]
    words = (f"leaves nothing of {part}: each of its 2 examples has a twin in train", "data.split=official")
    with says("data=table: data.split=clean ", *words):
        table(tmp_path / "a.jsonl", rows, split="clean")
    other = ROW | {"split": part, "text": "Ostia, an island, thanked Varna."}
    clean = table(tmp_path / "b.jsonl", [*rows, other], split="clean")
    assert clean.counts["left_out"] == {f"{part}: a twin in {'train' if part == 'valid' else 'train or valid'}": 2}
    assert sorted(clean.examples["split"][:]) == sorted(["train", part])


def test_csv_field_may_hold_a_line_break_and_lines_still_count(tmp_path: Path) -> None:
    quoted = HEADER + '"Varna, at last,\nthanked Ostia.",Varna,Ostia,favor\n'
    assert table(tmp_path / "a.csv", quoted).examples["text"][0] == "Varna, at last,\nthanked Ostia."
    with says(f"{tmp_path / 'a.csv'}:4: 2 fields, the first line names 4"):
        table(tmp_path / "a.csv", quoted + "Varna,Ostia\n")


def test_parquet_and_saved_folders(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list([ROW])
    rows.to_parquet(tmp_path / "a.parquet")
    rows.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": rows, "validation": rows, "test": rows}).save_to_disk(tmp_path / "three")
    corpus = load("table", tmp_path / "a.parquet")
    assert corpus.fingerprint == load("table", tmp_path / "one").fingerprint
    assert corpus.examples["target_start"][:] == [14]
    assert load("table", tmp_path / "three").examples["split"][:] == ["train", "valid", "test"]
    assert not (tmp_path / "cache").exists()  # no copy of a user's rows stays behind
    twice = pa.Table.from_arrays([pa.array(["x"])] * 2, names=["text", "text"])
    for name, held in (("none", rows.data.table.slice(0, 0)), ("twice", twice)):
        pq.write_table(held, tmp_path / f"{name}.parquet")
    with says(f"{tmp_path / 'none.parquet'}: no example was kept. Read 0"):
        load("table", tmp_path / "none.parquet")
    with says(f"{tmp_path / 'twice.parquet'}: two columns have one name, 'text'"):
        load("table", tmp_path / "twice.parquet")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    with says(f"{tmp_path / 'a.parquet'}: cannot be opened as a table"):
        load("table", tmp_path / "a.parquet")


def test_a_dataset_in_memory(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list([ROW]).rename_column("text", "sentence")
    rows.save_to_disk(tmp_path / "saved")
    columns = {"text": "sentence"}
    corpus = load("table", rows, columns=columns)
    assert corpus.fingerprint == load("table", tmp_path / "saved", columns=columns).fingerprint
    assert corpus.recipe["path"] == "a dataset in memory"
    parts = load("table", datasets.DatasetDict({"train": rows, "validation": rows}), columns=columns)
    assert parts.examples["split"][:] == ["train", "valid"]
    with says("a dataset in memory, row 1", "no column 'text' for text"):
        load("table", rows)
    with says("a dataset in memory: data.columns.date=day", "no row has such a column"):
        load("table", rows, columns={**columns, "date": "day"})
    with says("a dataset in memory: no example was kept"):
        load("table", rows.remove_columns("label").add_column("label", [""]), columns=columns)
    with says("data.path is of type Dataset, expected a path."):
        load("dse", rows)
    with says("data.path is of type list, expected a path or a datasets.Dataset"):
        load("table", [ROW])


def test_numbers_and_gaps_as_pandas_writes_them(tmp_path: Path) -> None:
    head = "text,source,target,label,source_start,source_end\n"
    lines = "Varna thanked Ostia.,Varna,Ostia,1.0,0.0,5.0\nVarna hit Ostia.,,Ostia,-1.0,,\n"
    stances: dict[str, float] = {"against": -1, "neutral": 0.0, "favor": 1}
    corpus = table(tmp_path / "A.CSV", head + lines, labels=stances)
    assert (names(corpus), corpus.examples["source_end"][:]) == (["favor", "against"], [5, -1])
    nothing = dict.fromkeys(("source", "source_start", "group_id", "document_id", "date"), math.nan)
    corpus = table(tmp_path / "a.jsonl", [ROW | nothing, ROW | {"label": math.nan}, ROW | nothing | {"text": "Ostia."}])
    assert corpus.counts["dropped"] == {"no label": 1}
    assert corpus.examples["source"][:] == [AUTHOR, AUTHOR]
    assert len(set(corpus.examples["group_id"][:])) == 2


@pytest.mark.parametrize("value", [["Varna"], {"a": 1}, True])
@pytest.mark.parametrize("column", ["source", "target", "example_id", "document_id", "group_id", "date"])
def test_a_cell_that_is_no_text(tmp_path: Path, column: str, value: Any) -> None:
    with says(f"{tmp_path / 'a.jsonl'}:2: {column} is ", "expected text"):
        table(tmp_path / "a.jsonl", [ROW, ROW | {column: value}])


def test_a_date_that_is_none_is_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [ROW | {"date": date} for date in ("04/03/2021", "2021-03-04", "20210304", 2021)]
    noted = table(tmp_path / "a.jsonl", rows).counts["noted"]
    assert noted["date that is not ISO (2020-02-12): its day is not known"] == 2


def test_columns_and_labels_are_mapped(tmp_path: Path) -> None:
    row = {"sentence": "Varna thanked Ostia.", "holder": "Varna", "target": "Ostia", "story": "s"}
    rows = [row | {"stance": stance} for stance in ("con", "none", "pro", "favor")]
    columns = {"text": "sentence", "source": "holder", "label": "stance", "group_id": "story"}
    stances = {"against": "con", "neutral": "none", "favor": "pro"}
    corpus = table(tmp_path / "a.jsonl", rows, columns=columns, labels=stances)
    assert names(corpus) == ["against", "neutral", "favor", "favor"]
    assert set(corpus.examples["group_id"][:]) == {"s"}
    assert corpus.recipe["labels"] == stances
    assert load(**corpus.recipe).fingerprint == corpus.fingerprint


def test_labels_and_splits_may_have_capitals_and_spaces(tmp_path: Path) -> None:
    cells = [("Positive ", "Test"), ("NEGATIVE", " train"), (" none", "dev"), ("Favor", "Validation "), ("  ", "train")]
    rows = [ROW | {"label": label, "split": split} for label, split in cells]
    corpus = table(tmp_path / "a.jsonl", rows, labels={"against": "negative", "neutral": "None", "favor": "positive"})
    assert names(corpus) == ["favor", "against", "neutral", "favor"]
    assert corpus.examples["split"][:] == ["test", "train", "valid", "valid"]
    assert corpus.counts["dropped"] == {"no label": 1}
    with says(f"{tmp_path / 'a.jsonl'}:1: split 'exam' is none of train, valid, test"):
        table(tmp_path / "a.jsonl", [ROW | {"split": "exam"}])
    calls = {"against": "n", "favor": "N"}  # told apart by case: only as written
    assert names(table(tmp_path / "a.jsonl", [ROW | {"label": label} for label in "nN"], labels=calls)) == [
        "against",
        "favor",
    ]
    with says(f"{tmp_path / 'a.jsonl'}:1: label ' n' is none of"):
        table(tmp_path / "a.jsonl", [ROW | {"label": " n"}], labels=calls)


def test_ids_that_differ_only_in_case_are_told(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"source": "VARNA"}, ROW, ROW | {"source": "Dorp", "target": "varna "}]
    corpus = table(tmp_path / "a.jsonl", rows)
    assert corpus.examples["source"][:] == ["Varna", "VARNA", "Varna", "Dorp"]
    (note,) = [note for note in corpus.counts["noted"] if "differ only" in note]
    places = "'Varna' (a.jsonl:1, a.jsonl:3) and 'VARNA' (a.jsonl:2) and 'varna ' (a.jsonl:4)"
    assert note == f"{places} differ only in case or spaces: they are different actors"
    assert corpus.counts["noted"][note] == 2
    many = [ROW | {"source": f"{name}{number}"} for number in range(8) for name in ("Actor", "actor")]
    noted = table(tmp_path / "a.jsonl", many).counts["noted"]
    assert noted["of more ids that differ only in case or spaces"] == 3
    assert sum("they are different actors" in note for note in noted) == 5


def test_the_author_in_any_case(tmp_path: Path) -> None:
    text = "The author thanked Ostia."
    place = {"source_start": 4, "source_end": 10}
    rows = [ROW | {"text": text, "source": source} for source in ("author", "Author ", "UNKNOWN", "unknown")]
    corpus = table(tmp_path / "a.jsonl", [*rows, ROW | {"text": text, "source": "author", **place}])
    assert corpus.examples["source"][:] == [AUTHOR, AUTHOR, UNKNOWN, UNKNOWN, "author"]
    taken = {"source 'author': AUTHOR is taken": 1, "source 'Author ': AUTHOR is taken": 1}
    assert corpus.counts["mended"] == taken | {"source 'unknown': UNKNOWN is taken": 1}


def test_without_a_document_it_is_the_group(tmp_path: Path) -> None:
    rows = [ROW | {"text": f"{ROW['text']} {at}", "group_id": f"g{at % 2}"} for at in range(4)]
    corpus = table(tmp_path / "a.jsonl", rows)
    assert corpus.examples["document_id"][:] == ["g0", "g1", "g0", "g1"]
    assert corpus.counts["noted"] == {"no document_id: the group is the document": 4}
    both = table(tmp_path / "a.jsonl", [row | {"document_id": "d"} for row in rows])
    assert set(both.examples["document_id"][:]) == {"d"}
    assert set(both.examples["group_id"][:]) == {"g0", "g1"}


def test_mention_is_located_where_unique_and_offsets_may_be_strings(tmp_path: Path) -> None:
    row = table(tmp_path / "a.jsonl", [ROW | {"text": "Varna and Ostia: Varna won."}]).examples[0]
    assert (row["source_start"], row["target_start"], row["target_end"]) == (-1, 10, 15)
    head = "text,target,target_start,target_end,label\n"
    row = table(tmp_path / "a.csv", head + "Varna left Varna.,varna,11,16,against\n").examples[0]
    assert (row["target_start"], row["target_end"], row["source"]) == (11, 16, AUTHOR)


@pytest.mark.parametrize(
    ("where", "content", "words"),
    [
        ("a.jsonl:2", {"target_start": 14, "target_end": 40}, "lie outside the text of 20 characters"),
        ("a.jsonl:2", {"target_start": "here", "target_end": 5}, "target_start is 'here', expected a whole number"),
        (
            "a.jsonl:2",
            {"label": "pro"},
            "label 'pro' is none of against, neutral, favor. Say what the file calls them: data.la",
        ),
        ("a.jsonl:2", {"target": "Varna"}, "source and target are both 'Varna'"),
        ("a.jsonl:2", {"example_id": "1"}, "example_id '1' stands already in"),
        ("a.csv:2", "text,source,target,stance\n" + LINE, "no column 'label' for label; found text, source, target, s"),
        (
            "a.csv:2",
            "sentence,entity,stance\nA,B,favor\n",
            "no column 'text' for text and 'target' for target and 'label' for",
        ),
        ("a.csv:2", HEADER + '"Varna', "no valid quoting"),
        ("a.csv", "", "the file is empty"),
    ],
)
def test_table_that_does_not_fit(tmp_path: Path, where: str, content: str | dict[str, Any], words: str) -> None:
    with says(f"{tmp_path / where}: ", words):
        table(tmp_path / where.partition(":")[0], content if isinstance(content, str) else [ROW, ROW | content])


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("gazette", {}, "no such corpus. There are: newsroom, article, table, dse"),
        ("table", {}, "data=table needs data.path"),
        ("newsroom", {"columns": {"text": "t"}}, "data.columns: data=newsroom has no such setting"),
        ("table", {"path": __file__, "columns": {"sentence": "t"}}, "data.columns.sentence: no such column"),
    ],
)
def test_load_refuses_what_it_does_not_know(name: str, settings: dict[str, Any], words: str) -> None:
    with says("", words):
        load(name, **settings)


def test_fingerprint_covers_every_label(tmp_path: Path) -> None:
    first = table(tmp_path / "a.jsonl", [ROW, ROW | {"label": "neutral"}]).fingerprint
    assert load("table", tmp_path / "a.jsonl").fingerprint == first
    assert table(tmp_path / "a.jsonl", [ROW, ROW | {"label": "against"}]).fingerprint != first


def test_a_table_keeps_the_names_of_numbered_labels(tmp_path: Path) -> None:
    features = datasets.Features(
        {
            **dict.fromkeys(("text", "source", "target"), datasets.Value("string")),
            "label": datasets.ClassLabel(names=["favor", "neutral", "against"]),
        }
    )
    row = {"text": "Varna thanked Ostia.", "source": "Varna", "target": "Ostia"}
    saved = datasets.Dataset.from_list([row | {"label": 0}, row | {"label": 2}], features=features)
    saved.to_parquet(str(tmp_path / "a.parquet"))
    parts = datasets.DatasetDict({"train": saved.add_column("split", ["", ""]), "validation": saved})
    parts.save_to_disk(str(tmp_path / "folder"))
    assert load("table", tmp_path / "a.parquet").examples["label"][:] == [2, 0]
    both = load("table", tmp_path / "folder").examples
    assert (both["label"][:], both["split"][:]) == ([2, 0, 2, 0], ["train", "train", "valid", "valid"])
    written = pq.read_table(tmp_path / "a.parquet")
    at = written.schema.get_field_index("label")
    pq.write_table(written.set_column(at, written.schema.field(at), [pa.array([0, 7])]), tmp_path / "b.parquet")
    with says(f"{tmp_path / 'b.parquet'}, row 2: label is label number 7 of 3, counted from 0"):
        load("table", tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("row", "labels", "words"),
    [
        ({"label": 0}, {}, "label 0 is none of against, neutral, favor"),
        ({"label": True}, {}, "label True is none of"),
        ({"label": -1}, {"against": 1}, "label -1 is none of"),
        ({"label": "x"}, {"favor": "x", "against": "x"}, "two labels have one name"),
        ({"label": "x"}, {"support": "x"}, "data.labels.support: no such label"),
        (
            {"label": "favor", "target_start": 0, "target_end": 5, "target_mention": "Ostia"},
            {},
            "expected mention 'Ostia'",
        ),
        ({"label": "favor", "target_start": float("inf")}, {}, "target_start is 'inf', expected a whole number"),
    ],
)
def test_labels_and_offsets_that_would_be_read_wrongly(
    tmp_path: Path, row: dict[str, Any], labels: dict[str, Any], words: str
) -> None:
    content = {"text": "Varna thanked Ostia.", "source": "Varna", "target": "Ostia", **row}
    with pytest.raises(InputError, match=re.escape(words)):
        table(tmp_path / "a.jsonl", [content], labels=labels)


def test_a_mention_is_a_whole_word_and_numbers_are_labels_by_name(tmp_path: Path) -> None:
    rows = [{"text": "Ostian ships left Varna.", "source": "Varna", "target": "Ostia", "label": -1}]
    corpus = table(tmp_path / "a.jsonl", rows, labels={"against": -1, "neutral": 0, "favor": 1})
    assert (corpus.examples[0]["target_start"], corpus.examples[0]["label"]) == (-1, 0)


def test_two_columns_of_one_name_and_a_quoted_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,text,target,label\n" + "a,b,c,favor\n", encoding="utf-8")
    with pytest.raises(InputError, match="two columns have one name"):
        load("table", tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b'\xef\xbb\xbf"text","target","label"\nAna met Bo.,Bo,neutral\n')
    assert load("table", tmp_path / "b.csv").counts["kept"] == 1


def test_a_constant_takes_no_column_s_place(tmp_path: Path) -> None:
    with says("", "a.jsonl:1: the column 'target' is there, and a constant would take its place"):
        table(tmp_path / "a.jsonl", [ROW], constants={"target": "vaccines"})


def test_a_column_that_is_named_must_be_there_and_numbers_are_names(tmp_path: Path) -> None:
    with says(
        "", "a.jsonl: data.columns.source=sorce: no row has such a column; the last one has text, source, target"
    ):
        table(tmp_path / "a.jsonl", [ROW, ROW], columns={"source": "sorce"})
    (tmp_path / "b.csv").write_text("0,1,2\nAna met Bo.,Bo,neutral\n", encoding="utf-8")
    corpus = load("table", tmp_path / "b.csv", columns={"text": "0", "target": "1", "label": "2"})
    assert (corpus.examples["text"][:], corpus.examples["target"][:]) == (["Ana met Bo."], ["Bo"])


def test_line_breaks_in_a_field_stay_as_they_are(tmp_path: Path) -> None:
    field = "Line one.\r\nAna hit Bo now."
    head = "text,target,label,target_start,target_end\r\n"
    (tmp_path / "a.csv").write_bytes(f'{head}"{field}",Bo,favor,19,21\r\n'.encode())
    (row,) = load("table", tmp_path / "a.csv").examples
    assert (row["text"], row["text"][row["target_start"] : row["target_end"]]) == (field, "Bo")
