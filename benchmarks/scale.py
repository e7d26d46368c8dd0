"""An archive run at growing sizes: proportional time, flat memory, the same files after kills, Ray beside processes.

python benchmarks/scale.py outputs/RUN                                     (linear: 10,000 and 100,000 sentences)
python benchmarks/scale.py outputs/RUN --sizes 10000 100000 1000000
python benchmarks/scale.py outputs/RUN --sizes 10000 --kills 10            (kill -9 at random moments, then resume)
python benchmarks/scale.py outputs/RUN --sizes 10000 --ray                 (one Ray worker against two)
python benchmarks/scale.py outputs/RUN --sizes 10000 --stages              (where the time goes)

The articles are made of sentences of data/newsroom, drawn at random, 25 per article; with --data DATA, a folder that
holds dse, seesaw, newsmtsc, or some of them, of sentences of those. Each run is a process of its own;
memory is the most that it and its children have at one moment, sampled (proportional set size: what processes share
counts once). Seconds are of the whole command, start included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pyarrow as pa
from datasets import Dataset, DatasetInfo

from actorstance import corpora, load
from actorstance.archives.archive import Archive, Text
from actorstance.archives.shards import TABLES, prepare, shards
from actorstance.documents import parse
from actorstance.examples import FEATURES, pair_columns
from actorstance.files import sha256
from actorstance.folder import ARCHIVE
from actorstance.reading import read_actors

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "predict.py"
REAL = ("dse", "seesaw", "newsmtsc")
SENTENCES = 25  # of an article
PARAGRAPH = 3
EVERY = 0.25  # seconds between two looks at memory


class Ran(NamedTuple):
    """What a run took: seconds from start to end, and of its reading alone; bytes of memory at most."""

    seconds: float
    reading: float
    memory: int
    sentences: int
    bytes: int  # that it wrote


def corpus_sentences(data: Path | None) -> list[str]:
    """Return the different sentences of the newsroom, or of the real corpora in a folder."""
    if data is None:
        return list(dict.fromkeys(corpora.load("newsroom").examples["text"][:]))
    there = [name for name in REAL if (data / name).is_dir()]
    if not there:
        sys.exit(f"{data}: none of {', '.join(REAL)} is in this folder.")
    return list(dict.fromkeys(text for name in there for text in corpora.load(name, data / name).examples["text"][:]))


def make(path: Path, sentences: int, texts: Sequence[str]) -> None:
    """Write an archive of articles that are made of sentences drawn from `texts`."""
    rng = random.Random(0)
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for number in range(-(-sentences // SENTENCES)):
            drawn = [rng.choice(texts) for _ in range(min(SENTENCES, sentences - number * SENTENCES))]
            paragraphs = (" ".join(drawn[at : at + PARAGRAPH]) for at in range(0, len(drawn), PARAGRAPH))
            date = f"{2000 + number % 20}-{1 + number % 12:02}-{1 + number % 28:02}"
            file.write(json.dumps({"id": f"a{number}", "date": date, "text": "\n\n".join(paragraphs)}) + "\n")


def memory(process: psutil.Process) -> int:
    """Return the bytes of memory of a process and its children."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def start(*settings: str) -> subprocess.Popen[bytes]:
    """Start scripts/predict.py."""
    return subprocess.Popen([sys.executable, str(SCRIPT), *settings], stdout=subprocess.DEVNULL)


def ran(out: Path, *settings: str) -> Ran:
    """Run scripts/predict.py, and watch it."""
    begun, most = time.perf_counter(), 0
    running = start(*settings, f"hydra.run.dir={out}")
    watched = psutil.Process(running.pid)
    while running.poll() is None:
        try:
            most = max(most, memory(watched))
        except psutil.Error:
            break
        time.sleep(EVERY)
    if running.wait():
        sys.exit(f"failed: {' '.join(settings)}")
    log = json.loads((out / "log.jsonl").read_text(encoding="utf-8"))
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Ran(time.perf_counter() - begun, log["seconds"], most, log["sentences"], written)


def growing(run: str, archives: dict[int, Path], folder: Path, more: list[str]) -> None:
    """Print time, rate and memory of every size, beside those of the smallest."""
    print(
        "| sentences | seconds | sentences/s | time against proportional | peak memory | against smallest | written |"
    )
    print("|---|---|---|---|---|---|---|")
    first: Ran | None = None
    for size, path in archives.items():
        found = ran(folder / f"run-{size}", f"run={run}", f"input={path}", *more)
        shutil.rmtree(folder / f"run-{size}")
        first = first or found
        time_ratio = found.reading / found.sentences / (first.reading / first.sentences) - 1
        memory_ratio = found.memory / first.memory - 1
        rate = f"{found.sentences / found.reading:,.0f}"
        print(
            f"| {found.sentences:,} | {found.reading:.1f} (+{found.seconds - found.reading:.1f} start) | {rate} | "
            f"{time_ratio:+.1%} | {found.memory / 1e6:,.0f} MB | {memory_ratio:+.1%} | {found.bytes / 1e6:,.0f} MB |",
            flush=True,
        )


