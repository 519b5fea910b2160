"""The screen with samplers that learn, the race and the planned budget, on scores that are given by hand."""

import json
import zlib
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.procedure import phases
from lrshape.procedure.base_lr import BracketLR, predict_base_lrs
from lrshape.procedure.curves import multiplier_rms
from lrshape.procedure.phases import drop_losers, rungs
from lrshape.procedure.screening import FAVOURITES
from lrshape.procedure.spec import RescoreSpec
from lrshape.procedure.trial import Candidate, ShapeRecord, multipliers
from lrshape.study.spec import StudySpec

FAMILIES = ["rex", "power", "wsd", "cosine"]


def spec_of(**given):
    return StudySpec.parse({"workload": "digits-mlp", "baselines": ["linear"], **given})


def truth(shape, base_lr):
    """Lowest, 0.01, for the shape that is nearest to a line, at an LR with a root mean square of 0.01."""
    m = multipliers([shape.family], 100, "midpoint")[0]
    rms = float(multiplier_rms([shape.family])[0])
    line = 1 - (np.arange(100) + 0.5) / 100
    away = np.mean((m - line) ** 2) + 0.3 * np.log10(base_lr * rms / 0.01) ** 2
    return 0.01 * np.exp(3 * away)


def is_own(t):
    return not t.shape.id.startswith("baseline")


def noisy(t):
    random = np.random.default_rng([t.seed, zlib.crc32(t.shape.params.encode())])
    seed = np.random.default_rng(t.seed).standard_normal()
    return truth(t.shape, t.base_lr) * np.exp(0.1 * random.standard_normal() + 0.1 * seed)


def test_a_learning_screen_has_generations_of_fresh_common_seeds(drive):
    spec = spec_of(families=["rex"], trials=256)
    rounds, chosen = drive(phases.screen(spec), noisy)
    own = [[t for t in r if t.shape.family.name == "rex" and t.shape.id.startswith("rex")] for r in rounds]
    sampled = [r for r in own if len(r) == spec.sampler.batch]
    assert 3 <= len(sampled) <= spec.screen.shapes // spec.sampler.batch
    seeds = [{t.seed for t in r} for r in sampled]
    assert all(len(s) == 1 for s in seeds)
    assert len(set.union(*seeds)) == len(sampled)
    assert len({t.shape.id for r in own for t in r}) == len(
        {(t.shape.params, t.base_lr) for r in own for t in r}
    )
    assert truth(*chosen[0][:2]) < 0.0105


def test_families_share_a_budget_by_what_they_promise(drive):
    families = ["rex", "power", "wsd", "inverse_sqrt"]
    spec = spec_of(families=families, trials=1024)
    rounds, chosen = drive(phases.screen(spec), noisy)
    own = [[t.shape.family.name for t in r if is_own(t)] for r in rounds if all(map(is_own, r))]
    assert sum(map(len, own)) <= 4 * (spec.screen.shapes + FAVOURITES)
    late = own[len(own) // 2 : -1]  # the last ones are the favourites of each family
    counts = pd.Series([name for names in late for name in names]).value_counts()
    assert counts["wsd"] + counts["power"] + counts["rex"] > 10 * counts.get("inverse_sqrt", 0)
    assert {one.shape.family.name for one in chosen[:4]} == set(families)
    assert truth(*chosen[0][:2]) < 0.0105


def test_the_same_results_lead_to_the_same_course(drive):
    spec = spec_of(families=["rex", "power"], trials=96)
    first, second = (drive(phases.screen(spec), noisy) for _ in range(2))
    assert first == second


def test_the_screen_ends_when_no_gain_is_likely(drive):
    spec = spec_of(families=["cosine"], trials=1000)
    rounds, chosen = drive(phases.screen(spec), lambda t: truth(t.shape, t.base_lr))
    assert sum(len(r) for r in rounds) < 350
    assert truth(*chosen[0][:2]) < truth(ShapeRecord.of("x", "cosine", {"warmup": 0.0}), 0.01 / 0.61) * 1.01


def test_a_family_without_parameters_has_its_one_shape_and_no_more(drive):
    fixed = {"name": "constant", "fixed": {"warmup": 0.0}}
    spec = spec_of(
        families=[fixed, "power"],
        sampler={"name": "gp"},
        base_lr={"strategy": "grid", "points": 4},
        screen={"shapes": 32, "seeds": 1, "share_families": True},
    )
    rounds, _ = drive(phases.screen(spec), noisy)
    shapes = {t.shape.id: t.shape.family.name for r in rounds for t in r if is_own(t)}
    assert list(shapes.values()).count("constant") == 1
    assert list(shapes.values()).count("power") >= 32


def test_a_contest_has_no_families_to_share_a_sampler(drive):
    screen = {"shapes": 1, "seeds": 1, "share_families": True}
    spec = spec_of(families=[], baselines=["linear", "wsd"], sampler="gp", screen=screen)
    _, chosen = drive(phases.screen(spec), noisy)
    assert {candidate.shape.family.name for candidate in chosen} == {"linear", "wsd"}


def test_without_a_winner_the_search_goes_on(drive_all):
    spec = spec_of(families=FAMILIES, trials=200, confirm={"families": True})
    table, _ = drive_all(spec, lambda t: np.inf)
    assert set(table.loc[table["phase"] == "confirm", "family"]) == {*FAMILIES, "linear"}


def test_where_trials_are_few_every_family_has_its_share(drive):
    spec = spec_of(
        families=FAMILIES[:3], sampler="sobol", screen={"shapes": 32, "seeds": 2}, max_trials=700,
    )  # fmt: skip
    rounds, _ = drive(phases.screen(spec), noisy)
    shapes = {t.shape.id: t.shape.family.name for r in rounds for t in r if is_own(t)}
    counts = Counter(shapes.values())
    assert set(counts) == set(FAMILIES[:3])
    assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) < 3 * 32


