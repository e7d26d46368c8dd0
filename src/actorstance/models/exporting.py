"""From a fine-tuned transformer to an ONNX model at a cheaper precision. Torch is needed here, but not afterwards."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from datasets import Dataset
from numpy.typing import NDArray
from onnxruntime import quantization
from scipy.special import softmax

from actorstance.errors import InputError
from actorstance.models.encoding import Input, collate
from actorstance.models.onnx import OnnxModel, compiled
from actorstance.models.pair_model import batches
from actorstance.models.pair_network import PairNetwork
from actorstance.models.transformer import TransformerModel

CALIBRATION = 256  # sentences whose values show an activation's range: more changed no answer
BLUR = 0.03  # how far 8 bits may move the answers about them: total variation, the mean over pairs, see docs/log.md
OPSET = 20  # the first with GELU as one operation


def to_onnx(model: TransformerModel, precision: str, examples: Dataset) -> OnnxModel:
    """Return a model that answers as `model` does, as closely as the precision allows.

    Args:
        model: a fitted transformer.
        precision: `fp32`; `bf16`, computed so where the processor can; `int8`: weights with one scale per column,
            activations by ranges seen on the examples, the rest as bf16.
        examples: from which sentences are drawn, for int8 only; best those that the network did not learn by heart,
            on which it is less sure.

    Raises:
        InputError: if the precision is not one of these, or is too low for the network.

    """
    params = {name: model.params[name] for name in ("encoder", "max_length", "context")}
    exported = OnnxModel(precision, networks=len(model.networks_), **params)
    inputs = model._encode(examples) if precision == "int8" else []
    chosen = np.random.default_rng(0).permutation(len(inputs))[:CALIBRATION]
    seen = batches([inputs[at] for at in chosen], model.room)
    with tempfile.TemporaryDirectory(prefix="actorstance-") as folder:
        for network in model.networks_:
            path = Path(folder) / "network.onnx"
            _write(network, path)
            if precision == "int8":
                path = _quantized(path, [collate([asdict(one) for one in batch], model.tokens_.pad) for batch in seen])
            exported.add(path.read_bytes())
    exported.tokens_, exported.temperature_ = model.tokens_, model.temperature_
    exported.seen_, exported.label_weights_ = model.seen_, model.label_weights_
    return exported


class _Logits(torch.nn.Module):
    """The network with its inputs in a fixed order, and its logits as the only output."""

    def __init__(self, network: PairNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(*inputs)["logits"]
        return logits


def _write(network: PairNetwork, path: Path) -> None:
    """Write a network as one file. The inputs are those of `encoding.collate`; all sizes but the columns are free."""
    one = Input([1] * 9, 1, [[1], [2]], [(0, 1), (1, 0)], [0, 1], False, False)
    example = {name: torch.from_numpy(values) for name, values in collate([asdict(one)] * 3, 0).items()}
    free = {name: dict.fromkeys(range(value.ndim), torch.export.Dim.DYNAMIC) for name, value in example.items()}
    free["pairs"] = {0: torch.export.Dim.DYNAMIC}  # row, source, target
    attention = network.encoder.config._attn_implementation
    network.encoder.set_attn_implementation("eager")  # plain products: what a runtime knows how to fuse
    try:
        with _silent():
            program = torch.onnx.export(
                _Logits(network).eval(),
                tuple(example.values()),
                dynamo=True,
                dynamic_shapes=(tuple(free.values()),),
                input_names=list(example),
                output_names=["logits"],
                opset_version=OPSET,
                verbose=False,
            )
            program.save(path, external_data=False)
    finally:
        network.encoder.set_attn_implementation(attention)


class _Batches(quantization.CalibrationDataReader):
    """Batches as onnxruntime's calibration wants them: one per call, None at the end."""

    def __init__(self, batches: list[dict[str, NDArray[Any]]]) -> None:
        self.left = iter(batches)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self.left, None)


def _quantized(path: Path, seen: list[dict[str, NDArray[Any]]]) -> Path:
    """Return a file with the encoder's products of activations and weights in 8 bits, except those it would blur.

    The farther an activation reaches, the fewer of the 8 bits are left for most of its values. So products stay in 16
    bits from the farthest-reaching on, as few as move the answers by no more than `BLUR`: none in most small encoders.

    Raises:
        InputError: if the answers move more than that even if a single activation is in 8 bits.

    """
    model, tried, best = onnx.load(path), path.with_name("tried.onnx"), path.with_name("int8.onnx")
    weights = {tensor.name for tensor in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMul"]
    reach = _reach(model, [node.input[0] for node in products if node.input[1] in weights], seen)
    limits, exact = sorted(set(reach.values()), reverse=True), _answers(path, seen)
    moved: list[float] = []

    def sharp(at: int) -> bool:
        _quantize(path, tried, seen, [one.name for one in products if reach.get(one.input[0], np.inf) > limits[at]])
        moved.append(float(np.abs(_answers(tried, seen) - exact).sum(axis=1).mean() / 2))
        if found := moved[-1] <= BLUR:
            tried.replace(best)
        return found

    if not sharp(0) and bisect_left(range(len(limits)), True, lo=1, key=sharp) == len(limits):
        raise InputError(
            f"precision=int8: 8 bits move this network's probabilities by {moved[-1]:.3f} on average even if nearly "
            f"all of it stays in 16; at most {BLUR:g} is written. Try precision=bf16."
        )
    return best


def _quantize(path: Path, written: Path, seen: list[dict[str, NDArray[Any]]], kept: list[str]) -> None:
    with _silent():
        quantization.quantize_static(
            path,
            written,
            _Batches(seen),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],  # not Gemm, which the head is made of
            nodes_to_exclude=kept,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            # What comes out of a product stays as it is: single tokens reach so far there that 8 bits blur all others.
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"], "ActivationSymmetric": False},
        )


def _answers(path: Path, seen: list[dict[str, NDArray[Any]]]) -> NDArray[np.float64]:
    """What a file answers about all pairs of the batches, as it will be run: probabilities, shape (p, 3)."""
    request = compiled(path.read_bytes(), "int8")
    logits = np.concatenate([request.infer(batch)[0].copy() for batch in seen]).astype(np.float64)
    chances: NDArray[np.float64] = softmax(logits, axis=1)
    return chances


def _reach(model: onnx.ModelProto, names: list[str], seen: list[dict[str, NDArray[Any]]]) -> dict[str, float]:
    """How far from 0 activations get, in root mean squares: the farther, the fewer of the 8 bits most of them use."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = sorted(set(names))
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    far, squares, sizes = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for batch in seen:
        for at, values in enumerate(session.run(names, batch)):
            far[at] = max(far[at], np.abs(values).max())
            squares[at] += np.square(values, dtype=np.float64).sum()
            sizes[at] += values.size
    return dict(zip(names, (far / np.sqrt(squares / sizes)).tolist(), strict=True))


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporters' developer notes off the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
