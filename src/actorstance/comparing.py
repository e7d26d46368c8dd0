"""What differs: two runs on the same examples, one actor between two periods, or between two newspapers.

How likely chance alone is: `significance`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from actorstance.correction import LEVEL, MIN_GROUPS
from actorstance.days import day_of
from actorstance.errors import InputError, require_int, require_seed
from actorstance.evaluation import significance
from actorstance.files import write_csv, write_json
from actorstance.folder import Folder
from actorstance.saved import Interval, Saved, wanted_intervals
from actorstance.scoring import accuracy_of, confusions, drawn, group_weights, interval, macro_f1_of

ADJUSTMENTS = ("holm", "bh")

Period = tuple[str, str]
Part = tuple[Saved, NDArray[np.int64]]  # a run, and some lines of it


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
    _check(adjust, repeats, seed)
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
        difference, low, high, p = significance.paired(gap[one.at], index[one.at], repeats, seed)
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
    _check(adjust, repeats, seed)
    days = [day_of(row.get("date")) for row in saved.rows]
    if not any(days):
        raise InputError(f"{saved.folder}: no article has an ISO date: give JSONL with a field `date`, as 2020-02-12.")
    of = np.array([_period(day, between) for day in days])
    rows, skipped = _unpaired(
        _intervals(saved, wanted), lambda one: [(saved, one.at[of[one.at] == which]) for which in (0, 1)], repeats, seed
    )
    if not rows:
        raise _too_few(saved, "periods", skipped)
    about: dict[str, Any] = {"periods": [list(period) for period in between], "n": int((of >= 0).sum())}
    about["groups"] = saved.groups_of(np.flatnonzero(of >= 0))
    about["left_out"] = {
        "no ISO date": days.count(None),
        "in neither period": len(days) - days.count(None) - about["n"],
    }
    about["skipped"] = [] if wanted is None else skipped
    return {**about, **_frame(repeats, adjust), "metrics": None, "mcnemar": None, "actors": _adjusted(rows, adjust)}


def newspapers(
    a: Saved,
    b: Saved,
    *,
    wanted: Sequence[str] | None = None,
    adjust: str = "holm",
    repeats: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare the actors' scores in one newspaper with those in another; differences are b - a.

    The scores are the corrected ones where both runs have been checked, as in `periods`.

    Args:
        a: a run over the articles of one newspaper, or of any other kind of source.
        b: one over another's, read by the same model with the same registry.
        wanted: see `runs`.
        adjust: likewise.
        repeats: likewise.
        seed: likewise.

    Raises:
        InputError: if the runs are of different models, registries or settings, or of the same articles; if no actor is
            in enough groups of both, or a setting is wrong.

    """
    _check(adjust, repeats, seed)
    _read_alike(a, b)
    one, other = ({row["text"] for row in saved.rows} for saved in (a, b))
    if one <= other or other <= one:
        raise InputError(
            f"{a.folder} and {b.folder}: every sentence of one is in the other. Two models that read the same articles "
            "are compared without newspapers; of two newspapers each is a run of its own."
        )
    # What is wanted is looked for in both at once, where groups of one name are still two.
    rows = [{**row, "group_id": f"{name}: {row['group_id']}"} for name, run in (("a", a), ("b", b)) for row in run.rows]
    both, cut = Saved(Path(f"{a.folder} and {b.folder}"), rows), len(a.rows)
    found, skipped = _unpaired(
        _intervals(both, wanted), lambda it: [(a, it.at[it.at < cut]), (b, it.at[it.at >= cut] - cut)], repeats, seed
    )
    if not found:
        raise _too_few(both, "newspapers", skipped)
    about = {"newspapers": [a.folder.name, b.folder.name], "n": len(rows), "groups": len(np.unique(both.groups))}
    about |= {"in_both": len(one & other), "skipped": [] if wanted is None else skipped}
    return {**about, **_frame(repeats, adjust), "metrics": None, "mcnemar": None, "actors": _adjusted(found, adjust)}


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


