"""Published corpora in their published forms: invented text, and the real ones where they are at hand."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstance.corpora import Corpus, load
from actorstance.errors import InputError
from actorstance.examples import AUTHOR, LABELS, UNKNOWN
from actorstance.readers import PUBLISHED, find_name

REAL = Path(os.environ.get("ACTORSTANCE_CORPORA", Path(__file__).parents[2] / "shared" / "data"))


def says(*words: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=".*".join(re.escape(word) for word in words))


def names(corpus: Corpus) -> list[str]:
    return [LABELS[label] for label in corpus.examples["label"][:]]


def mentions(corpus: Corpus, role: str) -> list[str]:
    columns = (corpus.examples[name][:] for name in ("text", f"{role}_start", f"{role}_end"))
    return [text[start:end] if start >= 0 else "" for text, start, end in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("text", "name", "person", "mention"),
    [
        ("Mr. Roper met Quill.", "Ana Roper", True, "Roper"),
        ("Mr. Roper met Quill.", "Ana Roper", False, ""),  # the last word of what is no person says little
        ("He is no roper.", "Ana Roper", True, ""),  # a common noun
        ("Roper met ANA ROPER.", "Ana Roper", True, "ANA ROPER"),  # the whole name before its last word
        ("The ropers met.", "Ana Roper", True, ""),
        ("Dov O’Hara left.", "dov o'hara", True, "Dov O’Hara"),
        ("The Ostian Party won.", "Ostian_Party", False, "Ostian Party"),
        ("Quill, Jr. left.", "Ana Quill (Jr.", True, ""),  # no pattern of a name is run
    ],
)
def test_find_name(text: str, name: str, person: bool, mention: str) -> None:
    span = find_name(text, name, person)
    assert ("" if span is None else text[slice(*span)]) == mention


@settings(deadline=None, max_examples=40)  # a machine may be busy
@given(st.text(max_size=60), st.text(min_size=1, max_size=12).filter(lambda name: name.strip(" _")), st.booleans())
def test_a_found_name_is_whole_words_inside_the_text(text: str, name: str, person: bool) -> None:
    if span := find_name(text, name, person):
        start, end = span
        assert 0 <= start < end <= len(text)
        assert not (start and re.match(r"\w\w", text[start - 1 : start + 1]) and text[start - 1] not in "_’‘")


# --- SEESAW ---

SENTENCES = ["Ana Roper met Bo Quill.", "", "Roper praised Quill.", "The Ostian Party jeered.", "Quill and Roper left."]
ENTITIES = {"Ana Roper": "People", "bo quill": "People", "Ostian Party": "Organization"}


def seesaw(folder: Path, triples: dict[str, list[tuple[str, str, str]]], split: str = "train", story: int = 0) -> None:
    """Write one article in SEESAW's form; its sentence 1 is empty, as some are in the release."""
    name = f"TRIPLET_{story:03}_DOCUMENT_0.json"
    stances = {
        sentence: [
            {"id": at, "subject": subject, "sentiment": sign, "object": target, "annotators": ["A"]}
            for at, (subject, sign, target) in enumerate(rows)
        ]
        for sentence, rows in triples.items()
    }
    files: dict[str, Any] = {
        f"annotations/{name}": {
            "entity lists": [[entity, [kind], ["Main"], ["A"]] for entity, kind in ENTITIES.items()],
            "sentence-level stances": stances,
            "entity sentiments": {
                "Ana Roper": [["Slightly Positive", "A"], ["Very Positive", "B"], ["Negative", "C"]],
                "bo quill": [["Negative", "A"], ["Neutral", "B"]],
                "Ostian Party": [["Unknown", "A"]],
            },
        },
        f"articles/{name}": {"title": "Ships", "text": [{"id": at, "text": text} for at, text in enumerate(SENTENCES)]},
        f"meta/TRIPLET_{story:03}.json": {"Split": split, "story_time": "2031-02-03"},
    }
    for file, content in files.items():
        path = folder / "SEESAW" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


