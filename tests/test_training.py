"""Fine-tuning: interrupted anywhere it ends with the same weights; two processes train one model; failures are said."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, Trainer

import actorstance
from actorstance import corpora, pipeline
from actorstance.errors import InputError
from actorstance.examples import dataset
from actorstance.files import read_json_lines, to_disk
from actorstance.models import checkpoints, training
from actorstance.models.pair_network import PairNetwork
from actorstance.models.progress import SCORE
from actorstance.models.training import LengthBuckets, Settings
from actorstance.models.transformer import TransformerModel

TRAIN = Path(__file__).resolve().parents[1] / "scripts" / "train.py"
VERBS = {"blamed": "against", "met": "neutral", "thanked": "favor"}
NAMES = ("Ana", "Bo", "Cleo", "Dov")
STEPS, EPOCHS = 3, 2  # 24 sentences in batches of 8
CPU_FULL = (
    "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
)


def rows() -> list[dict[str, Any]]:
    """24 sentences with both directions of a pair, some longer than others; in groups of two."""
    found = []
    for at in range(24):
        a, b, verb = NAMES[at % 4], NAMES[(at + 1 + at // 4 % 3) % 4], list(VERBS)[at % 3]
        text = f"{a} {verb} {b}{' by quill' * (at % 5)} {at}."
        for source, target, label in ((a, b, VERBS[verb]), (b, a, "neutral")):
            spans = {
                f"{role}_{end}": text.index(name) + (len(name) if end == "end" else 0)
                for role, name in (("source", source), ("target", target))
                for end in ("start", "end")
            }
            ids = {"example_id": f"{at}:{source}", "document_id": f"d{at}", "group_id": f"g{at // 2}"}
            found.append({**ids, "text": text, "source": source, "target": target, "label": label, **spans})
    return found


def examples() -> Dataset:
    return dataset((f"row {number}", row) for number, row in enumerate(rows()))


def model(encoder: str, **changes: Any) -> TransformerModel:
    given = {"epochs": EPOCHS, "patience": 9, "batch_size": 8, "lr": 1e-3, "head_lr": 1e-3, "checkpoint_steps": 1}
    return TransformerModel(encoder=encoder, **{**given, "dropout": 0.3, "average": "probabilities", **changes})


def weights(fitted: TransformerModel) -> dict[str, torch.Tensor]:
    return {
        f"{at}.{name}": value for at, net in enumerate(fitted.networks_) for name, value in net.state_dict().items()
    }


def same(a: TransformerModel, b: TransformerModel) -> bool:
    first, second = weights(a), weights(b)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def unbroken(tiny_encoder: str) -> TransformerModel:
    return model(tiny_encoder, seeds=2).fit(examples(), examples())


class Stopped(BaseException):
    """What a test raises in place of a kill: nothing may catch it."""


def stopping(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """Let the trainer's method `name` stop at its `call`-th call, before it does anything."""
    before, calls = getattr(training._Trainer, name), iter(range(1, 10**6))

    def stopped(*arguments: Any, **more: Any) -> Any:
        if next(calls) == call:
            raise Stopped
        return before(*arguments, **more)

    monkeypatch.setattr(training._Trainer, name, stopped)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("training_step", 1),  # before anything is written
        ("training_step", 3),  # within an epoch
        ("training_step", 4),  # after an epoch
        ("evaluate", 1),  # after an epoch's last step, before its score
        ("_save_checkpoint", 3),  # after the score, before the checkpoint
        ("training_step", 9),  # in the second network
        ("_save_checkpoint", 12),  # the last thing that training does
    ],
)
def test_a_stopped_fit_goes_on_to_the_same_weights(
    tmp_path: Path, tiny_encoder: str, unbroken: TransformerModel, method: str, call: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, method, call)
        with pytest.raises(Stopped):
            model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path)
    again = model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path)
    assert same(again, unbroken)
    assert again.temperature_ == unbroken.temperature_
    assert len(list((tmp_path / "seed-0").glob("checkpoint-*"))) == 2
    assert not list(tmp_path.rglob("*.tmp"))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".pt", ".pth", ".bin", ".pkl"}]


