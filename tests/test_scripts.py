"""The command lines as a user runs them: what a run leaves, what a mistake says, and what it does not leave."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from safetensors.numpy import load_file, save_file

from actorstance import corpora, pipeline
from actorstance.commands import command
from actorstance.errors import InputError
from actorstance.models.linear import LinearModel

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
CORRECTED = " labelled model_score power low_here high_here"
COLUMNS = {
    "actors.csv": "actor role n documents gold score low high correction accuracy macro_f1" + CORRECTED,
    "pairs.csv": "source target n documents gold score low high correction" + CORRECTED,
    "predictions.jsonl": "example_id document_id group_id text source target gold against neutral favor set date",
    "sentences.jsonl": "document_id raw_start raw_end text",
    "lines.jsonl": "document_id raw_start raw_end kind kept reason",
    "mentions.jsonl": "document_id raw_start raw_end text actor rule known confidence name candidates",
    "statements.jsonl": "document_id raw_start raw_end kind speaker source_start source_end rule",
    "documents.jsonl": "id date text mended english",
    "events.csv": "date source source_iso target target_iso root cameo quad cue label probability document_id "
    "raw_start raw_end sentence",
}
EVIDENCE = " by_registry by_rule unresolved"
COLUMNS_OF_PREDICT = COLUMNS | {
    "actors.csv": COLUMNS["actors.csv"] + EVIDENCE,
    "pairs.csv": COLUMNS["pairs.csv"] + EVIDENCE,
    "predictions.jsonl": COLUMNS["predictions.jsonl"]
    + " raw_start raw_end source_start source_end target_start target_end why",
}
BOTH = {".hydra", "audit.json", "behaviour.json", "predictions.jsonl", "actors.csv", "pairs.csv", "report.html"}
BOTH |= {"log.jsonl", "network.graphml", "provenance.json"}
SCORED = BOTH | {"metrics.json", "errors.jsonl"}
PREDICTED = BOTH | {
    "documents.jsonl",
    "lines.jsonl",
    "sentences.jsonl",
    "mentions.jsonl",
    "statements.jsonl",
    "events.csv",
}
METRICS = {
    "": "n documents labels accuracy micro_f1 macro_f1 macro_f1_low macro_f1_high per_label majority names_only clean "
    "ece ece_if_calibrated ece_if_calibrated_high classwise_ece calibration reliability conformal seconds",
    "labels": "against neutral favor",
    "per_label": "against neutral favor",
    "majority": "accuracy macro_f1",
    "names_only": "macro_f1",
    "clean": "n accuracy macro_f1",
    "calibration": "against neutral favor",
    "conformal": "level per_label covered sizes accuracy_of_one",
    "seconds": "fit predict",
}
LABELS = ("against", "neutral", "favor")
SCRIPT = "<script>alert(1)</script>"
ARTICLE = (
    "Share this article\r\n\r\nTalks collapse in Varna after a night of shouting\r\n\r\nBy Ana Lima\r\n\r\n"
    f"Turkey on Monday accused Russia of breaking \U0001f600 the truce {SCRIPT}. Zembla, its ally, thanked Turkey"
    " for the help that it had sent in the spring. Nobody else said anything about the matter.\r\n\r\n"
    "France condemned the attack of Russia on Tuesday, and Germany praised France for what it had said.\r\n"
)


class Done(NamedTuple):
    """An ended script; `folder` is its run's, if it named one."""

    code: int
    out: str
    err: str
    folder: Path


def launch(cwd: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPTS / f"{words[0]}.py"), *words[1:]]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes], cwd: Path) -> Done:
    out, err = (stream.decode() for stream in process.communicate(timeout=300))
    return Done(process.returncode, out, err, cwd / out.rstrip("\n").rsplit("\n", 1)[-1].removeprefix("run: "))


def call(cwd: Path, *words: str) -> Done:
    return finish(launch(cwd, *words), cwd)


def succeeded(done: Done) -> Path:
    assert done.code == 0, done.err
    assert re.fullmatch(r"run: outputs/[^\n]+", done.out.splitlines()[-1])
    return done.folder


