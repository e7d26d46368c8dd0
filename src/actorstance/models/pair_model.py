"""Models on a pair network, whatever runs it: from examples to probabilities, and what pushed them. No torch here."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from actorstance.actors import Registry
from actorstance.errors import InputError, require_fitted, require_number
from actorstance.examples import LABELS
from actorstance.models import Watch
from actorstance.models.calibration import TEMPERATURES, with_temperature
from actorstance.models.encoding import MARK, Input, Tokenizer, collate, encode, padded

WEIGHTS = (1.0, 1e9)  # of a label, by its frequency
EXPLAINED = 40  # words of a sentence that are left out in turn to explain an answer

log = logging.getLogger(__name__)


class PairModel(ABC):
    """What models built on pair networks share; each kind runs, fits and saves its networks in its own way."""

    room: ClassVar[int] = 2_048  # tokens of a batch: a processor is quick if a layer's values fit into its cache

    params: dict[str, Any]  # with max_length, in tokens, and context
    networks_: list[Any]
    tokens_: Tokenizer
    seen_: list[bool]  # the labels that training had
    label_weights_: list[float]  # of each label in the loss

    def __init__(self) -> None:
        self.registry: Registry | None = None
        self.watch: Watch | None = None
        self.card: dict[str, Any] = {}
        self.sha256: str | None = None
        self.log: list[dict[str, Any]] = []
        self.cropped: dict[str, dict[str, int]] = {}
        self.temperature_ = 1.0

    @property
    def _ready(self) -> list[Any]:
        """The networks as used for prediction."""
        return self.networks_

    @abstractmethod
    def _run(self, network: Any, batch: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the logits of a batch of `encoding.collate`, shape (p, 3)."""

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        """Return the probabilities of against, neutral and favor, shape (n, 3); every row sums to 1.

        Raises:
            InputError: if there is not enough memory.

        """
        return self._probabilities(self._encode(examples, "predicted"), len(examples))

    def _encode(self, examples: Dataset, part: str | None = None) -> list[Input]:
        """The inputs of the examples; how many had to be cropped is kept under the part's name, and logged."""
        require_fitted(self, "tokens_")
        settings = (self.params["max_length"], self.params["context"])
        inputs = encode(examples, self.tokens_, *settings) if len(examples) else []
        if part is None or not inputs:
            return inputs
        cropped, limit = sum(one.cropped for one in inputs), self.params["max_length"]
        context = sum(one.context_cropped for one in inputs)
        counts = {"sentences": len(inputs), "cropped": cropped, "context_cropped": context, "max_length": limit}
        if cropped and self.cropped.get(part) != counts:
            log.warning("%d of %d %s sentences are over %d tokens and were cropped", cropped, len(inputs), part, limit)
        self.cropped[part] = counts
        return inputs

    def _probabilities(self, inputs: list[Input], n: int) -> NDArray[np.float64]:
        """The mean over networks of softmax, then the temperature; a label that training lacked has probability 0.

        What the loss weighed w times as much is found w times as likely (Menon et al. 2021, Long-Tail Learning via
        Logit Adjustment): divided by w, the probabilities are those of the corpus as it is.
        """
        found = np.zeros((n, len(LABELS)))
        factors = np.asarray(self.seen_) / self.label_weights_
        for network in self._ready:
            logits = self._logits(network, inputs, n)
            chances = np.exp(logits - logits.max(axis=1, keepdims=True)) * factors if n else logits
            found += chances / chances.sum(axis=1, keepdims=True) / len(self.networks_)
        if not np.isfinite(found).all():
            raise InputError("the model's weights give probabilities that are not numbers. Copy the model again.")
        return with_temperature(found, self.temperature_)

    def _logits(
        self, network: Any, inputs: list[Input], n: int, share: int = 0, shares: int = 1
    ) -> NDArray[np.float64]:
        """Predict batch by batch; the order of rows is kept.

        With `shares` processes this one predicts every `shares`-th batch; the other rows are 0.
        """
        logits = np.zeros((n, len(LABELS)))
        for batch in batches(inputs, self.room)[share::shares]:
            given = [asdict(one) for one in batch]
            given += [{**given[0], "spans": [], "pairs": []}] * (_full(batch, self.room) - len(batch))
            found = self._run(network, collate(given, self.tokens_.pad))
            logits[[row for one in batch for row in one.rows]] = found
        return logits

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name the words that pushed each prediction most: by how much its log-probability falls when one is masked.

        Returns:
            For each example up to `top` pairs (word, push), strongest first. A push above 0 favors the label.

        """
        inputs = self._encode(examples)
        base = self._probabilities(inputs, len(examples))
        result: list[list[tuple[str, float]]] = [[] for _ in range(len(examples))]
        for one in inputs:
            words = self._words(one)[:EXPLAINED]
            n = len(one.rows)
            without = [
                replace(one, input_ids=_masked(one.input_ids, places, self.tokens_.mask), rows=[*range(at, at + n)])
                for at, (_, places) in zip(range(0, n * len(words), n), words, strict=True)
            ]
            found = self._probabilities(without, n * len(words)).reshape(len(words), n, len(LABELS))
            for at, row in enumerate(one.rows):
                label = int(base[row].argmax())
                push = np.log(max(base[row, label], 1e-12)) - np.log(np.maximum(found[:, at, label], 1e-12))
                pushes = [(word, float(by)) for (word, _), by in zip(words, push, strict=True)]
                result[row] = sorted(pushes, key=lambda pair: -abs(pair[1]))[:top]
        return result

    def _words(self, one: Input) -> list[tuple[str, list[int]]]:
        """The words of an input that are not a mention, mark or separator, each with the places of its tokens."""
        backend = self.tokens_.backend
        special = {number for number, added in backend.get_added_tokens_decoder().items() if added.special}
        special |= set(self.tokens_.read([MARK])[0].ids)
        mentioned = {at for span in one.spans for at in span}
        words: list[tuple[str, list[int]]] = []
        for at, number in enumerate(one.input_ids):
            if number in special or at in mentioned:
                continue
            token = backend.id_to_token(number) or ""
            if token.startswith("##") and words and words[-1][1][-1] == at - 1:
                words[-1] = (words[-1][0] + token[2:], [*words[-1][1], at])
            else:
                words.append((token.lstrip("Ġ▁"), [at]))
        return words

    def _calibration(self) -> dict[str, Any]:
        """What model.json records of the calibration."""
        return {"temperature": self.temperature_, "seen": self.seen_, "label_weights": self.label_weights_}

    def _calibrate(self, meta: dict[str, Any], folder: Path) -> None:
        """Take what `_calibration` gave."""
        temperature, seen = meta["temperature"], meta["seen"]
        weights = meta.get("label_weights", [1.0] * len(LABELS))  # without: a model saved before there were any
        if not isinstance(temperature, float) or not TEMPERATURES[0] <= temperature <= TEMPERATURES[1]:
            raise InputError(f"{folder}: temperature {temperature!r}, expected {TEMPERATURES[0]} to {TEMPERATURES[1]}.")
        if not isinstance(seen, list) or len(seen) != len(LABELS) or not any(seen):
            raise InputError(f"{folder}: seen labels {seen!r}, expected three truth values.")
        if not isinstance(weights, list) or len(weights) != len(LABELS):
            raise InputError(f"{folder}: label weights {weights!r}, expected three numbers.")
        self.temperature_, self.seen_ = temperature, [bool(value) for value in seen]
        self.label_weights_ = [require_number(f"{folder}: label weight", value, *WEIGHTS) for value in weights]


def batches(inputs: list[Input], room: int) -> list[list[Input]]:
    """Split inputs into batches of at most `room` tokens, padding included, longest first.

    All inputs of a batch are padded to the length that they would have alone, so no answer depends on its neighbours.
    """
    found: list[list[Input]] = []
    last = 0
    for one in sorted(inputs, key=lambda one: -len(one.input_ids)):
        length = padded(len(one.input_ids))
        if length != last or (len(found[-1]) + 1) * length > room:
            found.append([])
        found[-1].append(one)
        last = length
    return found


def _full(batch: list[Input], room: int) -> int:
    """How many inputs a batch is filled up to: a power of two, or as many as it may hold.

    A library of matrix products builds kernels for each shape that it sees, and keeps them: so few shapes occur.
    """
    most = max(len(batch), room // padded(len(batch[0].input_ids)))
    return min(most, 1 << (len(batch) - 1).bit_length())


def parts(folder: Path, networks: int) -> list[Path]:
    """Return the folder of each network in a saved model: the first, or only one, at the top."""
    return [folder, *(folder / f"network-{number}" for number in range(2, networks + 1))]


def _masked(ids: list[int], places: list[int], mask: int) -> list[int]:
    return [mask if at in places else number for at, number in enumerate(ids)]
