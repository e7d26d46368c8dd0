"""A check of a run: which mentions to label, what that gains, and the scores corrected by the labels.

A check takes a run's folder and leaves a new one beside it, twice: first with the sheet to be filled in, then, read
back, with the corrected scores. That folder can be checked again: the sample grows, and all labels count.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance import report, runs
from actorstance.correction import MIN_GROUPS, half_width
from actorstance.errors import InputError, require_int, require_seed
from actorstance.evaluation import sampling, sheets
from actorstance.examples import LABELS
from actorstance.files import read_json, write_csv, write_json, write_jsonl
from actorstance.folder import KEYS, PREDICTIONS, Folder
from actorstance.saved import Interval, Saved, wanted_intervals
from actorstance.scoring import actor_table, pair_table

CHECK = "check.json"


@dataclass(frozen=True)
class Plan:
    """What to ask: the rows in the order of the sheet; every row's probability, sheet by sheet (n, sheets)."""

    chosen: NDArray[np.int64]
    draws: NDArray[np.float64]
    summary: dict[str, Any]

    @property
    def inclusion(self) -> NDArray[np.float64]:
        """The probability of every row to be in any of the sheets."""
        chances: NDArray[np.float64] = np.minimum(1, self.draws.sum(axis=1))
        return chances


ASKED = 40  # mentions in a sheet, if not told


def plan(saved: Saved, n: int, wanted: Sequence[str] | None = None, seed: int = 0) -> Plan:
    """Draw the mentions whose labels narrow the wanted intervals the most: see `sampling`.

    Args:
        saved: a run's predictions, with or without labels of earlier checks.
        n: how many mentions to ask for, ≥ 1; fewer, if there are no more.
        wanted: see `saved.wanted_intervals`.
        seed: of the draw. A run that was checked before keeps the one it has: the sample grows.

    Raises:
        InputError: if nothing is left to ask, or a wanted actor is not there.

    """
    require_int("n", n, 1)
    if not saved.checked and (saved.gold >= 0).any():
        raise InputError(f"{saved.folder}: its examples have labels already. A check is of new articles (predict).")
    intervals = wanted_intervals(saved, wanted)
    seed = _seed_of(saved.folder) if saved.checked else require_seed(seed)
    own = sampling.uncertainty(saved.probabilities)
    rng = np.random.default_rng(seed)
    numbers = rng.random(len(saved.rows))
    at = [one.at for one in intervals]
    known = saved.draws if saved.checked else np.zeros((len(saved.rows), 0))
    chosen, draws = sampling.draw(own, at, n, numbers, known, saved.asked, rng)
    if not len(chosen):
        raise InputError(f"{saved.folder}: every mention of the wanted actors was asked already.")
    begun = saved.answer_rates[: known.shape[1]]
    to_come = np.minimum(1, draws @ [*np.where(begun > 0, begun, 1), 1])  # a sheet not yet begun will be filled
    summary = {
        "seed": seed,
        "asked": len(chosen),
        "wanted": [one.key for one in intervals],
        "intervals": [_expected(saved, one, own, to_come) for one in intervals],
        "requested": n,
        "left": int((~saved.asked[np.unique(np.concatenate(at))]).sum()) - len(chosen),
    }
    return Plan(chosen, draws, summary)


def with_plan(saved: Saved, found: Plan) -> Saved:
    """Return the run with the probabilities of the draw, and the place of each row asked for."""
    places: list[Any] = [[sheet + 1, row] if sheet >= 0 else None for sheet, row in saved.places.tolist()]
    for row, at in enumerate(found.chosen.tolist(), 1):
        places[at] = [found.draws.shape[1], row]
    more = zip(found.inclusion.tolist(), places, found.draws.tolist(), strict=True)
    rows = [
        {**row, "inclusion": chance, "asked": place is not None, "draws": draws, "place": place}
        for row, (chance, place, draws) in zip(saved.rows, more, strict=True)
    ]
    return Saved(saved.folder, rows)


