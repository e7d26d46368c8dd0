"""Search for the best settings: many trainings, by one process or several. Settings: conf/sweep.yaml."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from actorstance import pipeline
from actorstance.commands import command, configured, terminal
from actorstance.commands.command import Invocation
from actorstance.models import Watch
from actorstance.sweeps import space


def main(config: DictConfig, call: Invocation) -> None:
    from actorstance.sweeps.sweeping import Sweep  # needs the extra `sweep`

    searched, fixed, again = call.searched()
    corpus_of = configured.remembered_corpora()

    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        with command.as_input_errors():
            trial = command.composed("train", [*fixed, *space.written(chosen)])
            model, corpus = configured.model_of(trial.model), corpus_of(trial.data)
        model.watch = watch
        metrics = pipeline.train(
            corpus,
            model,
            out,
            eval_split="valid",
            seed=trial.seed,
            resume=resume,
            command=sweep.command(chosen),
            limits=configured.arguments(trial.limits),
        )
        return float(metrics["macro_f1"])

    first = command.composed("train", [*fixed, *space.written({key: one.first for key, one in searched.items()})])
    configured.model_of(first.model)  # wrong settings are reported before anything is trained
    corpus = corpus_of(first.data)
    terminal.corpus(corpus)
    settings = {"command": again, "examples (their SHA-256)": corpus.fingerprint}
    own = {
        "trials": config.sweep.trials,
        "prune": configured.flag("sweep.prune", config.sweep.prune),
        "seed": config.seed,
    }
    sweep = Sweep(call.out, searched, settings, **own)
    sweep.run(objective, terminal.trial)
    sweep.write()
    best = next((row for row in sweep.rows() if row["best"]), None)
    terminal.sweep(best, sweep.best_command(), sweep.running(), sweep.folder)


if __name__ == "__main__":
    command.run(main, "sweep", sweeps=True)
