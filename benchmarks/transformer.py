"""Train and predict the transformer beside what others do with the same encoder: same rows, same epochs, one run.

python benchmarks/transformer.py DSE                 (a folder with DSE's train.txt and valid.txt)
python benchmarks/transformer.py DSE --rows 4000 --epochs 3

Contenders, each in a process of its own, so that peak memory is its own:

ours      TransformerModel: one pass per sentence, all pairs from it
default   transformers' Trainer over AutoModelForSequenceClassification, one input per pair with both mentions marked,
          padded to 128 tokens, float32: what transformers' run_classification.py does by default
tuned     the same with dynamic padding to multiples of 8, batches of similar length, bfloat16 if the processor has it
setfit    SetFit on the same inputs, a positive and a negative pair per example and epoch (pip install setfit==1.2.0)

The rate of the processor is a matrix product of the encoder's size at the contender's precision, timed just before.
FLOP of training are counted as 6 times the encoder's weights without embeddings times the tokens computed, padding
included. The second table predicts 12 pairs of sentences with 4 actors, against one pass per pair in float32.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
import transformers
from datasets import Dataset
from torch import nn

from actorstance import corpora
from actorstance.examples import LABELS, dataset, labels
from actorstance.models.encoders import encoder_folder, quiet
from actorstance.models.pair_network import PairNetwork, has_bf16
from actorstance.models.transformer import TransformerModel
from actorstance.scoring import macro_f1
from actorstance.twins import without_twin

CONTENDERS = ("ours", "default", "tuned", "setfit")
BATCH, LR = 32, 1e-4  # of all contenders
HELD_OUT = 500  # sentences without a twin that are predicted
FOUR_ACTORS = 200  # sentences of the second table


@dataclass
class Meter:
    """Counts the tokens that go through an encoder, padding included."""

    tokens: int = 0
    weights: int = 0
    handles: list[Any] = field(default_factory=list)

    def watch(self, encoder: nn.Module) -> None:
        """Count from now on."""
        named = encoder.named_parameters()
        self.weights = sum(p.numel() for name, p in named if "embedding" not in name and "pooler" not in name)
        self.handles.append(encoder.register_forward_pre_hook(self._count, with_kwargs=True))

    def _count(self, _: nn.Module, arguments: tuple[Any, ...], more: dict[str, Any]) -> None:
        self.tokens += (more["input_ids"] if "input_ids" in more else arguments[0]).numel()


def gemm_rate(dtype: torch.dtype) -> float:
    """Return the FLOP/s of a product of matrices of MiniLM's size."""
    a, b = torch.randn(2048, 384, dtype=dtype), torch.randn(384, 1536, dtype=dtype)
    for _ in range(10):
        a @ b
    best = min(_timed(lambda: [a @ b for _ in range(20)]) for _ in range(5)) / 20
    return 2 * 2048 * 384 * 1536 / best


def _timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def marked(examples: Dataset) -> list[str]:
    """Return the sentence of each example with its source between `@` and its target between `#`."""
    columns = ("text", "source_start", "source_end", "target_start", "target_end")
    found = []
    for text, s0, s1, t0, t1 in zip(*(examples[name][:] for name in columns), strict=True):
        for start, end, mark in sorted([(s0, s1, "@"), (t0, t1, "#")], reverse=True):
            if start >= 0:
                text = f"{text[:start]}{mark} {text[start:end]} {mark}{text[end:]}"
        found.append(text)
    return found


def ours(train: Dataset, held: Dataset, epochs: int, meter: Meter) -> tuple[float, Callable[[], Any]]:
    """Fit our model; return the seconds and what predicts."""
    before = PairNetwork.__init__

    def watched(self: PairNetwork, encoder: Any, *rest: Any) -> None:
        before(self, encoder, *rest)
        meter.watch(encoder)

    PairNetwork.__init__ = watched  # type: ignore[method-assign,assignment]
    model = TransformerModel(epochs=epochs, batch_size=BATCH, lr=LR)
    seconds = _timed(lambda: model.fit(train, train.select([])))
    return seconds, lambda: model.predict_proba(held).argmax(axis=1)


