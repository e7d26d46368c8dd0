"""A run over an archive: shards written one by one, from which a killed run resumes, and their totals.

While it is under way the folder holds `unfinished.json`, the settings to resume with, and `unfinished/`, a
record of each shard, which is written after the shard's files. Everything else is made from the shards at the end.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from actorstance import __version__, report
from actorstance.actors import Registry
from actorstance.archives.archive import Archive
from actorstance.archives.shards import DOCUMENTS, TABLES, Done, Opener, Shard, shards
from actorstance.archives.totals import MENTIONED, PREDICTED, Totals
from actorstance.errors import InputError, require_int, require_seed
from actorstance.evaluation.priors import Priors
from actorstance.files import json_line, read_json, sha256, whole, write_csv, write_json, write_jsonl
from actorstance.folder import ARCHIVE, FOREIGN, REJECTED
from actorstance.models import Model
from actorstance.provenance import provenance, spellings
from actorstance.runs import ACTOR_COLUMNS, EVIDENCE, PAIR_COLUMNS, UNFINISHED, alone, require_free, require_same

MANIFEST = "manifest.jsonl"
RECORDS = "unfinished"
NAMED = 10_000  # actors whose names provenance.json holds, those with most mentions first
_TOTALS = ".totals.sqlite"

Engine = Callable[[Model, Opener, Iterable[Shard]], Iterator[Done]]
Progress = Callable[[Mapping[str, Any], bool], None]


def predict(
    model: Model,
    opener: Opener,
    archive: Archive,
    out: Path,
    *,
    engine: Engine,
    registry: Registry,
    size: int = DOCUMENTS,
    seed: int = 0,
    strict: bool = False,
    resume: bool = False,
    command: str | None = None,
    progress: Progress = lambda record, anew: None,
) -> dict[str, Any]:
    """Read an archive with a model, and write who stands where on whom.

    Args:
        model: a loaded model, which `opener` opens in other processes.
        opener: see `shards.Opener`.
        archive: what to read.
        out: the folder for the result, which must hold no run.
        engine: reads shards: `engine.local` or `cluster.cluster`, with their own settings given.
        registry: the actors of `opener`.
        size: documents of a shard, ≥ 1.
        seed: for what reads the run later: nothing here is random.
        strict: whether a document that cannot be read stops the run.
        resume: whether `out` holds an interrupted run to resume; all settings but the engine must be as they were.
        command: what the user typed, for the report.
        progress: called with the record of each shard, and whether it was read just now.

    Returns:
        Counts, as of `pipeline.predict`, and `rejected`.

    Raises:
        InputError: if `out` is not free, or holds a run begun with other settings; if another process is writing
            it; if the disk is full; if a document cannot be read, and `strict`, or none can.

    """
    require_int("shard", size, 1, 100_000)
    require_seed(seed)
    settings = {
        "model (its SHA-256)": opener.sha256,
        "actors (their SHA-256)": registry.sha256,
        "ner": opener.ner,
        "level": opener.level,
        "priors": opener.priors.row() if opener.priors else None,
        "input": str(archive.path),
        "columns": archive.columns,
        "files (their names' and sizes' SHA-256)": archive.fingerprint,
        "shard": size,
        "seed": seed,
        "version": __version__,
    }
    start = time.perf_counter()
    with _held(out, settings, resume):
        _read(shards(archive, size), out, partial(engine, model, opener), strict, progress)
        return _finish(out, settings, model, registry, opener.priors, command, start)


@contextmanager
def _held(out: Path, settings: dict[str, Any], resume: bool) -> Iterator[None]:
    """Hold a run's folder against other processes. A run that fails before its first shard leaves nothing behind."""
    if resume and not (out / UNFINISHED).is_file():
        if (out / ARCHIVE).is_file():
            shutil.rmtree(out / RECORDS, ignore_errors=True)  # left by a kill right at the end
            raise InputError(f"{out}: the run is complete, nothing is left to do.")
        raise InputError(f"{out}: no interrupted run: it has no {UNFINISHED}.")
    if not resume:
        require_free(out)
    with alone(out, out / RECORDS):
        try:
            with _on_a_full_disk(out):
                if resume:
                    require_same(out, settings)
                else:
                    write_json(out / UNFINISHED, settings)
                for name in TABLES:
                    (out / name).mkdir(exist_ok=True)
                yield
                (out / UNFINISHED).unlink()
        except BaseException:
            if not resume and not any((out / RECORDS).glob("*.json")):
                _clear(out)
            raise
        shutil.rmtree(out / RECORDS, ignore_errors=True)


def _clear(out: Path) -> None:
    """Delete what a run has written of its shards."""
    for name in (*TABLES, RECORDS):
        shutil.rmtree(out / name, ignore_errors=True)
    (out / UNFINISHED).unlink(missing_ok=True)


@contextmanager
def _on_a_full_disk(out: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error)
        if not full:
            raise
        raise InputError(
            f"{out}: no space is left on the disk. What was read is kept: make room, then go on with "
            f"resume={out} (actorstance: --out {out} --resume)."
        ) from error


# --- shards ---


def _read(
    parts: Iterator[Shard],
    out: Path,
    engine: Callable[[Iterable[Shard]], Iterator[Done]],
    strict: bool,
    progress: Progress,
) -> None:
    """Read every shard that has no complete record."""

    def wanted() -> Iterator[Shard]:
        for shard in parts:
            record = _record(out, shard.number)
            if record is None:
                yield shard
                continue
            if record["sha256"] != shard.sha256:
                raise InputError(
                    f"{out}: the archive is not as it was: other documents from {shard.documents[0].where} on."
                )
            stop_at(record)
            progress(record, False)

    def stop_at(record: dict[str, Any]) -> None:
        if strict and record["rejected"]:
            first = record["rejected"][0]
            raise InputError(
                f"{first['where']}: {first['reason'].removesuffix('.')}. Leave out strict (actorstance: --strict), and "
                "the run goes on without it."
            )

    for done in engine(wanted()):
        stop_at(done.record)
        _write(out, done)
        progress(done.record, True)


