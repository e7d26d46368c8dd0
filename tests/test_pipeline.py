"""train, evaluate, predict: who sees which rows, what comes out the same, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from datasets import Dataset
from numpy.typing import NDArray

from actorstance import corpora, documents, load, pipeline, runs, scoring, stances
from actorstance.actors import Registry
from actorstance.corpora import Corpus
from actorstance.errors import InputError
from actorstance.evaluation import behaviour
from actorstance.examples import LABELS
from actorstance.models import Watch
from actorstance.models.linear import LinearModel

ACTORS = ("Arvland", "Bomark", "Corvia", "Drenn", "Estuary")
REGISTRY = Registry({name.lower(): [name] for name in ACTORS})
VERBS = {"against": ("blamed", "accused"), "neutral": ("met", "phoned"), "favor": ("thanked", "praised")}
TABLES = ("predictions.jsonl", "actors.csv", "pairs.csv", "audit.json")
RAW = (
    "Arvland on Monday accused Bomark of spying on its port. Nobody knew what to say to that. "
    "Corvia praised Drenn for the help it had sent, while Estuary slept."
)


class Stub:
    """A model that knows nothing, and notes on a list that all its copies share which rows it was shown."""

    kind: ClassVar[str] = "stub"
    seen: list[tuple[str, set[str]]]

    def __init__(self, broken: str = "") -> None:
        self.broken, self.seen = broken, []
        self.registry: Registry | None = None
        self.log: list[dict[str, Any]] = []
        self.cropped: dict[str, dict[str, int]] = {}
        self.card: dict[str, Any] = {}
        self.sha256: str | None = None
        self.watch: Watch | None = None

    def __deepcopy__(self, memo: object) -> Stub:
        copied = Stub(self.broken)
        copied.seen = self.seen
        return copied

    def note(self, step: str, *parts: Dataset) -> None:
        if step == self.broken:
            raise RuntimeError(f"{step} broke")
        self.seen += [(step, set(part["example_id"][:])) for part in parts]

    @property
    def params(self) -> dict[str, Any]:
        return {"broken": self.broken}

    def fit(self, train: Dataset, valid: Dataset, checkpoints: Path | None = None) -> Self:
        self.note("fit", train, valid)
        return self

    def predict_proba(self, examples: Dataset) -> NDArray[np.float64]:
        self.note("predict", examples)
        return np.full((len(examples), 3), 1 / 3)

    def explain(self, examples: Dataset, top: int = 5) -> list[list[tuple[str, float]]]:
        self.note("explain")
        return [[("<b>nothing</b>", 0.0)]] * len(examples)

    def save(self, folder: str | Path) -> None:
        self.note("save")

    @classmethod
    def read(cls, folder: Path, meta: dict[str, Any]) -> Self:
        raise NotImplementedError


def rows(split: tuple[str, ...] = ("",), n: int = 80) -> list[dict[str, Any]]:
    """Rows in groups of four, of which one is labelled wrong; the splits take turns by group."""
    found = []
    for at in range(n):
        label, source, target = LABELS[at % 3], ACTORS[at % 5], ACTORS[(at + 1 + at // 15 % 3) % 5]
        text = f"{source} {VERBS[label][at // 3 % 2]} {target} over the port of Quay{at} on Monday."
        label = LABELS[(at + 1) % 3] if at % 4 == at // 4 % 4 else label
        ids = {"example_id": f"e{at}", "document_id": f"d{at // 4}", "group_id": f"g{at // 4}"}
        pair = {"source": source, "target": target, "label": label}
        found.append({**ids, "text": text, **pair, "split": split[at // 4 % len(split)]})
    return found


def table(path: Path, content: list[dict[str, Any]]) -> Corpus:
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return corpora.load("table", path)


def official(path: Path, *parts: str) -> tuple[Corpus, dict[str, set[str]]]:
    content = rows(parts)
    return table(path, content), {part: {r["example_id"] for r in content if r["split"] == part} for part in parts}


def folded(path: Path) -> Corpus:
    corpus = table(path, rows())
    return Corpus("folded", corpus.examples, corpus.counts, folds=3, recipe=corpus.recipe)


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def scored(run: Path) -> set[str]:
    return {row["example_id"] for row in jsonl(run / "predictions.jsonl")}


def unhurried(metrics: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if key != "seconds"}


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the checks of behaviour, which show a model more rows."""
    monkeypatch.setattr(behaviour, "checks", lambda *_, **__: {"examples": 0, "checks": []})


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return table(tmp_path / "rows.jsonl", rows())


