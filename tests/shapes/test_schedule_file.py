"""Files read back; files that are no schedules."""

import codecs
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.frameworks import EXPORTERS, export
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=300).filter(any))
def test_any_learning_rates_become_a_table(lrs):
    found = Schedule.from_values(lrs).values()
    np.testing.assert_allclose(found, lrs, rtol=1e-9, atol=1e-9 * max(lrs))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1\n0.2\n0.05\n", [0.1, 0.2, 0.05]),
        ("lr\n0.1\n0.2\n", [0.1, 0.2]),
        ("step,lr\n0,0.1\n1,0.2\n", [0.1, 0.2]),
        ("0,0.1\r\n1,0.2\r\n\r\n", [0.1, 0.2]),
        ("step,lr\n0,0.1\n4,0.5\n6,0.3\n", [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3]),
        ("0.1", [0.1]),
    ],
)
def test_csv_as_others_write_it(tmp_path, text, expected):
    file = tmp_path / "lr.csv"
    file.write_text(text)
    np.testing.assert_allclose(read_schedule(file).values(), expected, rtol=1e-12)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_json_list(tmp_path, mark):
    file = tmp_path / "lr.json"
    file.write_text(f"{mark}[0.1, 0.2, 0]", "utf-8")
    np.testing.assert_allclose(read_schedule(file).values(), [0.1, 0.2, 0.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"0.1", "must end with one of .json, .csv, .npy, .py"),
        ("none.csv", None, "cannot be read: No such file"),
        ("a.csv", b"1,2,3\n", "must have the column lr, or the columns step and lr, got 3"),
        ("a.csv", b"lr\n0.1\nx\n", "the column 'lr' must hold numbers .* line 3 has 'x'"),
        ("a.csv", b"lr\n0.1\n-1\n", "must be finite and at least 0, got -1"),
        ("a.csv", b"0\n0\n", "must not all be 0"),
        ("a.csv", b"0,1\n0,1\n", "whole numbers that rise"),
        ("a.csv", b"0.5,1\n1,1\n", "a step, a whole number of at least 0"),
        ("a.csv", b"0,1\n1e12,1\n", "at most 1,000,000,000 steps"),
        ("a.json", b"", "must be valid JSON"),
        ("a.json", b"{}", "this one is missing"),
        ("a.json", b"[1, true]", "learning rates must be numbers"),
        ("a.json", b"[[1]]", "learning rates must be numbers"),
        ("a.json", b"[]", "must have shape"),
        ("a.json", b"[NaN]", "a schedule has finite numbers only, got NaN"),
        ("a.json", b'[0.1, "0.2"]', "learning rates must be numbers"),
        ("a.json", b"[" * 100_000, "must be valid JSON: brackets are nested too deeply"),
        ("a.npy", b"\x93NUMPY", "is no schedule"),
        ("a.npy", b"nonsense", "is no schedule"),
        ("a.py", b"import os\n", "has no constant SCHEDULE"),
        ("a.py", b"SCHEDULE = __import__('os').system('touch harm')\n", "numbers must be written out"),
        ("a.py", b"SCHEDULE = X\n", "numbers must be written out to be read, got X$"),
        ("a.py", b"SCHEDULE = 1\n", "a schedule must be"),
        ("a.py", b"SCHEDULE = {[1]: 2}\n", "keys must be texts"),
        ("a.py", b"SCHEDULES = {[1]: 2}\n", "keys must be texts"),
        ("a.py", b"SCHEDULE = {}\n", "this one is missing"),
        ("a.py", b"def (\n", "is no schedule"),
        ("a.py", b"\x00", "is no schedule"),
    ],
)
def test_wrong_files_are_one_line(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_schedule(file)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "array", [np.ones((2, 2)), np.array(["a"]), np.array([1j]), np.array([]), np.array(1.0)]
)
def test_arrays_that_are_no_learning_rates(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=r"a.npy: "):
        read_schedule(tmp_path / "a.npy")


def test_pickles_are_not_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="is no schedule"):
        read_schedule(tmp_path / "a.npy")


@pytest.mark.parametrize("target", ["python", "json", "csv"])
def test_a_byte_order_mark_is_no_part_of_a_schedule(tmp_path, target):
    schedule = Schedule("rex", {}, 0.1, 10)
    file = export(schedule, target, tmp_path / EXPORTERS[target].file_name())
    file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    np.testing.assert_allclose(read_schedule(file).values(), schedule.values(), rtol=1e-12)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".py"])
def test_other_encodings_are_named(tmp_path, suffix):
    file = tmp_path / f"excel{suffix}"
    for content, message in [
        ("0.1\n".encode("utf-16"), "must be UTF-8 text, got UTF-16"),
        ("größe\n0.1\n".encode("cp1252"), "must be UTF-8 text, got the byte 0xf6"),
    ]:
        file.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_schedule(file)


def test_json_is_what_the_schedule_reads(tmp_path):
    schedule = Schedule("rex", {}, 0.1, 10)
    text = export(schedule, "json", tmp_path / "s.json").read_text()
    assert Schedule.from_json(text) == schedule
    assert json.loads(text) == schedule.to_dict()
