import json
import math
import os
import time

import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.store import Store
from lrshape.study import verification
from lrshape.study.verification import examine


@pytest.fixture
def files(searched):
    return searched.path / "trials"


def rows(path):
    return Store(path).trials().drop(columns="wall_time")


def test_a_sound_study(searched):
    (found,) = examine(searched.path)
    assert found.is_sound
    assert found.plan.fitting == searched.store.chunks()
    assert (found.plan.misfits, found.plan.ends) == ({}, "")
    assert found.health.trials == len(searched.trials())
    assert found.plan.planned >= found.health.trials
    assert (found.health.gaps, found.health.foreign, found.repaired) == ([], [], [])


def test_looking_changes_nothing(searched, files):
    (files / "screen-00001.parquet").write_bytes(b"")
    old = files / ".x.parquet.0123456789abcdef.tmp"
    old.touch()
    os.utime(old, (time.time() - 10**6,) * 2)
    before = sorted(path.name for path in searched.path.rglob("*"))
    (found,) = examine(searched.path)
    assert not found.is_sound
    assert found.health.damaged == {"screen-00001": "the file is empty"}
    assert found.health.stale == [f"trials/{old.name}"]
    assert sorted(path.name for path in searched.path.rglob("*")) == before


def test_damage_is_repaired_and_a_resume_mends_it(searched, files, training, run_again):
    expected = rows(searched.path)
    data = (files / "screen-00002.parquet").read_bytes()
    (files / "screen-00001.parquet").write_bytes(data)  # sound, and another chunk's
    (files / "screen-00003.parquet").write_bytes(data[:-5])
    (files / "tune-00000.parquet").unlink()
    (files / "confirm-00000.parquet").unlink()
    (files / "notes.txt").write_text("mine")
    (found,) = examine(searched.path, repair=True)
    assert set(found.health.damaged) == {"screen-00001", "screen-00003"}
    assert found.health.gaps == ["screen-00001", "screen-00003", "tune-00000", "confirm-00000"]
    assert found.health.foreign == ["notes.txt"]
    assert found.plan.ends == "screen-00001 is not there"
    assert len(found.repaired) == 2
    assert examine(searched.path)[0].is_sound
    run_again()
    assert len(training.calls) == 16  # the four chunks, and nothing else
    pd.testing.assert_frame_equal(rows(searched.path), expected, check_exact=True)
    (found,) = examine(searched.path)
    assert found.is_sound
    assert found.plan.ends == ""
    assert (files / "notes.txt").read_text() == "mine"


def test_a_choice_that_is_lost_is_made_again_from_the_trials(searched, training, run_again):
    file = searched.path / "choice.json"
    expected = file.read_bytes()
    file.unlink()
    assert not searched.is_complete()
    for note in (b"", b"[]", b'{"schedules": [{}]}', b'{"schedules": []}'):
        file.write_bytes(note)
        assert searched.choice() is None
        assert not searched.is_complete()
    assert examine(searched.path)[0].plan.ends == "choice.json is missing or does not fit the trials"
    file.unlink()
    (found,) = examine(searched.path)
    assert found.is_sound
    assert found.plan.ends == "choice.json is missing or does not fit the trials"
    again = run_again()
    assert training.calls == []
    assert file.read_bytes() == expected
    assert again.is_complete()
    assert examine(searched.path)[0].plan.ends == ""


def test_chunks_that_the_plan_does_not_have(searched):
    expected = rows(searched.path)
    table = searched.store.read("screen-00000")
    searched.store.write("screen-00900", table)  # whole and sealed, and nobody's
    (found,) = examine(searched.path)
    assert found.plan.misfits == {"screen-00900": "the phase does not plan it"}
    assert not found.is_sound
    examine(searched.path, repair=True)
    pd.testing.assert_frame_equal(rows(searched.path), expected, check_exact=True)


def test_a_sealed_chunk_with_other_trials(searched, run_again):
    expected = rows(searched.path)
    searched.store.set_aside("screen-00001", "a test")
    searched.store.write("screen-00001", searched.store.read("screen-00002"))
    (found,) = examine(searched.path, repair=True)
    assert found.plan.misfits == {"screen-00001": "it holds other trials than planned"}
    assert found.plan.ends == "screen-00001 does not fit"
    run_again()
    pd.testing.assert_frame_equal(rows(searched.path), expected, check_exact=True)


def test_an_edited_spec_is_told_and_nothing_is_moved_for_it(searched):
    file = searched.path / "study.json"
    document = json.loads(file.read_text())
    document["spec"]["seed"] = 77
    file.write_text(json.dumps(document))
    (found,) = examine(searched.path, repair=True)
    assert found.edited
    assert not found.is_sound
    assert (found.plan, found.repaired) == (None, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"versions": {"lrshape": "0.0.1"}}, "lrshape 0.0.1 made it"),
        ({"versions": 3}, "lrshape of an unknown version made it"),
        ({"chunk_size": None}, "chunk_size must be a whole number from 1 to"),
        ({"chunk_size": 0}, "chunk_size must be a whole number from 1 to"),
        ({"chunk_size": math.inf}, "chunk_size must be a whole number from 1 to"),
    ],
)
def test_a_plan_that_cannot_be_followed(searched, change, reason):
    file = searched.path / "study.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    (found,) = examine(searched.path)
    assert reason in found.plan.ends
    assert found.is_sound


def test_a_plan_that_needs_what_is_not_installed_leaves_the_rest_of_the_check(searched, monkeypatch):
    def follow(*_):
        raise InputError("the sampler optuna needs another package")

    monkeypatch.setattr(verification, "follow", follow)
    (found,) = examine(searched.path)
    assert found.is_sound
    assert found.plan.ends == "the sampler optuna needs another package"


def test_a_training_function_that_is_gone(searched, monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "followed_training")
    monkeypatch.setattr(sys, "path", [])
    (found,) = examine(searched.path)
    assert found.is_sound
    assert found.plan.ends == ""


def test_checks_are_examined_too(searched, training):
    from lrshape.checks.seeds import SeedsCheck

    SeedsCheck(max=8, top=2, sample=4).train(searched)
    assert [one.path.name for one in examine(searched.path)] == ["study", "seeds"]
    chunk = next((searched.path / "seeds" / "trials").glob("*.parquet"))
    chunk.write_bytes(chunk.read_bytes()[:-1])
    study, check = examine(searched.path)
    assert study.is_sound
    assert check.plan is None
    assert list(check.health.damaged) == [chunk.stem]


def test_a_check_that_cannot_be_read_hides_nothing_of_the_study(searched):
    (searched.path / "local").mkdir()
    (searched.path / "local" / "study.json").write_text("{")
    chunk = searched.path / "trials" / "screen-00001.parquet"
    chunk.write_bytes(b"damaged")
    study, check = examine(searched.path, repair=True)
    assert list(study.health.damaged) == ["screen-00001"]
    assert len(study.repaired) == 1
    assert not chunk.exists()
    assert "is not a valid study document" in check.unreadable
    assert not check.is_sound


def test_a_study_that_the_disk_refuses_to_read_is_not_called_damaged(searched):
    file = searched.path / "study.json"
    file.unlink()
    file.mkdir()  # permissions would not stop the superuser
    with pytest.raises(InputError, match="cannot read"):
        examine(searched.path)
