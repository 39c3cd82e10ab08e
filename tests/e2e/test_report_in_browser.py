"""The report as a reader has it: a file, in a real browser, without a network, at a desk and on a phone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic_runs import evaluation
from synthetic_runs import grid as synthetic_grid

from analysis import report

pytestmark = pytest.mark.e2e
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install playwright")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
CANARY = "document.title='owned'"
HOSTILE = f"""</script><script>{CANARY}</script></pre><img src=x onerror="{CANARY}"><svg onload="{CANARY}">
{{{{ 7 * 7 }}}} ${{7 * 7}} <!-- <script> javascript:{CANARY} \u2028 \x00 \ud83d"""
FILE = "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """The known grid, in which every answer, output and prompt attacks the page."""
    root = tmp_path_factory.mktemp("report")
    runs = synthetic_grid(root / "runs")
    evaluation(runs, "<img src=x onerror=alert(1)>", "go", "1111")
    for verdicts in runs.rglob("verdicts.jsonl"):
        rows = [json.loads(line) for line in verdicts.read_text().splitlines()]
        for row in rows:
            row["output_tail"] = "" if row["outcome"] == "passed" else f"output {HOSTILE}"
        texts = [f"{row['problem']} {verdicts.parts[-7]} {HOSTILE}" for row in rows]
        answers = [
            {"problem": row["problem"], "sample": 0, "text": text, "finish": "eos"}
            for row, text in zip(rows, texts, strict=True)
        ]
        verdicts.write_text("".join(json.dumps(row) + "\n" for row in rows))
        verdicts.with_name("samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    prompts = [{"problem": f"mini/python/{n}", "prompt": f"prompt {HOSTILE}"} for n in range(4)]
    folder = runs / "tiny/none/none/seed0/eval/mini/python/greedy"
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    return report.write(runs, root / "out")[-1]


@pytest.fixture(scope="module", params=[("light", DESK), ("dark", PHONE)], ids=["desk", "phone"])
def opened(request, browser, page_file) -> Iterator[tuple[Any, list[str]]]:
    """The page, and all that it complains of or asks a network for."""
    theme, size = request.param
    context = browser.new_context(viewport=size, color_scheme=theme, offline=True)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda ask: complaints.append(ask.url) if not ask.url.startswith(("data:", "file:")) else None)
    opened.goto(page_file.as_uri())
    yield opened, complaints
    context.close()


@pytest.fixture
def page(opened) -> Iterator[Any]:
    page, complaints = opened
    yield page
    assert complaints == []
    assert page.title() == "tiny · sft · mini – transfer matrix"


def cell(page: Any, train: str, lang: str) -> Any:
    row = page.locator(".matrix tbody tr").filter(has=page.get_by_role("rowheader", name=train))
    heads = page.locator(".matrix thead th").all_inner_texts()
    return row.locator("td").nth(heads.index(lang) - 1).locator("button")


def test_a_click_shows_the_gained_and_lost_problems_and_both_programs(page):
    """go on python: 1000 against the base's 1100: problem 1 was lost."""
    cell(page, "Go", "Python").click()
    dialog = page.get_by_role("dialog")
    assert "Go on Python" in dialog.inner_text() and "0 gained, 1 lost of 4" in dialog.inner_text()
    problem = dialog.locator("details.problem")
    assert problem.count() == 1 and problem.get_attribute("open") is not None
    base, mine = (side.inner_text() for side in problem.locator(".side").all())
    assert base.startswith("Base passed") and "mini/python/1 none" in base
    assert mine.startswith("Go wrong") and "mini/python/1 go" in mine and "output </script>" in mine
    for shown in (base, mine, problem.locator(".prompt").inner_text()):
        assert "</script><script>" in shown and "<img src=x onerror=" in shown and "{{ 7 * 7 }} ${7 * 7}" in shown
    assert dialog.locator("img, svg, script").count() == 0
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_keyboard_alone_is_enough(page):
    """From cell to cell by arrows; the tests of the focused one beside it; Enter opens, Escape closes."""
    cell(page, "Python", "Python").focus()
    page.keyboard.press("ArrowRight")
    tip = page.get_by_role("tooltip")
    assert tip.is_visible() and "Python on Java" in tip.inner_text()
    assert "1 gained, 0 lost of 4" in tip.inner_text() and "exact McNemar" in tip.inner_text()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "Python on Java" in dialog.inner_text() and not tip.is_visible()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert cell(page, "Python", "Java").evaluate("button => button === document.activeElement")


def test_charts_are_drawn_and_nothing_is_wider_than_the_screen(page):
    charts = page.locator(".chart")
    assert charts.count() >= 4
    assert charts.locator(".main-svg").count() >= charts.count()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    sideways = "e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'visible'"
    assert not page.locator("p, ul, dl, figure").evaluate_all(f"all => all.some({sideways})")


def test_on_paper_the_still_pictures_stand_for_the_charts(page):
    page.emulate_media(media="print")
    assert not page.locator(".chart").first.is_visible()
    assert page.locator("#correlations img").first.is_visible() and not page.get_by_role("navigation").is_visible()
    page.emulate_media(media="screen")


def test_letters_can_be_read(page):
    """Contrast of 4.5 at least (WCAG 2.2, 1.4.3) for the texts of the matrix and of paragraphs, in either theme."""
    found = page.evaluate(CONTRASTS)
    assert len(found) > 40
    assert [one for one in found if one["ratio"] < 4.5] == []


CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255);
  };
  const light = (rgb) => rgb.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  return [...document.querySelectorAll('.matrix .score, .matrix .gain, .matrix .aside, p, h2, h3, figcaption, summary')]
    .filter(e => e.checkVisibility() && e.textContent.trim()).map(e => {
      const layers = [];
      for (let at = e; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
      const style = getComputedStyle(e);
      const back = over(layers), front = over([...layers, style.color]);
      const mixed = front.map((v, i) => back[i] + (v - back[i]) * Number(style.opacity));
      const [a, b] = [light(mixed), light(back)];
      const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      return {text: e.textContent.trim().slice(0, 40), kind: e.className, ratio};
    });
}"""
