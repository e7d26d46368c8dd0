"""Train and score the models on every corpus at hand, by the metric its papers use, beside what they publish.

python benchmarks/quality.py DATA                                          the linear model on every corpus in DATA
python benchmarks/quality.py DATA --models linear transformer --seeds 0 1 2
python benchmarks/quality.py DATA --models transformer --tag mpnet --set model.encoder=bundled-mpnet model.lr=3e-5
python benchmarks/quality.py DATA --runs outputs/A outputs/B               score finished runs, train nothing

DATA has one folder per corpus: dse, seesaw, newsmtsc, semeval; `joint` trains on the first three and newsroom together.
A run goes to outputs/quality/CORPUS_MODEL[_TAG]_seedN and is trained once: called again, once it has ended, the
benchmark takes what is finished, resumes what was interrupted, and trains what is missing. Every run is made by
the command shown below the table. Several seeds are averaged; brackets are 95 % intervals, groups resampled
(stories, sentences), for all seeds together. Rows without a twin have neither a twin nor a near-twin in training.
Published figures are of the test parts, ours of the part named.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from dse import CLASSES, classes_of, directions, five_classes
from numpy.typing import NDArray

from actorstance import corpora
from actorstance.correction import MIN_GROUPS
from actorstance.errors import InputError
from actorstance.examples import LABELS, SPLITS
from actorstance.files import read_json, read_json_lines, write_text
from actorstance.models.bundle import MANIFEST
from actorstance.runs import UNFINISHED
from actorstance.scoring import accuracy_of, confusions, drawn, group_weights, interval, macro_f1_of
from actorstance.twins import without_near_twin

ROOT = Path(__file__).parents[1]
OUTPUTS = ROOT / "outputs" / "quality"
CORPORA = ("newsroom", "dse", "seesaw", "newsmtsc", "semeval", "joint")
AGAINST, NEUTRAL, FAVOR = ALL = tuple(range(3))

Labels = NDArray[np.int64]
WEN = "Wen, Hovy, Hauptmann, ACL 2024"
# corpus -> metric -> (who, figure, source), of its test part
PUBLISHED: dict[str, dict[str, list[tuple[str, float, str]]]] = {
    "dse": {
        "five classes, micro-F1": [
            ("DSE2QA", 79.73, WEN),
            ("RoBERTa-base", 83.82, WEN),
            ("RoBERTa-base, consistency", 85.19, WEN),
        ],
        "five classes, macro-F1": [
            ("DSE2QA", 67.66, WEN),
            ("RoBERTa-base", 70.59, WEN),
            ("RoBERTa-base, consistency", 72.50, WEN),
        ],
    },
    "seesaw": {
        "polarity, accuracy": [
            ("majority", 62.81, WEN),
            ("SVM", 65.89, WEN),
            ("RoBERTa-base", 83.72, WEN),
            ("RoBERTa-base, consistency", 84.11, WEN),
        ],
    },
    "newsmtsc": {
        "mt, macro-F1": [
            ("RoBERTa-base SPC", 79.4, "Hamborg, Donnay 2021, preprint"),
            ("GRU-TSC", 82.5, "Hamborg, Donnay 2021, preprint"),
        ],
        "rw, macro-F1": [
            ("RoBERTa-base SPC", 81.1, "Hamborg, Donnay 2021, preprint"),
            ("GRU-TSC", 83.1, "Hamborg, Donnay 2021, preprint"),
        ],
    },
}


@dataclass(frozen=True)
class Run:
    """A finished run's held-out rows: ids, split and group of each, gold, probabilities (n, 3), and what it took."""

    folder: Path
    corpus: str
    model: str
    ids: list[str]
    groups: list[str]
    gold: Labels
    probabilities: NDArray[np.float64]
    clean: NDArray[np.bool_]
    part: str
    seconds: float
    command: str


