"""Numbers and counts as a reader reads them."""

from __future__ import annotations


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """Return a number with a true minus, and a dash where it is not known. What rounds to zero has no sign.

    Example:
        >>> number(-0.004), number(0.5, 1, sign=True), number(None), number(-2.5, 1)
        ('0.00', '+0.5', '–', '−2.5')
        >>> number(-0.004, sign=True), number(0.004, sign=True)
        ('0.00', '0.00')

    """
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # no negative zero
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", "−")


def printable(text: str, width: int | None = None) -> str:
    r"""Return a text without marks that turn the line around it or end it, and no longer than `width`.

    Example:
        >>> printable("a\x1b[1m\u202eb"), printable("Organisation", 6)
        ('a�[1m�b', 'Organ…')

    """
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Example:
        >>> plural(1, "pair"), plural(1200, "pair")
        ('1 pair', '1,200 pairs')

    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
