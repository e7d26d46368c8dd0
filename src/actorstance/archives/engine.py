"""The processes of one machine that read an archive's shards: in parallel, in order, never more than a few at once."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from actorstance.archives.shards import Done, Opener, Prepared, Shard, finish, prepare_here, read_here
from actorstance.errors import InputError, require_int
from actorstance.models import Model

AHEAD = 2  # shards queued per worker that has a model, the one in progress included; the rest waits on disk
# A linear model is small and has one thread: each process has its own. Any other has its own threads, or a card,
# and runs beside the processes that clean the text and find the actors.
INSIDE = frozenset({"linear"})
YIELDING = 10  # niceness of those: they are soon ahead of the model, which has a thread on every processor

_T = TypeVar("_T", Done, Prepared)


def local(model: Model, opener: Opener, shards: Iterable[Shard], processes: int | None = None) -> Iterator[Done]:
    """Read shards in processes of this machine.

    Args:
        model: what `opener` opens elsewhere.
        opener: of the model and the actors.
        shards: see `shards.shards`; they are requested as needed.
        processes: how many; if None, one per processor.

    Yields:
        The shards as they were read, in order.

    Raises:
        InputError: if the model cannot be opened, or the system has killed a process.

    """
    count = _processors() if processes is None else require_int("processes", processes, 1)
    inside = model.kind in INSIDE
    begin = (0 if inside else YIELDING,)
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin, begin) as pool:
            try:
                if inside:
                    yield from _in_order(pool, read_here, opener, shards, AHEAD * count)
                else:
                    for prepared in _in_order(pool, prepare_here, opener, shards, max(2, count)):
                        yield finish(prepared, model, opener.level, opener.priors)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    except BrokenProcessPool as error:
        raise InputError(
            "the system has ended a process that read the archive, likely since memory ran out. Go on with "
            "fewer: engine.processes=1 (actorstance: --processes 1)."
        ) from error


def _processors() -> int:
    """Those that this process may use, as far as the system says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(
    pool: ProcessPoolExecutor, read: Callable[[Opener, Shard], _T], opener: Opener, shards: Iterable[Shard], ahead: int
) -> Iterator[_T]:
    waiting: deque[Future[_T]] = deque()
    for shard in shards:
        waiting.append(pool.submit(read, opener, shard))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _begin(yielding: int) -> None:
    """Make this process end when the one that started it is killed: nothing else would. And collect garbage rarely.

    What reading creates is freed without it; scanning all of it again and again takes a tenth of the time.
    """
    if yielding and hasattr(os, "nice"):
        os.nice(yielding)
    gc.set_threshold(200_000, 20, 100)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