@pytest.mark.parametrize("make", [folded, lambda path: table(path, rows())], ids=["folds", "split"])
def test_the_same_again_and_from_the_saved_model(tmp_path: Path, make: Callable[[Path], Corpus]) -> None:
    corpus = make(tmp_path / "rows.jsonl")
    first = pipeline.train(corpus, LinearModel(), tmp_path / "first", seed=3, registry=REGISTRY)
    again = pipeline.train(corpus, LinearModel(), tmp_path / "again", seed=3, registry=REGISTRY)
    model = load(tmp_path / "first")
    evaluated = pipeline.evaluate(model, corpus, tmp_path / "evaluated")
    assert unhurried(first) == unhurried(again) == unhurried(evaluated) == model.card["metrics"]
    for name in TABLES:
        want = (tmp_path / "first" / name).read_bytes()
        assert [(tmp_path / run / name).read_bytes() == want for run in ("again", "evaluated")] == [True, True], name
    for run in ("first", "evaluated"):  # after folds the model that is asked what it read has seen all examples
        told = json.loads((tmp_path / run / "behaviour.json").read_text(encoding="utf-8"))
        page = (tmp_path / run / "report.html").read_text(encoding="utf-8")
        assert told["in_training"] == bool(corpus.folds) == ("This model was trained on these examples" in page)
    pipeline.train(corpus, LinearModel(), tmp_path / "other", seed=4)
    assert jsonl(tmp_path / "other" / "predictions.jsonl") != jsonl(tmp_path / "first" / "predictions.jsonl")
    assert first["macro_f1"] > first["majority"]["macro_f1"]
    assert model.registry is not None
    assert model.registry.to_json() == REGISTRY.to_json()


@pytest.mark.usefixtures("unchecked")
def test_folds_hold_every_example_out_once(tmp_path: Path) -> None:
    corpus, model = folded(tmp_path / "rows.jsonl"), Stub()
    found = pipeline.train(corpus, model, tmp_path / "run")
    every = set(corpus.examples["example_id"][:])
    ids = [row["example_id"] for row in jsonl(tmp_path / "run" / "predictions.jsonl")]
    assert sorted(ids) == sorted(every)
    assert found["n"] == len(ids)
    assert [step for step, _ in model.seen] == ["fit", "fit", "predict"] * 3 + ["fit", "fit"]
    shown = [ids for _, ids in model.seen]
    for fit, tune, held in (shown[:3], shown[3:6], shown[6:9]):
        assert not fit & tune
        assert held == every - fit - tune
    assert shown[9] | shown[10] == every


@pytest.mark.parametrize("part", ["test", None, "valid"])
@pytest.mark.usefixtures("unchecked")
def test_official_parts(tmp_path: Path, part: str | None) -> None:
    corpus, ids = official(tmp_path / "rows.jsonl", "train", "valid", "test")
    model = Stub()
    pipeline.train(corpus, model, tmp_path / "run", eval_split=part)
    (_, fit), (_, tune), (_, held) = model.seen
    assert held == scored(tmp_path / "run") == ids[part or "test"]
    if part == "valid":
        assert tune
        assert (fit | tune, fit & tune) == (ids["train"], set())
    else:
        assert (fit, tune) == (ids["train"], ids["valid"])
    assert model.card["eval_split"] == (part or "test")


