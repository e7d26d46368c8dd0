"""What differs: two runs on the same examples, or one actor between two periods.

Tests are randomised, by group: if nothing differed, the two answers to a story could just as well be swapped (paired
randomisation: Noreen 1989, Computer-Intensive Methods for Testing Hypotheses), and an article could be from the
other period (permutation). Sentences of an article go together, since they are not independent. Scores corrected by
labels vary with those labels, of which a period may have few: their difference is judged by Welch's t (1947, The
Generalization of `Student's' Problem when Several Different Population Variances are Involved). Of many actors some
differ by chance, so their p-values are adjusted (Holm 1979; Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import t as student_t

from actorstance.correction import LEVEL, MIN_GROUPS, Corrected
from actorstance.days import day_of
from actorstance.errors import InputError, require_int
from actorstance.files import write_csv, write_json
from actorstance.saved import Interval, Saved, wanted_intervals
from actorstance.scoring import (
    FEW_REPEATS,
    accuracy_of,
    confusions,
    drawn,
    group_weights,
    interval,
    macro_f1_of,
    mean_draws,
    mean_interval,
)

ADJUSTMENTS = ("holm", "bh")
BATCH = 500  # randomisations that are held in memory at once
_EQUAL = 1e-12  # differences this close count as equal: rounding

Period = tuple[str, str]


def runs(
    a: Saved,
    b: Saved,
    *,
    wanted: Sequence[str] | None = None,
    adjust: str = "holm",
    repeats: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two runs on the same examples; differences are b - a.

    Args:
        a: a run's predictions.
        b: another's.
        wanted: actors and pairs as of `saved.wanted_intervals`; None: every actor with `MIN_GROUPS` groups.
        adjust: for many actors: `holm`, or `bh` (Benjamini-Hochberg).
        repeats: of the randomisation, ≥ 100; the smallest p is 1 / (repeats + 1).
        seed: of the randomisation and of the bootstrap.

    Returns:
        What comparison.json holds: see docs/runs.md.

    Raises:
        InputError: if the examples are not the same, or a setting is wrong.

    """
    _check(adjust, repeats)
    order = _same_examples(a, b)
    _, index = np.unique(a.groups, return_inverse=True)
    p_a, p_b = a.probabilities, b.probabilities[order]
    labelled = a.gold >= 0
    metrics = mcnemar = None
    if labelled.all():
        said = p_a.argmax(axis=1), p_b.argmax(axis=1)
        metrics = _metrics(a.gold, *said, index, repeats, seed)
        only_a, only_b = (
            int(((said[0] == a.gold) & (said[1] != a.gold)).sum()),
            int(((said[1] == a.gold) & (said[0] != a.gold)).sum()),
        )
        exact = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
        mcnemar = {"only_a": only_a, "only_b": only_b, "p": float(exact)}
    scores = {"a": a.scores, "b": b.scores[order]}
    gap = scores["b"] - scores["a"]
    rows = []
    for one in _intervals(a, wanted):
        difference, low, high, p = _paired(gap[one.at], index[one.at], repeats, seed)
        shown = {name: float(values[one.at].mean()) for name, values in scores.items()}
        sizes = {"n": len(one.at), "groups": a.groups_of(one.at)}
        rows.append({**one.row, **sizes, **shown, "difference": difference, "low": low, "high": high, "p": p})
    about = {"runs": [a.folder.name, b.folder.name], "n": len(a.rows), "groups": int(index.max()) + 1}
    return {
        **about,
        **_frame(repeats, adjust),
        "metrics": metrics,
        "mcnemar": mcnemar,
        "actors": _adjusted(rows, adjust),
    }


