"""The page of a sweep: what it says, and how it looks in a real browser."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from browsing import sound_figures
from lrshape.checks.settings_figures import matrix, overlay, setting_scores, winner_curves
from lrshape.checks.settings_findings import (
    SettingFindings,
    SweepFindings,
    cell_text,
    headline,
    regret_text,
    warnings,
)
from lrshape.checks.settings_page import sweep_result
from lrshape.checks.transfer_statistics import CHOICES, KEPT, TUNED, answer

METRIC = "final/train_loss"
HOW = {"seeds": 20, "tuning_seeds": 10, "base_lrs": 5, "extend": 4}


def best(i, *, base_lr=0.01, score=0.1, edge=""):
    return {
        "shape": f"rex-{i:04d}", "family": "rex", "params": {"beta": 0.1 + 0.1 * i, "warmup": 0.05},
        "base_lr": base_lr * 2**i, "steps": 100, "score_median": score, "score_low": score and 0.9 * score,
        "score_high": score and 1.1 * score, "seeds": 20, "trials": 400, "diverged_share": 0.0,
        "failed_share": 0.0, "base_lr_edge": edge,
        "baselines": [{"score_median": score and 1.2 * score}],
    }  # fmt: skip


def row(choice, a, b, verdict, relative, spread=0.01):
    own = a == b
    return {
        "choice": choice, "shape_of": a, "used_in": b, "family": "rex", "params": "{}", "base_lr": 0.01,
        "edge": "", "own_edge": "", "seeds": 20, "score": 0.1 * (1 + relative), "low": 0.09, "high": 0.2,
        "reference": 0.1, "regret": 0.1 * relative, "regret_low": 0.1 * (relative - spread),
        "regret_high": 0.1 * (relative + spread), "relative": relative, "relative_low": relative - spread,
        "relative_high": relative + spread, "p_value": np.nan if own else 0.001,
        "p_above_0": np.nan if own else 0.001, "p_holm": np.nan if own else 0.002,
        "verdict": "own" if own else verdict,
    }  # fmt: skip


def sweep(n=3, verdict="costs", relative=0.2, *, labels=None, lost=(), edge=""):
    slugs = [f"s{i}" for i in range(n)]
    labels = labels or [f"weight_decay {0.01 * i:g}" for i in range(n)]
    winners = [s for i, s in enumerate(slugs) if i not in lost]
    rows = [
        row(choice, a, b, verdict, 0.0 if a == b else relative)
        for choice in CHOICES
        for a in winners
        for b in winners
    ]
    return SweepFindings(
        metric=METRIC,
        varied=("weight_decay",),
        settings=[
            SettingFindings(
                slug,
                labels[i].rpartition(" ")[2],
                labels[i],
                {"a.weight_decay": i},
                best(i, score=None if i in lost else 0.1, edge=edge),
            )
            for i, slug in enumerate(slugs)
        ],
        regrets=pd.DataFrame(rows),
        margin=0.05,
        document={"axes": {"a.weight_decay": [0, 1]}, "transfer": HOW, "spec": {"name": "x"}},
    )


def write(findings, folder):
    (folder / "figures").mkdir(parents=True)
    result = sweep_result(findings, folder / "figures")
    return result.write(folder, eyebrow="Sweep over weight_decay", name="digits")


@pytest.mark.parametrize(
    ("verdict", "relative", "title"),
    [
        ("costs", 0.2, "The best shape depends on weight_decay"),
        ("within", 0.01, "The best shape does not depend on weight_decay, within 5.0%"),
        ("undecided", 0.06, "It is undecided whether the best shape depends on weight_decay"),
        ("unknown", 0.1, "Too few seeds to tell"),
    ],
)
def test_the_headline_is_as_strong_as_the_regrets(verdict, relative, title):
    assert headline(sweep(verdict=verdict, relative=relative))[0] == title


def test_the_headline_states_the_largest_regret_with_its_interval():
    text = " ".join(headline(sweep())[1])
    assert "20% (95% interval 19% to 21%)" in text
    assert "6 of 6 pairs have a regret above the margin" in text
    assert "The best base LRs range from 0.01 to 0.04, a factor of 4.0" in text


@pytest.mark.parametrize(
    ("shared", "title", "sentences"),
    [
        (
            2,
            "The best shape depends on weight_decay",
            ["4 of 4 pairs of different shapes have", "weight_decay 0 and weight_decay 0.01 found the same"],
        ),
        (3, "The searches found the same best shape", ["weight_decay 0.01 and weight_decay 0.02 found the"]),
    ],
)
def test_settings_with_the_same_shape_are_named_and_not_compared(shared, title, sentences):
    found = sweep()
    for setting in found.settings[:shared]:
        setting.best["params"] = {"beta": 0.5}
    named, told = headline(found)
    assert named == title
    for sentence in sentences:
        assert sentence in " ".join(told)


def test_the_answer_of_a_sweep_is_that_of_its_title(tmp_path):
    found = sweep()
    for setting in found.settings[:2]:
        setting.best["params"] = {"beta": 0.5}
    answers = sweep_result(found, tmp_path).data["answers"]
    assert (answers[TUNED]["pairs"], answers[KEPT]["pairs"]) == (4, 6)
    found.settings[2].best["params"] = {"beta": 0.5}
    assert found.answer(TUNED)["moves"] == "no"


@pytest.mark.parametrize(
    ("low", "why"),
    [
        (0.019, "21%)), after correction for all pairs of settings."),
        (-0.01, "may have missed a better shape."),
    ],
)
def test_a_regret_whose_reverse_is_not_significant_says_why(low, why):
    found = sweep()
    found.regrets["p_above_0"] = 0.04
    found.regrets["regret_low"] = low
    title, text = headline(found)
    assert title == "It is undecided whether the best shape depends on weight_decay"
    assert why in text[0]


def test_an_open_headline_claims_no_significance_and_names_the_options_for_more_seeds():
    text = " ".join(headline(sweep(verdict="undecided", relative=0.06))[1])
    assert "0 of 6 pairs have intervals below it" in text
    assert "More scoring or tuning seeds (--seeds, --tuning-seeds) may decide." in text
    assert "With the base LR kept, too, the largest regret is" in text


@pytest.mark.parametrize(("choice", "largest"), [(TUNED, 0.2), (KEPT, 5.0)])
def test_with_kept_base_lrs_the_largest_regret_is_that_of_all_pairs_that_cost(choice, largest):
    """Whether the best shape moves is a question to tuned ones, which only both regrets of a pair answer."""
    pairs = {("s0", "s1"): 0.2, ("s1", "s0"): 0.2, ("s0", "s2"): 5.0, ("s2", "s0"): 0.0}
    rows = [
        row(choice, *pair, "costs" if relative else "within", relative) for pair, relative in pairs.items()
    ]
    assert answer(pd.DataFrame(rows), choice)["largest"]["relative"] == largest


def test_regrets_that_are_no_numbers_are_words():
    base = row(TUNED, "a", "b", "costs", 0.2)
    assert regret_text({**base, "regret": np.inf}) == "infinity (it diverged)"
    assert cell_text({**base, "verdict": "costs", "relative": np.nan}) == "+0.0200"
    assert regret_text({**base, "relative": np.nan}) == "0.0200 (95% interval 0.0190 to 0.0210)"


@pytest.mark.parametrize(
    ("ends", "text", "arrows"),
    [
        ({"score_high": None}, "0.090 to ∞", ["^"]),
        ({"score_low": None}, "−∞ to 0.110", ["v"]),
        ({"score_low": None, "score_high": None}, "", []),
    ],
)
def test_an_interval_that_is_open_on_one_side_is_shown_so(tmp_path, ends, text, arrows):
    found = sweep(2)
    found.settings[0].best.update(ends)
    (table,) = sweep_result(found, tmp_path).sections[0].tables
    assert table.rows[0][3] == ("0.100", text)
    lines = setting_scores(found).axes[0].get_lines()
    assert [line.get_marker() for line in lines if line.get_marker() in ("^", "v")] == arrows


@pytest.mark.parametrize(
    ("axes", "lines"),
    [
        ({"decay": [0, 0.1], "coupling": ["lr"]}, 1),
        ({"optimizer": ["adamw", "muon"]}, 0),
        ({"steps": [100, 200], "batch_size": [8, 16]}, 0),
        ({"steps": [400, 200, 100]}, 1),
        ({"steps": [400, 100, 200]}, 0),
    ],
)
def test_a_line_joins_the_base_lrs_of_one_sorted_numeric_axis_only(axes, lines):
    found = replace(sweep(), document={"axes": axes})
    drawn = setting_scores(found).axes[1].get_lines()
    assert [line.get_linestyle() for line in drawn if len(line.get_xdata()) > 1] == ["-"] * lines


def test_settings_with_the_same_shape_share_a_line_and_its_entry_in_the_legend():
    found = sweep()
    found.settings[2].best["params"] = found.settings[0].best["params"]
    figure = overlay(found)
    lines = [line.get_label() for line in figure.axes[0].get_lines() if "\n" in line.get_label()]
    assert lines == ["weight_decay 0\nweight_decay 0.02\nrex", "weight_decay 0.01\nrex"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == lines


def test_a_column_of_the_matrix_is_where_a_shape_is_used():
    found = sweep(2)
    table = found.regrets
    is_it = (table["choice"] == TUNED) & (table["shape_of"] == "s0") & (table["used_in"] == "s1")
    table.loc[is_it, "relative"] = 0.7
    texts = {text.get_position(): text.get_text() for text in matrix(found, TUNED).axes[0].texts}
    assert (texts[1, 0], texts[0, 1]) == ("+70%", "+20%")


@pytest.mark.parametrize(("lost", "named"), [((1,), "0.01"), ((0, 1), "0 and weight_decay 0.01")])
def test_a_sweep_with_one_winner_or_none_compares_nothing(tmp_path, lost, named):
    found = sweep(2, lost=lost)
    assert headline(found)[0] == "Nothing to compare"
    assert warnings(found) == [f"No shape has a finite median in weight_decay {named}."]
    page = write(found, tmp_path).read_text()
    assert "How well the shapes transfer" not in page
    assert not (tmp_path / "figures" / "transfer-kept.png").exists()


def test_the_caption_of_the_matrix_sends_to_the_table_for_intervals(tmp_path):
    page = write(sweep(2), tmp_path).read_text()
    assert "the median over paired seeds; the table has the 95% intervals." in page


def test_the_method_names_the_finer_base_lrs_around_the_best(tmp_path):
    assert any("2 rounds follow" in line for line in sweep_result(sweep(2), tmp_path).method)


def test_an_edge_is_said():
    (warning,) = warnings(sweep(edge="high"))
    assert "lies on the edge of those tried" in warning


def test_names_are_escaped(hostile, tmp_path):
    labels = list(hostile.values())  # pages shorten labels, so each has a setting of its own
    page = write(sweep(len(labels), labels=labels), tmp_path).read_text()
    assert page.count("<script") == 2  # the data and our script
    assert "<img" not in page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps")
    long = [f"weight_decay {0.001 * i:g}, coupling constant" for i in range(8)]
    return {
        "usual": write(sweep(), folder / "usual"),
        "many": write(sweep(8, labels=long), folder / "many"),
    }


@pytest.mark.parametrize("width", [1280, 640, 400])
@pytest.mark.parametrize("case", ["usual", "many"])
def test_the_page_is_sound_and_legible(browser, pages, case, width):
    assert len(sound_figures(browser, pages[case], width)) == 4


def test_shapes_are_drawn_as_the_lowest_lr_of_their_setting_let_them_train():
    found = sweep()
    lowest = [setting.best["base_lr"] / (i + 2) for i, setting in enumerate(found.settings)]
    settings = [replace(s, min_lr=lr) for s, lr in zip(found.settings, lowest, strict=True)]
    curves = [values for _, values in winner_curves(replace(found, settings=settings))]
    assert [values.min() for values in curves] == pytest.approx([1 / (i + 2) for i in range(len(curves))])
