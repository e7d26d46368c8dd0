"""Which lines of a pasted page are the article's own, and which belong to the page around it.

What is pasted from a newspaper's page is the article with the page's own text before, between and after its paragraphs.
No mark-up is left to tell them apart, so the lines themselves must: their words (furniture.yaml), their shape (a
paragraph is made of whole sentences) and their place (navigation is before the article, comments after it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from actorstance.text import exports
from actorstance.text.furniture import labelled
from actorstance.text.shapes import DATELINE, FUNCTION_WORDS, SENTENCE_END, TIME, UNSURE, UP, WORD, alone, unsigned
from actorstance.text.wrapping import NUMBERED, line_spans, paragraph_lines

SIGNED = "who signs the article, or its end mark"
KINDS = ("headline", "byline", "dateline", "caption", "sub-heading", "body", "furniture")


@dataclass(frozen=True)
class Line:
    """A line of the page, or the dateline that opens one: raw[start:end], its kind, and why it was kept or cut.

    `kept` lines are the article's own; only the `body` lines among them are read for sentences. A `wrapped` line
    continues the paragraph of the line before it.
    """

    start: int
    end: int
    kind: str
    kept: bool
    reason: str
    wrapped: bool = False


def classify(raw: str) -> tuple[Line, ...]:
    r"""Classify every line of a page that is not blank.

    Returns:
        The lines in order. They do not overlap, and nothing but white space lies outside them. A dateline and the
        paragraph that it opens are two `Line`s of one line of text.

    Example:
        >>> page = "Share this article\n\nBridge reopens\n\nVARNA — The mayor opened it on Monday, after a year."
        >>> [(line.kind, page[line.start:line.end]) for line in classify(page)]  # doctest: +NORMALIZE_WHITESPACE
        [('furniture', 'Share this article'), ('headline', 'Bridge reopens'), ('dateline', 'VARNA —'),
         ('body', 'The mayor opened it on Monday, after a year.')]

    """
    spans = list(line_spans(raw))
    fields = exports.fields(raw, spans)
    blocks = paragraph_lines(raw, list(_without(raw, spans, fields)) if fields else spans)
    texts = [" ".join(" ".join(raw[start:end] for start, end in block).split()) for block in blocks]
    verdicts, turns = _verdicts(texts), _turns(texts)
    if any(field.kind == "headline" for field in fields):  # then a line that looks like one is not
        verdicts = [("sub-heading" if kind == "headline" else kind, reason) for kind, reason in verdicts]
    result: list[Line] = []
    for block, (kind, reason) in zip(blocks, verdicts, strict=True):
        for index, (start, end) in enumerate(block):
            opening = raw[start : min(block[-1][1], start + 200)]
            dateline = _dateline(opening, turns) if kind == "body" and not index else None
            if dateline:
                cut = start + len(dateline[0].rstrip())
                result.append(Line(start, cut, "dateline", True, "place before the first sentence"))
                start += dateline.end()
            text = unsigned(raw[start:end]) if kind == "body" and end == block[-1][1] else raw[start:end]
            result.append(Line(start, start + len(text), kind, kind != "furniture", reason, wrapped=index > 0))
            if signature := raw[start + len(text) : end].lstrip():
                result.append(Line(end - len(signature), end, "byline", True, SIGNED))
    result += (Line(field.start, field.end, field.kind, field.kind != "furniture", field.reason) for field in fields)
    return tuple(sorted(result, key=lambda line: line.start)) if fields else tuple(result)


def paragraphs(lines: tuple[Line, ...]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each paragraph of the body, wrapped lines joined."""
    pending: tuple[int, int] | None = None
    for line in lines:
        if line.kind == "body" and line.wrapped and pending:
            pending = (pending[0], line.end)
        elif line.kind == "body":
            if pending:
                yield pending
            pending = (line.start, line.end)
    if pending:
        yield pending


