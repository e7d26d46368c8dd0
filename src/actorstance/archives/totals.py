"""Scores of actors and pairs from an archive's shards, one after the other, in memory that does not grow.

A mean and its interval need only six sums over the documents of each actor or pair. They are kept in an SQLite
file, since a large archive has more names than memory holds. Many rows at once are added to it, in the order of its
keys: one by one as they come, each would be somewhere else in a file that grows.

The interval is the linear form of resampling documents (the sandwich estimator of a ratio): with n_d mentions of the
actor in document d, whose scores add up to s_d, and the mean r = sum(s) / sum(n), its squares are those of s_d - r n_d.
It rests on as many documents as Kish (1965, Survey Sampling) counts, (sum n)^2 / sum n^2: where one document has most
mentions, r follows it, its own square is small whatever it says, and the others are no measure of its chance.
How far it agrees with the bootstrap of other runs: docs/methods.md.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

from actorstance.actors import UNKNOWN
from actorstance.correction import LEVEL, MIN_GROUPS
from actorstance.runs import EVIDENCE
from actorstance.scoring import ROLES

PREDICTED = ("document_id", "source", "target", "against", "favor", "evidence")  # columns of predictions that are read
MENTIONED = ("actor", "rule", "candidates")  # and of mentions
PAIR = "pair"
_KEYS = ("role", "a", "b")
_SUMS = ("n", "documents", "total", "nn", "nt", "tt", *EVIDENCE)
_LEAST_FREE = 0.1  # degrees of freedom; with so few an interval reaches from end to end, with less there is no number
_CACHE = 32_000  # KiB of the file that SQLite keeps in memory
_PENDING = 300_000  # rows of sums that wait to be added, some 35 MB: with a million it is hardly quicker
_PART = 10_000  # of these that are Python objects at once


class Sums(NamedTuple):
    """Sums over documents: of n mentions and their scores' total, of the documents, and of n², n * total, total²."""

    n: int
    documents: int
    total: float
    nn: int
    nt: float
    tt: float

    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """Return the ends of the 95 % interval of the mean, None with fewer than `MIN_GROUPS` documents.

        Example:
            >>> low, high = Sums(n=20, documents=10, total=2.0, nn=40, nt=4.0, tt=0.8).interval()
            >>> round(low, 3), round(high, 3)
            (0.025, 0.175)

        """
        if self.documents < MIN_GROUPS:
            return None, None
        mean = self.total / self.n
        squares = max(0.0, self.tt - 2 * mean * self.nt + mean * mean * self.nn)
        free = max(_LEAST_FREE, self.n**2 / self.nn - 1)
        spread = float(stdtrit(free, (1 + LEVEL) / 2)) * math.sqrt((free + 1) / free * squares) / self.n
        return max(-1.0, mean - spread), min(1.0, mean + spread)


