"""The population loop: no result may depend on how members are grouped, padded or spread."""

import os
import subprocess
import sys
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrshape.errors import InputError
from lrshape.testing.workloads import trains_alone_as_it_does_together
from lrshape.training import population, programs
from lrshape.training.evaluation import evaluate
from lrshape.training.optimizers import Adam, Muon, ScheduleFreeAdamW
from lrshape.training.workload import StepWorkload
from lrshape.training.workloads.digits import DigitsMLP, digits
from lrshape.training.workloads.linear_regression import LinearRegression

SMALL = DigitsMLP(steps=12, hidden=(16,))


def rates(workload, members, low=1e-3, high=1e-1):
    return np.geomspace(low, high, members)[:, None] * np.linspace(1, 0.1, workload.steps)


def test_seven_together_equal_seven_alone():
    """The contract of workloads requires it of their default settings."""
    trains_alone_as_it_does_together(LinearRegression(dimension=10, dynamics="sgd"))


def test_results_are_bit_identical_whatever_the_program_size():
    lrs, seeds = rates(SMALL, 9), np.arange(9) % 3
    whole = evaluate(SMALL, lrs, seeds)
    for members in (2, 4, 64):
        cut = evaluate(SMALL, lrs, seeds, members=members)
        for name in whole:
            np.testing.assert_array_equal(cut[name], whole[name])


@pytest.mark.parametrize(
    ("group", "optimizer"),
    [(2, Adam()), (4, Adam()), (4, Muon()), (4, ScheduleFreeAdamW())],
    ids=["2", "4", "muon", "schedule-free"],
)
def test_members_side_by_side_as_on_an_accelerator_agree(monkeypatch, group, optimizer):
    workload = SMALL.model_copy(update={"optimizer": optimizer})
    lrs, seeds = rates(workload, 7), np.arange(7) % 3
    alone = evaluate(workload, lrs, seeds)
    monkeypatch.setattr(population, "group_size", lambda workload, members: group)
    together = evaluate(workload, lrs, seeds)
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], rtol=2e-5)


def test_a_workload_that_tunes_itself_trains_on_all_cores():
    script = (
        "import jax, numpy as np; from lrshape.training.evaluation import evaluate;"
        "from lrshape.training.workloads.digits import DigitsCNN;"
        "evaluate(DigitsCNN(steps=1, filters=(2, 2)), np.ones((1, 1)), [0]); print(jax.device_count())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert int(done.stdout) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("optimizer", "reference"),
    [(Adam(), optax.adam), (ScheduleFreeAdamW(), optax.contrib.schedule_free_adamw)],
    ids=["adam", "schedule-free"],
)
def test_agrees_with_a_plain_optax_loop(optimizer, reference):
    """The engine against the obvious loop, with the batches and the initial weights that it used."""
    workload = DigitsMLP(steps=12, hidden=(16,), record_every=5, optimizer=optimizer)
    lrs = rates(workload, 1)
    key = jax.random.wrap_key_data(np.array([0, 5], np.uint32))
    data = workload.data()
    params = workload.init(jax.random.fold_in(key, 0), data)
    order = workload.order(jax.random.fold_in(key, 1), data)
    images, labels = data["train"]
    adam = optax.inject_hyperparams(reference)(learning_rate=0.0)
    memory = adam.init(params)
    losses = []
    for step in range(workload.steps):
        batch = images[order[step]], labels[order[step]]
        loss, gradient = jax.value_and_grad(workload.loss)(params, batch, None)
        losses.append(loss)
        memory.hyperparams["learning_rate"] = jnp.asarray(lrs[0, step], jnp.float32)
        update, memory = adam.update(gradient, memory, params)
        params = optax.apply_updates(params, update)
    if isinstance(optimizer, ScheduleFreeAdamW):
        params = optax.contrib.schedule_free_eval_params(memory.inner_state, params)
    expected = workload.metrics(params, data)
    outcome = evaluate(workload, lrs, [5])
    np.testing.assert_allclose(outcome["final/train_loss"], expected["train_loss"], rtol=1e-4)
    np.testing.assert_allclose(outcome["final/test_error"], expected["test_error"], atol=1e-6)
    (curve,) = outcome.curves
    assert curve.step.tolist() == [5, 10, 12]
    means = [np.mean(losses[:5]), np.mean(losses[5:10]), np.mean(losses[10:])]
    np.testing.assert_allclose(curve.train_loss, means, rtol=1e-4)
    np.testing.assert_allclose(curve.valid_loss, [np.nan, np.nan, expected["test_loss"]], rtol=1e-4)


