"""The files of a run. Each is written whole or not at all; the model's folder, which completes a run, comes last.

While a training run is under way its folder holds `unfinished.json`, the settings with which it can be resumed, and
`checkpoints/`; both are deleted when the run is complete.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from actorstance import report, scoring
from actorstance.actors import AUTHOR, UNKNOWN, Registry
from actorstance.documents import Document
from actorstance.errors import InputError
from actorstance.evaluation import conformal
from actorstance.evaluation.held_out import HeldOut
from actorstance.evaluation.priors import Priors
from actorstance.examples import IDENTITY, LABELS, OFFSETS
from actorstance.files import first_process, read_json, write_csv, write_json, write_jsonl
from actorstance.folder import ARCHIVE, REJECTED
from actorstance.models import Model
from actorstance.models.bundle import MANIFEST
from actorstance.provenance import provenance, spellings
from actorstance.reading import COUNTED, NOWHERE, Reading
from actorstance.text.legible import KINDS
from actorstance.text.sentences import one_line

_SCORE = ("n", "documents", "gold", "score", "low", "high", "correction")
_CORRECTED = ("labelled", "model_score", "power", "low_here", "high_here")
ACTOR_COLUMNS = ("actor", "role", *_SCORE, "accuracy", "macro_f1", *_CORRECTED)
PAIR_COLUMNS = ("source", "target", *_SCORE, *_CORRECTED)

EVIDENCE = ("by_registry", "by_rule", "unresolved")  # for new articles: how mentions and pairs were found
UNFINISHED = "unfinished.json"


def require_free(out: Path) -> None:
    """Raise InputError if a folder holds anything other than the config that Hydra puts there first."""
    if out.exists() and (not out.is_dir() or any(path.name != ".hydra" for path in out.iterdir())):
        raise InputError(f"{out}: not empty. A run is never overwritten; name another folder.")


def new_folder(wanted: Path) -> Path:
    """Make a folder with that name, or that name and a number, so that no two runs share one."""
    path, number = wanted, 1
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
            path = wanted.with_name(f"{wanted.name}-{number}")
        else:
            return path


def worth_keeping(out: Path) -> bool:
    """Return whether a run can be resumed, is complete and the failure came after it, or says what is wrong."""
    return any((out / name).exists() for name in (UNFINISHED, REJECTED, ARCHIVE, f"model/{MANIFEST}"))


@contextmanager
def alone(out: Path, inside: Path) -> Iterator[None]:
    """Lock a run's folder against other processes; however this one ends, the system releases the lock.

    Args:
        out: the run's folder.
        inside: the folder in it, made if need be, that holds the lock file.

    Raises:
        InputError: if another process holds it.

    """
    inside.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(inside / "lock").acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"{out}: another process writes this run. Wait for it, or stop it.") from error
    with held:
        yield


@contextmanager
def unfinished(out: Path, settings: dict[str, Any], resume: bool) -> Iterator[Path]:
    """Lock a run's folder while it is trained, and yield the folder for checkpoints.

    A run that fails before its first checkpoint leaves nothing behind; one that is killed can be resumed. Of several
    processes that train one model the first holds the lock for all.

    Args:
        out: the run's folder.
        settings: what the run is made of: it resumes only with the same.
        resume: whether the folder holds an interrupted run.

    Raises:
        InputError: if the folder is not free, holds no interrupted run, or holds one with other settings; or if another
            process is training it.

    """
    checkpoints = out / "checkpoints"
    if not first_process():
        yield checkpoints
        return
    if not resume:
        require_free(out)
    elif not (out / UNFINISHED).is_file():
        _require_incomplete(out)
        raise InputError(f"{out}: no interrupted run: it has no {UNFINISHED}.")
    with alone(out, checkpoints):
        if resume:
            _require_unfinished(out, settings)
        else:
            write_json(out / UNFINISHED, settings)
        try:
            yield checkpoints
        except BaseException:
            if not resume and not any(checkpoints.rglob("checkpoint-*")):
                _end(out)
                if not any(out.iterdir()):
                    out.rmdir()
            raise
        _end(out)


def _end(out: Path) -> None:
    """Delete checkpoints first and unfinished.json last, so other processes see the run as locked until it is done."""
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    (out / UNFINISHED).unlink(missing_ok=True)


def _require_incomplete(out: Path) -> None:
    if (out / "model" / MANIFEST).exists():
        raise InputError(f"{out}: the run is complete, nothing is left to do.")


def _require_unfinished(out: Path, settings: dict[str, Any]) -> None:
    if (out / "model" / MANIFEST).exists():
        _end(out)  # left over if the process was killed after that
    _require_incomplete(out)
    for half in out.glob(".model-*"):  # a model whose saving was interrupted
        shutil.rmtree(half)
    require_same(out, settings)


def require_same(out: Path, settings: dict[str, Any]) -> None:
    """Raise InputError naming what differs if an interrupted run was started with other settings."""
    if different := differences(read_json(out / UNFINISHED), settings):
        raise InputError(f"{out}: a run goes on only as it began: {different}.")


def differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say in which settings two tables differ; "" if in none."""
    before, now = _flat(before), _flat(now)
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return "; ".join(f"{key} was {before.get(key)!r}, is {now.get(key)!r}" for key in keys)[:400]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one table with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def write_scored(
    out: Path,
    held_out: HeldOut,
    model: Model,
    *,
    metrics: dict[str, Any],
    sets: NDArray[np.bool_],
    behaviour: dict[str, Any],
    stage: str,
    command: str | None,
    data: str,
) -> None:
    """Write what a run on labelled examples leaves, except the model: see docs/runs.md."""
    seed, examples, probabilities = int(model.card["seed"]), held_out.examples, held_out.probabilities
    actors = scoring.actor_table(examples, probabilities, seed)
    pairs = scoring.pair_table(examples, probabilities, seed)
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / "log.jsonl", [{**line, "model": model.kind} for line in model.log])
    write_json(out / "audit.json", {**held_out.audit, "cropped": model.cropped})
    write_jsonl(out / "predictions.jsonl", prediction_rows(examples, probabilities, sets))
    write_json(out / "behaviour.json", behaviour)
    write_csv(out / "actors.csv", ACTOR_COLUMNS, actors)
    write_csv(out / "pairs.csv", PAIR_COLUMNS, pairs)
    write_jsonl(out / "errors.jsonl", held_out.errors)
    write_json(out / "metrics.json", metrics)
    named, priors = (row["actor"] for row in actors), held_out.priors
    write_json(out / "provenance.json", provenance(stage, model, seed, named, model.registry, command, data, priors))
    report.write(out)


