import os
import re
import secrets
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from lrshape.loss_curve import LossCurve
from lrshape.store import Store

DOCUMENT = {"spec": {"name": "test"}}


def make_table(rows=12, phase="screen", first=0):
    generator = np.random.default_rng(first)
    index = np.arange(first, first + rows)
    loss = generator.random(rows)
    loss[::5] = np.inf
    loss[1::5] = -0.0
    return pd.DataFrame(
        {
            "phase": phase,
            "shape": [f"rex-{i // 4:04d}" for i in index],
            "family": "rex",
            "params": [f'{{"beta": {i // 4}.5}}' for i in index],
            "base_lr": np.logspace(-3, 0, 2)[index // 2 % 2],
            "hyperparameters": "{}",
            "seed": index % 2,
            "final/train_loss": loss,
            "final/test_error": np.where(index % 7 == 3, np.nan, loss),
            "status": np.where(np.isfinite(loss), "ok", "diverged"),
            "first_bad_step": np.where(np.isfinite(loss), -1, 17),
            "message": ["", 'Zürich, "quoted"\n\x00', "=1+1"] * (rows // 3) + [""] * (rows % 3),
            "wall_time": generator.random(rows),
        }
    )


@pytest.fixture(name="make_table")
def _make_table():
    return make_table


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def document():
    return dict(DOCUMENT)


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "study", DOCUMENT)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """The address of an S3 server of our own on loopback."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    log = tmp_path_factory.mktemp("s3") / "log"  # a pipe would fill, and stop the server
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    found = None
    for _ in range(600):
        found = re.search(r"Running on (http://\S+)", log.read_text())
        if found:
            break
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    assert found, log.read_text()
    yield found[1]
    process.kill()
    process.wait()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The URL of an empty folder in a bucket; the environment leads child processes there, too."""
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"bucket-{secrets.token_hex(4)}"
    s3fs.S3FileSystem().mkdir(bucket)
    yield f"s3://{bucket}/folder"
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def memory():
    """The URL of an empty folder in fsspec's own store in memory."""
    pytest.importorskip("fsspec")
    return f"memory://{secrets.token_hex(4)}"


@pytest.fixture(params=["local", "memory", "s3"])
def folder(request, tmp_path):
    """Where a study may go: a directory, and URLs of object stores."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue(request.param)


@pytest.fixture
def with_curves(make_table):
    """``with_curves(first)``: a table of twelve trials, of which every third one has no loss curve."""

    def curved(first=0):
        table = make_table(first=first)
        table["curve"] = pd.Series(
            [make_curve(i) if i % 3 else None for i in range(len(table))], dtype=object
        )
        return table

    return curved


def make_curve(points):
    step = np.arange(1, points + 1, dtype=np.int32) * 10
    train = (1 / step).astype(np.float32)
    return LossCurve(step, train, np.where(step % 20 == 0, train + 1, np.nan).astype(np.float32))
