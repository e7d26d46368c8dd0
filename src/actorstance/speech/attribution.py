"""Who says, thinks, wants or does what a sentence reports without quotation marks: source, cue and content of each.

What is reported in a that-clause or after an attitude ("wants", "rejected") is an indirect statement. And what
an actor does ("seized the town") is an act of that actor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from actorstance.syntax.chunking import Phrase
from actorstance.syntax.grammar import Clause
from actorstance.syntax.marks import Span
from actorstance.syntax.roles import roles
from actorstance.syntax.tagging import Form, lexicon

_AUXILIARIES = frozenset({"did", "does", "do", "has", "have", "had"})
_REPORTING = frozenset({"say", "mind", "order"})  # classes of verbs behind which a whole clause may be what is meant
_BESIDE = frozenset({"while", "whereas", "as", "although", "though", "after", "before", "when", "and", "but"})


@dataclass(frozen=True)
class Statement:
    """What somebody says, thinks, wants or does.

    Offsets count in the raw text. `source` is where the sentence names the speaker, None where nobody is named; `kind`
    is direct (a quotation), mixed (a report with a quotation in it), indirect, or act; `rule` is the word that reports
    it or, for a quotation without one, where the speaker was found. `joined` is where each part of the source is if it
    is a list ("Varna, Ostia and Dorp"), else empty.
    """

    kind: str
    source: Span | None
    cue: Span | None
    content: Span
    rule: str
    joined: tuple[Span, ...] = ()

    def by_each(self) -> list[Statement]:
        """Return the statement as one for each of those joined."""
        return [replace(self, source=one) for one in self.joined] or [self]

    def is_of(self, place: int) -> bool:
        """Return whether what is at a place is reported: it is in the content, and not one of the sources."""
        start, end = self.content
        return start <= place < end and not any(first <= place < last for first, last in self.joined)


def attributions(clause: Clause) -> list[Statement]:
    """Return what, by its verbs and nouns, somebody in a sentence says, thinks, wants or does.

    `joined` stays empty until the whole sentence is read; then it is in `Clause.joint`.

    Example:
        >>> text = "Ana Lima rejected the plan, while Varna seized the port."
        >>> for found in attributions(Clause(text, [(0, len(text), False)])):
        ...     print(found.kind, text[slice(*found.source)], found.rule, text[slice(*found.content)], sep=" | ")
        indirect | Ana Lima | rejected | the plan
        act | Varna | seized | the port

    """
    return _Attributions(clause).read()


class _Attributions:
    """The statements of one sentence, as they are found."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.found: list[Statement] = []
        self.echoes = [  # where "as did …", "so has …" begins
            at
            for at, word in enumerate(clause.words[:-1])
            if word in ("as", "so") and clause.words[at + 1] in _AUXILIARIES
        ]

    def read(self) -> list[Statement]:
        clause = self.clause
        got = self._received()
        for verb, tag in enumerate(clause.tags):
            if verb in got:
                continue
            if tag == "X":
                self._auxiliary(verb)
            elif tag == "V" or (tag in "GEv" and verb in clause.forms):
                self._verb(verb)
        for first, last, source, cue in nominal_cues(clause):
            if last not in got:
                self._add(first, last, source, cue, clause.text[slice(*cue)].lower())
        self._echoed()
        return self.found

    def _received(self) -> set[int]:
        """Add the judgements that somebody gets from another; return their verbs and nouns, which are not acts."""
        clause, got = self.clause, set[int]()
        if lexicon().judgements.isdisjoint(clause.words):
            return got
        for verb, tag in enumerate(clause.tags):
            if tag not in "XVGEv" or (found := clause.received(verb)) is None:
                continue
            noun, givers = found
            passive = tag == "E" and clause.tags[verb - 1] in "XR"
            judged = clause.before_group(verb) if passive or tag == "X" else clause.subject(verb)
            start = verb if judged is None else min(judged[0], verb)
            content, cue = clause.span(start, self._clause_end(noun)), clause.span(noun, noun)
            for giver in givers:
                source = clause.source(giver, verb)
                self.found.append(Statement("indirect", source, cue, content, f"{clause.words[noun]}, received"))
            got |= {verb, noun}
        return got

    def _auxiliary(self, verb: int) -> None:
        """Add what a verb that is not an auxiliary here reports: "has a plan"."""
        clause = self.clause
        subject = None if clause.has_verb(verb) else clause.before_group(verb)
        if subject is not None:
            source = clause.source(subject, verb)
            self._add(subject[0], verb, source, clause.span(verb, verb), clause.words[verb], "act")

    def _verb(self, verb: int) -> None:
        clause, form = self.clause, self.clause.forms.get(verb)
        speaker = clause.speaker(verb)
        if self._passive(verb, speaker) or speaker is None:
            return
        kind = "act" if form is None or form.classes == {"act"} else ""
        first, last = min(speaker[0], verb), max(speaker[1], verb)
        if kind or not self._follows_quotation(first) or any(tag in "VXS" for tag in clause.tags[last + 1 :]):
            source = clause.source(speaker, verb)
            self._add(first, last, source, clause.span(verb, verb), clause.words[verb], kind, _of_object(form))

    def _passive(self, verb: int, agent: Phrase | None) -> bool:
        """Add a judgement in the passive: "was accused of lying (by the union)", "is widely praised"."""
        clause, form = self.clause, self.clause.forms.get(verb)
        if clause.tags[verb] != "E" or form is None or "judge" not in form.classes or clause.tags[verb - 1] not in "XR":
            return False
        judged = clause.before_group(verb)
        if judged is None:
            return False
        content, cue = clause.span(judged[0], self._clause_end(verb)), clause.span(verb, verb)
        source = None if agent is None else clause.source(agent, verb)
        self.found.append(Statement("indirect", source, cue, content, f"{clause.words[verb]}, passive"))
        return True

    def _echoed(self) -> None:
        """Give the last statement also to those who do the same: "…, as did Varna", "… and so did the guild"."""
        clause = self.clause
        for at in self.echoes:
            if (phrase := clause.phrase_after(at + 2)) is None:
                continue
            before = [one for one in self.found if one.cue is not None and one.cue[0] < clause.starts[at]]
            if before:
                told = max(before, key=lambda one: one.cue or (0, 0))
                self.found.append(replace(told, source=clause.source(phrase, at)))

    def _add(
        self, first: int, last: int, source: Span, cue: Span, rule: str, kind: str = "", of_object: bool = False
    ) -> None:
        """Add the statement whose source and cue are the tokens first to last, if it has any content.

        `of_object` says that an object is all its content, as of "praised": no clause beside it is part of it.
        """
        clause, tags, count = self.clause, self.clause.tags, len(self.clause.tags)
        right = last + 1
        while right < count and (tags[right] in "R,:" or clause.words[right] == "that"):
            right += 1
        aside = first > 1 and tags[first - 1] == "," and last + 1 < count and tags[last + 1] == ","
        told = clause.words[first] == "according" and not {"V", "X"}.isdisjoint(tags[:first])
        if kind != "act" and aside:  # "…, she said, …"
            content = clause.span(0, self._clause_end(right))
        elif not told and right < count and tags[right] != "." and any(tag not in ".)" for tag in tags[right:]):
            end = self._clause_end(right)
            if of_object:
                end = self._beside(last + 1, end) - 1
            content = clause.span(right, end) if right <= end else cue
        elif first > 0 and kind != "act" and self._stands_behind(first, last):
            left = first - 1
            while left > 0 and tags[left] in ",-R":
                left -= 1
            content = clause.span(0, left)
        elif first > 0 and tags[last] in ("VX" if kind == "act" else "V"):
            content = cue  # "…, while Varna slept", "… and Lima agreed": nothing follows it
        else:
            return
        if content[0] < content[1]:
            kind = kind or ("mixed" if "Q" in tags else "indirect")
            self.found.append(Statement(kind, source, cue, content, rule))

    def _stands_behind(self, first: int, last: int) -> bool:
        """Whether source and cue, the tokens first to last, follow what is said: "…, Lima said".

        What is part of the clause before reports none of it: "condemned Ostia's attack", "urged Ostia to object".
        """
        clause, tags, words = self.clause, self.clause.tags, self.clause.words
        if words[first] == "according" or tags[first] == "E":  # "a claim rejected by Lima"
            return True
        if tags[first] == "w":
            return False
        at = first - 1
        while at > 0 and tags[at] == "R":
            at -= 1
        if words[last] in lexicon().judgements:  # "won Lima's support"
            form = clause.forms.get(at)
            return form is not None and form.lemma in lexicon().getting
        if words[at] == "in" and at > 0:  # ", in Lima's view"
            at -= 1
        return tags[at] in ",-:;.()Q" or words[at] in {"as", "than"}

    def _follows_quotation(self, first: int) -> bool:
        """Whether a quotation comes right before a token: "…," she told the board."""
        at = first - 1
        while at > 0 and self.clause.tags[at] in ",R":
            at -= 1
        return at >= 0 and self.clause.tags[at] == "Q"

    def _clause_end(self, start: int) -> int:
        """The last token of the clause that begins at `start`."""
        tags = self.clause.tags
        last = len(tags) - 1
        echo = next((at for at in self.echoes if start + 2 <= at < last), last)
        for at in range(start + 2, echo):
            if tags[at] == ";" or (tags[at] == "," and tags[at + 1] in "KS" and self._new_clause(at + 2) > 0):
                last = echo = at - 1
                break
        if echo < last:
            last = echo - 1
            while last > start and tags[last] in ",K":
                last -= 1
        while last > start and tags[last] == ".":
            last -= 1
        return last

    def _beside(self, start: int, last: int) -> int:
        """Return where a clause with its own subject begins beside an object, ", but Varna"; else `last` + 1."""
        clause, tags = self.clause, self.clause.tags
        for at in range(start, last):
            tag, form, beside = tags[at], clause.forms.get(at), clause.words[at] in _BESIDE
            reporting = tag in "VvGE" and form is not None and not _REPORTING.isdisjoint(form.classes)
            if reporting or tag == "w" or (tag == "S" and not beside):
                break  # what follows may be what somebody says
            if tag in ";," or beside:
                verb = self._new_clause(at + 1 + (tag == "," and clause.words[at + 1] in _BESIDE))
                if verb and (tag != "K" or self._is_past(verb)):
                    return at
        return last + 1

    def _new_clause(self, start: int) -> int:
        """Return the verb of the clause whose subject begins at a token, 0 if none does."""
        clause = self.clause
        phrase = clause.phrase_after(start)
        if phrase is None:
            return 0
        at = phrase[1] + 1
        while at < len(clause.tags) and clause.tags[at] == "R":
            at += 1
        return at if at < len(clause.tags) and clause.tags[at] in "VX" else 0

    def _is_past(self, verb: int) -> bool:
        """Whether a verb is surely none of the nouns in -s: "health and retirement costs"."""
        form = self.clause.forms.get(verb)
        return form is None or "d" in form.forms


