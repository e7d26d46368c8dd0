"""What a config names, and what is said where it names what is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

import actorstance.models
from actorstance import pipeline
from actorstance.archives import cluster
from actorstance.commands import configured
from actorstance.commands.command import Invocation
from actorstance.errors import InputError


def _without(monkeypatch: pytest.MonkeyPatch, package: str, module: str) -> None:
    """As if the package were not installed, and our module that imports it not imported yet."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"actorstance.models.{module}", raising=False)
    monkeypatch.delattr(actorstance.models, module, raising=False)


def test_a_model_whose_extra_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "torch", "transformer")
    config = OmegaConf.create({"_target_": "actorstance.models.transformer.TransformerModel"})
    with pytest.raises(InputError, match=r"^this model needs torch: pip install 'actorstance\[transformer\]'\.$"):
        configured.model_of(config)


@pytest.mark.parametrize("target", ["nowhere.Model", "actorstance.models.nowhere.Model"])
def test_a_class_that_is_nowhere_is_no_missing_extra(target: str) -> None:
    with pytest.raises(InputError, match=r"Error loading .*nowhere"):
        configured.model_of(OmegaConf.create({"_target_": target}))


def test_an_export_without_its_extras_names_all_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without(monkeypatch, "onnxruntime", "exporting")
    transformer: Any = SimpleNamespace(kind="transformer")
    with pytest.raises(InputError, match=r"onnxruntime: pip install 'actorstance\[transformer,onnx,export\]'"):
        pipeline.export(transformer, transformer, tmp_path / "out")


def test_a_cluster_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    unread: Any = None
    with pytest.raises(InputError, match=r"pip install 'actorstance\[ray\]'"):
        next(cluster.cluster(unread, unread, []))


def test_what_reaches_out_is_not_taken_from_the_folder_of_an_interrupted_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".hydra").mkdir()
    saved = ["run=a", "input=b", "engine=ray", "engine.address='ray://x:1'", "++actors.ner=c", "model.tensorboard=d"]
    (tmp_path / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(saved), encoding="utf-8")
    call = Invocation(["python scripts/predict.py", f"resume={tmp_path}"], [f"resume={tmp_path}", "engine=local"])
    call.put_resumed_before()
    assert call.arguments[:4] == ["run=a", "input=b", f"resume={tmp_path}", "engine=local"]
    assert call.typed == "python scripts/predict.py run=a input=b"
    assert all(one in caplog.text for one in saved[2:])
    assert "Type them again if they are yours" in caplog.text
    (tmp_path / ".hydra" / "overrides.yaml").write_text("[" * 20_000, encoding="utf-8")
    with pytest.raises(InputError, match="no run to go on with"):
        call.put_resumed_before()


def test_nothing_is_resumed_without_a_folder() -> None:
    call = Invocation(["python scripts/predict.py"], ["resume=null", "run=a"])
    call.put_resumed_before()
    assert call.arguments == ["resume=null", "run=a"]
