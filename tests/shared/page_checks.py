"""What holds for every page and figure, and names that would do harm."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest

from lrshape.report.interaction import script
from lrshape.report.plotting import SMALL, WIDTH

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collect elements and check that they are closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.words, self.scripts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def check(path):
    """Parse a report and assert what holds for every one: well-formed, self-contained, no script but ours."""
    page = Page(path.read_text("utf-8"))
    tags = {tag for tag, _ in page.elements}
    scripts = [attrs for tag, attrs in page.elements if tag == "script"]
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    if scripts:
        assert scripts == [{"type": "application/json", "id": "shape-data"}, {}]
        json.loads(page.scripts[0])
        digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
        assert policy.endswith(f"; script-src 'sha256-{digest}'")
        assert page.scripts[1] == script()
    else:
        assert "script-src" not in policy
    assert not tags & {"iframe", "object", "embed", "img", "b1", "form", "base"}
    identifiers = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href", "action", "data"):
            assert str(attrs.get(name, "#")).startswith(("#", "data:"))
    return page


@pytest.fixture(scope="session")
def hostile():
    """Names that would do harm if they were not escaped."""
    return {
        "script": "<script>window.harmed=1</script>",
        "image": '"><img src=x onerror="window.harmed=1">',
        "style": "</style><script>window.harmed=1</script>",
        "template": "{{ 7919 * 7907 }}{% raw %}",
        "mathtext": r"$\frac{1}$ $x",
        "control": "a\x00b\x1b[31m\r\n\tc",
        "unicode": "学习率 🚀 \u202ereversed",
        "long": "very_long_name_" * 40,
        "quote": "';alert(1)//--><!--]]>&amp;",
    }


@pytest.fixture(scope="session")
def check_figure():
    """Asserts that a figure has the usual width, and that all texts lie inside and are large enough."""
    from matplotlib.text import Text

    def check(figure):
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        assert figure.get_figwidth() == WIDTH
        assert min(box.x0, box.y0) > -0.03
        assert box.x1 < figure.get_figwidth() + 0.03
        assert box.y1 < figure.get_figheight() + 0.03
        sizes = [t.get_fontsize() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]
        assert min(sizes) >= 0.8 * SMALL

    return check
