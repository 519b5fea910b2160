"""The tune phase on smooth truths: all base LRs are tuned by one rule, and a choice is what it found."""

import numpy as np
import pandas as pd
import pytest

from driving import rows
from lrshape.analysis.design import Tuning
from lrshape.procedure import known_trials
from lrshape.procedure.choice import Choice, Tuned
from lrshape.procedure.curve_model import CurveModel
from lrshape.procedure.curves import PROGRESS, multiplier_rms
from lrshape.procedure.trial import FIRST_SEED, Candidate, ShapeRecord, Trial
from lrshape.procedure.tried_base_lrs import tried_base_lrs
from lrshape.procedure.tuning import tune
from lrshape.study.spec import StudySpec

SHAPES = [
    ShapeRecord.of("rex-0000", "rex", {"warmup": 0.0, "beta": 0.5}),
    ShapeRecord.of("rex-0001", "rex", {"warmup": 0.1, "beta": 2.0}),
    ShapeRecord.of("baseline-linear", "linear", {"warmup": 0.05, "floor": 0.0}),
    ShapeRecord.of("baseline-constant", "constant", {"warmup": 0.05}),
]
BEST_RMS = 0.01
METRIC = "final/train_loss"


def spec_of(**tuning):
    return StudySpec.parse(
        {
            "workload": "digits-mlp",
            "families": ["rex"],
            "baselines": ["linear", "constant"],
            "sampler": "sobol",
            "tuning": {"seeds": 1, **tuning},
            "confirm": {"families": False},
        }
    )


def best_base_lr(shape):
    return BEST_RMS / float(multiplier_rms([shape.family])[0])


def octaves_off(shape, base_lr):
    return np.log2(base_lr / best_base_lr(shape))


def loss(t):
    """A parabola in the octaves of the base LR, with a little noise; twice as much where it is constant."""
    noise = np.random.default_rng([t.seed, round(1e9 * t.base_lr)]).standard_normal()
    seed = np.random.default_rng(t.seed).standard_normal()
    worse = 2.0 if t.shape.family.name == "constant" else 1.0
    return worse * np.exp(0.2 * octaves_off(t.shape, t.base_lr) ** 2 + 0.01 * noise + 0.05 * seed)


def screened(octaves, metric=loss):
    """A screen that has tried every shape at these base LRs, in octaves from the best one."""
    trials = [
        Trial("screen", Candidate(shape, best_base_lr(shape) * 2.0**away), number % 3)
        for shape in SHAPES
        for number, away in enumerate(octaves)
    ]
    return rows([trials], metric)


def tuned(drive, octaves, metric=loss, **tuning):
    """Rounds and choice of a tune phase after such a screen."""
    candidates = [Candidate(shape, 1.0) for shape in SHAPES]
    return drive(tune(spec_of(**tuning), candidates, screened(octaves, metric)), metric)


def test_all_rows_get_trials_on_the_same_seeds_and_the_winner_is_kept(drive):
    rounds, choice = tuned(drive, (-2, -1, 0, 1, 2), rounds=1)
    by_shape = {shape.id: [t for t in rounds[0] if t.shape.id == shape.id] for shape in SHAPES}
    assert {len(trials) for trials in by_shape.values()} == {5}
    assert {t.seed for t in rounds[0]} == {FIRST_SEED["tune"]}
    assert [t.shape.id for t in choice.schedules[1:]] == ["baseline-linear", "baseline-constant"]
    assert choice.winner is choice.schedules[0]
    assert choice.winner.shape in SHAPES[:2]


def test_base_lrs_that_the_screen_left_an_octave_off_end_within_a_tenth(drive):
    _, choice = tuned(drive, (-3, -2, -1), rounds=4)
    for one in choice.schedules:
        assert abs(octaves_off(one.shape, one.candidate.base_lr)) < 0.1
        assert one.tuning.edge == ""
        assert 0 < one.tuning.cost < 0.03


def test_only_what_is_not_tuned_yet_gets_another_round(drive):
    rounds, _ = tuned(drive, (-2, -1, 0, 1, 2), rounds=8)
    assert len(rounds) < 8
    counts = [len(trials) for trials in rounds]
    assert counts == sorted(counts, reverse=True)


def test_a_base_lr_that_diverges_is_not_chosen(drive):
    def steep(t):
        return np.inf if octaves_off(t.shape, t.base_lr) > 0.2 else loss(t)

    _, choice = tuned(drive, (-2, -1, 0, 1, 2), steep, rounds=4)
    for one in choice.schedules:
        assert -0.3 < octaves_off(one.shape, one.candidate.base_lr) <= 0.2
        assert one.tuning.edge == ""  # divergence bounds the range


@pytest.mark.parametrize("shift", [0.02, 0.04, 0.06])
def test_without_noise_a_better_base_lr_gains_no_more_than_is_said(drive, shift):
    """The model compares base LRs on a grid, and the best one may lie between two of them."""

    def smooth(t):
        return np.exp(0.2 * octaves_off(t.shape, t.base_lr) ** 2)

    _, choice = tuned(drive, shift + np.arange(-2, 3), smooth, rounds=4)
    for one in choice.schedules:
        away = octaves_off(one.shape, one.candidate.base_lr)
        assert 0.2 * away**2 <= one.tuning.cost < 0.001
        assert abs(away) <= 2 * one.tuning.octaves


@pytest.mark.parametrize(("octaves", "edge"), [((-5, -4, -3), "high"), ((3, 4, 5), "low")])
def test_without_rounds_nothing_is_trained_and_an_edge_is_told(drive, octaves, edge):
    rounds, choice = tuned(drive, octaves, rounds=0)
    assert rounds == []
    assert {one.tuning.edge for one in choice.schedules} == {edge}
    assert len(choice.schedules) == 3
    assert all(octaves_off(t.shape, t.candidate.base_lr) < max(octaves) + 1e-9 for t in choice.schedules)


