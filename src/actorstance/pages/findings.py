"""The headline findings of a run, in words: what its intervals support, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from actorstance.actors import AUTHOR, UNKNOWN
from actorstance.correction import LEVEL
from actorstance.examples import LABELS
from actorstance.wording import number, plural

CLEAREST = 3  # pairs that are named of either kind
SLIGHT = 0.1  # mean score below which nobody is clearly for or against
_BY_MODEL = "According to the model, "
Rows = Sequence[Mapping[str, Any]]


class Finding(NamedTuple):
    """A sentence, and what it is about: `against`, `favor`, or `plain`."""

    tone: str
    text: Markup


def of_reading(actors: Rows, pairs: Rows, name: Callable[[str], str], groups: str = "articles") -> list[Finding]:
    """Return what articles say: whom they speak of most, who has the clearest stance on whom, and in what voice.

    Args:
        actors: the rows of actors.csv.
        pairs: the rows of pairs.csv.
        name: actor -> its name for a reader.
        groups: what the intervals resample: `articles`, or for a single one its `sentences`.

    """
    result = []
    received = [row for row in actors if row["role"] == "received"]
    if received:
        most = max(received, key=lambda row: row["n"])
        result.append(
            Finding(
                _tone(most),
                Markup("<b>{}</b> is the actor most often asked about ({}): {}.").format(
                    name(most["actor"]), plural(most["n"], "example"), _score(most)
                ),
            )
        )
    off_zero = [row for row in pairs if clear(row) and row["source"] not in (AUTHOR, UNKNOWN)]
    for tone in ("against", "favor"):
        told = [row for row in off_zero if _tone(row) == tone]
        told = sorted(told, key=lambda row: -abs(row["score"]))[:CLEAREST]
        for row in told[:1]:
            sentence = Markup("{}<b>{}</b> {} <b>{}</b>: {} in {}.").format(
                _BY_MODEL * _uncorrected(row),
                name(row["source"]),
                _stands(row),
                name(row["target"]),
                _score(row),
                plural(row["n"], "example"),
            )
            result.append(Finding(tone, sentence + _also(told[1:], name)))
    voice = next((row for row in actors if row["actor"] == AUTHOR and row["role"] == "expressed"), None)
    if voice:
        result.append(
            Finding(
                _tone(voice),
                Markup("{} text in its own voice {}: {} in {}.").format(
                    f"{_BY_MODEL}the" if _uncorrected(voice) else "The",
                    _leaning(voice),
                    _score(voice),
                    plural(voice["n"], "example"),
                ),
            )
        )
    result.append(_how_many(pairs, groups))
    return result


def _also(rows: Rows, name: Callable[[str], str]) -> Markup:
    if not rows:
        return Markup("")
    others = Markup("; ").join(
        Markup("{} on {} ({}{})").format(
            name(row["source"]),
            name(row["target"]),
            number(row["score"], 2, True),
            ", uncorrected" * _uncorrected(row),
        )
        for row in rows
    )
    return Markup(" Next: {}.").format(others)


def _how_many(pairs: Rows, groups: str) -> Finding:
    given = [row for row in pairs if row["low"] is not None]
    few = len(pairs) - len(given)
    text = Markup("Of {}").format(plural(len(pairs), "pair"))
    if few or not given:
        occur, they = ("occurs", "it has") if few == 1 else ("occur", "they have")
        text += Markup(", {} {} in fewer than five {}, so {} no interval.").format(f"{few:,}", occur, groups, they)
        text += Markup(" Of the other {}").format(f"{len(given):,}") if given else ""
    if given:
        uncorrected = sum(map(_uncorrected, given))
        how = f" ({f'{uncorrected:,} ' * (uncorrected < len(given))}uncorrected)" if uncorrected else ""
        text += Markup("{}, <b>{}</b>").format(how, _exclude(given))
        corrected = [row for row in given if not _uncorrected(row)]
        if corrected and uncorrected:
            text += Markup("; of the {} corrected, <b>{}</b>").format(f"{len(corrected):,}", _exclude(corrected))
        if corrected:  # how often an uncorrected interval misses the truth is unknown
            chance = round((1 - LEVEL) * len(corrected), 9)
            text += f" (by chance alone: {'fewer than one' if chance < 1 else f'some {round(chance):,}'})"
        text += "."
    return Finding("plain", text)


def _exclude(rows: Rows) -> str:
    """How many intervals exclude 0."""
    number = sum(map(clear, rows))
    if number <= 1:
        return f"{('none', 'one')[number]} has an interval that excludes 0"
    return f"{number:,} have intervals that exclude 0"


def of_scores(metrics: Mapping[str, Any]) -> list[Finding]:
    """Return how good a model is on held-out examples, beside baselines that need no reading: from metrics.json."""
    result = [_overall(metrics), _twins(metrics)]
    names = metrics["names_only"]["macro_f1"]
    beside = f"Always saying the commonest label gives {number(metrics['majority']['macro_f1'], 3)}"
    if names is not None:
        beside += f", a model that sees the two names and no sentence {number(names, 3)}"
    result.append(Finding("plain", Markup("{}.").format(beside)))
    there = [(metrics["per_label"][label]["f1"], label) for label in LABELS if metrics["per_label"][label]["n"]]
    if there:
        f1, worst = min(there)
        row = metrics["per_label"][worst]
        result.append(
            Finding(
                "plain",
                Markup(
                    "It reads <b>{}</b> worst (F1 {}): it finds {}\u00a0% of {}, and {}\u00a0% of what it calls {} is."
                ).format(
                    worst,
                    number(f1, 2),
                    round(100 * row["recall"]),
                    plural(row["n"], "example"),
                    round(100 * row["precision"]),
                    worst,
                ),
            )
        )
    return result


def _overall(metrics: Mapping[str, Any]) -> Finding:
    low, high = metrics["macro_f1_low"], metrics["macro_f1_high"]
    within = f" (95 % interval {number(low, 3)} to {number(high, 3)})" if low is not None else ""
    return Finding(
        "plain",
        Markup("On {} from {} not used in training, the model's macro-F1 over three labels is <b>{}</b>{}.").format(
            plural(metrics["n"], "example"),
            plural(metrics["documents"], "document"),
            number(metrics["macro_f1"], 3),
            within,
        ),
    )


def _twins(metrics: Mapping[str, Any]) -> Finding:
    clean = metrics["clean"]
    if clean["n"] is None:
        text = "The training data was not available, so it is unknown which of these examples it also contains."
        return Finding("plain", Markup("{}").format(text))
    twins = metrics["n"] - clean["n"]
    if not twins:
        return Finding("plain", Markup("None of these sentences also occurs in the training data."))
    return Finding(
        "plain",
        Markup("{} also {} in the training data. On the other {}, macro-F1 is <b>{}</b>: quote that figure.").format(
            plural(twins, "of these examples", "of these examples"),
            "occurs" if twins == 1 else "occur",
            f"{clean['n']:,}",
            number(clean["macro_f1"], 3),
        ),
    )


def clear(row: Mapping[str, Any]) -> bool:
    """Return whether the interval of a row of scores excludes 0, as it is printed: with two digits.

    Example:
        >>> clear({"low": 0.02, "high": 0.3}), clear({"low": 0.004, "high": 0.3}), clear({"low": None, "high": None})
        (True, False, False)

    """
    return row["low"] is not None and (round(row["low"], 2) > 0 or round(row["high"], 2) < 0)


def _uncorrected(row: Mapping[str, Any]) -> bool:
    """Whether no labels have corrected a score: the sentence that reports it then says so."""
    return bool(row["correction"] == "none")


def _tone(row: Mapping[str, Any]) -> str:
    return ("favor" if row["score"] > 0 else "against") if clear(row) else "plain"


def _stands(row: Mapping[str, Any]) -> str:
    if abs(row["score"]) < SLIGHT:
        return f"leans slightly {'toward' if row['score'] > 0 else 'against'}"
    return f"stands clearest {'for' if row['score'] > 0 else 'against'}"


def _leaning(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return "cannot be said to lean either way"
    if not clear(row):
        return "leans neither way"
    slightly = "slightly " * (abs(row["score"]) < SLIGHT)
    return f"leans {slightly}{'toward' if row['score'] > 0 else 'against'} those it names"


def _score(row: Mapping[str, Any]) -> str:
    score = f"{'uncorrected ' * _uncorrected(row)}score {number(row['score'], 2, True)}"
    if row["low"] is None:
        return f"{score} (no interval)"
    return f"{score} ({number(row['low'], 2, True)} to {number(row['high'], 2, True)})"
