"""What every sampler that learns promises beyond the contract."""

import json

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS

LEARNING = [name for name in SAMPLERS if SAMPLERS[name]().batch is not None]
BEST = np.array([0.3, 0.6, 0.8])

every_learner = pytest.mark.parametrize("name", LEARNING)


def bowl(points, random=None):
    """Lowest, 1, at BEST; noise of a tenth if ``random`` is given."""
    value = np.exp(4 * ((points - BEST[: points.shape[1]]) ** 2).sum(axis=1))
    return value if random is None else value * np.exp(0.1 * random.standard_normal(len(points)))


def searched(sampler, batches, dimensions=3, seed=0, noise=None, state=None):
    state = state or sampler.init(dimensions, seed)
    for _ in range(batches):
        points, state = sampler.ask(state, sampler.batch)
        state = json.loads(json.dumps(sampler.tell(state, points, bowl(points, noise)), allow_nan=False))
    return state


def test_the_samplers_that_learn_are_there():
    assert {"cmaes", "gp", "optuna"} == set(LEARNING)


@every_learner
def test_what_it_recommends_beats_as_many_random_points(name):
    sampler, batches = SAMPLERS[name](), 10
    random = [bowl(np.random.default_rng(i).random((16 * batches, 3))).min() for i in range(20)]
    recommended = sampler.recommend(searched(sampler, batches), 1)
    assert bowl(recommended)[0] < np.median(random)


@every_learner
def test_it_learns_from_noisy_scores(name):
    sampler, batches = SAMPLERS[name](), 10
    state = searched(sampler, batches, noise=np.random.default_rng(0))
    assert bowl(sampler.recommend(state, 1))[0] < 1.35


@every_learner
def test_it_recommends_different_points_of_the_cube_best_first(name):
    sampler = SAMPLERS[name]()
    assert sampler.recommend(sampler.init(3, 0), 4).shape == (0, 3)
    points = sampler.recommend(searched(sampler, 2), 4)
    assert points.shape == (4, 3)
    assert np.all((points >= 0) & (points <= 1))
    assert len(np.unique(points, axis=0)) == 4
    with pytest.raises(InputError, match="must be one of sampler"):
        sampler.recommend({"sampler": "another"}, 1)


@every_learner
def test_what_is_told_before_the_first_ask_is_a_warm_start(name):
    sampler = SAMPLERS[name]()
    known = np.random.default_rng(3).random((64, 3)) * 0.2 + BEST - 0.1
    state = sampler.tell(sampler.init(3, 0), known, bowl(known))
    warm, cold = sampler.ask(state, 8)[0], sampler.ask(sampler.init(3, 0), 8)[0]
    assert bowl(warm).min() < bowl(cold).min()


