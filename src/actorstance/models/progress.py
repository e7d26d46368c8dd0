"""Progress of training: a bar if somebody is watching, else a line per epoch, TensorBoard's curves if wanted."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback
from transformers.trainer_callback import TrainerControl, TrainerState

from actorstance.errors import InputError

SCORE = "eval_macro_f1"  # as the Trainer's log calls it

log = logging.getLogger(__name__)


class Progress(TrainerCallback):
    """A bar if somebody is watching; a line per epoch in any case.

    Args:
        steps: of the whole training.
        epochs: likewise.

    """

    def __init__(self, steps: int, epochs: int) -> None:
        self.steps, self.epochs = steps, epochs
        self.bar: tqdm[Any] | None = None

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if sys.stderr.isatty():
            self.bar = tqdm(total=self.steps, initial=state.global_step, unit="step", dynamic_ncols=True, leave=False)

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.bar is not None:
            self.bar.update()

    def on_log(
        self, args: Any, state: TrainerState, control: TrainerControl, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        if self.bar is not None and logs and "loss" in logs:
            self.bar.set_postfix_str(f"loss {logs['loss']:.3f}")
        if logs and SCORE in logs:
            with tqdm.external_write_mode() if self.bar is not None else contextlib.nullcontext():
                log.info(
                    "epoch %.0f of %d: macro-F1 on the validation part %.3f", state.epoch, self.epochs, logs[SCORE]
                )

    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.bar is not None:
            self.bar.close()


def tensorboard(folder: str, checkpoints: Path | None) -> TrainerCallback:
    """Return a callback that writes curves into `folder`, below the names of the run and of the seed.

    Raises:
        InputError: if TensorBoard is not installed.

    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError("model.tensorboard needs tensorboard: pip install 'actorstance[tensorboard]'.") from error
    from transformers.integrations import TensorBoardCallback

    parts = checkpoints.parts[-4:] if checkpoints else ("fit",)  # outputs/RUN/checkpoints/SEED, one more with folds
    names = [part for part in parts if part not in ("checkpoints", "outputs")]
    return TensorBoardCallback(SummaryWriter(str(Path(folder).joinpath(*names))))
