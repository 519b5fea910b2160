"""Mistakes of families, which their authors hear of and nobody else."""

from dataclasses import dataclass

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.shapes import evaluate
from lrshape.shapes.family import FAMILIES, WarmupFamily, parameter
from lrshape.shapes.steps import progress


@dataclass(frozen=True, kw_only=True)
class Plain(WarmupFamily):
    formula = "1 - u"
    k: float = 1.0

    def after_warmup(self, u):
        return 1.0 - u


class Undecorated(WarmupFamily):
    formula = "1 - k u"
    k: float = parameter(1.0)

    def after_warmup(self, u):
        return 1.0 - self.k * u


@dataclass(frozen=True, kw_only=True)
class Unsaid(WarmupFamily):
    def after_warmup(self, u):
        return 1.0 - u


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Plain, r"family Plain: field k must be made with parameter\(...\)"),
        (Undecorated, r"family Undecorated: needs its own @dataclass\(frozen=True"),
        (Unsaid, "family Unsaid: must have a formula"),
    ],
)
def test_a_family_that_cannot_be_listed_is_not_registered(family, message):
    with pytest.raises(TypeError, match=message):
        FAMILIES.register("mistaken")(family)
    assert "mistaken" not in FAMILIES


@dataclass(frozen=True, kw_only=True)
class Falling(WarmupFamily):
    name = "falling"
    formula = "1 - k u, or NaN"
    k: float = parameter(1.0, 0.5, 2.0)

    def after_warmup(self, u):
        return np.where(self.k == 2.0, np.nan, 1.0 - self.k * u)


@pytest.mark.parametrize(("t", "got"), [(1.0000001, "1.0000001"), (-1e-9, "-1e-09"), (np.nan, "nan")])
def test_progress_outside_training_is_told_to_its_last_digit(t, got):
    with pytest.raises(InputError, match=rf"progress must be in \[0, 1\], .*, got {got}$"):
        FAMILIES["linear"]()(np.array([0.5, t]))


@pytest.mark.parametrize(("k", "got"), [(1.5, "-0.5"), (2.0, "nan")])
def test_multipliers_outside_their_range_name_the_shape(k, got):
    message = rf"family falling: multipliers must lie in \[0, 1\], got {got} with {{.*'k': {k}}}"
    with pytest.raises(InputError, match=message):
        evaluate(Falling, {"k": [1.0, k, 0.5]}, progress(10, "right"))
    with pytest.raises(InputError, match=message):
        Falling(k=k)(1.0)
    assert Falling(k=np.nextafter(1.0, 2.0))(1.0) < 0.0  # by rounding
