"""The confirm phase on scores that are given by hand: it looks as planned, and goes on with what is open."""

import numpy as np
import pytest

from driving import rows
from lrshape.analysis.design import Tuning
from lrshape.procedure.choice import Choice, Tuned
from lrshape.procedure.phases import confirm, is_confirmed
from lrshape.procedure.resolution import scale_of
from lrshape.procedure.trial import FIRST_SEED, Candidate, ShapeRecord
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

SHAPES = {
    "rex-0000": ShapeRecord.of("rex-0000", "rex", {"warmup": 0.0, "beta": 0.5}),
    "baseline-cosine": ShapeRecord.of("baseline-cosine", "cosine", {"warmup": 0.05}),
    "baseline-linear": ShapeRecord.of("baseline-linear", "linear", {"warmup": 0.05, "floor": 0.0}),
}
CHOICE = Choice([Tuned(Candidate(shape, 0.1), Tuning(0.01, 0.0)) for shape in SHAPES.values()])
METRIC = "final/train_loss"


def spec_of(max_trials=None, **confirm):
    return StudySpec.parse(
        {
            "workload": "digits-mlp",
            "families": ["rex"],
            "baselines": ["cosine", "linear"],
            "sampler": "sobol",
            "base_lr": {"points": 1, "low": 0.1, "high": 0.1},
            "screen": {"shapes": 1, "seeds": 1},
            "rescore": {"top": 1, "seeds": 1},
            "tuning": {"rounds": 0},
            "confirm": {"least": 10, "most": 80, "margin": 0.01, **confirm},
            **({} if max_trials is None else {"max_trials": max_trials}),
        }
    )


def loss(t):
    """Cosine is twice as bad as rex; linear has rex's scores up to a noise of a twentieth."""
    own = np.random.default_rng([t.seed, len(t.shape.id), ord(t.shape.id[-1])]).standard_normal()
    return (2.0 if t.shape.family.name == "cosine" else 1.0) * np.exp(0.05 * own)


def confirmed(drive, spec, history=0, metric=loss):
    return drive(confirm(spec, CHOICE, history), metric)


def rows_of(rounds):
    return [{t.shape.family.name for t in trials} for trials in rounds]


def test_it_looks_as_planned_and_goes_on_with_what_is_open(drive):
    rounds, choice = confirmed(drive, spec_of())
    assert choice is CHOICE
    assert rows_of(rounds)[0] == {"rex", "cosine", "linear"}
    assert rows_of(rounds)[1:] == [{"rex", "linear"}] * 3
    seeds = [sorted({t.seed - FIRST_SEED["confirm"] for t in trials}) for trials in rounds]
    assert seeds == [list(range(a, b)) for a, b in ((0, 10), (10, 20), (20, 40), (40, 80))]


def test_what_is_open_again_catches_up(drive):
    """The margin is half of the winner's spread over seeds, which the first ones show too large here."""

    def narrowing(t):
        place = t.seed - FIRST_SEED["confirm"]
        shared = np.random.default_rng(place).standard_normal() * (1.0 if place < 10 else 0.02)
        own = np.random.default_rng([place, ord(t.shape.id[-1])]).standard_normal()
        scale = {"rex": 0.0, "linear": 0.05, "cosine": 0.6}[t.shape.family.name]
        return np.exp(shared + scale * own)

    rounds, _ = confirmed(drive, spec := spec_of(margin=None), metric=narrowing)
    plan, done = Plan(spec), 0
    for trials in rounds:
        done += len(trials)
        left = plan.left("confirm", trials)
        assert left is None or done + left >= sum(map(len, rounds))
    assert "linear" not in rows_of(rounds)[1]
    assert "linear" in set.union(*rows_of(rounds)[2:])
    linear = [t.seed - FIRST_SEED["confirm"] for r in rounds for t in r if t.shape.family.name == "linear"]
    assert linear == list(range(len(linear)))


@pytest.mark.parametrize("scale", ["log", "linear", "logit"])
def test_the_metric_scale_of_a_spec_holds_in_the_search_and_in_the_report(scale):
    spec = spec_of().model_copy(update={"metric_scale": scale})
    assert scale_of(spec, np.array([0.1, 0.2])) == scale
    assert CHOICE.design(spec).scale == scale


def test_a_choice_keeps_the_scale_for_the_report():
    """By the phase alone a ratio below 1 whose name ends in error is a share."""
    choice = Choice.read({**CHOICE.document(), "scale": "log"})
    assert (choice.design(spec_of()).scale, choice.document()["scale"]) == ("log", "log")
    with pytest.raises(ValueError, match="scale must be one of"):
        Choice.read({**CHOICE.document(), "scale": "golden"})


def test_it_ends_when_all_is_decided(drive):
    rounds, _ = confirmed(drive, spec_of(margin=0.5))  # linear is equal within so much
    assert [len(trials) for trials in rounds] == [30]
    rounds, _ = confirmed(drive, spec_of(most=10))
    assert [len(trials) for trials in rounds] == [30]


@pytest.mark.parametrize(
    ("left", "taken"), [(0, 0), (2, 0), (29, 27), (30, 30), (35, 34), (50, 50), (1000, 170)]
)
def test_it_keeps_to_the_trials_that_are_left(drive, left, taken):
    rounds, _ = confirmed(drive, spec_of(max_trials=200), history=200 - left)
    assert sum(map(len, rounds)) == taken


def test_a_study_is_confirmed_when_all_these_trials_are_there(drive):
    spec = spec_of(max_trials=100)
    rounds, _ = confirmed(drive, spec, history=20)
    stored = rows(rounds, loss).sample(frac=1.0, random_state=0)
    assert is_confirmed(spec, CHOICE, stored, 20)
    assert not is_confirmed(spec, CHOICE, stored.head(0), 20)
    assert not is_confirmed(
        spec, CHOICE, stored.drop(stored.index[stored["seed"] == FIRST_SEED["confirm"] + 9]), 20
    )
