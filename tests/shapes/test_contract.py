"""Every registered family keeps its contract."""

from dataclasses import dataclass

import pytest

from lrshape.shapes import FAMILIES
from lrshape.shapes.family import WarmupFamily
from lrshape.shapes.parameter import parameter
from lrshape.testing import families


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("rule", families.RULES)
def test_keeps_the_contract(name, rule):
    rule(FAMILIES[name])


def test_a_family_may_search_a_choice():
    @dataclass(frozen=True, kw_only=True)
    class Bent(WarmupFamily):
        """A line, or a parabola.

        Parameters:
            warmup: fraction of training, in [0, 0.3].
            bend: ``no`` or ``yes``.

        Source: none.

        Example:
            >>> Bent()(1.0)
            0.0
        """

        name = "bent"
        formula = "1 - u or 1 - u^2"
        bend: str = parameter("no", scale="choice", choices=("no", "yes"))

        def after_warmup(self, u):
            return 1.0 - u if self.bend == "no" else 1.0 - u * u

    assert [p.name for p in Bent.parameters() if p.searched] == ["warmup", "bend"]
    for rule in set(families.RULES) - {families.survives_a_file}:  # files hold registered families
        rule(Bent)
