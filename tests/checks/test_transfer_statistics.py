"""Regrets from trials that are given by hand, where the truth is known."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from lrshape.checks.transfer_statistics import KEPT, TUNED, BestShape, answer, regrets
from lrshape.errors import InputError

METRIC = "final/train_loss"
FIRST = 1000
BEST = [BestShape("a", "rex", '{"beta": 1}', 0.1), BestShape("b", "rex", '{"beta": 2}', 0.2)]


def trials(factors, *, tuned=0.4, seeds=20, seed=0, less=0):
    """Trials in one setting: loss = factor of (params, base LR) x noise of the seed; 0.4 tunes best."""
    noise = np.exp(0.05 * np.random.default_rng(seed).normal(size=seeds))
    rows = []
    for best in BEST:
        for base_lr in (0.3, tuned, 0.5):
            rows += [(best, base_lr, s, 1 + abs(base_lr - tuned)) for s in range(5)]
        for base_lr in (tuned, 0.1, 0.2):
            factor = factors[best.setting, "tuned" if base_lr == tuned else base_lr]
            rows += [(best, base_lr, FIRST + s, factor * noise[s]) for s in range(seeds)]
    values = np.array([row[3] - less for row in rows])
    return pd.DataFrame(
        {
            "phase": "transfer",
            "shape": [f"best-{d.setting}" for d, *_ in rows],
            "family": "rex",
            "params": [d.params for d, *_ in rows],
            "base_lr": [row[1] for row in rows],
            "hyperparameters": "{}",
            "seed": [row[2] for row in rows],
            METRIC: values,
            "status": np.where(np.isfinite(values), "ok", "diverged"),
            "first_bad_step": -1,
            "message": "",
            "wall_time": 0.1,
        }
    )


def factors(own, a_tuned, b_tuned, a_kept, b_kept):
    return {
        ("a", "tuned"): a_tuned, ("b", "tuned"): b_tuned, ("a", 0.1): a_kept, ("b", 0.2): b_kept,
        ("a", 0.2): math.nan, ("b", 0.1): math.nan,
    }  # fmt: skip


def table(in_a, in_b, **options):
    tables = {
        "a": trials(factors("a", *in_a), **options),
        "b": trials(factors("b", *in_b), seed=1, **options),
    }
    return regrets(tables, BEST, METRIC, first_scoring_seed=FIRST)


def row(found, choice, shape_of, used_in):
    wanted = (found["choice"] == choice) & (found["shape_of"] == shape_of) & (found["used_in"] == used_in)
    (one,) = found[wanted].to_dict("records")
    return one


def test_regrets_are_measured_against_the_own_shape_with_its_base_lr_chosen_alike():
    found = table((1.0, 1.3, 1.1, 2.2), (1.5, 1.0, 3.0, 1.2))
    assert len(found) == 8
    tuned = row(found, TUNED, "b", "a")
    assert tuned["relative"] == pytest.approx(0.3)
    assert tuned["base_lr"] == 0.4
    assert tuned["verdict"] == "costs"
    kept = row(found, KEPT, "b", "a")
    assert kept["relative"] == pytest.approx(2.2 / 1.1 - 1)
    assert kept["base_lr"] == 0.2
    assert row(found, KEPT, "a", "b")["relative"] == pytest.approx(3.0 / 1.2 - 1)
    for choice in (TUNED, KEPT):
        own = row(found, choice, "a", "a")
        assert (own["regret"], own["verdict"]) == (0.0, "own")
        assert math.isnan(own["p_holm"])
    assert answer(found)["moves"] == "yes"
    assert answer(found)["costs"] == 2
    assert answer(found)["largest"] == row(found, TUNED, "a", "b")
    assert answer(found)["reverse"] == tuned


def test_regrets_below_the_margin_are_within_it_and_negative_ones_too():
    found = table((1.0, 1.01, 1.0, 1.0), (0.9, 1.0, 1.0, 1.0))
    assert row(found, TUNED, "b", "a")["verdict"] == "within"
    assert row(found, TUNED, "a", "b")["relative"] == pytest.approx(-0.1)
    assert row(found, TUNED, "a", "b")["verdict"] == "within"
    assert answer(found)["moves"] == "no"


def test_the_margin_decides():
    tables = {"a": trials(factors("a", 1.0, 1.3, 1, 1)), "b": trials(factors("b", 1.01, 1.0, 1, 1))}
    for margin, moves in ((0.0, "yes"), (0.2, "yes"), (0.5, "no")):
        found = regrets(tables, BEST, METRIC, first_scoring_seed=FIRST, margin=margin)
        assert answer(found)["moves"] == moves


def test_intervals_of_tuned_shapes_include_what_better_base_lrs_may_gain():
    tables = {"a": trials(factors("a", 1.0, 1.3, 1, 1.3)), "b": trials(factors("b", 1.0, 1.0, 1, 1))}
    gains = {BEST[0].params: 0.95, BEST[1].params: 0.9}

    def found(choice, improved, margin=0.05):
        table = regrets(tables, BEST, METRIC, first_scoring_seed=FIRST, margin=margin, improved=improved)
        return row(table, choice, "b", "a")

    def improved(setting, at, losses):
        assert at[2] == 0.4
        return losses * gains[at[1]]

    def same(setting, at, losses):
        return losses

    tuned = found(TUNED, improved)
    ends = [tuned[f"relative{end}"] for end in ("", "_low", "_high")]
    assert ends == pytest.approx([0.3, 1.3 * 0.9 - 1, 1.3 / 0.95 - 1])
    assert tuned["verdict"] == "costs"
    assert found(TUNED, improved, 0.2)["verdict"] == "undecided"
    assert found(TUNED, same, 0.2)["verdict"] == "costs"
    assert found(TUNED, same, 0.32)["verdict"] == "within"
    assert found(TUNED, improved, 0.32)["verdict"] == "undecided"
    assert found(KEPT, improved) == found(KEPT, same)


@pytest.mark.parametrize("unknown", BEST, ids=["own", "other"])
def test_nothing_is_decided_where_nothing_is_known_of_better_base_lrs(unknown):
    tables = {"a": trials(factors("a", 1.0, 1.3, 1, 1)), "b": trials(factors("b", 1.0, 1.0, 1, 1))}
    found = regrets(
        tables, BEST, METRIC, first_scoring_seed=FIRST,
        improved=lambda setting, at, losses: None if at[1] == unknown.params else losses,
    )  # fmt: skip
    tuned = row(found, TUNED, "b", "a")
    assert tuned["relative"] == pytest.approx(0.3)
    assert math.isnan(tuned["relative_low"])
    assert tuned["verdict"] == "undecided"
    assert answer(found)["moves"] == "undecided"


@pytest.mark.parametrize(("tuned", "edge"), [(0.4, ""), (0.6, "high")])
def test_a_better_base_lr_gains_nothing_on_the_same_shape(tuned, edge):
    twins = [BEST[0], BestShape("b", BEST[0].family, BEST[0].params, 0.2)]
    table = trials(factors("a", 1.0, 1.0, 1, 1), tuned=tuned)
    found = regrets(
        {"a": table, "b": table}, twins, METRIC, first_scoring_seed=FIRST,
        improved=lambda setting, at, losses: 0.5 * losses,
    )  # fmt: skip
    same = row(found, TUNED, "b", "a")
    assert (same["edge"], same["own_edge"]) == (edge, edge)
    assert (same["relative_low"], same["relative_high"], same["verdict"]) == (0, 0, "within")


@pytest.mark.parametrize("reverse", [1.0, 0.9])
def test_a_shape_that_is_worse_everywhere_does_not_show_that_the_best_shape_moves(reverse):
    found = answer(table((1.0, reverse, 1.0, 1.0), (1.5, 1.0, 1.0, 1.0)))
    assert (found["moves"], found["costs"]) == ("undecided", 1)
    assert found["largest"]["relative"] == pytest.approx(0.5)
    assert found["reverse"]["relative"] == pytest.approx(reverse - 1)


def test_the_interval_of_a_share_lies_above_the_margin_where_the_regret_costs():
    rng = np.random.default_rng(3)
    table = trials(factors("a", 1.0, 1.3, 1, 1))
    other = (table["params"] == BEST[1].params) & (table["seed"] >= FIRST)
    for noise in (0.1, 0.3, 0.6):
        first = table.copy()
        first.loc[other, METRIC] *= np.exp(noise * rng.normal(size=other.sum()))
        tables = {"a": first, "b": trials(factors("b", 1.0, 1.0, 1, 1))}
        found = row(regrets(tables, BEST, METRIC, first_scoring_seed=FIRST, margin=0.05), TUNED, "b", "a")
        assert (found["relative_low"] > 0.05) == (found["verdict"] == "costs")
        assert found["relative_low"] > -1


def test_a_regret_that_noise_hides_is_undecided():
    first = trials(factors("a", 1.0, 1.0, 1, 1))
    mine = (first["params"] == BEST[1].params) & (first["seed"] >= FIRST)
    first.loc[mine, METRIC] *= np.tile([0.5, 0.8, 1.0, 1.25, 2.0], 12)
    tables = {"a": first, "b": trials(factors("b", 1.0, 1.0, 1, 1))}
    found = regrets(tables, BEST, METRIC, first_scoring_seed=FIRST)
    assert row(found, TUNED, "b", "a")["verdict"] == "undecided"
    assert answer(found)["moves"] == "undecided"


def test_a_shape_that_diverges_elsewhere_costs_infinitely_much():
    found = table((1.0, math.inf, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0))
    lost = row(found, TUNED, "b", "a")
    assert (lost["score"], lost["relative"], lost["verdict"]) == (math.inf, math.inf, "costs")
    assert answer(found)["largest"]["relative"] == math.inf


def test_few_seeds_say_nothing():
    found = table((1.0, 1.3, 1.0, 1.0), (1.3, 1.0, 1.0, 1.0), seeds=5)
    assert row(found, TUNED, "b", "a")["verdict"] == "unknown"
    assert answer(found)["moves"] == "unknown"


def test_a_regret_of_a_metric_that_is_maximised_is_a_share_too():
    found = table((1.0, 2.0, 1.0, 1.0), (2.0, 1.0, 1.0, 1.0), less=10)
    worse = row(found, TUNED, "b", "a")
    assert worse["regret"] == pytest.approx(1.0, rel=0.1)
    assert worse["relative"] == pytest.approx(1 / 9, rel=0.1)
    assert 0.05 < worse["relative_low"] <= worse["relative"] <= worse["relative_high"]
    assert worse["verdict"] == "costs"


def test_without_references_of_one_sign_there_is_no_share_but_a_verdict():
    found = table((1.0, 2.0, 1.0, 1.0), (2.0, 1.0, 1.0, 1.0), less=1)
    worse = row(found, TUNED, "b", "a")
    assert math.isnan(worse["relative"])
    assert worse["regret"] == pytest.approx(1.0, rel=0.1)
    assert worse["verdict"] == "costs"


def test_nothing_is_decided_where_a_better_base_lr_may_lie_beyond_those_tried():
    tables = {"a": trials(factors("a", 1.0, 1.3, 1, 1)), "b": trials(factors("b", 1.3, 1.0, 1, 1))}
    own = (tables["a"]["params"] == BEST[0].params) & (tables["a"]["base_lr"] == 0.3)
    tables["a"] = tables["a"][~own]  # so that the lowest of the own shape's is the best
    found = regrets(tables, BEST, METRIC, first_scoring_seed=FIRST)
    assert row(found, TUNED, "b", "a")["own_edge"] == "low"
    assert row(found, TUNED, "b", "a")["verdict"] == "undecided"
    assert row(found, TUNED, "a", "b")["verdict"] == "costs"
    assert answer(found)["moves"] == "undecided"


def test_the_false_alarm_rate_is_held():
    """Two shapes of one quality: with margin 0, a pair is called costly in at most a few of 100 sweeps."""
    alarms = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        first = trials(factors("a", 1.0, 1.0, 1, 1))
        scored = first["seed"] >= FIRST
        first.loc[scored, METRIC] = np.exp(random.normal(size=scored.sum()))
        found = regrets({"a": first}, BEST, METRIC, first_scoring_seed=FIRST, margin=0.0)
        alarms += row(found, TUNED, "b", "a")["verdict"] == "costs"
    assert alarms <= 8  # 2.5 expected, one-sided


@pytest.mark.parametrize(
    ("settings", "p", "moves"), [(2, 0.04, "yes"), (4, 0.04, "undecided"), (4, 0.005, "yes")]
)
def test_moves_are_corrected_for_all_pairs_of_settings(settings, p, moves):
    """The first setting's shape costs in all others, whose shapes cost there, too, if its p-values hold."""
    names = "abcd"[:settings]
    first = row(table((1.0, 1.3, 1.0, 1.0), (1.3, 1.0, 1.0, 1.0)), TUNED, "a", "b")
    rows = [
        first | {"shape_of": of, "used_in": at}
        | ({"verdict": "undecided", "p_above_0": p} if at == "a" else {} if of == "a" else {"p_above_0": 1.0})
        for of, at in itertools.permutations(names, 2)
    ]  # fmt: skip
    assert answer(pd.DataFrame(rows))["moves"] == moves


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_wrong_margins(margin):
    with pytest.raises(InputError, match="margin"):
        regrets({}, BEST, METRIC, first_scoring_seed=FIRST, margin=margin)


def test_missing_trials_are_said():
    tables = {"a": trials(factors("a", 1, 1, 1, 1))}
    tables["a"] = tables["a"][tables["a"]["seed"] < FIRST]
    with pytest.raises(InputError, match="best shape of a has no trials"):
        regrets(tables, BEST, METRIC, first_scoring_seed=FIRST)
