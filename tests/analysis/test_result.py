import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.result import Result
from lrshape.cli.verdicts import print_best
from lrshape.errors import InputError
from lrshape.report.claims import claims_of

INF = math.inf
NOISE = np.random.default_rng(0).normal(0, 0.3, 20)


def result(trials, metric):
    return Result.of(Analysis(trials, metric), steps=300, step_rule="midpoint")


def test_the_answer(study, trials_of, metric):
    answer = result(trials_of(study), metric)
    plain = answer.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert {k: v for k, v in plain.items() if k not in ("baselines", "families", "diverged_share")} == {
        "name": "rex-1",
        "shape": "rex-1",
        "family": "rex",
        "params": {"warmup": 0.5},
        "base_lr": 0.2,
        "octaves": None,
        "cost": None,
        "steps": 300,
        "step_rule": "midpoint",
        "metric": metric,
        "direction": "minimize",
        "scale": "log",
        "margin": pytest.approx(0.1, rel=0.1),
        "phase": "confirm",
        "score_median": pytest.approx(1.2 + np.median(NOISE)),
        "score_low": pytest.approx(1.2 + np.sort(NOISE)[5]),
        "score_high": pytest.approx(1.2 + np.sort(NOISE)[14]),
        "seeds": 20,
        "diverged": 0,
        "failed": 0,
        "trials": 160,
        "failed_share": 0.0,
        "base_lr_edge": "",
        "hyperparameters": {},
        "edges": {},
        "sensitivity": None,
    }
    assert answer.diverged_share == 25 / 160
    cosine, constant = answer.baselines
    assert (cosine.name, cosine.shape, cosine.family) == ("cosine", "baseline-cosine", "cosine")
    assert cosine.difference == pytest.approx(0.8)
    assert cosine.difference_low == pytest.approx(0.8)
    assert cosine.p_value_holm == pytest.approx(4 * 2**-19)
    assert 0 < cosine.effect_low < cosine.effect == pytest.approx(np.log(2.0 / 1.2), rel=0.05)
    assert (cosine.verdict, cosine.pairs, cosine.octaves, cosine.cost) == ("better", 20, None, None)
    assert (constant.name, constant.diverged, constant.seeds) == ("constant", 15, 20)
    assert constant.score_median is None
    assert (constant.difference, constant.effect, constant.verdict) == (None, None, "diverged")
    wsd, sqrt = answer.families
    assert (wsd.name, wsd.phase) == ("wsd-0", "confirm")
    assert wsd.difference == pytest.approx(0.2)
    assert (sqrt.name, sqrt.phase, sqrt.difference) == ("sqrt-3", "screen", None)
    assert (sqrt.pairs, sqrt.effect, sqrt.verdict) == (0, None, "")
    assert sqrt.score_median == pytest.approx(3.05)


def test_an_end_of_an_interval_that_is_infinite_is_told(study, trials_of, metric, capsys):
    study["confirm", "baseline-cosine", 0.2] = np.append(2.0 + NOISE[:13], [np.inf] * 7)
    answer = result(trials_of(study), metric)
    cosine = answer.baselines[0]
    assert (cosine.name, cosine.score_high, cosine.effect_high) == ("cosine", None, None)
    (row,) = [row for row in claims_of(answer).rows if row["label"] == "cosine (baseline)"]
    assert (row["high"], row["effect_high"], row["difference_high"]) == (np.inf, np.inf, np.inf)
    print_best(answer, {})
    assert re.search(r"cosine \(baseline\) .* to inf .* to 100% ", capsys.readouterr().out)


def test_an_unfinished_study_tests_only_what_it_reports(trials_of, metric):
    shapes = {f"rex-{i}": 1.0 + 0.1 * i for i in range(9)} | {"wsd-0": 2.0, "baseline-cosine": 3.0}
    study = {("screen", shape, 0.1): value + NOISE for shape, value in shapes.items()}
    answer = result(trials_of(study), metric)
    assert answer.baselines[0].p_value_holm == pytest.approx(2 * 2**-19)


@pytest.mark.parametrize("last", ["screen", "rescore"])
def test_the_answer_of_an_unfinished_study(study, trials_of, metric, last):
    phases = ("screen", "rescore")[: 1 + (last == "rescore")]
    answer = result(trials_of({k: v for k, v in study.items() if k[0] in phases}), metric)
    json.dumps(answer.to_dict(), allow_nan=False)
    assert answer.phase == last
    assert answer.shape == {"screen": "rex-2", "rescore": "rex-1"}[last]
    assert [b.name for b in answer.baselines] == {"screen": ["cosine"], "rescore": []}[last]
    assert [f.name for f in answer.families] == ["wsd-0", "sqrt-3"]


def test_the_edge_of_the_base_lrs(study, trials_of, metric):
    for lr in (0.1, 0.4):
        del study["screen", "rex-1", lr]
    assert result(trials_of(study), metric).base_lr_edge == ""  # only one was tried
    study["screen", "rex-1", 0.1] = [2.0, 2.0]
    assert result(trials_of(study), metric).base_lr_edge == "high"
    study["rescore", "rex-1", 0.3] = [2.0] * 10
    assert result(trials_of(study), metric).base_lr_edge == ""
    del study["screen", "rex-1", 0.1]
    assert result(trials_of(study), metric).base_lr_edge == "low"


def test_a_study_in_which_everything_diverged(study, trials_of, metric):
    table = trials_of({k: [INF] * len(v) for k, v in study.items()})
    won = Analysis(table, metric).winner
    assert [won["shape"], won["score"]] == ["rex-1", INF]
    answer = result(table, metric)
    json.dumps(answer.to_dict(), allow_nan=False)
    assert answer.diverged_share == 1.0
    assert answer.score_median is None
    assert (answer.diverged, answer.seeds) == (20, 20)
    assert {b.difference for b in answer.baselines} == {None}
    assert Analysis(table, metric).confirmed["rank"].tolist() == [1] * 5


def test_no_winner_yet(trials_of, metric):
    for values in ({}, {("screen", "baseline-cosine", 0.1): [1.0]}):
        table = trials_of(values)
        with pytest.raises(InputError, match="a winner needs"):
            result(table, metric)
        assert Analysis(table, metric).best_per_family.empty
        assert Analysis(table, metric).confirmed.empty


keys = st.tuples(
    st.sampled_from(["screen", "rescore", "confirm"]),
    st.sampled_from(["rex-1", "rex-2", "baseline-cosine", "wsd-0"]),
    st.sampled_from([0.1, 0.2]),
)
values = st.lists(st.one_of(st.floats(0, 1e300), st.just(INF), st.just(1.0)), min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(study=st.dictionaries(keys, values, max_size=12), seed=st.integers(0, 100))
def test_any_study_has_a_json_answer_whatever_the_order_of_rows(trials_of, metric, study, seed):
    table = trials_of(study)
    shuffled = table.sample(frac=1, random_state=seed)
    try:
        answer = result(table, metric)
    except InputError:
        assert not any(k[0] != "confirm" and not k[1].startswith("baseline-") for k in study)
        return
    assert result(shuffled, metric) == answer
    json.dumps(answer.to_dict(), allow_nan=False)
    pd.testing.assert_frame_equal(
        Analysis(shuffled, metric).confirmed, Analysis(table, metric).confirmed, check_exact=True
    )
