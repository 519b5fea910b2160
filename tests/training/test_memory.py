"""How many members fit, and what happens when they do not."""

import logging

import jax
import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training import memory, population
from lrshape.training.evaluation import evaluate
from lrshape.training.memory import Footprint
from lrshape.training.workloads.digits import DigitsCNN, DigitsMLP
from lrshape.training.workloads.function import FunctionWorkload
from lrshape.training.workloads.linear_regression import LinearRegression

SMALL = DigitsMLP(steps=12, hidden=(16,))


MATRICES = 64 * 128 + 128 * 128
PARAMETERS = MATRICES + 128 + 128 + 128 * 10 + 10


def drawn(workload):
    """Bytes of a member's batches on all devices; their number is rounded up to a power of two."""
    return 2 * memory.mesh().size * 4 * workload.steps * workload.batch_size


@pytest.mark.parametrize(
    ("optimizer", "numbers"),
    [
        ("adamw", 3 * PARAMETERS),
        ("lion", 2 * PARAMETERS),
        ("schedule_free_adamw", 3 * PARAMETERS),
        ("muon", 3 * PARAMETERS - MATRICES),
    ],
)
def test_a_member_counts_its_parameters_and_what_its_optimizer_remembers(optimizer, numbers):
    workload = DigitsMLP(optimizer={"name": optimizer})
    need = memory.footprint(workload).member - 16 * workload.steps - drawn(workload)
    assert 3 * 4 * numbers <= need <= 3 * 4 * (numbers + 20)


def test_hyperparameters_that_members_differ_in_count_like_learning_rates(monkeypatch):
    plain = memory.footprint(SMALL)
    traced = memory.footprint(SMALL, ("optimizer.beta1", "optimizer.weight_decay"))
    assert traced.member - plain.member == 2 * 16 * SMALL.steps + 3 * 4  # two averages of ones, for a count
    seen = []
    monkeypatch.setattr(memory, "footprint", lambda *asked: seen.append(asked) or plain)
    memory.plan_chunk_size(SMALL, ["weight_decay", "batch_size"])
    assert seen == [(SMALL, ("optimizer.weight_decay",))]


def test_activations_count_once_a_device_on_a_cpu_and_once_a_member_elsewhere(monkeypatch):
    small, large = DigitsCNN(batch_size=32), DigitsCNN(batch_size=512)
    grown = memory.footprint(large).fixed - memory.footprint(small).fixed
    assert grown > 480 * 16 * 64 * 4  # the first convolution's output for the other 480 images
    assert memory.footprint(large).member - drawn(large) == memory.footprint(small).member - drawn(small)
    monkeypatch.setattr(memory, "is_cpu", lambda: False)
    memory.footprint.cache_clear()
    members = [memory.footprint(workload).member - drawn(workload) for workload in (small, large)]
    assert members[1] > members[0] + 480 * 16 * 64 * 4
    memory.footprint.cache_clear()


def test_little_memory_means_fewer_members(monkeypatch):
    workload = DigitsMLP()
    assert memory.plan_chunk_size(workload) == workload.max_members
    monkeypatch.setattr(memory, "footprint", lambda *_: Footprint(fixed=1000, member=10))
    for free, members in ((2 * 1000 + 20 * 10, 8), (None, 128), (0, 1), (10**9, 128)):
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        assert memory.plan_chunk_size(workload) == members


@pytest.mark.parametrize("workload", [DigitsMLP(), LinearRegression(dimension=10)])
def test_free_memory_is_known(workload):
    need = memory.footprint(workload)
    assert memory.free_memory() > need.fixed + need.member


def test_drawn_batches_count_for_every_seed():
    workload = DigitsMLP(steps=40, hidden=(16,))
    lrs, seeds = {"lr": np.ones((33, 40))}, np.arange(33)
    made = population._Population(workload, lrs, seeds, {"lr": np.ones(33)}, 33)
    assert 33 * drawn(workload) >= memory.mesh().size * made._drawn.nbytes > 33 * drawn(workload) / 2


@pytest.mark.parametrize(
    "names",
    [
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ],
)
def test_the_limit_of_a_container_is_read(tmp_path, names):
    for name, text in zip(names[:2], ("5000\n", "1200\n"), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory._control_group(tmp_path) == 3800
    (tmp_path / names[2]).write_text(f"cache 900\nactive_file 400\n{names[3]} 500\n")
    assert memory._control_group(tmp_path) == 4300  # the kernel gives the cache of files back
    (tmp_path / names[0]).write_text("max\n" if "." in names[0][:8] else f"{2**63}\n")
    assert memory._control_group(tmp_path) is None


def test_function_workloads_store_every_training():
    assert memory.plan_chunk_size(FunctionWorkload(function="a:b", steps=1)) == 1


def refuse_more_than(monkeypatch, members, error):
    train = population.train

    def limited(workload, lrs, seeds, base_lrs, capacity, report=None):
        if capacity > members:
            raise error
        return train(workload, lrs, seeds, base_lrs, capacity, report)

    monkeypatch.setattr(population, "train", limited)


FULL = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes.\nlong story")


@pytest.mark.parametrize("error", [FULL, MemoryError()])
def test_out_of_memory_is_answered_by_halving_and_told(monkeypatch, caplog, error):
    lrs, seeds = np.geomspace(1e-3, 1e-1, 9)[:, None] * np.ones(12), np.arange(9)
    expected = evaluate(SMALL, lrs, seeds)
    refuse_more_than(monkeypatch, 3, error)
    with caplog.at_level(logging.WARNING):
        outcome = evaluate(SMALL, lrs, seeds)
    for name in expected:
        np.testing.assert_array_equal(outcome[name], expected[name])
    told = [record.getMessage() for record in caplog.records if "out of memory" in record.getMessage()]
    assert [message.rsplit("with ", 1)[1] for message in told] == [
        "5 trials at a time",
        "3 trials at a time",
    ]
    assert all("long story" not in message for message in told)


def test_one_training_that_does_not_fit_is_an_error(monkeypatch):
    refuse_more_than(monkeypatch, 0, FULL)
    with pytest.raises(InputError, match="one trial alone does not fit into memory: RESOURCE_EXHAUSTED"):
        evaluate(SMALL, np.ones((2, 12)), [0, 1])


def test_other_errors_are_not_taken_for_it(monkeypatch):
    refuse_more_than(monkeypatch, 0, jax.errors.JaxRuntimeError("INTERNAL: something else"))
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        evaluate(SMALL, np.ones((2, 12)), [0, 1])
