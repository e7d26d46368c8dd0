"""A transformer exported to ONNX: as good, without torch, and nothing in its folder that could do more than compute."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import actorstance
from actorstance import corpora, pipeline
from actorstance.errors import InputError
from actorstance.evaluation import conformal
from actorstance.examples import labels
from actorstance.models import exporting
from actorstance.models import onnx as onnx_model
from actorstance.models.linear import LinearModel
from actorstance.models.onnx import OnnxModel
from actorstance.models.transformer import TransformerModel

WITHOUT_TORCH = """
import importlib.machinery, sys

class Hiding(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in ("torch", "transformers") else super().find_spec(name, path, target)

sys.meta_path = [Hiding if one is importlib.machinery.PathFinder else one for one in sys.meta_path]
import numpy as np
from datasets import Dataset
import actorstance

examples = Dataset.from_parquet(sys.argv[2], cache_dir=sys.argv[4])
np.save(sys.argv[3], actorstance.load(sys.argv[1]).predict_proba(examples))
assert not {"torch", "transformers"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def corpus() -> corpora.Corpus:
    """A few articles of the newsroom."""
    whole = corpora.load("newsroom")
    documents, splits = (np.asarray(whole.examples[name][:]) for name in ("document_id", "split"))
    chosen = [
        name for split in ("train", "valid", "test") for name in list(dict.fromkeys(documents[splits == split]))[:2]
    ]
    return replace(whole, examples=whole.examples.select(np.flatnonzero(np.isin(documents, chosen))))


@pytest.fixture(scope="module")
def model(corpus: corpora.Corpus, tiny_encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    run = tmp_path_factory.mktemp("transformer") / "run"
    pipeline.train(corpus, TransformerModel(encoder=tiny_encoder, epochs=2, head_lr=3e-3, max_length=64), run)
    return actorstance.load(run)


@pytest.fixture(scope="module")
def exported(model: Any, corpus: corpora.Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export in 8 bits; a model that has learnt little may lose more than one that is used."""
    out = tmp_path_factory.mktemp("export") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "MAX_LOSS", 1.0)
        pipeline.export(model, corpus, out, precision="int8")
    return out


def test_an_export_answers_as_the_model_does(model: Any, corpus: corpora.Corpus, exported: Path) -> None:
    back = actorstance.load(exported)
    assert (back.kind, back.params["precision"]) == ("onnx", "int8")
    lost = json.loads((exported / "model" / "model.json").read_text(encoding="utf-8"))["card"]["export"]
    held = corpus.examples.select(np.flatnonzero(np.asarray(corpus.examples["split"][:]) == "test"))
    before, after = model.predict_proba(held), back.predict_proba(held)
    assert lost["of"] == model.sha256
    assert lost["n"] == len(held)
    assert lost["largest_difference"] == pytest.approx(np.abs(after - before).max(), abs=1e-6)
    assert 0 < lost["largest_difference"] < 0.2  # 8 bits tell, and not much
    assert lost["changed"] == (after.argmax(axis=1) != before.argmax(axis=1)).sum()
    assert "int8" in (exported / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_8_bits_leave_the_answers_as_they_are(
    model: Any, corpus: corpora.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every product of weights is in 8 bits, unless that moves the answers: then fewer are, and they move less."""
    few = corpus.examples.select(range(200))
    exact = exporting.to_onnx(model, "bf16", few).predict_proba(few)

    def moved() -> tuple[int, float]:
        made = exporting.to_onnx(model, "int8", few)
        graph = onnx.load_model_from_string(made.graphs_[0]).graph
        constants = {tensor.name for tensor in graph.initializer}
        weights = sum(node.op_type == "DequantizeLinear" and node.input[0] in constants for node in graph.node)
        out_of_products = {node.output[0] for node in graph.node if node.op_type == "MatMul"}
        rounded = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
        assert rounded
        assert not rounded & out_of_products
        return weights, float(np.abs(made.predict_proba(few) - exact).sum(axis=1).mean() / 2)

    all_of_them, blur = moved()
    layers = model.networks_[0].encoder.config.num_hidden_layers
    assert all_of_them == 6 * layers  # query, key, value, output, and two of the feed-forward part
    assert 0 < blur <= exporting.BLUR
    monkeypatch.setattr(exporting, "BLUR", blur / 2)
    some, less = moved()
    assert 0 < some < all_of_them
    assert less < blur
    monkeypatch.setattr(exporting, "BLUR", -1.0)
    with pytest.raises(InputError, match=r"^precision=int8: 8 bits move .* 0\.\d{3} .* at most -1.*Try precision=bf16"):
        exporting.to_onnx(model, "int8", few)


def test_an_export_keeps_the_contract(corpus: corpora.Corpus, exported: Path, tmp_path: Path) -> None:
    back = actorstance.load(exported)
    few = corpus.examples.select(range(40))
    found = back.predict_proba(few)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert back.predict_proba(few.select([])).shape == (0, 3)
    order = np.random.default_rng(0).permutation(len(few))
    np.testing.assert_allclose(back.predict_proba(few.select(order)), found[order], rtol=0, atol=1e-5)
    assert len(back.explain(few.select([0]))[0]) == 5
    back.save(tmp_path / "copy")
    again = actorstance.load(tmp_path / "copy")
    assert np.array_equal(again.predict_proba(few), found)
    assert (again.params, again.card) == (back.params, back.card)
    assert again.registry is not None
    with pytest.raises(InputError, match="cannot be trained"):
        back.fit(few, few)


def test_an_export_predicts_without_torch(corpus: corpora.Corpus, exported: Path, tmp_path: Path) -> None:
    few = corpus.examples.select(range(40))
    few.to_parquet(str(tmp_path / "rows.parquet"))
    paths = [str(exported), *(str(tmp_path / name) for name in ("rows.parquet", "found.npy", "cache"))]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(paths[2]), actorstance.load(exported).predict_proba(few), rtol=0, atol=1e-6)


def test_several_networks_in_full_precision(tiny_encoder: str, corpus: corpora.Corpus, tmp_path: Path) -> None:
    few = corpus.examples.select(range(60))
    model = TransformerModel(encoder=tiny_encoder, epochs=1, seeds=2, average="probabilities", max_length=64).fit(
        few, few
    )
    made = exporting.to_onnx(model, "fp32", few)
    made.save(tmp_path / "model")
    found = actorstance.load(tmp_path / "model").predict_proba(few)
    np.testing.assert_allclose(found, model.predict_proba(few), rtol=0, atol=2e-2)  # which is in bfloat16


def test_an_export_of_a_cross_validated_run_keeps_its_sets(
    corpus: corpora.Corpus, tiny_encoder: str, tmp_path: Path
) -> None:
    """The saved model has seen every row: on them it would be surer than it may be of any other."""
    folded = replace(corpus, folds=2)
    settings: dict[str, Any] = {"encoder": tiny_encoder, "epochs": 2, "head_lr": 3e-3, "max_length": 64}
    pipeline.train(folded, TransformerModel(**settings), tmp_path / "run")
    model = actorstance.load(tmp_path / "run")
    lost = pipeline.export(model, folded, tmp_path / "export", precision="fp32")
    back = actorstance.load(tmp_path / "export")
    gold, seen = labels(folded.examples), back.predict_proba(folded.examples)
    assert (lost["n"], back.card["export"]) == (len(folded.examples), lost)
    assert back.card["conformal"] == model.card["conformal"] != conformal.calibrate(gold, seen)


def test_an_export_that_loses_too_much_is_refused(
    model: Any, corpus: corpora.Corpus, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse: Any = actorstance.load(exported)
    held = worse.predict_proba

    def other_way(examples: Any) -> Any:
        return np.roll(held(examples), 1, axis=1)

    monkeypatch.setattr(worse, "predict_proba", other_way)
    monkeypatch.setattr(exporting, "to_onnx", lambda *_: worse)
    with pytest.raises(InputError, match=r"^precision=int8 loses \d+\.\d\d points of macro-F1 .*Try precision=bf16"):
        pipeline.export(model, corpus, tmp_path / "out", precision="int8")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_exported(model: Any, corpus: corpora.Corpus, exported: Path, tmp_path: Path) -> None:
    for other in (LinearModel(), actorstance.load(exported)):
        with pytest.raises(InputError, match=f"kind {other.kind} cannot be exported"):
            pipeline.export(other, corpus, tmp_path / "out")
    with pytest.raises(InputError, match=r"^precision='int4': expected int8, bf16, fp32"):
        pipeline.export(model, corpus, tmp_path / "out", precision="int4")


# --- folders that a stranger made


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


def endless(model: onnx.ModelProto) -> None:
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["x"], body=body))


def hidden(model: onnx.ModelProto) -> None:
    value = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL, name="hidden")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["x"], value=value))


