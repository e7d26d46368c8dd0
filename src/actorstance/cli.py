"""The `actorstance` command: read articles, make a report, check, compare. Training is in scripts/."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import datasets

from actorstance import (
    __version__,
    checking,
    cluster,
    comparing,
    configured,
    conformal,
    engine,
    pipeline,
    report,
    runs,
    terminal,
)
from actorstance.archive import is_archive
from actorstance.errors import InputError
from actorstance.models import Model, load
from actorstance.saved import read_saved
from actorstance.shards import DOCUMENTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: what stands after `actorstance`; those of the process, if None.

    Returns:
        The exit code: 0 if all was written, 2 for bad input or usage. Anything else that fails raises.

    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    options.typed = f"actorstance {shlex.join(given)}"
    datasets.disable_progress_bars()
    try:
        options.call(options)
    except InputError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="actorstance", description="Who stands where on whom: read news with a saved model."
    )
    parser.add_argument("--version", action="version", version=f"actorstance {__version__}")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = _subcommand(subcommands, "predict", _predict, "read articles: who stands where on whom")
    predict.add_argument(
        "input", help="a text file as pasted from a page, a JSONL file (id, date, text), or a folder of them"
    )
    predict.add_argument(
        "--run", required=True, help="the folder of a training run, the model in it, or hf://owner/name"
    )
    predict.add_argument("--actors", metavar="FILE", help="actors of your own: YAML, CSV or *.actors.txt")
    predict.add_argument("--ner", metavar="MODEL", help="a spaCy pipeline that finds names too")
    predict.add_argument(
        "--level", type=float, default=conformal.LEVEL, help="of the prediction sets (default: %(default)s)"
    )
    predict.add_argument(
        "--priors", metavar="SHARES", help="how common the labels are in these articles: 0.1,0.8,0.1, or estimate"
    )
    predict.add_argument("--explain", action="store_true", help="show the rule behind every mention; not of an archive")
    _archive(predict)
    _common(predict)

    again = _subcommand(subcommands, "report", _report, "make a run's report.html anew from its files")
    again.add_argument("run", help="a run's folder")

    check = _subcommand(
        subcommands, "check", _check, "ask for the labels that are worth most, and correct scores by them"
    )
    check.add_argument("run", help="the folder of a run of predict, or of a check")
    check.add_argument("-n", type=int, default=40, help="mentions in the sheet (default: %(default)s)")
    check.add_argument(
        "--wanted",
        metavar="LIST",
        help="intervals to narrow: turkey,turkey->,russia->turkey (default: the five actors spoken of most)",
    )
    check.add_argument(
        "--sheet", metavar="FILE", help="the sheet, filled in: .csv, Label Studio's .json, doccano's .jsonl"
    )
    _common(check)

    compare = _subcommand(subcommands, "compare", _compare, "compare two runs, or one between two periods")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="two runs' folders, or one and --periods")
    compare.add_argument(
        "--periods", nargs=2, metavar="FROM..TO", help="first and last day of each: 2020-01-01..2020-02-29"
    )
    compare.add_argument(
        "--wanted", metavar="LIST", help="which actors or pairs (default: every actor with five groups)"
    )
    compare.add_argument(
        "--adjust", choices=("holm", "bh"), default="holm", help="for many actors (default: %(default)s)"
    )
    compare.add_argument("--repeats", type=int, default=10_000, help="of the randomisation (default: %(default)s)")
    _common(compare)
    return parser


def _archive(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("archives", "of any size: streamed, and written as Parquet")
    group.add_argument(
        "--archive",
        action=argparse.BooleanOptionalAction,
        help="whether it is one (default: if a file is .jsonl.gz, .jsonl.zst or .parquet, or all have more than 20 MB)",
    )
    group.add_argument("--resume", action="store_true", help="go on with the interrupted run in --out")
    group.add_argument("--strict", action="store_true", help="stop at the first document that cannot be read")
    group.add_argument("--shard", type=int, default=DOCUMENTS, help="documents written at once (default: %(default)s)")
    group.add_argument("--processes", type=int, help="that read it (default: as many as processors)")
    group.add_argument("--ray", metavar="ADDRESS", help="read on a Ray cluster: host:6379, ray://host:10001, auto")


def _subcommand(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, call: object, says: str
) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
    parser.set_defaults(call=call)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder (default: outputs/TIME_COMMAND)")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn (default: %(default)s)")


def _predict(options: argparse.Namespace) -> None:
    model = load(options.run)
    registry = configured.registry_on_top(options.actors, model.registry)
    settings = {"registry": registry, "seed": options.seed, "level": options.level, "command": options.typed}
    settings["wanted_priors"] = configured.priors_of(options.priors)
    if is_archive(options.input) if options.archive is None else options.archive:
        out, counts = _predict_archive(model, options, settings)
    elif options.resume:
        raise InputError("--resume: only a run over an archive can go on. Add --archive, or begin anew.")
    else:
        texts = configured.documents_of(options.input)
        names = configured.names_of(options.ner)
        with _new(options.out, "predict") as out:
            counts = pipeline.predict(model, texts, out, names=names, **settings)
        if options.explain:
            terminal.explain(out)
    terminal.counts(counts)
    terminal.actors(out)
    terminal.files(out)


def _predict_archive(
    model: Model, options: argparse.Namespace, settings: dict[str, Any]
) -> tuple[Path, dict[str, Any]]:
    if options.ray is None:
        settings["engine"] = partial(engine.local, processes=options.processes)
    else:
        settings["engine"] = partial(cluster.cluster, address=options.ray)
    settings |= {"ner": options.ner, "size": options.shard, "strict": options.strict, "resume": options.resume}
    settings |= {"explain": options.explain}
    if options.resume and options.out is None:
        raise InputError("--resume needs the run's folder: --out FOLDER.")
    with nullcontext(options.out) if options.resume else _new(options.out, "predict", keep=True) as out:
        return out, configured.predict_archive(model, options.run, options.input, out, columns={}, **settings)


def _report(options: argparse.Namespace) -> None:
    terminal.say(f"open {report.write(Path(options.run))}")


def _check(options: argparse.Namespace) -> None:
    saved = read_saved(options.run)
    with _new(options.out, "check") as out:
        if options.sheet is None:
            plan = checking.plan(saved, options.n, configured.parted(options.wanted), options.seed)
            checking.write_plan(out, saved, plan, options.typed)
            terminal.asked(plan.summary, out, "actorstance check THIS_FOLDER --sheet THE_SHEET")
        else:
            answered, summary = checking.answer(saved, options.sheet)
            rows = checking.write_answered(out, answered, summary, options.typed)
            terminal.answered(summary, rows, answered)
            terminal.actors(out)
    terminal.run(out)


def _compare(options: argparse.Namespace) -> None:
    settings = {
        "adjust": options.adjust,
        "repeats": options.repeats,
        "seed": options.seed,
        "wanted": configured.parted(options.wanted),
    }
    if len(options.runs) == 2 and options.periods is None:
        found = comparing.runs(*(read_saved(run) for run in options.runs), **settings)
    elif len(options.runs) == 1 and options.periods is not None:
        found = comparing.periods(read_saved(options.runs[0]), comparing.read_periods(options.periods), **settings)
    else:
        raise InputError(
            "compare what? Two runs (actorstance compare A B), or one between two periods (RUN --periods … …)."
        )
    with _new(options.out, "compare") as out:
        comparing.write(out, found)
    terminal.comparison(found)
    terminal.run(out)


@contextmanager
def _new(wanted: Path | None, name: str, keep: bool = False) -> Iterator[Path]:
    """A new folder for a run, which goes again if the run comes to nothing; of one that can go on (`keep`) if empty."""
    out = wanted or Path("outputs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{name}"
    number = 1
    while wanted is None and out.exists():
        number += 1
        out = out.with_name(f"{out.name.split('--')[0]}--{number}")
    runs.require_free(out)
    there = out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield out.resolve()
    except BaseException:
        if not there and not (keep and any(out.iterdir())):
            shutil.rmtree(out, ignore_errors=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
