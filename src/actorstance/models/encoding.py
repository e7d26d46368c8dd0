"""Sentences as an encoder reads them: mentions marked, all pairs of a sentence in one input, nothing cut silently.

An input is names, context, sentence, with separators. In the sentence every mention is between two `@`, which say that
it is an actor but not which role it has: so one pass serves all pairs. An actor that the sentence does not mention is
put in front of it by name. `AUTHOR` has no words; it reads the vector of the sentence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tokenizers
from datasets import Dataset
from numpy.typing import NDArray

from actorstance.examples import AUTHOR

MARK = "@"
MULTIPLE = 8  # tokens; batches are padded to a multiple of it
TAUGHT = {"wanted": np.float32, "known": np.bool_, "weights": np.float32}  # of a training input, one row per pair
NO_ACTOR = -1  # of a pair's source: AUTHOR, who has no mention


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer of `tokenizers`, and the numbers of its special tokens. No tensor library is needed for it."""

    backend: tokenizers.Tokenizer
    cls: int
    sep: int
    pad: int
    mask: int

    def __post_init__(self) -> None:
        self.backend.no_padding()  # some are saved with either; `encode` decides what is cut
        self.backend.no_truncation()

    @classmethod
    def of(cls, fast: Any) -> Tokenizer:
        """Return one made from a fast tokenizer of transformers, which is left unchanged."""
        copy = tokenizers.Tokenizer.from_str(fast.backend_tokenizer.to_str())
        return cls(copy, fast.cls_token_id, fast.sep_token_id, fast.pad_token_id, fast.mask_token_id)

    def read(self, texts: Sequence[str]) -> list[tokenizers.Encoding]:
        """Return the `ids` and `offsets` of each text, no special tokens added."""
        found: list[tokenizers.Encoding] = self.backend.encode_batch(list(texts), add_special_tokens=False)
        return found


@dataclass(frozen=True)
class Input:
    """One sentence with all its examples.

    `input_ids` are its tokens, from `body` on those of the sentence itself; `spans` the tokens of each actor; `pairs`
    (source, target) as indices into `spans`; `rows` the examples of these pairs; `cropped` whether tokens of the
    sentence or of the names in front were cut, `context_cropped` whether tokens of the context were.
    """

    input_ids: list[int]
    body: int
    spans: list[list[int]]
    pairs: list[tuple[int, int]]
    rows: list[int]
    cropped: bool
    context_cropped: bool


def encode(examples: Dataset, tokenizer: Tokenizer, max_length: int, context: bool = True) -> list[Input]:
    """Return one input for each sentence of the examples, in the order in which the sentences first occur.

    Args:
        examples: rows of the schema.
        tokenizer: see `Tokenizer`.
        max_length: tokens of an input at most. Context is cut first, then the words of the sentence that are farthest
            from the mentions.
        context: whether the previous sentences are part of an input; if not, all examples of a text share one.

    """
    columns = ("text", "context", "source", "source_start", "source_end", "target", "target_start", "target_end")
    table = examples.select_columns(list(columns)).with_format("arrow")[:]
    rows = list(zip(*(table[name].to_pylist() for name in columns), strict=True))
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, (text, before, *_) in enumerate(rows):
        found[text, before if context else ""].append(index)
    sentences = [
        _sentence(text, before, indices, [rows[index][2:] for index in indices])
        for (text, before), indices in found.items()
    ]
    bodies = tokenizer.read([one.marked for one in sentences])  # all at once: the tokenizer has threads of its own
    before = tokenizer.read([one.context for one in sentences])
    names = sorted({name for one in sentences for name in one.names})
    ids = {name: tokens.ids for name, tokens in zip(names, tokenizer.read(names), strict=True)}
    return [
        _input(one, body, earlier.ids, [ids[name] for name in one.names], tokenizer, max_length)
        for one, body, earlier in zip(sentences, bodies, before, strict=True)
    ]


@dataclass(frozen=True)
class _Sentence:
    """A sentence with its examples before tokenizing: `names` go in front, `moved` has mentions' places in `marked`."""

    marked: str
    context: str
    places: list[tuple[str, int, int]]  # (name, start, end) of each actor; start -1: goes in front
    moved: dict[tuple[int, int], tuple[int, int]]
    names: list[str]
    pairs: list[tuple[int, int]]
    rows: list[int]


def _sentence(text: str, context: str, rows: list[int], found: list[Any]) -> _Sentence:
    places: dict[tuple[str, int, int], int] = {}
    pairs = []
    for source, s0, s1, target, t0, t1 in found:
        at = NO_ACTOR if source == AUTHOR else places.setdefault(_place(source, s0, s1), len(places))
        pairs.append((at, places.setdefault(_place(target, t0, t1), len(places))))
    marked, moved = _marked(text, sorted({(start, end) for _, start, end in places if start >= 0}))
    names = [name.replace("_", " ") for name, start, _ in places if start < 0]
    return _Sentence(marked, context, list(places), moved, names, pairs, rows)


