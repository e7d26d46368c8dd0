"""Who says what: the quotations of an article and who is named as the speaker, with what else its sentences report.

A quotation may run over sentences and paragraphs, use marks of any kind, be left open, or hold another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from actorstance.documents import Document
from actorstance.speech.attribution import Statement, attributions, nominal_cues
from actorstance.speech.interviews import answers
from actorstance.syntax.chunking import Phrase
from actorstance.syntax.grammar import Clause
from actorstance.syntax.marks import Span, quotations, singles

FEW_WORDS = 3  # up to this many words in marks, without a full stop, are a phrase of the sentence
MAX_SENTENCE = 4000  # characters outside quotations; a longer "sentence" is a list or not prose, and is not read
NEAR = 60  # tokens on each side of a quotation where its cue may be


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
    waiting: list[Span] = []  # left open in the previous paragraph, with no speaker there
    introduced: Statement | None = None  # by the previous paragraph: "She wrote:"
    joint: dict[Span, tuple[Span, ...]] = {}
    for sentences in paragraphs.values():
        start, end = sentences[0][0], sentences[-1][1]
        spans, now_open = quotations(document.raw, start, end, left_open)
        continued = left_open and bool(spans) and spans[0][0] == start
        paragraph = _Paragraph(document.raw, speaker, continued, waiting)
        if introduced is not None and not spans:
            found.append(replace(introduced, content=(start, end)))
        paragraph.read(sentences, spans)
        introduced = paragraph.introduces
        if not now_open:
            paragraph.close()
        waiting = paragraph.waiting
        for span in spans:  # and what is quoted inside a quotation
            inner = singles(document.raw, span[0] + 1, span[1] - 1) if span[1] - span[0] > 2 else []
            if inner:
                nested = _Paragraph(document.raw, few=0)
                nested.read(_cut(sentences, span[0] + 1, span[1] - 1), inner)
                found += [one for one in nested.found if one.kind == "direct" and one.source is not None]
                joint |= nested.joint
        found += paragraph.found
        joint |= paragraph.joint
        left_open, speaker = now_open, paragraph.last or speaker
    found += [Statement("direct", None, None, span, "nobody is named") for span in waiting]
    answered, who = answers(document)
    found += [Statement("direct", who, None, span, "answer of an interview") for span in answered]
    found.sort(key=lambda one: (one.content[0], -one.content[1]))
    return [replace(one, joined=joint[one.source]) if one.source in joint else one for one in found]


def _cut(sentences: Sequence[Span], start: int, end: int) -> list[Span]:
    """The parts of sentences that lie in a span."""
    return [(max(a, start), min(b, end)) for a, b in sentences if a < end and start < b]


class _Paragraph:
    """Reads one paragraph.

    Args:
        text: the whole text.
        speaker: the last direct statement before it.
        continued: whether it opens with a quotation that continues from the previous paragraph.
        waiting: quotations that have no speaker yet.
        few: up to this many words in marks are a phrase of the sentence around them.

    """

    def __init__(
        self,
        text: str,
        speaker: Statement | None = None,
        continued: bool = False,
        waiting: Sequence[Span] = (),
        few: int = FEW_WORDS,
    ) -> None:
        self.text, self.speaker, self.continued, self.few = text, speaker, continued, few
        self.waiting = list(waiting)
        self.found: list[Statement] = []
        self.last: Statement | None = None  # who spoke, or acted, last in this paragraph
        self.joint: dict[Span, tuple[Span, ...]] = {}  # a source made up of several -> each of them
        self.introduces: Statement | None = None  # a quotation without marks in the next paragraph

    def read(self, sentences: Sequence[Span], spans: Sequence[Span]) -> None:
        long = [span for span in spans if self._is_long(span)]
        for number, pieces in enumerate(_units(sentences, long)):
            if sum(end - start for start, end, quotation in pieces if not quotation) > MAX_SENTENCE:
                continue
            clause = Clause(self.text, pieces)
            self.found += attributions(clause)
            self.introduces = _introduction(clause)
            quoted = [at for at, tag in enumerate(clause.tags) if tag == "Q"]
            for at in quoted:
                self._quotation(clause, at, number == 0)
            if not quoted and (signed := _signature(clause)) is not None:
                self._settle(signed, None, "signed")
            elif not quoted and (subject := _main_subject(clause)) is not None:
                self._settle(subject, None, "speaker of the sentence after")
                self.last = Statement("direct", subject, None, subject, "who acts in the sentence before")
            self.joint |= clause.joint

    def close(self) -> None:
        """Give the quotations still waiting for a speaker to whoever spoke before the paragraph, or to nobody."""
        if self.waiting and self.speaker is not None:
            self._settle(self.speaker.source, self.speaker.cue, "speaker of the paragraph before")
            self.last = self.last or self.speaker
        self._settle(None, None, "nobody is named")

    def _is_long(self, span: Span) -> bool:
        inside = self.text[span[0] : span[1]]
        return len(inside.split()) > self.few or re.search(r"[.?!,][\"”’'»]{0,2}$", inside) is not None

    def _settle(self, source: Span | None, cue: Span | None, rule: str) -> None:
        """Give the waiting quotations their speaker."""
        self.found += [Statement("direct", source, cue, span, rule) for span in self.waiting]
        self.waiting = []

    def _quotation(self, clause: Clause, at: int, first: bool) -> None:
        """Find who says the quotation that is token `at`."""
        span = clause.span(at, at)
        one = _by_cue(clause, at, span)
        if one is None and self.continued and first and self.speaker is not None:
            one = replace(self.speaker, content=span, rule="quotation goes on")
        if one is None and self.last is not None:
            one = replace(self.last, content=span, rule="speaker of the quotation before")
        if one is None and not any(tag in "NCVpX" for tag in clause.tags):
            self.waiting.append(span)
            return
        if one is None:
            subject = _main_subject(clause)
            rule = "who acts in the sentence" if subject else "nobody is named"
            one = Statement("direct", subject, None, span, rule)
        self._settle(one.source, one.cue, "speaker of the quotation after")
        self.found.append(one)
        self.last = one


def _by_cue(clause: Clause, at: int, span: Span) -> Statement | None:
    """The statement of a quotation by the nearest cue in its own sentence."""
    best: tuple[float, Statement] | None = None
    for verb in range(max(0, at - NEAR), min(len(clause.tags), at + NEAR)):
        tag, form = clause.tags[verb], clause.forms.get(verb)
        if tag not in "VGEv" or form is None or (subject := clause.speaker(verb)) is None:
            continue
        cost = _distance(clause, at, verb, subject)
        cost += (0 if form.classes & {"say", "order"} else 6) + (2 if tag == "v" else 0)
        if best is None or cost < best[0]:
            cue = clause.span(verb, verb)
            best = cost, Statement("direct", clause.source(subject, verb), cue, span, clause.words[verb])
    for start, end, source, cue in nominal_cues(clause):
        cost = min(abs(at - start), abs(at - end))
        if best is None or cost < best[0]:
            best = cost, Statement("direct", source, cue, span, clause.text[slice(*cue)].lower())
    return None if best is None else best[1]


def _main_subject(clause: Clause) -> Span | None:
    """The span of the subject of a sentence's first verb that has one."""
    for verb, tag in enumerate(clause.tags):
        if tag == "V" or (tag == "X" and verb):
            phrase = clause.subject(verb) if tag == "V" else clause.before_group(verb)
            if phrase and clause.tags[phrase[0]] != "w":
                return clause.source(phrase, verb)
    return None


