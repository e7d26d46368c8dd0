"""train, evaluate, predict: the flow on one screen. Objects in, a run's folder out; no config is read here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import concatenate_datasets

from actorstance import audit, corpora, runs
from actorstance.actors import Registry
from actorstance.corpora import Corpus, naming
from actorstance.documents import Document
from actorstance.errors import InputError, require_seed
from actorstance.evaluation import behaviour, conformal
from actorstance.evaluation.held_out import between, cross_validated, fit_timed, scored
from actorstance.evaluation.priors import Wanted, priors
from actorstance.examples import SPLITS, grouped_folds, known_labels, label_sets, labels, pairs
from actorstance.files import first_process, sha256
from actorstance.folder import PREDICTIONS
from actorstance.models import Model, bundle, optional
from actorstance.parts import foreign_part, has_split, held_out_part, parts_of, require_unseen, training_part
from actorstance.readers.tables import InMemory
from actorstance.reading import Names, read_actors
from actorstance.text import language


def train(
    corpus: Corpus,
    model: Model,
    out: str | Path,
    *,
    eval_split: str | None = None,
    seed: int = 0,
    registry: Registry | None = None,
    resume: bool = False,
    command: str | None = None,
    limits: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """Fit a model on a corpus, score it on the held-out part, and write the run.

    A corpus with folds is cross-validated: every example is held out once, and the saved model has seen all. If
    torchrun starts several processes, all call this with the same arguments, and the first writes.

    Args:
        corpus: see `corpora.load`.
        model: an unfitted model.
        out: the run's folder, which must hold no run.
        eval_split: the part that is scored. `test`: fit on train, tune and calibrate on valid. `valid`: fit on train
            except for a grouped tenth, tune and calibrate on that. None: test, or valid where the corpus has no test.
        seed: for the model's draws, the folds, the split of a corpus without an official one, and the bootstrap.
        registry: the actors that the saved model looks for in new text; the world's if none is given.
        resume: whether `out` holds an interrupted run, which is resumed; all else must be as it was.
        command: what the user typed, for the model's card and the report.
        limits: of the audit's checks, see `audit.audited`; a check over its limit is reported, and stops nothing here.

    Returns:
        The metrics, as in metrics.json.

    Raises:
        InputError: if the corpus has no such part, too few groups or labels, or `out` holds a run; if an interrupted
            run was started with other data or settings; if the model learns from one that may have learned from what is
            scored.

    """
    out = Path(out)
    require_seed(seed)
    if corpus.folds and eval_split is not None:
        raise InputError(
            f"eval_split={eval_split}: data={corpus.name} is cross-validated, every example is held out once."
        )
    part = None if corpus.folds else held_out_part(corpus, eval_split)
    card = _card(corpus, model, part, seed)
    with runs.unfinished(out, _settings(card, model), resume) as checkpoints:
        with naming(corpus):
            if part is None:
                held_out, fitted = cross_validated(corpus, model, seed, checkpoints, limits)
                training = corpus.examples
            else:
                fit, tune, held = parts_of(corpus, part, seed)
                fitted, seconds = fit_timed(model, fit, tune, checkpoints)
                training = concatenate_datasets([fit, tune])
                held_out = scored(fitted, held, training, corpus, seconds, limits=limits)
        sets = held_out.sets(conformal.LEVEL)
        metrics = held_out.metrics(seed, sets, conformal.LEVEL)
        fitted.registry = registry or Registry.world()
        majority = int(np.bincount(labels(training)).argmax())
        fitted.card = {**card, **held_out.kept(metrics, command=command, majority=majority)}
        if first_process():
            runs.write_scored(
                out,
                held_out,
                fitted,
                metrics=metrics,
                sets=sets,
                behaviour=behaviour.checks(fitted, held_out.examples, seed, in_training=part is None),
                stage="train",
                command=command,
                data=corpus.name,
            )
            fitted.save(out / "model")
    return metrics


def _card(corpus: Corpus, model: Model, part: str | None, seed: int) -> dict[str, Any]:
    """What the model will be fitted on, and the models it learns from; `part` is held out, None: each fold in turn."""
    card = {
        "corpus": corpus.recipe,
        "fingerprint": corpus.fingerprint,
        "eval_split": part or f"{corpus.folds} folds",
        "seed": seed,
        "tenth": "corpus" if has_split(corpus) else "seed",  # in the cards of earlier versions it was always the seed
    }
    if learned_from := bundle.origins(model.params):
        require_unseen(learned_from, corpus, str(card["eval_split"]), seed, model.params.get("answers"))
        card["origins"] = learned_from
    if run := model.params.get("answers"):
        card["answers"] = sha256(Path(run) / PREDICTIONS)
    return card


def _settings(card: dict[str, Any], model: Model) -> dict[str, Any]:
    """What must be the same for an interrupted run to be resumed."""
    settings = {**card, "model": {"kind": model.kind, **model.params}}
    settings["examples (their SHA-256)"] = settings.pop("fingerprint")
    settings["corpus"] = {key: value for key, value in card["corpus"].items() if key != "path"}  # it may have moved
    return settings


def evaluate(
    model: Model,
    corpus: Corpus,
    out: str | Path,
    *,
    eval_split: str | None = None,
    trained_on: Corpus | None = None,
    level: float = conformal.LEVEL,
    wanted_priors: Wanted = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Score a saved model on the held-out part of its own corpus, or on another corpus.

    Args:
        model: a loaded model; its card says what it was trained on.
        corpus: the model's own corpus (see `own_corpus`), or another.
        out: the folder for the result, which must hold no run.
        eval_split: the part of another corpus that is scored; without an official split all of it is. In the model's
            own corpus only the part that was held out in training can be scored.
        trained_on: the corpus that the model was trained on, if another is scored: without it, which examples have a
            twin in training and what names alone give away are not known, and both are None.
        level: of the prediction sets, in (0, 1). On the model's own corpus each group's sets are calibrated on the
            other groups; on another the model's own calibration is used, and its coverage shows how well it transfers.
        wanted_priors: how common the labels are in another corpus, see `priors.priors`; None: the model's own shares.
        command: what the user typed, for the report.

    Returns:
        The metrics. On the model's own corpus they are those of its training run.

    Raises:
        InputError: if the corpus has no such part, or the model has seen it; if priors are not shares, or are given for
            the model's own corpus.

    """
    runs.require_free(out := Path(out))
    card = model.card
    if not {"corpus", "fingerprint", "seed"} <= set(card):
        raise InputError(
            "the model has no card: it was not trained by pipeline.train, so its training data is unknown."
        )
    seed = int(card["seed"])
    own = corpus.fingerprint == card["fingerprint"]
    folded = own and bool(corpus.folds)
    if own and wanted_priors is not None:
        raise InputError("priors: they are for other corpora; on its own the model knows how common the labels are.")
    if folded and model.kind == "onnx":
        raise InputError(f"data={corpus.name} is cross-validated, and an export cannot be trained: evaluate its run.")
    if folded:
        held_out, _ = cross_validated(corpus, type(model)(**model.params), seed)
    elif own:
        if eval_split not in (None, card["eval_split"]):
            raise InputError(
                f"eval_split={eval_split}: the model has seen that part; held out was {card['eval_split']}."
            )
        fit, tune, held = parts_of(corpus, card["eval_split"], seed)
        held_out = scored(model, held, concatenate_datasets([fit, tune]), corpus, 0.0)
    else:
        held = foreign_part(corpus, eval_split)
        training = training_part(trained_on, model) if trained_on else None
        held_out = scored(model, held, training, corpus, 0.0, wanted_priors=wanted_priors)
    sets = held_out.sets(level, None if own else card.get("conformal"))
    metrics = held_out.metrics(seed, sets, level)
    runs.write_scored(
        out,
        held_out,
        model,
        metrics=metrics,
        sets=sets,
        behaviour=behaviour.checks(model, held_out.examples, seed, priors=held_out.priors, in_training=folded),
        stage="evaluate",
        command=command,
        data=corpus.name,
    )
    return metrics


