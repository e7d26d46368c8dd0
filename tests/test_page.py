"""The report as a reader has it: in Chromium, with the network off, at two widths, in light and dark."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorstance import documents, load, pipeline, report

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium here: apt-get install chromium chromium-driver"
)
WIDTHS = {"phone": 360, "desk": 1280}
RAW = (
    "Share this article\n\nTalks collapse in Ankara\n\nBy Ana Lima\n\n"
    "ANKARA — Turkey on Monday accused Russia of breaking the truce. "
    "Russia thanked Iran for its help, and Iran praised Russia.\n\n"
    "France condemned the attack of Russia on Tuesday, and Germany praised France for what it had said. \n\n"
    '"We blame Turkey for this," Iran\'s foreign minister, Omid Karimi, told reporters. Germany urged Turkey to wait.\n'
)
RTL, LONG = "\u202e\u05e9\u05dc\u05d5\u05dd", "W" * 3000
HOSTILE = (
    RAW
    + f"\nTurkey <script>alert(1)</script> accused Russia of {RTL} and of {LONG} on Friday, </u></article> it said.\n"
)
# Every text on the page with its contrast (WCAG 2.2, 1.4.3) against the nearest background that is not transparent.
CONTRAST = """
const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const part = (value) => value <= .04045 * 255 ? value / 255 / 12.92 : ((value / 255 + .055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const front = rgb(element.ownerSVGElement ? style.fill : style.color);
  const [one, two] = [luminance(front), luminance(behind(element))].sort((a, b) => b - a);
  found.push([(one + .05) / (two + .05), walker.currentNode.data.trim().slice(0, 40), element.className.toString()]);
}
return found;
"""


@pytest.fixture(scope="module")
def pages(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a training run, of one hostile article, and of twelve with dates."""
    folder = tmp_path_factory.mktemp("pages")
    model = load(trained)
    pipeline.predict(model, [documents.parse("one", HOSTILE)], folder / "one", command="actorstance predict one")
    dated = [documents.parse(f"article {n}", RAW, date=f"2031-0{1 + n % 6}-11") for n in range(12)]
    pipeline.predict(model, dated, folder / "many")
    runs = {"scored": trained, "one": folder / "one", "many": folder / "many"}
    return {name: run / "report.html" for name, run in runs.items()}


class Browser:
    """Chromium with a fresh profile and no network."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={profile}"):
            options.add_argument(f"--{word}")
        options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")  # no name leads anywhere
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver: Any = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
        self.devtools("Network.enable")
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.devtools("Network.emulateNetworkConditions", **offline)

    def devtools(self, command: str, **settings: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, settings)

    def open(self, page: Path, width: int = 1280, scheme: str = "light") -> None:
        phone = width < 600
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=phone)
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.scheme(scheme)
        self.driver.get(page.as_uri())

    def scheme(self, scheme: str, media: str = "") -> None:
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", media=media, features=wanted)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, query: str) -> list[Any]:
        found: list[Any] = self.driver.find_elements("css selector", query)
        return found

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.devtools(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=name,
                windowsVirtualKeyCode={"Tab": 9, "Escape": 27}[name],
            )

    @property
    def card(self) -> str:
        """The text of the card, empty where it is not shown."""
        text: str = self.run("const card = document.querySelector('#card'); return card.hidden ? '' : card.innerText")
        return text

    def middle(self, element: Any) -> dict[str, float]:
        """The middle of an element on the screen, once it has been scrolled to."""
        found: dict[str, float] = self.run(
            "arguments[0].scrollIntoView({block: 'center'}); const at = arguments[0].getClientRects()[0];"
            "return {x: at.x + at.width / 2, y: at.y + at.height / 2}",
            element,
        )
        return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.driver.quit()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
@pytest.mark.parametrize("name", ["scored", "one", "many"])
def test_a_page_opens_fits_and_can_be_read(name: str, width: int, pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages[name], width)
    for details in browser.all("#texts details, #behaviour details")[:3]:
        browser.run("arguments[0].open = true", details)
    papers = set()
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        papers.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        assert browser.run("return document.documentElement.scrollWidth") <= width
        found = browser.run(CONTRAST)
        assert len(found) > 300
        assert [one for one in found if one[0] < 4.5] == []
    assert len(papers) == 2
    assert browser.driver.get_log("browser") == []  # no error, nothing that the policy had to stop
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


def _told(browser: Browser) -> None:
    """The card names source, target, label, probability and reason of the first sentence's stance."""
    for words in ("Turkey → Russia", "it says so: “accused”", "in the text's own voice"):
        assert words in browser.card
    assert re.search(r"Turkey → Russia: (against|neutral|in favor), \d+\s%", browser.card)


def _russia(browser: Browser) -> Any:
    return next(word for word in browser.all("#texts u") if word.text.startswith("Russia"))


def test_pointing_at_a_word_tells_its_stances(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["one"])
    assert browser.card == ""
    browser.devtools("Input.dispatchMouseEvent", type="mouseMoved", **browser.middle(_russia(browser)))
    _told(browser)
    assert [word.text for word in browser.all("u.from")] != []  # the source's own mention is shown too
    browser.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert browser.card == ""


def test_a_tap_tells_and_another_ends_it(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["one"], WIDTHS["phone"])
    place = browser.middle(_russia(browser))
    for shown in (True, False):
        browser.devtools("Input.dispatchTouchEvent", type="touchStart", touchPoints=[place])
        browser.devtools("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        _wait(browser, shown)
        if shown:
            _told(browser)
            box = browser.run(
                "const at = document.querySelector('#card').getBoundingClientRect(); return [at.left, at.right]"
            )
            assert 0 <= box[0] < box[1] <= WIDTHS["phone"]


def _wait(browser: Browser, shown: bool) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(browser.driver, 5).until(lambda _: bool(browser.card) == shown)


def test_the_keyboard_reaches_a_stance(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["one"])
    for _ in range(60):
        browser.key("Tab")
        if "Turkey → Russia" in browser.card and "accused" in browser.card:
            break
    _told(browser)
    focused = "return document.activeElement"
    assert browser.run(f"{focused}.getAttribute('role')") == "button"
    assert browser.run(f"{focused}.getAttribute('aria-describedby')") == "card"
    browser.key("Escape")
    assert browser.card == ""


def _column(browser: Browser, index: int) -> list[str]:
    rows = browser.all("#table tbody tr")
    return [row.find_elements("css selector", "th, td")[index].text for row in rows if row.is_displayed()]


def test_the_actors_are_sorted_and_filtered(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["many"])
    heads = {button.text: button for button in browser.all("#table th button")}
    browser.run("arguments[0].click()", heads["received"])
    scores = [float(text.replace("−", "-")) for text in _column(browser, 1) if text != "–"]
    assert len(scores) > 4
    assert scores == sorted(scores, reverse=True)
    assert browser.all("#table th[aria-sort=descending]")[0].text == "received"
    browser.run("arguments[0].click()", heads["received"])
    assert [float(text.replace("−", "-")) for text in _column(browser, 1) if text != "–"] == sorted(scores)
    browser.run("arguments[0].click()", heads["Actor"])
    names = [text.split("\n")[0] for text in _column(browser, 0)]
    assert names == sorted(names, key=str.casefold)
    browser.all("#find")[0].send_keys("ger")
    assert [text.split("\n")[0] for text in _column(browser, 0)] == ["Germany"]
    assert browser.all("#shown")[0].text == f"1 of {len(names)} shown"
    browser.run(
        "const least = arguments[0]; least.value = 100000; least.dispatchEvent(new Event('input'))",
        browser.all("#least")[0],
    )
    assert _column(browser, 0) == []


def test_articles_are_found_and_the_network_is_read(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["many"])
    browser.all("#find-article")[0].send_keys("article 7")
    assert [one.text.split(" ")[0] for one in browser.all("#texts details") if one.is_displayed()] == ["Talks"]
    assert "data-is" in browser.run("return document.querySelector('.net').innerHTML")
    browser.run(
        "document.querySelector('[data-is=name-0]').dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
    )
    assert browser.all(".net.on [data-is=name-0].lit")
    assert len(browser.all("#time svg")) >= 3


def test_print_is_black_on_white_without_controls(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages["one"], scheme="dark")
    browser.scheme("dark", "print")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.all("#find")[0].is_displayed()
    browser.scheme("light")


def test_ten_thousand_actors_and_endless_words_do_not_break_a_page(
    pages: dict[str, Path], tmp_path: Path, browser: Browser
) -> None:
    run = tmp_path / "run"
    shutil.copytree(pages["many"].parent, run)
    row = ",received,2,1,,-0.5,,,none,,,,,,,,,,"
    head = (run / "actors.csv").read_text("utf-8").splitlines()[0]
    assert len(head.split(",")) == row.count(",") + 1
    names = [f"{LONG}{n}" if n % 100 == 0 else f"actor {RTL} <b>{n}" for n in range(10_000)]
    (run / "actors.csv").write_text("\n".join([head, *(name + row for name in names)]) + "\n", encoding="utf-8")
    told = json.loads((run / "provenance.json").read_text("utf-8"))
    told["command"] = "predict '</script><script>alert(1)</script>'"
    (run / "provenance.json").write_text(json.dumps(told), encoding="utf-8")
    page = report.write(run)
    assert page.stat().st_size < 3_000_000
    for width in WIDTHS.values():
        browser.open(page, width)
        assert browser.driver.get_log("browser") == []
        assert browser.run("return document.documentElement.scrollWidth") <= width
    assert "of 250 shown" in browser.all("#shown")[0].text
    assert browser.run("return document.querySelectorAll('script').length") == 2
