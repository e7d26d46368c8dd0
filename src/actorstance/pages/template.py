"""A page made of a template in `pages/`: with its own style and script, and everything that comes into it escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files as package_files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from actorstance.examples import LABELS
from actorstance.pages.article import Stance
from actorstance.wording import number, plural, printable


def render(template: str, **values: Any) -> str:
    """Return a page of a template, with its own style and script and the policy that lets no others pass."""
    style, script = _asset("style.css"), _asset("page.js")
    own = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    return _environment().get_template(template).render(**own, **values)


def fit(text: str, width: int = 60) -> str:
    """Return a name for a table: no marks that turn the line around it, and no longer than a line."""
    return printable(text, width)


def reason(why: str) -> str:
    """Return in words why a pair is one."""
    kind, _, cue = why.partition(": ")
    if kind == "author":
        return "in the text's own voice"
    if kind == "named together":
        return "both are named in the sentence"
    return f"it says so: “{cue}”" if kind == "speaks" else f"it does so: “{cue}”" if kind == "acts" else why


def _mark(stances: Sequence[Stance]) -> str:
    """The class of a marked word: for, against, both, none where neither; `s` where it is a source alone."""
    found = {LABELS[one.label] for one in stances}
    if not found:
        return "s"
    if found >= {"against", "favor"}:
        return "m"
    return "a" if "against" in found else "f" if "favor" in found else ""


@cache
def _asset(name: str) -> Markup:
    """A file of the page's own, which goes into it as it is."""
    return Markup(package_files("actorstance").joinpath("pages", name).read_text(encoding="utf-8").strip())  # noqa: S704


def _hash(text: str) -> str:
    """The hash by which a page's policy lets its own script and style pass, and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("actorstance", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters["number"] = number
    environment.filters["plural"] = plural
    environment.filters["reason"] = reason
    environment.filters["fit"] = fit
    environment.filters["mark"] = _mark
    return environment
