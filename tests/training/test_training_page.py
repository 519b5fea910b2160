"""The code of docs/training.md: every training runs in its real framework, and follows its rates."""

import re
from pathlib import Path

import numpy as np
import pytest

from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.function import FunctionWorkload

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text("utf-8")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    names = {"__name__": "docs_training"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "training.md", "exec"), names)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("training"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield names


@pytest.mark.filterwarnings("ignore")  # of the frameworks
@pytest.mark.parametrize("name", ["train", "train_torch", "train_keras", "train_trainer", "train_lightning"])
def test_a_training_learns_by_the_rates_and_repeats_by_the_seed(names, name):
    train = names[name]
    rates = np.full(40, 0.1) * np.linspace(1.0, 0.1, 40)
    score = train(rates, 3)
    assert isinstance(score, float)
    assert score == pytest.approx(train(rates, 3), rel=1e-5)
    assert score < train(rates * 1e-6, 3)


def test_a_function_returns_its_loss_curve(names):
    outcome = evaluate(FunctionWorkload.of(names["train_with_curve"], steps=40), np.full((1, 40), 0.1), [3])
    assert outcome.curves[0].step.tolist() == [10, 20, 30, 40]
    assert outcome.curves[0].train_loss[-1] == np.float32(outcome["final/score"][0])


def test_a_function_returns_metrics_of_averages(names):
    metrics = ("loss", "loss@ema-0.1", "loss@tail-0.2")
    workload = FunctionWorkload.of(names["train_averaged"], steps=40, metrics=metrics)
    outcome = evaluate(workload, np.full((1, 40), 0.1), [3])
    assert outcome.status.tolist() == ["ok"], outcome.message
    assert set(outcome) == {f"final/{name}" for name in metrics}


def test_a_function_takes_hyperparameters(names):
    workload = FunctionWorkload.of(names["train_with_weight_decay"], steps=40)
    workload.check(["weight_decay"])
    decays = {"weight_decay": np.array([0.1, 1.0])}
    outcome = evaluate(workload, np.full((2, 40), 0.1), [3, 3], hyperparameters=decays)
    assert outcome["final/score"][0] < outcome["final/score"][1]


def test_the_specs_are_specs():
    import tomllib

    from lrshape.study.spec import StudySpec

    specs = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(specs) == 6
    for text in specs:
        StudySpec.parse({"families": ["rex"], **tomllib.loads(text)})
