"""Saved models on the Hugging Face hub: a repository with the card as its README and the model's folder as `model/`."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from platformdirs import user_cache_path

from actorstance.errors import InputError
from actorstance.models import bundle

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w./-]*))?")


def fetch(address: str) -> Path:
    """Return the folder of a model on the hub, `hf://owner/name` or `hf://owner/name@revision`, fetched if need be.

    Only the model's own folder is taken; `models.load` checks it like any other.

    Raises:
        InputError: if that is not an address, or the hub does not have it or cannot be reached.

    """
    found = _ADDRESS.fullmatch(address)
    if not found:
        raise InputError(f"{address}: no address on the hub. Write hf://owner/name or hf://owner/name@revision.")
    repo, revision = found[1], found[2]
    try:
        # Not the hub's own cache, whose files are links, which a model's folder must not hold; and one folder per
        # commit, since a download does not remove extra files of an earlier model.
        commit = str(HfApi().model_info(repo, revision=revision).sha)
        folder: Path = user_cache_path("actorstance") / "hub" / repo / commit
        snapshot_download(repo, revision=commit, allow_patterns=["model/**"], local_dir=folder)
    except Exception as error:  # of the hub, of the disk, or of whichever library carries its requests
        raise InputError(f"{address}: {' '.join(str(error).split())[:300]}") from error
    return folder


def push(path: str | Path, repo: str, *, private: bool = True, token: str | None = None) -> str:
    """Put a saved model on the hub; `load("hf://owner/name")` opens it from there.

    Args:
        path: a run's folder, or the model's folder in it.
        repo: owner/name; it is created if it does not exist.
        private: whether a repository that is created can be seen by its owner only.
        token: for the hub; None: the one that `hf auth login` keeps.

    Returns:
        The address that `load` takes.

    Raises:
        InputError: if there is no complete model, or the hub refuses.

    """
    folder = bundle.folder_of(path)
    bundle.verify(folder)
    try:
        api = HfApi(token=token)
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder, path_in_repo="model", delete_patterns="*")
        if (card := folder / bundle.CARD).exists():
            api.upload_file(repo_id=repo, path_or_fileobj=card, path_in_repo="README.md")
    except Exception as error:  # as in fetch
        raise InputError(f"{SCHEME}{repo}: {' '.join(str(error).split())[:300]}") from error
    return f"{SCHEME}{repo}"
