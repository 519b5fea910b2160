"""What every workload promises; those that JAX trains are trained for a few steps."""

from typing import Any

import numpy as np

from lrshape.averages import higher_is_better
from lrshape.testing.contract import check, has_described_settings, require
from lrshape.training.evaluation import evaluate
from lrshape.training.workload import PopulationWorkload, Workload

STEPS = 8
"""Of the trials: rules hold from the start."""


def check_workload(workload: Workload) -> None:
    """Require that a workload, an instance with settings that make it quick, keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if it cannot be trained here, e.g. without its data.
    """
    check(RULES if isinstance(workload, PopulationWorkload) else RULES[:2], workload)


def _trained(workload: Workload, scale: float = 1.0) -> Any:
    """Three trials at the middle base LR, the first and the last alike."""
    low, high = workload.base_lrs
    lrs = np.full((3, STEPS), scale * (low * high) ** 0.5)
    return evaluate(_short(workload), lrs, np.array([0, 1, 0]))


def _short(workload: Workload) -> Workload:
    return type(workload).model_validate(workload.model_dump() | {"steps": STEPS})


def names_its_metric(workload: Workload) -> None:
    """There are metrics; of a workload that JAX trains, its own is one of them."""
    names = workload.metric_names()
    require(names and len(set(names)) == len(names), f"metrics must have different names, got {names}")
    if isinstance(workload, PopulationWorkload):
        require(workload.metric in names, f"metric must be one of {names}, got {workload.metric}")


def gives_exactly_the_metrics_it_names(workload: Workload) -> None:
    """One finite number a trial, the same when it is repeated; equal trials have equal numbers."""
    first, second = _trained(workload), _trained(workload)
    require(set(first) == set(workload.metric_names()), f"metrics must be those it names, got {set(first)}")
    for name, values in first.items():
        require(values.shape == (3,) and np.isfinite(values).all(), f"{name} must be finite, got {values}")
        np.testing.assert_array_equal(values, second[name])
        require(values[0] == values[2], f"{name} must depend on rates and seed alone, got {values}")


def learns(workload: Workload) -> None:
    """A few steps improve its metric."""
    metric = workload.metric
    trained, untrained = _trained(workload)[metric], _trained(workload, 0.0)[metric]
    better = trained > untrained if higher_is_better(metric) else trained < untrained
    require(better.all(), f"{metric} must improve, got {untrained} and then {trained}")


def trains_alone_as_it_does_together(workload: Workload) -> None:
    """Seven trials have the same metrics in one program and in seven."""
    short = _short(workload)
    lrs = np.geomspace(*short.base_lrs, 7)[:, None] * np.linspace(1, 0.1, STEPS)
    seeds = np.array([0, 1, 2, 0, 1, 2, 3])
    together = evaluate(short, lrs, seeds)
    for i in range(7):
        alone = evaluate(short, lrs[i : i + 1], seeds[i : i + 1])
        for name in together:
            np.testing.assert_allclose(alone[name], together[name][i : i + 1], rtol=2e-5)


def diverges_at_absurd_rates(workload: Workload) -> None:
    """Such a trial has diverged, and scores infinity."""
    outcome = _trained(workload, 1e30)
    require((outcome.status == "diverged").all(), f"must have diverged, got {outcome.status}")
    require(all(np.isinf(values).all() for values in outcome.values()), "scores must be infinite")


RULES = (
    has_described_settings,
    names_its_metric,
    gives_exactly_the_metrics_it_names,
    learns,
    trains_alone_as_it_does_together,
    diverges_at_absurd_rates,
)