def _introduction(clause: Clause) -> Statement | None:
    """The statement, without its content, of a sentence that ends in a colon: "She wrote:"."""
    if clause.words[-1:] != [":"]:
        return None
    for verb in range(len(clause.tags) - 1, -1, -1):
        form = clause.forms.get(verb)
        if clause.tags[verb] not in "VX" or (subject := clause.speaker(verb)) is None:
            continue
        if form is None or "say" not in form.classes or clause.tags[subject[0]] == "w":
            return None  # "This is what we know:"
        cue = clause.span(verb, verb)
        return Statement("direct", clause.source(subject, verb), cue, cue, "block quotation")
    return None


def _signature(clause: Clause) -> Span | None:
    """Who signs a quotation: "— Ana Lima"."""
    if clause.tags[:1] == ["-"] and re.fullmatch(r"-C+\.?", "".join(clause.tags)):
        last = len(clause.tags) - (2 if clause.tags[-1] == "." else 1)
        return clause.span(1, last)
    return None


def _distance(clause: Clause, at: int, verb: int, subject: Phrase) -> float:
    """How far a quotation is from speaker and verb; other verbs in between count more than words."""
    first, last = min(verb, subject[0]), max(verb, subject[1])
    between = range(last + 1, at) if at > last else range(at + 1, first)
    cost = 0.0
    for token in between:
        tag = clause.tags[token]
        cost += 3 if tag in "VQ" else 0 if tag in ",:R" else 0.5
    if at > last and at and clause.tags[at - 1] == ":":
        cost -= 2
    return cost


def _units(sentences: Sequence[Span], quotes: Sequence[Span]) -> Iterator[list[tuple[int, int, bool]]]:
    """Sentences as spans inside and outside quotation marks; a sentence end inside a quotation ends nothing."""
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
