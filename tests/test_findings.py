"""The findings are what the stored studies say."""

import json
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"


@pytest.fixture
def findings(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "studies")
    import findings

    return findings


def test_the_page_and_its_figures_are_what_the_studies_say(findings, tmp_path):
    """Otherwise run `make findings`."""
    findings.render(tmp_path)
    page, kept_page = ((folder / "findings.md").read_text() for folder in (tmp_path, DOCS))
    assert re.sub(_NUMBER, "", page) == re.sub(_NUMBER, "", kept_page)
    # Models of base LRs are fitted, and processors round differently: the last digit may be another one.
    for found, stored in zip(re.findall(_NUMBER, page), re.findall(_NUMBER, kept_page), strict=True):
        last_digit = Decimal(1).scaleb(int(Decimal(stored).as_tuple().exponent))
        assert abs(Decimal(found) - Decimal(stored)) <= last_digit
    drawn = sorted((tmp_path / "images").iterdir())
    kept = sorted((DOCS / "images").glob("findings-*.svg"))
    assert [file.name for file in drawn] == [file.name for file in kept]
    for one, other in zip(drawn, kept, strict=True):
        (text, numbers), (kept_text, kept_numbers) = _drawn(one), _drawn(other)
        assert text == kept_text
        assert "$" not in text, "a tick label is TeX, which figures do not set"
        np.testing.assert_allclose(numbers, kept_numbers, atol=0.01)  # points; processors round differently


def _drawn(file):
    """What an SVG file draws: its text without numbers and without ids, which are hashes; and the numbers."""
    text = re.sub(r"\b[a-zA-Z]?[0-9a-f]{10}\b", "", file.read_text())
    return re.sub(_NUMBER, "", text), np.array(re.findall(_NUMBER, text), float)


CONTESTS = sorted(file.parent.parent.name for file in (ROOT / "studies").glob("*/contest/study.json"))


@pytest.mark.parametrize("workload", CONTESTS)
def test_a_stored_contest_is_the_one_that_its_program_resumes(findings, workload):
    """In another order its trials would belong to other schedules."""
    from run import STUDIES, contestants

    spec = json.loads((STUDIES / workload / "contest" / "study.json").read_text())["spec"]
    stored = {name: one["family"] for name, one in spec["baselines"].items()}
    made = {name: one["family"] for name, one in contestants(workload, STUDIES).items()}
    assert list(made.items()) == list(stored.items())


def test_an_effect_is_decided_by_its_interval(findings):
    from effects import Effect

    nan, inf = float("nan"), float("inf")
    cases = {
        (0.031, 0.012, 0.05): ("worse", "+3.1% (1.2 to 5.0)"),
        (-0.03, -0.05, -0.01): ("better", "-3.0% (-5.0 to -1.0)"),
        (0.004, 0.001, 0.012): ("small", "+0.4% (0.1 to 1.2)"),
        (0.01, -0.01, 0.042): ("open", "+1.0% (-1.0 to 4.2)"),
        (0.01, nan, nan): ("open", "+1.0%"),
        (-2e-7, -2e-7, -2e-7): ("small", "0.00%"),
        (1.3, 1.3, 1.3): ("worse", "+130%"),
        (inf, nan, nan): ("worse", "diverged"),
    }
    for case, (verdict, text) in cases.items():
        assert (Effect(*case).verdict, Effect(*case).text) == (verdict, text)
    assert Effect(0.3, 0.2, 0.4, is_judged=False).verdict == "open"


def test_the_best_shape_beats_all_only_if_each_of_them_is_shown_to_be_worse(findings):
    from claims import beats_all
    from effects import Effect

    worse, still_worse = Effect(0.1, 0.05, 0.2), Effect(0.2, 0.1, 0.3)
    cases = {
        "confirmed": [still_worse, worse],
        "bounded": [worse, Effect(0.0, 0.0, 0.0)],
        "not decided": [worse, Effect(0.05, -0.1, 0.2)],
        "contradicted": [worse, Effect(-0.1, -0.2, -0.05), Effect(0.0, 0.0, 0.0)],
        "not run": [worse, None],
    }

    def judged(effects):
        return beats_all(list(zip(("rex", "wsd", "linear"), effects, strict=False)))

    assert {name: judged(effects).verdict for name, effects in cases.items()} == {k: k for k in cases}
    assert judged(cases["confirmed"]).effects == (worse._replace(note="`wsd`"),)
    assert judged([None, Effect(0.0, 0.0, 0.0)]).verdict == "bounded"  # whatever the other one would be


def test_a_family_is_as_good_as_its_usual_setting_at_least(findings):
    from claims import common_families
    from effects import Effect

    worse, small = Effect(0.1, 0.05, 0.2), Effect(0.0, -0.01, 0.01)
    found = dict.fromkeys(("linear", "cosine_floor", "wsd"), worse)
    for of_families, usual, verdict in (
        ({}, {"linear": worse, "wsd": small}, "bounded"),
        ({}, {"linear": worse, "wsd": worse}, "not run"),  # its best shape may be better
        (found, {"linear": worse, "wsd": worse}, "confirmed"),
    ):
        one = SimpleNamespace(of_families=of_families, effects=usual)
        assert common_families(one).verdict == verdict


