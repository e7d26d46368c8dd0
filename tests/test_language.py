"""What does not look English: gold articles, pieces of them, and what each kind of run says of them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actorstance
from actorstance import documents, pipeline, report
from actorstance.commands import front
from actorstance.errors import InputError
from actorstance.folder import Folder
from actorstance.readers import newsroom
from actorstance.text.language import LEAST, LOOKED_AT, SHORTEST, english_share, looks_english

ROOT = Path(__file__).parents[1]
GOLD = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "tests/gold/languages").glob("*.txt")}
NO_SENTENCES = "zh"  # its full stop ends none that is known, so that it has no body
PAGES = [*(ROOT / "tests/gold/exports").glob("*.txt"), *(ROOT / "data/sample").glob("*.txt")]
AUTHORED = sorted((ROOT / "data/newsroom/articles").glob("*.txt"))
TEXTS = {name: GOLD[name] for name in ("fr", "en-names", "de", "en-capitals", "ar")}
FOREIGN = ["fr", "de", "ar"]


@pytest.mark.parametrize("name", sorted(GOLD.keys() - {NO_SENTENCES}))
def test_gold_languages(name: str) -> None:
    assert documents.parse(name, GOLD[name]).english is name.startswith("en")


def test_there_are_other_languages_and_hard_english() -> None:
    assert {"ar", "de", "es", "fr", "it", "nl", "pl", "pt", "ru", "tr", "zh"} <= GOLD.keys()
    assert sum(name.startswith("en-") for name in GOLD) == 4


@pytest.mark.parametrize("name", [name for name in sorted(GOLD) if len(name) == 2])
def test_no_piece_of_an_article_in_another_language_looks_english(name: str) -> None:
    words = GOLD[name].split()
    rests = [" ".join(words[at:]) for at in range(len(words))]
    flags = [looks_english(rest[:SHORTEST]) for rest in rests if len(rest) >= SHORTEST]
    assert flags == [False] * len(flags) != []


def test_every_article_of_newsroom_looks_english() -> None:
    flags = [documents.parse(page.stem, newsroom.parse(page).raw).english for page in AUTHORED]
    assert len(flags) >= 380
    assert all(flags)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_english_page_is_flagged(page: Path) -> None:
    for id, text in documents.articles(page.name, page.read_text(encoding="utf-8")):
        assert documents.parse(id, text).english is not False


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=3 * SHORTEST), st.sampled_from(["", "\n", "The envoy said that he knew of it. " * 90]))
def test_the_share_is_of_the_beginning(text: str, more: str) -> None:
    text += more
    assert 0 <= english_share(text) <= 1
    assert english_share(text) == english_share(text[:LOOKED_AT] + " the of and" * 9 * (len(text) > LOOKED_AT))
    assert (looks_english(text) is None) == (len(text) < SHORTEST)
    assert bool(looks_english(text)) == (len(text) >= SHORTEST and english_share(text) >= LEAST)


def test_too_short_to_tell() -> None:
    assert documents.parse("a", "La Turquie accuse la Russie. L'Égypte remercie la France.").english is None


def test_what_has_no_sentences_may_be_of_another_language() -> None:
    with pytest.raises(InputError, match=r"no article's body found.*It does not look English, the only language"):
        documents.parse("zh", GOLD[NO_SENTENCES])
    with pytest.raises(InputError, match=r"body needs whole sentences\.$"):
        documents.parse("en", "Share this article\n\nTalks collapse\n")


# --- runs ---


def _predict(trained: Path, source: Path, out: Path, **settings: Any) -> str:
    """Read with what scripts and the command line call; return the page."""
    base: dict[str, Any] = {"archive": None, "resume": False, "actors": None, "ner": None, "columns": {}, "size": 200}
    base |= {"explain": False, "wanted_priors": None, "engine": None, "strict": False}
    base |= {"level": 0.9, "seed": 0, "command": None}
    out.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(out.parent)
        front.predict(str(trained), str(source), _Folder(out), **{**base, **settings})
    return (out / "report.html").read_text(encoding="utf-8")


class _Folder:
    """A folder that is entered when the work begins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *error: object) -> None:
        """Leave it as it is."""


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _said(number: int, of: int, names: list[str]) -> str:
    return f"\n{number} of {of} documents do not look English: their scores mean little\n  {', '.join(names)}\n"