def test_an_official_split_without_test(tmp_path: Path) -> None:
    corpus, ids = official(tmp_path / "rows.jsonl", "train", "valid")
    model = Stub()
    pipeline.train(corpus, model, tmp_path / "run")
    assert [ids["train"], ids["valid"]] == [model.seen[0][1] | model.seen[1][1], scored(tmp_path / "run")]
    for name, part, says in (("train", "test", "eval_split=test"), ("valid", "train", "eval_split=train")):
        with pytest.raises(InputError, match=says):
            pipeline.train(corpus, Stub(), tmp_path / name, eval_split=part)
        assert not (tmp_path / name).exists()
    no_train, _ = official(tmp_path / "rest.jsonl", "valid", "test")
    with pytest.raises(InputError, match="needs the parts train"):
        pipeline.train(no_train, Stub(), tmp_path / "none")


@pytest.mark.parametrize("parts", [("",), ("train", "valid", "test")])
def test_evaluate_scores_only_what_was_held_out(tmp_path: Path, parts: tuple[str, ...]) -> None:
    corpus, model = table(tmp_path / "rows.jsonl", rows(parts)), Stub()
    pipeline.train(corpus, model, tmp_path / "run", seed=3)
    seen = model.seen[0][1] | model.seen[1][1]
    with pytest.raises(InputError, match="eval_split=valid: the model has seen that part; held out was test"):
        pipeline.evaluate(model, corpus, tmp_path / "refused", eval_split="valid")
    pipeline.evaluate(model, corpus, tmp_path / "evaluated", eval_split="test")
    assert scored(tmp_path / "evaluated") == scored(tmp_path / "run")
    assert not scored(tmp_path / "evaluated") & seen


