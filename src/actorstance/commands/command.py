"""What the scripts share: overrides as users type them, errors as one line, and the exit code."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import NoReturn

import datasets
import hydra
import yaml
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from actorstance import runs
from actorstance.commands.terminal import relative
from actorstance.errors import AuditFailed, InputError, of_the_system
from actorstance.files import first_process
from actorstance.runs import UNFINISHED
from actorstance.sweeps import space
from actorstance.sweeps.space import Dimension

# A setting of an interrupted run: a name without dots may choose a config file, so its value holds no path, except
# for run, input, priors and columns, which choose none.
_SETTING = re.compile(
    r"(?!.*(?:_target_|\$\{))\+{0,2}(?!hydra)"
    r"(?:(?:run|input|priors|columns)=.*|[A-Za-z]\w*(?:=[\w.,-]*|(?:\.\w+)+=.*))",
    re.DOTALL,
)

# Of these none is taken from a folder that may come from a stranger: they lead to other machines, to code that a spaCy
# pipeline may hold, or write elsewhere.
_REACHING = re.compile(r"\+{0,2}(?:engine|actors\.ner|model\.tensorboard)(?![\w-])")

Main = Callable[[DictConfig, "Invocation"], None]


@dataclass
class Invocation:
    """One call of a script: what was typed, what it searches, which folders it made, and why audits failed.

    Attributes:
        words: the command line as a user can type it again.
        arguments: the part of it passed to Hydra.
        space: of a sweep, the settings with several values.
        fixed: all others, each as Hydra reads it and as it was typed.
        made: folders that this process made for its runs.
        failed: the messages of this call's failed audits.

    """

    words: list[str]
    arguments: list[str]
    space: dict[str, Dimension] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    made: set[Path] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    @property
    def typed(self) -> str:
        """The command line of this process as a user can type it again."""
        return " ".join(self.words)

    @property
    def out(self) -> Path:
        """The run's folder, which Hydra has made."""
        return Path(HydraConfig.get().runtime.output_dir).resolve()

    def searched(self) -> tuple[dict[str, Dimension], list[str], str]:
        """Return a sweep's settings with several values, all others but its own, and these as a command of train.py."""
        own = re.compile(r"\+{0,2}(?:sweep\.|hydra\.)")
        fixed = {one: words for one, words in self.fixed.items() if not own.match(one)}
        return self.space, list(fixed), " ".join(["python scripts/train.py", *fixed.values(), "eval_split=valid"])

    def sweep_id(self) -> str:
        """Eight characters, the same for the same search, whatever the order typed and the number of trials."""
        told = [f"{key}={one.typed}" for key, one in self.space.items()]
        told += [one for one in self.fixed if "sweep.trials=" not in one]
        return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()[:8]

    def new_folder(self, wanted: str) -> str:
        """Make a folder of that name, or of that name and a number, so that no two runs share one."""
        folder = runs.new_folder(Path(wanted))
        self.made.add(folder.resolve())
        return str(folder)

    def config_folder(self) -> str:
        """Where in a run's folder Hydra writes the config: asked just before, so that it is that of no earlier run."""
        runs.require_free(self.out)
        return ".hydra"

    def put_space_aside(self) -> None:
        """Pass Hydra only the first value of each setting that has several."""
        if unfit := [one for one in self.arguments if one in ("-m", "--multirun") or one.startswith("resume=")]:
            raise InputError(
                f"{_key(unfit[0])}: a sweep has none. It starts its runs, and goes on when its command is typed again."
            )
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise InputError("a sweep is no part of torchrun: type its command once more for each further process.")
        self.space, others = space.parted(self.arguments)
        typed = zip(self.arguments, self.words[1:], strict=True)
        self.fixed = {one: words for one, words in typed if one in others}
        self.arguments = [*others, *space.written({key: one.first for key, one in self.space.items()})]

    def put_resumed_before(self) -> None:
        """With `resume=RUN`: the run's own settings, then those typed now; Hydra must not write over its config.

        Whether those typed now agree is for `pipeline.train` to check, which knows all of them.
        """
        folder = next((one[len("resume=") :] for one in self.arguments if one.startswith("resume=")), None)
        if folder in (None, "null"):
            return
        if folder.startswith("'"):
            folder = folder[1:-1].replace("\\'", "'").replace("\\\\", "\\")
        saved = _saved_settings(Path(folder))
        if reaching := [one for one in saved if _REACHING.match(one)]:
            saved = [one for one in saved if one not in reaching]
            told = f"of {folder} these settings are not taken over, since they reach out: {' '.join(reaching)}"
            logging.getLogger("actorstance").warning("%s. Type them again if they are yours.", told)
        self.words[1:] = map(shlex.quote, saved)
        now = {_key(one) for one in self.arguments}
        before = [one for one in saved if _key(one) not in now]
        away = [_override(f"hydra.run.dir={folder}"), "hydra.output_subdir=null"]
        self.arguments = [*before, *self.arguments, *away]

    def discard(self) -> None:
        """Remove the folder of a run that came to nothing, if this process made it: never an older one."""
        folder = self.out
        if runs.worth_keeping(folder):
            return
        if HydraConfig.get().job.name == "sweep":
            with suppress(OSError):  # another process may use it too; without a trial it is empty
                folder.rmdir()
        if any(made == folder or made in folder.parents for made in self.made):
            shutil.rmtree(folder, ignore_errors=True)

    def say_resume(self) -> None:
        """After a failure not due to the settings: with the same ones the run can resume."""
        if (self.out / UNFINISHED).exists():
            print(f"the run can go on: {self.words[0]} resume={relative(self.out)}", file=sys.stderr)


