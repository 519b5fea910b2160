import errno
import os
import threading

import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.store import DamagedChunk, Store, StoreError, compact

COUNT = 5
OPERATIONS = ("open", "write", "fsync", "close", "link", "unlink", "replace")


@pytest.fixture
def filled(store, make_table):
    for number in range(COUNT):
        store.write(f"screen-{number:05d}", make_table(first=100 * number))
    store.write("confirm-00000", make_table(phase="confirm").drop(columns="final/test_error"))
    return store


def files(store):
    return sorted(path.name for path in (store.path / "trainings").iterdir())


def test_everything_reads_the_same(filled):
    chunks, before = filled.chunks(), filled.trainings()
    each = {name: filled.read(name) for name in chunks}
    done = compact(filled)
    assert (done.before, done.after, done.chunks, done.trainings) == (6, 2, 6, len(before))
    assert files(filled) == ["confirm-00000.parquet", "screen-00000-00004.parquet"]
    for store in (filled, Store.open(filled.path)):
        assert store.chunks() == chunks
        pd.testing.assert_frame_equal(store.trainings(), before, check_exact=True)
        assert store.trainings(["confirm"])["seed"].tolist() == before["seed"].tolist()[-12:]
        for name, table in each.items():
            pd.testing.assert_frame_equal(store.read(name), table, check_exact=True)
    assert filled.document["format"] == Store.open(filled.path).document["format"] == 2


def test_a_chunk_in_a_pack_is_not_written_again(filled, make_table):
    compact(filled)
    assert Store.open(filled.path).write("screen-00002", make_table(first=200)) is False
    assert Store.open(filled.path).write("screen-00005", make_table(first=500)) is True


def test_doing_it_again_changes_nothing_and_what_came_later_is_joined(filled, make_table):
    compact(filled)
    before = files(filled)
    assert compact(filled).after == 2
    assert files(filled) == before
    filled.write("screen-00005", make_table(first=500))
    table = filled.trainings()
    compact(filled)
    assert files(filled) == ["confirm-00000.parquet", "screen-00000-00005.parquet"]
    pd.testing.assert_frame_equal(filled.trainings(), table, check_exact=True)


def test_packs_have_a_size_and_break_where_numbers_or_columns_do(filled, make_table):
    (filled.path / "trainings" / "screen-00002.parquet").unlink()
    filled.write("screen-00005", make_table(first=500).drop(columns="final/test_error"))
    filled.write("screen-00006", make_table(first=600).drop(columns="final/test_error"))
    table = filled.trainings()
    compact(filled, rows=24)
    assert files(filled) == [
        "confirm-00000.parquet", "screen-00000-00001.parquet", "screen-00003-00004.parquet",
        "screen-00005-00006.parquet",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(filled.trainings(), table, check_exact=True)


def test_a_chunk_of_a_pack_is_set_aside_and_the_others_stay(filled):
    before = {name: filled.read(name) for name in filled.chunks()}
    compact(filled)
    filled.set_aside("screen-00002", "a test")
    left = [name for name in before if name != "screen-00002"]
    assert Store.open(filled.path).chunks() == left
    for name in left:
        pd.testing.assert_frame_equal(filled.read(name), before[name], check_exact=True)
    with pytest.raises(FileNotFoundError):
        filled.read("screen-00002")


def test_a_damaged_pack_is_detected_and_all_its_chunks_are_computed_again(filled):
    compact(filled)
    file = filled.path / "trainings" / "screen-00000-00004.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    again = Store.open(filled.path)
    with pytest.raises(DamagedChunk, match=r"screen-00001 is damaged: its pack screen-00000-00004 is"):
        again.read("screen-00001")
    assert set(again.trainings()["phase"]) == {"confirm"}
    assert again.chunks() == ["confirm-00000"]


def test_a_pack_under_another_name_is_no_pack(filled):
    compact(filled)
    file = filled.path / "trainings" / "screen-00000-00004.parquet"
    for name in ("screen-00001-00005", "screen-00000-00003", "rescore-00000-00004"):
        file = file.rename(file.with_name(f"{name}.parquet"))
        with pytest.raises(DamagedChunk, match="should be"):
            Store.open(filled.path).tables(name)
    file.rename(file.with_name("screen-00004-00000.parquet"))
    assert Store.open(filled.path).chunks() == ["confirm-00000"]


def test_a_damaged_chunk_stops_it_before_anything_is_removed(filled):
    (filled.path / "trainings" / "screen-00003.parquet").write_bytes(b"")
    before = files(filled)
    with pytest.raises(InputError, match="screen-00003 is damaged"):
        compact(filled)
    assert files(filled) == before


class Dead(BaseException):
    """The process has died."""


def failing(patch, at, error):
    """From the operation ``at`` on all fail as if the process was dead, or that one does with ``error``."""
    count = 0

    def wrap(function):
        def wrapped(*args, **kwargs):
            nonlocal count
            count += 1
            if error is None and count > at:
                raise Dead
            if count == at + 1:
                raise OSError(error, os.strerror(error))
            return function(*args, **kwargs)

        return wrapped

    for name in OPERATIONS:
        patch.setattr(os, name, wrap(getattr(os, name)))
    return lambda: count


@pytest.mark.parametrize("error", [None, errno.ENOSPC, errno.EIO])
def test_stopped_at_any_operation_nothing_is_lost(filled, monkeypatch, error, make_table, tmp_path, document):
    expected = filled.trainings()
    at, stopped = 0, 0
    while True:
        store = Store.create(tmp_path / str(at), document)
        for name in filled.chunks():
            store.write(name, filled.read(name))
        with monkeypatch.context() as patch:
            operations = failing(patch, at, error)
            try:
                compact(store)
            except (Dead, StoreError):
                stopped += 1
            total = operations()
        again = Store.open(store.path)
        pd.testing.assert_frame_equal(again.trainings(), expected, check_exact=True)
        assert again.chunks() == filled.chunks()
        compact(again)
        pd.testing.assert_frame_equal(Store.open(store.path).trainings(), expected, check_exact=True)
        assert [name for name in files(again) if not name.endswith(".tmp")] == [
            "confirm-00000.parquet", "screen-00000-00004.parquet",
        ]  # fmt: skip
        if total <= at:
            break
        at += 1
    assert stopped > 15


def test_readers_see_all_rows_while_it_goes_on(filled):
    expected = filled.trainings()
    done = threading.Event()
    seen = []

    def read():
        reader = Store.open(filled.path)
        while not done.is_set():
            seen.append(reader.trainings())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(5):
        compact(filled)
        filled.unpack("screen-00000-00004")
        (filled.path / "trainings" / "screen-00000-00004.parquet").unlink()
    done.set()
    thread.join()
    assert len(seen) > 1
    for table in seen:
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_two_compactions_at_once(filled):
    expected = filled.trainings()
    threads = [threading.Thread(target=compact, args=(Store.open(filled.path),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    compact(filled)
    assert files(filled) == ["confirm-00000.parquet", "screen-00000-00004.parquet"]
    pd.testing.assert_frame_equal(filled.trainings(), expected, check_exact=True)
