"""Imports point one way, without circles; the light parts stay light; pandas groups what occurs."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "lrshape"
BASICS = {
    "_version",
    "averages",
    "errors",
    "files",
    "loss_curve",
    "process_wide",
    "registry",
    "settings",
    "values",
}
ALLOWED = {
    "_version": set(),
    "averages": {"errors"},
    "errors": set(),
    "files": {"errors"},
    "loss_curve": {"errors", "values"},
    "process_wide": set(),
    "registry": {"errors", "settings"},
    "settings": {"errors", "values"},
    "values": {"errors"},
    "shapes": BASICS,
    "frameworks": BASICS | {"shapes"},
    "workers": BASICS,
    "store": BASICS,
    "predict": BASICS | {"shapes", "store", "report"},
    "training": BASICS | {"shapes", "workers", "store"},
    "analysis": BASICS | {"shapes", "store"},
    "procedure": BASICS | {"shapes", "store", "analysis"},
    "study": BASICS | {"shapes", "store", "analysis", "procedure", "training", "workers"},
    "report": BASICS | {"shapes", "store", "analysis"},
    "trackers": BASICS | {"shapes", "store", "analysis", "procedure", "study"},
    "api": BASICS | {"shapes", "store", "training", "workers", "study", "report"},
    "checks": BASICS
    | {"shapes", "store", "analysis", "procedure", "training", "workers", "study", "report", "api"},
    "paper": BASICS
    | {"shapes", "store", "analysis", "procedure", "training", "workers", "study", "report", "checks"},
    "testing": {"*"},
    "cli": {"*"},
    "__init__": {"*"},
    "__main__": {"*"},
}
"""What each room may import. `Schedule.to_torch` and its like import `frameworks` when called."""


def module(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in SOURCE.rglob("*.py")}


def imported(path):
    """Modules of lrshape that a file imports, anywhere in it."""
    found = set()
    todo = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
        todo += ast.iter_child_nodes(node)
    return {name for name in found if name and name.split(".")[0] == "lrshape"}


def room(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_imports_point_one_way():
    wrong = []
    for name, path in MODULES.items():
        allowed = ALLOWED[room(name)] | {room(name)}
        lazy = {"frameworks"} if name in ("lrshape.shapes.binding", "lrshape.shapes.schedules") else set()
        if "*" not in allowed:
            strange = {other for other in imported(path) if room(other) not in allowed | lazy}
            wrong += [f"{name} imports {other}" for other in sorted(strange - {"lrshape"})]
    assert not wrong, "\n".join(wrong)


def test_no_files_import_each_other_in_a_circle():
    # A package's __init__ gathers its files, which is no circle; what files import from it is.
    graph = {
        name: {other for other in imported(path) if other in MODULES and other != name}
        for name, path in MODULES.items()
        if name != "lrshape"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_no_room_imports_a_private_module_of_another():
    wrong = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in imported(path)
        if other in MODULES and room(other) != room(name) and "._" in other.removeprefix("lrshape._version")
    ]
    assert not wrong, "\n".join(wrong)


COMMAND = "from lrshape.cli import app; app(sys.argv[1:], standalone_mode=False)"
SHAPES = (
    "import lrshape.procedure.sampler; from lrshape.shapes import FAMILIES, evaluate, schedule, steps; "
    "[evaluate(family, {}, steps.progress(5)) for family in FAMILIES.values()]; "
    "[schedule.Schedule(name, {}, 1.0, 5).values() for name in FAMILIES]"
)
FIGURES = (
    "import lrshape.report.page; assert 'matplotlib' not in sys.modules; "
    "from lrshape.report.plotting import new_figure; new_figure(2).draw_without_rendering()"
)


@pytest.mark.parametrize(
    ("program", "arguments", "heavy"),
    [
        ("import lrshape; list(lrshape.families)", [], "jax matplotlib sklearn pyarrow scipy.stats"),
        (SHAPES, [], "jax matplotlib torch pandas"),
        (FIGURES, [], "matplotlib.pyplot"),
        (COMMAND, ["--help"], "jax matplotlib pandas scipy sklearn"),
        (COMMAND, ["status", "STUDY"], "jax matplotlib optax scipy.optimize scipy.stats"),
        ("import lrshape.training.user_function, lrshape.workers.worker", [], "jax numpy pydantic"),
    ],
    ids=["package", "shapes", "figures", "help", "stored study", "worker process"],
)
def test_what_should_be_quick_leaves_heavy_packages_alone(searched, program, arguments, heavy):
    given = [str(searched.path) if word == "STUDY" else word for word in arguments]
    script = f"import sys; {program}; assert not (found := set({heavy.split()}) & set(sys.modules)), found"
    subprocess.run([sys.executable, "-c", script, *given], check=True, capture_output=True)


def test_groups_are_those_that_occur():
    # Texts are categoricals, and the default of pandas 2 adds a group for each category without rows.
    calls = [
        (name, node)
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "groupby"
    ]
    assert calls
    assert not [
        f"{name}:{node.lineno}"
        for name, node in calls
        if "observed=True" not in map(ast.unparse, node.keywords)
    ]
