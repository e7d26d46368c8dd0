"""Do the intervals contain the truth? Scores corrected by thirty labels, simulated on the real labels of NewsMTSC.

python benchmarks/coverage.py ../shared/data/newsmtsc ../shared/data/dse      (their folders)

The linear model predicts NewsMTSC train by cross-fitting: ten folds by article, each predicted by a model of the
other nine. Every actor with 60 mentions or more gets 30 labels, its real ones, again and again; an interval that says
95 % should contain the mean of all its labels 95 times in 100. Two truths, two intervals: "these articles" are the
corpus as it is, and only which mentions are labelled is chance; for "articles like these" the corpus is redrawn as
well, whole articles with replacement, and the truth is the mean of the one it is drawn from.

Then: how far the linear model's confidence lies from its accuracy, on NewsMTSC's dev parts and on DSE's valid part.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from actorstance import corpora
from actorstance.correction import Corrected, correct
from actorstance.evaluation import sampling
from actorstance.evaluation.reliability import reliability
from actorstance.examples import dataset, grouped_folds, grouped_tenth, labels
from actorstance.models.linear import LinearModel
from actorstance.scoring import mean_interval, stance_scores
from actorstance.twins import without_twin

MENTIONS, LABELLED, FOLDS = 60, 30, 10
UNCORRECTED = "uncorrected, as read"
# An id is the article, the number of the sentence, the target's fullest name, and its place.
_ID = re.compile(r"(allsides_\d+_\d+|polusa_v1_\d+_-1)_\d+_(.*)_-?\d+_-?\d+", re.DOTALL)


def read(path: Path) -> Dataset:
    """Read a part of NewsMTSC; an actor is the last capitalised word of the fullest name ("Donald Trump's")."""

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            row = json.loads(line)
            found = _ID.fullmatch(row["id"])
            if found is None or row["sentence"][row["from"] : row["to"]] != row["mention"]:
                raise ValueError(f"{path}:{number}: not as NewsMTSC's rows are")
            names = [word for word in re.findall(r"[\w.-]+", re.sub(r"['’]s\b", "", found[2])) if word[0].isupper()]
            yield (
                f"{path}:{number}",
                {
                    "example_id": row["id"],
                    "document_id": found[1],
                    "group_id": found[1],
                    "text": row["sentence"],
                    "target": (names[-1] if names else found[2]).lower().strip("."),
                    "target_start": row["from"],
                    "target_end": row["to"],
                    "label": int(row["polarity"]) + 1,
                },
            )

    return dataset(rows())


def cross_fitted(examples: Dataset) -> NDArray[np.float64]:
    """Return the probabilities of every example from a model that has seen none of its article."""
    result = np.zeros((len(examples), 3))
    for rest, held in grouped_folds(examples, FOLDS, 0):
        fit, tune = grouped_tenth(examples.select(rest), 0)
        result[held] = LinearModel().fit(fit, tune).predict_proba(examples.select(held))
    return result


class Corpus:
    """The mentions of the actors that have enough of them, as arrays."""

    def __init__(self, actor: NDArray[Any], truth: NDArray[Any], chances: NDArray[Any], group: NDArray[Any]) -> None:
        self.truth, self.chances, self.group = truth, chances, group
        self.at = [np.flatnonzero(actor == name) for name in np.unique(actor)]
        self.actor, self.scores = actor, stance_scores(chances)

    def dealt(self, rng: np.random.Generator) -> Corpus:
        """Return the corpus with each actor's articles drawn anew, with replacement."""
        chosen, groups = [], []
        for at in self.at:
            articles = [at[self.group[at] == group] for group in np.unique(self.group[at])]
            for number, which in enumerate(rng.integers(len(articles), size=len(articles))):
                chosen.append(articles[which])
                groups.append(np.full(len(articles[which]), number))
        rows = np.concatenate(chosen)
        return Corpus(self.actor[rows], self.truth[rows], self.chances[rows], np.concatenate(groups))


def samples(corpus: Corpus, rng: np.random.Generator) -> dict[str, tuple[NDArray[Any], NDArray[Any] | None]]:
    """Return for each way of sampling which mentions are labelled, and the probability with which each was chosen."""
    n, size = len(corpus.truth), LABELLED * len(corpus.at)
    each = np.concatenate([rng.choice(at, min(LABELLED, len(at)), replace=False) for at in corpus.at])
    variance = sampling.uncertainty(corpus.chances)
    fresh = rng.random(n), np.zeros((n, 0)), np.zeros(n, dtype=bool), rng.spawn(1)[0]
    drawn, chance = sampling.draw(variance, corpus.at, size, *fresh)
    twice, known = sampling.draw(variance, corpus.at, 2 * size, *fresh)
    return {
        "30 each": (each, None),
        "random": (rng.choice(n, size, replace=False), np.full(n, size / n)),
        "check": (drawn, chance[:, 0]),
        "half": (twice[:size], known[:, 0] * size / len(twice)),
    }


