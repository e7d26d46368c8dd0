"""Label priors: how common each label is in what a model reads, if that differs from its training.

A model's probabilities reflect how common the labels were in its training as well as what the sentence says. Where the
shares differ and the sentences of each label look the same as before (label shift), Bayes' rule says what the
probabilities become: each times its label's new share over the old one, scaled to sum to 1. The new shares may be known
(from a hand-labelled sample), or estimated from the probabilities themselves by expectation maximisation (Saerens,
Latinne, Decaestecker 2002, Adjusting the Outputs of a Classifier to New a Priori Probabilities), which relies on the
model's calibration: for sentences unlike those of its training it only estimates what they look like to the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance.errors import InputError
from actorstance.examples import LABELS

ESTIMATE = "estimate"
ROUNDS = 1000  # of expectation maximisation at most; it ends when no share moves by a millionth
STILL = 1e-6

Wanted = Sequence[float] | str | None


@dataclass(frozen=True)
class Priors:
    """The shares of the labels, in their order, that a model's probabilities reflect (`own`), and the new ones."""

    own: tuple[float, ...]
    new: tuple[float, ...]
    estimated: bool

    def applied(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities under the new shares, shape (n, 3); rows sum to 1.

        Example:
            >>> rarer = Priors(own=(0.4, 0.4, 0.2), new=(0.1, 0.8, 0.1), estimated=False)
            >>> rarer.applied(np.array([[0.5, 0.3, 0.2]])).round(3)
            array([[0.152, 0.727, 0.121]])

        """
        ratio = np.divide(self.new, self.own, out=np.zeros(len(LABELS)), where=np.asarray(self.own) > 0)
        scaled = probabilities * ratio
        total = scaled.sum(axis=1, keepdims=True)
        # Where the model is sure of a label that cannot occur, nothing better is known than the new shares.
        return np.where(total > 0, scaled / np.where(total > 0, total, 1), np.asarray(self.new))

    def row(self) -> dict[str, Any]:
        """Return what a run records about them."""
        shares = (dict(zip(LABELS, values, strict=True)) for values in (self.own, self.new))
        return dict(zip(("own", "new"), shares, strict=True), estimated=self.estimated)


def shares(probabilities: NDArray[np.float64]) -> list[float]:
    """Return how common a model takes each label to be over held-out examples: these are recorded as its own priors."""
    found: list[float] = probabilities.mean(axis=0).tolist()
    return found


def priors(wanted: Wanted, own: Any, probabilities: NDArray[np.float64]) -> Priors | None:
    """Return the priors under which probabilities are to be read.

    Args:
        wanted: the shares of against, neutral and favor, each ≥ 0, which sum to 1; or `estimate`; None: none.
        own: the model's own, from its card.
        probabilities: of all examples that are read together, shape (n, 3).

    Returns:
        None if none are wanted, or if there is nothing to estimate them from.

    Raises:
        InputError: if they are not shares, or the model does not know its own.

    Example:
        >>> chances = np.array([[0.05, 0.9, 0.05]] * 8 + [[0.98, 0.01, 0.01]] * 2)
        >>> [round(share, 2) for share in priors("estimate", [0.4, 0.3, 0.3], chances).new]
        [0.2, 0.8, 0.0]

    """
    if wanted is None:
        return None
    if isinstance(wanted, str) and wanted != ESTIMATE:
        raise InputError(f"priors={wanted!r}: expected {ESTIMATE}, or three shares as [0.1,0.8,0.1].")
    if not _are_shares(own):
        raise InputError(
            "priors: the model does not say how common the labels were in its training: train it with this version."
        )
    if isinstance(wanted, str):
        return Priors(tuple(own), _estimated(own, probabilities), estimated=True) if len(probabilities) else None
    if not _are_shares(wanted):
        raise InputError(
            f"priors={list(wanted)}: expected the shares of {', '.join(LABELS)}, which sum to 1, as [0.1,0.8,0.1]."
        )
    return Priors(tuple(own), tuple(map(float, wanted)), estimated=False)


def _are_shares(found: Any) -> bool:
    return (
        isinstance(found, Sequence)
        and len(found) == len(LABELS)
        and all(isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1 for share in found)
        and math.isclose(sum(found), 1, abs_tol=1e-3)
    )


def _estimated(own: Sequence[float], probabilities: NDArray[np.float64]) -> tuple[float, ...]:
    found = tuple(own)
    for _ in range(ROUNDS):
        before = found
        found = tuple(shares(Priors(tuple(own), before, estimated=True).applied(probabilities)))
        if max(abs(a - b) for a, b in zip(before, found, strict=True)) < STILL:
            break
    return found
