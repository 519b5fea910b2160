"""Studies whose disk fails at every step of a chunk's commit, or damages what it holds."""

import contextlib
import errno
import os
import subprocess
import sys

import pandas as pd
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.store import Store, StoreError
from lrshape.study.callback import Callback
from lrshape.study.plan import Plan
from lrshape.study.run import Run
from lrshape.study.spec import StudySpec
from lrshape.training.workloads.function import FunctionWorkload
from lrshape.workers.executors.inline import Inline

SPEC = {
    "families": ["rex"], "baselines": ["constant"], "chunk_size": 4,
    "base_lr": {"low": 0.01, "high": 1.0, "points": 2, "extend": 0},
    "screen": {"shapes": 1, "seeds": 2}, "rescore": {"top": 1, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1}, "confirm": {"seeds": 2},
}  # fmt: skip

OPERATIONS = ("open", "write", "fsync", "close", "link", "unlink", "rename", "replace", "mkdir")


def train(lrs, seed):
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.3 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x


class Dead(BaseException):
    """The process has died."""


@pytest.fixture
def spec():
    return StudySpec.parse(SPEC, FunctionWorkload.of(train, 6, ("score",)))


@pytest.fixture
def study(spec, tmp_path):
    """Makes a study, or runs what is missing of one, and returns its trials."""

    class Made:
        path = tmp_path / "study"

        def create(self, name):
            return Store.create(tmp_path / name, {"chunk_size": 4, "spec": spec.document()})

        def run(self, store):
            Run(spec, store, 4, Inline(), Callback()).complete()
            return store.trials().drop(columns="wall_time")

    return Made()


@pytest.fixture
def expected(study):
    return study.run(study.create("undisturbed"))


class Disk:
    """Counts file operations below a directory; one of them fails, or the process dies at it."""

    def __init__(self, patch, place, at, error):
        self.count, self.names, self._descriptors = 0, [], set()
        self._place, self._at, self._error, self._dead = str(place), at, error, False
        for name in OPERATIONS:
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, function):
        def call(*args, **kwargs):
            places = {args[0], *(kwargs.get(key) for key in ("dir_fd", "src_dir_fd", "dst_dir_fd"))}
            if not (places & self._descriptors or str(args[0]).startswith(self._place)):
                return function(*args, **kwargs)
            self.count += 1
            self.names.append(name)
            if self._dead or self.count == self._at + 1:
                self._dead = self._error is None
                raise Dead if self._dead else OSError(self._error, os.strerror(self._error))
            result = function(*args, **kwargs)
            if name == "open":
                self._descriptors.add(result)
            elif name == "close":
                self._descriptors.discard(args[0])
            return result

        return call


def stopped_by(act):
    """What ended an action, None if nothing did."""
    try:
        act()
    except (StoreError, Dead) as problem:
        return problem
    return None


@pytest.mark.parametrize("error", [errno.ENOSPC, None])
def test_every_operation_of_every_commit_fails_in_turn(study, expected, monkeypatch, error):
    """A full disk, the death of the process: afterwards it resumes to the same table."""
    at, stopped, seen = 0, 0, set()
    while True:
        store = study.create(f"{error}-{at}")
        with monkeypatch.context() as patch:
            disk = Disk(patch, store.path, at, error)
            problem = stopped_by(lambda store=store: study.run(store))
        total, seen = disk.count, seen | set(disk.names)
        if problem is not None:
            stopped += 1
            assert isinstance(problem, Dead) or problem.errno == error
            assert isinstance(problem, Dead) or str(store.path) in str(problem)
        left = store.chunks()
        assert not (store.path / "damaged").exists()
        again = Store(store.path)
        kept = {name: (again.path / "trials" / f"{name}.parquet").read_bytes() for name in left}
        pd.testing.assert_frame_equal(study.run(again), expected, check_exact=True)
        for name, data in kept.items():  # what was there was not written again
            assert (again.path / "trials" / f"{name}.parquet").read_bytes() == data
        if total <= at or at == 26:  # a commit takes about twelve: all of two have failed
            break
        at += 1
    assert stopped > 12
    assert {"open", "write", "fsync", "close", "link", "unlink"} <= seen


def test_a_study_without_trials_tells_its_plan(study):
    planned = lrshape.Study(study.create("new").path).planned_trials()
    assert planned["screen"] > 0
    assert planned["confirm"] > 0


