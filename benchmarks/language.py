"""How well English is told from other languages, by the share of function words (`actorstance.text.language`).

python benchmarks/language.py DATA        (a folder that holds polnear, seesaw, dse and newsmtsc)

English are the articles of data/newsroom and of DATA, whole and in pieces of the shortest length that is judged, and
sentences of DSE and NewsMTSC, put together at random to that length; other languages are our own articles in
tests/gold/languages, whole and from every word of theirs on. What it costs is measured beside `documents.parse`.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import datasets

from actorstance import corpora, documents
from actorstance.errors import InputError
from actorstance.readers import newsroom
from actorstance.text.language import LEAST, SHORTEST, english_share

ROOT = Path(__file__).parents[1]
ROUNDS = 5


def judged(raw: str) -> str:
    """Return the text of a page that is judged: its body, or all of it if no sentences are found."""
    try:
        document = documents.parse("", raw)
    except InputError:
        return raw
    return " ".join(map(document.text, document.sentences))


def articles(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the bodies of each corpus of English articles."""
    authored = sorted((ROOT / "data" / "newsroom" / "articles").glob("*.txt"))
    yield "newsroom", [judged(newsroom.parse(page).raw) for page in authored]
    pages = sorted((data / "polnear" / "text").glob("*.txt"))
    yield "polnear", [judged(page.read_text(encoding="utf-8")) for page in pages]
    stories = sorted((data / "seesaw").rglob("articles/**/*.json"))
    rows = (json.loads(story.read_text(encoding="utf-8")) for story in stories)
    yield "seesaw", [" ".join(part["text"] for part in row["text"]) for row in rows]


def pieces(words: Iterable[str]) -> Iterator[str]:
    """Cut a text, given in words or sentences, into pieces as short as are judged."""
    piece: list[str] = []
    for word in words:
        piece.append(word)
        if sum(map(len, piece)) + len(piece) - 1 >= SHORTEST:
            yield " ".join(piece)
            piece = []


def row(name: str, texts: Iterable[str], *, lowest: bool) -> None:
    """Print the shares of texts: the extreme ones, and how many are on the wrong side."""
    shares = sorted(english_share(text) for text in texts)
    wrong = sum((share < LEAST) is lowest for share in shares)
    ends = ", ".join(f"{share:.3f}" for share in (shares[:3] if lowest else shares[:-4:-1]))
    print(f"{name:32} {len(shares):>7,} {shares[len(shares) // 2]:>7.3f} {wrong:>6}  {ends}")


def cost() -> None:
    """Print the CPU time of the look at a document's language beside that of parsing it, the best of several rounds."""
    pages = sorted((ROOT / "data" / "newsroom" / "articles").glob("*.txt"))
    texts = [newsroom.parse(page).raw for page in pages]
    parsed, looked = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        read = [documents.parse("", text) for text in texts]
        middle = time.process_time()
        if not all(document.english for document in read):
            raise SystemExit("an article of newsroom does not look English")
        looked.append(time.process_time() - middle)
        parsed.append(middle - start)
    each, share = 1e6 * min(looked) / len(texts), min(looked) / min(parsed)
    print(f"{each:.0f} µs a document of {len(texts):,}, {share:.2%} of the time that parsing takes")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    datasets.disable_progress_bars()
    print(f"{'':32} {'texts':>7} {'median':>7} {'wrong':>6}  lowest of English, highest of others")
    for name, texts in articles(data):
        long = [text for text in texts if len(text) >= SHORTEST]
        row(f"{name}, articles", long, lowest=True)
        row(f"{name}, short pieces", (piece for text in long for piece in pieces(text.split())), lowest=True)
    for name in ("dse", "newsmtsc"):
        sentences = sorted(set(corpora.load(name, data / name).examples["text"][:]))
        random.Random(0).shuffle(sentences)
        row(f"{name}, sentences", pieces(sentences), lowest=True)
    for page in sorted((ROOT / "tests" / "gold" / "languages").glob("*.txt")):
        if not page.stem.startswith("en"):
            words = (text := judged(page.read_text(encoding="utf-8"))).split()
            rests = (" ".join(words[at:]) for at in range(len(words)))
            row(page.stem, [text], lowest=False)
            short = [rest[:SHORTEST] for rest in rests if len(rest) >= SHORTEST]
            row(f"{page.stem}, short pieces", short, lowest=False)
    cost()


if __name__ == "__main__":
    main()
