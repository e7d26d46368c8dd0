"""Sentences that also occur in another part, verbatim or nearly so."""

from __future__ import annotations

import re

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashLSH

from actorstance.examples import twin_key
from actorstance.stored import ROWS

SHINGLE = 2  # words of a shingle: of 1, 2 and 3, on real corpora all found the same near-twins, 2 with few false leads
NEAR = 0.7  # Jaccard similarity of shingles: two words in twenty may differ; from 0.5 to 0.8 the same were found
HASHES, BANDS = 128, 32  # four hashes a band: of pairs as like as NEAR one in five thousand is missed
SEED = 0


def without_twin(held_out: Dataset, train: Dataset) -> NDArray[np.bool_]:
    """Return, shape (n,), which held-out examples have a sentence that does not occur in training too.

    Two sentences are twins if they are identical except for brackets, case and spaces.
    """
    seen = {twin_key(text) for text in set(train["text"][:])}
    return np.array([twin_key(text) not in seen for text in held_out["text"][:]], dtype=bool)


def without_near_twin(held_out: Dataset, train: Dataset) -> NDArray[np.bool_]:
    """Return, shape (n,), which held-out examples have a sentence with neither a twin nor a near-twin in training.

    Two sentences are near-twins if the Jaccard similarity of their pairs of words is at least 0.7. MinHash finds them
    (Broder 1997, On the resemblance and containment of documents), and each that it finds is then counted exactly.

    Example:
        >>> from actorstance.examples import dataset
        >>> def rows(*texts):
        ...     return dataset((t, {"example_id": t, "document_id": t, "group_id": t, "text": t, "target": "ostia"})
        ...         for t in texts)
        >>> said = "Varna thanked Ostia for grain, coal and {} on the day of the great northern fair."
        >>> train = rows(said.format("timber"), "Varna accused Ostia of piracy.")
        >>> without_near_twin(rows(said.format("cloth"), "Varna thanked Ostia."), train).tolist()
        [False, True]

    """
    verbatim, near = twins(held_out["text"][:], train["text"][:])
    return ~(verbatim | near)


def twins(held_out: list[str], train: list[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which held-out texts occur verbatim in training, and which of the others nearly so; both shape (n,)."""
    known, unique = {twin_key(text) for text in set(train)}, list(dict.fromkeys(held_out))
    verbatim = {text for text in unique if twin_key(text) in known}
    near = _near([text for text in unique if text not in verbatim], list(dict.fromkeys(train)))
    return (
        np.array([text in verbatim for text in held_out], dtype=bool),
        np.array([text in near for text in held_out], dtype=bool),
    )


def _near(held_out: list[str], train: list[str]) -> set[str]:
    if not held_out or not train:
        return set()
    index = RMinHashLSH(NEAR, HASHES, BANDS)  # 3 kB a sentence: it indexes the smaller set; training streams past
    for first in range(0, len(held_out), ROWS):
        index.insert_many(_hashes(held_out[first : first + ROWS]), first)
    near: set[str] = set()
    for first in range(0, len(train), ROWS):
        some = train[first : first + ROWS]
        for text, found in zip(some, index.query_all(_hashes(some)), strict=True):
            if leads := {held_out[at] for at in found} - near:
                own = _shingles(text)
                near |= {lead for lead in leads if _alike(own, _shingles(lead))}
    return near


def _hashes(texts: list[str]) -> list[RMinHash]:
    hashes: list[RMinHash] = RMinHash.from_token_sets([sorted(_shingles(text)) for text in texts], HASHES, SEED)
    return hashes


def _alike(own: set[str], other: set[str]) -> bool:
    return len(own & other) >= NEAR * len(own | other)


def _shingles(text: str) -> set[str]:
    words = re.findall(r"\w+", text.casefold()) or [text]
    return {" ".join(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))}