def _input(
    one: _Sentence,
    body: tokenizers.Encoding,
    before: list[int],
    full: list[list[int]],
    tokenizer: Tokenizer,
    max_length: int,
) -> Input:
    front = [ids[: max_length // 8] for ids in full][: max_length // 16]  # at most this long, and this many,
    while sum(len(ids) + 1 for ids in front) > max_length // 2:  # and half of the input for the sentence
        front.pop()
    starts, ends = np.array(body.offsets, dtype=np.int64).reshape(-1, 2).T
    spans_in_body = {
        place: np.flatnonzero((starts < one.moved[place[1:]][1]) & (ends > one.moved[place[1:]][0])).tolist()
        for place in one.places
        if place[1] >= 0
    }
    separator = [tokenizer.sep]
    head = [tokenizer.cls]
    fronts: dict[tuple[str, int, int], list[int]] = {}
    for place, ids in zip((place for place in one.places if place[1] < 0), front, strict=False):
        fronts[place] = list(range(len(head), len(head) + len(ids)))
        head += ids + separator
    room = max_length - len(head) - 1
    kept = _kept(len(body.ids), [at for tokens in spans_in_body.values() for at in tokens], room)
    kept_before = before[len(before) - max(0, min(len(before), room - len(kept) - 1)) :]
    if kept_before:
        head += kept_before + separator
    moved_to = {at: len(head) + new for new, at in enumerate(kept)}
    own = body.ids
    tokens = head + [own[at] for at in kept] + separator
    spans = [
        fronts.get(place, []) if place[1] < 0 else [moved_to[at] for at in spans_in_body[place] if at in moved_to]
        for place in one.places
    ]
    cropped = front != full or len(kept) < len(own)
    return Input(tokens, len(head), spans, one.pairs, one.rows, cropped, len(kept_before) < len(before))


def _place(actor: str, start: int, end: int) -> tuple[str, int, int]:
    """A mention is identified by its place, whomever it names; an actor without one by its name."""
    return ("", start, end) if start >= 0 else (actor, -1, -1)


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, dict[tuple[int, int], tuple[int, int]]]:
    """The text with its mentions between marks, and where each is then. Overlapping ones share one pair of marks."""
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


def padded(tokens: int) -> int:
    """Return the length to which a batch with this many tokens in its longest input is padded: few lengths occur."""
    return -(-tokens // MULTIPLE) * MULTIPLE


def collate(inputs: Sequence[dict[str, Any]], pad: int) -> dict[str, NDArray[Any]]:
    """Make a batch of inputs, padded to one length.

    Returns:
        `input_ids` and `attention_mask`, shape (b, l); `pooling` (b, v, l), the share of each token in the vectors of a
        sentence: first the sentence's own, then one per actor; `pairs` (p, 3): row, source vector (0 for AUTHOR),
        target vector; `slots` (b, s), the pairs of each sentence, padded with pair 0, and `places` (p,), where each
        pair is in them, row by row; for training inputs `wanted` (p, 3), `known` (p, 3) and `weights` (p,), see
        `pair_network.loss_over`.

    """
    length = padded(max(len(one["input_ids"]) for one in inputs))
    ids = np.full((len(inputs), length), pad, dtype=np.int64)
    attention = np.zeros((len(inputs), length), dtype=np.int64)
    pooling = np.zeros((len(inputs), 1 + max(len(one["spans"]) for one in inputs), length), dtype=np.float32)
    slots = np.zeros((len(inputs), max(len(one["pairs"]) for one in inputs)), dtype=np.int64)
    pairs: list[tuple[int, int, int]] = []
    places: list[int] = []
    taught: defaultdict[str, list[Any]] = defaultdict(list)
    for row, one in enumerate(inputs):
        end = len(one["input_ids"])
        ids[row, :end] = one["input_ids"]
        attention[row, :end] = 1
        pooling[row, 0, one["body"] : end] = 1 / (end - one["body"])
        for at, tokens in enumerate(one["spans"], 1):
            pooling[row, at, tokens] = 1 / max(1, len(tokens))
        number = len(one["pairs"])
        slots[row, :number] = range(len(pairs), len(pairs) + number)
        places += range(row * slots.shape[1], row * slots.shape[1] + number)
        pairs += [(row, source + 1, target + 1) for source, target in one["pairs"]]  # NO_ACTOR + 1 is the sentence
        for name in TAUGHT.keys() & set(one):
            taught[name] += one[name]
    return {
        "input_ids": ids,
        "attention_mask": attention,
        "pooling": pooling,
        "pairs": np.array(pairs, dtype=np.int64),
        "slots": slots,
        "places": np.array(places, dtype=np.int64),
        **{name: np.array(values, dtype=TAUGHT[name]) for name, values in taught.items()},
    }
