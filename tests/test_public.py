"""What is public: all of it is there, typed, and it alone is documented."""

import importlib
import re
from pathlib import Path

import pytest

import lrshape
from lrshape.api import SearchSettings
from lrshape.study.spec import StudySpec

HELD = [
    "lrshape.analysis.result.Measured",
    "lrshape.analysis.result.Contender",
    "lrshape.predict.suggestion.Row",
    "lrshape.predict.suggestion.Today",
    "lrshape.predict.next_runs.NextRun",
    "lrshape.study.callback.Status",
]
"""Classes of attributes and arguments of what is public; users read them, but do not make them."""

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "api.md").read_text()


def test_everything_public_is_there():
    for name in lrshape.__all__:
        assert getattr(lrshape, name) is not None
    assert set(lrshape.__all__) <= set(dir(lrshape))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lrshape.nothing  # noqa: B018


def found(path):
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def test_the_page_lists_what_is_public_and_nothing_else():
    paths = re.findall(r"^::: (\S+)$", PAGE, re.MULTILINE)
    listed = [found(path) for path in paths if not path.startswith("lrshape.testing.")]
    public = [getattr(lrshape, name) for name in lrshape.__all__ if name != "families"]
    assert {id(one) for one in listed} == {id(one) for one in [*public, *map(found, HELD)]}


def test_the_settings_of_search_are_the_keys_of_a_spec():
    assert set(SearchSettings.__annotations__) == {*StudySpec.model_fields, "trials"}
