"""What a run says on the terminal: at most 80 columns, the finding first, the files last."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from collections import Counter, deque
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorstance import wording
from actorstance.actors import AUTHOR, UNKNOWN
from actorstance.corpora import Corpus
from actorstance.correction import MIN_GROUPS
from actorstance.documents import TABLES
from actorstance.examples import LABELS
from actorstance.files import first_process
from actorstance.folder import REJECTED, Folder
from actorstance.mentions.names import NOT_READ
from actorstance.reading import MAX_PAIRS
from actorstance.saved import Saved
from actorstance.text.legible import MENDED
from actorstance.wording import plural, printable

WIDTH = 80
FEW = 50  # held-out examples, below which an F1 moves by a tenth with a handful of them
ROWS = 6  # of each table; the files have all
STAR = "* corrected by labels; a score without a star is the model's own"
NOBODY = (AUTHOR, UNKNOWN)  # sources that are not actors


def say(text: str, end: str = "\n") -> None:
    """Print, and go on with the run if nobody reads any more (`| head`)."""
    if not first_process():
        return
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def corpus(corpus: Corpus) -> None:
    """Say what was read, kept, dropped and repaired."""
    counts = corpus.counts
    say(f"{corpus.name}: {counts['read']:,} rows read, {counts['kept']:,} kept, {counts['examples']:,} examples")
    for word in ("dropped", "mended", "noted"):
        for reason, number in counts[word].items():
            say(f"  {word} {number:,}: {reason}")
    for reason, number in counts.get("left_out", {}).items():
        say(f"  left out {number:,}: {reason}")
    for part, rows in counts.get("published", {}).items():
        of = "" if rows["published"] in (None, rows["read"]) else f" of the {rows['published']:,} that are published"
        say(f"  {part}: {rows['read']:,} rows{of}")


def metrics(found: dict[str, Any]) -> None:
    """Say how good the model is on held-out examples, beside what needs no reading."""
    say(f"\nheld out: {found['n']:,} examples of {found['documents']:,} documents")
    if found["n"] < FEW:
        say(f"  note: fewer than {FEW} examples say next to nothing, whatever the figures")
    clean = found["clean"]
    fewer = "" if clean["n"] in (None, found["n"]) else f"  {clean['n']:,} rows"
    rows = [
        ("model, all rows", found["macro_f1"], found["accuracy"], ""),
        ("model, rows without a twin in training", clean["macro_f1"], clean["accuracy"], fewer),
        ("names only, no sentence", found["names_only"]["macro_f1"], None, ""),
        ("always the commonest label", found["majority"]["macro_f1"], found["majority"]["accuracy"], ""),
    ]
    say(f"  {'':39} macro-F1  accuracy")
    for name, f1, accuracy, note in rows:
        say(f"  {name:39} {wording.number(f1, 3):>8}  {wording.number(accuracy, 3):>8}{note}")
    if found["macro_f1_low"] is not None:
        say(f"  95 % interval, all rows, groups resampled  [{found['macro_f1_low']:.3f}, {found['macro_f1_high']:.3f}]")
    say(f"  {'label':8} {'n':>6}  precision  recall     F1  mean P  share")
    for label in LABELS:
        row = {**found["per_label"][label], **found["calibration"][label]}
        say(f"  {label:8} {row['n']:>6,}  {row['precision']:>9.3f}  {row['recall']:>6.3f}  {row['f1']:>5.3f}", end="")
        say(f"  {row['mean_probability']:>6.3f}  {row['share']:>5.3f}")
    more = f"(calibrated: up to {found['ece_if_calibrated_high']:.3f}), by label {found['classwise_ece']:.3f}"
    say(f"  expected calibration error {found['ece']:.3f} {more}")
    _priors(found.get("priors"))
    if "corpora" in found:
        say("  above each example is judged among the labels that its corpus has; by corpus, among all labels:")
    for name, row in found.get("corpora", {}).items():
        own = row["own_labels"]
        say(f"  {name:37} {'':2}{row['macro_f1']:>8.3f}  {row['accuracy']:>8.3f}  {row['n']:,} examples")
        if own["macro_f1"] != row["macro_f1"]:
            say(f"    choosing among its own labels{'':8} {'':2}{own['macro_f1']:>8.3f}  {own['accuracy']:>8.3f}")


def audits(parts: dict[str, dict[str, Any]]) -> None:
    """Show the checks of every held-out part, and what is over its limit."""
    for part, found in parts.items():
        taught, held = sum(found["labels"]["train"].values()), found["leakage"]["held_out_examples"]
        say(f"\n{part}: {held:,} examples held out, {taught:,} in training")
        say(f"  {'':41} {'found':>7} {'of':>8} {'share':>6} {'limit':>6}")
        for row in found["checks"]:
            _check(row)
    failed = [f"{name} ({part})" for part, found in parts.items() for name in found["failed"]]
    say(f"\nover the limit: {', '.join(failed)}" if failed else "\nno check is over its limit")


def _check(row: dict[str, Any]) -> None:
    """A line of the table: a count with its share, or a value."""
    share = row["unit"] == "share"
    found = f"{row['found']:.3f}" if row["unit"] == "gain" else f"{row['found']:,}"
    of, percent = (f"{row['of']:,}", f"{row['value']:.1%}") if share else ("", "")
    limit = "" if row["limit"] is None else f"{row['limit']:.1%}" if share else f"{row['limit']:g}"
    say(f"  {row['about']:41} {found:>7} {of:>8} {percent:>6} {limit:>6}{'  OVER' * row['failed']}")


def failed(found: dict[str, Any]) -> None:
    """Say which checks of a run's audit are over their limit."""
    for row in found.get("checks", []):
        if row["failed"]:
            number = f"{row['found']:.3f}" if row["unit"] == "gain" else f"{row['found']:,} of {row['of']:,}"
            say(f"  audit: {row['about']}: {number}; limit {row['limit']:g}")


