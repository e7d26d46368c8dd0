"""Fit and predict the linear model beside a plain TF-IDF on the sentence: same rows, one run.

python benchmarks/linear.py ../shared/data/dse      (a folder with DSE's train.txt and valid.txt)
python benchmarks/linear.py --rows 10000 100000 1000000

The plain model is TfidfVectorizer(ngram_range=(1, 3), min_df=2) + LogisticRegression(C=10, class_weight="balanced",
max_iter=300): it sees the sentence, not the pair, so both directions of a pair get one answer. Times are of fit plus
predict, without reading the files; the two take turns, and the ratio of the fastest of each counts.

With --rows: how time and memory grow. The rows are those of data/newsroom with three words in ten replaced, most by
words of other rows and some by words that occur nowhere else, in a memory-mapped file; each size is fitted in a process
of its own. Seconds are the processor's, so that other processes count less.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from actorstance import corpora
from actorstance.examples import grouped_tenth, labels
from actorstance.models.linear import LinearModel
from actorstance.scoring import macro_f1
from actorstance.twins import without_twin

Predict = Callable[[Dataset, Dataset], NDArray[np.int64]]


def plain(train: Dataset, held_out: Dataset) -> NDArray[np.int64]:
    """Fit and predict TF-IDF + logistic regression on the sentence."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 3), min_df=2),
        LogisticRegression(C=10, class_weight="balanced", max_iter=300),
    )
    found: NDArray[np.int64] = model.fit(train["text"][:], labels(train)).predict(held_out["text"][:])
    return found


def ours(train: Dataset, held_out: Dataset) -> NDArray[np.int64]:
    """Fit, calibrate and predict the linear model as `scripts/train.py data=dse` does."""
    fit, tune = grouped_tenth(train, seed=0)
    found: NDArray[np.int64] = LinearModel().fit(fit, tune).predict_proba(held_out).argmax(axis=1)
    return found


def made(rows: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield rows like newsroom's, with other words around the mentions."""
    known, chance = corpora.load("newsroom").examples.to_list(), random.Random(seed)
    words = [word for row in known[::7] for word in row["text"].split()]

    def word(found: re.Match[str]) -> str:
        if chance.random() < 0.7:
            return found[0]
        return chance.choice(words) if chance.random() < 0.9 else f"w{int(chance.paretovariate(0.6))}"

    for at in range(rows):
        row = dict(chance.choice(known))
        roles = [role for role in ("source", "target") if row[f"{role}_start"] >= 0]
        text, position = "", 0
        for start, end, role in sorted((row[f"{role}_start"], row[f"{role}_end"], role) for role in roles):
            text += re.sub(r"\w+", word, row["text"][position : max(start, position)])
            shift, position = len(text) - start, max(end, position)
            text += row["text"][start:end]
            row |= {f"{role}_start": start + shift, f"{role}_end": end + shift}
        text += re.sub(r"\w+", word, row["text"][position:])
        yield {**row, "text": text, "example_id": str(at), "document_id": f"d{at // 20}", "group_id": f"g{at // 20}"}


class Cost(NamedTuple):
    """What a fit took: processor seconds, those to predict one row, features, GiB before and at most."""

    fit: float
    predict: float
    features: int
    before: float
    peak: float


def cost(folder: Path, rows: int) -> Cost:
    """Fit the linear model on that many of the rows in a folder, and predict with it."""
    train = Dataset.load_from_disk(str(folder)).select(range(rows))
    some, before = train.select(range(min(rows, 10_000))), _peak()
    start = time.process_time()
    model = LinearModel().fit(train, some)
    fitted = time.process_time()
    peak = _peak()
    model.predict_proba(some)
    return Cost(fitted - start, (time.process_time() - fitted) / len(some), len(model.ids_), before, peak)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def print_growth(sizes: list[int]) -> None:
    """Print how time and memory grow with the rows."""
    print(f"{'rows':>10} {'fit':>8} {'a row':>9} {'predict a row':>14} {'features':>10} {'peak':>9}  beyond the start")
    with tempfile.TemporaryDirectory() as place:
        features = corpora.load("newsroom").examples.features
        settings: dict[str, Any] = {"gen_kwargs": {"rows": max(sizes)}, "features": features, "cache_dir": place}
        Dataset.from_generator(made, **settings).save_to_disk(f"{place}/rows")
        for size in sizes:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                found = process.submit(cost, Path(place) / "rows", size).result()
            each = f"{found.fit / size * 1e6:6.0f} µs {found.predict * 1e6:11.0f} µs {found.features:10,}"
            print(f"{size:10,} {found.fit:6.1f} s {each} {found.peak:5.2f} GiB  {found.peak - found.before:.2f} GiB")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="DSE's folder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", help="sizes to fit, of generated rows")
    arguments = parser.parse_args()
    if arguments.rows:
        print_growth(sorted(arguments.rows))
    if arguments.folder is None:
        return
    examples = corpora.load("dse", arguments.folder).examples
    split = np.asarray(examples["split"][:])
    train, valid = (examples.select(np.flatnonzero(split == name)) for name in ("train", "valid"))
    gold, clean = labels(valid), without_twin(valid, train)
    seconds: dict[str, list[float]] = {}
    predicted: dict[str, NDArray[np.int64]] = {}
    models: dict[str, Predict] = {"plain TF-IDF 1-3 grams": plain, "actorstance linear": ours}
    for _ in range(arguments.repeats):
        for name, predict in models.items():
            start = time.perf_counter()
            predicted[name] = predict(train, valid)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
    plain_seconds = min(seconds["plain TF-IDF 1-3 grams"])
    print(f"{len(train):,} training examples, {len(valid):,} held out, {clean.sum():,} of them without a twin")
    print(f"{'':24} {'seconds':>8} {'times':>6}  {'macro-F1':>8}  {'without twins':>13}")
    for name, found in predicted.items():
        fastest = min(seconds[name])
        scores = f"{macro_f1(gold, found):8.3f}  {macro_f1(gold[clean], found[clean]):13.3f}"
        print(f"{name:24} {fastest:8.1f} {plain_seconds / fastest:6.1f}  {scores}")


if __name__ == "__main__":
    main()
