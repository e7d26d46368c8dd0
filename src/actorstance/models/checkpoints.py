"""Checkpoints of a training run: weights, optimizer, random numbers as safetensors, the place in the data as JSON.

One appears under its name only when complete and on disk; transformers' own are pickles, written piece by piece.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers.trainer_callback import TrainerState

from actorstance.errors import InputError
from actorstance.files import read_json, to_disk, write_json

KEPT = 2  # checkpoints, so that one damaged on disk is not fatal

log = logging.getLogger(__name__)


def write(
    folder: Path,
    state: TrainerState,
    tensors: dict[str, dict[str, torch.Tensor]],
    optimizer: Any,
    place: dict[str, Any],
) -> None:
    """Write the checkpoint of a step, and delete all but the last two.

    Args:
        folder: where it goes, as `checkpoint-STEP`.
        state: of the Trainer.
        tensors: of `network` and `random`, name -> tensor.
        optimizer: its moments and learning rates are kept.
        place: what else the next step depends on, as JSON.

    """
    final = folder / f"checkpoint-{state.global_step}"
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    held = optimizer.state_dict()
    moments = {f"{at}.{name}": value for at, values in held["state"].items() for name, value in values.items()}
    for name, found in {**tensors, "optimizer": moments}.items():
        save(temporary / f"{name}.safetensors", found)
    write_json(temporary / "place.json", {"lr": [group["lr"] for group in held["param_groups"]], **place})
    state.save_to_json(str(temporary / "trainer_state.json"))
    for path in (*temporary.iterdir(), temporary):
        to_disk(path)  # before its name says that it is complete
    shutil.rmtree(final, ignore_errors=True)
    temporary.replace(final)
    for old in _checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old)


def read_optimizer(checkpoint: Path, optimizer: Any) -> dict[str, Any]:
    """Give an optimizer the moments and learning rates of a checkpoint; return its `place`."""
    place: dict[str, Any] = read_json(checkpoint / "place.json")
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(checkpoint / "optimizer.safetensors").items():
        at, name = key.split(".")
        state.setdefault(int(at), {})[name] = value
    now = optimizer.state_dict()["param_groups"]
    groups = [{**group, "lr": lr} for group, lr in zip(now, place["lr"], strict=True)]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return place


def save(path: Path, tensors: dict[str, torch.Tensor], durable: bool = False) -> None:
    """Write tensors as one file, which appears when it is complete; `durable`: and is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    save_file({name: value.contiguous() for name, value in tensors.items()}, temporary)
    if durable:
        to_disk(temporary)
    temporary.replace(path)
    if durable:
        to_disk(path.parent)


def last_checkpoint(folder: Path | None) -> Path | None:
    """Return the last complete checkpoint."""
    for checkpoint in reversed(_checkpoints(folder) if folder else []):
        try:
            for name in ("network", "optimizer", "random"):
                with safe_open(checkpoint / f"{name}.safetensors", framework="pt"):
                    pass
            read_json(checkpoint / "place.json")
            read_json(checkpoint / "trainer_state.json")
        except (SafetensorError, OSError, InputError) as error:
            log.warning("%s is damaged (%s): resuming from the one before it", checkpoint, error)
        else:
            return checkpoint
    return None


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))