def periods(
    saved: Saved,
    between: tuple[Period, Period],
    *,
    wanted: Sequence[str] | None = None,
    adjust: str = "holm",
    repeats: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare the actors' scores in one period with those in another; differences are second - first.

    The scores are the corrected ones if a check has labelled mentions in enough groups of both periods. If only of one,
    both are the model's own: a corrected score and an uncorrected one differ by the model's error.

    Args:
        saved: a run's predictions; its articles have dates.
        between: two periods, each its first and last day (ISO), which do not overlap.
        wanted: see `runs`.
        adjust: likewise.
        repeats: likewise.
        seed: likewise.

    Raises:
        InputError: if no article has an ISO date, no actor is in enough groups of both periods, or a setting is wrong.

    """
    _check(adjust, repeats)
    days = [day_of(row.get("date")) for row in saved.rows]
    if not any(days):
        raise InputError(f"{saved.folder}: no article has an ISO date: give JSONL with a field `date`, as 2020-02-12.")
    of = np.array([_period(day, between) for day in days])
    rows, skipped = [], []
    for one in _intervals(saved, wanted):
        parts = [one.at[of[one.at] == which] for which in (0, 1)]
        there = [saved.groups_of(part) for part in parts]
        if min(there) < MIN_GROUPS:
            if wanted is not None:
                skipped.append({**one.row, "groups": there})
            continue
        rows.append({**one.row, **_unpaired(saved, parts, repeats, seed)})
    if not rows:
        raise InputError(f"{saved.folder}: no actor is spoken of in {MIN_GROUPS} groups (articles) of both periods.")
    about: dict[str, Any] = {"periods": [list(period) for period in between], "n": int((of >= 0).sum())}
    about["groups"] = saved.groups_of(np.flatnonzero(of >= 0))
    about["left_out"] = {
        "no ISO date": days.count(None),
        "in neither period": len(days) - days.count(None) - about["n"],
    }
    about["skipped"] = skipped
    return {**about, **_frame(repeats, adjust), "metrics": None, "mcnemar": None, "actors": _adjusted(rows, adjust)}


def read_periods(given: Any) -> tuple[Period, Period]:
    """Return two periods, each written as its first and last day: `2020-01-01..2020-02-29`.

    Raises:
        InputError: if they are not two, are not dates, or overlap.

    """
    if not isinstance(given, list) or len(given) != 2:
        raise InputError("periods: expected two, as periods=[2020-01-01..2020-02-29,2020-03-01..2020-04-30].")
    found = []
    for text in given:
        try:
            first, last = (datetime.date.fromisoformat(part) for part in str(text).split(".."))
        except ValueError as error:
            raise InputError(f"periods: {text!r} is no period. Write it as 2020-01-01..2020-02-29.") from error
        if last < first:
            raise InputError(f"periods: {text} ends before it begins.")
        found.append((first.isoformat(), last.isoformat()))
    one, two = found
    if one[0] <= two[1] and two[0] <= one[1]:
        raise InputError(f"periods: {'..'.join(one)} and {'..'.join(two)} overlap.")
    return one, two


def write(out: str | Path, found: dict[str, Any]) -> None:
    """Write comparison.json and comparison.csv."""
    (out := Path(out)).mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in found["actors"] for name in row))
    write_csv(out / "comparison.csv", names, found["actors"])
    write_json(out / "comparison.json", found)


def adjusted(p: Sequence[float], how: str) -> list[float]:
    """Return p-values adjusted for their number.

    Args:
        p: p-values.
        how: `holm` controls the chance of any false finding, `bh` (Benjamini-Hochberg) the share of false findings.

    Example:
        >>> adjusted([0.01, 0.02, 0.5], "holm"), adjusted([0.01, 0.02, 0.5], "bh")
        ([0.03, 0.04, 0.5], [0.03, 0.03, 0.5])

    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, len(values) + 1)
    if how == "holm":
        stepped = np.maximum.accumulate(values[order] * (len(values) + 1 - rank))
    else:
        stepped = np.minimum.accumulate((values[order] * len(values) / rank)[::-1])[::-1]
    result = np.empty(len(values))
    result[order] = np.minimum(stepped, 1)
    return [float(value) for value in result]


def _check(adjust: str, repeats: int) -> None:
    if adjust not in ADJUSTMENTS:
        raise InputError(f"adjust={adjust!r}: expected {' or '.join(ADJUSTMENTS)}.")
    require_int("repeats", repeats, 100, 1_000_000)


