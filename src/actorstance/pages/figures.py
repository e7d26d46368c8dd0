"""The figures of a report that have axes or arrows, drawn by matplotlib as SVG that takes its colours from the page.

A colour here is the name of a style of the page (`ink`, `soft`, `line`, `against`, `favor`), so that one figure
serves light, dark and print. No attribute is a style, no id is kept, and all text is text: nothing in it can run or
load anything, and a screen reader finds the words.
"""

from __future__ import annotations

import datetime
import io
import re
import warnings
import xml.etree.ElementTree as ET  # reads only what matplotlib has written
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from actorstance.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCH = 72  # points, the units of the drawing
STYLES = {
    "ink": "#010101",
    "soft": "#020202",
    "line": "#030303",
    "against": "#040404",
    "favor": "#050505",
    "paper": "#060606",
}
_BY_COLOUR = {colour: style for style, colour in STYLES.items()}
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "actorstance",  # the same run gives the same page
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",  # ships with matplotlib; the page has its own
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 11,
}


class Arrow(NamedTuple):
    """One actor's stance on another, as indices of the names; `score` in [-1, 1], `n` examples."""

    source: int
    target: int
    score: float
    n: int


class Point(NamedTuple):
    """A mean score in a stretch of time, of `n` examples; without an interval, low and high are None."""

    day: datetime.date
    score: float
    low: float | None
    high: float | None
    n: int


def network(names: Sequence[str], weights: Sequence[int], arrows: Sequence[Arrow], about: str) -> Markup:
    """Draw actors on a circle, those with like stances side by side, and an arrow for each stance.

    A full line is favor, a dashed one against; it is thicker the further the score is from 0.

    Args:
        names: at most about thirty; names that do not fit are cut.
        weights: examples of each name, for the size of its dot.
        arrows: see `Arrow`.
        about: what a screen reader says.

    """
    from matplotlib.patches import FancyArrowPatch

    order = _side_by_side(len(names), arrows)
    place = np.empty(len(names), dtype=int)
    place[order] = np.arange(len(names))
    angles = np.pi / 2 - 2 * np.pi * place / max(len(names), 1)
    where = np.column_stack([np.cos(angles), np.sin(angles)])
    with _figure(620, 420) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(-1.98, 1.98)
        axes.set_ylim(-1.34, 1.34)
        axes.axis("off")
        for arrow in sorted(arrows, key=lambda one: abs(one.score)):
            favor = arrow.score > 0
            patch = FancyArrowPatch(
                tuple(where[arrow.source]),
                tuple(where[arrow.target]),
                connectionstyle="arc3,rad=0.16",  # the way back takes the other side
                arrowstyle="-|>,head_width=2.6,head_length=5",
                shrinkA=9,
                shrinkB=9,
                linewidth=0.7 + 2.2 * abs(arrow.score),
                linestyle="-" if favor else (0, (3.5, 1.6)),
                color=STYLES["favor" if favor else "against"],
                alpha=0.9,
            )
            patch.set_gid(f"arrow-{arrow.source}-{arrow.target}")
            axes.add_patch(patch)
        most = max(weights, default=1)
        for index, (name, weight) in enumerate(zip(names, weights, strict=True)):
            x, y = where[index]
            dot = axes.scatter([x], [y], s=14 + 90 * weight / most, color=STYLES["ink"], zorder=3, linewidths=0)
            dot.set_gid(f"dot-{index}")
            side = "center" if abs(x) < 0.15 else "left" if x > 0 else "right"
            height = "center" if side != "center" else "bottom" if y > 0 else "top"
            label = axes.text(
                x * 1.11, y * 1.11, printable(name, 24), ha=side, va=height, color=STYLES["ink"], fontsize=11, zorder=4
            )
            label.set_gid(f"name-{index}")
        return _inline(figure, about)


def _side_by_side(n: int, arrows: Sequence[Arrow]) -> NDArray[np.int64]:
    """Order actors by the first eigenvector of who is for and against whom: friends side by side, foes opposite."""
    weights = np.zeros((n, n))
    for arrow in arrows:
        weights[arrow.source, arrow.target] += arrow.score
        weights[arrow.target, arrow.source] += arrow.score
    _, vectors = np.linalg.eigh(weights)
    leading = vectors[:, -1] if n else np.zeros(0)
    if n and leading[np.argmax(np.abs(leading))] < 0:  # an eigenvector has no sign of its own
        leading = -leading
    return np.argsort(-np.round(leading, 9), kind="stable")