def refused(done: Done, cwd: Path, *says: str, left: int = 0) -> None:
    """Exit 2, one line that holds each of `says` ("this|or that"), and `left` folders in outputs."""
    assert done.code == 2, done.err
    assert "Traceback" not in done.out + done.err
    assert len(list((cwd / "outputs").glob("*"))) == left
    for words in says:
        assert any(word in done.err for word in words.split("|")), f"{words!r} not in {done.err}"
    assert done.err.startswith("error: "), done.err
    assert done.err.count("\n") == 1, done.err


def read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def header(path: Path) -> str:
    """The names of the columns, which every row has."""
    if path.suffix == ".jsonl":
        (found,) = {" ".join(row) for row in read_jsonl(path)}
        return found
    with path.open(encoding="utf-8", newline="") as file:
        return " ".join(next(csv.reader(file)))


def metrics(folder: Path) -> dict[str, Any]:
    return {key: value for key, value in read_json(folder / "metrics.json").items() if key != "seconds"}


def rows(noisy: bool = True) -> list[dict[str, Any]]:
    """60 rows, 15 documents and groups, three labels, of which one a document is wrong if noisy."""
    verbs = {"against": ("blamed", "accused"), "neutral": ("met", "phoned"), "favor": ("thanked", "praised")}
    actors = ("Arvland", "Bomark", "Corvia", "Drenn", "Estuary")
    found = []
    for at in range(60):
        label, source, target = LABELS[at % 3], actors[at % 5], actors[(at + 1 + at // 15) % 5]
        text = f"{source} {verbs[label][at // 3 % 2]} {target} over the port of Quay{at} on Monday."
        row = {"example_id": f"e{at}", "document_id": f"d{at // 4}", "group_id": f"g{at // 4}", "text": text}
        label = LABELS[(at + 1) % 3] if noisy and at % 4 == at // 4 % 4 else label
        found.append({**row, "source": source, "target": target, "label": label})
    return found


def jsonl(table: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table).encode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which scripts are called, with the corpus twice."""
    folder = tmp_path_factory.mktemp("place")
    for path in (folder / "corpus.jsonl", folder / "gone" / "corpus.jsonl"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jsonl(rows()))
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> tuple[Done, Done]:
    """Two training runs at once, with one seed; the corpus of the second is gone afterwards."""
    paths = (place / "corpus.jsonl", place / "gone" / "corpus.jsonl")
    processes = [launch(place, "train", "data=table", f"data.path={path}", "model.min_df=1") for path in paths]
    first, second = (finish(process, place) for process in processes)
    shutil.rmtree(place / "gone")
    return first, second


@pytest.fixture(scope="module")
def run(trained: tuple[Done, Done]) -> Path:
    return succeeded(trained[0])


def test_a_run_leaves_its_files_and_says_where(run: Path) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_table_linear_seed0(-\d+)?", run.name)
    assert names(run) == SCORED | {"model"}
    files = {"model.json", "actors.json", "weights.safetensors", "manifest.json", "MODEL_CARD.md"}
    assert names(run / "model") == files
    assert names(run / ".hydra") == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert read_json(run / "audit.json")["rows"]["read"] == 60
    assert [line["label"] for line in read_jsonl(run / "log.jsonl")] == ["against", "neutral", "favor"]


def test_tables_and_metrics_have_their_keys(run: Path) -> None:
    found = read_json(run / "metrics.json")
    assert all(" ".join(found[key] if key else found) == keys for key, keys in METRICS.items())
    assert all(" ".join(row) == "precision recall f1 n" for row in found["per_label"].values())
    assert found["n"] == sum(found["labels"].values()) == len(read_jsonl(run / "predictions.jsonl")) > 0
    assert all(header(run / name) == columns for name, columns in COLUMNS.items() if name in SCORED)
    given = {row["example_id"]: row for row in rows()}
    for row in read_jsonl(run / "predictions.jsonl"):
        assert math.isclose(row["against"] + row["neutral"] + row["favor"], 1)
        want = given[row["example_id"]]
        assert (row["text"], row["source"], row["target"]) == (want["text"], want["source"], want["target"])
        assert (row["gold"], row["group_id"]) == (want["label"], want["group_id"])


def test_the_same_seed_gives_the_same_run_in_a_folder_of_its_own(trained: tuple[Done, Done]) -> None:
    first, second = (succeeded(done) for done in trained)
    assert first != second
    assert metrics(first) == metrics(second)
    for name in ("predictions.jsonl", "actors.csv", "pairs.csv", "model/weights.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_two_runs_that_want_one_name_get_two_folders(place: Path, run: Path) -> None:
    (place / "one.txt").write_bytes(ARTICLE.encode())
    overrides = (f"run={run}", "input=one.txt", "hydra.run.dir=${new_folder:outputs/same}")
    processes = [launch(place, "predict", *overrides) for _ in range(2)]
    folders = {succeeded(finish(process, place)) for process in processes}
    assert {folder.name for folder in folders} == {"same", "same-2"}
    assert all(names(folder) == PREDICTED for folder in folders)


def test_multirun_leaves_two_complete_runs(tmp_path: Path, place: Path) -> None:
    done = call(tmp_path, "train", "-m", "data=table", f"data.path={place / 'corpus.jsonl'}", "seed=1,2")
    succeeded(done)
    folders = [tmp_path / line[5:] for line in done.out.splitlines() if line.startswith("run: ")]
    (parent,) = (tmp_path / "outputs").iterdir()
    assert [folder.parent for folder in folders] == [parent, parent]
    assert [read_json(folder / "model" / "model.json")["card"]["seed"] for folder in folders] == [1, 2]
    assert all(names(folder) == SCORED | {"model"} for folder in folders)


def test_evaluate_gives_the_metrics_of_training(place: Path, run: Path) -> None:
    folder = succeeded(call(place, "evaluate", f"run={run.relative_to(place)}"))
    assert names(folder) == SCORED
    assert metrics(folder) == metrics(run)
    for name in ("predictions.jsonl", "actors.csv", "pairs.csv"):
        assert (folder / name).read_bytes() == (run / name).read_bytes(), name


def test_evaluate_where_model_and_corpus_have_moved(tmp_path: Path, trained: tuple[Done, Done]) -> None:
    lost = succeeded(trained[1])
    model = shutil.copytree(lost / "model", tmp_path / "a model, moved (a=b)")
    corpus = tmp_path / "new place [1]" / "corpus, it's moved.jsonl"
    corpus.parent.mkdir()
    corpus.write_bytes(jsonl(rows()))
    refused(call(tmp_path, "evaluate", f"run={model}"), tmp_path, "gone/corpus.jsonl")
    folder = succeeded(call(tmp_path, "evaluate", f"run={model}", f"data.path={corpus}"))
    assert metrics(folder) == metrics(lost)


def test_evaluate_on_another_corpus(place: Path, run: Path) -> None:
    folder = succeeded(call(place, "evaluate", f"run={run}", "data=newsroom"))
    found = read_json(folder / "metrics.json")
    assert folder.name.endswith("_evaluate_newsroom")
    assert names(folder) == SCORED
    assert set(found) == set(read_json(run / "metrics.json"))
    assert found["n"] == found["clean"]["n"] == len(read_jsonl(folder / "predictions.jsonl"))


def written(folder: Path, kind: str) -> tuple[Path, dict[str, str]]:
    """Write articles, and return the path to read and the raw text of each document."""
    other = ARTICLE.replace("\r\n", "\n").replace("Monday", "Sunday")
    if kind == "jsonl":
        raw = {f"</title>{SCRIPT}": ARTICLE, "second": other}
        table = [{"id": id, "date": "2020-02-12", "text": text} for id, text in raw.items()]
        (folder / "articles.jsonl").write_bytes(jsonl(table))
        return folder / "articles.jsonl", raw
    raw = {"a, b.txt": ARTICLE, "sub/b.md": other} if kind == "folder" else {"a, b.txt": ARTICLE}
    for name, text in raw.items():
        path = folder / "some articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder / "some articles" / ("" if kind == "folder" else "a, b.txt"), raw


@pytest.mark.parametrize("kind", ["text", "folder", "jsonl"])
def test_predict(tmp_path: Path, run: Path, kind: str) -> None:
    path, raw = written(tmp_path, kind)
    registry = tmp_path / "my actors, a=b.yaml"
    registry.write_text("zembla: [Zembla]\n", encoding="utf-8")
    folder = succeeded(call(tmp_path, "predict", f"run={run}", f"input={path}", f"actors={registry}"))
    assert names(folder) == PREDICTED
    assert all(header(folder / name) == columns for name, columns in COLUMNS_OF_PREDICT.items())
    tables = {name: read_jsonl(folder / f"{name}.jsonl") for name in ("sentences", "lines", "mentions", "predictions")}
    assert all({row["document_id"] for row in table} == set(raw) for table in tables.values())
    for row in tables["sentences"] + tables["mentions"]:
        assert re.sub(r"\s", " ", raw[row["document_id"]][row["raw_start"] : row["raw_end"]]) == row["text"]
    for row in tables["lines"]:
        text = raw[row["document_id"]][row["raw_start"] : row["raw_end"]]
        assert text
        assert text == text.strip()
    assert [row["kept"] for row in tables["lines"]][:3] == [False, True, True]
    assert {row["text"] for row in tables["mentions"]} == {
        "Turkey",
        "Russia",
        "Zembla",
        "France",
        "Germany",
        "it",
        "its",
    }
    assert {row["actor"] for row in tables["mentions"] if row["text"] == "Zembla"} == {"zembla"}
    sentences = {row["text"] for row in tables["sentences"]}
    for row in tables["predictions"]:
        assert row["gold"] is None
        assert row["text"] in sentences
        assert math.isclose(row["against"] + row["neutral"] + row["favor"], 1)
    harmless(folder / "report.html")
    assert f"truce {SCRIPT}".replace("<", "&lt;").replace(">", "&gt;") in (folder / "report.html").read_text("utf-8")


class Tags(HTMLParser):
    """The tags of a page and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"@{name}" for name, _ in attrs)}