TRIPLES = {
    "2": [("Ana Roper", "POS", "bo quill"), ("None", "POS", "Ana Roper")],
    "3": [("Not in the list", "NEG", "Ostian Party"), ("Ostian Party", "NEG", "Not in the list")],
    "1": [("Ana Roper", "NEG", "bo quill")],
}


def test_seesaw_triples(tmp_path: Path) -> None:
    seesaw(tmp_path, TRIPLES)
    corpus = load("seesaw", tmp_path)
    assert load("seesaw", tmp_path / "SEESAW").fingerprint == corpus.fingerprint
    assert names(corpus) == ["favor", "favor", "against", "against"]
    assert corpus.examples["source"][:] == ["ana roper", AUTHOR, UNKNOWN, "ostian party"]
    assert corpus.examples["target"][:] == ["bo quill", "ana roper", "ostian party", "somebody else"]
    assert mentions(corpus, "source") == ["Roper", "", "", "Ostian Party"]
    assert mentions(corpus, "target") == ["Quill", "Roper", "Ostian Party", ""]
    assert corpus.examples["context"][2] == "Ana Roper met Bo Quill. Roper praised Quill."
    assert set(corpus.examples["group_id"][:]) == {"TRIPLET_000"}
    assert (corpus.examples[0]["date"], corpus.examples[0]["split"]) == ("2031-02-03", "train")
    assert corpus.counts["dropped"] == {"its sentence is empty or missing": 1}
    assert corpus.counts["published"] == {"train": {"read": 5, "published": 6263}}


def test_seesaw_weak_neutrals_are_in_train_alone_and_never_where_a_stance_is(tmp_path: Path) -> None:
    for story, split in enumerate(("train", "valid", "test")):
        seesaw(tmp_path, TRIPLES, split, story)
    plain, weak = load("seesaw", tmp_path), load("seesaw", tmp_path, neutrals=True)
    assert "neutral" not in names(plain)
    added = [row for row, name in zip(weak.examples, names(weak), strict=True) if name == "neutral"]
    pairs = {(row["text"], row["source"], row["target"], row["split"]) for row in added}
    expected = {
        (SENTENCES[at], *pair) for at in (0, 4) for pair in (("ana roper", "bo quill"), ("bo quill", "ana roper"))
    }
    assert pairs == {(*one, "train") for one in expected}
    assert len(weak.examples) - len(plain.examples) == len(added) == 4
    assert all(row["source_start"] >= 0 and row["target_start"] >= 0 for row in added)


def test_seesaw_last_word_of_two_listed_persons_is_nobodys_mention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENTITIES, "Dov Roper", "People")
    seesaw(tmp_path, TRIPLES)
    assert mentions(load("seesaw", tmp_path), "source")[0] == ""


def test_seesaw_articles(tmp_path: Path) -> None:
    seesaw(tmp_path, TRIPLES)
    corpus = load("seesaw", tmp_path, level="article")
    assert dict(zip(corpus.examples["target"][:], names(corpus), strict=True)) == {
        "ana roper": "favor",
        "bo quill": "neutral",  # no sign has more than half
    }
    assert set(corpus.examples["source"][:]) == {AUTHOR}
    assert mentions(corpus, "target") == ["Ana Roper", "Bo Quill"]
    assert corpus.counts["dropped"] == {"no annotator says its sentiment": 1}


def test_seesaw_that_does_not_fit(tmp_path: Path) -> None:
    with says("no folder annotations"):
        load("seesaw", tmp_path)
    seesaw(tmp_path, {"2": [("Ana Roper", "MIXED", "bo quill")]})
    with says("TRIPLET_000_DOCUMENT_0.json, sentence 2, triple 1: sentiment 'MIXED', expected POS or NEG"):
        load("seesaw", tmp_path)
    for wrong, words in (
        ({"level": "page"}, "data.level='page': expected sentence or article"),
        ({"neutrals": "some"}, "data.neutrals='some': expected true or false"),
        ({"neutrals": True, "level": "article"}, "data.neutrals=true"),
    ):
        with says(words):
            load("seesaw", tmp_path, **wrong)
    (tmp_path / "SEESAW" / "meta" / "TRIPLET_000.json").write_text('{"Split": "later"}', encoding="utf-8")
    with says("not in the form in which SEESAW is released"):
        load("seesaw", tmp_path)


