"""From settings, as a config or a user gives them, to what they name: models, corpora, registries, an archive's run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from actorstance import corpora, pipeline
from actorstance.actors import Registry
from actorstance.archives import bulk
from actorstance.archives.archive import ONLY_ARCHIVES, Archive, read_whole
from actorstance.archives.shards import Opener
from actorstance.commands import terminal
from actorstance.commands.progress import Progress
from actorstance.corpora import Corpus
from actorstance.documents import COLUMNS, Document, unread
from actorstance.errors import AuditFailed, InputError
from actorstance.evaluation.priors import ESTIMATE, Wanted, priors
from actorstance.examples import LABELS
from actorstance.models import Model, located
from actorstance.reading import Names


def model_of(config: DictConfig) -> Model:
    """Make an unfitted model from its config.

    Raises:
        InputError: if a value is wrong, or a package that this model needs is not installed.

    """
    try:
        model: Model = instantiate(config)
    except HydraException as error:
        cause = error.__cause__
        missing = cause.__cause__ if cause else None
        # If the class is in it, it is misspelt; any other is imported by the class's module.
        if isinstance(missing, ModuleNotFoundError) and not str(config["_target_"]).startswith(str(missing.name)):
            raise InputError(f"this model needs {missing.name}: pip install 'actorstance[transformer]'.") from error
        if isinstance(cause, InputError | ImportError):
            raise InputError(str(cause)) from error
        raise
    return model


def corpus_of(config: DictConfig) -> Corpus:
    """Load a config's corpus.

    Raises:
        InputError: if a setting is wrong, or there is no corpus of that name.

    """
    return corpora.load(**_corpus_arguments(config))


def remembered_corpora() -> Callable[[DictConfig], Corpus]:
    """Return a loader of a config's corpus that keeps the last one in case the next has the same settings."""
    kept: dict[str, Corpus] = {}

    def load(config: DictConfig) -> Corpus:
        key = OmegaConf.to_yaml(config, resolve=True)
        if key not in kept:
            found = corpus_of(config)
            kept.clear()
            kept[key] = found
        return kept[key]

    return load


def require_sound(corpus: Corpus, seed: int, limits: dict[str, Any]) -> None:
    """Check a corpus before it is trained on.

    Raises:
        AuditFailed: if the audit finds a check over its limit.

    """
    parts = pipeline.audited(corpus, seed=seed, limits=limits)
    if any(found["failed"] for found in parts.values()):
        terminal.audits(parts)
        raise AuditFailed("stopped before training, since strict=true: see the limits in conf/limits/default.yaml")


def corpora_of(model: Model, config: DictConfig) -> tuple[Corpus, Corpus | None]:
    """Return the corpus to score a saved model on, and the one it was trained on, None if that is unavailable."""
    given = _corpus_arguments(config)
    if given["name"] is None:
        own = pipeline.own_corpus(model, given["path"])
        return own, own
    # The file's names of columns and labels need not be typed again; constants of one file may not hold for another.
    if given["name"] == model.card["corpus"]["name"]:
        for key, before in model.card["corpus"].items():
            if isinstance(before, dict) and key != "constants":
                given[key] = {**before, **{name: value for name, value in given[key].items() if value is not None}}
    corpus = corpora.load(**given)
    try:
        return corpus, pipeline.own_corpus(model)
    except InputError as error:
        terminal.say(f"note: no look at what training gives away, since its corpus is not at hand ({error})")
        return corpus, None


def _corpus_arguments(config: DictConfig) -> dict[str, Any]:
    given = arguments(config)
    if unknown := set(given) - set(signature(corpora.load).parameters):
        raise InputError(f"data.{min(unknown)}: there is no such setting.")
    return given


def arguments(config: DictConfig) -> dict[str, Any]:
    """Return a config node as plain arguments."""
    found = OmegaConf.to_container(config, resolve=True)
    if not isinstance(found, dict):
        raise InputError(f"expected settings, found {found!r}.")
    return {str(key): value for key, value in found.items()}


