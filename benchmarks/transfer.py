"""What a model that never saw real news makes of it: runs on newsroom, tested on DSE's and SEESAW's validation parts.

python benchmarks/transfer.py DATA outputs/A outputs/B     (DATA has the folders dse and seesaw)

DSE: rows without a twin in DSE's training part, as elsewhere, though these models saw none of it; macro-F1 over three
labels, over the five classes of `dse.py`, the share of neutral answers beside the true one, and all of them again under
DSE's own label shares (`priors=`), counted on the same rows. SEESAW: the likelier of against and favor, over triples
whose source and target are both in the sentence, and over all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import Dataset
from dse import classes_of, five_classes, five_f1
from numpy.typing import NDArray

import actorstance
from actorstance import corpora
from actorstance.errors import InputError
from actorstance.evaluation.priors import priors
from actorstance.examples import labels
from actorstance.models.bundle import ORIGINS
from actorstance.scoring import macro_f1
from actorstance.twins import without_near_twin

AGAINST, NEUTRAL, FAVOR = range(3)


def part(examples: Dataset, name: str) -> Dataset:
    """Return the examples of one part."""
    return examples.select(np.flatnonzero(np.asarray(examples["split"][:]) == name))


def clean_dse(data: Path) -> Dataset:
    """Return DSE's validation rows without a twin in its training part, both directions of a sentence side by side."""
    corpus = corpora.load("dse", data / "dse").examples
    held = part(corpus, "valid")
    return held.select(np.flatnonzero(without_near_twin(held, part(corpus, "train"))))


def on_dse(chances: NDArray[np.float64], gold: NDArray[np.int64]) -> str:
    """Return the table's cells: three labels, five classes, share of neutral, accuracy."""
    found = chances.argmax(axis=1)
    five = five_f1(classes_of(gold[0::2], gold[1::2]), five_classes(chances[0::2], chances[1::2]))[1]
    neutral = (found == NEUTRAL).mean()
    return f"{macro_f1(gold, found):.3f} | {five:.3f} | {neutral:.3f} | {(found == gold).mean():.3f}"


def rows(model: Any, run: Path, dse: Dataset, seesaw: Dataset, both: NDArray[np.bool_]) -> Iterator[str]:
    """Yield the lines of a run; `both` marks the triples of SEESAW whose source and target are in the sentence."""
    gold, chances = labels(dse), model.predict_proba(dse)
    polar, answers = labels(seesaw), model.predict_proba(seesaw)
    right = np.where(answers[:, FAVOR] > answers[:, AGAINST], FAVOR, AGAINST) == polar
    yield f"| {run.name} | {on_dse(chances, gold)} | {right[both].mean():.3f} | {right.mean():.3f} |"
    shares = np.bincount(gold, minlength=3) / len(gold)
    if own := model.card.get("priors"):  # old runs have none
        given = priors(shares.tolist(), own, chances)
        assert given is not None
        yield f"| {run.name}, DSE's label shares given | {on_dse(given.applied(chances), gold)} | | |"


def only_newsroom(run: Path) -> Any:
    """Load a run's model, if it learned from newsroom and nothing else.

    Raises:
        InputError: if it did not, or it is not known.

    """
    model: Any = actorstance.load(run)
    if (name := model.card["corpus"]["name"]) != "newsroom":
        raise InputError(f"{run} was trained on {name}, expected newsroom.")
    origins = model.card.get("origins", [])
    for name in ORIGINS:
        if model.params.get(name) is not None and not origins:
            raise InputError(f"{run}: model.{name}={model.params[name]} may have seen more than newsroom.")
    for one in origins:
        if one["corpus"] != "newsroom":
            raise InputError(f"{run} learned from a model that was trained on {one['corpus']}, expected newsroom.")
    return model


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder with dse and seesaw")
    parser.add_argument("runs", nargs="+", type=Path, help="training runs on newsroom")
    given = parser.parse_args()
    datasets.disable_progress_bars()
    try:
        table(given.data, given.runs)
    except InputError as error:
        sys.exit(f"error: {error}")


def table(data: Path, runs: list[Path]) -> None:
    """Print it, run by run."""
    models = [(only_newsroom(run), run) for run in runs]
    dse, seesaw = clean_dse(data), part(corpora.load("seesaw", data / "seesaw").examples, "valid")
    both = (np.asarray(seesaw["source_start"][:]) >= 0) & (np.asarray(seesaw["target_start"][:]) >= 0)
    neutral = (labels(dse) == NEUTRAL).mean()
    print(
        f"DSE valid without twins: {len(dse)} pairs, {neutral:.3f} neutral; "
        f"SEESAW valid: {len(seesaw)} triples, both in the sentence {both.sum()}\n\n"
        "| run | DSE, three labels | five classes | neutral share | accuracy | SEESAW, both in the sentence | all |\n"
        "|---|---|---|---|---|---|---|"
    )
    for model, run in models:
        print("\n".join(rows(model, run, dse, seesaw, both)), flush=True)


if __name__ == "__main__":
    main()
