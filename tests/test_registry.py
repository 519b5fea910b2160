"""A plug-in is one new file: found by name, listed in order, and refused clearly when unknown."""

import importlib
import sys
import threading
import time
from importlib.metadata import EntryPoint

import pytest

from lrshape.errors import InputError, shown
from lrshape.registry import Registry

PLUGIN = """
from {package} import KINDS

@KINDS.register("{name}")
class Thing:
    pass
"""


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A package with two plug-ins and a module of shared code that must not be imported."""
    package = "plugins_of_this_test"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").write_text(
        f"from lrshape.registry import Registry\nKINDS = Registry('kind', '{package}', 'tests.kinds')\n"
    )
    (folder / "second.py").write_text(PLUGIN.format(package=package, name="zebra"))
    (folder / "first.py").write_text(PLUGIN.format(package=package, name="apple"))
    (folder / "_shared.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(package).KINDS
    for module in [m for m in sys.modules if m.startswith(package)]:
        del sys.modules[module]


def test_finds_every_file_and_lists_by_name(registry):
    assert "plugins_of_this_test.first" not in sys.modules  # nothing is imported before it is needed
    assert list(registry) == ["apple", "zebra"]
    assert len(registry) == 2
    assert registry["zebra"].name == "zebra"
    assert "apple" in registry
    assert "pear" not in registry
    assert ["unhashable"] not in registry
    assert registry.get("pear", 1) == registry.get([], 1) == 1
    assert registry.get("zebra") is registry["zebra"]


def test_an_instance_of_a_class_that_is_not_registered_is_refused(registry):
    thing = registry["apple"]()
    assert registry.validated(thing) is thing
    again = registry.register("apple")(type("Thing", (), {"__module__": type(thing).__module__}))
    assert registry["apple"] is again is not type(thing)
    assert registry.validated(thing) is thing  # of a cell of a notebook that was run again
    with pytest.raises(InputError, match="class Pear is not registered: decorate it"):
        registry.build(type("Pear", (), {})())


@pytest.mark.parametrize("name", ["appel", None, 3, ["apple"], "x" * 10_000])
def test_an_unknown_name_is_an_input_error(registry, name):
    with pytest.raises(InputError, match="kind must be one of apple, zebra, got") as caught:
        registry[name]
    assert ("did you mean 'apple'?" in str(caught.value)) == (name == "appel")
    assert len(str(caught.value)) < 200


def test_one_name_for_two_classes_is_a_mistake_of_the_author(registry):
    registry.register("pear")(type("Pear", (), {}))
    with pytest.raises(TypeError, match="'pear' is registered twice"):
        registry.register("pear")(type("Other", (), {}))


def test_a_plugin_that_cannot_be_imported_is_not_forgotten(registry, tmp_path):
    (tmp_path / "plugins_of_this_test" / "third.py").write_text("import no_such_module_anywhere\n")
    importlib.invalidate_caches()
    fresh = Registry("kind", "plugins_of_this_test")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            list(fresh)


def offer(monkeypatch, registry, **modules):
    """Let another package name these modules or classes as entry points."""
    found = [EntryPoint(name, value, "tests.kinds") for name, value in modules.items()]
    monkeypatch.setattr(
        "lrshape.registry.entry_points", lambda group: found if group == "tests.kinds" else []
    )


def test_other_packages_name_modules_and_classes(registry, monkeypatch, tmp_path):
    (tmp_path / "others_module.py").write_text(PLUGIN.format(package="plugins_of_this_test", name="pear"))
    (tmp_path / "others_class.py").write_text("class Fig: pass\n")
    importlib.invalidate_caches()
    offer(monkeypatch, registry, pear="others_module", fig="others_class:Fig")
    assert list(registry) == ["apple", "fig", "pear", "zebra"]
    assert registry["fig"].name == "fig"


def test_a_thread_does_not_miss_what_another_one_is_loading(registry, monkeypatch, tmp_path):
    slow = f"import time; time.sleep(0.2)\n{PLUGIN.format(package='plugins_of_this_test', name='pear')}"
    (tmp_path / "others_slow.py").write_text(slow)
    importlib.invalidate_caches()
    offer(monkeypatch, registry, pear="others_slow")
    first = threading.Thread(target=list, args=(registry,))
    first.start()
    while "others_slow" not in sys.modules:
        time.sleep(0.01)
    assert registry["pear"].name == "pear"
    first.join()


def test_a_broken_plugin_of_another_package_costs_one_warning(registry, monkeypatch, tmp_path, caplog):
    (tmp_path / "others_taken.py").write_text(PLUGIN.format(package="plugins_of_this_test", name="apple"))
    importlib.invalidate_caches()
    offer(monkeypatch, registry, pear="no_such_module_anywhere", mine="others_taken")
    assert list(registry) == list(registry) == ["apple", "zebra"]
    assert registry["apple"].__module__ == "plugins_of_this_test.first"
    missing, taken = [record.getMessage() for record in caplog.records]
    assert missing.startswith(
        "kind 'pear' of no_such_module_anywhere cannot be loaded: ModuleNotFoundError: No module named"
    )
    assert "plugins_of_this_test.first.Thing and others_taken.Thing" in taken
    with pytest.raises(InputError, match="kind 'pear' of no_such_module_anywhere cannot be loaded"):
        registry["pear"]


def test_values_in_messages_are_short_and_on_one_line():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert shown("a\nb") == r"'a\nb'"
    assert shown(Broken()) == "a Broken"
    assert shown(10**5000) == "a int"
    assert len(shown(list(range(1000)))) == 80
