"""A saved model: a folder that opens on another machine, offline, with nothing in it that could run.

model.json            kind, parameters, labels, versions, hash of the training data, what else the model needs
actors.json           the registry of actors
MODEL_CARD.md         what it was trained on, how good it is, what it is not for
(the model's files)   text and safetensors; no pickle, no class name, no `_target_`
manifest.json         SHA-256 and size of every other file; written last, checked before anything is opened
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actorstance.actors import Registry
from actorstance.corpora import names_of
from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.files import read_json, sha256, to_disk, write_json, write_text
from actorstance.models import card

if TYPE_CHECKING:
    from actorstance.models import Model

ORIGINS = ("start", "teacher")  # parameters of a model that name another one that it learns from
FORMAT = 1  # of the folder; a reader refuses any other
MANIFEST = "manifest.json"
CARD = "MODEL_CARD.md"


def write(folder: Path, model: Model, write_files: Callable[[Path], dict[str, Any]]) -> None:
    """Write a model's folder completely or not at all.

    Args:
        folder: the new folder; it must not exist.
        model: its `kind`, `params`, `registry` and `card` are saved.
        write_files: writes the model's own files into the folder it is given, and returns what else goes to
            model.json.

    Raises:
        InputError: if the folder exists: a saved model is never overwritten.

    """
    from actorstance import __version__

    if folder.exists():
        raise InputError(f"{folder}: exists already. A saved model is never overwritten; name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        own = write_files(temporary)
        meta = {
            "format": FORMAT,
            "kind": model.kind,
            "params": model.params,
            "labels": list(LABELS),
            "version": __version__,
            "card": model.card,
            **own,
        }
        write_json(temporary / "model.json", meta)
        write_json(temporary / "actors.json", {"actors": model.registry.to_json() if model.registry else None})
        write_text(temporary / CARD, card.text(model))
        entries = {
            path.relative_to(temporary).as_posix(): {"sha256": sha256(path), "bytes": path.stat().st_size}
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        write_json(temporary / MANIFEST, {"format": FORMAT, "files": entries})
        temporary.chmod(0o755)
        for path in (*temporary.rglob("*"), temporary):  # the checkpoints that it was made from go next
            to_disk(path)
        temporary.replace(folder)
        to_disk(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def folder_of(path: str | Path) -> Path:
    """Return the model's folder: the one given, or the one in a run's folder.

    Raises:
        InputError: if there is no such folder.

    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run or model folder.")
    return folder if (folder / MANIFEST).exists() else folder / "model"


def origins(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what a card says about the models that a model learns from, and those that they learned from.

    Args:
        params: of the model; those of `ORIGINS` name runs or saved models.

    Returns:
        For each, nearest first: `how` (the parameter), `kind`, `sha256` of its manifest, and what it was trained on:
        `corpus` (its name, or several), `fingerprint`, `eval_split`, `seed`, `tenth` (whether the tenth that models
        are tuned on depended on the corpus or the seed). What a card does not say is "unknown".

    Raises:
        InputError: if there is no such model, or it is not as it was saved.

    """
    found = []
    for how in ORIGINS:
        if params.get(how) is None:
            continue
        folder = folder_of(params[how])
        meta = verify(folder)
        card = meta["card"] if isinstance(meta.get("card"), dict) else {}
        before = card.get("origins")
        told = {"kind": meta.get("kind"), "sha256": sha256(folder / MANIFEST), **card}
        told["corpus"] = ", ".join(names_of(card.get("corpus"))) or "unknown"
        rows = [{**told, "how": how}, *(before if isinstance(before, list) else [])]
        keys = ("how", "kind", "sha256", "corpus", "fingerprint", "eval_split", "seed", "tenth")
        found += [{key: str(row.get(key, "unknown")) for key in keys} for row in rows if isinstance(row, dict)]
    return found


def verify(folder: Path) -> dict[str, Any]:
    """Check a model's folder against its manifest, and return its model.json.

    Raises:
        InputError: if the folder is not a model, is not complete, has been changed, or has another format.

    """
    if not (folder / MANIFEST).is_file() or (folder / MANIFEST).is_symlink():
        raise InputError(f"{folder}: no complete model here: it has no {MANIFEST}, which is written last.")
    manifest = read_json(folder / MANIFEST)
    entries = manifest.get("files")
    if manifest.get("format") != FORMAT:
        raise InputError(f"{folder / MANIFEST}: format {manifest.get('format')!r}, this version reads {FORMAT}.")
    if not isinstance(entries, dict) or not {"model.json", "actors.json"} <= set(entries):
        raise InputError(f"{folder / MANIFEST}: no list of the model's files. Copy the model again.")
    found = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]  # a link may lead anywhere
    present = {path.relative_to(folder).as_posix() for path in found} - {MANIFEST}
    if present != set(entries):
        missing, extra = sorted(set(entries) - present), sorted(present - set(entries))
        raise InputError(f"{folder}: the model is not as it was saved: missing {missing}, not in its manifest {extra}.")
    for name, entry in entries.items():
        path, known = folder / name, entry if isinstance(entry, dict) else {}
        whole = path.is_file() and not path.is_symlink() and path.stat().st_size == known.get("bytes")
        if not whole or sha256(path) != known.get("sha256"):
            raise InputError(
                f"{folder / name}: not the file that was saved (its SHA-256 differs). Copy the model again."
            )
    meta = read_json(folder / "model.json")
    if meta.get("labels") != list(LABELS):
        raise InputError(f"{folder}: its labels are {meta.get('labels')!r}, this version reads {list(LABELS)}.")
    return meta


def registry_of(folder: Path) -> Registry | None:
    """Return the registry in a model's folder, None if it was saved without one."""
    aliases = read_json(folder / "actors.json").get("actors")
    if aliases is None:
        return None
    try:
        return Registry(aliases)
    except (InputError, AttributeError) as error:
        raise InputError(f"{folder / 'actors.json'}: {error}") from error
