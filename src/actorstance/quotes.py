"""Who says what: the quotations of an article, its reports without quotation marks, and who is named as the speaker.

A quotation may run over sentences and paragraphs, stand in marks of any kind, be left open, or hold another one. What
is told in a that-clause or after an attitude ("wants", "rejected") is somebody's too: an indirect statement. And what
an actor does ("seized the town") is that actor's act.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from actorstance.documents import Document
from actorstance.grammar import Clause, Phrase
from actorstance.marks import Span, quotations, singles
from actorstance.roles import roles
from actorstance.tagging import lexicon

FEW_WORDS = 3  # a quotation of so few words and no full stop is a phrase of the sentence round it
MAX_SENTENCE = 4000  # characters, of quotations one each; a longer "sentence" is a list or no prose, and is not read
NEAR = 60  # tokens on each side of a quotation where its cue may stand


@dataclass(frozen=True)
class Statement:
    """What somebody says, thinks, wants or does.

    Offsets count in the raw text. `source` is where the sentence names the speaker, None where nobody is named; `kind`
    is direct (a quotation), mixed (a report with a quotation in it), indirect, or act; `rule` is the word that tells it
    or, of a quotation without one, where the speaker was found. `joined` is where each stands whom the source is joined
    of ("Varna, Ostia and Dorp"), none if it is one.
    """

    kind: str
    source: Span | None
    cue: Span | None
    content: Span
    rule: str
    joined: tuple[Span, ...] = ()

    def by_each(self) -> list[Statement]:
        """Return the statement as one of each who is joined."""
        return [replace(self, source=one) for one in self.joined] or [self]

    def is_of(self, place: int) -> bool:
        """Return whether what stands at a place is told: it is in the content, and not one of those who tell it."""
        start, end = self.content
        return start <= place < end and not any(first <= place < last for first, last in self.joined)


def statements(document: Document) -> list[Statement]:
    """Return all statements of a document's body, in order of what is said.

    Example:
        >>> from actorstance.documents import parse
        >>> document = parse("d", '"We will not sign," Ana Lima told reporters in Varna. "Ostia has lied to us."')
        >>> for found in statements(document):
        ...     if found.kind != "act":
        ...         print(found.kind, document.raw[slice(*found.source)], document.raw[slice(*found.content)])
        direct Ana Lima "We will not sign,"
        direct Ana Lima "Ostia has lied to us."

    """
    paragraphs: dict[int, list[Span]] = {}
    for sentence in document.sentences:
        paragraphs.setdefault(sentence.paragraph, []).append((sentence.start, sentence.end))
    found: list[Statement] = []
    left_open, speaker = False, None
    waiting: list[Span] = []  # left open in the paragraph before, and said by nobody there
    introduced: Statement | None = None  # by the paragraph before: "She wrote:"
    joint: dict[Span, tuple[Span, ...]] = {}
    for sentences in paragraphs.values():
        start, end = sentences[0][0], sentences[-1][1]
        spans, now_open = quotations(document.raw, start, end, left_open)
        paragraph = _Paragraph(document.raw, speaker, left_open and bool(spans) and spans[0][0] == start)
        paragraph.waiting = waiting
        if introduced is not None and not spans:
            found.append(replace(introduced, content=(start, end)))
        paragraph.read(sentences, spans)
        introduced = paragraph.introduces
        if now_open:
            waiting = paragraph.waiting
        else:
            paragraph.close()
            waiting = []
        for span in spans:  # and what is quoted inside a quotation
            inner = singles(document.raw, span[0] + 1, span[1] - 1) if span[1] - span[0] > 2 else []
            if inner:
                nested = _Paragraph(document.raw, None, False, few=0)
                nested.read(_cut(sentences, span[0] + 1, span[1] - 1), inner)
                found += [one for one in nested.found if one.kind == "direct" and one.source is not None]
                joint |= nested.joint
        found += paragraph.found
        joint |= paragraph.joint
        left_open, speaker = now_open, paragraph.last or speaker
    found += [Statement("direct", None, None, span, "nobody is named") for span in waiting]
    found.sort(key=lambda one: (one.content[0], -one.content[1]))
    return [replace(one, joined=joint[one.source]) if one.source in joint else one for one in found]


def _cut(sentences: Sequence[Span], start: int, end: int) -> list[Span]:
    """The parts of sentences that lie in a stretch."""
    return [(max(a, start), min(b, end)) for a, b in sentences if a < end and start < b]


class _Paragraph:
    """Reads one paragraph.

    Args:
        text: the whole text.
        speaker: the last direct statement before it.
        continued: whether it opens with a quotation that goes on from the paragraph before.
        few: up to so many words in marks are a phrase of the sentence round them.

    """

    def __init__(self, text: str, speaker: Statement | None, continued: bool, few: int = FEW_WORDS) -> None:
        self.text, self.speaker, self.continued, self.few = text, speaker, continued, few
        self.found: list[Statement] = []
        self.last: Statement | None = None  # who spoke, or acted, last in this paragraph
        self.waiting: list[Span] = []  # quotations that nobody has been named for yet
        self.joint: dict[Span, tuple[Span, ...]] = {}  # a source that is joined of several -> each of them
        self.introduces: Statement | None = None  # a quotation without marks in the paragraph after

    def read(self, sentences: Sequence[Span], spans: Sequence[Span]) -> None:
        long = [span for span in spans if self._is_long(span)]
        for number, pieces in enumerate(_units(sentences, long)):
            if sum(end - start for start, end, quotation in pieces if not quotation) > MAX_SENTENCE:
                continue
            clause = Clause(self.text, pieces)
            self._reports(clause)
            self.introduces = self._introduction(clause)
            quoted = [at for at, tag in enumerate(clause.tags) if tag == "Q"]
            for at in quoted:
                self._quotation(clause, at, number == 0)
            if not quoted and (signed := _signature(clause)) is not None:
                self._settle(signed, None, "signed")
            elif not quoted and (subject := self._main_subject(clause)) is not None:
                self._settle(subject, None, "speaker of the sentence after")
                self.last = Statement("direct", subject, None, subject, "who acts in the sentence before")

    def close(self) -> None:
        """Give what nobody in the paragraph says to who spoke before it, or to nobody."""
        if self.waiting and self.speaker is not None:
            self._settle(self.speaker.source, self.speaker.cue, "speaker of the paragraph before")
            self.last = self.last or self.speaker
        self._settle(None, None, "nobody is named")

    def _is_long(self, span: Span) -> bool:
        inside = self.text[span[0] : span[1]]
        return len(inside.split()) > self.few or re.search(r"[.?!,][\"”’'»]{0,2}$", inside) is not None

    def _settle(self, source: Span | None, cue: Span | None, rule: str) -> None:
        """Give the quotations that wait for a speaker theirs."""
        self.found += [Statement("direct", source, cue, span, rule) for span in self.waiting]
        self.waiting = []

    # --- quotations ---

    def _quotation(self, clause: Clause, at: int, first: bool) -> None:
        """Find who says the quotation that is token `at`."""
        span = (clause.starts[at], clause.ends[at])
        one = self._by_cue(clause, at, span)
        if one is None and self.continued and first and self.speaker is not None:
            one = replace(self.speaker, content=span, rule="quotation goes on")
        if one is None and self.last is not None:
            one = replace(self.last, content=span, rule="speaker of the quotation before")
        if one is None and not any(tag in "NCVpX" for tag in clause.tags):
            self.waiting.append(span)
            return
        if one is None:
            subject = self._main_subject(clause)
            rule = "who acts in the sentence" if subject else "nobody is named"
            one = Statement("direct", subject, None, span, rule)
        self._settle(one.source, one.cue, "speaker of the quotation after")
        self.found.append(one)
        self.last = one

    def _introduction(self, clause: Clause) -> Statement | None:
        """The statement, without its content, of a sentence that ends in a colon: "She wrote:"."""
        if clause.words[-1:] != [":"]:
            return None
        for verb in range(len(clause.tags) - 1, -1, -1):
            form = clause.forms.get(verb)
            if clause.tags[verb] not in "VX" or (subject := _speaker(clause, verb)) is None:
                continue
            if form is None or "say" not in form.classes or clause.tags[subject[0]] == "w":
                return None  # "This is what we know:"
            cue = (clause.starts[verb], clause.ends[verb])
            return Statement("direct", self._source(clause, subject, verb), cue, cue, "block quotation")
        return None

    def _by_cue(self, clause: Clause, at: int, span: Span) -> Statement | None:
        """The statement of a quotation by the nearest cue in its own sentence."""
        best: tuple[float, Statement] | None = None
        for verb in range(max(0, at - NEAR), min(len(clause.tags), at + NEAR)):
            tag, form = clause.tags[verb], clause.forms.get(verb)
            if tag not in "VGEv" or form is None or (subject := _speaker(clause, verb)) is None:
                continue
            cost = _distance(clause, at, verb, subject)
            cost += (0 if form.classes & {"say", "order"} else 6) + (2 if tag == "v" else 0)
            if best is None or cost < best[0]:
                cue = (clause.starts[verb], clause.ends[verb])
                best = cost, Statement("direct", self._source(clause, subject, verb), cue, span, clause.words[verb])
        for start, end, source, cue in _other_cues(clause):
            cost = min(abs(at - start), abs(at - end))
            if best is None or cost < best[0]:
                best = cost, Statement("direct", source, cue, span, self.text[cue[0] : cue[1]].lower())
        return None if best is None else best[1]

    def _main_subject(self, clause: Clause) -> Span | None:
        for verb, tag in enumerate(clause.tags):
            if tag == "V" or (tag == "X" and verb):
                phrase = clause.subject(verb) if tag == "V" else clause.phrase_before(clause.group_start(verb) - 1)
                if phrase and clause.tags[phrase[0]] != "w":
                    return self._source(clause, phrase, verb)
        return None

    def _source(self, clause: Clause, phrase: Phrase, verb: int) -> Span:
        """Where a verb's subject stands, all whom it is joined of together; where each stands is kept."""
        parts = tuple(_span(clause, part) for part in clause.conjuncts(phrase, verb))
        span = parts[0][0], parts[-1][1]
        if len(parts) > 1:
            self.joint[span] = parts
        return span

    # --- reports and acts ---

    def _reports(self, clause: Clause) -> None:
        """Add what the verbs and nouns of a sentence tell that somebody says, thinks, wants or does."""
        tags, words = clause.tags, clause.words
        got = self._received(clause)
        for verb, tag in enumerate(tags):
            if tag not in "XVGEv" or verb in got:
                continue
            form = clause.forms.get(verb)
            cue = (clause.starts[verb], clause.ends[verb])
            if tag == "X":
                phrase = None if clause.has_verb(verb) else clause.phrase_before(clause.group_start(verb) - 1)
                if phrase is not None:
                    self._report(clause, phrase[0], verb, (self._source(clause, phrase, verb), cue), words[verb], "act")
            elif tag == "V" or (tag in "GEv" and form is not None):
                kind = "act" if form is None or form.classes == {"act"} else ""
                subject = _speaker(clause, verb)
                if self._passive(clause, verb, subject) or subject is None:
                    continue
                first, last = min(subject[0], verb), max(subject[1] if subject[0] > verb else verb, verb)
                if kind or not _follows_quotation(clause, first) or any(one in "VXS" for one in tags[last + 1 :]):
                    self._report(clause, first, last, (self._source(clause, subject, verb), cue), words[verb], kind)
        for first, last, source, cue in _other_cues(clause):
            if last not in got:
                self._report(clause, first, last, (source, cue), self.text[cue[0] : cue[1]].lower())
        self._echoes(clause)

    def _received(self, clause: Clause) -> set[int]:
        """Add the judgements that somebody gets from another; return their verbs and nouns, which are no acts."""
        got: set[int] = set()
        if lexicon().judgements.isdisjoint(clause.words):
            return got
        for verb, tag in enumerate(clause.tags):
            if tag not in "XVGEv" or (found := clause.received(verb)) is None:
                continue
            noun, givers = found
            passive = tag == "E" and clause.tags[verb - 1] in "XR"
            judged = (
                clause.phrase_before(clause.group_start(verb) - 1) if passive or tag == "X" else clause.subject(verb)
            )
            start = verb if judged is None else min(judged[0], verb)
            content = (clause.starts[start], clause.ends[_clause_end(clause, noun)])
            cue = (clause.starts[noun], clause.ends[noun])
            for giver in givers:
                source = self._source(clause, giver, verb)
                self.found.append(Statement("indirect", source, cue, content, f"{clause.words[noun]}, received"))
            got |= {verb, noun}
        return got

    def _echoes(self, clause: Clause) -> None:
        """Give what is told last to whoever is said to do the same: "…, as did Varna", "… and so did the guild"."""
        for at in clause.echoes:
            if (phrase := clause.phrase_after(at + 2)) is None:
                continue
            start = clause.starts[at]
            before = [one for one in self.found if one.cue is not None and clause.starts[0] <= one.cue[0] < start]
            if before:
                told = max(before, key=lambda one: one.cue or (0, 0))
                self.found.append(replace(told, source=self._source(clause, phrase, at)))

    def _passive(self, clause: Clause, verb: int, agent: Phrase | None) -> bool:
        """Add a judgement told of whom it is on: "was accused of lying (by the union)", "is widely praised"."""
        form = clause.forms.get(verb)
        if clause.tags[verb] != "E" or form is None or "judge" not in form.classes or clause.tags[verb - 1] not in "XR":
            return False
        judged = clause.phrase_before(clause.group_start(verb) - 1)
        if judged is None:
            return False
        content = (clause.starts[judged[0]], clause.ends[_clause_end(clause, verb)])
        cue = (clause.starts[verb], clause.ends[verb])
        source = None if agent is None else self._source(clause, agent, verb)
        self.found.append(Statement("indirect", source, cue, content, f"{clause.words[verb]}, passive"))
        return True

    def _report(self, clause: Clause, first: int, last: int, who: tuple[Span, Span], rule: str, kind: str = "") -> None:
        """Add the statement whose source and cue (`who`) are the tokens first to last of a clause."""
        tags, count = clause.tags, len(clause.tags)
        right = last + 1
        while right < count and (tags[right] in "R,:" or clause.words[right] == "that"):
            right += 1
        aside = first > 1 and tags[first - 1] == "," and last + 1 < count and tags[last + 1] == ","
        if kind != "act" and aside:  # "…, she said, …"
            content = (clause.starts[0], clause.ends[_clause_end(clause, right)])
        elif right < count and tags[right] != "." and any(tag not in ".)" for tag in tags[right:]):
            content = (clause.starts[right], clause.ends[_clause_end(clause, right)])
        elif first > 0 and kind == "act" and tags[last] in "VX":  # "…, while Varna slept": nobody stands behind it
            content = who[1]
        elif first > 0 and kind != "act":
            left = first - 1
            while left > 0 and tags[left] in ",-R":
                left -= 1
            content = (clause.starts[0], clause.ends[left])
        else:
            return
        if content[0] < content[1]:
            kind = kind or ("mixed" if "Q" in tags else "indirect")
            self.found.append(Statement(kind, *who, content, rule))


