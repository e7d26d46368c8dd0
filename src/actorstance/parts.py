"""Which part of a corpus a model is fitted on, tuned on, and scored on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from datasets import Dataset, concatenate_datasets

from actorstance.corpora import Corpus, names_of
from actorstance.errors import InputError
from actorstance.examples import CORPUS, SPLITS, grouped_tenth, twin_key, with_split
from actorstance.folder import Folder
from actorstance.models import Model

TENTH = 0  # the seed of the tenth of a corpus with an official split, whatever the run's seed


def has_split(corpus: Corpus) -> bool:
    """Whether a corpus has an official split."""
    return any(corpus.examples["split"][:])


def held_out_part(corpus: Corpus, eval_split: str | None) -> str:
    """Return the part to score: the one named; else test, or valid where the corpus comes without its test part.

    Raises:
        InputError: if the corpus has no such part, or nothing to train on.

    """
    there = (
        [split for split in SPLITS if split in set(corpus.examples["split"][:])] if has_split(corpus) else list(SPLITS)
    )
    if eval_split not in (None, "test", "valid"):
        raise InputError(f"eval_split={eval_split}: expected test or valid.")
    if has_split(corpus) and "" in (found := corpus.examples["split"][:]):
        raise InputError(
            f"data={corpus.name}: {found.count('')} of {len(found)} rows have no split, the others have one."
        )
    if CORPUS in corpus.examples.column_names:  # several corpora: a part counts only if all of them have it
        found = set(zip(corpus.examples[CORPUS][:], corpus.examples["split"][:], strict=True))
        there = [split for split in there if all((name, split) in found for name, _ in found)]
    part = eval_split or ("test" if "test" in there else "valid")
    if part not in there or "train" not in there:
        raise InputError(
            f"data={corpus.name}: eval_split={part} needs the parts train and {part}, found {', '.join(there)}."
        )
    return part


def foreign_part(corpus: Corpus, eval_split: str | None) -> Dataset:
    """Return what to score in a corpus that the model was not trained on: the part named, else test or valid, else all.

    Raises:
        InputError: if the corpus has no such part.

    """
    there = set(corpus.examples["split"][:])
    part = eval_split or next((split for split in ("test", "valid") if split in there), None)
    if part is None:
        return corpus.examples
    if part not in there:
        found = ", ".join(sorted(there - {""})) or "no split"
        raise InputError(f"data={corpus.name}: eval_split={part} is not there, found {found}.")
    return of_split(corpus.examples, part)


def parts_of(corpus: Corpus, part: str, seed: int) -> tuple[Dataset, Dataset, Dataset]:
    """Return the examples to fit on, to tune and calibrate on, and to score, if `part` is scored.

    An official split belongs to the corpus, as does the tenth that is split off train if there is no other part to tune
    on: neither depends on the seed. Each of several corpora is split as it would be alone. So a model that starts from
    another (`model.start`) is tuned on what neither was fitted on.
    """
    official = has_split(corpus)
    examples = corpus.examples if official else with_split(corpus.examples, seed)
    fit, tune = zip(*(_fit_and_tune(one, part, TENTH if official else seed) for one in _each(examples)), strict=True)
    return concatenate_datasets(fit), concatenate_datasets(tune), of_split(examples, part)


def require_unseen(
    origins: list[dict[str, str]], corpus: Corpus, part: str, seed: int, answers: str | None = None
) -> None:
    """Check that the models a model learns from have learned neither from what is scored nor from what it is tuned on.

    In the run `answers`, if there is one, no sentence of either may be answered.

    They may have seen all of a corpus but the part that they were scored on themselves; without an official split that
    part depends on the seed, and with folds they have seen everything. They were fitted on all but the tenth that this
    one is tuned on, unless an earlier version split off another tenth by another seed.
    """
    if answers is not None:
        parts = [corpus.examples] if corpus.folds else parts_of(corpus, part, seed)[1:]
        held = {twin_key(text) for one in parts for text in one["text"][:]}
        if found := held & {twin_key(row["text"]) for row in Folder(Path(answers)).predictions()}:
            raise InputError(
                f"model.answers={answers}: {len(found):,} of its sentences stand in what data={corpus.name} is scored "
                "or tuned on. Leave their articles out and predict again."
            )
    ours = set(names_of(corpus.recipe)) - {"table"}  # the name of every table, so it identifies none
    for one in origins:
        same = one["fingerprint"] == corpus.fingerprint or ours & set(one["corpus"].split(", "))
        split_alike = has_split(corpus) or one["seed"] == str(seed)
        if same and (one["eval_split"] != part or corpus.folds or not split_alike):
            raise InputError(
                f"model.{one['how']}: it was trained on {one['corpus']} and scored on {one['eval_split']} of it (seed "
                f"{one['seed']}); it may have learned from what is scored here, {part} (seed {seed})."
            )
        old = one["seed"] != str(TENTH) and one["tenth"] != "corpus"
        if same and old and _tunes_on_tenth(corpus, part):
            raise InputError(
                f"model.{one['how']}: it was trained on {one['corpus']} by a version that split off the tenth to tune "
                f"on by the seed ({one['seed']}), so it was fitted on what is tuned on here. Train it again."
            )


def _tunes_on_tenth(corpus: Corpus, part: str) -> bool:
    """Whether a model is tuned on a tenth of train, in any of several corpora, if `part` is scored."""
    return has_split(corpus) and any(
        part == "valid" or "valid" not in one["split"][:] for one in _each(corpus.examples)
    )


def _fit_and_tune(examples: Dataset, part: str, seed: int) -> tuple[Dataset, Dataset]:
    train, valid = of_split(examples, "train"), of_split(examples, "valid")
    return grouped_tenth(train, seed) if part == "valid" or not len(valid) else (train, valid)


def _each(examples: Dataset) -> list[Dataset]:
    """The examples of each of several corpora."""
    if CORPUS not in examples.column_names:
        return [examples]
    names = np.asarray(examples[CORPUS][:])
    return [examples.select(np.flatnonzero(names == name)) for name in dict.fromkeys(names.tolist())]


def of_split(examples: Dataset, split: str) -> Dataset:
    """Return the examples of a part."""
    return examples.select(np.flatnonzero(np.asarray(examples["split"][:]) == split))


def training_part(corpus: Corpus, model: Model) -> Dataset:
    """Return all that a model has seen of the corpus it was trained on."""
    if corpus.folds:
        return corpus.examples
    fit, tune, _ = parts_of(corpus, model.card["eval_split"], int(model.card["seed"]))
    return concatenate_datasets([fit, tune])
