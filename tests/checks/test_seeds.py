import pandas as pd
import pytest

import lrshape
from lrshape.analysis import best_base_lrs, scores
from lrshape.checks.seeds import SeedSettings, Wanted, seed_plan, seeds
from lrshape.procedure.keys import FIRST_SEED

SETTINGS = SeedSettings(max=8, top=3, sample=6)


def test_the_plan_is_even_over_the_ranks_and_best_first(searched):
    plan = seed_plan(searched, SETTINGS)
    trials = searched.trials()
    screened = best_base_lrs(scores(trials, searched.metric))
    screened = screened[(screened["phase"] == "screen") & ~screened["shape"].str.startswith("baseline")]
    ranks = {name: place for place, name in enumerate(screened["shape"])}
    places = [ranks[shape.id] for shape, _ in plan.screened]
    assert len(ranks) == 12
    assert places == sorted(set(places))
    assert [place // 2 for place in places] == [0, 1, 2, 3, 4, 5]  # one of each two
    assert plan.top[0][0].id == searched.best().shape
    assert plan.top[0][1] == pytest.approx(searched.best().base_lr)
    assert len(plan.top) == 3
    assert plan.keep == round(3 / 12 * 6)
    everything = seed_plan(searched, SeedSettings(max=8, top=999, sample=999))
    assert {shape.id for shape, _ in everything.screened} == set(ranks)
    assert {shape.id for shape, _ in everything.top} == set(ranks)


def test_seeds_from_beginning_to_end(searched, training):
    result = seeds(searched, SETTINGS, Wanted())
    table = lrshape.store.Store.open(result.directory).trials()
    shapes = len(seed_plan(searched, SETTINGS).candidates)
    assert len(table) == result.trials == len(training.calls) == shapes * 8
    assert set(table["seed"]) == {FIRST_SEED["seeds"] + i for i in range(8)}
    assert result.used == (2, 6)
    assert (result.answer.screened.shapes, result.answer.top.shapes) == (6, 3)
    for name in ("agreement", "cross", "scores", "trials"):
        assert (result.directory / "tables" / f"{name}.csv").is_file()
    text = (result.directory / "report.html").read_text()
    assert "within 5% of the best one" in text
    assert text.count("<svg") == 4
    training.calls.clear()
    other = seeds(searched, SETTINGS, Wanted(margin=0.2, certainty=0.5))
    assert training.calls == []
    assert (other.answer.top.table["certain"] >= result.answer.top.table["certain"]).all()
    with pytest.raises(lrshape.InputError, match="changed: max: 8 -> 9"):
        seeds(searched, SeedSettings(max=9, top=3, sample=6), Wanted())


def test_scores_are_medians_of_the_stored_trials(searched):
    result = seeds(searched, SETTINGS, Wanted())
    table = lrshape.store.Store.open(result.directory).trials()
    table["shape"] = table["shape"].astype(str)  # a study's texts are categories
    values = table.pivot(index="shape", columns="seed", values="final/score")
    frame = result.answer.scores.astype({"shape": str}).set_index("shape")
    pd.testing.assert_series_equal(frame["few"], values.iloc[:, :4].median(axis=1), check_names=False)
    pd.testing.assert_series_equal(frame["reference"], values.iloc[:, 4:].median(axis=1), check_names=False)


def test_an_incomplete_study_is_refused(searched):
    (searched.path / "trials" / "screen-00000.parquet").unlink()
    with pytest.raises(lrshape.InputError, match="not complete"):
        seeds(searched, SETTINGS, Wanted())
