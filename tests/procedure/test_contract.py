"""Every registered sampler keeps its contract; base-LR strategies say what they take."""

import pytest

from lrshape.procedure.base_lr import STRATEGIES
from lrshape.procedure.sampler import SAMPLERS
from lrshape.testing import samplers
from lrshape.testing.contract import require_described_settings

LEARNS_EARLY = {"gp": {"initial": 4, "batch_size": 2}}
"""Else it would be asked for points of its sequence only."""


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("rule", samplers.RULES)
def test_keeps_the_contract(name, rule):
    rule(SAMPLERS.build({"name": name, **LEARNS_EARLY.get(name, {})}))


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_base_lr_strategy_has_described_settings(name):
    require_described_settings(STRATEGIES[name])
