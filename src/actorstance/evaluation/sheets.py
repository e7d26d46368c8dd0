"""Sheets for labelling: CSV for a spreadsheet, JSON for Label Studio and for doccano, written and read back.

Offsets in the two tools' files count UTF-16 units, as browsers do; here they count code points. They are converted
both ways, and checked: the words at a place must be the mention. Direction is kept: every row names its source and its
target, and a relation that a labeller turned round is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from actorstance.errors import InputError
from actorstance.examples import LABELS
from actorstance.files import (
    MAX_JSON,
    cell,
    csv_rows,
    read_json_lines,
    read_text,
    write_csv,
    write_json,
    write_jsonl,
    write_text,
)

UNCLEAR = "unclear"
CHOICES = (*LABELS, UNCLEAR)
ANSWERS = {**{label: label for label in LABELS}, "favour": "favor", UNCLEAR: UNCLEAR}
SHEETS = ("sheet.csv", "sheet_labelstudio.json", "sheet_doccano.jsonl")
ROLES = ("source", "target")
_MENTIONS = ("source_mention", "target_mention")
COLUMNS = ("row", "label", "text", *ROLES, *_MENTIONS, "date", "example_id", "before", "document_id")

# Label Studio's own settings for a project that takes sheet_labelstudio.json.
LABEL_STUDIO = """<View>
  <Header value="Where does the source stand on the target?"/>
  <Header value="$source -&gt; $target"/>
  <Labels name="actors" toName="text">
    <Label value="source" background="#0072b2"/>
    <Label value="target" background="#d55e00"/>
  </Labels>
  <Header value="$document_id" size="6"/>
  <Text name="before" value="$before"/>
  <Text name="text" value="$text"/>
  <Choices name="stance" toName="text" choice="single" required="true" showInline="true">
    <Choice value="against" hotkey="1"/>
    <Choice value="neutral" hotkey="2"/>
    <Choice value="favor" hotkey="3"/>
    <Choice value="unclear" hotkey="4"/>
  </Choices>
</View>
"""

Row = Mapping[str, Any]


def write_sheets(folder: Path, rows: Sequence[Row]) -> None:
    """Write the rows of a sheet in all three forms, and Label Studio's settings.

    Args:
        folder: where they go.
        rows: lines of predictions.jsonl, in the order in which they are to be labelled. Mentions are marked where
            `source_start` and so on give their places. `before` holds the preceding sentences.

    """
    write_csv(folder / SHEETS[0], COLUMNS, map(_csv_row, rows, range(1, len(rows) + 1)), mark=True)
    write_json(folder / SHEETS[1], [_task(row) for row in rows])
    write_text(folder / "sheet_labelstudio.xml", LABEL_STUDIO)
    write_jsonl(folder / SHEETS[2], map(_doccano_row, rows))


def read_sheet(path: str | Path, asked: Sequence[Row]) -> dict[str, str]:
    """Read a sheet back.

    Args:
        path: a CSV or TSV file, Label Studio's JSON export, or doccano's JSONL.
        asked: the lines of predictions.jsonl that the sheet was made of.

    Returns:
        The answer to every row that has one: example_id -> against, neutral, favor or unclear.

    Raises:
        InputError: naming the row, if it is not in the sheet that was written, its text, actors or offsets are not
            those that were, it occurs twice, or its label is not one; or if no row has a label.

    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file (sheet).")
    forms: dict[str, tuple[Callable[[Path, Mapping[str, Row]], Iterator[tuple[str, str, str | None]]], str]] = {
        ".csv": (_csv_answers, "the column label"),
        ".tsv": (_csv_answers, "the column label"),
        ".json": (_task_answers, "the choice stance of each task"),
        ".jsonl": (_doccano_answers, "an entity's label in each row"),
    }
    form = path.suffix.lower()
    if form not in forms:
        raise InputError(
            f"{path}: a sheet is a .csv or .tsv file, Label Studio's .json or doccano's .jsonl. Save it as one of them."
        )
    known = {row["example_id"]: row for row in asked}
    found: dict[str, str] = {}
    seen: dict[str, str] = {}
    answers, where_to = forms[form]
    for where, id, answer in answers(path, known):
        if id in seen:
            raise InputError(f"{where}: example_id {id!r} stands already in {seen[id]}.")
        seen[id] = where
        if answer is None or not answer.strip():
            continue
        if (label := ANSWERS.get(answer.strip().lower())) is None:
            raise InputError(f"{where}: label {answer[:40]!r} is none of {', '.join(ANSWERS)}.")
        found[id] = label
    if not found:
        raise InputError(f"{path}: none of {len(seen):,} rows is labelled. Fill in {where_to}: {', '.join(CHOICES)}.")
    return found


