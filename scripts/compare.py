"""Compare two runs on the same examples, or one run between two periods. Settings: conf/compare.yaml."""

from omegaconf import DictConfig

from actorstance import command, comparing, configured, terminal
from actorstance.command import Invocation
from actorstance.errors import InputError
from actorstance.saved import read_saved


def main(config: DictConfig, call: Invocation) -> None:
    given = configured.arguments(config)
    options = {name: given[name] for name in ("adjust", "repeats", "seed")}
    options["wanted"] = configured.parted(config.wanted)
    runs, periods = given["runs"], given["periods"]
    if (runs is None) == (config.run is None):
        raise InputError(
            "compare what? Two runs: runs=[outputs/A,outputs/B], or one between two periods: run=… periods=…"
        )
    if runs is not None:
        if not isinstance(runs, list) or len(runs) != 2:
            raise InputError(f"runs={runs}: expected two folders, runs=[outputs/A,outputs/B].")
        found = comparing.runs(read_saved(runs[0]), read_saved(runs[1]), **options)
    else:
        found = comparing.periods(read_saved(config.run), comparing.read_periods(periods), **options)
    out = call.out
    comparing.write(out, found)
    terminal.comparison(found)
    terminal.run(out)


if __name__ == "__main__":
    command.run(main, "compare")
