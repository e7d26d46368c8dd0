"""Sentences with other names: what is named changes, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from actorstance import corpora
from actorstance.examples import dataset
from actorstance.models.renaming import renamed
from actorstance.models.transformer import TransformerModel

CLOSED = {"he", "she", "it", "they", "his", "her", "its", "their", "who", "which", "we", "i", "you", "our", "the"}


def mentions(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(actor, mention) of both ends."""
    ends = [end for end in ("source", "target") if row[f"{end}_start"] >= 0]
    return [(row[end], row["text"][row[f"{end}_start"] : row[f"{end}_end"]]) for end in ends]


def _masked(rows: Dataset) -> dict[str, str]:
    """The text of each example with every mention that its sentence's examples have blanked out."""
    spans: dict[tuple[str, str], set[tuple[int, int]]] = {}
    for row in rows:
        found = spans.setdefault((row["text"], row["context"]), set())
        found |= {(row[f"{end}_start"], row[f"{end}_end"]) for end in ("source", "target") if row[f"{end}_start"] >= 0}
    result = {}
    for row in rows:
        text = row["text"]
        for start, end in sorted(spans[row["text"], row["context"]], reverse=True):
            text = f"{text[:start]}@{text[end:]}"
        result[row["example_id"]] = text
    return result


@pytest.fixture(scope="module")
def newsroom() -> Dataset:
    return corpora.load("newsroom").examples.select(range(2000))


def test_nothing_changes_but_names(newsroom: Dataset) -> None:
    before = {row["example_id"]: row for row in newsroom}
    after = renamed(newsroom, seed=0)
    masked = {name: _masked(rows) for name, rows in (("before", newsroom), ("after", after))}
    assert all(masked["after"][row["example_id"]] == masked["before"][row["example_id"]] for row in after)
    assert 0.7 < len(after) / len(before) < 1
    changed = 0
    for row in after:
        old = before[row["example_id"]]
        assert [row[name] for name in ("label", "source", "target", "group_id", "split")] == [
            old[name] for name in ("label", "source", "target", "group_id", "split")
        ]
        for (actor, new), (same, mention) in zip(mentions(row), mentions(old), strict=True):
            assert actor == same
            assert new == mention or mention[0].isupper()
            changed += new != mention
    assert changed > len(after)


def test_an_actor_has_one_name_and_no_two_share_one(newsroom: Dataset) -> None:
    names: dict[str, dict[str, set[str]]] = {}
    for row in renamed(newsroom, seed=1):
        for actor, mention in mentions(row):
            if mention[0].isupper() and mention.split()[0].lower() not in CLOSED:
                names.setdefault(row["text"], {}).setdefault(actor, set()).add(mention)
    assert all(len(found) == 1 for actors in names.values() for found in actors.values())
    for actors in names.values():
        taken = [name for found in actors.values() for name in found]
        assert len(set(taken)) == len(taken)


def test_without_a_name_there_is_nothing_to_rename() -> None:
    ids = {f"{name}_id": "1" for name in ("example", "document", "group")}
    places = {"source_start": 0, "source_end": 2, "target_start": 7, "target_end": 10}
    found = renamed(dataset([("here", {**ids, **places, "text": "He met her.", "source": "a", "target": "b"})]), 0)
    assert len(found) == 0


def test_the_seed_alone_decides(newsroom: Dataset) -> None:
    first, again, other = (renamed(newsroom, seed)["text"][:] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_model_learns_from_the_copies_too(tiny_encoder: str) -> None:
    rows = []
    for at, (verb, label) in enumerate([("blamed", "against"), ("met", "neutral"), ("thanked", "favor")] * 3):
        text = f"Ana {verb} Bo {at}."
        ids = {f"{name}_id": str(at) for name in ("example", "document", "group")}
        places = {"source_start": 0, "source_end": 3, "target_start": len(text) - 5, "target_end": len(text) - 3}
        rows.append(("here", {**ids, **places, "text": text, "source": "ana", "target": "bo", "label": label}))
    examples = dataset(rows)
    fitted = TransformerModel(encoder=tiny_encoder, epochs=1, renamed=2).fit(examples, examples)
    assert fitted.cropped["training"]["sentences"] == 3 * len(examples)
    assert np.allclose(fitted.predict_proba(examples).sum(axis=1), 1)
