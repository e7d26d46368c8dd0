"""Read new articles with a saved model: who stands where on whom. Settings: conf/predict.yaml."""

from typing import Any

from omegaconf import DictConfig

import actorstance
from actorstance import archive, command, configured, pipeline, terminal
from actorstance.command import Invocation
from actorstance.errors import InputError


def main(config: DictConfig, call: Invocation) -> None:
    model = actorstance.load(config.run)
    registry = configured.registry_on_top(config.actors.file, model.registry)
    out = call.out
    settings: dict[str, Any] = {
        "registry": registry,
        "seed": config.seed,
        "level": config.level,
        "command": call.typed,
        "wanted_priors": configured.priors_of(config.priors),
    }
    explain, strict = configured.flag("actors.explain", config.actors.explain), configured.flag("strict", config.strict)
    large = archive.is_archive(config.input) if config.archive is None else configured.flag("archive", config.archive)
    columns = configured.arguments(config.columns)
    if large:
        settings |= {"engine": configured.engine_of(config.engine), "columns": columns}
        settings |= {"ner": config.actors.ner, "size": config.shard, "strict": strict, "explain": explain}
        counts = configured.predict_archive(
            model, config.run, config.input, out, resume=bool(config.resume), **settings
        )
    elif config.resume:
        raise InputError("resume: only a run over an archive can go on. Add archive=true, or begin anew.")
    else:
        documents = configured.documents_of(config.input, columns)
        counts = pipeline.predict(model, documents, out, names=configured.names_of(config.actors.ner), **settings)
        if explain:
            terminal.explain(out)
    terminal.counts(counts)
    terminal.actors(out)
    terminal.files(out)


if __name__ == "__main__":
    command.run(main, "predict")
