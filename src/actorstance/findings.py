"""The headline findings of a run, in words: what its intervals bear, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from actorstance.actors import AUTHOR, UNKNOWN
from actorstance.correction import LEVEL
from actorstance.examples import LABELS
from actorstance.wording import number, plural

CLEAREST = 3  # pairs that are told of either kind
_BY_MODEL = "By the model's word "
Rows = Sequence[Mapping[str, Any]]


class Finding(NamedTuple):
    """A sentence, and what it speaks of: `against`, `favor`, or `plain`."""

    tone: str
    text: Markup


def of_reading(actors: Rows, pairs: Rows, name: Callable[[str], str]) -> list[Finding]:
    """Return what articles say: whom they speak of most, who stands clearest on whom, and in what voice.

    Args:
        actors: the rows of actors.csv.
        pairs: the rows of pairs.csv.
        name: actor -> its name for a reader.

    """
    result = []
    received = [row for row in actors if row["role"] == "received"]
    if received:
        most = max(received, key=lambda row: row["n"])
        result.append(
            Finding(
                _tone(most),
                Markup("No actor is the object of more stances than <b>{}</b>: {}, {}.").format(
                    name(most["actor"]), plural(most["n"], "example"), _score(most)
                ),
            )
        )
    clear = [row for row in pairs if _clear(row) and row["source"] not in (AUTHOR, UNKNOWN)]
    for tone, verb, sign in (("against", "stands clearest against", -1), ("favor", "stands clearest for", 1)):
        told = sorted((row for row in clear if row["score"] * sign > 0), key=lambda row: -abs(row["score"]))[:CLEAREST]
        for row in told[:1]:
            sentence = Markup("{}<b>{}</b> {} <b>{}</b>: {} in {}.").format(
                _BY_MODEL * _uncorrected(row),
                name(row["source"]),
                verb,
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
                Markup("{} text in its own voice {}: {} over {}.").format(
                    f"{_BY_MODEL}the" if _uncorrected(voice) else "The",
                    _leaning(voice),
                    _score(voice),
                    plural(voice["n"], "example"),
                ),
            )
        )
    result.append(_how_many(pairs))
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
    return Markup(" Then {}.").format(others)


def _how_many(pairs: Rows) -> Finding:
    given = [row for row in pairs if row["low"] is not None]
    clear = sum(_clear(row) for row in given)
    few = len(pairs) - len(given)
    text = Markup("Of {}, {} too few groups for an interval").format(
        plural(len(pairs), "pair"), f"{few:,} {'has' if few == 1 else 'have'}"
    )
    if given:
        uncorrected = sum(map(_uncorrected, given))
        how = f" ({f'{uncorrected:,} ' * (uncorrected < len(given))}uncorrected)" if uncorrected else ""
        text += Markup("; of the other {}{} the interval of <b>{}</b> lies clear of 0").format(
            f"{len(given):,}", how, f"{clear:,}"
        )
        corrected = [row for row in given if not _uncorrected(row)]
        if corrected and uncorrected:
            text += Markup("; of the {} corrected <b>{}</b>").format(
                f"{len(corrected):,}", f"{sum(map(_clear, corrected)):,}"
            )
        if corrected:  # how often an uncorrected interval leaves out the truth nobody knows
            chance = round((1 - LEVEL) * len(corrected), 9)
            text += f", where chance alone would clear {'fewer than one' if chance < 1 else f'some {round(chance):,}'}"
    return Finding("plain", text + ".")


def of_scores(metrics: Mapping[str, Any]) -> list[Finding]:
    """Return how good a model is on held-out examples, beside what needs no reading: from metrics.json."""
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
        Markup("On {} of {} that it has not seen, the model's macro-F1 over three labels is <b>{}</b>{}.").format(
            plural(metrics["n"], "example"),
            plural(metrics["documents"], "document"),
            number(metrics["macro_f1"], 3),
            within,
        ),
    )


def _twins(metrics: Mapping[str, Any]) -> Finding:
    clean = metrics["clean"]
    if clean["n"] is None:
        text = "The training examples were not at hand, so nobody can say which of these stand in training too."
        return Finding("plain", Markup("{}").format(text))
    twins = metrics["n"] - clean["n"]
    if not twins:
        return Finding("plain", Markup("None of these sentences stands in training too."))
    return Finding(
        "plain",
        Markup("{} stand in training too. On the {} others macro-F1 is <b>{}</b>: that is the figure to quote.").format(
            plural(twins, "of these examples", "of these examples"), f"{clean['n']:,}", number(clean["macro_f1"], 3)
        ),
    )


def _clear(row: Mapping[str, Any]) -> bool:
    """Whether an interval does not hold 0."""
    return row["low"] is not None and (row["low"] > 0 or row["high"] < 0)


def _uncorrected(row: Mapping[str, Any]) -> bool:
    """Whether a score is the model's word: then the sentence that tells it says so."""
    return bool(row["correction"] == "none")


def _tone(row: Mapping[str, Any]) -> str:
    return ("favor" if row["score"] > 0 else "against") if _clear(row) else "plain"


def _leaning(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return "cannot be told to lean either way"
    if not _clear(row):
        return "leans neither way"
    return "leans " + ("towards those it names" if row["score"] > 0 else "against those it names")


def _score(row: Mapping[str, Any]) -> str:
    score = f"{'uncorrected ' * _uncorrected(row)}score {number(row['score'], 2, True)}"
    if row["low"] is None:
        return f"{score} (no interval)"
    return f"{score} ({number(row['low'], 2, True)} to {number(row['high'], 2, True)})"