def harmless(report: Path) -> None:
    """Only the page's own script is there, and a policy that lets no other run."""
    page = report.read_text(encoding="utf-8")
    found = Tags(page).found
    assert {"h1", "table", "@class"} <= found
    assert not found & {"img", "iframe", "link", "object", "embed", "base", "form", "@src", "@style"}
    assert not any(name.startswith("@on") for name in found)
    assert not re.search(r"""href=(?!"#\w+")""", page)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script( type=\"application/json\" id=\"data\")?>(.*?)</script>", page, re.DOTALL)
    assert page.lower().count("<script") == len(scripts)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for kind, texts in (("script", [text for data, text in scripts if not data]), ("style", styles)):
        (own,) = texts
        assert f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"""(src|href)\s*=\s*['"]?https?:|url\(|@import""", page.split("<body")[0])


def test_a_report_loads_nothing_and_escapes_hostile_text(tmp_path: Path, run: Path) -> None:
    harmless(run / "report.html")
    source, target = f"A{SCRIPT}", f"B\"'><img src=https://example.org onerror=alert(1)>{SCRIPT}"
    both = {"source": source, "target": target}
    table = [{"text": f"{source} met {target} in Quay{n}.", "label": LABELS[n * n % 7 % 3], **both} for n in range(60)]
    (tmp_path / "hostile.jsonl").write_bytes(jsonl(table))
    folder = succeeded(call(tmp_path, "train", "data=table", "data.path=hostile.jsonl"))
    harmless(folder / "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("A&lt;script&gt;alert(1)") > 2  # as source, as actor, and in the text of an error
    assert {row["source"] for row in read_jsonl(folder / "predictions.jsonl")} == {source}


def test_a_run_without_an_error(tmp_path: Path) -> None:
    (tmp_path / "easy.jsonl").write_bytes(jsonl(rows(noisy=False)))
    corpus = corpora.load("table", tmp_path / "easy.jsonl")
    assert pipeline.train(corpus, LinearModel(min_df=1), tmp_path / "run")["accuracy"] == 1


USAGE = {
    "train modle.C=3": "modle",
    "train +model.foo=1": "foo",
    "train model=linear model.teacher=RUN": "model.teacher",
    "train model.C=abc": "model.C='abc'",
    "train model.min_df=0": "model.min_df=0",
    "train seed=-1": "seed=-1",
    "train strict=no": "strict=no: expected true or false",
    "predict run=RUN input=no_body.txt archive=maybe": "archive=maybe: expected true or false",
    "predict run=RUN input=no_body.txt actors.explain=off": "actors.explain=off: expected true or false",
    "predict run=RUN input=body.txt engine=ray engine.address=127.0.0.1:1": "engine: only of a run over an archive",
    "predict run=RUN input=body.txt strict=true shard=5": "strict, shard: only of a run over an archive",
    "predict run=RUN input=body.txt engine.processes=1": "Add archive=true",
    "sweep sweep.prune=no model.C=1,10": "sweep.prune=no: expected true or false",
    "audit data=table data.path=no_file.csv data.labels.favor=[dafür,pro]": "no_file.csv",
    "train data=nowhere": "data/nowhere",
    "train data=dse data.path=no_folder": "no_folder",
    "train data=table": "data.path",
    "evaluate": "run",
    "export run=RUN data=newsroom": "data=newsroom: an export is measured on the corpus of its run",
    "compare runs=outputs/A": "runs=outputs/A: expected two folders",
    "compare runs=[RUN,RUN] run=RUN": "compare what?",
    "compare runs=[RUN,RUN] newspapers=perhaps": "newspapers=perhaps: expected true or false",
    "compare runs=[RUN,null]": "expected two folders",
    "compare runs=[2020,2021] seed=a": "2020: no run here",
    "compare runs=[RUN,RUN] seed=a": "seed='a'",
    "check run=RUN sheet=sheet.csv n=3": "Leave n out",
    "train data=table data.path=null": "data.path",
    "export run=RUN": "kind linear cannot be exported",
    "evaluate run=no_run": "no_run",
    "evaluate run=2020": "2020",
    "predict run=RUN": "input",
    "predict run=null input=body.txt": "null: ",
    "predict run=RUN input=null": "null: ",
    "predict run=RUN input=no_body.txt": "no_body.txt",
}


@pytest.mark.parametrize("line", list(USAGE))
def test_bad_usage(tmp_path: Path, run: Path, line: str) -> None:
    (tmp_path / "no_body.txt").write_text("Share this article\n\nTalks collapse\n", encoding="utf-8")
    (tmp_path / "body.txt").write_text("Turkey accused Russia of breaking the truce.\n", encoding="utf-8")
    (tmp_path / "2020").mkdir()
    refused(call(tmp_path, *(re.sub(r"\bRUN\b", str(run), word) for word in line.split())), tmp_path, USAGE[line])


def bad_tables() -> dict[str, tuple[bytes, str]]:
    """Name -> the file's content, and what the message holds."""
    good = rows()
    lines = jsonl(good).splitlines(keepends=True)
    french = json.dumps({**good[2], "text": "Arvland a loué Corvia."}, ensure_ascii=False)
    groups = [{**row, "group_id": f"g{at % 3}"} for at, row in enumerate(good)]
    parts = [{**row, "split": ("train", "valid")[at % 2]} for at, row in enumerate(good)]
    return {
        "empty": (b"", "empty.jsonl"),
        "binary": (bytes(range(256)), "binary.jsonl:1"),
        "latin1": (b"".join(lines[:2]) + french.encode("latin-1"), "latin1.jsonl:3"),
        "one-label": (jsonl([{**row, "label": "favor"} for row in good]), "one-label.jsonl|data=|data."),
        "few-groups": (jsonl(groups), "few-groups.jsonl|data=|group_id"),
        "bad-label": (jsonl([*good[:4], {**good[4], "label": "hates"}]), "bad-label.jsonl:5"),
        "offsets": (jsonl([*good[:4], {**good[4], "source_start": 3, "source_end": 9999}]), "offsets.jsonl:5"),
        "broken": (b"".join([*lines[:6], lines[6][:40] + b"\n", *lines[7:]]), "broken.jsonl:7"),
        "no-test": (jsonl(parts), "eval_split=test"),
    }


@pytest.mark.parametrize("name", list(bad_tables()))
def test_bad_tables(tmp_path: Path, name: str) -> None:
    content, says = bad_tables()[name]
    (tmp_path / f"{name}.jsonl").write_bytes(content)
    more = ["eval_split=test"] if name == "no-test" else []
    refused(call(tmp_path, "train", "data=table", f"data.path={name}.jsonl", *more), tmp_path, says)


@pytest.mark.parametrize("broken", ["text", "source_start"])
def test_values_that_json_has_and_a_table_has_not(tmp_path: Path, broken: str) -> None:
    row = json.dumps({**rows()[0], broken: {"text": "A met \ud800 B.", "source_start": math.inf}[broken]})
    (tmp_path / "odd.jsonl").write_text(row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"odd\.jsonl:1"):
        corpora.load("table", tmp_path / "odd.jsonl")


def rehash(folder: Path, name: str) -> None:
    """Make the manifest fit a changed file."""
    manifest, content = read_json(folder / "manifest.json"), (folder / name).read_bytes()
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def change_weights(folder: Path, change: Callable[[bytes], bytes]) -> None:
    (folder / "weights.safetensors").write_bytes(change((folder / "weights.safetensors").read_bytes()))


def change_meta(folder: Path, **changed: Any) -> None:
    (folder / "model.json").write_text(json.dumps(read_json(folder / "model.json") | changed), encoding="utf-8")
    rehash(folder, "model.json")


def reshape(folder: Path) -> None:
    arrays = load_file(folder / "weights.safetensors")
    save_file(arrays | {"coef": arrays["coef"][:, 1:].copy()}, folder / "weights.safetensors")
    rehash(folder, "weights.safetensors")


def truncate(folder: Path) -> None:
    change_weights(folder, lambda data: data[:-20])
    rehash(folder, "weights.safetensors")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "incomplete": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json"),
    "tampered": (lambda folder: change_weights(folder, lambda data: data[:-1] + bytes([data[-1] ^ 1])), "weights"),
    "truncated": (truncate, "copy/model"),
    "extra": (lambda folder: (folder / "extra.py").write_text("1"), "extra.py"),
    "kind": (lambda folder: change_meta(folder, kind="os.system"), "os.system"),
    "labels": (lambda folder: change_meta(folder, labels=["favor", "neutral", "against"]), "labels"),
    "shape": (reshape, "weights"),
}


