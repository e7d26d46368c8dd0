"""A sweep as one HTML page: what was searched, every trial, and how to train the best again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actorstance.files import write_text
from actorstance.pages import figures, template
from actorstance.wording import number, plural

MAX_ROWS = 500  # trials in the table; trials.csv has all
_SAID = {"complete": "complete", "pruned": "stopped early", "fail": "failed", "running": "under way"}


def write(
    folder: Path, rows: Sequence[Mapping[str, Any]], keys: Sequence[str], told: Mapping[str, Any], command: str | None
) -> None:
    """Write a sweep's report.html.

    Args:
        folder: of the sweep.
        rows: the lines of trials.csv, in order.
        keys: the settings that are searched, which are columns of the rows.
        told: sweep.json.
        command: which trains the best trial again; None: no trial is complete.

    """
    states = [row["state"] for row in rows]
    best = next((row for row in rows if row["best"]), None)
    words = [plural(len(rows), "trial")]
    words += [f"{states.count(state)} {said}" for state, said in _SAID.items() if state in states]
    findings = [{"tone": "plain", "text": ", ".join(words) + "."}]
    if best:
        chosen = ", ".join(f"{key} = {_shown(best[key])}" for key in keys)
        text = f"The best, trial {best['trial']}, reaches macro-F1 {number(best['macro_f1'], 3)} with {chosen}."
        findings.insert(0, {"tone": "plain", "text": text})
    scores = [(row["trial"], row["macro_f1"], row["last"]) for row in rows]
    drawn = any(score is not None or last is not None for _, score, last in scores)
    about = "; ".join(f"trial {at}: {number(score, 3)}" for at, score, _ in scores if score is not None)
    page = template.render(
        "sweep.html",
        title="Which settings are best?",
        run=folder.name,
        findings=findings,
        figure=figures.trials(scores, f"Macro-F1 by trial. {about}") if drawn else None,
        rows=[
            {**row, "values": [_shown(row[key]) for key in keys], "said": _SAID[row["state"]]}
            for row in rows[:MAX_ROWS]
        ],
        all_rows=len(rows),
        keys=keys,
        space=told["space"],
        command=command,
    )
    write_text(folder / "report.html", page)


def _shown(value: Any) -> str:
    """A value as a reader can compare it; trials.csv has all digits."""
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError):
        return str(value)