def test_a_profile_knows_the_best_base_lr_of_a_shape_and_how_well():
    tables = screened((-2, 0, 2)), screened(np.linspace(-2, 2, 17))
    shape, random = SHAPES[2], np.random.default_rng(0)
    models = [CurveModel(table, METRIC, "log") for table in tables]
    profiles = [
        model.profile(shape, tried_base_lrs(table, METRIC, [shape.id])[shape.id], random)
        for model, table in zip(models, tables, strict=True)
    ]
    values = np.repeat(shape.family(PROGRESS)[None], 2, axis=0)
    scores = models[1].scores(values, profiles[1].base_lr * np.array([1.0, 4.0]))
    assert scores[0] == pytest.approx(profiles[1].score)
    assert scores[1] > scores[0]
    assert abs(octaves_off(shape, profiles[1].base_lr)) < 0.15
    assert profiles[1].score == pytest.approx(0.0, abs=0.15)
    assert profiles[1].favourite == profiles[1].base_lr
    assert profiles[1].limit == np.inf
    assert 0 < profiles[1].tuning.cost < profiles[0].tuning.cost
    assert profiles[1].tuning.octaves < profiles[0].tuning.octaves


def test_a_model_that_cannot_know_all_trials_does_not_take_the_lucky_ones(monkeypatch):
    """To a model of half of the screen base LRs far from the best one are as bad as they are."""
    monkeypatch.setattr(known_trials, "MOST", 100)
    random, shape = np.random.default_rng(0), SHAPES[2]
    octaves = random.uniform(-2, 2, 200)
    table = screened(octaves).query("shape == 'baseline-linear'")
    table[METRIC] = np.exp(0.2 * octaves**2 + 0.3 * random.standard_normal(200))
    far = table[octaves > 1]
    profile = CurveModel(table, METRIC, "log").profile(
        shape, tried_base_lrs(far, METRIC, [shape.id])[shape.id], random
    )
    assert profile.score == pytest.approx(0.2 * octaves_off(shape, profile.base_lr) ** 2, abs=0.1)


def test_a_model_that_cannot_know_all_trials_prefers_new_points_to_more_seeds_and_keeps_the_screen(
    monkeypatch,
):
    """150 seeds of one base LR push out neither the other base LRs nor the screen's."""
    monkeypatch.setattr(known_trials, "MOST", 60)
    shape = SHAPES[2]
    seeds = screened(np.full(150, 1.0)).query("shape == 'baseline-linear'")
    seeds = seeds.assign(phase="confirm", seed=np.arange(150))
    tried = screened(np.linspace(-0.5, 0.5, 21)).query("shape == 'baseline-linear'").assign(phase="tune")
    far = screened(np.linspace(-4, -2, 40)).query("shape == 'baseline-linear'")
    table = pd.concat([seeds, tried, far], ignore_index=True)
    known = table.iloc[known_trials.known_trials(table, np.ones(len(table), bool))]
    assert known["phase"].value_counts().to_dict() == {"tune": 21, "screen": 20, "confirm": 19}
    profile = CurveModel(table, METRIC, "log").profile(
        shape, tried_base_lrs(table, METRIC, [shape.id])[shape.id], np.random.default_rng(0)
    )
    assert abs(octaves_off(shape, profile.base_lr)) < 0.15


def test_what_a_better_base_lr_gains_is_known_though_nobody_knows_what_lies_between_trials_far_away():
    """Scores that change fast leave the model without a guess of base LRs between those tried."""
    shape, octaves = SHAPES[2], np.append([-14.0, -9.0], np.linspace(-3, 3, 61))

    def wavy(t):
        away = octaves_off(t.shape, t.base_lr)
        return np.exp(0.02 * min(away**2, 9) - np.cos(4 * away))

    table = screened(octaves, wavy)
    tried = tried_base_lrs(table, METRIC, [shape.id])[shape.id]
    model = CurveModel(table, METRIC, "log")
    gains = [
        model.gain(shape, best_base_lr(shape) * 2.0**away, "{}", tried, np.random.default_rng(0))
        for away in (0, 1)
    ]
    assert gains == pytest.approx([0, 1.674], abs=0.015)


@pytest.mark.parametrize("scores", ["equal", "negative", "all but three diverged"])
def test_odd_scores_are_tuned_without_an_error(drive, scores):
    metric = {
        "equal": lambda t: 1.0,
        "negative": lambda t: -1.0 / loss(t),
        "all but three diverged": lambda t: 1.0 if t.shape is SHAPES[0] and t.base_lr < 0.01 else np.inf,
    }[scores]
    _, choice = tuned(drive, (-1, 0, 1), metric, rounds=1)
    assert len(choice.schedules) == 3
    assert all(one.candidate.base_lr > 0 for one in choice.schedules)


def test_a_choice_reads_back():
    choice = Choice(
        [
            Tuned(Candidate(SHAPES[0], 0.1), Tuning(0.05, 1e-3)),
            Tuned(Candidate(SHAPES[2], 1 / 3), Tuning(np.inf, np.inf, "low")),
        ]
    )
    back = Choice.read(choice.document())
    assert back.document() == choice.document()
    assert [(t.shape.family, t.candidate, t.tuning) for t in back.schedules] == [
        (t.shape.family, t.candidate, t.tuning) for t in choice.schedules
    ]
    assert back.winner.shape.id == "rex-0000"
    assert back.design(spec_of()).tuning[("baseline-linear", 1 / 3, "{}")].edge == "low"
