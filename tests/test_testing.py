"""The contracts that lrshape ships for plug-ins find what breaks them."""

from dataclasses import dataclass

import numpy as np
import pytest

from lrshape import testing
from lrshape.procedure.sampler import SAMPLERS
from lrshape.procedure.samplers.sobol import Sobol
from lrshape.shapes.family import FAMILIES, WarmupFamily
from lrshape.testing import workloads
from lrshape.testing.__main__ import main
from lrshape.training.workloads.linear_regression import LinearRegression


@dataclass(frozen=True, kw_only=True)
class Doubled(WarmupFamily):
    """A shape above 1, which none may be.

    Source: this test.

    Example:
        >>> Doubled().warmup
        0.0
    """

    formula = "2"

    def after_warmup(self, u):
        return 2.0 + 0.0 * u


class Restless(Sobol):
    """Asked twice, it gives other points."""

    def ask(self, state, n):
        points, new = super().ask(state, n)
        return np.random.default_rng().permutation(points), new


class Generous(Sobol):
    """It gives a point more than it is asked for."""

    def sequence(self, dimensions, seed, start, count):
        return super().sequence(dimensions, seed, start, count + 1)


@pytest.fixture
def broken(monkeypatch):
    list(FAMILIES), list(SAMPLERS)  # they have discovered their own
    samplers = [(SAMPLERS, cls.__name__.lower(), cls) for cls in (Restless, Generous)]
    for registry, name, cls in ((FAMILIES, "doubled", Doubled), *samplers):
        monkeypatch.setattr(cls, "name", name, raising=False)
        monkeypatch.setitem(registry._classes, name, cls)


def test_a_broken_plugin_breaks_its_contract(broken):
    with pytest.raises(AssertionError, match="multipliers must lie in"):
        testing.check_family(Doubled)
    with pytest.raises(AssertionError):
        testing.check_sampler(Restless())
    with pytest.raises(AssertionError, match="sampler generous: points must be"):
        testing.check_sampler(Generous())


class Skilled(LinearRegression):
    """Its metric rises when it learns."""

    metric = "final/accuracy"

    def scores(self):
        return ("accuracy",)

    def metrics(self, state, data):
        return {"accuracy": 1 / (1 + super().metrics(state, data)["train_loss"])}


class Forgetful(Skilled):
    """Its metric falls when it learns, though its name says that higher is better."""

    def metrics(self, state, data):
        return {"accuracy": super(Skilled, self).metrics(state, data)["train_loss"]}


def test_a_workload_may_have_a_metric_that_rises():
    workloads.learns(Skilled(dimension=4))
    with pytest.raises(AssertionError, match="final/accuracy must improve"):
        workloads.learns(Forgetful(dimension=4))


def test_the_command_names_what_failed(broken, capsys):
    assert main(["doubled"]) == 1
    assert "family doubled: FAILED: " in capsys.readouterr().out
    assert main(["linear"]) == 0
    assert "family linear: ok" in capsys.readouterr().out
    assert main(["nothing"]) == 2
    assert "error: NAME must be one of" in capsys.readouterr().err