def _without(raw: str, spans: list[tuple[int, int]], fields: list[exports.Field]) -> Iterator[tuple[int, int]]:
    """Yield what of the lines is no field of a database; a field's name may stand before text on its line."""
    ends = {field.start: field.end for field in fields}
    for start, end in spans:
        while start in ends:
            start = ends[start]
            start += len(raw[start:end]) - len(raw[start:end].lstrip())
        if start < end:
            yield start, end


# --- place ---

# After one of these, once a good part of the article has passed, nothing belongs to the article any more.
_END = {"comments", "voting", "test for human visitors"}
_LINKS = "links to other pages"  # likewise, if only a few short sentences follow
_ENTRIES = 3  # this many times of day alone on a line make a live page; fewer may be a video's
_STANDFIRST_WORDS = 60  # a longer one is an article's first paragraphs
_QUESTION_WORDS = 10  # of a heading
_NOTE_WORDS = 60  # about the author
_END_MARK = re.compile(r"# ?# ?#|[-–—] ?30 ?[-–—]|[-–—]? ?ENDS? ?[-–—.]?")  # of press releases and wires
_NOTES = re.compile(r"(?:(?:end|foot)?notes|references|bibliography|works cited):?", re.IGNORECASE)
_NOTE = re.compile(r"[\[(^]?\d{1,3}\b|.*\(\d{4}\)")
_BUTTON = re.compile(r"\W*(?:leave|write|add|post) a comment\W*", re.IGNORECASE)  # between paragraphs of newsletters
_ITEM = re.compile(r"(?:[•▪●◦*·–—-]|\(?(?:[a-z]|\d{1,2})[.)]) ?\S")
_CAPITALISED = re.compile(rf"[{UP}][\w'’-]+")
_ABOUT = re.compile(rf"(?:[{UP}][\w.'’-]*\s){{0,4}}([{UP}][\w'’-]+),? (?:is|was|writes|reports|covers|teaches)\b")


def _verdicts(texts: list[str]) -> list[tuple[str, str]]:
    """Give every paragraph its kind and reason: first by its words and shape, then by its place."""
    verdicts = [alone(text) for text in texts]
    _signed(texts, verdicts)
    if all(kind != "body" for kind, _ in verdicts):
        for index, (kind, _) in enumerate(verdicts):
            if kind == UNSURE and " " in texts[index] and SENTENCE_END.search(texts[index]):
                verdicts[index] = ("body", "ends like a sentence, in a text without others")
    first, last = _body_range(texts, verdicts)
    last = _without_notes(texts, verdicts, first, last)
    for index, (kind, _) in enumerate(verdicts):
        if index > last and kind != "furniture" and (kind != "byline" or index > last + 2):
            verdicts[index] = ("furniture", "after the article's end")
        elif index < first and kind == "body":
            verdicts[index] = ("sub-heading", "a sentence before the article's first paragraph")
        elif index < first and kind == "furniture" and labelled(texts[index]):
            verdicts[index] = (UNSURE, "short line")
    _between(texts, verdicts, first, last)
    _questions(texts, verdicts)
    _numbered(texts, verdicts)
    _above(texts, verdicts, first)
    return verdicts


def _signed(texts: list[str], verdicts: list[tuple[str, str]]) -> None:
    """Settle the paragraphs that an agency or an end mark signs: what is before the signature tells what they are.

    An agency may be a caption's credit too: it signs a paragraph below others, and a known agency of pictures the last.
    """
    alone_on_page = all(kind != "body" for kind, _ in verdicts)
    for index, text in enumerate(texts):
        kind = verdicts[index][0]
        before = unsigned(text) if kind in (UNSURE, "caption", "body") else text
        if before == text or alone(before)[0] != "body":
            continue
        above = index > 0 and verdicts[index - 1][0] == "body"
        last = index + 1 == len(texts) or verdicts[index + 1][0] != "body"
        if alone_on_page or (above and last) or (kind != "caption" and (above or not text.endswith(")"))):
            texts[index], verdicts[index] = before, ("body", "whole sentences, and who signs them")


