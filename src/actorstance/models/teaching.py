"""What the loss is taught: the labels, a teacher's answers beside them, and its answers about articles without labels.

A teacher that learned from the very labels that it answers about repeats them. Trained anew without each part of the
training data in turn, it says of that part what the labels do not (Dao, Kamath, Syrgkanis, Mackey 2021, Knowledge
Distillation as Semiparametric Inference: cross-fitting).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray

from actorstance.errors import InputError
from actorstance.examples import LABELS, grouped_folds, grouped_tenth, known_labels, label_sets, labels, weights
from actorstance.models import Model, load
from actorstance.models.answers import answers
from actorstance.models.pair_network import label_weights

TOLD = 0.5  # share of a teacher's probabilities in the training targets
SEED = 0  # of the parts of a teacher that is trained anew, which are the same whatever the seed of its student

log = logging.getLogger(__name__)

Taught = dict[str, NDArray[Any]]  # what the loss takes of each example, see `pair_network.loss_over`


def lesson(train: Dataset, params: dict[str, Any], checkpoints: Path | None) -> tuple[Dataset, Taught]:
    """Return the examples that are taught, and what of each.

    Args:
        train: the labelled examples.
        params: of the model that is taught: `label_smoothing`, `balance`, `teacher`, `teacher_folds`, `answers`.
        checkpoints: as of `Model.fit`, for teachers that are trained anew.

    Raises:
        InputError: if the teacher or its answers cannot be opened, never saw a label that is taught here, or cannot be
            trained.

    """
    y, known = labels(train), known_labels(train, label_sets(train))
    smoothing, factors = params["label_smoothing"], label_weights(y, params["balance"])
    wanted = (1 - smoothing) * np.eye(len(LABELS))[y] + smoothing * known / known.sum(axis=1, keepdims=True)
    if params["teacher"] is None:
        return train, _weighed(wanted, known, weights(train), factors)
    teacher = load(params["teacher"])
    more, told_more = answers(params["answers"], teacher, train) if params["answers"] else (None, None)
    if params["teacher_folds"]:
        told, told_more = _cross_fitted(teacher, train, more, params["teacher_folds"], checkpoints)
    else:
        told = teacher.predict_proba(train)
    wanted = _beside(wanted, told * known, y, f"model.teacher, a model of kind {teacher.kind}", params["teacher"])
    taught = _weighed(wanted, known, weights(train), factors)
    if more is None or told_more is None:
        return train, taught
    # What it answered about articles without labels is taught alone, and counts as much.
    added = _weighed(told_more, np.ones_like(told_more, dtype=bool), np.ones(len(told_more)), factors)
    both = {name: np.concatenate([rows, added[name]]) for name, rows in taught.items()}
    return concatenate_datasets([train, more.cast(train.features)]), both


def _beside(
    wanted: NDArray[np.float64], told: NDArray[np.float64], y: NDArray[np.int64], by: str, where: str
) -> NDArray[np.float64]:
    """The labels averaged with what a teacher told of them, shape (n, 3), unless it never saw the label."""
    if not told.any(axis=1).all():
        raise InputError(f"model.teacher={where}: it never saw a label that is taught here.")
    log.info("%s: of %d labels it would give %.1f %% the same", by, len(y), 100 * (told.argmax(axis=1) == y).mean())
    seen = told[np.arange(len(y)), y] > 0  # not a label that the teacher's corpus lacked
    if not seen.all():
        log.info("model.teacher: %d examples have a label that it never saw, so it is left out there", (~seen).sum())
    both = (1 - TOLD) * wanted + TOLD * told / told.sum(axis=1, keepdims=True)
    return np.where(seen[:, None], both, wanted)


def _cross_fitted(
    teacher: Model, train: Dataset, more: Dataset | None, folds: int, checkpoints: Path | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """What models with the teacher's settings answer, each about the part of `train` that it was not trained on.

    Returns:
        Their answers about `train`, shape (n, 3), and about `more` the mean of all of them, None if there is none.

    """
    told = np.zeros((len(train), len(LABELS)))
    about_more = []
    for number, (others, part) in enumerate(grouped_folds(train, folds, SEED), 1):
        log.info("model.teacher_folds: part %d of %d, answered by a teacher trained on the others", number, folds)
        fit, tune = grouped_tenth(train.select(others), SEED)
        model = type(teacher)(**teacher.params)
        model.fit(fit, tune, checkpoints / f"teacher-{number}" if checkpoints else None)
        told[part] = model.predict_proba(train.select(part))
        if more is not None:
            about_more.append(model.predict_proba(more))
    return told, np.mean(about_more, axis=0) if about_more else None


def _weighed(wanted: NDArray[Any], known: NDArray[Any], weight: NDArray[Any], factors: NDArray[Any]) -> Taught:
    """What the loss takes: each label's share weighed, so that dividing by the factors undoes them whoever told it."""
    wanted = wanted * factors
    weight = weight * wanted.sum(axis=1)
    shares = wanted / wanted.sum(axis=1, keepdims=True)
    return {"wanted": shares, "known": known, "weights": weight / weight.mean()}
