"""A run as one HTML page: made from the run's own files, it opens offline, loads nothing, and escapes everything."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import TemplateError
from markupsafe import Markup

from actorstance.actors import AUTHOR, UNKNOWN
from actorstance.corpora import names_of
from actorstance.days import day_of
from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.files import sha256, write_csv, write_text
from actorstance.folder import Folder
from actorstance.pages import article, events, figures, findings, network, template, timeline
from actorstance.pages.article import Article
from actorstance.provenance import spelled
from actorstance.scoring import ROLES
from actorstance.wording import number, plural

MAX_ACTORS = 250  # rows of the table of actors; the CSV beside the page has them all
MAX_PAIRS = 100
MATRIX = 14  # sources and targets of the matrix: more do not fit on a page
OVER_TIME = 6  # actors that are drawn over time
FOREIGN = 6  # articles that do not look English and are named
NOTED = 3  # articles whose stances are in the margin too; with more the page would be too large
REACHES = (0.1, 0.25, 0.5, 1.0)  # of the axis of scores over time: the same for all figures of a page
MIN_DAYS = 3  # with fewer days, or stretches of time, nothing is drawn over time
ARTICLES = 2_650_000  # bytes of articles and their stances that a page carries; a page of text is five thousand
SIGNS = {"against": "−", "neutral": "·", "favor": "+"}  # so that colour is never the only cue
PER_LABEL = 101  # label and per cent in one number: label * 101 + per cent, as page.js splits them
ROUNDED = 0.005  # a mean score below this is shown as 0.00
_OF_MODEL = ("kind", "params", "sha256", "corpus", "eval_split", "seed", "fingerprint")  # what the page says of it
STEPS = (0.1, 0.3, 0.6)  # mean scores at which the matrix takes a darker tint


def write(run: Path) -> Path:
    """Make a run's page, and beside it the graph of its actors and, of new articles, its events.

    Args:
        run: a folder that train, evaluate or predict left. report.html, network.graphml and events.csv are written
            anew from its other files, so that the page has scores corrected since.

    Returns:
        The page's path.

    Raises:
        InputError: if the folder holds no run, or one that this version did not write.

    """
    folder = Folder(run)
    try:
        view = _Page(folder)
        page = view.html()
        graph = network.graphml(folder.actors, folder.pairs, folder.known)
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, TemplateError) as error:
        # Of metrics, audit, check and behaviour only what the page shows is looked at, and only while it is made.
        raise InputError(
            f"{run}: not as this version writes a run ({type(error).__name__}: {' '.join(str(error).split())[:200]}). "
            "Make the run again; if this version made it, please report the error."
        ) from error
    write_text(run / "network.graphml", graph)
    if view.reads and folder.archive is None:
        write_csv(run / "events.csv", events.COLUMNS, view.events)
    write_text(run / "report.html", page)
    return run / "report.html"


class _Page:
    """What a page shows of a run; `events` are those of its stances, known after a pass through the predictions."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.reads = folder.of_new_text
        self.metrics = folder.optional("metrics.json")
        self.audit = folder.optional("audit.json") or {}
        self.events: list[dict[str, Any]] = []
        self.articles: list[Article] = []
        self.documents = 0
        self.confusion = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
        counts: defaultdict[str, int] = defaultdict(int)
        for row in folder.actors:
            counts[row["actor"]] += row["n"]
        self.order = sorted(counts, key=lambda actor: (-counts[actor], actor))
        received = [row["actor"] for row in folder.actors if row["role"] == "received"]
        self.dated = received[:OVER_TIME]
        self.days: dict[str, list[tuple[datetime.date, float, str]]] = {actor: [] for actor in self.dated}

    def name(self, actor: str) -> str:
        """Return an actor's name for a reader."""
        return template.fit(self.folder.known.get(actor, {}).get("name") or spelled(actor))

    def html(self) -> str:
        self._pass()
        common = {
            "stage": self.folder.provenance["stage"],
            "run": self.folder.path.resolve().name,
            "name": self.name,
            "labels": LABELS,
            "signs": SIGNS,
            "actors": self._actors(),
            "archive": self.folder.archive is not None,
            "all_actors": self.audit.get("rows", {}).get("actors", len(self.order)),
            "has_gold": any(row["gold"] is not None for row in self.folder.actors),
            "correction": self._correction(),
            "average": self._average(),
            "clear": findings.clear,
            "corrected_pairs": any(row["correction"] != "none" for row in self.folder.pairs),
            "matrix": self._matrix(),
            "no_width": any(map(_without_width, (*self.folder.actors, *self.folder.pairs))),
            "pairs": self._pair_rows(),
            "all_pairs": self.audit.get("rows", {}).get("pairs_of_actors", len(self.folder.pairs)),
            "network": self._network(),
            "over_time": self._over_time(),
            "check": self.folder.optional("check.json"),
            "behaviour": self.folder.optional("behaviour.json"),
            "audit": self.audit,
            "methods": self._methods(),
        }
        own = self._read() if self.reads else self._scored()
        return template.render("predicted.html" if self.reads else "scored.html", **common, **own)

    # --- one pass through the predictions ---

    def _pass(self) -> None:
        if self.folder.archive is not None:  # its rows are in tables, and too many for a pass
            self.documents = self.audit.get("rows", {}).get("documents", 0)
            return
        documents, lines = self._texts()
        self.documents = len(documents)
        dates = {id: document["date"] for id, document in documents.items()}
        left = ARTICLES
        for id, rows in self._by_document(documents):
            for row in rows:
                self._count(row, row.get("date") or dates.get(row["document_id"]))
            self.events += events.rows(rows, dates, self.folder.known) if self.reads else []
            if id in documents and left > 0:
                made = article.article(documents[id], lines.get(id, []), rows)
                left -= _bytes(made)
                if left > 0:
                    self.articles.append(made)

    def _texts(self) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[Mapping[str, Any]]]]:
        """The documents that were read, and their lines; none for labelled examples."""
        if not self.reads:
            return {}, {}
        documents: dict[str, Mapping[str, Any]] = {}
        for row in self.folder.lines("documents.jsonl"):
            documents[row["id"]] = {**row, "date": row["date"] if isinstance(row.get("date"), str) else None}
        return documents, article.by_document(list(self.folder.lines("lines.jsonl")))

    def _by_document(self, documents: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The predictions of each document, in order; an empty list for one without any."""
        waiting = list(documents)
        for id, rows in groupby(self.folder.predictions(), key=lambda row: str(row["document_id"])):
            while waiting and waiting[0] != id and id in documents:
                yield waiting.pop(0), []
            if waiting and waiting[0] == id:
                waiting.pop(0)
            yield id, list(rows)
        yield from ((id, []) for id in waiting)

    def _count(self, row: Mapping[str, Any], date: str | None) -> None:
        label = max(range(len(LABELS)), key=lambda index: float(row[LABELS[index]]))
        if row.get("gold") in LABELS:
            self.confusion[LABELS.index(row["gold"]), label] += 1
        if row["target"] in self.days and (day := day_of(date)):
            self.days[row["target"]].append((day, row["favor"] - row["against"], row["group_id"]))

    # --- what both kinds of page show ---

    def _actors(self) -> list[dict[str, Any]]:
        rows = {(row["actor"], row["role"]): row for row in self.folder.actors}
        order = [actor for actor in self.order if actor not in (AUTHOR, UNKNOWN)][:MAX_ACTORS]
        own = [actor for actor in (AUTHOR, UNKNOWN) if actor in self.order]
        return [
            {"id": actor, "name": self.name(actor), **{role: rows.get((actor, role)) for role in ROLES}}
            for actor in (*order, *own)
        ]

    def _correction(self) -> dict[str, int]:
        found: defaultdict[str, int] = defaultdict(int)
        for row in self.folder.actors:
            found[row["correction"]] += 1
        return dict(found)

    def _average(self) -> float | None:
        """The model's own mean score over all examples, None for an archive, whose pairs are not all at hand."""
        n = sum(row["n"] for row in self.folder.pairs)
        if self.folder.archive is not None or not n:
            return None
        own = (row["score"] if row["correction"] == "none" else row.get("model_score") for row in self.folder.pairs)
        scores = [(score, row["n"]) for score, row in zip(own, self.folder.pairs, strict=True)]
        return None if any(score is None for score, _ in scores) else sum(score * n for score, n in scores) / n

    def _matrix(self) -> dict[str, Any]:
        cells = {(row["source"], row["target"]): row for row in self.folder.pairs}
        sources = self._most("source")
        targets = self._most("target")
        rows: list[dict[str, Any]] = [
            {
                "name": self.name(source),
                "cells": [_cell(cells.get((source, target)), source == target) for target in targets],
            }
            for source in sorted(sources, key=lambda one: one in (AUTHOR, UNKNOWN))
        ]
        for row in rows:
            for cell, target in zip(row["cells"], targets, strict=True):
                cell["target"] = self.name(target)
        return {"targets": [self.name(target) for target in targets], "rows": rows}

    def _most(self, end: str) -> list[str]:
        """The actors that are the source or target of most examples."""
        counts: defaultdict[str, int] = defaultdict(int)
        for row in self.folder.pairs:
            counts[row[end]] += row["n"]
        chosen = set(sorted(counts, key=lambda actor: (-counts[actor], actor))[:MATRIX])
        return [actor for actor in self.order if actor in chosen]  # in the same order, so that the diagonal is straight

    def _pair_rows(self) -> list[dict[str, Any]]:
        own_voice_last = sorted(self.folder.pairs, key=lambda row: row["source"] == AUTHOR)
        named = {"source": "source_name", "target": "target_name"}
        return [
            {**row, **{label: self.name(row[end]) for end, label in named.items()}}
            for row in own_voice_last[:MAX_PAIRS]
        ]

    def _network(self) -> Markup | None:
        nodes, weights, chosen = network.drawn(self.folder.actors, self.folder.pairs)
        if len(nodes) < 2:
            return None
        at = {actor: index for index, actor in enumerate(nodes)}
        arrows = [figures.Arrow(at[row["source"]], at[row["target"]], row["score"], row["n"]) for row in chosen]
        told = "; ".join(
            f"{self.name(row['source'])} on {self.name(row['target'])} {number(row['score'], 2, True)}"
            for row in chosen
        )
        return figures.network([self.name(actor) for actor in nodes], weights, arrows, f"Network of actors. {told}.")

    def _over_time(self) -> dict[str, Any] | None:
        """The figures of scores over time, None where no dates are known, or too few."""
        everything = [row for rows in self.days.values() for row in rows]
        if len({day for day, _, _ in everything}) < MIN_DAYS:
            return None
        courses = {actor: timeline.points(rows, self.folder.seed, everything) for actor, rows in self.days.items()}
        courses = {actor: points for actor, points in courses.items() if len(points) >= MIN_DAYS}
        ends = [end for points in courses.values() for one in points for end in (one.score, one.low, one.high)]
        furthest = max((abs(end) for end in ends if end is not None), default=1.0)
        reach = next((step for step in REACHES if furthest <= step), 1.0)
        drawn = []
        # A stretch is drawn at its first day, which may be before the first article's.
        shown = [one.day for points in courses.values() for one in points]
        for actor, points in courses.items():
            told = "; ".join(f"{one.day}: {number(one.score, 2, True)} ({one.n})" for one in points)
            about = f"{self.name(actor)}, score received over time: {told}"
            drawn.append((self.name(actor), figures.over_time(points, min(shown), max(shown), reach, about)))
        return {"figures": drawn, "stretch": timeline.called(everything)} if drawn else None

    def _methods(self) -> dict[str, Any]:
        told = self.folder.provenance
        hashed = ["documents.jsonl", "predictions.jsonl"] if self.reads else ["predictions.jsonl"]
        if self.folder.archive is not None:
            hashed = ["manifest.jsonl"]
        # A model fitted by hand has no card: nothing is known of it but its kind and its settings.
        model = {**dict.fromkeys(_OF_MODEL), **told["model"]}
        return {
            "version": told.get("version"),
            "command": told.get("command"),
            "seed": self.folder.seed,
            "model": {**model, "corpus": ", ".join(names_of(model["corpus"]))},
            "priors": self._priors(),
            "registry": told.get("registry") if self.reads else None,
            "ner": told.get("ner"),
            "hashes": [(name, sha256(self.folder.path / name)) for name in hashed],
        }

    def _priors(self) -> str | None:
        """The label priors of the run in words, None if it has none of its own."""
        told = self.folder.priors
        if told is None:
            return None
        own, new = (", ".join(f"{label} {number(told[key][label], 2)}" for label in LABELS) for key in ("own", "new"))
        return f"{new} ({'estimated from what was read' if told['estimated'] else 'as given'}) instead of {own}"

    # --- of new articles ---

    def _read(self) -> dict[str, Any]:
        one = self.documents == 1
        groups = "sentences" if one else "articles"
        title = self.articles[0].title if one and self.articles else plural(self.documents, "article")
        found = findings.of_reading(self.folder.actors, self.folder.pairs, self.name, groups)
        counts = self.audit.get("rows", {})
        return {
            "title": template.fit(title, 200),
            "findings": found,
            "counts": counts,
            "not_english": self._not_english(counts.get("documents_not_english") or 0),
            "articles": self.articles,
            "noted": len(self.articles) <= NOTED,
            "left_out": self.documents - len(self.articles),
            "groups": groups,
            "resampled": "the sentences of this one article" if one else "articles",
            "data": self._data(),
        }

    def _not_english(self, number: int) -> dict[str, Any] | None:
        """How many articles do not look English, and the ids of the first; None if all do."""
        return {"number": number, "first": list(islice(self.folder.not_english(), FOREIGN))} if number else None

    def _data(self) -> dict[str, Any]:
        """The stances of every marked word, in page order, as compactly as possible.

        A word is a list of numbers, five per stance: source, target, label and per cent as one number, reason, and how
        many words away the source's own mention is, 0 where it has none.
        """
        names: dict[str, int] = {}
        reasons: dict[str, int] = {}
        marks: list[list[int]] = []
        for one in self.articles:
            shown = [piece.mark for block in one.blocks for piece in block.pieces if piece.mark >= 0]
            at = {mark: len(marks) + index for index, mark in enumerate(shown)}
            for mark in shown:
                rows: list[int] = []
                for stance in one.marks[mark]:
                    source = names.setdefault(self.name(stance.source), len(names))
                    target = names.setdefault(self.name(stance.target), len(names))
                    why = reasons.setdefault(template.reason(stance.why), len(reasons))
                    chance = stance.label * PER_LABEL + round(100 * stance.probability)
                    rows += [source, target, chance, why, at.get(stance.origin, len(marks)) - len(marks)]
                marks.append(rows)
        return {"names": list(names), "reasons": list(reasons), "marks": marks}

    # --- of labelled examples ---

    def _scored(self) -> dict[str, Any]:
        metrics = self.metrics or {}
        errors = list(self.folder.lines("errors.jsonl"))
        bins = metrics.get("reliability")
        about = "; ".join(
            f"{row['confidence']:.2f} sure, {row['accuracy']:.2f} right, n {row['n']}" for row in bins or []
        )
        told = self.folder.provenance
        return {
            "title": f"How well a {told['model'].get('kind')} model reads {told.get('data') or 'a corpus'}",
            "findings": findings.of_scores(metrics),
            "metrics": metrics,
            "groups": "stories or articles",
            "resampled": "whole stories or articles (of a single article, its sentences)",
            "confusion": self.confusion.tolist(),
            "reliability": figures.reliability(bins, f"Reliability: {about}") if bins else None,
            "errors": [{**row, **{end: self.name(row[end]) for end in ("source", "target")}} for row in errors],
        }


# --- small pieces of a page ---


def _cell(row: Mapping[str, Any] | None, diagonal: bool) -> dict[str, Any]:
    """A cell of the matrix: whether its score and interval are shown off 0, and its tint, from -3 to 3, if they are."""
    if row is None:
        return {"row": None, "diagonal": diagonal}
    step = sum(abs(row["score"]) >= limit for limit in STEPS)
    off_zero = findings.clear(row) and abs(row["score"]) >= ROUNDED
    tint = ("a" if row["score"] < 0 else "f") + str(step) if step and off_zero else "z"
    return {"row": row, "diagonal": diagonal, "tint": tint, "off_zero": off_zero}


def _without_width(row: Mapping[str, Any]) -> bool:
    """Whether an interval is a point: all groups then have the same score, as copies of one text do."""
    return row["low"] is not None and bool(row["low"] == row["high"])


def _bytes(one: Article) -> int:
    """About how many bytes an article takes on a page."""
    text = sum(len(piece.text.encode()) for block in one.blocks for piece in block.pieces)
    return text + 400 + 12 * len(one.blocks) + 16 * len(one.marks) + 14 * sum(map(len, one.marks))
