"""store verify and store merge as a user runs them."""

import json
import shutil

import pandas as pd
import pytest

from lrshape.store import Store
from lrshape.store.chunk_file import order


@pytest.fixture
def study(study, folder, monkeypatch):
    """A study whose training can be imported."""
    monkeypatch.syspath_prepend(folder.path)
    return study


def test_verify_says_what_it_found_and_mends_it(said, study):
    assert f"{study}: sound" in said("store", "verify", study)
    file = study / "trials" / "screen-00001.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    out = said("store", "verify", study, code=1)
    assert "damaged: 1\n    screen-00001: its content does not match" in out
    assert "--repair" in out
    assert file.exists()
    out = said("store", "verify", study, "--repair")
    assert "screen-00001 moved to" in out
    assert "run its search, check or sweep again" in out
    (found,) = json.loads(said("store", "verify", study, "--json", code=1))
    assert (found["sound"], found["health"]["set_aside"]) == (False, 1)
    assert found["missing"] == ["screen-00001"]


@pytest.mark.parametrize("place", [1, -1])
def test_verify_tells_lost_chunks_from_an_unfinished_search(said, study, place):
    chunks = sorted((study / "trials").iterdir(), key=lambda path: order(path.stem))
    chunks[place].unlink()
    out = said("store", "verify", study, code=1)
    assert f"{study}: incomplete: 1 chunk is missing" in out
    assert f"missing: 1\n    {chunks[place].stem}" in out
    shutil.rmtree(study / "tables")
    for chunk in chunks[place:] if place > 0 else []:
        chunk.unlink(missing_ok=True)
    assert f"{study}: sound, but not complete" in said("store", "verify", study)


@pytest.mark.parametrize(("place", "states"), [("", ["damaged"]), ("local", ["sound", "damaged"])])
def test_verify_tells_of_a_study_or_check_that_cannot_be_read(said, study, place, states):
    damaged = study / place
    damaged.mkdir(exist_ok=True)
    (damaged / "study.json").write_text("{")
    out = said("store", "verify", study, "--repair", code=1)
    assert f"{study}: {states[0]}" in out
    assert f"{damaged}: damaged\n  {damaged / 'study.json'} is not a valid study document" in out
    assert "cannot be repaired" in out
    found = json.loads(said("store", "verify", study, "--json", code=1))
    assert [one["sound"] for one in found] == [state == "sound" for state in states]


def test_verify_needs_a_study(said, tmp_path):
    assert "there is no study in" in said("store", "verify", tmp_path, code=2)
    assert "Protocol not known" in said("store", "verify", "nothing://a/b", code=2)


def test_merge(said, study, tmp_path):
    other = shutil.copytree(study, tmp_path / "other")
    for path in list((other / "trials").iterdir())[::2]:
        path.unlink()
    out = said("store", "merge", tmp_path / "joined", other, study)
    assert "already there" in out
    joined, expected = (Store(path).trials() for path in (tmp_path / "joined", study))
    pd.testing.assert_frame_equal(joined, expected, check_exact=True)
    assert "sound" in said("store", "verify", tmp_path / "joined")
    document = json.loads((other / "study.json").read_text())
    (other / "study.json").write_text(json.dumps(document | {"hash": "0" * 64}))
    assert "was edited" in said("store", "merge", tmp_path / "joined", study, other, code=2)
