"""Rows that outgrow memory: what was read is in a file that only this process sees, and no list holds it all."""

from __future__ import annotations

import hashlib
import mmap
import tempfile
from contextlib import suppress
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actorstance.errors import InputError

ROWS = 10_000  # rows that are in memory at a time
_RECENT = 1 << 17


class Ids:
    """The ids that were seen: 8 bytes of a hash each, 80 MB for ten million.

    Two of ten million ids share a hash with a probability of three in a million (n² / 2⁶⁵).
    """

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._sorted = np.zeros(0, dtype=np.uint64)

    def add(self, id: str) -> bool:
        """Add an id, and return whether it is new."""
        digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        value = int.from_bytes(digest, "big")
        at = int(np.searchsorted(self._sorted, np.uint64(value)))
        if value in self._recent or (at < len(self._sorted) and int(self._sorted[at]) == value):
            return False
        self._recent.add(value)
        if len(self._recent) >= _RECENT:
            self._sorted = np.sort(np.concatenate([self._sorted, np.fromiter(self._recent, np.uint64)]))
            self._recent.clear()
        return True


class Store:
    """Rows of a schema, and where each came from: the last ones in memory, all before them in a file.

    The file lies in the system's folder for temporary files (`TMPDIR`) and has no name there, so that nothing is left
    of it however the process ends. The table is mapped from it, and it goes with the last that holds the table. Few
    rows never get one: a process may have as many tables as it reads articles, and not as many files.

    Raises:
        InputError: where rows are added, if the disk is full.

    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema.append(pa.field("where", pa.string()))
        self._last: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._file: IO[bytes] | None = None
        self._writer: pa.RecordBatchWriter | None = None

    def append(self, where: str, row: dict[str, Any]) -> None:
        """Add a row, of which the columns of the schema are kept."""
        for name, values in self._last.items():
            values.append(where if name == "where" else row[name])
        if len(self._last["where"]) >= ROWS:
            self._write()

    def where(self, column: str, value: str) -> str | None:
        """Return where the first row came from that has a value, None if no row has it. Slow: it reads all."""
        found = self._read().filter(pc.field(column) == value)["where"]
        return found[0].as_py() if len(found) else None

    def table(self) -> pa.Table:
        """Return all rows, in order, with the columns of the schema."""
        return self._read().drop_columns("where")

    def close(self) -> None:
        """Release the file, which stays as long as a table is mapped from it."""
        if self._file is not None and self._writer is not None:
            with suppress(OSError):  # of a full disk, which was reported when the rows were written
                self._writer.close()
            with suppress(OSError):
                self._file.close()

    def _write(self) -> None:
        try:
            if self._file is None or self._writer is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
                self._writer = pa.ipc.new_stream(self._file, self._schema)
            self._writer.write_batch(pa.record_batch(self._last, schema=self._schema))
            self._file.flush()
        except OSError as error:
            raise InputError(
                f"{tempfile.gettempdir()}: {error.strerror or error}: the rows that are read do not fit there. "
                "Name a folder on a disk with more room: TMPDIR=FOLDER."
            ) from error
        for values in self._last.values():
            values.clear()

    def _read(self) -> pa.Table:
        last = pa.table(self._last, schema=self._schema)
        if self._file is None:
            return last
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.concat_tables([pa.ipc.open_stream(mapped).read_all(), last])
