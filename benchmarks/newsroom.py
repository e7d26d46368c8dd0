"""What data/newsroom is worth: how far two labellings agree, how its prose compares with news, what a run gets wrong.

python benchmarks/newsroom.py                    # agreement, by label, kind and field; duplicates
python benchmarks/newsroom.py --real DATA        # and its prose beside that of DSE, SEESAW and NewsMTSC under DATA
python benchmarks/newsroom.py --run outputs/RUN  # and the scores of a run on it, by what makes a pair hard

The second labelling was made from the bare text by a labeller who had neither seen the first labels nor written the
article. Where the two differed, data/newsroom/adjudication.jsonl has both, the decision and its reason; everywhere else
both are the label in the article. So agreement is computed as it was before any reconciling. Two of the three batches
were labelled in two rounds: first-round.jsonl has the labels of the first that are not those of the articles.
Krippendorff's alpha for nominal labels (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability).
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np

from actorstance import corpora
from actorstance.examples import LABELS
from actorstance.files import read_json_lines
from actorstance.readers import newsroom
from actorstance.resources import shipped
from actorstance.scoring import macro_f1

TOKENS = 20_000  # of each corpus, for figures that depend on the size of the text
NEAR = 0.5  # share of two sentences' word trigrams, of all in either, from which they are near-duplicates
DECIDED = "adjudication.jsonl"  # the round whose decisions are the labels of the articles

Twice = tuple[str, str, frozenset[str]]  # a pair's first and second label, and the groups it is counted in


def alpha(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Krippendorff's alpha of two labellings without gaps: 1 for the same, 0 as if by chance.

    Example:
        >>> round(alpha("aabb", "aabc"), 3)
        0.632

    """
    values = Counter(first) + Counter(second)
    n = values.total()
    observed = 2 * sum(a != b for a, b in zip(first, second, strict=True)) / n
    expected = sum(count * (n - count) for count in values.values()) / (n * (n - 1))
    return 1 - observed / expected if expected else 1.0


def twice(folder: Path, file: str) -> list[Twice]:
    """Return both labels of every pair, with its groups: its field, its batch and its kinds.

    `file` of the folder has the pairs on which the two labellings are not both the article's label.

    Raises:
        SystemExit: for an article without a field, a row without a pair, and a decision that the article lacks.

    """
    about = {row["article"]: row for _, row in read_json_lines(folder / "articles.jsonl")}
    others = {row["example_id"]: row for _, row in read_json_lines(folder / file)}
    found = []
    for path in sorted((folder / "articles").glob("*.txt")):
        article = newsroom.parse(path)
        if article.id not in about:
            raise SystemExit(f"{article.id}: {folder / 'articles.jsonl'} has no row of it. Add one with its field.")
        batch, field = about[article.id]["batch"], about[article.id]["field"]
        kinds = article.kinds()
        for index, sentence in enumerate(article.sentences):
            for source, target, label in sentence.pairs:
                id = f"{article.id}:{index}:{source}:{target}"
                row = others.pop(id, {"first": label, "second": label, "decided": label})
                if row["decided"] != label and file == DECIDED:
                    raise SystemExit(f"{id}: decided {row['decided']}, the article has {label}")
                groups = (kinds[id] or {"none of these kinds"}) | {field, f"batch {batch}"}
                found.append((row["first"], row["second"], frozenset(groups)))
    if others:
        raise SystemExit(f"{len(others)} rows of {folder / file} belong to no pair, among them {next(iter(others))}")
    return found


def _alpha(rows: Sequence[Twice], label: str | None = None) -> float:
    """Return alpha of the rows' two labels, or of one label against the rest."""
    pairs = [(a, b) if label is None else (str(a == label), str(b == label)) for a, b, _ in rows]
    return alpha([a for a, _ in pairs], [b for _, b in pairs])


def agreement(folder: Path) -> None:
    """Print alpha over all pairs, for each label against the rest, by kind of case and by batch, in both rounds."""
    first = [row for row in twice(folder, "first-round.jsonl") if "batch 1" not in row[2]]  # which had only one round
    for title, rows in (("two labellings", twice(folder, DECIDED)), ("first round of batches 2, 3", first)):
        groups = (*newsroom.KINDS, "none of these kinds", "batch 1", "batch 2", "batch 3")
        parts = [("all pairs", rows, None), *((label, rows, label) for label in LABELS)]
        parts += [(group, [row for row in rows if group in row[2]], None) for group in groups]
        print(f"\n{title:30} {'pairs':>6}  differ   alpha")
        for name, pairs, label in parts:
            if pairs:
                differ = sum(a != b and label in (None, a, b) for a, b, _ in pairs)
                print(f"{name:30} {len(pairs):>6,}  {differ:>6,}  {_alpha(pairs, label):>6.3f}")


