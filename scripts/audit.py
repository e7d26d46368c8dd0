"""Check a corpus before training: exit code 1 if a check is over its limit. Settings: conf/audit.yaml."""

from omegaconf import DictConfig

from actorstance import pipeline
from actorstance.commands import command, configured, terminal
from actorstance.commands.command import Invocation
from actorstance.errors import AuditFailed
from actorstance.files import write_json


def main(config: DictConfig, call: Invocation) -> None:
    corpus = configured.corpus_of(config.data)
    terminal.corpus(corpus)
    parts = pipeline.audited(corpus, seed=config.seed, limits=configured.arguments(config.limits))
    over = [f"{part}: {name}" for part, found in parts.items() for name in found["failed"]]
    out = call.out
    recipe = {"corpus": corpus.recipe, "fingerprint": corpus.fingerprint}
    write_json(out / "audit.json", {**recipe, "rows": corpus.counts, "parts": parts, "failed": over})
    terminal.audits(parts)
    terminal.run(out)
    if over:
        raise AuditFailed(f"over their limits: {', '.join(over)} ({out / 'audit.json'})")


if __name__ == "__main__":
    command.run(main, "audit")
