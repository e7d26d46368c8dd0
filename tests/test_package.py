"""What an installed package holds, and what it offers in Python."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import actorstance

ROOT = Path(__file__).parents[1]


def _wheel() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    return found


def test_type_checkers_read_the_hints() -> None:
    assert (Path(actorstance.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(("here", "there"), _wheel()["force-include"].items())
def test_what_the_wheel_holds_besides_code_is_where_it_is_looked_for(here: str, there: str) -> None:
    assert (ROOT / here).exists()
    assert there == f"actorstance/shipped/{here}"


def test_what_is_looked_for_is_in_the_wheel() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    looked_for = re.findall(r'shipped\("([^"]+)"\)', code)
    held = [Path(here) for here in _wheel()["force-include"]]
    assert "conf/actors/world.yaml" in looked_for
    for wanted in map(Path, looked_for):
        assert any(wanted.is_relative_to(one) or one.is_relative_to(wanted) for one in held)


def test_the_first_lines_of_help_name_what_there_is() -> None:
    assert sorted(actorstance.__all__) == actorstance.__all__
    assert all(hasattr(actorstance, name) for name in actorstance.__all__)
    named = set(re.findall(r"actorstance\.(\w+)", actorstance.__doc__ or ""))
    assert {"read", "corpora", "LinearModel", "pipeline", "load", "stances"} <= named <= set(actorstance.__all__)
