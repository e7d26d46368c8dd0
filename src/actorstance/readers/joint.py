"""Several corpora as one, which may differ in the labels they have and in how much they count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset, concatenate_datasets

from actorstance.errors import InputError
from actorstance.examples import CORPUS, FEATURES, WEIGHT

if TYPE_CHECKING:
    from actorstance.corpora import Corpus

_SUMMED = ("read", "kept", "examples")
_NAMED = ("dropped", "mended", "noted", "published", "left_out")


def load(
    load_one: Callable[..., Corpus], path: str | Path | None, corpora: Mapping[str, Mapping[str, Any] | None] | None
) -> Corpus:
    """Load the corpora from a table of their settings, and join them.

    Args:
        load_one: `corpora.load`.
        path: a corpus without a path of its own is the folder of its name in this folder.
        corpora: name -> arguments of `load_one` (its `name`, unless that is the key) and `weight`; None: left out.

    Raises:
        InputError: if there are fewer than two, one has no official split, or a weight is not above 0.

    """
    if not isinstance(corpora, Mapping) or not all(isinstance(one, Mapping | None) for one in corpora.values()):
        raise InputError(f"data.corpora={corpora!r}: expected a table of corpora and their settings.")
    chosen = {key: dict(settings) for key, settings in corpora.items() if settings is not None}
    if len(chosen) < 2:
        raise InputError(f"data=joint: at least two corpora are needed, found {', '.join(chosen) or 'none'}.")
    found, weights, recipes = {}, {}, {}
    for key, settings in chosen.items():
        weight = settings.pop("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1e6:
            raise InputError(f"data.corpora.{key}.weight={weight!r}: expected a number above 0; null leaves it out.")
        name = settings.pop("name", None) or key
        own = settings.pop("path", None)
        where = str(Path(path) / key) if own is None and path is not None and name != "newsroom" else own
        try:
            found[key] = load_one(name, where, **settings)
        except TypeError as error:
            raise InputError(f"data.corpora.{key}: {str(error).split('() ')[-1]}.") from error
        if "" in found[key].examples["split"][:]:
            raise InputError(f"data.corpora.{key}: it has no official split, which a corpus of data=joint needs.")
        weights[key] = float(weight)
        recipes[key] = {**found[key].recipe, **({"path": None} if own is None else {}), "weight": weights[key]}
    place = None if path is None else str(path)
    return _join(found, weights, {"name": "joint", "path": place, "corpora": recipes})


def _join(found: dict[str, Corpus], weights: dict[str, float], recipe: dict[str, Any]) -> Corpus:
    from actorstance.corpora import Corpus

    examples = concatenate_datasets([_named(one.examples, key, weights[key]) for key, one in found.items()])
    counts: dict[str, Any] = {name: sum(one.counts[name] for one in found.values()) for name in _SUMMED}
    for name in _NAMED:
        rows = {f"{key}: {at}": value for key, one in found.items() for at, value in one.counts.get(name, {}).items()}
        counts |= {name: rows} if rows or name in ("dropped", "mended", "noted") else {}
    return Corpus("joint", examples, counts, 0, recipe)


def _named(examples: Dataset, key: str, weight: float) -> Dataset:
    """The examples with ids that say which corpus they are from, so that those of two corpora never collide."""
    ids = ("example_id", "document_id", "group_id")
    columns = {name: examples[name][:] for name in FEATURES}
    columns |= {name: [f"{key}/{id}" for id in columns[name]] for name in ids}
    named = Dataset.from_dict(columns, features=FEATURES)
    return named.add_column(CORPUS, [key] * len(named)).add_column(WEIGHT, [weight] * len(named))
