"""What a teacher answers about articles without labels is taught too, and only where it may be."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from actorstance import corpora, documents, pipeline
from actorstance.errors import InputError
from actorstance.examples import grouped_folds, grouped_tenth, labels
from actorstance.files import sha256
from actorstance.models import load
from actorstance.models.answers import answers
from actorstance.models.linear import LinearModel
from actorstance.models.teaching import SEED, lesson
from actorstance.models.transformer import TransformerModel

STATES = ["Peru", "Chile", "Ghana", "Nepal", "Oman", "Kenya"]
VERBS = {"blamed": "against", "met": "neutral", "thanked": "favor"}


def says(words: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=re.escape(words))


def sentence(at: int, verb: str, tail: str) -> tuple[str, str, str]:
    one, other = STATES[at % 6], STATES[(at + 1 + at // 6) % 6]
    return one, other, f"{one} {verb} {other} {tail} {at}."


def table(path: Path, tail: str, n: int = 9) -> corpora.Corpus:
    lines = []
    for at in range(n):
        for verb, label in VERBS.items():
            one, other, text = sentence(at, verb, tail)
            start = len(one) + len(verb) + 2
            spans = {"source_start": 0, "source_end": len(one), "target_start": start, "target_end": start + len(other)}
            row = {"text": text, "source": one.lower(), "target": other.lower(), "label": label, **spans}
            lines.append({**row, "split": "valid" if at % 3 == 0 else "train"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return corpora.load("table", path)


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """A linear teacher in `teacher`, and its run over articles in `read`."""
    pipeline.train(table(tmp_path / "other.jsonl", "in May"), LinearModel(), tmp_path / "teacher", eval_split="valid")
    text = "\n\n".join(sentence(at, verb, "over fish on day")[2] for at in range(6) for verb in ("blamed", "thanked"))
    pipeline.predict(load(tmp_path / "teacher"), documents.read(text), tmp_path / "read")
    return tmp_path / "read"


def test_answers_are_the_teachers_probabilities_about_sources_of_a_kind_that_is_taught(
    read: Path, tmp_path: Path
) -> None:
    train = table(tmp_path / "own.jsonl", "in June").examples
    teacher = load(tmp_path / "teacher")
    more, told = answers(str(read), teacher, train)
    assert set(more["source"][:]) <= {state.lower() for state in STATES}  # no AUTHOR: the table has none
    assert more["label"][:] == [None] * len(more)
    assert len(more) == len({(row["text"], row["source"], row["target"]) for row in more}) >= 12
    assert np.allclose(told, teacher.predict_proba(more))
    of_author = train.map(lambda row: {**row, "source": "AUTHOR", "source_start": -1, "source_end": -1})
    assert set(answers(str(read), teacher, of_author)[0]["source"][:]) == {"AUTHOR"}


def test_a_network_learns_from_answers(
    read: Path, tmp_path: Path, tiny_encoder: str, caplog: pytest.LogCaptureFixture
) -> None:
    train = table(tmp_path / "own.jsonl", "in June").examples
    settings = {"encoder": tiny_encoder, "epochs": 20, "patience": 30, "lr": 3e-3, "head_lr": 3e-3, "batch_size": 8}
    teacher = str(tmp_path / "teacher")
    with caplog.at_level(logging.INFO):
        taught = TransformerModel(teacher=teacher, answers=str(read), **settings).fit(train, train)  # type: ignore[arg-type]
    assert re.search(r"model\.answers: 24 of 48 examples, in 12 sentences", caplog.text)
    alone = TransformerModel(teacher=teacher, **settings).fit(train, train)  # type: ignore[arg-type]
    more, told = answers(str(read), load(teacher), train)
    nearer, farther = (np.abs(model.predict_proba(more) - told).mean() for model in (taught, alone))
    assert nearer < 0.8 * farther


def test_teachers_trained_anew_answer_about_what_they_did_not_see(read: Path, tmp_path: Path) -> None:
    train = table(tmp_path / "own.jsonl", "in June").examples
    params = {"teacher": str(tmp_path / "teacher"), "answers": str(read), "label_smoothing": 0.0, "balance": 0.0}
    asked, taught = lesson(train, {**params, "teacher_folds": 3}, None)
    teacher = load(tmp_path / "teacher")
    told, about_more = np.zeros((len(train), 3)), []
    more, _ = answers(str(read), teacher, train)
    for others, part in grouped_folds(train, 3, SEED):
        anew = LinearModel(**teacher.params).fit(*grouped_tenth(train.select(others), SEED))
        told[part] = anew.predict_proba(train.select(part))
        about_more.append(anew.predict_proba(more))
    assert np.allclose(taught["wanted"][: len(train)], (np.eye(3)[labels(train)] + told) / 2)
    assert np.allclose(taught["wanted"][len(train) :], np.mean(about_more, axis=0))
    assert asked["text"][:] == [*train["text"][:], *more["text"][:]]
    _, by_heart = lesson(train, {**params, "teacher_folds": 0}, None)
    assert not np.allclose(taught["wanted"], by_heart["wanted"])


def test_teachers_trained_anew_resume_with_their_student(
    read: Path, tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = table(tmp_path / "own.jsonl", "in June")
    TransformerModel(encoder=tiny_encoder, epochs=1).fit(corpus.examples, corpus.examples).save(tmp_path / "net")
    settings = {"encoder": tiny_encoder, "epochs": 1, "teacher": str(tmp_path / "net"), "teacher_folds": 2}
    whole = TransformerModel(**settings).fit(corpus.examples, corpus.examples, tmp_path / "whole")  # type: ignore[arg-type]
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {"teacher-1", "teacher-2", "seed-0"}
    with monkeypatch.context() as patch:
        patch.setattr("actorstance.models.transformer.TransformerModel._train", _only_teachers)
        with pytest.raises(KeyboardInterrupt):
            TransformerModel(**settings).fit(corpus.examples, corpus.examples, tmp_path / "killed")  # type: ignore[arg-type]
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"teacher-1"}
    again = TransformerModel(**settings).fit(corpus.examples, corpus.examples, tmp_path / "killed")  # type: ignore[arg-type]
    np.testing.assert_array_equal(whole.predict_proba(corpus.examples), again.predict_proba(corpus.examples))


_train = TransformerModel._train


def _only_teachers(model: TransformerModel, *arguments: Any) -> list[dict[str, Any]]:
    if arguments[-1].name == "teacher-2":
        raise KeyboardInterrupt
    return _train(model, *arguments)


def test_a_run_names_the_answers_it_learned_from_and_resumes_with_no_others(
    read: Path, tmp_path: Path, tiny_encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = table(tmp_path / "own.jsonl", "in June")
    model = TransformerModel(encoder=tiny_encoder, epochs=1, teacher=str(tmp_path / "teacher"), answers=str(read))
    with monkeypatch.context() as patch:
        patch.setattr("actorstance.models.transformer.TransformerModel.fit", _killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.train(own, model, tmp_path / "run", eval_split="valid")
    lines = (read / "predictions.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (read / "predictions.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    with says("answers"):
        pipeline.train(own, model, tmp_path / "run", eval_split="valid", resume=True)
    (read / "predictions.jsonl").write_text("".join(lines), encoding="utf-8")
    pipeline.train(own, model, tmp_path / "run", eval_split="valid", resume=True)
    digest = sha256(read / "predictions.jsonl")
    assert load(tmp_path / "run").card["answers"] == digest
    assert digest in (tmp_path / "run" / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")


def _killed(_model: TransformerModel, _train: Dataset, _tune: Dataset, checkpoints: Path) -> None:
    (checkpoints / "checkpoint-of-a-test").mkdir()  # with one, a run that ends early can be resumed
    raise KeyboardInterrupt


def test_what_is_no_teachers_answer_is_refused(read: Path, tmp_path: Path) -> None:
    with says("it needs model.teacher"):
        TransformerModel(answers=str(read))
    with says("and model.context=false"):
        TransformerModel(answers=str(read), teacher=str(tmp_path / "teacher"), context=True)
    for folds, teacher in ((1, str(tmp_path / "teacher")), (2, None)):
        with says(f"model.teacher_folds={folds}: 0, or 2 to 20 with a model.teacher"):
            TransformerModel(teacher=teacher, teacher_folds=folds)
    with says("model.answers=3: expected a run's folder"):
        TransformerModel(answers=3)  # type: ignore[arg-type]
    own = table(tmp_path / "own.jsonl", "in June")
    pipeline.train(own, LinearModel(), tmp_path / "stranger", eval_split="valid")
    with says("another model than model.teacher answered there"):
        answers(str(read), load(tmp_path / "stranger"), own.examples)
    with says("expected a run of predict.py over articles"):
        answers(str(tmp_path / "stranger"), load(tmp_path / "stranger"), own.examples)
    with says("not for several corpora at once"):
        answers(str(read), load(tmp_path / "teacher"), own.examples.add_column("corpus", ["a"] * len(own.examples)))
    named_elsewhere = own.examples.map(lambda row: {**row, "source_start": -1, "source_end": -1})
    with says("none of its examples has a source of a kind that is taught here"):
        answers(str(read), load(tmp_path / "teacher"), named_elsewhere)
    page = documents.read("Peru blamed Chile in July.\n")
    pipeline.predict(load(tmp_path / "teacher"), page, tmp_path / "shifted", wanted_priors=[0.2, 0.6, 0.2])
    with says("it was read under other label priors"):
        answers(str(tmp_path / "shifted"), load(tmp_path / "teacher"), own.examples)


def test_sentences_of_the_corpus_may_not_be_answered(read: Path, tmp_path: Path, tiny_encoder: str) -> None:
    own = table(tmp_path / "own.jsonl", "over fish on day")
    model = TransformerModel(encoder=tiny_encoder, teacher=str(tmp_path / "teacher"), answers=str(read))
    with says("6 of its sentences stand in what data=table is scored or tuned on"):
        pipeline.train(own, model, tmp_path / "run", eval_split="valid")
    assert not (tmp_path / "run").exists()
