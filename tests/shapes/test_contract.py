"""What every registered family promises. A new family is tested here without a line being added."""

import dataclasses
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES, Family, WarmupFamily, evaluate
from lrshape.shapes.schedule import Schedule, progress

every_family = pytest.mark.parametrize("name", list(FAMILIES))
warmup_family = pytest.mark.parametrize(
    "name", [n for n, c in FAMILIES.items() if issubclass(c, WarmupFamily)]
)
GRID = np.unique(np.concatenate([progress(40, s) for s in ("midpoint", "left", "right")]))


@every_family
def test_is_a_frozen_keyword_only_dataclass_with_documentation(name):
    family = FAMILIES[name]
    assert issubclass(family, Family)
    assert dataclasses.is_dataclass(family)
    assert family.name == name
    assert family.formula
    assert "\n" not in family.formula
    doc = inspect.getdoc(family)
    assert doc is not None
    assert ">>> " in doc
    assert "Source:" in doc
    for p in family.parameters():
        # the shape of the ramp is documented once, with the class that implements it
        assert p.name == "warmup_shape" or f"{p.name}:" in doc, f"{p.name} is not documented"
    assert all(f.kw_only for f in dataclasses.fields(family))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(family(), family.parameters()[0].name, 0.1)


@every_family
def test_no_family_overrides_a_concrete_method(name):
    family = FAMILIES[name]
    for base in family.__mro__[1:]:
        for attribute, value in vars(base).items():
            if not attribute.startswith("__") and inspect.isfunction(value) and issubclass(base, Family):
                overridden = getattr(family, attribute) is not value
                assert not overridden or getattr(value, "__isabstractmethod__", False), attribute


@every_family
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_values_are_multipliers(name, legal_params, data):
    m = FAMILIES[name](**data.draw(legal_params(FAMILIES[name])))(GRID)
    assert m.shape == GRID.shape
    assert m.dtype == np.float64
    assert np.all((m >= 0.0) & (m <= 1.0))


# Through a knot at 1 that another knot may cut off, and no formula at all.
@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in ("smooth_nonmonotonic", "table")])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_maximum_is_one(name, legal_params, data):
    params = data.draw(legal_params(FAMILIES[name]))
    # The peak is at the start or where a parameter says: the end of warmup, the top of the cycle.
    where = [v for v in params.values() if isinstance(v, float) and 0.0 <= v <= 1.0]
    assert FAMILIES[name](**params)([*GRID, *where]).max() == pytest.approx(1.0, abs=1e-14)


@warmup_family
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_decay_starts_at_one(name, legal_params, data):
    params = data.draw(legal_params(FAMILIES[name]))
    assert FAMILIES[name](**params)(params["warmup"]) == pytest.approx(1.0, abs=1e-14)


@warmup_family
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_warmup_is_a_straight_line_from_zero(name, legal_params, data):
    params = data.draw(legal_params(FAMILIES[name])) | {"warmup_shape": "linear"}
    warmup = data.draw(st.floats(1e-6, 0.3))
    t = np.linspace(0.0, warmup, 7)
    np.testing.assert_allclose(FAMILIES[name](**params | {"warmup": warmup})(t), t / warmup, atol=1e-12)


@warmup_family
@pytest.mark.parametrize("ramp", ["cosine", "exponential", "polynomial"])
def test_other_warmups_rise_from_zero_to_one(name, ramp):
    t = np.linspace(0.0, 0.2, 11)
    m = FAMILIES[name](warmup=0.2, warmup_shape=ramp)(t)
    assert m[0] == 0.0
    assert m[-1] == pytest.approx(1.0, abs=1e-14)
    assert np.all(np.diff(m) > 0)
    assert np.abs(m - t / 0.2).max() > 0.05  # none of them is the line
    after = np.linspace(0.2, 1.0, 9)
    np.testing.assert_array_equal(
        FAMILIES[name](warmup=0.2, warmup_shape=ramp)(after), FAMILIES[name](warmup=0.2)(after)
    )


@every_family
def test_batch_equals_one_by_one(name, columns):
    batch = columns(FAMILIES[name])
    together = evaluate(FAMILIES[name], batch, GRID)
    one_by_one = [FAMILIES[name](**{k: v[i] for k, v in batch.items()})(GRID) for i in range(len(together))]
    np.testing.assert_array_equal(together, one_by_one)
    broadcast = FAMILIES[name](**{k: v[:, None] for k, v in batch.items()})(GRID)
    np.testing.assert_array_equal(together, np.broadcast_to(broadcast, together.shape))


@every_family
def test_out_of_range_is_an_input_error_that_names_rule_and_value(name):
    for p in FAMILIES[name].parameters():
        bad = ["nonsense"]
        if p.batched:
            bad += [p.low - 1, p.high + 0.5, float("nan"), float("inf"), None, True, [p.default], 10**400]
            bad += [np.array([p.default, p.high + 0.5]), np.array([float("nan")]), np.array(["a"])]
            bad += [1.5] if p.scale == "integer" else []
        for value in bad:
            with pytest.raises(InputError, match=p.name) as caught:
                FAMILIES[name](**{p.name: value})
            assert "got" in str(caught.value)
            assert "\n" not in str(caught.value)
        if p.batched:
            with pytest.raises(InputError, match=rf"got {p.high + 0.625!r}$"):
                FAMILIES[name](**{p.name: np.array([p.default, p.high + 0.625])})
            with pytest.raises(InputError, match=rf"got {p.high + 0.625!r}$"):
                FAMILIES[name](**{p.name: np.float64(p.high + 0.625)})


@every_family
@pytest.mark.parametrize("t", [-0.1, 1.5, 500, float("nan")])
def test_progress_beyond_training_is_an_input_error(name, t):
    with pytest.raises(InputError, match="progress must be in"):
        FAMILIES[name]()([0.5, t])


@every_family
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_survives_a_dict_and_json(name, legal_params, data):
    schedule = Schedule(name, data.draw(legal_params(FAMILIES[name])), 0.3, 11)
    assert Schedule.from_dict(schedule.to_dict()) == schedule
    again = Schedule.from_json(schedule.to_json())
    assert again == schedule
    assert again.values().tobytes() == schedule.values().tobytes()


@every_family
def test_space_holds_the_searched_parameters_with_their_ranges(name):
    searched = [p for p in FAMILIES[name].parameters() if p.searched]
    space = FAMILIES[name].space()
    assert space.names == tuple(p.name for p in searched)
    for p, d in zip(searched, space.dimensions, strict=True):
        assert (d.low, d.high, d.scale) == (p.low, p.high, p.scale)
    for unit in (0.0, 1.0):  # both ends of the search range are legal
        FAMILIES[name](**{k: v[0] for k, v in space.from_unit(np.full((1, len(space)), unit)).items()})
