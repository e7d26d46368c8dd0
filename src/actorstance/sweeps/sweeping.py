"""A sweep: many trainings that look for the best settings, by any number of processes, each of which may be killed.

All that a sweep knows is in its folder: `sweep.json` (what is searched), `journal.log` (every trial, in Optuna's
journal: JSON, one line per step) and the run of each trial. A process holds a lock on the trial that it trains; when
it is killed the lock goes with it, and the next process resumes its trial from the last checkpoint.
"""

from __future__ import annotations

import itertools
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from actorstance.errors import InputError, require_int
from actorstance.files import read_json, write_csv, write_json
from actorstance.models import Watch
from actorstance.models.bundle import MANIFEST
from actorstance.runs import UNFINISHED, differences
from actorstance.sweeps import sweep_report
from actorstance.sweeps.space import Dimension, combinations, written

try:
    import optuna
    from filelock import FileLock, Timeout
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
    from optuna.trial import FrozenTrial, Trial, TrialState
except ImportError as error:
    raise InputError("a sweep needs Optuna: pip install 'actorstance[sweep]'.") from error

SETTINGS, JOURNAL, LOCKS = "sweep.json", "journal.log", ".locks"
FAILURES = 3  # trials that fail before any succeeds: then the fault is not in the values
PRUNE_AFTER = 4  # whole trials, before one is compared with their median

# Trains a run in a folder (resuming the one there, if `resume`), reports each epoch's validation macro-F1, and
# returns the macro-F1 of the finished run.
Objective = Callable[[dict[str, Any], Path, bool, Watch], float]
Told = Callable[[int, dict[str, Any], dict[str, Any]], None]


