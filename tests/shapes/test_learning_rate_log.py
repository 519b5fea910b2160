"""Logs of learning rates: the right columns, steps at their place, and a line on everything that is added."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.procedure.fit import fit
from lrshape.shapes.learning_rate_log import is_learning_rate, read_curves
from lrshape.shapes.schedule_file import read_schedule


def log(tmp_path, text):
    file = tmp_path / "log.csv"
    file.write_text(text)
    return file


def warmup_cosine(step, steps=10_000, warmup=1000, peak=3e-4):
    decay = peak * 0.5 * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup)))
    return np.where(step < warmup, peak * step / warmup, decay)


def test_a_log_that_begins_at_step_500_keeps_its_place(tmp_path, caplog):
    steps = np.arange(500, 10_001, 500)
    rows = [f"{s},{lr!r}" for s, lr in zip(steps, warmup_cosine(steps).tolist(), strict=True)]
    found = read_schedule(log(tmp_path, "\n".join(["step,lr", *rows])))
    np.testing.assert_allclose(found(steps), warmup_cosine(steps), rtol=1e-9)
    np.testing.assert_allclose(found(np.arange(1000)), warmup_cosine(np.arange(1000)), atol=1e-12)
    assert fit(found.values(), "cosine", shapes=16).schedule.params["warmup"] == pytest.approx(0.1, abs=1e-3)
    assert "begins at step 500: steps from 0 on are extrapolated from its first two values" in caplog.text
    assert "is logged at 20 of the steps 500 to 10,000: straight lines join them" in caplog.text


@pytest.mark.parametrize(
    ("rows", "expected", "said"),
    [
        ("1,0.1 2,0.2", [0.0, 0.1, 0.2], "begins at step 1"),
        ("2,0.8 4,0.6", [1.0, 0.9, 0.8, 0.7, 0.6], "begins at step 2"),
        ("4,0.3 5,0.2", [0.4, 0.4, 0.4, 0.4, 0.3, 0.2], "begins at step 4"),
        ("3,0.2 4,0.4", [0.0, 0.0, 0.0, 0.2, 0.4], "begins at step 3"),
        ("0,0.3 1,0.2 2, 3,", [0.3, 0.2, 0.1, 0.0], "ends at step 1: steps to 3 are extrapolated"),
        ("0,0.1 1, 2,0.3 3,NaN 4,0.5", [0.1, 0.2, 0.3, 0.4, 0.5], "is logged at 3 of the steps 0 to 4"),
        ("0,0.1 1,0.2 2,0.3 1,0.2 2,0.3 3,0.4", [0.1, 0.2, 0.3, 0.4], "goes back from step 2 to 1"),
        ("0,0.1 1,0.2", [0.1, 0.2], ""),
        ("0,0.1", [0.1], ""),
    ],
)
def test_steps_that_were_not_logged_are_filled_and_told(tmp_path, caplog, rows, expected, said):
    found = read_schedule(log(tmp_path, "\n".join(["step,lr", *rows.split()])))
    np.testing.assert_allclose(found.values(), expected, atol=1e-12)
    assert said in caplog.text
    assert bool(caplog.records) == bool(said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr\n0.1\n\n0.2\n", "number 2 is missing: a list of learning rates has no gaps"),
        ("0.1\nnan\n", "number 2 is missing"),
        ("step,lr\n", "has no rows"),
        ("step,lr\n0,\n1,nan\n", "holds no learning rate"),
        ("step,lr\n500,0.1\n", "holds one learning rate, at step 500: a curve needs two"),
        ("step,lr\n0,0.1\n1,0.3\n1,0.2\n", "two learning rates at step 1, 0.3 and 0.2"),
        ("step,lr\n,0.1\n1,0.2\n", "each learning rate needs a step"),
        ("step,lr\ninf,0.1\n1,0.2\n", "each learning rate needs a step"),
        ("step,lr\n-1,0.1\n1,0.2\n", "each learning rate needs a step"),
        ("step,lr\n0.5,0.1\n1,0.2\n", "each learning rate needs a step"),
        ("step,lr\n0,inf\n1,0.2\n", "must be finite and at least 0, got inf"),
        (
            "step,loss\n0,1\n1,0.5\n",
            "needs a column of learning rates, e.g. lr; its columns are 'step', 'loss'",
        ),
        (
            "lr;score\n1;2\n",
            "needs a column of steps, e.g. step; its columns are 'lr', 'score', separated by ';'",
        ),
        (",number,value,params_lr\n0,0,0.5,0.1\n1,1,0.4,0.2\n", "needs a column of steps"),
        ("step,a - lr,b - lr\n0,1,2\n1,1,2\n", "has 2 columns of learning rates, .*: 'a - lr', 'b - lr'"),
        (
            "loss,lr,training_iteration,config/lr\n1,1e-8,50,0.1\n2,3e-8,50,0.2\n",
            "two learning rates at step 50",
        ),
    ],
)
def test_what_is_no_curve_is_told_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_schedule(log(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "lr,step\n7,0\n8,1",
        ",lr\n0,7\n1,8",
        "Wall time,Step,Value\n1700000000,0,7\n1700000001,1,8",
        "Step,lr-3 - train/loss,lr-3 - train/learning_rate,lr-3 - train/learning_rate__MAX\n0,3,7,9\n1,2,8,9",
        "_step,train/global_step,train/learning_rate\n5,0,7\n9,1,8",
        "epoch,lr-AdamW,step,train_loss\n0,7,0,3\n0,,0,2\n0,8,1,2",
        "loss,lr,training_iteration,config/lr\n3,7,0,0.5\n2,8,1,0.5",
        "  epoch,  train/box_loss,  lr/pg0\n  0,  1.5,  7\n  1,  1.2,  8",
        "Date;Step;Learning Rate;Grad Norm\n1.5.2026;0;7;1\n2.5.2026;1;8;1",
    ],
)
def test_columns_are_found_by_their_names(tmp_path, text):
    np.testing.assert_array_equal(read_schedule(log(tmp_path, text)).values(), [7, 8])


def test_runs_that_ended_early_are_left_out_and_told(tmp_path, caplog):
    rows = [f"{step},0.{9 - step},{0 if step < 2 else ''}" for step in range(9)]
    (name,) = read_curves(log(tmp_path, "\n".join(["Step,good - lr,crashed - lr", *rows])))
    assert name == "good - lr"
    assert "leaves out 'crashed - lr', which ends at step 1 of 8" in caplog.text


@pytest.mark.parametrize(
    "heading",
    [
        "lr", "LR", "learningRate", "train/lr", "a - b - lr", "lr-AdamW/pg2", "lr_0", "lr/muon",
        "optim/Learning Rate/a", "r - lrs/embed",
    ],
)  # fmt: skip
def test_names_of_learning_rates(heading):
    assert is_learning_rate(heading)


@pytest.mark.parametrize(
    "heading",
    [
        "loss", "lr-sweep - loss", "lr/loss", "config/lr", "params_lr", "loss_lr_0.1", "color",
        "rate", "lr/step", "lr/momentum", "lr/wd", "lr-AdamW-weight_decay", "lr/eps", "color/muon",
        "lr_find/a",
    ],
)  # fmt: skip
def test_names_of_other_things(heading):
    assert not is_learning_rate(heading)
