"""Every figure of what actorstance finds in an article: who speaks, whose name, which pairs, how quickly.

python benchmarks/actors.py ../shared/data ../shared/article       (folders: polnear and seesaw; the AFP report)

PolNeAR's articles are split in two by name order: rules are made on the first half and measured on the second. Of
newsroom's articles all are used for both.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actorstance.actors import UNKNOWN, Registry
from actorstance.documents import Document, parse
from actorstance.errors import InputError
from actorstance.readers.newsroom import parse as parse_newsroom
from actorstance.reading import Pair, Reading, read_actors
from actorstance.resources import shipped
from actorstance.speech.attribution import Statement
from actorstance.speech.quotes import statements
from actorstance.syntax.roles import given_alike

_PRONOUN = re.compile(r"(?:he|him|his|she|hers?|it|its|they|them|their|who|which|I|we|us|our|my|me)", re.IGNORECASE)
QUOTES = '"“”'


def polnear(folder: Path, half: str, show: bool) -> None:
    """Print how often the source found overlaps the gold source, for direct and indirect quotations.

    For a gold attribution, the statement whose content overlaps its own best (Jaccard) counts. An indirect one is
    counted twice: with what actors do among the statements ("seized the town"), and without.
    """
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / "attributions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["article"]].append(row)
    names = sorted(path.stem for path in (folder / "text").glob("*.txt"))
    chosen = names[: len(names) // 2] if half == "develop" else names[len(names) // 2 :]
    counts: Counter[tuple[str, str]] = Counter()
    for name in chosen:
        raw = (folder / "text" / f"{name}.txt").read_text(encoding="utf-8")
        document = parse(name, raw)
        found = statements(document)
        said = [one for one in found if one.kind != "act"]
        for row in rows[name]:
            kind = _kind(row, raw)
            if kind is None or not row["source"]:
                counts["left out", "no source or no content"] += 1
                continue
            outcome, best = _outcome(row, raw, document, found)
            counts[kind, outcome] += 1
            if kind == "indirect":
                counts["without acts", _outcome(row, raw, document, said)[0]] += 1
            if show and outcome != "right":
                _show(kind, outcome, row, raw, best)
    for kind in ("direct", "mixed", "indirect", "without acts"):
        print(f"PolNeAR {half}, {kind:12} {_shares(counts, kind)}")
    left_out = counts["left out", "no source or no content"]
    print(f"PolNeAR {half}, left out, having no source or no content: {left_out}")


def _shares(counts: Counter[tuple[str, str]], kind: str) -> str:
    """The share that is right, and the number of each outcome."""
    total = sum(n for (k, _), n in counts.items() if k == kind)
    line = ", ".join(f"{outcome} {n}" for (k, outcome), n in sorted(counts.items()) if k == kind)
    return f"{counts[kind, 'right'] / max(total, 1):.3f} of {total}: {line}"


def _show(kind: str, outcome: str, row: dict[str, Any], raw: str, best: Statement | None) -> None:
    sources, cues = ([part["text"] for part in row[key]] for key in ("source", "cue"))
    print(f"[{kind}: {outcome}] gold {sources} cue {cues}")
    if best is not None:
        source = best.source and raw[slice(*best.source)]
        print(f"     found {source} by {best.rule}: {raw[slice(*best.content)][:80]}")
    spans = _spans(row["content"]) + _spans(row["source"]) + _spans(row["cue"])
    low, high = min(start for start, _ in spans), max(end for _, end in spans)
    print("     text ", raw[max(0, low - 60) : high + 60].replace("\n", "¶")[:400])


def _spans(parts: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(start, end) for part in parts for start, end in part["spans"]]


def _kind(row: dict[str, Any], raw: str) -> str | None:
    """Direct: all that is said is in quotation marks; mixed: some of it; indirect: none."""
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


def seesaw(folder: Path, split: str, show: bool) -> None:
    """Print how many gold entities of a sentence, whose last word is in it, are found and joined right."""
    world = Registry.world()
    counts: Counter[tuple[str, str]] = Counter()
    splits = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["Split"] for path in (folder / "meta").glob("*.json")
    }
    for path in sorted((folder / "annotations").glob("*.json")):
        if splits.get(path.stem.rsplit("_DOCUMENT", 1)[0]) != split:
            continue
        gold = json.loads(path.read_text(encoding="utf-8"))
        article = json.loads((folder / "articles" / path.name).read_text(encoding="utf-8"))
        raw, places = _page(article)
        try:
            reading = read_actors(parse(path.stem, raw), world)
        except InputError:
            counts["all", "no body found"] += 1
            continue
        actors = {name for name, kinds, *_ in gold["entity lists"] if set(kinds) & {"People", "Organization", "GPE"}}
        for number, stances in gold["sentence-level stances"].items():
            if number not in places:
                continue
            start, end = places[number]
            named = {name for stance in stances for name in (stance["subject"], stance["object"])} - {
                "None",
                "Not in the list",
            }
            for name in sorted(named):
                last = re.findall(r"[^\W_](?:[\w’'.&-]*\w)?", name)[-1]
                found = [at.span() for at in re.finditer(rf"(?<!\w){re.escape(last)}(?!\w)", raw[start:end], re.I)]
                if not found:
                    continue
                mended = reading.document.mended
                spans = [(start + a, start + b) for a, b in found]
                if mended:
                    spans = [(mended.in_text(a), mended.in_text(b)) for a, b in spans]
                outcome, what = _joined(name, spans, reading, world)
                counts["actor" if name in actors else "topic", outcome] += 1
                if show and outcome != "right" and name in actors:
                    print(f"[{outcome}] {name}: {what} | {raw[start:end]}")
    for kind in ("actor", "topic"):
        print(f"SEESAW {split}, {kind:6} {_shares(counts, kind)}")


def _page(article: dict[str, Any]) -> tuple[str, dict[str, tuple[int, int]]]:
    """The text of a SEESAW article, and where its sentences are."""
    raw, places = article["title"].strip(), {}
    glue = "\n\n"
    for sentence in article["text"]:
        text = sentence["text"].strip()
        if not text:
            glue = "\n\n"
            continue
        raw += glue
        places[str(sentence["id"])] = (len(raw), len(raw) + len(text))
        raw += text
        glue = " "
    return raw + "\n", places


def _joined(name: str, spans: list[tuple[int, int]], reading: Reading, world: Registry) -> tuple[str, str]:
    """Whether one of the places is a mention of who is meant."""
    words = _words(name)
    seen = ""
    for mention in reading.mentions:
        if not any(mention.start < end and start < mention.end for start, end in spans):
            continue
        if mention.actor == "UNKNOWN":
            seen = seen or "unresolved"
            continue
        ours = _words(mention.name or "")
        aliases = [_words(alias) for alias in world.aliases.get(mention.actor, ())]
        given = mention.name.split()[:1] == [] or given_alike(mention.name.split()[0], name.split()[0].title())
        if given and _last(name) in ours and len(name.split()) == 2:
            return "right", mention.name
        if (
            (ours and (words <= ours or ours <= words) and _last(name) in ours)
            or words in aliases
            or any(a and a <= words for a in aliases)
        ):
            return "right", mention.name
        seen = f"{mention.actor} ({mention.name})"
    if not seen:
        body = any(s.start < spans[0][1] and spans[0][0] < s.end for s in reading.document.sentences)
        return ("not found" if body else "outside the body"), ""
    return ("unresolved", "") if seen == "unresolved" else ("joined wrong", seen)


def _words(name: str) -> set[str]:
    return {w for w in re.findall(r"[^\W_]+", name.casefold()) if len(w) > 1} - {"the", "of", "jr"}


def _last(name: str) -> str:
    return str(re.findall(r"[^\W_]+", name.casefold())[-1])


def article(folder: Path) -> None:
    """Print how many labelled pairs of the AFP report are proposed, and how many pairs are proposed for each."""
    for title, registry in (
        ("the world's registry", Registry.world()),
        ("with syria-2020.yaml", Registry.world().with_more(Registry.read(shipped("conf/actors/syria-2020.yaml")))),
    ):
        for path in sorted(shipped("data/article").glob("*.json")):
            labels = json.loads(path.read_text(encoding="utf-8"))
            document = parse(labels["file"], (folder / labels["file"]).read_text(encoding="utf-8"), date=labels["date"])
            reading = read_actors(document, registry)
            total = found = 0
            for number, sentence in enumerate(labels["sentences"]):
                start = sentence["start"]
                asked = [pair for pair in reading.pairs if pair.sentence == number]
                for source, s0, s1, _target, t0, t1, _ in sentence["pairs"]:
                    total += 1
                    gold = (source, (start + s0, start + s1), (start + t0, start + t1))
                    found += any(_covers(pair, gold, reading) for pair in asked)
            proposed = len(reading.pairs) / total
            print(f"AFP report, {title}: {found / total:.3f} of {total} pairs, {proposed:.2f} proposed for each")


def _covers(pair: Pair, gold: tuple[str, tuple[int, int], tuple[int, int]], reading: Reading) -> bool:
    """Whether the actors of a pair are those of a labelled one: one of their mentions overlaps the labelled words."""
    name, source, target = gold
    if (name == "AUTHOR") != (pair.source == "AUTHOR"):
        return False
    return (name == "AUTHOR" or _means(pair.source, source, reading)) and _means(pair.target, target, reading)


def _means(actor: str, span: tuple[int, int], reading: Reading) -> bool:
    return any(one.actor == actor and one.start < span[1] and span[0] < one.end for one in reading.mentions)


def marked() -> None:
    """Print how newsroom's marked mentions are found: those that are names, descriptions, pronouns.

    What is found at a marked mention's last letter counts. It is right if its actor is the one that most named mentions
    of the same gold actor have in that article; descriptions and pronouns of actors without one are left out.
    """
    counts: Counter[tuple[str, str]] = Counter()
    whole = split = 0
    for path in sorted((shipped("data") / "newsroom" / "articles").glob("*.txt")):
        page = parse_newsroom(path)
        found = read_actors(parse(page.id, page.raw), Registry.world()).mentions
        spans = [(who, one.start + a, one.start + b) for one in page.sentences for who, a, b in one.mentions]
        actors = [next((m.actor for m in found if m.start < end <= m.end), None) for _, _, end in spans]
        kinds = [_kind_of_mention(page.raw[start:end]) for _, start, end in spans]
        named: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (who, _, _), actor, kind in zip(spans, actors, kinds, strict=True):
            if kind == "name" and actor is not None:
                named[who][actor] += 1
        whole, split = whole + sum(len(one) == 1 for one in named.values()), split + sum(map(bool, named.values()))
        for (who, _, _), actor, kind in zip(spans, actors, kinds, strict=True):
            if kind != "name" and not named[who]:
                continue  # whom it should mean is not known
            right = bool(named[who]) and actor == named[who].most_common(1)[0][0]
            outcome = (
                "not found" if actor is None else "right" if right else "unresolved" if actor == UNKNOWN else "wrong"
            )
            counts[kind, outcome] += 1
    for kind in ("name", "description", "pronoun"):
        print(f"newsroom, {kind:<12} {_shares(counts, kind)}")
    print(f"newsroom, actors whose names all mean one: {whole / split:.3f} of {split:,}")


def _kind_of_mention(words: str) -> str:
    if _PRONOUN.fullmatch(words):
        return "pronoun"
    return "name" if words[:1].isupper() and not words.startswith("The ") else "description"


def speed(folder: Path) -> None:
    """Print how much text is read per second, on one core: the best of three passes over PolNeAR's articles."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((folder / "text").glob("*.txt"))]
    size, world = sum(map(len, texts)), Registry.world()
    parsing, reading = [], []
    for _ in range(3):
        start = time.process_time()
        documents = [parse(str(number), text) for number, text in enumerate(texts)]
        middle = time.process_time()
        for document in documents:
            read_actors(document, world)
        parsing.append(middle - start)
        reading.append(time.process_time() - middle)
    alone, both = size / 1000 / min(reading), size / 1000 / (min(parsing) + min(reading))
    print(f"speed: {alone:,.0f} kB/s for actors, speakers and pairs; {both:,.0f} kB/s with reading the page")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of polnear and seesaw")
    parser.add_argument("article", type=Path, help="the folder of the AFP report")
    parser.add_argument("--half", default="measure", choices=["develop", "measure"], help="of PolNeAR's articles")
    parser.add_argument("--split", default="train", choices=["train", "valid"], help="of SEESAW's stories")
    parser.add_argument(
        "--only", choices=["polnear", "seesaw", "article", "newsroom", "speed"], help="one part of the table"
    )
    parser.add_argument("--show", action="store_true", help="print what is missed, to develop by")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "polnear": lambda: polnear(arguments.data / "polnear", arguments.half, arguments.show),
        "seesaw": lambda: seesaw(arguments.data / "seesaw" / "SEESAW", arguments.split, arguments.show),
        "article": lambda: article(arguments.article),
        "newsroom": marked,
        "speed": lambda: speed(arguments.data / "polnear"),
    }
    for name, part in parts.items():
        if arguments.only in (None, name):
            part()


if __name__ == "__main__":
    main()