def test_a_family_with_the_longest_warmup_that_is_searched_is_not_judged_to_be_worse(findings):
    from stored import STUDIES, WorkloadStudies

    one = WorkloadStudies(STUDIES / "chars-transformer")
    effect = one.effects[one.rivals["two_point_linear"]]
    assert effect.verdict == "worse"
    assert one.of_families["two_point_linear"] == effect._replace(note="longest warmup", is_judged=False)


def test_what_the_contest_says_of_a_shape_counts(findings):
    from stored import STUDIES, WorkloadStudies

    one = WorkloadStudies(STUDIES / "chars-transformer")
    states = {(row["family"], row["params"]): is_inside for row, is_inside in one.near_optimal}
    assert len(states) == len(one.near_optimal), "a shape is there twice"
    assert one.rivals
    for name in one.rivals.values():
        row = one.confirmed[name]
        assert states[row["family"], row["params"]] is one.effects[name].is_near_optimal


def test_a_shape_is_outside_of_the_near_optimal_set_only_if_it_is_more_than_2_percent_worse(findings):
    from effects import Effect

    nan, inf = float("nan"), float("inf")
    cases = {
        (0.024, 0.012, 0.03): None,  # worse, but perhaps by less
        (0.04, 0.021, 0.06): False,
        (0.005, -0.03, 0.019): True,
        (-0.05, -0.1, -0.03): True,
        (0.01, nan, nan): None,
        (inf, nan, nan): False,
    }
    assert {case: Effect(*case).is_near_optimal for case in cases} == cases
    assert Effect(0.04, 0.03, 0.06, is_judged=False).is_near_optimal is None


def test_what_is_found_is_near_optimal_only_if_the_optimum_is_near_where_it_is_known(findings):
    from claims import near_optimal
    from linear_regression import optimum_of
    from stored import STUDIES, WorkloadStudies

    assert optimum_of("digits-cnn") is None
    judged = {
        name: near_optimal(WorkloadStudies(STUDIES / name))
        for name in ("linear-regression", "linear-regression-large-batch")
    }
    assert [one.verdict for one in judged.values()] == ["confirmed", "contradicted"]
    assert all(-0.05 < one.effects[-1].value < 0 for one in judged.values())


def test_a_winner_is_not_confirmed_by_changes_to_one_parameter_alone(findings, monkeypatch):
    import claims
    from effects import Effect

    small, better, gains = Effect(0.0, -0.01, 0.01), Effect(-0.1, -0.2, 0.0), Effect(-0.1, -0.2, -0.05)
    a_little = Effect(-0.03, -0.05, -0.01)
    for changed, longer, confirmed, verdict in (
        (small, None, small, "bounded"),
        (small, small, small, "confirmed"),
        (small, small, a_little, "not decided"),
        (small, small, gains, "contradicted"),
        (small, better, small, "not decided"),
        (None, small, small, "not decided"),
        (gains, None, small, "contradicted"),
        (None, None, small, "not run"),
    ):
        monkeypatch.setattr(
            claims, "local_change", lambda one, effect=changed: effect and SimpleNamespace(effect=effect)
        )
        monkeypatch.setattr(
            claims, "beside_best", lambda one, _, effect=longer: effect and SimpleNamespace(effect=effect)
        )
        one = SimpleNamespace(
            name="digits-cnn", best=SimpleNamespace(score_median=1.0), effects={"wsd": confirmed}
        )
        assert claims.near_optimal(one).verdict == verdict


def test_effects_of_linear_regression_are_those_of_each_schedule_at_its_own_best_base_lr(findings):
    """Beside a fine grid of base LRs, computed from the learning rates alone."""
    from stored import STUDIES, WorkloadStudies

    from lrshape.shapes.schedule import Schedule
    from lrshape.training.evaluation import evaluate

    one = WorkloadStudies(STUDIES / "linear-regression")
    workload, best = one.main.spec.workload, one.best

    def least(family, params):
        lrs = best.base_lr * np.geomspace(0.3, 3, 400)
        values = np.stack([Schedule(family, params, lr, workload.steps).values() for lr in lrs])
        return evaluate(workload, values, [0] * len(lrs))["final/train_loss"].min()

    effect = one.exact_effects({"cosine": {"family": "cosine", "params": '{"warmup": 0.05}'}})["cosine"]
    ratio = least("cosine", {"warmup": 0.05}) / least(best.family, best.params)
    assert effect.low == effect.value == pytest.approx(ratio - 1, rel=1e-3)


