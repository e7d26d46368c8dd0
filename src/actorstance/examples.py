"""The example: one (sentence, source, target), with or without a label. Its schema, its checks, its splits."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Value
from numpy.typing import NDArray

from actorstance.actors import AUTHOR as AUTHOR
from actorstance.actors import UNKNOWN as UNKNOWN
from actorstance.errors import InputError
from actorstance.reading import NOWHERE, Reading
from actorstance.stored import Ids, Store

LABELS = ("against", "neutral", "favor")  # this order everywhere; score = P(favor) - P(against)
SPLITS = ("train", "valid", "test")
IDENTITY = ("example_id", "document_id", "group_id", "text", "source", "target")  # which example a line is of
OFFSETS = ("raw_start", "raw_end", "source_start", "source_end", "target_start", "target_end")
NO_TEXT = re.compile("[\ud800-\udfff]")  # halves of a character: JSON can hold them, no text file can
CONTEXT = 2  # sentences before a sentence that go into its context

FEATURES = Features(
    {
        "example_id": Value("string"),
        "document_id": Value("string"),
        "group_id": Value("string"),
        "date": Value("string"),
        "split": Value("string"),
        "text": Value("string"),
        "context": Value("string"),
        "source": Value("string"),
        "source_start": Value("int32"),
        "source_end": Value("int32"),
        "target": Value("string"),
        "target_start": Value("int32"),
        "target_end": Value("int32"),
        "raw_start": Value("int32"),
        "raw_end": Value("int32"),
        "label": ClassLabel(names=list(LABELS)),
    }
)

_DEFAULTS: dict[str, Any] = {
    "date": None,
    "split": "",
    "context": "",
    "source": AUTHOR,
    "source_start": -1,
    "source_end": -1,
    "target_start": -1,
    "target_end": -1,
    "raw_start": -1,
    "raw_end": -1,
    "label": None,
}


def dataset(rows: Iterable[tuple[str, dict[str, Any]]]) -> Dataset:
    """Check rows and make them a dataset of the schema.

    Args:
        rows: pairs of where a row comes from ("file.csv:17", for errors) and the row. Missing columns get
            their empty value; `label` may be a name, an index or None.

    Returns:
        A dataset with the columns of `FEATURES`, one per row given, in order. With more than `stored.ROWS` rows
        it is mapped from a temporary file, see `stored.Store`.

    Raises:
        InputError: naming the row, if anything in it does not fit the schema.

    Example:
        >>> row = {"example_id": "1", "document_id": "d", "group_id": "d", "text": "Turkey thanked Qatar.",
        ...        "source": "turkey", "source_start": 0, "source_end": 6,
        ...        "target": "qatar", "target_start": 15, "target_end": 20, "label": "favor"}
        >>> dataset([("line 1", row)])[0]["label"]
        2

    """
    seen = Ids()
    with closing(Store(FEATURES.arrow_schema)) as checked:
        for where, row in rows:
            full = _DEFAULTS | row
            _check(where, full)
            id = full["example_id"]
            # Two ids may share a hash: what was stored is looked at before a row is refused.
            if not seen.add(id) and (first := checked.where("example_id", id)) is not None:
                raise InputError(f"{where}: example_id {id!r} stands already in {first}. Ids must be unique.")
            label = full["label"]
            full["label"] = LABELS.index(label) if isinstance(label, str) else label
            checked.append(where, full)
        # Like Dataset.from_dict, which would check every value again: half the time of reading an article. Its
        # fingerprint is given, or datasets would pickle the whole table to compute one.
        return Dataset(checked.table(), info=DatasetInfo(features=FEATURES), fingerprint=secrets.token_hex(8))


def _check(where: str, row: dict[str, Any]) -> None:
    text = row["text"]
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: text is {text!r}, expected a sentence.")
    for name in ("text", "context", "source", "target", "example_id", "document_id", "group_id", "date"):
        value = row.get(name)
        if not isinstance(value, str) and (name != "date" or value is not None):
            raise InputError(f"{where}: {name} is {value!r}, expected text.")
        if value and not value.isascii() and (bad := NO_TEXT.search(value)):
            raise InputError(
                f"{where}: {name} holds a character that is no text (U+{ord(bad[0]):04X}) at {bad.start()}."
            )
    label = row["label"]
    if label is not None and label not in LABELS and label not in range(len(LABELS)):
        raise InputError(f"{where}: label {label!r} is none of {', '.join(LABELS)}. Map other names with data.labels.")
    for role in ("source", "target"):
        actor, start, end = row[role], row[f"{role}_start"], row[f"{role}_end"]
        if not isinstance(actor, str) or not actor.strip():
            raise InputError(f"{where}: {role} is {actor!r}, expected an actor.")
        if (start, end) != (-1, -1):
            if not 0 <= start < end <= len(text):
                raise InputError(
                    f"{where}: {role}_start={start} {role}_end={end} lie outside the text of {len(text)} characters. "
                    "Offsets are 0-based, end exclusive, in code points; -1, -1 if not mentioned."
                )
            mention = row.get(f"{role}_mention")
            if mention is not None and text[start:end] != mention:
                raise InputError(
                    f"{where}: {role}_start={start} {role}_end={end} gives {text[start:end]!r}, expected mention "
                    f"{mention!r}. Offsets are 0-based, end exclusive."
                )
    if row["target"] in (AUTHOR, UNKNOWN):
        raise InputError(f"{where}: target is {row['target']}, which can only be a source.")
    if row["source"] == row["target"]:
        raise InputError(f"{where}: source and target are both {row['source']!r}.")


def twin_key(text: str) -> str:
    """Return a key shared by sentences that are the same except for brackets, case and spaces.

    Example:
        >>> twin_key("[Turkey] thanked Qatar .") == twin_key("Turkey thanked  qatar.")
        True

    """
    return re.sub(r"[\s\[\]]", "", text.casefold())


def labels(examples: Dataset) -> NDArray[np.int64]:
    """Return the labels as indices into `LABELS`, shape (n,).

    Raises:
        InputError: if an example has no label.

    """
    values = examples["label"][:]
    if None in values:
        raise InputError(f"example {examples['example_id'][values.index(None)]!r} has no label.")
    return np.asarray(values, dtype=np.int64)


# Columns beyond the schema, for examples from several corpora (`joint.load`).
CORPUS = "corpus"  # the name of the corpus
WEIGHT = "weight"  # how much the example counts in the loss, 1 for the mean


def label_sets(examples: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Return, by corpus, which labels it has, shape (3,); empty for examples of a single corpus.

    A corpus without a neutral label must not teach that nothing is neutral, nor be asked for one.
    """
    if CORPUS not in examples.column_names:
        return {}
    there = set(zip(examples[CORPUS][:], examples["label"][:], strict=True))
    return {
        name: np.array([(name, at) in there for at in range(len(LABELS))]) for name in sorted({at for at, _ in there})
    }


