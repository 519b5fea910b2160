"""A number of trials becomes a search that keeps to it, whatever the truth is like."""

import contextlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driving import rows
from lrshape.analysis.intervals import interval_ranks
from lrshape.analysis.looks import share_of_error
from lrshape.errors import InputError
from lrshape.procedure.budget import FAMILIES, family_names, plan_search
from lrshape.procedure.curves import multiplier_rms
from lrshape.procedure.screening import screen
from lrshape.procedure.spec import STANDARD_BASELINES
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

BEST_RMS = 0.01


def size(shape, base_lr):
    """Root mean square of the LRs, in units of the best one."""
    return base_lr * float(multiplier_rms([shape.family])[0]) / BEST_RMS


def smooth(t):
    random = np.random.default_rng([t.seed, round(1e9 * min(t.base_lr, 1e6))])
    return np.exp(np.log10(size(t.shape, t.base_lr)) ** 2 + 0.05 * random.standard_normal())


TRUTHS = {
    "smooth": smooth,
    "diverges": lambda t: np.inf,
    "constant": lambda t: 1.0,
    "the larger the better": lambda t: -np.log(t.base_lr),
    "steps": lambda t: (t.seed + round(10 * np.log(t.base_lr))) % 5 / 5,
}


@settings(max_examples=6, deadline=None)
@given(trials=st.integers(24, 400), truth=st.sampled_from(list(TRUTHS)), tuned=st.just({}))
@example(trials=24, truth="smooth", tuned={})
@example(trials=24, truth="diverges", tuned={})
@example(trials=96, truth="constant", tuned={})
@example(trials=192, truth="the larger the better", tuned={})
@example(trials=192, truth="diverges", tuned={})
@example(trials=96, truth="smooth", tuned={"weight_decay": {"low": 0.01, "high": 1.0}})
def test_no_search_takes_more_trials_than_it_may_nor_a_phase_than_is_planned(drive_all, trials, truth, tuned):
    spec = StudySpec.parse({"workload": "digits-mlp", "trials": trials, "tune": tuned})
    table, choice = drive_all(spec, TRUTHS[truth])
    counts = table["phase"].value_counts().to_dict()
    assert len(table) <= trials
    assert counts["confirm"] >= spec.first_look
    assert len(choice.schedules) == 1 + len(spec.baselines)
    assert all(counts.get(phase, 0) <= most for phase, most in Plan(spec).trials.items())


@pytest.mark.parametrize("trials", [24, 48, 96, 200, 512, 1024, 4096])
def test_a_plan_shares_out_all_trials(trials):
    spec = StudySpec.parse({"workload": "digits-mlp", "trials": trials})
    plan = Plan(spec)
    assert plan.total <= trials == spec.max_trials
    assert spec.screen_limit <= trials - spec.first_look
    assert spec.screen.shapes * len(spec.families) < spec.screen_limit
    assert spec.confirm.least >= 6  # fewer seeds give no interval
    assert spec.confirm.families == (trials >= 1000)


@pytest.mark.parametrize("trials", [*range(24, 64), 80, 84, 100, 108, 160, 240, 256, 300])
def test_the_last_look_can_decide_what_earlier_ones_did_not(trials):
    document = {"workload": "digits-mlp", "trials": trials}
    for more in ({}, {"baselines": ["linear", "cosine"]}, {"schedules": ["linear", "cosine", "wsd"]}):
        if more and trials < 40:
            continue
        looks = StudySpec.parse({**document, **more}).confirm.looks
        losses = [interval_ranks(n, 1 - 0.05 * share_of_error(n, looks))[0] for n in looks]
        assert losses[-1] >= 0
        assert losses[-1] > max(losses[:-1], default=-1)
        assert len(looks) == 1 or losses[-1] > interval_ranks(looks[0])[0]


@pytest.mark.parametrize("least", [-160, 0, 10**12])
@pytest.mark.parametrize("more", [{"trials": 300}, {"schedules": ["linear", "cosine"]}])
def test_numbers_of_seeds_that_are_none_are_told(least, more):
    with pytest.raises(InputError, match=r"confirm\.least: must be at (least|most)"):
        StudySpec.parse({"workload": "digits-mlp", "confirm": {"least": least}, **more})


def test_more_trials_buy_more_of_everything():
    specs = [
        StudySpec.parse({"workload": "digits-mlp", "trials": n}) for n in (24, 48, 96, 200, 512, 1024, 4096)
    ]
    for amounts in (
        [spec.screen.shapes * len(spec.families) for spec in specs],
        [spec.rescore.top * spec.rescore.seeds for spec in specs[2:]],
        [len(spec.baselines) for spec in specs],
        [spec.confirm.least for spec in specs],
    ):
        assert amounts == sorted(amounts)


