import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.analysis.families import best_of_n, family_pairs
from lrshape.analysis.intervals import holm, paired_difference

INF = math.inf
scores = st.lists(st.one_of(st.integers(0, 9).map(float), st.just(INF)), min_size=1, max_size=9)


@given(scores, st.data())
def test_the_median_best_is_that_of_all_subsets(values, data):
    size = data.draw(st.integers(1, len(values)))
    bests = sorted(min(subset) for subset in combinations(values, size))
    expected = bests[(len(bests) - 1) // 2]  # the first that half of the subsets reach
    assert best_of_n(values, [size])["score"].tolist() == [expected]


@given(scores)
def test_more_shapes_are_never_worse(values):
    table = best_of_n(values, range(1, len(values) + 1))
    with np.errstate(invalid="ignore"):
        assert all(a >= b for a, b in zip(table["score"], table["score"][1:], strict=False))
    assert table["score"].iloc[-1] == min(values)
    assert not (table["low"] > table["score"]).any()
    assert not (table["high"] < table["score"]).any()


def test_the_interval_covers_the_median_best_of_the_family():
    """For uniform scores the median best of n is the quantile 1 - 2^(-1/n)."""
    generator = np.random.default_rng(0)
    studies, shapes, sizes = 400, 40, [1, 2, 5, 20]
    covered = np.zeros(len(sizes))
    for _ in range(studies):
        table = best_of_n(generator.random(shapes), sizes)
        truth = 1 - 2.0 ** (-1 / np.array(sizes))
        low = table["low"].fillna(-INF).to_numpy()
        covered += (low <= truth) & (truth <= table["high"].to_numpy())
    assert (covered / studies > 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)).all()
    assert np.isnan(table["low"].iloc[-1])  # 40 shapes say nothing on how good the best of 20 might be
    assert not np.isnan(table["low"].iloc[0])


def test_every_pair_of_families_is_compared_once(trials_of, metric):
    noise = np.random.default_rng(0).normal(0, 0.1, (4, 20))
    quality = {"rex-1": 1.0, "rex-2": 1.5, "wsd-0": 1.2, "sqrt-3": 2.0, "power-1": 9.0}
    study = {("rescore", shape, 0.1): value + noise[0, :10] for shape, value in quality.items()}
    confirmed = {
        ("confirm", shape, 0.1): quality[shape] + noise[i]
        for i, shape in enumerate(("rex-1", "wsd-0", "sqrt-3", "baseline-cosine"))
        if shape in quality
    }
    pairs = family_pairs(trials_of(study | confirmed), metric)
    assert [*zip(pairs["family"], pairs["other_family"], strict=True)] == [
        ("rex", "wsd"), ("rex", "sqrt"), ("wsd", "sqrt"),
    ]  # fmt: skip
    expected = paired_difference(confirmed["confirm", "wsd-0", 0.1], confirmed["confirm", "rex-1", 0.1])
    first = pairs.iloc[0]
    assert first["difference"] == pytest.approx(expected.estimate)
    assert (first["difference_low"], first["difference_high"]) == (expected.low, expected.high)
    np.testing.assert_allclose(pairs["p_holm"], holm(pairs["p_value"].to_numpy()))
    assert (pairs["p_holm"] < 0.05).all()
    assert family_pairs(trials_of(study), metric).empty
    assert len(family_pairs(trials_of(study), metric, "rescore")) == 6
