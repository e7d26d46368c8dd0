"""Days, as articles are dated: ISO 8601, or nothing. A date in another form would silently be compared wrongly."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

from actorstance.errors import InputError

# datetime.fromisoformat takes any character between date and time ("2020-02-12/14"), and a week for its Monday.
_FORM = re.compile(r"\d{4}-?(\d\d-?\d\d|W\d\d-?\d)([T ].+)?")


def day_of(text: str | None) -> datetime.date | None:
    """Return the day of an ISO date or time, else None: the day as written, whatever the zone.

    Example:
        >>> day_of("2020-02-12T23:30:00-05:00"), day_of("20200212"), day_of("2020-02-12/2020-02-14")
        (datetime.date(2020, 2, 12), datetime.date(2020, 2, 12), None)

    """
    text = (text or "").strip()
    if not _FORM.fullmatch(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError:
        return None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_WRITTEN = re.compile(  # never 04/03/2021, which is one day here and another there
    rf"(?<![\d-])(\d{{4}}-\d\d-\d\d)(?![\d-])|\b{_DAY}\s{_MONTH},?\s(\d{{4}})\b|\b{_MONTH}\s{_DAY},?\s(\d{{4}})\b",
    re.IGNORECASE,
)


def published(lines: Iterable[str]) -> datetime.date | None:
    """Return the one day written in an article's byline and dateline, None if there is none, or several.

    Example:
        >>> published(["By Ana Lima", "Published 4 March 2021 at 09:14 GMT"])
        datetime.date(2021, 3, 4)
        >>> published(["By Ana Lima, 04/03/2021"])

    """
    days = set()
    for match in (match for line in lines for match in _WRITTEN.finditer(line)):
        text, day, month, year, month_first, day_second, year_last = match.groups()
        if not text:
            at = _MONTHS.index((month or month_first)[:3].lower()) + 1
            text = f"{year or year_last}-{at:02}-{int(day or day_second):02}"
        days.add(day_of(text))
    return days.pop() if len(days) == 1 else None


def iso(text: str | None, where: str) -> str | None:
    """Return a date as it is kept, beginning with YYYY-MM-DD; None if it is empty.

    Raises:
        InputError: if it is not an ISO date; `where` names it in the message.

    Example:
        >>> iso("2020-02-12T08:00Z", "row 1"), iso("20200212", "row 2"), iso(" ", "row 3")
        ('2020-02-12T08:00Z', '2020-02-12', None)

    """
    text = (text or "").strip()
    if not text:
        return None
    day = day_of(text)
    if day is None:
        raise InputError(f"{where}: its date {text[:40]!r} is no ISO date. Write it as 2020-02-12, or leave it out.")
    return text if text[:10] == day.isoformat() else day.isoformat()
