"""SemEval-2016 task 6 (Mohammad et al. 2016), and its copy in TweetEval (Barbieri et al. 2020): stance in tweets.

The task's own form is tab-separated, ID, Target, Tweet, Stance, in Windows-1252, and a field's quotation marks are its
own. TweetEval has one folder per target, with a file of texts and a file of labels per split.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actorstance.errors import InputError
from actorstance.examples import AUTHOR
from actorstance.files import decode, lines
from actorstance.readers import AGAINST, FAVOR, NEUTRAL, actor_of, find_name, place
from actorstance.readers.tables import Rows, Tally
from actorstance.text.sentences import one_line

PARTS = ("a", "b")
MAX_FILE = 50_000_000  # bytes
_STANCES = {"FAVOR": FAVOR, "AGAINST": AGAINST, "NONE": NEUTRAL, "2": FAVOR, "1": AGAINST, "0": NEUTRAL}
_FOLDERS = {  # of TweetEval -> the target as the task calls it
    "abortion": "Legalization of Abortion",
    "atheism": "Atheism",
    "climate": "Climate Change is a Real Concern",
    "feminist": "Feminist Movement",
    "hillary": "Hillary Clinton",
    "hilary": "Hillary Clinton",
}
_SPLITS = {"train": "train", "val": "valid", "test": "test"}


def read(path: Path, tally: Tally, part: str = "a") -> Rows:
    """Yield one example per tweet, whose author is the source; `none` is neutral. The group is the tweet.

    Args:
        path: the folder with the task's files *train*.txt, *trial*.txt, *test*.txt, or TweetEval's `stance` folder.
        tally: the account of rows.
        part: the task's test: `a`, on the targets that are in training, or `b`, on one that is not.

    """
    if part not in PARTS:
        raise InputError(f"data.part={part!r}: expected {' or '.join(PARTS)}.")
    folder = path / "stance" if (path / "stance").is_dir() else path
    copied = any((folder / name).is_dir() for name in _FOLDERS)
    tally.form = "tweeteval" if copied else ""
    for where, id, split, target, text, stance in _tweeteval(folder, part) if copied else _task(path, part, tally):
        tally.read += 1
        tally.published[f"{part} test" if split == "test" and not copied else split] += 1
        if stance not in _STANCES:
            raise InputError(f"{where}: stance {stance!r}, expected one of {', '.join(_STANCES)}.")
        if not text.strip():
            tally.dropped["empty tweet"] += 1
            continue
        tally.kept += 1
        text = one_line(text)
        yield (
            where,
            {
                "example_id": id,
                "document_id": id,
                "group_id": id,
                "split": split,
                "text": text,
                "source": AUTHOR,
                "target": actor_of(target),
                **place("target", find_name(text, target)),
                "label": _STANCES[stance],
            },
        )


Row = tuple[str, str, str, str, str, str]  # where, id, split, target, text, stance


def _task(path: Path, part: str, tally: Tally) -> Iterator[Row]:
    """The rows of the task's own files: those with labels, by name."""
    found = [(file, _split(file.name.lower(), part)) for file in sorted(path.glob("*.txt"))]
    files = [(file, split) for file, split in found if split]
    if not files:
        raise InputError(
            f"{path}: neither the task's files (trainingdata-all-annotations.txt, testdata-taskA-all-annotations.txt) "
            "nor TweetEval's folders (abortion, atheism, …)."
        )
    for file, split in files:
        head, *rows = _text(file, tally).splitlines() or [""]
        names = [name.strip().casefold() for name in head.split("\t")]
        if missing := [name for name in ("id", "target", "tweet", "stance") if name not in names]:
            raise InputError(f"{file}:1: no column {missing[0]!r}; found {', '.join(names)}.")
        for number, line in enumerate(rows, 2):
            fields = line.split("\t")
            if not line.strip():
                continue
            if len(fields) < len(names):
                raise InputError(f"{file}:{number}: {len(fields)} fields, the first line names {len(names)}.")
            row = dict(zip(names, (field.strip() for field in fields), strict=False))
            yield f"{file}:{number}", row["id"], split, row["target"], row["tweet"], row["stance"].upper()


def _split(name: str, part: str) -> str:
    """The split that a file of the task holds, empty if it holds no labels or the other test."""
    if "ids" in name or "readme" in name:
        return ""
    if "train" in name or "trial" in name:
        return "train"
    wanted = f"task{part}" in name and ("gold" in name or "annotation" in name)
    return "test" if "test" in name and wanted else ""


def _text(file: Path, tally: Tally) -> str:
    """A file of the task, which is UTF-8 in some copies and Windows-1252 in the original."""
    if file.stat().st_size > MAX_FILE:
        raise InputError(f"{file}: more than {MAX_FILE:,} bytes.")
    data = file.read_bytes()
    try:
        return decode(data, str(file)).removeprefix("\ufeff")
    except InputError:
        if b"\0" in data:
            raise
        text = data.decode("cp1252", errors="replace")
        if unknown := text.count("\ufffd"):  # no byte of Windows-1252 stands for it
            tally.mended["byte that Windows-1252 does not have, read as U+FFFD"] += unknown
        return text


def _tweeteval(folder: Path, part: str) -> Iterator[Row]:
    if part != "a":
        raise InputError(f"data.part={part}: TweetEval has only part a of the task.")
    for name, target in _FOLDERS.items():
        for short, split in _SPLITS.items():
            texts, stances = folder / name / f"{short}_text.txt", folder / name / f"{short}_labels.txt"
            if not texts.is_file() and not stances.is_file():
                continue
            if not texts.is_file() or not stances.is_file():
                raise InputError(f"{folder / name}: {short}_text.txt and {short}_labels.txt go together.")
            rows, given = list(lines(texts)), list(lines(stances))
            if len(rows) != len(given):
                raise InputError(f"{texts}: {len(rows)} lines, {stances.name} has {len(given)}.")
            for number, (text, stance) in enumerate(zip(rows, given, strict=True), 1):
                yield f"{texts}:{number}", f"{name}:{short}:{number}", split, target, text, stance.strip()
