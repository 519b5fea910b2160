import json

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape.checks.local import (
    CONFIRM_AFTER,
    LocalCheck,
    best_shapes,
    changed_shapes,
    grid_around,
    values,
)
from lrshape.procedure.base_lr import GridLR
from lrshape.procedure.trial import ShapeRecord
from lrshape.shapes import FAMILIES
from lrshape.shapes.space import Dimension
from lrshape.study.spec import StudySpec

CHECK = LocalCheck(points=4, seeds=6, base_lrs=3, confirm_seeds=8)


@pytest.mark.parametrize(
    ("dimension", "own", "expected"),
    [
        (Dimension("a", 0.0, 1.0), 0.3, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (Dimension("a", 0.0, 1.0), 0.5, [0.0, 0.25, 0.75, 1.0]),
        (Dimension("a", 0.01, 100.0, "log"), 3.0, [0.01, 0.1, 1.0, 10.0, 100.0]),
        (Dimension("a", 1, 3, "integer"), 2, [1, 3]),
        (Dimension("a", 0, 99, "integer"), 7, [0, 25, 50, 75, 99]),
        (Dimension("a", scale="choice", choices=("x", "y")), "x", ["y"]),
        (Dimension("a", 0.2, 0.2), 0.2, []),
    ],
)
def test_values_cover_the_range_and_leave_the_own_one_out(dimension, own, expected):
    assert values(dimension, own, 5) == (expected if own == "x" else pytest.approx(expected))


def test_changed_shapes_differ_in_one_searched_parameter():
    spec = StudySpec.parse(
        {
            "workload": "digits-mlp",
            "families": [{"name": "power", "fixed": {"floor": 0.1}, "ranges": {"warmup": [0.05, 0.2]}}],
        }
    )
    own = {"exponent": 2.0, "floor": 0.1, "warmup": 0.1}
    changed = changed_shapes(spec, ShapeRecord.of("power-0001", "power", own), 4)
    assert len({shape.id for shape in changed}) == len(changed) == 7  # warmup 0.1 is its own
    for shape in changed:
        params = json.loads(shape.params)
        (name,) = [key for key in own if params[key] != own[key]]
        assert name == shape.id.split(":")[1]
        assert name != "floor"
        assert 0.05 <= params["warmup"] <= 0.2
        FAMILIES["power"].from_params(params)


def test_base_lrs_around_the_best_are_those_of_the_rescore_and_extend():
    grid = GridLR(low=1e-3, high=1.0, points=4)
    finer = grid_around(grid, 0.05, 3)
    assert [finer.at(i) for i in range(3)] == pytest.approx(grid.bracket(0.05, 3))
    assert finer.ratio ** (finer.extend / 1) >= grid.ratio**grid.extend * 0.999
    fixed = grid_around(GridLR(low=0.1, high=0.1, points=1), 0.1, 3)
    assert (fixed.points, fixed.low) == (1, 0.1)


def test_the_winner_comes_first(searched):
    top = best_shapes(searched, 3)
    assert len({one.shape.id for one in top}) == 3
    assert top[0].shape.id == searched.best().shape
    assert top[0].base_lr == pytest.approx(searched.best().base_lr)
    with pytest.raises(lrshape.InputError, match=r"top must be at most \d+, .*got 999"):
        best_shapes(searched, 999)


def test_too_many_shapes_are_refused_before_anything_is_made(searched):
    with pytest.raises(lrshape.InputError, match=r"top must be at most"):
        LocalCheck(top=999).run(searched)
    assert not (searched.path / "local").exists()


def test_a_check_from_beginning_to_end(searched, training):
    result = CHECK.run(searched)
    folder = searched.path / "local"
    table = lrshape.store.Store(folder).trials()
    assert CHECK.cost(searched) <= result.data["trials"] == len(table) <= CHECK.most_trials(searched)
    first = LocalCheck.first_seed()
    choosing = table[table["seed"] < first + CONFIRM_AFTER]
    confirming = table[table["seed"] >= first + CONFIRM_AFTER]
    assert set(choosing["seed"]) == {first + i for i in range(6)}
    assert set(confirming["seed"]) == {first + CONFIRM_AFTER + i for i in range(8)}
    assert not set(table["seed"]) & set(searched.trials()["seed"])
    best = searched.best()
    confirmed, points = result.tables["confirmed"], result.tables["points"]
    searched_names = {"rex": {"warmup", "beta"}, "linear": {"warmup", "floor"}}[best.family]
    assert set(confirmed["parameter"]) == searched_names <= set(best.params)
    assert (confirmed["own_base_lr"] > 0).all()
    # No point that is finite has its best base LR at an edge: it would have been extended.
    tried = choosing.groupby("shape")["base_lr"].nunique()
    for row in points[np.isfinite(points["score"])].to_dict("records"):
        assert row["edge"] == "" or tried[row["point"]] >= 3 + 4
    # Every other value is within its range and the own one is there, once a parameter.
    assert (points.groupby("parameter")["own"].sum() == 1).all()
    written = pd.read_csv(folder / "tables" / "confirmed.csv")
    assert written["verdict"].tolist() == confirmed["verdict"].tolist()
    text = (folder / "report.html").read_text()
    assert ("improves the winner" in text) != ("is not a local optimum" in text)
    figures = {file.suffix for file in (folder / "figures").iterdir()}
    assert figures == {".svg", ".png"}
    training.calls.clear()
    again = CHECK.run(searched)
    assert training.calls == []
    pd.testing.assert_frame_equal(again.tables["confirmed"], confirmed)


def test_the_best_base_lr_is_one_of_those_tried():
    with pytest.raises(lrshape.InputError, match=r"^base_lrs: must be odd, so that .* is one of them, got 2"):
        LocalCheck(base_lrs=2)


@pytest.mark.parametrize(("key", "value"), [("top", 0), ("points", 1), ("seeds", 0), ("base_lrs", 0)])
def test_bad_settings(key, value):
    with pytest.raises(lrshape.InputError, match=f"^{key}: must be at least"):
        LocalCheck(**{key: value})
