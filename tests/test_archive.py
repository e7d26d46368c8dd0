"""Archives: kinds of files, what cannot be read, a run that is killed and goes on, the same rows as elsewhere."""

from __future__ import annotations

import csv
import errno
import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

import actorstance
from actorstance import corpora, files, pipeline, scoring
from actorstance.actors import Registry
from actorstance.archives import archive, bulk, cluster, engine, totals
from actorstance.archives.archive import Archive, Rejected, Text
from actorstance.archives.shards import TABLES, Done, Opener, Shard, read_here, shards
from actorstance.archives.totals import Sums
from actorstance.commands import configured
from actorstance.documents import TOO_LONG
from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.models import Model
from actorstance.saved import read_saved

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "predict.py"
VERBS = ("accused", "thanked", "met", "praised", "blamed", "warned")
NAMES = ("Turkey", "Russia", "France", "Egypt", "Greece", "Norway", "Japan")


def _article(number: int) -> dict[str, Any]:
    a, b, c = (NAMES[(number * step + step) % len(NAMES)] for step in (1, 2, 4))
    first, second = VERBS[number % len(VERBS)], VERBS[number // 3 % len(VERBS)]
    text = f"{a} on Monday {first} {b} over the talks in the north.\n\nThe envoy of {c} {second} {a} for day {number}."
    return {"id": f"a{number}", "date": f"2020-0{1 + number % 9}-11", "text": f"{text} Nobody else said a word of it."}


FLOATS = ("score", "model_score", "low", "high")
ARTICLES = [_article(number) for number in range(40)]
LINES = "".join(json.dumps(row) + "\n" for row in ARTICLES)


def _inline(model: Model, opener: Opener, parts: Iterable[Shard]) -> Iterator[Done]:
    """An engine without processes."""
    return map(partial(read_here, opener), parts)


def _read(trained: Path, source: Path, out: Path, **settings: Any) -> dict[str, Any]:
    model = actorstance.load(trained)
    base: dict[str, Any] = {"registry": model.registry, "ner": None, "level": 0.9, "columns": {}, "engine": _inline}
    return configured.predict_archive(model, str(trained), str(source), out, **{**base, "size": 9, **settings})


def _rows(out: Path, table: str) -> list[dict[str, Any]]:
    return [row for file in sorted((out / table).iterdir()) for row in pq.read_table(file).to_pylist()]


def _bytes(out: Path) -> dict[str, bytes]:
    """Every file that must not depend on what happened on the way."""
    names = (*TABLES, bulk.MANIFEST, "archive.json", "audit.json", "actors.csv", "pairs.csv", "rejected.jsonl")
    found = [path for name in names for path in ([out / name] if (out / name).is_file() else (out / name).iterdir())]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "articles.jsonl.gz"
    path.write_bytes(gzip.compress(LINES.encode()))
    return path


@pytest.fixture(scope="module")
def whole(trained: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    _read(trained, source, out)
    return out


# --- the same as elsewhere ---


def test_rows_are_those_of_an_ordinary_run(trained: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "articles.jsonl").write_text(LINES, encoding="utf-8")
    documents = actorstance.read(tmp_path / "articles.jsonl")
    counts = pipeline.predict(actorstance.load(trained), documents, tmp_path / "run")
    for table in TABLES:
        lines = (tmp_path / "run" / f"{table}.jsonl").read_text(encoding="utf-8").splitlines()
        found = [{key: value for key, value in row.items() if key != "evidence"} for row in _rows(whole, table)]
        assert found == [json.loads(line) for line in lines], table
    read = json.loads((whole / "archive.json").read_text(encoding="utf-8"))["counts"]
    assert {key: read[key] for key in counts if key != "seconds"} == {k: v for k, v in counts.items() if k != "seconds"}
    assert (read["rejected"], read["shards"]) == (0, 5)
    told = [json.loads((run / "provenance.json").read_text(encoding="utf-8")) for run in (whole, tmp_path / "run")]
    assert told[0]["registry"] == told[1]["registry"]
    for name in ("actors.csv", "pairs.csv"):
        ours, theirs = (
            list(csv.DictReader((run / name).read_text(encoding="utf-8").splitlines()))
            for run in (whole, tmp_path / "run")
        )
        for row, other in zip(ours, theirs, strict=True):
            ends = {key: (row.pop(key), other.pop(key)) for key in ("low", "high")}
            assert row == other
            for mine, bootstrap in ends.values():
                assert (mine == "") == (bootstrap == "")
                assert not mine or float(mine) == pytest.approx(float(bootstrap), abs=0.06)


def test_a_transformer_stands_beside_the_readers(
    trained: Path, tiny_encoder: str, source: Path, tmp_path: Path
) -> None:
    from actorstance.models.transformer import TransformerModel

    rows = corpora.load("newsroom").examples.select(range(40))
    model = TransformerModel(encoder=tiny_encoder, epochs=1, max_length=200).fit(rows, rows)
    model.registry, model.card = Registry.world(), actorstance.load(trained).card
    model.save(tmp_path / "model")
    (tmp_path / "articles.jsonl").write_text(LINES, encoding="utf-8")
    loaded = actorstance.load(tmp_path / "model")
    pipeline.predict(loaded, actorstance.read(tmp_path / "articles.jsonl"), tmp_path / "run")
    given: list[int] = []

    def watched(model: Model, opener: Opener, parts: Iterable[Shard]) -> Iterator[Done]:
        for done in engine.local(model, opener, parts, processes=1):
            given.extend(child.nice() for child in psutil.Process().children() if "spawn_main" in str(child.cmdline()))
            yield done

    counts = _read(tmp_path / "model", source, tmp_path / "archive", engine=watched)
    lines = (tmp_path / "run" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    for row, expected in zip(_rows(tmp_path / "archive", "predictions"), map(json.loads, lines), strict=True):
        del row["evidence"]
        assert [row.pop(label) for label in LABELS] == pytest.approx(  # sums in batches of other lengths
            [expected.pop(label) for label in LABELS], abs=1e-6
        )
        assert row == expected
    assert counts["pairs"] == len(lines)
    assert given
    assert set(given) == {min(19, psutil.Process().nice() + engine.YIELDING)}  # the model has the right of way


def test_priors_are_those_of_an_ordinary_run(trained: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "articles.jsonl").write_text(LINES, encoding="utf-8")
    model, wanted = actorstance.load(trained), [0.1, 0.8, 0.1]
    pipeline.predict(model, actorstance.read(tmp_path / "articles.jsonl"), tmp_path / "run", wanted_priors=wanted)
    _read(trained, source, tmp_path / "archive", wanted_priors=wanted)
    rows = map(json.loads, (tmp_path / "run" / "predictions.jsonl").read_text(encoding="utf-8").splitlines())
    assert [row["favor"] for row in rows] == [row["favor"] for row in _rows(tmp_path / "archive", "predictions")]
    with pytest.raises(InputError, match="needs all rows at once"):
        _read(trained, source, tmp_path / "other", wanted_priors="estimate")


def test_a_check_of_an_archive_says_what_to_do(whole: Path) -> None:
    with pytest.raises(InputError, match=r"a run over an archive; check and compare read ordinary runs.*archive=false"):
        read_saved(whole)


@pytest.mark.parametrize("kind", ["parquet", "jsonl.gz"])
def test_an_archive_is_read_as_an_ordinary_run(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain, folder = tmp_path / "d.jsonl", tmp_path / "folder"
    folder.mkdir()
    plain.write_text(LINES, encoding="utf-8")
    (folder / "notes.pdf").write_bytes(b"none")
    packed = folder / f"d.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ARTICLES), packed)
    else:
        packed.write_bytes(gzip.compress(LINES.encode()))
    expected = actorstance.read(plain)
    assert configured.documents_of(str(packed)) == expected
    assert capsys.readouterr().out == ""
    assert configured.documents_of(str(folder)) == expected
    assert "not read, 1 file of other kinds: notes.pdf" in capsys.readouterr().out
    twice = folder / "e.jsonl"
    twice.write_text(LINES, encoding="utf-8")
    with pytest.raises(InputError, match=r"^e\.jsonl:1: the document id occurs twice\.$"):
        configured.documents_of(str(folder))


def test_mentions_of_an_archive_are_not_explained(trained: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="explain one article: archive=false"):
        _read(trained, source, tmp_path / "run", explain=True)
    assert not (tmp_path / "run").exists()


def test_an_interval_is_the_bootstraps_linear_form() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(120), rng.integers(1, 9, 120))
    scores = np.clip(rng.normal(0.2, 0.4, len(groups)) + rng.normal(0, 0.3, 120)[groups], -1, 1)
    n, total = np.bincount(groups), np.bincount(groups, weights=scores)
    sums = Sums(len(groups), 120, total.sum(), int((n * n).sum()), (n * total).sum(), (total * total).sum())
    weights = scoring.group_weights(120, 0)
    assert sums.interval() == pytest.approx(scoring.interval((weights @ total) / (weights @ n), 120), abs=0.01)
    assert Sums(4, 4, 1.0, 4, 1.0, 1.0).interval() == (None, None)


@pytest.mark.parametrize(("most", "fewest"), [(1, 0.93), (20, 0.93), (200, 0.99)])
def test_an_interval_holds_whichever_document_is_longest(most: int, fewest: float) -> None:
    """Of 21 documents that each have a mood of their own, one is so many times as long as the others."""
    sizes = np.array([most] + [1] * 20)
    n, nn, held = int(sizes.sum()), int((sizes**2).sum()), 0
    for moods in np.random.default_rng(0).normal(0, 0.05, (1000, 21)):
        total = sizes * moods
        low, high = Sums(n, 21, total.sum(), nn, (sizes * total).sum(), (total**2).sum()).interval()
        assert low is not None
        assert high is not None
        held += low <= 0 <= high
    assert held / 1000 >= fewest


def test_one_long_document_is_no_sample() -> None:
    sizes, means = np.array([720] + [3] * 13), np.array([-0.07, 0.1, -0.2] + [0.05, -0.1] * 5 + [0.0])
    total = sizes * means
    sums = Sums(759, 14, total.sum(), int((sizes**2).sum()), (sizes * total).sum(), (total**2).sum())
    assert sums.interval() == (-1, 1)
    alike = Sums(759, 14, 759 * 0.5, int((sizes**2).sum()), (sizes * sizes * 0.5).sum(), (sizes**2 * 0.25).sum())
    assert alike.interval() == pytest.approx((0.5, 0.5), abs=1e-3)


def test_totals_are_the_same_however_many_rows_wait(whole: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Each shard added at once, two at a time, or all at the end; against sums made here."""
    parts = [
        (pq.read_table(whole / "predictions" / file.name), pq.read_table(file))
        for file in sorted((whole / "mentions").iterdir())
    ]
    assert len(parts) >= 4
    found: list[tuple[dict[str, int], list[dict[str, Any]]]] = []
    for waiting in (1, sum(len(predictions) for predictions, _ in parts[:2]), 1_000_000):
        monkeypatch.setattr(totals, "_PENDING", waiting)
        sums = totals.Totals(tmp_path / "sums")
        for predictions, mentions in parts:
            sums.add(predictions, mentions)
        found.append((sums.counts(), [*sums.actors(), *sums.pairs()]))
        sums.close()
    for counts, rows in found:
        assert counts == found[0][0]
        for one, other in zip(rows, found[0][1], strict=True):
            assert {**one, **dict.fromkeys(FLOATS)} == {**other, **dict.fromkeys(FLOATS)}
            assert [one[name] for name in FLOATS] == pytest.approx([other[name] for name in FLOATS])
    members: dict[tuple[str, str], list[float]] = {}
    for row in _rows(whole, "predictions"):
        members.setdefault((row["source"], row["target"]), []).append(row["favor"] - row["against"])
    assert found[0][0]["pairs_of_actors"] == len(members)
    pairs = {(row["source"], row["target"]): row for row in found[0][1] if "target" in row}
    assert pairs.keys() == members.keys()
    for key, scores in members.items():
        assert (pairs[key]["n"], pairs[key]["score"]) == (len(scores), pytest.approx(np.mean(scores)))


def test_the_manifest_names_every_file(whole: Path) -> None:
    lines = [json.loads(line) for line in (whole / bulk.MANIFEST).read_text(encoding="utf-8").splitlines()]
    named = {name: entry for line in lines for name, entry in line["files"].items()}
    assert set(named) == {f"{table}/{path.name}" for table in TABLES for path in (whole / table).iterdir()}
    for name, entry in named.items():
        assert files.sha256(whole / name) == entry["sha256"]
    assert sum(line["documents"] for line in lines) == len(ARTICLES)
    page = (whole / "report.html").read_text(encoding="utf-8")
    assert "Not shown for an archive." in page
    assert "no actor has dated examples" not in page
    assert not [path for path in whole.rglob("*") if path.name.startswith(".") or "unfinished" in path.name]


# --- kinds of files ---


def test_every_kind_of_file_holds_the_same_documents(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINES, encoding="utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    (tmp_path / "c.jsonl.zst").write_bytes(pa.compress(LINES.encode(), "zstd", asbytes=True))
    pq.write_table(pa.Table.from_pylist(ARTICLES), tmp_path / "d.parquet")
    renamed = pa.Table.from_pylist(ARTICLES).rename_columns(["doc", "day", "body"])
    pq.write_table(renamed, tmp_path / "e.parquet")
    wanted = [(row["id"], row["date"], row["text"]) for row in ARTICLES]
    for name in "abcd":
        (path,) = tmp_path.glob(f"{name}.*")
        assert [(one.id, one.date, one.text) for one in Archive(path) if isinstance(one, Text)] == wanted, name
    columns = {"id": "doc", "date": "day", "text": "body"}
    assert [one.id for one in Archive(tmp_path / "e.parquet", columns)] == [id for id, _, _ in wanted]


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/9.txt", "a/10.md", "c.text", "b/skipped.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"Text of {name}.", encoding="utf-8")
    found = Archive(tmp_path)
    assert [one.id for one in found] == ["a/10.md", "a/9.txt", "b/2.txt", "c.text"]
    assert found.passed == found.bytes


def test_files_of_other_kinds_are_named(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    (tmp_path / "in" / "b.pdf").write_bytes(b"%PDF")
    _read(trained, tmp_path / "in", tmp_path / "run")
    assert "not read, 1 file of other kinds: b.pdf" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "large", "expected"),
    [("a.txt", 0, False), ("a.jsonl", 0, False), ("a.jsonl.gz", 0, True), ("a.parquet", 0, True), ("a.txt", 1, True)],
)
def test_what_is_an_archive(name: str, large: int, expected: bool, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / name).write_bytes(b"some text")
    monkeypatch.setattr(archive, "LARGE", 5 if large else 20)
    assert archive.is_archive(tmp_path) is archive.is_archive(tmp_path / name) is expected


# --- bad input ---

BAD = [
    (b'{"id": "x", "text": "cut sh', "no JSON"),
    (b'{"id": "x", "text": "\xff"}', "not UTF-8"),
    (b'["x"]', "a JSON list"),
    (b'{"text": "No id stands here."}', "no id"),
    (b'{"id": "x"}', "expected text"),
    (b'{"id": "x", "text": "  "}', "empty"),
    (b'{"id": "x", "date": 5, "text": "A day that is none."}', "expected text"),
    (b'{"id": "x", "text": "Share this article"}', "no article's body"),
    (b'{"id": "x", "text": "A sign \\ud800 that is none."}', "no text"),
    (b'{"id": "' + b"x" * 1001 + b'", "text": "An id without end."}', "an id of more"),
    (b'{"id": "a3", "text": "Turkey praised Russia on Monday for its patience."}', "occurs twice"),
    (b'{"id": "x", "text": "' + b"Turkey praised Russia. " * 220_000 + b'"}', f"5,060,000 characters: {TOO_LONG}"),
    (b'{"id": "x", "text": "' + b"x" * 10_000_000 + b'"}', "a line of more"),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_bad_document_is_rejected_with_its_reason(line: bytes, reason: str, trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes("".join(LINES.splitlines(True)[:5]).encode() + line + b"\n" + LINES.splitlines(True)[7].encode())
    counts = _read(trained, path, tmp_path / "run", size=4)
    (rejected,) = map(json.loads, (tmp_path / "run" / "rejected.jsonl").read_text(encoding="utf-8").splitlines())
    assert rejected["where"] == "a.jsonl:6"
    assert reason in rejected["reason"]
    assert (counts["documents"], counts["rejected"]) == (6, 1)
    with pytest.raises(InputError, match="strict"):
        _read(trained, path, tmp_path / "strict", size=100, strict=True)
    assert not list((tmp_path / "strict").iterdir())


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    noise = "".join(json.dumps({"id": f"n{at}", "text": os.urandom(900).hex()}) + "\n" for at in range(200)).encode()
    for name, data in (("a.jsonl.gz", gzip.compress(noise)), ("b.jsonl.zst", pa.compress(noise, "zstd", asbytes=True))):
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        *read, last = Archive(tmp_path / name)
        assert len([one for one in read if isinstance(one, Text)]) > 50
        assert isinstance(last, Rejected)
        assert "the rest of the file" in last.reason


def test_a_table_alone_is_an_archive_too(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text('id;date;text\na;2024-05-01;"Varna; Ostia"\n;;Varna\nb;;Ostia\nb;;Ostia\nc;d\ne;;Senga\n')
    found = list(Archive(table))
    assert found[:1] == [Text("a.csv:2", "a", "2024-05-01", "Varna; Ostia")]
    assert found[1:4:2] == [
        Rejected("a.csv:3", None, "no id"),
        Rejected("a.csv:5", "b", "the document id occurs twice"),
    ]
    (lost,) = found[4:]
    assert isinstance(lost, Rejected)
    assert lost.reason == "the rest of the file: a.csv:6: 2 fields, the first line names 3."
    page = tmp_path / "a.mhtml"
    page.write_text("<html>")
    with pytest.raises(InputError, match="a packed web page"):
        Archive(page)


def test_a_parquet_without_the_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "body": ["b"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"no column 'text'; there are id, body.*columns\.text="):
        Archive(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="no Parquet file"):
        Archive(tmp_path)


def test_a_parquet_with_two_columns_of_one_name(tmp_path: Path) -> None:
    texts = [["1"], ["Turkey accused Russia."], ["Nobody accused Ukraine."]]
    pq.write_table(pa.table(texts, names=["id", "text", "text"]), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: two columns have one name, 'text'"):
        Archive(tmp_path)


def test_a_day_that_no_calendar_has_costs_its_row_alone(tmp_path: Path) -> None:
    days = pa.array([0, 2**62, 86_400_000_000], pa.timestamp("us"))
    pq.write_table(pa.table({"id": ["a", "b", "c"], "date": days, "text": ["Turkey."] * 3}), tmp_path / "a.parquet")
    found = list(Archive(tmp_path))
    assert [(one.id, getattr(one, "reason", None)) for one in found] == [
        ("a", None),
        (None, "its date is no date and no text"),
        ("c", None),
    ]


def test_a_row_of_a_table_longer_than_an_article_costs_that_row_alone(tmp_path: Path) -> None:
    said = "Turkey accused Russia of shelling civilians. "
    rows = [("a", said), ("b", said * 3_300), ("c", said * 30_000), ("d", said)]
    (tmp_path / "a.csv").write_text("id,text\n" + "".join(f'{id},"{text}"\n' for id, text in rows), encoding="utf-8")
    found = list(Archive(tmp_path / "a.csv"))
    assert [one.id for one in found] == ["a", "b", "c", "d"]
    assert [type(one) for one in found] == [Text, Text, Rejected, Text]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "parquet"])
def test_a_date_whose_column_is_named_must_be_there(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(ARTICLES), path)
    else:
        path.write_bytes(gzip.compress(LINES.encode()) if ending.endswith("gz") else LINES.encode())
    with pytest.raises(InputError, match=r"no column 'publishd'; there are id, date, text\."):
        Archive(path, {"date": "publishd"})


def test_a_date_that_is_none_is_rejected_with_its_reason(trained: Path, tmp_path: Path) -> None:
    rows = [ARTICLES[0], ARTICLES[1] | {"date": "Feb 12, 2020"}, ARTICLES[2] | {"date": ""}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    counts = _read(trained, tmp_path / "a.jsonl", tmp_path / "run")
    assert (counts["documents"], counts["rejected"]) == (2, 1)
    assert "its date 'Feb 12, 2020' is no ISO date" in (tmp_path / "run" / "rejected.jsonl").read_text()
    assert {row["date"] for row in _rows(tmp_path / "run", "predictions")} == {ARTICLES[0]["date"], None}


def test_links_that_lead_back_and_names_that_only_look_like_jsonl(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    (tmp_path / "story.jsonl.txt").write_text("Turkey on Monday accused Russia of lies.", encoding="utf-8")
    assert not archive.is_archive(tmp_path)
    assert [one.id for one in Archive(tmp_path) if isinstance(one, Text)] == ["story.jsonl.txt"]


def test_nothing_that_can_be_read(trained: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "run"
    source.write_text("{\n" * 12, encoding="utf-8")  # two shards
    with pytest.raises(InputError, match=r"none of 12 documents can be read: .*rejected\.jsonl .*a\.jsonl:1: no JSON"):
        _read(trained, source, out)
    assert [path.name for path in out.iterdir()] == ["rejected.jsonl"]
    rejected = [row["where"] for _, row in files.read_json_lines(out / "rejected.jsonl")]
    assert rejected == [f"a.jsonl:{line}" for line in range(1, 13)]
    source.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl: there is no document in it\."):
        _read(trained, source, tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())


def test_ten_thousand_actors(trained: Path, source: Path, tmp_path: Path) -> None:
    many = Registry({f"actor_{at}": [f"Zork {at}"] for at in range(10_000)} | {"turkey": ["Turkey"]})
    counts = _read(trained, source, tmp_path / "run", registry=many)
    assert counts["documents"] == len(ARTICLES)
    mentions = pa.concat_tables(map(pq.read_table, sorted((tmp_path / "run" / "mentions").iterdir()))).to_pylist()
    assert {row["actor"] for row in mentions if row["text"].startswith("Turk")} == {"turkey"}


def test_a_document_that_breaks_the_reader(trained: Path, source: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from actorstance import reading
    from actorstance.archives import shards as module

    real = reading.read_actors

    def broken(document: Any, *rest: Any) -> Any:
        if document.id == "a7":
            raise IndexError("what nobody foresaw")
        return real(document, *rest)

    monkeypatch.setattr(module, "read_actors", broken)
    assert _read(trained, source, tmp_path / "run")["rejected"] == 1
    assert "IndexError" in (tmp_path / "run" / "rejected.jsonl").read_text(encoding="utf-8")


# --- interrupted ---


class _StopError(Exception):
    """What a test stops a run with."""


def _stopping(after: int, error: BaseException) -> bulk.Engine:
    def engine(model: Model, opener: Opener, parts: Iterable[Shard]) -> Iterator[Done]:
        for number, done in enumerate(_inline(model, opener, parts)):
            if number == after:
                raise error
            yield done

    return engine


def test_a_run_goes_on_to_the_same_bytes(trained: Path, source: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(_StopError):
        _read(trained, source, out, engine=_stopping(2, _StopError()))
    (out / "predictions" / "000001.parquet").write_bytes(b"half a fi")  # as after a power cut
    (out / "mentions" / ".000002.parquet.tmp").write_bytes(b"half a fi")
    with pytest.raises(_StopError):
        _read(trained, source, out, engine=_stopping(1, _StopError()), resume=True)
    _read(trained, source, out, resume=True)
    assert _bytes(out) == _bytes(whole)
    with pytest.raises(InputError, match="complete"):
        _read(trained, source, out, resume=True)


def test_strict_stops_at_what_was_rejected_before(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINES.replace(json.dumps(ARTICLES[1]["text"]), '""', 1), encoding="utf-8")
    with pytest.raises(_StopError):
        _read(trained, tmp_path / "a.jsonl", tmp_path / "run", engine=_stopping(2, _StopError()))
    with pytest.raises(InputError, match=r"a\.jsonl:2: empty\. Leave out strict"):
        _read(trained, tmp_path / "a.jsonl", tmp_path / "run", resume=True, strict=True)
    assert _read(trained, tmp_path / "a.jsonl", tmp_path / "run", resume=True)["rejected"] == 1


def test_a_seed_that_is_none_is_refused_before_anything_is_read(trained: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed=-1"):
        _read(trained, source, tmp_path / "run", seed=-1)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_only_as_it_began(trained: Path, source: Path, tmp_path: Path) -> None:
    out, moved = tmp_path / "run", tmp_path / "articles.jsonl.gz"
    shutil.copy(source, moved)
    with pytest.raises(_StopError):
        _read(trained, moved, out, engine=_stopping(2, _StopError()))
    again = partial(_read, trained, moved, out, resume=True)
    for settings, named in (({"size": 8}, "shard"), ({"seed": 1}, "seed"), ({"level": 0.8}, "level")):
        with pytest.raises(InputError, match=f"only as it began: {named} was"):
            again(**settings)
    with pytest.raises(InputError, match="only as it began: actors"):
        again(registry=Registry({"turkey": ["Turkey"]}))
    with pytest.raises(InputError, match="only as it began: input was"):
        _read(trained, source, out, resume=True)
    other = tmp_path / "model"
    model = actorstance.load(trained)
    model.card["seed"] = 5
    model.save(other)
    with pytest.raises(InputError, match="only as it began: model"):
        _read(other, moved, out, resume=True)
    changed = LINES.replace("day 3.", "day 4.")
    moved.write_bytes(gzip.compress(changed.encode())[: source.stat().st_size].ljust(source.stat().st_size, b"\0"))
    with pytest.raises(InputError, match=r"other documents from articles\.jsonl\.gz:1 on|only as it began: files"):
        again()


def test_two_processes_never_write_one_run(trained: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(_StopError):
        _read(trained, source, out, engine=_stopping(1, _StopError()))
    with FileLock(out / "unfinished" / "lock"), pytest.raises(InputError, match="another process writes this run"):
        _read(trained, source, out, resume=True)


def test_a_full_disk(trained: Path, source: Path, whole: Path, tmp_path: Path, monkeypatch: Any) -> None:
    out, real, written = tmp_path / "run", Path.replace, iter(range(10**6))

    def full(path: Path, target: Path) -> Path:
        if next(written) > 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(InputError, match=r"no space is left on the disk.*resume="):
            _read(trained, source, out)
    assert not list(out.rglob("*.tmp"))
    _read(trained, source, out, resume=True)
    assert _bytes(out) == _bytes(whole)


def test_a_disk_that_is_full(trained: Path, source: Path, whole: Path, tmp_path: Path) -> None:
    disk, out = tmp_path / "disk", tmp_path / "disk" / "run"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        with pytest.raises(InputError, match=r"no space is left on the disk.*resume="):
            _read(trained, source, out)
        assert not list(out.rglob("*.tmp"))
        assert 0 < len(list((out / "unfinished").glob("*.json"))) < 5
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        _read(trained, source, out, resume=True)
        assert _bytes(out) == _bytes(whole)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_process_that_is_killed(trained: Path, source: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    typed = [sys.executable, str(SCRIPT), f"run={trained}", f"input={source}", "shard=9", "engine.processes=1"]
    started = [*typed, f"hydra.run.dir={out}"]
    for number in (1, 3):
        running = subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while running.poll() is None and not (out / "unfinished" / f"{number:06}.json").exists():
            time.sleep(0.01)
        children = psutil.Process(running.pid).children() if running.poll() is None else []
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert not psutil.wait_procs(children, timeout=20)[1]  # nobody goes on behind our back
        started = [*typed[:2], f"resume={out}"]
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "complete" in done.stderr, done.stderr
    assert _bytes(out) == _bytes(whole)


# --- engines ---


def test_an_unknown_engine_setting() -> None:
    with pytest.raises(InputError, match=r"^processes=0: expected a whole number"):
        next(engine.local(None, None, [], 0))  # type: ignore[arg-type]


def test_a_model_that_is_another_elsewhere(trained: Path) -> None:
    with pytest.raises(InputError, match="another model"):
        Opener(str(trained), "0", "{}").model()
    with pytest.raises(InputError, match="actorstance"):
        Opener(str(trained), None, "{}", version="0.0.0").model()


def test_shards_are_bounded(monkeypatch: Any) -> None:
    from actorstance.archives import shards as module

    monkeypatch.setattr(module, "CHARACTERS", 100)
    texts = [Text("w", str(at), None, "x" * length) for at, length in enumerate((40, 40, 40, 200, 1, 1, 1, 1))]
    assert [[one.id for one in part.documents] for part in shards(texts, 3)] == [
        ["0", "1"],
        ["2"],
        ["3"],
        ["4", "5", "6"],
        ["7"],
    ]


def _typed(process: psutil.Process) -> str:
    """A process's command line, "" if it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # of which a zombie is one
        return ""


def test_ray_loses_nothing(trained: Path, source: Path, whole: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    killed: list[int] = []

    def killing(model: Model, opener: Opener, parts: Iterable[Shard]) -> Iterator[Done]:
        for done in cluster.cluster(model, opener, parts, workers=2):
            yield done
            workers = [one for one in psutil.Process().children(recursive=True) if "read_here" in _typed(one)]
            if workers and not killed:
                workers[0].kill()
                killed.append(workers[0].pid)

    _read(trained, source, tmp_path / "run", size=2, engine=killing)
    _read(trained, source, tmp_path / "local", size=2)
    assert killed
    assert _bytes(tmp_path / "run") == _bytes(tmp_path / "local")


@pytest.mark.parametrize(
    ("address", "says"),
    [("127.0.0.1:1", "nobody answers"), ("ray://127.0.0.1:1", "nobody answers"), ("here", "expected")],
)
def test_a_ray_address_where_nobody_answers(address: str, says: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    with pytest.raises(InputError, match=says):
        next(cluster.cluster(None, None, [], address=address))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"cpus": 0}, r"^cpus=0: expected a number above 0"),
        ({"gpus": -1}, r"^gpus=-1: expected a number of at least 0"),
        ({"cpus": 4096}, r"no machine with cpus=4096 .* there are machines with"),
    ],
)
def test_workers_that_no_machine_has_room_for(asked: dict[str, Any], says: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    with pytest.raises(InputError, match=says):
        next(cluster.cluster(None, None, iter([None]), **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_that_is_no_ray_cluster(scheme: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    with socket.create_server(("127.0.0.1", 0)) as listening:  # it takes connections, and never says a word
        address = f"{scheme}127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(InputError, match="no Ray cluster answers"):
            next(cluster.cluster(None, None, [], address=address, patience=2))  # type: ignore[arg-type]


def test_a_ray_cluster_that_runs(trained: Path, source: Path, whole: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    started = "ray.init('local', num_cpus=1, include_dashboard=False)"
    typed = [sys.executable, "-c", f"import ray; print({started}.address_info['gcs_address'], flush=True); input()"]
    with subprocess.Popen(typed, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdin
        assert running.stdout
        address = running.stdout.readline().decode().strip()
        _read(trained, source, tmp_path / "run", engine=partial(cluster.cluster, address=address, patience=120))
        running.stdin.close()
    assert _bytes(tmp_path / "run") == _bytes(whole)
