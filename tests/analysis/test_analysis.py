import math

import numpy as np
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.intervals import holm, paired_difference, two_sided
from lrshape.analysis.paired import verdict
from lrshape.errors import InputError

INF = math.inf


def test_the_winner_is_chosen_by_the_rescore_phase(study, trials_of, metric):
    won = Analysis(trials_of(study), metric).winner
    assert [won[key] for key in ("shape", "phase", "rank", "seeds")] == ["rex-1", "rescore", 1, 10]
    screened = {k: v for k, v in study.items() if k[0] == "screen"}
    won = Analysis(trials_of(screened), metric).winner
    assert [won[key] for key in ("shape", "phase", "base_lr")] == ["rex-2", "screen", 0.2]


def test_a_baseline_never_wins(study, trials_of, metric):
    study["rescore", "baseline-cosine", 0.2] = [0.0] * 10
    won = Analysis(trials_of(study), metric).winner
    assert [won[key] for key in ("shape", "rank")] == ["rex-1", 2]


def test_every_family_is_represented_by_its_best(study, trials_of, metric):
    table = Analysis(trials_of(study), metric).best_per_family
    assert table["shape"].tolist() == ["rex-1", "wsd-0", "sqrt-3"]
    assert table["phase"].tolist() == ["rescore", "rescore", "screen"]


