"""Fine-tuning through transformers' Trainer, so that a killed run resumes and ends with the same weights, bit for bit.

What the next step depends on is the weights, the optimizer, the learning rate, the place in the data and the random
numbers. A checkpoint holds them all, as safetensors and JSON, and appears under its name only when complete. The
order of the data depends on seed and epoch alone.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader, Sampler
from transformers.trainer_callback import TrainerControl, TrainerState

from actorstance.errors import InputError
from actorstance.files import read_json
from actorstance.models import Watch
from actorstance.models.checkpoints import last_checkpoint, read_optimizer, save, write
from actorstance.models.progress import SCORE, Progress, tensorboard

POOL = 50  # batches sorted by length together: enough for similar lengths, few enough for a new mix each epoch
WEIGHT_DECAY = 0.01  # of matrices; biases and norms have none, as BERT was trained
LOG_STEPS = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to train.

    `batch_size` is sentences per step, over all processes together; `layer_decay` the factor from each layer's learning
    rate to that of the layer below it; `checkpoint_steps` steps from one checkpoint to the next within an epoch.
    """

    epochs: int
    patience: int
    batch_size: int
    lr: float
    head_lr: float
    layer_decay: float
    checkpoint_steps: int
    seed: int
    tensorboard: str | None = None


def processes() -> tuple[int, int]:
    """Return (number of this process, how many train together): (0, 1) unless torchrun started several."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def fine_tune(
    network: nn.Module,
    items: Sequence[dict[str, Any]],
    collate: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]],
    score: Callable[[], float] | None,
    settings: Settings,
    folder: Path | None,
    watch: Watch | None = None,
) -> list[dict[str, Any]]:
    """Train a network in place; it ends with the weights that scored best after an epoch.

    Args:
        network: has `encoder` and `head`, and returns `loss` for a batch.
        items: the training inputs, each with `input_ids`.
        collate: makes a batch of them.
        score: the validation macro-F1 of the network as it is now; None: the last weights are kept.
        settings: see `Settings`.
        folder: where checkpoints go, and from where training resumes if it holds one; None: nothing is written.
        watch: called with each epoch's score.

    Returns:
        One line for every 20 steps and every epoch: loss, learning rate, validation macro-F1.

    Raises:
        InputError: if the loss is not a number, there is not enough memory, or a checkpoint does not fit.

    """
    arguments = _arguments(settings, len(items))
    arguments._n_gpu = min(1, arguments.n_gpu)  # several cards need a process each: DataParallel would split the pairs
    rank, together = processes()
    if settings.batch_size % together or len(items) < together:
        raise InputError(
            f"model.batch_size={settings.batch_size} with {len(items)} sentences cannot be divided among {together} "
            f"processes: choose a multiple of {together}."
        )
    trainer = _Trainer(
        model=network,
        args=arguments,
        train_dataset=items,
        eval_dataset=items[:1] if score else None,  # the Trainer requires one; `score` knows the validation part
        data_collator=collate,
        job=_Job(settings, score, _shared(folder), LengthBuckets(_lengths(items), settings, rank, together), watch),
    )
    for callback in (transformers.PrinterCallback, transformers.ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(_Steps(settings, trainer.job.buckets, score is not None, folder is not None))
    if log.isEnabledFor(logging.INFO) and rank == 0:
        trainer.add_callback(Progress(len(trainer.job.buckets) * settings.epochs, settings.epochs))
    if settings.tensorboard and rank == 0:
        trainer.add_callback(tensorboard(settings.tensorboard, folder))
    return trainer.run()


def _arguments(settings: Settings, items: int) -> transformers.TrainingArguments:
    steps = -(-items // settings.batch_size) * settings.epochs
    return transformers.TrainingArguments(
        output_dir=tempfile.gettempdir(),  # nothing goes there: checkpoints are ours, see _save_checkpoint
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.lr,
        warmup_steps=steps // 10,  # the first of them has a learning rate of 0: a one-step run needs none
        lr_scheduler_type="linear",
        use_cpu=not torch.cuda.is_available(),
        ddp_backend="gloo" if "LOCAL_RANK" in os.environ and not torch.cuda.is_available() else None,
        ddp_find_unused_parameters=False,
        seed=settings.seed,
        eval_strategy="no",  # _Steps decides when to score and when to save
        save_strategy="no",
        logging_steps=LOG_STEPS,
        logging_nan_inf_filter=False,
        report_to="none",
        remove_unused_columns=False,
        label_names=["wanted"],
        dataloader_pin_memory=False,
        disable_tqdm=True,
    )


def _lengths(items: Sequence[dict[str, Any]]) -> list[int]:
    return [len(item["input_ids"]) for item in items]


def _shared(folder: Path | None) -> Path | None:
    """The folder of process 0, which writes there, for all processes, since they read from it."""
    if processes()[1] > 1:
        told = [str(folder) if folder else None]
        torch.distributed.broadcast_object_list(told)
        folder = Path(told[0]) if told[0] else None
    return folder


class LengthBuckets(Sampler[list[int]]):
    """Batches of sentences of similar length, in an order that depends on seed and epoch alone.

    All batches are equally large, or one sentence smaller; each process takes a share of every batch, never empty.
    """

    def __init__(self, lengths: Sequence[int], settings: Settings, rank: int = 0, together: int = 1) -> None:
        self.lengths, self.seed = np.asarray(lengths), settings.seed
        self.size, self.rank, self.together = settings.batch_size, rank, together
        self.epoch = 0

    def __len__(self) -> int:
        return min(-(-len(self.lengths) // self.size), len(self.lengths) // self.together)

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        pools = [order[at : at + POOL * self.size] for at in range(0, len(order), POOL * self.size)]
        ordered = np.concatenate([pool[np.argsort(-self.lengths[pool], kind="stable")] for pool in pools])
        batches = np.array_split(ordered, len(self))
        for at in random.permutation(len(batches)):
            yield batches[at][self.rank :: self.together].tolist()


@dataclass(frozen=True)
class _Job:
    settings: Settings
    score: Callable[[], float] | None
    folder: Path | None
    buckets: LengthBuckets
    watch: Watch | None


class _Trainer(transformers.Trainer):
    """The Trainer with our batches, learning rates and checkpoints.

    It overrides the methods in which transformers 5 saves and loads a checkpoint with torch.save, which is a pickle, in
    place and piece by piece.
    """

    optimizer: Any
    control: Any

    def __init__(self, *, job: _Job, **arguments: Any) -> None:
        self.job = job
        self.network: nn.Module = arguments["model"]
        self.best: dict[str, torch.Tensor] = {}
        super().__init__(**arguments)

    def run(self) -> list[dict[str, Any]]:
        """Train, from the last checkpoint if there is one, and load the best weights into the network."""
        last = last_checkpoint(self.job.folder)
        if self.job.folder and (self.job.folder / BEST).exists():
            self.best = self._fitting(self.job.folder / BEST)
        if last:
            self._require_same(last)
            self.state = TrainerState.load_from_json(str(last / "trainer_state.json"))
            log.info("resuming from step %d", self.state.global_step)
        if last and self._finished():
            self._load_from_checkpoint(str(last))
        else:
            self.train(resume_from_checkpoint=str(last) if last else None)
        if self.job.score:
            if not self.best:
                raise InputError(
                    f"{self.job.folder}: {BEST}, the best weights so far, is missing. Start the run again."
                )
            self.network.load_state_dict(self.best)
        self.network.eval()
        return list(self.state.log_history)

    def _finished(self) -> bool:
        """Whether all steps are done, or enough epochs have passed without a better score."""
        scores = [line[SCORE] for line in self.state.log_history if SCORE in line]
        since = len(scores) - 1 - int(np.argmax(scores)) if scores else 0
        return self.state.global_step >= self.state.max_steps > 0 or since >= self.job.settings.patience

    # --- steps

    def get_train_dataloader(self) -> DataLoader[Any]:
        generator = torch.Generator()  # its own, so that it takes no random numbers from dropout
        return DataLoader(
            self.train_dataset, batch_sampler=self.job.buckets, collate_fn=self.data_collator, generator=generator
        )

    def create_optimizer(self, *_: Any, **__: Any) -> Any:
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(_groups(self.network, self.job.settings), fused=True)
        return self.optimizer

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *rest: Any, **more: Any) -> torch.Tensor:
        try:
            loss: torch.Tensor = super().training_step(model, inputs, *rest, **more)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            size, length = inputs["input_ids"].shape
            raise InputError(
                f"out of memory at step {self.state.global_step + 1}: {size} sentences of {length} tokens. "
                f"Try model.batch_size={max(1, self.job.settings.batch_size // 2)} or a smaller model.max_length."
            ) from error
        self._require_finite("loss", loss)
        return loss

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        norm = super()._clip_grad_norm(model)
        self._require_finite("gradient", norm)  # before the step, so that no checkpoint has weights that are not finite
        return norm

    def _require_finite(self, what: str, value: Any) -> None:
        if not np.isfinite(number := float(value)):
            last = last_checkpoint(self.job.folder)
            kept = f" Kept: the weights of step {last.name.split('-')[1]}." if last else ""
            lr, head_lr = self.job.settings.lr / 2, self.job.settings.head_lr / 2
            raise InputError(
                f"the {what} is {number} at step {self.state.global_step + 1}; training stopped.{kept} "
                f"Try lower learning rates: model.lr={lr:g} model.head_lr={head_lr:g}."
            )

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        assert self.job.score is not None
        found = self.job.score()
        if found > max((line[SCORE] for line in self.state.log_history if SCORE in line), default=-1.0):
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
            if self.job.folder and self.args.process_index == 0:
                save(self.job.folder / BEST, self.best, durable=True)
        self.log({SCORE: found})
        self.control.should_training_stop |= self._finished()
        if self.job.watch:
            self.job.watch(round(self.state.epoch or 0), found)
        return {SCORE: found}

    # --- checkpoints

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        assert self.job.folder is not None
        random = self._random()  # of all processes
        if self.args.process_index == 0:
            tensors = {"network": self.network.state_dict(), "random": random}
            place = {"scheduler": {**self.lr_scheduler.state_dict(), "lr_lambdas": None}, "with": self._surroundings()}
            write(self.job.folder, self.state, tensors, self.optimizer, place)
        self.accelerator.wait_for_everyone()

    def _random(self) -> dict[str, torch.Tensor]:
        """The state of every process's random numbers: only dropout draws any."""
        states = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            states["cuda"] = torch.cuda.get_rng_state()
        gathered = {name: self.accelerator.gather(state.to(self.args.device)[None]) for name, state in states.items()}
        return {f"{name}.{at}": row.cpu() for name, rows in gathered.items() for at, row in enumerate(rows)}

    def _surroundings(self) -> dict[str, Any]:
        return {
            "processes": self.args.world_size,
            "device": self.args.device.type,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }

    def _require_same(self, checkpoint: Path) -> None:
        before, now = read_json(checkpoint / "place.json")["with"], self._surroundings()
        if before["processes"] != now["processes"]:
            raise InputError(
                f"the run had {before['processes']} process(es), now {now['processes']}. Start as many as before."
            )
        if before["device"] != now["device"]:
            raise InputError(f"the run was on {before['device']}, now {now['device']}: random numbers would differ.")
        if before != now:
            log.warning("resuming with %s, not %s: the last digits may differ from an unbroken run", now, before)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        self.network.load_state_dict(self._fitting(Path(resume_from_checkpoint) / "network.safetensors"))

    def _fitting(self, path: Path) -> dict[str, torch.Tensor]:
        """The weights in a file, which must be those of this network."""
        try:
            found: dict[str, torch.Tensor] = load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: cannot be read ({error}). Start the run again.") from error
        own = self.network.state_dict()
        if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in own.items()}:
            raise InputError(f"{path}: a checkpoint of another network. Start the run again.")
        return found

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        place = read_optimizer(Path(checkpoint), self.optimizer)
        lambdas = self.lr_scheduler.state_dict()["lr_lambdas"]
        self.lr_scheduler.load_state_dict({**place["scheduler"], "lr_lambdas": lambdas})

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        states = load_file(Path(checkpoint) / "random.safetensors")
        torch.set_rng_state(states[f"cpu.{self.args.process_index}"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state(states[f"cuda.{self.args.process_index}"])


BEST = "best.safetensors"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: torch's allocator on the CPU raises a plain RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "t allocate memory" in str(error)


def _groups(network: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """The parameters by learning rate and weight decay: the head's, then layer by layer of the encoder."""
    depths = {name: _depth(name) for name, _ in network.named_parameters()}
    top = max(depths.values()) + 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        lr = settings.lr * settings.layer_decay ** (top - 1 - depths[name])
        key = (lr if name.startswith("encoder.") else settings.head_lr, WEIGHT_DECAY if parameter.ndim > 1 else 0.0)
        groups.setdefault(key, []).append(parameter)
    return [{"params": held, "lr": lr, "weight_decay": decay} for (lr, decay), held in groups.items()]


def _depth(name: str) -> int:
    """How many layers of the encoder lie below a parameter: 0 for the embeddings."""
    layer = re.search(r"\b(?:layers?|h|blocks?)\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else 0


class _Steps(transformers.TrainerCallback):
    """Decides when to score and to save, and tells the batches which epoch it is."""

    def __init__(self, settings: Settings, buckets: LengthBuckets, scores: bool, saves: bool) -> None:
        self.every, self.buckets, self.scores, self.saves = settings.checkpoint_steps, buckets, scores, saves

    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.buckets.epoch = int(state.epoch or 0)

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # Not after an epoch's last step: that checkpoint must hold the score, and on_epoch_end comes after it.
        within = state.global_step % len(self.buckets)
        control.should_save = self.saves and within > 0 and within % self.every == 0

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        control.should_evaluate, control.should_save = self.scores, self.saves
