"""Imports point one way, and the light parts stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "lrshape"
BASICS = {"__version__", "errors", "processes", "registry", "settings"}
ALLOWED = {
    "errors": set(),
    "processes": set(),
    "registry": {"errors"},
    "settings": {"errors"},
    "space": {"errors"},
    "families": BASICS | {"space"},
    "schedule": BASICS | {"families", "export"},  # its methods to_torch() etc., when they are called
    "samplers": BASICS | {"space"},
    "workloads": BASICS,
    "engine": BASICS | {"workloads"},
    "executors": BASICS,
    "store": BASICS,
    "analysis": BASICS | {"store"},
    "study": BASICS
    | {"space", "families", "schedule", "samplers", "workloads", "engine", "executors", "store", "analysis"}
    | {"report"},  # a finished search writes its report
    "report": BASICS | {"families", "schedule", "analysis", "store"},
    "optimum": BASICS
    | {"space", "families", "schedule", "samplers", "workloads", "engine", "study", "analysis", "report"},
    "export": BASICS | {"schedule", "families", "store", "analysis"},
    "imports": BASICS | {"families", "schedule", "store", "analysis", "study", "export", "optimum"},
    "logs": BASICS | {"schedule", "store", "study", "export"},
    "reproduce": BASICS | {"schedule", "workloads", "engine", "analysis", "study", "report"},
    "cli": {"*"},
    "__init__": {"*"},
}
FILES = sorted(SOURCE.rglob("*.py"))


def unit(path):
    """The part of the package that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path):
    """Parts of lrshape that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "lrshape":
                names = [f"lrshape.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("lrshape.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_one_way(path):
    allowed = ALLOWED[unit(path)] | {unit(path)}
    if "*" not in allowed:
        assert imported(path) <= allowed


@pytest.mark.parametrize("folder", ["families", "samplers", "workloads", "executors"])
def test_siblings_in_a_plug_in_folder_import_only_shared_modules(folder):
    shared = {"base", "registry", "settings", "data"}
    for path in (SOURCE / folder).glob("*.py"):
        if path.name == "__init__.py" or path.stem in shared or path.stem.startswith("_"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"lrshape.{folder}."):
                sibling = (node.module or "").split(".")[2]
                assert sibling in shared or sibling.startswith("_"), f"{path.name} imports {node.module}"


def test_importing_lrshape_is_light():
    script = (
        "import sys, lrshape; lrshape.families();"
        "heavy = {'jax', 'matplotlib', 'sklearn', 'pyarrow'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_everything_public_is_there():
    import lrshape

    for name in lrshape.__all__:
        assert getattr(lrshape, name) is not None
    assert set(lrshape.__all__) <= set(dir(lrshape))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lrshape.nothing  # noqa: B018
