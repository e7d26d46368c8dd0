"""Sentences with other names in them, so that a stance is learned from what is said, not from who is named.

Counterfactual data augmentation (Lu, Mardziel, Wu, Amancharla, Datta 2020, Gender Bias in Neural NLP): what must make
no difference is changed at random; the label stays.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from datasets import Dataset

from actorstance.actors import Registry
from actorstance.syntax.tagging import lexicon

_Span = tuple[int, int]


def renamed(examples: Dataset, seed: int) -> Dataset:
    """Return the examples with a state's name in place of every mention that is a name; each actor gets one name.

    Pronouns and descriptions stay. Sentences in which mentions overlap, and those without a name, are left out, so
    that fewer rows may come back.

    Args:
        examples: rows of the schema.
        seed: for the choice of names.

    Example:
        >>> from actorstance.examples import dataset
        >>> row = {"text": "Ana met Bo.", "source": "ana", "source_start": 0, "source_end": 3, "target": "bo"}
        >>> row |= {"target_start": 8, "target_end": 10, "example_id": "1", "document_id": "1", "group_id": "1"}
        >>> (other,) = renamed(dataset([("here", row)]), seed=0)
        >>> other["text"], other["text"][other["source_start"] : other["source_end"]]
        ('Sweden met North Korea.', 'Sweden')

    """
    random = np.random.default_rng(seed)
    sentences: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in examples.to_list():
        sentences[row["text"], row["context"]].append(row)
    found = [row for rows in sentences.values() for row in _renamed(rows, random)]
    return Dataset.from_list(found, features=examples.features) if found else examples.select([])


def _renamed(rows: list[dict[str, Any]], random: np.random.Generator) -> list[dict[str, Any]]:
    """The rows of one sentence, none if it cannot be done."""
    text, actors = rows[0]["text"], dict[_Span, str]()
    for row in rows:
        for role in ("source", "target"):
            if row[f"{role}_start"] >= 0:
                actors[row[f"{role}_start"], row[f"{role}_end"]] = row[role]
    spans = sorted(actors)
    who = {actors[span] for span in spans if _is_name(text[span[0] : span[1]])}
    if not who or any(a[1] > b[0] for a, b in pairwise(spans)) or len(who) > len(_names()):
        return []
    names = random.choice(_names(), size=len(who), replace=False).tolist()
    new = dict(zip(sorted(who), names, strict=True))
    result, done, moved = "", 0, dict[_Span, _Span]()
    for start, end in spans:
        mention = text[start:end]
        result += text[done:start]
        name = new[actors[start, end]] if _is_name(mention) else mention
        moved[start, end] = (len(result), len(result) + len(name))
        result, done = result + name, end
    result += text[done:]
    return [row | {"text": result} | _moved(row, moved) for row in rows]


def _moved(row: dict[str, Any], moved: dict[_Span, _Span]) -> dict[str, int]:
    found = {}
    for role in ("source", "target"):
        if row[f"{role}_start"] >= 0:
            found[f"{role}_start"], found[f"{role}_end"] = moved[row[f"{role}_start"], row[f"{role}_end"]]
    return found


def _is_name(mention: str) -> bool:
    return mention[:1].isupper() and mention.split()[0].lower() not in lexicon().closed


@cache
def _names() -> list[str]:
    """The first name of every state."""
    registry = Registry.world()
    return [
        entry["names"][0]
        for actor, entry in registry.to_json().items()
        if registry.iso.get(actor) and isinstance(entry, dict) and entry.get("names")
    ]