# --- CSV ---


def _csv_row(row: Row, number: int) -> dict[str, Any]:
    mentions = {name: _mention(row, role) for name, role in zip(_MENTIONS, ROLES, strict=True)}
    kept = {name: row.get(name) for name in ("text", *ROLES, "date", "example_id", "document_id")}
    return {"row": number, "label": "", **kept, **mentions, "before": row.get("before", "")}


def _csv_answers(path: Path, known: Mapping[str, Row]) -> Iterator[tuple[str, str, str | None]]:
    for where, found in csv_rows(path):
        if not any(value.strip() for value in found.values()):
            continue
        if missing := [name for name in ("example_id", "label", "text", *ROLES) if name not in found]:
            absent = " and no ".join(map(repr, missing))
            raise InputError(f"{where}: no column {absent}; the sheet that was written has {', '.join(COLUMNS)}.")
        # An apostrophe before what looks like a formula is the sheet's own.
        ids = {str(cell(id)): id for id in (found["example_id"], found["example_id"].removeprefix("'"))}
        id = next((id for id in ids.values() if id in known), found["example_id"])
        row = _known(where, id, known)
        for name in ("text", *ROLES):
            _require_same(where, name, found[name], row[name], str(cell(row[name])))
        yield where, id, found["label"]


# --- Label Studio ---


def _task(row: Row) -> dict[str, Any]:
    spans = [
        {
            "id": role,
            "from_name": "actors",
            "to_name": "text",
            "type": "labels",
            "value": {"start": start, "end": end, "text": _mention(row, role), "labels": [role]},
        }
        for role, (start, end) in _units(row).items()
    ]
    relation = {"type": "relation", "from_id": "source", "to_id": "target", "direction": "right"}
    result = [*spans, *([relation] if len(spans) == len(ROLES) else [])]
    data = {name: row.get(name) for name in ("example_id", "text", *ROLES, "date", "document_id")}
    data["before"] = row.get("before", "")
    return {"data": data, "predictions": [{"model_version": "mentions", "result": result}]}


def _task_answers(path: Path, known: Mapping[str, Row]) -> Iterator[tuple[str, str, str | None]]:
    for number, task in enumerate(_json_list(path), 1):
        where = f"{path}, task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict):
            raise InputError(f"{where}: no data; export from Label Studio as JSON (not JSON-MIN).")
        row = _known(where, data.get("example_id"), known)
        for name in ("text", *ROLES):
            _require_same(where, name, data.get(name), row[name])
        answers = set()
        for annotation in _list(where, task.get("annotations", []), "annotations"):
            if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
                answers |= _task_stances(where, row, _list(where, annotation.get("result", []), "result"))
        if len(answers) > 1:
            raise InputError(f"{where}: {len(answers)} answers, {', '.join(sorted(answers))}. Keep one.")
        yield where, row["example_id"], next(iter(answers), None)


def _task_stances(where: str, row: Row, result: list[Any]) -> set[str]:
    spans: dict[str, str] = {}
    found = set()
    for part in result:
        if not isinstance(part, dict):
            raise InputError(f"{where}: a result is {part!r}, expected an object.")
        value = part.get("value") if isinstance(part.get("value"), dict) else {}
        assert isinstance(value, dict)
        if part.get("from_name") == "stance":
            found |= {str(choice) for choice in _list(where, value.get("choices", []), "choices")}
        elif part.get("from_name") == "actors":
            for role in _list(where, value.get("labels", []), "labels"):
                _require_span(where, row, role, value.get("start"), value.get("end"))
                spans[str(part.get("id"))] = str(role)
    for part in result:
        if part.get("type") == "relation":
            ends = [spans.get(str(part.get(end))) for end in ("from_id", "to_id")]
            _require_direction(where, ends, part.get("direction", "right") == "right")
    return found


# --- doccano ---


def _doccano_row(row: Row) -> dict[str, Any]:
    numbers = {role: number for number, role in enumerate(_units(row))}
    entities = [
        {"id": numbers[role], "label": role, "start_offset": start, "end_offset": end}
        for role, (start, end) in _units(row).items()
    ]
    both = len(entities) == len(ROLES)
    relation = {"id": 0, "from_id": numbers.get("source"), "to_id": numbers.get("target"), "type": "stands on"}
    kept = {name: row.get(name) for name in ("text", "example_id", *ROLES, "date")}
    more = {"before": row.get("before", ""), "document_id": row.get("document_id")}
    return {**kept, "entities": entities, "relations": [relation] if both else [], **more}


