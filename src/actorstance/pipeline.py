"""train, evaluate, predict: the flow on one screen. Objects in, a run's folder out; no config is read here."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from actorstance import audit, behaviour, conformal, corpora, report, runs, scoring
from actorstance.actors import Registry
from actorstance.corpora import Corpus
from actorstance.documents import Document
from actorstance.errors import InputError
from actorstance.examples import CORPUS, SPLITS, grouped_folds, grouped_tenth, label_sets, labels, pairs, with_split
from actorstance.files import first_process
from actorstance.models import Model, optional
from actorstance.reading import Names, read_actors
from actorstance.reliability import reliability
from actorstance.twins import without_near_twin


@dataclass(frozen=True)
class HeldOut:
    """Held-out examples, what a model says of them, and what training gave away of them."""

    examples: Dataset
    probabilities: NDArray[np.float64]
    majority: int  # the commonest label in training
    clean: NDArray[np.bool_] | None  # no twin in training; None where the training examples are not at hand
    names_only: NDArray[np.int64] | None
    audit: dict[str, Any]
    seconds: dict[str, float]
    errors: list[dict[str, Any]]  # the wrong answers that the model was surest of
    label_sets: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # by corpus, of several

    def sets(self, level: float, calibration: conformal.Calibration | None = None) -> NDArray[np.bool_]:
        """Return the prediction sets, shape (n, 3), by a model's calibration, or else each by the other groups."""
        if calibration is not None:
            return conformal.sets(self.probabilities, calibration, level)
        return conformal.sets_by_folds(labels(self.examples), self.probabilities, self.examples["group_id"][:], level)

    def metrics(self, seed: int, sets: NDArray[np.bool_], level: float) -> dict[str, Any]:
        """Return what metrics.json holds."""
        gold, groups = labels(self.examples), self.examples["group_id"][:]
        found = scoring.metrics(gold, self.probabilities, groups, self.clean, self.names_only, self.majority, seed)
        if CORPUS in self.examples.column_names:
            found["corpora"] = scoring.by_corpus(gold, self.probabilities, self.examples[CORPUS][:], self.label_sets)
        return {
            "n": found.pop("n"),
            "documents": len(set(self.examples["document_id"][:])),
            **found,
            **reliability(gold, self.probabilities, groups, seed),
            "conformal": conformal.report(gold, self.probabilities, sets, level),
            "seconds": self.seconds,
        }


