"""SEESAW as its authors release it (Zhang, Beauchamp, Wang, EMNLP 2022): who stands where on whom in US political news.

The raw release has one JSON file per article in `annotations/` and in `articles/`, and one per story in `meta/`, with
the story's date and split. A row is a triple (source, POS or NEG, target) of a sentence, by canonical names, most of
which do not occur in the sentence as they are. Neutral pairs were not annotated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from actorstance.errors import InputError
from actorstance.examples import AUTHOR, CONTEXT, UNKNOWN
from actorstance.files import read_json
from actorstance.readers import AGAINST, FAVOR, NEUTRAL, actor_of, canonical, find_name, place
from actorstance.readers.tables import Rows, Tally
from actorstance.text.sentences import one_line

LEVELS = ("sentence", "article")
UNLISTED = "somebody else"  # a target that the article's list of entities does not have; as a source it is UNKNOWN
_STANCES = {"POS": FAVOR, "NEG": AGAINST}
_SOURCES = {"None": AUTHOR, "Not in the list": UNKNOWN}
_SPLITS = {"train": "train", "valid": "valid", "dev": "valid", "test": "test"}
_SENTIMENTS = {  # of an article toward an entity, in seven steps
    "Very Negative": -1,
    "Negative": -1,
    "Slightly Negative": -1,
    "Neutral": 0,
    "Slightly Positive": 1,
    "Positive": 1,
    "Very Positive": 1,
}


def read(path: Path, tally: Tally, level: str = "sentence", neutrals: bool = False) -> Rows:
    """Yield one example per triple, or, with `level="article"`, one per article and listed entity.

    An implicit source ("None") is AUTHOR, one that is not in the list UNKNOWN; such a target is "somebody else". The
    group is the story, which three newspapers cover. The context is the previous sentences.

    Args:
        path: the release, or its folder SEESAW.
        tally: the account of rows.
        level: `sentence`, or `article`: how the whole article, in its author's voice, speaks of an entity if more
            than half of its annotators agree on the sign, else neutral.
        neutrals: add weak neutrals to the training part: pairs of listed entities that a sentence mentions, with no
            stance between the two. Never to valid or test, since nobody labelled them neutral.

    """
    if level not in LEVELS:
        raise InputError(f"data.level={level!r}: expected {' or '.join(LEVELS)}.")
    if not isinstance(neutrals, bool):
        raise InputError(f"data.neutrals={neutrals!r}: expected true or false.")
    if neutrals and level == "article":
        raise InputError("data.neutrals=true: articles have neutral labels of their own; leave it out.")
    root = next((folder for folder in (path, path / "SEESAW") if (folder / "annotations").is_dir()), None)
    if root is None:
        raise InputError(f"{path}: no folder annotations in it, nor in {path / 'SEESAW'}.")
    files = sorted((root / "annotations").glob("TRIPLET_*_DOCUMENT_*.json"))
    if not files:
        raise InputError(f"{root / 'annotations'}: no TRIPLET_*_DOCUMENT_*.json.")
    for file in files:
        article = _open(root, file)
        if level == "article":
            yield from _sentiments(article, tally)
        else:
            yield from _triples(article, tally)
            if neutrals and article.split == "train":
                yield from _weak_neutrals(article, tally)


@dataclass(frozen=True)
class _Article:
    """One article: its sentences by id, whether each listed entity is a person, and its labels."""

    file: Path
    story: str
    split: str
    date: str
    sentences: dict[str, str]
    listed: dict[str, bool]
    triples: dict[str, list[tuple[str, str, str]]]
    sentiments: dict[str, list[str]]

    def row(self, id: str, text: str, label: str, context: str = "") -> dict[str, Any]:
        """The columns that all examples of the article have."""
        document = {"document_id": self.file.stem, "group_id": self.story, "date": self.date, "split": self.split}
        return {"example_id": f"{self.file.stem}:{id}", **document, "text": text, "context": context, "label": label}

    def find(self, name: str, text: str) -> tuple[int, int] | None:
        """The first mention of a listed entity; a person's last word counts if no other listed person has it."""
        last = Counter(canonical(one).split()[-1].casefold() for one, person in self.listed.items() if person)
        person = self.listed.get(name, False) and last[canonical(name).split()[-1].casefold()] == 1
        return find_name(text, name, person)

    def context(self, sentence: str) -> str:
        """The sentences that precede a sentence."""
        ids = [id for id, text in self.sentences.items() if text.strip() or id == sentence]
        at = ids.index(sentence)
        return " ".join(self.sentences[id].strip() for id in ids[max(0, at - CONTEXT) : at])