@pytest.mark.parametrize("name", list(DAMAGE))
def test_damaged_models(tmp_path: Path, run: Path, name: str) -> None:
    damage, says = DAMAGE[name]
    shutil.copytree(run, tmp_path / "copy")
    damage(tmp_path / "copy" / "model")
    refused(call(tmp_path, "evaluate", "run=copy"), tmp_path, "copy/model", says)


@pytest.mark.parametrize("typed", ["data.constants.target=Fenland", "+data.constants.target=Fenland"])
def test_a_constant_fills_the_column_that_a_table_lacks(tmp_path: Path, typed: str) -> None:
    table = [{key: value for key, value in row.items() if key != "target"} for row in rows()]
    (tmp_path / "no_target.jsonl").write_bytes(jsonl(table))
    folder = succeeded(call(tmp_path, "train", "data=table", "data.path=no_target.jsonl", typed))
    assert {row["target"] for row in read_jsonl(folder / "predictions.jsonl")} == {"Fenland"}
    assert read_json(folder / "model" / "model.json")["card"]["corpus"]["constants"] == {"target": "Fenland"}


def test_a_killed_run_is_refused(tmp_path: Path) -> None:
    process = launch(tmp_path, "train")
    while not (found := list(tmp_path.glob("outputs/*/.hydra"))):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    assert finish(process, tmp_path).code == -9
    killed = found[0].parent
    assert "model" not in names(killed)
    refused(call(tmp_path, "evaluate", f"run={killed}"), tmp_path, killed.name, left=1)