def write_plan(out: str | Path, saved: Saved, found: Plan, command: str | None = None) -> None:
    """Write what is to be labelled, and the run with the probabilities of the draw in it, as a new run's folder.

    `command` is what the user typed.
    """
    out, rows = Path(out), with_plan(saved, found).rows
    _carry_over(saved.folder, out, command)
    for name in ("actors.csv", "pairs.csv"):
        if (saved.folder / name).is_file():
            shutil.copyfile(saved.folder / name, out / name)
    chosen = found.chosen.tolist()
    before = zip(chosen, saved.before(chosen), strict=True)
    sheets.write_sheets(out, [{**saved.rows[at], "before": text} for at, text in before])
    write_jsonl(out / PREDICTIONS, rows)
    write_json(out / CHECK, found.summary)


def answer(saved: Saved, sheet: str | Path) -> tuple[Saved, dict[str, Any]]:
    """Read a filled-in sheet, and return the run with its labels, and what check.json then holds.

    Raises:
        InputError: if the run is not a check, or a row of the sheet does not fit: see `sheets.read_sheet`.

    """
    if not saved.checked:
        raise InputError(
            f"{saved.folder}: no check's folder, nothing was asked of it. Leave the sheet out, and one is made."
        )
    wanted = read_json(saved.folder / CHECK).get("wanted")
    if not isinstance(wanted, list):
        raise InputError(f"{saved.folder / CHECK}: no list 'wanted'.")
    wanted = [_interval_of(saved, key) for key in wanted]
    asked = np.flatnonzero(saved.asked).tolist()
    open_ = [at for at in asked if saved.gold[at] < 0]
    answers = _new_answers(saved, sheet, asked)
    gold = saved.gold.copy()
    for at in open_:
        label = answers.get(saved.rows[at]["example_id"])
        if label in LABELS:
            gold[at] = LABELS.index(label)
    answered = saved.labelled(gold)
    counts = Counter(answers.values())
    unclear = counts.pop(sheets.UNCLEAR, 0)
    summary = {
        "seed": _seed_of(saved.folder),
        "asked": len(open_),
        "answered": len(answers) - unclear,
        "unclear": unclear,
        "blank": len(open_) - len(answers),
        "skipped": _skipped(answered, answers),
        "labels": {label: counts[label] for label in LABELS},
        "wanted": [one.key for one in wanted],
        "intervals": [_now(answered, one) for one in wanted],
    }
    return answered, summary


def _new_answers(saved: Saved, sheet: str | Path, asked: Sequence[int]) -> dict[str, str]:
    """The answers that a sheet adds to those already read: it may have been read when it was less full."""
    answers = sheets.read_sheet(sheet, [saved.rows[at] for at in asked])
    for at in asked:
        id, before = saved.rows[at]["example_id"], saved.rows[at]["gold"]
        if before is not None and (now := answers.pop(id, before)) != before:
            raise InputError(
                f"{sheet}: {id!r} is {now} here, but {before} was read before. To change a label, read the sheet into "
                "the run that asked: the folder in which the sheet was made."
            )
    if not answers:
        raise InputError(f"{sheet}: every label in it was read before.")
    return answers


def _skipped(saved: Saved, answers: Mapping[str, str]) -> int:
    """How many unanswered rows come before the last one answered in their sheet.

    Those after it are not reached yet: in the order of a sheet they are a random part of it.
    """
    given = (saved.gold >= 0) | np.isin([row["example_id"] for row in saved.rows], list(answers))
    number, row = saved.places.T
    last = [row[given & (number == sheet)].max(initial=-1) for sheet in range(saved.draws.shape[1])]
    return int((saved.asked & ~given & (row <= np.array(last)[number])).sum())


