import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.design import Design
from lrshape.report.drawing import PNG_DPI, save
from lrshape.report.figures import (
    FIGURES,
    best_of,
    heatmap,
    loss_curves,
    metrics,
    near_optimal,
    scores,
    shapes,
    sweeps,
)
from lrshape.report.figures.heatmap import _runs, cells
from lrshape.report.figures.scores import sweep
from lrshape.report.figures.screen import ecdf
from lrshape.report.figures.shapes import band, compare_figure, curve, shape_figure
from lrshape.report.findings import Findings
from lrshape.report.plotting import Curve, nice_log_ticks, scale_axis

METRIC = "final/train_loss"
FAMILIES = (
    "cosine_floor",
    "exponential",
    "generalized_cosine",
    "power",
    "rex",
    "sqrt",
    "wsd",
    "two_point_spline",
)
SWEPT = {"sweeps", "heatmap"}
ALL = {"scores", "shapes", "near_optimal", "distribution", "best_of", *SWEPT}
CASES = {
    "usual": ({}, ALL),
    "partial": ({"phases": ("screen",)}, ALL - {"near_optimal"}),
    "diverged": ({"status": "diverged"}, {"heatmap"}),
    "one family": ({"families": ("rex",), "baselines": ()}, ALL - {"near_optimal"}),
    "one shape": (
        {"families": ("rex",), "shapes": 1, "base_lrs": 1, "baselines": (), "seeds": (1, 1, 1)},
        {"scores", "shapes", "distribution", "heatmap"},
    ),
    "many": ({"families": FAMILIES, "shapes": 30}, ALL - {"near_optimal"}),
    "no screen": ({"phases": ("confirm",)}, {"scores", "shapes"}),
    "unknown families": ({"families": ("<b>bold</b>", "$x$ 学习率")}, ALL - {"near_optimal"}),
    "two winners": ({}, {*ALL, "metrics"}),
    "guided": ({}, {"scores", "shapes", "near_optimal", "course", "sweeps"}),
}
"""What a study is, and the figures that its report has."""


def case(studies, name):
    trials = studies.guided() if name == "guided" else studies(**CASES[name][0])
    if name == "two winners":  # by the other metric, the next shape wins
        second = (trials["shape"] == "rex-0000") & (trials["phase"] == "rescore")
        trials.loc[second, "final/test_error"] = 0.0
    return studies.findings(trials)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_a_report_has_its_figures_and_every_text_lies_inside_and_is_large_enough(studies, check_figure, name):
    found = case(studies, name)
    figures = {drawing.name: drawing.draw(found) for drawing in FIGURES}
    assert {name for name, figure in figures.items() if figure is not None} == CASES[name][1]
    for figure in figures.values():
        if figure is not None:
            check_figure(figure)


def line_at(ax, x, y):
    return any(
        np.any(np.isclose(line.get_xdata(), x, rtol=1e-12) & np.isclose(line.get_ydata(), y, rtol=1e-12))
        for line in ax.get_lines()
        if len(line.get_xdata()) == len(line.get_ydata()) == 1
    )