def known_labels(examples: Dataset, sets: dict[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return which labels the corpus of each example has, shape (n, 3); all, for an unknown corpus."""
    known = np.ones((len(examples), len(LABELS)), dtype=bool)
    if sets and CORPUS in examples.column_names:
        names = np.asarray(examples[CORPUS][:])
        for name, found in sets.items():
            known[names == name] = found
    return known


def among(probabilities: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probabilities, shape (n, 3), given that the label is one of the known ones; rows sum to 1.

    Where the model gives these nothing at all they are equal.

    Example:
        >>> among(np.array([[0.2, 0.6, 0.2], [0.0, 1.0, 0.0]]), np.array([True, False, True]))
        array([[0.5, 0. , 0.5],
               [0.5, 0. , 0.5]])

    """
    kept = np.where(known, probabilities, 0.0)
    kept = np.where(kept.any(axis=1, keepdims=True), kept, np.broadcast_to(known, kept.shape))
    result: NDArray[np.float64] = kept / kept.sum(axis=1, keepdims=True)
    return np.where(np.all(known, axis=-1, keepdims=True), probabilities, result)  # unchanged to the last bit


def weights(examples: Dataset) -> NDArray[np.float64]:
    """Return how much each example counts in the loss, shape (n,); equal for examples of a single corpus."""
    found = examples[WEIGHT][:] if WEIGHT in examples.column_names else np.ones(len(examples))
    return np.asarray(found, dtype=np.float64)


def grouped_folds(examples: Dataset, folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (train, held-out) row indices of `folds` folds that keep groups whole and label shares similar.

    Groups are dealt like cards, to and fro, those with most examples of the rarest label first, then of the next. This
    takes time proportional to the rows, where scikit-learn's StratifiedGroupKFold takes groups times folds.

    Raises:
        InputError: if there are fewer groups than folds.

    """
    groups, index = np.unique(np.asarray(examples["group_id"][:]), return_inverse=True)
    if folds < 2 or len(groups) < folds:
        raise InputError(f"{folds} folds need at least 2 folds and as many groups, found {len(groups)} group(s).")
    counts = np.zeros((len(groups), len(LABELS)), dtype=np.int64)
    np.add.at(counts, (index, labels(examples)), 1)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(groups))
    rarest_last = np.argsort(-counts.sum(axis=0), kind="stable")  # lexsort's last key counts first
    order = shuffled[np.lexsort([-counts[shuffled, label] for label in rarest_last])]
    deal = np.arange(len(groups))
    to_and_fro = np.where(deal // folds % 2 == 0, deal % folds, folds - 1 - deal % folds)
    fold_of = np.empty(len(groups), dtype=np.int64)
    fold_of[order] = rng.permutation(folds)[to_and_fro]
    for fold in range(folds):
        held_out = fold_of[index] == fold
        yield np.flatnonzero(~held_out), np.flatnonzero(held_out)


def with_split(examples: Dataset, seed: int) -> Dataset:
    """Give a corpus without an official split a seeded one by group: 70 % train, 15 % valid, 15 % test.

    With fewer than 20 groups the shares are 5/7, 1/7, 1/7.

    Raises:
        InputError: if there are fewer than 7 groups.

    """
    groups = len(set(examples["group_id"][:]))
    if groups < 7:
        raise InputError(
            f"a split needs at least 7 groups (stories, articles), found {groups}. Give more, or a split column."
        )
    folds, held_out = (20, 3) if groups >= 20 else (7, 1)
    names = np.full(len(examples), SPLITS[0], dtype=object)
    for index, (_, rows) in enumerate(grouped_folds(examples, folds, seed)):
        if index < 2 * held_out:
            names[rows] = SPLITS[2] if index < held_out else SPLITS[1]
    named = examples.remove_columns("split").add_column("split", names.tolist(), feature=FEATURES["split"])
    return named.select_columns(list(FEATURES))


def grouped_tenth(examples: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Split off a grouped, label-stratified tenth (or one group in n, if there are fewer than ten) for calibration."""
    folds = min(10, len(set(examples["group_id"][:])))
    if folds < 2:
        raise InputError("training needs at least 2 groups (stories, articles), one of them to calibrate on; found 1.")
    train, tenth = next(grouped_folds(examples, folds, seed))
    return examples.select(train), examples.select(tenth)


def pairs(reading: Reading, group_by_sentence: bool = False) -> Dataset:
    """Return the pairs of a document as unlabelled examples. The group is the document or, on request, the sentence.

    Example:
        >>> from actorstance.actors import Registry
        >>> from actorstance.documents import parse
        >>> from actorstance.reading import read_actors
        >>> document = parse("d", "Varna on Monday accused Ostia of spying on its fleet in the northern strait.")
        >>> found = pairs(read_actors(document, Registry({"varna": ["Varna"], "ostia": ["Ostia"]})))
        >>> list(zip(found["source"], found["target"]))
        [('AUTHOR', 'varna'), ('AUTHOR', 'ostia'), ('varna', 'ostia'), ('ostia', 'varna')]

    """
    columns = pair_columns([reading], group_by_sentence)
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    where = (f"{reading.document.id}, sentence {pair.sentence + 1}" for pair in reading.pairs)
    return dataset(zip(where, rows, strict=True))


def pair_columns(readings: Iterable[Reading], group_by_sentence: bool = False) -> dict[str, Sequence[Any]]:
    """Return the pairs of documents as columns of the schema, unchecked, in order. See `pairs`."""
    rows: list[tuple[Any, ...]] = []
    for reading in readings:
        document = reading.document
        texts = [document.text(sentence) for sentence in document.sentences]
        for number, of_sentence in groupby(reading.pairs, key=attrgetter("sentence")):
            start, end = document.sentences[number].start, document.sentences[number].end
            place = document.in_given(start, end)
            group = f"{document.id}:{number}" if group_by_sentence else document.id
            context = " ".join(texts[max(0, number - CONTEXT) : number])
            shared = (document.id, group, document.date, "", texts[number], context)
            for pair in of_sentence:
                source, target = (
                    one if one == NOWHERE else (one[0] - start, one[1] - start)
                    for one in (pair.source_span, pair.target_span)
                )
                id = f"{document.id}:{number}:{pair.source}:{pair.target}"
                rows.append((id, *shared, pair.source, *source, pair.target, *target, *place, None))
    return dict(zip(FEATURES, zip(*rows, strict=True) if rows else [()] * len(FEATURES), strict=True))