def audited(
    corpus: Corpus, *, seed: int = 0, limits: Mapping[str, float | None] | None = None
) -> dict[str, dict[str, Any]]:
    """Audit a corpus: each held-out part against what a model that is scored on it has seen.

    Args:
        corpus: see `corpora.load`.
        seed: for the split or the folds of a corpus without an official split, as in `train`.
        limits: of the checks, see `audit.audited`.

    Returns:
        Held-out part (`valid`, `test`, or `fold 1` and so on) -> its audit.

    Raises:
        InputError: if the corpus has no part to hold out, or a limit does not fit.

    """
    require_seed(seed)
    with naming(corpus):
        if corpus.folds:
            folds = grouped_folds(corpus.examples, corpus.folds, seed)
            sides = {f"fold {number}": list(map(corpus.examples.select, rows)) for number, rows in enumerate(folds, 1)}
        else:
            last = held_out_part(corpus, None)
            there = set(corpus.examples["split"][:]) if has_split(corpus) else set(SPLITS)
            sides = {}
            for part in ("valid", "test") if last == "test" and "valid" in there else (last,):
                fit, tune, held = parts_of(corpus, part, seed)
                sides[part] = [concatenate_datasets([fit, tune]), held]
    return {part: audit.audited(corpus.counts, train, held, limits=limits) for part, (train, held) in sides.items()}


