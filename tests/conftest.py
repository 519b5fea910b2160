"""What tests of several parts need: real data, and the end of processes."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

PARTS = ("cifar-10-batches-bin", "wikitext-2")


@pytest.fixture(scope="session")
def real_data():
    """A folder with CIFAR-10's binary version and WikiText-2, as their publishers lay them out.

    ``$LRSHAPE_DATA`` if it has both; else what a script beside the repository unpacks.
    """
    given = Path(os.environ.get("LRSHAPE_DATA", "/nowhere"))
    if all((given / part).is_dir() for part in PARTS):
        return given
    script = Path(__file__).resolve().parents[2] / "shared" / "data" / "unpack.py"
    if not script.exists():
        absent = "there is no real data: set LRSHAPE_DATA to a folder with " + " and ".join(PARTS)
        if os.environ.get("LRSHAPE_REQUIRE_DATA"):
            pytest.fail(absent)
        pytest.skip(absent)
    folder = Path(tempfile.gettempdir()) / f"lrshape-data-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # test processes share it
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [sys.executable, script, folder, "cifar10", "wikitext"], check=True, capture_output=True
        )
    return folder


def _gone(process, patience=10.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def gone():
    """Tells whether a process ends within some seconds."""
    return _gone
