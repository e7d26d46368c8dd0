"""Quotation marks: where the quotations of a paragraph begin and end."""

from __future__ import annotations

import re

Span = tuple[int, int]

FAR = 1000  # characters back in which to look for the beginning of a quotation without an opening mark

OPENING = frozenset('"“„«‘`')  # no apostrophe

_DOUBLE = re.compile(r"[\"“”„«»]|''|``")
_OPEN = frozenset({"“", "„", "«", "``"})
_CLOSE = frozenset({"”", "»"})
_SINGLE_OPEN = re.compile(r"['‘](?<![^\s(\[—–“\"].)(?=[^\s'’])")
_SINGLE_CLOSE = re.compile(r"['’](?:(?<=[.?!,…].)(?![^\W_])|(?<=[^\W_].)(?=[\s,.;:?!)\]—–”\"]|$))")


def quotations(text: str, start: int, end: int, open_before: bool = False) -> tuple[list[Span], bool]:
    """Return the quotations of a paragraph, marks included, and whether the last is left open.

    Double marks of any kind count; where a paragraph has none, single ones do. A closing mark without an opening one
    closes what the previous paragraph left open, or else what its own sentence says.

    Args:
        text: the whole text.
        start: where the paragraph begins.
        end: where it ends.
        open_before: whether the previous paragraph left a quotation open.

    Example:
        >>> text = "“No,” she said. “We told them ‘never’ and"
        >>> spans, left_open = quotations(text, 0, len(text))
        >>> [text[start:end] for start, end in spans], left_open
        (['“No,”', '“We told them ‘never’ and'], True)

    """
    spans: list[Span] = []
    opened: int | None = None
    for mark in _DOUBLE.finditer(text, start, end):
        if _opens(text, mark, start, end, opened is not None):
            opened = mark.start() if opened is None else opened
        elif opened is not None:
            spans.append((opened, mark.end()))
            opened = None
        elif not spans and open_before:
            spans.append((start, mark.end()))
        elif mark.start() > start and not text[mark.start() - 1].isspace():
            low = max(start, mark.start() - FAR)
            ends = [text.rfind(stop, low, mark.start() - 1) + 2 for stop in (". ", "? ", "! ")]
            first = max(spans[-1][1] if spans else start, low, *ends)
            spans.append((first, mark.end()))
    if opened is not None:
        return [*spans, (opened, end)], True
    return spans or singles(text, start, end), False


def _opens(text: str, mark: re.Match[str], start: int, end: int, is_open: bool) -> bool:
    """Whether a mark opens a quotation; for straight ones the spaces beside it decide."""
    if mark[0] in _OPEN:
        return True
    if mark[0] in _CLOSE:
        return False
    before = mark.start() == start or text[mark.start() - 1].isspace()
    after = mark.end() >= end or text[mark.end()].isspace()
    return not after and (before or not is_open)


def singles(text: str, start: int, end: int) -> list[Span]:
    """Return the quotations in single marks; an apostrophe is not one."""
    spans: list[Span] = []
    at = start
    while opening := _SINGLE_OPEN.search(text, at, end):
        first = None
        for closing in _SINGLE_CLOSE.finditer(text, opening.end(), end):
            before = text[closing.start() - 1]
            if first is None or before in ".?!,…":
                first = closing
            if before != "s":  # after an s it may be a plural's possessive
                break
        if first is None:
            break
        spans.append((opening.start(), first.end()))
        at = first.end()
    return spans
