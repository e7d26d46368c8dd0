"""Stances as rows that can be joined with event data: who did or said what to whom, on which day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from Stemmer import Stemmer

from actorstance.actors import AUTHOR
from actorstance.examples import LABELS
from actorstance.resources import table_of

COLUMNS = (
    "date",
    "source",
    "source_iso",
    "target",
    "target_iso",
    "root",
    "cameo",
    "quad",
    "cue",
    "label",
    "probability",
    "document_id",
    "raw_start",
    "raw_end",
    "sentence",
)
_QUADS = {("favor", "speaks"): 1, ("favor", "acts"): 2, ("against", "speaks"): 3, ("against", "acts"): 4}


class Root(NamedTuple):
    """An event type of PLOVER, its CAMEO root code and its quad class."""

    name: str
    cameo: str
    quad: int


@cache
def _roots() -> dict[str, tuple[Root, ...]]:
    """Stem of a verb -> the event types it can be: "attack" may be said or done."""
    table = table_of("pages/events.yaml")
    found: dict[str, tuple[Root, ...]] = {}
    for name, entry in table.items():
        for word in entry["words"].split():
            key = _stem(word)
            found[key] = (*found.get(key, ()), Root(name, entry["cameo"], entry["quad"]))
    return found


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    return str(Stemmer("english").stemWord(word.lower()))


def event(label: str, why: str) -> tuple[Root | None, int] | None:
    """Return the event type and the quad class of a stance, None where it is not an event.

    A stance is an event where its source says something about its target or does something to it. The quad
    class is the stance's own: for or against, said or done. The type is that of the word that reports it, if of the
    same class.

    Args:
        label: of the stance.
        why: what the pair comes from, as in predictions.jsonl.

    Example:
        >>> event("against", "speaks: accused")
        (Root(name='ACCUSE', cameo='11', quad=3), 3)
        >>> event("favor", "acts: accused"), event("favor", "named together")
        ((None, 2), None)

    """
    kind, _, cue = why.partition(": ")
    quad = _QUADS.get((label, kind))
    if quad is None:
        return None
    fitting = [root for root in _roots().get(_stem(cue), ()) if root.quad == quad]
    return (fitting[0] if fitting else None), quad


def rows(
    predictions: Iterable[Mapping[str, Any]], dates: Mapping[str, str | None], known: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of events.csv.

    Args:
        predictions: the lines of a prediction's predictions.jsonl.
        dates: document -> its date.
        known: actor -> `iso`, as in provenance.json.

    """
    for row in predictions:
        label = max(LABELS, key=lambda name: float(row[name]))
        found = None if row["source"] == AUTHOR else event(label, row["why"])
        if found is None:
            continue
        root, quad = found
        yield {
            "date": dates.get(row["document_id"]),
            "source": row["source"],
            "source_iso": known.get(row["source"], {}).get("iso"),
            "target": row["target"],
            "target_iso": known.get(row["target"], {}).get("iso"),
            "root": root.name if root else None,
            "cameo": root.cameo if root else None,
            "quad": quad,
            "cue": row["why"].partition(": ")[2],
            "label": label,
            "probability": float(row[label]),
            "document_id": row["document_id"],
            "raw_start": row["raw_start"],
            "raw_end": row["raw_end"],
            "sentence": row["text"],
        }
