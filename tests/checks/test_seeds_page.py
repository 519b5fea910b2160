import base64
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from lrshape.checks.seeds_page import (
    agreement_figure,
    agreement_table,
    recommendation,
    scatter_figure,
    seeds_result,
    title,
)
from lrshape.checks.seeds_statistics import seed_answer
from lrshape.report.interaction import LEVELS
from page_checks import check

METRIC = "final/train_loss"
SHAPES = {
    f"rex-{i:04d}": {
        "family": "rex",
        "params": f'{{"beta": {0.1 + 0.1 * i}, "warmup": 0.1}}',
        "base_lr": 0.01,
    }
    for i in range(9)
}


def answer(spread=0.3, noise=0.1, diverged=0, **options):
    rng = np.random.default_rng(0)
    values = (1 + spread * np.arange(9))[:, None] * np.exp(noise * rng.normal(size=(9, 24)))
    values[9 - diverged :] = np.inf
    names = [f"rex-{i:04d}" for i in range(9)]
    return seed_answer(
        pd.DataFrame(values, index=names), names, names[:4], **{"keep": 3, "margin": 0.1, **options}
    )


def test_the_recommendation_in_words():
    found = answer()
    screen, rescore = recommendation(found, (2, 10))
    assert f"screen.seeds = {found.screen_seeds} is enough" in screen
    assert (
        "that one of the 3 shapes that the screen ranks first, out of 9, is within 10% of the best" in screen
    )
    assert f"rescore.seeds = {found.rescore_seeds} is enough" in rescore
    assert rescore.endswith("this search used 10.")
    assert "to choose the best" in title(found)


def test_a_chance_below_the_one_asked_for_is_not_rounded_up_to_it():
    found = answer(spread=0.001, noise=0.5, margin=0.0)
    table = found.top.table.assign(certain=0.9496)
    near = dataclasses.replace(found, top=dataclasses.replace(found.top, table=table))
    assert "with that many it is 94.9%" in recommendation(near, (2, 10))[1]


def test_more_than_were_tried_is_said_so():
    found = answer(spread=0.001, noise=0.5, margin=0.0)
    assert found.rescore_seeds is None
    assert "more than 12 seeds are needed in the rescore" in recommendation(found, (2, 10))[1]
    assert "more than 12 seeds to choose the best" in title(found)


def test_cells_fit_their_headings():
    found = answer()
    for agreement, columns in ((found.screened, 8), (found.top, 7)):
        table = agreement_table(found, agreement, "shapes")
        assert {len(table.headings), *map(len, table.rows)} == {columns}
    assert [text for (text, _), *_ in table.rows] == ["1", "3", "10", "12"]


@pytest.mark.parametrize("diverged", [0, 3, 8])
@pytest.mark.parametrize("drawing", ["agreement", "scatter"])
def test_every_text_lies_inside_the_figure(check_figure, drawing, diverged):
    found = answer(diverged=diverged)
    if drawing == "agreement":
        figure = agreement_figure(found)
    else:
        figure = scatter_figure(found, METRIC)
        marks = sum(len(line.get_xdata()) for line in figure.axes[0].get_lines()[1:3])
        assert marks == 9 - diverged
    check_figure(figure)


def test_no_finite_score_has_no_scatter():
    assert scatter_figure(answer(diverged=9), METRIC) is None


def result(folder, min_lr=0.0, **options):
    more = {"metric": METRIC, "used": (2, 10), "trials": 216, "shapes": SHAPES, "min_lr": min_lr}
    return seeds_result(answer(**options), folder, **more)


def test_a_screen_that_keeps_one_shape_has_no_column_of_those_kept_and_no_words_on_it(tmp_path):
    found = result(tmp_path, keep=1)
    assert "the shape that the screen ranks first, out of 9, is within 10%" in found.lede[0]
    assert "good one kept" not in str([found.method, found.sections])


def test_shapes_are_drawn_with_the_lowest_lr(tmp_path):
    (base_lr,) = {shape["base_lr"] for shape in SHAPES.values()}
    found = result(tmp_path, min_lr=base_lr / 2).cards.data({})["shapes"]
    assert {base64.b64decode(curve)[-1] for *_, curve in found} == {round(0.5 * LEVELS)}


@pytest.mark.parametrize("diverged", [0, 9])
def test_the_page_and_the_data(tmp_path, diverged):
    (tmp_path / "figures").mkdir()
    found = result(tmp_path / "figures", diverged=diverged)
    json.dumps(found.to_dict(), allow_nan=False)
    page = check(found.write(tmp_path, eyebrow="Check: seeds", name="<b>digits</b>"))
    assert "216 trials" in page.text
    assert page.text.count("good one kept") == 2  # a heading, and what it means
    assert "<b>digits</b>" in page.text
    names = ["agreement"] if diverged else ["agreement", "scatter"]
    assert {file.name for file in (tmp_path / "figures").iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("svg", "png")
    }
