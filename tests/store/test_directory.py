import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from lrshape.errors import InputError
from lrshape.store import Store, metric_columns


def plain(trials):
    """The table with texts in place of categoricals."""
    texts = [column for column in trials.columns if trials[column].dtype == "category"]
    return trials.astype(dict.fromkeys(texts, "str"))


def test_a_chunk_comes_back_bit_for_bit(store, table):
    assert store.write("screen-00000", table) is True
    back = store.read("screen-00000")
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    for metric in metric_columns(table.columns):
        assert back[metric].to_numpy().tobytes() == table[metric].to_numpy().tobytes()  # NaN, -0.0, inf


def test_the_file_is_plain_zstd_parquet_with_checksums(store, table):
    store.write("screen-00000", table)
    file = pq.ParquetFile(store.path / "trials" / "screen-00000.parquet")
    labels = file.metadata.metadata
    assert labels[b"lrshape.study"].decode() == store.document["hash"]
    assert labels[b"lrshape.chunk"] == b"screen-00000"
    assert labels[b"lrshape.format"] == b"1"
    columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    assert {c.compression for c in columns} == {"ZSTD"}
    assert {c.path_in_schema for c in columns if c.has_dictionary_page} == {
        "phase", "shape", "family", "params", "hyperparameters", "status", "message",
    }  # fmt: skip
    assert file.schema_arrow.names == list(table.columns)


def test_two_writes_of_one_table_give_the_same_file(store, table, tmp_path, document):
    other = Store.create(tmp_path / "other", document)
    for s in (store, other):
        s.write("screen-00000", table)
    first, second = ((s.path / "trials" / "screen-00000.parquet").read_bytes() for s in (store, other))
    assert first == second


def test_no_temporary_file_stays(store, table):
    store.write("screen-00000", table)
    store.write("screen-00000", table)
    assert [p.name for p in (store.path / "trials").iterdir()] == ["screen-00000.parquet"]
    assert sorted(p.name for p in store.path.iterdir()) == ["study.json", "trials"]


def test_chunks_are_sorted_and_foreign_files_ignored(store, table, make_table):
    for name in ("confirm-00000", "screen-100000", "screen-00002", "rescore-00001"):
        store.write(name, make_table(phase=name.partition("-")[0]))
    trials = store.path / "trials"
    for name in (".screen-00003.parquet.0123456789abcdef.tmp", "notes.txt", "old_00001.parquet", "x.parquet"):
        (trials / name).write_bytes(b"x")
    assert store.chunks() == ["screen-00002", "screen-100000", "rescore-00001", "confirm-00000"]
    assert len(store.trials()) == 4 * len(table)


def test_trials_are_sorted_whatever_the_chunks(store, make_table, tmp_path, document):
    screen, rescore, confirm = (make_table(24, phase) for phase in ("screen", "rescore", "confirm"))
    shuffled = screen.sample(frac=1, random_state=0)
    store.write("confirm-00000", confirm)
    store.write("rescore-00000", rescore)
    store.write("screen-00001", shuffled[:10])
    store.write("screen-00000", shuffled[10:])
    other = Store.create(tmp_path / "other", document)
    for table in (screen, rescore, confirm):
        other.write(f"{table['phase'].iloc[0]}-00000", table)
    together = store.trials()
    pd.testing.assert_frame_equal(together, other.trials(), check_exact=True)
    keys = list(zip(*(together[c] for c in ("shape", "base_lr", "seed")), strict=True))
    assert together["phase"].tolist() == ["screen"] * 24 + ["rescore"] * 24 + ["confirm"] * 24
    assert all(keys[i : i + 24] == sorted(keys[i : i + 24]) for i in (0, 24, 48))
    assert store.trials(["confirm"])["phase"].unique().tolist() == ["confirm"]


def test_an_empty_study_has_an_empty_table_of_the_right_types(store, table):
    empty = store.trials()
    assert len(empty) == 0
    assert metric_columns(empty.columns) == []
    full = table.drop(columns=metric_columns(table.columns))
    pd.testing.assert_series_equal(plain(empty).dtypes, full.dtypes)


def test_a_metric_that_a_chunk_lacks_is_nan(store, make_table):
    store.write("screen-00000", make_table().drop(columns="final/test_error"))
    store.write("screen-00001", make_table(first=100))
    together = store.trials()
    assert list(together.columns) == list(make_table().columns)
    assert together["final/test_error"][:12].isna().all()


def test_a_study_that_cannot_be_changed_is_read_all_the_same(store, table, make_table, caplog):
    store.write("screen-00000", table)
    (store.path / "trials" / "screen-00001.parquet").write_bytes(b"")
    (store.path / "damaged").write_bytes(b"a file is in the way")
    pd.testing.assert_frame_equal(plain(store.trials()), table)
    assert "cannot move it" in caplog.text
    assert store.chunks() == ["screen-00000", "screen-00001"]


