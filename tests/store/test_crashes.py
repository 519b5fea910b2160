"""Disks that refuse and processes that die, at every operation on files."""

import errno
import os
import subprocess
import sys
import time

import pandas as pd
import pytest

from lrshape import files
from lrshape.errors import InputError
from lrshape.store import Store, StoreError
from lrshape.store.places import LocalPlace

OPERATIONS = ("open", "write", "fsync", "close", "link")


class Crash(BaseException):
    """The process is dead."""


class Disk:
    """Counts operations on files; from one of them on, all fail ("crash"), or only that one does."""

    def __init__(self, patch, fails_at, error, crash=False):
        self.count, self.fails_at, self.error, self.crash = 0, fails_at, error, crash
        for name in (*OPERATIONS, "unlink", "rename", "mkdir"):
            patch.setattr(os, name, self._wrap(getattr(os, name), counted=name in OPERATIONS))

    def _wrap(self, function, counted):
        def wrapped(*args, **kwargs):
            if counted:
                self.count += 1
            if self.crash and self.count > self.fails_at:
                raise Crash
            if counted and self.count == self.fails_at + 1:
                raise OSError(self.error, os.strerror(self.error))
            return function(*args, **kwargs)

        return wrapped


def operations(monkeypatch, act):
    """How many operations ``act`` takes."""
    with monkeypatch.context() as patch:
        disk = Disk(patch, 10**9, 0)
        act()
    return disk.count


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_leaves_no_torn_chunk(store, table, make_table, monkeypatch, error):
    store.write("screen-00000", table)
    later = make_table(first=100)
    total = operations(monkeypatch, lambda: store.write("screen-00001", later))
    assert total >= 8
    for fails_at in range(total):
        name = f"screen-{fails_at + 2:05d}"
        with monkeypatch.context() as patch:
            Disk(patch, fails_at, error)
            with pytest.raises(StoreError, match=os.strerror(error)) as caught:
                store.write(name, later)
        assert caught.value.errno == error
        assert str(store.path / "trials" / name) in str(caught.value)
        existed = name in store.chunks()  # then only the durability of its name is in doubt
        if existed:
            pd.testing.assert_frame_equal(store.read(name), later)
        assert store.write(name, later) is not existed
        pd.testing.assert_frame_equal(store.read(name), later)
        pd.testing.assert_frame_equal(store.read("screen-00000"), table)


def test_a_crash_at_any_moment_leaves_whole_chunks(store, table, monkeypatch):
    total = operations(monkeypatch, lambda: store.write("screen-00000", table))
    complete = 0
    for fails_at in range(total):
        name = f"screen-{fails_at + 1:05d}"
        with monkeypatch.context() as patch:
            Disk(patch, fails_at, 0, crash=True)
            with pytest.raises(Crash):
                store.write(name, table)
        again = Store(store.path)
        existed = name in again.chunks()
        complete += existed
        assert again.write(name, table) is not existed
        pd.testing.assert_frame_equal(again.read(name), table)
    assert 0 < complete < total
    assert len(store.trials()) == (total + 1) * len(table)


def test_a_crash_while_creating_is_no_obstacle(tmp_path, document, monkeypatch):
    total = operations(monkeypatch, lambda: Store.create(tmp_path / "first", document))
    for fails_at in range(total):
        path = tmp_path / str(fails_at)
        with monkeypatch.context() as patch:
            Disk(patch, fails_at, 0, crash=True)
            with pytest.raises(Crash):
                Store.create(path, document)
        assert {**document, "format": 1}.items() <= Store.create(path, document).document.items()


def test_a_disk_that_refuses_a_new_study_is_bad_input(tmp_path, document, monkeypatch):
    total = operations(monkeypatch, lambda: Store.create(tmp_path / "first", document))
    failures = 0
    for fails_at in range(total):
        path = tmp_path / str(fails_at)
        with monkeypatch.context() as patch:
            Disk(patch, fails_at, errno.ENOSPC)
            with pytest.raises(InputError, match=r"No space left on device") as caught:
                Store.create(path, document)
            failures += 1
        assert str(path) in str(caught.value)
        assert Store.create(path, document).chunks() == []
    assert failures == total


def test_a_directory_is_claimed_though_a_full_disk_refused_to_be_tried(tmp_path, document, monkeypatch):
    """What a failed probe leaves, if anything, is no obstacle."""
    place = LocalPlace(tmp_path / "first")
    place.prepare("trials")
    for fails_at in range(operations(monkeypatch, lambda: place.probe("trials"))):
        path = tmp_path / str(fails_at)
        LocalPlace(path).prepare("trials")
        with monkeypatch.context() as patch:
            Disk(patch, fails_at, errno.ENOSPC)
            with pytest.raises(OSError, match="No space left on device"):
                LocalPlace(path).probe("trials")
        assert os.listdir(path / "trials") == []  # noqa: PTH208
        (path / "trials" / ".probe.0123456789abcdef.tmp").touch()  # of a process that was killed
        assert Store.create(path, document).chunks() == []


def test_a_disk_without_hard_links(store, table, monkeypatch):
    def no_link(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_link)
    assert store.write("screen-00000", table) is True
    assert store.write("screen-00000", table) is False
    pd.testing.assert_frame_equal(store.read("screen-00000"), table)
    for _ in range(2):
        store.set_aside("screen-00000", "a test")
        assert store.write("screen-00000", table) is True
    assert len(list((store.path / "damaged").iterdir())) == 2


def test_a_disk_that_cannot_flush_directories(store, table, monkeypatch):
    fsync = os.fsync

    def only_files(descriptor):
        if not os.path.isfile(f"/proc/self/fd/{descriptor}"):  # noqa: PTH113
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    assert store.write("screen-00000", table) is True


def test_short_writes_are_continued(store, table, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:100]))
    store.write("screen-00000", table)
    pd.testing.assert_frame_equal(store.read("screen-00000"), table)


def test_only_old_temporary_files_are_removed(store):
    old, new, foreign = (
        store.path / "trials" / name
        for name in (
            ".screen-00000.parquet.0123456789abcdef.tmp",
            ".screen-00000.parquet.0123456789abcde0.tmp",
            "mine.tmp",
        )
    )
    for file in (old, new, foreign):
        file.touch()
    day_ago = time.time() - files.STALE_SECONDS - 1
    for file in (old, foreign):
        os.utime(file, (day_ago, day_ago))
    Store(store.path)
    assert old.exists()  # reading changes nothing
    store.require_writable()
    assert not old.exists()
    assert new.exists()
    assert foreign.exists()


def test_a_chunk_that_cannot_be_read_is_not_called_damaged(store, table):
    (store.path / "trials" / "screen-00000.parquet").mkdir()
    with pytest.raises(StoreError, match="directory"):
        store.trials()


FULL = """
import resource, sys
from lrshape.store import Store, StoreError
store = Store(sys.argv[1])
table = store.read("screen-00000")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.write("screen-00001", table)
except StoreError as error:
    print(error)
"""


def test_a_file_that_the_system_cuts_off(store, table):
    store.write("screen-00000", table)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store.path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert "screen-00001.parquet: File too large" in done.stdout
    assert [p.name for p in (store.path / "trials").iterdir()] == ["screen-00000.parquet"]