def _doccano_answers(path: Path, known: Mapping[str, Row]) -> Iterator[tuple[str, str, str | None]]:
    for where, found in read_json_lines(path):
        row = _known(where, found.get("example_id"), known)
        for name in ("text", *ROLES):
            _require_same(where, name, found.get(name), row[name])
        spans: dict[Any, str] = {}
        answers = set()
        for entity in _list(where, found.get("entities", []), "entities"):
            if not isinstance(entity, dict):
                raise InputError(f"{where}: an entity is {entity!r}, expected an object.")
            label = str(entity.get("label"))
            if label in ROLES:
                _require_span(where, row, label, entity.get("start_offset"), entity.get("end_offset"))
                spans[str(entity.get("id"))] = label
            else:
                answers.add(label)
        for relation in _list(where, found.get("relations", []), "relations"):
            if isinstance(relation, dict):
                _require_direction(where, [spans.get(str(relation.get(end))) for end in ("from_id", "to_id")], True)
        if len(answers) > 1:
            raise InputError(f"{where}: {len(answers)} answers, {', '.join(sorted(answers))}. Keep one.")
        yield where, row["example_id"], next(iter(answers), None)


# --- what every row is checked for ---


def _known(where: str, id: Any, known: Mapping[str, Row]) -> Row:
    if not isinstance(id, str) or id not in known:
        raise InputError(f"{where}: example_id {str(id)[:80]!r} is no row of the sheet that was written.")
    return known[id]


def _require_same(where: str, name: str, found: Any, *expected: str) -> None:
    if not isinstance(found, str) or " ".join(found.split()) not in {" ".join(text.split()) for text in expected}:
        raise InputError(
            f"{where}: {name} is {str(found)[:60]!r}, but {expected[0][:60]!r} was written. Only the label may change."
        )


def _require_span(where: str, row: Row, role: Any, start: Any, end: Any) -> None:
    """The words at a place in UTF-16 units must be the mention that was written."""
    if role not in ROLES:
        raise InputError(f"{where}: a span is labelled {role!r}, expected source or target.")
    places = [code_point(row["text"], unit) for unit in (start, end)]
    if places != [row.get(f"{role}_start"), row.get(f"{role}_end")]:
        raise InputError(
            f"{where}: {role} is marked from {start!r} to {end!r}, but {_mention(row, str(role))!r} was. Offsets count "
            "UTF-16 units. Only the label may change."
        )


def _require_direction(where: str, ends: list[str | None], forward: bool) -> None:
    if ends != list(ROLES) or not forward:
        raise InputError(f"{where}: a relation goes from {ends[0]} to {ends[1]}, expected from source to target.")


def _list(where: str, value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{where}: {name} is {str(value)[:40]!r}, expected a list.")
    return value


def _mention(row: Row, role: str) -> str:
    start, end = row.get(f"{role}_start", -1), row.get(f"{role}_end", -1)
    return str(row["text"][start:end]) if start >= 0 else ""


def _units(row: Row) -> dict[str, tuple[int, int]]:
    """The places of the mentions, in UTF-16 units."""
    return {
        role: (utf16(row["text"], row[f"{role}_start"]), utf16(row["text"], row[f"{role}_end"]))
        for role in ROLES
        if row.get(f"{role}_start", -1) >= 0
    }


def utf16(text: str, place: int) -> int:
    """Return a place counted in code points as one counted in UTF-16 units.

    Example:
        >>> utf16("🕊 peace", 2), code_point("🕊 peace", 3), code_point("🕊 peace", 1)
        (3, 2, None)

    """
    return len(text[:place].encode("utf-16-le")) // 2


def code_point(text: str, units: Any) -> int | None:
    """Return a place counted in UTF-16 units as one counted in code points; None if it is not in the text."""
    if isinstance(units, bool) or not isinstance(units, int) or units < 0:
        return None
    encoded = text.encode("utf-16-le")
    if 2 * units > len(encoded):
        return None
    try:
        return len(encoded[: 2 * units].decode("utf-16-le"))
    except UnicodeDecodeError:  # inside a character of two units
        return None


def _json_list(path: Path) -> list[Any]:
    if path.stat().st_size > MAX_JSON:
        raise InputError(f"{path}: more than {MAX_JSON:,} bytes.")
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON: {error}.") from error
    if not isinstance(value, list):
        raise InputError(f"{path}: a JSON {type(value).__name__}, expected a list of tasks.")
    return value
