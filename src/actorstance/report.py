"""A run as one HTML page that opens offline: nothing is loaded, nothing runs, everything is escaped."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from datasets import Dataset
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from numpy.typing import NDArray

from actorstance.documents import Document
from actorstance.examples import AUTHOR, LABELS, labels
from actorstance.models import Model
from actorstance.reading import Reading
from actorstance.scoring import confusion_matrix

MAX_ROWS = 200  # of a table; the CSV beside the page has all
ERRORS = 12  # wrong answers that are shown, the surest first
SIGNS = {"against": "−", "neutral": "·", "favor": "+"}  # never colour alone


def scored(
    examples: Dataset,
    probabilities: NDArray[np.float64],
    metrics: dict[str, Any],
    audit: dict[str, Any],
    errors: list[dict[str, Any]],
    actors: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    model: Model,
) -> str:
    """Return the page of a run on labelled examples."""
    gold, predicted = labels(examples), probabilities.argmax(axis=1)
    return _template("scored.html").render(
        title=f"{model.card['corpus']['name']} · {model.kind}",
        metrics=metrics,
        resampled="whole groups (stories, articles; of a single article its sentences)",
        audit=audit,
        confusion=confusion_matrix(gold, predicted).tolist(),
        errors=errors,
        **_common(actors, pairs, model),
    )


def predicted(
    readings: Sequence[Reading],
    examples: Dataset,
    probabilities: NDArray[np.float64],
    counts: dict[str, Any],
    actors: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    model: Model,
) -> str:
    """Return the page of articles that were read, each as it was pasted, with the stances below their sentences."""
    documents = [reading.document for reading in readings]
    found: defaultdict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    columns = [examples[name][:] for name in ("document_id", "raw_start", "source", "target")]
    reasons = [pair.why for reading in readings for pair in reading.pairs]
    for index, (document, start, source, target) in enumerate(zip(*columns, strict=True)):
        label = int(probabilities[index].argmax())
        if LABELS[label] != "neutral":
            stance = {
                "source": source,
                "target": target,
                "label": LABELS[label],
                "p": float(probabilities[index, label]),
                "why": reasons[index],
            }
            found[(document, start)].append(stance)
    shown = documents[:MAX_ROWS]
    return _template("predicted.html").render(
        title=documents[0].id if len(documents) == 1 else f"{len(documents)} articles",
        counts=counts,
        resampled="the sentences of this one article" if len(documents) == 1 else "articles",
        articles=[(document.id, document.date, _page(document, found)) for document in shown],
        left_out=len(documents) - len(shown),
        **_common(actors, pairs, model),
    )


def _common(actors: list[dict[str, Any]], pairs: list[dict[str, Any]], model: Model) -> dict[str, Any]:
    own_voice_last = sorted(pairs, key=lambda row: row["source"] == AUTHOR)
    return {
        "actors": sorted(actors, key=lambda row: row["actor"] == AUTHOR)[:MAX_ROWS],
        "pairs": own_voice_last[:MAX_ROWS],
        "has_gold": any(row["gold"] is not None for row in actors),
        "more": {"actors": max(0, len(actors) - MAX_ROWS), "pairs": max(0, len(pairs) - MAX_ROWS)},
        "labels": LABELS,
        "signs": SIGNS,
        "card": model.card,
        "kind": model.kind,
        "params": model.params,
    }


def errors(examples: Dataset, probabilities: NDArray[np.float64], model: Model) -> list[dict[str, Any]]:
    """Return the wrong answers that a model was surest of, with what pushed that same model there."""
    gold, predicted = labels(examples), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(gold != predicted)
    first = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:ERRORS]
    rows = examples.select(first)
    return [
        {
            **{name: row[name] for name in ("text", "source", "target")},
            "gold": LABELS[gold[at]],
            "said": LABELS[predicted[at]],
            "p": float(probabilities[at].max()),
            "pushes": pushes,
        }
        for at, row, pushes in zip(first, rows, model.explain(rows), strict=True)
    ]


def surest(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first `ERRORS` of the errors of several models, the surest first."""
    return sorted(found, key=lambda error: -float(error["p"]))[:ERRORS]


def _page(document: Document, found: dict[tuple[str, int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The lines of a page in order: each with its kind, and a body line with its sentences and their stances."""
    result, coming = [], deque(document.sentences)
    for line in document.lines:
        sentences = []
        while line.kind == "body" and coming and coming[0].start < line.end:
            sentence = coming.popleft()
            stances = found.get((document.id, sentence.start), [])
            sentences.append({"text": document.text(sentence), "stances": stances})
        text = document.raw[line.start : line.end]
        if line.kind != "body" or sentences:
            result.append(
                {"kind": line.kind, "kept": line.kept, "reason": line.reason, "text": text, "sentences": sentences}
            )
    return result


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("actorstance", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment


def _template(name: str) -> Template:
    return _environment().get_template(name)


def _number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number for a reader: a true minus, and a dash where it is not known."""
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # no negative zero
    return f"{rounded:{'+' if sign else ''}.{digits}f}".replace("-", "−")
