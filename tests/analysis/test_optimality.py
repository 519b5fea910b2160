import math

import numpy as np
import pytest

from lrshape.analysis.optimality import near_optimal
from lrshape.errors import InputError

INF = math.inf


@pytest.fixture
def study():
    """On 12 seeds that do the same to every shape: 3% and 20% worse, and one that nothing can be said of."""
    generator = np.random.default_rng(0)
    seeds = 1 + 0.1 * generator.normal(size=12)
    quality = {"rex-0": 1.0, "rex-1": 1.03, "wsd-0": 1.2}
    values = {("rescore", shape, 0.1): q * seeds for shape, q in quality.items()}
    values["rescore", "wsd-1", 0.1] = [0.6, 1.5] * 6
    values["rescore", "sqrt-0", 0.1] = [INF] * 12
    values["rescore", "baseline-cosine", 0.1] = 0.5 * seeds
    return values


def test_shapes_are_inside_outside_or_open(study, trials_of, metric):
    table = near_optimal(trials_of(study), metric)
    verdicts = dict(zip(table["shape"], table["verdict"], strict=True))
    assert verdicts == {
        "rex-0": "best",
        "rex-1": "inside",
        "wsd-0": "outside",
        "wsd-1": "open",
        "sqrt-0": "outside",
    }
    assert table["rank"].is_monotonic_increasing
    wide = near_optimal(trials_of(study), metric, margin=0.3).set_index("shape")["verdict"]
    assert wide["wsd-0"] == "inside"
    none = near_optimal(trials_of(study), metric, margin=0.0).set_index("shape")["verdict"]
    assert none["rex-1"] == "outside"


def test_too_few_seeds_say_nothing(study, trials_of, metric):
    few = {key: values[:5] for key, values in study.items()}
    assert set(near_optimal(trials_of(few), metric)["verdict"]) == {"best", "unknown"}


def test_a_negative_score_has_a_margin_too(trials_of, metric):
    noise = 0.001 * np.random.default_rng(0).normal(size=10)
    values = {("rescore", f"rex-{i}", 0.1): v + noise for i, v in enumerate((-1.0, -0.98, -0.5))}
    assert near_optimal(trials_of(values), metric)["verdict"].tolist() == ["best", "inside", "outside"]


def test_without_a_finite_best_there_is_no_set(trials_of, metric):
    lost = {("rescore", f"rex-{i}", 0.1): [INF] * 8 for i in range(3)}
    assert near_optimal(trials_of(lost), metric).empty
    screened = {("screen", "rex-0", 0.1): [1.0, 2.0]}
    table = near_optimal(trials_of(screened), metric)
    assert table.empty
    assert "verdict" in table


@pytest.mark.parametrize("margin", [-0.1, math.nan])
def test_the_margin_is_checked(study, trials_of, metric, margin):
    with pytest.raises(InputError, match="margin must be at least 0"):
        near_optimal(trials_of(study), metric, margin)
