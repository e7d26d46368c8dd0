"""NewsMTSC (Hamborg, Donnay, EACL 2021): the sentiment of a news sentence toward a person in it.

Two forms are read: the repository's, one sentence per line with its `targets` and polarity 2, 4, 6; and that of the
Hugging Face copy, one target per line with polarity -1, 0, 1. Besides one training set there are two held-out sets: mt,
sentences with several targets, and rw, drawn as they occur in the news. `to` is exclusive, whatever the readme says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actorstance.errors import InputError
from actorstance.examples import AUTHOR, UNKNOWN
from actorstance.files import read_json_lines
from actorstance.readers import AGAINST, FAVOR, NEUTRAL, actor_of, place
from actorstance.readers.tables import Rows, Tally
from actorstance.text.sentences import one_line

PARTS = ("mt", "rw")
_POLARITIES = {2: AGAINST, 4: NEUTRAL, 6: FAVOR, -1: AGAINST, 0: NEUTRAL, 1: FAVOR}
_SPLITS = {"train": "train", "dev": "valid", "valid": "valid", "validation": "valid", "test": "test", "devtest": "test"}
_WORDS = re.compile(r"[a-z]+")  # of a path: "newsmtsc-mt-hf/dev.jsonl" has mt and dev
_ID = re.compile(
    r"(?P<paper>[a-z]+(?:_v\d+)?)_(?P<article>\d+)_(?P<story>-?\d+)_(?P<sentence>\d+)_(?P<name>.*)_\d+_\d+", re.DOTALL
)
_PRONOUN = re.compile(
    r"i|me|my|mine|we|us|ours?|you|yours?|he|him|his|himself|she|hers?|herself|its?|they|them|theirs?|who|whom|whose"
    r"|this|that",
    re.IGNORECASE,
)


def read(path: Path, tally: Tally, part: str | None = None, source: str = AUTHOR) -> Rows:
    """Yield one example per target. The group is the story where there is one, else the article.

    The actor is the mention in lower case; for a pronoun it is the name that the corpus gives for it, which its own
    automatic coreference found and which is sometimes wrong.

    Args:
        path: the folder with train.jsonl and the held-out files, or with folders of them, one of mt and one of rw.
        tally: the account of rows.
        part: `mt` or `rw`: which held-out set to read; None: both.
        source: `AUTHOR`, or `UNKNOWN`: the labels say how a sentence speaks of a person, no matter who in it does so.
            Next to corpora in which AUTHOR is the author's own voice, UNKNOWN keeps the two apart.

    """
    if source not in (AUTHOR, UNKNOWN):
        raise InputError(f"data.source={source!r}: expected {AUTHOR} or {UNKNOWN}.")
    if part not in (None, *PARTS):
        raise InputError(f"data.part={part!r}: expected {' or '.join(PARTS)}, or nothing for both.")
    seen: dict[str, str] = {}
    for file, name, split in _files(path):
        if split != "train" and part not in (None, name):
            continue
        for where, row in read_json_lines(file):
            for target, line in _targets(where, row):
                if seen.get(id := str(target.get("id"))) == "train" == split:
                    continue  # the training set is in both folders
                seen[id] = split
                tally.read += 1
                if "devtest" in file.name:  # the whole held-out set, before it was split into valid and test
                    tally.form = "newsmtsc, devtest"
                tally.published[split if split == "train" else f"{name} {split}"] += 1
                for at, example in _example(where, line, target, split, name, tally):
                    yield at, {**example, "source": source}


def _files(path: Path) -> Iterator[tuple[Path, str, str]]:
    """The files with their set (mt, rw, or empty for the training set) and split, training first."""
    found = []
    for file in [path] if path.is_file() else sorted([*path.glob("*.jsonl"), *path.glob("*/*.jsonl")]):
        words = _WORDS.findall(str(file.relative_to(path.parent)).lower())
        split = next((_SPLITS[word] for word in _WORDS.findall(file.stem.lower()) if word in _SPLITS), None)
        name = next((word for word in words if word in PARTS), "")
        if split and (split == "train" or name):
            found.append((file, "" if split == "train" else name, split))
    if not found:
        raise InputError(
            f"{path}: no train.jsonl, mt_dev.jsonl, rw_dev.jsonl and so on in it, nor in folders named mt, rw."
        )
    yield from sorted(found, key=lambda one: (one[2] != "train", str(one[0])))


def _targets(where: str, row: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The targets of a line of either form, each with its sentence."""
    if "sentence_normalized" not in row:
        if missing := [key for key in ("id", "sentence", "mention", "from", "to", "polarity") if key not in row]:
            raise InputError(f"{where}: no {missing[0]!r}; found {', '.join(map(str, row))}.")
        yield row, str(row["sentence"])
        return
    targets = row.get("targets")
    if not isinstance(targets, list):
        raise InputError(f"{where}: no list 'targets'; found {', '.join(map(str, row))}.")
    for target in targets:
        keys = ("Input.gid", "mention", "from", "to", "polarity")
        if not isinstance(target, dict) or (missing := [key for key in keys if key not in target]):
            raise InputError(f"{where}: a target needs {', '.join(keys)}, found {str(target)[:80]}.")
        yield {**target, "id": target["Input.gid"]}, str(row["sentence_normalized"])


def _example(where: str, text: str, target: dict[str, Any], split: str, name: str, tally: Tally) -> Rows:
    polarity = target["polarity"]
    if isinstance(polarity, bool) or not isinstance(polarity, int | float) or polarity not in _POLARITIES:
        raise InputError(f"{where}: polarity {polarity!r}, expected 2, 4, 6 or -1, 0, 1.")
    start, end, mention = target["from"], target["to"], str(target["mention"])
    if not isinstance(start, int) or not isinstance(end, int) or text[start:end] != mention or not mention.strip():
        tally.dropped["mention is not where it is said to be"] += 1
        return
    tally.kept += 1
    id = str(target["id"])
    found = _ID.fullmatch(id)
    document = f"{found['paper']}_{found['article']}" if found else id
    group = f"{found['paper']}_story_{found['story']}" if found and found["story"] != "-1" else document
    tally.noted["id without an article: the row is the group"] += found is None
    pronoun = _PRONOUN.fullmatch(mention) is not None
    yield (
        where,
        {
            "example_id": f"{name or split}:{id}",
            "document_id": document,
            "group_id": group,
            "split": split,
            "text": one_line(text),
            "target": actor_of(found["name"] if found and pronoun and found["name"].strip() else mention),
            **place("target", (start, end)),
            "label": _POLARITIES[int(polarity)],
        },
    )
