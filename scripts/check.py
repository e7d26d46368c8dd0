"""Ask for the labels that are worth most, and correct a run's scores by them. Settings: conf/check.yaml."""

from omegaconf import DictConfig

from actorstance import checking, command, configured, terminal
from actorstance.command import Invocation
from actorstance.saved import read_saved


def main(config: DictConfig, call: Invocation) -> None:
    saved, out = read_saved(config.run), call.out
    if config.sheet is None:
        plan = checking.plan(saved, config.n, configured.parted(config.wanted), config.seed)
        checking.write_plan(out, saved, plan, call.typed)
        terminal.asked(plan.summary, out, "python scripts/check.py run=THIS_FOLDER sheet=THE_SHEET")
    else:
        answered, summary = checking.answer(saved, config.sheet)
        rows = checking.write_answered(out, answered, summary, call.typed)
        terminal.answered(summary, rows, answered)
        terminal.actors(out)
    terminal.run(out)


if __name__ == "__main__":
    command.run(main, "check")
