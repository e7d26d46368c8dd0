"""A sentence as tagged tokens: as much of its grammar as telling who speaks needs.

No trained tagger: a list of verbs and the closed classes of English (grammar.yaml), and what stands beside a word. It
reads a megabyte in a few seconds, and where it errs one can see why.

A tag is one character, so that a sentence's tags are a string:
    C name  N noun, adjective, unknown  # number  D determiner, possessive pronoun  ' possessive 's  p pronoun
    w relative pronoun  V finite verb  v infinitive  G -ing form  E passive or participle  X auxiliary  T to
    I preposition  K and, or, but  S subordinator  R adverb, time  Q a quotation, as one token  , : ; - ( ) . marks
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from actorstance.resources import table_of
from actorstance.syntax.roles import ENDINGS, OF_FIRMS, SHORTENED

_TOKEN = re.compile(
    r"[a-z]+(?![\w.&/’'-])"  # most tokens, told apart first
    r"|[Ww]on['’]t\b|(?=[A-Z][.-])(?:(?:[A-Z]\.){2,}|[DRI]-(?:[A-Z]\w*\.)+(?=[,)])|[A-Z]\.(?=\s(?:[A-Z]\.\s)*[A-Z]\w))"
    rf"|(?=[A-Z][a-z]{{1,5}}\.)(?:{SHORTENED}|{ENDINGS}|{OF_FIRMS}|Ph\.D)\."
    r"|[$£€]?\d[\d,.]*\d%?|(?:O|D|L|d|l|al|Al)['’][A-Z]\w+|['’](?:s|re|ve|ll|d|m|t)\b|['’](?=\s)|\w+(?:[-&./]\w+)*"
    rf"|--|(?!,\s(?:{ENDINGS}|{OF_FIRMS}|LLC)\b)"  # no comma round "Jr." and "Inc."
    r"(?<!,\s[JS]r\.|,\sCo\.|,\sLLC)(?<!,\s(?:Inc|Ltd)\.)(?<!,\sCorp\.)[^\w\s\"“”„«»‘'’`]"
)
# Behind a name, but no name: the party of a member of Congress ("D-Ohio"), a doctor's degree.
_BEHIND_NAME = re.compile(r"[DRI]-[A-Z]|(?:Ph\.?|M\.)D\.?\Z")
_ARTICLE = re.compile(r"(?:[dl]'|d’|l’|al-|el-)[A-Z]")  # "d'Arcy", "al-Haddad"
_MARKS = {",": ",", ":": ":", ";": ";", "(": "(", ")": ")", "[": "(", "]": ")", "—": "-", "–": "-", "--": "-"}
_MARKS |= dict.fromkeys((".", "?", "!", "…"), ".")
_SPAN_OF_TIME = re.compile(
    r"(?:week|month|year|night|day|morning|evening|afternoon|summer|spring|fall|winter|time|hour|decade)"
)
_BEFORE_TIME = frozenset({"on", "last", "this", "next", "in", "since", "by", "until", "late", "early"})
_SPEECH = frozenset({"say", "judge", "mind"})
_FLOATING = frozenset({"both", "all", "each"})  # of a subject before them: "the two both said"
_BY_NEIGHBOURS = frozenset({"her", "that", "one", "'s", "'"}) | _FLOATING
WORDS = 2**16  # spellings whose tag is kept: nearly all that a text has, less than an archive's misprints take


@dataclass(frozen=True)
class Form:
    """A form of a verb: its base, the classes of grammar.yaml, and which forms the word can be (b s d n g)."""

    lemma: str
    classes: frozenset[str]
    forms: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """The words of grammar.yaml, as they are looked up."""

    verbs: dict[str, Form]
    nouns: frozenset[str]  # of speech: "claim", "criticism"
    judgements: frozenset[str]  # "rebuke", "backing"
    closed: dict[str, str]  # word -> tag
    be: frozenset[str]
    plural: frozenset[str]
    alone: frozenset[str]
    time: frozenset[str]
    nouns_in_s: frozenset[str]
    getting: frozenset[str]  # bases of verbs: "draw a rebuke"


@cache
def lexicon() -> Lexicon:
    """Return the words of grammar.yaml."""
    table = table_of("syntax/grammar.yaml")
    found: dict[str, tuple[str, set[str], set[str]]] = {}
    for kind, entries in table["verbs"].items():
        for entry in entries.split(","):
            base, *irregular = entry.split()
            for form, word in _inflected(base, *irregular):
                _, classes, forms = found.setdefault(word, (base.lstrip("+"), set(), set()))
                classes.add(kind)
                forms.add(form)
    return Lexicon(
        {word: Form(base, frozenset(kinds), frozenset(forms)) for word, (base, kinds, forms) in found.items()},
        frozenset(word.strip() for word in table["nouns"].split(",")),
        frozenset(word.strip() for word in table["judgements"].split(",")),
        {word: tag for tag, words in table["closed"].items() for word in words.split()},
        *(frozenset(table[name].split()) for name in ("be", "plural", "alone", "time", "nouns_in_s", "getting")),
    )


def _inflected(base: str, past: str = "", participle: str = "") -> list[tuple[str, str]]:
    """(form, word) of all forms of a verb: base, third person, past, participle, -ing."""
    doubled = base.startswith("+")
    base = base.lstrip("+")
    in_y = base.endswith("y") and base[-2] not in "aeiou"
    third = base[:-1] + "ies" if in_y else base + ("es" if re.search(r"(?:s|x|z|ch|sh|o)$", base) else "s")
    if not past:
        past = base[:-1] + "ied" if in_y else base + ("d" if base.endswith("e") else "ed")
    if doubled or (past.endswith("ed") and len(past) == len(base) + 3 and past[-3] == past[-4]):
        gerund = base + base[-1] + "ing"
    elif base.endswith("ie"):
        gerund = base[:-2] + "ying"
    else:
        gerund = (base[:-1] if base.endswith("e") and not base.endswith("ee") else base) + "ing"
    return [("b", base), ("s", third), ("d", past), ("n", participle or past), ("g", gerund)]


def _is_finite(word: str) -> bool:
    """Whether a word can be the verb of "one": "one says", "one said"."""
    form = lexicon().verbs.get(word)
    return form is not None and bool(form.forms & {"s", "d"})


@lru_cache(maxsize=WORDS)
def _alone(word: str) -> tuple[str, str]:
    """A word in lower case, apostrophes straight, and its tag; "" where it depends on the words beside it."""
    lexical, plain = lexicon(), word.lower().replace("’", "'")
    if plain in _BY_NEIGHBOURS:
        return plain, ""
    if (tag := lexical.closed.get(plain)) is not None:
        if tag in "pw" and len(word) > 1 and word.isupper():
            return plain, "C"  # WHO, US
        return plain, "" if tag == "D" and plain in lexical.alone else tag
    if (tag := _MARKS.get(plain)) is not None:
        return plain, tag
    if plain[0].isdigit() or plain[0] in "$£€":
        return plain, "#"
    if plain in lexical.time or plain in lexical.verbs or _SPAN_OF_TIME.match(plain):
        return plain, ""
    if _BEHIND_NAME.match(word):
        return plain, "R"
    if word[0].isupper() or _ARTICLE.match(word):
        return plain, "C"
    return plain, "" if plain.endswith(("ly", "ing", "ed")) else "N" if plain[0].isalnum() else "."


class Tagged:
    """The tokens of one sentence and their tags.

    Args:
        text: the whole text, into which all offsets point.
        pieces: (start, end, is_quotation) of the stretches that make up the sentence, in order.

    Example:
        >>> text = "The board said it would sue."
        >>> tagged = Tagged(text, [(0, len(text), False)])
        >>> [(word, tag) for word, tag in zip(tagged.words, tagged.tags)]
        [('the', 'D'), ('board', 'N'), ('said', 'V'), ('it', 'p'), ('would', 'X'), ('sue', 'V'), ('.', '.')]

    """

    def __init__(self, text: str, pieces: Sequence[tuple[int, int, bool]]) -> None:
        self.text = text
        spans: list[tuple[int, int]] = []
        alone: list[tuple[str, str]] = []
        for start, end, quotation in pieces:
            here = [(start, end)] if quotation else [found.span() for found in _TOKEN.finditer(text, start, end)]
            spans += here
            alone += [('"', "Q")] if quotation else [_alone(text[first:last]) for first, last in here]
        self.starts = [first for first, _ in spans]
        self.ends = [last for _, last in spans]
        self.words = [word for word, _ in alone]  # in lower case, apostrophes straight
        self.forms: dict[int, Form] = {}  # of the tokens that can be verbs
        self.tags: list[str] = []
        for at, (_, tag) in enumerate(alone):
            self.tags.append(tag or self._tag(at))

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return where the tokens `first` to `last` are in the text."""
        return self.starts[first], self.ends[last]

    def _tag(self, at: int) -> str:
        """The tag of a word that `_alone` leaves open."""
        lexical, words, tags = lexicon(), self.words, self.tags
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else ""
        if word == "her":
            return "D" if following and not self._closes(following) else "p"
        if word == "that":
            return self._that(at, following)
        if word == "one" and following and not self._closes(following) and not _is_finite(following):
            return "D"
        if word in ("'s", "'"):
            is_verb = following in {"been", "not", "a", "the"} or (
                following.endswith("ing") and following in lexical.verbs
            )
            return "X" if (tags and tags[-1] in "pw") or is_verb else "'"
        if word in _FLOATING and tags and tags[-1] in "NCp," and following in lexical.verbs:
            return "R"
        if (tag := lexical.closed.get(word)) is not None:
            return "p" if tag == "D" and word in lexical.alone and self._stands_alone(word, following) else tag
        if word in lexical.time or (
            at and words[at - 1] in {"last", "this", "next", "that"} and _SPAN_OF_TIME.match(word)
        ):
            if at and tags[-1] in "ID" and words[at - 1] in _BEFORE_TIME:
                tags[-1] = "R"
            return "R"
        if self.text[self.starts[at]].isupper() and (at or word not in lexical.verbs):
            return "C"
        if (form := lexical.verbs.get(word)) is not None:
            self.forms[at] = form
            return self._verb(at, form, following)
        return self._unknown(word)

    def _unknown(self, word: str) -> str:
        """The tag of a word in no list, by its ending and what stands before it."""
        before = self.tags[-1] if self.tags else ""
        if word.endswith("ly") and len(word) > 4:
            return "R"
        if word.endswith("ing") and len(word) > 5 and before not in ("D", "N", "'"):
            return "G"
        if word.endswith("ed") and len(word) > 4 and before in ("p", "w"):
            return "V"
        return "N" if word[0].isalnum() else "."

    def _closes(self, following: str) -> bool:
        return following in lexicon().closed or following in _MARKS or following == '"'

    def _stands_alone(self, word: str, following: str) -> bool:
        """Whether a determiner has no noun: "some said"."""
        if following in _MARKS:
            return True
        tag = lexicon().closed.get(following)
        return tag not in (None, "D") and word not in {"all", "both"}

    def _that(self, at: int, following: str) -> str:
        before = self.tags[-1] if self.tags else ""
        if before in ("V", "v", "E", "G"):
            return "S"
        auxiliary = lexicon().closed.get(following) == "X"
        if auxiliary or (following in lexicon().verbs and before in ("N", "C")):
            return "w" if before in ("N", "C", ",", "#") else "p"
        return "S" if before in ("N", "C", "R", ",", "K") else "D"

    def _verb(self, at: int, form: Form, following: str) -> str:
        """The tag of a word that can be a verb, by what stands before and after it."""
        tags, words = self.tags, self.words
        back = at - 1
        while back >= 0 and tags[back] == "R":
            back -= 1
        before = tags[back] if back >= 0 else "^"
        left = words[back] if back >= 0 else ""
        if before == "X":
            if left in lexicon().be:
                return "G" if "g" in form.forms else "E" if "n" in form.forms else "N"
            return "V" if form.forms & {"n", "b", "d"} else "N"
        if before == "T":
            return "v" if "b" in form.forms else "N"
        if "g" in form.forms:
            return "N" if before in "D'" else "G"
        if form.forms & {"d", "n"}:
            return self._past(form, before, following)
        if "b" in form.forms:
            return self._base(form, back, before, left, following)
        return self._third(words[at], form, back, before, following)

    def _past(self, form: Form, before: str, following: str) -> str:
        if "b" in form.forms:  # put, set, cut, read
            return "V" if before in "pwCN" else "N"
        if before in "D'#" or (before == "I" and self.tags[-1] != "R"):
            return "N"
        return "E" if following == "by" or before == "^" or "d" not in form.forms else "V"

    def _base(self, form: Form, back: int, before: str, left: str, following: str) -> str:
        if before in "pw" or left in lexicon().plural:
            return "V"
        if before in "NC" and left.endswith("s") and not left.endswith("ss"):
            return "V"
        if before == "," and "C" in self.tags[:back] and "say" in form.classes and following in ("", "that"):
            return "V"
        first = before in "NC" and "V" not in self.tags and "X" not in self.tags
        if first and "say" in form.classes and (following == "that" or lexicon().closed.get(following) in ("D", "p")):
            return "V"  # "lawyers for the guild say the firm lied"
        if before == "K" and "v" in self.tags[:back]:
            return "v"
        if before == "K" and "V" in self.tags[:back] and lexicon().closed.get(following) in ("D", "p", "S"):
            return "V"
        return "N"

    def _third(self, word: str, form: Form, back: int, before: str, following: str) -> str:
        closed, ends = lexicon().closed, following in ("", ",", ".", "of")
        if before in "pw":
            return "V"
        if word in lexicon().nouns_in_s:
            return "N"
        speech = bool(form.classes & _SPEECH)
        if before in "NCQ),#" or (before in "-K" and speech):
            if speech or following in closed or following == '"':
                return "N" if before == "," and ends else "V"
            known = closed.get(following, "" if before == "N" else "D")
            return "V" if following and known in ("D", "p", "T", "I", "S", "R") else "N"
        return "V" if before == "K" and "V" in self.tags[:back] and not ends else "N"
