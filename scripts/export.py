"""Make a trained transformer smaller and faster: a model in ONNX, without torch. Settings: conf/export.yaml."""

from omegaconf import DictConfig

import actorstance
from actorstance import pipeline
from actorstance.commands import command, terminal
from actorstance.commands.command import Invocation
from actorstance.errors import InputError


def main(config: DictConfig, call: Invocation) -> None:
    if config.data.name is not None:
        raise InputError(
            f"data={config.data.name}: an export is measured on the corpus of its run. Leave it out; "
            "if that corpus has moved, data.path=ITS_NEW_PLACE."
        )
    model = actorstance.load(config.run)
    corpus = pipeline.own_corpus(model, config.data.path)
    out = call.out
    lost = pipeline.export(model, corpus, out, precision=config.precision)
    terminal.exported(lost)
    terminal.run(out)


if __name__ == "__main__":
    command.run(main, "export")
