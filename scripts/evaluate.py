"""Score a saved model on its own held-out sentences, or on another corpus. Settings: conf/evaluate.yaml."""

from omegaconf import DictConfig

import actorstance
from actorstance import pipeline
from actorstance.commands import command, configured, terminal
from actorstance.commands.command import Invocation


def main(config: DictConfig, call: Invocation) -> None:
    model = actorstance.load(config.run)
    corpus, trained_on = configured.corpora_of(model, config.data)
    terminal.corpus(corpus)
    out = call.out
    settings = {"eval_split": config.eval_split, "level": config.level, "command": call.typed}
    settings["wanted_priors"] = configured.priors_of(config.priors)
    metrics = pipeline.evaluate(model, corpus, out, trained_on=trained_on, **settings)
    terminal.metrics(metrics)
    terminal.actors(out)
    terminal.files(out)


if __name__ == "__main__":
    command.run(main, "evaluate")
