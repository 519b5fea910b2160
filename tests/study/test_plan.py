"""The plan of a search against searches: never less than they take, and never more than it said before."""

import zlib

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrshape.study.callback import Speed, Tally
from lrshape.study.drive import drive_phase, drive_search
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

START = {"family": "rex", "params": {"beta": 0.3}, "base_lr": 0.01}
SPECS = st.fixed_dictionaries(
    {
        "families": st.sampled_from(
            [["rex"], ["rex", "linear"], ["rex", {"name": "constant", "fixed": {"warmup": 0.0}}]]
        ),
        "sampler": st.sampled_from(["sobol", "random", {"name": "cmaes", "batch_size": 4}]),
        "base_lr": st.fixed_dictionaries(
            {"strategy": st.sampled_from(["grid", "bracket", "joint"]), "extend": st.integers(0, 3)}
        ),
        "screen": st.fixed_dictionaries({"shapes": st.integers(1, 9), "seeds": st.integers(1, 2)}),
        "rescore": st.fixed_dictionaries(
            {
                "top": st.integers(1, 12),
                "seeds": st.integers(1, 5),
                "base_lrs": st.integers(1, 3),
                "race": st.booleans(),
            }
        ),
        "tuning": st.fixed_dictionaries({"rounds": st.integers(0, 2), "base_lrs": st.just(3)}),
        "confirm": st.fixed_dictionaries(
            {"least": st.integers(1, 3), "most": st.integers(3, 12), "families": st.booleans()}
        ),
        "baselines": st.sampled_from([[], ["cosine"], ["constant", "linear", "cosine", "wsd"]]),
        "initial_shapes": st.sampled_from([[], [START]]),
    }
)
GUIDED = {"families": ["rex", "wsd"], "trials": 48}


@settings(max_examples=15, deadline=None)
@given(spec=SPECS, steep=st.floats(-2, 2), salt=st.integers(0, 9))
@example(spec=GUIDED, steep=0.0, salt=0)
def test_the_total_of_a_phase_never_grows(spec, steep, salt):
    spec = StudySpec.parse({"workload": "digits-mlp", **spec})
    plan = Plan(spec)

    def score(trial):
        """Noise, better towards larger or smaller base LRs; a tenth diverges."""
        noise = zlib.crc32(f"{salt} {trial.shape.id} {trial.seed}".encode()) / 2**32
        return np.inf if noise > 0.9 else noise * trial.base_lr**steep

    def drive(name, phase):
        tally = Tally(name, "final/score", "minimize", Speed(), plan.trials[name])
        totals, done = [plan.trials[name]], 0

        def source(chunks):
            nonlocal done
            trials = [trial for chunk in chunks for trial in chunk.trials]
            done += len(trials)
            tally.plan(len(trials), plan.left(name, trials))
            totals.append(tally.status().planned)
            assert totals[-1] >= done
            return [
                c.keys().assign(**{spec.metric: [score(t) for t in c.trials], "status": "ok"}) for c in chunks
            ]

        driven = drive_phase(spec, name, phase, 100, source)
        totals.append(tally.finish().planned)
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] == done
        taken.append(done)
        return driven.chosen, driven.table

    taken = []
    drive_search(spec, drive)
    assert sum(taken) <= plan.total


def test_a_plan_in_bytes():
    spec = StudySpec.parse({"workload": "digits-mlp", "families": ["rex"], "trials": 96})
    plan = Plan(spec)
    assert plan.bytes(8) > plan.bytes(64) > plan.bytes(64, stored=3)
    assert plan.describe("local") == ""


def test_other_families_get_the_seeds_of_the_first_look_alone():
    every_family = {"workload": "digits-mlp", "trials": 1000}
    assert Plan(StudySpec.parse(every_family)).describe("confirm") == (
        "the best shape of each family and 4 baselines on 10 fresh seeds, then the winner and the undecided "
        "baselines on up to 100"
    )
    one_look = Plan(StudySpec.parse(every_family | {"confirm": {"seeds": 20}}))
    assert one_look.describe("confirm") == "the best shape of each family and 4 baselines on 20 fresh seeds"


def test_tables_repeat_a_list_of_learning_rates_in_every_row():
    curve = (1 - np.arange(1000) / 7000).tolist()
    table = {"family": "table", "params": {"values": curve}}
    spec = StudySpec.parse(
        {"workload": "digits-mlp", "schedules": {"a": table, "b": "linear"}, "trials": 100}
    )
    assert Plan(spec).bytes(64) > 50 * len(str(curve))
