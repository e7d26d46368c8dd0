"""Five classes of Directed Sentiment Extraction, decoded from both directions of a run's predictions.

python benchmarks/dse.py outputs/RUN DSE

The corpus has one class per sentence: neutral, or favour or against in one of the two directions. A model here answers
for each direction by itself; the class is the likeliest of the five, the two answers taken as independent. Prints
micro-F1 and macro-F1 over the five classes, and macro-F1 over the three labels, of all rows and of those without a twin
or near-twin in training.
"""

from __future__ import annotations

import sys
from pathlib import Path

import datasets
import numpy as np
from numpy.typing import NDArray

from actorstance import corpora
from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.files import read_json_lines
from actorstance.scoring import accuracy_of, confusions, macro_f1, macro_f1_of
from actorstance.twins import without_near_twin

AGAINST, NEUTRAL, FAVOR = range(3)
CLASSES = ((NEUTRAL, NEUTRAL), (FAVOR, NEUTRAL), (NEUTRAL, FAVOR), (AGAINST, NEUTRAL), (NEUTRAL, AGAINST))


def five_classes(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the likeliest class of each row from the probabilities of first -> second and second -> first, (n, 3)."""
    found: NDArray[np.int64] = np.stack([forward[:, a] * backward[:, b] for a, b in CLASSES], axis=1).argmax(axis=1)
    return found


def classes_of(forward: NDArray[np.int64], backward: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class of each sentence from the labels of its two directions, (n,)."""
    return np.array([CLASSES.index(pair) for pair in zip(forward.tolist(), backward.tolist(), strict=True)])


def five_f1(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> tuple[float, float]:
    """Return micro-F1 and macro-F1 over the five classes (those that occur in gold)."""
    (confusion,) = confusions(gold, predicted, np.zeros(len(gold)), len(CLASSES))
    return float(accuracy_of(confusion)), float(macro_f1_of(confusion, confusion.sum(axis=1) > 0))


def directions(ids: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each sentence's first -> second and second -> first are, whatever the order of the rows.

    Args:
        ids: of the corpus: part, sentence and direction, as `valid:17:0`; a joint run puts a prefix before it.

    Raises:
        InputError: if a sentence lacks a direction.

    """
    sentences = [id.rsplit(":", 1)[0] for id in ids]
    order = np.array(sorted(range(len(ids)), key=lambda row: (sentences[row], ids[row])), dtype=np.int64)
    forward, backward = order[0::2], order[1::2]
    ends = [[ids[row] for row in rows] for rows in (forward, backward)]
    wanted = [[f"{sentences[row]}:{direction}" for row in forward] for direction in (0, 1)]
    if ends != wanted:
        raise InputError(f"of {len(ids):,} rows of DSE some sentence lacks one of its two directions (id …:0 and …:1).")
    return forward, backward


def main(run: Path, dse: Path) -> None:
    """Print the table."""
    datasets.disable_progress_bars()
    lines = {row["example_id"].split("/")[-1]: row for _, row in read_json_lines(run / "predictions.jsonl")}
    corpus = corpora.load("dse", dse).examples
    held = corpus.filter(lambda id: id in lines, input_columns="example_id")
    parts = set(held["split"][:])
    train = corpus.filter(lambda name: name not in parts, input_columns="split")
    rows = [lines[id] for id in held["example_id"][:]]
    found = np.array([[row[label] for label in LABELS] for row in rows])
    gold = np.array([LABELS.index(row["gold"]) for row in rows])
    forward, backward = directions(held["example_id"][:])
    clean = without_near_twin(held, train)[forward]
    classes = classes_of(gold[forward], gold[backward])
    predicted = five_classes(found[forward], found[backward])
    print(f"{'rows':30} {'n':>6}  micro-F1  macro-F1  three labels")
    for name, kept in (("all", np.ones(len(clean), dtype=bool)), ("without a twin in training", clean)):
        micro, macro = five_f1(classes[kept], predicted[kept])
        both = np.concatenate([forward[kept], backward[kept]])
        three = macro_f1(gold[both], found[both].argmax(axis=1))
        print(f"{name:30} {int(kept.sum()):>6,}  {micro:>8.4f}  {macro:>8.4f}  {three:>12.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