def write_predicted(
    out: Path,
    readings: Sequence[Reading],
    examples: Dataset,
    probabilities: NDArray[np.float64],
    model: Model,
    *,
    sets: NDArray[np.bool_] | None,
    behaviour: dict[str, Any],
    registry: Registry,
    ner: str | None,
    priors: Priors | None,
    seed: int,
    seconds: float,
    command: str | None,
) -> dict[str, Any]:
    """Write what reading new articles leaves, and return the counts in it."""
    documents = [reading.document for reading in readings]
    actors = _with_evidence(scoring.actor_table(examples, probabilities, seed), actor_evidence(readings))
    pairs = _with_evidence(scoring.pair_table(examples, probabilities, seed), pair_evidence(readings))
    counts: dict[str, Any] = {**counted(readings), "pairs_of_actors": len(pairs), "seconds": seconds}
    counts["priors"] = priors.row() if priors else None
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / "documents.jsonl", map(_document_row, documents))
    write_jsonl(out / "lines.jsonl", line_rows(documents))
    write_jsonl(out / "sentences.jsonl", sentence_rows(documents))
    write_jsonl(out / "mentions.jsonl", mention_rows(readings))
    write_jsonl(out / "statements.jsonl", _statement_rows(readings))
    write_jsonl(out / "predictions.jsonl", predicted_rows(examples, probabilities, readings, sets))
    write_json(out / "behaviour.json", behaviour)
    write_csv(out / "actors.csv", (*ACTOR_COLUMNS, *EVIDENCE), actors)
    write_csv(out / "pairs.csv", (*PAIR_COLUMNS, *EVIDENCE), pairs)
    write_jsonl(out / "log.jsonl", [{"stage": "predict", **counts}])
    write_json(out / "audit.json", {"rows": counts, "cropped": model.cropped})
    named = (row["actor"] for row in actors)
    called = spellings((one.actor, one.name) for reading in readings for one in reading.mentions)
    told = provenance("predict", model, seed, named, registry, command, priors=priors, called=called, ner=ner)
    write_json(out / "provenance.json", told)
    report.write(out)
    return counts


def counted(readings: Sequence[Reading]) -> dict[str, int]:
    """Return how many lines, sentences, mentions and pairs there are in articles; those of two parts add up."""
    documents = [reading.document for reading in readings]
    sentences = sum(len(document.sentences) for document in documents)
    return {
        "documents": len(documents),
        **{f"documents_{kind}": sum(kind in one.mended.kinds for one in documents if one.mended) for kind in KINDS},
        "documents_not_english": sum(one.english is False for one in documents),
        "lines_read": sum(line.kind == "body" for document in documents for line in document.lines),
        "lines_set_aside": sum(line.kept and line.kind != "body" for document in documents for line in document.lines),
        "lines_cut": sum(not line.kept for document in documents for line in document.lines),
        "sentences": sentences,
        "sentences_without_actor": sentences - sum(len({pair.sentence for pair in one.pairs}) for one in readings),
        "mentions": sum(len(reading.mentions) for reading in readings),
        **_sums(readings),
        "pairs": sum(len(reading.pairs) for reading in readings),
    }


def _sums(readings: Sequence[Reading]) -> dict[str, int]:
    reasons = {name: None for reading in readings for name in reading.counts}
    return {name: sum(reading.counts.get(name, 0) for reading in readings) for name in (*COUNTED, *reasons)}