def classifier(
    train: Dataset, held: Dataset, epochs: int, meter: Meter, tuned: bool
) -> tuple[float, Callable[[], Any]]:
    """Fit AutoModelForSequenceClassification with the Trainer; return the seconds and what predicts."""
    folder = encoder_folder("bundled")
    with quiet():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LABELS))
    meter.watch(model.base_model)
    padding: dict[str, Any] = {"padding": False} if tuned else {"padding": "max_length"}

    def encoded(examples: Dataset) -> Dataset:
        columns = tokenizer(marked(examples), truncation=True, max_length=128, **padding)
        return Dataset.from_dict({**columns, "labels": labels(examples)})

    arguments = transformers.TrainingArguments(
        output_dir="/tmp",
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=64,
        learning_rate=LR,
        bf16=tuned and has_bf16(),
        train_sampling_strategy="group_by_length" if tuned else "random",
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    collator = transformers.DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8 if tuned else None)
    trainer = transformers.Trainer(
        model=model, args=arguments, train_dataset=encoded(train), data_collator=collator, processing_class=tokenizer
    )
    trainer.remove_callback(transformers.PrinterCallback)
    seconds = _timed(trainer.train)
    rows = encoded(held)
    return seconds, lambda: trainer.predict(rows).predictions.argmax(axis=1)


