"""The contract that every model keeps, and `load`.

A model is fitted once, and gives the probabilities of the three labels for any examples. It must learn direction:
the same sentence with source and target swapped can have another answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from safetensors import SafetensorError

from actorstance.actors import Registry
from actorstance.errors import InputError
from actorstance.files import sha256
from actorstance.models import bundle, hub

# The only classes that a saved model can become. Nothing in a folder can name another.
_CLASSES = {
    "linear": ("actorstance.models.linear", "LinearModel"),
    "transformer": ("actorstance.models.transformer", "TransformerModel"),
    "onnx": ("actorstance.models.onnx", "OnnxModel"),
}


# Called after each epoch with its number, from 1, and the validation macro-F1; it may raise to stop the fit.
Watch = Callable[[int, float], None]


class Model(Protocol):
    """What the pipeline requires of a model."""

    kind: ClassVar[str]
    registry: Registry | None  # with which new text is read
    log: list[dict[str, Any]]  # of the last fit: one line per step or epoch
    cropped: dict[str, dict[str, int]]  # part -> sentences, and how many were too long to be read whole
    watch: Watch | None  # of the next fit; a model without epochs never calls it
    card: dict[str, Any]  # where the model comes from: corpus, hash of its data, seed, metrics
    sha256: str | None  # of the manifest of the folder that it was loaded from, which names the SHA-256 of every file

    @property
    def params(self) -> dict[str, Any]:
        """The arguments that make an unfitted model like this one."""

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> Self:
        """Learn from `train`; tune and calibrate on `valid`. `checkpoints`: where an interrupted fit resumes from."""

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        """Return shape (n, 3), columns against, neutral, favor; every row sums to 1."""

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name what pushed each prediction."""

    def save(self, folder: str | Path) -> None:
        """Write a new folder that `load` opens."""

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> Self:
        """Open the model's own files in a checked folder."""


def load(path: str | Path) -> Model:
    """Open a saved model: a run's folder, the model's folder in it, or `hf://owner/name` on the Hugging Face hub.

    Raises:
        InputError: if there is no complete model, or it is not as it was saved.

    """
    folder = located(path)
    meta = bundle.verify(folder)
    model_class = class_of(meta.get("kind"), str(folder))
    if not isinstance(meta.get("card"), dict):
        raise InputError(f"{folder}: model.json has no card. Copy the model again.")
    try:
        model = model_class.read(folder, meta)
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder}: the model's files do not fit together ({error}).") from error
    model.registry, model.card = bundle.registry_of(folder), meta["card"]
    model.sha256 = sha256(folder / bundle.MANIFEST)
    return model


@contextmanager
def counted_apart(model: Model) -> Iterator[dict[str, dict[str, int]]]:
    """Let a model count what it crops separately, and restore its own counts however the block ends.

    Yields the counts of the block, which start from the present ones: what was reported of them is not repeated.
    """
    before, model.cropped = model.cropped, dict(model.cropped)
    try:
        yield model.cropped
    finally:
        model.cropped = before


def located(path: str | Path) -> Path:
    """Return the folder of a model that `load` opens, fetched if it is on the Hugging Face hub."""
    return bundle.folder_of(hub.fetch(path) if isinstance(path, str) and path.startswith(hub.SCHEME) else path)


def class_of(kind: Any, where: str) -> type[Model]:
    """Return the class of a kind of model.

    Raises:
        InputError: if there is no such class; `where` names the place in the message.

    """
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise InputError(f"{where}: a model of kind {kind!r}, this version opens {', '.join(_CLASSES)}.")
    module, name = _CLASSES[kind]
    try:
        found: type[Model] = getattr(optional(module, kind), name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    return found


def optional(module: str, extra: str) -> ModuleType:
    """Import a module of this package that needs an extra.

    Raises:
        InputError: if the extra is not installed.

    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(f"needs {error.name}: pip install 'actorstance[{extra}]'.") from error
