"""Scores over time: the mean score of an actor in each stretch of days, months or years, with its interval."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from actorstance.pages.figures import Point
from actorstance.scoring import mean_interval

Row = tuple[datetime.date, float, str]  # day, score, group
STRETCHES = 24  # at most, so that each can hold groups enough for an interval
_DAY, _WEEK, _MONTH, _QUARTER, _YEAR = 1, 7, 30.4, 91.3, 365.2


def points(rows: Sequence[Row], seed: int, beside: Sequence[Row] | None = None) -> list[Point]:
    """Return the mean score of each stretch of time, in order, at its first day.

    Args:
        rows: day, score in [-1, 1] and group of each example.
        seed: of the intervals, which resample groups, and of which there is none with fewer than `MIN_GROUPS`.
        beside: all rows that are shown together, whose span decides how long a stretch is; these, if None.

    Example:
        >>> day = datetime.date(2020, 3, 2)
        >>> points([(day, 0.5, "a"), (day, -0.1, "b"), (day + datetime.timedelta(1), 1.0, "c")], seed=0)
        ... # doctest: +NORMALIZE_WHITESPACE
        [Point(day=datetime.date(2020, 3, 2), score=0.2, low=None, high=None, n=2),
         Point(day=datetime.date(2020, 3, 3), score=1.0, low=None, high=None, n=1)]

    """
    span = _stretch([day for day, _, _ in beside or rows])
    found: defaultdict[datetime.date, list[tuple[float, str]]] = defaultdict(list)
    for day, score, group in rows:
        found[_first_day(day, span)].append((score, group))
    result = []
    for day in sorted(found):
        scores = np.array([score for score, _ in found[day]])
        low, high = mean_interval(scores, [group for _, group in found[day]], seed)
        result.append(Point(day, round(float(scores.mean()), 9), low, high, len(scores)))
    return result


def _stretch(days: list[datetime.date]) -> float:
    whole = (max(days) - min(days)).days + 1 if days else 1
    return next((span for span in (_DAY, _WEEK, _MONTH, _QUARTER) if whole / span <= STRETCHES), _YEAR)


def _first_day(day: datetime.date, span: float) -> datetime.date:
    if span == _DAY:
        return day
    if span == _WEEK:
        return day - datetime.timedelta(min(day.weekday(), day.toordinal() - 1))
    if span == _MONTH:
        return day.replace(day=1)
    return day.replace(month=1 if span == _YEAR else day.month - (day.month - 1) % 3, day=1)


def called(rows: Sequence[Row]) -> str:
    """Return what a stretch is, for a caption: day, week, month, quarter or year."""
    names = {_DAY: "day", _WEEK: "week", _MONTH: "month", _QUARTER: "quarter", _YEAR: "year"}
    return names[_stretch([day for day, _, _ in rows])]
