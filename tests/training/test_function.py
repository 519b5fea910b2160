"""Function workloads: what users' code may return and do."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.function import FunctionWorkload

LRS = np.linspace(0.1, 1.0, 6).reshape(2, 3)


def run(train, **settings):
    return evaluate(FunctionWorkload.of(train, steps=3, **settings), LRS, [7, 8])


def test_a_number_is_the_score():
    outcome = run(lambda lrs, seed: lrs.sum() + seed)
    np.testing.assert_allclose(outcome["final/score"], LRS.sum(axis=1) + np.array([7, 8]))
    assert outcome.status.tolist() == ["ok", "ok"]


def test_a_mapping_is_several_metrics():
    outcome = run(
        lambda lrs, seed: {"loss": seed, "best/error": np.float32(0.5)}, metrics=("loss", "best/error")
    )
    assert outcome["final/loss"].tolist() == [7.0, 8.0]
    assert outcome["best/error"].tolist() == [0.5, 0.5]


def test_the_function_gets_its_own_float64_rates():
    def train(lrs, seed):
        assert lrs.dtype == np.float64
        assert lrs.shape == (3,)
        assert isinstance(seed, int)
        lrs[:] = 0  # must not reach the other trials
        return 1.0

    assert run(train).status.tolist() == ["ok", "ok"]
    assert LRS[0, 0] == 0.1


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        1e308,
        -1e39,
        10**400,
        np.ma.masked,
        np.ma.array([3.0], mask=True),
    ],
)
def test_not_finite_is_a_divergence(value):
    outcome = run(lambda lrs, seed: value if seed == 7 else 1.0)
    assert outcome.status.tolist() == ["diverged", "ok"]
    assert outcome["final/score"].tolist() == [np.inf, 1.0]


@pytest.mark.parametrize("undefined", [float("nan"), float("inf"), 1e308, None])
def test_an_undefined_metric_leaves_the_others_as_they_are(undefined):
    outcome = run(lambda lrs, seed: {"loss": seed, "auc": undefined, "more": 1}, metrics=("loss", "auc"))
    assert outcome.status.tolist() == ["ok", "ok"]
    assert outcome["final/loss"].tolist() == [7.0, 8.0]
    assert outcome["final/auc"].tolist() == [np.inf, np.inf]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("0.5", "TypeError: train must return a number for score, got '0.5'"),
        (None, "train must return a number"),
        (True, "train must return a number"),
        ([1.0], "train must return a number"),
        ({"loss": 1.0}, "the metrics score; missing: score; got: loss (NaN"),
        ({"score": None}, "train must return a number for score, got None"),
    ],
)
def test_wrong_results_are_failures_with_a_message(result, message):
    outcome = run(lambda lrs, seed: result)
    assert outcome.status.tolist() == ["failed", "failed"]
    assert message in outcome.message[0]
    assert np.isinf(outcome["final/score"]).all()


def test_an_exception_is_a_failure_of_that_training_alone():
    def train(lrs, seed):
        if seed == 7:
            raise RuntimeError("CUDA out of memory")
        return 2.0

    outcome = run(train)
    assert outcome.status.tolist() == ["failed", "ok"]
    assert outcome.message == ["RuntimeError: CUDA out of memory", ""]


def test_a_message_that_cannot_be_read_or_stored_does_no_harm():
    class UnreadableError(Exception):
        def __str__(self):
            raise ValueError

    def train(lrs, seed):
        raise UnreadableError if seed == 7 else ValueError("\udcff bad")

    assert run(train).message == ["UnreadableError: its message cannot be read", "ValueError: \\udcff bad"]


def test_ctrl_c_is_not_a_failed_training():
    def train(lrs, seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(train)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "module:name"),
        ("no_such_module:train", "cannot be imported"),
        ("math:no_such_function", "has no 'no_such"),
        ("math:pi", "must be a function"),
    ],
)
def test_names_that_lead_to_no_function(name, message):
    with pytest.raises((InputError, ValueError), match=message):
        FunctionWorkload(function=name, steps=3).resolve()


def test_a_function_of_a_script_needs_a_module():
    with pytest.raises(InputError, match="what a script or notebook defines must be in a module"):
        FunctionWorkload(function="__main__:no_such", steps=3).resolve()
