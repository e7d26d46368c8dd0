"""Read published corpora, each as its authors publish it, into rows of the schema: one file per corpus.

A reader is a generator over (where, row) that keeps its account in a `Tally`: rows read, kept, dropped by reason, and
read per split, to compare with the published numbers (`PUBLISHED`), so that a copy with a piece missing is noticed.
`tables` reads any table with labels, `newsroom` the bundled corpus; `joint` makes one corpus of several.
"""

from __future__ import annotations

import re

AGAINST, NEUTRAL, FAVOR = "against", "neutral", "favor"

# corpus, or a form of it -> part -> rows, as its authors publish it
PUBLISHED: dict[str, dict[str, int]] = {
    "dse": {"train": 13_144, "valid": 1_461, "test": 1_623},
    "seesaw": {"train": 6_263, "valid": 2_436, "test": 1_920},
    "newsmtsc": {"train": 8_739, "mt valid": 442, "mt test": 1_034, "rw valid": 343, "rw test": 803},
    "newsmtsc, devtest": {"train": 8_739, "mt test": 1_476, "rw test": 1_146},
    "semeval": {"train": 2_914, "a test": 1_249, "b test": 707},
    "tweeteval": {"train": 2_620, "valid": 294, "test": 1_249},
}

_SPACES = re.compile(r"\s+")
_PLAIN = str.maketrans("’‘_", "'' ")  # what a name and the text may write differently


def actor_of(mention: str) -> str:
    """Return the actor's id where a corpus has only a name: its words in lower case.

    Example:
        >>> actor_of(" Port  Varna")
        'port varna'

    """
    return _SPACES.sub(" ", mention).strip().casefold()


def canonical(name: str) -> str:
    """Return a canonical name with straight apostrophes, and spaces for underscores: same length, same offsets.

    Example:
        >>> canonical("Ostian_Party’s")
        "Ostian Party's"

    """
    return name.translate(_PLAIN)


def find_name(text: str, name: str, person: bool = False) -> tuple[int, int] | None:
    """Return the first place where a name occurs as it is, as whole words; for a person the last word will do.

    Args:
        text: a sentence.
        name: an actor's canonical name.
        person: whether the last word of the name, with a capital letter, is a mention too.

    Example:
        >>> find_name("Mr. O’Connor thanked the Ohio Party.", "danny o'connor", person=True)
        (4, 12)
        >>> find_name("Mr. O’Connor thanked the Ohio Party.", "Ohio Party")
        (25, 35)

    """
    plain, words = canonical(text), _SPACES.sub(" ", canonical(name)).strip()
    if not words:
        return None
    if found := re.search(rf"(?<!\w){re.escape(words)}(?!\w)", plain, re.IGNORECASE):
        return found.span()
    *first, last = words.split(" ")
    if person and first and len(last) > 1:
        for found in re.finditer(rf"(?<!\w){re.escape(last)}(?!\w)", plain, re.IGNORECASE):
            if plain[found.start()].isupper():
                return found.span()
    return None


def place(role: str, span: tuple[int, int] | None) -> dict[str, int]:
    """Return the columns of a role's mention."""
    return {} if span is None else {f"{role}_start": span[0], f"{role}_end": span[1]}