def registry_on_top(file: str | None, registry: Registry | None) -> Registry | None:
    """Return a registry with the user's own file on top."""
    if file is None:
        return registry
    own = Registry.read(Path(file), registry)
    known = registry.aliases if registry else {}
    new = sorted(set(own.aliases) - set(known))
    names = f" ({', '.join(new[:8])})" if new else ""
    terminal.say(f"actors of your own: {len(own.aliases)}, {len(new)} of them new{names}")
    for reason, number in own.dropped.items():
        terminal.say(f"  dropped {number:,}: {reason}")
    return registry.with_more(own) if registry else own


def names_of(model: str | None) -> Names | None:
    """Return what finds names with a spaCy pipeline, None if none is named."""
    if model is None:
        return None
    from actorstance.mentions.ner import SpacyNames

    return SpacyNames(model)


def engine_of(config: DictConfig) -> bulk.Engine | None:
    """Make what reads the shards of an archive from its config; None if nothing was chosen."""
    engine: bulk.Engine = instantiate(config)
    return None if config["_target_"] == "actorstance.archives.engine.local" and config.processes is None else engine


def documents_of(source: str, columns: Mapping[str, str] = COLUMNS) -> list[Document]:
    """Read the documents of an ordinary run, and report which files of a folder were skipped. See `read_whole`."""
    found = read_whole(source, columns)
    tell_unread(source)
    return found


def tell_unread(source: str, ended: bool = False) -> None:
    """Report which files of a folder are skipped, and again as a warning when the run has `ended`."""
    terminal.unread([file for file in unread(source) if not file.name.lower().endswith(ONLY_ARCHIVES)], ended)


def predict_archive(
    model: Model,
    run: str,
    source: str,
    out: Path,
    *,
    registry: Registry | None,
    ner: str | None,
    level: float,
    columns: Mapping[str, str],
    wanted_priors: Wanted = None,
    explain: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Read an archive, and report progress. See `bulk.predict`, which takes the rest of the settings.

    Args:
        model: a loaded model.
        run: where it was loaded from.
        source: the archive's folder or file.
        out: the run's folder.
        registry: the actors to look for; the world's, if none are given.
        ner: a spaCy pipeline that finds names too.
        level: of the prediction sets.
        columns: see `archive.Archive`.
        wanted_priors: how common the labels are, see `priors.priors`; not `estimate`, which needs all rows at once.
        explain: whether the user asked for the rule behind every mention, which is refused: nobody reads that many.
        **settings: of `bulk.predict`.

    """
    if explain:
        raise InputError(
            "explain: mentions of an archive are not shown, their rules stand in the run's mentions/ (Parquet). To "
            "explain one article: archive=false (actorstance: --no-archive)."
        )
    if wanted_priors == ESTIMATE:
        raise InputError(
            "priors=estimate needs all rows at once: estimate them on a part of the archive, then give them."
        )
    shifted = priors(wanted_priors, model.card.get("priors"), np.zeros((0, len(LABELS))))
    names_of(ner)  # so that errors in it are reported before anything is read
    found = Archive(source, columns)
    tell_unread(source)
    registry = registry or Registry.world()
    opener = Opener(str(located(run).resolve()), model.sha256, json.dumps(registry.to_json()), ner, level, shifted)
    with Progress(found.bytes) as progress:
        counts = bulk.predict(model, opener, found, out, registry=registry, progress=progress, **settings)
    terminal.rejected(counts, out)
    return counts


def parted(names: Any) -> list[str] | None:
    """Return names that a user typed, separated by commas."""
    if names is None:
        return None
    return [name.strip() for name in str(names).split(",") if name.strip()]


def flag(name: str, given: Any) -> bool:
    """Return a switch that a user typed.

    Raises:
        InputError: if it is neither true nor false: any other word would count as true.

    """
    if not isinstance(given, bool):
        raise InputError(f"{name}={given}: expected true or false.")
    return given


def priors_of(given: Any) -> Wanted:
    """Return label priors that a user typed: `estimate`, or three shares as a list or separated by commas."""
    if given is None or given == ESTIMATE:
        return given  # type: ignore[no-any-return]
    shares = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    try:
        return [float(share) for share in shares]
    except (TypeError, ValueError):
        raise InputError(f"priors={given}: expected {ESTIMATE}, or three shares as [0.1,0.8,0.1].") from None
