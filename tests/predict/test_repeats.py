"""Repeats of one schedule count as one run, their mean."""

import numpy as np
import pytest

from lrshape.predict.repeats import averaged
from lrshape.predict.runs import Run
from lrshape.predict.suggest import suggest

HOLD = np.minimum(1, 5 * np.linspace(1, 0, 1000, endpoint=False))


def run(name, lrs, *losses):
    return Run(name, lrs, np.linspace(len(lrs) / len(losses), len(lrs), len(losses)), losses)


def test_seeds_of_a_sweep_do_not_contradict_the_bound():
    losses = {0.5: 3.06, 1.0: 3.01, 2.0: 3.03}
    seeds = [
        run(f"{lr:g}-{seed}", lr * HOLD, loss * (1 + noise))
        for lr, loss in losses.items()
        for seed, noise in enumerate((0, 0.003, -0.003))
    ]
    found = suggest(seeds)
    means = suggest([run(f"{lr:g}", lr * HOLD, loss) for lr, loss in losses.items()])
    assert [row.difference for row in found.rows] == pytest.approx([row.difference for row in means.rows])
    assert found.today.name == "1-0 (mean of 3 runs)"
    assert found.notes[0].startswith("0.5-0 (mean of 3 runs): '0.5-0', '0.5-1', '0.5-2' have the same LRs")


def test_the_mean_has_a_curve_where_all_logged_at_the_same_steps():
    runs = [run("a", HOLD, 4, 3), run("b", HOLD * (1 + 1e-6), 4.2, 3.02), run("c", 2 * HOLD, 4, 3)]
    (mean, other), _ = averaged(runs)
    assert mean.losses == pytest.approx([4.1, 3.01])
    assert other is runs[2]
    (mean, _), _ = averaged([*runs, run("d", HOLD, 3.04)])
    assert (mean.points.tolist(), mean.losses) == ([1000], pytest.approx([3.02]))


def test_a_bad_run_one_that_diverged_and_one_in_progress_stay_as_they_are():
    runs = [run(str(loss), HOLD, loss) for loss in (3, 3.3, np.inf)]
    assert averaged(runs) == (runs, ())
    runs = [run(name, HOLD, 3) for name in "abc"]
    assert averaged(runs, apart="b")[0][1:] == runs[1:2]


def test_seeds_beside_a_run_in_progress_are_averaged():
    live, cooled = np.ones(400), np.append(np.ones(400), np.linspace(1, 0, 100, endpoint=False))
    runs = [run("live", live, 4, 3.5), run("a", cooled, 3.2), run("b", cooled, 3.21)]
    found = suggest(runs, 1000, from_step=400, live="live")
    assert not found.contradiction
    assert [each.name for each in found.runs] == ["a (mean of 2 runs)", "live"]
