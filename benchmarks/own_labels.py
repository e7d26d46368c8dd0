"""What labels of one's own are worth: DSE's validation part, by how many of its training sentences were labelled.

python benchmarks/own_labels.py DATA outputs/RUN                 (DATA has the folder dse; RUN learned from newsroom)
python benchmarks/own_labels.py DATA outputs/RUN --sizes 100 300 --draws 5

Of each size, several random draws of sentences, of each a tenth to tune on; macro-F1 over three labels on the rows
without a twin in all of the training part, the mean over draws, in brackets the lowest and the highest. The row 0 is
RUN as it is. `start` is the transformer that starts from RUN's weights (`model.start`), other settings by default.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import datasets
import numpy as np
from datasets import Dataset
from transfer import clean_dse, only_newsroom, part

from actorstance import corpora
from actorstance.errors import InputError
from actorstance.examples import grouped_tenth, labels
from actorstance.models import Model
from actorstance.models.linear import LinearModel
from actorstance.models.transformer import TransformerModel
from actorstance.scoring import macro_f1


def drawn(train: Dataset, sentences: int, seed: int) -> Dataset:
    """Return the examples of some sentences, at random."""
    groups = np.asarray(train["group_id"][:])
    names = np.unique(groups)
    if sentences > len(names):
        raise InputError(f"--sizes {sentences}: there are {len(names)} sentences.")
    chosen = np.random.default_rng(seed).permutation(names)[:sentences]
    return train.select(np.flatnonzero(np.isin(groups, chosen)))


def contenders(run: Path, encoder: str) -> dict[str, Callable[[], Model]]:
    """Return what makes each model that is trained."""
    return {
        "linear": LinearModel,
        "transformer": partial(TransformerModel, encoder=encoder),
        "start": partial(TransformerModel, encoder=encoder, start=str(run)),
    }


def rows(
    train: Dataset, held: Dataset, made: dict[str, Callable[[], Model]], sizes: list[int], draws: int
) -> Iterator[str]:
    """Yield the table's lines, size by size."""
    gold = labels(held)
    for size in sizes:
        found: dict[str, list[float]] = {name: [] for name in made}
        for seed in range(draws):
            own, tune = grouped_tenth(drawn(train, size, seed), seed)
            for name, make in made.items():
                answered = make().fit(own, tune).predict_proba(held).argmax(axis=1)
                found[name].append(macro_f1(gold, answered))
        cells = (f"{np.mean(each):.3f} [{min(each):.3f}, {max(each):.3f}]" for each in found.values())
        yield f"| {size:,} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder with dse")
    parser.add_argument("run", type=Path, help="a training run of a transformer on newsroom")
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000], help="sentences")
    parser.add_argument("--draws", type=int, default=3, help="of each size")
    given = parser.parse_args()
    datasets.disable_progress_bars()
    try:
        model = only_newsroom(given.run)
        made = contenders(given.run, model.params.get("encoder", "bundled"))
        held, train = clean_dse(given.data), part(corpora.load("dse", given.data / "dse").examples, "train")
        alone = macro_f1(labels(held), model.predict_proba(held).argmax(axis=1))
        print(f"| labelled sentences | {' | '.join(made)} |\n|{'---|' * (len(made) + 1)}")
        print(f"| 0 | – | – | {alone:.3f} |", flush=True)
        for line in rows(train, held, made, given.sizes, given.draws):
            print(line, flush=True)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
