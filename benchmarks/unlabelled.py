"""Articles without labels, from the public corpora, for a teacher to answer about (model.answers).

python benchmarks/unlabelled.py ../shared/data OUT.jsonl       (folders: polnear, seesaw)

PolNeAR's articles and those of SEESAW's training part, as they are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from actorstance.documents import parse
from actorstance.errors import InputError
from actorstance.files import json_line, whole


def polnear(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield id and text of each article."""
    for path in sorted((folder / "text").glob("*.txt")):
        yield f"polnear/{path.stem}", path.read_text(encoding="utf-8")


def seesaw(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield id and text of each article of the training part: its title, and its sentences in paragraphs."""
    for path in sorted((folder / "articles").glob("*.json")):
        story = path.stem.rsplit("_DOCUMENT", 1)[0]
        if json.loads((folder / "meta" / f"{story}.json").read_text(encoding="utf-8"))["Split"] != "train":
            continue
        article = json.loads(path.read_text(encoding="utf-8"))
        lines = [sentence["text"].strip() for sentence in article["text"]]
        paragraphs = "\n".join(line or "\n" for line in lines).replace("\n\n\n", "\n\n")
        yield f"seesaw/{path.stem}", f"{article['title'].strip()}\n\n{paragraphs}\n"


def main() -> None:
    """Write the articles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of polnear and seesaw")
    parser.add_argument("out", type=Path, help="the JSONL file to write, with id and text")
    arguments = parser.parse_args()
    with whole(arguments.out) as file:
        for name, read in (("polnear", polnear), ("seesaw", seesaw)):
            folder = arguments.data / name / ("SEESAW" if name == "seesaw" else "")
            rows = list(read(folder))
            good = [row for row in rows if readable(*row)]
            file.writelines(json_line({"id": id, "text": text}) for id, text in good)
            print(f"{name}: {len(good):,} articles; {len(rows) - len(good):,} without a body are left out")


def readable(id: str, text: str) -> bool:
    """Return whether predict.py would read an article; one that it cannot would stop it."""
    try:
        parse(id, text)
    except InputError:
        return False
    return True


if __name__ == "__main__":
    main()