def foreign(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.other"


def renamed(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "words"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (external, "are in another file"),
        (hidden, "'hidden' are in another file"),
        (endless, "Loop with a graph of its own"),
        (foreign, "not of the ONNX standard"),
        (renamed, "inputs .*'words'.* expected input_ids"),
    ],
)
def test_graphs_that_no_export_made(
    exported: Path, tmp_path: Path, change: Callable[[onnx.ModelProto], None], says: str
) -> None:
    graph = onnx.load(exported / "model" / "model.onnx")
    change(graph)
    changed(exported, tmp_path, "model.onnx", graph.SerializeToString())
    with pytest.raises(InputError, match=rf"model\.onnx: .*{says}"):
        actorstance.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("model.onnx", b"\xff" * 99, "no ONNX model"),
        ("tokenizer.json", b"{}", "no tokenizer"),
    ],
)
def test_files_that_are_none(exported: Path, tmp_path: Path, name: str, content: bytes, says: str) -> None:
    changed(exported, tmp_path, name, content)
    with pytest.raises(InputError, match=says):
        actorstance.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("temperature", 0.0, "temperature 0.0, expected"),
        ("seen", [False] * 3, "expected three truth values"),
        ("label_weights", [1.0, 2.0], "label weights .*, expected three numbers"),
        ("label_weights", [1.0, 0.0, 1.0], "label weight=0.0: expected a number from 1"),
        ("special_tokens", {"cls": -1}, "special token cls is -1"),
        ("params", {"precision": "int4"}, "precision='int4': expected"),
        ("params", {"networks": True}, "networks=True: expected a whole number from 1 to 20"),
    ],
)
def test_a_model_json_that_does_not_fit(exported: Path, tmp_path: Path, key: str, value: Any, says: str) -> None:
    meta = json.loads((exported / "model" / "model.json").read_text(encoding="utf-8"))
    meta[key] = {**meta[key], **value} if isinstance(value, dict) else value
    changed(exported, tmp_path, "model.json", json.dumps(meta).encode())
    with pytest.raises(InputError, match=says):
        actorstance.load(tmp_path / "run")


def test_a_graph_that_was_changed_or_is_too_large(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(exported, tmp_path / "run")
    monkeypatch.setattr(onnx_model, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"model\.onnx: more than 1,000 bytes"):
        actorstance.load(tmp_path / "run")
    path = tmp_path / "run" / "model" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match=r"SHA-256 differs"):
        actorstance.load(tmp_path / "run")


def changed(exported: Path, place: Path, name: str, content: bytes) -> None:
    """Copy an export with a file changed, and its manifest so that all hashes are right."""
    shutil.copytree(exported, place / "run")
    folder = place / "run" / "model"
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_settings() -> None:
    good = {"precision": "int8", "networks": 1, "encoder": "bundled", "max_length": 64, "context": False}
    for key, value in {"precision": "int4", "networks": 0, "max_length": True, "context": "no"}.items():
        with pytest.raises(InputError, match=f"^{key}="):
            OnnxModel(**{**good, key: value})  # type: ignore[arg-type]
