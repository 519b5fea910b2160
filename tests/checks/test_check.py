"""Every registered check keeps its contract; what all checks share besides."""

import math
import shutil

import pandas as pd
import pytest
from pydantic import Field

import lrshape
from lrshape.checks.check import CHECKS, Check, CheckResult
from lrshape.errors import InputError
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.report.sections import Section, Table
from lrshape.testing import checks

SMALL = {"screen": {"shapes": 1, "seeds": 1}, "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1}}
SHAPES = [ShapeRecord.of(f"linear-{i}", "linear", {"floor": 0.1 * i, "warmup": 0.0}) for i in range(2)]


class Rounds(Check):
    """Two rounds, the second of which depends on the first."""

    name = "rounds"
    CHANGE_NO_TRIAL = frozenset({"digits"})

    seeds: int = Field(default=5, ge=1, description="seeds per shape")
    sample: int | None = Field(default=None, description="another setting")
    digits: int = Field(default=3, description="digits to show")

    def phase(self, study):
        table = yield self.trials([Candidate(shape, 0.1) for shape in SHAPES], self.seeds)
        best = table.loc[table["final/score"].idxmin(), "shape"]
        yield self.trials([Candidate(shape, 0.2) for shape in SHAPES if shape.id == best], self.seeds)
        return []

    def most_trials(self, study):
        return 15

    def cost(self, study):
        return 3 * self.seeds

    def evaluate(self, study, trials, figures):
        lowest = f"{trials[study.metric].min():.{self.digits}g}"
        table = Table("scores", headings=[("score", "")], rows=[[(lowest, "")]])
        return CheckResult(
            title="Some score is the lowest",
            sections=[Section("Scores", tables=[table])],
            method=["The minimum is taken."],
            data={"lowest": float(lowest)},
        )


QUICK = {"local": {"points": 2, "seeds": 2, "confirm_seeds": 2}, "seeds": {"max": 4, "top": 2, "sample": 4}}
KEPT = [Rounds(), *(CHECKS.build({"name": name} | QUICK[name]) for name in CHECKS)]


@pytest.mark.parametrize("rule", checks.RULES)
@pytest.mark.parametrize("check", KEPT, ids=lambda check: check.name)
def test_keeps_the_contract(check, rule):
    rule(check)


def run(study, **settings):
    return Rounds(**settings).train(study).drop(columns="wall_time")


def test_other_settings_are_refused_with_the_keys_that_changed(searched, training):
    run(searched)
    training.calls.clear()
    with pytest.raises(lrshape.InputError, match="another check; changed: seeds: 5 -> 6; move it away"):
        run(searched, seeds=6)
    with pytest.raises(lrshape.InputError, match="changed: sample: None -> 3; move it away"):
        run(searched, sample=3)
    run(searched, digits=4)  # changes no trial
    assert training.calls == []


def test_another_studys_results_are_refused(searched, training, tmp_path):
    run(searched)
    small = SMALL | {"families": ["linear"], "baselines": []}
    workload = {"name": "function", "function": "followed_training:train", "steps": 3}
    other = lrshape.search(small, workload=workload, out=tmp_path / "other")
    shutil.copytree(searched.path / "rounds", tmp_path / "other" / "rounds")
    with pytest.raises(lrshape.InputError, match="another check; changed: of: "):
        run(other)


def test_a_contest_has_no_shapes_to_check(tmp_path):
    compared = lrshape.compare(
        train=lambda lrs, seed: float(lrs[0]), steps=3, schedules=["linear", "cosine"], trials=40,
        out=tmp_path / "two",
    )  # fmt: skip
    for check in CHECKS.values():
        for asked in (check().cost, check().run):
            with pytest.raises(InputError, match="must be a search, got a contest"):
                asked(compared)


def test_where_all_trials_diverged_there_is_nothing_to_check(tmp_path):
    study = lrshape.search(train=lambda lrs, seed: math.nan, steps=3, trials=24, out=tmp_path / "lost")
    for check in CHECKS.values():
        with pytest.raises(InputError, match="has a finite final/score"):
            check().run(study)


def test_a_damaged_chunk_is_computed_again(searched, training, caplog):
    whole = run(searched)
    training.calls.clear()
    victim = searched.path / "rounds" / "trials" / "rounds-00001.parquet"
    lost = len(pd.read_parquet(victim))
    victim.write_bytes(victim.read_bytes()[:200])
    pd.testing.assert_frame_equal(run(searched), whole, check_exact=True)
    assert len(training.calls) == lost
    assert "will be recomputed" in caplog.text


def test_a_check_may_have_an_underscore_in_its_name(searched, training):
    class MyRounds(Rounds):
        name = "my_rounds"

    assert len(MyRounds().train(searched)) == 15


def test_the_time_limit_keeps_what_is_done(searched, training):
    with pytest.raises(lrshape.TimeLimitReached):
        Rounds().train(searched, time_limit=1e-9)
    assert len(run(searched)) == 15


def test_a_function_that_is_gone_is_told_before_anything_is_made(searched, training, monkeypatch):
    monkeypatch.delattr(training, "train")
    with pytest.raises(lrshape.InputError, match="has no 'train'"):
        run(searched)
    assert not (searched.path / "rounds").exists()


def test_its_page_has_the_method_after_the_sections(searched):
    result = Rounds(digits=2).run(searched)
    text = (searched.path / "rounds" / "report.html").read_text()
    assert text.index("Scores") < text.index("How it was computed") < text.index("The minimum is taken.")
    assert result.to_dict()["metric"] == "final/score"
