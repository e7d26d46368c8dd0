"""What a teacher answered about articles without labels: further examples for a small model to learn from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from actorstance.errors import InputError
from actorstance.examples import AUTHOR, CORPUS, IDENTITY, LABELS, OFFSETS, UNKNOWN, dataset
from actorstance.folder import Folder
from actorstance.models import Model

log = logging.getLogger(__name__)


def answers(run: str, teacher: Model, train: Dataset) -> tuple[Dataset, NDArray[np.float64]]:
    """Read what a teacher answered in a run of predict.py.

    Args:
        run: the run's folder; not one over an archive, nor one with other label priors.
        teacher: the model that answered there.
        train: the labelled examples; of the others only those count whose source is of a kind that occurs here: named
            in the sentence, named elsewhere, the author, unknown.

    Returns:
        The examples, without labels and with the columns of `train`, and the probabilities, shape (n, 3).

    Raises:
        InputError: if `run` is no such run, another model answered there, or none of its examples counts; if `train` is
            of several corpora.

    """
    if CORPUS in train.column_names:
        raise InputError(
            f"model.answers={run}: not for several corpora at once. Train on one, from a joint run's weights."
        )
    folder = Folder(Path(run))
    if folder.archive is not None or not folder.of_new_text:
        raise InputError(f"model.answers={run}: expected a run of predict.py over articles, not over an archive.")
    if folder.priors is not None:
        raise InputError(f"model.answers={run}: it was read under other label priors. Predict again without priors.")
    answered = folder.provenance["model"].get("sha256")
    if answered is None or answered != getattr(teacher, "sha256", None):
        raise InputError(f"model.answers={run}: another model than model.teacher answered there (its SHA-256 differs).")
    kinds = {_kind(row) for row in train.select_columns(["source", "source_start"])}
    everything = list(folder.predictions())
    rows = [row for row in everything if _kind(row) in kinds]
    sentences = len({row["text"] for row in rows})
    log.info(
        "model.answers: %d of %d examples, in %d sentences; the others' source is of a kind that is not taught here",
        *(len(rows), len(everything), sentences),
    )
    if not rows:
        raise InputError(f"model.answers={run}: none of its examples has a source of a kind that is taught here.")
    table = dataset((f"{run}: {row['example_id']}", _example(row)) for row in rows)
    return table, np.array([[row[label] for label in LABELS] for row in rows])


def _kind(row: dict[str, Any]) -> str:
    if row["source"] in (AUTHOR, UNKNOWN):
        return str(row["source"])
    return "elsewhere" if row["source_start"] < 0 else "named"


def _example(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in (*IDENTITY, *OFFSETS)} | {"date": row.get("date")}
