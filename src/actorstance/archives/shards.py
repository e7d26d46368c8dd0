"""A shard: a few hundred documents of an archive, read together, from raw text to finished Parquet files.

The result of a shard depends only on its documents, the model and the actors. So shards can be read in any
order, by any process of any machine, and twice if a process died, and the files come out the same.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetInfo

from actorstance import __version__
from actorstance.actors import Registry
from actorstance.archives.archive import Rejected, Text
from actorstance.documents import parse
from actorstance.errors import InputError
from actorstance.evaluation import conformal
from actorstance.evaluation.priors import Priors
from actorstance.examples import FEATURES, IDENTITY, LABELS, OFFSETS, pair_columns
from actorstance.models import Model, counted_apart, load
from actorstance.reading import Names, Reading, read_actors
from actorstance.runs import counted, evidence, line_rows, mention_rows, sentence_rows

DOCUMENTS = 200  # of a shard: a second or two of work, which is what a kill can lose
CHARACTERS = 4_000_000  # of a shard at most, so that its memory is bounded whatever the documents are

SCHEMAS = {
    "predictions": pa.schema(
        [
            *((name, pa.string()) for name in (*IDENTITY, "gold")),
            *((label, pa.float64()) for label in LABELS),
            ("set", pa.list_(pa.string())),
            ("date", pa.string()),
            *((name, pa.int32()) for name in OFFSETS),
            ("why", pa.string()),
            ("evidence", pa.string()),
        ]
    ),
    "sentences": pa.schema(
        [("document_id", pa.string()), ("raw_start", pa.int32()), ("raw_end", pa.int32()), ("text", pa.string())]
    ),
    "mentions": pa.schema(
        [
            ("document_id", pa.string()),
            ("raw_start", pa.int32()),
            ("raw_end", pa.int32()),
            *((name, pa.string()) for name in ("text", "actor", "rule")),
            ("known", pa.bool_()),
            ("confidence", pa.float64()),
            ("name", pa.string()),
            ("candidates", pa.list_(pa.string())),
        ]
    ),
    "lines": pa.schema(
        [
            ("document_id", pa.string()),
            ("raw_start", pa.int32()),
            ("raw_end", pa.int32()),
            ("kind", pa.string()),
            ("kept", pa.bool_()),
            ("reason", pa.string()),
        ]
    ),
}
TABLES = tuple(SCHEMAS)


@dataclass(frozen=True)
class Shard:
    """Documents of an archive, in order, unreadable ones included; `sha256` covers all that they hold."""

    number: int
    documents: tuple[Text | Rejected, ...]
    sha256: str
    passed: int  # bytes of the archive up to its end


@dataclass(frozen=True)
class Prepared:
    """A shard with its actors and pairs, before a model has seen it: `examples` is a table of the schema."""

    number: int
    files: dict[str, bytes]  # table -> Parquet
    examples: pa.Table
    why: list[str]
    evidence: list[str]
    record: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A shard that was read: the Parquet file of each of `TABLES`, and what is known of it."""

    number: int
    files: dict[str, bytes]
    record: dict[str, Any]  # sha256 of its documents, counts, what was rejected and what does not look English


def shards(documents: Iterable[Text | Rejected], size: int = DOCUMENTS) -> Iterator[Shard]:
    """Split an archive into shards of `size` documents, or fewer where they are long.

    Args:
        documents: an `archive.Archive`, or any documents.
        size: documents of a shard, ≥ 1.

    """
    waiting: list[Text | Rejected] = []
    characters, number = 0, 0
    for one in documents:
        length = len(one.text) if isinstance(one, Text) else 0
        if waiting and (len(waiting) >= size or characters + length > CHARACTERS):
            yield Shard(number, tuple(waiting), _sha256(waiting), getattr(documents, "passed", 0))
            waiting, characters, number = [], 0, number + 1
        waiting.append(one)
        characters += length
    if waiting:
        yield Shard(number, tuple(waiting), _sha256(waiting), getattr(documents, "passed", 0))


