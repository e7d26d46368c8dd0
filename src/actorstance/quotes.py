"""Who says what: the quotations of an article, the reports without quotation marks, and the words that name the speaker.

A quotation may run over sentences and paragraphs, stand in marks of any kind, be left open, or hold another one. What is
told in a that-clause or after an attitude ("wants", "rejected") is somebody's too: an indirect statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actorstance.documents import Document
from actorstance.grammar import Clause
from actorstance.tagging import lexicon

Span = tuple[int, int]

FEW_WORDS = 3  # a quotation of so few words and no full stop is a phrase of the sentence round it


@dataclass(frozen=True)
class Statement:
    """What somebody says, thinks or wants.

    Offsets count in the raw text. `source` is where the sentence names the speaker, None where nobody is named; `kind`
    is direct (a quotation), mixed (a report with a quotation in it) or indirect; `rule` says how the speaker was found.
    """

    kind: str
    source: Span | None
    cue: Span | None
    content: Span
    rule: str


@dataclass(frozen=True)
class _Quote:
    start: int  # of the opening mark
    end: int  # behind the closing mark
    continued: bool = False  # opens a paragraph after one that was left open


_DOUBLE = re.compile(r"[\"“”„«»]|''|``")
_SINGLE_OPEN = re.compile(r"(?<![^\s(\[—–“\"])['‘](?=[^\s'’])")
_SINGLE_CLOSE = re.compile(r"(?<=[.?!,…])['’](?![^\W_])|(?<=[^\W_])['’](?=[\s,.;:?!)\]—–]|$)")


def statements(document: Document) -> list[Statement]:
    """Return all statements of a document's body, in order of what is said.

    Example:
        >>> from actorstance.documents import parse
        >>> document = parse("d", '"We will not sign," Ana Lima told reporters in Varna. "Ostia has lied to us."')
        >>> for found in statements(document):
        ...     print(found.kind, document.raw[slice(*found.source)], document.raw[slice(*found.content)])
        direct Ana Lima "We will not sign,"
        direct Ana Lima "Ostia has lied to us."

    """
    return _Reader(document).read()


def quotations(text: str, start: int, end: int, open_before: bool = False) -> tuple[list[Span], bool]:
    """Return the quotations of a paragraph, marks included, and whether the last is left open.

    Args:
        text: the whole text.
        start: where the paragraph begins.
        end: where it ends.
        open_before: whether the paragraph before left a quotation open.

    """
    spans: list[Span] = []
    opened: int | None = None
    for mark in _DOUBLE.finditer(text, start, end):
        sign = mark[0]
        before = text[mark.start() - 1] if mark.start() > start else " "
        after = text[mark.end()] if mark.end() < end else " "
        if sign in "“„«``":
            opening = True
        elif sign in "”»":
            opening = False
        else:
            opening = (opened is None and not after.isspace()) or (
                opened is not None and before.isspace() and not after.isspace()
            )
        if opening:
            if opened is None:
                opened = mark.start()
        elif opened is not None:
            spans.append((opened, mark.end()))
            opened = None
        elif not spans and open_before:
            spans.append((start, mark.end()))
        elif not before.isspace():  # a closing mark without an opening one: from the start of its sentence
            stop = max((spans[-1][1] if spans else start), _sentence_start(text, start, mark.start()))
            spans.append((stop, mark.end()))
    if opened is not None:
        spans.append((opened, end))
        return spans, True
    if not spans:
        spans = _single(text, start, end)
    return spans, False


def _sentence_start(text: str, start: int, at: int) -> int:
    found = [m.end() for m in re.finditer(r"[.?!]\s+", text[start:at])]
    return start + (found[-1] if found else 0)


def _single(text: str, start: int, end: int) -> list[Span]:
    """The quotations in single marks of a paragraph without double ones."""
    spans: list[Span] = []
    at = start
    while opening := _SINGLE_OPEN.search(text, at, end):
        first = None
        for closing in _SINGLE_CLOSE.finditer(text, opening.end(), end):
            if text[closing.start() - 1] in ".?!,…" or first is None:
                first = closing
                if text[closing.start() - 1] in ".?!,…" or text[closing.start() - 1] != "s":
                    break
        if first is None:
            break
        spans.append((opening.start(), first.end()))
        at = first.end()
    return spans


class _Reader:
    """Reads a document paragraph by paragraph; remembers who spoke last."""

    def __init__(self, document: Document) -> None:
        self.document, self.text = document, document.raw
        self.found: list[Statement] = []

    def read(self) -> list[Statement]:
        paragraphs: dict[int, list[Span]] = {}
        for sentence in self.document.sentences:
            paragraphs.setdefault(sentence.paragraph, []).append((sentence.start, sentence.end))
        left_open, speaker = False, None
        for sentences in paragraphs.values():
            start, end = sentences[0][0], sentences[-1][1]
            spans, now_open = quotations(self.text, start, end, left_open)
            continued = left_open and bool(spans) and spans[0][0] == start
            speaker = self._paragraph(sentences, spans, speaker, continued)
            left_open = now_open
        self.found.sort(key=lambda one: (one.content[0], -one.content[1]))
        return self.found

    def _paragraph(
        self, sentences: Sequence[Span], spans: Sequence[Span], speaker: Statement | None, continued: bool
    ) -> Statement | None:
        """Read one paragraph, and return its last direct statement."""
        text = self.text
        long = [span for span in spans if self._is_long(span)]
        units = list(_units(sentences, long))
        before: Statement | None = speaker
        within = False  # whether `before` is of this paragraph
        waiting: list[tuple[Span, int]] = []
        for number, pieces in enumerate(units):
            clause = Clause(text, pieces)
            self._indirect(clause, long)
            for at in (at for at, tag in enumerate(clause.tags) if tag == "Q"):
                span = (clause.starts[at], clause.ends[at])
                one = self._direct(clause, at, span)
                if one is None:
                    alone = not any(tag in "NCVpX" for tag in clause.tags)
                    if continued and number == 0 and speaker is not None:
                        one = Statement("direct", speaker.source, speaker.cue, span, "quotation goes on")
                    elif within and before is not None:
                        one = Statement("direct", before.source, before.cue, span, "speaker of the quotation before")
                    elif alone:
                        waiting.append((span, number))
                        continue
                    else:
                        one = self._actor_of(clause, at, span)
                if waiting:
                    for early, _ in waiting:
                        self.found.append(
                            Statement("direct", one.source, one.cue, early, "speaker of the quotation after")
                        )
                    waiting = []
                self.found.append(one)
                before, within = one, True
            if waiting and not any(tag == "Q" for tag in clause.tags):
                source = self._speaker_next(clause)
                if source is not None:
                    for early, _ in waiting:
                        one = Statement("direct", source, None, early, "speaker of the sentence after")
                        self.found.append(one)
                        before, within = one, True
                    waiting = []
            if not any(tag == "Q" for tag in clause.tags):
                if (subject := self._main_subject(clause)) is not None:
                    before, within = (
                        Statement("direct", subject, None, subject, "who acts in the sentence before"),
                        True,
                    )
        for span, _ in waiting:
            rule = "speaker of the paragraph before"
            if speaker is not None:
                one = Statement("direct", speaker.source, speaker.cue, span, rule)
                self.found.append(one)
                before = one
            else:
                self.found.append(Statement("direct", None, None, span, "nobody is named"))
        return before

    def _is_long(self, span: Span) -> bool:
        inside = self.text[span[0] : span[1]]
        return len(inside.split()) > FEW_WORDS or re.search(r"[.?!,][\"”’'»]{0,2}$", inside) is not None

    def _direct(self, clause: Clause, at: int, span: Span) -> Statement | None:
        """The statement of a quotation by a cue in its own sentence."""
        best: tuple[float, Statement] | None = None
        tags = clause.tags
        for verb, tag in enumerate(tags):
            form = clause.forms.get(verb)
            if tag not in "VGEv" or form is None:
                continue
            says = bool(form.classes & {"say", "order"})
            subject = _speaker(clause, verb)
            if subject is None:
                continue
            cost = _distance(clause, at, verb, subject) + (0 if says else 6)
            if tag == "v":
                cost += 2
            if best is None or cost < best[0]:
                source = (clause.starts[subject[0]], clause.ends[subject[1]])
                cue = (clause.starts[verb], clause.ends[verb])
                best = cost, Statement("direct", source, cue, span, f"{clause.words[verb]}")
        for start, end, source_span, cue in self._other_cues(clause):
            cost = min(abs(at - start), abs(at - end))
            if best is None or cost < best[0]:
                best = cost, Statement("direct", source_span, cue, span, self.text[cue[0] : cue[1]].lower())
        return best[1] if best is not None else None

    def _other_cues(self, clause: Clause) -> Iterator[tuple[int, int, Span, Span]]:
        """Cues that are no verbs: (first token, last token, source, cue)."""
        words, tags, nouns = clause.words, clause.tags, lexicon().nouns
        for at, word in enumerate(words):
            if word == "according" and at + 2 < len(words) and words[at + 1] == "to":
                phrase = clause.phrase_after(at + 2)
                if phrase:
                    yield at, phrase[1], _span(clause, phrase), (clause.starts[at], clause.ends[at + 1])
            elif word in nouns and tags[at] == "N":
                first = at
                while first > 0 and tags[first - 1] in "N'C":
                    first -= 1
                if first > 0 and tags[first - 1] == "D":
                    first -= 1
                owner = clause.owner((first, at))
                if owner is None and at + 2 < len(words) and words[at + 1] in {"from", "by"}:
                    owner = clause.phrase_after(at + 2)
                if owner:
                    yield owner[0], at, _span(clause, owner), (clause.starts[at], clause.ends[at])

    def _actor_of(self, clause: Clause, at: int, span: Span) -> Statement:
        subject = self._main_subject(clause)
        return Statement("direct", subject, None, span, "who acts in the sentence" if subject else "nobody is named")

    def _main_subject(self, clause: Clause) -> Span | None:
        for verb, tag in enumerate(clause.tags):
            if tag == "V" or (tag == "X" and verb):
                phrase = clause.subject(verb) if tag == "V" else clause.phrase_before(clause.group_start(verb) - 1)
                if phrase and clause.tags[phrase[0]] != "w":
                    return _span(clause, phrase)
        return None

    def _speaker_next(self, clause: Clause) -> Span | None:
        """Who speaks in a sentence that comes after a quotation without a speaker."""
        return self._main_subject(clause)

    def _indirect(self, clause: Clause, quotes: Sequence[Span]) -> None:
        for verb, tag in enumerate(clause.tags):
            form = clause.forms.get(verb)
            if (
                tag == "X"
                and not clause.has_verb(verb)
                and (phrase := clause.phrase_before(clause.group_start(verb) - 1))
            ):
                self._report(clause, verb, verb, phrase, clause.words[verb], "act")
            if tag not in "VGEv" or (form is None and tag != "V"):
                continue
            subject = _speaker(clause, verb)
            if subject is None:
                continue
            kind = "act" if form is None or form.classes == {"act"} else ""
            if (
                not kind
                and self._follows_quotation(clause, min(verb, subject[0]))
                and not self._tells_more(clause, max(verb, subject[1]))
            ):
                continue  # "…," she told the board: the quotation is what she said
            self._report(clause, verb, verb, subject, clause.words[verb], kind)
        for first, last, source, cue in self._other_cues(clause):
            self._content(clause, first, last, source, cue, self.text[cue[0] : cue[1]].lower())

    def _follows_quotation(self, clause: Clause, first: int) -> bool:
        at = first - 1
        while at > 0 and clause.tags[at] in ",R":
            at -= 1
        return at >= 0 and clause.tags[at] == "Q"

    def _tells_more(self, clause: Clause, last: int) -> bool:
        return any(tag in "VXS" for tag in clause.tags[last + 1 :])

    def _report(self, clause: Clause, first: int, last: int, subject: tuple[int, int], rule: str, kind: str) -> None:
        cue = clause.starts[first], clause.ends[last]
        self._content(
            clause,
            min(subject[0], first),
            max(last, subject[1] if subject[0] > last else last),
            _span(clause, subject),
            cue,
            rule,
            kind,
        )

    def _content(
        self, clause: Clause, first: int, last: int, source: Span, cue: Span, rule: str, kind: str = ""
    ) -> None:
        """Add the statement whose speaker and cue are the tokens first to last of a clause."""
        tags, words = clause.tags, clause.words
        count = len(tags)
        right = last + 1
        while right < count and (tags[right] in "R,:" or words[right] == "that"):
            right += 1
        rest = [tag for tag in tags[right:] if tag not in ".)"]
        if kind != "act" and first > 1 and tags[first - 1] == "," and last + 1 < count and tags[last + 1] == ",":
            content = (clause.starts[0], clause.ends[_clause_end(clause, right)])  # "…, she said, …"
        elif len(rest) >= 1 and tags[right] not in ".":
            stop = _clause_end(clause, right)
            content = (clause.starts[right], clause.ends[stop])
        elif first > 0:
            stop = first - 1
            while stop > 0 and tags[stop] in ",-R":
                stop -= 1
            content = (clause.starts[0], clause.ends[stop])
        else:
            return
        if content[0] >= content[1]:
            return
        kind = kind or ("mixed" if any(tag == "Q" for tag in tags) else "indirect")
        self.found.append(Statement(kind, source, cue, content, rule))


def _speaker(clause: Clause, verb: int) -> tuple[int, int] | None:
    """Who says or does what a verb tells: its subject, of a passive whoever stands behind "by"; of "quoted X as saying" X."""
    words = clause.words
    form = clause.forms.get(verb)
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
    for at in range(start + 2, last):
        if tags[at] == ";" or (tags[at] == "," and tags[at + 1] in "KS" and _new_clause(clause, at + 2)):
            last = at - 1
            break
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


def _distance(clause: Clause, at: int, verb: int, subject: tuple[int, int]) -> float:
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


def _span(clause: Clause, phrase: tuple[int, int]) -> Span:
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
