import base64
import json
import re
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from lrshape.report.comparisons import near_text
from lrshape.report.interaction import POINTS
from lrshape.report.use_of_winner import _variable, use_of_winner
from lrshape.shapes import FAMILIES
from lrshape.store import Url
from page_checks import Page, check

METRIC = "final/train_loss"
CASES = {
    "usual": {},
    "partial": {"phases": ("screen",)},
    "rescored": {"phases": ("screen", "rescore")},
    "diverged": {"status": "diverged"},
    "failed": {"status": "failed"},
    "one family": {"families": ("rex",)},
    "one shape": {"families": ("rex",), "shapes": 1, "base_lrs": 1, "baselines": (), "seeds": (1, 1, 1)},
    "baselines only": {"families": (), "phases": ("screen",)},
}


@pytest.fixture(scope="module")
def pages(studies, write, tmp_path_factory):
    """The page of each case, in a directory of its own."""
    folders = {case: tmp_path_factory.mktemp("page") / "my study" for case in CASES}
    return {case: write(studies(**CASES[case]), folder) for case, folder in folders.items()}


@pytest.fixture(autouse=True)
def empty_files(request, monkeypatch):
    """Drawing a figure's files takes as long as all else: the pages that tests write have empty ones."""

    def save(figure, directory, name):
        (directory / name).parent.mkdir(exist_ok=True)
        for ending in ("svg", "png"):
            (directory / f"{name}.{ending}").touch()

    if "hostile" not in request.fixturenames:
        monkeypatch.setattr("lrshape.report.drawing.save", save)


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_study_gives_a_whole_page(pages, case):
    page, folder = check(pages[case]), pages[case].parent
    figures = [attrs["id"].removeprefix("figure-") for tag, attrs in page.elements if tag == "figure"]
    files = {file.name for file in (folder / "figures").iterdir()}
    assert files == {f"{name}.{ending}" for name in figures for ending in ("svg", "png")}
    assert {file.name for file in folder.iterdir()} == {"report.html", "figures"}


def test_the_usual_page_says_what_won_and_how_to_use_it(pages):
    page = check(pages["usual"])
    assert "generalized_cosine wins" in page.text
    assert "Partial" not in page.text
    for name in ("linear", "cosine", "wsd", "constant"):
        assert f"{name} baseline" in page.text
    assert "lrshape export 'my study' --to csv --steps 300" in page.text
    assert "jax 0.10.2" in page.text
    assert 'name = "digits-mlp"' in page.text
    assert len([tag for tag, _ in page.elements if tag == "figure"]) == 7
    assert "16 seeds of the confirm phase, which no selection has seen" in page.text


def test_the_code_on_the_page_makes_the_winners_schedule(studies, write, tmp_path):
    trials = studies()
    text = write(trials, tmp_path, step_rule="left").read_text("utf-8")
    code = re.search(r"<pre[^>]*><code>(from lrshape.*?)</code>", text, re.DOTALL)[1]
    for escaped, plain in (("&#34;", '"'), ("&#39;", "'")):
        code = code.replace(escaped, plain)
    names = {}
    exec(code, names)
    schedule = names["schedule"]
    row = trials[trials["shape"] == "generalized_cosine-0000"].iloc[0]
    assert schedule.family == "generalized_cosine"
    assert json.loads(row["params"]).items() <= dict(schedule.params).items()
    confirmed = trials[(trials["phase"] == "confirm") & (trials["shape"] == row["shape"])]
    assert schedule.base_lr == confirmed["base_lr"].iloc[0]
    assert (schedule.steps, schedule.step_rule) == (300, "left")
    assert len(names["lrs"]) == 300


def test_the_command_on_the_page_exports_from_a_url(studies):
    found = studies.findings(studies(shapes=1))
    assert use_of_winner(found, "my study")["codes"][-1].code.startswith("lrshape export 'my study' --to csv")
    command = use_of_winner(found, Url("s3://bucket/my-study"))["codes"][-1].code
    assert command == "lrshape export s3://bucket/my-study --to csv --steps 300 --out lr.csv"


def test_the_code_on_the_page_keeps_the_lowest_lr_below_the_base_lr(studies):
    found = studies.findings(studies(), min_lr=10.0)
    names = {}
    exec(use_of_winner(found, "x")["codes"][0].code, names)
    assert names["schedule"].min_lr == names["schedule"].base_lr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("weight-decay", "weight_decay"),
        ("lambda", "lambda_"),
        ("a.b", "a_b"),
        ("größe", "gr__e"),
        ("schedule", "schedule_"),
        ("Schedule", "Schedule_"),
    ],
)
def test_hyperparameters_are_variables_of_the_code_on_the_page(name, variable):
    assert _variable(name) == variable


def test_a_study_that_diverged_says_so_and_recommends_nothing(pages):
    page = check(pages["diverged"])
    assert "Every trial diverged" in page.text
    assert "lrshape export" not in page.text
    assert "Schedule(" not in page.text
    assert "100% diverged" in page.text


