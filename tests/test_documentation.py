"""What the documents say is true: their commands exist, their code runs, their links lead somewhere."""

import re
from pathlib import Path

import pytest

from lrshape.cli import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def commands():
    return [command.name or command.callback.__name__ for command in app.registered_commands]


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for command in commands():
        assert f"lrshape {command}" in readme, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_named_commands_and_targets_exist(document):
    text = document.read_text()
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    for command in re.findall(r"(?:^|`)lrshape ([a-z]+)", code, re.MULTILINE):
        assert command in commands(), command
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^|`)make ([a-z]+)", code, re.MULTILINE):
        assert target in targets, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not link.startswith("https://"):
            assert (document.parent / link).exists(), link


def test_the_readmes_ten_lines_run(tmp_path, monkeypatch):
    """Word for word, on the real data, in an empty directory."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code.group(1), "README.md", "exec"), names)
    assert names["lrs"].shape == (100,)
    assert (tmp_path / "mine" / "report.html").is_file()
    best = names["study"].best()
    assert best.score_median < 0.06  # from 0.1: it has learned


def test_the_family_in_contributing_keeps_the_contract():
    code = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    from lrshape.shapes import FAMILIES
    from lrshape.testing import check_family

    known = dict(FAMILIES)
    try:
        exec(compile(code.group(1), "CONTRIBUTING.md", "exec"), {"__name__": "contributed"})
        check_family(FAMILIES["logarithmic"])
    finally:
        FAMILIES._classes.clear()
        FAMILIES._classes.update(known)
