"""Read new articles with a saved model: who stands where on whom. Settings: conf/predict.yaml."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

import actorstance
from actorstance import command, pipeline, terminal
from actorstance.documents import unread


@hydra.main(version_base="1.3", config_path="../conf", config_name="predict")
@command.exit_codes
def main(config: DictConfig) -> None:
    model = actorstance.load(config.run)
    documents = actorstance.read(config.input if "://" in config.input else Path(config.input))
    terminal.unread(unread(config.input))
    registry = command.registry_on_top(config.actors.file, model.registry)
    out = command.out_folder()
    names = command.names_of(config.actors.ner)
    settings = {"seed": config.seed, "level": config.level, "command": command.typed()}
    settings["wanted_priors"] = command.priors_of(config.priors)
    counts = pipeline.predict(model, documents, out, registry=registry, names=names, **settings)
    if config.actors.explain:
        terminal.explain(out)
    terminal.counts(counts)
    terminal.actors(out)
    terminal.files(out)


if __name__ == "__main__":
    command.run(main)
