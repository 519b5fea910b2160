"""Values as users give them: whatever library a number is of, whatever holds a list, however it is typed."""

import json
from collections import UserDict, UserList, deque
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule
from lrshape.study.spec import StudySpec, override, read_spec
from lrshape.values import path_of, plain, positive_number, typed, whole_number

FLOATS = st.floats(-1e6, 1e6, width=32)
WHOLE = st.integers(-(2**31), 2**31 - 1)


def jax_number(number):
    import jax.numpy as jnp

    return jnp.asarray(number)


def torch_number(number):
    return pytest.importorskip("torch").tensor(number)


NUMBERS = {
    "int": [int, np.int32, np.int64, np.array, jax_number, Fraction],
    "float": [float, np.float32, np.float64, np.array, jax_number, Decimal],
}
CONTAINERS = [list, tuple, deque, UserList, np.array, pd.Series, iter, lambda values: (v for v in values),
              lambda values: dict(enumerate(values)).values()]  # fmt: skip
MAPPINGS = [dict, UserDict, MappingProxyType]


@settings(deadline=None)
@given(number=WHOLE, kind=st.sampled_from(NUMBERS["int"]))
def test_a_whole_number_of_any_library_is_an_int(number, kind):
    found = plain(kind(number))
    assert found == number
    if kind is not Fraction:  # a fraction may be whole, but is not given as such
        assert type(found) is int
        assert whole_number("steps", kind(number), -(2**31)) == number


@settings(deadline=None)
@given(number=FLOATS, kind=st.sampled_from(NUMBERS["float"]))
def test_a_number_of_any_library_is_a_float(number, kind):
    found = plain(kind(number))
    assert type(found) is float
    assert found == number
    if number > 0:
        assert positive_number("base_lr", kind(number)) == number


@given(
    values=st.lists(st.integers(1, 99), min_size=1),
    container=st.sampled_from(CONTAINERS),
    mapping=st.sampled_from(MAPPINGS),
)
def test_what_holds_values_is_a_list_or_a_dict(values, container, mapping):
    found = plain(mapping({"hidden": container(values)}))
    assert found == {"hidden": values}
    assert json.loads(json.dumps(found)) == found


def test_a_set_of_texts_has_an_order_and_a_set_of_numbers_has_none():
    assert plain({"wsd", "rex", "cosine"}) == ["cosine", "rex", "wsd"]
    assert plain({"b": 1, "a": 2}.keys()) == ["b", "a"]
    with pytest.raises(InputError, match=r"workload.hidden: must be a list, for a set has no order, got"):
        StudySpec.parse({"workload": {"name": "digits-mlp", "hidden": {8, 16}}})


def test_a_list_in_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(InputError, match="nested too deeply"):
        plain(loop)


@given(st.floats(0, 1e6, exclude_min=True, width=32))
def test_a_number_is_read_as_python_prints_it(number):
    for text in (repr(number), f"+{number!r}", f" {number!r} ", f"{number:.3e}".upper(), f"{number:#.0f}"):
        assert typed(text) == float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".5", 0.5), ("1.", 1.0), ("+0.1", 0.1), ("-.5", -0.5), ("1.e-3", 1e-3), ("1E-3", 1e-3), ("05", 5),
        (" 5 ", 5), ("1_000", 1000), ("[.5, 1.]", [0.5, 1.0]), ("{low = .01}", {"low": 0.01}),
        ("true", True), ("'5'", "5"), ("rex", "rex"), ("1.2.3", "1.2.3"), ("v1.", "v1."), ("0,5", "0,5"),
        ("", ""), (".", "."),
    ],
)  # fmt: skip
def test_values_that_people_type(text, value):
    assert typed(text) == value
    assert type(typed(text)) is type(value)
    document = {}
    override(document, f"a.b={text}")
    assert document == {"a": {"b": value}}