def over_time(points: Sequence[Point], first: datetime.date, last: datetime.date, reach: float, about: str) -> Markup:
    """Draw a score over time, from -reach to reach, with a dot and its interval for each stretch."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    with _figure(330, 130) as figure:
        axes = figure.add_axes((0.15, 0.2, 0.82, 0.74))
        _score_axis(axes, reach)
        days = [_ordinal(point.day) for point in points]
        axes.plot(days, [point.score for point in points], color=STYLES["soft"], linewidth=0.8, zorder=2)
        for day, point in zip(days, points, strict=True):
            off_zero = point.low is not None and point.high is not None and (point.low > 0 or point.high < 0)
            style = STYLES[("favor" if point.score > 0 else "against") if off_zero else "ink"]
            if point.low is not None and point.high is not None:
                axes.plot([day, day], [point.low, point.high], color=style, linewidth=1.6, zorder=3)
            # Hollow: too few groups for an interval.
            face = style if point.low is not None else STYLES["paper"]
            axes.plot([day], [point.score], "o", color=style, markerfacecolor=face, markersize=4.5, zorder=4)
        span = max(_ordinal(last) - _ordinal(first), 1)
        ends = (_ordinal(datetime.date.min), _ordinal(datetime.date.max))  # matplotlib knows no day beyond
        axes.set_xlim(max(_ordinal(first) - 0.04 * span, ends[0]), min(_ordinal(last) + 0.04 * span, ends[1]))
        locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        return _inline(figure, about)


def _ordinal(day: datetime.date) -> float:
    """Days since 1970-01-01: matplotlib's own measure of time."""
    return float(day.toordinal() - datetime.date(1970, 1, 1).toordinal())


def _score_axis(axes: Axes, reach: float) -> None:
    axes.set_ylim(-1.08 * reach, 1.08 * reach)
    axes.set_yticks([-reach, 0, reach], [f"−{reach:g}", "0", f"+{reach:g}"])
    axes.axhline(0, color=STYLES["soft"], linewidth=0.8, zorder=1)
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.tick_params(colors=STYLES["line"], labelcolor=STYLES["soft"], labelsize=10, length=3)
    for spine in axes.spines.values():
        spine.set_color(STYLES["line"])
    axes.set_facecolor("none")


