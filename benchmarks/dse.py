"""Five classes of Directed Sentiment Extraction, decoded from both directions of a run's predictions.

python benchmarks/dse.py outputs/RUN DSE

The corpus has one class a sentence: neutral, or favour or against in one of the two directions. A model here answers
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
from actorstance.examples import LABELS
from actorstance.files import read_json_lines
from actorstance.scoring import macro_f1
from actorstance.twins import without_near_twin

AGAINST, NEUTRAL, FAVOR = range(3)
CLASSES = ((NEUTRAL, NEUTRAL), (FAVOR, NEUTRAL), (NEUTRAL, FAVOR), (AGAINST, NEUTRAL), (NEUTRAL, AGAINST))


def five_classes(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the likeliest class of each row from the probabilities of first -> second and second -> first, (n, 3)."""
    found: NDArray[np.int64] = np.stack([forward[:, a] * backward[:, b] for a, b in CLASSES], axis=1).argmax(axis=1)
    return found


def five_f1(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> tuple[float, float]:
    """Return micro-F1 and macro-F1 over the five classes."""
    right = np.array([((gold == at) & (predicted == at)).sum() for at in range(5)])
    counted = np.array([(gold == at).sum() + (predicted == at).sum() for at in range(5)])
    return float((gold == predicted).mean()), float((2 * right / np.maximum(counted, 1)).mean())


def main(run: Path, dse: Path) -> None:
    """Print the table."""
    datasets.disable_progress_bars()
    lines = {row["example_id"]: row for _, row in read_json_lines(run / "predictions.jsonl")}
    corpus = corpora.load("dse", dse).examples
    split = {id.split(":")[0] for id in lines}
    held = corpus.filter(lambda id: id in lines, input_columns="example_id")
    train = corpus.filter(lambda name: name not in split, input_columns="split")
    clean = without_near_twin(held, train)[0::2]
    rows = [lines[id] for id in held["example_id"][:]]
    found = np.array([[row[label] for label in LABELS] for row in rows])
    gold = np.array([LABELS.index(row["gold"]) for row in rows])
    pairs = np.stack([gold[0::2], gold[1::2]], axis=1)
    classes = np.array([CLASSES.index((int(a), int(b))) for a, b in pairs])
    predicted = five_classes(found[0::2], found[1::2])
    print(f"{'rows':30} {'n':>6}  micro-F1  macro-F1  three labels")
    for name, kept in (("all", np.ones(len(clean), dtype=bool)), ("without a twin in training", clean)):
        micro, macro = five_f1(classes[kept], predicted[kept])
        both = np.repeat(kept, 2)
        three = macro_f1(gold[both], found[both].argmax(axis=1))
        print(f"{name:30} {int(kept.sum()):>6,}  {micro:>8.4f}  {macro:>8.4f}  {three:>12.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
