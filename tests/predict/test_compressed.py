"""A compressed schedule keeps sums of LRs, times of changes, and what laws predict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.predict.compressed import compress

STEPS = 100_000
COSINE = 1e-3 * (1 + np.cos(np.pi * (np.arange(STEPS) + 0.5) / STEPS)) / 2


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300).filter(any),
    st.sampled_from([1 / 64, 1 / 4, 1.0]),
)
def test_sums_of_lrs_are_kept(lrs, tolerance):
    lrs = np.array(lrs)
    stretches = compress(lrs, tolerance)
    assert stretches.start[0] == 0
    assert stretches.end[-1] == len(lrs)
    assert np.array_equal(stretches.end[:-1], stretches.start[1:])
    _, at = stretches.clock(stretches.lr, stretches.end)
    assert at == pytest.approx(np.cumsum(lrs)[stretches.end.astype(int) - 1], rel=1e-9, abs=1e-12)


def test_a_schedule_of_jumps_is_kept_exactly():
    lrs = np.repeat([1.0, 0.3, 0.299, 0.0], [70_000, 20_000, 5_000, 5_000])
    stretches = compress(lrs)
    assert stretches.start.tolist() == [0, 70_000, 90_000, 95_000]
    assert stretches.lr.tolist() == pytest.approx([1.0, 0.3, 0.299, 0.0])


def test_a_long_cosine_costs_what_its_changes_cost():
    assert len(compress(COSINE).lr) <= 130


def test_a_hold_after_a_decay_keeps_its_lr():
    stretches = compress(np.concatenate([COSINE[:50_500], np.full(20_000, COSINE[50_500])]))
    assert stretches.start[-1] == pytest.approx(50_500, abs=1)
    assert stretches.lr[-1] == pytest.approx(COSINE[50_500], rel=1e-12)
