import os

import pytest


@pytest.fixture(scope="session")
def local_ray():
    """Ray on this machine, which its executor then uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from lrshape.workers.executors.ray import Ray

        ray = pytest.importorskip("ray")
        with Ray(address="local"):
            yield ray


@pytest.fixture
def environment():
    """Of a process that runs lrshape from here."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
