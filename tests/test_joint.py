"""Several corpora at once: what each may teach, what it weighs, and going on from a saved run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray
from torch import nn

from actorstance import audit, corpora, pipeline
from actorstance.corpora import LICENCES, Corpus
from actorstance.errors import InputError
from actorstance.evaluation import conformal
from actorstance.examples import LABELS, known_labels, label_sets, labels, weights
from actorstance.models import bundle, card, load
from actorstance.models.linear import LinearModel
from actorstance.models.pair_network import label_weights, loss_over
from actorstance.models.teaching import lesson
from actorstance.models.transformer import TransformerModel
from actorstance.parts import parts_of, require_unseen
from actorstance.provenance import provenance


def says(words: str) -> pytest.RaisesExc[InputError]:
    return pytest.raises(InputError, match=re.escape(words))


VERBS = {"blamed": "against", "met": "neutral", "thanked": "favor"}
NAMES = ["ana", "bo", "cleo", "dov", "esra", "finn"]


def write(path: Path, verbs: dict[str, str], tail: str, n: int = 6) -> Path:
    """A table of sentences with those verbs, of which every third is held out; `tail` tells the corpus."""
    rows = [
        {"source": NAMES[at % 6], "target": NAMES[(at + 1 + at // 6) % 6], "verb": verb, "label": label}
        for at in range(n)
        for verb, label in verbs.items()
    ]
    lines = [
        {
            **{name: row[name] for name in ("source", "target", "label")},
            "text": f"{row['source']} {row['verb']} {row['target']} {tail} {at}.",
            "split": "valid" if at // len(verbs) % 3 == 0 else "train",
        }
        for at, row in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


class Doubter(LinearModel):
    """Knows each row's label, and gives neutral 0.5 and it 0.4 where the corpus has no neutral, else it 0.8."""

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        verbs = [next((verb for verb in VERBS if verb in text), "met") for text in examples["text"][:]]
        right = np.eye(3)[[LABELS.index(VERBS[verb]) for verb in verbs]]
        doubted = np.where(right == 1, 0.4, np.array([0.1, 0.5, 0.1]))
        by = np.array([" by " in text for text in examples["text"][:]])
        return np.where(by[:, None], doubted, 0.1 + 0.7 * right)


POLAR = {verb: label for verb, label in VERBS.items() if label != "neutral"}


def joined(folder: Path, n: int = 6, **settings: Any) -> Corpus:
    """A corpus with three labels and one without neutral, joined; `n` sentences of each of the first's."""
    paths = {
        "whole": write(folder / "whole.jsonl", VERBS, "in", n),
        "polar": write(folder / "polar.jsonl", POLAR, "by", 2 * n),
    }
    given = {key: {"name": "table", "path": str(path), **settings.get(key, {})} for key, path in paths.items()}
    return corpora.load("joint", corpora=given)


def test_joined_examples_say_whose_they_are(tmp_path: Path) -> None:
    corpus = joined(tmp_path, polar={"weight": 3})
    assert set(corpus.examples["corpus"][:]) == {"whole", "polar"}
    assert len(set(corpus.examples["example_id"][:])) == len(corpus.examples) == corpus.counts["examples"]
    assert corpus.counts["read"] == corpus.counts["kept"] == len(corpus.examples)
    sets = label_sets(corpus.examples)
    assert {name: found.tolist() for name, found in sets.items()} == {
        "whole": [True, True, True],
        "polar": [True, False, True],
    }
    polar = np.asarray(corpus.examples["corpus"][:]) == "polar"
    assert (known_labels(corpus.examples, sets)[:, 1] == ~polar).all()
    assert (weights(corpus.examples) == np.where(polar, 3.0, 1.0)).all()
    again = corpora.load(**corpus.recipe)
    assert again.fingerprint == corpus.fingerprint
    assert again.recipe == corpus.recipe