# --- NewsMTSC ---


def flat(id: str, mention: str, start: int, polarity: int, sentence: str = "Ana Roper met Quill.") -> dict[str, Any]:
    end = start + len(mention)
    return {"id": id, "mention": mention, "from": start, "to": end, "polarity": polarity, "sentence": sentence}


def nested(*rows: dict[str, Any]) -> dict[str, Any]:
    """The same rows of one sentence in the repository's form."""
    targets = [
        {
            **{key: row[key] for key in ("mention", "from", "to")},
            "Input.gid": row["id"],
            "polarity": {-1: 2.0, 0: 4.0, 1: 6.0}[row["polarity"]],
        }
        for row in rows
    ]
    return {"primary_gid": rows[0]["id"], "sentence_normalized": rows[0]["sentence"], "targets": targets}


def jsonl(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


TRAIN = [flat("gazette_7_3_0_Ana Roper_0_9", "Ana Roper", 0, 1), flat("gazette_7_3_0_Quill_14_19", "Quill", 14, -1)]
MT = flat("polusa_v1_8_-1_4_Bo Quill_0_2", "He", 0, 0, "He left.")
RW = flat("gazette_7_3_9_Roper_0_5", "Roper", 0, 0, "Roper left.")


def test_newsmtsc_both_forms_are_the_same_examples(tmp_path: Path) -> None:
    jsonl(tmp_path / "hub" / "train.jsonl", *TRAIN)
    jsonl(tmp_path / "hub" / "mt_dev.jsonl", MT)
    jsonl(tmp_path / "hub" / "rw_dev.jsonl", RW)
    corpus = load("newsmtsc", tmp_path / "hub")
    assert names(corpus) == ["favor", "against", "neutral", "neutral"]
    assert corpus.examples["target"][:] == ["ana roper", "quill", "bo quill", "roper"]
    assert mentions(corpus, "target") == ["Ana Roper", "Quill", "He", "Roper"]
    assert set(corpus.examples["source"][:]) == {AUTHOR}
    assert corpus.examples["document_id"][:] == ["gazette_7", "gazette_7", "polusa_v1_8", "gazette_7"]
    assert corpus.examples["group_id"][:] == ["gazette_story_3"] * 2 + ["polusa_v1_8", "gazette_story_3"]
    assert corpus.examples["split"][:] == ["train", "train", "valid", "valid"]
    assert corpus.counts["published"]["mt valid"] == {"read": 1, "published": 442}
    for name, row in (("mt", MT), ("rw", RW)):  # a folder a set, with the training set in both
        jsonl(tmp_path / "both" / f"newsmtsc-{name}" / "train.jsonl", nested(*TRAIN))
        jsonl(tmp_path / "both" / f"newsmtsc-{name}" / "dev.jsonl", nested(row))
    assert load("newsmtsc", tmp_path / "both").fingerprint == corpus.fingerprint
    assert load("newsmtsc", tmp_path / "both").counts["read"] == 4
    assert len(load("newsmtsc", tmp_path / "hub", part="rw").examples) == 3


def test_newsmtsc_held_out_whole_is_a_test(tmp_path: Path) -> None:
    jsonl(tmp_path / "train.jsonl", nested(*TRAIN))
    jsonl(tmp_path / "devtest_mt.jsonl", nested(MT))
    corpus = load("newsmtsc", tmp_path)
    assert corpus.examples["split"][:] == ["train", "train", "test"]
    assert corpus.counts["published"]["mt test"] == {"read": 1, "published": 1476}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (MT | {"polarity": 3}, "polarity 3, expected 2, 4, 6 or -1, 0, 1"),
        ({"sentence": "He left."}, "no 'id'; found sentence"),
        ({"sentence_normalized": "He left."}, "no list 'targets'"),
        ({"sentence_normalized": "He left.", "targets": [{"from": 0}]}, "a target needs Input.gid"),
    ],
)
def test_newsmtsc_that_does_not_fit(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    jsonl(tmp_path / "train.jsonl", TRAIN[0], row)
    with says("train.jsonl:2: ", words):
        load("newsmtsc", tmp_path)


def test_newsmtsc_drops_what_is_not_where_it_is_said_to_be(tmp_path: Path) -> None:
    jsonl(tmp_path / "train.jsonl", *TRAIN, MT | {"to": 4})
    assert load("newsmtsc", tmp_path).counts["dropped"] == {"mention is not where it is said to be": 1}
    with says("no train.jsonl, mt_dev.jsonl"):
        load("newsmtsc", Path(__file__).parent)


# --- SemEval-2016 task 6 ---

HEAD = "ID\tTarget\tTweet\tStance\n"


@pytest.mark.parametrize("name", ["seesaw", "semeval"])
def test_files_of_a_corpus_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str) -> None:
    if name == "seesaw":
        seesaw(tmp_path, TRIPLES)
    else:
        tweet = "1\tAtheism\tShe won.\tNONE\n"
        (tmp_path / "trainingdata-all-annotations.txt").write_text(HEAD + tweet, encoding="utf-8")
    plain = load(name, tmp_path).fingerprint
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    assert load(name, tmp_path).fingerprint == plain