MAX_LOSS = 0.005  # the most macro-F1 that an export may cost


def export(model: Model, corpus: Corpus, out: str | Path, *, precision: str = "bf16") -> dict[str, Any]:
    """Write a transformer as a model in ONNX, if it answers as well on the held-out examples of its own corpus.

    Args:
        model: a loaded transformer.
        corpus: the model's own, see `own_corpus`; int8 takes its ranges from the part for tuning.
        out: the folder for the model, `out/model`; it must hold no run.
        precision: int8, bf16 or fp32.

    Returns:
        What it lost, as model.json has it under `card.export`: `macro_f1_before`, `macro_f1`, the largest difference
        in a probability, and for how many of `n` rows the label changed. The model has seen all rows of a
        cross-validated corpus; there the figures show whether both models agree, not how good they are.

    Raises:
        InputError: if the model is of another kind, or the export loses over half a point of macro-F1.

    """
    runs.require_free(out := Path(out))
    if model.kind != "transformer":
        raise InputError(f"a model of kind {model.kind} cannot be exported, only one of kind transformer.")
    exporting = optional("actorstance.models.exporting", "transformer,onnx,export")
    fit, tune, held = (
        [corpus.examples] * 3 if corpus.folds else parts_of(corpus, model.card["eval_split"], int(model.card["seed"]))
    )
    exported: Model = exporting.to_onnx(model, precision, tune if len(tune) else fit)
    gold, before, after = labels(held), model.predict_proba(held), exported.predict_proba(held)
    known = known_labels(held, label_sets(corpus.examples))
    lost = {"precision": precision, "of": model.sha256, **between(before, after, gold, known)}
    f1_before, f1 = lost["macro_f1_before"], lost["macro_f1"]
    if f1_before - f1 > MAX_LOSS:
        raise InputError(
            f"precision={precision} loses {(f1_before - f1) * 100:.2f} points of macro-F1 on {len(held):,} held-out "
            f"examples ({f1_before:.4f} to {f1:.4f}), more than {MAX_LOSS * 100:g}: nothing was "
            f"written. Try {'precision=bf16' if precision == 'int8' else 'precision=fp32'}."
        )
    exported.registry = model.registry
    # The model has seen all rows of a cross-validated corpus: its sets stay those of the folds.
    calibration = model.card["conformal"] if corpus.folds else conformal.calibrate(gold, after)
    exported.card = {**model.card, "conformal": calibration, "export": lost}
    exported.save(out / "model")
    return lost