def test_a_folder_is_read_and_its_foreign_articles_are_told(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "short.txt").write_text("La Turquie accuse la Russie.", encoding="utf-8")
    page = _predict(trained, folder, tmp_path / "run")
    names = sorted(f"{name}.txt" for name in FOREIGN)
    assert _said(3, 6, names) in capsys.readouterr().out
    rows = {row["id"]: row["english"] for row in _lines(tmp_path / "run" / "documents.jsonl")}
    assert rows == {**{f"{name}.txt": name not in FOREIGN for name in TEXTS}, "short.txt": None}
    assert json.loads((tmp_path / "run" / "audit.json").read_text("utf-8"))["rows"]["documents_not_english"] == 3
    assert "3 of 6 articles do not look English: their scores mean little" in page
    assert all(f"<bdi>{name}</bdi>" in page for name in names)
    read = {row["document_id"] for row in _lines(tmp_path / "run" / "sentences.jsonl")}
    assert set(names) < read  # they are read all the same


def test_english_articles_are_not_mentioned(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = _predict(trained, ROOT / "data" / "sample", tmp_path / "run")
    assert "look English" not in capsys.readouterr().out
    assert "scores mean little" not in page
    assert {row["english"] for row in _lines(tmp_path / "run" / "documents.jsonl")} == {True}


def test_one_article(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text(GOLD["pl"], encoding="utf-8")
    page = _predict(trained, tmp_path / "a.txt", tmp_path / "run")
    assert "\n1 of 1 document does not look English: its scores mean little\n  a.txt\n" in capsys.readouterr().out
    assert "1 of 1 article does not look English: its scores mean little" in page


@pytest.mark.parametrize("strict", [False, True])
def test_an_archive_counts_and_lists_them(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], strict: bool
) -> None:
    rows = [{"id": f"{name}{number}", "text": text} for number in range(3) for name, text in TEXTS.items()]
    rows += [] if strict else [{"id": "zh", "text": GOLD[NO_SENTENCES]}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    page = _predict(trained, tmp_path / "in.jsonl", tmp_path / "run", archive=True, strict=strict, size=4)
    expected = [f"{name}{number}" for number in range(3) for name in FOREIGN]
    assert [row["id"] for row in _lines(tmp_path / "run" / "not_english.jsonl")] == expected
    manifest = _lines(tmp_path / "run" / "manifest.jsonl")
    assert [row["not_english"] for row in manifest] == [2, 3, 2, 2]
    counts = json.loads((tmp_path / "run" / "archive.json").read_text("utf-8"))["counts"]
    assert (counts["documents"], counts["documents_not_english"], counts["rejected"]) == (15, 9, int(not strict))
    assert _said(9, 15, expected[:6]) in capsys.readouterr().out
    assert "9 of 15 articles do not look English" in page
    assert "and 3 more: see not_english.jsonl" in page
    for row in _lines(tmp_path / "run" / "rejected.jsonl"):
        assert "It does not look English" in row["reason"]


def test_from_python_a_warning_is_logged(trained: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = actorstance.load(trained)
    with caplog.at_level(logging.WARNING, logger="actorstance"):
        for name in ("en-names", "it"):
            (document,) = actorstance.read(GOLD[name])
            actorstance.stances(document, model)
    assert [record.getMessage() for record in caplog.records] == ["text does not look English: its scores mean little"]


def test_a_page_of_a_run_that_did_not_count_them(trained: Path, tmp_path: Path) -> None:
    pipeline.predict(actorstance.load(trained), [documents.parse("fr", GOLD["fr"])], tmp_path / "run")
    audit = json.loads((tmp_path / "run" / "audit.json").read_text("utf-8"))
    assert list(Folder(tmp_path / "run").not_english()) == ["fr"]
    del audit["rows"]["documents_not_english"]
    (tmp_path / "run" / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
    assert "look English" not in report.write(tmp_path / "run").read_text(encoding="utf-8")
