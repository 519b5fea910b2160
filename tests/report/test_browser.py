import json

import numpy as np
import pytest

CASES = {
    "usual": {},
    "partial": {"phases": ("screen",)},
    "diverged": {"status": "diverged"},
    "one shape": {"families": ("rex",), "shapes": 1, "base_lrs": 1, "baselines": (), "seeds": (1, 1, 1)},
    "many": {
        "families": ("cosine_floor", "exponential", "generalized_cosine", "power", "rex", "sqrt", "wsd"),
        "shapes": 20,
    },
}
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


@pytest.fixture(scope="module")
def pages(studies, write, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: write(studies(**options), folder / name.replace(" ", "-")) for name, options in CASES.items()
    }


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


@pytest.mark.parametrize("width", [1280, 640, 400, 320])
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_sound_and_legible(browser, pages, case, width):
    figures = sound_figures(browser, pages[case], width)
    assert len(figures) == {"usual": 7, "partial": 6, "many": 6, "diverged": 1, "one shape": 4}[case]


@pytest.mark.parametrize("media", ["screen", "print"])
def test_tables_are_whole_on_a_wide_screen_and_on_paper(browser, pages, media):
    show(browser, pages["many"], 1600 if media == "screen" else 718)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
    try:
        assert browser.execute_script(CUT) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("case", ["usual", "diverged"])
def test_the_page_asks_for_nothing(browser, pages, case):
    show(browser, pages[case], 1280)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert pages[case].as_uri() in urls
    assert [u for u in urls if u != pages[case].as_uri() and not u.startswith("data:")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_light_and_in_dark(browser, pages, scheme):
    show(browser, pages["usual"], 1280, scheme)
    seen = browser.execute_script(CONTRASTS)
    assert (seen["paper"] < 0.1) == (scheme == "dark")
    assert seen["worst"] >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("figure", ["distribution", "heatmap"])
def test_pointing_at_a_shape_shows_it(browser, pages, figure, width, scheme):
    show(browser, pages["usual"], width, scheme)
    assert browser.execute_script(CARD) is None
    targets = browser.execute_script(TARGETS, figure)
    assert len(targets) == {"distribution": 24, "heatmap": 28 * 6}[figure]
    seen = set()
    for shape, x, y, *cell in targets[:: len(targets) // 7]:
        mouse(browser, x, y)
        card = browser.execute_script(CARD)
        assert card["name"] == shape[0]
        assert card["left"] >= 0
        assert card["right"] <= width
        assert card["curve"].count(",") == 41
        assert card["marks"] == 1
        lines = dict(card["lines"])
        if cell:
            assert lines[cell[0]] == cell[1]
            assert lines[f"best, at LR {shape[4]}"] == shape[5]
        else:
            assert lines[f"median final/train_loss, at LR {shape[4]}"] == shape[5]
        seen.add(shape[0])
    assert len(seen) >= 5
    assert browser.execute_script(CONTRASTS)["worst"] >= 4.5
    mouse(browser, 2, 2)
    assert browser.execute_script(CARD) is None
    assert browser.get_log("browser") == []


def test_the_cards_curve_is_the_shapes(browser, pages):
    from lrshape.shapes import FAMILIES

    show(browser, pages["usual"], 1280)
    shape, x, y = next(
        t for t in browser.execute_script(TARGETS, "distribution") if t[0][0].startswith("rex")
    )
    mouse(browser, x, y)
    card = browser.execute_script(CARD)
    assert card["name"] == shape[0]
    points = np.array([point.split(",") for point in card["curve"].split()], float)
    expected = FAMILIES["rex"](beta=0.4690467068, warmup=0.06)(points[:, 0] / 160)
    np.testing.assert_allclose(1 - points[:, 1] / 50, expected, atol=0.06)


@pytest.mark.parametrize("width", [1280, 400])
def test_the_keyboard_reaches_every_shape(browser, pages, width):
    show(browser, pages["usual"], width)
    focus(browser, "heatmap")
    first = browser.execute_script(CARD)
    assert first is not None
    key(browser, "ArrowDown", 40)
    second = browser.execute_script(CARD)
    assert second["name"] != first["name"]
    key(browser, "ArrowRight", 39)
    third = browser.execute_script(CARD)
    assert third["name"] == second["name"]
    assert third["lines"][0] != second["lines"][0]
    key(browser, "ArrowUp", 38)
    assert browser.execute_script(CARD)["name"] == first["name"]
    key(browser, "Escape", 27)
    assert browser.execute_script(CARD) is None


def test_a_tap_shows_a_shape_and_a_tap_elsewhere_closes_it(browser, pages):
    show(browser, pages["usual"], 400)
    shape, x, y = browser.execute_script(TARGETS, "distribution")[3]

    def tap(x, y):
        for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        tap(x, y)
        assert browser.execute_script(CARD)["name"] == shape[0]
        tap(5, 5)
        assert browser.execute_script(CARD) is None
    finally:
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_nothing_of_the_card_is_printed(browser, pages):
    show(browser, pages["usual"], 1280)
    focus(browser, "distribution")
    assert browser.execute_script(CARD) is not None
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert set(browser.execute_script(DISPLAYS)) == {"none"}
        printed = browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
        assert len(printed) > 10_000
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_javascript_the_figures_are_there(browser, pages, tmp_path):
    page = pages["usual"].read_text("utf-8")
    forbidden = """<head><meta http-equiv="Content-Security-Policy" content="script-src 'none'">"""
    path = tmp_path / "page.html"
    path.write_text(page.replace("<head>", forbidden), "utf-8")
    assert path.stat().st_size > pages["usual"].stat().st_size
    show(browser, path, 1280)
    assert browser.execute_script("return document.querySelectorAll('.card, .live').length") == 0
    assert len([figure for figure in browser.execute_script(FIGURES) if figure["width"] > 0]) == 7
    assert browser.execute_script("return document.querySelector('.hint').offsetWidth") == 0


def test_hostile_names_do_no_harm_in_a_browser(browser, studies, write, hostile, tmp_path):
    for number, text in enumerate(hostile.values()):
        trials = studies(families=("rex", text), shapes=2).rename(columns={"final/train_loss": text})
        folder = tmp_path / str(number)
        path = write(trials, folder, metric=text, name=text, spec={text: text}, device={text: text})
        for width in (1280, 400):
            show(browser, path, width)
            assert browser.get_log("browser") == []
            assert browser.execute_script("return window.harmed === undefined")
            assert browser.execute_script("return document.scripts.length") == 2  # the data and our script
            assert browser.execute_script("return document.images.length") == 0
            focus(browser, "heatmap")
            assert browser.execute_script(CARD)["text"]
            assert browser.execute_script("return window.harmed === undefined")
            assert browser.execute_script(OVERFLOW) == []
