import math
import time

import numpy as np
import pandas as pd
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.design import Design, Sensitivity, Tuning
from lrshape.analysis.intervals import holm, paired_difference, sign_interval
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


def test_in_a_contest_p_values_are_corrected_for_all_pairs(study, trials_of, metric):
    design = Design(winner=("rex-1", 0.2, "{}"), is_contest=True)
    table = Analysis(trials_of(study), metric, design=design).confirmed
    pairs = 4 + 6  # the winner's, and those of the four others
    np.testing.assert_allclose(table["p_holm"][[0, 2, 3, 4]], pairs * 2**-19)


def test_the_confirmed_table(study, trials_of, metric):
    table = Analysis(trials_of(study), metric).confirmed
    assert table.columns.tolist() == [
        "shape", "family", "params", "base_lr", "hyperparameters", "seeds", "score", "low", "high",
        "diverged", "failed", "rank", "pairs", "effect", "effect_low", "effect_high", "difference",
        "difference_low", "difference_high",
        "p_value", "p_holm", "p_equal", "symmetric_effect", "symmetric_low", "symmetric_high", "symmetric_p",
        "correlation", "octaves", "cost", "edge", "edges", "verdict", "is_winner", "is_baseline",
    ]  # fmt: skip
    assert table["shape"].tolist() == ["rex-2", "rex-1", "wsd-0", "baseline-cosine", "baseline-constant"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert table["is_winner"].tolist() == [False, True, False, False, False]
    assert table["is_baseline"].tolist() == [False, False, False, True, True]
    assert table["diverged"].tolist() == [0, 0, 0, 0, 15]
    np.testing.assert_allclose(table["difference"], [-0.1, 0, 0.2, 0.8, INF])
    np.testing.assert_allclose(table["difference_low"][:4], [-0.1, math.nan, 0.2, 0.8])  # noise cancels
    assert table["p_value"].isna().tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(table["p_holm"][[0, 2, 3, 4]], 4 * 2**-19)
    assert table["verdict"].tolist() == ["worse", "winner", "better", "better", "diverged"]
    assert table["pairs"].tolist() == [20] * 5
    assert (table["correlation"][[0, 2, 3]] > 0.99).all()
    ratios = np.log(study["confirm", "wsd-0", 0.2]) - np.log(study["confirm", "rex-1", 0.2])
    assert tuple(table.loc[2, ["effect", "effect_low", "effect_high"]]) == sign_interval(ratios)[:3]
    assert table["symmetric_effect"][2] == pytest.approx(np.mean(ratios), rel=0.1)


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
        for i, shape in enumerate(("rex-1", "wsd-0", "sqrt-3"))
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
    """The best shape's values spread by 10%, so that 5% matter."""
    table = Analysis(trials_of(rescored), metric).near_optimal()
    assert table["margin"][0] == pytest.approx(0.05, rel=0.2)
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


def raised(study, by):
    return {key: np.asarray(values, float) + by for key, values in study.items()}


def test_adding_a_constant_changes_no_difference(study, trials_of, metric):
    low, high = (Analysis(trials_of(raised(study, by)), metric) for by in (-8, -100))
    assert low.scale == high.scale == "linear"
    assert low.margin == pytest.approx(high.margin)
    same = ["difference", "effect_low", "symmetric_high", "p_holm", "p_equal", "correlation", "verdict"]
    for first, second in (
        (low.confirmed, high.confirmed),
        (low.near_optimal(), high.near_optimal()),
        (low.family_pairs("confirm"), high.family_pairs("confirm")),
    ):
        columns = [name for name in same if name in first]
        assert len(columns) > 2
        pd.testing.assert_frame_equal(first[columns], second[columns])


def test_the_scale_changes_no_sign_and_no_p_value(study, trials_of, metric):
    trials = trials_of(study)
    log, linear = (Analysis(trials, metric, design=Design(scale=scale)) for scale in ("log", "linear"))
    assert (log.scale, linear.scale) == ("log", "linear")
    pd.testing.assert_frame_equal(
        *(
            a.confirmed[["difference", "difference_low", "p_value", "p_holm", "verdict"]]
            for a in (log, linear)
        )
    )
    np.testing.assert_array_equal(np.sign(log.confirmed["effect"]), np.sign(linear.confirmed["effect"]))
    np.testing.assert_array_equal(linear.confirmed["effect"], linear.confirmed["difference"])


def test_the_margin_is_in_units_of_the_metric(study, trials_of, metric):
    given = Analysis(trials_of(study), metric, design=Design(margin=0.3))
    own = np.median(study["confirm", "rex-1", 0.2])
    assert given.margin == pytest.approx(np.log((own + 0.3) / own))
    assert given.confirmed.set_index("shape")["verdict"]["wsd-0"] == "better"  # a claim that says more
    without_noise = {key: np.ones(len(values)) for key, values in study.items()}
    exact = Analysis(trials_of(without_noise), metric)
    assert 0 < exact.margin < 1e-6
    assert set(exact.confirmed["verdict"]) == {"winner", "equal"}
    assert exact.undecided() == []


def test_the_design_chooses_the_winner(study, trials_of, metric):
    study["confirm", "wsd-9", 0.3] = study["confirm", "wsd-0", 0.2] - 0.1
    study["tune", "wsd-9", 0.4] = [0.1, 0.1]
    del study["confirm", "wsd-0", 0.2]
    found = Analysis(trials_of(study), metric, design=Design(winner=("wsd-9", 0.3, "{}")))
    assert [found.winner[key] for key in ("shape", "base_lr", "phase")] == ["wsd-9", 0.3, "confirm"]
    assert found.measuring_phase == "confirm"
    assert found.best_per_family["shape"].tolist() == ["wsd-9", "rex-2", "sqrt-3"]
    assert found.confirmed.set_index("shape")["verdict"]["wsd-9"] == "winner"
    absent = Analysis(trials_of(study), metric, design=Design(winner=("wsd-9", 0.7, "{}")))
    assert absent.winner["shape"] == "rex-1"


def test_what_tuning_may_gain_is_no_win(study, trials_of, metric):
    cosine, winner = ("baseline-cosine", 0.2, "{}"), ("rex-1", 0.2, "{}")

    def verdict_with(tuning, **design):
        found = Analysis(trials_of(study), metric, design=Design(tuning=tuning, **design))
        row = found.confirmed.set_index("shape").loc["baseline-cosine"]
        return row["verdict"], cosine in found.undecided(), row["cost"]

    assert verdict_with({cosine: Tuning(0.1, 0.4)}) == ("better", False, 0.4)
    assert verdict_with({cosine: Tuning(0.1, 0.6)}) == ("untuned", True, 0.6)
    assert verdict_with({cosine: Tuning(0.1, 0.0, "low")})[:2] == ("untuned", False)
    assert verdict_with({winner: Tuning(0.1, 0.0, "high")})[:2] == ("untuned", False)
    # A cost on the scale of logs is a share of the median, about 2, where a 0 rules logs out.
    study["confirm", "baseline-cosine", 0.2][0] = 0.0
    without_logs = verdict_with({cosine: Tuning(0.1, 0.45)}, scale="log")
    assert without_logs == ("untuned", True, pytest.approx(0.9, rel=0.1))
    fixed = Tuning(0.1, 0.45, sensitivity=Sensitivity({}, 1, 1, fixed_cost=0.45))
    tuned = Analysis(trials_of(study), metric, design=Design(tuning={cosine: fixed}, scale="log")).design
    assert tuned.tuning[cosine].sensitivity.fixed_cost == pytest.approx(0.9, rel=0.1)
    study["confirm", "baseline-cosine", 0.2] = np.flip(study["confirm", "rex-1", 0.2])
    assert verdict_with({})[:2] == ("open", True)
    assert verdict_with({}, margin=2.0)[:2] == ("equal", False)


def test_looks_widen_the_intervals_of_the_confirm_phase_only(study, trials_of, metric):
    plain = Analysis(trials_of(study), metric)
    for looks in ((), (20,), (40,)):
        alone = Analysis(trials_of(study), metric, design=Design(looks=looks))
        pd.testing.assert_frame_equal(alone.confirmed, plain.confirmed)
    looked = Analysis(trials_of(study), metric, design=Design(looks=(10, 20, 40)))
    np.testing.assert_allclose(looked.confirmed["p_value"], 4 * plain.confirmed["p_value"])
    ratios = np.log(study["confirm", "wsd-0", 0.2]) - np.log(study["confirm", "rex-1", 0.2])
    row = looked.confirmed.set_index("shape").loc["wsd-0"]
    assert tuple(row[["effect", "effect_low", "effect_high"]]) == sign_interval(ratios, 1 - 0.05 / 4)[:3]
    pd.testing.assert_frame_equal(looked.compared("rescore"), plain.compared("rescore"))


def test_a_look_takes_no_time(trials_of, metric):
    random = np.random.default_rng(0)
    values = {("confirm", f"baseline-{i}", 0.1): 1 + 0.1 * random.normal(size=160) for i in range(9)}
    values |= {(phase, "rex-1", 0.1): 1 + 0.1 * random.normal(size=160) for phase in ("rescore", "confirm")}
    trials, design = trials_of(values), Design(looks=(10, 20, 40, 80, 160), winner=("rex-1", 0.1, "{}"))
    Analysis(trials, metric, design=design).undecided()
    start = time.process_time()
    assert len(Analysis(trials, metric, design=design).undecided()) > 3
    assert time.process_time() - start < 0.5  # 0.04 s on an idle machine
