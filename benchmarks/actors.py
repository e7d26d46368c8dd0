"""Every figure of what actorstance finds in an article: who speaks, whose name, which pairs, how quickly.

python benchmarks/actors.py ../shared/data ../shared/article       (folders: polnear and seesaw; the AFP report)

PolNeAR's articles are parted in two by name order: rules are made on the first half, the second measures.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from actorstance.documents import Document, parse
from actorstance.quotes import Statement, statements

QUOTES = "\"“”"


def polnear(folder: Path, half: str, show: int) -> None:
    """Print how often the source found overlaps the gold source, of direct and indirect quotations."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / "attributions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["article"]].append(row)
    names = sorted(path.stem for path in (folder / "text").glob("*.txt"))
    chosen = names[: len(names) // 2] if half == "develop" else names[len(names) // 2 :]
    counts: Counter[tuple[str, str]] = Counter()
    shown: Counter[str] = Counter()
    for name in chosen:
        raw = (folder / "text" / f"{name}.txt").read_text(encoding="utf-8")
        document = parse(name, raw)
        found = statements(document)
        for row in rows[name]:
            kind = _kind(row, raw)
            if kind is None or not row["source"]:
                counts["no source", ""] += 1
                continue
            outcome, best = _outcome(row, raw, document, found)
            counts[kind, outcome] += 1
            if show and outcome != "right":
                print(f"[{kind}: {outcome}] gold {[p['text'] for p in row['source']]} cue {[p['text'] for p in row['cue']]}")
                content = _spans(row["content"])
                lo = min(s for s, _ in content); hi = max(e for _, e in content)
                if best is not None:
                    print("     found", best.source and raw[slice(*best.source)], "| rule", best.rule, "|", raw[slice(*best.content)][:80])
                allspans = content + _spans(row["source"]) + _spans(row["cue"])
                lo = min(s for s, _ in allspans); hi = max(e for _, e in allspans)
                print("     text ", raw[max(0, lo - 60) : hi + 60].replace("\n", "¶")[:400])
    for kind in ("direct", "mixed", "indirect"):
        total = sum(n for (k, _), n in counts.items() if k == kind)
        line = ", ".join(f"{o} {n}" for (k, o), n in sorted(counts.items()) if k == kind)
        print(f"{kind:9} {counts[kind, 'right'] / max(total, 1):.3f} of {total}: {line}")


def _spans(parts: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(start, end) for part in parts for start, end in part["spans"]]


def _kind(row: dict[str, Any], raw: str) -> str | None:
    """Direct: all that is said stands in quotation marks; mixed: some of it; indirect: none."""
    content = "".join(raw[start:end] for start, end in _spans(row["content"])).strip()
    if not content:
        return None
    marks = sum(content.count(mark) for mark in QUOTES)
    if content[0] in QUOTES and (content[-1] in QUOTES or marks % 2):
        return "direct"
    return "mixed" if marks else "indirect"


def _outcome(row: dict[str, Any], raw: str, document: Document, found: list[Statement]) -> tuple[str, Statement | None]:
    content, source = _spans(row["content"]), _spans(row["source"])
    best, score = None, 0.0
    for one in found:
        common = sum(max(0, min(end, one.content[1]) - max(start, one.content[0])) for start, end in content)
        if common:
            union = sum(end - start for start, end in content) + one.content[1] - one.content[0] - common
            if common / union > score:
                best, score = one, common / union
    if best is None:
        body = any(s.start <= content[0][0] < s.end for s in document.sentences)
        return ("not found" if body else "outside the body"), None
    if best.source is None:
        return "nobody", best
    if any(best.source[0] < end and start < best.source[1] for start, end in source):
        return "right", best
    return "wrong", best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--half", default="develop", choices=["develop", "measure"])
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    polnear(arguments.data / "polnear", arguments.half, arguments.show)


if __name__ == "__main__":
    main()
