"""Published corpora and users' own tables to the schema. Every reader says what it read, kept and dropped, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from actorstance.errors import InputError, require_int
from actorstance.examples import CONTEXT, CORPUS, FEATURES, dataset
from actorstance.files import read_json
from actorstance.readers import PUBLISHED, dse, joint, newsmtsc, newsroom, seesaw, semeval
from actorstance.readers.tables import HUB, InMemory, Rows, Tally, place_of, read_table
from actorstance.resources import shipped
from actorstance.stored import ROWS
from actorstance.text.sentences import one_line
from actorstance.twins import without_near_twin

LICENCES = {  # of a corpus, and so of models trained on it
    "newsroom": "CC BY 4.0",
    "article": "labels CC BY 4.0; the article is its publisher's",
    "dse": "none stated; its authors ask to be cited: Park, Pan, Joo 2021",
    "seesaw": "CC BY-NC-SA 4.0: Zhang, Beauchamp, Wang 2022",
    "newsmtsc": "MIT: Hamborg, Donnay 2021",
    "semeval": "free for research, to be cited: Mohammad et al. 2016; tweets are their authors'",
    "table": "a table of the user's own",
}


def names_of(recipe: Any) -> list[str]:
    """Return the names of the corpora in a recipe: several for data=joint. A stranger's may be anything: then none.

    Example:
        >>> names_of({"name": "joint", "corpora": {"a": {"name": "dse"}, "b": {"name": "table"}}})
        ['dse', 'table']

    """
    if not isinstance(recipe, dict):
        return []
    several = recipe.get("corpora")
    found = several.values() if isinstance(several, dict) else [recipe]
    return [str(one["name"]) for one in found if isinstance(one, dict) and "name" in one]


@dataclass(frozen=True)
class Corpus:
    """Examples, and an account of where they come from.

    `counts` has `read` and `kept` (rows of the source), `dropped` (rows by reason; read = kept + dropped), `mended` (by
    what was mended), `noted` (rows by what a reader should know), `examples` and, of a published corpus, `published`
    (part -> rows read, and rows that its authors publish); with `split=clean` also `left_out` (examples by reason).
    `folds` is 0, or the number of folds of a corpus that is cross-validated. `recipe` has the arguments with which
    `load` makes it again.
    """

    name: str
    examples: Dataset
    counts: dict[str, Any]
    folds: int = 0
    recipe: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all columns of all examples, each as Python writes the list of its values."""
        digest = hashlib.sha256()
        for name in FEATURES:
            column, starts = self.examples[name], range(0, len(self.examples), ROWS)
            parts = (repr(column[start : start + ROWS])[1:-1] for start in starts)
            digest.update(b"[")
            for at, part in enumerate(parts):
                digest.update(f"{', ' if at else ''}{part}".encode())
            digest.update(b"]")
        return digest.hexdigest()


