"""Loss curves: what the engine records, and what functions and commands may give."""

import sys

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.loss_curve import MAX_POINTS
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.command import CommandWorkload
from lrshape.training.workloads.function import FunctionWorkload
from lrshape.training.workloads.linear_regression import LinearRegression

LRS = np.full((2, 12), 0.1)


class Validated(LinearRegression):
    """With a validation loss that is twice the training loss."""

    def scores(self):
        return "train_loss", "test_loss"

    def metrics(self, state, data):
        loss = super().metrics(state, data)["train_loss"]
        return {"train_loss": loss, "test_loss": 2 * loss}


def test_the_engine_records_means_and_scores_and_ends_where_a_member_diverges():
    lrs = LRS.copy()
    lrs[1, 5:] = 1e8
    every = evaluate(LinearRegression(steps=12, dimension=5, record_every=1), lrs, [0, 0])
    both = Validated(steps=12, dimension=5, record_every=5, evaluate_every=4)
    outcome = evaluate(both, lrs, [0, 0])
    losses = every.curves[0].train_loss
    assert every.curves[0].step.tolist() == list(range(1, 13))
    assert outcome.curves[0].step.tolist() == [4, 5, 8, 10, 12]
    means = [np.nan, losses[:5].mean(), np.nan, losses[5:10].mean(), losses[10:].mean()]
    np.testing.assert_allclose(outcome.curves[0].train_loss, means, rtol=1e-5)
    valid = [2 * losses[4], np.nan, 2 * losses[8], np.nan, outcome["final/test_loss"][0]]
    np.testing.assert_allclose(outcome.curves[0].valid_loss, valid, rtol=1e-5)
    assert outcome.status.tolist() == ["ok", "diverged"]
    assert outcome.curves[1].step.tolist() == [4, 5]
    plain = evaluate(LinearRegression(steps=12, dimension=5), lrs, [0, 0])
    assert plain.curves == [None, None]
    np.testing.assert_array_equal(plain["final/train_loss"], outcome["final/train_loss"])


def test_more_points_than_a_curve_may_have_are_refused():
    with pytest.raises(InputError, match=r"record_every must be 0 or at least 2 for 100,001 steps"):
        LinearRegression(steps=100_001, record_every=1)


def run(train, **settings):
    return evaluate(FunctionWorkload.of(train, steps=12, **settings), LRS, [7, 8])


@pytest.mark.parametrize(
    "points",
    [
        [(0, 2.0), (5, 1.0, None), (np.int64(12), np.float32(0.5), 0.75)],
        np.array([[0, 2, np.nan], [5, 1, np.nan], [12, 0.5, 0.75]]),
    ],
)
def test_a_function_returns_a_curve_beside_its_metrics(points):
    outcome = run(lambda lrs, seed: {"loss": 0.5, "curve": points if seed == 7 else None}, metrics="loss")
    assert outcome.status.tolist() == ["ok", "ok"], outcome.message
    assert outcome.curves[0].step.tolist() == [0, 5, 12]
    assert outcome.curves[0].train_loss.tolist() == [2.0, 1.0, 0.5]
    np.testing.assert_array_equal(outcome.curves[0].valid_loss, [np.nan, np.nan, 0.75])
    assert outcome.curves[1] is None
    assert set(outcome) == {"final/loss"}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(1, 2.0), (1, 1.0)], "a curve whose steps rise, got 1 after 1"),
        ([(13, 2.0)], "a curve whose steps are whole numbers from 0 to 12, got 13"),
        ([(0.5, 2.0)], "a curve whose steps are whole numbers from 0 to 12, got 0.5"),
        ([(12.0000001, 2.0)], "a curve whose steps are whole numbers from 0 to 12, got 12.0000001"),
        ([(None, 2.0)], "a curve whose steps are whole numbers from 0 to 12, got None"),
        ([(1, "2.0")], "a curve of numbers, got [1, '2.0']"),
        ([1.0, 2.0], "a curve of rows (step, train loss[, validation loss]), got 1.0"),
        (3, "a curve of rows (step, train loss[, validation loss]), got 3"),
        ([(1, 2.0)] * (MAX_POINTS + 1), "a curve of at most 100,000 points, got 100,001"),
    ],
)
def test_a_curve_that_is_none_is_a_failure_with_one_line(points, message):
    outcome = run(lambda lrs, seed: {"score": 0.5, "curve": points})
    assert outcome.status.tolist() == ["failed", "failed"]
    assert outcome.message[0].endswith(f"train must return {message}")


def test_no_metric_is_called_curve():
    with pytest.raises(InputError, match="no metric can be called curve"):
        FunctionWorkload(function="a:b", steps=1, metrics=("loss", "curve"))


def command(text):
    code = f"import sys; open(sys.argv[2], 'w').write('0.5'); text = {text!r}\n"
    code += "if text is not None: open(sys.argv[3], 'w').write(text)"
    places = ("{schedule}", "{metrics}", "{curve}")
    workload = CommandWorkload(command=(sys.executable, "-c", code, *places), steps=12)
    return evaluate(workload, LRS[:1], [7])


def test_a_command_writes_its_curve_as_csv():
    outcome = command("step,valid_loss,train_loss,note\n5,,1.5,a\n12,0.75,1e300,b\n")
    assert outcome.status.tolist() == ["ok"], outcome.message
    assert outcome.curves[0].step.tolist() == [5, 12]
    assert outcome.curves[0].train_loss.tolist() == [1.5, np.inf]
    np.testing.assert_array_equal(outcome.curves[0].valid_loss, [np.nan, 0.75])
    assert command(None).curves == [None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "step,loss\n1,2\n",
            "the curve file must have the columns step, train_loss, valid_loss, the last one",
        ),
        ("step,train_loss\n2,1\n1,1\n", "the curve file must hold a curve whose steps rise, got 1 after 2"),
        ("step,train_loss\n1,x\n", "the curve file: the column 'train_loss' must hold numbers"),
        ("", "the curve file: is empty"),
    ],
)
def test_a_curve_file_that_is_none_is_a_failure_with_one_line(text, message):
    outcome = command(text)
    assert outcome.status.tolist() == ["failed"]
    assert outcome.message[0].startswith(message)
