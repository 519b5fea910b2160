import jax
import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training import devices, programs
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.digits import DigitsCNN, DigitsMLP
from lrshape.training.workloads.linear_regression import LinearRegression


def loss(workload):
    return evaluate(workload, np.full((1, 12), 1e-2), [0])["final/train_loss"][0]


@pytest.mark.parametrize("cls", [DigitsMLP, DigitsCNN])
def test_bf16_trains_nearly_as_float32_does(cls):
    exact, rough = loss(cls(steps=12, precision="float32")), loss(cls(steps=12, precision="bf16"))
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.05)


def test_auto_is_float32_on_a_cpu_and_tf32_on_a_gpu(monkeypatch):
    assert loss(DigitsMLP(steps=12)) == loss(DigitsMLP(steps=12, precision="float32"))
    monkeypatch.setattr(devices, "is_cpu", lambda: False)
    assert devices.matmul_precision(DigitsMLP()) == "tensorfloat32"
    assert devices.matmul_precision(DigitsMLP(precision="float32")) == "float32"
    assert devices.precision(LinearRegression()) == "float32"


def test_scores_are_float32_where_training_is_tf32(monkeypatch):
    used = {}

    def noted(name):
        function = getattr(DigitsMLP, name)

        def note(*arguments):
            used.setdefault(name, jax.config.jax_default_matmul_precision)
            return function(*arguments)

        return note

    for name in ("metrics", "loss"):
        monkeypatch.setattr(DigitsMLP, name, noted(name))
    monkeypatch.setattr(programs, "matmul_precision", lambda workload: "tensorfloat32")
    loss(DigitsMLP(steps=12, hidden=(7,)))
    assert used == {"loss": "tensorfloat32", "metrics": "float32"}


def test_tf32_is_refused_where_there_is_none():
    with pytest.raises(
        InputError, match=r'precision must be "auto", "float32" or "bf16" on a CPU, got "tf32"'
    ):
        loss(DigitsMLP(steps=12, precision="tf32"))