def _other_cues(clause: Clause) -> Iterator[tuple[int, int, Span, Span]]:
    """Cues that are no verbs: first token, last token, source, cue. "according to X", "X's claim"."""
    words, tags, nouns = clause.words, clause.tags, lexicon().nouns
    if nouns.isdisjoint(words) and "according" not in words:
        return
    for at, word in enumerate(words):
        if word == "according" and words[at + 1 : at + 2] == ["to"]:
            phrase = clause.phrase_after(at + 2)
            if phrase:
                yield at, phrase[1], _span(clause, phrase), (clause.starts[at], clause.ends[at + 1])
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
                yield owner[0], at, _span(clause, owner), (clause.starts[at], clause.ends[at])


def _names_holder(after: Sequence[str]) -> bool:
    """Whether the word behind a noun says that somebody holds it as an office: "defence minister"."""
    known = roles()
    return any(not known[kind].isdisjoint(after) for kind in ("heads", "offices", "titles", "bodies"))


def _signature(clause: Clause) -> Span | None:
    """Who signs a quotation: "— Ana Lima"."""
    if clause.tags[:1] == ["-"] and re.fullmatch(r"-C+\.?", "".join(clause.tags)):
        last = len(clause.tags) - (2 if clause.tags[-1] == "." else 1)
        return clause.starts[1], clause.ends[last]
    return None


