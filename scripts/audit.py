"""Check a corpus before training: exit code 1 if a check is over its limit. Settings: conf/audit.yaml."""

import sys

import hydra
from omegaconf import DictConfig

from actorstance import command, configured, pipeline, terminal
from actorstance.files import write_json

failed: list[str] = []  # of all corpora that one command checks


@hydra.main(version_base="1.3", config_path="../conf", config_name="audit")
@command.exit_codes
def main(config: DictConfig) -> None:
    corpus = configured.corpus_of(config.data)
    terminal.corpus(corpus)
    parts = pipeline.audited(corpus, seed=config.seed, limits=configured.arguments(config.limits))
    over = [f"{part}: {name}" for part, found in parts.items() for name in found["failed"]]
    failed.extend(over)
    out = command.out_folder()
    recipe = {"corpus": corpus.recipe, "fingerprint": corpus.fingerprint}
    write_json(out / "audit.json", {**recipe, "rows": corpus.counts, "parts": parts, "failed": over})
    terminal.audits(parts)
    terminal.run(out)


if __name__ == "__main__":
    command.run(main)
    sys.exit(1 if failed else 0)