def test_starts_are_tried_first_and_learnt_from(drive):
    start = {"family": "power", "params": {"warmup": 0.0, "exponent": 1.0, "floor": 0.0}, "base_lr": 0.0173}
    spec = spec_of(families=["power"], trials=64, initial_shapes=[start])
    rounds, chosen = drive(phases.screen(spec), lambda t: truth(t.shape, t.base_lr))
    first = next(t for r in rounds for t in r if is_own(t))
    assert first.shape.id == "power-0000"
    assert json.loads(first.shape.params) == pytest.approx(start["params"])
    assert first.base_lr == pytest.approx(start["base_lr"])
    assert truth(*chosen[0][:2]) <= truth(first.shape, first.base_lr) * 1.001
    with pytest.raises(InputError, match="initial_shapes must be of families rex, got power"):
        spec_of(families=["rex"], trials=64, initial_shapes=[start])


def test_a_bracket_finds_what_the_grid_finds_with_far_fewer_trials(drive):
    common = {"families": ["power", "wsd"], "screen": {"shapes": 32, "seeds": 1}, "baselines": []}
    rounds = {}
    for strategy in ("grid", "bracket"):
        spec = spec_of(**common, base_lr={"strategy": strategy})
        rounds[strategy], chosen = drive(phases.screen(spec), lambda t: truth(t.shape, t.base_lr))
        assert all(
            truth(shape, lr) < 1.25 * truth(shape, 0.01 / float(multiplier_rms([shape.family])[0]))
            for shape, lr, _ in chosen
        )
    few, many = (sum(len(r) for r in rounds[s]) for s in ("bracket", "grid"))
    assert few < many / 2


def test_a_prediction_follows_the_size_of_shapes():
    constant, linear = (
        ShapeRecord.of("a", "constant", {"warmup": 0.0}),
        ShapeRecord.of("b", "linear", {"warmup": 0.0, "floor": 0.0}),
    )
    power = ShapeRecord.of("c", "power", {"warmup": 0.0, "exponent": 4.0, "floor": 0.0})
    assert predict_base_lrs([linear.family], [Candidate(constant, 0.01)])[0] == pytest.approx(
        0.01 * 3**0.5, rel=0.01
    )
    learnt = predict_base_lrs([power.family], [Candidate(constant, 0.01), Candidate(linear, 0.01)])[0]
    assert 0.01 < learnt < 0.03
    assert BracketLR(low=0.001, high=1.0).bracket(0.1, 3) == pytest.approx([0.1 / 2**0.5, 0.1, 0.1 * 2**0.5])