def test_failures_are_listed_with_their_messages(pages):
    page = check(pages["failed"])
    assert "Every trial failed" in page.text
    assert "ValueError: no such file" in page.text


def test_a_partial_study_says_what_is_missing(pages):
    page = check(pages["partial"])
    assert "So far:" in page.text
    assert "rescore, tune and confirm have not run" in page.text
    assert "biased in its favour" in page.text
    assert "lrshape export" not in page.text


def test_the_caption_tells_of_differences_where_they_are_drawn(pages, studies, write, tmp_path):
    assert "The second plot has" in check(pages["usual"]).text
    alone = check(write(studies(families=("rex",), baselines=()), tmp_path)).text
    assert "bars their 95% intervals" in alone
    assert "The second plot has" not in alone


def test_a_confirm_phase_that_lacks_trials_is_partial(studies, write, tmp_path):
    planned = {"confirm": 140}
    page = check(write(studies(seeds=(2, 8, 16)), tmp_path, planned=planned))
    assert "the confirm phase has 112 of its 140 trials" in page.text
    page = check(write(studies(seeds=(2, 8, 20)), tmp_path, planned=planned))
    assert "Partial" not in page.text


def test_a_base_lr_on_the_edge_is_a_warning(pages, studies, write, tmp_path):
    trials = studies()
    best = trials[trials["phase"] == "confirm"]["base_lr"].max()
    page = check(write(trials[trials["base_lr"] <= best], tmp_path))
    assert "Base LR on the edge" in page.text
    assert "the highest" in page.text
    assert "lies on the edge of those tried for each of these schedules" in page.text
    assert "Base LR on the edge" not in check(pages["usual"]).text


def test_the_same_study_gives_the_same_page(studies, write, tmp_path, monkeypatch):
    """Without its figures, of which test_svg.py asserts the same."""
    monkeypatch.setattr("lrshape.report.page.draw_all", lambda *_: {})
    for name in ("a", "b"):
        (tmp_path / name / "study").mkdir(parents=True)
    assert len({write(studies(), tmp_path / name / "study").read_bytes() for name in ("a", "b")}) == 1


def test_figures_of_an_earlier_report_do_not_stay_behind(studies, write, tmp_path):
    write(studies(), tmp_path)
    (tmp_path / "figures" / "mine.txt").write_text("mine")
    write(studies(status="diverged"), tmp_path)
    assert {f.name for f in (tmp_path / "figures").iterdir()} == {"heatmap.svg", "heatmap.png", "mine.txt"}


def shape_data(path):
    return json.loads(Page(path.read_text("utf-8")).scripts[0])


def test_the_page_holds_every_screened_shape(studies, write, tmp_path):
    trials = studies(shapes=5)
    path = write(trials, tmp_path)
    found = shape_data(path)
    screened = trials[trials["phase"] == "screen"]
    assert {shape[0] for shape in found["shapes"]} == set(screened["shape"])
    by_name = {shape[0]: shape for shape in found["shapes"]}
    _, _, keys, values, rate, score, curve = by_name["rex-0000"]
    assert dict(zip(found["keys"][keys], values, strict=True)) == {"beta": "0.469", "warmup": "0.06"}
    of_shape = screened[screened["shape"] == "rex-0000"].groupby("base_lr")[METRIC].median()
    assert float(rate) == pytest.approx(of_shape.idxmin(), rel=0.01)
    assert float(score) == pytest.approx(of_shape.min(), rel=0.01)
    expected = FAMILIES["rex"](beta=0.4690467068, warmup=0.06)(np.linspace(0, 1, POINTS))
    drawn = np.frombuffer(base64.b64decode(curve), np.uint8) / 255
    np.testing.assert_allclose(drawn, expected, atol=0.06)  # nearest of 241 points
    heatmap = found["figures"]["heatmap"]
    assert len(heatmap["cells"]) == len(found["shapes"])
    assert {len(row) for row in heatmap["cells"]} == {len(heatmap["columns"])}
    text = path.read_text("utf-8")
    for name, kind, count in (("distribution", "point", 15), ("heatmap", "row", len(found["shapes"]))):
        element = text[text.index(f'id="figure-{name}"') :].split("</figure>")[0]
        cards = re.findall(f'class="{kind}" data-shape="(\\d+)"', element)
        assert len(cards) == count
        assert set(map(int, cards)) <= set(range(len(found["shapes"])))


def test_a_thousand_shapes_fit_into_a_page(studies, write, tmp_path):
    trials = studies(families=("rex", "two_point_spline"), shapes=500, base_lrs=8)
    path = write(trials, tmp_path)
    assert len(shape_data(path)["shapes"]) == 1004
    assert path.stat().st_size < 1_500_000


def test_a_guided_search_makes_no_table_of_shapes_and_base_lrs(studies, write, tmp_path, monkeypatch):
    for name in ("lrshape.report.page", "lrshape.report.figures.heatmap"):
        monkeypatch.setattr(import_module(name), "cells", lambda found: pytest.fail("it grows as its square"))
    assert not check(write(studies.guided(), tmp_path)).scripts