def run(main: Main, config: str, sweeps: bool = False) -> None:
    """Run a script: exit code 0 if all was written, 2 for bad input or usage, 1 for anything else.

    Args:
        main: called with the config and this call, several times with `-m`.
        config: the name of its file in conf/, which is beside the script's folder.
        sweeps: whether settings with several values are set aside, see `Invocation.searched`; Hydra gets the first
            of each.

    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors in the command line come here, not to Hydra's own printer
    datasets.disable_progress_bars()  # they say nothing about a run, and clutter its messages
    together = int(os.environ.get("WORLD_SIZE", "1"))
    runner = f"torchrun --nproc-per-node {together}" if together > 1 else "python"
    words = [f"{runner} scripts/{Path(sys.argv[0]).name}", *map(shlex.quote, sys.argv[1:])]
    call = Invocation(words, [_override(argument) for argument in sys.argv[1:]])
    OmegaConf.register_new_resolver("new_folder", call.new_folder, use_cache=True)
    OmegaConf.register_new_resolver("config_folder", call.config_folder)
    OmegaConf.register_new_resolver("sweep_id", call.sweep_id)
    notes = logging.getLogger("actorstance")
    notes.addHandler(logging.StreamHandler())
    notes.setLevel(logging.INFO if first_process() else logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="actorstance-") as folder:
        if not first_process():  # it writes nothing; the folder that Hydra needs goes with the process
            away = [f"hydra.{key}='{folder}'" for key in ("run.dir", "sweep.dir")]
            call.arguments += [*away, "hydra.output_subdir=null"]
        try:
            if sweeps:
                call.put_space_aside()
            else:
                call.put_resumed_before()
            sys.argv[1:] = call.arguments
            hydra.main(version_base="1.3", config_path="../conf", config_name=config)(_guarded(main, call))()
        except (InputError, HydraException, OmegaConfBaseException) as error:
            _stop(error)
        except OSError as error:
            if (told := of_the_system(error)) is None:
                raise
            _stop(told)
    if call.failed:
        sys.exit("\n".join(call.failed))


def _guarded(main: Main, call: Invocation) -> Callable[[DictConfig], None]:
    """What Hydra calls: bad input ends with one line and exit code 2, and leaves no folder behind."""

    @wraps(main)  # Hydra looks for conf/ relative to the file of the wrapped function
    def guarded(config: DictConfig) -> None:
        try:
            main(config, call)
        except AuditFailed as failed:  # the other runs of -m continue
            call.failed.append(str(failed))
            if not (call.out / "audit.json").exists():  # if written, it says why
                call.discard()
        except (InputError, HydraException, OmegaConfBaseException) as error:
            call.discard()
            _stop(error)
        except KeyboardInterrupt:
            call.discard()
            call.say_resume()
            sys.exit("interrupted")
        except BaseException:
            call.discard()
            call.say_resume()
            raise

    return guarded


def composed(name: str, overrides: list[str]) -> DictConfig:
    """Return the config of another script with settings of its own."""
    return compose(name, overrides)


@contextmanager
def as_input_errors() -> Iterator[None]:
    """Turn what Hydra says of a wrong setting into an InputError, for callers that continue after one."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_one_line(error)) from error


def _saved_settings(run: Path) -> list[str]:
    """The settings of an interrupted run, as they were typed."""
    file = run / ".hydra" / "overrides.yaml"
    try:
        saved = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"resume={run}: no run to go on with: {file} cannot be read.") from error
    # The folder may come from a stranger: nothing in it may be a Hydra flag, name a class or look anything up.
    if not isinstance(saved, list) or not all(isinstance(one, str) and _SETTING.fullmatch(one) for one in saved):
        raise InputError(f"{file}: expected a list of settings as they were typed.")
    return saved


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _override(argument: str) -> str:
    """`actors=FILE` names a file, though conf/actors is a folder; a path is text, whatever is in it."""
    key, equals, value = argument.partition("=")
    if equals and key == "actors":
        key = "actors.file"
    path = key in {
        "actors.file",
        "data.path",
        "model.start",
        "model.teacher",
        "model.answers",
        "run",
        "input",
        "resume",
        "sheet",
        "wanted",
        "hydra.run.dir",
    }
    if equals and value and value[0] not in "'\"":
        if path and (value != "null" or key in {"run", "input"}):  # these two cannot be left out
            value = _quoted(value)
        elif not value.isascii():  # Hydra's grammar knows only ASCII letters; list punctuation stays as it is
            value = re.sub(r"[^\[\]{},]+", lambda part: part[0] if part[0].isascii() else _quoted(part[0]), value)
    return f"{key}{equals}{value}"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _stop(error: Exception) -> NoReturn:
    print(f"error: {_one_line(error)}", file=sys.stderr)
    sys.exit(2)


def _one_line(error: BaseException) -> str:
    """The message in one line, with the override that Hydra names, and without its advice of several lines."""
    inner: BaseException | None = error  # of a resolver, which OmegaConf wraps
    while inner is not None and not isinstance(inner, InputError):
        inner = inner.__cause__ or inner.__context__
    error = inner or error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type="))]
    if "LexerNoViableAlt" in str(error) or "Override" in type(error).__name__:
        useful.append(
            "Settings are written key=value, without dashes; a value with odd signs in quotes: 'key=\"va,lue\"'."
        )
    message = re.sub(r"\s+", " ", " ".join(useful)).split(" Config search path:")[0].split(" See https://hydra.cc")[0]
    return re.sub(r"To append to your config use \+\S+", "There is no such setting: see conf/.", message)[:500]
