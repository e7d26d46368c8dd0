"""A transformer as `exporting` leaves it: one ONNX graph per network, run by OpenVINO. It predicts without torch.

model.onnx        the graph with its weights, inputs as from `encoding.collate`; with several networks the others are in
                  network-2/, network-3/, …
tokenizer.json    as the library tokenizers reads it
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import onnx
import openvino
from datasets import Dataset
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tokenizers import Tokenizer as Backend

from actorstance.errors import InputError, require_int
from actorstance.models import bundle
from actorstance.models.encoding import Tokenizer
from actorstance.models.pair_model import PairModel, parts

PRECISIONS = ("int8", "bf16", "fp32")
MAX_BYTES = 2**31 - 1  # of a graph with its weights in one file: what protobuf holds
NETWORK, TOKENIZER = "model.onnx", "tokenizer.json"
INPUTS = ("input_ids", "attention_mask", "pooling", "pairs", "slots", "places")


class OnnxModel(PairModel):
    """An exported transformer. It is made by `scripts/export.py`, not trained.

    Args:
        precision: int8, bf16 or fp32.
        networks: how many have their probabilities averaged, 1 to 20.
        encoder: of the model that was exported.
        max_length: tokens of a sentence with its context, 32 to 512.
        context: whether the previous sentences are read too.

    """

    kind: ClassVar[str] = "onnx"

    def __init__(self, precision: str, networks: int, encoder: str, max_length: int, context: bool) -> None:
        super().__init__()
        if precision not in PRECISIONS:
            raise InputError(f"precision={precision!r}: expected {', '.join(PRECISIONS)}.")
        for name, value, low, high in (("networks", networks, 1, 20), ("max_length", max_length, 32, 512)):
            require_int(name, value, low, high)
        if not isinstance(context, bool):
            raise InputError(f"context={context!r}: expected true or false.")
        sizes = {"networks": networks, "max_length": max_length, "context": context}
        self.params = {"precision": precision, "encoder": encoder, **sizes}
        self.networks_ = []
        self.graphs_: list[bytes] = []

    def add(self, graph: bytes) -> None:
        """Add a network: an ONNX file's bytes.

        Raises:
            InputError: if the graph refers to other files, or could do more than compute from its inputs once.

        """
        require_plain(graph)
        self.graphs_.append(graph)
        self.networks_.append(compiled(graph, self.params["precision"]))

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> NoReturn:
        """Refuse: an exported model has no gradients.

        Raises:
            InputError: always.

        """
        raise InputError("an exported model cannot be trained. Train model=transformer, and export the run.")

    def _run(self, network: Any, batch: dict[str, NDArray[Any]]) -> NDArray[Any]:
        found: NDArray[Any] = network.infer(batch)[0]
        return found

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder that `actorstance.load` opens. See `bundle.write`."""
        bundle.write(Path(folder), self, self._write)

    def _write(self, folder: Path) -> dict[str, Any]:
        for part, graph in zip(parts(folder, len(self.graphs_)), self.graphs_, strict=True):
            part.mkdir(exist_ok=True)
            (part / NETWORK).write_bytes(graph)
        tokens = self.tokens_
        tokens.backend.save(str(folder / TOKENIZER))
        special = {"cls": tokens.cls, "sep": tokens.sep, "pad": tokens.pad, "mask": tokens.mask}
        return {**self._calibration(), "special_tokens": special}

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> Self:
        """Open what `_write` wrote. `bundle.verify` has checked the files' hashes."""
        model = cls(**meta["params"])
        special = meta["special_tokens"]
        try:
            backend = Backend.from_file(str(folder / TOKENIZER))
        except Exception as error:
            raise InputError(f"{folder / TOKENIZER}: no tokenizer: {str(error)[:200]}") from error
        words = backend.get_vocab_size()
        for name, number in special.items():
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < words:
                raise InputError(f"{folder}: special token {name} is {number!r}, of {words} tokens.")
        model.tokens_ = Tokenizer(backend, **special)
        model._calibrate(meta, folder)
        for part in parts(folder, model.params["networks"]):
            path = part / NETWORK
            if path.stat().st_size > MAX_BYTES:
                raise InputError(f"{path}: more than {MAX_BYTES:,} bytes.")
            try:
                model.add(path.read_bytes())
            except InputError as error:
                raise InputError(f"{path}: {error}") from error
        return model


def require_plain(graph: bytes) -> None:
    """Raise InputError unless ONNX bytes hold all their weights, and nothing but the standard's plain operations."""
    try:
        model = onnx.load_model_from_string(graph)
    except DecodeError as error:
        raise InputError(f"no ONNX model ({error}).") from error
    inputs = [one.name for one in model.graph.input]
    if model.functions or model.graph.sparse_initializer or any(one.domain for one in model.graph.node):
        raise InputError("operations that are not of the ONNX standard itself, as an export never has.")
    for node in model.graph.node:
        if any(one.HasField("g") or one.graphs for one in node.attribute):
            raise InputError(f"an operation {node.op_type} with a graph of its own, which could run for ever.")
    for tensor in _tensors(model.graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise InputError(f"the weights {tensor.name[:80]!r} are in another file; an export has all in one.")
    if set(inputs) != set(INPUTS) or len(model.graph.output) != 1:
        raise InputError(f"inputs {inputs!r}, expected {', '.join(INPUTS)}, and one output.")


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from [attribute.t, *attribute.tensors] if attribute.HasField("t") else attribute.tensors


def compiled(graph: bytes, precision: str) -> Any:
    """A request that computes one batch at a time, at the precision if the processor has it."""
    core = openvino.Core()
    half = precision != "fp32" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "bf16" if half else "f32"}
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():  # as torch and numpy take it
        hints["INFERENCE_NUM_THREADS"] = threads
    try:
        return core.compile_model(core.read_model(graph), "CPU", hints).create_infer_request()
    except RuntimeError as error:
        raise InputError(f"cannot be opened: {' '.join(str(error).split())[-300:]}") from error
