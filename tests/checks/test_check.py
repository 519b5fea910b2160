import pandas as pd
import pytest

import lrshape
from lrshape.checks.follow_up import follow_up
from lrshape.procedure.keys import FIRST_SEED
from lrshape.procedure.phases import trials
from lrshape.procedure.shape import ShapeRecord
from lrshape.store import Store

SETTINGS = {"seeds": 5, "shapes": 2}
SHAPES = [ShapeRecord.of(f"linear-{i}", "linear", {"floor": 0.1 * i, "warmup": 0.0}) for i in range(2)]


def phase():
    """Two rounds, the second of which depends on the first."""
    table = yield trials("seeds", [(shape, 0.1) for shape in SHAPES], 5)
    best = table.loc[table["final/score"].idxmin(), "shape"]
    yield trials("seeds", [(shape, 0.2) for shape in SHAPES if shape.id == best], 5)
    return []


def run(study, settings=SETTINGS, **options):
    return follow_up(study, "seeds", settings, phase(), **options).drop(columns="wall_time")


def test_it_trains_what_the_phase_wants_and_stores_it_beside_the_study(searched, training):
    before = searched.trials()
    table = run(searched)
    assert len(table) == len(training.calls) == 15
    assert set(table["phase"]) == {"seeds"}
    assert sorted(set(table["seed"])) == [FIRST_SEED["seeds"] + i for i in range(5)]
    stored = Store.open(searched.path / "seeds")
    assert len(stored.trials()) == 15
    assert stored.document["of"] == searched.document["hash"]
    pd.testing.assert_frame_equal(searched.trials(), before)
    assert searched.is_complete()


@pytest.mark.parametrize("stop_after", [0, 1, 6, 10, 13])
def test_interrupted_and_run_again_it_trains_nothing_twice(searched, training, tmp_path, stop_after):
    whole = run(searched, out=tmp_path / "whole")
    training.calls.clear()
    training.stop_after = stop_after
    with pytest.raises(KeyboardInterrupt):
        run(searched)
    kept = len(Store.open(searched.path / "seeds").trials())
    assert kept <= stop_after
    training.calls.clear()
    training.stop_after = None
    pd.testing.assert_frame_equal(run(searched), whole, check_exact=True)
    assert len(training.calls) == 15 - kept


def test_a_finished_one_trains_nothing(searched, training):
    first = run(searched)
    training.calls.clear()
    pd.testing.assert_frame_equal(run(searched), first, check_exact=True)
    assert training.calls == []


def test_other_settings_are_refused_with_the_keys_that_changed(searched, training):
    run(searched)
    training.calls.clear()
    with pytest.raises(lrshape.InputError, match=r"other settings; changed: seeds: 5 -> 6; use another"):
        run(searched, {"seeds": 6, "shapes": 2})
    with pytest.raises(lrshape.InputError, match=r"changed: sample: None -> 3; shapes: 2 -> None"):
        run(searched, {"seeds": 5, "sample": 3})
    assert training.calls == []


def test_another_studys_results_are_refused(searched, training, tmp_path):
    run(searched, out=tmp_path / "elsewhere")
    small = {"families": ["linear"], "screen": {"shapes": 1, "seeds": 1}, "baselines": []}
    workload = {"name": "function", "function": "followed_training:train", "steps": 3}
    other = lrshape.search(small, workload=workload, out=tmp_path / "other")
    with pytest.raises(lrshape.InputError, match="of another study; use another directory"):
        run(other, out=tmp_path / "elsewhere")


def test_a_damaged_chunk_is_computed_again(searched, training, caplog):
    whole = run(searched)
    training.calls.clear()
    victim = searched.path / "seeds" / "trials" / "seeds-00001.parquet"
    lost = len(pd.read_parquet(victim))
    victim.write_bytes(victim.read_bytes()[:200])
    pd.testing.assert_frame_equal(run(searched), whole, check_exact=True)
    assert len(training.calls) == lost
    assert "to be computed again" in caplog.text


def test_the_time_limit_keeps_what_is_done(searched, training):
    with pytest.raises(lrshape.TimeLimitReached):
        run(searched, time_limit=1e-9)
    assert len(run(searched)) == 15


def test_a_function_that_is_gone_is_told_before_anything_is_made(searched, training, monkeypatch):
    monkeypatch.delattr(training, "train")
    with pytest.raises(lrshape.InputError, match="cannot be imported"):
        run(searched)
    assert not (searched.path / "seeds").exists()
