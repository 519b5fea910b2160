"""A study on a cluster of three nodes, which die and join while it runs."""

import types

import numpy as np
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.workers.executors.ray import Ray

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork")  # JAX warns of it where Ray starts a node

TRAINING = """
import time
def train(lrs, seed):
    time.sleep(0.01)
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.1 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
"""
SPEC = {
    "families": ["rex", "linear"],
    "baselines": ["cosine"],
    "workload": {"name": "function", "function": "cluster_training:train", "steps": 10},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 4},
    "screen": {"shapes": 6, "seeds": 4},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 8},
}
LEARNED = {
    "families": ["rex"],
    "baselines": ["constant"],
    "workload": {"name": "linear-regression", "steps": 40, "dimension": 10},
    "chunk_size": 8,
    "base_lr": {"points": 4},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 1, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 2},
}


@pytest.fixture(scope="module")
def cluster(modules, without_report):
    """A head without cores for actors, and two nodes with one each; a module on everybody's path."""
    from ray.cluster_utils import Cluster

    (modules / "cluster_training.py").write_text(TRAINING)
    if ray.is_initialized():  # another module's, on this machine alone
        ray.shutdown()
    with pytest.MonkeyPatch.context() as patch, without_report():
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        try:
            yield made
        finally:
            made.shutdown()


def table(study):
    return study.trials().drop(columns="wall_time")


class Meddler(lrshape.Callback):
    """Kills a node after every thirty chunks, and adds one after or before."""

    def __init__(self, cluster, nodes):
        self.cluster, self.nodes, self.kills, self.chunks = cluster, nodes, 0, 0

    def progress(self, status):
        self.chunks += 1
        if self.kills == 3 or self.chunks < 30 * (self.kills + 1):
            return
        if self.kills == 1:
            self.nodes.append(self.cluster.add_node(num_cpus=2))
        self.cluster.remove_node(self.nodes.pop(0), allow_graceful=False)
        if self.kills == 0:
            self.nodes.append(self.cluster.add_node(num_cpus=1))
        self.kills += 1


def test_the_last_executor_leaves_the_cluster(monkeypatch):
    running = []
    fake = types.SimpleNamespace(
        is_initialized=lambda: bool(running),
        init=lambda **settings: running.append("begun"),
        shutdown=running.clear,
    )
    monkeypatch.setattr("lrshape.workers.executors.ray._ray", lambda: fake)
    with Ray():
        with Ray():
            pass
        assert running
    assert not running
    running.append("by the user")
    with Ray():
        pass
    assert running


def test_nodes_die_and_join_and_the_table_is_that_of_inline(cluster, tmp_path):
    meddler = Meddler(cluster, [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)])
    executor = Ray(address=cluster.address)
    study = lrshape.search(SPEC, out=tmp_path / "ray", executor=executor, callback=meddler)
    assert meddler.kills == 3
    assert not ray.is_initialized()
    inline = lrshape.search(SPEC, out=tmp_path / "inline")
    assert study.document["hash"] == inline.document["hash"]
    assert set(study.trials()["status"]) == {"ok"}
    assert table(study).equals(table(inline))
    assert meddler.chunks > 120


def test_trials_in_jax_are_those_of_inline(cluster, tmp_path):
    """To rounding: actors have one device each, and this process has one a core."""
    cluster.add_node(num_cpus=2)
    inline = lrshape.search(LEARNED, out=tmp_path / "inline")
    study = lrshape.search(LEARNED, out=tmp_path / "ray", executor=Ray(address=cluster.address, cpus=2))
    metric = study.metric
    ours, theirs = table(study), table(inline)
    assert ours.drop(columns=metric).equals(theirs.drop(columns=metric))
    np.testing.assert_allclose(ours[metric], theirs[metric], rtol=1e-5)


def test_actors_that_cannot_start_end_the_search_in_one_line(cluster, tmp_path, monkeypatch):
    class Unable:
        def __init__(self, *arguments):
            raise ImportError("no lrshape here")

        def where(self):
            """Never called."""

    cluster.add_node(num_cpus=1)
    monkeypatch.setattr("lrshape.workers.ray_actor.Trainer", Unable)
    with pytest.raises(InputError, match=r"cannot start on the Ray cluster: ImportError: no lrshape here$"):
        lrshape.search(SPEC, out=tmp_path / "ray", executor=Ray(address=cluster.address))


def test_a_cluster_that_is_not_there_is_bad_input():
    with pytest.raises(InputError, match=r"cannot connect to Ray at 127\.0\.0\.1:1"):
        Ray(address="127.0.0.1:1").__enter__()
