"""Where to find the data that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from actorstance.errors import InputError


def table_of(name: str) -> dict[str, Any]:
    """Return a YAML file that lies beside the code, such as `syntax/grammar.yaml`."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return found


def shipped(relative: str) -> Path:
    """Return the path of a file or folder that ships: inside an installed wheel, or in the checkout.

    Raises:
        InputError: if it is in neither.

    """
    package = Path(__file__).parent
    for place in (package / "shipped" / relative, package.parents[1] / relative):
        if place.exists():
            return place
    raise InputError(f"{relative} does not ship with this installation. Give its path, from a checkout of the project.")
