"""Whole studies on a real S3 server: the condition, killed runs, two runs at once, the whole command line."""

import contextlib
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import lrshape
from lrshape.errors import InputError
from lrshape.store import Store, StoreError
from lrshape.store.place import Url
from lrshape.store.places import place_at
from user_folder import Folder

SPEC = """
families = ["rex", "linear"]
baselines = ["constant"]
chunk_size = 4
base_lr = {low = 0.01, high = 1.0, points = 3}
screen = {shapes = 4, seeds = 2}
rescore = {top = 2, seeds = 4}
tuning = {rounds = 1, base_lrs = 3, seeds = 1}
confirm = {seeds = 6}

[workload]
name = "function"
function = "my_training:train"
steps = 10
"""


@pytest.fixture
def user(tmp_path, s3):
    """A user's directory, and their command line in it."""
    made = Folder(tmp_path)
    made.pause(0.02)
    (tmp_path / "spec.toml").write_text(SPEC)
    return made


def finished(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return out, err


def table(path):
    return Store(path).trials().drop(columns="wall_time")


def test_the_server_refuses_a_second_writer(s3):
    """Two clients that know nothing of each other: the condition is checked by the server."""
    first, second = (fsspec.filesystem("s3", skip_instance_cache=True) for _ in range(2))
    key = s3.removeprefix("s3://") + "/object"
    first.pipe_file(key, b"first", mode="create")
    with pytest.raises(FileExistsError):
        second.pipe_file(key, b"second", mode="create")
    assert second.cat_file(key) == b"first"


def test_of_many_clients_at_once_one_creates(s3):
    key = s3.removeprefix("s3://")
    clients = [fsspec.filesystem("s3", skip_instance_cache=True) for _ in range(6)]
    for number in range(5):
        won = []

        def create(i, number=number, won=won):
            with contextlib.suppress(FileExistsError):
                clients[i].pipe_file(f"{key}/{number}", b"%d" % i, mode="create")
                won.append(i)

        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(create, range(len(clients))))
        assert len(won) == 1
        assert clients[0].cat_file(f"{key}/{number}") == b"%d" % won[0]


def test_a_study_is_killed_and_resumed_there(user, said, s3, tmp_path, monkeypatch):
    """Search, status, store verify, best, export, trials and report, all at one URL."""
    finished(user.start("search", "spec.toml", "--out", "here"))
    process = user.start("search", "spec.toml", "--out", f"{s3}/there")
    place = place_at(Url(f"{s3}/there"))
    for _ in range(600):
        if len(place.names("trials")) >= 5:
            break
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stored = Store(f"{s3}/there").chunks()
    assert 5 <= len(stored) < len(Store(tmp_path / "here").chunks())
    out, _ = finished(user.start("search", "spec.toml", "--out", f"{s3}/there", before="pass"))
    assert f"report: {s3}/there/report.html" in out
    assert sorted(place.names("")) == [
        *("choice.json", "figures", "report.html", "study.json", "tables", "trials")
    ]
    assert b"<title>" in place.read("report.html")
    pd.testing.assert_frame_equal(table(f"{s3}/there"), table(tmp_path / "here"), check_exact=True)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "complete" in said("status", f"{s3}/there")
    assert "sound" in said("store", "verify", f"{s3}/there")
    assert said("best", "here", "--json") == said("best", f"{s3}/there", "--json")
    assert "--out is required and must be a local file" in said(
        "export", f"{s3}/there", "--to", "json", code=2
    )
    said("export", f"{s3}/there", "--to", "json", "--out", "schedule.json")
    assert "--out is required and must be a local file" in said(
        "trials", f"{s3}/there", "--to", "csv", code=2
    )
    said("trials", f"{s3}/there", "--to", "csv", "--out", "rows.csv")
    assert len(pd.read_csv(tmp_path / "rows.csv")) == len(table(f"{s3}/there"))
    assert "needs a study in a local directory" in said("check", "local", f"{s3}/there", code=2)
    sweep = ("sweep", "spec.toml", "--over", "seed=0,1", "--out", f"{s3}/sweep")
    assert "must be local" in said(*sweep, code=2)
    for command in (("trials", "here", "--to", "csv"), ("suggest", "--steps", "9")):
        assert "must be local, got 's3:" in said(*command, "--out", f"{s3}/rows", code=2)


