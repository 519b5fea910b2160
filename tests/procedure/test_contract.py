"""Every registered sampler keeps its contract."""

import pytest

from lrshape.procedure.sampler import SAMPLERS
from lrshape.testing import samplers

LEARNS_EARLY = {"gp": {"initial": 4, "batch_size": 2}}
"""Else it would be asked for points of its sequence only."""


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("rule", samplers.RULES)
def test_keeps_the_contract(name, rule):
    rule(SAMPLERS.build({"name": name, **LEARNS_EARLY.get(name, {})}))
