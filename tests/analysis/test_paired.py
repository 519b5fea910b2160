import math

import numpy as np
import pytest

from lrshape.analysis.intervals import interval_ranks
from lrshape.analysis.looks import share_of_error
from lrshape.analysis.paired import PairedSamples, verdict

INF = math.inf
LOOKS = (10, 20, 40, 80, 160)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({}, "better"),
        ({"score": INF}, "diverged"),
        ({"score": INF, "at_edge": True}, "diverged"),
        ({"score": INF, "low": math.nan, "high": math.nan, "p_value": math.nan}, "unknown"),
        ({"score": INF, "low": -0.7, "high": INF, "p_value": 1.0}, "open"),  # half of the seeds are better
        ({"at_edge": True}, "untuned"),
        ({"low": -0.001}, "open"),
        ({"low": 0.0}, "open"),
        ({"p_value": 0.06}, "open"),
        ({"low": -0.004, "high": -0.001}, "worse"),
        ({"low": -0.004, "high": -0.001, "p_value": 0.2}, "open"),
        ({"low": math.nan, "high": math.nan, "p_value": math.nan}, "unknown"),
        ({"costs": (0.0, 0.0019)}, "better"),
        ({"costs": (0.0, 0.002)}, "untuned"),
        ({"costs": (9.0, 0.0)}, "better"),
        ({"low": -0.004, "high": -0.001, "costs": (0.001, 0.0)}, "untuned"),
        ({"low": -0.001, "costs": (0.0, 0.0015)}, "open"),
        ({"low": -0.001, "costs": (0.0, 0.0016)}, "untuned"),
        ({"low": -0.001, "margin": 0.006}, "equal"),
        ({"low": -0.001, "margin": 0.005}, "open"),
        ({"low": -0.001, "margin": 0.006, "p_equal": 0.06}, "open"),
        ({"low": -0.001, "margin": 0.006, "costs": (0.001, 0.0)}, "open"),
        ({"low": -0.001, "high": INF, "margin": 0.006, "costs": (5.0, 5.0)}, "open"),
    ],
)
def test_a_verdict_needs_both_the_interval_and_the_corrected_test(numbers, expected):
    assert verdict(**{"low": 0.002, "high": 0.005, "p_value": 0.01, "score": 0.012, **numbers}) == expected


def compare(trials_of, metric, own, other, *, looks=(), **options):
    values = {("confirm", "rex-1", 0.1): own, ("confirm", "baseline-cosine", 0.1): other}
    samples = PairedSamples(trials_of(values), metric, options.pop("scale", "log"), looks)
    return samples.compare("confirm", ("rex-1", 0.1, "{}"), ("baseline-cosine", 0.1, "{}"), **options)


def test_a_comparison_by_hand(trials_of, metric):
    own = np.array([1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 8.0])
    found = compare(trials_of, metric, own, 2 * own)
    assert found.pairs == 7
    assert found.effect[:3] == pytest.approx([math.log(2)] * 3)
    assert found.difference[:3] == (2.0, 1.0, 8.0)
    assert found.effect.p_value == found.p_value == 2**-6
    assert found.correlation == pytest.approx(1.0)
    assert math.isnan(found.p_equal)
    costly = compare(trials_of, metric, own, 2 * own, costs=(0.0, 0.7))
    assert costly.p_value == 1.0
    near = compare(trials_of, metric, own, 2 * own, costs=(0.1, 0.1), margin=0.8)
    assert near.p_equal == 2**-6
    assert compare(trials_of, metric, own, 2 * own, costs=(0.2, 0.0), margin=0.8).p_equal == 1.0
    assert compare(trials_of, metric, own, own + 3, scale="linear").effect[:3] == (3.0, 3.0, 3.0)


def test_a_cost_moves_the_test_as_it_moves_the_interval(trials_of, metric):
    random = np.random.default_rng(0)
    own, other = np.exp(random.normal(size=(2, 15)))
    plain = compare(trials_of, metric, own, other * 1.5)
    for cost in np.linspace(0, 2, 21):
        found = compare(trials_of, metric, own, other * 1.5, costs=(cost, cost))
        claimed = plain.effect.low > cost or plain.effect.high < -cost
        assert claimed == (found.p_value <= 0.05)
        equal = compare(trials_of, metric, own, other * 1.5, margin=float(cost)).p_equal <= 0.05
        assert equal == (-cost < plain.effect.low and plain.effect.high < cost)


def test_the_shares_of_the_looks_sum_to_one():
    assert sum(share_of_error(n, LOOKS) for n in LOOKS) == 1
    assert [share_of_error(n, LOOKS) for n in (1, 11, 160, 500)] == [1 / 16, 1 / 16, 0.5, 0.5]
    assert share_of_error(7, ()) == share_of_error(7, (20,)) == share_of_error(70, (20,)) == 1.0


def test_looking_again_keeps_the_error_and_pairing_finds_effects():
    """Shares of 20,000 studies that ever claim a difference, at a 95% confidence over all looks."""
    random, studies = np.random.default_rng(0), 20_000
    signs = random.random((studies, LOOKS[-1]))

    def ever(chance, share):
        below, claimed = np.cumsum(signs < chance, axis=1), np.zeros(studies, bool)
        for n in LOOKS:
            rank = interval_ranks(n, 1 - 0.05 * share(n))[0]
            claimed |= (below[:, n - 1] <= rank) | (below[:, n - 1] >= n - rank)
        return claimed.mean()

    assert 0.02 < ever(0.5, lambda n: share_of_error(n, LOOKS)) < 0.05
    assert ever(0.5, lambda _: 1.0) > 0.08  # looking again without a price
    assert ever(0.365, lambda n: share_of_error(n, LOOKS)) > 0.85  # an effect of a third of the pairs' sd
