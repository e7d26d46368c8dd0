"""What scripts/ and the `actorstance` command both do: predict, check and compare, from settings to what is printed.

`folder` is entered once the work can begin, and gives the run's folder: a script already has one, the
command makes one that is removed if the run comes to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from actorstance import checking, comparing, pipeline
from actorstance.archives.archive import is_archive
from actorstance.archives.bulk import Engine
from actorstance.archives.engine import local
from actorstance.archives.shards import DOCUMENTS
from actorstance.commands import configured, terminal
from actorstance.errors import InputError
from actorstance.models import load
from actorstance.saved import read_saved

NewFolder = AbstractContextManager[Path]


def predict(
    run: str,
    source: str,
    folder: NewFolder,
    *,
    archive: bool | None,
    resume: bool,
    actors: str | None,
    ner: str | None,
    columns: Mapping[str, str],
    explain: bool,
    wanted_priors: Any,
    engine: Engine | None,
    size: int,
    strict: bool,
    **settings: Any,
) -> None:
    """Read new articles with a saved model.

    Args:
        run: the model's run, its folder in it, or a name on the hub.
        source: a file or folder of articles.
        folder: see above.
        archive: whether it is an archive; None: decided by kind and size.
        resume: whether the folder holds an interrupted run over it.
        actors: a registry to put on top of the model's.
        ner: a spaCy pipeline that finds names too.
        columns: what a table calls `id`, `date` and `text`, where that differs.
        explain: whether to print the rule behind every mention.
        wanted_priors: how common the labels are, see `configured.priors_of`.
        engine: reads the shards of an archive; None: one process per processor of this machine.
        size: documents of a shard.
        strict: whether a document of an archive that cannot be read stops the run.
        **settings: `level`, `seed` and `command` of `pipeline.predict`.

    """
    model = load(run)
    settings["registry"] = configured.registry_on_top(actors, model.registry)
    settings["wanted_priors"] = configured.priors_of(wanted_priors)
    if is_archive(source) if archive is None else archive:
        settings |= {"engine": engine or local, "columns": columns, "ner": ner, "size": size, "strict": strict}
        with folder as out:
            counts = configured.predict_archive(model, run, source, out, explain=explain, resume=resume, **settings)
    else:
        documents, names = configured.documents_of(source, columns), configured.names_of(ner)
        asked = {"resume": resume, "strict": strict, "shard": size != DOCUMENTS, "engine": engine is not None}
        if unused := [name for name, given in asked.items() if given]:
            raise InputError(
                f"{', '.join(unused)}: only of a run over an archive, which {source} is not. Add archive=true "
                "(actorstance: --archive), or leave it out."
            )
        with folder as out:
            counts = pipeline.predict(model, documents, out, names=names, **settings)
        if explain:
            terminal.explain(out)
    terminal.counts(counts)
    terminal.actors(out)
    terminal.not_english(counts, out)
    configured.tell_unread(source, ended=True)
    terminal.files(out)


def check(
    run: str,
    folder: NewFolder,
    *,
    sheet: str | None,
    n: int | None,
    wanted: str | None,
    seed: int,
    command: str,
    then: str,
) -> None:
    """Ask for the labels that help most, or correct a run's scores by those of a sheet.

    Args:
        run: the folder of a run of predict, or of a check.
        folder: see above.
        sheet: the filled-in sheet; None: one is made.
        n: mentions in the one that is made; None: `checking.ASKED`.
        wanted: intervals to narrow, separated by commas, see `saved.wanted_intervals`.
        seed: of the draw.
        command: what the user typed.
        then: what to type once the sheet is filled in, with `{run}` and `{sheet}` for the two paths.

    """
    if sheet is not None and wanted is not None:
        raise InputError("wanted: a filled-in sheet narrows the intervals that it was made for. Leave wanted out.")
    if sheet is not None and n is not None:
        raise InputError("n: a filled-in sheet has the mentions that it was made with. Leave n out.")
    saved = read_saved(run)
    if sheet is None:
        plan = checking.plan(saved, checking.ASKED if n is None else n, configured.parted(wanted), seed)
        with folder as out:
            checking.write_plan(out, saved, plan, command)
        terminal.asked(plan.summary, out, then)
        terminal.run(out)
    else:
        answered, summary = checking.answer(saved, sheet)
        with folder as out:
            rows = checking.write_answered(out, answered, summary, command)
        terminal.answered(summary, rows, answered)
        terminal.actors(out)
        terminal.files(out, corrected=True)


def compare(
    runs: Sequence[str],
    folder: NewFolder,
    *,
    periods: Sequence[str] | None,
    newspapers: bool,
    wanted: str | None,
    **settings: Any,
) -> None:
    """Compare two runs on the same examples, or of two newspapers, or one between two periods.

    Args:
        runs: two runs' folders, or one and `periods`.
        folder: see above.
        periods: two periods, see `comparing.read_periods`.
        newspapers: whether the two runs are one model's, over different articles.
        wanted: actors and pairs, separated by commas.
        **settings: `adjust`, `repeats` and `seed` of `comparing.runs`.

    """
    settings["wanted"] = configured.parted(wanted)
    if len(runs) == 2 and periods is None:
        compared = comparing.newspapers if newspapers else comparing.runs
        found = compared(*map(read_saved, runs), **settings)
    elif len(runs) == 1 and periods is not None and not newspapers:
        found = comparing.periods(read_saved(runs[0]), comparing.read_periods(periods), **settings)
    else:
        raise InputError(
            "compare what? Two runs, runs=[A,B] (actorstance compare A B), of two newspapers with newspapers=true "
            "(--newspapers), or one run between two periods, run=A periods=[FROM..TO,FROM..TO] (actorstance compare A "
            "--periods FROM..TO FROM..TO)."
        )
    with folder as out:
        comparing.write(out, found)
    terminal.comparison(found)
    terminal.run(out)
