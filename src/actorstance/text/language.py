"""Whether a text looks English, the only language that is read: by how many of its words are English function words.

Measured by `python benchmarks/language.py DATA`, on 986 articles of newsroom, PolNeAR and SEESAW, on 25,001 pieces as
short as are judged (of these articles, and of sentences of DSE and NewsMTSC), and on articles of our own in 17 other
languages (tests/gold/languages):

=====================  ============================  ========================================
share of those words   lowest of English             highest of others
=====================  ============================  ========================================
an article             0.138, median of newsroom .35 0.075 (Dutch), 0.086 (German that quotes English)
250 characters         13 of 25,001 below 0.1        0.093 (Dutch)
=====================  ============================  ========================================

"is", "was", "by" and "at" are left out, since Dutch, Afrikaans, Danish or Czech have them too. "in" and "to" are kept,
though Dutch and Czech have them: without either, some four times as many English pieces are below the limit.
"""

from __future__ import annotations

import logging

# fmt: off
ENGLISH = frozenset([
    "the", "of", "and", "to", "in", "on", "as", "an", "are", "for", "with", "from", "that", "this", "these", "which",
    "who", "what", "where", "when", "if", "than", "not", "but", "be", "has", "have", "had", "were", "been", "being",
    "would", "could", "should", "it", "its", "he", "she", "his", "they", "their", "there", "our", "you", "your",
    "said", "says", "told", "about", "into", "after", "before", "against", "between", "during", "since", "because",
    "while", "other", "still", "some", "any",
])
# fmt: on
LEAST = 0.1  # share of such words: between the poorest English article and the richest other one
LOOKED_AT = 1_200  # characters: some 200 words, which take 25 µs, under 2 % of what parsing takes
SHORTEST = 250  # characters, some 40 words: in fewer the share says too little

log = logging.getLogger(__name__)


def english_share(text: str) -> float:
    """Return the share of words at a text's beginning that are English function words, in [0, 1]; 0 without words.

    A word is what stands between white space, without regard to case; one with a comma behind it counts as another.

    Example:
        >>> english_share("The envoy said that he knew."), english_share("Der Gesandte sagte, er habe es gewusst.")
        (0.6666666666666666, 0.0)

    """
    words = text[:LOOKED_AT].lower().split()
    return sum(map(ENGLISH.__contains__, words)) / max(1, len(words))


def looks_english(text: str) -> bool | None:
    """Return whether a text looks English, None if it has fewer than `SHORTEST` characters.

    Text without spaces between words, such as Chinese, has hardly any words by this count, and none that is English.
    """
    return None if len(text) < SHORTEST else english_share(text) >= LEAST


def warn(name: str) -> None:
    """Log that a document does not look English: for whoever asks from Python, where no run says it."""
    log.warning("%s does not look English: its scores mean little", name)
