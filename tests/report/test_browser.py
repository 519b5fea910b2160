import json

import numpy as np
import pytest

from browsing import (
    CARD,
    CONTRASTS,
    CUT,
    DISPLAYS,
    FIGURES,
    OVERFLOW,
    TARGETS,
    focus,
    key,
    mouse,
    show,
    sound_figures,
)

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


@pytest.fixture(scope="module")
def pages(studies, write, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: write(studies(**options), folder / name.replace(" ", "-")) for name, options in CASES.items()
    }


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