def _frame(repeats: int, adjust: str) -> dict[str, Any]:
    return {"level": LEVEL, "repeats": repeats, "adjustment": adjust}


def _same_examples(a: Saved, b: Saved) -> NDArray[np.int64]:
    """Where each example of the first run is in the second."""
    places = {row["example_id"]: at for at, row in enumerate(b.rows)}
    there = sum(row["example_id"] in places for row in a.rows)
    if there < len(a.rows) or len(a.rows) < len(b.rows):
        raise InputError(
            f"{a.folder} and {b.folder}: not the same examples: {len(a.rows)} and {len(b.rows)}, {there} of them in "
            "both. Score both models on one corpus."
        )
    order = np.array([places[row["example_id"]] for row in a.rows], dtype=np.int64)
    for row, at in zip(a.rows, order.tolist(), strict=True):
        for name in ("text", "source", "target", "gold"):
            if row[name] != b.rows[at][name]:
                raise InputError(f"{a.folder} and {b.folder}: example {row['example_id']!r} differs in its {name}.")
    return order


def _intervals(saved: Saved, wanted: Sequence[str] | None) -> list[Interval]:
    if wanted is not None:
        return wanted_intervals(saved, wanted)
    return [
        Interval(role, names, at)
        for role in ("received", "expressed")
        for names, at in sorted(saved.members(role).items(), key=lambda item: (-len(item[1]), item[0]))
        if saved.groups_of(at) >= MIN_GROUPS
    ]


def _metrics(
    gold: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    index: NDArray[np.int64],
    repeats: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Accuracy and macro-F1 of both, their difference with its interval, and how often chance alone gives as much."""
    tables = [confusions(gold, said, index) for said in (a, b)]
    occur = tables[0].sum(axis=(0, 2)) > 0
    weights = group_weights(len(tables[0]), seed) if len(tables[0]) >= MIN_GROUPS else None
    result = []
    for name, of in (("accuracy", accuracy_of), ("macro_f1", partial(macro_f1_of, occur=occur))):
        first, second = (float(of(table.sum(axis=0))) for table in tables)
        low = high = None
        if weights is not None:
            draws = [of(drawn(table, weights)) for table in tables]
            low, high = interval(draws[1] - draws[0], len(tables[0]))
        reached = 0
        rng = np.random.default_rng(seed)
        for start in range(0, repeats, BATCH):
            swap = rng.integers(2, size=(min(BATCH, repeats - start), len(tables[0])))
            turned = [drawn(other - one, swap) + one.sum(axis=0) for one, other in (tables, tables[::-1])]
            reached += int((np.abs(of(turned[1]) - of(turned[0])) >= abs(second - first) - _EQUAL).sum())
        figures = {"a": first, "b": second, "difference": second - first, "low": low, "high": high}
        result.append({"name": name, **figures, "p": (reached + 1) / (repeats + 1)})
    return result


def _paired(
    gap: NDArray[np.float64], index: NDArray[np.int64], repeats: int, seed: int
) -> tuple[float, float | None, float | None, float]:
    """The mean difference of two scores, its interval, and its p, by flipping the signs of whole groups."""
    low, high = mean_interval(gap, index, seed)
    sums, _ = _by_group(gap, index)
    reached, rng = 0, np.random.default_rng(seed)
    for start in range(0, repeats, BATCH):
        signs = 2 * rng.integers(2, size=(min(BATCH, repeats - start), len(sums))) - 1
        reached += int((np.abs(signs @ sums) >= abs(sums.sum()) - _EQUAL * len(gap)).sum())
    return float(gap.mean()), low, high, (reached + 1) / (repeats + 1)


def _period(day: datetime.date | None, between: tuple[Period, Period]) -> int:
    """Which of the periods contains a day, -1 if neither does."""
    if day is None:
        return -1
    return next((which for which, (first, last) in enumerate(between) if first <= day.isoformat() <= last), -1)


def _unpaired(saved: Saved, parts: list[NDArray[np.int64]], repeats: int, seed: int) -> dict[str, Any]:
    """An actor's score in two periods, corrected where both have labels, the difference, its interval and p."""
    scores, groups = saved.scores, saved.groups
    first, second = found = [saved.corrected(part) for part in parts]
    if first is not None and second is not None:
        means = [first.score, second.score]
        low, high, p = _welch(first, second)
    else:
        means = [float(scores[part].mean()) for part in parts]
        low, high = _unpaired_interval(scores, parts, groups, seed)
        (sums_a, counts_a), (sums_b, counts_b) = (_by_group(scores[part], groups[part]) for part in parts)
        together = np.concatenate([sums_a, sums_b]), np.concatenate([counts_a, counts_b])
        p = _permuted(*together, len(sums_a), repeats, seed)
    return {
        **{f"n_{which}": len(part) for which, part in zip("ab", parts, strict=True)},
        **{f"groups_{which}": saved.groups_of(part) for which, part in zip("ab", parts, strict=True)},
        **{f"labelled_{which}": 0 if one is None else one.labelled for which, one in zip("ab", found, strict=True)},
        "correction": "none" if None in found else ", ".join(dict.fromkeys(one.correction for one in found if one)),
        "a": means[0],
        "b": means[1],
        "difference": means[1] - means[0],
        "low": low,
        "high": high,
        "p": p,
    }


def _welch(a: Corrected, b: Corrected) -> tuple[float, float, float]:
    """The interval and the p of b - a by Welch's t: each score has its own error and number of labels."""
    squares = a.error**2, b.error**2
    error = float(np.sqrt(sum(squares)))
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / a.freedom + squares[1] ** 2 / b.freedom)
    difference, half = b.score - a.score, float(student_t.ppf((1 + LEVEL) / 2, freedom)) * error
    p = 2 * float(student_t.sf(abs(difference) / error, freedom))
    return max(-2.0, difference - half), min(2.0, difference + half), p


