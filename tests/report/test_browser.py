import json

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
return Array.from(document.querySelectorAll("figure")).map(figure =>
  Array.from(figure.querySelectorAll("svg")).map(svg => {
    const box = svg.getBoundingClientRect();
    const sizes = Array.from(svg.querySelectorAll("text"), text =>
      parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width);
    return {width: box.width, height: box.height, left: box.left, right: box.right,
            smallest: Math.min(...sizes), texts: sizes.length};
  }));
"""
OVERFLOW = """
if (document.documentElement.scrollWidth <= innerWidth) return [];
return Array.from(document.body.querySelectorAll("*"))
  .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll, pre, svg"))
  .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`);
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


@pytest.mark.parametrize("width", [1280, 640, 400, 320])
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_sound_and_legible(browser, pages, case, width):
    show(browser, pages[case], width)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    figures = browser.execute_script(FIGURES)
    assert len(figures) == {"usual": 5, "partial": 5, "many": 5, "diverged": 1, "one shape": 4}[case]
    for variants in figures:
        (shown,) = [v for v in variants if v["width"] > 0]
        assert shown["height"] > 50
        assert shown["left"] >= 0
        assert shown["right"] <= width
        assert shown["texts"] > 3
        assert shown["smallest"] >= (7.5 if width == 320 else 8.5)  # CSS pixels


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


def test_hostile_names_do_no_harm_in_a_browser(browser, studies, write, hostile, tmp_path):
    for number, text in enumerate(hostile.values()):
        trainings = studies(families=("rex", text), shapes=2).rename(columns={"final/train_loss": text})
        folder = tmp_path / str(number)
        path = write(trainings, folder, objective=text, name=text, spec={text: text}, device={text: text})
        for width in (1280, 400):
            show(browser, path, width)
            assert browser.get_log("browser") == []
            assert browser.execute_script("return window.harmed === undefined")
            assert browser.execute_script("return document.scripts.length + document.images.length") == 0
            assert browser.execute_script(OVERFLOW) == []