def test_a_corpus_without_neutral_does_not_teach_that_there_is_none(tmp_path: Path) -> None:
    corpus = joined(tmp_path, polar={"weight": 1000})
    pipeline.train(corpus, LinearModel(min_df=1), tmp_path / "run", eval_split="valid")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["corpora"]["whole"]["accuracy"] == 1.0
    assert metrics["corpora"]["polar"]["own_labels"]["accuracy"] == 1.0
    assert metrics["n"] == sum(row["n"] for row in metrics["corpora"].values())
    alone = corpora.load("table", tmp_path / "whole.jsonl")
    assert "corpora" not in pipeline.train(alone, LinearModel(min_df=1), tmp_path / "alone", eval_split="valid")


def test_every_figure_is_among_the_labels_that_a_corpus_has(tmp_path: Path) -> None:
    """A model that would call each row of `polar` neutral, were it asked, and is right among its own two labels."""
    corpus = joined(tmp_path)
    model = Doubter()
    found = pipeline.train(corpus, model, tmp_path / "run", eval_split="valid")  # type: ignore[arg-type]
    polar = found["corpora"]["polar"]
    assert (polar["accuracy"], polar["own_labels"]["accuracy"]) == (0.0, 1.0)
    assert (found["accuracy"], found["macro_f1"], found["clean"]["accuracy"]) == (1.0, 1.0, 1.0)
    assert found["macro_f1_low"] == 1.0
    assert found["ece"] == pytest.approx(0.2)  # 1 of 0.8, and of 0.4 among 0.4 + 0.1
    rows = [json.loads(line) for line in (tmp_path / "run" / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert all(row["neutral"] == 0 and "neutral" not in row["set"] for row in rows if row["example_id"][:5] == "polar")
    assert max(row["neutral"] for row in rows) == pytest.approx(0.8)
    assert (tmp_path / "run" / "errors.jsonl").read_text("utf-8") == ""
    kept = model.card
    assert kept["metrics"]["macro_f1"] == 1.0
    held = parts_of(corpus, "valid", 0)[2]
    as_it_says = Doubter().predict_proba(held)
    # New text can have any label: its sets and priors start from what the model says when all are asked.
    assert kept["conformal"] == conformal.calibrate(labels(held), as_it_says)
    assert kept["priors"] == as_it_says.mean(axis=0).tolist()


def test_what_needs_no_reading_chooses_among_the_labels_that_a_corpus_has_too(tmp_path: Path) -> None:
    train, _, held = parts_of(joined(tmp_path), "valid", 0)
    polar = np.asarray(held["corpus"][:]) == "polar"
    called = held.remove_columns(["label", "corpus"])  # their names are neutral, says another corpus
    called = called.add_column("label", [1] * len(held)).add_column("corpus", ["whole"] * len(held))
    taught = concatenate_datasets([train, *[called.cast_column("label", train.features["label"])] * 9])
    for said in (audit.commonest(taught, held), audit.names_only(taught, held)):
        assert 1 in said[~polar]
        assert 1 not in said[polar]
    alone = audit.names_only(taught.remove_columns("corpus"), held)
    assert 1 in alone[polar]


def test_own_labels_are_known_where_the_training_examples_are_not_at_hand(tmp_path: Path) -> None:
    corpus = joined(tmp_path)
    model = Doubter()
    pipeline.train(corpus, model, tmp_path / "run", eval_split="valid")  # type: ignore[arg-type]
    polar = corpora.load("joint", corpora={**corpus.recipe["corpora"], "third": corpus.recipe["corpora"]["polar"]})
    found = pipeline.evaluate(model, polar, tmp_path / "other", eval_split="valid")  # type: ignore[arg-type]
    for name in ("polar", "third"):
        assert (found["corpora"][name]["accuracy"], found["corpora"][name]["own_labels"]["accuracy"]) == (0.0, 1.0)
    assert found["accuracy"] == 1.0


def test_a_weight_decides_between_corpora_that_disagree(tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", {"met": "favor", "blamed": "against"}, "in")
    write(tmp_path / "other.jsonl", {"met": "against", "blamed": "favor"}, "in")
    for weight, accuracy in ((100.0, 1.0), (0.01, 0.0)):
        given = {name: {"name": "table", "path": str(tmp_path / f"{name}.jsonl")} for name in ("one", "other")}
        corpus = corpora.load("joint", corpora={**given, "one": {**given["one"], "weight": weight}})
        found = pipeline.train(corpus, LinearModel(min_df=1), tmp_path / f"run-{weight}", eval_split="valid")
        assert found["corpora"]["one"]["accuracy"] == accuracy


def test_the_part_scored_is_one_that_all_corpora_have(tmp_path: Path) -> None:
    with_test = (write(tmp_path / "a.jsonl", VERBS, "in").read_text(encoding="utf-8")).replace("valid", "test")
    (tmp_path / "a.jsonl").write_text(with_test, encoding="utf-8")
    write(tmp_path / "b.jsonl", VERBS, "by")
    given = {name: {"name": "table", "path": str(tmp_path / f"{name}.jsonl")} for name in ("a", "b")}
    corpus = corpora.load("joint", corpora=given)
    with says("eval_split=test needs the parts train and test, found train"):
        pipeline.train(corpus, LinearModel(), tmp_path / "run", eval_split="test")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "expected a table of corpora"),
        ({"newsroom": {}}, "at least two corpora are needed, found newsroom"),
        ({"newsroom": {}, "dse": None}, "at least two corpora are needed, found newsroom"),
        ({"newsroom": {"weight": 0}, "dse": {}}, "newsroom.weight=0: expected a number above 0"),
        ({"newsroom": {"pages": 1}, "dse": {}}, "data.corpora.newsroom: got an unexpected keyword argument 'pages'"),
        ({"newsroom": {}, "dse": {}}, "data=dse needs data.path"),
    ],
)
def test_joint_that_does_not_fit(given: Any, words: str) -> None:
    with says(words):
        corpora.load("joint", corpora=given)


