import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.report.findings import gather

OBJECTIVE = "final/train_loss"


def collect(trainings, **options):
    return gather(trainings, OBJECTIVE, 300, "midpoint", **options)


def test_leaders_are_each_familys_best_and_the_baselines_as_confirmed(studies):
    trainings = studies()
    found = collect(trainings)
    assert found.is_confirmed
    assert found.missing == []
    assert found.winner["shape"] == "generalized_cosine-0000"
    assert [row["label"] for row in found.leaders] == [
        "generalized_cosine",
        "rex",
        "two_point_spline",
        "linear baseline",
        "cosine baseline",
        "wsd baseline",
        "constant baseline",
    ]
    confirm = trainings[trainings["phase"] == "confirm"]
    for row in found.leaders:
        values = confirm[confirm["shape"] == row["shape"]][OBJECTIVE]
        assert row["score"] == np.median(values)
        assert row["low"] <= row["score"] <= row["high"]


def test_phases_count_what_was_trained(studies):
    trainings = studies(shapes=4, base_lrs=5)
    screen, rescore, confirm = collect(trainings).phases
    assert (screen.name, screen.shapes, screen.base_lrs, screen.seeds) == ("screen", 3 * 4 + 4, 5, 2)
    assert screen.trainings == 16 * 5 * 2
    assert screen.diverged == (trainings[trainings["phase"] == "screen"]["status"] == "diverged").sum() > 0
    assert (confirm.shapes, confirm.seeds, confirm.trainings) == (7, 16, 7 * 16)
    assert rescore.seconds == pytest.approx(0.01 * rescore.trainings)


def test_a_study_without_confirmation_reports_its_last_phase(studies):
    found = collect(studies(phases=("screen", "rescore")))
    assert not found.is_confirmed
    assert found.missing == ["confirm"]
    assert {row["phase"] for row in found.leaders} == {"rescore"}
    assert found.has_intervals

    found = collect(studies(phases=("screen",)))
    assert found.missing == ["rescore", "confirm"]
    assert {row["phase"] for row in found.leaders} == {"screen"}
    assert not found.has_intervals


def test_a_confirm_phase_that_has_not_reached_the_winner_does_not_count_yet(studies):
    trainings = studies()
    started = (trainings["phase"] != "confirm") | (trainings["shape"] == "baseline-cosine")
    found = collect(trainings[started])
    assert {row["phase"] for row in found.leaders} == {"rescore"}
    assert found.winner is not None


def test_planned_trainings_tell_an_unfinished_phase(studies):
    trainings = studies()
    assert collect(trainings, planned={"confirm": 7 * 16}).missing == []
    found = collect(trainings, planned={"confirm": 7 * 20})
    assert found.missing == ["confirm"]
    assert found.phases[-1].planned == 140


def test_edges_are_those_of_the_base_lrs_tried_before_the_confirm_phase(studies):
    trainings = studies()
    grid = sorted(trainings["base_lr"].unique())
    used = {row["shape"]: row for row in collect(trainings).leaders}["rex-0000"]
    assert used["edge"] == ""
    below = trainings[(trainings["base_lr"] <= used["base_lr"]) | (trainings["family"] != "rex")]
    edges = {row["shape"]: row["edge"] for row in collect(below).leaders}
    assert edges.pop("rex-0000") == "high"
    assert set(edges.values()) == {""}
    above = trainings[(trainings["base_lr"] >= used["base_lr"]) | (trainings["family"] != "rex")]
    assert {row["shape"]: row["edge"] for row in collect(above).leaders}["rex-0000"] == "low"
    single = trainings[trainings["base_lr"] == grid[3]]
    assert {row["edge"] for row in collect(single).leaders} == {""}


def test_messages_are_counted(studies):
    trainings = studies(status="failed")
    found = collect(trainings)
    assert found.messages == [(len(trainings), "failed", "ValueError: no such file")]
    assert found.statuses == {"failed": len(trainings)}


def test_an_empty_table_and_an_unknown_objective_are_refused(studies):
    trainings = studies(shapes=1, phases=("screen",))
    with pytest.raises(InputError, match="at least one training"):
        collect(trainings.iloc[:0])
    with pytest.raises(InputError, match="objective must be"):
        gather(trainings, "final/nothing", 300, "midpoint")
