"""Pages in a real browser: scripts that look at them, what a reader does, and what holds for all."""

import os
import shutil
from pathlib import Path

import pytest

FIGURES = """
return Array.from(document.querySelectorAll("figure svg"), svg => {
  const box = svg.getBoundingClientRect();
  const sizes = Array.from(svg.querySelectorAll("text"), text =>
    parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width);
  return {width: box.width, height: box.height, left: box.left, right: box.right,
          smallest: Math.min(...sizes), texts: sizes.length};
});
"""
OVERFLOW = """
if (document.documentElement.scrollWidth <= innerWidth) return [];
return Array.from(document.body.querySelectorAll("*"))
  .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll, pre, svg"))
  .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`);
"""
CUT = """
return Array.from(document.querySelectorAll(".scroll")).filter(e => e.scrollWidth > e.clientWidth)
  .map(e => e.ariaLabel);
"""
CONTRASTS = """
const luminance = colour => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const paper = luminance(getComputedStyle(document.body).backgroundColor);
const seen = Array.from(document.querySelectorAll("svg text, h1, p, td, th, figcaption, code"), element => {
  const style = getComputedStyle(element);
  const ink = luminance(element instanceof SVGElement ? style.fill : style.color);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
});
return {worst: Math.min(...seen), paper: paper};
"""


CARD = """
const card = Array.from(document.querySelectorAll(".card")).find(c => !c.hidden && c.offsetWidth);
if (!card) return null;
const box = card.getBoundingClientRect();
return {name: card.querySelector("b").textContent, text: card.innerText, left: box.left, right: box.right,
        lines: Array.from(card.querySelectorAll("dt"), t => [t.textContent, t.nextSibling.textContent]),
        curve: (card.querySelector("polyline") || {getAttribute: () => ""}).getAttribute("points"),
        marks: document.querySelectorAll(".mark").length};
"""
DISPLAYS = """
return Array.from(document.querySelectorAll(".card, .hint, .mark"), e => getComputedStyle(e).display);
"""
TARGETS = """
const data = JSON.parse(document.getElementById("shape-data").textContent);
const figure = data.figures[arguments[0]];
const svg = document.querySelector(`#figure-${arguments[0]} svg`);
svg.scrollIntoView({block: "center"});
const middle = element => {
  const box = element.getBoundingClientRect();
  if (!element.classList.contains("line")) return [box.left + box.width / 2, box.top + box.height / 2];
  const {x, y} = element.getPointAtLength(element.getTotalLength() / 2);
  const place = new DOMPoint(x, y).matrixTransform(element.getScreenCTM());
  return [place.x, place.y];
};
return Array.from(svg.querySelectorAll("[data-shape]")).flatMap(element => {
  const index = element.dataset.shape, box = element.getBoundingClientRect();
  if (!figure.columns) return [[data.shapes[index], ...middle(element)]];
  const width = box.width / figure.columns.length, y = box.top + box.height / 2;
  return figure.columns.map((column, j) =>
    [data.shapes[index], box.left + (j + .5) * width, y, column, figure.cells[index][j]]);
});
"""


def mouse(browser, x, y):
    event = {"type": "mouseMoved", "x": x, "y": y, "pointerType": "mouse", "buttons": 0}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def key(browser, name, code):
    for kind in ("keyDown", "keyUp"):
        event = {"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code}
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", event)


def focus(browser, figure):
    key(browser, "Tab", 9)  # what follows counts as keyboard use
    browser.execute_script(f"document.querySelector('#figure-{figure} .drawing').focus()")


def show(browser, path, width, scheme="light"):
    browser.get_log("browser")
    browser.get_log("performance")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    browser.get(path.as_uri())


def sound_figures(browser, page, width):
    """The figures of a page on which nothing is in error, too wide or too small to read."""
    show(browser, page, width)
    assert browser.get_log("browser") == []
    assert browser.execute_script(OVERFLOW) == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    figures = browser.execute_script(FIGURES)
    for shown in figures:
        assert shown["height"] > 50
        assert shown["left"] >= 0
        assert shown["right"] <= width
        assert shown["texts"] > 3
        assert shown["smallest"] >= (7.5 if width == 320 else 8.5)  # CSS pixels
    return figures


@pytest.fixture(scope="session")
def browser():
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("LRSHAPE_REQUIRE_BROWSER"):
            pytest.fail("LRSHAPE_REQUIRE_BROWSER is set, but there is no chromium and chromedriver")
        pytest.skip("no chromium and chromedriver on this machine")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(str(Path(driver)))
    window = selenium.Chrome(options=options, service=service)
    try:
        yield window
    finally:
        window.quit()
