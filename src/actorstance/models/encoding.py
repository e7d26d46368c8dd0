"""Sentences as an encoder reads them: mentions marked, all pairs of a sentence in one input, nothing cut in silence.

An input is names, context, sentence, with separators. In the sentence every mention stands between two `@`, which say
that it is an actor and not which role it has: so one pass serves all pairs. An actor that the sentence does not mention
stands in front of it by name. `AUTHOR` has no words; it reads the vector of the sentence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from actorstance.examples import AUTHOR

MARK = "@"
TAUGHT = frozenset(["labels", "known", "weights"])  # of a training input, a value a pair
NO_ACTOR = -1  # of a pair's source: AUTHOR, who has no mention


@dataclass(frozen=True)
class Input:
    """One sentence with all its examples.

    `input_ids` are its tokens, from `body` on those of the sentence itself; `spans` the tokens of each actor; `pairs`
    (source, target) as indices into `spans`; `rows` the examples that these pairs are; `cropped` whether tokens of the
    sentence or of the names in front had to go, `context_cropped` whether tokens of the context had.
    """

    input_ids: list[int]
    body: int
    spans: list[list[int]]
    pairs: list[tuple[int, int]]
    rows: list[int]
    cropped: bool
    context_cropped: bool


def encode(examples: Dataset, tokenizer: Any, max_length: int) -> list[Input]:
    """Return one input for each sentence of the examples, in the order in which the sentences first occur.

    Args:
        examples: rows of the schema.
        tokenizer: a fast tokenizer of transformers.
        max_length: tokens of an input at most. Context goes first, then the words of the sentence that are farthest
            from the mentions.

    """
    columns = ("text", "context", "source", "source_start", "source_end", "target", "target_start", "target_end")
    table = examples.select_columns(list(columns)).with_format("arrow")[:]
    rows = list(zip(*(table[name].to_pylist() for name in columns), strict=True))
    sentences: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, (text, context, *_) in enumerate(rows):
        sentences[text, context].append(index)
    return [
        _input(text, context, [(index, rows[index][2:]) for index in found], tokenizer, max_length)
        for (text, context), found in sentences.items()
    ]


def _input(text: str, context: str, found: list[tuple[int, Any]], tokenizer: Any, max_length: int) -> Input:
    places: dict[tuple[str, int, int], int] = {}  # (name, start, end) -> index of the span; start -1: stands in front
    pairs = []
    for _, (source, s0, s1, target, t0, t1) in found:
        at = NO_ACTOR if source == AUTHOR else places.setdefault(_place(source, s0, s1), len(places))
        pairs.append((at, places.setdefault(_place(target, t0, t1), len(places))))
    names = [name for name, start, _ in places if start < 0]
    marked, moved = _marked(text, sorted({(start, end) for _, start, end in places if start >= 0}))

    full = [tokenizer(name.replace("_", " "), add_special_tokens=False)["input_ids"] for name in names]
    front = [ids[: max_length // 8] for ids in full][: max_length // 16]  # at most so long, and so many
    body = tokenizer(marked, add_special_tokens=False, return_offsets_mapping=True)
    before = tokenizer(context, add_special_tokens=False)["input_ids"] if context else []
    spans_in_body = {
        place: [
            at
            for at, (a, b) in enumerate(body["offset_mapping"])
            if a < moved[place[1:]][1] and b > moved[place[1:]][0]
        ]
        for place in places
        if place[1] >= 0
    }
    separator = [tokenizer.sep_token_id]
    head = [tokenizer.cls_token_id]
    fronts: dict[tuple[str, int, int], list[int]] = {}
    for name, ids in zip(names, front, strict=False):
        fronts[name, -1, -1] = list(range(len(head), len(head) + len(ids)))
        head += ids + separator
    room = max_length - len(head) - 1
    kept = _kept(len(body["input_ids"]), [at for tokens in spans_in_body.values() for at in tokens], room)
    kept_before = before[len(before) - max(0, min(len(before), room - len(kept) - 1)) :]
    if kept_before:
        head += kept_before + separator
    moved_to = {at: len(head) + new for new, at in enumerate(kept)}
    tokens = head + [body["input_ids"][at] for at in kept] + separator
    spans = [
        fronts.get(place, []) if place[1] < 0 else [moved_to[at] for at in spans_in_body[place] if at in moved_to]
        for place in places
    ]
    return Input(
        tokens,
        len(head),
        spans,
        pairs,
        [index for index, _ in found],
        front != full or len(kept) < len(body["input_ids"]),
        len(kept_before) < len(before),
    )


def _place(actor: str, start: int, end: int) -> tuple[str, int, int]:
    """A mention is its place, whoever it names; an actor without one is its name."""
    return ("", start, end) if start >= 0 else (actor, -1, -1)


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, dict[tuple[int, int], tuple[int, int]]]:
    """The text with its mentions between marks, and where each is then. Overlapping ones get one mark round all."""
    result, moved, position = "", {}, 0
    index = 0
    while index < len(spans):
        start, end = spans[index]
        together = [spans[index]]
        while index + 1 < len(spans) and spans[index + 1][0] < end:
            index += 1
            together.append(spans[index])
            end = max(end, spans[index][1])
        result += text[position:start] + f"{MARK} "
        for a, b in together:
            moved[a, b] = (len(result) + a - start, len(result) + b - start)
        result += text[start:end] + f" {MARK}"
        position = end
        index += 1
    return result + text[position:], moved


def _kept(length: int, mentioned: list[int], room: int) -> list[int]:
    """The tokens of a sentence that fit, in order: all, or those nearest to any of its mentions."""
    if length <= room:
        return list(range(length))
    places = np.array(mentioned or [0])
    distance = np.array([np.abs(places - at).min() for at in range(length)])
    return sorted(np.argsort(distance, kind="stable")[:room].tolist())


def collate(inputs: Sequence[dict[str, Any]], pad: int, multiple: int = 8) -> dict[str, torch.Tensor]:
    """Make a batch of inputs: tokens padded to the longest, to a multiple of 8 so that few shapes occur.

    Returns:
        `input_ids` and `attention_mask`, shape (b, l); `pooling` (b, s, l), the share of each token in the vectors of a
        sentence: the first is the sentence's own, then one an actor; `pairs` (p, 3): row, source vector (0 for AUTHOR),
        target vector; where the inputs have them `labels` (p,), and `known` (p, 3) and `weights` (p,), see `examples`.

    """
    longest = max(len(one["input_ids"]) for one in inputs)
    length = -(-longest // multiple) * multiple
    ids = torch.full((len(inputs), length), pad)
    attention = torch.zeros((len(inputs), length), dtype=torch.long)
    pooling = torch.zeros((len(inputs), 1 + max(len(one["spans"]) for one in inputs), length))
    pairs: list[tuple[int, int, int]] = []
    taught: defaultdict[str, list[Any]] = defaultdict(list)
    for row, one in enumerate(inputs):
        end = len(one["input_ids"])
        ids[row, :end] = torch.tensor(one["input_ids"])
        attention[row, :end] = 1
        pooling[row, 0, one["body"] : end] = 1 / (end - one["body"])
        for at, tokens in enumerate(one["spans"], 1):
            pooling[row, at, tokens] = 1 / max(1, len(tokens))
        pairs += [(row, source + 1, target + 1) for source, target in one["pairs"]]  # NO_ACTOR + 1 is the sentence
        for name in TAUGHT & set(one):
            taught[name] += one[name]
    batch = {"input_ids": ids, "attention_mask": attention, "pooling": pooling, "pairs": torch.tensor(pairs)}
    return {**batch, **{name: torch.tensor(values) for name, values in taught.items()}}
