"""Fit and predict the linear model beside a plain TF-IDF on the sentence: same rows, one run.

python benchmarks/linear.py ../shared/data/dse      (a folder with DSE's train.txt and valid.txt)

The plain model is TfidfVectorizer(ngram_range=(1, 3), min_df=2) + LogisticRegression(C=10, class_weight="balanced",
max_iter=300): it sees the sentence and not the pair, so both directions of a pair get one answer. Times are of fit plus
predict, reading the files left out; the two take turns, and the ratio of the fastest of each counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from actorstance import corpora
from actorstance.audit import without_twin
from actorstance.examples import grouped_tenth, labels
from actorstance.models.linear import LinearModel
from actorstance.scoring import macro_f1

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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="DSE's folder")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
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
