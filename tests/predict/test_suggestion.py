"""Suggestions claim what the runs allow, and say what they do not know."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.predict.candidates import Candidate, candidates, stretched, warmup_steps
from lrshape.predict.cost_limit import affordable
from lrshape.predict.held_out import HeldOut, widening
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.next_runs import NextRun
from lrshape.predict.runs import Run
from lrshape.predict.suggest import suggest
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule

STEPS = 1000
WARM = np.minimum(np.arange(1, STEPS + 1) / 50, 1)
HOLD = WARM * np.minimum(1, 5 * np.linspace(1, 0, STEPS, endpoint=False))
REFERENCE = ConvexBound().terms(HOLD)


def run(name, lrs, loss=None):
    """A run that follows the bound, with the best base LR of HOLD near 1."""
    terms = ConvexBound().terms(lrs)
    by_law = 2.8 + 0.3 * terms.distance / REFERENCE.distance + 0.15 * terms.noise / REFERENCE.noise
    return Run(name, lrs, np.array([len(lrs)]), np.array([by_law if loss is None else loss]))


def sweep(*base_lrs):
    return [run(f"hold {lr:g}", lr * HOLD) for lr in base_lrs]


def reasons(found):
    return " ".join(each.reason for each in found.next_runs)


def test_a_sweep_names_the_next_schedule_its_gain_and_where_that_is_unsure():
    found = suggest(sweep(0.25, 0.5, 1, 2, 4))
    first = found.rows[0]
    assert found.steps == STEPS
    assert first.difference < 0
    assert f"Try {first.name} at base LR" in found.verdict
    assert "includes 0" in found.verdict
    assert found.next_runs[0].schedule.base_lr == first.schedule.base_lr
    assert found.next_runs[1].name != first.name
    assert "cannot tell whether it is better" in reasons(found)
    assert len(found.held_out) == 5
    assert "WSD 20%" in [row.name for row in found.rows if row.own]
    assert first.schedule.params["warmup"] == pytest.approx(0.05, abs=0.002)


def test_a_gain_is_claimed_only_where_the_interval_leaves_out_0():
    found = suggest(sweep(0.5, 1, 2))
    first = found.rows[0]
    sure = replace(found, rows=(first._replace(difference=-0.02, error=0.005), *found.rows[1:]))
    assert sure.verdict.startswith(f"Run {first.name} at base LR")
    assert (
        "0.020 lower than that of your best run, hold 1 (95% interval 0.010 to 0.030 lower)" in sure.verdict
    )
    above = first.schedule.replace(base_lr=2.5)
    beyond = replace(sure, rows=(first._replace(schedule=above, difference=-0.02, error=0.005),))
    assert "does not know whether it is better" in beyond.verdict
    assert "no run had an LR above 2" in beyond.verdict
    keep = replace(found, rows=tuple(row._replace(difference=0.0) for row in found.rows if row.own))
    assert keep.verdict.startswith("Keep WSD 20%")
    worse = replace(found, rows=(first._replace(difference=0.02, error=0.005),))
    assert worse.verdict.startswith("No candidate is expected to be better than your best run, hold 1: ")
    unsure = replace(worse, rows=(*worse.rows, first._replace(difference=-0.01, error=0.1)))
    assert "better than your best run, hold 1, by more than 0.25 times the error" in unsure.verdict
    assert "0.020 higher (95% interval 0.010 to 0.030 higher)." in worse.verdict


def test_an_unstable_run_bounds_the_lr_and_above_stable_ones_no_gain_is_claimed():
    found = suggest([*sweep(0.125, 0.25, 0.5), run("blown", HOLD, 9.0)])
    highest = max(each.schedule.values().max() for each in (*found.rows, *found.next_runs))
    assert highest == pytest.approx(np.sqrt(0.5), rel=1e-2)  # halfway from a stable LR to the unstable one
    assert "does not know whether it is better" in found.verdict
    assert "no stable run had an LR above 0.5" in found.verdict
    assert "blown, with LRs up to 1, ended higher than the bound allows and is left out." in found.doubts
    assert [each["name"] for each in found.to_dict()["runs"] if each["unstable"]] == ["blown"]
    first = found.rows[0]
    blown = first._replace(schedule=first.schedule.replace(base_lr=1.0), difference=-0.02, error=0.001)
    assert "blown was unstable at LR 1." in replace(found, rows=(blown,)).verdict


def test_the_best_run_of_today_is_none_that_was_unstable():
    short = [run(f"short {lr:g}", lr * HOLD[::10]) for lr in (0.5, 1, 2)]
    found = suggest([*short, run("blown", HOLD, 9.0)], steps=STEPS)
    assert found.today.run.name.startswith("short")
    assert "blown" in " ".join(found.doubts)


def test_a_schedule_that_was_never_run_is_not_kept():
    found = suggest(sweep(0.5, 1, 2), like=Schedule("cosine", {}, 1.0, STEPS))
    yours = [row._replace(difference=-0.01) for row in found.rows if row.name == "yours (cosine)"]
    assert yours[0].own
    assert "Keep" not in replace(found, rows=tuple(yours)).verdict


def test_your_schedule_moves_to_fewer_steps_than_its_warmup_allows():
    yours = Schedule("cosine", {"warmup_steps": 55}, 1.0, STEPS)
    (own,) = (row for row in suggest([], 100, like=yours).rows if row.own)
    np.testing.assert_allclose(own.schedule.values(), yours.values().reshape(100, 10).mean(1), atol=0.02)


def test_your_schedule_keeps_its_floor_at_another_base_lr():
    yours = Schedule("linear", {}, 8.0, STEPS, min_lr=4.0)
    (own,) = (row for row in suggest(sweep(0.25, 0.5, 1), like=yours).rows if row.name == "yours (linear)")
    assert own.schedule.base_lr < 4
    np.testing.assert_allclose(own.schedule.multipliers()[-1], 0.5, rtol=1e-2)


def test_the_best_run_of_the_steps_asked_for_need_not_be_the_best_of_all():
    longer = run("longer", np.append(np.full(3 * STEPS, 1.0), HOLD))
    found = suggest([*sweep(0.5, 1, 2), longer], steps=STEPS)
    assert "your best run of 1,000 steps, hold 1" in found.verdict


def test_a_loss_counts_for_the_steps_before_it():
    linear = np.linspace(1, 0, STEPS, endpoint=False)
    hold, at = np.minimum(1, 10 * linear), 9 * STEPS // 10  # the decay begins where the log ends
    runs = [
        Run(f"{name} {lr:g}", lr * lrs, [at], run("x", (lr * lrs)[:at]).losses)
        for name, lrs in (("hold", hold), ("linear", linear))
        for lr in (0.5, 1, 2)
    ]
    assert not suggest(runs).unstable
    ended = [Run(each.name, each.lrs[:at], [at], each.losses) for each in runs]
    fits = [ConvexBound().fit(each).coefficients for each in (runs, ended)]
    np.testing.assert_array_equal(*fits)


def test_logs_that_end_a_step_apart_are_one_sweep():
    runs = [run(f"{lr:g}", lr * HOLD[:steps]) for lr, steps in ((0.5, 998), (1, 999), (2, 1000))]
    assert "brackets" not in reasons(suggest(runs))


def test_a_run_with_losses_at_its_start_alone_is_not_drawn(tmp_path):
    short = Run("short", HOLD, [20, 40, 60, 80], [4.0, 3.9, 3.8, 3.7])
    suggest([short], steps=STEPS).write(tmp_path)
    assert {file.stem for file in (tmp_path / "figures").iterdir()} == {"schedules"}


def test_a_run_that_diverged_counts_as_unstable(tmp_path):
    blown, diverged = (Run("x", HOLD, [10, at], [3.0, loss]) for at, loss in ((STEPS, 9.0), (20, np.inf)))
    found = suggest([*sweep(0.125, 0.25, 0.5), diverged])
    assert found.rows == suggest([*sweep(0.125, 0.25, 0.5), blown]).rows
    assert "x, with LRs up to 1, diverged at step 20 and is left out." in found.doubts
    found.write(tmp_path)
    assert json.loads((tmp_path / "suggestion.json").read_text())["runs"][-1]["final_loss"] is None
    with pytest.raises(InputError, match=r"steps are needed .*; got no run but 2 that diverged"):
        suggest([diverged, diverged])
    alone = suggest(diverged, steps=STEPS)
    assert "ranks shapes only" in alone.verdict
    with pytest.raises(InputError, match="needs a run that did not diverge, got 1 that did"):
        ConvexBound().fit([diverged])


def test_one_run_is_followed_by_a_bracket_of_base_lrs():
    found = suggest(sweep(1), steps=STEPS)
    lrs = [each.schedule.base_lr for each in found.next_runs if each.name == found.rows[0].name]
    assert lrs[0] / 2 == pytest.approx(lrs[1], rel=0.01)
    alone = "no other run of about as many steps has the shape of hold 1 at another base LR"
    assert alone in reasons(found)
    assert alone in reasons(suggest([*sweep(1), run("short", HOLD[::2])]))  # which has that shape
    assert "three finished, stable runs to know it, and has 1." in " ".join(found.doubts)
    assert not found.held_out


def test_beyond_the_edge_of_a_sweep_lies_one_more_run():
    found = suggest(sweep(1, 2, 4))
    assert "lowest base LR of its sweep" in reasons(found)
    assert found.next_runs[1].schedule.base_lr < found.next_runs[0].schedule.base_lr


def test_without_runs_shapes_alone_are_ranked():
    found = suggest([], steps=STEPS)
    assert "ranks shapes only" in found.verdict
    assert found.schedule is None
    assert all(np.isnan(row.difference) for row in found.rows)
    assert found.to_dict()["candidates"][0]["base_lr"] is None
    yours = suggest([], like=Schedule("cosine_floor", {"floor": 0.1}, 0.002, STEPS))
    assert yours.rows[0].schedule.base_lr > 0.002  # a final LR above 0 asks for a lower base LR
    assert [row.schedule.base_lr for row in yours.rows if row.own] == [0.002]
    with pytest.raises(InputError, match="steps are needed"):
        suggest([])
    rows = suggest([], steps=STEPS, families=["linear", "linear"]).rows
    assert [row.name for row in rows] == ["linear to 0"]


def test_a_page_names_figures_beside_it_only_where_it_has_some(tmp_path):
    for runs, names_figures in ((sweep(0.5, 1, 2), True), ([], False)):
        suggest(runs, steps=STEPS).write(tmp_path)
        page = (tmp_path / "suggestion.html").read_text()
        assert ("figures lie beside this page" in page) == names_figures
        assert ("The numbers lie beside this page in <code>suggestion.json" in page) != names_figures


def test_where_all_runs_diverged_that_is_told(tmp_path):
    yours = Schedule("linear", {}, 2.0, STEPS)
    blown = Run("blown", yours.values(), [500, 700], [4.0, np.inf])
    found = suggest([blown], like=yours)
    assert found.verdict.startswith("All finished runs diverged, so lrshape ranks shapes only")
    high = found.schedule.values().max()
    too_high = f"The first choice has LRs up to {high:.3g}: with LRs up to 2 a run diverged."
    assert found.doubts == ("blown, with LRs up to 2, diverged at step 700 and is left out.", too_high)
    assert found.notes == ("All finished runs diverged, so there is no final loss.",)
    found.write(tmp_path)
    page = (tmp_path / "suggestion.html").read_text()
    assert "<td>diverged</td>" in page
    assert "1 run, " in page


def test_why_no_run_is_finished_is_told(tmp_path):
    rows = [f"{step},0.1,{'3,2' if step <= 1000 else ','}" for step in range(0, 2000, 100)]
    (tmp_path / "a.csv").write_text("\n".join(["step,lr,train_loss,val_loss", *rows]))
    why = "a: is unfinished: its losses, 'val_loss', end at step 1,000 of 1,900"
    with pytest.raises(InputError, match=f"steps are needed .* not 'train_loss': metric .*; {why}"):
        suggest(tmp_path.glob("*.csv"))


def test_runs_that_contradict_the_law_are_told_so():
    short = run("short", np.full(STEPS, 0.5), 1e-2)
    long = run("long", np.full(2 * STEPS, 0.5), 1e-6)
    found = suggest([short, long])
    assert "lrshape does not know" in found.verdict
    assert "the bound does not hold" in found.verdict
    assert not found.rows
    assert {each.name for each in found.next_runs} == {"linear to 0", "WSD 20%"}
    assert found.to_dict()["contradiction"]
    (cosine,) = suggest([short, long], families=["cosine"]).next_runs
    assert cosine.name == "cosine to 0"


def test_one_bad_run_of_a_sweep_is_named_and_left_out():
    runs = [*sweep(0.25, 0.5, 1, 2), run("bad", 0.7 * HOLD, 3.6)]
    found = suggest(runs)
    assert found.doubts[0] == "bad is left out: without it, the other runs follow the bound."
    assert found.rows == suggest(runs[:-1]).rows
    assert len(found.runs) == 4
    too_few = suggest([*runs[:3], runs[-1]])
    assert "do not" in too_few.verdict
    assert "bad" not in " ".join(too_few.doubts)
    best = suggest([*sweep(0.25, 0.5, 1, 2), run("too good", 0.7 * HOLD, 2.9)])
    assert "; without too good, the best of them, the others follow" in best.verdict


def test_another_number_of_steps_stretches_todays_schedule_and_keeps_its_warmup():
    found = suggest(sweep(0.5, 1, 2), steps=4 * STEPS)
    assert warmup_steps(found.today.schedule.values()) == warmup_steps(HOLD) == 49
    assert "No finished run has 4,000 steps" in " ".join(found.doubts)
    own = next(row for row in found.rows if row.own)
    assert own.schedule.base_lr < 1  # longer trainings want lower LRs
    assert own.difference <= 0
    assert not found.today.is_far
    far = suggest(sweep(0.5, 1, 2), steps=STEPS // 10)
    assert "does not know whether it is better" in far.verdict
    assert "forecasts from 1,000 steps to 100 are untested" in far.verdict
    np.testing.assert_allclose(stretched(HOLD, STEPS), HOLD)


def test_candidates_have_the_warmup_of_todays_schedule_where_that_of_the_run_does_not_fit():
    lrs = np.minimum(np.arange(1, 5 * STEPS + 1) / 500, 1) * np.linspace(1, 0.1, 5 * STEPS)
    runs = [run(f"{lr:g}", lr * lrs) for lr in (0.5, 1, 2)]
    found = suggest(runs, steps=1600)  # 500 steps are more than 30% of it
    today = warmup_steps(found.today.schedule.values()) / 1600
    assert today == pytest.approx(0.1, abs=0.002)
    warmups = [row.schedule.params["warmup"] for row in found.rows if "warmup" in row.schedule.params]
    assert len(warmups) > 5
    assert warmups == pytest.approx([today] * len(warmups))


def test_next_runs_fit_the_cost_limit():
    runs = sweep(0.25, 0.5, 1, 2, 4)
    free = suggest(runs).next_runs
    assert [each.cost for each in free] == [1, 1]
    assert suggest(runs, cost_limit=2).next_runs == free
    assert suggest(runs, cost_limit=1.9).next_runs == free[:1]
    (short,) = suggest(runs, cost_limit=0.5).next_runs
    assert (short.schedule.steps, short.cost) == (STEPS // 2, 0.5)
    assert short.name == free[0].name
    assert "over 500 of 1,000 steps" in short.reason
    none = suggest(runs, cost_limit=0.1)
    assert none.next_runs == ()
    assert "costs at most 0.1 full runs" in none.doubts[-1]
    for limit in (0, -1, float("nan"), "1", True):
        with pytest.raises(InputError, match="cost_limit, in full runs, must be a finite number above 0"):
            suggest(runs, cost_limit=limit)


def test_a_branch_costs_only_what_comes_after_it():
    constant = NextRun("constant", Schedule("constant", {}, 1.0, STEPS), "first")
    branch = NextRun("WSD 20%", Schedule("wsd", {"decay": 0.2}, 1.0, STEPS), "second")
    kept = affordable([constant, branch], [], STEPS, 1.25)
    assert [round(each.cost, 2) for each in kept] == [1, 0.2]
    assert "second; from a checkpoint of constant after 800 steps, only 200 are new" in kept[1].reason
    assert affordable([constant, branch], [], STEPS, 1.1) == kept[:1]
    had = Run("mine", np.ones(STEPS), [STEPS], [3.0])
    there, cooldown = affordable([constant, branch], [had], STEPS, 0.25)
    assert (there.cost, there.reason) == (0, "first; mine has trained it already")
    assert (cooldown.name, cooldown.cost) == ("WSD 20%", kept[1].cost)
    assert "from a checkpoint of mine after" in cooldown.reason
    logged = Run("logged", np.full(STEPS, 1.001), [STEPS], [3.0])  # not exact: the decay's first steps pass
    (cooldown,) = affordable([branch], [logged], STEPS, None)
    assert "from a checkpoint of logged after 80" in cooldown.reason


def test_what_was_trained_already_is_no_next_run_in_place_of_the_first_choice():
    first, second, third = (
        NextRun(f"{lr:g}", Schedule("linear", {}, lr, STEPS), "why") for lr in (1.0, 2.0, 4.0)
    )
    had = Run("mine", second.schedule.values(), [STEPS], [3.0])
    assert [each.name for each in affordable([first, second, third], [had], STEPS, None)] == ["1", "4"]
    (short,) = affordable([first, second, third], [had], STEPS, 0.5)
    assert (short.name, short.schedule.steps) == ("1", STEPS // 2)


def test_a_next_run_that_is_not_the_first_choice_is_told_so():
    runs = sweep(0.25, 0.5, 1, 2, 4)
    assert "The first choice costs" not in " ".join(suggest(runs, cost_limit=1).doubts)
    assert suggest(runs, cost_limit=0.5).doubts[-1] == "The first choice costs more than 0.5 full runs."


def test_candidates_are_members_of_the_families_each_once():
    hold = Candidate("mine", Schedule.from_values(HOLD), own=True)
    names = [each.name for each in candidates(STEPS, 50, ["wsd", "exponential"], [hold])]
    assert names.count("WSD 20%") == 1
    assert "mine" not in names
    assert names[-1] == "exponential"
    with pytest.raises(InputError, match="family must be one of"):
        candidates(STEPS, 0, ["wsdd"], [])


def test_held_out_errors_widen_intervals():
    assert widening([]) == 1
    assert widening([HeldOut("a", 0.1, 0.1, 0.01)]) == 1
    assert widening([HeldOut("a", 0.1, 0.13, 0.01)]) == pytest.approx(3)


def test_what_is_written_is_read_back(tmp_path):
    found = suggest(sweep(0.5, 1, 2))
    (tmp_path / "next-3.json").write_text("old")
    paths = found.write(tmp_path)
    document = json.loads((tmp_path / "suggestion.json").read_text())
    assert document["verdict"] == found.verdict
    assert read_schedule(tmp_path / "next-1.json") == found.schedule
    assert len([path for path in paths if "next-" in path]) == len(found.next_runs)
    assert len(list(tmp_path.glob("next-*.json"))) == len(found.next_runs)
    page = (tmp_path / "suggestion.html").read_text()
    assert found.rows[0].name in page
    assert "against the best other" in page
    assert "<svg" in page


def test_folders_in_the_way_of_files_are_named(tmp_path):
    (tmp_path / "next-4.json").mkdir()
    with pytest.raises(InputError, match=r"next-4\.json: must be a file, or not there, got a directory"):
        suggest(sweep(0.5, 1, 2)).write(tmp_path)


def test_what_is_for_files_is_refused_with_runs():
    with pytest.raises(InputError, match="metric is for files of runs"):
        suggest(sweep(0.05, 0.1), metric="val_loss")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 3}, "runs must be files, folders or Run objects, got 3"),
        ({"runs": [None]}, "runs must be files, folders or Run objects, got None"),
        ({"steps": "x"}, "steps must be a whole number from 1 to .*, got 'x'"),
        ({"steps": "20", "from_step": 10}, "steps must be a whole number from 1 to .*, got '20'"),
        ({"steps": np.array([1, 2])}, r"steps must be one number without from_step .*, got \[1, 2\]"),
        ({"families": "wsd"}, "families must be a list of names, got 'wsd'"),
        ({"families": [["wsd"]]}, r"families must be a list of names, got \[\['wsd'\]\]"),
        ({"metric": 3}, "metric must be a text, got 3"),
        ({"columns": "lr"}, "columns must be a mapping, got 'lr'"),
        ({"columns": {"lr": 3}}, "columns: lr must be a heading, a text, got 3"),
        ({"like": 3}, "a file or folder must be given as a text or a path, got 3"),
        ({"schedules": {"a": 3}}, "a file or folder must be given as a text or a path, got 3"),
    ],
)
def test_values_of_another_kind_break_a_rule(tmp_path, options, message):
    (tmp_path / "a.csv").write_text("step,lr,loss\n10,0.1,3\n20,0.1,2\n")
    with pytest.raises(InputError, match=message):
        suggest(**{"runs": tmp_path / "a.csv", **options})