def test_a_folder_that_was_there_before_is_left_as_it_is(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work.txt").write_text("mine", encoding="utf-8")
    (precious / ".hydra").mkdir()
    (precious / ".hydra" / "overrides.yaml").write_text("mine too", encoding="utf-8")
    refused(call(tmp_path, "audit", f"hydra.run.dir={precious}"), tmp_path, f"error: {precious}: not empty. A run is")
    assert {path.name: path.read_text(encoding="utf-8") for path in precious.rglob("*") if path.is_file()} == {
        "work.txt": "mine",
        "overrides.yaml": "mine too",
    }


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("runs=[R,outputs/ä]", ["R", "outputs/ä"]),
        ("data.labels.favor=[dafür,pro]", ["dafür", "pro"]),
        ("data.columns.text=été", "été"),
        ("model.teacher=a b, c", "a b, c"),
        ("priors=[0.2,0.6,0.2]", [0.2, 0.6, 0.2]),
        ("columns={id:a,text:b}", {"id": "a", "text": "b"}),
    ],
)
def test_settings_reach_hydra_as_they_are_meant(typed: str, value: Any) -> None:
    assert OverridesParser.create().parse_override(command._override(typed)).value() == value


@pytest.mark.parametrize("typed", ["priors=[0.2,0.6,0.2]", "columns={id:a,text:b}", "data.labels.favor=['dafür',pro]"])
def test_settings_of_an_interrupted_run_that_are_lists(typed: str) -> None:
    assert command._SETTING.fullmatch(typed)