def test_regrets_of_contests_are_corrected_for_all_pairs(findings):
    from effects import Effect
    from transfers import _table

    worse = Effect(0.3, 0.1, 0.5)
    pairs = [("a", "a", Effect(0, 0, 0), np.nan), ("a", "b", worse, 0.03), ("b", "a", worse, 0.02)]
    assert _table(iter(pairs), 0.0)["verdict"].tolist() == ["costs", "costs"]
    assert _table(iter(pairs), 0.2)["verdict"].tolist() == ["undecided"] * 2
    assert _table(iter(pairs), 0.6)["verdict"].tolist() == ["within"] * 2
    at_edge = [(*pair[:2], worse._replace(is_judged=False), pair[3]) for pair in pairs[1:]]
    assert _table(iter(at_edge), 0.0)["verdict"].tolist() == ["undecided"] * 2
    more = [*pairs, ("a", "c", worse, 0.9), ("c", "a", worse, 0.04)]
    assert _table(iter(more), 0.0)["verdict"].tolist() == ["undecided"] * 4


def test_seeds_that_were_looked_at_do_not_count(findings):
    from stored import STUDIES
    from transfers import SEEN, _Fresh

    from lrshape.checks.settings import Sweep

    sweep = ("cifar10-cnn", "weight-decay-constant")
    path = STUDIES.joinpath(*sweep)
    kept, whole = _Fresh(path, SEEN[sweep]).transfers(), Sweep(path).transfers()
    for slug, table in whole.items():
        assert len(set(table["seed"]) - set(kept[slug]["seed"])) == 8
        assert max(kept[slug]["seed"]) == max(table["seed"])


def regret(shape_of, used_in, low, high):
    """A row of a sweep's regrets at a margin of 0, which `answer` reads."""
    size = {"relative": (low + high) / 2, "relative_low": low, "relative_high": high}
    ends = {"regret": size["relative"], "regret_low": low, "p_above_0": 0.001}
    edges = {"edge": "", "own_edge": ""}
    return {"choice": "re-tuned", "shape_of": shape_of, "used_in": used_in, **size, **ends, **edges}


@pytest.mark.parametrize(
    ("there", "back", "verdict", "claim"),
    [
        ((0.2, 0.4), (0.01, 0.1), "worse", "confirmed"),
        ((0.2, 0.4), (-0.1, 0.1), "open", "not decided"),  # the other search may have missed its best shape
        ((0.001, 0.01), (-0.2, 0.25), "open", "not decided"),  # one pair is small, the other may not be
        ((0.001, 0.01), (-0.01, 0.005), "small", "bounded"),
    ],
)
def test_a_setting_moves_the_best_shape_only_if_it_shows_in_both_directions(
    findings, monkeypatch, there, back, verdict, claim
):
    from claims import DECAY, weight_decay
    from effects import Effect
    from questions import largest_regret

    from lrshape.checks.transfer_statistics import answer

    def regrets(margin):
        rows = [regret("a", "b", *there), regret("b", "a", *back)]
        for row in rows:
            low, high = row["relative_low"], row["relative_high"]
            row["verdict"] = "costs" if low > margin else "within" if high < margin else "undecided"
        return pd.DataFrame(rows)

    settings = [SimpleNamespace(slug=slug, values={DECAY: slug}) for slug in "ab"]
    for module in ("claims", "questions"):
        monkeypatch.setattr(f"{module}.answer_of", lambda one, sweep, margin: answer(regrets(margin)))
    sweep = SimpleNamespace(settings=settings, document={"axes": {DECAY: ["a", "b"]}})
    found_again = {"fewer-trials": Effect(0.005, 0.0, 0.01)}
    one = SimpleNamespace(sweeps={(DECAY, "lr"): sweep}, effects=found_again)
    assert largest_regret(one, sweep).verdict == verdict
    assert weight_decay(one).verdict == claim
    if claim == "bounded":
        one.effects = {"fewer-trials": Effect(0.06, 0.03, 0.1)}
        assert largest_regret(one, sweep).verdict == "open"
        assert weight_decay(one).verdict == "not decided"


def test_a_workload_that_is_left_out_has_no_say_in_the_choice(findings):
    from default_schedule import Row, left_out, worst_of

    def studies(name):
        spec = SimpleNamespace(document=lambda: {"workload": {"name": name.partition("-")[0]}})
        return SimpleNamespace(name=name, main=SimpleNamespace(spec=spec))

    settings = [studies(name) for name in ("a-1", "a-2", "b")]
    candidate = np.array([[0.1, 0.0, 0.5], [0.3, 0.0, 0.5], [0.0, 0.4, 0.5]])  # 0 suits b, and 1 suits a
    rows = left_out(settings, candidate, np.full((3, 3), 0.2))
    assert [row.regrets["chosen"] for row in rows] == [0.1, 0.3, 0.4]
    assert {row.workload for row in rows} == {"a", "b"}
    worst = worst_of(rows, "chosen")
    assert (worst.regret, worst.workload, worst.wins) == (0.4, "b", 0)
    better = Row("c", "c", "", {"chosen": 0.1, "linear": 0.2})
    assert worst_of([*rows, better], "chosen").wins == 1
