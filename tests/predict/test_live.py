"""A run in progress goes on along its own LRs, and no more is claimed than one run tells."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.predict.continuations import Continuation, continuations, usual
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.live import _choices
from lrshape.predict.reading import Runs
from lrshape.predict.runs import Run
from lrshape.predict.suggest import suggest
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule

DONE, STEPS = 400, 1000
WARM = 1e-3 * np.minimum(np.arange(1, DONE + 1) / 50, 1)


def run(name, lrs):
    """A run whose losses follow the bound, logged every 20 steps."""
    law, points = ConvexBound(), np.arange(20, len(lrs) + 1, 20)
    terms = [law.terms(lrs[:point]) for point in points]
    losses = [2.5 + 0.2 * each.distance + 100 * each.noise for each in terms]
    return Run(name, lrs, points, np.array(losses))


LIVE = run("live", WARM)
BRANCH = run("branch", Continuation("linear to 0", DONE, 500).lrs(WARM))


def test_one_live_run_goes_on_and_is_told_little():
    found = suggest(LIVE, steps=STEPS, from_step=DONE)
    assert "includes 0" in found.verdict or found.verdict.startswith("Keep to")
    assert "No finished run shows what a decay gains" in " ".join(found.doubts)
    assert "at least 2 runs with loss curves, got 1" in found.curve_laws
    for row in found.rows:
        np.testing.assert_allclose(row.schedule.values()[:DONE], WARM)
        assert row.schedule.steps == STEPS
    assert all(np.isnan(row.loss) for row in found.rows)
    branch = found.next_runs[-1]
    assert branch.schedule.steps == DONE + 100
    assert [each.cost for each in found.next_runs] == pytest.approx([0.6, 0.1])  # of a full run
    assert "give lrshape their log" in branch.reason


@pytest.mark.parametrize("steps", [DONE + 1, DONE + 100])
def test_where_a_branch_would_reach_the_end_there_is_none(steps):
    found = suggest(LIVE, steps=steps, from_step=DONE)
    assert len(found.next_runs) == 1
    assert found.next_runs[0].schedule.steps == steps


def test_laws_of_curves_decide_once_a_branch_was_run():
    found = suggest([LIVE, BRANCH], steps=STEPS, from_step=DONE, live="live")
    assert found.by_curves
    assert "Only one difference" in " ".join(found.doubts)
    assert len(found.next_runs) == 1
    assert found.rows[0].loss < BRANCH.final_loss


def test_a_plan_counts_from_the_step_on():
    plan = Schedule("cosine", {}, 1e-3, STEPS)
    found = suggest(LIVE, steps=STEPS, from_step=DONE, like=plan)
    own = next(row for row in found.rows if row.own)
    assert own.difference == 0
    np.testing.assert_allclose(own.schedule.values(), np.append(WARM, plan.values()[DONE:]))
    assert found.to_dict()["today"] == "yours (cosine)"


def test_a_plan_on_another_scale_is_refused():
    rule = r"like \(--like\) must have no LR above 1.1 times the highest of live, 0.001, after step 400, "
    for family, base_lr, got in (("linear", 2.0, "got 1.2"), ("constant", 2e-3, "got 0.002")):
        plan = Schedule(family, {}, base_lr, STEPS)
        with pytest.raises(InputError, match=rule + got):
            suggest(LIVE, steps=STEPS, from_step=DONE, like=plan)
    found = suggest(LIVE, steps=STEPS, from_step=DONE, like=Schedule("constant", {}, 1.05e-3, STEPS))
    assert any(row.own for row in found.rows)


def test_a_plan_is_kept_by_caution_and_no_more_is_claimed():
    found = suggest(LIVE, steps=STEPS, from_step=DONE, like=Schedule("wsd", {"decay": 0.5}, 1e-3, STEPS))
    assert found.verdict.startswith("Keep to yours (wsd)")
    assert min(row.difference for row in found.rows) < 0
    assert "better by more than 0.25 times the error of its forecast." in found.verdict


def test_a_live_run_whose_lr_falls_already_asks_for_the_plan():
    falling = run("live", Schedule("cosine", {}, 1e-3, STEPS).values()[:DONE])
    told = "The LR of live has fallen to"
    assert told in " ".join(suggest(falling, steps=STEPS, from_step=DONE).doubts)
    plan = Schedule("cosine", {}, 1e-3, STEPS)
    assert told not in " ".join(suggest(falling, steps=STEPS, from_step=DONE, like=plan).doubts)
    assert told not in " ".join(suggest(LIVE, steps=STEPS, from_step=DONE).doubts)
    assert told not in " ".join(suggest(falling, steps=DONE + 50, from_step=DONE).doubts)  # it decays at once


def test_several_horizons_branch_or_share_one_schedule(tmp_path):
    found = suggest([LIVE, BRANCH], steps=[600, 2400, 1200], from_step=DONE, live="live")
    assert [each.schedule.steps for each in found.next_runs] == [600, 1200, 2400, 2400]
    assert found.verdict.startswith("Hold the LR of live, 0.001, and branch off from checkpoints")
    worst = [max(each.regrets) for each in found.live.unbranched]
    assert worst == sorted(worst)
    assert f"Without a branch, {found.live.unbranched[0].continuation.name} is expected" in found.verdict
    found.write(tmp_path)
    assert read_schedule(tmp_path / "next-4.json") == found.next_runs[3].schedule
    document = json.loads((tmp_path / "suggestion.json").read_text())
    assert [each["steps"] for each in document["live"]["horizons"]] == [600, 1200, 2400]
    page = (tmp_path / "suggestion.html").read_text()
    assert "--from-step 400" in page
    assert "without a branch" in page
    assert "against the best other" in page


def test_starts_that_are_about_as_good_lie_around_the_lowest_forecast(monkeypatch):
    starts = [each.start for each in continuations("linear to 0", DONE, STEPS)]
    mean, error = np.full(len(starts), 0.5), np.ones(len(starts))
    mean[[0, 3, 4, -1]] = -0.0005, -0.001, -0.0005, -0.0001
    error[-1] = 0  # so that caution chooses this one
    answers = iter([(np.zeros(1), np.ones(1)), (mean, error)])
    laws = SimpleNamespace(differences=lambda schedules, plan: next(answers))
    monkeypatch.setattr("lrshape.predict.live.WAYS", ("linear to 0",))
    chosen = _choices(WARM, "plan", np.ones(STEPS), laws, noise=0.0006)[0]
    assert chosen.continuation.start == starts[-1]
    assert chosen.flat == (starts[3], starts[4])


def test_runs_that_cannot_be_predicted_from_others_have_no_column_for_it(tmp_path):
    found = suggest(LIVE, steps=STEPS, from_step=DONE)
    found.write(tmp_path)
    assert not found.held_out
    assert "against the best other" not in (tmp_path / "suggestion.html").read_text()


def test_a_continuation_holds_and_then_decays():
    lrs = Continuation("linear to 10%", 500, 600, then=50).lrs(WARM)
    assert len(lrs) == 650
    assert np.all(lrs[50:500] == 1e-3)
    assert lrs[550] == pytest.approx(1e-3 * (0.1 + 0.9 * 0.495))
    assert np.all(lrs[600:] == 1e-4)
    assert usual(DONE, STEPS).start == 800
    assert usual(900, STEPS).start == 900


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"from_step": 430},
            "from_step must be at most 420, one logging interval after the end of the log of live, got 430",
        ),
        ({"from_step": 1000}, "steps must be above from_step, 1,000, got 1,000"),
        ({"from_step": 10}, "from_step must be at least 20, the first loss of live; got 10"),
        ({"from_step": 40}, "from_step must lie behind the warmup: the LR of live rises at 40"),
        ({"from_step": 0}, "from_step must be"),
        ({"from_step": DONE, "live": "dead"}, "live must be a run, one of 'live', got 'dead'"),
        ({"from_step": DONE, "steps": None}, "from_step needs steps"),
        ({"from_step": DONE, "steps": [1, 2, 3, 4]}, "steps must be one to 3 numbers, got 4"),
        ({"from_step": DONE, "steps": 10**7}, "at most 1,000,000, got 10,000,000"),
        ({"from_step": DONE, "families": ["wsd"]}, "families .--families. cannot be combined with from_step"),
        ({"live": "live"}, "needs from_step"),
        ({"steps": [1000, 2000]}, "steps must be one number without from_step"),
    ],
)
def test_what_cannot_go_on_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        suggest(LIVE, **{"steps": STEPS, **options})


def test_a_live_run_counts_as_a_finished_one_only_if_its_lr_decayed_after_the_step():
    found = suggest(LIVE, steps=STEPS, from_step=300)
    assert [each.name for each in found.runs] == ["live"]
    assert "No finished run shows what a decay gains" in " ".join(found.doubts)
    again = suggest(BRANCH, steps=STEPS, from_step=300)
    assert [each.steps for each in again.runs] == [500]  # its first steps are no other run
    assert not again.held_out


def test_a_final_loss_of_0_is_a_loss_like_others():
    memorised = Run("memorised", BRANCH.lrs, BRANCH.points, np.append(BRANCH.losses[:-1], 0.0))
    found = suggest([LIVE, memorised], steps=STEPS, from_step=DONE, live="live")
    assert all(0 < row.better < 1 for row in found.rows)


def test_a_run_that_diverged_goes_on_from_before():
    diverged = Run("live", LIVE.lrs, LIVE.points, np.append(LIVE.losses[:-1], np.inf))
    found = suggest(diverged, steps=STEPS, from_step=300)
    assert found.verdict == suggest(run("live", WARM[:300]), steps=STEPS, from_step=300).verdict
    with pytest.raises(InputError, match="from_step must be below 400, where live diverged, got 400"):
        suggest(diverged, steps=STEPS, from_step=400)


def test_which_run_is_in_progress():
    other = run("other", WARM)
    with pytest.raises(InputError, match="got 2 unfinished runs: name it with live"):
        suggest(Runs((LIVE, other), (), ("live", "other")), steps=STEPS, from_step=DONE)
    with pytest.raises(InputError, match="got 2 runs: name it"):
        suggest([LIVE, other], steps=STEPS, from_step=DONE)
    with pytest.raises(InputError, match="got no runs"):
        suggest([], steps=STEPS, from_step=DONE)
    found = suggest(Runs((LIVE, other), (), ("live", "other")), steps=STEPS, from_step=DONE, live="other")
    assert found.live.name == "other"
    assert "leaves out unfinished runs: 'live'" in " ".join(found.notes)
    found = suggest([LIVE, BRANCH], steps=STEPS, from_step=DONE)  # the log of one ends there
    assert found.live.name == "live"