def unread(files: list[Path], ended: bool = False) -> None:
    """Name the files of a folder that were passed over; again, as a warning, when the run has `ended`."""
    if not files:
        return
    names = ", ".join(path.name for path in files[:5])
    if not ended:
        say(f"not read, {plural(len(files), 'file')} of other kinds: {printable(names, 40)}")
        return
    say(f"\nwarning: {plural(len(files), 'file was', 'files were')} not read: {printable(names, 40)}")
    if tables := [path for path in files if path.suffix.lower() in TABLES]:
        say(f"  Tables are read one at a time, as the input: {relative(tables[0])}")


def counts(found: dict[str, Any]) -> None:
    """Say what was read of new articles."""
    say(plural(found["documents"], "document"))
    for kind, what in MENDED.items():
        if number := found.get(f"documents_{kind}"):
            say(f"note: in {number:,}, {what}")
    say(f"{plural(found['lines_read'], 'line')} read, {found['lines_cut']:,} cut as part of the web page,")
    say(f"  {found['lines_set_aside']:,} set aside (headlines, bylines, captions)")
    say(f"{plural(found['sentences'], 'sentence')}, {found['sentences_without_actor']:,} of them without an actor")
    if not_read := found.get(f"left_out: {NOT_READ}"):
        say(f"  left out {not_read:,}: {NOT_READ}")
    say(f"{plural(found['mentions'], 'mention')} of actors: {found['mentions_registry']:,} found by the registry,")
    say(f"  {found['mentions_rule']:,} by rule, {found['mentions_unresolved']:,} unresolved")
    say(f"{plural(found['statements'], 'statement')}, {found['statements_without_speaker']:,} without a known speaker")
    say(f"{plural(found['pairs'], 'example')} ({plural(found['pairs_of_actors'], 'pair')})")
    if left_out := found["pairs_left_out"]:
        say(f"  {left_out:,} more left out (over {MAX_PAIRS} in a sentence)")
    _priors(found.get("priors"))


def _priors(found: dict[str, Any] | None) -> None:
    if found:
        own, new = (", ".join(f"{label} {share:.2f}" for label, share in found[key].items()) for key in ("own", "new"))
        say(f"label priors, {'estimated' if found['estimated'] else 'as given'}: {new}")
        say(f"  instead of the model's own: {own}")