def by_field(folder: Path) -> None:
    """Print how much each field holds, alpha over its pairs, and for each label against the rest."""
    fields: defaultdict[str, list[newsroom.Article]] = defaultdict(list)
    for _, row in read_json_lines(folder / "articles.jsonl"):
        fields[row["field"]].append(newsroom.parse(folder / "articles" / f"{row['article']}.txt"))
    rows = twice(folder, DECIDED)
    print("\n| field | articles | sentences | pairs | alpha |", " | ".join(LABELS), "|")
    print("|---|---|---|---|---|" + "---|" * len(LABELS))
    for field, articles in sorted(fields.items(), key=lambda item: (-len(item[1]), item[0])):
        pairs = [row for row in rows if field in row[2]]
        sentences = sum(len(article.sentences) for article in articles)
        figures = " | ".join(f"{_alpha(pairs, label):.3f}" for label in (None, *LABELS))
        print(f"| {field} | {len(articles)} | {sentences:,} | {len(pairs):,} | {figures} |")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’]\w+)*", text.lower())


def prose(name: str, sentences: list[str]) -> None:
    """Print a row: sentences, words per sentence, share with a quotation, distinct share of equal amounts of text."""
    lengths = [len(_words(text)) for text in sentences]
    quoted = np.mean([any(mark in text for mark in '"“”') or "``" in text for text in sentences])
    order = np.random.default_rng(0).permutation(len(sentences))
    words = [word for at in order for word in [*_words(sentences[at]), "."]][:TOKENS]
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    types, distinct = len(set(words)) / len(words), len(set(trigrams)) / len(trigrams)
    spread = "  ".join(f"{value:>4.0f}" for value in np.percentile(lengths, [10, 50, 90]))
    print(f"{name:30} {len(sentences):>6,}  {spread}  {quoted:>6.3f}  {types:>6.3f}  {distinct:>6.3f}")


def near_duplicates(sentences: list[str]) -> list[tuple[float, str, str]]:
    """Return the pairs of sentences that share more than `NEAR` of their word trigrams, most alike first."""
    shingles = [set(zip(words, words[1:], words[2:], strict=False)) for words in map(_words, sentences)]
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, found in enumerate(shingles):
        for shingle in found:
            holders[shingle].append(at)
    shared = Counter((a, b) for found in holders.values() for at, a in enumerate(found) for b in found[at + 1 :])
    alike = ((n / len(shingles[a] | shingles[b]), sentences[a], sentences[b]) for (a, b), n in shared.items())
    return sorted((row for row in alike if row[0] > NEAR), reverse=True)


def by_kind(folder: Path, run: Path) -> None:
    """Print the scores of a run's held-out newsroom pairs by kind."""
    kinds = {
        id: found for path in (folder / "articles").glob("*.txt") for id, found in newsroom.parse(path).kinds().items()
    }
    lines = [row for _, row in read_json_lines(run / "predictions.jsonl")]
    gold = np.array([LABELS.index(row["gold"]) for row in lines])
    found = np.array([[row[label] for label in LABELS] for row in lines]).argmax(axis=1)
    print(f"\n{'held-out pairs of the run':30} {'pairs':>6}  accuracy  macro-F1")
    for name in ("all pairs", *newsroom.KINDS, "none of these kinds"):
        at = np.array(
            [name == "all pairs" or name in (kinds[row["example_id"]] or {"none of these kinds"}) for row in lines]
        )
        if at.any():
            score = macro_f1(gold[at], found[at])
            print(f"{name:30} {int(at.sum()):>6,}  {(gold == found)[at].mean():>8.3f}  {score:>8.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="a folder with dse, seesaw and newsmtsc")
    parser.add_argument("--run", type=Path, help="a training run on newsroom")
    given = parser.parse_args(arguments)
    datasets.disable_progress_bars()
    folder = shipped("data/newsroom")
    agreement(folder)
    by_field(folder)
    articles = [newsroom.parse(path) for path in sorted((folder / "articles").glob("*.txt"))]
    sentences = [article.raw[one.start : one.end] for article in articles for one in article.sentences]
    print(
        f"\n{'prose':30} {'n':>6}   10%   50%   90%  quoted   types  trigrams: words a sentence, distinct of {TOKENS:,}"
    )
    prose("newsroom", sentences)
    if given.real:
        for name in ("dse", "seesaw", "newsmtsc"):
            prose(name, sorted(set(corpora.load(name, given.real / name).examples["text"][:])))
    alike = near_duplicates(sentences)
    print(f"\n{len(alike)} pairs of sentences share more than {NEAR:.0%} of their word trigrams")
    for share, one, other in alike[:10]:
        print(f"  {share:.2f}  {one[:70]}\n        {other[:70]}")
    if given.run:
        by_kind(folder, given.run)


if __name__ == "__main__":
    main()
