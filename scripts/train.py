"""Train a model on a corpus and score it on held-out sentences. Settings: conf/train.yaml."""

import hydra
from omegaconf import DictConfig

from actorstance import command, pipeline, terminal
from actorstance.files import first_process


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@command.exit_codes
def main(config: DictConfig) -> None:
    model = command.model_of(config.model)
    corpus = command.corpus_of(config.data)
    terminal.corpus(corpus)
    out = command.out_folder()
    metrics = pipeline.train(
        corpus,
        model,
        out,
        eval_split=config.eval_split,
        seed=config.seed,
        resume=config.resume is not None,
        command=command.typed(),
    )
    if first_process():
        terminal.metrics(metrics)
        terminal.actors(out)
        terminal.files(out)


if __name__ == "__main__":
    command.run(main)
