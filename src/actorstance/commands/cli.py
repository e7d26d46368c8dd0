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
from typing import TYPE_CHECKING

import datasets

from actorstance import __version__, checking, report, runs
from actorstance.archives import engine
from actorstance.archives.bulk import Engine
from actorstance.archives.cluster import TRIAL, cluster
from actorstance.archives.shards import DOCUMENTS
from actorstance.commands import front, terminal
from actorstance.documents import COLUMNS
from actorstance.errors import InputError, of_the_system
from actorstance.evaluation import conformal

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        arguments: what follows `actorstance`; those of the process, if None.

    Returns:
        The exit code: 0 if all was written, 2 for bad input or usage, 1 if interrupted. Any other failure raises.

    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    options.typed = f"actorstance {shlex.join(given)}"
    datasets.disable_progress_bars()
    try:
        options.call(options)
    except (InputError, OSError) as error:
        told = of_the_system(error) if isinstance(error, OSError) else error
        if told is None:
            raise
        print(f"error: {' '.join(str(told).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="actorstance", description="Who stands where on whom: read news with a saved model."
    )
    parser.add_argument("--version", action="version", version=f"actorstance {__version__}")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")

    for add in (_add_predict, _add_report, _add_check, _add_compare):
        add(subcommands)
    return parser


def _add_predict(subcommands: Subcommands) -> None:
    predict = _subcommand(subcommands, "predict", _predict, "read articles: who stands where on whom")
    predict.add_argument(
        "input", help="a text as pasted from a page, a page (.html), a table (JSONL, JSON, CSV, TSV), or a folder"
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
    predict.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="KEY=NAME",
        help=f"what a table calls {', '.join(COLUMNS)}: text=body; may be given again",
    )
    predict.add_argument("--explain", action="store_true", help="show the rule behind every mention; not of an archive")
    _archive(predict)
    _common(predict)


def _add_report(subcommands: Subcommands) -> None:
    again = _subcommand(subcommands, "report", _report, "make a run's report.html anew from its files")
    again.add_argument("run", help="a run's folder")


def _add_check(subcommands: Subcommands) -> None:
    check = _subcommand(
        subcommands, "check", _check, "ask for the labels that are worth most, and correct scores by them"
    )
    check.add_argument("run", help="the folder of a run of predict, or of a check")
    check.add_argument("-n", type=int, help=f"mentions in the sheet (default: {checking.ASKED})")
    check.add_argument(
        "--wanted",
        metavar="LIST",
        help="intervals to narrow: turkey,turkey->,russia->turkey (default: the five actors spoken of most)",
    )
    check.add_argument(
        "--sheet", metavar="FILE", help="the sheet, filled in: .csv, Label Studio's .json, doccano's .jsonl"
    )
    _common(check)


def _add_compare(subcommands: Subcommands) -> None:
    compare = _subcommand(subcommands, "compare", _compare, "compare two runs, two newspapers, or two periods")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="two runs' folders, or one and --periods")
    compare.add_argument(
        "--periods", nargs=2, metavar="FROM..TO", help="first and last day of each: 2020-01-01..2020-02-29"
    )
    compare.add_argument(
        "--newspapers", action="store_true", help="the two runs are of different articles, read by one model"
    )
    compare.add_argument(
        "--wanted", metavar="LIST", help="which actors or pairs (default: every actor with five groups)"
    )
    compare.add_argument(
        "--adjust", choices=("holm", "bh"), default="holm", help="for many actors (default: %(default)s)"
    )
    compare.add_argument("--repeats", type=int, default=10_000, help="of the randomisation (default: %(default)s)")
    _common(compare)


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
    group.add_argument("--cpus", type=float, help="processors of each worker of the cluster (default: 1)")
    group.add_argument("--gpus", type=float, help="graphics cards of each (default: 0)")
    group.add_argument("--patience", type=float, help=f"seconds that it has to answer (default: {TRIAL})")


def _subcommand(subcommands: Subcommands, name: str, call: object, says: str) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
    parser.set_defaults(call=call)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder (default: outputs/TIME_COMMAND)")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn (default: %(default)s)")


def _predict(options: argparse.Namespace) -> None:
    if options.resume and options.out is None:
        raise InputError("--resume needs the run's folder: --out FOLDER.")
    front.predict(
        options.run,
        options.input,
        nullcontext(options.out) if options.resume else _new(options.out, "predict"),
        archive=options.archive,
        resume=options.resume,
        actors=options.actors,
        ner=options.ner,
        columns=_columns(options.columns),
        explain=options.explain,
        wanted_priors=options.priors,
        engine=_engine(options),
        size=options.shard,
        strict=options.strict,
        level=options.level,
        seed=options.seed,
        command=options.typed,
    )


def _columns(given: Sequence[str]) -> dict[str, str]:
    named = [one.partition("=") for one in given]
    if wrong := [one for one, (_, equals, name) in zip(given, named, strict=True) if not (equals and name)]:
        raise InputError(f"--columns {wrong[0]}: expected {', '.join(f'{key}=NAME' for key in COLUMNS)}.")
    return {key: name for key, _, name in named}


def _engine(options: argparse.Namespace) -> Engine | None:
    """What reads an archive: a Ray cluster if its address is given, else that many processes; else None."""
    local, ray = (
        {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
        for keys in (("processes",), ("cpus", "gpus", "patience"))
    )
    if unfit := ray if options.ray is None else local:
        raise InputError(f"--{min(unfit)}: only {'with' if unfit is ray else 'without'} --ray ADDRESS.")
    if options.ray is not None:
        return partial(cluster, address=options.ray, **ray)
    return partial(engine.local, **local) if local else None


def _report(options: argparse.Namespace) -> None:
    terminal.say(f"open {report.write(Path(options.run))}")


def _check(options: argparse.Namespace) -> None:
    then = "actorstance check {run} --sheet {sheet}"
    settings = {key: getattr(options, key) for key in ("sheet", "n", "wanted", "seed")}
    front.check(options.run, _new(options.out, "check"), **settings, command=options.typed, then=then)


def _compare(options: argparse.Namespace) -> None:
    settings = {key: getattr(options, key) for key in ("periods", "newspapers", "wanted", "adjust", "repeats", "seed")}
    front.compare(options.runs, _new(options.out, "compare"), **settings)


@contextmanager
def _new(wanted: Path | None, name: str) -> Iterator[Path]:
    """A new folder for a run, which is removed if the run comes to nothing."""
    there = wanted is not None and wanted.exists()
    if wanted is None:
        out = runs.new_folder(Path("outputs") / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{name}")
    else:
        out = wanted
        runs.require_free(out)
        out.mkdir(parents=True, exist_ok=True)
    try:
        yield out.resolve()
    except BaseException:
        if not there and not runs.worth_keeping(out):
            shutil.rmtree(out, ignore_errors=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