@pytest.mark.parametrize("value", [5.0, "5", True, np.True_, None, [5], np.array([5]), float("nan"), 10**30])
def test_what_is_no_whole_number_in_range(value):
    with pytest.raises(InputError, match="steps must be a whole number from 1 to 10, got"):
        whole_number("steps", value, 1, 10)


def test_a_toml_file_with_a_short_number_is_told_how_to_write_it(tmp_path):
    for number in (".5", "1."):
        (tmp_path / "spec.toml").write_text(f"name = 'x'\n[base_lr]\nhigh = {number}\n")
        with pytest.raises(InputError, match=r"line 3.*TOML writes 0\.5 and 1\.0 for \.5 and 1\."):
            read_spec(tmp_path / "spec.toml")


@pytest.mark.parametrize("number", [np.asarray, np.float32, jax_number, torch_number])
def test_schedules_and_families_take_numbers_of_any_library(number):
    schedule = Schedule("rex", {"warmup": number(0.25), "beta": number(2)}, number(0.5), steps=np.int64(8))
    assert schedule == Schedule("rex", {"warmup": 0.25, "beta": 2}, 0.5, 8)
    assert schedule.replace(steps=number(16) if number is not np.float32 else 16).steps == 16
    edge = Schedule("cosine", {"warmup": number(np.float32(0.3))}, 1.0, 8).params["warmup"]
    assert edge == pytest.approx(0.3)
    assert Schedule.from_values(iter([number(0.5), number(0.25)])).values().tolist() == [0.5, 0.25]
    assert FAMILIES["table"](values=(v for v in [number(0.5), number(1)])).values == (0.5, 1.0)
    assert schedule.replace(batch_sizes=iter([np.int32(4)] * 3)).batch_sizes == ((4, 3),)


def test_one_entry_is_a_list_of_one_and_any_mapping_is_a_table():
    workload = UserDict(name="function", function="m:train", steps=np.int64(10), metrics="val_loss")
    given = {
        "families": "rex",
        "baselines": "linear",
        "initial_shapes": {"family": "rex", "base_lr": np.float32(0.5)},
        "workload": workload,
        "base_lr": MappingProxyType({"low": np.float64(0.01), "high": Decimal("1")}),
        "trials": np.int64(48),
    }
    spec = StudySpec.parse(UserDict(given))
    assert [family.name for family in spec.families] == ["rex"]
    assert list(spec.baselines) == ["linear"]
    assert spec.metric == "final/val_loss"
    same = StudySpec.parse(
        {
            "families": ("rex",),
            "baselines": iter(["linear"]),
            "initial_shapes": [{"family": "rex", "base_lr": 0.5}],
            "workload": {**workload, "steps": 10, "metrics": ["val_loss"]},
            "base_lr": {"low": 0.01, "high": 1.0},
            "trials": 48,
        }
    )
    assert spec.document() == same.document()


@pytest.mark.parametrize(
    "key", ["base_lr", "confirm", "screen", "tuning", "sampler", "families", "baselines"]
)
@pytest.mark.parametrize("value", [0.1, True, None, b"x", float("nan")])
def test_a_number_where_a_table_is_wanted_is_one_clear_line(key, value):
    for others in ({}, {"schedules": ["cosine", "linear"]}):
        with pytest.raises(InputError, match=key):
            StudySpec.parse({"workload": "digits-mlp", **others, key: value})


def test_texts_are_no_bools():
    with pytest.raises(InputError, match="share_families: must be true or false, got 'yes'"):
        StudySpec.parse({"workload": "digits-mlp", "screen": {"share_families": "yes"}})


def test_the_home_directory_is_found_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert path_of("~/study") == tmp_path / "study"
    assert path_of("a/~/b").parts == ("a", "~", "b")
    with pytest.raises(InputError, match="no home directory of a user 'nobody-of-this-name'"):
        path_of("~nobody-of-this-name/study")
    with pytest.raises(InputError, match="null character"):
        path_of("a\0b")
    (tmp_path / "~lock").touch()
    assert path_of("~lock").name == "~lock"
