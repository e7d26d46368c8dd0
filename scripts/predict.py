"""Read new articles with a saved model: who stands where on whom. Settings: conf/predict.yaml."""

from contextlib import nullcontext

from omegaconf import DictConfig

from actorstance.commands import command, configured, front
from actorstance.commands.command import Invocation


def main(config: DictConfig, call: Invocation) -> None:
    front.predict(
        config.run,
        config.input,
        nullcontext(call.out),
        archive=None if config.archive is None else configured.flag("archive", config.archive),
        resume=config.resume is not None,
        actors=config.actors.file,
        ner=config.actors.ner,
        columns=configured.arguments(config.columns),
        explain=configured.flag("actors.explain", config.actors.explain),
        wanted_priors=config.priors,
        engine=configured.engine_of(config.engine),
        size=config.shard,
        strict=configured.flag("strict", config.strict),
        level=config.level,
        seed=config.seed,
        command=call.typed,
    )


if __name__ == "__main__":
    command.run(main, "predict")