def write_answered(
    out: str | Path, saved: Saved, summary: dict[str, Any], command: str | None = None
) -> list[dict[str, Any]]:
    """Write a checked run with its corrected scores as a new run's folder, and return the rows of actors.csv.

    `command` is what the user typed; the report names it after those that made the run and the sheet.
    """
    chances, examples = saved.label_chances, saved.examples()
    out, seed = Path(out), int(summary["seed"])
    actors = actor_table(examples, saved.probabilities, seed, chances)
    pairs = pair_table(examples, saved.probabilities, seed, chances)
    _carry_over(saved.folder, out, command)
    write_jsonl(out / PREDICTIONS, saved.rows)
    for name, columns, rows in (
        ("actors.csv", runs.ACTOR_COLUMNS, actors),
        ("pairs.csv", runs.PAIR_COLUMNS, pairs),
    ):
        more, table = _with_other_columns(saved.folder, name, columns, rows)
        write_csv(out / name, (*columns, *more), table)
    write_json(out / CHECK, summary)
    if (out / "provenance.json").is_file():  # older runs have none
        report.write(out)
    return actors


def _seed_of(folder: Path) -> int:
    return require_seed(read_json(folder / CHECK).get("seed"), f"{folder / CHECK}: seed")


def _interval_of(saved: Saved, key: Any) -> Interval:
    """The wanted interval named in check.json."""
    role = key.get("role") if isinstance(key, Mapping) else None
    if role not in ("received", "expressed", "pair"):
        raise InputError(f"{saved.folder / CHECK}: wanted holds {str(key)[:80]}, expected role and actor, or a pair.")
    names = tuple(str(key.get(name)) for name in (("source", "target") if role == "pair" else ("actor",)))
    at = saved.members(role).get(names)
    if at is None:
        raise InputError(f"{saved.folder / CHECK}: {' -> '.join(names)[:80]} is not in {PREDICTIONS}.")
    return Interval(role, names, at)


def _expected(saved: Saved, one: Interval, own: NDArray[np.float64], chances: NDArray[np.float64]) -> dict[str, Any]:
    """An interval's width now, and the one to be expected with the labels asked for.

    Expected: labels vary about the model's score as its probabilities say, groups as its scores do.
    """
    at = one.at
    scores = saved.scores[at]
    _, index = np.unique(saved.groups[at], return_inverse=True)
    between = float((np.bincount(index, weights=scores - scores.mean()) ** 2).sum() + own[at].sum())
    labelled = float(chances[at].sum())
    squares = between + len(at) ** 2 * sampling.label_variance(own, chances, at)
    now = _now(saved, one)
    expected = min(1.0, half_width(squares, len(at), max(3, round(labelled)), 2)) if labelled >= MIN_GROUPS else None
    return {**now, "expected_labelled": labelled, "expected_half_width": expected}


def _now(saved: Saved, one: Interval) -> dict[str, Any]:
    found = saved.corrected(one.at)
    return {
        **one.key,
        "n": len(one.at),
        "labelled": int((saved.gold[one.at] >= 0).sum()),
        "half_width": None if found is None else (found.high - found.low) / 2,
    }


def _carry_over(folder: Path, out: Path, command: str | None) -> None:
    """Copy the files of a run that a check does not change, and add a command to those that made it."""
    out.mkdir(parents=True, exist_ok=True)
    own = {PREDICTIONS, CHECK, *sheets.SHEETS}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".jsonl") and path.name not in own and path.is_file() and not path.is_symlink():
            shutil.copyfile(path, out / path.name)
    if (out / "provenance.json").is_file():
        told = read_json(out / "provenance.json")
        commands = [one for one in (told.get("command"), command) if isinstance(one, str)]
        write_json(out / "provenance.json", {**told, "command": "\n".join(commands) or None})


def _with_other_columns(
    folder: Path, name: str, columns: Sequence[str], rows: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns that the run's own table has beside those of scores (how mentions were found), and the rows with them."""
    table = list(Folder(folder).table(name)) if (folder / name).is_file() else []
    more = [column for column in (table[0] if table else {}) if column not in columns]
    found = {tuple(row[key] for key in KEYS[name]): {column: row[column] for column in more} for row in table}
    empty = dict.fromkeys(more)
    return more, [{**row, **found.get(tuple(row[key] for key in KEYS[name]), empty)} for row in rows]
