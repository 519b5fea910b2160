import base64
import json

import numpy as np
import pandas as pd
import pytest

from lrshape.checks.local_page import (
    local_figure,
    local_result,
    overall_verdict,
    sorted_shapes,
)
from lrshape.report.interaction import LEVELS
from page_checks import check

METRIC = "final/train_loss"
SETTINGS = {"points": 4, "seeds": 10, "confirm_seeds": 40}
LOW_HIGH = {
    "open": (-0.02, 0.03),
    "better": (0.01, 0.1),
    "worse": (-0.1, -0.01),
    "diverged": (-np.inf, -np.inf),
}


VALUES = ((0.01, 2.0), (0.1, 1.2), (0.5, 1.0), (3.0, np.inf))


def points(shape="rex-0001", values=VALUES, parameters=("beta",)):
    return pd.DataFrame(
        {
            "shape": shape, "parameter": name, "value": value, "own": value in (0.5, "b"),
            "point": f"{shape}:{name}:{i:02d}", "family": "rex", "params": json.dumps({name: value}),
            "base_lr": 0.1, "card": i, "edge": "high" if i == 0 else "", "seeds": 10, "score": score,
            "low": 0.9 * score, "high": 1.2 * score, "diverged": 0, "failed": 0,
            "gain": 1.0 - score, "gain_low": 0.9 - score, "gain_high": 1.1 - score,
        }
        for name in parameters
        for i, (value, score) in enumerate(values)
    )  # fmt: skip


def row(parameter="beta", verdict="open", shape="rex-0001", **changes):
    low, high = LOW_HIGH.get(verdict, (np.nan, np.nan))
    gain = 0.5 * (low + high) if verdict in LOW_HIGH else 0.01
    found = {
        "shape": shape, "family": "rex", "parameter": parameter, "own_value": 0.5, "value": 0.1,
        "own_base_lr": 0.1, "base_lr": 0.2, "edge": "", "seeds": 40, "own_score": 1.0, "own_low": 0.9,
        "own_high": 1.1, "score": 1.0 - gain, "low": 0.9 - gain, "high": 1.1 - gain, "biased_gain": 0.05,
        "gain": gain, "gain_low": low, "gain_high": high, "p_value": 0.01, "p_holm": 0.02,
        "verdict": verdict,
    } | changes  # fmt: skip
    own = found["own_score"] or np.nan  # without a sign there are no shares
    shares = {f"gain_relative{end}": found[f"gain{end}"] / own for end in ("", "_low", "_high")}
    return shares | found


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [row(), row("warmup", "worse")],
            "no tested change to a single parameter improves the winner by more than 3.0% (95%)",
        ),
        (
            [row(verdict="worse")],
            "no tested change to a single parameter improves the winner: every value measured again is",
        ),
        (
            [row(verdict="diverged")],
            "no tested change to a single parameter improves the winner: every value measured again is worse",
        ),
        (
            [row(gain=0.0, gain_low=0.0, gain_high=0.0)],  # the same on every seed
            "no tested change to a single parameter improves the winner (95%)",
        ),
        ([row(), row("warmup", "better")], "is not a local optimum: changing warmup improves it by 5.5%"),
        (
            [row(), row("warmup", "unknown")],
            "the confirming seeds (40) are too few to tell whether a change to a single parameter improves",
        ),
        ([row(own_score=0.0)], "by more than 0.0300 (95%)"),
        (
            [row(), row("warmup", "open", gain_high=np.inf)],
            "the confirming seeds (40) do not tell how much a change to a single parameter improves",
        ),
        ([row("warmup", "better", own_score=0.0)], "changing warmup improves it by 0.0550"),
    ],
)
def test_the_verdict_over_all_parameters(rows, text):
    assert text in overall_verdict(pd.DataFrame(rows), True)
    assert "the winner" not in overall_verdict(pd.DataFrame(rows), False)


def test_the_winner_comes_first_whatever_its_score():
    confirmed = pd.DataFrame(
        [row(shape="a", own_score=1.0), row(shape="b", own_score=3.0), row(shape="c", own_score=2.0)]
    )
    assert sorted_shapes(confirmed, "b") == ["b", "a", "c"]


def result(folder, points, rows, winner="rex-0001", **more):
    of_check = {"winner": winner, "metric": METRIC, "settings": SETTINGS, "trials": 1234}
    return local_result(points, pd.DataFrame(rows), folder, **of_check, **more)


def test_shapes_are_drawn_with_the_lowest_lr(tmp_path):
    found = result(tmp_path, points(), [row()], min_lr=0.05).cards.data({})["shapes"]
    assert {base64.b64decode(curve)[-1] for *_, curve in found} == {round(0.5 * LEVELS)}


def test_hyperparameters_that_the_check_left_alone_are_named(tmp_path):
    assert len(result(tmp_path, points(), [row()]).lede) == 1
    told = result(tmp_path, points(), [row()], tuned=["momentum", "weight_decay"]).lede[1]
    assert told == "The tuned hyperparameters (momentum, weight_decay) stayed as the search found them."


def test_the_data_is_json(tmp_path):
    both = points(parameters=("beta", "warmup"))
    found = result(tmp_path, both, [row(), row("warmup", "diverged", score=np.inf)])
    (entry,) = json.loads(json.dumps(found.to_dict(), allow_nan=False))["shapes"]
    assert entry["largest_gain_relative"] == pytest.approx(0.03)
    assert entry["parameters"][1]["score"] is None


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_panel_for_each_parameter(check_figure, count):
    names = [f"parameter_{i}" for i in range(count)]
    figure = local_figure(points(parameters=names), METRIC)
    check_figure(figure)
    assert len(figure.axes) == count
    texts = {t.get_text() for ax in figure.axes for t in ax.texts}
    assert texts == set(names)
    line = figure.axes[0].get_lines()[0]
    np.testing.assert_array_equal(line.get_ydata(), [2.0, 1.2, 1.0, np.nan])


def test_choices_are_drawn_by_their_place():
    figure = local_figure(points(values=(("a", 1.2), ("b", 1.0))), METRIC)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["a", "b"]


def test_nothing_finite_is_not_drawn():
    assert local_figure(points(values=((0.5, np.inf), (0.1, np.inf))), METRIC) is None


def test_the_page(tmp_path, hostile):
    both = pd.concat([points(), points("rex-0002")])
    (tmp_path / "figures").mkdir()
    found = result(tmp_path / "figures", both, [row(), row(shape="rex-0002", verdict="better")], "rex-0002")
    page = check(found.write(tmp_path, eyebrow="Check: local", name="".join(hostile.values())))
    assert page.text.index("rex-0002, the winner") < page.text.index("rex-0001")
    assert "The winner is not a local optimum: changing beta improves it by 5.5%" in page.text
    assert "1,234 trials" in page.text
    assert "The best base LR of beta = 0.01 lies on the edge" in page.text
    assert "with its 95% interval as a band" in page.text
    assert {file.name for file in (tmp_path / "figures").iterdir()} == {
        f"rex-000{i}.{ending}" for i in (1, 2) for ending in ("svg", "png")
    }


def test_too_few_seeds_for_bands_are_said(tmp_path):
    (section,) = result(tmp_path, points().assign(low=np.nan, high=np.nan), [row()]).sections
    assert section.sentences[1].endswith("Its parameters are beta 0.5.")
    (figure,) = section.figures.values()
    assert "the median over seeds, too few for intervals." in figure.caption
    assert "as a band" not in figure.caption