def _check(adjust: str, repeats: int, seed: int) -> None:
    require_seed(seed)
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


def _read_alike(a: Saved, b: Saved) -> None:
    """Refuse runs that would differ on the same article."""
    one, other = Folder(a.folder), Folder(b.folder)
    if one.provenance["model"] != other.provenance["model"]:
        raise InputError(f"{a.folder} and {b.folder} are of different models. Read both newspapers with the same one.")
    if one.priors != other.priors:
        raise InputError(f"{a.folder} and {b.folder} were read with different priors. Read both with the same.")
    for key, what in (("registry", "registries of actors"), ("ner", "finders of names (ner)")):
        if one.provenance.get(key) != other.provenance.get(key):
            raise InputError(
                f"{a.folder} and {b.folder} were read with different {what}, so an actor of one may have another id in "
                "the other. Read both newspapers with the same."
            )


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
        figures = {"a": first, "b": second, "difference": second - first, "low": low, "high": high}
        result.append({"name": name, **figures, "p": significance.swapped(tables[0], tables[1], of, repeats, seed)})
    return result


def _period(day: datetime.date | None, between: tuple[Period, Period]) -> int:
    """Which of the periods contains a day, -1 if neither does."""
    if day is None:
        return -1
    return next((which for which, (first, last) in enumerate(between) if first <= day.isoformat() <= last), -1)


def _unpaired(
    intervals: Sequence[Interval], split: Callable[[Interval], Sequence[Part]], repeats: int, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of what is in enough groups of both samples, and those of the rest, with its groups."""
    rows, skipped = [], []
    for one in intervals:
        first, second = split(one)
        groups = [saved.groups_of(at) for saved, at in (first, second)]
        if min(groups) < MIN_GROUPS:
            skipped.append({**one.row, "groups": groups})
        else:
            rows.append({**one.row, **_change(first, second, repeats, seed)})
    return rows, skipped


def _too_few(saved: Saved, samples: str, skipped: list[dict[str, Any]]) -> InputError:
    """What to raise if nothing is in enough groups of both samples."""
    most = max(skipped, key=lambda row: min(row["groups"]), default=None)
    found = "" if most is None else f" The most that any is in: {' and '.join(map(str, most['groups']))}."
    return InputError(
        f"{saved.folder}: no actor is spoken of in {MIN_GROUPS} groups (articles) of both {samples}.{found} Read more "
        "articles, or name other actors."
    )


def _change(first: Part, second: Part, repeats: int, seed: int) -> dict[str, Any]:
    """An actor's score in two samples, corrected where both have labels, the difference, its interval and p."""
    parts = (first, second)
    a, b = found = [saved.corrected(at) for saved, at in parts]
    if a is not None and b is not None:
        means = [a.score, b.score]
        low, high, p = significance.welch(a, b)
    else:
        means = [float(saved.scores[at].mean()) for saved, at in parts]
        one, other = ((saved.scores[at], saved.groups[at]) for saved, at in parts)
        low, high, p = significance.unpaired(one, other, repeats, seed)
    return {
        **{f"n_{which}": len(at) for which, (_, at) in zip("ab", parts, strict=True)},
        **{f"groups_{which}": saved.groups_of(at) for which, (saved, at) in zip("ab", parts, strict=True)},
        **{f"labelled_{which}": 0 if one is None else one.labelled for which, one in zip("ab", found, strict=True)},
        "correction": "none" if None in found else ", ".join(dict.fromkeys(one.correction for one in found if one)),
        "a": means[0],
        "b": means[1],
        "difference": means[1] - means[0],
        "low": low,
        "high": high,
        "p": p,
    }


def _adjusted(rows: list[dict[str, Any]], how: str) -> list[dict[str, Any]]:
    values = significance.adjusted([row["p"] for row in rows], how)
    return [
        {**row, "p_adjusted": value, "significant": value <= 1 - LEVEL} for row, value in zip(rows, values, strict=True)
    ]
