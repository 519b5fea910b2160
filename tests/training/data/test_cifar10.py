"""The binary version of CIFAR-10: right, wrong and real files."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.data import cifar10

RECORDS = 4


@pytest.fixture
def folder(tmp_path):
    """The six files with four records each."""
    random = np.random.default_rng(0)
    (tmp_path / cifar10.FOLDER).mkdir()
    for name in [name for names in cifar10.FILES.values() for name in names]:
        table = random.integers(0, 256, (RECORDS, cifar10.RECORD_BYTES), dtype=np.uint8)
        table[:, 0] %= 10
        table.tofile(tmp_path / cifar10.FOLDER / name)
    return tmp_path / cifar10.FOLDER


def test_pixels_and_labels_are_those_of_the_records(folder):
    for data_dir in (folder, folder.parent):
        sets = cifar10.load(str(data_dir), RECORDS)
    record = np.fromfile(folder / "data_batch_2.bin", np.uint8)[: cifar10.RECORD_BYTES]
    images, labels = sets["train"]
    assert images.shape == (5 * RECORDS, 3, 32, 32)
    assert images.dtype == np.uint8
    assert labels[RECORDS] == record[0]
    assert images[RECORDS, 1, 2, 3] == record[1 + 1024 + 2 * 32 + 3]
    assert sets["test"][0].shape == (RECORDS, 3, 32, 32)
    assert sets["test"][1].dtype == np.int32


def test_the_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("LRSHAPE_DATA", str(folder.parent))
    assert cifar10.find(None) == folder


def damage(file, change):
    table = np.fromfile(file, np.uint8).reshape(-1, cifar10.RECORD_BYTES)
    change(table).tofile(file)


def wrong_label(table):
    table[2, 0] = 10
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.reshape(-1)[:-100],
            r"data_batch_3.bin: must have 12,292 bytes \(4 images\), got 12,192",
        ),
        (lambda table: np.vstack([table, table[:1]]), r"must have 12,292 bytes \(4 images\), got 15,365"),
        (lambda table: table[:0], "got 0"),
        (wrong_label, "data_batch_3.bin: labels must be 0 to 9, got 10 in record 3"),
    ],
    ids=["truncated", "too long", "empty", "label"],
)
def test_a_damaged_file_is_named(folder, change, message):
    damage(folder / "data_batch_3.bin", change)
    with pytest.raises(InputError, match=message):
        cifar10.load(str(folder), RECORDS)


def test_a_missing_file_is_named(folder):
    (folder / "test_batch.bin").unlink()
    with pytest.raises(InputError, match=r"test_batch.bin: cannot be read: No such file"):
        cifar10.load(str(folder), RECORDS)


def test_a_folder_without_it_is_an_error(tmp_path):
    with pytest.raises(
        InputError, match=r"workload.data_dir must hold CIFAR-10's binary version .* does not"
    ):
        cifar10.load(str(tmp_path))


def test_offline_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LRSHAPE_DATA", str(tmp_path))  # other data sets only
    monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/cifar-10-binary.tar.gz")
    with pytest.raises(InputError, match=r"cannot be downloaded: .*workload.data_dir or \$LRSHAPE_DATA"):
        cifar10.load(None)


def test_the_real_data(real_data):
    sets = cifar10.load(str(real_data))
    assert sets["train"][0].shape == (50_000, 3, 32, 32)
    for split, count in (("train", 5000), ("test", 1000)):
        assert np.bincount(sets[split][1]).tolist() == [count] * 10
    np.testing.assert_allclose(sets["train"][0].mean((0, 2, 3)) / 255, [0.4914, 0.4822, 0.4465], atol=2e-3)