def _follows_quotation(clause: Clause, first: int) -> bool:
    """Whether a quotation stands right before a token: "…," she told the board."""
    at = first - 1
    while at > 0 and clause.tags[at] in ",R":
        at -= 1
    return at >= 0 and clause.tags[at] == "Q"


def _speaker(clause: Clause, verb: int) -> Phrase | None:
    """Who says or does what a verb tells: its subject; of a passive whoever stands behind "by"."""
    words = clause.words
    form = clause.forms.get(verb)
    if words[verb] in {"saying", "telling", "writing"} and verb and words[verb - 1] == "as":
        for at in range(verb - 1, -1, -1):
            if (quoting := clause.forms.get(at)) is not None and quoting.lemma in {"quote", "cite"}:
                return _speaker(clause, at)
    if form is not None and form.lemma in {"quote", "cite"} and "as" in words[verb + 1 :]:
        quoted = words.index("as", verb + 1)
        if words[quoted + 1 : quoted + 2] in (["saying"], ["telling"], ["writing"]):
            if quoted == verb + 1:  # "was quoted as saying"
                return clause.phrase_before(clause.group_start(verb) - 1)
            return clause.phrase_after(verb + 1)
    return clause.agent(verb) if clause.tags[verb] == "E" else clause.subject(verb)


