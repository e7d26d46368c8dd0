"""What an installed package holds, and what it offers in Python."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
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


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"docs/python.md, block {number}", "exec"), found)
    assert set(found["table"]["source"]) >= {"varna", "dorp", "AUTHOR"}
    assert all(len(pushes) == 3 for pushes in found["table"]["pushes"])
    scores = found["pairs"].set_index(["source", "target"])
    assert scores.loc["varna", "ostia"]["n"] == 14
    assert scores["low"].notna().any()
    assert set(found["predictions"]["document_id"]) == {f"a{day}" for day in range(14)}
    actors = found["actors"].set_index(["actor", "role"])
    assert actors.loc["varna", "expressed"]["correction"] != "none"
    differences = {(row["role"], row["actor"]): row["difference"] for row in found["found"]["actors"]}
    assert differences["expressed", "varna"] < 0  # thanked in one month, condemned in the other


def test_the_notebook_lists_the_public_names() -> None:
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    assert {name for name in actorstance.__all__ if f"`{name}" not in text} == set()


def _imported(code: str) -> Iterator[str]:
    """The modules and folders of the package that a module imports when it is imported, by their first name."""
    for line in ast.parse(code).body:
        if isinstance(line, ast.ImportFrom) and line.module == "actorstance":
            yield from (alias.name for alias in line.names)
        elif isinstance(line, ast.ImportFrom) and (line.module or "").startswith("actorstance."):
            yield str(line.module).split(".")[1]


def test_no_folder_imports_what_imports_it() -> None:
    package = Path(actorstance.__file__).parent
    needs: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        here = path.relative_to(package).parts[0].removesuffix(".py")
        needs.setdefault(here, set()).update(set(_imported(path.read_text(encoding="utf-8"))) - {here})
    assert {"speech", "pages"} <= needs["report"] | needs["reading"]
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError, which names the cycle
    assert order.index("syntax") < order.index("mentions") < order.index("reading") < order.index("pipeline")