def _write(out: Path, done: Done) -> None:
    """Write the files of a shard, and its record last."""
    entries = {}
    for name in TABLES:
        data = done.files[name]
        with whole(_file(out, name, done.number)) as file:
            file.write(data)
        entries[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    write_json(_record_file(out, done.number), {**done.record, "files": entries})


def _record(out: Path, number: int) -> dict[str, Any] | None:
    """The record of a shard, None if it or one of its files is not as it was written."""
    if not _record_file(out, number).is_file():
        return None
    record = read_json(_record_file(out, number))
    for name in TABLES:
        file = _file(out, name, number)
        if not file.is_file() or sha256(file) != record["files"][name]["sha256"]:
            return None
    return record


def _file(out: Path, table: str, number: int) -> Path:
    return out / table / f"{number:06}.parquet"


def _record_file(out: Path, number: int) -> Path:
    return out / RECORDS / f"{number:06}.json"


def _records(out: Path) -> Iterator[dict[str, Any]]:
    number = 0
    while (file := _record_file(out, number)).is_file():
        yield read_json(file)
        number += 1


# --- totals ---


def _finish(
    out: Path,
    settings: dict[str, Any],
    model: Model,
    registry: Registry,
    priors: Priors | None,
    command: str | None,
    start: float,
) -> dict[str, Any]:
    totals = Totals(out / _TOTALS)
    try:
        counts, cropped = _added(out, totals)
        if not counts["documents"]:
            raise _nothing_read(out, settings["input"], counts["rejected"])
        write_csv(out / "actors.csv", (*ACTOR_COLUMNS, *EVIDENCE), totals.actors())
        write_csv(out / "pairs.csv", (*PAIR_COLUMNS, *EVIDENCE), totals.pairs())
        named = [row["actor"] for row in islice(totals.actors(), NAMED)]
        counts.update(totals.counts())
    finally:
        totals.close()
        (out / _TOTALS).unlink(missing_ok=True)
    rows = {**counts, "priors": settings["priors"]}
    write_json(out / "audit.json", {"rows": rows, "cropped": {"predicted": dict(cropped)} if cropped else {}})
    write_jsonl(out / "log.jsonl", [{"stage": "predict", **rows, "seconds": time.perf_counter() - start}])
    called = spellings(_called(out, set(named)))
    origin = provenance(
        "predict", model, settings["seed"], named, registry, command, priors=priors, called=called, ner=settings["ner"]
    )
    write_json(out / "provenance.json", origin)
    write_json(out / ARCHIVE, {**settings, "counts": rows, "manifest_sha256": sha256(out / MANIFEST)})
    report.write(out)
    return rows


def _added(out: Path, totals: Totals) -> tuple[Counter[str], Counter[str]]:
    """Go through the shards once: sums, manifest, what was rejected or is not English.

    Returns:
        The counts, and those of cropping.

    """
    counts: Counter[str] = Counter()
    cropped: Counter[str] = Counter()
    with whole(out / MANIFEST) as manifest, whole(out / REJECTED) as rejected, whole(out / FOREIGN) as foreign:
        for record in _records(out):
            counts.update(record["counts"])
            counts.update(rejected=len(record["rejected"]), shards=1)
            cropped.update({key: value for key, value in (record["cropped"] or {}).items() if key != "max_length"})
            manifest.write(json_line(_entry(record)))
            rejected.writelines(map(json_line, record["rejected"]))
            foreign.writelines(json_line({"id": id}) for id in record["not_english"])
            predictions, mentions = (
                pq.read_table(_file(out, name, record["number"]), columns=list(columns))
                for name, columns in (("predictions", PREDICTED), ("mentions", MENTIONED))
            )
            totals.add(predictions, mentions)
    return counts, cropped


def _called(out: Path, actors: set[str]) -> Iterator[tuple[str, str]]:
    """Yield these actors, each with the names a shard has for it."""
    for record in _records(out):
        table = pq.read_table(_file(out, "mentions", record["number"]), columns=["actor", "name"])
        for row in table.group_by(["actor", "name"], use_threads=False).aggregate([]).to_pylist():
            if row["actor"] in actors:
                yield row["actor"], row["name"]


def _nothing_read(out: Path, source: str, rejected: int) -> InputError:
    """What to raise if no document could be read. Of the run only the reasons are left: there is nothing to resume."""
    first = next((row for record in _records(out) for row in record["rejected"]), None)
    _clear(out)
    (out / MANIFEST).unlink()
    (out / FOREIGN).unlink()
    if first is None:
        (out / REJECTED).unlink()
        return InputError(f"{source}: there is no document in it.")
    return InputError(
        f"{source}: none of {rejected:,} documents can be read: {out / REJECTED} says why of each. The first is "
        f"{first['where']}: {first['reason'].removesuffix('.')}."
    )


def _entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the manifest."""
    counts = record["counts"]
    return {
        "shard": record["number"],
        "documents": counts["documents"],
        "rejected": len(record["rejected"]),
        "not_english": counts["documents_not_english"],
        "sentences": counts["sentences"],
        "pairs": counts["pairs"],
        "documents_sha256": record["sha256"],
        "files": {_file(Path(), name, record["number"]).as_posix(): record["files"][name] for name in TABLES},
    }