def test_evaluate_on_another_corpus(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel().fit(corpus.examples, corpus.examples)
    pipeline.train(corpus, model, tmp_path / "run", seed=7)
    other = table(
        tmp_path / "other.jsonl",
        [row | {"text": f"{row['text']} Nobody else heard of it that day."} for row in rows(n=40)],
    )
    found = pipeline.evaluate(model, other, tmp_path / "a")
    assert (found["n"], found["clean"]["n"], found["names_only"]["macro_f1"]) == (40, None, None)
    known = pipeline.evaluate(model, other, tmp_path / "b", trained_on=corpus)
    assert (known["clean"]["n"], known["names_only"]["macro_f1"] is None) == (40, False)
    want = scoring.actor_table(other.examples, model.predict_proba(other.examples), 7)  # the run's seed
    for name in ("a", "b"):
        lines = (tmp_path / name / "actors.csv").read_text(encoding="utf-8").splitlines()[1:]
        assert [line.split(",")[6] for line in lines] == [f"{round(row['low'], 6)}" for row in want]


def test_own_corpus(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel()
    pipeline.train(corpus, model, tmp_path / "run")
    assert pipeline.own_corpus(model).fingerprint == corpus.fingerprint
    (tmp_path / "rows.jsonl").rename(tmp_path / "moved.jsonl")
    with pytest.raises(InputError, match=r"rows\.jsonl: no such file"):
        pipeline.own_corpus(model)
    assert pipeline.own_corpus(model, tmp_path / "moved.jsonl").fingerprint == corpus.fingerprint
    changed = rows()
    changed[5]["label"] = LABELS[(LABELS.index(changed[5]["label"]) + 1) % 3]
    table(tmp_path / "rows.jsonl", changed)
    with pytest.raises(InputError, match="not the examples that the model was trained on"):
        pipeline.own_corpus(model)


def test_predict_one_and_two_documents(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel()
    pipeline.train(corpus, model, tmp_path / "run", registry=REGISTRY)
    one, two = documents.parse("a", RAW), documents.parse("b", RAW.replace("Arvland", "Estuary"))
    counts = pipeline.predict(model, [one], tmp_path / "one")
    found = jsonl(tmp_path / "one" / "predictions.jsonl")
    assert found == stances(one, model)
    assert {row["group_id"] for row in found} == {"a:0", "a:2"}
    assert (counts["documents"], counts["sentences"], counts["sentences_without_actor"]) == (1, 3, 1)
    assert counts["pairs"] == len(found) == (2 + 2) + (3 + 6)
    assert counts["mentions"] == len(jsonl(tmp_path / "one" / "mentions.jsonl")) == 7  # its, it
    pipeline.predict(model, [one, two], tmp_path / "two")
    both = jsonl(tmp_path / "two" / "predictions.jsonl")
    assert {(row["document_id"], row["group_id"]) for row in both} == {("a", "a"), ("b", "b")}
    assert [row | {"group_id": ""} for row in both[:13]] == [row | {"group_id": ""} for row in found]
    said = {(row["source"], row["target"]): max(LABELS, key=row.__getitem__) for row in found}
    assert (said["arvland", "bomark"], said["corvia", "drenn"]) == ("against", "favor")
    foreign = pipeline.predict(model, [one], tmp_path / "foreign", registry=Registry({"fjord": ["Fjord"]}))
    assert (foreign["mentions_registry"], foreign["pairs"]) == (0, counts["pairs"])  # the article names its own
    assert not any(row["known"] for row in jsonl(tmp_path / "foreign" / "mentions.jsonl"))
    silent = documents.parse(
        "c", "It rained all night long on the old harbour. In the morning nothing had moved at all."
    )
    nobody = pipeline.predict(model, [silent], tmp_path / "nobody")
    assert (nobody["pairs"], nobody["sentences_without_actor"]) == (0, 2)
    assert (tmp_path / "nobody" / "predictions.jsonl").read_bytes() == b""


def test_stances_of_a_registry_and_explained(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel()
    pipeline.train(corpus, model, str(tmp_path / "run"), registry=REGISTRY)  # a folder may be a string everywhere
    document = documents.parse("a", RAW)
    (tmp_path / "mine.csv").write_text("alias,actor\nArvland,north\n", encoding="utf-8")
    mine = REGISTRY.with_more(Registry.read(str(tmp_path / "mine.csv")))
    rows = stances(document, model, registry=mine, explained=2)
    pipeline.predict(model, (document,), str(tmp_path / "read"), registry=mine)
    assert [{**row, "pushes": None} for row in jsonl(tmp_path / "read" / "predictions.jsonl")] == [
        {**row, "pushes": None} for row in rows
    ]
    pushes = {(row["source"], row["target"]): row["pushes"] for row in rows}
    assert {len(named) for named in pushes.values()} == {2}
    assert any("accus" in feature for feature, _ in pushes["north", "bomark"])
    assert "pushes" not in stances(document, model)[0]
    assert pipeline.evaluate(model, corpus, str(tmp_path / "again"))["n"] == model.card["metrics"]["n"]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel()
    (tmp_path / "run" / ".hydra").mkdir(parents=True)  # Hydra's config may be there
    pipeline.train(corpus, model, tmp_path / "run")
    out = tmp_path / "mine"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for folder in (out, out / "notes.txt"):
        with pytest.raises(InputError, match="not empty"):
            pipeline.train(corpus, LinearModel(), folder)
        with pytest.raises(InputError, match="not empty"):
            pipeline.evaluate(model, corpus, folder)
        with pytest.raises(InputError, match="not empty"):
            pipeline.predict(model, [documents.parse("a", RAW)], folder)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("step", ["fit", "predict", "explain", "save"])
def test_a_model_that_fails_leaves_no_complete_run(tmp_path: Path, corpus: Corpus, step: str) -> None:
    with pytest.raises(RuntimeError, match=f"{step} broke"):
        pipeline.train(corpus, Stub(broken=step), tmp_path / "run")
    assert list(tmp_path.rglob("manifest.json")) == []
    assert list(tmp_path.rglob("*.tmp")) == []
    assert (tmp_path / "run").exists() == (step == "save")
    with pytest.raises(InputError, match="no complete model here" if step == "save" else "no such run or model folder"):
        load(tmp_path / "run")


def test_two_processes_never_train_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, other = tmp_path / "run", {"seed": 1}
    with runs.unfinished(out, {"seed": 0}, resume=False) as checkpoints:
        before = sorted(out.rglob("*"))
        for settings in ({"seed": 0}, other):  # who writes it comes first, whatever else is wrong
            with (
                pytest.raises(InputError, match=r"another process writes this run\. Wait for it"),
                runs.unfinished(out, settings, resume=True),
            ):
                raise AssertionError("held twice")
        assert sorted(out.rglob("*")) == before
        monkeypatch.setenv("RANK", "1")  # a process that torchrun started beside the first
        with runs.unfinished(out, {"seed": 0}, resume=False) as theirs:
            assert theirs == checkpoints
        monkeypatch.delenv("RANK")
    assert list(out.iterdir()) == []
    with pytest.raises(InputError, match="no interrupted run"), runs.unfinished(out, {"seed": 0}, resume=True):
        raise AssertionError("nothing to go on with")
    assert list(out.iterdir()) == []  # nothing is made in a folder that is no run's


def test_reports_escape_hostile_names(tmp_path: Path) -> None:
    bad, escaped = "<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"
    content = [row | {"source": f"{row['source']}{bad}", "document_id": f"{n}{bad}"} for n, row in enumerate(rows())]
    corpus = table(tmp_path / f"{bad.replace('/', '')}.jsonl", [r | {"text": f"{bad} {r['text']}"} for r in content])
    model = LinearModel(min_df=1)
    pipeline.train(corpus, model, tmp_path / "run", registry=REGISTRY)
    article = documents.parse(f"a{bad}", RAW.replace("Nobody", f"Nobody {bad}"), date="2020-02-12")
    other = documents.parse(f"b{bad}", RAW, date="2020-02-12")
    pipeline.predict(model, [article, other], tmp_path / "read")
    pipeline.train(corpus, Stub(), tmp_path / "stub")
    pages = {name: (tmp_path / name / "report.html").read_text(encoding="utf-8") for name in ("run", "read", "stub")}
    for page in pages.values():
        assert escaped in page
        assert page.count("<script") == 1 + ('<script type="application/json"' in page)  # the page's own, and its data
        assert "<b>nothing" not in page
    assert f"Arvland{escaped}" in pages["run"]  # an actor
    assert f"<bdi>a{escaped}</bdi>" in pages["read"]  # an article's id
    assert f"Nobody {escaped}" in pages["read"]
    assert "&lt;b&gt;nothing" in pages["stub"]  # a feature


def test_a_partly_split_table_is_refused(tmp_path: Path) -> None:
    mixed = [row | {"split": ("train", "valid", "test", "")[n % 4]} for n, row in enumerate(rows())]
    with pytest.raises(InputError, match=r"rows have no split, the others have one"):
        pipeline.train(table(tmp_path / "rows.jsonl", mixed), Stub(), tmp_path / "run")


def test_another_corpus_needs_no_train_part(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel()
    pipeline.train(corpus, model, tmp_path / "run")
    other = table(tmp_path / "other.jsonl", [row | {"split": "valid"} for row in rows(n=40)])
    assert pipeline.evaluate(model, other, tmp_path / "a")["n"] == 40
    with pytest.raises(InputError, match="eval_split=test is not there, found valid"):
        pipeline.evaluate(model, other, tmp_path / "b", eval_split="test")


def test_a_model_without_a_card_is_not_scored_but_reads(tmp_path: Path, corpus: Corpus) -> None:
    model = LinearModel().fit(corpus.examples, corpus.examples)
    with pytest.raises(InputError, match="the model has no card"):
        pipeline.evaluate(model, corpus, tmp_path / "a")
    pipeline.predict(model, documents.read("Varna on Monday accused Ostia of spying on its fleet."), tmp_path / "b")
    page = (tmp_path / "b" / "report.html").read_text(encoding="utf-8")
    assert "with a linear model. Its probabilities" in page


@pytest.mark.usefixtures("unchecked")
def test_errors_of_folds_are_explained_by_the_fold(tmp_path: Path, corpus: Corpus) -> None:
    folded = Corpus(corpus.name, corpus.examples, corpus.counts, folds=3, recipe=corpus.recipe)
    model = Stub()
    pipeline.train(folded, model, tmp_path / "run")
    steps = [step for step, _ in model.seen]
    assert steps.count("predict") == 3  # a fold's model speaks for its own errors; the last one, of all rows, for none
    with pytest.raises(InputError, match="is cross-validated"):
        pipeline.train(folded, Stub(), tmp_path / "other", eval_split="valid")