def own_corpus(model: Model, path: str | Path | InMemory | None = None) -> Corpus:
    """Load the corpus that a model was trained on.

    Args:
        model: a loaded model.
        path: where the corpus is now, if it has moved or was in memory.

    Raises:
        InputError: if it is not there, or has changed since.

    """
    corpus = corpora.load(**{**model.card["corpus"], **({} if path is None else {"path": path})})
    if corpus.fingerprint != model.card["fingerprint"]:
        now, then = corpus.fingerprint[:12], str(model.card["fingerprint"])[:12]
        raise InputError(
            f"data={corpus.name}: not the examples that the model was trained on: fingerprint {now}…, then {then}…. "
            "Restore the corpus, or train a model on this one."
        )
    return corpus


def predict(
    model: Model,
    documents: Sequence[Document],
    out: str | Path,
    *,
    registry: Registry | None = None,
    seed: int = 0,
    names: Names | None = None,
    level: float = conformal.LEVEL,
    wanted_priors: Wanted = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Read new articles with a model, and write who stands where on whom.

    Args:
        model: a loaded model.
        documents: see `documents.read`.
        out: the folder for the result, which must hold no run.
        registry: the actors to look for; None: the model's own, or else the world's. Others are found as an article
            names them.
        seed: for the bootstrap.
        names: finds more names (`ner.SpacyNames`); None for the rules alone.
        level: of the prediction sets, in (0, 1).
        wanted_priors: how common the labels are in these articles, see `priors.priors`; None: the model's own shares.
        command: what the user typed, for the report.

    Returns:
        Counts: documents, sentences, mentions, pairs, lines kept and cut.

    """
    runs.require_free(out := Path(out))
    require_seed(seed)
    registry = registry or model.registry or Registry.world()
    readings = [read_actors(document, registry, names) for document in documents]
    examples = concatenate_datasets([pairs(reading, len(documents) == 1) for reading in readings])
    start = time.perf_counter()
    probabilities = model.predict_proba(examples)
    seconds = time.perf_counter() - start
    sets = conformal.sets_by_card(model.card, probabilities, level)
    shifted = priors(wanted_priors, model.card.get("priors"), probabilities)
    if shifted:
        probabilities = shifted.applied(probabilities)
    return runs.write_predicted(
        out,
        readings,
        examples,
        probabilities,
        model,
        sets=sets,
        behaviour=behaviour.checks(model, examples, seed, priors=shifted),
        registry=registry,
        ner=getattr(names, "name", "a finder of the caller's") if names else None,
        priors=shifted,
        seed=seed,
        seconds=seconds,
        command=command,
    )


def stances(
    document: Document, model: Model, *, registry: Registry | None = None, explained: int = 0
) -> list[dict[str, Any]]:
    """Return the scored pairs of one document; a warning is logged if it does not look English.

    Args:
        document: see `documents.read`.
        model: a loaded model.
        registry: the actors to look for, as in `predict`.
        explained: how much to name of what pushed each answer, see `Model.explain`; 0: nothing, which is faster.

    Returns:
        A row for each pair of each sentence, as in predictions.jsonl; if asked for, with `pushes`, strongest first.

    """
    if document.english is False:
        language.warn(document.id)
    reading = read_actors(document, registry or model.registry or Registry.world())
    examples = pairs(reading, group_by_sentence=True)
    probabilities = model.predict_proba(examples)
    sets = conformal.sets_by_card(model.card, probabilities)
    rows = list(runs.predicted_rows(examples, probabilities, [reading], sets))
    if explained:
        for row, pushes in zip(rows, model.explain(examples, explained), strict=True):
            row["pushes"] = pushes
    return rows