def test_semeval_and_tweeteval(tmp_path: Path) -> None:
    task, copy = tmp_path / "task", tmp_path / "copy" / "stance"
    task.mkdir()
    tweet = '101\tAtheism\t"Ana’s ships, of atheism #SemST\tAGAINST\n'
    (task / "trainingdata-all-annotations.txt").write_bytes((HEAD + tweet).encode("cp1252"))
    (task / "trialdata-all-annotations.txt").write_text(HEAD + "1\tHillary Clinton\tShe won.\tNONE\n", encoding="utf-8")
    (task / "testdata-taskA-all-annotations.txt").write_text(HEAD + "9\tAtheism\tNo.\tFAVOR\n", encoding="utf-8")
    (task / "testdata-taskB-all-annotations.txt").write_text(HEAD + "8\tBo Quill\tYes.\tFAVOR\n", encoding="utf-8")
    (task / "trainingdata-ids.txt").write_text("ID\n101\n", encoding="utf-8")
    corpus = load("semeval", task)
    assert Counter(zip(corpus.examples["split"][:], names(corpus), strict=True)) == Counter(
        [("train", "against"), ("train", "neutral"), ("test", "favor")]
    )
    assert corpus.examples["text"][1] == '"Ana’s ships, of atheism #SemST'
    assert corpus.counts["mended"] == {}
    (task / "trainingdata-all-annotations.txt").write_bytes(
        (HEAD + tweet).encode("cp1252").replace(b"ships", b"\x81\x8d")
    )
    corpus = load("semeval", task)
    assert corpus.examples["text"][1] == '"Ana’s \ufffd\ufffd, of atheism #SemST'
    assert corpus.counts["mended"] == {"byte that Windows-1252 does not have, read as U+FFFD": 2}
    assert corpus.examples["target"][:] == ["atheism", "atheism", "hillary clinton"]
    assert mentions(corpus, "target") == ["", "atheism", ""]
    assert load("semeval", task, part="b").examples["target"][:].count("bo quill") == 1
    for name in ("abortion", "hillary"):
        (copy / name).mkdir(parents=True)
        (copy / name / "val_text.txt").write_text("No.\nYes.\n", encoding="utf-8")
        (copy / name / "val_labels.txt").write_text("1\n0\n", encoding="utf-8")
    corpus = load("semeval", tmp_path / "copy")
    assert names(corpus) == ["against", "neutral"] * 2
    assert set(corpus.examples["target"][:]) == {"legalization of abortion", "hillary clinton"}
    assert corpus.counts["published"] == {"valid": {"read": 4, "published": 294}}
    with says("data.part=b: TweetEval has only part a of the task"):
        load("semeval", copy, part="b")
    (copy / "hillary" / "val_labels.txt").write_text("1\n", encoding="utf-8")
    with says("val_text.txt: 2 lines, val_labels.txt has 1"):
        load("semeval", copy)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("ID\tTweet\n", ":1: no column 'target'"),
        (HEAD + "1\tAtheism\tNo.\n", ":2: 3 fields, the first line names 4"),
        (HEAD + "1\tAtheism\tNo.\tUNKNOWN\n", ":2: stance 'UNKNOWN', expected one of FAVOR"),
    ],
)
def test_semeval_that_does_not_fit(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "trainingdata-all-annotations.txt").write_text(content, encoding="utf-8")
    with says("trainingdata-all-annotations.txt", words):
        load("semeval", tmp_path)