@settings(max_examples=10, deadline=None)
@given(
    baselines=st.integers(1, 4),
    families=st.integers(1, 4),
    hyperparameters=st.integers(0, 2),
    confirm=st.sampled_from([{}, {"seeds": 40}]),
)
@example(baselines=4, families=4, hyperparameters=0, confirm={})
@example(baselines=None, families=None, hyperparameters=0, confirm={})
@example(baselines=None, families=None, hyperparameters=2, confirm={"seeds": 40})
def test_no_number_of_trials_above_one_that_is_enough_is_too_small(
    baselines, families, hyperparameters, confirm
):
    tuned = dict(list(TUNED.items())[:hyperparameters])
    document = {"workload": "digits-mlp", "confirm": confirm, "tune": tuned}
    if baselines is not None:
        document |= {"baselines": list(STANDARD_BASELINES)[:baselines], "families": FAMILIES[:families]}
    enough = [is_enough(document, trials) for trials in (*range(24, 600, 4), 999, 1000)]
    assert enough == sorted(enough)
    assert enough[-1]


TUNED = {"weight_decay": {"low": 0.01, "high": 1.0}, "beta1": {"low": 0.5, "high": 0.99}}


def is_enough(document, trials):
    with contextlib.suppress(InputError):
        return bool(StudySpec.parse({**document, "trials": trials}))
    return False


def test_what_is_said_to_be_enough_is():
    document = {"workload": "digits-mlp", "baselines": list(STANDARD_BASELINES), "families": list(FAMILIES)}
    with pytest.raises(InputError, match=r"at least 49 .* got 24; raise trials or name fewer baselines"):
        StudySpec.parse({**document, "trials": 24})
    assert [is_enough(document, trials) for trials in (48, 49, 97, 101)] == [False, True, True, True]


def test_shapes_to_start_from_are_searched_whatever_the_number_of_trials():
    start = {"family": "power", "base_lr": 0.1}
    spec = StudySpec.parse({"workload": "digits-mlp", "trials": 24, "initial_shapes": [start]})
    assert [family.name for family in spec.families] == ["rex", "power"]
    decaying = {"workload": "digits-mlp", "decay_steps": 10}
    assert family_names(decaying) == ["wsd"]
    assert StudySpec.parse(decaying).screen == StudySpec.parse({**decaying, "families": ["wsd"]}).screen


@pytest.mark.parametrize("trials", [24, 1000])
def test_a_whole_number_of_trials_may_be_a_float(trials):
    for more in ({}, {"schedules": ["linear", "cosine"]}):
        specs = [
            StudySpec.parse({"workload": "digits-mlp", "trials": n, **more}) for n in (trials, float(trials))
        ]
        assert specs[0].document() == specs[1].document()


def test_settings_of_the_spec_stand():
    planned = plan_search({"trials": 200, "confirm": {"seeds": 7}, "base_lr": {"low": 0.1}, "baselines": []})
    assert planned["confirm"] == {"seeds": 7, "families": False}
    assert planned["base_lr"]["low"] == 0.1
    assert planned["baselines"] == []
    for looks in ({"least": 30}, {"most": 8}):
        confirm = StudySpec.parse({"workload": "digits-mlp", "trials": 256, "confirm": looks}).confirm
        assert confirm.least <= confirm.most
        assert looks.items() <= confirm.model_dump().items()


@pytest.mark.parametrize("ratio", [1 / 100, 100])
def test_a_range_that_misses_the_best_base_lr_widens_until_it_is_inside(drive_all, ratio):
    """Both ends are too small or too large by that much at least."""
    near, far = BEST_RMS * ratio, BEST_RMS * ratio * (100 if ratio > 1 else 1 / 100)
    base_lr = {"low": min(near, far), "high": max(near, far)}
    spec = StudySpec.parse({"workload": "digits-mlp", "trials": 128, "base_lr": base_lr})
    _, choice = drive_all(spec, smooth)
    for one in choice.schedules:
        assert 0.7 < size(one.shape, one.candidate.base_lr) < 1.4
        assert one.tuning.edge == ""


@pytest.mark.parametrize("ratio", [1 / 1000, 1, 1000])
def test_the_first_baseline_finds_the_range_for_all(ratio):
    base_lr = {"low": 0.1 * ratio * BEST_RMS, "high": 3 * ratio * BEST_RMS}
    spec = StudySpec.parse(
        {"workload": "digits-mlp", "baselines": list(STANDARD_BASELINES), "base_lr": base_lr}
    )
    phase, swept = screen(spec), []
    asked = next(phase)
    while all(t.shape.id.startswith("baseline") for t in asked):  # they come before all other shapes
        swept.append(asked)
        asked = phase.send(rows(swept, smooth))
    assert not any(t.shape.id.startswith("baseline") for t in asked)
    assert 0 < sum(map(len, swept)) <= (15 if ratio == 1 else 22)  # were each to walk alone, 31 and more
