import re
import xml.etree.ElementTree as ET

import pytest

from lrshape.report import drawing as svg
from lrshape.report.figures import FIGURES


@pytest.fixture(scope="module")
def found(studies):
    trials = studies(shapes=12)
    second = (trials["shape"] == "rex-0000") & (trials["phase"] == "rescore")
    trials.loc[second, "final/test_error"] = 0.0  # another winner, so that every figure is drawn
    trials.loc[second, "final/train_loss"] *= 0.94  # and a shape that is nearly as good
    return studies.findings(trials, curves=studies.curves(trials))


@pytest.fixture(scope="module")
def guided(studies):
    return studies.findings(studies.guided())


@pytest.fixture(scope="module", params=FIGURES, ids=lambda d: d.name)
def element(request, found, guided):
    shown = guided if request.param.name == "course" else found
    return svg.inline(
        request.param.draw(shown), request.param.name, "what it shows & how"
    ), request.param.name


def test_inline_svg_is_accessible_and_refers_only_to_itself(element):
    text, name = element
    root = ET.fromstring(text)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "what it shows & how"
    assert root.get("viewBox")
    identifiers = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(i.startswith(f"{name}-") for i in identifiers)
    urls = re.findall(r"url\(#([^)]+)\)", text)
    links = [v for e in root.iter() for k, v in e.attrib.items() if k == "href"]
    local = [link[1:] for link in links if link.startswith("#")]
    assert set(urls) | set(local) <= set(identifiers)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert not {e.tag for e in root.iter()} & {"style", "script", "metadata", "a", "foreignObject"}


def test_inline_svg_takes_the_pages_colours(element):
    text, _ = element
    assert "var(--ink, #1b2229)" in text
    styles = re.findall(r'style="([^"]*)"', text)
    assert not [s for s in styles if re.search(r"(?<!, )#1b2229", s)]


def test_text_stays_text_in_the_page_and_becomes_outlines_in_the_file(found, tmp_path):
    drawing = FIGURES[0]
    assert ">generalized_cosine</text>" in svg.inline(drawing.draw(found), "x", "y")
    svg.save(drawing.draw(found), tmp_path, "scores")
    written = (tmp_path / "scores.svg").read_text()
    assert "<text" not in written
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("drawing", FIGURES, ids=lambda d: d.name)
def test_the_same_study_gives_the_same_bytes(found, guided, drawing, tmp_path):
    found = guided if drawing.name == "course" else found
    inline = [svg.inline(drawing.draw(found), "a", "b") for _ in range(2)]
    assert inline[0] == inline[1]
    files = []
    for _ in range(2):
        svg.save(drawing.draw(found), tmp_path, "f")
        files.append(((tmp_path / "f.svg").read_bytes(), (tmp_path / "f.png").read_bytes()))
    assert files[0] == files[1]
    assert b"<dc:date>" not in files[0][0]


def test_the_users_matplotlib_settings_neither_matter_nor_change(found):
    import matplotlib as mpl

    drawing = FIGURES[0]
    usual = svg.inline(drawing.draw(found), "a", "b")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": False}):
        before = dict(mpl.rcParams)
        assert svg.inline(drawing.draw(found), "a", "b") == usual
        assert dict(mpl.rcParams) == before
