"""Predict with the transformer beside a transformers pipeline and beside its exports: same articles, one run.

python benchmarks/inference.py outputs/RUN                   (a run of model=transformer on data=newsroom)
python benchmarks/inference.py outputs/RUN --articles 40 --rounds 7

Articles are those of data/newsroom, sampled, as plain text; with --data DATA, a folder that holds seesaw, those of
seesaw. Everything runs on one thread, and what is counted is the processor's time of this process, so that other load
on the machine matters little; contenders take turns, the best of their rounds counts.

1. From raw text to probabilities: lines, sentences, actors and pairs, then the model. The peer has the same pairs from
   the same reading, and reads each in a pass of its own by transformers' text-classification pipeline, source and
   target marked in the text, over the same encoder weights, in batches of 32, in float32 as pipelines are.
2. The model alone at each precision, by torch and as exported: sentences per second, and the points of macro-F1 lost
   on the run's own held-out examples.
3. The encoder alone: floating-point operations per second over its tokens, padding not counted as work, beside the
   rate of products of bfloat16 matrices of its own sizes.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any library reads it

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
import transformers
from datasets import Dataset, concatenate_datasets
from transformer import marked

import actorstance
from actorstance import corpora, documents
from actorstance.actors import Registry
from actorstance.examples import LABELS, labels, pairs
from actorstance.models.encoding import collate
from actorstance.models.exporting import to_onnx
from actorstance.models.onnx import PRECISIONS
from actorstance.models.pair_model import PairModel, batches
from actorstance.models.pair_network import halved
from actorstance.models.transformer import TransformerModel
from actorstance.readers import newsroom
from actorstance.reading import read_actors
from actorstance.scoring import macro_f1

WIDTHS = ((1, 1, 4), (1, 4, 1), (4, 1, 1))  # of a layer's products, in hidden sizes: from, to, how many


def seconds(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least processor time of each call; they take turns."""
    found: dict[str, float] = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            found[name] = min(found[name], time.process_time() - start)
    return found


def articles(number: int, data: Path | None) -> list[str]:
    """Return articles of data/newsroom, or of seesaw, drawn with replacement, as a reader would have pasted them."""
    if data is None:
        pages = sorted((Path(__file__).parents[1] / "data" / "newsroom" / "articles").glob("*.txt"))
        texts = [newsroom.parse(page).raw for page in pages]
    else:
        texts = sorted(set(corpora.load("seesaw", data / "seesaw", level="article").examples["text"][:]))
    return [texts[at] for at in np.random.default_rng(0).integers(len(texts), size=number)]


def read(texts: Sequence[str], registry: Registry) -> Dataset:
    """Return the pairs of raw texts: lines, sentences, actors, who speaks, who is meant."""
    parsed = [documents.parse(f"article {at}", text) for at, text in enumerate(texts)]
    return concatenate_datasets([pairs(read_actors(document, registry)) for document in parsed])


class Peer:
    """A pipeline that reads every pair by itself."""

    def __init__(self, model: TransformerModel, folder: str) -> None:
        model.networks_[0].encoder.save_pretrained(folder)
        model.tokenizer_.save_pretrained(folder)
        classifier = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LABELS))
        self.pipeline = transformers.pipeline("text-classification", model=classifier, tokenizer=model.tokenizer_)

    def predict(self, examples: Dataset) -> list[Any]:
        """Return an answer for each pair."""
        found: list[Any] = self.pipeline(marked(examples), batch_size=32, top_k=None, truncation=True, max_length=192)
        return found


class Plain(TransformerModel):
    """The model in float32."""

    _ready = PairModel._ready  # no copy of the networks in bfloat16


def from_raw_text(
    model: TransformerModel, fast: dict[str, PairModel], peer: Peer, texts: list[str], rounds: int
) -> None:
    """Print the first table."""
    registry = Registry.world()
    examples = read(texts, registry)
    sentences = len(set(examples["text"][:]))
    everyone: dict[str, Callable[[Dataset], Any]] = {
        "pipeline, one pass a pair": peer.predict,
        "actorstance": model.predict_proba,
        **{f"actorstance, exported as {name}": one.predict_proba for name, one in fast.items()},
    }
    reading = seconds({"reading": lambda: read(texts, registry)}, rounds)["reading"]
    # The pairs come from one reading: it is the same for all, and its time is added to each.
    found = seconds({name: (lambda call=call: call(examples)) for name, call in everyone.items()}, rounds)  # type: ignore[misc]
    print(f"{len(texts)} articles, {sentences:,} sentences with a pair, {len(examples):,} pairs")
    print(f"\nfrom raw text (reading: {len(examples) / reading:,.0f} pairs/s)    pairs/s     times  model alone")
    slowest = found["pipeline, one pass a pair"]
    for name, took in found.items():
        ratio = (reading + slowest) / (reading + took)
        print(f"  {name:42} {len(examples) / (reading + took):9,.0f} {ratio:8.1f}x {slowest / took:11.1f}x")


