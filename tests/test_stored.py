"""Rows that outgrow memory: checked as those that do not, mapped from a file of which nothing is left."""

from __future__ import annotations

import hashlib
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorstance import corpora, stored, twins
from actorstance.errors import InputError
from actorstance.examples import FEATURES, dataset
from actorstance.stored import Ids


def rows(count: int, **changed: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of as many documents as groups; `changed` are changes of the rows `row_N`."""
    for at in range(count):
        row = {"example_id": f"e{at}", "document_id": f"d{at // 3}", "group_id": f"d{at // 3}", "label": at % 3}
        row |= {"text": f"Varna met Ostia {at // 2} times.", "source": "varna", "target": "ostia", "date": None}
        row |= {"source_start": 0, "source_end": 5, "target_start": 10, "target_end": 15}
        yield f"file:{at + 1}", row | changed.get(f"row_{at}", {})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, in which seven rows and more are kept."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(stored, "ROWS", 7)
    return tmp_path


def test_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_RECENT", 7)
    seen = Ids()
    assert all(seen.add(str(at)) for at in range(100))
    assert not any(seen.add(str(at)) for at in range(100))


@pytest.mark.parametrize("count", [1, 7, 8, 21])
def test_rows_of_a_file_are_those_of_memory(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    held = dataset(rows(count))
    monkeypatch.setattr(stored, "ROWS", 7)
    read = dataset(rows(count))
    assert read.to_list() == held.to_list()
    assert read.features == held.features == FEATURES
    assert read.data.schema == held.data.schema
    assert read["text"].source.data["text"].num_chunks > 1 or count < 7


def test_a_table_lives_as_long_as_it_is_read(folder: Path) -> None:
    some = dataset(rows(21)).select([20, 3])
    assert some["text"][:] == ["Varna met Ostia 10 times.", "Varna met Ostia 1 times."]


@pytest.mark.parametrize("first", [2, 13])
def test_an_id_that_stands_already(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ROWS", 7)
    twice = {"row_15": {"example_id": f"e{first}"}}
    message = rf"file:16: example_id 'e{first}' stands already in file:{first + 1}\. Ids must be unique\."
    with pytest.raises(InputError, match=message):
        dataset(rows(20, **twice))


def test_no_file_is_seen_while_rows_are_read_nor_after(folder: Path) -> None:
    def watched() -> Iterator[tuple[str, dict[str, Any]]]:
        for row in rows(20):
            assert not list(folder.iterdir())  # so that nothing is left even if the process is killed here
            yield row

    examples = dataset(watched())
    assert examples["example_id"][0] == "e0"
    assert examples.cache_files == []
    with pytest.raises(InputError, match="file:20"):
        dataset(rows(20, row_19={"text": ""}))
    assert not list(folder.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb") as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
        with pytest.raises(InputError, match=rf"{folder}: No space left on device: .* TMPDIR=FOLDER"):
            dataset(rows(20))


def test_of_a_row_only_the_hash_of_its_id_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ROWS", 500)
    monkeypatch.setattr(stored, "_RECENT", 500)
    peaks = []
    for count in (1_000, 8_000):
        tracemalloc.start()
        examples = dataset(rows(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(examples) == count
    assert peaks[1] - peaks[0] < 7_000 * 50  # bytes: the hash of an id, and what sorting it takes; in lists: 500 a row


def test_two_ids_of_one_hash_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ROWS", 7)
    monkeypatch.setattr(Ids, "add", lambda *_: False)
    assert len(dataset(rows(20))) == 20


def test_a_row_that_does_not_fit_is_named_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ROWS", 7)
    with pytest.raises(InputError, match=r"file:18: source_start=0 source_end=99 lie outside the text"):
        dataset(rows(20, row_17={"source_end": 99}))


def test_the_fingerprint_is_that_of_the_whole_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = dataset(rows(20))
    digest = hashlib.sha256()
    for name in FEATURES:
        digest.update(repr(examples[name][:]).encode())
    monkeypatch.setattr(corpora, "ROWS", 7)
    assert corpora.Corpus("table", examples, {}).fingerprint == digest.hexdigest()


def test_twins_are_the_same_however_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "The delegates of Varna thanked Ostia for grain, coal and timber on the day of the northern fair."
    words = said.split()
    train = [" ".join([*words[:at], f"w{at}", *words[at + 1 :]]) for at in range(len(words))]
    held_out = [train[3], " ".join(words), "Varna met Ostia.", " ".join(reversed(words))] * 5
    found = twins.twins(held_out, train)
    assert [one.tolist() for one in found] == [[True, False, False, False] * 5, [False, True, False, False] * 5]
    monkeypatch.setattr(twins, "ROWS", 2)
    assert [one.tolist() for one in twins.twins(held_out, train)] == [one.tolist() for one in found]