def test_two_runs_at_once_end_with_the_same_table(user, s3, tmp_path):
    both = [user.start("search", "spec.toml", "--out", f"{s3}/both") for _ in range(2)]
    for process in both:
        finished(process)
    finished(user.start("search", "spec.toml", "--out", "alone"))
    pd.testing.assert_frame_equal(table(f"{s3}/both"), table(tmp_path / "alone"), check_exact=True)


class Careless(MemoryFileSystem):
    """A store that replaces objects whatever the condition, as older servers do."""

    protocol = "careless"

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        super().pipe_file(path, value, mode="overwrite", **kwargs)


def test_a_store_that_ignores_the_condition_is_refused(document):
    fsspec.register_implementation("careless", Careless, clobber=True)
    with pytest.raises(InputError, match="does not support conditional PUT"):
        Store.create("careless://study", document)
    assert place_at(Url("careless://study")).names("trials") == []


def test_a_bucket_that_is_not_there(s3, document):
    missing = re.sub("bucket-", "missing-", s3)
    with pytest.raises(InputError, match=f"cannot write a study to {missing}: .*bucket does not exist"):
        Store.create(missing, document)
    with pytest.raises(InputError, match="there is no study"):
        Store(missing)


class Unreliable(MemoryFileSystem):
    """A store that creates an object, loses the answer, and refuses the repeated request or any other."""

    protocol = "unreliable"
    failing = ""

    def info(self, path, **kwargs):
        if self.failing == "all":
            raise RuntimeError("the connection was reset")
        return super().info(path, **kwargs)

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        if self.failing == "lost":
            super().pipe_file(path, value, mode=mode, **kwargs)
        if self.failing:
            raise RuntimeError("the connection was reset")
        super().pipe_file(path, value, mode=mode, **kwargs)


def test_what_a_client_raises_is_told_in_one_line(document, table):
    fsspec.register_implementation("unreliable", Unreliable, clobber=True)
    store = Store.create("unreliable://study", document)
    try:
        Unreliable.failing = "all"
        with pytest.raises(StoreError, match=r"screen-00000\.parquet: the connection was reset"):
            store.write("screen-00000", table)
        with pytest.raises(InputError, match=r"cannot read unreliable://study/study\.json: the connection"):
            Store.exists("unreliable://study")
        with pytest.raises(InputError, match="cannot write to the study unreliable://study"):
            store.require_writable()
        Unreliable.failing = "lost"
        assert store.write("screen-00000", table) is False  # it is there: both go on from what it holds
    finally:
        Unreliable.failing = ""
    pd.testing.assert_frame_equal(store.read("screen-00000"), table)


class Busy(MemoryFileSystem):
    """A server that answers the first PUTs of new objects with a conflict, as S3 does to two at once."""

    protocol = "busy"
    conflicts = 0

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        if mode == "create" and Busy.conflicts:
            Busy.conflicts -= 1
            raise OSError("ConditionalRequestConflict")
        super().pipe_file(path, value, mode=mode, **kwargs)


def test_a_conflict_is_tried_again_a_few_times(document, table, monkeypatch):
    monkeypatch.setattr("lrshape.store.remote_place.time.sleep", lambda seconds: None)
    fsspec.register_implementation("busy", Busy, clobber=True)
    store = Store.create("busy://busy-study", document)
    Busy.conflicts = 2
    assert store.write("screen-00000", table) is True
    Busy.conflicts = 99
    with pytest.raises(StoreError, match="ConditionalRequestConflict"):
        store.write("screen-00001", table)
    assert store.chunks() == ["screen-00000"]


def test_a_study_from_python(s3):
    def train(lrs, seed):
        return sum(lrs) + seed % 7

    settings = {
        "families": ["linear"], "baselines": ["constant"], "base_lr": {"low": 0.1, "high": 1.0, "points": 2},
        "screen": {"shapes": 2}, "rescore": {"top": 1, "seeds": 1},
        "tuning": {"rounds": 0}, "confirm": {"seeds": 2},
    }  # fmt: skip
    study = lrshape.search(settings, train=train, steps=4, out=f"{s3}/python")
    assert study.path == f"{s3}/python"
    assert study.is_complete()
    with pytest.raises(InputError, match="as text with ://"):
        lrshape.search(settings, train=train, steps=4, out=Path(f"{s3}/python"))