def test_joint_has_no_settings_of_one_corpus(tmp_path: Path) -> None:
    with says("data.part: data=joint has no such setting"):
        corpora.load("joint", corpora={"newsroom": {}, "dse": {}}, part="mt")
    file = write(tmp_path / "a.jsonl", VERBS, "in")
    file.write_text(file.read_text(encoding="utf-8").replace('"split"', '"part"'), encoding="utf-8")
    with says("data.corpora.a: it has no official split"):
        corpora.load("joint", corpora={"newsroom": {}, "a": {"name": "table", "path": str(file)}})


def test_clean_leaves_out_twins_across_corpora(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.jsonl", VERBS, "in", n=9)
    rows = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()]
    flipped = [row | {"split": {"valid": "train", "train": "valid"}[row["split"]]} for row in rows]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in flipped), encoding="utf-8")
    given = {name: {"name": "table", "path": str(tmp_path / f"{name}.jsonl")} for name in ("a", "b")}
    with says("data=joint: data.split=clean leaves nothing of valid of a: each of its 9 examples has a twin in train"):
        corpora.load("joint", corpora=given, split="clean")
    official = corpora.load("joint", corpora=given, split="official")
    assert set(official.examples["split"][:]) == {"train", "valid"}
    with says("data.split='random': expected official or clean"):
        corpora.load("joint", corpora=given, split="random")


