"""Make a trained transformer smaller and faster: a model in ONNX, without torch. Settings: conf/export.yaml."""

import hydra
from omegaconf import DictConfig

import actorstance
from actorstance import command, pipeline, terminal


@hydra.main(version_base="1.3", config_path="../conf", config_name="export")
@command.exit_codes
def main(config: DictConfig) -> None:
    model = actorstance.load(config.run)
    corpus = pipeline.own_corpus(model, config.data.path)
    out = command.out_folder()
    lost = pipeline.export(model, corpus, out, precision=config.precision)
    terminal.exported(lost)
    terminal.run(out)


if __name__ == "__main__":
    command.run(main)
