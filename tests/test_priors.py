"""Label priors: what Bayes' rule and expectation maximisation must give, and how a run of predict takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstance import corpora, documents, load, pipeline
from actorstance.commands import cli
from actorstance.errors import InputError
from actorstance.evaluation.priors import Priors, priors, shares
from actorstance.examples import LABELS

RAW = "Turkey on Monday accused Russia of breaking the truce.\n\nFrance praised Iran for the help it had sent.\n"


def drawn(share: list[float], n: int = 6000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with these shares, a signal of each, and what a calibrated model that learned (.4, .3, .3) makes of it."""
    rng = np.random.default_rng(0)
    gold = rng.choice(3, size=n, p=share)
    middles = np.array([[0.0, 0.0], [1.8, 0.0], [0.0, 1.8]])
    signal = rng.normal(middles[gold])
    likelihood = np.exp(-((signal[:, None, :] - middles) ** 2).sum(axis=2) / 2)
    chances = likelihood * [0.4, 0.3, 0.3]
    return gold, likelihood, chances / chances.sum(axis=1, keepdims=True)


def test_new_shares_are_estimated_from_the_probabilities_alone() -> None:
    wanted = [0.1, 0.75, 0.15]
    gold, likelihood, chances = drawn(wanted)
    found = priors("estimate", [0.4, 0.3, 0.3], chances)
    assert found is not None
    assert found.estimated
    assert np.abs(np.asarray(found.new) - np.bincount(gold) / len(gold)).max() < 0.02
    assert np.abs(np.asarray(shares(chances)) - wanted).max() > 0.1  # what counting probabilities would give
    by_bayes = likelihood * found.new
    assert found.applied(chances) == pytest.approx(by_bayes / by_bayes.sum(axis=1, keepdims=True))
    assert (found.applied(chances).argmax(axis=1) == gold).mean() > (chances.argmax(axis=1) == gold).mean() + 0.03


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_there_and_back_again(own: list[float], new: list[float]) -> None:
    before, after = (tuple(share / sum(found) for share in found) for found in (own, new))
    chances = np.random.default_rng(0).dirichlet([1, 1, 1], size=20)
    there = Priors(before, after, estimated=False).applied(chances)
    assert there.sum(axis=1) == pytest.approx(np.ones(20))
    assert Priors(after, before, estimated=False).applied(there) == pytest.approx(chances)


def test_a_label_that_cannot_occur_has_no_probability() -> None:
    found = priors([0.5, 0.5, 0.0], [0.4, 0.3, 0.3], np.empty((0, 3)))
    assert found is not None
    chances = found.applied(np.array([[0.2, 0.2, 0.6], [0.0, 0.0, 1.0]]))
    assert chances.tolist() == [[pytest.approx(0.3 / 0.7), pytest.approx(0.4 / 0.7), 0.0], [0.5, 0.5, 0.0]]


@pytest.mark.parametrize(
    ("wanted", "own", "says"),
    [
        ([0.5, 0.5], [0.4, 0.3, 0.3], "shares of against, neutral, favor"),
        ([0.5, 0.6, 0.1], [0.4, 0.3, 0.3], "sum to 1"),
        ([-0.1, 1.0, 0.1], [0.4, 0.3, 0.3], "shares"),
        ([float("nan"), 0.5, 0.5], [0.4, 0.3, 0.3], "shares"),
        ("guess", [0.4, 0.3, 0.3], "'guess': expected estimate"),
        ([0.1, 0.8, 0.1], None, "train it with this version"),
        ("estimate", ["a", 0, 1], "train it with this version"),
    ],
)
def test_what_are_no_priors(wanted: Any, own: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        priors(wanted, own, np.full((2, 3), 1 / 3))


def rows(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]


def stances_tried(run: Path) -> int:
    """How many sentences that the model takes for a stance were tried with a negation."""
    told = json.loads((run / "behaviour.json").read_text(encoding="utf-8"))
    return int(next(check["n"] for check in told["checks"] if check["name"] == "negation added"))


def test_new_articles_are_read_under_them(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text(RAW, encoding="utf-8")
    model = load(trained)
    pipeline.predict(model, documents.read(tmp_path / "a.txt"), tmp_path / "plain")
    common = ["predict", str(tmp_path / "a.txt"), "--run", str(trained)]
    assert cli.main([*common, "--out", str(tmp_path / "rare"), "--priors", "0.05,0.9,0.05"]) == 0
    said = capsys.readouterr().out
    assert "label priors, as given: against 0.05, neutral 0.90, favor 0.05" in said
    shifted = Priors(tuple(model.card["priors"]), (0.05, 0.9, 0.05), estimated=False)
    before = np.array([[row[label] for label in LABELS] for row in rows(tmp_path / "plain")])
    after = np.array([[row[label] for label in LABELS] for row in rows(tmp_path / "rare")])
    assert after == pytest.approx(shifted.applied(before))
    assert (after[:, 1] > before[:, 1]).all()
    # A set holds each label at its own rate, however common the label is: priors leave it as it was.
    assert [row["set"] for row in rows(tmp_path / "rare")] == [row["set"] for row in rows(tmp_path / "plain")]
    page = (tmp_path / "rare" / "report.html").read_text(encoding="utf-8")
    assert "adjusted to the label priors against 0.05, neutral 0.90, favor 0.05 (as given)" in page
    assert "label priors" not in (tmp_path / "plain" / "report.html").read_text(encoding="utf-8")
    pipeline.predict(model, documents.read(tmp_path / "a.txt"), tmp_path / "none", wanted_priors=[0.0, 1.0, 0.0])
    assert stances_tried(tmp_path / "plain") > 0
    assert stances_tried(tmp_path / "none") == 0
    assert cli.main([*common, "--out", str(tmp_path / "bad"), "--priors", "0.05,0.9"]) == 2
    assert not (tmp_path / "bad").exists()


def test_another_corpus_is_scored_under_them_and_its_own_is_not(trained: Path, tmp_path: Path) -> None:
    model = load(trained)
    text = "Turkey accused Russia of breaking the truce."
    file = tmp_path / "table.jsonl"
    lines = [
        {"text": text, "source": "Turkey", "target": "Russia", "label": "against"},
        {"text": "France met Iran in the capital.", "source": "France", "target": "Iran", "label": "neutral"},
    ] * 6
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    corpus = corpora.load("table", file)
    plain = pipeline.evaluate(model, corpus, tmp_path / "plain")
    found = pipeline.evaluate(model, corpus, tmp_path / "shifted", wanted_priors=[0.0, 1.0, 0.0])
    assert plain["per_label"]["against"]["recall"] == 1.0
    assert found["per_label"]["against"]["recall"] == 0.0
    assert found["priors"]["new"] == {"against": 0.0, "neutral": 1.0, "favor": 0.0}
    assert "priors" not in plain
    assert stances_tried(tmp_path / "plain") > 0
    assert stances_tried(tmp_path / "shifted") == 0
    model.card["fingerprint"] = corpus.fingerprint
    with pytest.raises(InputError, match="on its own"):
        pipeline.evaluate(model, corpus, tmp_path / "own", wanted_priors="estimate")
