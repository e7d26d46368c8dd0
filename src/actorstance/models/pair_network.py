"""The network that reads every pair of a sentence in one pass: an encoder, and a head over its tokens.

Source and target are the means of their mentions' tokens. Together they query the sentence, by attention over its
tokens, for what is between them; the answer, the two, and their product go through a small head.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from actorstance.examples import LABELS


class PairNetwork(nn.Module):
    """Encoder and head: from a batch of `encoding.collate` to the logits of all its pairs, shape (p, 3)."""

    def __init__(self, encoder: Any, dropout: float) -> None:
        super().__init__()
        size = encoder.config.hidden_size
        self.encoder = encoder
        self.head = nn.ModuleDict(
            {
                "query": nn.Linear(2 * size, size),
                "answer": nn.Sequential(
                    nn.Linear(4 * size, size), nn.Tanh(), nn.Dropout(dropout), nn.Linear(size, len(LABELS))
                ),
            }
        )

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        pooling: torch.Tensor,
        pairs: torch.Tensor,
        slots: torch.Tensor,
        places: torch.Tensor,
        wanted: torch.Tensor | None = None,
        known: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return `logits`, shape (p, 3), and `loss`, see `loss_over`, if `wanted` is given."""
        # Training computes in bfloat16 from float32 weights; for predicting there is `halved`.
        with torch.autocast(input_ids.device.type, torch.bfloat16, enabled=self.training and has_bf16()):
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            if not self.training:
                hidden = hidden.float()  # the head is small, and its answers are compared
            # A product and a selection, since indexing the tokens would sum gradients in a nondeterministic order.
            vectors = torch.bmm(pooling.to(hidden.dtype), hidden)
            row, source, target = (pairs[:, column] for column in range(3))
            flat, width = vectors.flatten(0, 1), vectors.shape[1]
            of_source, of_target = (flat.index_select(0, row * width + at) for at in (source, target))
            query = self.head["query"](torch.cat([of_source, of_target], dim=1))
            queries = query.index_select(0, slots.flatten()).view(*slots.shape, -1)
            sentence = _attended(hidden, pooling[:, 0] > 0, queries).flatten(0, 1).index_select(0, places)
            logits = self.head["answer"](torch.cat([sentence, of_source, of_target, of_source * of_target], dim=1))
        logits = logits.float()
        if wanted is None or known is None or weights is None:
            return {"logits": logits}
        return {"loss": loss_over(logits, wanted, known, weights), "logits": logits}


def halved(network: PairNetwork) -> PairNetwork:
    """Return a copy for predicting whose encoder is in bfloat16, where the device multiplies that; else the network.

    It is quick because the weights are cast once, not in every product as with autocast.
    """
    if not has_bf16():
        return network
    copy = deepcopy(network)
    copy.encoder.to(torch.bfloat16)
    return copy


def averaged(networks: Sequence[PairNetwork]) -> PairNetwork:
    """Return the network whose weights are the means of the networks' weights."""
    mean = deepcopy(networks[0])
    states = [network.state_dict() for network in networks]
    mean.load_state_dict({name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    return mean


def loss_over(logits: torch.Tensor, wanted: torch.Tensor, known: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy over the labels that each pair's corpus has.

    The weights are not normalised within each batch: batches hold sentences of similar length, often from one corpus,
    whose weight would cancel out.

    Args:
        logits: shape (p, 3).
        wanted: the target probabilities, shape (p, 3); 0 for a label that is not known.
        known: which labels the corpus of each pair has, shape (p, 3).
        weights: of each pair, shape (p,); their mean over all training pairs is 1.

    """
    log_chances = logits.masked_fill(~known, -torch.inf).log_softmax(dim=1).masked_fill(~known, 0.0)
    return -(weights * (wanted * log_chances).sum(dim=1)).mean()


def label_weights(y: NDArray[np.int64], balance: float) -> NDArray[np.float64]:
    """Return how much the loss weighs each label, shape (3,): its inverse frequency to the power of `balance`.

    Example:
        >>> label_weights(np.array([0, 1, 1, 1]), 0.5)  # nothing is known of the third
        array([2.        , 1.15470054, 1.        ])

    """
    counts = np.bincount(y, minlength=len(LABELS))
    rarity: NDArray[np.float64] = np.where(counts > 0, len(y) / np.maximum(counts, 1), 1.0)
    return rarity**balance


def _attended(hidden: torch.Tensor, body: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Return, shape (b, s, h), what each pair sees of its sentence: a mean of the tokens, weighted by its query.

    Args:
        hidden: the tokens' vectors, shape (b, l, h).
        body: which tokens are the sentence's own, shape (b, l).
        queries: of the pairs of each sentence, shape (b, s, h).

    """
    scores = torch.bmm(queries, hidden.transpose(1, 2)).float() / queries.shape[2] ** 0.5
    weights = scores.masked_fill(~body.unsqueeze(1), float("-inf")).softmax(dim=2).to(hidden.dtype)
    return torch.bmm(weights, hidden)


def device() -> str:
    """Return where networks compute: the graphics card, if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
