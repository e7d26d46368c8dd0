"""Held-out examples and what a model says about them: for one part of a corpus, or for every example in turn.

With several corpora (`data=joint`) one may lack a label. Its examples cannot have it, so every figure is about the
model's choice among the labels that the example's corpus has.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from actorstance import audit, scoring
from actorstance.corpora import Corpus
from actorstance.evaluation import conformal
from actorstance.evaluation.priors import Priors, Wanted, priors, shares
from actorstance.evaluation.reliability import reliability
from actorstance.examples import CORPUS, LABELS, among, grouped_folds, grouped_tenth, known_labels, label_sets, labels
from actorstance.models import Model
from actorstance.twins import twins

ERRORS = 12  # wrong answers that a run keeps, most confident first


@dataclass(frozen=True)
class HeldOut:
    """Held-out examples, what a model says about them, and what training gave away about them.

    `probabilities` are over the labels that each example's corpus has, and all figures and prediction sets use them;
    `of_all` are over all labels, as the model gives them for new text. Shape (n, 3), as is `known`.
    """

    examples: Dataset
    probabilities: NDArray[np.float64]
    of_all: NDArray[np.float64]
    known: NDArray[np.bool_]  # which labels the corpus of each example has
    majority: NDArray[np.int64]  # the commonest of these in training
    clean: NDArray[np.bool_] | None  # no twin in training; None where the training examples are not available
    names_only: NDArray[np.int64] | None
    audit: dict[str, Any]
    seconds: dict[str, float]
    errors: list[dict[str, Any]]  # the wrong answers that the model was most confident in
    priors: Priors | None = None  # under which the probabilities are read; `of_all` ignores them

    def sets(self, level: float, calibration: conformal.Calibration | None = None) -> NDArray[np.bool_]:
        """Return the prediction sets, shape (n, 3), by a model's calibration, or else each by the other groups'."""
        if calibration is not None:
            # Each label has its own limit, which holds however common the label is: priors play no part in it.
            return conformal.sets(self.of_all, calibration, level) & self.known
        gold, groups = labels(self.examples), self.examples["group_id"][:]
        return conformal.sets_by_folds(gold, self.probabilities, groups, level) & self.known

    def metrics(self, seed: int, sets: NDArray[np.bool_], level: float) -> dict[str, Any]:
        """Return what metrics.json holds."""
        gold, groups = labels(self.examples), self.examples["group_id"][:]
        found = scoring.metrics(gold, self.probabilities, groups, self.clean, self.names_only, self.majority, seed)
        if CORPUS in self.examples.column_names:
            of_all = self.priors.applied(self.of_all) if self.priors else self.of_all
            found["corpora"] = scoring.by_corpus(gold, of_all, self.probabilities, self.examples[CORPUS][:])
        return {
            "n": found.pop("n"),
            "documents": len(set(self.examples["document_id"][:])),
            **found,
            **reliability(gold, self.probabilities, groups, seed),
            "conformal": conformal.report(gold, self.probabilities, sets, level),
            "seconds": self.seconds,
            **({"priors": self.priors.row()} if self.priors else {}),
        }

    def kept(self, metrics: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Return what the model's card keeps: metrics, more facts, and what sets and priors for new text start from.

        In new text any label may occur, so these are based on the answers among all labels.
        """
        return {
            "metrics": {key: value for key, value in metrics.items() if key != "seconds"},
            **more,
            "conformal": conformal.calibrate(labels(self.examples), self.of_all),
            "priors": shares(self.of_all),
        }


def fit_timed(model: Model, fit: Dataset, tune: Dataset, checkpoints: Path | None) -> tuple[Model, float]:
    """Return the model, fitted, and the seconds that it took."""
    start = time.perf_counter()
    return model.fit(fit, tune, checkpoints), time.perf_counter() - start