def setfit(train: Dataset, held: Dataset, epochs: int, meter: Meter) -> tuple[float, Callable[[], Any]]:
    """Fit SetFit; return the seconds and what predicts."""
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel.from_pretrained(encoder_folder("bundled"), labels=list(range(len(LABELS))))
    meter.watch(model.model_body[0].auto_model)
    rows = Dataset.from_dict({"text": marked(train), "label": labels(train)})
    arguments = TrainingArguments(
        output_dir="/tmp",
        batch_size=BATCH,
        num_epochs=epochs,
        num_iterations=1,
        body_learning_rate=LR,
        show_progress_bar=False,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    seconds = _timed(trainer.train)
    texts = marked(held)
    return seconds, lambda: np.asarray(model.predict(texts, show_progress_bar=False))


def sampled(dse: Path, rows: int) -> tuple[Dataset, Dataset]:
    """Return both directions of `rows` training sentences, and of held-out sentences without a twin in training."""
    corpus = corpora.load("dse", dse).examples
    split = np.asarray(corpus["split"][:])
    train, valid = (corpus.select(np.flatnonzero(split == part)) for part in ("train", "valid"))
    clean = valid.select(np.flatnonzero(without_twin(valid, train)))
    return _sample(train, rows), _sample(clean, HELD_OUT)


def _sample(examples: Dataset, sentences: int) -> Dataset:
    """Both directions of some sentences, at random: the files of DSE are sorted by class."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(examples) // 2)[:sentences])
    return examples.select(np.stack([2 * chosen, 2 * chosen + 1], axis=1).ravel())


def contend(name: str, dse: Path, rows: int, epochs: int) -> dict[str, Any]:
    """Run one contender in this process."""
    train, held = sampled(dse, rows)
    half = has_bf16() and name in ("ours", "tuned")
    rate, meter = gemm_rate(torch.bfloat16 if half else torch.float32), Meter()
    fits: dict[str, Callable[..., tuple[float, Callable[[], Any]]]] = {
        "ours": ours,
        "default": partial(classifier, tuned=False),
        "tuned": partial(classifier, tuned=True),
        "setfit": setfit,
    }
    seconds, predict = fits[name](train, held, epochs, meter)
    trained = meter.tokens
    start = time.perf_counter()
    found = predict()
    return {
        "macro_f1": macro_f1(labels(held), found),
        "train_rate": len(train) * epochs / seconds,
        "predict_rate": len(held) / (time.perf_counter() - start),
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "efficiency": 6 * meter.weights * trained / seconds / rate,
        "precision": "bfloat16" if half else "float32",
    }


def four_actors(dse: Path) -> list[float]:
    """Return pairs/s of sentences with 4 actors: all from one pass, one pass per pair, both in float32."""
    _, held = sampled(dse, 10)
    columns = ("text", "source_start", "source_end", "target_start", "target_end")
    sentences = list(zip(*(held[name][:] for name in columns), strict=True))[0::2]
    joined = []
    for at in range(FOUR_ACTORS):  # two sentences with two actors each make one with four
        (text, *spans), (other, *more) = sentences[at % len(sentences)], sentences[(at * 7 + 1) % len(sentences)]
        places = [tuple(spans[:2]), tuple(spans[2:])]
        places += [(a + len(text) + 1, b + len(text) + 1) for a, b in (more[:2], more[2:])]
        for s, (s0, s1) in enumerate(places):
            for t, (t0, t1) in enumerate(places):
                if s != t:
                    ids = {"example_id": f"{at}:{s}:{t}", "document_id": str(at), "group_id": str(at)}
                    pair = {"source": f"a{s}", "target": f"a{t}", "source_start": s0, "source_end": s1}
                    joined.append({**ids, "text": f"{text} {other}", **pair, "target_start": t0, "target_end": t1})
    pairs = dataset((f"row {at}", row) for at, row in enumerate(joined))
    train, _ = sampled(dse, 32)
    model = TransformerModel(epochs=1).fit(train, train.select([]))
    apart = _OneByOne(pairs)
    together = min(_timed(lambda: model.predict_proba(pairs)) for _ in range(2))
    return [len(pairs) / together, len(pairs) / min(_timed(apart.predict) for _ in range(2))]


class _OneByOne:
    """A classifier that reads every pair by itself, in batches of similar length, padded to the longest."""

    def __init__(self, pairs: Dataset) -> None:
        folder = encoder_folder("bundled")
        with quiet():
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            self.model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
        self.texts = sorted(marked(pairs), key=len)

    def predict(self) -> None:
        for at in range(0, len(self.texts), 64):
            batch = self.tokenizer(
                self.texts[at : at + 64], padding=True, truncation=True, max_length=192, return_tensors="pt"
            )
            with torch.inference_mode():
                self.model(**batch)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dse", type=Path)
    parser.add_argument("--rows", type=int, default=1000, help="training sentences; each has two pairs")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only", choices=(*CONTENDERS, "four"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    datasets.disable_progress_bars()
    if given.only == "four":
        print(json.dumps(four_actors(given.dse)))
        return
    if given.only:
        print(json.dumps(contend(given.only, given.dse, given.rows, given.epochs)))
        return

    def apart(name: str) -> Any:
        words = [sys.executable, __file__, str(given.dse), "--only", name]
        words += ["--rows", str(given.rows), "--epochs", str(given.epochs)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        return json.loads(done.stdout.splitlines()[-1])

    print(f"{given.rows} sentences, {given.epochs} epochs, batch {BATCH}, {torch.get_num_threads()} threads")
    print("           clean     training  prediction  peak      FLOP/s")
    print("           macro-F1  pairs/s   pairs/s     memory    of GEMM  precision")
    for name in CONTENDERS:
        if name == "setfit" and importlib.util.find_spec("setfit") is None:
            print("setfit     not installed: pip install setfit==1.2.0")
            continue
        row = apart(name)
        share = f"{row['efficiency']:.0%}" if row["efficiency"] else "–"  # SetFit's passes go by the counter
        print(
            f"{name:10} {row['macro_f1']:<9.3f} {row['train_rate']:<9.1f} {row['predict_rate']:<11.1f} "
            f"{row['gigabytes']:.1f} GB    {share:<8} {row['precision']}",
            flush=True,
        )
    one, many = apart("four")
    print(f"12 pairs a sentence: {one:.0f} pairs/s in one pass, {many:.0f} one pass a pair: {one / many:.1f} times")


if __name__ == "__main__":
    main()