@dataclass(frozen=True)
class Measure:
    """One metric over some rows: gold, predicted and group of each, and how it follows from confusion matrices."""

    name: str
    gold: Labels
    predicted: Labels
    groups: NDArray[Any]
    clean: NDArray[np.bool_]
    over: tuple[int, ...] | None = None  # macro-F1 over these labels, as far as they occur in gold; None: accuracy
    size: int = len(LABELS)

    def tables(self, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the confusion matrix of each group over the rows that are kept."""
        return confusions(self.gold[kept], self.predicted[kept], self.groups[kept], self.size)

    def of(self, kept: NDArray[np.bool_]) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
        """Return what computes the metric from confusion matrices: over the labels that occur in the rows kept."""
        if self.over is None:
            return accuracy_of
        occur = np.isin(np.arange(self.size), list({*self.over} & {*self.gold[kept].tolist()}))
        return partial(macro_f1_of, occur=occur)

    def score(self, kept: NDArray[np.bool_] | None = None) -> float:
        """Return the metric of all rows, or of those that are kept."""
        kept = np.ones(len(self.gold), dtype=bool) if kept is None else kept
        return float(self.of(kept)(self.tables(kept).sum(axis=0)))


def measures(run: Run, corpus: str, prefix: str = "") -> Iterator[Measure]:
    """Yield the metrics of a corpus over a run's rows of it; `prefix` is that of its ids in a joint run."""
    at = np.array([number for number, id in enumerate(run.ids) if id.startswith(prefix)])
    ids = [run.ids[number].removeprefix(prefix) for number in at]
    gold, chances, clean = run.gold[at], run.probabilities[at], run.clean[at]
    groups = np.array(run.groups)[at]
    predicted = chances.argmax(axis=1)
    if corpus == "dse":
        forward, backward = directions(ids)
        classes, found = classes_of(gold[forward], gold[backward]), five_classes(chances[forward], chances[backward])
        five = tuple(range(len(CLASSES)))
        for name, over in (("micro", None), ("macro", five)):
            yield Measure(f"five classes, {name}-F1", classes, found, groups[forward], clean[forward], over, len(five))
    elif corpus == "seesaw":
        polar = np.where(chances[:, FAVOR] > chances[:, AGAINST], FAVOR, AGAINST)
        yield Measure("polarity, accuracy", gold, polar, groups, clean)
    elif corpus == "newsmtsc":
        for part in ("mt", "rw"):
            rows = np.array([row for row, id in enumerate(ids) if id.startswith(part)], dtype=np.int64)
            if len(rows):
                yield Measure(f"{part}, macro-F1", gold[rows], predicted[rows], groups[rows], clean[rows], ALL)
    elif corpus == "semeval":
        yield Measure("mean F1 of favor and against", gold, predicted, groups, clean, (AGAINST, FAVOR))
    else:
        yield Measure("macro-F1", gold, predicted, groups, clean, ALL)


def cell(seeds: list[Measure], kept: NDArray[np.bool_]) -> str:
    """Return the mean over seeds on the rows that are kept, with its 95 % interval: groups resampled, as in any run."""
    score = f"{100 * np.mean([one.score(kept) for one in seeds]):.1f}"
    tables = [one.tables(kept) for one in seeds]
    groups = len(tables[0])
    if groups < MIN_GROUPS:
        return score
    weights = group_weights(groups, 0)
    draws = [one.of(kept)(drawn(table, weights)) for one, table in zip(seeds, tables, strict=True)]
    low, high = interval(np.mean(draws, axis=0), groups)
    return f"{score} [{100 * low:.1f}, {100 * high:.1f}]"


def read(folder: Path, data: Path) -> Run:
    """Read a finished run, and look up in its corpus what its rows are."""
    card = read_json(folder / "model" / "model.json")["card"]
    kind = read_json(folder / "model" / "model.json")
    encoder = kind["params"].get("encoder")
    lines = [row for _, row in read_json_lines(folder / "predictions.jsonl")]
    recipe = dict(card["corpus"])
    if recipe["path"] is not None:
        recipe["path"] = data if recipe["name"] == "joint" else data / recipe["name"]
    examples = corpora.load(**recipe).examples
    place = {id: at for at, id in enumerate(examples["example_id"][:])}
    if missing := [row["example_id"] for row in lines if row["example_id"] not in place]:
        raise InputError(f"{folder}: {missing[0]!r} is not in {recipe['path']}. Give the DATA that it was trained on.")
    held = examples.select([place[row["example_id"]] for row in lines])
    split = np.asarray(examples["split"][:])
    part = held["split"][0]
    seen = [name for name in SPLITS if SPLITS.index(name) < SPLITS.index(part or "test")]
    return Run(
        folder,
        recipe["name"],
        kind["kind"] + (f" ({Path(encoder).name})" if encoder else ""),
        [row["example_id"] for row in lines],
        [row["group_id"] for row in lines],
        np.array([LABELS.index(row["gold"]) for row in lines]),
        np.array([[row[label] for label in LABELS] for row in lines]),
        without_near_twin(held, examples.select(np.flatnonzero(np.isin(split, seen)))),
        part,
        read_json(folder / "metrics.json")["seconds"]["fit"],
        str(card.get("command")),
    )


def rows_of(runs: list[Run]) -> Iterator[tuple[str, str, list[Measure], list[Run]]]:
    """Yield (corpus, model, the measure of every seed, their runs) of runs that differ in their seed alone."""
    first = runs[0]
    own = {first.corpus: ""}
    if first.corpus == "joint":
        own = {name: f"{name}/" for name in dict.fromkeys(id.split("/")[0] for id in first.ids)}
    for name, prefix in own.items():
        per_seed = [list(measures(run, name, prefix)) for run in runs]
        model = f"{first.model}, joint" if first.corpus == "joint" else first.model
        for found in zip(*per_seed, strict=True):
            yield name, model, list(found), runs


def table(groups: list[list[Run]]) -> str:
    """Return the tables, as Markdown: ours, what is published, and the commands."""
    lines = [
        "| corpus | part | metric | model | score | rows | without twins | rows | seeds | minutes to fit |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    entries = [entry for runs in groups for entry in rows_of(runs)]
    for corpus, model, found, runs in sorted(entries, key=lambda one: (CORPORA.index(one[0]), one[2][0].name)):
        kept, minutes = found[0].clean, np.mean([run.seconds for run in runs]) / 60
        all, clean = cell(found, np.ones_like(kept)), cell(found, kept) if kept.any() else "–"
        lines.append(
            f"| {corpus} | {runs[0].part} | {found[0].name} | {model} | {all} | {len(kept):,} | {clean} | "
            f"{kept.sum():,} | {len(runs)} | {minutes:.1f} |"
        )
    there = {corpus for corpus, *_ in entries}
    lines += ["", "Published, of the test parts with their twins:", "", "| corpus | metric | model | score | source |"]
    lines += ["|---|---|---|---|---|"]
    for corpus in [name for name in PUBLISHED if name in there]:
        for metric, known in PUBLISHED[corpus].items():
            lines += [f"| {corpus} | {metric} | {who} | {value:.2f} | {source} |" for who, value, source in known]
    lines += ["", "Commands:", "", "```sh", *(run.command for runs in groups for run in runs), "```"]
    return "\n".join(lines) + "\n"


def train(corpus: str, model: str, seed: int, data: Path, tag: str, settings: list[str]) -> Path:
    """Train what is not trained yet; return the run's folder.

    Raises:
        SystemExit: if training failed.

    """
    name = "_".join([corpus, model, *([tag] if tag else []), f"seed{seed}"])
    out, there = OUTPUTS / name, Path(os.path.relpath(data, ROOT))
    if (out / "model" / MANIFEST).exists():
        return out
    command = ["scripts/train.py", f"data={corpus}", f"model={model}", f"seed={seed}", *settings]
    if corpus != "newsroom":
        command.append(f"data.path={there if corpus == 'joint' else there / corpus}")
    command.append(f"hydra.run.dir={out.relative_to(ROOT)}")
    if (out / UNFINISHED).exists():
        command = ["scripts/train.py", f"resume={out.relative_to(ROOT)}"]
    print(f"python {shlex.join(command)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"the command above ended with {done.returncode}")
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with one folder per corpus")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, help="of those in DATA; all, if not given")
    parser.add_argument("--models", nargs="+", choices=("linear", "transformer"), default=["linear"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--tag", default="", help="tells the runs of a setting apart")
    parser.add_argument("--set", nargs="+", default=[], dest="settings", help="settings of scripts/train.py")
    parser.add_argument("--runs", nargs="+", type=Path, help="finished runs, which are scored; nothing is trained")
    parser.add_argument("--write", type=Path, help="a file for the table")
    given = parser.parse_args()
    data = given.data.resolve()
    datasets.disable_progress_bars()
    try:
        if given.runs:
            groups = [[read(folder, data)] for folder in given.runs]
        else:
            there = [name for name in CORPORA if name in ("newsroom", "joint") or (data / name).is_dir()]
            groups = []
            for corpus in given.corpora or there:
                for model in given.models:
                    folders = [train(corpus, model, seed, data, given.tag, given.settings) for seed in given.seeds]
                    groups.append([read(folder, data) for folder in folders])
    except InputError as error:
        sys.exit(f"error: {error}")
    text = table(groups)
    print(text, end="")
    if given.write:
        write_text(given.write, text)


if __name__ == "__main__":
    main()