def test_scores_shows_medians_and_differences(studies):
    found = studies.findings(studies())
    left, right = scores(found).axes
    for y, row in enumerate(found.leaders):
        assert line_at(left, row["score"], y)
        assert line_at(right, row["difference"], y) != row["is_winner"]
    assert [t.get_text() for t in left.get_yticklabels()] == [row["label"] for row in found.leaders]
    bold = [t.get_text() for t in left.get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == [found.winner["label"]]


def test_scores_names_what_diverged(studies):
    trials = studies()
    lost = trials["shape"] == "baseline-constant"
    trials.loc[lost, METRIC] = np.inf
    trials.loc[lost, "status"] = "diverged"
    texts = [t.get_text() for ax in scores(studies.findings(trials)).axes for t in ax.texts]
    assert texts.count("diverged") == 2


def test_distribution_ends_at_the_share_of_shapes_that_did_not_diverge(studies):
    from lrshape.report.figures import distribution

    trials = studies(shapes=8)
    lost = trials["shape"].isin(["rex-0003", "rex-0005"])
    trials.loc[lost, METRIC] = np.inf
    trials.loc[lost, "status"] = "diverged"
    found = studies.findings(trials)
    lines = {line.get_label().split("\n")[0]: line for line in distribution(found).axes[0].get_lines()}
    assert lines["rex"].get_ydata()[-1] == 6 / 8
    assert lines["two_point_spline"].get_ydata()[-1] == 1
    assert lines["rex"].get_label() == "rex\n8 shapes, 2 diverged"
    best = {row["shape"]: row["score"] for row in found.screen}
    expected = sorted(v for s, v in best.items() if s.startswith("rex") and np.isfinite(v))
    assert list(lines["rex"].get_xdata()[1:-1]) == expected


def test_best_of_starts_at_the_median_and_falls_to_the_best(studies):
    found = studies.findings(studies(shapes=9))
    lines = {line.get_label(): line for line in best_of(found).axes[0].get_lines()}
    for family, (rows, _) in ecdf(found).items():
        values = sorted(row["score"] for row in rows)
        y = lines[family].get_ydata()
        assert (y[0], y[-1]) == (values[4], values[0])
        assert (np.diff(y) <= 0).all()
        assert lines[family].get_xdata()[-1] == 9


@pytest.mark.parametrize("won", [0, 1])
def test_the_band_holds_the_near_optimal_shapes_and_the_winner_is_the_thick_line(studies, won):
    trials = studies()
    design, near = Design(), studies.findings(trials).near
    if won:  # the study chose another shape than the best rescored one, at another base LR
        trials = trials[(trials["phase"] != "confirm") | (trials["shape"] != near[won]["shape"])]
        again = trials[(trials["phase"] == "rescore") & (trials["shape"] == near[won]["shape"])]
        confirmed = again.assign(phase="confirm", base_lr=2 * again["base_lr"], seed=again["seed"] + 10**6)
        trials = pd.concat([trials, confirmed], ignore_index=True)
        design = Design(winner=(near[won]["shape"], 2 * near[won]["base_lr"], "{}"))
    found = Findings(Analysis(trials, METRIC, design=design), 300, "midpoint")
    assert found.winner["shape"] == near[won]["shape"]
    multipliers, base_lrs, rows = band(found)
    assert rows == [row for row in found.near if row["verdict"] != "outside"]
    assert base_lrs[won] == (0.5 if won else 1)
    ax = near_optimal(found).axes[1]
    (winner,) = [line for line in ax.get_lines() if line.get_gid() == "winner"]
    assert list(winner.get_ydata()) == list(multipliers[won] * base_lrs[won])
    vertices = next(c for c in ax.collections if c.get_gid() == "band").get_paths()[0].vertices
    assert vertices[:, 1].max() == pytest.approx((multipliers * base_lrs[:, None]).max())


def test_metrics_shows_each_distinct_winner(studies):
    trials = studies()
    assert metrics(studies.findings(trials)) is None  # both metrics agree
    second = (trials["shape"] == "rex-0000") & (trials["phase"] == "rescore")
    trials.loc[second, "final/test_error"] = 0.0
    titles = [t.get_text() for ax in metrics(studies.findings(trials)).axes for t in ax.texts]
    assert titles == ["by final/train_loss", "by final/test_error"]


def test_long_titles_of_panels_lie_above_their_panel_and_keep_their_digits(check_figure):
    name, note = "by final/validation_perplexity +3", "smooth_nonmonotonic, LR 0.00582, 300 steps"
    one = Curve(name, note, "#123456", np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    figure = compare_figure([one] * 3)
    check_figure(figure)
    for ax in figure.axes:
        texts = [*ax.texts, ax._left_title]
        assert " ".join(texts[1].get_text().split()) == note
        for text in texts:
            assert text.get_window_extent().x1 <= ax.get_window_extent().x1 + 10


def test_heat_map_cells_are_the_screens_scores(studies):
    trials = studies(shapes=3)
    gone = (trials["shape"] == "rex-0001") & (trials["base_lr"] == trials["base_lr"].min())
    found = studies.findings(trials[~gone])
    rows, base_lrs, values = cells(found)
    screen = trials[trials["phase"] == "screen"]
    assert list(base_lrs) == sorted(screen["base_lr"].unique())
    assert [row["score"] for row in rows] == sorted(row["score"] for row in rows)
    for row, line in zip(rows, values, strict=True):
        for lr, value in zip(base_lrs, line, strict=True):
            trained = screen[(screen["shape"] == row["shape"]) & (screen["base_lr"] == lr)][METRIC]
            if row["shape"] == "rex-0001" and lr == base_lrs[0]:
                assert np.isnan(value)
            else:
                assert value == np.median(trained)
    assert np.isposinf(values[:, -1]).all()


def test_no_letter_of_a_long_name_is_lost_in_the_image(studies, tmp_path):
    trials = studies(shapes=3)
    trials["shape"] = trials["shape"].str.replace("rex-", "smooth_nonmonotonic-")
    figure = heatmap(studies.findings(trials))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    save(figure, tmp_path, "heatmap")
    figure.set_dpi(PNG_DPI)
    assert "smooth_nonmonotonic-0000" in labels
    assert figure.get_tightbbox().x0 >= 0


@pytest.mark.parametrize("shapes_each", [2, 40])
def test_heat_map_marks_best_and_diverged(studies, shapes_each):
    found = studies.findings(studies(shapes=shapes_each))
    rows, _, values = cells(found)
    ax = heatmap(found).axes[1]
    dots = next(line for line in ax.get_lines() if line.get_gid() == "best")
    assert list(dots.get_xdata()) == list(np.argmin(values, axis=1))
    crosses = [line for line in ax.get_lines() if line.get_gid() == "diverged"]
    if len(rows) <= 30:
        assert len(crosses[0].get_xdata()) == np.isposinf(values).sum()
    else:
        assert sum(patch.get_height() for patch in ax.patches) == np.isposinf(values).sum()


def test_runs_are_maximal_and_cover_what_is_marked():
    marked = np.array([[1, 0], [1, 1], [0, 1], [1, 1]], bool)
    assert _runs(marked) == [(0, 0, 2), (0, 3, 4), (1, 1, 4)]
    assert _runs(np.zeros((3, 2), bool)) == []


def test_a_sweep_comes_from_the_phase_with_the_most_base_lrs(studies):
    trials = studies()
    base_lrs, values = sweep(studies.findings(trials), "rex-0000")
    screen = trials[(trials["phase"] == "screen") & (trials["shape"] == "rex-0000")]
    expected = screen.groupby("base_lr")[METRIC].median()
    assert list(base_lrs) == list(expected.index)
    assert list(values) == list(expected)
    assert sweep(studies.findings(trials), "nothing")[0].shape == (0,)


def test_a_sweep_shows_the_best_hyperparameters_of_each_base_lr_and_joins_none(studies):
    trials = studies()
    screen = trials[trials["phase"] == "screen"]
    expected = sweep(studies.findings(trials), "rex-0000")
    worse = screen.assign(**{METRIC: 2 * screen[METRIC], "hyperparameters": '{"decay": 1.0}'})
    own = trials.assign(hyperparameters='{"decay": 0.5}')
    found = studies.findings(pd.concat([worse, own, worse.assign(hyperparameters='{"decay": 2.0}')]))
    assert np.array_equal(sweep(found, "rex-0000"), expected)
    assert sweeps(found).axes[0].lines[0].get_linestyle() == "None"
    assert [row["seeds"] for row in found.phases] == [row["seeds"] for row in studies.findings(trials).phases]


def test_sweeps_need_two_base_lrs(studies):
    assert sweeps(studies.findings(studies(base_lrs=1))) is None


def test_shapes_shows_each_leader_and_skips_families_that_are_not_installed(studies):
    found = studies.findings(studies(families=("rex", "no_such_family")))
    titles = [t.get_text() for ax in shapes(found).axes for t in ax.texts]
    assert titles == [row["label"] for row in found.leaders if row["label"] != "no_such_family"]
    assert curve("rex", {"no_such_parameter": 1}) is None
    assert curve("linear", {})[[0, 120, 240]] == pytest.approx([1, 0.5, 0])
    assert curve("constant", {}).shape == (241,)


def test_no_shape_is_drawn_below_the_lowest_learning_rate(studies):
    found = dataclasses.replace(studies.findings(studies()), min_lr=0.004)
    for row, ax in zip(found.leaders, shapes(found).axes, strict=True):
        assert np.min(ax.lines[-1].get_ydata()) == pytest.approx(0.004 / row["base_lr"])


def test_a_schedule_can_be_drawn_by_itself():
    from lrshape.shapes.schedule import Schedule

    schedule = Schedule("rex", {"beta": 0.5}, base_lr=0.1, steps=50)
    line = shape_figure(schedule).axes[0].get_lines()[0]
    assert list(line.get_ydata()) == list(schedule.multipliers())
    assert line.get_xdata()[0] == 0.01


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-6])
def test_ticks_of_a_narrow_range_differ(spread):
    from matplotlib.figure import Figure

    axis = Figure().subplots().yaxis
    scale_axis(axis, [3.24, 3.24 * (1 + spread)], log=False)
    texts = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
    assert len(set(texts)) == len(texts) >= 3
    assert max(map(len, texts)) <= (4 if spread == 1 else 10)