def test_loss_over_all_labels_is_the_usual_one_and_over_two_sees_no_third() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(7, 3), torch.tensor([0, 2, 0, 2, 2, 0, 2])
    wanted, balance = nn.functional.one_hot(labels, 3).float(), torch.tensor([1.0, 2.0, 0.5])
    usual = nn.CrossEntropyLoss(weight=balance, reduction="none")(logits, labels)
    everything, weights = torch.ones(7, 3, dtype=torch.bool), balance[labels]
    assert torch.allclose(loss_over(logits, wanted, everything, weights), usual.mean())
    for weight in (0.01, 1.0):  # of a batch that is all of one corpus: its weight does not fall out
        assert torch.allclose(loss_over(logits, wanted, everything, weight * weights), weight * usual.mean())
    soft = 0.9 * wanted + 0.1 / 3
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    assert torch.allclose(loss_over(logits, soft, everything, torch.ones(7)), smooth(logits, labels))
    two = everything.clone()
    two[:, 1] = False
    wild = logits.clone()
    wild[:, 1] = 50.0
    for taught in (wanted, 0.9 * wanted + 0.05 * two):
        found = loss_over(wild.requires_grad_(), taught, two, weights)
        assert torch.allclose(found, loss_over(logits, taught, two, weights))
        (gradient,) = torch.autograd.grad(found, wild)
        assert gradient.isfinite().all()
        assert (gradient[:, 1] == 0).all()
    only = loss_over(logits, wanted, everything, torch.tensor([7.0, *[0.0] * 6]))
    assert torch.allclose(only, nn.CrossEntropyLoss()(logits[:1], labels[:1]))


def test_teacher_is_taught_beside_the_labels_among_those_that_a_corpus_has(tmp_path: Path, tiny_encoder: str) -> None:
    examples = joined(tmp_path).examples
    train = examples.select(np.flatnonzero(np.asarray(examples["split"][:]) == "train"))
    turned = write(tmp_path / "turned.jsonl", {"blamed": "favor", "met": "neutral", "thanked": "against"}, "in")
    pipeline.train(corpora.load("table", turned), LinearModel(), tmp_path / "run", eval_split="valid")
    told = load(tmp_path / "run").predict_proba(train)
    polar = np.asarray(train["corpus"][:]) == "polar"
    told[polar, 1] = 0
    told /= told.sum(axis=1, keepdims=True)
    student = TransformerModel(encoder=tiny_encoder, teacher=str(tmp_path / "run"))
    _, taught = lesson(train, student.params, None)
    one_hot = np.eye(3)[labels(train)]
    weighed = (one_hot + told) / 2 * label_weights(labels(train), 0.25) * weights(train)[:, None]
    assert np.allclose(taught["wanted"], weighed / weighed.sum(axis=1, keepdims=True))
    assert np.allclose(taught["weights"], weighed.sum(axis=1) / weighed.sum(axis=1).mean())
    assert (taught["wanted"][polar, 1] == 0).all()
    assert told[labels(train) == 0, 2].min() > 0.9  # it would have it the other way round
    settings = {"encoder": tiny_encoder, "epochs": 25, "patience": 30, "lr": 3e-3, "head_lr": 3e-3, "batch_size": 16}
    alone = TransformerModel(**settings).fit(train, train).predict_proba(train)  # type: ignore[arg-type]
    doubting = TransformerModel(teacher=str(tmp_path / "run"), **settings).fit(train, train).predict_proba(train)  # type: ignore[arg-type]
    whole = ~polar & (labels(train) != 1)
    assert (alone * one_hot).sum(axis=1)[whole].mean() > 0.8
    assert (doubting * one_hot).sum(axis=1)[whole].mean() < 0.7
    with says("model.teacher=3: expected a run's folder"):
        TransformerModel(teacher=3)  # type: ignore[arg-type]
    with says("no such run"):
        TransformerModel(encoder=tiny_encoder, teacher=str(tmp_path / "gone")).fit(train, train)


