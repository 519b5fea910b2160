"""What the documents say is true: their commands exist, their code runs, their links lead somewhere."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from lrshape.cli import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def commands(group=None, prefix=""):
    """Every command, those of groups as ``group command``."""
    group = group or typer.main.get_command(app)
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for command in commands():
        assert f"lrshape {command}" in readme, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_named_commands_and_targets_exist(document):
    text = document.read_text()
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    known = set(commands())
    groups = {command.split()[0] for command in known if " " in command}
    for first, second in re.findall(r"(?:^|`)lrshape ([a-z]+)(?: ([a-z]+))?", code, re.MULTILINE):
        command = f"{first} {second}" if first in groups else first
        assert command in known, command
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^|`)make ([a-z]+)", code, re.MULTILINE):
        assert target in targets, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not link.startswith("https://"):
            path, _, heading = link.partition("#")
            target = document.parent / path if path else document
            assert target.exists(), link
            assert not heading or heading in headings(target), link


def headings(document):
    """The anchors of a page's headings."""
    lines = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in lines}


@pytest.mark.report
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


def test_the_family_in_contributing_keeps_the_contract(monkeypatch):
    code = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    from lrshape.shapes import FAMILIES
    from lrshape.testing import check_family

    monkeypatch.setattr(FAMILIES, "_classes", dict(FAMILIES))
    exec(compile(code.group(1), "CONTRIBUTING.md", "exec"), {"__name__": "contributed"})
    check_family(FAMILIES["logarithmic"])