def reliability(bins: Sequence[dict[str, Any]], about: str) -> Markup:
    """Plot how often a model is right against how sure it says it is: `reliability` of metrics.json."""
    most = max((row["n"] for row in bins), default=1)
    with _figure(330, 300) as figure:
        axes = figure.add_axes((0.15, 0.15, 0.82, 0.82))
        left = max(0.0, min((row["from"] for row in bins), default=0.0) - 0.03)
        axes.plot([left, 1], [left, 1], color=STYLES["soft"], linewidth=0.8, linestyle=(0, (4, 3)))
        for row in bins:
            if row.get("low") is not None:
                axes.plot([row["confidence"]] * 2, [row["low"], row["high"]], color=STYLES["ink"], linewidth=1.2)
            axes.scatter(
                [row["confidence"]], [row["accuracy"]], s=10 + 70 * row["n"] / most, color=STYLES["ink"], linewidths=0
            )
        axes.set_xlim(left, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("how sure the model says it is", color=STYLES["soft"], fontsize=10)
        axes.set_ylabel("how often it is right", color=STYLES["soft"], fontsize=10)
        _quiet(axes)
        return _inline(figure, about)


def trials(scores: Sequence[tuple[int, float | None, float | None]], about: str) -> Markup:
    """Draw the trials of a sweep: what each reached, full if it finished, hollow if it was stopped; the best so far.

    Args:
        scores: number of the trial, its macro-F1, and its last one if it was stopped early; None if it has none.
        about: what a screen reader says.

    """
    from matplotlib.ticker import MaxNLocator

    with _figure(660, 240) as figure:
        axes = figure.add_axes((0.09, 0.19, 0.89, 0.77))
        ended = [(number, score) for number, score, _ in scores if score is not None]
        stopped = [(number, last) for number, score, last in scores if score is None and last is not None]
        if ended:
            best = np.maximum.accumulate([score for _, score in ended])
            axes.plot(
                [number for number, _ in ended], best, drawstyle="steps-post", color=STYLES["soft"], linewidth=0.9
            )
        for dots, face in ((ended, "ink"), (stopped, "paper")):
            for number, score in dots:
                axes.plot(
                    [number], [score], "o", color=STYLES["ink"], markerfacecolor=STYLES[face], markersize=4.5, zorder=3
                )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trial", color=STYLES["soft"], fontsize=10)
        axes.set_ylabel("macro-F1, validation part", color=STYLES["soft"], fontsize=10)
        _quiet(axes)
        return _inline(figure, about)


# --- matplotlib's SVG to the page's ---


@contextmanager
def _figure(width: int, height: int) -> Iterator[Figure]:
    """A figure without a window; its settings last only as long as it does."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's fonts draw it
        yield Figure(figsize=(width / INCH, height / INCH))


_SVG = "{http://www.w3.org/2000/svg}"
_KEPT = {
    "d", "transform", "x", "y", "points", "r", "cx", "cy", "fill-opacity", "stroke-opacity", "opacity", "text-anchor",
    "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "viewBox",
}  # fmt: skip
_GID = re.compile(r"(?:arrow|dot|name)-\d+(?:-\d+)?")


def _inline(figure: Figure, about: str) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    # A name may hold characters that XML cannot: `printable` has removed them.
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - written by matplotlib, two lines above
    drawn = _element(root, {one.get("id", ""): one for one in root.iter() if one.get("id")})
    title = f"<title>{Markup.escape(printable(about, 2000))}</title>"
    inner = "".join(drawn)
    width, height = (float(value) for value in root.attrib["viewBox"].split()[2:])
    return Markup(  # noqa: S704 - all text in it is escaped
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">{title}{inner}</svg>'
    )


def _element(element: ET.Element, known: dict[str, ET.Element]) -> Iterator[str]:
    """The children of an element, with classes of the page in place of colours, and without ids and definitions."""
    for child in element:
        tag = child.tag.removeprefix(_SVG)
        if tag in ("defs", "metadata", "style", "title", "clipPath"):
            continue
        if tag == "use":  # a marker, drawn from its definition
            marker = known[child.attrib["{http://www.w3.org/1999/xlink}href"].removeprefix("#")]
            shift = f"translate({child.get('x', '0')} {child.get('y', '0')})"
            own = {**marker.attrib, **child.attrib, "transform": shift}
            own = {key: value for key, value in own.items() if key not in ("x", "y")}
            yield f"<path{_attributes(own)}/>"
            continue
        inner = "".join(_element(child, known))
        if tag == "text":
            yield f"<text{_attributes(child.attrib)}>{Markup.escape(child.text or '')}</text>"
        elif tag == "g":
            named = child.get("id", "")
            yield f'<g data-is="{named}">{inner}</g>' if _GID.fullmatch(named) else inner
        else:
            yield f"<{tag}{_attributes(child.attrib)}/>"


def _attributes(attributes: dict[str, str]) -> str:
    given = {key: value for key, value in attributes.items() if key in _KEPT}
    classes = []
    style = dict(part.split(":", 1) for part in attributes.get("style", "").split(";") if ":" in part)
    style = {key.strip(): value.strip() for key, value in style.items()}
    for paint in ("fill", "stroke"):
        colour = style.get(paint, attributes.get(paint))
        if colour in _BY_COLOUR:
            classes.append(f"{paint[0]}-{_BY_COLOUR[colour]}")
        elif colour == "none":
            given[paint] = "none"
    if "font-size" in style:
        given["font-size"] = style["font-size"].removesuffix("px")
    given |= {key: value for key, value in style.items() if key in _KEPT}
    if classes:
        given["class"] = " ".join(classes)
    return "".join(f' {key}="{Markup.escape(_rounded(value))}"' for key, value in given.items())


def _rounded(value: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), " ".join(value.split()))