def _turns(texts: list[str]) -> bool:
    """Whether paragraphs begin with capitals and a colon because somebody else speaks, or with what they are about."""
    found = (DATELINE.match(text) for text in texts)
    return sum(dateline is not None and dateline[0].endswith(": ") for dateline in found) > 1


def _dateline(text: str, turns: bool) -> re.Match[str] | None:
    found = DATELINE.match(text)
    return None if found and turns and found[0].endswith(": ") else found


def _body_range(texts: list[str], verdicts: list[tuple[str, str]]) -> tuple[int, int]:
    """Index of the first and of the last paragraph of the article."""
    turns = _turns(texts)
    body = [index for index, (kind, _) in enumerate(verdicts) if kind == "body"]
    openers = [index for index in body if len(texts[index].split()) >= 8 or _dateline(texts[index], turns)]
    if not openers:
        return (body[0], body[-1]) if body else (len(texts), len(texts))
    first = openers[0]
    words = [len(text.split()) if kind == "body" else 0 for text, (kind, _) in zip(texts, verdicts, strict=True)]
    times = [at for at, text in enumerate(texts) if TIME.fullmatch(text)]
    entry = times[0] if len(times) >= _ENTRIES else -1
    # A sentence or two above the dateline, the byline or a live page's first entry is a standfirst, or a caption
    # without credit, if most of the article is yet to come.
    for index in range(first + 1, min(first + 6, len(texts))):
        opens = verdicts[index][0] == "body" and _dateline(texts[index], turns) and not _dateline(texts[first], turns)
        below = verdicts[index][0] == "byline" or index == entry
        above, rest = [at for at in openers if at < index], [at for at in openers if at >= index]
        little = sum(words[first:index]) <= _STANDFIRST_WORDS and 4 * sum(words[first:index]) <= sum(words[index:])
        if rest and (opens or below) and len(above) <= 2 and little:
            first = rest[0]
    for index in range(first + 1, len(texts)):
        kind, reason = verdicts[index]
        if _BUTTON.fullmatch(texts[index]) and verdicts[min(index + 1, len(texts) - 1)][0] == "body":
            continue
        if kind == "furniture" and reason in _END and sum(words[index:]) <= 2 * sum(words[first:index]):
            return first, max(later for later in body if later < index)
        rest = [count for count in words[index:] if count] if reason == _LINKS else []
        if reason == _LINKS and max(rest, default=0) <= 20 and sum(rest) <= 0.1 * sum(words[first:index]):
            return first, max(later for later in body if later < index)
    return first, body[-1]


def _without_notes(texts: list[str], verdicts: list[tuple[str, str]], first: int, last: int) -> int:
    """Index of the article's last paragraph without what is below an end mark, or says who its author is."""
    body = [at for at in range(first, min(last + 1, len(texts))) if verdicts[at][0] == "body"]
    notes = [at for at in range(first + 1, last) if _NOTES.fullmatch(texts[at]) and _NOTE.match(texts[at + 1])]
    marks = [at for at in range(first + 1, last) if _END_MARK.fullmatch(texts[at])] + notes
    if marks and 2 * sum(at < marks[0] for at in body) >= len(body):
        body = [at for at in body if at < marks[0]]
    names: set[str] = set()
    for text, (kind, _) in zip(texts[:first], verdicts[:first], strict=True):
        names.update(name.casefold() for name in _CAPITALISED.findall(text) if kind == "byline")
    if len(body) > 1 and len(texts[body[-1]].split()) <= _NOTE_WORDS:
        about = _ABOUT.match(texts[body[-1]])
        body = body[:-1] if about and about[1].casefold() in names else body
    return body[-1] if body else last