def asked(found: dict[str, Any], out: Path, then: str) -> None:
    """Say what to label, what that is worth, and the command that reads it: `then`, with places for run and sheet."""
    folder = relative(out)
    say(f"\n{plural(found['asked'], 'example')} to label: {folder}/sheet.csv")
    say("  Fill in the column `label` with against, neutral, favor or unclear, judging by")
    say("  `text` and `before`; docs/guidelines.md says how. Start at the top; stop where")
    say("  you like. The same sheet is there for Label Studio and doccano.")
    if found["asked"] < found["requested"]:
        say(f"  Fewer than {found['requested']:,}: no other affects these intervals; wanted can name more.")
    say(f"  {'':34} {'examples':>8}  {'labels':>6}  95 % interval now -> then")
    for row in found["intervals"]:
        widths = [_plus_minus(row[name]) for name in ("half_width", "expected_half_width")]
        numbers = f"{row['n']:>8,}  {row['expected_labelled']:>6.0f}"
        say(f"  {printable(_interval_name(row), 34):34} {numbers}  {' -> '.join(widths)}")
    say("then:")
    say(f"  {then.format(run=shlex.quote(str(folder)), sheet=shlex.quote(str(folder / 'sheet.csv')))}")


def answered(found: dict[str, Any], actors: list[dict[str, Any]], saved: Saved) -> None:
    """Say what came back, which scores the labels of `saved` correct now, and why not the others."""
    rest = f"{found['unclear']:,} unclear, {found['blank']:,} left blank"
    say(f"\n{found['answered']:,} of {found['asked']:,} labelled, {rest}")
    if lost := found["unclear"] + found["skipped"]:
        say(f"  {lost:,} rows before the last labelled one have no label. They are taken for a random")
        say("  part of the sheet; if they were the hard ones, the scores are biased.")
    for row in found["intervals"]:
        say(f"  {printable(_interval_name(row), 38):38} {row['labelled']:>5,} labels  {_plus_minus(row['half_width'])}")
    none = [row for row in actors if row["correction"] == "none"]
    rest = " The others remain the model's own." if none else ""
    say(f"Corrected: {len(actors) - len(none):,} of {plural(len(actors), 'actor score')}.{rest}")
    if none:
        members = {role: saved.members(role) for role in {row["role"] for row in none}}
        reasons = Counter(_why_none(members[row["role"]][(row["actor"],)], saved) for row in none)
        for reason, number in reasons.most_common():
            say(f"  {number:,}: {reason}")


def _why_none(at: NDArray[np.int64], saved: Saved) -> str:
    """Why labels did not correct the score of the mentions `at`, and what would."""
    if saved.groups_of(at) < MIN_GROUPS:
        return f"in fewer than {MIN_GROUPS} articles (of a single one: sentences), which is too few"
    if (saved.inclusion[at] <= 0).any():
        return "some examples could not be drawn: name the actor in wanted of another sheet"
    return "too few labels: label more"


def comparison(found: dict[str, Any]) -> None:
    """Say what differs."""
    names = found.get("runs") or found.get("newspapers") or ["..".join(period) for period in found["periods"]]
    say(f"\na: {names[0]}\nb: {names[1]}")
    say(f"{plural(found['n'], 'example')} in {plural(found['groups'], 'group')} (stories or articles)")
    for reason, number in found.get("left_out", {}).items():
        if number:
            say(f"  left out {number:,}: {reason}")
    if shared := found.get("in_both"):
        say(f"  {plural(shared, 'sentence')} in both, word for word: of a news agency?")
    for row in found["metrics"] or ():
        say(f"  {row['name']:10} {row['a']:.3f} -> {row['b']:.3f}  {_difference(row)}  p {row['p']:.4f}")
    if (pair := found["mcnemar"]) is not None:
        say(f"  only a right {pair['only_a']:,}, only b right {pair['only_b']:,}  McNemar p {pair['p']:.4f}")
    significant = sum(row["significant"] for row in found["actors"])
    say(f"{_compared(found['actors'])}: {significant:,} significant")
    how = {"holm": "Holm", "bh": "BH"}[found["adjustment"]]
    say(f"  {'':24} {'a -> b':16}  {'b - a':6} 95 %, unadjusted  p, {how}")
    for row in sorted(found["actors"], key=lambda row: float(row["p"]))[:ROWS]:
        star = " " if _uncorrected(row) else "*"
        change = f"{_signed(row['a'])}{star} -> {_signed(row['b'])}{star}"
        say(f"  {printable(_interval_name(row), 24):24} {change:16}  {_difference(row):23}  {row['p_adjusted']:.4f}")
    if len(found["actors"]) > ROWS:
        say(f"  … {len(found['actors']) - ROWS:,} more in comparison.csv")
    if alone := sum(bool(row.get("labelled_a")) != bool(row.get("labelled_b")) for row in found["actors"]):
        where = "newspaper" if "newspapers" in found else "period"
        say(f"note: {alone:,} with enough labels in one {where} only: both scores are the model's own")
    _say_what_is_corrected(found)
    for row in found.get("skipped", ()):
        few = " and ".join(map(str, row["groups"]))
        say(f"  {printable(_interval_name(row), 26):26} left out: in {few} groups; {MIN_GROUPS} are needed")