def actor_evidence(readings: Sequence[Reading]) -> dict[tuple[str, ...], Counter[str]]:
    """Count how the mentions of each actor were found: registry, rule; unresolved ones count for each they may be."""
    found: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for reading in readings:
        for mention in reading.mentions:
            if mention.actor == UNKNOWN:
                for actor in (UNKNOWN, *mention.candidates):
                    found[(actor,)]["unresolved"] += 1
            else:
                found[(mention.actor,)]["by_registry" if mention.by_registry else "by_rule"] += 1
    return found


def pair_evidence(readings: Sequence[Reading]) -> dict[tuple[str, ...], Counter[str]]:
    """Count how the examples of each pair were found: both ends by the registry, one by rule, source unresolved."""
    found: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for reading in readings:
        for pair, kind in zip(reading.pairs, evidence(reading), strict=True):
            found[pair.source, pair.target][kind] += 1
    return found


def evidence(reading: Reading) -> Iterator[str]:
    """Yield how each pair of an article was found: a word of `EVIDENCE`."""
    known = {(one.start, one.end) for one in reading.mentions if one.by_registry}
    for pair in reading.pairs:
        named = pair.target_span in known and (pair.source == AUTHOR or pair.source_span in known)
        yield "unresolved" if pair.source == UNKNOWN else "by_registry" if named else "by_rule"


def _with_evidence(rows: list[dict[str, Any]], found: Mapping[tuple[str, ...], Counter[str]]) -> list[dict[str, Any]]:
    """Add the columns of `EVIDENCE` to a table of actors or pairs."""
    result = []
    for row in rows:
        counts = found.get((row["actor"],) if "actor" in row else (row["source"], row["target"]), Counter[str]())
        result.append({**row, **{column: counts[column] for column in EVIDENCE}})
    return result


def prediction_rows(
    examples: Dataset, probabilities: NDArray[np.float64], sets: NDArray[np.bool_] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a line of predictions.jsonl for each example."""
    held = [None] * len(examples) if sets is None else conformal.names(sets)
    columns = [examples[name][:] for name in (*IDENTITY, "label", "date")]
    for index, (*values, label, date) in enumerate(zip(*columns, strict=True)):
        gold = None if label is None else LABELS[label]
        chances = dict(zip(LABELS, probabilities[index].tolist(), strict=True))
        yield {**dict(zip(IDENTITY, values, strict=True)), "gold": gold, **chances, "set": held[index], "date": date}


def predicted_rows(
    examples: Dataset,
    probabilities: NDArray[np.float64],
    readings: Sequence[Reading],
    sets: NDArray[np.bool_] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a line of predictions.jsonl for each pair of new articles: who, whom, where and why."""
    columns = [examples[name][:] for name in OFFSETS]
    reasons = (pair.why for reading in readings for pair in reading.pairs)
    for row, *places, why in zip(prediction_rows(examples, probabilities, sets), *columns, reasons, strict=True):
        yield {**row, **dict(zip(OFFSETS, places, strict=True)), "why": why}


def _document_row(document: Document) -> dict[str, Any]:
    mended = list(document.mended.kinds) if document.mended else []
    told = {"id": document.id, "date": document.date, "text": document.given}
    return {**told, "mended": mended, "english": document.english}


def _place(document: Document, start: int, end: int) -> dict[str, Any]:
    """Where something is in the text as it was given."""
    start, end = document.in_given(start, end)
    return {"document_id": document.id, "raw_start": start, "raw_end": end}


def line_rows(documents: Sequence[Document]) -> Iterator[dict[str, Any]]:
    """Yield the lines of lines.jsonl."""
    for document in documents:
        for line in document.lines:
            place = _place(document, line.start, line.end)
            yield {**place, "kind": line.kind, "kept": line.kept, "reason": line.reason}


def sentence_rows(documents: Sequence[Document]) -> Iterator[dict[str, Any]]:
    """Yield the lines of sentences.jsonl."""
    for document in documents:
        for sentence in document.sentences:
            yield {**_place(document, sentence.start, sentence.end), "text": document.text(sentence)}


def mention_rows(readings: Sequence[Reading]) -> Iterator[dict[str, Any]]:
    """Yield the lines of mentions.jsonl."""
    for reading in readings:
        for mention in reading.mentions:
            yield {
                **_place(reading.document, mention.start, mention.end),
                "text": one_line(reading.document.raw[mention.start : mention.end]),
                "actor": mention.actor,
                "rule": mention.rule,
                "known": mention.known,
                "confidence": mention.confidence,
                "name": mention.name,
                "candidates": list(mention.candidates),
            }


def _statement_rows(readings: Sequence[Reading]) -> Iterator[dict[str, Any]]:
    for reading in readings:
        for said, who in zip(reading.statements, reading.speakers, strict=True):
            if said.kind == "act":
                continue
            start, end = reading.document.in_given(*said.source) if said.source else NOWHERE
            yield {
                **_place(reading.document, *said.content),
                "kind": said.kind,
                "speaker": UNKNOWN if who is None else who.actor,
                "source_start": start,
                "source_end": end,
                "rule": said.rule,
            }