def _by_group(values: NDArray[np.float64], groups: NDArray[np.generic]) -> tuple[NDArray[Any], NDArray[Any]]:
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=values), np.bincount(index)


def _unpaired_interval(
    scores: NDArray[np.float64], parts: list[NDArray[np.int64]], groups: NDArray[np.generic], seed: int
) -> tuple[float, float]:
    """Each period is resampled by itself; the smaller one says how few groups there are."""
    (first, few), (second, many) = (
        mean_draws(scores[part], groups[part], seed + which, FEW_REPEATS) for which, part in enumerate(parts)
    )
    return interval(second - first, min(few, many))


def _permuted(sums: NDArray[np.float64], counts: NDArray[np.int64], first: int, repeats: int, seed: int) -> float:
    """How often as large a difference arises when groups are dealt to the two periods at random.

    The difference is in units of its standard error, so that unequal spread is not a difference (Janssen 1997).
    """

    def statistic(order: NDArray[np.int64]) -> NDArray[np.float64]:
        parts = [(sums[order[:, cut]], counts[order[:, cut]]) for cut in (slice(None, first), slice(first, None))]
        means = [total.sum(axis=1) / count.sum(axis=1) for total, count in parts]
        squares = [
            ((total - mean[:, None] * count) ** 2).sum(axis=1) / count.sum(axis=1) ** 2
            for (total, count), mean in zip(parts, means, strict=True)
        ]
        result: NDArray[np.float64] = np.abs(means[1] - means[0]) / np.sqrt(np.maximum(squares[0] + squares[1], _EQUAL))
        return result

    rng = np.random.default_rng(seed)
    seen = float(statistic(np.arange(len(sums))[None])[0])
    reached = 0
    for start in range(0, repeats, BATCH):
        orders = rng.permuted(np.tile(np.arange(len(sums)), (min(BATCH, repeats - start), 1)), axis=1)
        reached += int((statistic(orders) >= seen - _EQUAL).sum())
    return (reached + 1) / (repeats + 1)


def _adjusted(rows: list[dict[str, Any]], how: str) -> list[dict[str, Any]]:
    values = adjusted([row["p"] for row in rows], how)
    return [
        {**row, "p_adjusted": value, "significant": value <= 1 - LEVEL} for row, value in zip(rows, values, strict=True)
    ]