def _clause_end(clause: Clause, start: int) -> int:
    """The last token of the clause that begins at `start`."""
    tags = clause.tags
    last = len(tags) - 1
    echo = next((at for at in clause.echoes if start + 2 <= at < last), last)
    for at in range(start + 2, echo):
        if tags[at] == ";" or (tags[at] == "," and tags[at + 1] in "KS" and _new_clause(clause, at + 2)):
            last = echo = at - 1
            break
    if echo < last:
        last = echo - 1
        while last > start and tags[last] in ",K":
            last -= 1
    while last > start and tags[last] == ".":
        last -= 1
    return last


def _new_clause(clause: Clause, start: int) -> bool:
    """Whether a subject and its verb begin at a token."""
    phrase = clause.phrase_after(start)
    if phrase is None:
        return False
    at = phrase[1] + 1
    while at < len(clause.tags) and clause.tags[at] == "R":
        at += 1
    return at < len(clause.tags) and clause.tags[at] in "VX"


def _distance(clause: Clause, at: int, verb: int, subject: Phrase) -> float:
    """How far a quotation stands from speaker and verb; other verbs between count more than words."""
    first, last = min(verb, subject[0]), max(verb, subject[1])
    between = range(last + 1, at) if at > last else range(at + 1, first)
    cost = 0.0
    for token in between:
        tag = clause.tags[token]
        cost += 3 if tag in "VQ" else 0 if tag in ",:R" else 0.5
    if at > last and at and clause.tags[at - 1] == ":":
        cost -= 2
    return cost


def _span(clause: Clause, phrase: Phrase) -> Span:
    return clause.starts[phrase[0]], clause.ends[phrase[1]]


def _units(sentences: Sequence[Span], quotes: Sequence[Span]) -> Iterator[list[tuple[int, int, bool]]]:
    """Sentences as stretches in and out of quotation marks; a sentence end inside a quotation ends nothing."""
    cuts = [end for _, end in sentences if not any(start < end < stop for start, stop in quotes)]
    if not cuts or cuts[-1] < sentences[-1][1]:
        cuts.append(sentences[-1][1])
    at = sentences[0][0]
    pending = list(quotes)
    for cut in cuts:
        pieces: list[tuple[int, int, bool]] = []
        while pending and pending[0][0] < cut:
            start, end = pending.pop(0)
            if at < start:
                pieces.append((at, start, False))
            pieces.append((max(start, at), end, True))
            at = end
        if at < cut:
            pieces.append((at, cut, False))
            at = cut
        if pieces:
            yield pieces
