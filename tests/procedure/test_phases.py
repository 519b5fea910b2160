"""What the phases choose, followed on scores that are given by hand."""

import numpy as np
import pandas as pd
import pytest

from lrshape.procedure import phases
from lrshape.procedure.shape_search import ShapeSearch
from lrshape.procedure.trial import FIRST_SEED
from lrshape.study.spec import StudySpec

SPEC = StudySpec.parse(
    {
        "workload": "digits-mlp",
        "families": ["rex", "cosine", {"name": "constant", "fixed": {"warmup": 0.0}}],
        "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
        "screen": {"shapes": 4, "seeds": 2},
        "rescore": {"top": 2, "seeds": 3},
        "tuning": {"rounds": 0},
        "confirm": {"seeds": 5},
        "baselines": ["cosine"],
    }
)


def score(training):
    """Best at base LR 0.1; rex-0002 wins, then rex-0001, then the rest of rex, cosine, constant."""
    rank = {"rex-0002": 1, "rex-0001": 2, "rex-0000": 3, "rex-0003": 4}.get(training.shape.id, 10)
    return rank + abs(np.log10(training.base_lr / 0.1))


def test_screen_tries_every_shape_and_baseline_at_every_base_lr_with_the_same_seeds(drive):
    rounds, chosen = drive(phases.screen(SPEC), score)
    assert [len({t.shape.id for t in r}) for r in rounds] == [1, 4 + 4 + 1]  # constant: one shape
    assert [len(r) for r in rounds] == [1 * 3 * 2, 9 * 3 * 2]
    assert {t.seed for r in rounds for t in r} == {0, 1}
    assert chosen[0].shape.id == "rex-0002"
    assert all(one.base_lr == pytest.approx(0.1) for one in chosen)


def test_screen_extends_the_grid_where_the_best_is_at_its_edge(drive):
    rounds, _ = drive(phases.screen(SPEC), lambda t: abs(np.log10(t.base_lr / 10)))
    assert {round(t.base_lr, 6) for t in rounds[1]} == {10.0}


def test_rescore_takes_the_top_and_each_familys_best(drive):
    _, screened = drive(phases.screen(SPEC), score)
    rounds, chosen = drive(phases.rescore(SPEC, screened), score)
    ids = {t.shape.id for t in rounds[0]}
    assert {"rex-0002", "rex-0001", "constant-0000"} < ids
    assert len(ids) == 4
    assert {t.seed for t in rounds[0]} == {FIRST_SEED["rescore"] + i for i in range(3)}
    assert len({t.base_lr for t in rounds[0]}) == 3
    assert chosen[0][:2] == (screened[0].shape, pytest.approx(0.1))
    assert chosen[-1].shape.id == "baseline-cosine"


def test_confirm_takes_one_of_each_family_and_the_baselines_on_unseen_seeds(drive_all):
    table, choice = drive_all(SPEC, score)
    assert choice.winner.shape.id == "rex-0002"
    assert [t.shape.family.name for t in choice.schedules[3:]] == ["cosine"]
    confirmed = table[table["phase"] == "confirm"]
    assert len(confirmed) == (3 + 1) * 5
    assert set(confirmed["seed"]) == {FIRST_SEED["confirm"] + i for i in range(5)}


def test_all_diverged_still_reaches_the_end(drive_all):
    table, choice = drive_all(SPEC, lambda t: np.inf)
    assert np.sum(table["phase"] == "confirm") == 20
    assert {tuned.tuning.edge for tuned in choice.schedules} == {"low"}


def test_sampled_shapes_are_legal_distinct_and_keep_what_is_fixed():
    spec = StudySpec.parse(
        {
            "workload": "digits-mlp",
            "families": [
                {"name": "rex", "fixed": {"warmup": 0.1}, "ranges": {"beta": [0.5, 1]}},
                "multi_step",
            ],
            "screen": {"shapes": 16},
        }
    )
    rex = [s.family for s in ShapeSearch(spec, spec.families[:1], pd.DataFrame()).ask()]
    assert {shape.warmup for shape in rex} == {0.1}
    assert all(0.5 <= shape.beta <= 1 for shape in rex)
    steps = ShapeSearch(spec, spec.families[1:], pd.DataFrame()).ask()
    assert len({s.family for s in steps}) == 16
    assert all(isinstance(s.family.drops, int) for s in steps)


def test_a_family_keeps_its_shapes_when_others_join():
    alone = StudySpec.parse({"workload": "digits-mlp", "families": ["rex"], "sampler": "sobol"})
    joined = StudySpec.parse({"workload": "digits-mlp", "families": ["cosine", "rex"], "sampler": "sobol"})
    first, second = (
        [(s.id, s.family) for s in ShapeSearch(spec, families, pd.DataFrame()).ask()]
        for spec, families in ((alone, alone.families), (joined, joined.families[1:]))
    )
    assert second == first
