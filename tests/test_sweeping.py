"""Sweeps: what is searched, who trains which trial, what a kill leaves, and that the best can be trained again."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import HydraException

from actorstance import corpora, pipeline
from actorstance.corpora import Corpus
from actorstance.errors import InputError
from actorstance.models import Watch
from actorstance.models.transformer import TransformerModel
from actorstance.sweeps import space
from actorstance.sweeps.space import Dimension
from actorstance.sweeps.sweeping import Sweep

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
SETTINGS = {"command": "python scripts/train.py eval_split=valid"}


# --- what is searched

GRAMMAR: dict[str, tuple[tuple[str, ...], float, float, int | None, bool]] = {
    "a=1,3,10": (("1", "3", "10"), 0, 0, None, False),
    "data=dse,seesaw": (("dse", "seesaw"), 0, 0, None, False),
    "a=choice(x,'y z')": (("x", "y\\ z"), 0, 0, None, False),
    "a=null,x": (("null", "x"), 0, 0, None, False),
    "a=range(1,9)": ((), 1, 8, 1, False),
    "a=range(1,9,3)": ((), 1, 7, 3, False),
    "a=range(0,1,0.5)": (("0.0", "0.5"), 0, 0, None, False),
    "a=interval(0,0.5)": ((), 0, 0.5, None, False),
    "a=int(interval(1,64))": ((), 1, 64, 1, False),
    "a=tag(log,interval(1e-5,1e-3))": ((), 1e-5, 1e-3, None, True),
    "a=tag(log,int(interval(1,64)))": ((), 1, 64, 1, True),
    "+a.b=1,2": (("1", "2"), 0, 0, None, False),
}


@pytest.mark.parametrize(("typed", "expected"), GRAMMAR.items(), ids=GRAMMAR)
def test_settings_with_several_values(typed: str, expected: tuple[Any, ...]) -> None:
    found, others = space.parted([typed, "b=1", "c=[1,2]", "--info"])
    key, _, values = typed.partition("=")
    assert found == {key: Dimension(values, *expected)}
    assert others == ["b=1", "c=[1,2]", "--info"]
    distribution = found[key].distribution()
    assert distribution._contains(distribution.to_internal_repr(found[key].first))


WRONG = {
    "a=interval(3,1)": "goes from 3.0 to 1.0",
    "a=interval(1,1)": "goes from 1.0 to 1.0",
    "a=interval(0,inf)": "goes from 0.0 to inf",
    "a=interval(0,nan)": "goes from 0.0 to nan",
    "a=tag(log,interval(0,1))": "no logarithm",
    "a=tag(Log,interval(1,2))": "the tag Log is not known",
    "a=tag(log,choice(1,2))": "the tag log is not known",
    "a=1,1": "each value once",
    "a=range(3,3)": "no number lies in that range",
    "a=glob(*)": "a pattern",
    "hydra.verbose=true,false": "no setting of a training run",
    "sweep.trials=1,2": "no setting of a training run",
    "~a=1,2": "no setting of a training run",
}


@pytest.mark.parametrize(("typed", "message"), WRONG.items(), ids=WRONG)
def test_what_cannot_be_searched_is_said(typed: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        space.parted([typed])


def test_what_is_no_setting_is_said() -> None:
    with pytest.raises(InputError, match="a: given twice, as 1,2 and as 3,4"):
        space.parted(["a=1,2", "a=3,4"])
    with pytest.raises(HydraException, match="missing a required argument"):
        space.parted(["a=interval(1)"])


# --- who trains which trial


def lookup(x: float, folder: Path) -> float:
    folder.mkdir(parents=True)
    return 1 - (x - 0.3) ** 2


def sweep(folder: Path, typed: str = "x=interval(0,1)", **changes: Any) -> Sweep:
    return Sweep(folder, space.parted([typed])[0], SETTINGS, **{"trials": 12, **changes})


def parabola(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
    return lookup(float(chosen["x"]), out)


def tried(found: Sweep) -> list[float]:
    return [float(row["x"]) for row in found.rows()]


class Killed(BaseException):
    """What a test raises in place of a kill: nothing may catch it."""


def killed_in(number: int) -> Any:
    """The parabola, but for the process that ends in one trial."""
    before = iter(range(10**6))

    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        if next(before) == number:
            (out / "half").mkdir(parents=True)
            raise Killed
        return parabola(chosen, out, resume, watch)

    return objective


def test_a_killed_sweep_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = sweep(tmp_path / "whole")
    whole.run(parabola)
    for number in (0, 7, 4):  # of its trials, one after the other
        with pytest.raises(Killed):
            sweep(tmp_path / "killed").run(killed_in(number))
    again = sweep(tmp_path / "killed")
    again.run(parabola)
    assert tried(again) == tried(whole)
    assert len(set(tried(whole))) == 12
    assert {row["state"] for row in again.rows()} == {"complete"}
    assert not list((tmp_path / "killed").rglob("half"))
    best, best_again = whole.best(), again.best()
    assert best is not None
    assert best_again is not None
    assert best.number == best_again.number
    assert best.value == max(row["macro_f1"] for row in whole.rows())
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".pkl", ".db"}]


def test_a_trial_that_ends_three_processes_has_failed(tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(Killed):
            sweep(tmp_path).run(killed_in(0))
    again = sweep(tmp_path, trials=2)
    again.run(parabola)
    assert [row["state"] for row in again.rows()] == ["fail", "complete"]
    assert again.rows()[0]["error"].startswith("3 processes ended")


def test_a_process_that_ends_before_all_values_are_drawn_costs_no_trial(tmp_path: Path) -> None:
    begun = sweep(tmp_path, trials=2)
    begun.study.ask()
    begun.run(parabola)
    assert [row["trial"] for row in begun.rows()] == [1, 2]


def test_two_processes_share_the_trials(tmp_path: Path) -> None:
    first, second = sweep(tmp_path, trials=3), sweep(tmp_path, trials=3)

    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        if out.name == "trial-000":  # while it is under way another process has all others
            second.run(parabola)
            assert second.running() == 1
        return parabola(chosen, out, resume, watch)

    first.run(objective)
    assert [(row["trial"], row["state"]) for row in first.rows()] == [(at, "complete") for at in range(3)]
    more = sweep(tmp_path, trials=5)
    more.run(parabola)
    assert len(more.rows()) == 5


def test_of_a_small_space_each_setting_is_tried_once(tmp_path: Path) -> None:
    found = sweep(tmp_path, "x=0.1,0.2,0.3", trials=20)
    with pytest.raises(Killed):
        found.run(killed_in(1))
    found = sweep(tmp_path, "x=0.1,0.2,0.3", trials=20)
    found.run(parabola)
    assert tried(found) == [0.1, 0.2, 0.3]
    assert found.best_command() == "python scripts/train.py eval_split=valid x=0.3"


def test_a_setting_of_a_small_space_is_tried_though_its_process_ended_before_it_began(tmp_path: Path) -> None:
    begun = sweep(tmp_path, "x=0.1,0.2,0.3", trials=20)
    begun._enqueue_untried()
    begun.study._pop_waiting_trial_id()
    found = sweep(tmp_path, "x=0.1,0.2,0.3", trials=20)
    found.run(parabola)
    assert sorted(tried(found)) == [0.1, 0.2, 0.3]


def test_a_complete_run_whose_process_could_not_say_so_counts(tmp_path: Path) -> None:
    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        (out / "model").mkdir(parents=True)
        (out / "model" / "manifest.json").write_text("{}")
        (out / "metrics.json").write_text('{"macro_f1": 0.75}')
        raise Killed

    with pytest.raises(Killed):
        sweep(tmp_path, trials=1).run(objective)
    again = sweep(tmp_path, trials=1)
    again.run(objective)
    assert [row["macro_f1"] for row in again.rows()] == [0.75]


def test_half_a_line_at_the_journals_end_is_cut_off(tmp_path: Path) -> None:
    sweep(tmp_path, trials=2).run(parabola)
    with (tmp_path / "journal.log").open("a") as file:
        file.write('{"op_code":4,"wor')
    again = sweep(tmp_path, trials=3)
    again.run(parabola)
    assert len(again.rows()) == 3


def test_another_sweep_is_refused(tmp_path: Path) -> None:
    sweep(tmp_path, trials=1).run(parabola)
    for typed, changes in (("x=interval(0,2)", {}), ("x=interval(0,1)", {"seed": 1}), ("y=1,2", {})):
        with pytest.raises(InputError, match=r"another sweep: .* was .*, is "):
            sweep(tmp_path, typed, **changes)
    with pytest.raises(InputError, match="nothing to search"):
        Sweep(tmp_path / "none", {}, SETTINGS)
    with pytest.raises(InputError, match=r"sweep\.trials=0"):
        sweep(tmp_path / "none", trials=0)


def test_trials_that_fail(tmp_path: Path) -> None:
    def never(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        raise InputError(f"x={chosen['x']} is <b>wrong</b>.")

    with pytest.raises(InputError, match="the first 3 trials failed"):
        sweep(tmp_path / "never").run(never)

    def sometimes(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        return never(chosen, out, resume, watch) if chosen["x"] > 0.6 else parabola(chosen, out, resume, watch)

    found = sweep(tmp_path / "sometimes")
    found.run(sometimes)
    assert {row["state"] for row in found.rows()} == {"complete", "fail"}
    assert len(found.rows()) == 12


def test_a_trial_below_the_median_is_stopped(tmp_path: Path) -> None:
    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        out.mkdir(parents=True)
        for epoch in (1, 2):
            watch(epoch, float(chosen["x"]) * epoch)
        return 2 * float(chosen["x"])

    found = sweep(tmp_path / "a", "x=0.5,0.6,0.7,0.8,0.1,0.9")
    found.run(objective)
    rows = found.rows()
    assert [row["state"] for row in rows] == [*["complete"] * 4, "pruned", "complete"]
    assert (rows[4]["epochs"], rows[4]["last"], rows[4]["macro_f1"]) == (1, 0.1, None)
    assert not found.run_folder(4).exists()
    assert found.run_folder(5).exists()
    unpruned = sweep(tmp_path / "b", "x=0.5,0.6,0.7,0.8,0.1,0.9", prune=False)
    unpruned.run(objective)
    assert {row["state"] for row in unpruned.rows()} == {"complete"}


def test_the_table_and_the_page(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    found = sweep(tmp_path, f"x=0.1,'{script}'", trials=2)

    def objective(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
        if script in chosen["x"]:
            raise InputError(f"{script} is no number")
        return parabola(chosen, out, resume, watch)

    found.run(objective)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert script not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is no number" in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete", "fail"]
    assert found.best_command() == "python scripts/train.py eval_split=valid x=0.1"


# --- with models


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 72 sentences with its own split."""
    verbs = {"against": ("blamed", "accused"), "neutral": ("met", "phoned"), "favor": ("thanked", "praised")}
    names = ("Ana", "Bo", "Cleo", "Dov", "Esra")
    rows = []
    for at in range(72):
        label, a, b = list(verbs)[at % 3], names[at % 5], names[(at + 1 + at // 15 % 4) % 5]
        ids = {"example_id": f"e{at}", "document_id": f"d{at // 3}", "group_id": f"g{at // 3}"}
        text = f"{a} {verbs[label][at // 3 % 2]} {b} over quay {at}."
        gold = list(verbs)[(at + 1) % 3] if at % 7 == 0 else label
        split = "valid" if at % 12 > 8 else "test" if at % 24 == 0 else "train"
        rows.append({**ids, "text": text, "source": a, "target": b, "label": gold, "split": split})
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_encoders_epochs_are_told_and_a_killed_trial_goes_on(
    tmp_path: Path, corpus: Path, tiny_encoder: str
) -> None:
    loaded: Corpus = corpora.load("table", corpus)
    told: list[tuple[int, float]] = []

    def objective(killed: bool) -> Any:
        def train(chosen: dict[str, Any], out: Path, resume: bool, watch: Watch) -> float:
            settings: dict[str, Any] = {"epochs": 3, "patience": 9, "batch_size": 8, "max_length": 64}
            model = TransformerModel(tiny_encoder, lr=float(chosen["x"]), **settings)

            def watched(epoch: int, score: float) -> None:
                watch(epoch, score)
                told.append((epoch, score))
                if killed and epoch == 2:
                    raise Killed

            model.watch = watched
            return float(pipeline.train(loaded, model, out, eval_split="valid", resume=resume)["macro_f1"])

        return train

    whole = sweep(tmp_path / "whole", "x=0.001,0.003", trials=1)
    whole.run(objective(killed=False))
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    log = [json.loads(line) for line in (whole.run_folder(0) / "log.jsonl").read_text().splitlines()]
    assert [line["eval_macro_f1"] for line in log if "eval_macro_f1" in line] == [score for _, score in told]
    assert whole.study.trials[0].intermediate_values == dict(told)
    with pytest.raises(Killed):
        sweep(tmp_path / "killed", "x=0.001,0.003", trials=1).run(objective(killed=True))
    told.clear()
    again = sweep(tmp_path / "killed", "x=0.001,0.003", trials=1)
    again.run(objective(killed=False))
    assert [epoch for epoch, _ in told] == [2, 3]  # it went on from the first epoch's checkpoint
    assert [row["macro_f1"] for row in again.rows()] == [row["macro_f1"] for row in whole.rows()]
    assert again.study.trials[0].intermediate_values == whole.study.trials[0].intermediate_values


def _start(cwd: Path, command: str) -> subprocess.Popen[bytes]:
    words = [str(SCRIPTS / Path(word).name) if word.endswith(".py") else word for word in shlex.split(command)[1:]]
    return subprocess.Popen([sys.executable, *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _said(process: subprocess.Popen[bytes]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    return out.decode()


def test_the_command_line(tmp_path: Path, corpus: Path) -> None:
    """A process that is killed, two that go on together, and the best trial's command."""
    searched = "'model.C=tag(log,interval(0.1,100))' model.min_df=1,2 sweep.trials=4"
    command = f"python scripts/sweep.py data=table data.path={shlex.quote(str(corpus))} {searched}"
    first = _start(tmp_path, command)
    waited = time.monotonic()
    while not list(tmp_path.glob("outputs/*/trial-001")) and first.poll() is None and time.monotonic() < waited + 200:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    (folder,) = (tmp_path / "outputs").iterdir()
    both = [_said(process) for process in [_start(tmp_path, command), _start(tmp_path, command)]]
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["trial"], row["state"]) for row in rows] == [(str(at), "complete") for at in range(4)]
    assert sorted(path.name for path in folder.glob("trial-*")) == [f"trial-{at:03}" for at in range(4)]
    assert all(words.splitlines()[-1] == f"run: {folder.relative_to(tmp_path)}" for words in both)
    (best,) = (row for row in rows if row["best"] == "True")
    (again,) = {line.strip() for words in both[-1:] for line in words.splitlines() if "train.py" in line}
    run = tmp_path / _said(_start(tmp_path, again)).splitlines()[-1].removeprefix("run: ")
    before = json.loads((folder / f"trial-{int(best['trial']):03}" / "metrics.json").read_text())
    now = json.loads((run / "metrics.json").read_text())
    assert now["macro_f1"] == before["macro_f1"]
    assert {key: value for key, value in now.items() if key != "seconds"} == {
        key: value for key, value in before.items() if key != "seconds"
    }


REFUSED = {
    "model.C=1,2 -m": "-m: a sweep has none",
    "model.C=1,2 eval_split=test": "eval_split",
    "model.C=1,2 resume=outputs/x": "resume: a sweep has none",
    "model.C=3": "nothing to search",
}


def test_the_command_line_refuses(tmp_path: Path) -> None:
    started = {words: _start(tmp_path, f"python scripts/sweep.py {words}") for words in REFUSED}
    for words, process in started.items():
        _, err = process.communicate(timeout=300)
        assert process.returncode == 2, err.decode()
        assert err.decode().startswith("error: ")
        assert err.decode().count("\n") == 1
        assert REFUSED[words] in err.decode()
    assert not list((tmp_path / "outputs").glob("*"))
