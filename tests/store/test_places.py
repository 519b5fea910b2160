"""What holds wherever a study is: on a disk, in memory, in an object store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.store import Store, Url, local, locate, merge
from lrshape.store.places import place_at
from lrshape.study.verification import verify


@pytest.fixture
def there(folder, document):
    return Store.create(f"{folder}/study", document)


def test_chunks_are_written_once_and_read_back(there, folder, table, make_table, document):
    assert there.chunks() == []
    assert there.write("screen-00000", table) is True
    assert there.write("screen-00000", make_table(first=100)) is False
    there.write("confirm-00000", make_table(phase="confirm"))
    again = Store(f"{folder}/study")
    assert again.document == there.document
    assert again.chunks() == ["screen-00000", "confirm-00000"]
    pd.testing.assert_frame_equal(again.read("screen-00000"), table)
    assert len(again.trials()) == 2 * len(table)
    assert Store.create(f"{folder}/study", document).chunks() == again.chunks()


def test_two_runs_may_set_the_same_chunk_aside(there, table):
    there.write("screen-00000", table)
    there.set_aside("screen-00000", "a test")
    there.set_aside("screen-00000", "a test")
    assert there.place.names("damaged") == ["screen-00000.parquet"]


def test_damage_is_set_aside_and_nothing_overwritten(there, table, caplog):
    for _ in range(3):
        assert there.write("screen-00000", table)
        data = there.place.read("trials/screen-00000.parquet")
        there.place.replace("trials/screen-00000.parquet", data[:-1])
        caplog.clear()
        assert there.trials().empty
        assert "will be recomputed if it is needed: " in caplog.text
        assert there.chunks() == []
    assert sorted(there.place.names("damaged")) == [
        "screen-00000.1.parquet", "screen-00000.2.parquet", "screen-00000.parquet",
    ]  # fmt: skip


def test_what_is_no_study_is_told(folder, document):
    assert not Store.exists(f"{folder}/study")
    with pytest.raises(InputError, match=r"there is no study in .*study"):
        Store(f"{folder}/study")
    place_at(locate(f"{folder}/other")).prepare("")
    place_at(locate(f"{folder}/other")).replace("thesis.tex", b"mine")
    with pytest.raises(InputError, match=r"not empty .* thesis\.tex"):
        Store.create(f"{folder}/other", document)


def test_another_study_is_refused(there, folder, document):
    with pytest.raises(InputError, match="another study"):
        Store.create(f"{folder}/study", document | {"spec": {"name": "other"}})


def test_probing_leaves_nothing(there):
    there.require_writable()
    assert there.place.names("trials") == []


def test_of_many_writers_one_wins(there, folder, table):
    tables = [table.assign(wall_time=float(i)) for i in range(6)]
    stores = [Store(f"{folder}/study") for _ in tables]

    def write(i):
        return [(c, i) for c in range(4) if stores[i].write(f"screen-{c:05d}", tables[i])]

    with ThreadPoolExecutor(len(tables)) as pool:
        won = [pair for pairs in pool.map(write, range(len(tables))) for pair in pairs]
    assert sorted(chunk for chunk, _ in won) == [0, 1, 2, 3]
    for chunk, i in won:
        pd.testing.assert_frame_equal(there.read(f"screen-{chunk:05d}"), tables[i])


def test_a_study_is_checked_and_joined(there, folder, make_table):
    for number in range(4):
        there.write(f"screen-{number:05d}", make_table(first=100 * number))
    before = there.trials()
    assert (verify(there).chunks, verify(there).trials) == (4, len(before))
    joined, (gave,) = merge(f"{folder}/joined", [f"{folder}/study"])
    assert gave.taken == 4
    pd.testing.assert_frame_equal(joined.trials(), before)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty name"),
        ("s3:/bucket/study", "as text with ://"),
        ("simplecache::s3://bucket/study", "not chained"),
        ("s3://bucket/a::b", "not chained"),
        (Path("s3://bucket/study"), "as text with ://"),
        ("file://study", "is a path on this machine, .* got 'file://study'"),
        ("file://", "is a path on this machine"),
        ("file:///data/a#b", "%23"),
        ("file:///data/a?b", "%3F"),
    ],
)
def test_addresses_that_are_none(text, rule):
    with pytest.raises(InputError, match=rule):
        locate(text)


def test_addresses():
    assert locate("a/b") == Path("a/b")
    assert locate("C:/study") == Path("C:/study")
    assert locate("file:///data/my%20study") == Path("/data/my study")
    assert locate("file://localhost/data/a%2520b") == Path("/data/a%20b")
    url = locate("s3://bucket/study/")
    assert isinstance(url, Url)
    assert url == "s3://bucket/study"
    assert (url / "tables" / "a.csv", url.name) == ("s3://bucket/study/tables/a.csv", "study")
    assert local("a", "--out") == Path("a")
    assert local("file:///data/my%20study", "--out") == Path("/data/my study")
    for given in ("s3://bucket/x", Path("s3://bucket/x"), Path("file://study")):
        with pytest.raises(InputError, match="--out must be local, got"):
            local(given, "--out")


@pytest.mark.parametrize("url", ["nothing://bucket/study", "memory://"])
def test_urls_that_lead_nowhere(url, document):
    pytest.importorskip("fsspec")
    with pytest.raises(InputError, match="URL") as caught:
        Store.create(url, document)
    assert "\n" not in str(caught.value)
