import pytest

from lrshape.engine import devices
from lrshape.workloads.digits import DigitsMLP
from lrshape.workloads.function import FunctionWorkload
from lrshape.workloads.linear_regression import LinearRegression


def test_bytes_per_member_counts_parameters_and_both_moments():
    workload = DigitsMLP()
    parameters = 64 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10
    assert devices.bytes_per_member(workload) >= devices.COPIES * 4 * 3 * parameters


def test_little_memory_means_fewer_members(monkeypatch):
    workload = DigitsMLP()
    assert devices.plan_members(workload) == workload.max_members
    monkeypatch.setattr(devices, "free_memory", lambda: 20 * devices.bytes_per_member(workload))
    assert devices.plan_members(workload) == 8  # half of the memory, rounded down to a power of two
    monkeypatch.setattr(devices, "free_memory", lambda: None)
    assert devices.plan_members(workload) == workload.max_members
    monkeypatch.setattr(devices, "free_memory", lambda: 0)
    assert devices.plan_members(workload) == 1


@pytest.mark.parametrize("workload", [DigitsMLP(), LinearRegression(dimension=10)])
def test_free_memory_is_known(workload):
    assert devices.free_memory() > devices.bytes_per_member(workload)


def test_function_workloads_store_every_training():
    assert devices.plan_members(FunctionWorkload(function="a:b", steps=1)) == 1
