"""Examples: schema, splits that never cut a group, pairs of a document; and the audit of two sets of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstance import audit
from actorstance.actors import Registry
from actorstance.documents import parse
from actorstance.errors import InputError
from actorstance.examples import AUTHOR, FEATURES, dataset, grouped_folds, grouped_tenth, pairs, twin_key, with_split
from actorstance.reading import read_actors
from actorstance.twins import without_twin

ROW = {"example_id": "0", "document_id": "d", "group_id": "g", "text": "Varna ran.", "target": "varna", "label": 1}
MANY = settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31 - 1)


def make(*changes: dict[str, Any]) -> datasets.Dataset:
    return dataset((f"row {n}", ROW | {"example_id": str(n)} | change) for n, change in enumerate(changes))


@st.composite
def grouped(draw: st.DrawFn, least: int = 2) -> datasets.Dataset:
    """At least a row for each group, of any label."""
    groups = range(draw(st.integers(least, 24)))
    ids = [*groups, *draw(st.lists(st.sampled_from(groups), max_size=40))]
    return make(*({"group_id": f"g{group}", "label": draw(st.integers(0, 2))} for group in ids))


@MANY
@given(examples=grouped(), seed=SEEDS, data=st.data())
def test_folds_hold_out_each_row_once(examples: datasets.Dataset, seed: int, data: st.DataObject) -> None:
    groups = np.asarray(examples["group_id"][:])
    count = data.draw(st.integers(2, len(set(groups))))
    found = list(grouped_folds(examples, count, seed))
    assert len(found) == count
    assert all(len(held_out) for _, held_out in found)
    assert sorted(np.concatenate([held_out for _, held_out in found])) == list(range(len(examples)))
    for train, held_out in found:
        assert not set(groups[train]) & set(groups[held_out])
        assert sorted([*train, *held_out]) == list(range(len(examples)))
    again = grouped_folds(examples, count, seed)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(found, again, strict=True))


@MANY
@given(examples=grouped(least=7), seed=SEEDS)
def test_with_split_has_three_parts_and_cuts_no_group(examples: datasets.Dataset, seed: int) -> None:
    split = with_split(examples, seed)
    assert set(split["split"][:]) == {"train", "valid", "test"}
    assert len(set(zip(split["group_id"][:], split["split"][:], strict=True))) == len(set(examples["group_id"][:]))
    assert split.features == FEATURES
    assert split.remove_columns("split").to_list() == examples.remove_columns("split").to_list()
    assert with_split(examples, seed)["split"][:] == split["split"][:]


@MANY
@given(examples=grouped(), seed=SEEDS)
def test_tenth_is_of_whole_groups(examples: datasets.Dataset, seed: int) -> None:
    train, tenth = grouped_tenth(examples, seed)
    assert not set(train["group_id"][:]) & set(tenth["group_id"][:])
    assert sorted(train["example_id"][:] + tenth["example_id"][:]) == sorted(examples["example_id"][:])


def test_too_few_groups() -> None:
    with pytest.raises(InputError, match=r"3 folds need .* found 2 group"):
        next(grouped_folds(make({"group_id": "a"}, {"group_id": "b"}), 3, 0))
    with pytest.raises(InputError, match="found 6"):
        with_split(make(*({"group_id": str(n)} for n in range(6))), 0)
    with pytest.raises(InputError, match="found 1"):
        grouped_tenth(make({}, {}), 0)


def test_parquet_keeps_the_schema(tmp_path: Path) -> None:
    examples = make({"label": "favor"}, {"label": None, "date": "2031-02-03", "target_start": 0, "target_end": 5})
    examples.to_parquet(tmp_path / "a.parquet")
    back = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "cache"))
    assert examples.features == back.features == FEATURES
    assert (back.to_list(), back["label"][:]) == (examples.to_list(), [2, None])


@pytest.mark.parametrize("by_sentence", [False, True])
def test_pairs_of_a_document(by_sentence: bool) -> None:
    first = "Varna on Monday accused Ostia of spying on the fleet\tof Varna in the northern strait."
    raw = f"{first} The talks in the old harbour lasted all night. Ostia denied every word of it on Tuesday."
    registry = Registry({"varna": ["Varna"], "ostia": ["Ostia"]})
    reading = read_actors(parse("d", raw, date="2031-02-03"), registry)
    found = pairs(reading, group_by_sentence=by_sentence)
    asked = list(zip(found["source"][:], found["target"][:], strict=True))
    both = [(AUTHOR, "varna"), (AUTHOR, "ostia"), ("varna", "ostia"), ("ostia", "varna")]
    assert asked == [*both, (AUTHOR, "ostia")]
    assert set(found["group_id"][:]) == ({"d:0", "d:2"} if by_sentence else {"d"})
    assert found["context"][4] == raw.replace("\t", " ").partition(" Ostia denied")[0]
    for row in found:
        assert row["text"] == raw[row["raw_start"] : row["raw_end"]].replace("\t", " ")
        assert row["text"][row["target_start"] : row["target_end"]].lower() == row["target"]
    assert found["source_start"][2] == 0  # of two mentions the first


def test_twins() -> None:
    texts = ["varna RAN .", "[Varna] ran.", "Varna\n\tran.", " Varna  ran. ", "Varna ran!"]
    assert [twin_key(text) == twin_key("Varna ran.") for text in texts] == [True] * 4 + [False]
    assert without_twin(make(*({"text": text} for text in texts)), make({})).tolist() == [False] * 4 + [True]


def test_names_only_sees_no_sentence_and_learns_one_label() -> None:
    liked, hated = {"target": "varna", "label": 2}, {"target": "ostia", "label": 0}
    held_out = make(liked | {"text": "Awful."}, hated | {"text": "Splendid."})
    assert audit.names_only(make(*[liked, hated] * 5), held_out).tolist() == [2, 0]
    assert audit.names_only(make(liked, liked), held_out).tolist() == [2, 2]


def test_audit_of_both_sides() -> None:
    train = make({}, {"label": 2}, {"text": "Ostia sat.", "target": "ostia", "group_id": "h", "label": 0})
    held_out = make({"text": "VARNA ran ."}, {"text": "Dorp slept.", "target": "dorp", "document_id": "e", "label": 2})
    found = audit.audited({"read": 5}, train, held_out)
    assert set(found) == {"rows", "labels", "leakage", "clashes", "unseen", "checks", "failed"}
    assert found["rows"] == {"read": 5}
    assert found["labels"]["held_out"] == {"against": 0, "neutral": 1, "favor": 1}
    shared = {"with_twin_in_train": 1, "documents_on_both_sides": 1, "groups_on_both_sides": 1}
    assert found["leakage"] == {"held_out_examples": 2, **shared}
    assert found["clashes"] == {"train": 1, "held_out": 0}
    assert found["unseen"] == {"source": {"actors": 0, "examples": 0}, "target": {"actors": 1, "examples": 1}}