def test_parts_are_of_each_corpus_those_that_it_has_alone_whatever_the_seed(tmp_path: Path) -> None:
    def parts(corpus: Corpus, part: str, seed: int) -> list[list[str]]:
        return [sorted(one["text"][:]) for one in parts_of(corpus, part, seed)]

    joint = joined(tmp_path)
    whole, polar = (corpora.load("table", tmp_path / f"{name}.jsonl") for name in ("whole", "polar"))
    for both, first, second in zip(
        parts(joint, "valid", 3), *(parts(one, "valid", 0) for one in (whole, polar)), strict=True
    ):
        assert first
        assert second
        assert both == sorted(first + second)
    for name, split in (("whole", "test"), ("polar", "train")):  # whole has no valid, polar has one
        lines = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        lines = [row | {"split": split if row["split"] == "valid" else row["split"]} for row in lines]
        lines += [row | {"split": "test", "text": row["text"] + " So."} for row in lines[:3]] * (name == "polar")
        lines += [row | {"split": "valid", "text": row["text"] + " Then."} for row in lines[:3]] * (name == "polar")
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    given = {name: {"name": "table", "path": str(tmp_path / f"{name}.jsonl")} for name in ("whole", "polar")}
    alone = [parts(corpora.load("table", tmp_path / f"{name}.jsonl"), "test", 0) for name in given]
    for both, first, second in zip(parts(corpora.load("joint", corpora=given), "test", 5), *alone, strict=True):
        assert both == sorted(first + second)


def test_without_an_official_split_the_seed_parts_the_corpus(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in write(tmp_path / "a.jsonl", VERBS, "in", 12).read_text().splitlines()]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({**row, "split": ""}) + "\n" for row in rows))
    corpus = corpora.load("table", tmp_path / "a.jsonl")
    first, other = (parts_of(corpus, "valid", seed)[1]["text"][:] for seed in (0, 1))
    assert first != other


@pytest.mark.parametrize(
    ("origin", "refused"),
    [
        ({"fingerprint": "same", "corpus": "table", "eval_split": "valid"}, False),
        ({"fingerprint": "same", "corpus": "table", "eval_split": "test"}, True),
        ({"fingerprint": "other", "corpus": "table", "eval_split": "test"}, False),
        ({"fingerprint": "other", "corpus": "newsroom, dse", "eval_split": "test"}, True),
        ({"fingerprint": "other", "corpus": "newsroom, dse", "eval_split": "valid"}, False),
        ({"fingerprint": "other", "corpus": "seesaw", "eval_split": "test"}, False),
    ],
)
def test_going_on_from_what_may_have_learned_from_what_is_scored(
    origin: dict[str, str], refused: bool, tmp_path: Path
) -> None:
    corpus = joined(tmp_path)
    corpus.recipe["corpora"]["whole"]["name"] = "dse"
    origin["fingerprint"] = origin["fingerprint"].replace("same", corpus.fingerprint)
    found = [{"how": "start", "seed": "0", **origin}]
    if refused:
        with says("model.start: it was trained on"):
            require_unseen(found, corpus, "valid", 0)
    else:
        require_unseen(found, corpus, "valid", 0)


def test_a_model_tuned_on_another_tenth_was_fitted_on_ours(tmp_path: Path) -> None:
    corpus = joined(tmp_path)
    told = {"how": "start", "corpus": "table", "fingerprint": corpus.fingerprint, "eval_split": "valid"}
    require_unseen([{**told, "seed": "7", "tenth": "corpus"}], corpus, "valid", 1)
    require_unseen([{**told, "seed": "0", "tenth": "unknown"}], corpus, "valid", 1)
    with says("by a version that split off the tenth to tune on by the seed (7)"):
        require_unseen([{**told, "seed": "7", "tenth": "unknown"}], corpus, "valid", 7)


def test_a_split_that_hangs_on_the_seed_is_another_with_another_seed(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in write(tmp_path / "a.jsonl", VERBS, "in").read_text().splitlines()]
    bare = tmp_path / "bare.jsonl"
    bare.write_text("".join(json.dumps({**row, "split": ""}) + "\n" for row in rows))
    corpus = corpora.load("table", bare)
    told = {"how": "teacher", "corpus": "table", "fingerprint": corpus.fingerprint, "eval_split": "test", "seed": "0"}
    require_unseen([told], corpus, "test", 0)
    with says("it may have learned from what is scored here, test (seed 1)"):
        require_unseen([told], corpus, "test", 1)


