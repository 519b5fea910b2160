"""Metrics of averaged weights: the engine against plain sums over the weights of every step."""

import jax
import numpy as np
import pytest

from lrshape.averages import STANDARD, interval
from lrshape.errors import InputError
from lrshape.study.spec import StudySpec
from lrshape.training import memory
from lrshape.training.evaluation import evaluate
from lrshape.training.programs import training
from lrshape.training.workloads.digits import DigitsMLP


def trajectory(workload, lrs, seed):
    """The weights after each step, by a plain loop."""
    functions, data = training(workload), workload.data()
    key = jax.random.wrap_key_data(np.array([0, seed], np.uint32))
    state = functions.init(jax.random.fold_in(key, 0), data)
    order = workload.order(jax.random.fold_in(key, 1), data)
    step, weights = jax.jit(functions.step), []
    for t, lr in enumerate(lrs.astype(np.float32)):
        state, _ = step(state, {"lr": lr}, {"lr": lr}, workload.batch(data, order[t]), None)
        weights.append(state[0])
    return weights


def weighted_mean(weights, counts):
    return jax.tree.map(lambda *leaves: np.average(np.stack(leaves), axis=0, weights=counts), *weights)


@pytest.mark.parametrize("steps", [40, 110])
def test_averages_are_those_of_the_weights_of_every_step(steps):
    workload = DigitsMLP(steps=steps, hidden=(16,), averages=("ema-0.1", "ema-1", "tail-0.2"))
    lrs = 1e-2 * np.linspace(1, 0.1, steps)
    outcome = evaluate(workload, lrs[None], [5])
    every = interval(steps)
    assert every == (1 if steps == 40 else 2)
    weights = trajectory(workload, lrs, 5)[::-1][::every]  # from the last one back
    age = every * np.arange(len(weights))
    counts = {
        "ema-0.1": np.exp(-age / (0.1 * steps)),
        "ema-1": np.exp(-age / steps),
        "tail-0.2": age < 0.2 * steps,
    }
    for name, count in counts.items():
        expected = workload.metrics(weighted_mean(weights, count), workload.data())
        for metric in ("train_loss", "test_error"):
            np.testing.assert_allclose(
                outcome[f"final/{metric}@{name}"], expected[metric], rtol=1e-4, atol=1e-6
            )


def test_averages_change_no_other_metric_and_diverge_with_their_trial():
    plain = DigitsMLP(steps=60, hidden=(16,), evaluate_every=20)
    lrs = np.full((2, 60), 1e-2)
    lrs[1] = 1e30
    without = evaluate(plain, lrs, [0, 0])
    outcome = evaluate(plain.model_copy(update={"averages": STANDARD}), lrs, [0, 0])
    assert len(outcome) == 6 * len(without)
    for name, values in without.items():
        np.testing.assert_array_equal(outcome[name], values)
    assert all(np.isfinite(values[0]) and np.isinf(values[1]) for values in outcome.values())


def test_a_last_step_that_spoils_the_weights_spares_the_average():
    workload = DigitsMLP(steps=40, hidden=(16,), averages="ema-0.3")
    lrs = np.full((1, 40), 1e-2)
    lrs[0, -1] = 0.3
    outcome = evaluate(workload, lrs, [0])
    assert outcome["final/train_loss@ema-0.3"] < outcome["final/train_loss"]


def test_memory_counts_the_averages():
    grown = memory.footprint(DigitsMLP(averages=True)).member - memory.footprint(DigitsMLP()).member
    parameters = 64 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10
    assert grown == 3 * 4 * parameters * len(STANDARD)


def test_a_spec_names_averages_and_a_study_may_go_by_one():
    spec = {"families": ["rex"], "workload": {"name": "digits-mlp", "averages": True}}
    assert StudySpec.parse(spec | {"metric": "final/test_loss@ema-0.1"}).workload.average_names == STANDARD
    spec["workload"]["averages"] = "tail-0.5"
    with pytest.raises(InputError, match=r"metric must be one of .*final/test_error@tail-0.5"):
        StudySpec.parse(spec | {"metric": "final/test_loss@ema-0.1"})


@pytest.mark.parametrize("given", ["ema", "ema-0.001", "ema-2", "mean-0.1", ["ema-0.1", "ema-0.1"], 3])
def test_a_wrong_name_is_one_clear_line(given):
    with pytest.raises(
        InputError, match=r"^averages: must be different names such as ema-0\.1 or tail-0\.2"
    ) as raised:
        DigitsMLP(averages=given)
    assert "\n" not in str(raised.value)