def hashes(out: Path) -> dict[str, str]:
    """Return the SHA-256 of all that must not depend on what happened on the way."""
    files = [path for table in TABLES for path in (out / table).iterdir()]
    files += [out / name for name in ("manifest.jsonl", ARCHIVE, "actors.csv", "pairs.csv", "rejected.jsonl")]
    return {path.relative_to(out).as_posix(): sha256(path) for path in files}


def killed(run: str, archive: Path, folder: Path, times: int, more: list[str]) -> None:
    """Kill a run at random moments and resume it, and compare its files with those of a run left alone."""
    whole = folder / "whole"
    seconds = ran(whole, f"run={run}", f"input={archive}", *more).reading
    wanted, rng = hashes(whole), random.Random(1)
    count = len(list((whole / TABLES[0]).iterdir()))
    same = 0
    for number in range(times):
        out = folder / f"killed-{number}"
        running = start(f"run={run}", f"input={archive}", *more, f"hydra.run.dir={out}")
        moment = rng.uniform(0, count)  # in shards, since a busy machine takes longer than before
        while running.poll() is None and (
            not (out / "unfinished.json").exists() or len(list((out / "unfinished").glob("*.json"))) < int(moment)
        ):
            time.sleep(0.01)
        time.sleep(moment % 1 * seconds / count)
        children = psutil.Process(running.pid).children(recursive=True) if running.poll() is None else []
        running.send_signal(signal.SIGKILL)
        running.wait()
        left = len(psutil.wait_procs(children, timeout=30)[1])
        done = len(list((out / "unfinished").glob("*.json"))) if out.exists() else 0
        if (out / "unfinished.json").exists() and start(f"resume={out}").wait():
            sys.exit(f"could not resume: resume={out}")
        equal = hashes(out) == wanted
        same += equal
        print(
            f"  killed with {done} of {count} shards done, {left} processes left: {'same' if equal else 'OTHER'}",
            flush=True,
        )
        shutil.rmtree(out)
    print(f"killed {times} times, the same files {same} times")


def against_ray(run: str, archive: Path, folder: Path, more: list[str]) -> None:
    """Print the rate of one Ray worker, of two, and of the processes of this machine."""
    rates = {}
    for name, settings in {
        "1 process": ["engine.processes=1"],
        "2 processes": ["engine.processes=2"],
        "1 Ray worker": ["engine=ray", "engine.workers=1"],
        "2 Ray workers": ["engine=ray", "engine.workers=2"],
    }.items():
        found = ran(folder / "ray", f"run={run}", f"input={archive}", *more, *settings)
        shutil.rmtree(folder / "ray")
        rates[name] = found.sentences / found.reading
        print(f"{name:14} {rates[name]:8,.0f} sentences/s", flush=True)
    for kind in ("process", "Ray worker"):
        many = "es" if kind == "process" else "s"
        print(f"two against one {kind}: {rates[f'2 {kind}{many}'] / rates[f'1 {kind}']:.2f} times")


def stages(run: str, archive: Path) -> None:
    """Print the processor's time of each stage of a shard, in one process."""
    model = load(run)
    assert model.registry is not None
    documents = [one for one in Archive(archive) if isinstance(one, Text)]
    parts = list(shards(documents))
    prepare(parts[0], model.registry, None)  # tables that are made once
    seconds: dict[str, float] = {}
    count = 0

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        seconds[name] = seconds.get(name, 0.0) + time.process_time() - begun

    for part in parts:
        texts = [one for one in part.documents if isinstance(one, Text)]
        with timed("lines and sentences"):
            read = [parse(one.id, one.text) for one in texts]
        with timed("actors and pairs"):
            found = [read_actors(one, model.registry) for one in read]
        with timed("examples"):
            examples = pa.table(pair_columns(found), schema=FEATURES.arrow_schema)
        with timed("model"):
            model.predict_proba(Dataset(examples, info=DatasetInfo(features=FEATURES), fingerprint=part.sha256))
        count += sum(len(one.sentences) for one in read)
    total = sum(seconds.values())
    print("| stage | ms a sentence | share |\n|---|---|---|")
    for name, took in seconds.items():
        print(f"| {name} | {1000 * took / count:.3f} | {took / total:.0%} |")
    print(f"| all | {1000 * total / count:.3f} | {count / total:,.0f} sentences/s on one processor |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="the folder of a training run")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="sentences")
    parser.add_argument("--data", type=Path, help="a folder with the real corpora, whose sentences are then drawn")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], help="settings of scripts/predict.py: shard=100 …")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archives = {size: folder / f"{size}.jsonl.gz" for size in given.sizes}
        texts = corpus_sentences(given.data)
        for size, path in archives.items():
            make(path, size, texts)
        smallest = archives[min(archives)]
        if given.kills:
            killed(given.run, smallest, folder, given.kills, given.set)
        elif given.ray:
            against_ray(given.run, smallest, folder, given.set)
        elif given.stages:
            stages(given.run, smallest)
        else:
            growing(given.run, archives, folder, given.set)


if __name__ == "__main__":
    main()