def scored(
    corpus: Corpus, rng: np.random.Generator, like: bool
) -> Iterator[tuple[str, int, tuple[float, float] | tuple[None, None]]]:
    """Yield the intervals of every actor by every method: method, number of the actor, its ends.

    The first is that of the uncorrected score in actors.csv; it has one interval, since no choice of labels is
    involved.
    """

    def ends(found: Corrected | None) -> tuple[float, float] | tuple[None, None]:
        if found is None:
            return None, None
        return (found.low, found.high) if like else (found.low_here, found.high_here)

    for actor, at in enumerate(corpus.at):
        yield UNCORRECTED, actor, mean_interval(corpus.scores[at], corpus.group[at], 0)
    for name, (rows, chance) in samples(corpus, rng).items():
        gold = np.full(len(corpus.truth), np.nan)
        gold[rows] = corpus.truth[rows]
        for actor, at in enumerate(corpus.at):
            known = None if chance is None else chance[at]
            if name == "30 each":
                yield "30 labels each, alone", actor, ends(correct(gold[at], corpus.group[at]))
            methods = {
                "30 each": "30 labels each, PPI++",
                "random": "random sample of that size",
                "check": "check.py's sample",
                "half": "the first half of twice as many",
            }
            yield methods[name], actor, ends(correct(gold[at], corpus.group[at], corpus.scores[at], known))


def simulate(corpus: Corpus, repeats: int, like: bool, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Return for each method (repeats, actors, 2): whether the interval has the truth, its width; NaN without one."""
    rng = np.random.default_rng(seed)
    truths = [float(corpus.truth[at].mean()) for at in corpus.at]
    found: defaultdict[str, NDArray[np.float64]] = defaultdict(lambda: np.full((repeats, len(truths), 2), np.nan))
    for repeat in range(repeats):
        for method, actor, (low, high) in scored(corpus.dealt(rng) if like else corpus, rng, like):
            if low is not None and high is not None:
                found[method][repeat, actor] = low <= truths[actor] <= high, high - low
    return dict(found)


def print_coverage(examples: Dataset, repeats: int) -> None:
    """Print the table of the simulation."""
    chances, truth = cross_fitted(examples), labels(examples) - 1.0
    names = np.asarray(examples["target"][:])
    enough = [name for name, count in Counter(names.tolist()).items() if count >= MENTIONS]
    rows = np.flatnonzero(np.isin(names, enough))
    corpus = Corpus(names[rows], truth[rows], chances[rows], np.asarray(examples["group_id"][:])[rows])
    correlation = float(np.corrcoef(stance_scores(chances), truth)[0, 1])
    print(
        f"NewsMTSC train, {len(examples):,} mentions: accuracy {(chances.argmax(axis=1) - 1 == truth).mean():.3f}, ",
        end="",
    )
    print(f"correlation of score and label {correlation:.2f}")
    print(f"{len(enough)} actors with {MENTIONS} mentions: {', '.join(sorted(enough))}; {repeats} repeats")
    for like, title in ((True, "articles like these"), (False, "these articles")):
        print(f"\n95 % intervals for {title:24} held   fewest  width  none given")
        for method, found in simulate(corpus, repeats, like).items():
            held, width = np.nanmean(found[..., 0]), np.nanmean(found[..., 1])
            fewest, none = np.nanmin(np.nanmean(found[..., 0], axis=0)), np.isnan(found[..., 0]).mean()
            print(f"  {method:40} {held:6.1%}  {fewest:6.1%}  {width:5.3f}  {none:6.1%}")


def print_calibration(train: Dataset, held: dict[str, Dataset]) -> None:
    """Print the expected calibration error of a linear model that was calibrated on a tenth of its training part."""
    model = LinearModel().fit(*grouped_tenth(train, 0))
    for name, examples in held.items():
        chances, gold = model.predict_proba(examples), labels(examples)
        found = reliability(gold, chances, examples["group_id"][:])
        ece, chance = found["ece"], found["ece_if_calibrated"]
        print(f"  {name:36} {len(gold):>6,}  {ece:.3f}  {chance:13.3f}  {found['ece_if_calibrated_high']:5.3f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("newsmtsc", type=Path)
    parser.add_argument("dse", type=Path)
    parser.add_argument("--repeats", type=int, default=500)
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    train = read(arguments.newsmtsc / "train.jsonl")
    print_coverage(train, arguments.repeats)
    print(f"\n{'expected calibration error':38} {'n':>6}    ece  if calibrated  up to")
    multi, single = (read(arguments.newsmtsc / f"{name}_dev.jsonl") for name in ("mt", "rw"))
    dev = {
        "NewsMTSC dev, both parts": concatenate_datasets([multi, single]),
        "its mt part": multi,
        "its rw part": single,
    }
    print_calibration(train, dev)
    examples = corpora.load("dse", arguments.dse).examples
    split = np.asarray(examples["split"][:])
    fit, valid = (examples.select(np.flatnonzero(split == name)) for name in ("train", "valid"))
    clean = np.flatnonzero(without_twin(valid, fit))
    print_calibration(fit, {"DSE valid": valid, "its rows without a twin in training": valid.select(clean)})


if __name__ == "__main__":
    main()
