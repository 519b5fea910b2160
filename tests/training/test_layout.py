"""Dealing members out to devices, and compaction, which must change no result."""

import os
import subprocess
import sys

import numpy as np
import pytest

from lrshape.training import devices, layout, population
from lrshape.training.evaluation import evaluate
from lrshape.training.layout import Layout
from lrshape.training.workloads.digits import DigitsMLP
from lrshape.training.workloads.linear_regression import LinearRegression

SMALL = DigitsMLP(steps=40, hidden=(16,))


def rates(workload, members, diverging):
    """Rates of members; those in ``diverging`` explode."""
    lrs = np.geomspace(1e-3, 1e-2, members)[:, None] * np.linspace(1, 0.1, workload.steps)
    lrs[diverging] = 1e30
    return lrs


def test_each_member_has_its_own_slot_and_devices_are_even():
    placed = Layout(np.arange(7), group=2, devices=2, capacity=10)
    assert placed.groups == 3
    assert len(set(placed.slots)) == 7
    assert sorted((placed.slots >= 6).tolist()) == [False] * 4 + [True] * 3


def test_half_of_the_members_dead_halve_the_capacity_down_to_the_smallest(monkeypatch):
    monkeypatch.setattr(layout, "group_size", lambda workload, capacity: capacity // 2)
    before = Layout(np.arange(256), group=128, devices=2, capacity=256)
    alive = np.arange(256) < 129
    assert before.compacted(SMALL, alive) is None
    after = before.compacted(SMALL, np.arange(256) < 128)
    assert (after.capacity, after.group, after.members.tolist()) == (128, 64, list(range(128)))
    few = before.compacted(SMALL, np.arange(256) < 3)
    assert few.capacity == layout.SMALLEST_CAPACITY
    assert few.compacted(SMALL, np.arange(3) < 1) is None


def test_single_members_are_dealt_anew_only_when_a_device_has_far_more_than_its_share():
    before = Layout(np.arange(20), group=1, devices=2, capacity=20)
    alive = np.ones(20, bool)
    alive[:4] = False  # two of each device
    assert before.compacted(SMALL, alive) is None
    alive = np.arange(20) % 2 == 0  # one device is idle
    after = before.compacted(SMALL, alive)
    assert (after.capacity, after.members.tolist()) == (20, list(range(0, 20, 2)))
    assert (after.slots[:2] >= 10).tolist() == [False, True]


@pytest.fixture
def compactions(monkeypatch):
    """Layouts that were made by compaction."""
    made = []
    compacted = Layout.compacted

    def noted(self, workload, alive):
        after = compacted(self, workload, alive)
        if after is not None:
            made.append(after)
        return after

    monkeypatch.setattr(Layout, "compacted", noted)
    return made


def without_compaction(monkeypatch, *arguments):
    with monkeypatch.context() as patch:
        patch.setattr(Layout, "compacted", lambda self, workload, alive: None)
        return evaluate(*arguments)


def assert_same(one, other, **tolerance):
    assert one.status.tolist() == other.status.tolist()
    assert one.first_bad_step.tolist() == other.first_bad_step.tolist()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], **tolerance)
    for mine, theirs in zip(one.curves, other.curves, strict=True):
        if mine is not None:
            np.testing.assert_array_equal(mine.step, theirs.step)
            np.testing.assert_allclose(mine.train_loss, theirs.train_loss, **tolerance)
            np.testing.assert_allclose(mine.valid_loss, theirs.valid_loss, **tolerance)


@pytest.mark.parametrize("every", [0, 7])
def test_compaction_changes_no_result_of_single_members(monkeypatch, compactions, every):
    if devices.mesh().size == 1:
        pytest.skip("one device has nothing to deal anew; the test below has two")
    workload = DigitsMLP(steps=40, hidden=(16,), evaluate_every=every)
    lrs, seeds = rates(workload, 13, slice(0, None, 2)), np.arange(13) % 3
    plain = without_compaction(monkeypatch, workload, lrs, seeds)
    assert not compactions
    compact = evaluate(workload, lrs, seeds)
    assert compactions
    assert_same(plain, compact, rtol=0)


@pytest.mark.parametrize(
    "workload",
    [
        SMALL.model_copy(update={"record_every": 7, "averages": ("ema-0.1",)}),
        LinearRegression(steps=40, dimension=10, record_every=1),
    ],
)
def test_compaction_changes_no_result_of_members_side_by_side(monkeypatch, compactions, workload):
    """As on an accelerator: all members of a device in one vmap, the population halved."""
    lrs, seeds = rates(workload, 32, slice(5, 29)), np.arange(32) % 3
    for module in (population, layout):
        monkeypatch.setattr(module, "group_size", lambda workload, capacity: -(-capacity // 2))
    monkeypatch.setattr(layout, "is_cpu", lambda: False)
    monkeypatch.setattr(layout, "SMALLEST_CAPACITY", 8)
    plain = without_compaction(monkeypatch, workload, lrs, seeds)
    compact = evaluate(workload, lrs, seeds)
    assert compactions[0].capacity == 8
    assert_same(plain, compact, rtol=2e-5)


SCRIPT = """
import json, numpy as np
from lrshape.training.devices import mesh
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.digits import DigitsMLP
workload = DigitsMLP(steps=40, hidden=(16,))
lrs = np.geomspace(1e-3, 1e-2, 13)[:, None] * np.ones(40)
lrs[::2] = 1e30
outcome = evaluate(workload, lrs, np.arange(13) % 3)
print(json.dumps([outcome["final/train_loss"].tolist(), outcome.first_bad_step.tolist(), mesh().size]))
"""


def test_one_and_two_devices_agree_with_and_without_compaction():
    import json

    results = []
    for count in (1, 2):
        flags = f"--xla_force_host_platform_device_count={count}"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "XLA_FLAGS": flags},
            capture_output=True,
            check=True,
        )
        results.append(json.loads(done.stdout))
    assert [result[2] for result in results] == [1, 2]
    assert results[0][1] == results[1][1]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
