"""Every registered workload keeps what the engine and studies rely on."""

import numpy as np
import pytest

from lrshape.settings import Settings
from lrshape.training import evaluate
from lrshape.training.workload import WORKLOADS, PopulationWorkload

POPULATION = [name for name in WORKLOADS if issubclass(WORKLOADS[name], PopulationWorkload)]


SMALL = {
    "cifar10-cnn": {"train_images": 400, "test_images": 400, "batch_size": 32},
    "wikitext-transformer": {"vocabulary": 500, "length": 32, "max_len": 32, "embed": 32, "mlp": 64},
}
"""Settings that make the larger ones quick; the others run as they are."""


@pytest.fixture
def data(name, request, monkeypatch, tmp_path):
    """Lets workloads that read data find it."""
    if name in SMALL:
        folder = request.getfixturevalue("real_data")
        if name == "wikitext-transformer":
            folder = beginning_of(folder / "wikitext-2", tmp_path)
            monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setitem(SMALL[name], "data_dir", str(folder))


def beginning_of(source, target):
    """The first lines of a text's splits, in another folder."""
    for file in source.glob("wiki.*.tokens"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)[:60]
        (target / file.name).write_text("".join(lines), encoding="utf-8")
    return target


@pytest.mark.parametrize("name", POPULATION)
@pytest.mark.usefixtures("data")
class TestPopulationWorkloads:
    def outcome(self, name, scale=1.0, seeds=(0, 1, 0)):
        workload = WORKLOADS[name](steps=8, **SMALL.get(name, {}))
        low, high = workload.base_lrs
        lrs = np.full((len(seeds), 8), scale * (low * high) ** 0.5)
        return workload, evaluate(workload, lrs, np.array(seeds))

    def test_gives_exactly_the_metrics_it_names(self, name):
        workload, outcome = self.outcome(name)
        assert set(outcome) == set(workload.metric_names())
        assert all(values.shape == (3,) for values in outcome.values())
        assert all(np.isfinite(values).all() for values in outcome.values())

    def test_its_metric_is_a_metric(self, name):
        workload = WORKLOADS[name]()
        assert workload.metric in workload.metric_names()

    def test_is_deterministic(self, name):
        _, first = self.outcome(name)
        _, second = self.outcome(name)
        for metric in first:
            np.testing.assert_array_equal(first[metric], second[metric])
            assert first[metric][0] == first[metric][2]  # same seed, same rates

    def test_training_helps(self, name):
        workload, trained = self.outcome(name)
        _, untrained = self.outcome(name, scale=0.0)
        assert (trained[workload.metric] < untrained[workload.metric]).all()

    def test_seven_together_equal_seven_alone(self, name):
        workload = WORKLOADS[name](steps=8, **SMALL.get(name, {}))
        lrs = np.geomspace(*workload.base_lrs, 7)[:, None] * np.linspace(1, 0.1, 8)
        seeds = np.array([0, 1, 2, 0, 1, 2, 3])
        together = evaluate(workload, lrs, seeds)
        for i in range(7):
            alone = evaluate(workload, lrs[i : i + 1], seeds[i : i + 1])
            for metric in together:
                np.testing.assert_allclose(alone[metric], together[metric][i : i + 1], rtol=2e-5)

    def test_absurd_rates_diverge(self, name):
        _, outcome = self.outcome(name, scale=1e30)
        assert (outcome.status == "diverged").all()
        assert all(np.isinf(values).all() for values in outcome.values())


@pytest.mark.parametrize("name", WORKLOADS)
def test_is_documented_settings(name):
    cls = WORKLOADS[name]
    assert issubclass(cls, Settings)
    assert cls.__doc__
    assert all(field.description for key, field in cls.model_fields.items() if key != "optimizer"), name
