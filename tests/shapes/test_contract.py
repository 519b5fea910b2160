"""Every registered family keeps its contract."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def legal_params(family):
    """A strategy for all parameters of a family, ends of the ranges included."""

    def values(p):
        if p.scale == "choice":
            return st.sampled_from(p.choices)
        if p.scale == "list":
            tail = st.lists(st.floats(p.low, p.high), max_size=6)
            return tail.map(lambda rest: (1.0, *rest)).flatmap(lambda v: st.permutations(v).map(tuple))
        if p.scale == "integer":
            return st.integers(int(p.low), int(p.high))
        return st.one_of(st.sampled_from([p.low, p.high]), st.floats(p.low, p.high))

    return st.fixed_dictionaries({p.name: values(p) for p in family.parameters()})


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_legal_parameters_leave_the_range(name, data):
    params = data.draw(legal_params(FAMILIES[name]))
    families.require_multipliers(FAMILIES[name], params)
    if FAMILIES[name].reaches_one:
        families.require_maximum_one(FAMILIES[name], params)
