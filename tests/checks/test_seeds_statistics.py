import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lrshape.checks.seeds_statistics import (
    _choices,
    _kendall,
    _spearman,
    agreement,
    recommended,
    score_matrix,
    seed_answer,
)
from lrshape.errors import InputError


def scores(shapes=12, seeds=40, spread=0.1, noise=0.1, random=0):
    """Shapes of rising quality under seed noise, part of which they share."""
    rng = np.random.default_rng(random)
    quality = 1 + spread * np.arange(shapes)
    return quality[:, None] * np.exp(
        noise * rng.normal(size=(1, seeds)) + noise * rng.normal(size=(shapes, seeds))
    )


def test_correlations_are_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (6, 9)).astype(float), rng.normal(size=(6, 9))
    a[:, 0] = np.inf
    a[2, 3] = b[1, 1] = np.inf
    for i in range(6):
        assert _spearman(a, b)[i] == pytest.approx(stats.spearmanr(a[i], b[i]).statistic)
        assert _kendall(a, b)[i] == pytest.approx(stats.kendalltau(a[i], b[i]).statistic)


def test_without_noise_one_seed_says_it_all():
    matrix = np.tile(np.arange(1.0, 9.0)[:, None], (1, 20))
    found = agreement(matrix, splits=50)
    assert found.table["seeds"].tolist() == [1, 2, 3, 5, 7, 10]
    for column in ("spearman", "kendall", "recall", "certain", "kept"):
        assert found.table[column].tolist() == pytest.approx([1.0] * 6)
    assert found.table["regret"].tolist() == [0.0] * 6
    assert recommended(found.table, "certain", 0.95) == 1
    assert found.reference == 10


def test_more_seeds_tell_more():
    found = agreement(scores(), splits=400)
    for column in ("spearman", "kendall", "recall", "certain"):
        assert found.table[column].iloc[-1] > found.table[column].iloc[0] + 0.05
    assert found.table["regret"].iloc[-1] < found.table["regret"].iloc[0]
    assert (found.table["regret_certain"] >= found.table["regret"]).all()
    wide = agreement(scores(), splits=400, margin=0.5)
    assert (wide.table["certain"] >= found.table["certain"]).all()
    keeping = agreement(scores(), splits=400, keep=4)
    assert (keeping.table["kept"] >= found.table["certain"]).all()


def test_pure_noise_agrees_with_nothing_because_no_seed_is_shared():
    """If the reference contained the estimate's seeds, the correlation would be far above 0."""
    matrix = np.random.default_rng(3).normal(size=(200, 40))
    found = agreement(matrix, splits=100)
    assert np.abs(found.table["spearman"]).max() < 0.15
    assert np.abs(found.cross["spearman"]).max() < 0.15
    shared = stats.spearmanr(np.median(matrix[:, :20], axis=1), np.median(matrix, axis=1)).statistic
    assert shared > 0.5


def test_equal_shapes_are_chosen_by_lot():
    """Ties must not be broken alike on both sides: that would look like agreement."""
    estimate = truth = np.zeros((4000, 4))
    truth = truth + np.arange(4)
    lots = np.random.default_rng(0).random((2, 4000, 4))
    found = _choices(estimate, truth, *lots, 1, 1, 1.0, 0.95, 0.5)
    assert found["recall"] == pytest.approx(0.25, abs=0.03)
    assert found["certain"] == pytest.approx(0.25, abs=0.03)
    assert found["regret"] == pytest.approx(1.5, abs=0.1)
    assert found["regret_certain"] == 3.0
    equal = agreement(np.ones((20, 40)), splits=400)
    assert equal.table["recall"].tolist() == pytest.approx([0.25] * len(equal.table), abs=0.05)


def test_divergence_is_infinitely_bad_and_breaks_nothing():
    matrix = scores(shapes=6)
    matrix[0, ::2] = np.inf  # would be the best, but half of its seeds diverge
    matrix[5] = np.inf
    found = agreement(matrix, splits=200)
    assert np.isinf(found.table["regret"].iloc[0])
    assert np.isfinite(found.table[["spearman", "kendall", "recall", "certain"]].to_numpy()).all()
    everything = agreement(np.full((4, 10), np.inf), splits=20)
    assert everything.table["regret"].tolist() == [0.0] * len(everything.table)
    assert np.isnan(everything.table["spearman"]).all()


def test_regrets_are_shares_of_the_best_score_whatever_its_sign():
    up, down = agreement(scores(), splits=50), agreement(scores() - 10, splits=50)
    assert up.scale == pytest.approx(np.median(scores(), axis=1).min())
    assert down.scale == pytest.approx(abs(np.median(scores() - 10, axis=1).min()))
    np.testing.assert_allclose(up.table["regret"] * up.scale, down.table["regret"] * down.scale)


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ([0.5, 0.96, 0.9, 0.97, 0.99], 5),
        ([0.95] * 5, 1),
        ([0.1, 0.2, 0.3, 0.4, 0.96], 7),
        ([0.99] * 4 + [0.9], None),
    ],
)
def test_recommended_is_enough_from_there_on(chances, expected):
    table = pd.DataFrame({"seeds": [1, 2, 3, 5, 7], "certain": chances})
    assert recommended(table, "certain", 0.95) == expected


def test_the_recommendation_holds_on_fresh_seeds():
    """Choosing by so many new seeds is within the margin of the truth at least as often as promised."""
    matrix = pd.DataFrame(scores(seeds=60, spread=0.06), index=[f"s{i:02d}" for i in range(12)])
    answer = seed_answer(matrix, matrix.index, matrix.index[:6], keep=3, certainty=0.9, margin=0.1)
    assert answer.rescore_seeds is not None
    assert answer.screen_seeds is not None
    assert answer.screen_seeds <= answer.rescore_seeds
    good = [
        np.argmin(np.median(scores(6, answer.rescore_seeds, 0.06, random=100 + i), axis=1)) <= 1
        for i in range(400)
    ]  # the second shape is 6% worse, the third 12%
    assert np.mean(good) > 0.88


def test_score_matrix():
    rows = [("rex-1", 0, 1.0), ("rex-1", 1, 2.0), ("rex-0", 0, 3.0), ("rex-0", 1, np.inf)]
    table = pd.DataFrame(rows, columns=["shape", "seed", "final/loss"]).assign(status="ok")
    matrix = score_matrix(table, "final/loss")
    assert matrix.index.tolist() == ["rex-0", "rex-1"]
    assert matrix.to_numpy().tolist() == [[3.0, np.inf], [1.0, 2.0]]
    with pytest.raises(InputError, match="same seeds"):
        score_matrix(table.iloc[:-1], "final/loss")


@pytest.mark.parametrize("options", [{"certainty": 1.0}, {"margin": -0.1}, {"keep": 0}, {"splits": 0}])
def test_bad_arguments(options):
    with pytest.raises(InputError, match="certainty must be in"):
        agreement(scores(), **options)
    with pytest.raises(InputError, match="at least 2 shapes and 2 seeds"):
        agreement(np.ones((1, 5)))