def test_every_damaged_chunk_is_found_and_computed_again(study, expected, spec, tmp_path):
    """Cut, emptied, another study's: each is found when it is read; a resume after the last one mends it."""
    store = study.create("damaged")
    study.run(store)
    foreign = Store.create(tmp_path / "foreign", {"spec": {}})
    for name in store.chunks():
        file = store.path / "trials" / f"{name}.parquet"
        foreign.write(name, store.read(name))
        data, other = file.read_bytes(), (foreign.path / "trials" / f"{name}.parquet").read_bytes()
        for damage in (data[: len(data) // 2], b"", other):
            file.write_bytes(damage)
            with pytest.raises(lrshape.store.DamagedChunk):
                store.read(name)
        assert len(store.trials()) < len(expected)  # it is set aside, and no wrong number is left
        assert name not in store.chunks()
        pd.testing.assert_frame_equal(study.run(Store(store.path)), expected, check_exact=True)
        assert file.exists()
    assert len(list((store.path / "damaged").iterdir())) == len(store.chunks())


@pytest.mark.parametrize("damage", ["garbage", "other trials"])
def test_a_chunk_that_another_run_leaves_damaged_meanwhile_is_stored_again(
    study, spec, expected, monkeypatch, damage
):
    """It is made while this run trains the same chunk, whose own rows must not be lost."""
    store = study.create("disturbed")
    file = store.path / "trials" / "screen-00000.parquet"

    class Disturbed(Inline):
        def run(self, *arguments):
            for chunk, table in super().run(*arguments):
                if chunk.name == "screen-00000" and damage == "garbage":
                    file.write_bytes(b"garbage")
                elif chunk.name == "screen-00000":
                    store.write(chunk.name, table.assign(seed=table["seed"] + 100))
                yield chunk, table

    Run(spec, store, 4, Disturbed(), Callback()).complete()
    found = store.trials().drop(columns="wall_time")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert lrshape.Study(store.path).is_complete()


@pytest.fixture
def tiny_disk(tmp_path):
    """A real disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk can be mounted by root alone, where mounts are allowed")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(file):
    """Write until the disk is full."""
    with contextlib.suppress(OSError), file.open("ab", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)


def test_a_disk_that_fills_up(study, expected, spec, tiny_disk):
    """The study stops with the path and the reason; what was finished is there; with room it goes on."""
    store = Store.create(tiny_disk / "study", {"chunk_size": 4, "spec": spec.document()})

    class Fill(Callback):
        def progress(self, status):
            if status.done >= 8:
                fill(tiny_disk / "filler")

    with pytest.raises(StoreError, match=r"trials/\w+-0000\d.parquet: No space left on device"):
        Run(spec, store, 4, Inline(), Fill()).complete()
    assert 0 < len(store.trials()) < len(expected)
    with pytest.raises(InputError, match="cannot write to the study"):
        store.require_writable()
    (tiny_disk / "filler").unlink()
    store.require_writable()
    pd.testing.assert_frame_equal(study.run(store), expected, check_exact=True)


def test_a_disk_too_small_for_the_plan_is_told_before_anything_is_trained(tiny_disk):
    calls = []

    def counted(lrs, seed):
        calls.append(seed)
        return 1.0

    with pytest.raises(
        InputError, match=r"disk/study: the study needs about 4\.\d MB more, and its disk has"
    ):
        lrshape.search(SPEC, train=counted, steps=6, out=tiny_disk / "study")
    assert calls == []
    assert not Store.exists(tiny_disk / "study")


def test_a_disk_that_became_read_only(study, spec, tiny_disk):
    store = Store.create(tiny_disk / "study", {"chunk_size": 4, "spec": spec.document()})
    rows = study.run(store)
    remount = ["mount", "-o", "remount,ro", str(tiny_disk)]
    subprocess.run(remount, check=True, capture_output=True)
    with pytest.raises(InputError, match=r"cannot write to the study .*: Read-only file system"):
        store.require_writable()
    assert len(store.trials()) == len(rows)
    with pytest.raises(StoreError, match="Read-only file system"):
        store.write("screen-00900", store.read("screen-00000"))


def test_the_estimate_is_near_the_truth(study, spec):
    store = study.create("sized")
    rows = study.run(store)
    plan = Plan(spec)
    assert plan.trials == rows["phase"].value_counts().to_dict()
    size = sum(file.stat().st_size for file in (store.path / "trials").iterdir())
    assert size < plan.bytes(4) - plan.bytes(4, stored=10**6) < 4 * size


DYING = """
import os, sys
from lrshape.store import Store
store = Store(sys.argv[1])
table = store.read("screen-00000").assign(phase="seeds")
left = int(sys.argv[2])
names = ("open", "write", "fsync", "close", "link", "unlink")
def dying(function):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return function(*args, **kwargs)
    return call
at = left
while True:
    child = os.fork()
    if child == 0:
        left = at
        for name in names:
            setattr(os, name, dying(getattr(os, name)))
        store.write(f"seeds-{at:05d}", table)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 0:
        print(at)
        break
    at += 1
"""


def test_real_processes_that_die_at_every_operation(study, spec):
    store = study.create("dying")
    study.run(store)
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(store.path), "0"],
        capture_output=True, text=True, check=True, timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    deaths = int(done.stdout)
    assert deaths >= 8
    again = Store(store.path)
    there = [name for name in again.chunks() if name.startswith("seeds-")]
    assert f"seeds-{deaths:05d}" in there
    assert 1 < len(there) < deaths  # before the link nothing is there, after it all is
    for name in there:
        again.read(name)
