"""The registry of actors: which words are a mention, and of whom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actorstance.actors import MAX_ALIAS, Registry
from actorstance.errors import InputError
from actorstance.resources import shipped

HARBOUR = {"council": ["Harbour Council"], "board": ["Harbour Council Board"], "guild": ["Pilots' Guild"]}
REGISTRY = Registry({"turkey": ["Turkey", "Turk"], "us": ["US", "U.S."], **HARBOUR})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Harbour Council Board met.", [("board", "Harbour Council Board")]),
        ("The Harbour Council Boards met.", [("council", "Harbour Council")]),
        ("A Turkmen rider met a Turk.", [("turkey", "Turk")]),
        ("Turkey's and Turkey’s ships", [("turkey", "Turkey"), ("turkey", "Turkey")]),
        ("The US told us so; a turkey ran from Turkey.", [("us", "US"), ("turkey", "Turkey")]),
        ("U.S. ships and US2, UNUS, _US_", [("us", "U.S.")]),
        ("The Pilots’ Guild, the Pilots' Guild", [("guild", "Pilots’ Guild"), ("guild", "Pilots' Guild")]),
        ("The Harbour\n  Council met.", [("council", "Harbour\n  Council")]),
        ("US-built, but anti-US too", [("us", "US")]),
    ],
)
def test_mentions(text: str, expected: list[tuple[str, str]]) -> None:
    found = REGISTRY.mentions(text)
    assert [(mention.actor, text[mention.start : mention.end]) for mention in found] == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"varna: [Port]\nostia: [Port]\n", "the name 'Port' belongs to varna and to ostia"),
        (b'varna: ["Pilots\' Guild"]\nostia: ["Pilots\xe2\x80\x99  Guild"]\n', "belongs to varna and to ostia"),
        (b"varna: [Port\n", "no YAML file of actors"),
        (b"varna: [\xc7orum]\n", "not UTF-8 at byte 8 (0xc7). Save it as UTF-8"),
        (b"- varna\n", "expected a table of actor: [names], found list"),
        (b"varna: Port\n", "actor varna: expected a list of names, found 'Port'"),
        (b"varna: [" + b"x" * (MAX_ALIAS + 1) + b"]\n", "is no name: text of 1 to 100 characters"),
    ],
)
def test_file_that_is_no_registry(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "actors.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(f'{path}: ')}.*{re.escape(words)}"):
        Registry.read(path)
    with pytest.raises(InputError, match=r"none\.yaml: no such registry of actors"):
        Registry.read(tmp_path / "none.yaml")


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_a_table_of_names_has_any_delimiter(tmp_path: Path, name: str, delimiter: str) -> None:
    rows = [
        ["alias", "actor", "kind", "note"],
        ["Port Varna", "varna", "", "first; second, third"],
        ["Ostian", "ostia", "people", ""],
    ]
    text = "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    (tmp_path / name).write_text(text, encoding="utf-8-sig", newline="")
    found = Registry.read(tmp_path / name).mentions("The Ostian envoy left Port Varna.")
    assert [mention.actor for mention in found] == ["ostia", "varna"]


def test_a_table_of_names_in_the_unicode_text_of_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("alias\tactor\r\nÇorum\tcorum\r\n".encode("utf-16"))
    assert [mention.actor for mention in Registry.read(tmp_path / "a.csv").mentions("Çorum")] == ["corum"]


def test_with_more_overrides() -> None:
    first = Registry({"varna": ["Varna", "Port"], "dorp": ["Dorp"]})
    both = first.with_more(Registry({"ostia": ["Port", "Dorp"], "varna": ["Varnans"]}))
    assert both.to_json() == {"varna": ["Varna", "Varnans"], "ostia": ["Port", "Dorp"]}
    assert [mention.actor for mention in both.mentions("Port, Varna")] == ["ostia", "varna"]


def test_world_and_more_on_top_of_it() -> None:
    world, more = Registry.world(), Registry.read(shipped("conf/actors/syria-2020.yaml"))
    assert len(world.aliases) >= 80
    for actor, aliases in world.aliases.items():
        for alias in aliases:
            assert [(m.actor, m.start, m.end) for m in world.mentions(alias)] == [(actor, 0, len(alias))]
    both = world.with_more(more)
    assert set(both.aliases) == set(world.aliases) | set(more.aliases)
    text = "Erdogan spoke to Mexico about the rebels."
    assert [mention.actor for mention in both.mentions(text)] == ["turkey", "mexico", "rebels"]
    assert [mention.actor for mention in world.mentions(text)] == ["mexico"]
