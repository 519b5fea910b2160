"""The findings are what the stored studies say."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@pytest.fixture
def findings(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "studies")
    import findings

    return findings


def test_the_page_and_its_figures_are_what_the_studies_say(findings, tmp_path):
    """Otherwise run `make findings`."""
    findings.render(tmp_path)
    assert (tmp_path / "findings.md").read_text() == (DOCS / "findings.md").read_text()
    drawn = {file.name for file in (tmp_path / "images").iterdir()}
    assert drawn == {file.name for file in (DOCS / "images").glob("findings-*.svg")}


def test_an_effect_is_decided_by_its_interval(findings):
    from effects import Effect

    nan, inf = float("nan"), float("inf")
    cases = {
        (0.031, 0.012, 0.05): ("worse", "+3.1% (1.2 to 5.0)"),
        (-0.03, -0.05, -0.01): ("better", "-3.0% (-5.0 to -1.0)"),
        (0.004, 0.001, 0.012): ("small", "+0.4% (0.1 to 1.2)"),
        (0.01, -0.01, 0.042): ("open", "+1.0% (-1.0 to 4.2)"),
        (0.01, nan, nan): ("open", "+1.0%"),
        (-2e-7, -2e-7, -2e-7): ("small", "0.00%"),
        (1.3, 1.3, 1.3): ("worse", "+130%"),
        (inf, nan, nan): ("worse", "diverged"),
    }
    for case, (verdict, text) in cases.items():
        assert (Effect(*case).verdict, Effect(*case).text) == (verdict, text)
    assert Effect(0.3, 0.2, 0.4, is_judged=False).verdict == "open"