def scored(
    model: Model,
    held: Dataset,
    training: Dataset | None,
    corpus: Corpus,
    fit_seconds: float,
    *,
    limits: Mapping[str, float | None] | None = None,
    wanted_priors: Wanted = None,
) -> HeldOut:
    """Ask a model about held-out examples, and audit them against its training.

    Args:
        model: a fitted model; if what it has seen is not available, its card gives the commonest label there.
        held: labelled examples.
        training: what the model has seen; None: it is not available.
        corpus: the one that the examples are from.
        fit_seconds: what fitting took.
        limits: of the audit's checks, see `audit.audited`.
        wanted_priors: see `priors.priors`.

    """
    start = time.perf_counter()
    of_all = model.predict_proba(held)
    seconds = {"fit": fit_seconds, "predict": time.perf_counter() - start}
    known = known_labels(held, label_sets(corpus.examples))
    shifted = priors(wanted_priors, model.card.get("priors"), of_all)
    probabilities = among(shifted.applied(of_all) if shifted else of_all, known)
    if training is None:
        majority, clean, names_only = np.full(len(held), int(model.card["majority"])), None, None
        found = {"rows": corpus.counts, "leakage": None, "note": "the training examples were not at hand"}
    else:
        majority, names_only = audit.commonest(training, held), audit.names_only(training, held)
        copies = verbatim, near = twins(held["text"][:], training["text"][:])
        clean = ~(verbatim | near)
        found = audit.audited(corpus.counts, training, held, limits=limits, named=names_only, copies=copies)
    return HeldOut(
        examples=held,
        probabilities=probabilities,
        of_all=of_all,
        known=known,
        majority=majority,
        clean=clean,
        names_only=names_only,
        audit=found,
        seconds=seconds,
        errors=_errors(held, probabilities, model),
        priors=shifted,
    )


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
        folds.append(scored(fold_model, held, training, corpus, seconds, limits=limits))
    together = HeldOut(
        examples=concatenate_datasets([fold.examples for fold in folds]),
        probabilities=np.concatenate([fold.probabilities for fold in folds]),
        of_all=np.concatenate([fold.of_all for fold in folds]),
        known=np.concatenate([fold.known for fold in folds]),
        majority=np.concatenate([fold.majority for fold in folds]),
        clean=np.concatenate([fold.clean for fold in folds if fold.clean is not None]),
        names_only=np.concatenate([fold.names_only for fold in folds if fold.names_only is not None]),
        audit={"rows": corpus.counts, "folds": [fold.audit for fold in folds]},
        seconds={key: sum(fold.seconds[key] for fold in folds) for key in ("fit", "predict")},
        errors=_surest([error for fold in folds for error in fold.errors]),
    )
    fitted, _ = fit_timed(model, *grouped_tenth(examples, seed), checkpoints and checkpoints / "all")
    return together, fitted


def _errors(examples: Dataset, probabilities: NDArray[np.float64], model: Model) -> list[dict[str, Any]]:
    """The wrong answers that a model was most confident in, with what pushed that same model there."""
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
    """The first `ERRORS` of the errors of several models, most confident first."""
    return sorted(found, key=lambda error: -float(error["p"]))[:ERRORS]


def between(
    before: NDArray[np.float64], after: NDArray[np.float64], gold: NDArray[np.int64], known: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return how a model's answers differ from those of the model that it was made of.

    Args:
        before: the other model's probabilities of n examples, shape (n, 3).
        after: its own.
        gold: their labels, as indices, shape (n,).
        known: which labels each example's corpus knows, shape (n, 3).

    """
    f1_before, f1 = (scoring.macro_f1(gold, among(chances, known).argmax(axis=1)) for chances in (before, after))
    return {
        "n": len(gold),
        "macro_f1_before": f1_before,
        "macro_f1": f1,
        "largest_difference": float(np.abs(after - before).max()),
        "changed": int((after.argmax(axis=1) != before.argmax(axis=1)).sum()),
    }