def test_a_report_by_another_metric_says_so_and_has_a_name_of_its_own(studies, write, tmp_path):
    trials = studies()
    own = write(trials, tmp_path).read_bytes()
    # By test error, another rescored shape is the best, at a base LR at which it was not confirmed.
    other = trials["shape"].eq("rex-0000") & (trials["phase"] == "rescore")
    extra = trials[other].assign(base_lr=0.005, **{"final/test_error": 0.001})
    path = write(pd.concat([trials, extra]), tmp_path, metric="final/test_error", study_metric=METRIC)
    assert path.name == "report-final-test_error.html"
    assert (tmp_path / "report.html").read_bytes() == own
    assert (tmp_path / "figures-final-test_error" / "metrics.svg").is_file()
    page = check(path)
    assert "By final/test_error: rex " in page.text
    assert "The confirm phase did not train the winner" in page.text
    assert "not confirmed" in page.text
    assert "Partial" not in page.text
    assert "--metric final/test_error" in page.text
    agrees = check(write(trials, tmp_path, metric="final/test_error", study_metric=METRIC))
    assert "By final/test_error: generalized_cosine wins" in agrees.text
    assert "The confirm phase did not train the winner" not in agrees.text
    assert "All 2 stored metrics have the same winner" in agrees.text


def test_few_rescore_seeds_rule_no_shape_out_however_many_confirm(studies, write, tmp_path):
    page = check(write(studies(seeds=(1, 4, 16)), tmp_path))
    assert "too few to say which of them are as good as the best" in page.text
    assert "there are too few seeds to rule any out" in page.text
    assert "of the rescore phase, and the thick line is the winner." in page.text
    assert "bars their 95% intervals" in page.text


def test_the_near_optimal_set_and_the_pairs_are_told(pages, studies):
    page = check(pages["usual"])
    assert re.search(r"Of \d+ other rescored shapes, \d+ may be as good as the best", page.text)
    assert "a shape, at most" in page.text
    near = studies.findings(trials := studies()).near
    kept = trials["shape"].isin([near[0]["shape"], near[-1]["shape"]]) | (trials["phase"] != "rescore")
    text = near_text(studies.findings(trials[kept]))
    assert text.startswith("Of 1 other rescored shape, none may be as good as the best, ")
    assert "3 of 3 pairs can be told apart after Holm’s correction" in page.text


def test_a_shape_that_left_the_race_early_is_counted_apart(studies, write, tmp_path):
    trials = studies()
    dropped = (trials["phase"] == "rescore") & (trials["shape"] == "rex-0000")
    late = trials["seed"] >= trials.loc[dropped, "seed"].min() + 3
    page = check(write(trials[~(dropped & late)], tmp_path))
    assert "may be as good as the best" in page.text
    assert "1 shape left the race with too few seeds to say." in page.text


def test_what_assumes_symmetry_has_a_table_of_its_own(pages):
    page = check(pages["usual"])
    assert "which assume that the differences between pairs are distributed symmetrically" in page.text
    assert "correlation" in page.text


def poisoned(studies, text):
    """Return trials with one hostile text for everything that a user or a plug-in can name."""
    trials = studies(families=("rex", "two_point_spline"), shapes=2)
    trials["family"] = trials["family"].replace("two_point_spline", text)
    trials["shape"] = trials["shape"].replace(
        {"two_point_spline-0000": f"{text}-0000", "baseline-wsd": f"baseline-{text}"}
    )
    trials["params"] = json.dumps({text: text, "list": [text]})
    lost = trials.index[:5]
    trials.loc[lost, ["status", "message"]] = ["failed", text]
    trials.loc[lost, METRIC] = np.inf
    return trials.rename(columns={METRIC: text})


@pytest.mark.parametrize(
    "kind", ["script", "image", "style", "template", "mathtext", "control", "unicode", "long", "quote"]
)
def test_hostile_names_stay_names(studies, write, hostile, tmp_path, kind):
    text = hostile[kind]
    names = {"name": text, "spec": {text: {text: text}, "list": [text]}, "versions": {text: text}}
    path = write(poisoned(studies, text), tmp_path, metric=text, device={text: text}, **names)
    page = check(path)
    assert "62615533" not in page.text
    if kind == "script":
        assert "<script>window.harmed=1</script>" in page.text
    written = path.read_bytes().decode("utf-8")
    assert not set(written) & {"\x00", "\x1b"}


def test_lone_surrogates_in_the_document_do_not_stop_the_report(studies, write, tmp_path):
    path = write(studies(shapes=1), tmp_path, name="a\ud800b", spec={"k\udfff": "\ud800"}, device="\ud800")
    assert "a�b" in path.read_text("utf-8")


def test_an_unwritable_directory_is_an_error_of_the_system(studies, write, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write(studies(shapes=1), tmp_path / "file")