def test_a_teacher_of_another_kind_is_named_as_such(
    tmp_path: Path, tiny_encoder: str, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = corpora.load("table", write(tmp_path / "whole.jsonl", VERBS, "in"))
    pipeline.train(corpus, LinearModel(min_df=1), tmp_path / "run", eval_split="valid")
    student = TransformerModel(encoder=tiny_encoder, teacher=str(tmp_path / "run"))
    with caplog.at_level("INFO", "actorstance"):
        lesson(corpus.examples, student.params, None)
    told = r"model\.teacher, a model of kind linear: of \d+ labels it would give 100\.0 % the same"
    assert re.search(told, caplog.text)
    student.card = {"origins": bundle.origins(student.params)}
    (origin,) = provenance("train", student, 0, [], None, None)["model"]["origins"]
    assert (origin["how"], origin["kind"], origin["sha256"]) == ("teacher", "linear", load(tmp_path / "run").sha256)
    assert "it was taught answers of a model of kind linear, trained on `table`" in card.text(student)


def test_a_teacher_says_nothing_of_a_label_that_it_never_saw(tmp_path: Path, tiny_encoder: str) -> None:
    polar = write(tmp_path / "polar.jsonl", POLAR, "by", 12)
    pipeline.train(corpora.load("table", polar), LinearModel(min_df=1), tmp_path / "run", eval_split="valid")
    train = corpora.load("table", write(tmp_path / "whole.jsonl", VERBS, "in")).examples
    student = TransformerModel(encoder=tiny_encoder, teacher=str(tmp_path / "run"))
    taught = lesson(train, student.params, None)[1]["wanted"]
    neutral = labels(train) == 1
    assert (taught[neutral] == [0, 1, 0]).all()
    assert (taught[~neutral].max(axis=1) < 1).any()


def test_transformer_on_several_corpora_and_then_on_one(tmp_path: Path, tiny_encoder: str) -> None:
    settings = {"encoder": tiny_encoder, "lr": 3e-3, "head_lr": 3e-3, "dropout": 0.0, "batch_size": 16, "patience": 30}
    corpus = joined(tmp_path, 15, polar={"weight": 20})  # enough for a neutral one in the tenth that chooses the epoch
    model = TransformerModel(epochs=25, **settings)  # type: ignore[arg-type]
    found = pipeline.train(corpus, model, tmp_path / "run", eval_split="valid")
    assert found["corpora"]["whole"]["accuracy"] > 0.8
    assert found["corpora"]["polar"]["own_labels"]["accuracy"] > 0.8
    polar = corpora.load("table", tmp_path / "polar.jsonl")
    on = TransformerModel(epochs=1, start=str(tmp_path / "run"), **settings | {"lr": 1e-8, "head_lr": 1e-8})  # type: ignore[arg-type]
    then = pipeline.train(polar, on, tmp_path / "then", eval_split="valid")
    assert then["accuracy"] == found["corpora"]["polar"]["own_labels"]["accuracy"]
    (origin,) = load(tmp_path / "then").card["origins"]
    assert (origin["how"], origin["corpus"]) == ("start", "table, table")
    assert origin["sha256"] == load(tmp_path / "run").sha256
    again = TransformerModel(epochs=1, teacher=str(tmp_path / "then"), **settings)  # type: ignore[arg-type]
    assert [(one["how"], one["corpus"]) for one in bundle.origins(again.params)] == [
        ("teacher", "table"),
        ("start", "table, table"),
    ]
    told = (tmp_path / "then" / "model" / "MODEL_CARD.md").read_text()
    assert "Training started from the weights of a model of kind transformer, trained on " in told
    assert f"trained on `table` ({LICENCES['table']}), `table`" in told
    assert origin["sha256"] in told
    pipeline.train(corpora.load("newsroom"), LinearModel(), tmp_path / "linear")
    for start, words in ((tmp_path / "linear", "a model of kind linear"), (tmp_path / "gone", "no such run")):
        with says(words):
            TransformerModel(start=str(start), **settings).fit(polar.examples, polar.examples)  # type: ignore[arg-type]
    with says("Add model.encoder="):
        TransformerModel(start=str(tmp_path / "run")).fit(polar.examples, polar.examples)