def test_a_checkpoint_an_epoch_is_enough(tmp_path: Path, tiny_encoder: str, unbroken: TransformerModel) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 5)
        with pytest.raises(Stopped):
            model(tiny_encoder, seeds=2, checkpoint_steps=100).fit(examples(), examples(), tmp_path)
    assert sorted(path.name for path in (tmp_path / "seed-0").iterdir()) == ["best.safetensors", "checkpoint-3"]
    assert same(model(tiny_encoder, seeds=2, checkpoint_steps=100).fit(examples(), examples(), tmp_path), unbroken)


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, tiny_encoder: str, unbroken: TransformerModel) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 5)
        with pytest.raises(Stopped):
            model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path)
    last = tmp_path / "seed-0" / "checkpoint-4" / "optimizer.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    (tmp_path / "seed-0" / "checkpoint-x").mkdir()
    assert same(model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path), unbroken)


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_stop_within_a_checkpoint(tmp_path: Path, tiny_encoder: str, unbroken: TransformerModel, writes: int) -> None:
    calls = iter(range(1, 10**6))

    def stopped(path: Path) -> None:
        if ".checkpoint-" in str(path) and next(calls) == 6 * 3 + writes:  # six files and a folder a checkpoint
            raise Stopped
        to_disk(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("actorstance.models.checkpoints.to_disk", stopped)
        with pytest.raises(Stopped):
            model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path)
    assert list(tmp_path.rglob("*.tmp"))
    assert same(model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path), unbroken)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_finished_fit_trains_no_more(tmp_path: Path, tiny_encoder: str, unbroken: TransformerModel) -> None:
    model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 1)
        assert same(model(tiny_encoder, seeds=2).fit(examples(), examples(), tmp_path), unbroken)


def test_the_last_weights_are_kept_where_nothing_validates(tmp_path: Path, tiny_encoder: str) -> None:
    none = examples().select([])
    whole = model(tiny_encoder).fit(examples(), none, tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 6)
        with pytest.raises(Stopped):
            model(tiny_encoder).fit(examples(), none, tmp_path / "b")
    assert same(model(tiny_encoder).fit(examples(), none, tmp_path / "b"), whole)
    assert same(model(tiny_encoder).fit(examples(), none, tmp_path / "b"), whole)
    assert whole.temperature_ == 1


def test_training_stops_when_nothing_gets_better(
    tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.7, 0.6, 0.7, 0.9])
    monkeypatch.setattr("actorstance.models.transformer.macro_f1", lambda *_: next(scores))
    seen, before = [], training._Trainer.evaluate

    def evaluate(self: Any, *arguments: Any, **more: Any) -> Any:
        seen.append(self.network.head["answer"][0].weight.detach().clone())
        return before(self, *arguments, **more)

    monkeypatch.setattr(training._Trainer, "evaluate", evaluate)
    fitted = model(tiny_encoder, epochs=5, patience=2).fit(examples(), examples(), tmp_path)
    assert [line[SCORE] for line in fitted.log if SCORE in line] == [0.5, 0.7, 0.6, 0.7]
    assert torch.equal(fitted.networks_[0].head["answer"][0].weight, seen[1])
    again = model(tiny_encoder, epochs=5, patience=2).fit(examples(), examples(), tmp_path)
    assert same(again, fitted)
    assert len(seen) == 4  # and trained no more


def test_several_seeds_are_averaged(tiny_encoder: str) -> None:
    none = examples().select([])  # no temperature
    apart = [model(tiny_encoder, seed=seed).fit(examples(), none).predict_proba(examples()) for seed in (5, 6)]
    together = model(tiny_encoder, seed=5, seeds=2).fit(examples(), none)
    np.testing.assert_allclose(together.predict_proba(examples()), (apart[0] + apart[1]) / 2, rtol=0, atol=1e-12)
    assert not np.allclose(apart[0], apart[1], atol=1e-3)