@pytest.mark.parametrize(
    ("low", "high"), [(1e-4, 0.3), (0.0101, 0.0102), (0.004, 0.9), (1e-30, 1e30), (3, 3)]
)
@pytest.mark.parametrize("count", [2, 5])
def test_log_ticks_are_few_and_inside(low, high, count):
    ticks = nice_log_ticks(low, high, count)
    assert 1 <= len(ticks) <= count + 1
    assert all(0.99 * low <= tick <= 1.01 * high for tick in ticks)


@pytest.mark.parametrize(("low", "high"), [(0.0114, 0.0189), (0.0039, 0.0091), (0.017, 0.037)])
def test_a_narrow_log_axis_has_several_ticks(low, high):
    assert len(nice_log_ticks(low, high, 4)) >= 3


def test_a_guided_screen_shows_its_course_and_nothing_that_needs_random_shapes(studies):
    from lrshape.report.figures import course, distribution

    found = studies.findings(studies.guided())
    assert found.is_guided
    assert not studies.findings(studies()).is_guided
    assert course(studies.findings(studies())) is None
    assert [draw(found) for draw in (distribution, best_of, heatmap)] == [None, None, None]
    lines = {line.get_label(): line for line in course(found).axes[0].get_lines()}
    assert set(lines) == {"generalized_cosine", "rex", "two_point_spline", "lowest so far"}
    assert sum(len(line.get_xdata()) for name, line in lines.items() if name != "lowest so far") == 48
    lowest = lines["lowest so far"].get_ydata()
    assert (np.diff(lowest) <= 0).all()
    assert lowest[-1] == min(row["score"] for row in found.course)