def _open(root: Path, file: Path) -> _Article:
    story = file.stem.split("_DOCUMENT_")[0]
    labels, article = read_json(file), read_json(root / "articles" / file.name)
    meta = read_json(root / "meta" / f"{story}.json")
    try:
        return _Article(
            file,
            story,
            _SPLITS[meta["Split"]],
            str(meta["story_time"])[:10],
            {str(one["id"]): one_line(one["text"]) for one in article["text"]},
            {str(entity[0]): "People" in entity[1] for entity in labels["entity lists"] if entity[0].strip()},
            {
                str(sentence): [(str(one["subject"]), str(one["sentiment"]), str(one["object"])) for one in rows]
                for sentence, rows in labels["sentence-level stances"].items()
            },
            {str(name): [str(one[0]) for one in given] for name, given in labels["entity sentiments"].items()},
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        what = f"{type(error).__name__}: {str(error)[:100]}"
        raise InputError(f"{file}: not in the form in which SEESAW is released ({what}).") from error


def _triples(article: _Article, tally: Tally) -> Rows:
    for sentence, triples in article.triples.items():
        for number, (subject, sign, object_) in enumerate(triples):
            where = f"{article.file}, sentence {sentence}, triple {number + 1}"
            tally.read += 1
            tally.published[article.split] += 1
            if sign not in _STANCES:
                raise InputError(f"{where}: sentiment {sign!r}, expected POS or NEG.")
            if not (text := article.sentences.get(sentence, "")).strip():
                tally.dropped["its sentence is empty or missing"] += 1
                continue
            source = _SOURCES.get(subject) or actor_of(canonical(subject))
            target = UNLISTED if object_ in _SOURCES else actor_of(canonical(object_))
            if source == target:
                tally.dropped["source and target have one name"] += 1
                continue
            tally.kept += 1
            tally.noted["target not in the list"] += target == UNLISTED
            tally.noted["source not in the list: UNKNOWN"] += source == UNKNOWN
            tally.noted["source implicit: AUTHOR"] += source == AUTHOR
            spans = [("source", article.find(subject, text)), ("target", article.find(object_, text))]
            for (role, span), actor in zip(spans, (source, target), strict=True):
                named = actor not in (AUTHOR, UNKNOWN, UNLISTED)
                tally.noted[f"{role} named, and not in its sentence by that name"] += named and span is None
            yield (
                where,
                {
                    **article.row(f"{sentence}:{number}", text, _STANCES[sign], article.context(sentence)),
                    "source": source,
                    "target": target,
                    **(place(*spans[0]) if subject not in _SOURCES else {}),
                    **(place(*spans[1]) if object_ not in _SOURCES else {}),
                },
            )


def _weak_neutrals(article: _Article, tally: Tally) -> Rows:
    """Both directions of each pair of listed entities whose mentions do not overlap, with no stance between them."""
    for sentence, text in article.sentences.items():
        stances = {frozenset((subject, object_)) for subject, _, object_ in article.triples.get(sentence, [])}
        found = {name: article.find(name, text) for name in article.listed}
        spans = {name: span for name, span in found.items() if span}
        for source, target in permutations(spans, 2):
            apart = spans[source][1] <= spans[target][0] or spans[target][1] <= spans[source][0]
            ids = actor_of(canonical(source)), actor_of(canonical(target))
            if not apart or ids[0] == ids[1] or frozenset((source, target)) in stances:
                continue
            tally.noted["weak neutral, added to train"] += 1
            yield (
                f"{article.file}, sentence {sentence}, {source} and {target}",
                {
                    **article.row(f"{sentence}:{source}:{target}", text, NEUTRAL, article.context(sentence)),
                    **{"source": ids[0], "target": ids[1]},
                    **place("source", spans[source]),
                    **place("target", spans[target]),
                },
            )


def _sentiments(article: _Article, tally: Tally) -> Rows:
    """One example per article and listed entity: its author's stance toward it, over the whole article."""
    text = " ".join(text.strip() for text in article.sentences.values() if text.strip())
    for name, given in article.sentiments.items():
        where = f"{article.file}, entity {name}"
        tally.read += 1
        if unknown := {value for value in given if value not in _SENTIMENTS and value != "Unknown"}:
            raise InputError(f"{where}: sentiment {min(unknown)!r}, expected one of {', '.join(_SENTIMENTS)}.")
        signs = [_SENTIMENTS[value] for value in given if value in _SENTIMENTS]
        if not signs:
            tally.dropped["no annotator says its sentiment"] += 1
            continue
        if not text:
            tally.dropped["the article is empty"] += 1
            continue
        tally.kept += 1
        sign, votes = Counter(signs).most_common(1)[0]
        tally.noted["annotators disagree on the sign"] += len(set(signs)) > 1
        label = (AGAINST, NEUTRAL, FAVOR)[(sign if 2 * votes > len(signs) else 0) + 1]
        yield (
            where,
            {
                **article.row(name, text, label),
                **{"source": AUTHOR, "target": actor_of(canonical(name))},
                **place("target", article.find(name, text)),
            },
        )
