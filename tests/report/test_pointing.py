"""Pointing at a shape on the pages of sweeps, of checks after a search and of the optimum."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from browsing import CARD, CONTRASTS, TARGETS, focus, key, mouse, show
from page_checks import check

_FOLDER = Path(__file__).parent
# Test files are no modules that could be imported.
_local, _seeds, _settings = (
    runpy.run_path(str(_FOLDER.parent / "checks" / f"test_{name}_page.py"))
    for name in ("local", "seeds", "settings")
)


def local(folder):
    params = {"exponent": 1.0, "floor": 0.5, "warmup": 0.05}
    values = ((0.31, 2.0), (0.4, 1.2), (0.5, 1.0), (0.45, np.inf))
    points = _local["points"](values=values, parameters=("exponent", "floor")).assign(family="power")
    points["params"] = [
        json.dumps(params | {p: v}) for p, v in zip(points["parameter"], points["value"], strict=True)
    ]
    (folder / "figures").mkdir()
    result = _local["result"](folder / "figures", points, [_local["row"]("exponent"), _local["row"]("floor")])
    return result.write(folder, eyebrow="Check: local", name="digits")


def seeds(folder):
    (folder / "figures").mkdir()
    return _seeds["result"](folder / "figures").write(folder, eyebrow="Check: seeds", name="digits")


def sweep(folder):
    return _settings["write"](_settings["sweep"](), folder)


def optimum(folder):
    from lrshape.paper.page import write_page
    from lrshape.paper.run import find_optimum
    from lrshape.study.spec import StudySpec

    workload = {"name": "linear-regression", "steps": 40, "dimension": 20, "batch_size": 1}
    spec = StudySpec.parse({"workload": workload, "families": ["cosine", "power"]})
    return write_page(find_optimum(spec, starts_count=1, seeds=20), folder)


PAGES = {page.__name__: page for page in (local, seeds, sweep, optimum)}
FIGURES = [
    # page, figure, targets, what a card says besides the shape's name
    ("local", "rex-0001", 3 + 3, "95% interval"),
    ("seeds", "scatter", 2 * 9, "1 seed"),
    ("sweep", "overlay", 3, "family"),
    ("sweep", "transfer-re-tuned", 3 * 3, "regret in 0.01"),
    ("sweep", "transfer-kept", 3 * 3, "regret in 0.01"),
    ("optimum", "optimum", 3, "largest LR"),
    ("optimum", "families", 2, "above the optimum"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    found = {}
    for name, write in PAGES.items():
        found[name] = write(tmp_path_factory.mktemp(name))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_the_data_and_the_script_are_allowed_and_sound(pages, page):
    if page == "sweep":  # its links to the studies are no part of a single page
        text = pages[page].read_text().replace('href="studies/', 'href="#studies/')
        pages[page].with_name("checked.html").write_text(text)
        check(pages[page].with_name("checked.html"))
    else:
        check(pages[page])
    assert 'id="shape-data"' in pages[page].read_text()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize(("page", "figure", "count", "line"), FIGURES)
def test_pointing_at_a_shape_shows_it(browser, pages, page, figure, count, line, width):
    show(browser, pages[page], width)
    assert browser.execute_script(CARD) is None
    targets = browser.execute_script(TARGETS, figure)
    assert len(targets) == count
    seen, said = set(), set()
    for shape, x, y, *cell in targets[:: max(1, count // 7)]:
        mouse(browser, x, y)
        card = browser.execute_script(CARD)
        assert card["left"] >= 0
        assert card["right"] <= width
        assert card["marks"] == 1
        assert card["curve"].count(",") == 41
        lines = dict(card["lines"])
        if cell:
            assert card["name"] == shape[0]
            assert lines[cell[0]] == cell[1]
        seen.add(card["name"])
        said |= set(lines)
    assert len(seen) >= 2
    assert seen <= {target[0][0] for target in targets}
    assert line in said
    mouse(browser, 2, 2)
    assert browser.execute_script(CARD) is None
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("page", PAGES)
def test_the_keyboard_reaches_the_shapes(browser, pages, page):
    figure = next(name for other, name, *_ in FIGURES if other == page)
    show(browser, pages[page], 1280)
    focus(browser, figure)
    first = browser.execute_script(CARD)
    key(browser, "ArrowRight" if page == "seeds" else "ArrowDown", 39 if page == "seeds" else 40)
    assert browser.execute_script(CARD)["text"] != first["text"]
    key(browser, "ArrowRight", 39)
    assert browser.execute_script(CARD)["marks"] == 1
    key(browser, "Escape", 27)
    assert browser.execute_script(CARD) is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_and_cards_can_be_read_in_light_and_in_dark(browser, pages, page, scheme):
    """Texts in a matrix's cells lie on their own colours, so they are left out here."""
    figure = next(name for other, name, *_ in FIGURES if other == page)
    show(browser, pages[page], 1280, scheme)
    browser.execute_script(
        "document.querySelectorAll('[id^=figure-transfer] svg text').forEach(t => t.remove())"
    )
    focus(browser, figure)
    assert browser.execute_script(CARD) is not None
    seen = browser.execute_script(CONTRASTS)
    assert (seen["paper"] < 0.1) == (scheme == "dark")
    assert seen["worst"] >= 4.5
