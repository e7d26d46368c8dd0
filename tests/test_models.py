"""The contract of every kind of model, and the temperature. A new kind is one entry in KINDS."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from actorstance.actors import Registry
from actorstance.errors import InputError
from actorstance.examples import AUTHOR, LABELS, UNKNOWN, dataset
from actorstance.models import Model, load
from actorstance.models.calibration import fit_temperature, with_temperature
from actorstance.models.linear import LinearModel
from actorstance.models.transformer import TransformerModel
from actorstance.scoring import macro_f1


class Kind(NamedTuple):
    """A kind of model: how an unfitted one is made for a tiny corpus, and values that it must refuse.

    `noise` is what a probability may move with its neighbours in a batch; `refits` how often determinism is tried.
    """

    make: Callable[..., Model]
    settings: dict[str, Any]
    bad: dict[str, list[Any]]
    noise: float
    refits: int


COUNTS = [0, -1, 1.5, True, "2", None]
KINDS = {
    "linear": Kind(
        LinearModel,
        {"min_df": 1},
        {"C": [0, -1, float("nan"), float("inf"), True, "1", None, 10**400], "min_df": COUNTS, "max_iter": COUNTS},
        noise=1e-12,
        refits=12,
    ),
    "transformer": Kind(
        TransformerModel,
        {"epochs": 12, "patience": 12, "lr": 3e-3, "head_lr": 3e-3, "dropout": 0.0, "batch_size": 16},
        {
            **dict.fromkeys(("epochs", "patience", "batch_size", "max_length"), COUNTS),
            **{name: [0, -1, float("nan"), True, "1", None] for name in ("lr", "head_lr")},
            "dropout": [-0.1, 1, "0"],
            "balance": [-1, 2, None],
            "encoder": ["", None, 3],
            "average": ["both", 3],
        },
        noise=1e-5,
        refits=1,
    ),
}
VERBS = {"blamed": 0, "accused": 0, "thanked": 2, "praised": 2, "met": 1, "phoned": 1}
NAMES = ("Ana", "Bo", "Cleo", "Dov", "Esra", "Finn")
CHILD = """
import socket, sys

class Refused(socket.socket):
    def __init__(self, *args, **kwargs):
        raise OSError("this process has no network")

socket.socket = Refused
import numpy as np
from datasets import Dataset
import actorstance

