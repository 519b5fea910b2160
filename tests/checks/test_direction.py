"""A score that is maximised gives what the loss gives whose negative it is: search, checks and sweep."""

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape.checks.local import LocalCheck
from lrshape.checks.seeds import SeedsCheck
from lrshape.checks.settings import run_sweep
from lrshape.study.callback import Speed, Tally

TRAINING = """
def loss(lrs, seed):
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.3 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x - 10

def score(lrs, seed):
    return -loss(lrs, seed)
"""
SPEC = {
    "families": ["rex", "linear"],
    "baselines": ["constant"],
    "base_lr": {"low": 0.01, "high": 1.0, "points": 4},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 3, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3},
    "confirm": {"seeds": 6},
}
DIRECTIONS = {"loss": "minimize", "score": "maximize"}
TURNED = {"score", "own_score", "other_score", "reference", "one", "few", "final/score"}
ENDS = {"low", "high", "own_low", "own_high"}


@pytest.fixture(scope="module")
def folder(modules, tmp_path_factory):
    (modules / "two_directions.py").write_text(TRAINING)
    return tmp_path_factory.mktemp("directions")


def spec(name):
    workload = {"name": "function", "function": f"two_directions:{name}", "steps": 12}
    return {**SPEC, "workload": workload, "direction": DIRECTIONS[name]}


@pytest.fixture(scope="module")
def studies(folder, without_report):
    with without_report():
        return {name: lrshape.search(spec(name), out=folder / name) for name in DIRECTIONS}


def assert_mirrored(loss, score):
    """Scores are negatives of losses; whatever else the tables hold is the same."""
    assert set(loss) == set(score)
    for name, table in loss.items():
        other = score[name]
        kept = [column for column in table if column not in TURNED | ENDS | {"wall_time"}]
        pd.testing.assert_frame_equal(table[kept], other[kept], rtol=1e-9)
        for column in TURNED & set(table):
            np.testing.assert_allclose(other[column], -table[column])


def test_a_search_finds_the_same(studies):
    loss, score = (studies[name].best() for name in DIRECTIONS)
    assert (loss.shape, loss.base_lr) == (score.shape, score.base_lr)
    assert score.score_median == -loss.score_median
    assert (score.score_low, score.score_high) == (-loss.score_high, -loss.score_low)
    leads = [[(row.name, row.difference) for row in best.baselines] for best in (loss, score)]
    assert leads[0] == leads[1]


def test_progress_tells_the_highest_score(studies, said):
    loss, score = (
        {phase: row["best"] for phase, row in studies[name].progress().items()} for name in DIRECTIONS
    )
    assert score == {phase: -best for phase, best in loss.items()}
    assert f", highest final/score {score['confirm']:.4g}\n" in said("status", studies["score"].path)
    tally, trials = Tally("confirm", "final/score", "maximize", Speed(), None), studies["score"].trials()
    tally.add(trials[trials["phase"] == "confirm"])
    assert tally.status().best == score["confirm"]


@pytest.mark.parametrize(
    "check",
    [
        LocalCheck(points=2, seeds=3, base_lrs=3, confirm_seeds=6),
        SeedsCheck(max=8, top=3, sample=4),
    ],
    ids=lambda check: check.name,
)
def test_a_check_finds_the_same(studies, check):
    loss, score = (check.run(studies[name]) for name in DIRECTIONS)
    assert loss.title == score.title
    assert_mirrored(loss.tables, score.tables)


def test_a_sweep_finds_the_same(folder):
    found = {
        name: run_sweep(
            spec(name),
            {"workload.steps": [6, 12]},
            out=folder / f"sweep-{name}",
            transfer={"tuning_seeds": 3, "seeds": 8},
        ).regrets()
        for name in DIRECTIONS
    }
    assert (found["loss"]["verdict"] == "own").sum() == 4
    assert_mirrored({"regrets": found["loss"]}, {"regrets": found["score"]})
