"""What a sweep searches: the settings given with several values, in Hydra's own grammar for sweeps.

`key=a,b,c` or `key=choice(a,b,c)` is a choice; `key=range(1,9)` whole numbers, the last left out; `key=interval(0,0.5)`
any number between two; `key=int(interval(1,64))` any whole number, both ends included;
`key=tag(log,interval(1e-5,1e-3))` one whose logarithm is spread evenly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    RangeSweep,
)

from actorstance.errors import InputError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Dimension(NamedTuple):
    """One setting of the search: what was typed after `key=`, and its values.

    `choices` are as they would be typed. Without any: numbers from `low` to `high`, both included, `step` apart (None:
    any number between them).
    """

    typed: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: int | None = None
    log: bool = False

    @property
    def first(self) -> Any:
        """The first of the choices, or the lowest number."""
        return self.choices[0] if self.choices else self.low

    def values(self) -> Sequence[Any] | None:
        """Return all values, None where there are infinitely many."""
        if self.choices:
            return self.choices
        return range(int(self.low), int(self.high) + 1, self.step) if self.step else None

    def distribution(self) -> BaseDistribution:
        """Return the dimension as Optuna has it."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.step:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=self.step)
        return FloatDistribution(self.low, self.high, log=self.log)


def parted(arguments: Sequence[str]) -> tuple[dict[str, Dimension], list[str]]:
    """Split a command line into the settings with several values and all others.

    Raises:
        InputError: naming the setting, if its values are invalid.
        HydraException: for what is not a setting at all.

    Example:
        >>> space, others = parted(["model=linear", "model.C=tag(log,interval(0.1,100))", "model.min_df=1,2"])
        >>> space["model.C"].high, space["model.min_df"].choices, others
        (100.0, ('1', '2'), ['model=linear'])

    """
    space: dict[str, Dimension] = {}
    others = []
    parser = OverridesParser.create()
    for argument in arguments:
        override = None if argument.startswith("-") else parser.parse_override(argument)
        if override is None or not override.is_sweep_override():
            others.append(argument)
            continue
        key, _, typed = argument.partition("=")
        if key in space:
            raise InputError(f"{key}: given twice, as {space[key].typed} and as {typed}.")
        space[key] = _dimension(key, typed, override)
    return space, others


def _dimension(key: str, typed: str, override: Override) -> Dimension:
    def wrong(what: str) -> InputError:
        return InputError(
            f"{key}={typed}: {what}. A sweep takes a,b,c, range(1,9), interval(0,1) and what docs/scale.md lists."
        )

    if key.startswith(("hydra", "sweep.", "~")):
        raise wrong("no setting of a training run, so it has one value in a sweep")
    value = override.value()
    if not isinstance(value, ChoiceSweep | RangeSweep | IntervalSweep):
        raise wrong("a pattern, whose values nobody can know beforehand")
    if unknown := value.tags - ({"log"} if isinstance(value, IntervalSweep) else set()):
        raise wrong(f"the tag {min(unknown)} is not known here: log, of an interval, is the only one")
    if isinstance(value, IntervalSweep):
        return _interval(typed, value, wrong)
    if isinstance(value, RangeSweep) and all(isinstance(one, int) for one in (value.start, value.stop, value.step)):
        numbers = range(int(value.start or 0), int(value.stop or 0), int(value.step))
        if not numbers:
            raise wrong("no number lies in that range, which leaves its last one out")
        return Dimension(typed, low=min(numbers), high=max(numbers), step=abs(numbers.step))
    choices = tuple(override.sweep_string_iterator())
    if len(set(choices)) < max(len(choices), 1):
        raise wrong("each value once")
    return Dimension(typed, choices)


def _interval(typed: str, value: IntervalSweep, wrong: Any) -> Dimension:
    low, high, log = value.start, value.end, "log" in value.tags
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise wrong(f"the interval goes from {low} to {high}, expected two numbers, the lower first")
    if log and low <= 0:
        raise wrong(f"{low} has no logarithm: log needs numbers above 0")
    whole = isinstance(low, int) and isinstance(high, int)
    return Dimension(typed, low=low, high=high, step=1 if whole else None, log=log)


def combinations(space: Mapping[str, Dimension]) -> int | None:
    """Return how many settings a space has, None if infinitely many."""
    sizes = [None if (values := one.values()) is None else len(values) for one in space.values()]
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def written(chosen: Mapping[str, Any]) -> list[str]:
    """Return chosen values as settings to type: numbers to the last digit, choices as they were typed.

    Example:
        >>> written({"model.lr": 3e-05, "model.encoder": "bundled-mpnet"})
        ['model.lr=3e-05', 'model.encoder=bundled-mpnet']

    """
    return [f"{key}={value if isinstance(value, str) else repr(value)}" for key, value in chosen.items()]
