"""A date is read whole, or refused."""

from __future__ import annotations

import datetime

import pytest

from actorstance.days import day_of, iso, published
from actorstance.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-12",
        " 20200212 ",
        "2020-W07-3",
        "2020-02-12T08",
        "2020-02-12 08:00:00.123+01:00",
        "20200212T0800Z",
        "2020-02-12T23:30:00-05:00",  # the 13th in Greenwich
        "2020-02-12T00:30+09:00",  # the 11th there
    ],
)
def test_the_day_is_the_one_that_is_written(text: str) -> None:
    assert day_of(text) == datetime.date(2020, 2, 12)
    kept = iso(text, "row 1")
    assert kept is not None
    assert kept.startswith("2020-02-12")
    assert day_of(kept) == datetime.date(2020, 2, 12)


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-12garbage",
        "2020-02-12 or so",
        "2020-02-120",
        "2020-02-12T25:99",
        "2020-02-12T",
        "2020-02-12/2020-02-14",
        "2020-02-12/14",
        "2020-02-30",
        "2020-W07",
        "2020-02",
        "12 Feb 2020",
    ],
)
def test_what_only_begins_like_a_date_is_none(text: str) -> None:
    assert day_of(text) is None
    with pytest.raises(InputError, match=r"row 1: its date '.*' is no ISO date"):
        iso(text, "row 1")


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["Published 4 March 2021 at 09:14 GMT"], "2021-03-04"),
        (["By Ana Lima", "March 5, 2020"], "2020-03-05"),
        (["Sept. 3rd, 2020 | By Ana Lima"], "2020-09-03"),
        (["VARNA, Feb 12 2020 (Agency) —", "Published 2020-02-12T08:00Z"], "2020-02-12"),
        (["By Ana Lima, 04/03/2021"], None),
        (["Published 4 March at 09:14 GMT"], None),  # of which year?
        (["Published 4 March 2021, updated 6 March 2021"], None),
        (["Published 30 February 2021"], None),
        ([], None),
    ],
)
def test_a_page_is_dated_if_it_writes_one_day(lines: list[str], day: str | None) -> None:
    assert published(lines) == day_of(day)