def train(
    corpus: Corpus,
    model: Model,
    out: Path,
    *,
    eval_split: str | None = None,
    seed: int = 0,
    registry: Registry | None = None,
    resume: bool = False,
    command: str | None = None,
    limits: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """Fit a model on a corpus, score it on the held-out part, and write the run.

    A corpus with folds is cross-validated: every example is held out once, and the saved model has seen all. Of several
    processes that torchrun starts, all call this with the same arguments, and the first writes.

    Args:
        corpus: see `corpora.load`.
        model: an unfitted model.
        out: the run's folder, which must hold no run.
        eval_split: the part that is scored. `test`: fit on train, tune and calibrate on valid. `valid`: fit on train
            but for a grouped tenth, tune and calibrate on that. None: test, or valid where the corpus has no test.
        seed: of splits, folds and bootstrap.
        registry: the actors with which the saved model reads new text; the world's, if none is given.
        resume: whether `out` holds an interrupted run, which goes on; all else must be as it was.
        command: what the user typed, for the model's card and the report.
        limits: of the audit's checks, see `audit.check`; a check over its limit is told, and stops nothing here.

    Returns:
        The metrics, as in metrics.json.

    Raises:
        InputError: if the corpus has no such part, too few groups or labels, or `out` holds a run; if an interrupted
            run was begun with other data or settings.

    """
    seed = _seed(seed)
    if corpus.folds and eval_split is not None:
        raise InputError(
            f"eval_split={eval_split}: data={corpus.name} is cross-validated, every example is held out once."
        )
    part = None if corpus.folds else _part(corpus, eval_split)
    card = {
        "corpus": corpus.recipe,
        "fingerprint": corpus.fingerprint,
        "eval_split": part or f"{corpus.folds} folds",
        "seed": seed,
    }
    settings = {**card, "model": {"kind": model.kind, **model.params}}
    settings["examples (their SHA-256)"] = settings.pop("fingerprint")
    settings["corpus"] = {key: value for key, value in corpus.recipe.items() if key != "path"}  # it may have moved
    with runs.unfinished(out, settings, resume) as checkpoints:
        with _naming(corpus):
            if part is None:
                held_out, fitted = _cross_validated(corpus, model, seed, checkpoints, limits)
            else:
                fit, tune, held = _parts(corpus, part, seed)
                fitted, seconds = _fit(model, fit, tune, checkpoints)
                training = concatenate_datasets([fit, tune])
                held_out = _scored(fitted, held, training, corpus.counts, seconds, limits=limits)
        sets = held_out.sets(conformal.LEVEL)
        metrics = held_out.metrics(seed, sets, conformal.LEVEL)
        kept = {key: value for key, value in metrics.items() if key != "seconds"}
        fitted.registry = registry or Registry.world()
        calibration = conformal.calibrate(labels(held_out.examples), held_out.probabilities)
        facts = {"majority": held_out.majority, "metrics": kept, "conformal": calibration, "command": command}
        fitted.card = {**card, **facts}
        if first_process():
            results = (held_out.examples, held_out.probabilities, metrics, held_out.audit, held_out.errors)
            read = behaviour.checks(fitted, held_out.examples, seed)
            runs.write_scored(out, *results, fitted, sets, read, "train", command, corpus.name)
            fitted.save(out / "model")
    return metrics


def evaluate(
    model: Model,
    corpus: Corpus,
    out: Path,
    *,
    eval_split: str | None = None,
    trained_on: Corpus | None = None,
    level: float = conformal.LEVEL,
    command: str | None = None,
) -> dict[str, Any]:
    """Score a saved model on the held-out part of its own corpus, or on another corpus.

    Args:
        model: a loaded model; its card says what it was trained on.
        corpus: the model's own corpus (see `own_corpus`), or another.
        out: the folder for the result, which must hold no run.
        eval_split: the part of another corpus that is scored; without an official split it is scored whole. Of the
            model's own corpus only the part that was held out in training can be.
        trained_on: the corpus that the model was trained on, if another is scored: without it nobody can say which
            examples have a twin in training, nor what names alone give away, and both are None.
        level: of the prediction sets, in (0, 1). On the model's own corpus each group's are calibrated on the other
            groups; on another they are the model's, and tell how far its calibration carries.
        command: what the user typed, for the report.

    Returns:
        The metrics. On the model's own corpus they are those of its training run.

    Raises:
        InputError: if the corpus has no such part, or the model has seen it.

    """
    runs.require_free(out)
    card = model.card
    if not {"corpus", "fingerprint", "seed"} <= set(card):
        raise InputError("the model has no card: it was not trained by pipeline.train, so nobody can say on what.")
    seed = int(card["seed"])
    own = corpus.fingerprint == card["fingerprint"]
    if own and corpus.folds:
        held_out, _ = _cross_validated(corpus, type(model)(**model.params), seed)
    elif own:
        if eval_split not in (None, card["eval_split"]):
            raise InputError(
                f"eval_split={eval_split}: the model has seen that part; held out was {card['eval_split']}."
            )
        fit, tune, held = _parts(corpus, card["eval_split"], seed)
        held_out = _scored(model, held, concatenate_datasets([fit, tune]), corpus.counts, 0.0)
    else:
        held = _foreign_part(corpus, eval_split)
        training = _training_part(trained_on, model) if trained_on else None
        held_out = _scored(model, held, training, corpus.counts, 0.0, majority=int(card["majority"]))
    sets = held_out.sets(level, None if own else card.get("conformal"))
    metrics = held_out.metrics(seed, sets, level)
    results = (held_out.examples, held_out.probabilities, metrics, held_out.audit, held_out.errors)
    read = behaviour.checks(model, held_out.examples, seed)
    runs.write_scored(out, *results, model, sets, read, "evaluate", command, corpus.name)
    return metrics


def audited(
    corpus: Corpus, *, seed: int = 0, limits: Mapping[str, float | None] | None = None
) -> dict[str, dict[str, Any]]:
    """Audit a corpus: each part that is held out against what a model that is scored on it has seen.

    Args:
        corpus: see `corpora.load`.
        seed: of the split or the folds of a corpus without an official split, as in `train`.
        limits: of the checks, see `audit.check`.

    Returns:
        Held-out part (`valid`, `test`, or `fold 1` and so on) -> its audit.

    Raises:
        InputError: if the corpus has no part to hold out, or a limit does not fit.

    """
    seed = _seed(seed)
    with _naming(corpus):
        if corpus.folds:
            folds = grouped_folds(corpus.examples, corpus.folds, seed)
            sides = {f"fold {number}": list(map(corpus.examples.select, rows)) for number, rows in enumerate(folds, 1)}
        else:
            last = _part(corpus, None)
            there = set(corpus.examples["split"][:]) if _has_split(corpus) else set(SPLITS)
            sides = {}
            for part in ("valid", "test") if last == "test" and "valid" in there else (last,):
                fit, tune, held = _parts(corpus, part, seed)
                sides[part] = [concatenate_datasets([fit, tune]), held]
    return {
        part: {**audit.report(corpus.counts, train, held), **audit.check(train, held, limits=limits)}
        for part, (train, held) in sides.items()
    }


MAX_LOSS = 0.005  # of macro-F1, that an export may cost


def export(model: Model, corpus: Corpus, out: Path, *, precision: str = "int8") -> dict[str, Any]:
    """Write a transformer as a model in ONNX, if it answers as well on the held-out examples of its own corpus.

    Args:
        model: a loaded transformer.
        corpus: the model's own, see `own_corpus`; int8 takes its ranges from the training part.
        out: the folder for the model, `out/model`; it must hold no run.
        precision: int8, bf16 or fp32.

    Returns:
        What it lost, as model.json has it under `card.export`: `macro_f1_before`, `macro_f1`, the largest difference
        of a probability, and of how many of `n` rows the label changed. Of a cross-validated corpus the model has
        seen all rows; there they tell whether both models agree, not how good they are.

    Raises:
        InputError: if the model is of another kind, or the export loses over half a point of macro-F1.

    """
    runs.require_free(out)
    if model.kind != "transformer":
        raise InputError(f"a model of kind {model.kind} cannot be exported, only one of kind transformer.")
    exporting = optional("actorstance.models.exporting", "onnx")
    fit, _, held = (
        [corpus.examples] * 3 if corpus.folds else _parts(corpus, model.card["eval_split"], int(model.card["seed"]))
    )
    exported: Model = exporting.to_onnx(model, precision, fit)
    gold, before, after = labels(held), model.predict_proba(held), exported.predict_proba(held)
    lost = {
        "precision": precision,
        "of": model.sha256,
        "n": len(held),
        "macro_f1_before": scoring.macro_f1(gold, before.argmax(axis=1)),
        "macro_f1": scoring.macro_f1(gold, after.argmax(axis=1)),
        "largest_difference": float(np.abs(after - before).max()),
        "changed": int((after.argmax(axis=1) != before.argmax(axis=1)).sum()),
    }
    if (loss := lost["macro_f1_before"] - lost["macro_f1"]) > MAX_LOSS:
        raise InputError(
            f"precision={precision} loses {loss * 100:.2f} points of macro-F1 on {len(held):,} held-out examples "
            f"({lost['macro_f1_before']:.4f} to {lost['macro_f1']:.4f}), more than {MAX_LOSS * 100:g}: nothing was "
            f"written. Try {'precision=bf16' if precision == 'int8' else 'precision=fp32'}."
        )
    exported.registry = model.registry
    exported.card = {**model.card, "conformal": conformal.calibrate(gold, after), "export": lost}
    exported.save(out / "model")
    return lost


def own_corpus(model: Model, path: str | Path | None = None) -> Corpus:
    """Load the corpus that a model was trained on.

    Args:
        model: a loaded model.
        path: where the corpus is now, if it has moved.

    Raises:
        InputError: if it is not there, or has changed since.

    """
    corpus = corpora.load(**{**model.card["corpus"], **({"path": path} if path else {})})
    if corpus.fingerprint != model.card["fingerprint"]:
        now, then = corpus.fingerprint[:12], str(model.card["fingerprint"])[:12]
        raise InputError(
            f"data={corpus.name}: not the examples that the model was trained on: fingerprint {now}…, then {then}…. "
            "Restore the corpus, or train a model on this one."
        )
    return corpus


def predict(
    model: Model,
    documents: list[Document],
    out: Path,
    *,
    registry: Registry | None = None,
    seed: int = 0,
    names: Names | None = None,
    level: float = conformal.LEVEL,
    command: str | None = None,
) -> dict[str, Any]:
    """Read new articles with a model, and write who stands where on whom.

    Args:
        model: a loaded model.
        documents: see `documents.read`.
        out: the folder for the result, which must hold no run.
        registry: the actors to look for; the model's own, if none is given. Others are found as an article names them.
        seed: of the bootstrap.
        names: finds more names (`ner.SpacyNames`); None for the rules alone.
        level: of the prediction sets, in (0, 1).
        command: what the user typed, for the report.

    Returns:
        Counts: documents, sentences, mentions, pairs, lines kept and cut.

    """
    runs.require_free(out)
    seed = _seed(seed)
    registry = registry or model.registry or Registry.world()
    readings = [read_actors(document, registry, names) for document in documents]
    examples = concatenate_datasets([pairs(reading, len(documents) == 1) for reading in readings])
    start = time.perf_counter()
    probabilities = model.predict_proba(examples)
    seconds = time.perf_counter() - start
    sets = _sets(model, probabilities, level)
    read = behaviour.checks(model, examples, seed)
    results = (readings, examples, probabilities, model, seconds, seed)
    return runs.write_predicted(out, *results, sets, read, registry, command)


def stances(document: Document, model: Model) -> list[dict[str, Any]]:
    """Return the scored pairs of one document, as in predictions.jsonl: source, target, sentence and probabilities."""
    reading = read_actors(document, model.registry or Registry.world())
    examples = pairs(reading, group_by_sentence=True)
    probabilities = model.predict_proba(examples)
    sets = _sets(model, probabilities, conformal.LEVEL)
    return list(runs.predicted_rows(examples, probabilities, [reading], sets))


def _sets(model: Model, probabilities: NDArray[np.float64], level: float) -> NDArray[np.bool_] | None:
    """The prediction sets of new examples, None for a model that was never calibrated."""
    calibration = model.card.get("conformal")
    return None if calibration is None else conformal.sets(probabilities, calibration, level)


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise InputError(f"seed={seed!r}: expected a whole number from 0 to 4294967295.")
    return seed


# --- parts ---


def _has_split(corpus: Corpus) -> bool:
    return any(corpus.examples["split"][:])


def _part(corpus: Corpus, eval_split: str | None) -> str:
    """The part to score: as named; else test, or valid where the corpus comes without its test part."""
    there = (
        [split for split in SPLITS if split in set(corpus.examples["split"][:])] if _has_split(corpus) else list(SPLITS)
    )
    if eval_split not in (None, "test", "valid"):
        raise InputError(f"eval_split={eval_split}: expected test or valid.")
    if _has_split(corpus) and "" in (found := corpus.examples["split"][:]):
        raise InputError(
            f"data={corpus.name}: {found.count('')} of {len(found)} rows have no split, the others have one."
        )
    if CORPUS in corpus.examples.column_names:  # several corpora: a part that not all of them have is none of theirs
        found = set(zip(corpus.examples[CORPUS][:], corpus.examples["split"][:], strict=True))
        there = [split for split in there if all((name, split) in found for name, _ in found)]
    part = eval_split or ("test" if "test" in there else "valid")
    if part not in there or "train" not in there:
        raise InputError(
            f"data={corpus.name}: eval_split={part} needs the parts train and {part}, found {', '.join(there)}."
        )
    return part


def _foreign_part(corpus: Corpus, eval_split: str | None) -> Dataset:
    """What to score of a corpus that the model was not trained on: the part named, else test or valid, else all."""
    there = set(corpus.examples["split"][:])
    part = eval_split or next((split for split in ("test", "valid") if split in there), None)
    if part is None:
        return corpus.examples
    if part not in there:
        found = ", ".join(sorted(there - {""})) or "no split"
        raise InputError(f"data={corpus.name}: eval_split={part} is not there, found {found}.")
    return _of_split(corpus.examples, part)


def _parts(corpus: Corpus, part: str, seed: int) -> tuple[Dataset, Dataset, Dataset]:
    """The examples to fit on, to tune and calibrate on, and to score."""
    examples = corpus.examples if _has_split(corpus) else with_split(corpus.examples, seed)
    train, valid = _of_split(examples, "train"), _of_split(examples, "valid")
    if part == "valid" or not len(valid):
        train, valid = grouped_tenth(train, seed)
    return train, valid, _of_split(examples, part)


def _of_split(examples: Dataset, split: str) -> Dataset:
    return examples.select(np.flatnonzero(np.asarray(examples["split"][:]) == split))


def _training_part(corpus: Corpus, model: Model) -> Dataset:
    """All that a model has seen of the corpus it was trained on."""
    if corpus.folds:
        return corpus.examples
    fit, tune, _ = _parts(corpus, model.card["eval_split"], int(model.card["seed"]))
    return concatenate_datasets([fit, tune])


# --- fitting and scoring ---


@contextmanager
def _naming(corpus: Corpus) -> Iterator[None]:
    """Say of which corpus an error speaks."""
    try:
        yield
    except InputError as error:
        path = corpus.recipe.get("path")
        raise InputError(f"data={corpus.name}{f' ({path})' if path else ''}: {error}") from error


def _fit(model: Model, fit: Dataset, tune: Dataset, checkpoints: Path | None) -> tuple[Model, float]:
    start = time.perf_counter()
    return model.fit(fit, tune, checkpoints), time.perf_counter() - start


def _scored(
    model: Model,
    held: Dataset,
    training: Dataset | None,
    counts: dict[str, Any],
    fit_seconds: float,
    majority: int | None = None,
    limits: Mapping[str, float | None] | None = None,
) -> HeldOut:
    start = time.perf_counter()
    probabilities = model.predict_proba(held)
    seconds = {"fit": fit_seconds, "predict": time.perf_counter() - start}
    errors = report.errors(held, probabilities, model)
    if training is None:
        found = {"rows": counts, "leakage": None, "note": "the training examples were not at hand"}
        return HeldOut(held, probabilities, majority or 0, None, None, found, seconds, errors)
    names_only = audit.names_only(training, held)
    return HeldOut(
        held,
        probabilities,
        _commonest(training) if majority is None else majority,
        without_near_twin(held, training),
        names_only,
        {**audit.report(counts, training, held), **audit.check(training, held, limits=limits, named=names_only)},
        seconds,
        errors,
        label_sets(training),
    )


def _commonest(examples: Dataset) -> int:
    return int(np.bincount(labels(examples), minlength=3).argmax())


def _cross_validated(
    corpus: Corpus,
    model: Model,
    seed: int,
    checkpoints: Path | None = None,
    limits: Mapping[str, float | None] | None = None,
) -> tuple[HeldOut, Model]:
    """Hold out every example once, with a fresh model for each fold; then fit one on all examples."""
    examples = corpus.examples
    folds = []
    for number, (train_rows, held_rows) in enumerate(grouped_folds(examples, corpus.folds, seed), 1):
        fit, tune = grouped_tenth(examples.select(train_rows), seed)
        fold_model, seconds = _fit(copy.deepcopy(model), fit, tune, checkpoints and checkpoints / f"fold-{number}")
        held = examples.select(held_rows)
        training = examples.select(train_rows)
        folds.append(_scored(fold_model, held, training, corpus.counts, seconds, limits=limits))
    together = HeldOut(
        concatenate_datasets([fold.examples for fold in folds]),
        np.concatenate([fold.probabilities for fold in folds]),
        _commonest(examples),
        np.concatenate([fold.clean for fold in folds if fold.clean is not None]),
        np.concatenate([fold.names_only for fold in folds if fold.names_only is not None]),
        {"rows": corpus.counts, "folds": [fold.audit for fold in folds]},
        {key: sum(fold.seconds[key] for fold in folds) for key in ("fit", "predict")},
        report.surest([error for fold in folds for error in fold.errors]),
    )
    fitted, _ = _fit(model, *grouped_tenth(examples, seed), checkpoints and checkpoints / "all")
    return together, fitted
