import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.store import DamagedChunk, Store, chunk_file
from lrshape.store import table as trial_table


@pytest.fixture
def file(store, table):
    store.write("screen-00000", table)
    return store.path / "trials" / "screen-00000.parquet"


def test_every_truncation_is_detected(store, file):
    data = file.read_bytes()
    for length in {0, 1, 4, len(data) // 2, *np.linspace(5, len(data) - 1, 100).astype(int)}:
        file.write_bytes(data[:length])
        with pytest.raises(DamagedChunk, match="screen-00000"):
            store.read("screen-00000")


def test_a_flip_of_any_byte_is_detected(table):
    data = chunk_file.encode(table, "screen-00000", "a")
    chunk_file.decode(data, "screen-00000", "a")
    for offset in range(len(data)):
        damaged = bytearray(data)
        damaged[offset] ^= 1 << offset % 8
        with pytest.raises(DamagedChunk):
            chunk_file.decode(bytes(damaged), "screen-00000", "a")


DATA = chunk_file.encode(
    pd.DataFrame(
        {
            "phase": ["screen"], "shape": "s", "family": "f", "params": "{}", "base_lr": 0.1,
            "hyperparameters": "{}", "seed": 0,
            "final/loss": 1.0, "status": "ok", "first_bad_step": -1, "message": "", "wall_time": 0.5,
        }
    ),
    "screen-00000",
    "a",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_is_detected(data):
    start = data.draw(st.integers(0, len(DATA)))
    stop = data.draw(st.integers(start, len(DATA)))
    changed = DATA[:start] + data.draw(st.binary(max_size=40)) + DATA[stop:]
    if changed != DATA:
        with pytest.raises(DamagedChunk):
            chunk_file.decode(changed, "screen-00000", "a")


def test_garbage_and_plain_parquet_are_no_chunks(store, file, table):
    for content in (b"PAR1" * 100, np.random.default_rng(0).bytes(5000)):
        file.write_bytes(content)
        with pytest.raises(DamagedChunk):
            store.read("screen-00000")
    pq.write_table(pa.Table.from_pandas(table), file)
    with pytest.raises(DamagedChunk):
        store.read("screen-00000")


def test_a_chunk_under_another_name_is_detected(store, file):
    file.rename(file.with_name("screen-00001.parquet"))
    with pytest.raises(DamagedChunk, match="its chunk is 'screen-00000' and should be 'screen-00001'"):
        store.read("screen-00001")


def test_a_chunk_of_another_study_is_detected(store, file, document, tmp_path):
    other = Store.create(tmp_path / "other", document | {"spec": {"name": "other"}})
    (other.path / "trials" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DamagedChunk, match="its study is"):
        other.read("screen-00000")


def test_a_sealed_file_with_other_columns_is_detected(monkeypatch, table):
    with monkeypatch.context() as patch:
        patch.setitem(trial_table._AFTER, "wall_time", pa.float32())
        data = chunk_file.encode(table, "screen-00000", "a")
    with pytest.raises(DamagedChunk, match="columns"):
        chunk_file.decode(data, "screen-00000", "a")


def test_a_sealed_file_of_another_format_is_detected(monkeypatch, table):
    with monkeypatch.context() as patch:
        patch.setattr(chunk_file, "CHUNK_FORMAT", "2")
        data = chunk_file.encode(table, "screen-00000", "a")
    with pytest.raises(DamagedChunk, match="its format is '2'"):
        chunk_file.decode(data, "screen-00000", "a")


def test_texts_that_look_like_the_seal_do_no_harm(table):
    seal = "lrshape.sha256\x18@" + "0" * 64
    data = chunk_file.encode(table.assign(message=seal, shape=seal), "screen-00000", seal)
    assert chunk_file.decode(data, "screen-00000", seal).column("message").to_pylist() == [seal] * len(table)
    with pytest.raises(DamagedChunk):
        chunk_file.decode(data.replace(b"diverged", b"Diverged"), "screen-00000", seal)
