"""Every registered sampler keeps its contract."""

import pytest

from lrshape.procedure.sampler import SAMPLERS
from lrshape.testing import samplers


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("rule", samplers.RULES)
def test_keeps_the_contract(name, rule):
    rule(SAMPLERS.build(name))
