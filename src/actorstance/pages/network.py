"""Actors as a directed graph: what network tools read, and the part of it that a report draws."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from actorstance.actors import AUTHOR, UNKNOWN
from actorstance.wording import printable

NODES = 24  # drawn at most: more names do not fit around a circle
ARROWS = 36  # drawn at most: more are a tangle
CLEAR = 0.1  # no arrow for a mean score closer to 0
_SCORE = ("n", "documents", "score", "low", "high", "correction")


def graphml(actors: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> str:
    """Return the graph of a run as GraphML (http://graphml.graphdrawing.org), which Gephi, igraph and networkx read.

    Args:
        actors: the rows of actors.csv: attributes of the nodes, such as `received_score`, `expressed_n`.
        pairs: the rows of pairs.csv: one edge each, from source to target.
        known: actor -> `name`, `iso`, as in provenance.json.

    Example:
        >>> row = {"n": 2, "documents": 1, "score": -0.5, "low": None, "high": None, "correction": "none"}
        >>> text = graphml([{"actor": "b", "role": "received", **row}], [{"source": "a", "target": "b", **row}], {})
        >>> text.count("<node"), text.count("<edge")
        (2, 1)

    """
    import networkx

    graph = networkx.DiGraph()
    ids = {row["actor"] for row in actors} | {row[end] for row in pairs for end in ("source", "target")}
    for actor in sorted(ids):
        told = known.get(actor, {})
        graph.add_node(printable(actor), **_values({"label": told.get("name") or actor, "iso": told.get("iso")}))
    for row in actors:
        graph.nodes[printable(row["actor"])].update(_values({f"{row['role']}_{key}": row[key] for key in _SCORE}))
    for row in pairs:
        graph.add_edge(printable(row["source"]), printable(row["target"]), **_values({key: row[key] for key in _SCORE}))
    buffer = io.BytesIO()
    networkx.write_graphml(graph, buffer)
    return buffer.getvalue().decode("utf-8") + "\n"


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """What GraphML can hold: no unknown values, and no characters that XML does not allow."""
    known = {key: value for key, value in row.items() if value is not None}
    return {key: printable(value) if isinstance(value, str) else value for key, value in known.items()}


def drawn(
    actors: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[int], list[Mapping[str, Any]]]:
    """Choose what a figure can show: the clearest pairs among the actors with the most examples.

    Returns:
        The ids of the actors, their examples, and the rows of pairs.csv whose score is clear of 0.

    """
    counts: dict[str, int] = {}
    for row in actors:
        if row["actor"] not in (AUTHOR, UNKNOWN):
            counts[row["actor"]] = counts.get(row["actor"], 0) + row["n"]
    most = sorted(counts, key=lambda actor: (-counts[actor], actor))[:NODES]
    among = [row for row in pairs if row["source"] in most and row["target"] in most and abs(row["score"]) >= CLEAR]
    # Of two equal scores the one with more examples says more.
    chosen = sorted(among, key=lambda row: -abs(row["score"]) * row["n"] ** 0.5)[:ARROWS]
    ends = {row[end] for row in chosen for end in ("source", "target")}
    nodes = [actor for actor in most if actor in ends]
    return nodes, [counts[actor] for actor in nodes], chosen