@every_learner
def test_the_course_is_the_same_when_it_is_repeated(name):
    sampler, batches = SAMPLERS[name](), 4
    first, second = (searched(sampler, batches) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(sampler.recommend(first, 2), sampler.recommend(second, 2))


@every_learner
def test_it_goes_on_where_all_diverged(name):
    sampler = SAMPLERS[name]()
    state = sampler.init(2, 0)
    for _ in range(3):
        points, state = sampler.ask(state, 16)
        state = sampler.tell(state, points, np.full(16, np.inf))
    assert sampler.recommend(state, 1).shape == (0, 2)
    points, state = sampler.ask(state, 16)
    state = sampler.tell(state, points, np.where(points[:, 0] < 0.5, 1.0 + points[:, 1], np.nan))
    assert sampler.ask(state, 16)[0].shape == (16, 2)
    assert sampler.recommend(state, 1)[0, 0] < 0.55


@pytest.mark.parametrize("scores", [bowl, lambda points: bowl(points) - 2.0])
def test_the_gp_finds_a_bowl_to_three_digits_whatever_the_sign(scores):
    sampler = SAMPLERS["gp"]()
    state = sampler.init(3, 0)
    for _ in range(8):
        points, state = sampler.ask(state, 16)
        state = sampler.tell(state, points, scores(points))
    np.testing.assert_allclose(sampler.recommend(state, 1)[0], BEST, atol=5e-3)


def test_the_gp_believes_in_less_gain_the_more_it_knows():
    sampler = SAMPLERS["gp"]()
    assert sampler.belief(sampler.init(3, 0), 8) is None
    early, late = (sampler.belief(searched(sampler, batches), 64) for batches in (2, 8))
    for belief in (early, late):
        assert np.all(belief.minimum <= belief.favourite)
    early_gain, gain = (np.mean(b.favourite - b.minimum) for b in (early, late))
    assert gain < 0.01
    assert 3 * gain < early_gain
    assert np.median(late.favourite) == pytest.approx(0.0, abs=0.01)  # the logarithm of 1
    assert late.noise < 0.01


def test_the_gp_sees_scores_on_the_scale_that_it_is_given():
    sampler = SAMPLERS["gp"]().seeing(lambda points: points, scale=lambda scores: 100 * scores)
    state = searched(sampler, 6, noise=np.random.default_rng(0))
    belief = sampler.belief(state, 64)
    assert np.median(belief.favourite) == pytest.approx(100, abs=10)
    assert belief.noise == pytest.approx(10, rel=0.5)


def test_the_gp_goes_on_from_more_scores_than_it_can_know():
    sampler, random = SAMPLERS["gp"](), np.random.default_rng(0)
    _, state = sampler.ask(sampler.init(3, 0), 16)
    points = random.random((2000, 3))
    state = json.loads(json.dumps(sampler.tell(state, points, bowl(points, random))))
    assert len(state["own"]["scores"]) - len(state["own"]["forgotten"]) == 1200
    state = searched(sampler, 1, state=state)
    assert bowl(sampler.recommend(state, 1))[0] < 1.05


def test_the_gp_is_not_misled_by_lucky_batches():
    """Every other batch has a seed that lowers all scores by a tenth, and sees only the worse part."""
    sampler, random = SAMPLERS["gp"](initial=4), np.random.default_rng(0)
    state = sampler.init(1, 0)
    for batch in range(8):
        x = random.random((12, 1)) if batch % 2 else 0.4 + 0.6 * random.random((12, 1))
        noise = np.exp(0.03 * random.standard_normal(12))
        luck = 1.0 if batch % 2 else 0.9
        state, (_, state) = state, sampler.ask(state, 1)
        state = sampler.tell(state, x, luck * noise * np.exp(3 * (x[:, 0] - 0.2) ** 2))
    assert abs(sampler.recommend(state, 1)[0, 0] - 0.2) < 0.1


def test_cmaes_starts_again_when_it_has_converged():
    sampler = SAMPLERS["cmaes"](batch_size=4)
    state = searched(sampler, 120, dimensions=2)
    points, _ = sampler.ask(state, 16)
    assert np.ptp(points, axis=0).max() > 0.05
    assert bowl(np.array([state["best_point"]]))[0] < 1.001


@pytest.mark.parametrize(("name", "batches"), [("GPSampler", 4), ("CmaEsSampler", 10)])
def test_optunas_other_samplers_learn(name, batches):
    sampler = SAMPLERS["optuna"](sampler=name, batch_size=8)
    points, _ = sampler.ask(searched(sampler, batches), 8)
    assert np.median(((points - BEST) ** 2).sum(axis=1)) < 0.2  # of random points 0.4


def test_an_unknown_sampler_of_optuna_is_an_input_error():
    with pytest.raises(InputError, match=r"sampler.sampler: must be one of .*; did you mean 'TPESampler'"):
        SAMPLERS.build({"name": "optuna", "sampler": "TPE"})


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cmaes", {"batch_size": 3}),
        ("cmaes", {"sigma": 0.0}),
        ("gp", {"batch_size": 1}),
        ("gp", {"initial": 2.5}),
        ("optuna", {"batch_size": 0}),
    ],
)
def test_settings_out_of_range_are_input_errors(name, settings):
    with pytest.raises(InputError, match=f"^sampler.{next(iter(settings))}: must be"):
        SAMPLERS.build({"name": name, **settings})


def folded(points):
    """Points of a square whose scores depend on a circle's angle alone, in two turns."""
    angle = 4 * np.pi * points[:, 0]
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_the_gp_knows_points_that_are_the_same_to_the_features():
    sampler = SAMPLERS["gp"](batch_size=8, initial=8).seeing(folded)
    state = sampler.init(2, 0)
    known = np.random.default_rng(0).random((24, 2)) * [0.5, 1.0]
    _, state = sampler.ask(state, 8)
    state = sampler.tell(state, known, 2 + folded(known)[:, 1])  # lowest at 3/8 and, not seen, at 7/8
    far = sampler.recommend(state, 1, lambda points: points[:, 0] > 0.6)
    assert far[0, 0] == pytest.approx(7 / 8, abs=0.02)
    assert SAMPLERS.document(sampler) == {"name": "gp", "batch_size": 8, "initial": 8}


@every_learner
def test_it_recommends_only_what_may_be_recommended(name):
    sampler = SAMPLERS[name]()
    state = searched(sampler, 2)
    points = sampler.recommend(state, 4, lambda points: points[:, 0] > 0.5)
    assert len(points) > 0
    assert np.all(points[:, 0] > 0.5)
    assert len(sampler.recommend(state, 4, lambda points: points[:, 0] > 2)) == 0
