"""Corrected scores: against another implementation, against the truth of simulated corpora, and at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from actorstance.correction import MIN_GROUPS, Corrected, correct
from actorstance.evaluation import sampling


def corpus(
    seed: int, groups: int = 60, lean: float = 0.2
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Labels that agree within a group, scores of a model that leans to favor, groups, probabilities."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 5, groups)
    group = np.repeat(np.arange(groups), size)
    mood = rng.normal(0, 0.7, groups)[group] + rng.normal(0, 0.7, len(group))
    truth = np.clip(np.round(mood), -1, 1)
    strength = np.exp(np.stack([-mood, np.zeros(len(mood)), mood + lean]) + rng.normal(0, 0.6, (3, len(mood))))
    chances = (strength / strength.sum(axis=0)).T
    return truth, chances[:, 2] - chances[:, 0], group, chances


def sampled(truth: NDArray[np.float64], rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    gold = np.full(len(truth), np.nan)
    chosen = rng.choice(len(truth), n, replace=False)
    gold[chosen] = truth[chosen]
    return gold


def found(corrected: Corrected | None) -> Corrected:
    assert corrected is not None
    return corrected


def test_against_ppi_python() -> None:
    """Figures of ppi-python 0.2.3 for the same labels; made by tests/gold/ppi.py, which says how."""
    truth, scores, _, _ = corpus(5, groups=200)
    scores = np.clip(2 * scores, -1, 1)
    gold = sampled(truth, np.random.default_rng(1), 100)
    ours = found(correct(gold, np.arange(len(truth)), scores))
    assert (len(truth), ours.labelled, ours.correction) == (PPI["n"], 100, "ppi++")
    assert ours.score == pytest.approx(PPI["score"], abs=0.003)
    assert ours.high - ours.low == pytest.approx(
        PPI["width"], rel=0.06
    )  # ours: t quantiles, and a slope that costs one
    assert ours.power == pytest.approx(
        PPI["power"] * PPI["n"] / (PPI["n"] - 100), rel=0.06
    )  # theirs weighs the unlabelled


PPI = {"n": 498, "score": 0.06961, "width": 0.20918, "power": 0.68946}


def test_labels_alone_are_a_mean_with_its_t_interval() -> None:
    truth, _, _, _ = corpus(2, groups=300)
    ours = found(correct(truth, np.arange(len(truth))))
    assert (ours.power, ours.correction) == (0, "classical")
    assert ours.score == pytest.approx(truth.mean())
    assert ours.high - ours.low == pytest.approx(2 * 1.963 * truth.std(ddof=1) / np.sqrt(len(truth)), rel=0.01)
    assert ours.low_here == pytest.approx(ours.score) == ours.high_here  # all are labelled


def test_groups_are_resampled_whole() -> None:
    """The variance by formula is that of drawing whole groups anew."""
    truth, scores, group, _ = corpus(3, groups=150)
    gold = sampled(truth, np.random.default_rng(0), 200)
    ours = found(correct(gold, group, scores))
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(group == at) for at in range(150)]
    draws = []
    for _ in range(400):
        rows = np.concatenate([members[at] for at in rng.integers(150, size=150)])
        draws.append(found(correct(gold[rows], np.arange(len(rows)), scores[rows])).score)
    assert ours.error == pytest.approx(np.std(draws), rel=0.12)
    assert ours.freedom == len(np.unique(group[~np.isnan(gold)])) - 2  # a mean, and λ
    assert (ours.high - ours.low) / 2 == pytest.approx(stats.t.ppf(0.975, ours.freedom) * ours.error)


@pytest.mark.parametrize("way", ["even", "uneven", "two rounds"])
def test_intervals_hold_the_truth_of_these_articles(way: str) -> None:
    """Forty labels of 162 mentions, 300 times: an uneven sample counts by the inverse of its probabilities."""
    truth, scores, group, chances = corpus(4, lean=1.0)
    n, held, errors, widths = len(truth), 0, [], []
    rng = np.random.default_rng(0)
    variance, everything = sampling.uncertainty(chances), [np.arange(n)]
    for _ in range(300):
        numbers, known, drawn = rng.random(n), np.zeros((n, 0)), np.zeros(n, dtype=bool)
        inclusion = None
        if way == "even":
            gold = sampled(truth, rng, 40)
        else:
            for size in [20, 20] if way == "two rounds" else [40]:
                chosen, known = sampling.draw(variance, everything, size, numbers, known, drawn, rng)
                assert not drawn[chosen].any()
                drawn[chosen] = True
            gold, inclusion = np.where(drawn, truth, np.nan), known.sum(axis=1)
            assert known.sum() == pytest.approx(drawn.sum()) == 40
        ours = found(correct(gold, group, scores, inclusion))
        held += ours.low_here <= truth.mean() <= ours.high_here
        errors.append(ours.score - truth.mean())
        widths.append(ours.high_here - ours.low_here)
    assert 0.92 <= held / 300 <= 0.985
    assert abs(np.mean(errors)) < 0.015
    assert scores.mean() - truth.mean() > 0.05  # uncorrected
    assert 2 * 1.96 * np.std(errors) == pytest.approx(np.mean(widths), rel=0.15)


def test_intervals_hold_the_truth_of_articles_like_these() -> None:
    """The articles are dealt anew each time as well."""
    truth, scores, group, _ = corpus(6, groups=100)
    members = [np.flatnonzero(group == at) for at in range(100)]
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        chosen = [members[at] for at in rng.integers(100, size=100)]
        rows = np.concatenate(chosen)
        dealt = np.repeat(np.arange(100), [len(one) for one in chosen])
        ours = found(correct(sampled(truth[rows], rng, 60), dealt, scores[rows]))
        held += ours.low <= truth.mean() <= ours.high
    assert 0.92 <= held / 300 <= 0.985


@pytest.mark.parametrize("other", [False, True], ids=["of the same actors", "of other actors"])
def test_inclusion_is_what_it_says(other: bool) -> None:
    """How often each mention is drawn is its probability, in one draw or several, whoever the next is for.

    And of the first half of each sheet: half of what it has in that draw.
    """
    _, _, _, chances = corpus(7)
    n = len(chances)
    first, last, end = np.arange(0, n // 2), np.arange(n // 3, n), np.arange(3 * n // 5, n)
    sheets = [([first], 20), ([first, last], 25), ([end], 10)] if other else [([first, last], 15), ([first, last], 25)]
    variance, rng = sampling.uncertainty(chances), np.random.default_rng(0)
    often, expected = np.zeros((n, 2)), np.zeros((n, 2))
    for _ in range(600):
        numbers, known, drawn = rng.random(n), np.zeros((n, 0)), np.zeros(n, dtype=bool)
        rates = []
        for wanted, size in sheets:
            chosen, known = sampling.draw(variance, wanted, size, numbers, known, drawn, rng)
            drawn[chosen] = True
            half = chosen[: size // 2]
            often[half, 1] += 1
            rates.append(len(half) / size)
        often[:, 0] += drawn
        expected += np.column_stack([known.sum(axis=1), known @ rates])
    for which in (0, 1):
        assert expected[:, which].max() / expected[:, which].min() > 1.5
        for part in np.array_split(np.argsort(expected[:, which]), 5):
            assert often[part, which].sum() == pytest.approx(expected[part, which].sum(), rel=(0.04, 0.05)[which])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_sheet_is_full_whoever_the_next_is_for(data: Any) -> None:
    """As many as are asked for while there are any, each of a wanted actor and not asked yet."""
    n = data.draw(st.integers(2, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    variance, numbers = sampling.uncertainty(rng.dirichlet([1, 1, 1], n)), rng.random(n)
    known, drawn = np.zeros((n, 0)), np.zeros(n, dtype=bool)
    mentions = st.sets(st.integers(0, n - 1), min_size=1).map(lambda found: np.array(sorted(found)))
    for wanted in data.draw(st.lists(st.lists(mentions, min_size=1, max_size=4), min_size=2, max_size=4)):
        size, before = data.draw(st.integers(1, n)), known.sum(axis=1)
        theirs = np.isin(np.arange(n), np.concatenate(wanted))
        chosen, draws = sampling.draw(variance, wanted, size, numbers, known, drawn, rng)
        assert len(chosen) == len(set(chosen.tolist())) == min(size, (theirs & ~drawn).sum())
        assert (theirs & ~drawn)[chosen].all()
        drawn[chosen] = True
        assert draws.shape[1] == known.shape[1] + (len(chosen) > 0)
        known, chance = draws, draws.sum(axis=1)
        assert chance[~theirs] == pytest.approx(before[~theirs])
        if len(chosen):
            assert chance[theirs].sum() == pytest.approx(drawn[theirs].sum())
            assert (chance[theirs] > 0).all()
            assert (chance <= 1 + 1e-9).all()
            assert (draws >= 0).all()


def test_a_sample_that_grows_keeps_what_it_has() -> None:
    _, _, _, chances = corpus(8)
    n, variance = len(chances), sampling.uncertainty(chances)
    numbers = np.random.default_rng(0).random(n)
    wanted = [np.arange(n)]
    fresh = numbers, np.zeros((n, 0)), np.zeros(n, dtype=bool), np.random.default_rng(1)
    small, _ = sampling.draw(variance, wanted, 30, *fresh)
    large, _ = sampling.draw(variance, wanted, 60, *fresh)
    assert len(set(small.tolist()) - set(large.tolist())) <= 2  # odds do not grow in step
    everything, chance = sampling.draw(variance, wanted, 10 * n, *fresh)
    assert (sorted(everything.tolist()), chance.tolist()) == (list(range(n)), [[1.0]] * n)


@pytest.mark.parametrize("rest", [0, 1], ids=["nothing left", "one mention left"])
def test_each_interval_has_its_share_though_another_is_done(rest: int) -> None:
    """Three actors; of the third all, or all but one, are in the first sheet: the others still get what is theirs."""
    n = 212
    variance, rng = np.full(n, 0.5), np.random.default_rng(0)
    wanted = [np.arange(100), np.arange(100, 200), np.arange(200, n)]
    for _ in range(50):
        known, drawn = np.zeros((n, 0)), np.zeros(n, dtype=bool)
        chosen, known = sampling.draw(variance, wanted[2:], 12 - rest, rng.random(n), known, drawn, rng)
        drawn[chosen] = True
        chosen, known = sampling.draw(variance, wanted, 30, rng.random(n), known, drawn, rng)
        shares = [int(np.isin(chosen, at).sum()) for at in wanted]
        assert sorted(shares[:2]) in ([15, 15], [14, 15])
        half = [int(np.isin(chosen[:14], at).sum()) for at in wanted[:2]]
        assert set(half) <= {6, 7, 8}  # every beginning of a sheet has its share of each


def test_with_every_mention_labelled_nothing_of_these_articles_is_open() -> None:
    truth, scores, groups, _ = corpus(9)
    chance = np.random.default_rng(1).uniform(0.2, 1, len(truth))  # however they were drawn
    ours = found(correct(truth, groups, scores, chance))
    assert ours.score == pytest.approx(truth.mean())
    assert (ours.low_here, ours.high_here) == pytest.approx((truth.mean(), truth.mean()))
    assert ours.low < ours.score < ours.high


def test_what_cannot_be_corrected_is_not() -> None:
    truth, scores, _, _ = corpus(9)
    few = np.where(np.arange(len(truth)) < MIN_GROUPS - 1, truth, np.nan)
    assert correct(few, np.arange(len(truth)), scores) is None
    gold = np.where(np.arange(len(truth)) < 40, truth, np.nan)
    chance = np.where(np.arange(len(truth)) < 60, 0.5, 0.0)
    assert correct(gold, np.arange(len(truth)), scores, chance) is None  # some had no chance to be labelled
    with pytest.raises(ValueError, match="inclusion probability"):
        correct(truth, np.arange(len(truth)), scores, np.zeros(len(truth)))
    with pytest.raises(ValueError, match="one shape"):
        correct(truth, np.arange(len(truth)), scores[:-1])


def test_labels_that_agree_do_not_prove_that_all_would() -> None:
    gold = np.where(np.arange(200) < 30, -1.0, np.nan)
    ours = found(correct(gold, np.arange(200), np.full(200, 0.1)))
    assert (ours.score, ours.low, ours.correction) == (-1, -1, "classical")
    assert 0.05 < ours.high + 1 < 0.25


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scores_and_intervals_are_in_bounds(data: Any) -> None:
    n = data.draw(st.integers(MIN_GROUPS, 40))
    label = st.sampled_from([-1.0, 0.0, 1.0, np.nan])
    gold = np.array(data.draw(st.lists(label, min_size=n, max_size=n)))
    scores = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=n, max_size=n)))
    chance = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=n, max_size=n)))
    group = np.array(data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)))
    ours = correct(gold, group, scores, chance)
    assert (ours is None) == (len(set(group[~np.isnan(gold)].tolist())) < MIN_GROUPS)
    if ours is not None:
        assert -1 <= ours.low <= ours.score <= ours.high <= 1
        assert ours.low_here <= ours.score <= ours.high_here
        assert 0 <= ours.power <= 1
