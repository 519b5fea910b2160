"""A short form of the kill test; `make chaos` runs the long one."""

import sys

import pytest


@pytest.fixture
def chaos(monkeypatch):
    import chaos as program

    small = {
        "screen": {"shapes": 2, "seeds": 2},
        "rescore": {"top": 1, "seeds": 3},
        "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
        "confirm": {"seeds": 3},
    }
    monkeypatch.setattr(program, "SPEC", {**program.SPEC, **small})
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield program
    sys.modules.pop("chaos_training", None)


def test_a_study_that_is_killed_at_random_moments_is_the_same(chaos, tmp_path):
    found = chaos.run(tmp_path, kills=6, seed=1)
    assert found.wrong == []
    assert found.kills == 6
    assert found.studies >= 1
    assert found.chunks > 50


def test_it_would_notice_work_that_is_done_twice(chaos, tmp_path, monkeypatch):
    from lrshape.study.run import Run

    monkeypatch.setattr(Run, "_read", lambda self, chunk, stored: None)
    found = chaos.run(tmp_path, kills=3, seed=1)
    assert any("ran twice" in line for line in found.wrong)