class Totals:
    """The sums of every actor and pair of an archive.

    Args:
        path: of a file that is made for them. The caller removes it.

    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._file = sqlite3.connect(path)
        self._file.execute("PRAGMA journal_mode = OFF")  # the file is rebuilt if anything happens to it
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(f"PRAGMA cache_size = -{_CACHE}")
        columns = ", ".join(f"{name} NOT NULL" for name in _SUMS)
        self._file.execute(f"CREATE TABLE sums (role, a, b, {columns}, PRIMARY KEY (role, a, b)) WITHOUT ROWID")
        self._pending: list[pa.Table] = []
        counts = ", ".join(f"{name} NOT NULL" for name in EVIDENCE)
        self._file.execute(f"CREATE TABLE found (actor PRIMARY KEY, {counts}) WITHOUT ROWID")

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def add(self, predictions: pa.Table, mentions: pa.Table) -> None:
        """Add a shard, whose documents are in no other.

        Args:
            predictions: with the columns of `PREDICTED`.
            mentions: with the columns of `MENTIONED`.

        """
        score = pc.subtract(predictions["favor"], predictions["against"])
        table = predictions.select(["document_id", "source", "target"]).append_column("score", score)
        table = _with_kinds(table, predictions["evidence"])
        for role, keys in ((ROLES[0], ["target"]), (ROLES[1], ["source"]), (PAIR, ["source", "target"])):
            self._pending.append(_keyed(role, _summed(table, keys), keys))
        if sum(map(len, self._pending)) >= _PENDING:
            self._settle()
        actors, unresolved = mentions["actor"], pc.equal(mentions["actor"], UNKNOWN)
        named = pc.starts_with(mentions["rule"], "registry")  # as `Mention.rule` has it
        by = pc.if_else(named, "by_registry", "by_rule")
        candidates = pc.list_flatten(mentions["candidates"].filter(unresolved))
        kinds = [*pc.if_else(unresolved, "unresolved", by).chunks, pa.repeat("unresolved", len(candidates))]
        found = pa.table({"actor": pa.chunked_array([*actors.chunks, *candidates.chunks], pa.string())})
        found = _with_kinds(found, pa.chunked_array(kinds, pa.string()))
        found = found.group_by("actor", use_threads=False).aggregate([(kind, "sum") for kind in EVIDENCE])
        self._upsert("found", ("actor",), EVIDENCE, found.select(["actor", *(f"{kind}_sum" for kind in EVIDENCE)]))

    def _settle(self) -> None:
        """Add the rows that wait."""
        if self._pending:
            waiting = pa.concat_tables(self._pending).group_by(list(_KEYS), use_threads=False)
            rows = waiting.aggregate([(name, "sum") for name in _SUMS]).sort_by([(key, "ascending") for key in _KEYS])
            self._upsert("sums", _KEYS, _SUMS, rows.select([*_KEYS, *(f"{name}_sum" for name in _SUMS)]))
            self._pending.clear()

    def _upsert(self, table: str, keys: tuple[str, ...], sums: tuple[str, ...], rows: pa.Table) -> None:
        """Add rows, whose columns are keys and sums, to those of the same keys."""
        added = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
        places = ", ".join("?" * (len(keys) + len(sums)))
        parts = (zip(*(column.to_pylist() for column in part.columns), strict=True) for part in rows.to_batches(_PART))
        with self._file:
            self._file.executemany(
                f"INSERT INTO {table} VALUES ({places}) ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}",  # noqa: S608
                chain.from_iterable(parts),
            )

    def counts(self) -> dict[str, int]:
        """Return how many actors and pairs there are."""
        self._settle()
        actors = "SELECT count(*) FROM (SELECT a FROM sums WHERE role <> ? GROUP BY a)"
        pairs = "SELECT count(*) FROM sums WHERE role = ?"
        names = zip(("actors", "pairs_of_actors"), (actors, pairs), strict=True)
        return {name: int(self._file.execute(query, (PAIR,)).fetchone()[0]) for name, query in names}

    def actors(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of actors.csv, in its order."""
        self._settle()
        kinds = ", ".join(f"coalesce(found.{kind}, 0)" for kind in EVIDENCE)
        for role in ROLES:
            query = (
                f"SELECT a, n, documents, total, nn, nt, tt, {kinds} FROM sums LEFT JOIN found ON actor = a "  # noqa: S608
                "WHERE role = ? ORDER BY n DESC, a"
            )
            for actor, *rest in self._file.execute(query, (role,)):
                empty = {"accuracy": None, "macro_f1": None}
                yield {"actor": actor, "role": role, **_scored(rest), **empty, **_found(rest)}

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of pairs.csv, in its order."""
        self._settle()
        query = f"SELECT a, b, {', '.join(_SUMS)} FROM sums WHERE role = ? ORDER BY n DESC, a, b"  # noqa: S608
        for source, target, *rest in self._file.execute(query, (PAIR,)):
            yield {"source": source, "target": target, **_scored(rest), **_found(rest)}


def _with_kinds(table: pa.Table, kinds: pa.ChunkedArray) -> pa.Table:
    """A table with a column of 0 and 1 for each word of `EVIDENCE`."""
    for kind in EVIDENCE:
        table = table.append_column(kind, pc.cast(pc.equal(kinds, kind), pa.int64()))
    return table


def _summed(table: pa.Table, keys: list[str]) -> pa.Table:
    """The sums of each key, in the order of `_SUMS`; on one thread, since floats add up by order."""
    kinds = [(kind, "sum") for kind in EVIDENCE]
    table = table.group_by([*keys, "document_id"], use_threads=False).aggregate(
        [("score", "count"), ("score", "sum"), *kinds]
    )
    n, total = table["score_count"], table["score_sum"]
    parts = {
        "n": n,
        "total": total,
        "nn": pc.multiply(n, n),
        "nt": pc.multiply(n, total),
        "tt": pc.multiply(total, total),
        **{kind: table[f"{kind}_sum"] for kind in EVIDENCE},
    }
    found = pa.table({**{key: table[key] for key in keys}, **parts}).group_by(keys, use_threads=False)
    found = found.aggregate([("n", "count"), *((name, "sum") for name in parts)])
    order = ["n_sum", "n_count", *(f"{name}_sum" for name in parts if name != "n")]
    return found.select([*keys, *order])


def _keyed(role: str, summed: pa.Table, keys: list[str]) -> pa.Table:
    """Sums as rows of the file: with the role, and an empty second name where there is one."""
    ends = [*(summed[key] for key in keys), *([pa.repeat("", len(summed))] * (2 - len(keys)))]
    names = [pa.repeat(role, len(summed)), *ends]
    return pa.table(dict(zip((*_KEYS, *_SUMS), [*names, *summed.columns[len(keys) :]], strict=True)))


def _scored(sums: list[Any]) -> dict[str, Any]:
    found = Sums(*sums[:6])
    low, high = found.interval()
    mean = found.total / found.n
    return {
        "n": found.n,
        "documents": found.documents,
        "gold": None,
        "model_score": mean,
        "score": mean,
        "low": low,
        "high": high,
        "correction": "none",
        "labelled": 0,
        "power": None,
        "low_here": None,
        "high_here": None,
    }


def _found(sums: list[Any]) -> dict[str, int]:
    return dict(zip(EVIDENCE, sums[6:], strict=True))