# --- tables of the hub ---

ROW = {"tweet": "Varna thanked Ostia.", "stance": "4"}
MAPPED: dict[str, Any] = {
    "columns": {"text": "tweet", "label": "stance"},
    "labels": {"against": ["1", "2"], "neutral": "3", "favor": ["4", "5"]},
    "constants": {"target": "Ostia"},
}


def test_a_folder_of_tables_is_read_by_split_and_columns_may_be_constants(tmp_path: Path) -> None:
    jsonl(tmp_path / "data" / "train-00000-of-00002.jsonl", ROW)
    jsonl(tmp_path / "data" / "train-00001-of-00002.jsonl", ROW | {"stance": "2"})
    (tmp_path / "validation.csv").write_text("tweet,stance\nOstia left.,3\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("# Ships", encoding="utf-8")
    corpus = load("table", tmp_path, **MAPPED)
    assert corpus.examples["split"][:] == ["train", "train", "valid"]
    assert names(corpus) == ["favor", "against", "neutral"]
    assert mentions(corpus, "target") == ["Ostia", "Ostia", "Ostia"]
    assert load(**corpus.recipe).fingerprint == corpus.fingerprint
    with says("data.constants.text: data.columns.text is given too"):
        load("table", tmp_path, **MAPPED | {"constants": {"text": "Ostia"}})
    with says("data.constants.tweet: no such column"):
        load("table", tmp_path, **MAPPED | {"constants": {"tweet": "Ostia"}})
    with says("neither a folder that datasets saved, nor one with tables"):
        load("table", Path(__file__).parent, **MAPPED)


def test_a_dataset_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load_dataset(name: str, config: str | None, revision: str | None) -> datasets.DatasetDict:
        asked.append((name, config, revision))
        if name == "ostia/gone":
            raise ConnectionError("no\nnetwork")
        return datasets.DatasetDict({"validation": datasets.Dataset.from_list([ROW])})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert load("table", "hf://ostia/ships/large@abc", **MAPPED).examples["split"][:] == ["valid"]
    assert asked == [("ostia/ships", "large", "abc")]
    with says("hf://ostia/gone: cannot be loaded: no network"):
        load("table", "hf://ostia/gone", **MAPPED)
    with says("data.path=hf://ships: expected hf://owner/name"):
        load("table", "hf://ships", **MAPPED)


# --- the real ones ---


@pytest.mark.parametrize("name", ["dse", "seesaw", "newsmtsc"])
def test_a_real_corpus_is_read_whole(name: str) -> None:
    if not (REAL / name).is_dir():
        pytest.skip(f"{REAL / name} is not at hand")
    corpus = load(name, REAL / name)
    counts = corpus.counts
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    assert counts["dropped"] == {}
    assert counts["published"], name
    for part, rows in counts["published"].items():
        assert rows["read"] == rows["published"] == PUBLISHED[name][part]
    assert set(corpus.examples["split"][:]) >= {"train", "valid"}