def _compared(rows: list[dict[str, Any]]) -> str:
    """How many scores of actors, and of pairs, are compared: of pairs only those that the user named."""
    pairs = sum(row["role"] == "pair" for row in rows)
    said = [plural(len(rows) - pairs, "actor score")] * (pairs < len(rows)) + [plural(pairs, "pair")] * (pairs > 0)
    return " and ".join(said) + " compared"


def _uncorrected(row: dict[str, Any]) -> bool:
    """Whether a row's scores are the model's own; two models are compared by nothing else."""
    return bool(row.get("correction", "none") == "none")


def _say_what_is_corrected(found: dict[str, Any]) -> None:
    """Say of a comparison which scores labels have corrected, and how the others may mislead."""
    none = sum(map(_uncorrected, found["actors"]))
    if none < len(found["actors"]):
        say(f"  {STAR}")
    if none and "runs" in found:
        say("scores are the models' own, uncorrected")
    elif none:
        which = "scores are" if none == len(found["actors"]) else f"{none:,} {'is' if none == 1 else 'are'}"
        kinds = "newspapers" if "newspapers" in found else "periods"
        say(f"{which} the model's own, uncorrected: if its errors differ between {kinds},")
        say("  with topic or style, it looks like another stance; check.py corrects it")


def _difference(row: dict[str, Any]) -> str:
    interval = "" if row["low"] is None else f" [{_signed(row['low'], 3)}, {_signed(row['high'], 3)}]"
    return f"{_signed(row['difference'], 3)}{interval}"


def _plus_minus(value: float | None) -> str:
    return "not known" if value is None else f"±{value:.2f}"


def _interval_name(row: dict[str, Any]) -> str:
    if row["role"] == "pair":
        return f"{row['source']} -> {row['target']}"
    return f"others on {row['actor']}" if row["role"] == "received" else f"{row['actor']} on others"


def rejected(found: dict[str, Any], out: Path) -> None:
    """Say how many documents could not be read, and where the reasons are."""
    if found["rejected"]:
        given = found["documents"] + found["rejected"]
        say(f"{found['rejected']:,} of {plural(given, 'document')} rejected: {relative(out / REJECTED)} says why")


def not_english(found: dict[str, Any], out: Path) -> None:
    """Warn of documents that do not look English, and name the first."""
    if number := found["documents_not_english"]:
        verb, whose = ("does", "its") if number == 1 else ("do", "their")
        of = plural(found["documents"], "document")
        say(f"\n{number:,} of {of} {verb} not look English: {whose} scores mean little")
        say(f"  {printable(', '.join(islice(Folder(out).not_english(), ROWS)), WIDTH - 2)}")


def explain(out: Path) -> None:
    """Show every mention of a run, sentence by sentence, with the rule that found it."""
    folder = Folder(out)
    mentions = deque(folder.lines("mentions.jsonl"))
    for sentence in folder.lines("sentences.jsonl"):
        say(f"\n{printable(sentence['text'], WIDTH)}")
        while (
            mentions
            and mentions[0]["document_id"] == sentence["document_id"]
            and mentions[0]["raw_start"] < sentence["raw_end"]
        ):
            one = mentions.popleft()
            may_be = f" ({', '.join(one['candidates'])})" if one["candidates"] else ""
            told = printable(f"{one['actor']}{may_be}: {one['rule']}, confidence {one['confidence']:.2f}")
            name = f"  {printable(one['text'], 28):28} "
            say(textwrap.fill(told, WIDTH, initial_indent=name, subsequent_indent=" " * len(name)))


