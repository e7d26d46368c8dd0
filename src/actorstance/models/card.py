"""MODEL_CARD.md: what a saved model was trained on, how good it is, and what it is not for, as model hubs show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from huggingface_hub import EvalResult, ModelCardData

from actorstance.corpora import LICENCES, names_of
from actorstance.examples import LABELS

if TYPE_CHECKING:
    from actorstance.models import Model

_SAFE = re.compile(r"[^\w./=+:@, '\"{}$-]")  # anything else in a name that a user typed could be markup
_ORIGINS = {"start": "Training started from the weights of", "teacher": "Besides the labels it was taught answers of"}
_ENCODERS = {  # what `model.encoder` stands for: name on the hub, licence
    "bundled": ("sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0"),
    "bundled-mpnet": ("sentence-transformers/all-mpnet-base-v2", "Apache-2.0"),
}


def text(model: Model) -> str:
    """Return the card of a fitted model: a header for the hub in YAML, then Markdown."""
    from actorstance import __version__

    card, metrics = model.card, model.card.get("metrics")
    corpus = card.get("corpus", {}).get("name", "unknown")
    encoder = model.params.get("encoder")
    base, licence = _ENCODERS.get(str(encoder), (None, "see its own card"))
    header = ModelCardData(
        language="en",
        library_name="actorstance",
        tags=["stance-detection", "text-classification", "news"],
        base_model=base,
        model_name=f"actorstance {model.kind} on {_plain(corpus)}" if metrics else None,
        eval_results=[_result(corpus, card, metrics)] if metrics else None,
    )
    made = f"`{_plain(card['command'])}`, " if card.get("command") else ""
    lines = [
        f"---\n{header.to_yaml()}\n---\n",
        "# Who stands where on whom\n",
        f"A {model.kind} model of [actorstance](https://github.com/actorstance/actorstance) {__version__}. It reads an",
        "English news sentence and a directed pair of actors (source, target), and gives the probabilities that the",
        "source stands against, neutral or in favour of the target.\n",
        "```python\nimport actorstance\n\nmodel = actorstance.load(FOLDER)  # nothing in it can run",
        'document, = actorstance.read("article.txt")\nactorstance.stances(document, model)\n```\n',
        "## Data\n",
        f"Trained on {_licensed(names_of(card.get('corpus')) or ['unknown'])}, SHA-256 of its examples",
        f"`{_plain(card.get('fingerprint', 'unknown'))}`.",
        *(_origin(one) for one in card.get("origins", ())),
        *([_answers(card["answers"])] if "answers" in card else []),
        *([f"Encoder: `{_plain(base or encoder)}` ({licence})."] if encoder else []),
        "The model can be passed on as far as these licences allow.\n",
        "## Metrics\n",
        *(_metrics(card, metrics) if metrics else ["None: the model was not trained by a run of actorstance.\n"]),
        *(_export(card["export"]) if "export" in card else []),
        "## Limits\n",
        "- It says what a text shows a source doing or saying, not a fact about the source. Not for judging people.",
        "- English news, one sentence at a time. Other text may differ: label some of it and measure first.",
        "- Scores made from it are the model's own until labels of your text correct them (scripts/check.py): an",
        "  interval over articles does not hold the model's own error.",
        "- Rows of a corpus that are in training too are easy: quote the figure without them.\n",
        "## Made by\n",
        f"{made}seed {_plain(card.get('seed', 'unknown'))}, actorstance {__version__}.",
        "Settings: " + ", ".join(f"{key} {_plain(value)}" for key, value in model.params.items()) + ".\n",
    ]
    return "\n".join(lines)


def _origin(one: dict[str, str]) -> str:
    """What a model that this one learned from was trained on: that corpus's licence applies to this one too."""
    how, kind = _ORIGINS.get(one["how"], "It learned from"), _plain(one.get("kind", "unknown"))
    return (
        f"{how} a model of kind {kind}, trained on {_licensed(one['corpus'].split(', '))}; its manifest has the "
        f"SHA-256 `{_plain(one['sha256'])}`."
    )


def _answers(sha256: str) -> str:
    """What was taught without labels: the articles' licences apply too, and nobody but who trained it knows them."""
    return (
        f"What its teacher answered about articles without labels (SHA-256 `{_plain(sha256)}`) was taught too; their "
        "licences are not known here."
    )


def _licensed(corpora: list[str]) -> str:
    return ", ".join(f"`{_plain(name)}` ({LICENCES.get(name, 'licence unknown')})" for name in corpora)


def _metrics(card: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    interval = ""
    if metrics["macro_f1_low"] is not None:
        interval = f" [{metrics['macro_f1_low']:.3f}, {metrics['macro_f1_high']:.3f}]"
    rows = [
        ("macro-F1, all rows (95 % interval, groups resampled)", f"{metrics['macro_f1']:.3f}{interval}"),
        (f"macro-F1, {metrics['clean']['n']} rows without a twin in training", _number(metrics["clean"]["macro_f1"])),
        ("macro-F1 of names alone, no sentence", _number(metrics["names_only"]["macro_f1"])),
        ("macro-F1 of the commonest label", _number(metrics["majority"]["macro_f1"])),
        ("accuracy", _number(metrics["accuracy"])),
        ("expected calibration error", _number(metrics["ece"])),
        *((f"F1 of {label} ({metrics['per_label'][label]['n']})", _f1(metrics, label)) for label in LABELS),
    ]
    held = f"Held out: {_plain(card.get('eval_split'))}, {metrics['n']} examples of {metrics['documents']} documents."
    own = " For each example the model chooses among the labels that its corpus has." * ("corpora" in metrics)
    return [f"{held}{own}\n", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]


def _export(lost: dict[str, Any]) -> list[str]:
    return [
        "## Export\n",
        f"Exported as {_plain(lost['precision'])} from the model that the metrics above describe; its manifest has the",
        f"SHA-256 `{_plain(lost['of'])}`. On {lost['n']} held-out examples: macro-F1 {lost['macro_f1']:.4f}, before",
        f"{lost['macro_f1_before']:.4f}; {lost['changed']} labels changed; the largest difference in a probability is",
        f"{lost['largest_difference']:.4f}.\n",
    ]


def _result(corpus: str, card: dict[str, Any], metrics: dict[str, Any]) -> EvalResult:
    return EvalResult(
        task_type="text-classification",
        dataset_type=_plain(corpus),
        dataset_name=_plain(corpus),
        dataset_split=_plain(card.get("eval_split")),
        metric_type="f1",
        metric_name="macro-F1",
        metric_value=round(metrics["macro_f1"], 4),
    )


def _f1(metrics: dict[str, Any], label: str) -> str:
    return _number(metrics["per_label"][label]["f1"])


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _plain(value: Any) -> str:
    return _SAFE.sub("_", str(value))[:500]
