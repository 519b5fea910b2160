"""Files that users give and that are none: nothing is waited for."""

import os

import pytest

from lrshape.errors import InputError
from lrshape.shapes.schedule_file import read_schedule
from lrshape.study.initial_shapes import read_initial_shapes
from lrshape.study.spec import read_spec

READERS = {
    "spec.toml": read_spec,
    "curve.csv": read_schedule,
    "curve.json": read_schedule,
    "curve.npy": read_schedule,
    "log.csv": lambda path: read_initial_shapes(path, ["rex"]),
}


@pytest.mark.parametrize("name", READERS)
def test_a_named_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: must be a file, got a named pipe"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
def test_an_endless_device_is_not_read(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"{name}: must be a file, got a device"):
        READERS[name](tmp_path / name)


def test_a_pipe_of_the_shell_is_a_file():
    reading, writing = os.pipe()
    os.write(writing, b'name = "piped"')
    os.close(writing)
    assert read_spec(f"/dev/fd/{reading}") == {"name": "piped"}
    os.close(reading)