def test_members_with_one_seed_share_init_and_batches_others_do_not():
    lrs = np.full((4, 12), 1e-2)
    losses = evaluate(SMALL, lrs, np.array([3, 3, 4, 2**63], np.uint64))["final/train_loss"]
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_zero_learning_rate_leaves_the_initial_weights():
    outcome = evaluate(SMALL, np.zeros((1, 12)), [0])
    other = evaluate(DigitsMLP(steps=3, hidden=(16,)), np.zeros((1, 3)), [0])
    assert outcome["final/train_loss"] == other["final/train_loss"]


def test_divergence_is_infinite_marked_and_leaves_others_alone():
    lrs = np.stack([np.full(12, 1e-2), np.full(12, 1e30), np.full(12, 1e-2)])
    outcome = evaluate(SMALL, lrs, [0, 0, 0])
    assert outcome.status.tolist() == ["ok", "diverged", "ok"]
    assert outcome.first_bad_step[[0, 2]].tolist() == [-1, -1]
    assert 1 <= outcome.first_bad_step[1] <= 3
    assert all(np.isinf(values[1]) for values in outcome.values())
    assert outcome["final/train_loss"][0] == outcome["final/train_loss"][2]


def test_a_metric_that_overflows_leaves_the_others_as_they_are(monkeypatch):
    with_all = type(SMALL).metrics

    def metrics(self, state, data):
        found = with_all(self, state, data)
        return {**found, "test_error": jnp.exp(1e3 + found["train_loss"])}

    monkeypatch.setattr(type(SMALL), "metrics", metrics)
    outcome = evaluate(SMALL.model_copy(update={"steps": 7}), np.full((1, 7), 1e-2), [0])
    assert outcome.status.tolist() == ["ok"]
    assert np.isfinite(outcome["final/train_loss"]).all()
    assert np.isinf(outcome["final/test_error"]).all()


def test_a_last_step_that_breaks_the_weights_is_a_divergence():
    lrs = np.full((1, 12), 1e-2)
    lrs[0, -1] = 1e38
    outcome = evaluate(SMALL, lrs, [0])
    assert outcome.status.tolist() == ["diverged"]
    assert outcome.first_bad_step.tolist() == [11]


def test_a_last_step_that_leaves_a_huge_finite_loss_is_a_divergence():
    lrs = np.full((1, 12), 1e-2)
    lrs[0, -1] = 1e6
    assert evaluate(SMALL, lrs, [0]).status.tolist() == ["diverged"]


@pytest.mark.parametrize(("first", "limit"), [(2.0, 20.0), (-2.0, 16.0), (0.0, 1e30)])
def test_the_limit_of_the_loss_suits_any_first_loss(first, limit):
    assert programs.is_sound(limit, first, 10.0)
    assert programs.is_sound(1.01 * limit, first, 10.0) == (first == 0)
    assert not programs.is_sound(np.nan, first, 10.0)
    assert not programs.is_sound(np.inf, first, 10.0)


class Rise(StepWorkload):
    """Its loss is the sum of the learning rates so far; its accuracy is the largest at a loss of 2."""

    name: ClassVar[str] = "rise"

    def scores(self):
        return ("train_loss", "valid_accuracy")

    def data(self):
        return {}

    def init(self, key, data):
        return jnp.zeros(())

    def step(self, state, lr, batch, key):
        return state + lr, state

    def metrics(self, state, data):
        return {"train_loss": state, "valid_accuracy": 1 - (state - 2) ** 2 / 4}


def test_a_loss_that_begins_at_zero_may_rise():
    outcome = evaluate(Rise(steps=4), np.array([[1.0] * 4, [3e38] * 4]), [0, 0])
    assert outcome.status.tolist() == ["ok", "diverged"]
    assert outcome["final/train_loss"].tolist() == [4.0, np.inf]


