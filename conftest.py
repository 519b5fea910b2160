"""What must be in the environment before a test module is imported; child processes inherit it."""

import os
from pathlib import Path

import pytest

pytest.register_assert_rewrite(*(file.stem for file in Path(__file__).parent.glob("tests/shared/*.py")))

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads its backend when it is imported

# The same small programs are compiled in many tests and child processes. With a maximum size, JAX locks the
# cache, which the processes of pytest-xdist share.
CACHE = Path(__file__).parent / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(2**30))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each process whole files, and all tests of frameworks to one: importing those costs the most.

    The option ``--dist loadgroup`` would do, but does not group under pytest 9.2 (pytest-xdist issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::", 1)[0]
            return "frameworks" if file.startswith("tests/frameworks/") else file

    return ByFile(config, log)
