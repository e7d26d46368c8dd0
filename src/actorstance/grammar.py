"""A sentence as tagged tokens, and the subject of each of its verbs: as much grammar as telling who speaks needs.

No parser and no trained tagger: a list of verbs (verbs.yaml), the closed classes of English, and what stands beside a
word. It reads a megabyte in a few seconds, and where it errs it can be told why.

A tag is one character, so that a sentence's tags are a string:
    C name  N noun, adjective, unknown  # number  D determiner, possessive pronoun  ' possessive 's  p pronoun
    w relative pronoun  V finite verb  v infinitive  G -ing form  E passive or participle  X auxiliary  T to
    I preposition  K and, or, but  S subordinator  R adverb, time  Q a quotation, as one token  , : ; - ( ) . marks
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_TOKEN = re.compile(
    r"(?:[A-Z]\.){2,}|(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Gen|Lt|Col|St|Prof|Jr|Sr|Sens|Reps|Rev)\."
    r"|[$£€]?\d[\d,.]*\d%?|(?:O|D|L|d|l|al|Al)['’][A-Z]\w+|['’](?:s|re|ve|ll|d|m|t)\b|['’](?=\s)|\w+(?:[-&./]\w+)*"
    r"|--|[^\w\s\"“”„«»‘'’`]"
)
_CLOSED = {
    "D": "the a an these those this some any every each no all both another several many most few other such more "
    "its his their my our your whose",
    "p": "he she they i we it you him them me us himself herself themselves everyone nobody somebody someone anyone "
    "everybody others none one there",
    "w": "who which",
    "X": "is are was were be been being am has had have having do does did will would could may might must can should shall "
    "cannot 're 've 'll 'd 'm isn aren wasn weren hasn hadn haven don doesn didn won wouldn couldn shouldn ought let",
    "T": "to",
    "I": "of in on at by for with from about against into over under between among through during without within "
    "toward towards across near behind like upon around despite amid besides beyond per via regarding alongside off",
    "K": "and or but nor",
    "S": "because although though while when if as since after before until unless whereas whether than where why how "
    "once lest whenever what whom",
    "R": "not also then later earlier never ever still just only already again often now even however too very soon once "
    "instead meanwhile yesterday today tomorrow tonight recently repeatedly reportedly n't so far back up down out "
    "always sometimes perhaps maybe quite rather almost long ago here away yet else first 't flatly twice",
}
_WORDS = {word: tag for tag, words in _CLOSED.items() for word in words.split()}
_BE = frozenset(["is", "are", "was", "were", "be", "been", "being", "am", "'s", "'re", "'m", "isn", "aren", "wasn", "weren", "get", "gets", "got"])
_HAVE = frozenset(["has", "had", "have", "having", "'ve", "hasn", "hadn", "haven"])
_PLURAL = frozenset(
    ["people", "police", "they", "we", "you", "i", "critics", "officials", "many", "some", "others", "most", "all", "both", "few", "women", "men"]
)
_TIME = frozenset(
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"]
)
_SPAN_OF_TIME = re.compile(
    r"week|month|year|night|day|morning|evening|afternoon|summer|spring|fall|winter|time|hour|decade"
)
_MARKS = {",": ",", ":": ":", ";": ";", "(": "(", ")": ")", "[": "(", "]": ")", "—": "-", "–": "-", "--": "-", ".": "."}
_NOUNS = frozenset("NC#'")
# Forms in -s that are nouns unless a pronoun stands before them.
_NOUNS_IN_S = frozenset(
    ["forces", "posts", "means", "states", "works", "rights", "times", "talks", "sides", "parties", "shares", "stocks", "polls", "records", "jobs", "units", "troops", "ties", "visits", "sources", "results", "returns", "levels", "leads", "leaks", "fires", "fights", "deals", "cases", "places", "faces", "files", "funds", "goods", "hands", "heads", "homes"]
)


@dataclass(frozen=True)
class Form:
    """A form of a verb: its base, the classes of verbs.yaml, and which forms the word can be (b s d n g)."""

    lemma: str
    classes: frozenset[str]
    forms: frozenset[str]


@cache
def lexicon() -> tuple[dict[str, Form], frozenset[str]]:
    """Return the forms of the verbs of verbs.yaml, and its nouns of speech."""
    table = yaml.safe_load((Path(__file__).parent / "verbs.yaml").read_text(encoding="utf-8"))
    nouns = frozenset(word.strip() for word in table.pop("nouns").split(","))
    found: dict[str, tuple[str, set[str], set[str]]] = {}
    for kind, entries in table.items():
        for entry in entries.split(","):
            base, *irregular = entry.split()
            for form, word in _inflected(base, *irregular):
                _, classes, forms = found.setdefault(word, (base, set(), set()))
                classes.add(kind)
                forms.add(form)
    return {word: Form(base, frozenset(kinds), frozenset(forms)) for word, (base, kinds, forms) in found.items()}, nouns


def _inflected(base: str, past: str = "", participle: str = "") -> list[tuple[str, str]]:
    ending_y = base.endswith("y") and base[-2] not in "aeiou"
    third = base[:-1] + "ies" if ending_y else base + ("es" if re.search(r"(?:s|x|z|ch|sh|o)$", base) else "s")
    if not past:
        past = base[:-1] + "ied" if ending_y else base + ("d" if base.endswith("e") else "ed")
    doubled = past.endswith("ed") and len(past) == len(base) + 3 and past[-3] == past[-4]
    if (
        doubled
        or (
            len(base) <= 4
            and base
            in {
                "run",
                "cut",
                "put",
                "win",
                "sit",
                "let",
                "set",
                "hit",
                "get",
                "shut",
                "quit",
                "bet",
                "bid",
                "dig",
                "spin",
                "swim",
                "begin",
            }
        )
        or base in {"forget", "split"}
    ):
        gerund = base + base[-1] + "ing"
    elif base.endswith("ie"):
        gerund = base[:-2] + "ying"
    else:
        gerund = (base[:-1] if base.endswith("e") and not base.endswith("ee") else base) + "ing"
    return [("b", base), ("s", third), ("d", past), ("n", participle or past), ("g", gerund)]


class Clause:
    """The tokens of one sentence (quotations as one token each), their tags, and the subjects of the verbs.

    Args:
        text: the whole text, into which all offsets point.
        pieces: (start, end, is_quotation) of the stretches that make up the sentence, in order.

    Example:
        >>> text = "Kremlin spokesman Ivan Orlov, speaking in Ostia, has repeatedly said that talks failed."
        >>> clause = Clause(text, [(0, len(text), False)])
        >>> said = clause.words.index("said")
        >>> first, last = clause.subject(said)
        >>> text[clause.starts[first]:clause.ends[last]]
        'Kremlin spokesman Ivan Orlov'

    """

    def __init__(self, text: str, pieces: Sequence[tuple[int, int, bool]]) -> None:
        self.text = text
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.words: list[str] = []  # in lower case, apostrophes straight
        capital: list[bool] = []
        for start, end, quotation in pieces:
            if quotation:
                self.starts.append(start)
                self.ends.append(end)
                self.words.append('"')
                capital.append(False)
                continue
            for found in _TOKEN.finditer(text, start, end):
                word = found[0]
                self.starts.append(found.start())
                self.ends.append(found.end())
                self.words.append(word.lower().replace("’", "'"))
                capital.append(word[0].isupper())
        self._subjects: dict[int, tuple[int, int] | None] = {}
        self.forms: dict[int, Form] = {}
        self.tags: list[str] = []
        self._tag(capital)

    # --- tags ---

    def _tag(self, capital: list[bool]) -> None:
        lexical, words, tags = lexicon()[0], self.words, self.tags
        count = len(words)
        for at, word in enumerate(words):
            tag = _WORDS.get(word)
            following = words[at + 1] if at + 1 < count else ""
            if word == '"':
                tag = "Q"
            elif tag == "D" and ((following in _WORDS and word not in {"all", "both"}) or following in _MARKS):
                nexttag = _WORDS.get(following, "")
                if (
                    word in {"this", "these", "those", "some", "many", "most", "all", "both", "few", "several", "more"}
                    and nexttag != "D"
                ):
                    tag = "p"
            elif word == "her":
                tag = "p" if not following or following in _WORDS or following in _MARKS or following == '"' else "D"
            elif word == "she's" or word == "that":
                tag = self._that(at, following)
            elif word in ("'s", "'"):
                tag = "X" if tags and tags[-1] in "pw" else "'"
                if tag == "'" and (
                    following in {"been", "not", "a", "the"} or (following.endswith("ing") and following in lexical)
                ):
                    tag = "X"
            elif tag is not None:
                pass
            elif word in _MARKS:
                tag = _MARKS[word]
            elif word in {"?", "!", "…"}:
                tag = "."
            elif word[0].isdigit() or word[0] in "$£€":
                tag = "#"
            elif word in _TIME or (
                at and words[at - 1] in {"last", "this", "next", "that"} and _SPAN_OF_TIME.match(word)
            ):
                tag = "R"
                if (
                    at
                    and tags[-1] in "ID"
                    and words[at - 1] in {"on", "last", "this", "next", "in", "since", "by", "until", "late", "early"}
                ):
                    tags[-1] = "R"
            elif capital[at] and (at or word not in lexical):
                tag = "C"
            elif (form := lexical.get(word)) is not None:
                tag = self._verb(at, form, following)
            elif word.endswith("ly") and len(word) > 4:
                tag = "R"
            elif word.endswith("ing") and len(word) > 5 and not (tags and tags[-1] in "DN'"):
                tag = "G"
            elif word.endswith("ed") and len(word) > 4 and tags and tags[-1] in "pw":
                tag = "V"
            else:
                tag = "N" if word[0].isalnum() else "."
            tags.append(tag)

    def _that(self, at: int, following: str) -> str:
        before = self.tags[-1] if self.tags else ""
        if before in "VvEG" and before:
            return "S"
        form = lexicon()[0].get(following)
        if _WORDS.get(following) == "X" or (form is not None and before in ("N", "C")):
            return "w" if before in ("N", "C", ",", "#") else "p"
        return "S" if before in ("N", "C", "R", ",", "K") else "D"

    def _verb(self, at: int, form: Form, following: str) -> str:
        """The tag of a word that can be a verb, by what stands before and after it."""
        tags, words = self.tags, self.words
        self.forms[at] = form
        back = at - 1
        while back >= 0 and tags[back] == "R":
            back -= 1
        before = tags[back] if back >= 0 else "^"
        left = words[back] if back >= 0 else ""
        if before == "X":
            if left in _BE:
                if "g" in form.forms:
                    return "G"
                return "E" if "n" in form.forms else "N"
            return "V" if "n" in form.forms or "b" in form.forms or "d" in form.forms else "N"
        if before == "T":
            return "v" if "b" in form.forms else "N"
        if "g" in form.forms:
            return "N" if before in "D'" else "G"
        if "d" in form.forms or "n" in form.forms:
            if "b" in form.forms:  # put, set, cut, read
                return "V" if before in "pwCN" else "N"
            if before in "D'#" or (before == "I" and tags[-1] != "R"):
                return "N"
            if following == "by" or before == "^":
                return "E"
            if "d" not in form.forms:
                return "E"
            return "V"
        if "b" in form.forms:
            if before in "pw" or left in _PLURAL:
                return "V"
            if before in "NC" and left.endswith("s") and not left.endswith("ss"):
                return "V"
            if before == "," and tags[:back].count("C") and form.classes & {"say"} and following in ("", "that"):
                return "V"
            if before == "K" and "v" in tags[:back]:
                return "v"
            if before == "K" and "V" in tags[:back] and _WORDS.get(following) in ("D", "p", "S"):
                return "V"
            return "N"
        if before in "pw":
            return "V"
        if words[at] in _NOUNS_IN_S:
            return "N"
        if before in "NCQ),#" or (before in ",-K" and form.classes & {"say", "judge", "mind"}):
            if form.classes & {"say", "judge", "mind"} or following in _WORDS or following[:1] == '"':
                return "V" if not (before == "," and following in ("", ",", ".", "of")) else "N"
            return "V" if following and _WORDS.get(following, "" if before == "N" else "D") in tuple("DpTISR") else "N"
        if before == "K" and "V" in tags[:back] and following not in ("", ",", ".", "of"):
            return "V"
        return "N"

    # --- noun phrases ---

    def phrase_before(self, last: int, whole: bool = True) -> tuple[int, int] | None:
        """Return the noun phrase that ends at token `last`, with its "of …" if `whole`."""
        tags = self.tags
        if last < 0 or tags[last] not in "NCp#QDw'":
            return None
        if tags[last] in "pw":
            return last, last
        first = last
        while first > 0 and tags[first - 1] in _NOUNS:
            first -= 1
        while first > 0 and tags[first - 1] == "D":
            first -= 1
        if not whole:
            return first, last
        while first > 1 and (
            (tags[first - 1] == "I" and self.words[first - 1] in {"of", "for", "from", "in", "at", "with", "on", "to"})
            or (tags[first - 1] == "K" and self.words[first - 1] != "but")
        ):
            if tags[first - 2] not in "NC#":
                break
            inner = self.phrase_before(first - 2, whole=False)
            if inner is None:
                break
            first = inner[0]
        return first, last

    def phrase_after(self, first: int) -> tuple[int, int] | None:
        """Return the noun phrase that begins at token `first`."""
        tags, count = self.tags, len(self.tags)
        at = first
        while at < count and tags[at] == "R":
            at += 1
        first = at
        if at < count and tags[at] == "p":
            return at, at
        while at < count and tags[at] == "D":
            at += 1
        core = at
        while at < count and (tags[at] in _NOUNS or (tags[at] == "D" and self.words[at] in {"other"})):
            at += 1
        if at == core:
            return (first, at - 1) if at > first else None
        while (
            at + 1 < count
            and tags[at] == "I"
            and self.words[at] in {"of", "for", "at", "from"}
            and tags[at + 1] in "DNC"
        ):
            inner = self.phrase_after(at + 1)
            if inner is None:
                break
            at = inner[1] + 1
        if at + 1 < count and tags[at] == "K" and tags[at + 1] in "DC" and self.words[at] == "and":
            inner = self.phrase_after(at + 1)
            if inner is not None and (inner[1] + 1 >= count or self.tags[inner[1] + 1] not in "VXR"):
                at = inner[1] + 1
        return first, at - 1

    # --- subjects ---

    def subject(self, verb: int) -> tuple[int, int] | None:
        """Return the first and last token of a verb's subject, None if the sentence does not say it."""
        if verb not in self._subjects:
            self._subjects[verb] = None  # a verb is no part of its own subject
            self._subjects[verb] = self._find_subject(verb)
        return self._subjects[verb]

    def group_start(self, verb: int) -> int:
        """Return the first token of the verb's group: "has repeatedly said"."""
        at = verb
        while at > 0 and self.tags[at - 1] in "XRT":
            at -= 1
        return at

    def _find_subject(self, verb: int) -> tuple[int, int] | None:
        tags = self.tags
        left = self.group_start(verb) - 1
        tag = tags[verb]
        if tag == "v" or (tag in "Vv" and "T" in tags[left + 1 : verb]):
            return self._of_infinitive(verb, left)
        if tag in "GE" and not any(tags[at] == "X" for at in range(left + 1, verb)):
            return self._of_participle(verb, left)
        if left < 0:
            return self.inverted(verb) or self._quoted_by_question(verb)
        before = tags[left]
        if before in ",-)(":
            return self._over_comma(verb, left)
        if before == "Q":
            return self.inverted(verb) or self._previous(left)
        if before == "K":
            return self._conjoined(verb, left)
        if before in "pw":
            return left, left
        if before in _NOUNS:
            return self.phrase_before(left)
        if before == "D":
            return left, left
        return self.inverted(verb) if before in ":.S" else self._previous(left)

    def _quoted_by_question(self, verb: int) -> tuple[int, int] | None:
        return None

    def inverted(self, verb: int) -> tuple[int, int] | None:
        """Return the subject behind its verb: "said the minister"."""
        form = self.forms.get(verb)
        if form is None or not form.classes & {"say", "order"} or self.tags[verb] not in "VE":
            return None
        return self.phrase_after(verb + 1)

    def _over_comma(self, verb: int, comma: int) -> tuple[int, int] | None:
        """The subject before an apposition, a relative clause or an aside: "X, the head of Y, said"."""
        tags = self.tags
        if comma and tags[comma - 1] == "Q" and (found := self.inverted(verb)):
            return found
        opener = "(" if tags[comma] == ")" else tags[comma]
        for at in range(comma - 1, 0, -1):
            if tags[at] == opener:
                inner = tags[at + 1 : comma]
                if inner and all(tag == "C" for tag in inner) and opener == ",":
                    return at + 1, comma - 1
                found = self.phrase_before(at - 1)
                if found and not (tags[found[0]] == "R"):
                    return found
                break
            if tags[at] in ".;:":
                break
        return self.inverted(verb) or self._previous(comma)

    def _previous(self, before: int) -> tuple[int, int] | None:
        """The subject of the last verb before a token that has one."""
        for at in range(before - 1, -1, -1):
            if self.tags[at] == "V" and (found := self.subject(at)) and self.tags[found[0]] != "w":
                return found
            if self.tags[at] == "X" and not self.has_verb(at):
                found = self.phrase_before(self.group_start(at) - 1)
                if found:
                    return found
        return None

    def _conjoined(self, verb: int, left: int) -> tuple[int, int] | None:
        """The subject of the verb that "and" joins this one to: the nearest of the same form, best of the same class."""
        form = self.forms.get(verb)
        if form is None:
            return self._previous(left)
        comma = left > 0 and self.tags[left - 1] == ","
        candidates = [
            at
            for at in range(left - 1, -1, -1)
            if self.tags[at] == "V"
            and (other := self.forms.get(at))
            and (other.forms & form.forms or self._has_auxiliary(at))
        ]
        for alike in (True, False):
            for at in candidates:
                found = self.subject(at)
                if found is None or (comma and self.tags[found[0]] == "w"):
                    continue
                # a verb of a subordinate clause joins only one of its own kind
                subordinate = self.tags[found[0]] == "w" or (found[0] > 0 and self.tags[found[0] - 1] in "Sw")
                if not alike or not subordinate or self.forms[at].classes & form.classes:
                    return found
        return self._previous(left)

    def _has_auxiliary(self, verb: int) -> bool:
        return verb > 0 and self.tags[verb - 1] in "XR" and "X" in self.tags[self.group_start(verb) : verb]

    def has_verb(self, auxiliary: int) -> bool:
        """Return whether an auxiliary has a verb behind it: "has said", not "has a plan"."""
        at = auxiliary + 1
        while at < len(self.tags) and self.tags[at] in "XR":
            at += 1
        return at < len(self.tags) and self.tags[at] in "VEGv"

    def _of_infinitive(self, verb: int, left: int) -> tuple[int, int] | None:
        tags = self.tags
        if left < 0:
            return self._next(verb)
        if tags[left] in _NOUNS or tags[left] == "p":
            nouns = lexicon()[1]
            phrase = self.phrase_before(left, whole=False)
            if phrase and self.words[left] in nouns:
                return self.owner(phrase) or self._previous(left)
            if phrase:
                governor = phrase[0] - 1
                if (
                    governor >= 0
                    and (form := self.forms.get(governor))
                    and "order" in form.classes
                    and tags[governor] in "VvGE"
                ):
                    return phrase
        for at in range(left, -1, -1):
            if tags[at] in "VvGE":
                return self.subject(at)
            if tags[at] == "X":
                return self.phrase_before(self.group_start(at) - 1)
        return None

    def owner(self, phrase: tuple[int, int]) -> tuple[int, int] | None:
        """Return whose a thing is: "Okoro's claim", "her claim"."""
        for at in range(phrase[1] - 1, phrase[0] - 1, -1):
            if self.tags[at] == "'" and at > phrase[0]:
                return self.phrase_before(at - 1)
        if self.words[phrase[0]] in {"his", "her", "their", "its", "my", "our", "your"}:
            return phrase[0], phrase[0]
        return None

    def _of_participle(self, verb: int, left: int) -> tuple[int, int] | None:
        tags = self.tags
        if left < 0:
            return self._next(verb)
        if tags[left] in _NOUNS and tags[verb] == "G":
            return self.phrase_before(left)
        if tags[left] == "p" and tags[verb] == "G":
            return left, left
        if tags[verb] == "E":
            return self.agent(verb) or self._previous(verb)
        form = self.forms.get(verb)
        if tags[left] == "," and form is not None and form.classes & {"say", "judge"}:
            for at in range(left - 1, -1, -1):
                other = self.forms.get(at)
                if tags[at] == "V" and other and other.classes & {"say", "judge"} and (found := self.subject(at)):
                    if tags[found[0]] != "w":
                        return found
            for at in range(left):
                if tags[at] in "VX" and (
                    found := self.subject(at) if tags[at] == "V" else self.phrase_before(self.group_start(at) - 1)
                ):
                    if tags[found[0]] != "w":
                        return found
        return self._previous(left + 1) or self._next(verb)

    def agent(self, verb: int) -> tuple[int, int] | None:
        """Return who does it, of a passive: "was accused by the union"."""
        for at in range(verb + 1, min(verb + 4, len(self.tags))):
            if self.words[at] == "by":
                return self.phrase_after(at + 1)
        return None

    def _next(self, verb: int) -> tuple[int, int] | None:
        """The subject of the main clause behind: "Speaking in Varna, the minister said"."""
        for at in range(verb + 1, len(self.tags)):
            if self.tags[at] == ",":
                found = self.phrase_after(at + 1)
                if found and self.tags[found[0]] not in "w":
                    return found
        return None