examples = Dataset.from_parquet(sys.argv[2], cache_dir=sys.argv[4])
np.save(sys.argv[3], actorstance.load(sys.argv[1]).predict_proba(examples))
"""


def row(text: str, source: str, target: str, label: int | None = None, **spans: int) -> dict[str, Any]:
    found: dict[str, Any] = {"text": text, "source": source, "target": target, "label": label}
    for role, name in (("source", source), ("target", target)):
        if (start := text.find(name)) >= 0:
            found |= {f"{role}_start": start, f"{role}_end": start + len(name)}
    return found | spans


def make(*rows: dict[str, Any]) -> Dataset:
    ids = ({"example_id": f"e{n}", "document_id": f"d{n // 2}", "group_id": f"g{n // 2}"} for n in range(len(rows)))
    return dataset((f"row {n}", {**given, **id}) for n, (given, id) in enumerate(zip(rows, ids, strict=True)))


def both(text: str, source: str, target: str, label: int) -> list[dict[str, Any]]:
    """A sentence from both sides: who did nothing is neutral."""
    return [row(text, source, target, label), row(text, target, source, 1)]


def corpus(verbs: dict[str, int] = VERBS) -> list[dict[str, Any]]:
    found = []
    for a in NAMES:
        for b in set(NAMES) - {a}:
            for verb, label in verbs.items():
                found += both(f"{a} {verb} {b}.", a, b, label) + both(f"{b} was {verb} by {a}.", a, b, label)
    return sorted(found, key=str)[:: len(found) // 240 or 1]


SWAPPED = [
    *both("Quill blamed Roper.", "Quill", "Roper", 0),
    *both("Quill was blamed by Roper.", "Roper", "Quill", 0),
    *both("Quill praised Roper.", "Quill", "Roper", 2),
    *both("Quill was praised by Roper.", "Roper", "Quill", 2),
]
BOARD = "The Harbour Council Board blamed Quill."
ODD = [
    row("Roper is to blame for it.", AUTHOR, "Roper"),
    row("Roper was blamed for it.", UNKNOWN, "Roper"),
    row("They blamed him.", "Quill", "Roper"),
    row("Quill blamed him.", "Quill", "Roper"),
    row("They blamed Roper.", "Quill", "Roper"),
    row(BOARD, "council", "board", source_start=4, source_end=19, target_start=4, target_end=25),
    row(BOARD, "council", "board", source_start=4, source_end=25, target_start=12, target_end=19),
    row(BOARD, "council", "board", source_start=4, source_end=19, target_start=12, target_end=25),
    row(BOARD, "council", "board", source_start=4, source_end=25, target_start=4, target_end=25),
    row("?!", AUTHOR, "Roper"),
    row("Quill", "Quill", "Roper"),
]
TRAIN, HELD_OUT = make(*corpus()), make(*SWAPPED, *ODD)


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found = KINDS[request.param]
    if found.make is not TransformerModel:
        return found
    encoder = request.getfixturevalue("tiny_encoder")
    return found._replace(settings={**found.settings, "encoder": encoder})


@pytest.fixture(scope="module")
def fitted(kind: Kind) -> Model:
    model = kind.make(**kind.settings).fit(TRAIN, TRAIN)
    model.registry, model.card = Registry({"quill": ["Quill"]}), {"corpus": {"name": "invented"}, "seed": 3}
    return model


def test_fitted_again_it_forgets_what_it_learned_before(kind: Kind) -> None:
    turned = TRAIN.map(lambda label: {"label": 2 - label}, input_columns="label", features=TRAIN.features)
    model = kind.make(**kind.settings).fit(TRAIN, TRAIN)
    before = model.predict_proba(HELD_OUT)
    again = model.fit(turned, turned).predict_proba(HELD_OUT)
    assert not np.allclose(again, before)
    np.testing.assert_allclose(again, kind.make(**kind.settings).fit(turned, turned).predict_proba(HELD_OUT), atol=1e-9)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_probabilities(fitted: Model) -> None:
    found = fitted.predict_proba(HELD_OUT)
    assert found.shape == (len(HELD_OUT), 3)
    assert found.dtype == np.float64
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert fitted.predict_proba(HELD_OUT.select([])).shape == (0, 3)


def test_direction(fitted: Model) -> None:
    found = fitted.predict_proba(HELD_OUT).argmax(axis=1)[: len(SWAPPED)]
    assert found.tolist() == [one["label"] for one in SWAPPED]


def test_order_of_rows(kind: Kind, fitted: Model) -> None:
    order = np.random.default_rng(0).permutation(len(HELD_OUT))
    shuffled = fitted.predict_proba(HELD_OUT.select(order))
    np.testing.assert_allclose(shuffled, fitted.predict_proba(HELD_OUT)[order], rtol=0, atol=kind.noise)
    alone = fitted.predict_proba(HELD_OUT.select([3]))
    np.testing.assert_allclose(alone, fitted.predict_proba(HELD_OUT)[[3]], rtol=0, atol=kind.noise)


def test_fit_is_deterministic(kind: Kind, fitted: Model) -> None:
    for _ in range(kind.refits):  # what differs by chance does not always
        again = kind.make(**fitted.params).fit(TRAIN, TRAIN)
        assert np.array_equal(again.predict_proba(HELD_OUT), fitted.predict_proba(HELD_OUT))


def test_saved_model_in_a_new_process_without_network(tmp_path: Path, fitted: Model) -> None:
    fitted.save(tmp_path / "model")
    HELD_OUT.to_parquet(tmp_path / "rows.parquet")
    paths = [str(tmp_path / name) for name in ("model", "rows.parquet", "found.npy", "cache")]
    # One thread, as the tiny encoder has here: with several, sums are added in another order on some processors.
    environment = {**os.environ, "HF_DATASETS_CACHE": paths[-1], "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, *paths]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(paths[2]), fitted.predict_proba(HELD_OUT), rtol=0, atol=1e-12)


def test_saved_folder(tmp_path: Path, fitted: Model) -> None:
    fitted.save(tmp_path / "model")
    files = content(tmp_path / "model")
    assert {"model.json", "actors.json", "manifest.json"} < set(files)
    for name, data in files.items():
        assert Path(name).suffix not in {".pkl", ".pickle", ".joblib", ".bin", ".pt", ".py"}
        assert not re.match(rb"\x80[\x02-\x05]", data), f"{name} is a pickle"
        assert b"_target_" not in data
    back = load(tmp_path / "model")
    assert (back.kind, back.params, back.card) == (fitted.kind, fitted.params, fitted.card)
    assert fitted.registry is not None
    assert back.registry is not None
    assert back.registry.to_json() == fitted.registry.to_json() == {"quill": ["Quill"]}
    meta = json.loads(files["model.json"])
    assert {"labels", "version", "card", "params"} < set(meta)
    assert meta["labels"] == list(LABELS)


def test_save_overwrites_nothing(tmp_path: Path, fitted: Model) -> None:
    fitted.save(tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(InputError, match="exists already"):
        fitted.save(tmp_path / "model")
    assert content(tmp_path) == before


@pytest.mark.parametrize("value", [object(), float("nan")])
def test_save_that_fails_leaves_nothing(tmp_path: Path, kind: Kind, value: Any) -> None:
    model = kind.make(**kind.settings).fit(TRAIN, TRAIN)
    model.card = {"metrics": value}  # cannot be written to model.json
    with pytest.raises((TypeError, ValueError)):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tuned_on", [{"blamed": 0, "met": 1}, {"blamed": 1, "met": 0}, VERBS])
def test_a_label_that_training_lacks_has_probability_0(kind: Kind, tuned_on: dict[str, int]) -> None:
    train, tune = make(*corpus({"blamed": 0, "met": 1})), make(*corpus(tuned_on))
    found = kind.make(**kind.settings).fit(train, tune).predict_proba(HELD_OUT)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found[:, 2].max() <= 1e-9
    assert set(found.argmax(axis=1)) == {0, 1}


def test_training_that_cannot_work(kind: Kind) -> None:
    model = kind.make(**kind.settings)
    with pytest.raises(InputError, match="favor"):
        model.fit(make(*({**one, "label": 2} for one in SWAPPED)), TRAIN)
    with pytest.raises(InputError, match="no label"):
        model.fit(HELD_OUT, TRAIN)


def test_a_model_that_has_learned_nothing_says_so(tmp_path: Path, kind: Kind) -> None:
    model = kind.make(**kind.settings)
    for asked in (
        lambda: model.predict_proba(HELD_OUT),
        lambda: model.explain(HELD_OUT),
        lambda: model.save(tmp_path / "model"),
    ):
        with pytest.raises(InputError, match="not fitted"):
            asked()
    assert list(tmp_path.iterdir()) == []


def test_explain(fitted: Model) -> None:
    found = fitted.explain(HELD_OUT)
    assert len(found) == len(HELD_OUT)
    assert max(map(len, fitted.explain(HELD_OUT, top=2))) == 2
    for at, word in ((0, "blame"), (4, "prais")):
        assert any(word in name and push > 0 for name, push in found[at]), found[at]
    assert fitted.explain(HELD_OUT.select([])) == []


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [(name, key, value) for name, kind in KINDS.items() for key, values in kind.bad.items() for value in values],
    ids=lambda value: str(value)[:9],
)
def test_bad_settings(name: str, setting: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^model\.{setting}="):
        KINDS[name].make(**{setting: value})


# --- linear alone


def test_linear_temperature_only_softens() -> None:
    noisy = make(*({**one, "label": (one["label"] + (n % 3 == 0)) % 3} for n, one in enumerate(corpus())))
    plain = LinearModel(min_df=1).fit(TRAIN, TRAIN.select([])).predict_proba(HELD_OUT)
    soft = LinearModel(min_df=1).fit(TRAIN, noisy).predict_proba(HELD_OUT)
    assert np.array_equal(plain.argmax(axis=1), soft.argmax(axis=1))
    assert (soft.max(axis=1) < plain.max(axis=1)).all()


def test_linear_says_when_its_iterations_do_not_do() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as where warnings are no errors
        with pytest.raises(InputError, match="max_iter"):
            LinearModel(C=1e6, min_df=1, max_iter=1).fit(TRAIN, TRAIN)


# --- transformer alone


def test_transformer_gives_the_shares_of_the_corpus_however_its_loss_weighs_labels(tiny_encoder: str) -> None:
    counts = [12, 80, 4]
    same = make(*(row("Ana met Bo.", "Ana", "Bo", label) for label, count in enumerate(counts) for _ in range(count)))
    for balance in (0.0, 1.0):
        model = TransformerModel(tiny_encoder, epochs=15, lr=1e-3, head_lr=1e-2, dropout=0.0, balance=balance)
        found = model.fit(same, same.select([])).predict_proba(same.select([0]))
        np.testing.assert_allclose(found[0], np.array(counts) / sum(counts), atol=0.06)


def test_transformer_chooses_the_epoch_by_what_it_then_answers(tiny_encoder: str) -> None:
    same = make(*(row("Ana met Bo.", "Ana", "Bo", label) for label in [0] * 12 + [1] * 80 + [2] * 4))
    model = TransformerModel(tiny_encoder, epochs=6, patience=6, lr=1e-3, head_lr=1e-2, dropout=0.0, balance=1.0)
    answers = model.fit(same, same).predict_proba(same).argmax(axis=1)
    scores = [line["eval_macro_f1"] for line in model.log if "eval_macro_f1" in line]
    # As the loss weighs them the three labels are alike, and which is answered changes from epoch to epoch.
    assert scores == pytest.approx([macro_f1(np.array(same["label"][:]), answers)] * 6)


# --- calibration


CHANCE = st.floats(0, 1, allow_subnormal=False)
ROWS = st.lists(st.tuples(CHANCE, CHANCE, CHANCE).filter(lambda row: sum(row) > 0.01), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=ROWS, temperature=st.floats(0.2, 5))
def test_with_temperature(rows: list[tuple[float, float, float]], temperature: float) -> None:
    before = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    after = with_temperature(before, temperature)
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(after[range(len(rows)), before.argmax(axis=1)], after.max(axis=1))  # ties may be
    np.testing.assert_allclose(with_temperature(before, 1), before, rtol=0, atol=1e-11)
    clear = np.sort(before)[:, 2] - np.sort(before)[:, 1] > 1e-9
    assert np.array_equal(after.argmax(axis=1)[clear], before.argmax(axis=1)[clear])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_fit_temperature_recovers_it(temperature: float) -> None:
    rng = np.random.default_rng(1)
    honest: NDArray[np.float64] = rng.dirichlet([1, 1, 1], size=4000)
    gold = (rng.random((4000, 1)) > honest.cumsum(axis=1)).sum(axis=1)
    told = honest**temperature / (honest**temperature).sum(axis=1, keepdims=True)
    assert fit_temperature(told, gold) == pytest.approx(temperature, rel=0.1)


def _damaged(folder: Path, change: dict[str, Any], temperature: float | None = None) -> None:
    """Change the weights of a saved linear model, and its manifest so that all hashes are right."""
    arrays = load_file(folder / "weights.safetensors") | change
    save_file(arrays, folder / "weights.safetensors")
    if temperature is not None:
        meta = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        (folder / "model.json").write_text(json.dumps(meta | {"temperature": temperature}), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in manifest["files"]:
        content = (folder / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("damage", ["nan", "type", "order", "cold", "negative", "nothing", "silent"])
def test_weights_that_no_training_made_are_refused(tmp_path: Path, damage: str) -> None:
    model = LinearModel(min_df=1).fit(make(*corpus()), make(*corpus()))
    model.save(tmp_path / "model")
    changes: dict[str, dict[str, Any]] = {
        "nan": {"coef": np.full_like(model.coef_, np.nan)},
        "type": {"ids": model.ids_.astype(np.int64)},
        "order": {"ids": model.ids_[::-1].copy()},
        "nothing": {"ids": model.ids_[:0], "idf": model.idf_[:0], "coef": np.ascontiguousarray(model.coef_[:, :0])},
        "silent": {"intercept": np.full(3, -np.inf)},
    }
    _damaged(tmp_path / "model", changes.get(damage, {}), {"cold": 0.0, "negative": -1.0}.get(damage))
    with pytest.raises(InputError, match="weights of shape"):
        load(tmp_path / "model")


def test_weights_that_give_no_numbers_are_said(tmp_path: Path) -> None:
    model = LinearModel(min_df=1).fit(make(*corpus()), make(*corpus()))
    model.intercept_ = np.full(3, -1000.0)
    with pytest.raises(InputError, match="probabilities that are not numbers"):
        model.predict_proba(make(*corpus()))


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    LinearModel(min_df=1).fit(make(*corpus()), make(*corpus())).save(tmp_path / "model")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "model" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"not in its manifest \['more'\]"):
        load(tmp_path / "model")


def test_a_link_in_the_folder_is_refused(tmp_path: Path) -> None:
    LinearModel(min_df=1).fit(make(*corpus()), make(*corpus())).save(tmp_path / "model")
    weights = tmp_path / "model" / "weights.safetensors"
    weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"not the file that was saved"):
        load(tmp_path / "model")
