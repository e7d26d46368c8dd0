"""The audit: every check finds what it is for and nothing else, limits decide, and the command's exit code says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstance import audit, corpora, pipeline
from actorstance.errors import InputError
from actorstance.examples import dataset
from actorstance.twins import without_near_twin, without_twin

ROOT = Path(__file__).parents[1]
NAMES = ["Varna", "Ostia", "Dorp", "Esk", "Fenn", "Gorse", "Hale", "Ilse"]


def rows(*given: dict[str, Any], side: str = "t") -> Dataset:
    """Examples with a sentence, document, story and day of their own each, but for what is given."""
    return dataset(
        (
            f"row {number}",
            {
                "example_id": f"{side}{number}",
                "document_id": f"{side}{number}",
                "group_id": f"{side}{number}",
                "text": f"Varna met Ostia for the {side}{number}th time.",
                "source": "varna",
                "target": "ostia",
                "label": number % 3,
                **row,
            },
        )
        for number, row in enumerate(given)
    )


def found(train: Dataset, held_out: Dataset, **limits: float | None) -> dict[str, dict[str, Any]]:
    report = audit.audited({}, train, held_out, limits=limits)
    assert report["failed"] == [row["check"] for row in report["checks"] if row["failed"]]
    return {row["check"]: row for row in report["checks"]}


def test_names_alone_say_the_same_in_whatever_order_sums_are_made() -> None:
    """With other threads numbers are added in another order, as with other rows first; no answer may hang on that."""
    examples = corpora.load("newsroom").examples
    split = np.asarray(examples["split"][:])
    train, held_out = (examples.select(np.flatnonzero(split == part)[:16_000]) for part in ("train", "test"))
    said = audit.names_only(train, held_out)
    order = np.random.default_rng(0).permutation(len(train))
    assert len(set(said.tolist())) == 3
    assert audit.names_only(train.select(order), held_out).tolist() == said.tolist()


SAID = "On the day of the great fair Varna thanked Ostia for its grain, its coal and its {}."


@pytest.mark.parametrize(
    ("check", "train", "held_out", "share"),
    [
        ("twins", {"text": "[Varna] ran ."}, {"text": "VARNA ran."}, (1, 4)),
        ("near_twins", {"text": SAID.format("salt")}, {"text": SAID.format("wool")}, (1, 4)),
        ("same_document", {"document_id": "a"}, {"document_id": "a"}, (1, 4)),
        ("same_story", {"group_id": "a"}, {"group_id": "a"}, (1, 4)),
        ("same_date", {"date": "2031-02-03"}, {"date": "2031-02-03"}, (1, 4)),
        ("unseen_sources", {}, {"source": "dorp"}, (1, 4)),
        ("unseen_targets", {}, {"target": "dorp"}, (1, 4)),
        ("cut_spans", {}, {"text": "Varnans ran.", "source_start": 0, "source_end": 5}, (1, 1)),
        ("cut_spans", {}, {"text": "Varnans ran.", "source_start": 0, "source_end": 7}, (0, 1)),
        ("clashes", {"text": "A ran.", "label": 0}, {"text": "a  ran.", "label": 2}, (2, 12)),
        ("repeated", {"text": "Varna met Ostia for the t1th time ."}, {}, (1, 8)),
    ],
)
def test_a_check_finds_its_own(
    check: str, train: dict[str, Any], held_out: dict[str, Any], share: tuple[int, int]
) -> None:
    sides = rows(train, *[{}] * 7), rows(held_out, *[{}] * 3, side="h")
    row = found(*sides)[check]
    assert (row["found"], row["of"], row["value"]) == (*share, share[0] / share[1])
    if check not in ("cut_spans", "repeated"):
        assert "h0" in row["examples"]
    nothing = found(rows(*[{}] * 8), rows(*[{}] * 4, side="h"))[check]
    assert nothing["found"] == 0


def test_sentences_count_once_whatever_their_pairs() -> None:
    same = {"text": "Varna ran.", "document_id": "a"}
    row = found(rows(same), rows(same, same | {"target": "dorp"}, {}, side="h"))["twins"]
    assert (row["found"], row["of"]) == (1, 2)


def test_the_rarest_label_counts_where_it_is_held_out() -> None:
    train = rows(*[{"label": 0}] * 40, *[{"label": 1}] * 35, *[{"label": 2}] * 50)
    two = rows(*[{"label": 0}] * 33, *[{"label": 2}] * 34, side="h")
    row = found(train, two)["rarest_label"]
    assert (row["value"], row["unit"], row["failed"]) == (33, "count", False)
    assert found(train, two, rarest_label=34)["rarest_label"]["failed"]
    lacking = found(rows(*[{"label": 0}] * 40, *[{"label": 2}] * 50), rows(*[{"label": 1}] * 40, side="h"))
    assert lacking["rarest_label"]["value"] == 0


def test_names_that_tell_the_label_are_seen() -> None:
    sides = [
        rows(*({"target": name, "label": 2 * (at % 2)} for at, name in enumerate(NAMES * 6)), side=side)
        for side in ("t", "h")
    ]
    row = found(sides[0], sides[1])["names_only"]
    assert row["value"] > 0.6
    assert row["failed"]
    assert not found(sides[0], sides[1], names_only=None)["names_only"]["failed"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"twin": 0.1}, "limits.twin: no such check. There are: twins"),
        ({"twins": "few"}, "limits.twins='few': expected a number"),
        ({"twins": True}, "limits.twins=True: expected a number"),
    ],
)
def test_limits_that_do_not_fit(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        audit.audited({}, rows({}), rows({}, side="h"), limits=limits)


def test_limits_in_conf_are_those_of_the_code() -> None:
    assert yaml.safe_load((ROOT / "conf" / "limits" / "default.yaml").read_text(encoding="utf-8")) == audit.LIMITS
    assert set(audit.ABOUT) == set(audit.LIMITS)


@settings(deadline=None, max_examples=40)  # a machine may be busy
@given(st.lists(st.text(alphabet="ab .!", max_size=12).filter(str.strip), min_size=1, max_size=8), st.data())
def test_a_twin_is_never_clean(texts: list[str], data: st.DataObject) -> None:
    train = rows(*({"text": text} for text in texts))
    held_out = rows({"text": data.draw(st.sampled_from(texts))}, {"text": "Gorse denied it."}, side="h")
    clean, verbatim = without_near_twin(held_out, train), without_twin(held_out, train)
    assert clean.tolist() == [False, True]
    assert not (clean & ~verbatim).any()


@settings(deadline=None, max_examples=40)  # a machine may be busy
@given(st.integers(0, 19), st.lists(st.sampled_from(NAMES), min_size=20, max_size=20, unique=False))
def test_one_word_changed_in_twenty_is_a_near_twin_and_ten_are_not(place: int, words: list[str]) -> None:
    words = [f"{word}{at}" for at, word in enumerate(words)]
    one = [*words[:place], "other", *words[place + 1 :]]
    many = ["other" if at % 2 else word for at, word in enumerate(words)]
    held_out = rows({"text": " ".join(one)}, {"text": " ".join(many)}, side="h")
    assert without_near_twin(held_out, rows({"text": " ".join(words)})).tolist() == [False, True]


def test_nothing_is_a_twin_of_nothing() -> None:
    one = rows({})
    assert without_near_twin(one, one.select([])).tolist() == [True]
    assert without_near_twin(one.select([]), one).shape == (0,)


def test_the_parts_of_a_corpus() -> None:
    parts = pipeline.audited(corpora.load("newsroom"))
    assert list(parts) == ["valid", "test"]
    taught = {part: sum(found["labels"]["train"].values()) for part, found in parts.items()}
    held_out = {part: found["leakage"]["held_out_examples"] for part, found in parts.items()}
    assert taught["test"] == taught["valid"] + held_out["valid"]
    assert not any(found["failed"] for found in parts.values())


def table(path: Path, twin: bool) -> Path:
    """A table of 200 sentences with a split, in which held-out sentences stand in training too, or do not."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(200):
        label = ("against", "neutral", "favor")[int(rng.integers(3))]
        place = number // 2 if twin else number
        text = f"Varna {label if twin else 'said'} {' '.join(map(str, rng.integers(9**6, size=5)))} {place}."
        source, target = (NAMES[int(at)] for at in rng.choice(len(NAMES), 2, replace=False))
        split = ("train", "train", "train", "test")[number % 4]
        lines.append({"text": text, "source": source, "target": target, "label": label, "split": split})
    if twin:
        for at in range(3, 200, 4):
            lines[at]["text"] = lines[at - 1]["text"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def script(name: str, *settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{name}.py", "data=table", *settings]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("twin", [False, True])
def test_the_exit_code_tells_and_the_folder_stays(tmp_path: Path, twin: bool) -> None:
    file, out = table(tmp_path / "a.jsonl", twin), tmp_path / "out"
    settings = [f"data.path={file}", "limits.rarest_label=5", f"hydra.run.dir={out}"]
    done = script("audit", *settings)
    assert done.returncode == (1 if twin else 0), done.stderr
    written = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert written["failed"] == (["test: twins"] if twin else [])
    assert set(written["parts"]["test"]) >= {"rows", "labels", "leakage", "clashes", "unseen", "checks", "failed"}
    assert max(map(len, done.stdout.splitlines()[1:-1])) <= 80
    assert done.stdout.splitlines()[-1].startswith("run: ")
    assert ("OVER" in done.stdout) == twin
    assert done.stderr == (f"over their limits: test: twins ({out / 'audit.json'})\n" if twin else "")
    if twin:
        allowed = script("audit", *settings[:2], "limits.twins=1", f"hydra.run.dir={out}-2")
        assert allowed.returncode == 0, allowed.stdout
        strict = script("train", *settings[:2], "strict=true", f"hydra.run.dir={out}-3")
        assert strict.returncode == 1
        assert "stopped before training" in strict.stderr
        assert not (tmp_path / "out-3" / "model").exists()


def test_an_audit_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    file = table(tmp_path / "a.jsonl", twin=True)
    several = [f"data.path={file}", "limits.rarest_label=5", "limits.twins=0.01,1"]
    done = script("audit", *several, f"hydra.sweep.dir={tmp_path / 'all'}", "-m")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    failed = [json.loads((tmp_path / "all" / f"{at}" / "audit.json").read_text("utf-8"))["failed"] for at in range(2)]
    assert failed == [["test: twins"], []]


def test_a_limit_of_no_check_is_bad_usage(tmp_path: Path) -> None:
    done = script("audit", f"data.path={table(tmp_path / 'a.jsonl', False)}", "+limits.twin=1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "limits.twin: no such check" in done.stderr