def load(
    name: str,
    path: str | Path | InMemory | None = None,
    *,
    columns: Mapping[str, str | None] | None = None,
    labels: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    folds: int | None = None,
    part: str | None = None,
    level: str | None = None,
    neutrals: bool | None = None,
    source: str | None = None,
    split: str | None = None,
    corpora: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> Corpus:
    """Load a corpus by name.

    Args:
        name: `newsroom`, `article`, `table`, `dse`, `seesaw`, `newsmtsc`, `semeval`, or `joint`: several of them.
        path: its file or folder. `newsroom` ships and needs none. For `table` also `hf://owner/name`, or a `Dataset` or
            `DatasetDict` of the package datasets in memory.
        columns: for `table`: schema column -> column of the file, where the names differ.
        labels: for `table`: against, neutral, favor -> what the file calls them, one name or several.
        constants: for `table`: schema column -> its value in every row, where the file has no such column.
        folds: for `article`: folds over its sentences, 5 by default.
        part: for `newsmtsc` the held-out set, `mt` or `rw`; for `semeval` the test, `a` or `b`.
        level: for `seesaw`: `sentence` or `article`.
        neutrals: for `seesaw`: whether training gets weak neutrals.
        source: for `newsmtsc`, which has none: `AUTHOR` or `UNKNOWN`.
        split: `official`, or `clean`: without the held-out examples whose sentence is in training, verbatim or
            nearly so (`twins.without_near_twin`).
        corpora: for `joint`: a corpus's name, or one of your own -> its arguments here and its `weight`, above 0, that
            each of its examples has in the loss; None leaves it out.

    Raises:
        InputError: naming file, row or key, if something cannot be read as that corpus; if `clean` leaves nothing of a
            held-out part.

    Example:
        >>> corpus = load("newsroom")
        >>> corpus.counts["kept"] > 0, list(corpus.counts["dropped"])
        (True, ['no pair in the sentence'])

    """
    if name == "joint":
        given = {"columns": columns, "labels": labels, "constants": constants, "folds": folds, "part": part}
        given |= {"level": level, "neutrals": neutrals, "source": source}
        if wrong := [key for key, value in given.items() if value]:
            raise InputError(f"data.{wrong[0]}: data=joint has no such setting; say it of a corpus in data.corpora.")
        return _split_as(joint.load(load, path, corpora), split)
    if not isinstance(name, str) or name not in _READERS:
        raise InputError(f"data={name}: no such corpus. There are: {', '.join(_READERS)}, joint.")
    if not isinstance(path, str | Path | None) and not (name == "table" and isinstance(path, InMemory)):
        in_memory = " or a datasets.Dataset" if name == "table" else ""
        raise InputError(f"data.path is of type {type(path).__name__}, expected a path{in_memory}.")
    if folds is not None:
        require_int("data.folds", folds, 2)
    tables = {"columns": columns, "labels": labels, "constants": constants}
    for key, value in tables.items():
        if not isinstance(value, Mapping | None):
            raise InputError(f"data.{key}={value!r}: expected a table of names.")
    options: dict[str, Any] = {
        **{key: {at: one for at, one in (value or {}).items() if one is not None} for key, value in tables.items()},
        **{"folds": folds, "part": part, "level": level, "neutrals": neutrals, "source": source, "corpora": corpora},
    }
    given = {key: value for key, value in options.items() if value not in (None, {})}
    reader, allowed = _READERS[name]
    for key in given:
        if key not in allowed:
            raise InputError(f"data.{key}: data={name} has no such setting.")
    tally = Tally()
    where = _existing(name, path)
    examples = dataset(reader(where, tally, **{key: value for key, value in given.items() if key != "folds"}))
    if not len(examples):
        raise InputError(f"{place_of(where)}: no example was kept. Read {tally.read}, dropped {dict(tally.dropped)}.")
    recipe = {"name": name, "path": None if path is None else place_of(path), **given}
    counts = {**tally.counts(len(examples)), **_published(name, tally)}
    return _split_as(Corpus(name, examples, counts, (folds or 5) if name == "article" else 0, recipe), split)


def _split_as(corpus: Corpus, split: str | None) -> Corpus:
    """The corpus with its official split, or with what has a twin in training left out of the held-out parts."""
    if split in (None, "official"):
        return corpus
    if split != "clean":
        raise InputError(f"data.split={split!r}: expected official or clean.")
    parts = np.asarray(corpus.examples["split"][:])
    if "train" not in parts:
        raise InputError(f"data={corpus.name}: data.split=clean needs an official split, and there is none.")
    kept = np.ones(len(parts), dtype=bool)
    left_out: dict[str, int] = {}
    for part, seen in (("valid", ["train"]), ("test", ["train", "valid"])):
        held, taught = np.flatnonzero(parts == part), np.flatnonzero(np.isin(parts, seen) & kept)
        clean = without_near_twin(corpus.examples.select(held), corpus.examples.select(taught))
        _require_some(corpus, part, seen, held, clean)
        kept[held] = clean
        left_out |= {f"{part}: a twin in {' or '.join(seen)}": int((~clean).sum())} if (~clean).any() else {}
    examples = corpus.examples.select(np.flatnonzero(kept))
    counts = {**corpus.counts, "left_out": left_out, "examples": len(examples)}
    return replace(corpus, examples=examples, counts=counts, recipe={**corpus.recipe, "split": split})


def _require_some(
    corpus: Corpus, part: str, seen: list[str], held: NDArray[np.int64], clean: NDArray[np.bool_]
) -> None:
    """Raise InputError if nothing is left of a held-out part, in any of several corpora: another would be scored."""
    several = CORPUS in corpus.examples.column_names
    owners = np.asarray(corpus.examples[CORPUS][:] if several else [corpus.name] * len(corpus.examples))[held]
    for owner in dict.fromkeys(owners.tolist()):
        own = owners == owner
        if not clean[own].any():
            raise InputError(
                f"data={corpus.name}: data.split=clean leaves nothing of {part}{f' of {owner}' if several else ''}: "
                f"each of its {int(own.sum()):,} examples has a twin in {' or '.join(seen)}, a sentence that is the "
                "same, or nearly so. Hold out other examples, or score these with data.split=official."
            )


def _published(name: str, tally: Tally) -> dict[str, Any]:
    """What was read of each part of a published corpus, beside what its authors publish."""
    whole = PUBLISHED.get(tally.form or name, {})
    found = {part: {"read": rows, "published": whole.get(part)} for part, rows in tally.published.items()}
    return {"published": found} if found else {}


def _existing(name: str, path: str | Path | InMemory | None) -> Any:
    if isinstance(path, InMemory):
        return path
    if name == "table" and str(path).startswith(HUB):
        return str(path)
    if path is None and name == "newsroom":
        return shipped("data/newsroom")
    if path is None and name == "article":
        known = ", ".join(sorted(str(read_json(file)["file"]) for file in shipped("data/article").glob("*.json")))
        raise InputError(
            f"data=article needs the article itself, which may not be shipped: data.path=FILE, one of {known}."
        )
    if path is None:
        raise InputError(f"data={name} needs data.path=FILE_OR_FOLDER.")
    if not Path(path).exists():
        raise InputError(f"{path}: no such file or folder (data.path of data={name}).")
    return Path(path)


@contextmanager
def naming(corpus: Corpus) -> Iterator[None]:
    """Say which corpus an error is about."""
    try:
        yield
    except InputError as error:
        path = corpus.recipe.get("path")
        raise InputError(f"data={corpus.name}{f' ({path})' if path else ''}: {error}") from error


# --- newsroom and article ---


def _newsroom(path: Path, tally: Tally) -> Rows:
    """Our own articles; a row is a labelled sentence, and each of its pairs an example."""
    if path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".parquet"):
        raise InputError(f"{path}: a table, which data=newsroom does not read. Add data=table.")
    files = sorted((path / "articles").glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no articles/*.txt in this folder.")
    for file in files:
        article = newsroom.parse(file)
        spans = [(sentence.start, sentence.end) for sentence in article.sentences]
        for index, sentence in enumerate(article.sentences):
            tally.read += 1
            if not sentence.pairs:
                tally.dropped["no pair in the sentence"] += 1
                continue
            tally.kept += 1
            first: dict[str, tuple[int, int]] = {}
            for actor, start, end in sentence.mentions:
                first.setdefault(actor, (start, end))
            for source, target, label in sentence.pairs:
                yield (
                    str(file),
                    _row(
                        f"{article.id}:{index}:{source}:{target}",
                        (article.id, article.story, article.date, article.split),
                        (article.raw, spans, index),
                        (source, first.get(source, (-1, -1))),
                        (target, first.get(target, (-1, -1))),
                        label,
                    ),
                )


def _row(
    id: str,
    document: tuple[str, str, str | None, str],
    place: tuple[str, list[tuple[int, int]], int],
    source: tuple[str, tuple[int, int]],
    target: tuple[str, tuple[int, int]],
    label: str | None,
) -> dict[str, Any]:
    """One example of a document whose raw text and sentences are all given."""
    raw, spans, index = place
    start, end = spans[index]
    before = (one_line(raw[a:b]) for a, b in spans[max(0, index - CONTEXT) : index])
    return {
        "example_id": id,
        "document_id": document[0],
        "group_id": document[1],
        "date": document[2],
        "split": document[3],
        "text": one_line(raw[start:end]),
        "context": " ".join(before),
        "source": source[0],
        "source_start": source[1][0],
        "source_end": source[1][1],
        "target": target[0],
        "target_start": target[1][0],
        "target_end": target[1][1],
        "raw_start": start,
        "raw_end": end,
        "label": label,
    }


def _article(path: Path, tally: Tally) -> Rows:
    """Stand-off labels in data/article, joined to the article's own file, which the user has.

    A row is a labelled sentence. The group is the sentence: there is only one article.
    """
    content = path.read_bytes() if path.is_file() else b""
    found = hashlib.sha256(content).hexdigest()
    tables = {file.name: read_json(file) for file in sorted(shipped("data/article").glob("*.json"))}
    table = next((table for table in tables.values() if table["sha256"] == found), None)
    if table is None:
        known = "; ".join(
            f"{table['file']} ({table['about']}), SHA-256 {table['sha256'][:12]}…" for table in tables.values()
        )
        raise InputError(f"{path}: SHA-256 {found[:12]}…, which no labels are for. There are labels for: {known}.")
    raw = content.decode("utf-8")
    spans = [(sentence["start"], sentence["end"]) for sentence in table["sentences"]]
    for index, sentence in enumerate(table["sentences"]):
        tally.read += 1
        tally.kept += 1
        for source, s0, s1, target, t0, t1, label in sentence["pairs"]:
            yield (
                str(path),
                _row(
                    f"{path.name}:{index}:{source}:{target}",
                    (path.name, f"{path.name}:{index}", table["date"], ""),
                    (raw, spans, index),
                    (source, (s0, s1)),
                    (target, (t0, t1)),
                    label,
                ),
            )


_READERS: dict[str, tuple[Callable[..., Rows], tuple[str, ...]]] = {
    "newsroom": (_newsroom, ()),
    "article": (_article, ("folds",)),
    "table": (read_table, ("columns", "labels", "constants")),
    "dse": (dse.read, ()),
    "seesaw": (seesaw.read, ("level", "neutrals")),
    "newsmtsc": (newsmtsc.read, ("part", "source")),
    "semeval": (semeval.read, ("part",)),
}
