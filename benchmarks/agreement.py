"""How far docs/guidelines.md and the people who labelled DSE and SEESAW agree.

python benchmarks/agreement.py DATA

data/agreement has labels of 300 sentences of DSE valid (both directions) and 300 triples of SEESAW valid, drawn at
random and labelled by the guidelines, by a language model that had not seen the corpora's labels; their text is in
DATA/dse and DATA/seesaw. Prints Cohen's kappa (Cohen 1960, A Coefficient of Agreement for Nominal Scales) and the share
of equal labels, with 95 % intervals that resample sentences, by kind of case, and the table of both labellings.
SEESAW did not ask for neutral: there `forced` is compared, the answer if neutral is not allowed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import datasets
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from actorstance import corpora
from actorstance.errors import InputError
from actorstance.examples import LABELS, labels
from actorstance.files import read_json_lines
from actorstance.resources import shipped

DRAWS = 1000
FEW = 15  # pairs of a kind, below which its kappa is not printed

Labels = NDArray[np.int64]


def read(corpus: str, data: Path) -> tuple[Labels, Labels, list[str], list[str]]:
    """Return, for each pair, the people's label, ours, its sentence and its kind of case."""
    rows = [row for _, row in read_json_lines(shipped("data") / "agreement" / f"{corpus}.jsonl")]
    examples = corpora.load(corpus, data / corpus).examples
    of = dict(
        zip(examples["example_id"][:], zip(labels(examples).tolist(), examples["text"][:], strict=True), strict=True)
    )
    if missing := [row["example_id"] for row in rows if row["example_id"] not in of]:
        raise InputError(f"{data / corpus}: no example {missing[0]!r}; expected the release in docs/corpora.md.")
    people, sentences = zip(*(of[row["example_id"]] for row in rows), strict=True)
    ours = [LABELS.index(row.get("forced", row["label"])) for row in rows]
    return np.array(people), np.array(ours), list(sentences), [row["kind"] for row in rows]


def kappa(first: Labels, second: Labels) -> float:
    """Return Cohen's kappa; nan if both have one and the same label throughout."""
    if len(set(first.tolist()) | set(second.tolist())) < 2:
        return float("nan")
    return float(cohen_kappa_score(first, second))


def line(name: str, people: Labels, ours: Labels, sentences: list[str]) -> str:
    """Return a row of the table: n, kappa and accuracy with intervals."""
    at = {text: number for number, text in enumerate(dict.fromkeys(sentences))}
    rows: list[list[int]] = [[] for _ in at]
    for row, text in enumerate(sentences):
        rows[at[text]].append(row)
    random = np.random.default_rng(0)
    drawn = [np.concatenate([rows[one] for one in random.integers(len(rows), size=len(rows))]) for _ in range(DRAWS)]
    figures = []
    for measure in (kappa, lambda a, b: float((a == b).mean())):
        low, high = np.nanquantile([measure(people[some], ours[some]) for some in drawn], [0.025, 0.975])
        figures.append(f"{measure(people, ours):.2f} [{low:.2f}, {high:.2f}]")
    return f"{name:16}{len(ours):>5}  {figures[0]:20}{figures[1]:20}"


def main(data: Path) -> None:
    """Print one table per corpus."""
    datasets.disable_progress_bars()
    for corpus in ("dse", "seesaw"):
        people, ours, sentences, kinds = read(corpus, data)
        print(f"{corpus:19}n  {'kappa':20}{'equal':20}")
        print(line("all", people, ours, sentences))
        for kind, count in Counter(kinds).most_common():
            kept = [row for row, one in enumerate(kinds) if one == kind]
            if count >= FEW:
                print(line(kind, people[kept], ours[kept], [sentences[row] for row in kept]))
        table = Counter(zip(people.tolist(), ours.tolist(), strict=True))
        print("people, rows, against the guidelines, columns:", *LABELS)
        for at, name in enumerate(LABELS):
            print(f"  {name:14}", *(f"{table[at, other]:>6}" for other in range(len(LABELS))))
        print()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except InputError as error:
        sys.exit(str(error))
