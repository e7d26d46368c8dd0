"""Where a run's numbers come from: what the methods paragraph of its report says, and how to repeat the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actorstance.actors import AUTHOR, UNKNOWN, Registry
from actorstance.evaluation.priors import Priors
from actorstance.models import Model
from actorstance.syntax.spelling import letters

_SMALL = frozenset({"and", "for", "in", "of", "on", "the", "to"})
NAMES = {AUTHOR: "the author", UNKNOWN: "an unnamed source"}  # of the two sources that are not actors


def provenance(
    stage: str,
    model: Model,
    seed: int,
    actors: Iterable[str],
    registry: Registry | None,
    command: str | None,
    data: str | None = None,
    priors: Priors | None = None,
    called: Mapping[str, str] | None = None,
    ner: str | None = None,
) -> dict[str, Any]:
    """Return what provenance.json holds.

    Args:
        stage: `train`, `evaluate` or `predict`.
        model: the model that answered.
        seed: for the intervals.
        actors: the ids in the run.
        registry: the actors that were looked for.
        command: what the user typed, None where no script was called.
        data: the corpus that was scored, None for new articles.
        priors: under which the probabilities are read, None for those of training.
        called: actor -> its name as the text spells it, see `spellings`.
        ner: what found names besides the rules, if anything did.

    """
    from actorstance import __version__

    left_out = {"metrics", "command", "majority", "conformal", "priors"}
    card = {key: value for key, value in model.card.items() if key not in left_out}
    # A model of the user's own may not come from a folder.
    origin = {"kind": model.kind, "params": model.params, "sha256": getattr(model, "sha256", None), **card}
    known = registry or Registry({})
    return {
        "stage": stage,
        "version": __version__,
        "command": command,
        "seed": seed,
        "data": data,
        "priors": priors.row() if priors else None,
        "registry": registry.sha256 if registry else None,
        "ner": ner,
        "model": origin,
        "actors": {actor: _actor(actor, known, called or {}) for actor in sorted(set(actors))},
    }


def _actor(actor: str, registry: Registry, called: Mapping[str, str]) -> dict[str, str | None]:
    """An actor's name for a reader, and its ISO 3166 code, on which event data can be joined."""
    names = registry.aliases.get(actor) or (called.get(actor) or spelled(actor),)
    return {"name": names[0], "iso": registry.iso.get(actor)}


def spellings(mentions: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the names of actors as a text spells them, where their ids were made from these names.

    An id has lost capitals, accents, hyphens and apostrophes, which cannot be restored from the id alone.

    Args:
        mentions: the actor of each mention, and the fullest name by which the text calls it ("" if none).

    Example:
        >>> spellings([("danny_oconnor", "Danny O'Connor"), ("voters", "voters"), ("militants", "Terrorists")])
        {'danny_oconnor': "Danny O'Connor"}

    """
    found: dict[str, str] = {}
    for actor, name in mentions:
        if name[:1].isupper() and letters((name,)) == letters((actor,)):
            found.setdefault(actor, name)
    return found


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
