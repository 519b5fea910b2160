"""Loss curves beside the trials: stored with them, and read only where they are asked for."""

import numpy as np
import pandas as pd
import pytest

from lrshape.loss_curve import LossCurve
from lrshape.store import DamagedChunk, Store, merge
from lrshape.store.table import CURVE_KEYS

DOCUMENT = {"chunk_size": 12, "train_digest": None, "spec": {}}


def assert_equal_curves(found, written):
    for mine, theirs in zip(found, written, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            for name in ("step", "train_loss", "valid_loss"):
                a, b = getattr(mine, name), getattr(theirs, name)
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


@pytest.fixture
def written(folder, with_curves, make_table):
    """A study on every kind of place: two chunks with curves, in the wrong order, and one without."""
    store = Store.create(f"{folder}/study", DOCUMENT)
    store.write("screen-00000", with_curves(first=100))
    store.write("screen-00001", with_curves())
    store.write("screen-00002", make_table(first=200))
    return store


def test_curves_come_back_and_are_left_out_unless_wanted(written, with_curves, make_table):
    table = with_curves()
    assert_equal_curves(written.read("screen-00001", curves=True)["curve"], table["curve"])
    pd.testing.assert_frame_equal(written.read("screen-00001"), make_table())
    assert "curve" not in written.read("screen-00002", curves=True).columns
    assert "curve" not in written.trials().columns
    assert len(written.trials()) == 36


def test_the_table_of_all_curves_has_a_row_a_point_in_the_order_of_the_trials(written, with_curves):
    found = written.curves()
    assert list(found) == [*CURVE_KEYS, "step", "train_loss", "valid_loss"]
    trials = written.trials()
    assert [type(found[key].dtype) for key in CURVE_KEYS] == [type(trials[key].dtype) for key in CURVE_KEYS]
    tables = pd.concat([with_curves(first=100), with_curves()])
    tables = tables[tables["curve"].notna()].sort_values(["shape", "base_lr", "seed"], kind="stable")
    assert found["step"].tolist() == [step for curve in tables["curve"] for step in curve.step]
    assert found["shape"].tolist() == [
        s for s, c in zip(tables["shape"], tables["curve"], strict=True) for _ in c.step
    ]
    assert found["valid_loss"].notna().sum() == (found["step"] % 20 == 0).sum()
    assert written.curves(["confirm"]).empty


def test_merge_takes_curves_along(tmp_path, with_curves):
    parts = [Store.create(tmp_path / name, DOCUMENT) for name in ("one", "two")]
    parts[0].write("screen-00000", with_curves())
    parts[1].write("screen-00000", with_curves().assign(wall_time=7.0))
    parts[1].write("screen-00001", with_curves(first=100))
    joined, gave = merge(tmp_path / "joined", [part.path for part in parts])
    assert [(m.taken, m.equal, m.other_results) for m in gave] == [(1, 0, []), (1, 1, [])]
    pd.testing.assert_frame_equal(joined.curves(["screen"]), parts[1].curves())


def test_steps_that_do_not_rise_are_damage(store, table):
    losses = np.zeros(2, np.float32)
    table["curve"] = LossCurve(np.array([7, 7], np.int32), losses, losses)
    store.write("screen-00000", table)
    assert len(store.read("screen-00000")) == len(table)
    with pytest.raises(DamagedChunk, match="the steps of a curve do not rise"):
        store.read("screen-00000", curves=True)