def test_several_seeds_are_saved_and_opened(tmp_path: Path, unbroken: TransformerModel) -> None:
    unbroken.save(tmp_path / "model")
    opened = actorstance.load(tmp_path / "model")
    np.testing.assert_array_equal(opened.predict_proba(examples()), unbroken.predict_proba(examples()))
    for folder in ("encoder", "network-2/encoder"):
        found = AutoModel.from_pretrained(tmp_path / "model" / folder, add_pooling_layer=False).state_dict()
        network = unbroken.networks_[folder.startswith("network-2")]
        assert all(torch.equal(value, found[name]) for name, value in network.encoder.state_dict().items())


def test_a_model_saved_before_weights_were_averaged(tmp_path: Path, unbroken: TransformerModel) -> None:
    unbroken.save(tmp_path / "model")
    meta = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    del meta["params"]["average"]
    opened = TransformerModel.read(tmp_path / "model", meta)
    np.testing.assert_array_equal(opened.predict_proba(examples()), unbroken.predict_proba(examples()))


def test_weights_of_several_seeds_are_averaged(
    tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, trained = [], []
    before = training.fine_tune

    def fine_tune(network: PairNetwork, *arguments: Any) -> Any:
        begun.append(deepcopy(network.state_dict()))
        lines = before(network, *arguments)
        trained.append(deepcopy(network.state_dict()))
        return lines

    monkeypatch.setattr("actorstance.models.transformer.fine_tune", fine_tune)
    fitted = model(tiny_encoder, seed=5, seeds=2, average="weights").fit(examples(), examples())
    assert all(torch.equal(value, begun[1][name]) for name, value in begun[0].items())
    assert not torch.equal(trained[0]["head.query.weight"], trained[1]["head.query.weight"])
    (network,) = fitted.networks_
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, (trained[0][name] + trained[1][name]) / 2)
    fitted.save(tmp_path / "model")
    assert not (tmp_path / "model" / "network-2").exists()
    opened = actorstance.load(tmp_path / "model")
    np.testing.assert_array_equal(opened.predict_proba(examples()), fitted.predict_proba(examples()))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=4, max_size=400),
    size=st.integers(1, 9),
    together=st.integers(1, 4),
    epoch=st.integers(0, 3),
)
def test_batches(lengths: list[int], size: int, together: int, epoch: int) -> None:
    how = Settings(1, 1, size * together, 1e-4, 1e-4, 1, 1, seed=3)
    shares = [LengthBuckets(lengths, how, rank, together) for rank in range(together)]
    for share in shares:
        share.epoch = epoch
    dealt = [list(share) for share in shares]
    assert {len(batches) for batches in dealt} == {len(shares[0])}
    assert len(shares[0]) == min(-(-len(lengths) // (size * together)), len(lengths) // together)
    assert sorted(at for batches in dealt for batch in batches for at in batch) == list(range(len(lengths)))
    assert all(batch for batches in dealt for batch in batches)
    whole = [sum(len(batches[at]) for batches in dealt) for at in range(len(dealt[0]))]
    assert max(whole) - min(whole) <= 1
    assert dealt == [list(share) for share in shares]  # again the same, until the epoch is another
    for share in shares:
        share.epoch += 1
    if len(shares[0]) > 8:  # fewer may fall the same way by chance
        assert dealt != [list(share) for share in shares]


def test_the_layers_learn_at_their_own_rates(tiny_encoder: str) -> None:
    fitted = model(tiny_encoder, epochs=1).fit(examples(), examples())
    how = Settings(1, 1, 8, 1e-4, 5e-4, 0.5, 1, seed=0)
    names = {id(value): name for name, value in fitted.networks_[0].named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in training._groups(fitted.networks_[0], how) for p in group["params"]}
    assert rates["encoder.embeddings.word_embeddings.weight"] == pytest.approx(1e-4 / 4)
    assert rates["encoder.encoder.layer.0.output.dense.weight"] == pytest.approx(1e-4 / 2)
    assert rates["encoder.encoder.layer.1.output.dense.weight"] == pytest.approx(1e-4)
    assert rates["head.answer.0.weight"] == pytest.approx(5e-4)
    assert len(rates) == len(names)


def broken_at(monkeypatch: pytest.MonkeyPatch, step: int, loss: Callable[[], float]) -> None:
    before, steps = PairNetwork.forward, iter(range(1, 10**6))

    @wraps(before)  # the Trainer looks at its arguments
    def forward(self: PairNetwork, *arguments: Any, **more: Any) -> dict[str, torch.Tensor]:
        found = before(self, *arguments, **more)
        return {**found, "loss": found["loss"] * loss()} if "loss" in found and next(steps) == step else found

    monkeypatch.setattr(PairNetwork, "forward", forward)


def test_a_loss_that_is_no_number(tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_at(monkeypatch, 5, lambda: float("nan"))
    with pytest.raises(
        InputError, match=r"^the loss is nan at step 5; training stopped\. Kept: the weights of step 4\."
    ):
        model(tiny_encoder).fit(examples(), examples(), tmp_path)
    assert [path.name for path in checkpoints._checkpoints(tmp_path / "seed-0")] == ["checkpoint-3", "checkpoint-4"]


def test_a_gradient_that_is_no_number(tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "_clip_grad_norm", lambda *_: torch.tensor(float("inf")))
    with pytest.raises(InputError, match=r"^the gradient is inf at step 1; .*model\.lr=0\.0005 model\.head_lr=0\.0005"):
        model(tiny_encoder).fit(examples(), examples(), tmp_path)


def test_few_shapes_of_batches_occur(unbroken: TransformerModel, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = set()
    before = TransformerModel._run

    def run(self: TransformerModel, network: PairNetwork, batch: dict[str, Any]) -> Any:
        shapes.add(batch["input_ids"].shape)
        return before(self, network, batch)

    expected = unbroken.predict_proba(examples())
    monkeypatch.setattr(TransformerModel, "_run", run)
    for number in range(1, len(examples()) + 1):
        found = unbroken.predict_proba(examples().select(range(number)))
        np.testing.assert_allclose(found, expected[:number], rtol=0, atol=1e-6)
    assert {size for size, _ in shapes} <= {1, 2, 4, 8, 16, 32}


def test_out_of_memory(tiny_encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> float:
        raise RuntimeError(CPU_FULL)

    fitted = model(tiny_encoder, epochs=1).fit(examples(), examples())
    broken_at(monkeypatch, 2, full)
    with pytest.raises(
        InputError, match=r"out of memory at step 2: 8 sentences of \d+ tokens\. Try model\.batch_size=4"
    ):
        model(tiny_encoder).fit(examples(), examples())
    monkeypatch.setattr(PairNetwork, "forward", lambda *_, **__: full())
    with pytest.raises(InputError, match=r"out of memory over 16 sentences of 24 tokens"):
        fitted.predict_proba(examples())


# --- the command line


def launch(folder: Path, *words: str, runner: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, *runner, str(TRAIN), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    atexit.register(process.kill)  # whatever a test that failed left behind
    return process


@pytest.fixture
def table(tmp_path: Path, tiny_encoder: str) -> list[str]:
    """The settings of a run on a table in this folder."""
    lines = [json.dumps(row) + "\n" for row in rows()]
    (tmp_path / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    return [
        "data=table",
        "data.path=rows.jsonl",
        "model=transformer",
        f"model.encoder={tiny_encoder}",
        "model.epochs=30",
        "model.patience=30",
        "model.batch_size=8",
        "model.checkpoint_steps=1",
    ]


def until(found: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def test_a_killed_run_goes_on(tmp_path: Path, table: list[str]) -> None:
    killed = launch(tmp_path, *table)
    (run,) = until(lambda: list(tmp_path.glob("outputs/*")), killed)
    until(lambda: list((run / "checkpoints").rglob("checkpoint-*")), killed)
    name = str(run.relative_to(tmp_path))
    killed.send_signal(signal.SIGSTOP)
    second = launch(tmp_path, f"resume={name}")
    assert second.communicate(timeout=300)[1] == (
        f"error: {run}: another process writes this run. Wait for it, or stop it.\n"
    )
    assert second.returncode == 2
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    whole = launch(tmp_path, *table)
    out, err = whole.communicate(timeout=300)
    assert whole.returncode == 0, err
    other = tmp_path / out.splitlines()[-1].removeprefix("run: ")
    config = (run / ".hydra" / "config.yaml").read_bytes()

    changed = launch(tmp_path, f"resume={name}", "model.lr=0.01", "seed=4")
    _, err = changed.communicate(timeout=300)
    assert changed.returncode == 2
    assert "a run goes on only as it began: model.lr was 0.0001, is 0.01; model.seed was 0, is 4; seed was" in err
    assert (run / "unfinished.json").exists()

    again = launch(tmp_path, f"resume={name}")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert out.splitlines()[-1] == f"run: {name}"
    assert "resuming from step" in err
    assert (run / ".hydra" / "config.yaml").read_bytes() == config
    files = [path.relative_to(run) for path in sorted((run / "model").rglob("*.safetensors"))]
    assert len(files) == 2
    for file in [*files, Path("predictions.jsonl"), Path("actors.csv")]:
        assert (run / file).read_bytes() == (other / file).read_bytes(), file
    assert not (run / "checkpoints").exists()
    assert not (run / "unfinished.json").exists()

    done = launch(tmp_path, f"resume={name}")
    assert "the run is complete" in done.communicate(timeout=300)[1]
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no run to go on"),
        ("- model=linear\n", "no interrupted run"),
        ("- a._target_=os.abort\n", "expected a list"),
        ("- --config-dir=evil\n- model=evil\n", "expected a list"),
        ("- +hydra.searchpath=[evil]\n", "expected a list"),
        ("- seed=${oc.env:HOME}\n", "expected a list"),
        ("- model=../../outputs/run/evil\n", "expected a list"),
        ("- model='../evil'\n", "expected a list"),
        ("- model/../evil=x\n", "expected a list"),
        ("- model@data=linear\n", "expected a list"),
    ],
)
def test_nothing_to_go_on_with(tmp_path: Path, content: str | None, says: str) -> None:
    folder = tmp_path / "outputs" / "run"
    folder.mkdir(parents=True)
    if content:
        (folder / ".hydra").mkdir()
        (folder / ".hydra" / "overrides.yaml").write_text(content)
    process = launch(tmp_path, "resume=outputs/run")
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err.count("\n")) == (2, 1), err
    assert says in err


TOGETHER = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port")


def test_two_processes_train_one_model(tmp_path: Path, table: list[str]) -> None:
    process = launch(tmp_path, *table, "model.epochs=3", runner=(*TOGETHER, "29613"))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert re.findall(r"^run: .*$", out, re.M) == [out.splitlines()[-1]]  # one speaks
    (run,) = (tmp_path / "outputs").iterdir()  # and writes
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl", "outputs"}
    assert (run / "model" / "manifest.json").exists()
    losses = [row["loss"] for _, row in read_json_lines(run / "log.jsonl") if "train_loss" not in row and "loss" in row]
    assert all(np.isfinite(losses))
    probabilities = actorstance.load(run).predict_proba(examples())
    assert probabilities.shape == (48, 3)


def test_two_processes_do_not_hang_when_one_dies(tmp_path: Path, table: list[str]) -> None:
    process = launch(tmp_path, *table, "model.epochs=1000", "model.patience=1000", runner=(*TOGETHER, "29614"))
    (run,) = until(lambda: [path.parent for path in tmp_path.glob("outputs/*/checkpoints")], process)
    until(lambda: list((run / "checkpoints").rglob("checkpoint-*")), process)
    listed = subprocess.run(["ps", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [int(line.split()[0]) for line in listed.splitlines() if line.split()[1] == str(process.pid)]
    assert len(children) == 2
    os.kill(children[1], signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert (run / "unfinished.json").exists()
    shutil.rmtree(run)


def test_tensorboard(tmp_path: Path, tiny_encoder: str) -> None:
    folder = tmp_path / "outputs" / "run" / "checkpoints"
    model(tiny_encoder, tensorboard=str(tmp_path / "curves")).fit(examples(), examples(), folder)
    assert list((tmp_path / "curves" / "run" / "seed-0").glob("events.*"))


def test_a_run_goes_on_only_as_it_began(tmp_path: Path, tiny_encoder: str) -> None:
    def corpus(found: list[dict[str, Any]]) -> corpora.Corpus:
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
        return corpora.load("table", tmp_path / "rows.jsonl")

    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 3)
        with pytest.raises(Stopped):
            pipeline.train(corpus(rows()), model(tiny_encoder), tmp_path / "run")
    kept = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert list((tmp_path / "run" / "checkpoints").rglob("checkpoint-2"))
    other = rows()
    other[3]["label"] = "favor"
    for found, changes, says in (
        (other, {}, r"as it began: examples \(their SHA-256\) was '\w+', is '\w+'\.$"),
        (rows(), {"lr": 0.01, "epochs": 9}, r"began: model\.epochs was 2, is 9; model\.lr was 0\.001, is 0\.01\.$"),
    ):
        with pytest.raises(InputError, match=says):
            pipeline.train(corpus(found), model(tiny_encoder, **changes), tmp_path / "run", resume=True)
    with pytest.MonkeyPatch.context() as patch:
        stopping(patch, "training_step", 1)
        with pytest.raises(Stopped):
            pipeline.train(corpus(rows()), model(tiny_encoder), tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="not empty"):
        pipeline.train(corpus(rows()), model(tiny_encoder), tmp_path / "run")
    assert kept == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    pipeline.train(corpus(rows()), model(tiny_encoder), tmp_path / "run", resume=True)
    assert not (tmp_path / "run" / "unfinished.json").exists()
    with pytest.raises(InputError, match="the run is complete"):
        pipeline.train(corpus(rows()), model(tiny_encoder), tmp_path / "run", resume=True)


def test_cropped_sentences_are_counted_in_the_run(tmp_path: Path, tiny_encoder: str) -> None:
    found = rows()
    found[0]["text"] += " and more" * 200
    corpus_file = tmp_path / "rows.jsonl"
    corpus_file.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    pipeline.train(corpora.load("table", corpus_file), model(tiny_encoder, epochs=1), tmp_path / "run")
    cropped = json.loads((tmp_path / "run" / "audit.json").read_text(encoding="utf-8"))["cropped"]
    assert sum(part["cropped"] for part in cropped.values()) == 1
    assert {part["max_length"] for part in cropped.values()} == {192}
    assert set(cropped) == {"training", "validation", "predicted"}


def test_one_step_is_a_step(tiny_encoder: str) -> None:
    one = {"epochs": 1, "batch_size": 64}
    taught = model(tiny_encoder, **one).fit(examples(), examples())
    still = model(tiny_encoder, **one, lr=1e-8, head_lr=1e-8).fit(examples(), examples())
    (after, before) = (each.networks_[0].head.state_dict() for each in (taught, still))
    assert max(float((after[name] - before[name]).abs().max()) for name in after) > 1e-4


def test_best_weights_that_are_gone_are_missed(tmp_path: Path, tiny_encoder: str) -> None:
    model(tiny_encoder).fit(examples(), examples(), tmp_path)
    (tmp_path / "seed-0" / training.BEST).unlink()
    with pytest.raises(InputError, match="the best weights so far, is missing"):
        model(tiny_encoder).fit(examples(), examples(), tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path: Path, tiny_encoder: str) -> None:
    folder = tmp_path / "seed-0"
    for content, words in (({"head": torch.zeros(2)}, "a checkpoint of another network"), (None, "cannot be read")):
        checkpoints.save(folder / training.BEST, content or {})
        if content is None:
            (folder / training.BEST).write_bytes(b"cut short")
        with pytest.raises(InputError, match=rf"best\.safetensors: {words}.* Start the run again"):
            model(tiny_encoder).fit(examples(), examples(), tmp_path)
