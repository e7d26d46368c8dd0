"""The README is run: its commands, its Python, and the figures that it gives of the bundled corpus."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import actorstance

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python (scripts/.*)$", README, re.MULTILINE)
ARTICLE = "Turkey on Monday accused Russia of breaking the truce in the north. Russia thanked Turkey for its patience."
LABELS_IN_ORDER = ("against", "neutral", "favor")
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LABELS = "sentence,source,target,label,group_id\n" + "".join(
    f"{source} {verb} {target}.,{source},{target},{label},{story}\n"
    for story, (source, target) in enumerate(
        [("Varna", "Ostia"), ("Dorp", "Varna"), ("Ostia", "Dorp"), ("Lund", "Mora")] * 3
    )
    for verb, label in (("condemned", "NEG"), ("thanked", "favor"), ("met", "neutral"))
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout to a script, with outputs of its own."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("scripts", "conf", "data"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    return folder


def _run(command: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *shlex.split(command, comments=True)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def run(checkout: Path) -> str:
    """The run of the README's first command."""
    return _run("scripts/train.py", checkout).splitlines()[-1].removeprefix("run: ")


def _read(checkout: Path, run: str, name: str, article: str) -> str:
    """A run of predict, on articles of two months."""
    articles = [
        {
            "id": f"a{at}",
            "date": f"2020-0{2 + at % 2}-11",
            "text": f"{article} It was day {at} of the talks in Rome.",
        }
        for at in range(12)
    ]
    (checkout / name).write_text("".join(json.dumps(row) + "\n" for row in articles), encoding="utf-8")
    return _run(f"scripts/predict.py run={run} input={name}", checkout).splitlines()[-1].removeprefix("run: ")


@pytest.fixture(scope="module")
def read(checkout: Path, run: str) -> str:
    return _read(checkout, run, "read.jsonl", ARTICLE)


@pytest.fixture(scope="module")
def other(checkout: Path, run: str) -> str:
    return _read(checkout, run, "other.jsonl", ARTICLE.replace("accused", "again accused"))


@pytest.fixture(scope="module")
def check(checkout: Path, read: str) -> str:
    """A check whose sheet is filled in."""
    found = _run(f"scripts/check.py run={read} n=20", checkout).splitlines()[-1].removeprefix("run: ")
    sheet = checkout / found / "sheet.csv"
    lines = sheet.read_text(encoding="utf-8-sig").splitlines()
    filled = [re.sub(r"^(\d+),,", r"\1,against,", line) for line in lines]
    sheet.write_text("\n".join(filled) + "\n", encoding="utf-8")
    return found


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, checkout: Path, run: str, request: pytest.FixtureRequest) -> None:
    for name in ("read", "other", "check"):
        if f"outputs/{name.upper()}" in command:
            command = command.replace(f"outputs/{name.upper()}", request.getfixturevalue(name))
    command = re.sub(r"outputs/(?:RUN|A|B)\b", run, command)
    if command.startswith("scripts/evaluate.py") and "data=table" in command:  # of a model trained on another corpus
        command += " data.columns.text=sentence data.labels.against=NEG"
    last = _run(command, checkout).splitlines()[-1]
    assert last.startswith("run: outputs/")
    assert (checkout / last.removeprefix("run: ")).is_dir()


def test_the_explained_mentions_are_those_that_are_printed(checkout: Path, run: str) -> None:
    (block,) = re.findall(r"^```\n(Russia, which .*?)  …\n```$", README, re.MULTILINE | re.DOTALL)
    (command,) = (one for one in COMMANDS if one.endswith("actors.explain=true"))
    assert f"\n{block}" in _run(command.replace("outputs/RUN", run), checkout)


def test_the_python_runs(checkout: Path, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code.replace("outputs/RUN", str(checkout / run)), "README.md", "exec"), {})
    assert "france egypt 0." in capsys.readouterr().out


def test_the_first_table_is_what_the_model_says(checkout: Path, run: str) -> None:
    (sentence,) = re.findall(r"^> (.*)$", README, re.MULTILINE)
    (document,) = actorstance.read(sentence)
    rows = actorstance.stances(document, actorstance.load(checkout / run))
    said = {(row["source"], row["target"]): [row[label] for label in LABELS_IN_ORDER] for row in rows}
    row = r"^\| (\w+) → (\w+) \| (\w+) \| (\w+), ([+−][\d.]+) \| (\w+), ([+−][\d.]+) \|$"
    table = re.findall(row, README, re.MULTILINE)
    assert {(source, target) for source, target, *_ in table} == set(said)
    for source, target, _, label, score, *_ in table:  # the transformer's answers are not measured here
        against, _, favor = found = said[source, target]
        assert label == LABELS_IN_ORDER[found.index(max(found))]
        assert float(score.replace("−", "-")) == pytest.approx(favor - against, abs=0.011)
    (right,) = re.findall(r"linear model gets (\w+) of them right", README)
    assert NUMBERS.index(right) == sum(reader == label for _, _, reader, label, *_ in table)


def test_the_newsroom_row_is_what_the_run_measured(checkout: Path, run: str) -> None:
    metrics = json.loads((checkout / run / "metrics.json").read_text(encoding="utf-8"))
    row = r"^\| newsroom, test \(2,295 pairs\) \| [^|]* \| ([\d.]+) \[([\d.]+), ([\d.]+)\] "
    (cells,) = re.findall(row, README, re.MULTILINE)
    assert metrics["n"] == 2295
    measured = [100 * metrics[name] for name in ("macro_f1", "macro_f1_low", "macro_f1_high")]
    assert [float(cell) for cell in cells] == pytest.approx(measured, abs=0.051)
    (names,) = re.findall(r"On newsroom names alone give ([\d.]+)", README)
    (majority,) = re.findall(r"always neutral ([\d.]+) ", README)
    measured = [metrics["names_only"]["macro_f1"], metrics["majority"]["macro_f1"]]
    assert [float(names), float(majority)] == pytest.approx([100 * value for value in measured], abs=0.051)