class Sweep:
    """The search in a folder.

    Args:
        folder: of the sweep; one that exists is resumed.
        space: setting -> its values.
        settings: all else that the result depends on, `command` among it, of train.py without the values that are
            searched: another process must have the same.
        trials: in all, over all processes, ≥ 1; of a space with fewer settings each is tried once.
        seed: of the proposals: they depend on it, on the trial's number and on the results so far.
        prune: whether a trial stops that is, after an epoch, below the median of the others after theirs.

    Raises:
        InputError: if there is nothing to search, or the folder holds another sweep.

    """

    def __init__(
        self,
        folder: Path,
        space: Mapping[str, Dimension],
        settings: dict[str, Any],
        *,
        trials: int = 20,
        seed: int = 0,
        prune: bool = True,
    ) -> None:
        if not space:
            raise InputError("nothing to search: give a setting several values, as in model.C=1,3,10.")
        require_int("sweep.trials", trials, 1)
        self.folder, self.space, self.seed = folder.resolve(), dict(space), seed
        size = combinations(space)
        self.trials, self.every = (trials, False) if size is None or size > trials else (size, True)
        self.distributions = {key: one.distribution() for key, one in space.items()}
        searched = {key: one.typed for key, one in space.items()}
        self.told = {"space": searched, "prune": prune, "seed": seed, **settings}
        (self.folder / LOCKS).mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with self._alone():
            self._require_same()
            journal = self.folder / JOURNAL
            _mend(journal)
            self.study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(journal))),
                study_name="sweep",
                direction="maximize",
                pruner=optuna.pruners.MedianPruner(PRUNE_AFTER) if prune else optuna.pruners.NopPruner(),
                load_if_exists=True,
            )

    def _require_same(self) -> None:
        file = self.folder / SETTINGS
        if not file.exists():
            write_json(file, self.told)
        elif different := differences(read_json(file), self.told):
            raise InputError(f"{self.folder}: another sweep: {different}. Name another folder: hydra.run.dir=FOLDER.")

    def _alone(self) -> FileLock:
        """A lock on the whole sweep, for as long as a trial is chosen or a table written."""
        return FileLock(self.folder / LOCKS / "sweep.lock")

    def run(self, objective: Objective, ended: Told | None = None) -> None:
        """Train trials until none is left; `ended` is called with each one's number, line of trials.csv and values.

        Raises:
            InputError: what a trial said, if the first `FAILURES` fail.

        """
        while taken := self._take():
            trial, lock = taken
            try:
                self._try(trial, objective)
            finally:
                lock.release()
            self.write()
            if ended:
                ended(trial.number, next(row for row in self.rows() if row["trial"] == trial.number), trial.params)
            errors = [one.user_attrs.get("error") for one in self.study.trials if one.state.is_finished()]
            if len(errors) >= FAILURES and all(errors):
                raise InputError(f"the first {len(errors)} trials failed. The last: {errors[-1]}")

    def _take(self) -> tuple[Trial, FileLock] | None:
        """Take the trial of a process that is gone, or else a new one; hold its lock."""
        with self._alone():
            for left in self.study.get_trials(states=[TrialState.RUNNING]):
                lock = FileLock(self.folder / LOCKS / f"{left.number}.lock")
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                if left.params.keys() == self.space.keys():
                    return Trial(self.study, left._trial_id), lock
                self.study.tell(left.number, state=TrialState.FAIL)  # its process ended before all values were drawn
                lock.release()
            if sum(map(_counts, self.study.trials)) >= self.trials:
                return None
            if self.every:
                self._enqueue_untried()
            number = len(self.study.trials)
            random = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
            self.study.sampler = optuna.samplers.TPESampler(seed=random)
            trial = self.study.ask(self.distributions)
            lock = FileLock(self.folder / LOCKS / f"{trial.number}.lock")
            lock.acquire()
            return trial, lock

    def _enqueue_untried(self) -> None:
        """Each setting of a small space once, in order: random proposals would try some twice."""
        drawn = [one for one in self.study.trials if _counts(one) or one.state == TrialState.WAITING]
        known = [one.params or one.system_attrs.get("fixed_params", {}) for one in drawn]
        lists = [one.values() or () for one in self.space.values()]
        every: Iterable[dict[str, Any]] = (dict(zip(self.space, row, strict=True)) for row in itertools.product(*lists))
        if not any(one.state == TrialState.WAITING for one in self.study.trials):
            self.study.enqueue_trial(next(row for row in every if row not in known))

    def _try(self, trial: Trial, objective: Objective) -> None:
        out, ended = self.run_folder(trial.number), trial.user_attrs.get("ended", 0)
        reported = set(self.study.trials[trial.number].intermediate_values)

        def watch(epoch: int, score: float) -> None:
            if epoch not in reported:  # before the process was killed that trained this trial first
                trial.report(score, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        begun = time.perf_counter()
        trial.set_user_attr("ended", ended + 1)  # how many processes will have ended with it, should this one too
        try:
            if ended >= FAILURES:
                raise InputError(f"{ended} processes ended while they trained it; out of memory?")
            if (out / "model" / MANIFEST).exists():  # complete, but its process was killed before it could say so
                score = float(read_json(out / "metrics.json")["macro_f1"])
            else:
                resume = (out / UNFINISHED).exists() and any((out / "checkpoints").rglob("checkpoint-*"))
                if not resume:
                    shutil.rmtree(out, ignore_errors=True)
                score = objective(trial.params, out, resume, watch)
        except optuna.TrialPruned:
            shutil.rmtree(out, ignore_errors=True)
            self.study.tell(trial, state=TrialState.PRUNED)
        except InputError as error:
            shutil.rmtree(out, ignore_errors=True)
            trial.set_user_attr("error", str(error))
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            trial.set_user_attr("seconds", round(time.perf_counter() - begun, 3))
            self.study.tell(trial, score)

    def run_folder(self, number: int) -> Path:
        """The folder of a trial's run; there is none for one that was stopped early or failed."""
        return self.folder / f"trial-{number:03}"

    def best(self) -> FrozenTrial | None:
        """The trial of the highest macro-F1, the first of several; None if none is complete."""
        complete = self.study.get_trials(states=[TrialState.COMPLETE])
        return max(complete, key=lambda one: (one.value or 0.0, -one.number)) if complete else None

    def running(self) -> int:
        """How many trials are under way in other processes."""
        return len(self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]))

    def rows(self) -> list[dict[str, Any]]:
        """The lines of trials.csv."""
        best = self.best()
        return [
            {
                "trial": one.number,
                "state": one.state.name.lower(),
                "macro_f1": one.value if one.state == TrialState.COMPLETE else None,
                "best": best is not None and one.number == best.number,
                "epochs": len(one.intermediate_values) or None,
                "last": one.intermediate_values[max(one.intermediate_values)] if one.intermediate_values else None,
                "seconds": one.user_attrs.get("seconds"),
                "error": one.user_attrs.get("error"),
                **{key: _exact(one.params.get(key)) for key in self.space},
            }
            for one in self.study.trials
            if _counts(one)
        ]

    def write(self) -> None:
        """Write trials.csv and report.html anew."""
        with self._alone():
            rows = self.rows()
            columns = ("trial", "state", "macro_f1", "best", "epochs", "last", "seconds", "error", *self.space)
            write_csv(self.folder / "trials.csv", columns, rows)
            sweep_report.write(self.folder, rows, list(self.space), self.told, self.best_command())

    def command(self, chosen: Mapping[str, Any]) -> str:
        """The command that trains a run with chosen values, or trains it again."""
        return " ".join([self.told["command"], *map(shlex.quote, written(chosen))])

    def best_command(self) -> str | None:
        """The command that trains the best trial's run again; None if no trial is complete."""
        best = self.best()
        return None if best is None else self.command(best.params)


def _exact(value: Any) -> Any:
    """A value that is typed again must have all its digits, of which a CSV file keeps six."""
    return repr(value) if isinstance(value, float) else value


def _counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of those asked for: not if its process ended before it had begun."""
    return trial.state != TrialState.WAITING and (trial.state != TrialState.FAIL or "error" in trial.user_attrs)


def _mend(journal: Path) -> None:
    """Cut off half a line that a full disk or a crash left at the journal's end: nothing could be read after it."""
    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()
    try:
        if journal.exists():
            with journal.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
    finally:
        lock.release()
