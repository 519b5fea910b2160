"""Mistakes of families, which their authors hear of and nobody else."""

from dataclasses import dataclass

import pytest

from lrshape.shapes.family import FAMILIES, WarmupFamily, parameter


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
