"""Whole sweeps: studies, transfers, resume, refusals, and the page."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from lrshape.checks.settings import Sweep, run_sweep
from lrshape.checks.transfer import (
    FIRST_SCORING_SEED,
    BaseLRGains,
    Transfer,
    TransferredShape,
    transferred_shapes,
)
from lrshape.checks.transfer_statistics import BestShape
from lrshape.errors import InputError
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.study.chunk import TrainChunk
from lrshape.study.run import TimeLimitReached
from lrshape.study.spec import StudySpec

TRAINING = """
def train(lrs, seed):
    # Wants its LR where `late` says: at the end of training, or at its beginning.
    n = len(lrs)
    late = {late}
    half = lrs[n // 2:] if late else lrs[: n // 2]
    other = lrs[: n // 2] if late else lrs[n // 2:]
    noise = 0.01 * ((seed * 7919) % 13) / 13
    return (half.mean() - 1) ** 2 + other.mean() ** 2 + 0.05 + noise
"""
SPEC = {
    "name": "halves",
    "families": ["rex", "two_point_linear"],
    "baselines": ["constant"],
    "workload": {
        "name": "function",
        "function": "early_training:train",
        "steps": 10,
        "metrics": ["train_loss"],
    },
    "base_lr": {"low": 0.3, "high": 3.0, "points": 4},
    "screen": {"shapes": 8, "seeds": 1},
    "rescore": {"top": 2, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 6},
}
AXES = {"workload.function": ["early_training:train", "late_training:train"]}
HOW = {"seeds": 8, "tuning_seeds": 2}


@pytest.fixture(scope="module")
def modules(modules):
    """Two trainings that want different shapes."""
    (modules / "early_training.py").write_text(TRAINING.format(late=False))
    (modules / "late_training.py").write_text(TRAINING.format(late=True))
    return modules


@pytest.fixture(scope="module")
def swept(modules, tmp_path_factory):
    done = run_sweep(SPEC, AXES, out=tmp_path_factory.mktemp("sweep") / "one", transfer=HOW)
    done.report()
    return done


def test_the_sweep_finds_that_the_setting_moves_the_best_shape(swept):
    regrets = swept.regrets()
    assert len(regrets) == 8
    off = regrets[(regrets["choice"] == "re-tuned") & (regrets["verdict"] != "own")]
    assert set(off["verdict"]) == {"costs"}
    assert (off["relative"] > 0.5).all()
    assert swept.is_complete()


def test_every_study_is_an_ordinary_one(swept):
    for setting in swept.settings:
        study = swept.study(setting)
        assert study.is_complete()
        assert (study.path / "report.html").is_file()
        assert study.document["spec"]["workload"]["function"] == setting.values["workload.function"]


def test_tuning_and_scoring_seeds_are_apart_from_each_other_and_from_the_search(swept):
    for slug, table in swept.transfers().items():
        searched = swept.study(next(s for s in swept.settings if s.slug == slug)).trials()
        assert set(searched["phase"]) == {"screen", "rescore", "tune", "confirm"}  # none of the transfer's
        seeds = set(table["seed"])
        assert not seeds & set(searched["seed"])
        first = Transfer.first_seed()
        tuning = set(range(first, first + HOW["tuning_seeds"]))
        assert seeds == tuning | set(range(FIRST_SCORING_SEED, FIRST_SCORING_SEED + HOW["seeds"]))


def test_the_page_is_self_contained_and_leads_to_the_studies(swept):
    page = (swept.path / "report.html").read_text()
    assert "depends on function" in page
    for setting in swept.settings:
        assert f'href="studies/{setting.slug}/report.html"' in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    for name in ("overlay", "settings", "transfer-re-tuned", "transfer-kept"):
        assert f'id="figure-{name}"' in page
        assert (swept.path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (swept.path / "figures" / f"{name}.svg").is_file()
    written = pd.read_csv(swept.path / "tables" / "transfer.csv")
    assert written["regret"].tolist() == swept.regrets()["regret"].tolist()
    assert len(pd.read_csv(swept.path / "tables" / "settings.csv")) == 2


def test_the_same_command_again_trains_nothing_and_writes_the_same(swept):
    before = (swept.path / "report.html").read_bytes()
    stored = sorted((p, p.stat().st_mtime_ns) for p in swept.path.rglob("*.parquet"))
    again = run_sweep(SPEC, AXES, out=swept.path, transfer=HOW)
    again.report()
    assert sorted((p, p.stat().st_mtime_ns) for p in swept.path.rglob("*.parquet")) == stored
    assert (swept.path / "report.html").read_bytes() == before
    pd.testing.assert_frame_equal(again.regrets(), swept.regrets())


@pytest.mark.parametrize(
    ("spec", "axes", "how", "message"),
    [
        ({"seed": 3}, {}, {}, "changed: seed: None -> 3"),
        ({}, {"screen.seeds": [1, 2]}, {}, "changed: axes.screen.seeds: None -> [1, 2]"),
        ({}, {}, {"seeds": 9}, "changed: transfer.seeds: 8 -> 9"),
    ],
)
def test_a_changed_sweep_is_refused(swept, spec, axes, how, message):
    with pytest.raises(InputError, match=re.escape(message)):
        run_sweep({**SPEC, **spec}, {**AXES, **axes}, out=swept.path, transfer={**HOW, **how})


def test_stopped_and_run_again_it_is_the_same_sweep(swept, modules, tmp_path, monkeypatch):
    """Stopped once in the first study and once in the first transfer."""
    calls = {"n": 0}
    original = TrainChunk.__call__

    def stop_at(limit):
        def train(*args):
            calls["n"] += 1
            if calls["n"] == limit:
                raise KeyboardInterrupt
            return original(*args)

        monkeypatch.setattr(TrainChunk, "__call__", train)

    for limit in (2, 9):
        calls["n"] = 0
        stop_at(limit)
        with pytest.raises(KeyboardInterrupt):
            run_sweep({**SPEC, "chunk_size": 40}, AXES, out=tmp_path / "two", transfer=HOW)
    monkeypatch.setattr(TrainChunk, "__call__", original)
    with pytest.raises(TimeLimitReached):
        run_sweep({**SPEC, "chunk_size": 40}, AXES, out=tmp_path / "two", transfer=HOW, time_limit=1e-9)
    with pytest.raises(InputError, match="not complete"):
        Sweep(tmp_path / "two").regrets()
    again = run_sweep({**SPEC, "chunk_size": 40}, AXES, out=tmp_path / "two", transfer=HOW)
    pd.testing.assert_frame_equal(again.regrets(), swept.regrets())


def test_a_time_limit_gives_every_setting_as_many_trials(modules, tmp_path, monkeypatch):
    """Each search would otherwise plan for all that is left, and the last ones find worse shapes."""
    planned, searched = [], []
    monkeypatch.setattr(
        "lrshape.checks.settings.set_trials",
        lambda document, path, seconds, *_: planned.append(seconds) or document | {"trials": 77},
    )
    monkeypatch.setattr(
        "lrshape.checks.settings.search", lambda document, **_: searched.append(document["trials"])
    )
    spec = {key: SPEC[key] for key in ("name", "workload", "baselines")}
    with pytest.raises(InputError, match="no study in"):  # nothing was really searched
        run_sweep(spec, AXES, out=tmp_path / "timed", transfer=HOW, time_limit=300.0)
    assert searched == [77, 77]
    assert planned == [pytest.approx(100, rel=0.05)]


def test_a_directory_that_holds_something_else_is_refused(modules, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds no sweep: it has notes\.txt"):
        run_sweep(SPEC, AXES, out=tmp_path)
    with pytest.raises(InputError, match="got the file"):
        run_sweep(SPEC, AXES, out=tmp_path / "notes.txt")
    with pytest.raises(InputError, match="there is no sweep"):
        Sweep(tmp_path)
    with pytest.raises(InputError, match=r"transfer\.seeds"):
        run_sweep(SPEC, AXES, out=tmp_path / "new", transfer={"seeds": 0})
    assert not (tmp_path / "new").exists()


def test_an_edited_sweep_is_refused(modules, swept, tmp_path):
    document = json.loads((swept.path / "sweep.json").read_text())
    document["transfer"]["seeds"] = 99
    (tmp_path / "sweep.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="was edited"):
        Sweep(tmp_path)


def test_a_setting_that_always_diverges_is_left_out_of_the_transfer(modules, tmp_path):
    (modules / "lost_training.py").write_text("def train(lrs, seed):\n    return float('nan')\n")
    axes = {"workload.function": [*AXES["workload.function"], "lost_training:train"]}
    small = {**SPEC, "screen": {"shapes": 2, "seeds": 1}}
    done = run_sweep(small, axes, out=tmp_path / "three", transfer=HOW)
    assert set(done.regrets()["used_in"]) == {s.slug for s in done.settings[:2]}
    assert "No shape has a finite median in function lost_training:train." in done.report().lede
    alone = {"workload.function": ["lost_training:train", "early_training:train"]}
    done = run_sweep(small, alone, out=tmp_path / "four", transfer=HOW)
    assert done.report().title == "Nothing to compare"


def spec_of(**changes):
    return StudySpec.parse({**SPEC, **changes})


SHAPE = ShapeRecord.of("best-a", "rex", {"beta": 0.5, "warmup": 0.1})


def quadratic(losses_of, best=0.1):
    """Trials of one shape at base LRs around the best, on six seeds."""
    candidates = [Candidate(SHAPE, best * 2.0**x) for x in range(-3, 4)]
    rows = [t for c in candidates for t in Transfer(shapes=(), seeds=1).trials([c], 6)]
    table = pd.DataFrame(
        {
            "phase": "transfer", "shape": SHAPE.id, "family": "rex", "params": SHAPE.params,
            "base_lr": [t.base_lr for t in rows], "hyperparameters": "{}",
            "seed": [t.seed for t in rows], "status": "ok",
        }
    )  # fmt: skip
    octaves = np.log2(table["base_lr"] / best)
    noise = 0.01 * np.random.default_rng(0).normal(size=len(rows))
    return table.assign(**{"final/train_loss": losses_of(0.1 * octaves**2 + noise)})


@pytest.mark.parametrize(
    ("losses_of", "gain"),
    [
        (np.exp, lambda loss: loss * np.exp(-0.4)),
        (lambda x: x - 1, lambda loss: loss - 0.4),
    ],
)
def test_what_a_better_base_lr_gains_is_what_the_trials_say(losses_of, gain):
    table = quadratic(losses_of)
    gains = BaseLRGains(spec_of(), table)
    losses = pd.Series([1.0, 2.0])
    for base_lr, expected in ((0.1, losses), (0.4, gain(losses)), (0.025, gain(losses))):
        found = gains.improved(("rex", SHAPE.params, base_lr, "{}"), losses)
        np.testing.assert_allclose(found, expected, rtol=0.06)
    fixed = BaseLRGains(spec_of(base_lr={"low": 0.4, "high": 0.4, "points": 1}), table)
    assert fixed.improved(("rex", SHAPE.params, 0.4, "{}"), losses) is losses


@pytest.mark.parametrize("lowest", [0.0, -1.0], ids=["error", "accuracy"])
def test_shares_that_a_better_base_lr_improves_stay_shares(lowest):
    table = quadratic(lambda x: 0.2 * np.exp(x) / (1 + np.exp(x)) + lowest)
    gains = BaseLRGains(spec_of(metric_scale="logit"), table)
    losses = pd.Series([0.0, 0.001, 0.3, 1.0, np.inf]) + lowest
    better = gains.improved(("rex", SHAPE.params, 0.8, "{}"), losses)
    assert (better <= losses).all()
    assert better[:4].between(lowest, lowest + 1).all()
    assert better[1] < losses[1]
    assert better[4] == np.inf


def test_nothing_is_known_of_better_base_lrs_where_the_tuned_one_diverges():
    table = quadratic(np.exp)
    table.loc[table["base_lr"] == 0.4, "final/train_loss"] = np.inf
    gains = BaseLRGains(spec_of(), table)
    losses = pd.Series([1.0, np.inf])
    assert gains.improved(("rex", SHAPE.params, 0.4, "{}"), losses) is None
    few = BaseLRGains(spec_of(), table[:2])
    assert few.improved(("rex", SHAPE.params, 0.0125, "{}"), losses) is None


def transfer(shape=SHAPE, around=1.0, kept=((1.0, "{}"),), **how):
    tried = TransferredShape(
        id=shape.id, family=shape.family.name, params=shape.params, around=around, kept=kept
    )
    return Transfer(shapes=(tried,), **how)


@pytest.mark.parametrize("target", [0.1, 0.9, 1.0, 4.0])
def test_tuning_walks_on_while_the_best_is_at_an_edge(modules, drive, target):
    phase = transfer(kept=((0.7, "{}"),), base_lrs=5, extend=8).rounds(spec_of())
    rounds, chosen = drive(phase, lambda t: abs(np.log(t.base_lr / target)))
    step = spec_of().base_lr.ratio ** 0.5
    (tuned,) = chosen
    assert abs(np.log(tuned[1] / target)) <= np.log(step) / 8 + 1e-9
    scored = {t.base_lr for t in rounds[-1]}
    assert scored == {tuned[1], 0.7}
    assert all(t.seed >= FIRST_SCORING_SEED for t in rounds[-1])
    assert all(t.seed < FIRST_SCORING_SEED for trials in rounds[:-1] for t in trials)


def test_a_fixed_base_lr_is_not_tuned(modules, drive):
    spec = spec_of(base_lr={"low": 1.0, "high": 1.0, "points": 1})
    rounds, chosen = drive(transfer().rounds(spec), lambda t: t.base_lr)
    assert [len(r) for r in rounds] == [10, 20]
    assert chosen == [Candidate(SHAPE, 1.0)]


def test_a_shape_that_is_best_in_two_settings_is_tried_once():
    best = [
        BestShape("a", "rex", '{"beta": 1}', 0.1),
        BestShape("b", "rex", '{"beta": 1}', 0.2),
        BestShape("c", "rex", '{"beta": 2}', 0.3),
        BestShape("d", "rex", '{"beta": 3}', 0.4),
    ]
    searched = pd.DataFrame({"family": ["rex"], "params": ['{"beta": 2}'], "base_lr": [0.9]})
    first, second, third = transferred_shapes(best, best[1], searched)
    assert (first.id, first.kept, first.around) == ("best-a", ((0.1, "{}"), (0.2, "{}")), 0.2)
    assert (second.id, second.around) == ("best-c", 0.9)  # known from the setting's own search
    assert third.around == 0.2  # unknown there: the own best shape's


def test_a_transfer_with_other_settings_is_refused(swept):
    with pytest.raises(InputError, match=r"another check; changed: .*seeds: 8 -> 20"):
        transfer().train(swept.study(swept.settings[0]))