def _of_object(form: Form | None) -> bool:
    """Whether a verb says something of its object, and takes no clause: "praised"."""
    return form is not None and "judge" in form.classes and _REPORTING.isdisjoint(form.classes)


def nominal_cues(clause: Clause) -> Iterator[tuple[int, int, Span, Span]]:
    """Yield the cues that are not verbs, "according to X" and "X's claim": first token, last token, source, cue."""
    words, tags, nouns = clause.words, clause.tags, lexicon().nouns
    if nouns.isdisjoint(words) and "according" not in words:
        return
    for at, word in enumerate(words):
        if word == "according" and words[at + 1 : at + 2] == ["to"]:
            phrase = clause.phrase_after(at + 2)
            if phrase:
                phrase = clause.apposed(phrase)
                yield at, phrase[1], clause.span(*phrase), clause.span(at, at + 1)
        elif word in nouns and tags[at] == "N" and _names_holder(words[at + 1 : at + 2]):
            continue  # "Turkey's defence minister" is nobody's defence
        elif word in nouns and tags[at] == "N":
            first = at
            while first > 0 and tags[first - 1] in "N'C":
                first -= 1
            if first > 0 and tags[first - 1] == "D":
                first -= 1
            owner = clause.owner((first, at))
            if owner is None and words[at + 1 : at + 2] in (["from"], ["by"]):
                owner = clause.phrase_after(at + 2)
            if owner:
                yield owner[0], at, clause.span(*owner), clause.span(at, at)


def _names_holder(after: Sequence[str]) -> bool:
    """Whether the word after a noun says that it is part of an office: "defence minister"."""
    known = roles()
    return any(not known[kind].isdisjoint(after) for kind in ("heads", "offices", "titles", "bodies"))
