"""Progress of a run over an archive."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from actorstance.commands.terminal import WIDTH, say

EVERY = 30  # seconds between two lines of progress


class Progress:
    """Progress of a run over an archive: a bar if somebody is watching, else a line now and then.

    Args:
        size: bytes of the archive's files.

    """

    def __init__(self, size: int) -> None:
        self.size, self.start, self.told = size, time.perf_counter(), time.perf_counter()
        self.passed = self.before = self.sentences = self.rejected = 0
        watched = sys.stderr.isatty()
        shown = "{percentage:3.0f}% |{bar}| {postfix}"
        self.bar = tqdm(total=size, ncols=WIDTH - 1, bar_format=shown, leave=False, disable=not watched)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, record: Mapping[str, Any], anew: bool) -> None:
        """Take a shard's record; `anew`: it was read now, not before an interruption."""
        self.passed = max(self.passed, record["passed"])
        self.rejected += len(record["rejected"])
        if anew:
            self.sentences += record["counts"]["sentences"]
        elif not self.sentences:
            self.before, self.start = self.passed, time.perf_counter()
        now = time.perf_counter()
        if self.bar.disable and now - self.told >= EVERY:
            self.told = now
            say(f"{min(1.0, self.passed / max(1, self.size)):4.0%} {self}")
        self.bar.n = min(self.size, self.passed)
        self.bar.set_postfix_str(str(self), refresh=False)
        self.bar.update(0)
        self.bar.refresh()

    def __str__(self) -> str:
        seconds = max(1e-6, time.perf_counter() - self.start)
        left = seconds * (self.size - self.passed) / max(1, self.passed - self.before)
        bad = f", {self.rejected:,} rejected" if self.rejected else ""
        return f"{self.sentences / seconds:,.0f} sentences/s{bad}, {_time(left)} left"


def _time(seconds: float) -> str:
    """A time in the unit that fits it."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
