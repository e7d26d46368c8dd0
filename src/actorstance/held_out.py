"""Held-out examples and what a model says of them: of one part of a corpus, or of every example in turn."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from actorstance import audit, conformal, scoring
from actorstance.corpora import Corpus
from actorstance.examples import CORPUS, LABELS, grouped_folds, grouped_tenth, label_sets, labels
from actorstance.models import Model
from actorstance.priors import Priors, Wanted, priors
from actorstance.reliability import reliability
from actorstance.twins import without_near_twin

ERRORS = 12  # wrong answers that a run keeps, the surest first


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
    priors: Priors | None = None  # under which the probabilities are read
    unadjusted: NDArray[np.float64] | None = None  # the probabilities without them

    def sets(self, level: float, calibration: conformal.Calibration | None = None) -> NDArray[np.bool_]:
        """Return the prediction sets, shape (n, 3), by a model's calibration, or else each by the other groups."""
        if calibration is not None:
            # Each label's limit is its own, so that it holds however common the label is: priors have no part in it.
            given = self.probabilities if self.unadjusted is None else self.unadjusted
            return conformal.sets(given, calibration, level)
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
            **({"priors": self.priors.row()} if self.priors else {}),
        }


def fit_timed(model: Model, fit: Dataset, tune: Dataset, checkpoints: Path | None) -> tuple[Model, float]:
    """Return the model, fitted, and the seconds that it took."""
    start = time.perf_counter()
    return model.fit(fit, tune, checkpoints), time.perf_counter() - start


def scored(
    model: Model,
    held: Dataset,
    training: Dataset | None,
    counts: dict[str, Any],
    fit_seconds: float,
    majority: int | None = None,
    limits: Mapping[str, float | None] | None = None,
    wanted_priors: Wanted = None,
) -> HeldOut:
    """Ask a model of held-out examples, and audit them against its training.

    Args:
        model: a fitted model.
        held: labelled examples.
        training: what the model has seen; None: it is not at hand.
        counts: of the corpus.
        fit_seconds: what fitting took.
        majority: the commonest label in training, if it is not to be counted here.
        limits: of the audit's checks, see `audit.check`.
        wanted_priors: see `priors.priors`.

    """
    start = time.perf_counter()
    unadjusted = model.predict_proba(held)
    seconds = {"fit": fit_seconds, "predict": time.perf_counter() - start}
    shifted = priors(wanted_priors, model.card.get("priors"), unadjusted)
    probabilities = shifted.applied(unadjusted) if shifted else unadjusted
    if training is None:
        clean, names_only, sets = None, None, {}
        found = {"rows": counts, "leakage": None, "note": "the training examples were not at hand"}
    else:
        clean, names_only, sets = (
            without_near_twin(held, training),
            audit.names_only(training, held),
            label_sets(training),
        )
        checked = audit.check(training, held, limits=limits, named=names_only)
        found = {**audit.report(counts, training, held), **checked}
        majority = _commonest(training) if majority is None else majority
    return HeldOut(
        held,
        probabilities,
        majority or 0,
        clean,
        names_only,
        found,
        seconds,
        _errors(held, probabilities, model),
        sets,
        shifted,
        unadjusted,
    )


def _commonest(examples: Dataset) -> int:
    return int(np.bincount(labels(examples), minlength=3).argmax())


def cross_validated(
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
        fold_model, seconds = fit_timed(copy.deepcopy(model), fit, tune, checkpoints and checkpoints / f"fold-{number}")
        held = examples.select(held_rows)
        training = examples.select(train_rows)
        folds.append(scored(fold_model, held, training, corpus.counts, seconds, limits=limits))
    together = HeldOut(
        concatenate_datasets([fold.examples for fold in folds]),
        np.concatenate([fold.probabilities for fold in folds]),
        _commonest(examples),
        np.concatenate([fold.clean for fold in folds if fold.clean is not None]),
        np.concatenate([fold.names_only for fold in folds if fold.names_only is not None]),
        {"rows": corpus.counts, "folds": [fold.audit for fold in folds]},
        {key: sum(fold.seconds[key] for fold in folds) for key in ("fit", "predict")},
        _surest([error for fold in folds for error in fold.errors]),
    )
    fitted, _ = fit_timed(model, *grouped_tenth(examples, seed), checkpoints and checkpoints / "all")
    return together, fitted


def _errors(examples: Dataset, probabilities: NDArray[np.float64], model: Model) -> list[dict[str, Any]]:
    """The wrong answers that a model was surest of, with what pushed that same model there."""
    gold, predicted = labels(examples), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(gold != predicted)
    first = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:ERRORS]
    rows = examples.select(first)
    return [
        {
            **{name: row[name] for name in ("text", "source", "target")},
            "gold": LABELS[gold[at]],
            "said": LABELS[predicted[at]],
            "p": float(probabilities[at].max()),
            "pushes": pushes,
        }
        for at, row, pushes in zip(first, rows, model.explain(rows), strict=True)
    ]


def _surest(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first `ERRORS` of the errors of several models, the surest first."""
    return sorted(found, key=lambda error: -float(error["p"]))[:ERRORS]