def by_precision(everyone: dict[str, PairModel], held: Dataset, rounds: int) -> None:
    """Print the second table."""
    gold, sentences = labels(held), len(set(zip(held["text"][:], held["context"][:], strict=True)))
    found = seconds({name: (lambda one=one: one.predict_proba(held)) for name, one in everyone.items()}, rounds)  # type: ignore[misc]
    answers = {name: one.predict_proba(held) for name, one in everyone.items()}
    base = answers["torch fp32"]
    print(f"\n{len(held):,} held-out pairs         sentences/s  of bf16  points lost  labels changed")
    for name, took in found.items():
        lost = 100 * (macro_f1(gold, base.argmax(axis=1)) - macro_f1(gold, answers[name].argmax(axis=1)))
        changed = int((answers[name].argmax(axis=1) != base.argmax(axis=1)).sum())
        print(
            f"  {name:28} {sentences / took:12,.0f} {found['torch bf16'] / took:7.2f}x {lost:12.2f} {changed:15,}",
        )


def flop(encoder: Any, lengths: Sequence[int]) -> float:
    """Return the operations of an encoder over sentences: its products, and those of attention."""
    config = encoder.config
    tokens, squares = sum(lengths), sum(length**2 for length in lengths)
    layer = 2 * (4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size) * tokens
    return float(config.num_hidden_layers * (layer + 4 * config.hidden_size * squares))


def share_of_products(model: TransformerModel, everyone: dict[str, PairModel], held: Dataset, rounds: int) -> None:
    """Print the third table."""
    hidden = model.networks_[0].encoder.config.hidden_size
    products = []
    for wide_in, wide_out, times in WIDTHS:
        given = torch.randn(2048, wide_in * hidden).to(torch.bfloat16)
        layer = torch.nn.Linear(wide_in * hidden, wide_out * hidden).to(torch.bfloat16)
        products.append((given, layer, times, 2 * 2048 * wide_in * wide_out * hidden**2 * times))

    def multiply() -> None:
        with torch.inference_mode():
            for given, layer, times, _ in products:
                for _ in range(times):
                    layer(given)

    inputs = model._encode(held)
    work = flop(model.networks_[0].encoder, [len(one.input_ids) for one in inputs])
    parts = [collate([asdict(one) for one in batch], model.tokens_.pad) for batch in batches(inputs, model.room)]
    half = halved(model.networks_[0])
    calls: dict[str, Callable[[], Any]] = {
        "products": multiply,
        "torch bf16": lambda: [model._run(half, part) for part in parts],
        **{
            name: (lambda one=one: [one._run(one.networks_[0], part) for part in parts])  # type: ignore[misc]
            for name, one in everyone.items()
            if name.startswith("onnx")
        },
    }
    found = seconds(calls, rounds)
    rate = sum(operations for *_, operations in products) / found.pop("products")
    print(f"\nbfloat16 products of the encoder's sizes: {rate / 1e9:,.0f} GFLOP/s     GFLOP/s   share")
    for name, took in found.items():
        print(f"  {name:58} {work / took / 1e9:9,.0f} {work / took / rate:7.0%}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run of model=transformer on data=newsroom")
    parser.add_argument("--articles", type=int, default=12)
    parser.add_argument("--data", type=Path, help="a folder with seesaw, whose articles are then read")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    model, plain = actorstance.load(given.run), Plain.read(given.run / "model", _meta(given.run))
    assert isinstance(model, TransformerModel)
    corpus = corpora.load("newsroom")
    split = np.asarray(corpus.examples["split"][:])
    tune, held = (corpus.examples.select(np.flatnonzero(split == part)) for part in ("valid", "test"))
    exports: dict[str, PairModel] = {precision: to_onnx(model, precision, tune) for precision in PRECISIONS[::-1]}
    everyone: dict[str, PairModel] = {
        "torch fp32": plain,
        "torch bf16": model,
        **{f"onnx {name}": one for name, one in exports.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        fast = {name: one for name, one in exports.items() if name != "fp32"}
        from_raw_text(model, fast, Peer(model, folder), articles(given.articles, given.data), given.rounds)
    by_precision(everyone, held, given.rounds)
    share_of_products(model, everyone, held, given.rounds)


def _meta(run: Path) -> dict[str, Any]:
    return actorstance.models.bundle.verify(run / "model")


if __name__ == "__main__":
    main()
