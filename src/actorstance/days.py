"""Days, as articles are dated: ISO 8601, or nothing. A date in another form would be compared wrongly, in silence."""

from __future__ import annotations

import datetime
import re

from actorstance.errors import InputError

# datetime.fromisoformat takes any character between date and time ("2020-02-12/14"), and a week for its Monday.
_FORM = re.compile(r"\d{4}-?(\d\d-?\d\d|W\d\d-?\d)([T ].+)?")


def day_of(text: str | None) -> datetime.date | None:
    """Return the day of an ISO date or time, None if it is none: the day that is written, whatever the zone.

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


def iso(text: str | None, where: str) -> str | None:
    """Return a date as it is kept, beginning with YYYY-MM-DD; None if it is empty.

    Raises:
        InputError: if it is no ISO date; `where` names it in the message.

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