def test_the_confirmed_table(study, trials_of, metric):
    table = Analysis(trials_of(study), metric).confirmed
    assert table.columns.tolist() == [
        "shape", "family", "params", "base_lr", "seeds", "score", "low", "high", "diverged", "failed", "rank",
        "difference", "difference_low", "difference_high", "p_value", "p_holm", "is_winner", "is_baseline",
    ]  # fmt: skip
    assert table["shape"].tolist() == ["rex-2", "rex-1", "wsd-0", "baseline-cosine", "baseline-constant"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert table["is_winner"].tolist() == [False, True, False, False, False]
    assert table["is_baseline"].tolist() == [False, False, False, True, True]
    assert table["diverged"].tolist() == [0, 0, 0, 0, 15]
    np.testing.assert_allclose(table["difference"], [-0.1, 0, 0.2, 0.8, INF])
    np.testing.assert_allclose(table["difference_low"][:4], [-0.1, math.nan, 0.2, 0.8])  # noise cancels
    assert table["p_value"].isna().tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(table["p_holm"][[0, 2, 3, 4]], 4 * two_sided(1 / 10_001, 20))


def test_differences_are_over_common_seeds(study, trials_of, metric):
    table = trials_of(study)
    lost = (table["shape"] == "baseline-cosine") & (table["seed"] < 2_000_006)
    result = Analysis(table[~lost], metric).confirmed.set_index("shape").loc["baseline-cosine"]
    assert result["seeds"] == 14
    assert result["difference"] == pytest.approx(0.8)
    few = table[~((table["shape"] == "baseline-cosine") & (table["seed"] > 2_000_003))]
    result = Analysis(few, metric).confirmed.set_index("shape").loc["baseline-cosine"]
    assert result["difference"] == pytest.approx(0.8)
    assert math.isnan(result["p_holm"])


def test_confirmed_without_a_winner_or_without_rows(study, trials_of, metric):
    without = trials_of({k: v for k, v in study.items() if k[0] != "confirm"})
    empty = Analysis(without, metric).confirmed
    assert empty.empty
    assert empty.columns.tolist() == Analysis(trials_of(study), metric).confirmed.columns.tolist()
    alone = Analysis(trials_of({k: v for k, v in study.items() if k[0] == "confirm"}), metric).confirmed
    assert len(alone) == 5
    assert alone["is_winner"].tolist() == [False] * 5
    assert np.isnan(alone[["difference", "p_value", "p_holm"]].to_numpy()).all()


def test_every_pair_of_families_is_compared_once(trials_of, metric):
    noise = np.random.default_rng(0).normal(0, 0.1, (4, 20))
    quality = {"rex-1": 1.0, "rex-2": 1.5, "wsd-0": 1.2, "sqrt-3": 2.0, "power-1": 9.0}
    study = {("rescore", shape, 0.1): value + noise[0, :10] for shape, value in quality.items()}
    confirmed = {
        ("confirm", shape, 0.1): quality[shape] + noise[i]
        for i, shape in enumerate(("rex-1", "wsd-0", "sqrt-3", "baseline-cosine"))
        if shape in quality
    }
    pairs = Analysis(trials_of(study | confirmed), metric).family_pairs("confirm")
    assert [*zip(pairs["family"], pairs["other_family"], strict=True)] == [
        ("rex", "wsd"), ("rex", "sqrt"), ("wsd", "sqrt"),
    ]  # fmt: skip
    expected = paired_difference(confirmed["confirm", "wsd-0", 0.1], confirmed["confirm", "rex-1", 0.1])
    first = pairs.iloc[0]
    assert first["difference"] == pytest.approx(expected.estimate)
    assert (first["difference_low"], first["difference_high"]) == (expected.low, expected.high)
    np.testing.assert_allclose(pairs["p_holm"], holm(pairs["p_value"].to_numpy()))
    assert (pairs["p_holm"] < 0.05).all()
    assert Analysis(trials_of(study), metric).family_pairs("confirm").empty
    assert len(Analysis(trials_of(study), metric).family_pairs("rescore")) == 6


@pytest.fixture
def rescored():
    """On 12 seeds that do the same to every shape: 3% and 20% worse, and one that nothing can be said of."""
    generator = np.random.default_rng(0)
    seeds = 1 + 0.1 * generator.normal(size=12)
    quality = {"rex-0": 1.0, "rex-1": 1.03, "wsd-0": 1.2}
    values = {("rescore", shape, 0.1): q * seeds for shape, q in quality.items()}
    values["rescore", "wsd-1", 0.1] = [0.6, 1.5] * 6
    values["rescore", "sqrt-0", 0.1] = [INF] * 12
    values["rescore", "baseline-cosine", 0.1] = 0.5 * seeds
    return values


def test_shapes_are_inside_outside_or_open(rescored, trials_of, metric):
    table = Analysis(trials_of(rescored), metric).near_optimal()
    verdicts = dict(zip(table["shape"], table["verdict"], strict=True))
    assert verdicts == {
        "rex-0": "best",
        "rex-1": "inside",
        "wsd-0": "outside",
        "wsd-1": "open",
        "sqrt-0": "outside",
    }
    assert table["rank"].is_monotonic_increasing
    wide = Analysis(trials_of(rescored), metric).near_optimal(0.3).set_index("shape")["verdict"]
    assert wide["wsd-0"] == "inside"
    none = Analysis(trials_of(rescored), metric).near_optimal(0.0).set_index("shape")["verdict"]
    assert none["rex-1"] == "outside"


def test_too_few_seeds_say_nothing(rescored, trials_of, metric):
    few = {key: values[:5] for key, values in rescored.items()}
    assert set(Analysis(trials_of(few), metric).near_optimal()["verdict"]) == {"best", "unknown"}


def test_a_negative_score_has_a_margin_too(trials_of, metric):
    noise = 0.001 * np.random.default_rng(0).normal(size=10)
    values = {("rescore", f"rex-{i}", 0.1): v + noise for i, v in enumerate((-1.0, -0.98, -0.5))}
    assert Analysis(trials_of(values), metric).near_optimal()["verdict"].tolist() == [
        "best",
        "inside",
        "outside",
    ]


def test_without_a_finite_best_there_is_no_set(trials_of, metric):
    lost = {("rescore", f"rex-{i}", 0.1): [INF] * 8 for i in range(3)}
    assert Analysis(trials_of(lost), metric).near_optimal().empty
    screened = {("screen", "rex-0", 0.1): [1.0, 2.0]}
    table = Analysis(trials_of(screened), metric).near_optimal()
    assert table.empty
    assert "verdict" in table


@pytest.mark.parametrize("margin", [-0.1, math.nan])
def test_the_margin_is_checked(rescored, trials_of, metric, margin):
    with pytest.raises(InputError, match="margin must be at least 0"):
        Analysis(trials_of(rescored), metric).near_optimal(margin)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({}, "better"),
        ({"score": INF}, "diverged"),
        ({"low": -0.001}, "same"),
        ({"low": 0.0}, "same"),
        ({"p_value": 0.06}, "same"),
        ({"low": -0.004, "high": -0.001}, "worse"),
        ({"low": -0.004, "high": -0.001, "p_value": 0.2}, "same"),
        ({"low": math.nan, "high": math.nan, "p_value": math.nan}, "unknown"),
    ],
)
def test_a_verdict_needs_both_the_interval_and_the_corrected_test(numbers, expected):
    assert verdict(**{"low": 0.002, "high": 0.005, "p_value": 0.01, "score": 0.012, **numbers}) == expected