def _numbered(texts: list[str], verdicts: list[tuple[str, str]]) -> None:
    """Settle numbered lines that do not end as a sentence does: two or more are headings, "2. The odd parents"."""
    found = [at for at, text in enumerate(texts) if len(text) <= 120 and NUMBERED.match(text)]
    headings = [at for at in found if verdicts[at][0] == "body" and not SENTENCE_END.search(texts[at])]
    if len(headings) >= 2:
        for at in headings:
            verdicts[at] = ("sub-heading", "one of several with numbers")


def _questions(texts: list[str], verdicts: list[tuple[str, str]]) -> None:
    """Settle the short questions alone above a paragraph: two or more of them are the article's headings.

    In an interview a statement is a question too, if it says "you" and a quotation answers it.
    """
    found = []
    for index, text in enumerate(texts[:-1]):
        answer, kinds = texts[index + 1], (verdicts[index][0], verdicts[index + 1][0])
        short = len(text.split()) <= _QUESTION_WORDS < len(answer.split()) and not re.search('["“”]', text)
        asks = text.endswith("?") or (re.search(r"\byou\b", text, re.IGNORECASE) and answer[0] in "\"“'‘«„")
        if kinds[1] == "body" and kinds[0] in ("body", "sub-heading") and short and asks:
            found.append(index)
    for index in found if len(found) >= 2 else []:
        verdicts[index] = ("sub-heading", "one of several questions that paragraphs answer")


def _between(texts: list[str], verdicts: list[tuple[str, str]], first: int, last: int) -> None:
    """Settle the short lines between paragraphs: one alone is a sub-heading, several in a row are links."""
    index = first
    while index < last:
        run = index
        while run < last and verdicts[run][0] == UNSURE:
            run += 1
        for place in range(index, run):
            text = texts[place]
            words = [word.lower() for word in WORD.findall(text)]
            running = sum(word in FUNCTION_WORDS for word in words)
            if (len(words) >= 12 and running >= 0.2 * len(words)) or (len(words) >= 25 and running >= 2):
                verdicts[place] = ("body", "running words between paragraphs, though no full stop ends them")
            elif _ITEM.match(text) and verdicts[place - 1][0] == "body":
                verdicts[place] = ("body", "item of a list between paragraphs")
            elif run - index == 1 and SENTENCE_END.search(text):
                verdicts[place] = ("body", "ends like a sentence, between paragraphs")
            elif run - index == 1:
                verdicts[place] = ("sub-heading", "one short line between paragraphs")
            else:
                verdicts[place] = ("furniture", "a list of short lines between paragraphs")
        index = max(run, index + 1)


def _above(texts: list[str], verdicts: list[tuple[str, str]], first: int) -> None:
    """Find the headline among the short lines above the article; above it is the page, below it a standfirst."""
    top = range(min(first, len(texts)))
    unsure = [index for index in top if verdicts[index][0] == UNSURE]
    long = [index for index in unsure if len(texts[index].split()) >= 4]
    bylines = [index for index in top if verdicts[index][0] == "byline" and any(at < index for at in long)]
    above = [index for index in long if not bylines or index < bylines[0]] or unsure[-1:]
    if above:
        together = above[-1:]  # go up from the byline, or the article, for as long as the lines are adjacent
        while together[0] - 1 in above:
            together.insert(0, together[0] - 1)
        headline = next((at for at in together if len(texts[at].split()) >= 6), together[0])
    else:
        headline = next((index for index in top if verdicts[index][0] == "sub-heading"), -1)
        if headline >= 0:
            verdicts[headline] = ("headline", "the line that stands above the article")
    for index in range(max(headline, 0) + 1, len(texts)):
        if headline >= 0 and texts[index].strip(" →»›-") == texts[headline]:
            verdicts[index] = ("furniture", "the headline again")
    for index in unsure:
        if index == headline:
            verdicts[index] = ("headline", "the line that stands above the article")
        elif index > headline and (index in long or index == first - 1):
            verdicts[index] = ("sub-heading", "below the headline")
        else:
            verdicts[index] = ("furniture", "a short line around the headline")