def test_a_race_spends_seeds_on_what_may_win_and_keeps_each_familys_best(drive):
    spec = spec_of(families=["power", "wsd"], trials=400, confirm={"families": True})
    spec = spec.model_copy(update={"rescore": RescoreSpec(top=8, base_lrs=1, race=True)})
    _, screened = drive(phases.screen(spec), noisy)
    slow = {one.shape.id: i for i, one in enumerate(screened)}
    rounds, chosen = drive(phases.rescore(spec, screened), lambda t: noisy(t) * 1.3 ** slow[t.shape.id])
    assert [len({t.seed for t in r}) for r in rounds] == [1, 2, 7]
    assert len(rounds[-1]) < len(rounds[0]) * 7
    assert {one.shape.family.name for one in chosen} == {"power", "wsd", "linear"}
    last = {t.shape.id for t in rounds[-1]}
    assert chosen[0].shape.id in last


def test_who_left_the_race_early_cannot_win_by_luck(drive):
    """After three seeds the loser's median is better than the winner's after ten."""
    spec = spec_of(families=["power", "wsd"], trials=400)
    _, screened = drive(phases.screen(spec), noisy)
    seeds = {}

    def score(t):
        order = seeds.setdefault(t.seed, len(seeds))
        good = t.shape.id == screened[0].shape.id
        return (1.0 if good else 2.0) * (0.1 if order < 3 else 10.0) * np.exp(0.001 * order)

    rounds, chosen = drive(phases.rescore(spec, screened), score)
    assert len({t.shape.id for t in rounds[0]}) > len({t.shape.id for t in rounds[-1]})
    assert chosen[0].shape.id == screened[0].shape.id


def raced(values):
    """A table in which each column of values, (seeds, candidates), is a candidate's."""
    candidates = [Candidate(ShapeRecord.of(f"rex-{i:04d}", "rex", {}), 0.1) for i in range(values.shape[1])]
    rows = [
        {
            "shape": shape.id,
            "base_lr": lr,
            "hyperparameters": tuned,
            "seed": seed,
            "loss": values[seed, i],
            "status": "ok",
            "final/loss": values[seed, i],
        }
        for i, (shape, lr, tuned) in enumerate(candidates)
        for seed in range(len(values))
    ]
    return pd.DataFrame(rows), candidates


def test_the_best_is_dropped_no_more_often_than_stated():
    random, dropped = np.random.default_rng(0), 0
    for _ in range(300):
        shift = np.append(0.0, random.uniform(0, 0.1, 9))
        values = np.exp(
            shift + 0.2 * random.standard_normal((10, 10)) + 0.2 * random.standard_normal((10, 1))
        )
        table, candidates = raced(values)
        dropped += candidates[0] not in drop_losers(table, "final/loss", candidates, 0.05)
    assert dropped <= 25  # 5% of 300 are 15, with a standard deviation of 4


def test_clear_losers_are_dropped_and_divergence_counts_against():
    values = np.exp(0.05 * np.random.default_rng(0).standard_normal((10, 4)))
    values[:, 1] *= 2
    values[:, 2] = np.inf
    table, candidates = raced(values)
    assert drop_losers(table, "final/loss", candidates, 0.05) in (
        [candidates[0], candidates[3]],
        [candidates[0]],
    )
    assert drop_losers(*raced(values[:2])[:1], "final/loss", candidates, 0.05) == candidates
    assert drop_losers(*raced(np.full((5, 4), np.inf))[:1], "final/loss", candidates, 0.05) == candidates


@given(seeds=st.integers(1, 10_000))
def test_rungs_grow_to_the_number_of_seeds(seeds):
    found = rungs(seeds)
    assert found == sorted(set(found))
    assert found[-1] == seeds


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"trials": 23}, "trials must be a whole number from 24"),
        ({"trials": 24, "baselines": ["linear", "wsd"]}, "trials must be at least 28 to tune and confirm"),
        (
            {"max_trials": 20, "families": ["rex"], "screen": {"shapes": 4}},
            "^max_trials must be at least .* got 20",
        ),
        ({"trials": True}, "trials must be a whole number"),
        ({"trials": 100, "screen": {"shapes": 3}}, "remove either trials or screen"),
        ({"trials": 100, "base_lr": {"strategy": "grid"}}, "remove either trials or base_lr.strategy"),
        ({"trials": 100, "base_lr": {"points": 9}}, "remove either trials or base_lr.points"),
        ({"max_trials": 100}, "give trials instead"),
        (
            {"sampler": "sobol", "screen": {"share_families": True}, "families": ["rex"]},
            "share_families needs the sampler gp",
        ),
        ({"base_lr": {"strategy": "guess"}, "families": ["rex"]}, "strategy"),
    ],
)
def test_what_cannot_be_planned_is_said(document, message):
    with pytest.raises(InputError, match=message):
        spec_of(**document)