def test_loss_curves_are_quartiles_over_seeds_and_end_where_most_have_diverged(studies):
    trials = studies(seeds=(2, 4, 8))
    curves = studies.curves(trials)
    found = studies.findings(trials, curves=curves)
    winner = found.winner
    own = (curves["shape"] == winner["shape"]) & (curves["seed"] >= 2_000_003) & (curves["step"] > 200)
    found = dataclasses.replace(found, curves=curves[~own])
    axes = loss_curves(found).axes
    assert len(axes) == 1 + len(found.baselines)
    line, validation = axes[0].get_lines()
    rows = curves[(curves["shape"] == winner["shape"]) & (curves["step"] <= 200)]
    np.testing.assert_allclose(line.get_ydata(), rows.groupby("step")["train_loss"].median(), rtol=1e-6)
    assert line.get_xdata().tolist() == sorted(set(rows["step"]))
    assert validation.get_xdata().tolist() == [60, 120, 180]
    assert [len(ax.get_lines()) for ax in axes[1:]] == [3] * len(found.baselines)  # the winner behind
    plain = dataclasses.replace(found, curves=studies.curves(trials, valid=False))
    assert len(loss_curves(plain).axes[0].get_lines()) == 1
    assert loss_curves(dataclasses.replace(found, curves=curves[:0])) is None


def test_a_seed_that_diverged_counts_in_the_quartiles_of_loss_curves(studies):
    trials = studies(seeds=(2, 4, 8))
    curves = studies.curves(trials)
    found = studies.findings(trials, curves=curves)
    own = curves["shape"] == found.winner["shape"]
    best = curves[own & (curves["step"] == 300)].nsmallest(3, "train_loss")["seed"]
    lost = own & curves["seed"].isin(best) & (curves["step"] > 200)
    curves.loc[lost, "train_loss"] = math.inf
    line = loss_curves(dataclasses.replace(found, curves=curves)).axes[0].get_lines()[0]
    rows = curves[own & curves["step"].isin(line.get_xdata())]
    np.testing.assert_allclose(line.get_ydata(), rows.groupby("step")["train_loss"].median(), rtol=1e-6)


def test_a_step_that_a_curve_leaves_out_counts_for_no_seed(studies):
    trials = studies(seeds=(2, 4, 8))
    curves = studies.curves(trials)
    found = studies.findings(trials, curves=curves)
    own = curves["shape"] == found.winner["shape"]
    curves = curves[~(own & (curves["seed"] >= 2_000_005) & (curves["step"] == 150))]
    line = loss_curves(dataclasses.replace(found, curves=curves)).axes[0].get_lines()[0]
    left = curves[(curves["shape"] == found.winner["shape"]) & (curves["step"] == 150)]["train_loss"]
    assert len(left) == 5
    assert dict(zip(*line.get_data(), strict=True))[150] == pytest.approx(left.median())


def test_loss_curves_are_those_of_the_rows_hyperparameters(studies):
    trials = studies(seeds=(2, 4, 8))
    curves = studies.curves(trials)
    found = studies.findings(trials, curves=curves)
    others = curves.assign(hyperparameters='{"weight_decay": 0.1}', train_loss=9.0)
    both = dataclasses.replace(found, curves=pd.concat([curves, others], ignore_index=True))
    lines = [loss_curves(one).axes[0].get_lines()[0].get_ydata() for one in (found, both)]
    np.testing.assert_array_equal(*lines)
