"""Compare two runs on the same examples, two newspapers, or two periods of one run. Settings: conf/compare.yaml."""

from contextlib import nullcontext

from omegaconf import DictConfig

from actorstance.commands import command, configured, front
from actorstance.commands.command import Invocation
from actorstance.errors import InputError


def main(config: DictConfig, call: Invocation) -> None:
    settings = configured.arguments(config)
    one, runs = settings.pop("run"), settings.pop("runs") or []
    if not isinstance(runs, list) or not all(isinstance(each, str | int) for each in runs):
        raise InputError(f"runs={runs}: expected two folders, runs=[outputs/A,outputs/B].")
    settings["newspapers"] = configured.flag("newspapers", settings["newspapers"])
    front.compare([*map(str, runs), *([] if one is None else [one])], nullcontext(call.out), **settings)


if __name__ == "__main__":
    command.run(main, "compare")
