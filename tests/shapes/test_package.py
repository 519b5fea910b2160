"""The package: what it lists, and how a parameter is declared."""

import json

import numpy as np
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.shapes import FAMILIES
from lrshape.shapes.family import Parameter, parameter, power


def test_families_tell_what_there_is_to_know():
    assert lrshape.families is FAMILIES
    for name, family in lrshape.families.items():
        assert family.name == name
        assert family.formula
        assert family.summary.endswith(".")
        json.dumps([p.to_dict() for p in family.parameters()], allow_nan=False)
    rex = {p.name: p.to_dict() for p in FAMILIES["rex"].parameters()}
    assert rex["beta"] == {
        "name": "beta", "default": 0.5, "low": 0.01, "high": 10.0, "scale": "log", "searched": True,
    }  # fmt: skip
    assert rex["warmup_shape"]["choices"] == ["linear", "cosine", "exponential", "polynomial"]
    assert rex["warmup_shape"]["searched"] is False


def test_unknown_parameters_are_input_errors_with_a_hint():
    with pytest.raises(
        InputError, match=r"rex has parameters warmup, .*beta, got 'bet'; did you mean 'beta'\?"
    ):
        FAMILIES["rex"].from_params({"bet": 1.0})


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1), np.array(1.0)])
def test_numbers_of_all_kinds_become_plain(value):
    beta = FAMILIES["rex"](beta=value).beta
    assert beta == 1.0
    assert type(beta) is float
    drops = FAMILIES["multi_step"](drops=value).drops
    assert drops == 1
    assert type(drops) is int


def test_single_precision_ends_of_a_range_are_legal():
    assert float(np.float32(0.3)) > 0.3
    assert FAMILIES["cosine"](warmup=np.float32(0.3)).warmup == 0.3
    assert FAMILIES["cosine"](warmup=np.full(2, 0.3, np.float32)).warmup.tolist() == [0.3, 0.3]


def test_shapes_are_values():
    assert FAMILIES["rex"](beta=1) == FAMILIES["rex"](beta=1.0)
    assert hash(FAMILIES["rex"](beta=1)) == hash(FAMILIES["rex"](beta=1.0))
    assert FAMILIES["rex"](beta=2) != FAMILIES["rex"](beta=1)


def test_a_declaration_must_make_sense():
    with pytest.raises(TypeError, match="low <= default <= high"):
        parameter(2.0, 0.0, 1.0)
    with pytest.raises(InputError, match="nothing to search"):
        _ = Parameter("values", (1.0,), scale="list").dimension


def test_power_at_zero_is_zero():
    np.testing.assert_array_equal(power(np.array([0.0, 0.0, 1.0]), np.array([0.5, 0.0, 3.0])), [0, 0, 1])
