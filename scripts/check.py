"""Ask for the labels that are worth most, and correct a run's scores by them. Settings: conf/check.yaml."""

from contextlib import nullcontext

from omegaconf import DictConfig

from actorstance.commands import command, front
from actorstance.commands.command import Invocation


def main(config: DictConfig, call: Invocation) -> None:
    then = "python scripts/check.py run={run} sheet={sheet}"
    settings = {key: config[key] for key in ("sheet", "n", "wanted", "seed")}
    front.check(config.run, nullcontext(call.out), **settings, command=call.typed, then=then)


if __name__ == "__main__":
    command.run(main, "check")
