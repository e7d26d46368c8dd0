"""The registry of the world against CLDR; registries of users as CSV and as PETRARCH dictionaries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel import Locale
from babel.core import get_global

from actorstance.actors import UNKNOWN, Registry
from actorstance.errors import InputError

WORLD = Registry.world()
ALPHA_2 = {long: short[0] for long, short in get_global("territory_aliases").items() if len(long) == 3}
ALPHA_2["XKX"] = "XK"
# Territories of CLDR that are no member or observer of the United Nations, nor recognised by one.
DEPENDENT = re.findall(
    "[A-Z]+",
    "AC AS AI AQ AW AX BL BM BQ BV CC CK CP CQ CW CX DG EA EU EZ FK FO GF GG GI GL GP GS GU HM IC IM IO JE KY MF MO MP"
    " MQ MS NC NF NU PF PM PN PR QO RE SH SJ SX TA TC TF TK UM UN VG VI WF XA XB YT ZZ",
)


def test_every_state_of_cldr_is_there_by_its_name() -> None:
    names = {re.sub(r" \(.*\)| SAR China", "", name) for code, name in _states().items()}
    missing = {name for name in names if not WORLD.mentions(name.replace("’", "'"))}
    unsure = {"Chad", "Dominica", "Georgia", "Guinea", "Jordan", "Niger"}
    assert missing == set()
    assert unsure <= {
        name for entry in WORLD.to_json().values() if isinstance(entry, dict) for name in entry.get("unsure", [])
    }


def test_every_code_is_the_state_that_cldr_means() -> None:
    english = Locale("en").territories
    for actor, iso in WORLD.iso.items():
        name = re.sub(r" \(.*\)| SAR China", "", english[ALPHA_2[iso]]).replace("’", "'")
        assert WORLD.mentions(name)[0].actor == actor, (actor, iso, name)
    assert len(WORLD.iso) == len(set(WORLD.iso.values())) == len(_states())


def _states() -> dict[str, str]:
    return {c: n for c, n in Locale("en").territories.items() if re.fullmatch("[A-Z]{2}", c) and c not in DEPENDENT}


def test_a_name_can_change_its_actor_with_the_date(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "alias,actor,kind,from,to,note\nAna Lima,varna,,2001-01-01,2005-12-31,minister\n"
        "Ana Lima,ostia,name,2006-01-01,,envoy\nPort,varna,seat,,,\n",
        encoding="utf-8",
    )
    mine = Registry.read(path)
    on = {date: mine.mentions("Ana Lima", date)[0] for date in ("2003-05-01", "2005-12-31", "2006-01-01T12:00")}
    assert [one.actor for one in on.values()] == ["varna", "varna", "ostia"]
    assert {one.rule for one in on.values()} == {"registry, dated"}
    assert mine.mentions("Ana Lima", "1999-01-01") == []
    (undated,) = mine.mentions("Ana Lima")
    assert (undated.actor, undated.candidates) == (UNKNOWN, ("varna", "ostia"))
    assert Registry(mine.to_json()).to_json() == mine.to_json()
    assert WORLD.with_more(mine).mentions("Ana Lima", "2003-05-01")[0].actor == "varna"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("alias,person\nA,b\n", ":1: the columns are alias, person"),
        ("alias,actor,kind\nAna,varna,king\n", ":2: kind 'king'"),
        ("alias,actor,from\nAna,varna,2001-13-01\n", ":2: actor varna: '2001-13-01' is no date"),
        ("alias,actor\nAna,varna,more\n", ":2: more cells than columns"),
        ("alias,actor,from,to\nAna,varna,2003-01-01,2002-01-01\n", "ends (2002-01-01) before it begins"),
        (
            "alias,actor,from,to\nAna,varna,2001-01-01,2003-01-01\nAna,ostia,2002-01-01,\n",
            "A name has one actor at a time",
        ),
        ("alias,actor\n,varna\n", ":2: actor varna: '' is no name"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(says)):
        Registry.read(path)


DICTIONARY = """# a comment
<!-- and
another -->
TURKEY_  [TUR]
+ANKARA_
+THE_SUBLIME_PORTE ; old
ANA_LIMA_  # a person
+PRESIDENT_LIMA_
\t[TURELI 720101-021118]
\t[TURGOV >030314]
\t[TUROPP]
HARBOUR_GUILD [NGOGLD]
NAMELESS_
"""


def test_a_dictionary_of_petrarch(tmp_path: Path) -> None:
    path = tmp_path / "some.actors.txt"
    path.write_text(DICTIONARY, encoding="utf-8")
    found = Registry.read(path)
    said = {
        date: found.mentions("Ana Lima", date)[0].actor
        for date in ("1999-01-01", "2002-12-01", "2020-01-01", "1950-01-01")
    }
    assert list(said.values()) == ["turkey_eli", "turkey_opp", "turkey", "turkey_opp"]
    assert found.mentions("President Lima", "2020-01-01")[0].actor == "turkey"
    assert [one.actor for one in found.mentions("The Sublime Porte and Harbour Guild")] == ["turkey", "ngogld"]
    assert found.dropped == {"names that the registry has already": 2, "names without a code": 1}
    assert WORLD.with_more(found).mentions("Ankara")[0].rule == "registry: seats"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("\t[TUR]\n", ":1: a code before any name"),
        ("A_ [TUR 991332-000101]\n", ":1: '19991332' is not a date"),
        ("nothing\n", "no record of a PETRARCH dictionary"),
    ],
)
def test_a_dictionary_that_is_none(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "some.actors.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(says)):
        Registry.read(path)