def test_the_best_accuracy_is_the_largest():
    outcome = evaluate(Rise(steps=4, evaluate_every=1), np.array([[1.0] * 4, [3e38] * 4]), [0, 0])
    assert outcome["best/valid_accuracy"].tolist() == [1.0, np.inf]  # of a trial that diverged
    assert outcome["best/valid_accuracy_step"].tolist() == [2, np.inf]
    assert outcome["best/train_loss"].tolist() == [1.0, np.inf]


def test_loss_above_the_stated_multiple_is_a_divergence():
    strict = DigitsMLP(steps=12, hidden=(16,), divergence_multiple=1.0000001)
    outcome = evaluate(strict, np.full((1, 12), 1.0), [0])
    assert outcome.status.tolist() == ["diverged"]


def test_scores_on_the_way_give_the_best_and_its_step():
    """A rate that is raised at the end spoils what was reached in the middle."""
    workload = DigitsMLP(steps=40, hidden=(16,), evaluate_every=10)
    lrs = np.full((2, 40), 1e-2)
    lrs[1, 30:] = 1.0
    outcome = evaluate(workload, lrs, [0, 0])
    assert set(outcome) == set(workload.metric_names())
    assert outcome["best/train_loss_step"].tolist() == [40, 30]
    assert outcome["best/train_loss"][0] == outcome["final/train_loss"][0]
    assert outcome["best/train_loss"][1] < outcome["final/train_loss"][1]
    shorter = evaluate(DigitsMLP(steps=30, hidden=(16,)), np.full((1, 30), 1e-2), [0])
    assert outcome["best/train_loss"][1] == shorter["final/train_loss"][0]
    plain = evaluate(DigitsMLP(steps=40, hidden=(16,)), lrs, [0, 0])
    np.testing.assert_array_equal(plain["final/test_loss"], outcome["final/test_loss"])


def test_progress_is_reported_to_the_end():
    seen = []
    evaluate(SMALL, rates(SMALL, 3), [0, 1, 2], report=seen.append)
    shares = [progress.done for progress in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_exception_from_the_report_stops_the_training():
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(SMALL, rates(SMALL, 3), [0, 1, 2], report=stop)


@pytest.mark.parametrize(
    ("lrs", "seeds", "message"),
    [
        (np.ones((2, 11)), [0, 0], r"lrs must have shape \(members, 12\), got \(2, 11\)"),
        (np.ones(12), [0], "lrs must have shape"),
        ([["a"] * 12], [0], r"lrs must be numbers, rows of one length, got \[\['a', "),
        ([[1.0] * 12, [1.0]], [0, 0], r"lrs must be numbers, rows of one length, got \[\[1.0, "),
        (
            np.ones((2, 12)),
            [[0], [0, 1]],
            r"seeds must be numbers, rows of one length, got \[\[0\], \[0, 1\]\]",
        ),
        (np.ones((0, 12)), [], "lrs must have shape"),
        (np.full((1, 12), np.nan), [0], "lrs must be finite"),
        (np.full((1, 12), -1.0), [0], "lrs must be finite and not negative, got -1.0"),
        (np.ones((2, 12)), [0], "seeds must be 2 integers"),
        (np.ones((2, 12)), np.arange(30), "seeds must be 2 integers"),
        (np.ones((1, 12)), [0.5], "seeds must be 1 integers"),
        (np.ones((1, 12)), [-1], "seeds must be 1 integers of at least 0"),
    ],
)
def test_bad_input_is_one_clear_line(lrs, seeds, message):
    with pytest.raises(InputError, match=message) as refused:
        evaluate(SMALL, lrs, seeds)
    assert "\n" not in str(refused.value)


def test_a_batch_larger_than_the_data_is_refused():
    huge = DigitsMLP(steps=2, batch_size=len(digits()["train"][1]) + 1)
    with pytest.raises(InputError, match=r"batch_size must be at most .* 1437, got 1438"):
        evaluate(huge, np.ones((1, 2)), [0])