@pytest.mark.parametrize("name", ["screen", "screen-1", "warm up-00000", "../screen-00000", "screen-00000.x"])
def test_names_are_checked(store, table, name):
    for call in (store.read, lambda n: store.write(n, table), lambda n: store.set_aside(n, "")):
        with pytest.raises(ValueError, match="chunk's name"):
            call(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop(columns="seed"),
        lambda t: t[list(reversed(t.columns))],
        lambda t: t.assign(phase="rescore"),
        lambda t: t.assign(message=None),
        lambda t: t.assign(seed=0.5),
        lambda t: t.assign(seed="one"),
        lambda t: t.assign(base_lr="fast"),
        lambda t: t.assign(params=[{}] * len(t)),
    ],
)
def test_tables_that_are_none_are_refused(store, table, change):
    with pytest.raises(ValueError, match="trials"):
        store.write("screen-00000", change(table))
    assert store.chunks() == []


def test_text_without_utf8_is_stored_escaped(store, table):
    message = pd.Series(["bad \udcff byte"] * len(table), dtype=object)
    store.write("screen-00000", table.assign(message=message))
    assert store.read("screen-00000")["message"][0] == "bad \\udcff byte"


def test_create_opens_the_same_study_and_refuses_another(store, document):
    assert Store.create(store.path, document).document == store.document
    with pytest.raises(InputError, match="another study"):
        Store.create(store.path, document | {"spec": {"name": "other"}})
    assert Store(store.path).document == store.document
    assert {**document, "format": 1}.items() <= store.document.items()


def test_a_store_stays_where_it_is_when_the_current_directory_changes(store, table, tmp_path, monkeypatch):
    store.write("screen-00000", table)
    monkeypatch.chdir(store.path.parent)
    relative = Store(store.path.name)
    monkeypatch.chdir(tmp_path.parent)
    assert relative.chunks() == ["screen-00000"]
    assert len(relative.trials()) == len(table)


def test_create_makes_parents_and_takes_an_empty_directory(tmp_path, document):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a" / "b", tmp_path / "empty"):
        assert not Store.exists(path)
        assert Store.create(str(path), document).chunks() == []
        assert Store.exists(path)


def test_create_refuses_what_is_no_study(tmp_path, document):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"not empty .* thesis\.tex"):
        Store.create(tmp_path, document)
    with pytest.raises(InputError, match="got the file"):
        Store.create(tmp_path / "thesis.tex", document)
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "data").touch()
    (tmp_path / "thesis.tex").unlink()
    with pytest.raises(InputError, match="not empty"):
        Store.create(tmp_path, document)
    assert [p.name for p in tmp_path.iterdir()] == ["trials"]


def test_a_study_that_became_unwritable_is_noticed(store):
    store.require_writable()
    (store.path / "trials").rmdir()
    (store.path / "trials").touch()
    with pytest.raises(InputError, match="cannot write to the study"):
        store.require_writable()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is not a valid study document"),
        ('{"format": 1, "hash": "a', "is not a valid study document"),
        ("\xff", "is not a valid study document"),
        ("[" * 100_000, "is not a valid study document"),
        ("[1]", "JSON object"),
        ('{"hash": "a"}', "format"),
        ('{"format": true, "hash": "a"}', "format"),
        ('{"format": 2, "hash": "a"}', "format must be 1, got 2"),
        ('{"format": 1}', "hash"),
    ],
)
def test_open_refuses_a_document_that_it_cannot_read(store, document, text, rule):
    (store.path / "study.json").write_text(text, "latin-1")
    with pytest.raises(InputError, match=rule) as caught:
        Store(store.path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=rule):
        Store.create(store.path, document)


def test_the_directory_of_a_sweep_is_told_as_such(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(InputError, match=r"there is no study in .*: it holds a sweep, whose studies are in"):
        Store(tmp_path)


def test_open_needs_a_study(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(InputError, match="no study in"):
            Store(path)


def test_read_of_a_missing_chunk(store):
    with pytest.raises(FileNotFoundError):
        store.read("screen-00000")


def test_a_document_is_readable_json(store):
    text = (store.path / "study.json").read_text()
    assert json.loads(text) == store.document
    assert text.startswith('{\n  "format": 1,\n')


def test_a_numpy_backed_table_is_stored_too(store, table):
    objects = table.astype(dict.fromkeys(("phase", "shape", "message"), object)).astype({"seed": np.int32})
    store.write("screen-00000", objects)
    pd.testing.assert_frame_equal(store.read("screen-00000"), table)


def test_another_run_may_create_the_study_first(store, table, document, monkeypatch):
    store.write("screen-00000", table)
    monkeypatch.setattr(Store, "exists", lambda path: False)  # as it was when this run looked
    assert Store.create(store.path, document).chunks() == ["screen-00000"]
