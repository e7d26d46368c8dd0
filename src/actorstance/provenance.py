"""Where a run's numbers come from: what the methods paragraph of its report says, and what makes the run again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorstance.actors import AUTHOR, UNKNOWN, Registry
from actorstance.models import Model
from actorstance.priors import Priors

_SMALL = frozenset({"and", "for", "in", "of", "on", "the", "to"})
NAMES = {AUTHOR: "the author", UNKNOWN: "somebody unnamed"}  # of the two sources that are no actors


def provenance(
    stage: str,
    model: Model,
    seed: int,
    actors: Iterable[str],
    registry: Registry | None,
    command: str | None,
    data: str | None = None,
    priors: Priors | None = None,
) -> dict[str, Any]:
    """Return what provenance.json holds.

    Args:
        stage: `train`, `evaluate` or `predict`.
        model: the model that spoke.
        seed: of the intervals.
        actors: the ids in the run.
        registry: the actors that were looked for.
        command: what the user typed, None where no script was called.
        data: the corpus that was scored, None of new articles.
        priors: under which the probabilities are read, None for those of training.

    """
    from actorstance import __version__

    left_out = {"metrics", "command", "majority", "conformal", "priors"}
    card = {key: value for key, value in model.card.items() if key not in left_out}
    # A model of the user's own may come from no folder.
    origin = {"kind": model.kind, "params": model.params, "sha256": getattr(model, "sha256", None), **card}
    known = registry or Registry({})
    return {
        "stage": stage,
        "version": __version__,
        "command": command,
        "seed": seed,
        "data": data,
        "priors": priors.row() if priors else None,
        "model": origin,
        "actors": {actor: _actor(actor, known) for actor in sorted(set(actors))},
    }


def _actor(actor: str, registry: Registry) -> dict[str, str | None]:
    """An actor's name for a reader, and its ISO 3166 code, by which event data can be joined."""
    names = registry.aliases.get(actor, ())
    return {"name": names[0] if names else spelled(actor), "iso": registry.iso.get(actor)}


def spelled(actor: str) -> str:
    """Return an actor's id as a name.

    Example:
        >>> spelled("syrian_observatory"), spelled("hts"), spelled("Ana Lima"), spelled("AUTHOR")
        ('Syrian Observatory', 'HTS', 'Ana Lima', 'the author')

    """
    if actor in NAMES:
        return NAMES[actor]
    if actor != actor.lower():
        return actor
    short = "_" not in actor and len(actor) <= 3
    return (
        actor.upper() if short else " ".join(word if word in _SMALL else word.capitalize() for word in actor.split("_"))
    )
