"""The subject of each verb of a sentence, without a parser: by what comes before the verb, and where it cannot be."""

from __future__ import annotations

from collections.abc import Sequence

from actorstance.syntax.chunking import NOUNS, Chunked, Phrase
from actorstance.syntax.marks import OPENING, Span
from actorstance.syntax.spelling import PARTICLES
from actorstance.syntax.tagging import lexicon

_FAR = 14  # tokens after a verb that may say whom a judgement is from
_HAVING = frozenset({"has", "have", "had", "having"})
_OF_JUDGEMENT = frozenset({"of", "from", "by", "for", "over", "on", "to"})  # between a judgement and whom it is from
_OBJECTS = frozenset({"it", "him", "her", "them", "me", "us"})
_QUOTING = frozenset({"quote", "cite"})  # "quoted Lima as saying"
_QUOTED = frozenset({"saying", "telling", "writing"})


class Clause(Chunked):
    """A sentence with the subjects of its verbs, and the source of what each of them reports.

    `joint` has each source asked for that consists of several ("Varna, Ostia and Dorp") -> where each of them is.

    Example:
        >>> text = "Kremlin spokesman Ivan Orlov, speaking in Ostia, has repeatedly said that talks failed."
        >>> clause = Clause(text, [(0, len(text), False)])
        >>> first, last = clause.subject(clause.words.index("said"))
        >>> text[clause.starts[first]:clause.ends[last]]
        'Kremlin spokesman Ivan Orlov'

    """

    def __init__(self, text: str, pieces: Sequence[tuple[int, int, bool]]) -> None:
        super().__init__(text, pieces)
        self.joint: dict[Span, tuple[Span, ...]] = {}
        self._subjects: dict[int, Phrase | None] = {}

    def subject(self, verb: int) -> Phrase | None:
        """Return the first and last token of a verb's subject, None if the sentence does not say it."""
        if verb not in self._subjects:
            self._subjects[verb] = None  # a verb is not part of its own subject
            self._subjects[verb] = self._find_subject(verb)
        return self._subjects[verb]

    def group_start(self, verb: int) -> int:
        """Return the first token of the verb's group: "has repeatedly said"."""
        at = verb
        while at > 0 and self.tags[at - 1] in "XRT":
            at -= 1
        return at

    def before_group(self, verb: int) -> Phrase | None:
        """Return the noun phrase before the verb's group."""
        return self.phrase_before(self.group_start(verb) - 1)

    def _find_subject(self, verb: int) -> Phrase | None:
        tags = self.tags
        left = self.group_start(verb) - 1
        tag = tags[verb]
        if tag == "v" or (tag in "Vv" and "T" in tags[left + 1 : verb]):
            return self._of_infinitive(verb, left)
        if tag in "GE" and not any(tags[at] == "X" for at in range(left + 1, verb)):
            return self._of_participle(verb, left)
        if left < 0:
            return self.inverted(verb)
        before = tags[left]
        if before in ",-)(":
            return self._over_comma(verb, left)
        if before == "Q":
            return self.inverted(verb) or self._previous(left)
        if before == "K":
            return self._conjoined(verb, left)
        if before in "pw":
            return left, left
        if before in NOUNS:
            return self.phrase_before(left)
        if before == "D":
            return left, left
        return self.inverted(verb) if before in ":.S" else self._previous(left)

    def inverted(self, verb: int) -> Phrase | None:
        """Return the subject after its verb: "said the minister"."""
        form = self.forms.get(verb)
        if form is None or not form.classes & {"say", "order"} or self.tags[verb] not in "VE":
            return None
        phrase = self.phrase_after(verb + 1)
        if phrase is None or self.words[phrase[0]] in _OBJECTS:  # "called it a trap"
            return None
        return self.apposed(phrase)

    def _over_comma(self, verb: int, comma: int) -> Phrase | None:
        """The subject before an apposition, a relative clause or an aside: "X, the head of Y, said"."""
        tags = self.tags
        if comma and tags[comma - 1] == "Q" and (found := self.inverted(verb)):
            return found
        opener = "(" if tags[comma] == ")" else tags[comma]
        for at in range(comma - 1, 0, -1):
            if tags[at] == opener:
                if tags[at - 1] == ")":
                    return self._over_comma(verb, at - 1)  # "Halden Inc. (NYSE: HLD), a miner, said"
                inner = tags[at + 1 : comma]
                if opener == "," and inner[:1] == ["C"] and all(self._in_name(one) for one in range(at + 1, comma)):
                    return at + 1, comma - 1
                if tags[at - 1] in "#R" and tags[at - 2 : at - 1] == [","]:
                    return self._over_comma(verb, at)  # "Lima, 42, who leads the guild, said", "Lima, D-Varna, who"
                found = self.phrase_before(at - 1)
                if found and tags[found[0]] != "R":
                    return found
                break
            if tags[at] in ".;:" and opener != "(":
                break
        return self.inverted(verb) or self._previous(comma)

    def _in_name(self, at: int) -> bool:
        """Whether a token can be part of a name: a particle can, in "Ana van der Holt"."""
        return self.tags[at] == "C" or self.words[at] in PARTICLES

    def _previous(self, before: int) -> Phrase | None:
        """The subject of the last verb before a token that has one."""
        for at in range(before - 1, -1, -1):
            if self.tags[at] == "V" and (found := self.subject(at)) and self.tags[found[0]] != "w":
                return found
            if self.tags[at] == "X" and not self.has_verb(at):
                found = self.before_group(at)
                if found:
                    return found
        return None

    def _conjoined(self, verb: int, left: int) -> Phrase | None:
        """The subject of the verb that "and" joins this one to: the nearest of the same form."""
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
                subordinate = self.tags[found[0]] == "w" or (found[0] > 0 and self.tags[found[0] - 1] in "SwV")
                if not alike or not subordinate or self.forms[at].classes & form.classes:
                    return found
        return self._previous(left)

    def _has_auxiliary(self, verb: int) -> bool:
        return verb > 0 and self.tags[verb - 1] in "XR" and "X" in self.tags[self.group_start(verb) : verb]

    def has_verb(self, auxiliary: int) -> bool:
        """Return whether an auxiliary has a verb after it: "has said", not "has a plan"."""
        at = auxiliary + 1
        while at < len(self.tags) and self.tags[at] in "XR":
            at += 1
        return at < len(self.tags) and self.tags[at] in "VEGv"

    def _of_infinitive(self, verb: int, left: int) -> Phrase | None:
        tags = self.tags
        if left < 0:
            return self._next(verb)
        if tags[left] in NOUNS or tags[left] == "p":
            nouns = lexicon().nouns
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
                return self.before_group(at)
        return None

    def _of_participle(self, verb: int, left: int) -> Phrase | None:
        tags = self.tags
        if left < 0:
            return self._next(verb)
        if tags[left] in NOUNS and tags[verb] == "G":
            quoted = not OPENING.isdisjoint(self.text[self.ends[left] : self.starts[verb]])  # 'called Lima "insulting"'
            return None if quoted else self.phrase_before(left)
        if tags[left] == "p" and tags[verb] == "G":
            return left, left
        if tags[verb] == "E":
            return self.agent(verb) or self._previous(verb)
        if tags[left] == "I" and self.words[left] in {"of", "for"}:  # "accused the guild of lying"
            judged = self.phrase_before(left - 1, whole=False)
            governor = -1 if judged is None else judged[0] - 1
            if tags[governor] in "VvG" and (judging := self.forms.get(governor)) and "judge" in judging.classes:
                return judged
        form = self.forms.get(verb)
        if tags[left] == "," and form is not None and form.classes & {"say", "judge"}:
            for at in range(left - 1, -1, -1):
                other = self.forms.get(at)
                found = self.subject(at) if tags[at] == "V" and other and other.classes & {"say", "judge"} else None
                if found and tags[found[0]] != "w":
                    return found
            for at in range(left):
                if tags[at] not in "VX":
                    continue
                found = self.subject(at) if tags[at] == "V" else self.before_group(at)
                if found and tags[found[0]] != "w":
                    return found
        return self._previous(left + 1) or self._next(verb)

    def agent(self, verb: int) -> Phrase | None:
        """Return the agent of a passive: "was accused by the union"."""
        for at in range(verb + 1, min(verb + 7, len(self.tags))):
            if self.words[at] == "by":
                return self.phrase_after(at + 1)
            if self.tags[at] in "VX,;:.":
                break
        return None

    def _next(self, verb: int) -> Phrase | None:
        """The subject of the main clause that follows: "Speaking in Varna, the minister said"."""
        for at in range(verb + 1, len(self.tags)):
            if self.tags[at] == ",":
                found = self.phrase_after(at + 1)
                if found and self.tags[found[0]] not in "w":
                    return found
        return None

    def speaker(self, verb: int) -> Phrase | None:
        """Return who says or does what a verb reports: its subject; for a passive, what follows "by"."""
        words, form = self.words, self.forms.get(verb)
        if words[verb] in _QUOTED and verb and words[verb - 1] == "as":
            for at in range(verb - 1, -1, -1):
                if (quoting := self.forms.get(at)) is not None and quoting.lemma in _QUOTING:
                    return self.speaker(at)
        if form is not None and form.lemma in _QUOTING and "as" in words[verb + 1 :]:
            at = words.index("as", verb + 1)
            if at + 1 < len(words) and words[at + 1] in _QUOTED:
                if at == verb + 1:  # "was quoted as saying"
                    return self.before_group(verb)
                return self.phrase_after(verb + 1)
        return self.agent(verb) if self.tags[verb] == "E" else self.subject(verb)

    def source(self, phrase: Phrase, verb: int) -> Span:
        """Return where a verb's subject or agent is, with all its conjuncts together; `joint` keeps each."""
        parts = tuple(self.span(*part) for part in self.conjuncts(phrase, verb))
        span = parts[0][0], parts[-1][1]
        if len(parts) > 1:
            self.joint[span] = parts
        return span

    def received(self, verb: int) -> tuple[int, list[Phrase]] | None:
        """Return the judgement that a verb's subject gets, and from whom: "drew a rebuke from the union and from Lima".

        Whoever gives it comes after "from" or "by"; after "of" only if "the" shows that the judgement is theirs:
        "won the backing of the guild", but not "drew criticism of the guild".
        """
        lexical, words, tags = lexicon(), self.words, self.tags
        form = self.forms.get(verb)
        if (form is None or form.lemma not in lexical.getting) and words[verb] not in _HAVING:
            return None
        at = verb + 1
        if words[at : at + 1] in (["under"], ["with"], ["in"]):
            at += 1
        theirs = words[at : at + 1] == ["the"]
        judgement = None
        while at < len(words) and at < verb + _FAR and (tags[at] in "NCD#RGEVvK'" or words[at] in _OF_JUDGEMENT):
            if words[at] in lexical.judgements:
                judgement = at
            elif judgement is None and tags[at] in "V":
                return None
            giver = words[at] in {"from", "by"} or (words[at] == "of" and theirs and judgement == at - 1)
            if giver and judgement is not None and (phrase := self.phrase_after(at + 1)) is not None:
                phrases = [phrase]
                while words[phrase[1] + 1 : phrase[1] + 3] == ["and", words[at]]:
                    another = self.phrase_after(phrase[1] + 3)
                    if another is None:
                        break
                    phrases.append(phrase := another)
                return judgement, phrases
            at += 1
        return None
