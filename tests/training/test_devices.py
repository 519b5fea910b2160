from lrshape.training import devices
from lrshape.training.workloads.digits import DigitsMLP
from lrshape.training.workloads.linear_regression import LinearRegression


def test_a_cpu_core_advances_one_network_at_a_time_and_an_accelerator_all(monkeypatch):
    share = -(-64 // devices.mesh().size)
    assert devices.group_size(DigitsMLP(), 64) == 1
    assert devices.group_size(LinearRegression(), 64) == min(LinearRegression.cpu_group, share)
    monkeypatch.setattr(devices, "is_cpu", lambda: False)
    assert devices.group_size(DigitsMLP(), 64) == share