def actors(out: Path) -> None:
    """Show the first rows of actors.csv, for either role, and of pairs.csv."""
    folder, shown = Folder(out), []
    rows, pairs = list(folder.table("actors.csv")), list(folder.table("pairs.csv"))
    for role, says in (("received", "as target: received"), ("expressed", "as source: expressed")):
        shown += _table(says, "", [row for row in rows if row["role"] == role], ("actor",), "actors.csv")
    told = sorted((row for row in pairs if row["source"] not in NOBODY), key=lambda row: row["low"] is None)
    shown += _table("source", "target", told, ("source", "target"), "pairs.csv", len(pairs))
    notes = []
    if any(row["correction"] != "none" for row in shown):
        notes.append(STAR)
    if any(row["low"] is None for row in shown):
        notes.append(f"an interval needs {MIN_GROUPS} groups: stories or articles; of a single one, sentences")
    if notes:
        say("\n  " + "\n  ".join(notes))


def _table(
    first: str, second: str, rows: list[dict[str, Any]], keys: tuple[str, ...], name: str, of: int | None = None
) -> list[dict[str, Any]]:
    """Show the first rows of a table, and return them; its file has `of`, which may be more."""
    if not rows:
        return []
    say(f"\n  {first:22} {second:22} {'n':>7}  score  95 % interval")
    for row in rows[:ROWS]:
        interval = "too few groups" if row["low"] is None else f"[{_signed(row['low'])}, {_signed(row['high'])}]"
        score = f"{_signed(row['score']):>5}{' ' if row['correction'] == 'none' else '*'}"
        cells = [printable(row[key], 22) for key in keys] + [""] * (2 - len(keys))
        say(f"  {cells[0]:22} {cells[1]:22} {row['n']:>7,}  {score} {interval}")
    if more := (of or len(rows)) - len(rows[:ROWS]):
        say(f"  … {more:,} more in {name}")
    return rows[:ROWS]


def exported(lost: dict[str, Any]) -> None:
    """Say what a model lost when it was exported."""
    say(f"\n{lost['precision']} beside the model it was made of, on {lost['n']:,} held-out examples")
    say(f"  macro-F1                                 {lost['macro_f1']:.4f}, before {lost['macro_f1_before']:.4f}")
    say(f"  labels that changed                      {lost['changed']:,}")
    say(f"  largest difference of a probability      {lost['largest_difference']:.4f}")


def files(out: Path, corrected: bool = False) -> None:
    """Name what to open, and the run: the last line, for scripts that call this one."""
    say("" if corrected else "\nscores are the model's own, uncorrected")
    if (out / "report.html").is_file():  # a check of an old run has none
        say(f"open {relative(out) / 'report.html'}")
    run(out)


def trial(number: int, row: dict[str, Any], chosen: dict[str, Any]) -> None:
    """Say how a trial of a sweep ended."""
    score = f"macro-F1 {row['macro_f1']:.4f}" if row["macro_f1"] is not None else row["error"] or "stopped early"
    say(printable(f"trial {number}: {score}, {', '.join(f'{key}={value}' for key, value in chosen.items())}", WIDTH))


def sweep(best: dict[str, Any] | None, command: str | None, running: int, out: Path) -> None:
    """Say which trial of a sweep is best, and how to train it again."""
    if running:
        say(f"\n{plural(running, 'trial')} still running in other processes")
    if best:
        say(f"\nbest: trial {best['trial']}, macro-F1 {best['macro_f1']:.4f} on the validation part; train it again:")
        say(f"  {command}")
        say("without eval_split=valid it is scored on the test part: do that once, at the end")
    say(f"\ntrials.csv, report.html: {relative(out)}")
    run(out)


def run(out: Path) -> None:
    """Name the run's folder: the last line."""
    say(f"run: {relative(out)}")


def relative(folder: Path) -> Path:
    """Return a path as it can be typed here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _signed(value: float, digits: int = 2) -> str:
    """A number with its sign, as it can be typed; what rounds to zero has none."""
    return wording.number(value, digits, sign=True).replace("−", "-")
