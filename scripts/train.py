"""Train a model on a corpus and score it on held-out sentences. Settings: conf/train.yaml."""

from omegaconf import DictConfig

from actorstance import pipeline
from actorstance.commands import command, configured, terminal
from actorstance.commands.command import Invocation
from actorstance.files import first_process, read_json


def main(config: DictConfig, call: Invocation) -> None:
    model = configured.model_of(config.model)
    corpus = configured.corpus_of(config.data)
    terminal.corpus(corpus)
    limits = configured.arguments(config.limits)
    if configured.flag("strict", config.strict):
        configured.require_sound(corpus, config.seed, limits)
    out = call.out
    metrics = pipeline.train(
        corpus,
        model,
        out,
        eval_split=config.eval_split,
        seed=config.seed,
        resume=config.resume is not None,
        command=call.typed,
        limits=limits,
    )
    if first_process():
        terminal.metrics(metrics)
        terminal.failed(read_json(out / "audit.json"))
        terminal.actors(out)
        terminal.files(out)


if __name__ == "__main__":
    command.run(main, "train")