def _sha256(documents: Sequence[Text | Rejected]) -> str:
    found = hashlib.sha256()
    for one in documents:
        for value in vars(one).values():
            found.update(b"\1" if value is None else b"\0" + value.encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()


@dataclass(frozen=True)
class Opener:
    """What a process needs to read shards, small enough to be sent: where the model is, and which actors to look for.

    Attributes:
        run: a run's or model's folder, which every process must find under this path.
        sha256: the model's own, which every process compares.
        actors: a registry, as `Registry.to_json` gives it.
        ner: the name of a spaCy pipeline, None for the rules alone.
        level: of the prediction sets, in (0, 1).
        priors: under which the probabilities are read, None for those of training.
        version: of the package, which must be the same everywhere.

    """

    run: str
    sha256: str | None
    actors: str
    ner: str | None = None
    level: float = conformal.LEVEL
    priors: Priors | None = None
    version: str = field(default=__version__)

    def model(self) -> Model:
        """Open the model.

        Raises:
            InputError: if the model, or the package, is a different one here.

        """
        if self.version != __version__:
            raise InputError(f"a process has actorstance {__version__}, the run was begun with {self.version}.")
        model = load(self.run)
        if model.sha256 != self.sha256:
            raise InputError(f"{self.run}: a process finds another model there than the run was begun with.")
        return model


def prepare(shard: Shard, registry: Registry, names: Names | None) -> Prepared:
    """Read the actors and pairs of a shard's documents.

    Args:
        shard: the documents.
        registry: the actors that are known.
        names: see `read_actors`.

    """
    readings: list[Reading] = []
    rejected: list[Rejected] = []
    for one in shard.documents:
        found = _reading(one, registry, names) if isinstance(one, Text) else one
        if isinstance(found, Reading):
            readings.append(found)
        else:
            rejected.append(found)
    documents = [reading.document for reading in readings]
    # Not as `examples.dataset`, which checks row by row what users give: these are the reader's own.
    examples = pa.table(pair_columns(readings), schema=FEATURES.arrow_schema)
    files = {
        "sentences": _parquet("sentences", list(sentence_rows(documents))),
        "mentions": _parquet("mentions", list(mention_rows(readings))),
        "lines": _parquet("lines", list(line_rows(documents))),
    }
    record = {
        "number": shard.number,
        "sha256": shard.sha256,
        "passed": shard.passed,
        "counts": counted(readings),
        "rejected": [vars(one) for one in rejected],
        "not_english": [one.id for one in documents if one.english is False],
    }
    why = [pair.why for reading in readings for pair in reading.pairs]
    found_by = [kind for reading in readings for kind in evidence(reading)]
    return Prepared(shard.number, files, examples, why, found_by, record)


def _reading(one: Text, registry: Registry, names: Names | None) -> Reading | Rejected:
    try:
        return read_actors(parse(one.id, one.text, None, one.date), registry, names)
    except InputError as error:
        return Rejected(one.where, one.id, str(error).removeprefix(f"{one.id}: "))
    except Exception as error:  # noqa: BLE001  (one of ten million documents must not end a run, nor stop each resume)
        return Rejected(one.where, one.id, f"the reader failed: {type(error).__name__}: {str(error)[:200]}")


def finish(prepared: Prepared, model: Model, level: float, priors: Priors | None = None) -> Done:
    """Ask a model about the pairs of a shard, all in one call, so that sentences of like length share a batch.

    Args:
        prepared: see `prepare`.
        model: a loaded model.
        level: of the prediction sets.
        priors: see `Opener`.

    """
    # Its fingerprint is given, or datasets would compute one over all that it holds.
    info, fingerprint = DatasetInfo(features=FEATURES), prepared.record["sha256"]
    examples = Dataset(prepared.examples, info=info, fingerprint=fingerprint)
    with counted_apart(model) as cropped:
        cropped.clear()  # a shard without pairs would otherwise have the count of the previous call
        probabilities = model.predict_proba(examples)
    sets = conformal.sets_by_card(model.card, probabilities, level)
    if priors is not None:
        probabilities = priors.applied(probabilities)
    table = prepared.examples
    columns = {name: table[name] for name in (*IDENTITY, "date", *OFFSETS)}
    columns["gold"] = pa.nulls(len(table), pa.string())
    columns |= {label: pa.array(probabilities[:, at]) for at, label in enumerate(LABELS)}
    held = [None] * len(table) if sets is None else conformal.names(sets)
    columns["set"] = pa.array(held, pa.list_(pa.string()))
    columns |= {"why": prepared.why, "evidence": prepared.evidence}
    predictions = pa.table({name: columns[name] for name in SCHEMAS["predictions"].names}, SCHEMAS["predictions"])
    files = {"predictions": _written(predictions), **prepared.files}
    return Done(prepared.number, files, {**prepared.record, "cropped": cropped.get("predicted")})


def _parquet(name: str, rows: list[dict[str, Any]]) -> bytes:
    schema = SCHEMAS[name]
    return _written(pa.table({column: [row[column] for row in rows] for column in schema.names}, schema))


def _written(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


# --- in a process of its own ---


def prepare_here(opener: Opener, shard: Shard) -> Prepared:
    """As `prepare`, in a process that keeps the actors open."""
    return prepare(shard, *_actors(opener.actors, opener.ner))


def read_here(opener: Opener, shard: Shard) -> Done:
    """Read a shard with a model, in a process that keeps both open."""
    return finish(prepare_here(opener, shard), _model(opener), opener.level, opener.priors)


@lru_cache(maxsize=1)
def _actors(actors: str, ner: str | None) -> tuple[Registry, Names | None]:
    if ner is None:
        return Registry(json.loads(actors)), None
    from actorstance.mentions.ner import SpacyNames

    return Registry(json.loads(actors)), SpacyNames(ner)


@lru_cache(maxsize=1)
def _model(opener: Opener) -> Model:
    return opener.model()
