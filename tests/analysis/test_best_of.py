import math
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrshape.analysis.intervals import best_of_n

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
