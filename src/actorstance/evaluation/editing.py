"""Changing a sentence without losing its mentions: names replaced, a verb negated, source and target exchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from actorstance.syntax.tagging import Tagged, lexicon

Row = dict[str, Any]
Edit = tuple[int, int, str]  # start, end, replacement


def edited(row: Row, edits: Sequence[Edit]) -> Row:
    """Return an example with its text changed, and the offsets of its mentions moved along.

    Args:
        row: an example.
        edits: stretches of its text and their replacements; they neither overlap nor cut a mention. If a stretch
            is a mention, its replacement becomes the mention.

    Example:
        >>> row = {"text": "Ana met Bo.", "source_start": 0, "source_end": 3, "target_start": 8, "target_end": 10}
        >>> new = edited(row, [(0, 3, "Cleo"), (4, 4, "never ")])
        >>> new["text"], new["text"][new["target_start"]:new["target_end"]]
        ('Cleo never met Bo.', 'Bo')

    """
    text, moved = row["text"], dict(row)
    ordered = sorted(edits)
    for role in ("source", "target"):
        start, end = row[f"{role}_start"], row[f"{role}_end"]
        if start >= 0:
            moved[f"{role}_start"] = start + sum(len(new) - (b - a) for a, b, new in ordered if b <= start)
            moved[f"{role}_end"] = end + sum(len(new) - (b - a) for a, b, new in ordered if b <= end and a < end)
    pieces, at = [], 0
    for start, end, new in ordered:
        pieces += [text[at:start], new]
        at = end
    return {**moved, "text": "".join([*pieces, text[at:]])}


def negation(text: str, after: int = 0) -> Edit | None:
    """Return what negates the first finite verb after a place: `not` after an auxiliary, `never` before another verb.

    None if there is no verb, or it is already negated.

    Example:
        >>> negation("France has accused Libya.", 6), negation("France accused Libya.", 6)
        ((10, 10, ' not'), (7, 7, 'never '))

    """
    tagged = Tagged(text, [(0, len(text), False)])
    for at, (tag, start, end) in enumerate(zip(tagged.tags, tagged.starts, tagged.ends, strict=True)):
        if start < after or tag not in ("V", "X"):
            continue
        word, following = tagged.words[at], "".join(tagged.words[at + 1 : at + 2])
        if word.endswith(("n't", "not")) or following.strip("'") in ("not", "never", "t") or word[0] == "'":
            return None
        return (end, end, " not") if tag == "X" else (start, start, "never ")
    return None


def everywhere(row: Row, new: dict[str, str]) -> list[Edit]:
    """Return the edits that put a new name in place of a mention, and wherever else the sentence has the same words."""
    edits: list[Edit] = []
    for role, name in new.items():
        edits.append((row[f"{role}_start"], row[f"{role}_end"], name))
    taken = spans_of(row)
    for role, name in new.items():
        for found in re.finditer(rf"(?<!\w){re.escape(mention_of(row, role))}(?!\w)", row["text"]):
            if all(found.end() <= start or end <= found.start() for start, end in taken):
                edits.append((*found.span(), name))
                taken.append(found.span())
    return edits


def named(row: Row) -> list[str]:
    """Return the roles that are mentioned, if all are by name."""
    roles = mentioned(row)
    mentions = [mention_of(row, role) for role in roles]
    names = all(mention[0].isupper() and mention.lower() not in lexicon().closed for mention in mentions)
    return roles if names else []


def mentioned(row: Row) -> list[str]:
    """Return the roles that are mentioned; none if the two mentions overlap."""
    apart = all(a[1] <= b[0] for a, b in pairwise(sorted(spans_of(row))))
    return [role for role in ("source", "target") if apart and row[f"{role}_start"] >= 0]


def free(row: Row, end: int) -> bool:
    """Return whether no mention begins before a place."""
    return all(start >= end for start, _ in spans_of(row))


def spans_of(row: Row) -> list[tuple[int, int]]:
    """Return where the mentions of an example are."""
    return [(row[f"{role}_start"], row[f"{role}_end"]) for role in ("source", "target") if row[f"{role}_start"] >= 0]


def mention_of(row: Row, role: str) -> str:
    """Return the words of a mention."""
    found: str = row["text"][row[f"{role}_start"] : row[f"{role}_end"]]
    return found


def turned_round(row: Row) -> Row:
    """Return the example with source and target exchanged."""
    turned = dict(row)
    for end in ("", "_start", "_end"):
        turned[f"source{end}"], turned[f"target{end}"] = row[f"target{end}"], row[f"source{end}"]
    return turned
