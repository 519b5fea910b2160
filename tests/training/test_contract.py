"""Every registered workload keeps what the engine and studies rely on; optimizers say what they take."""

import pytest

from lrshape.testing import workloads
from lrshape.testing.contract import require_described_settings
from lrshape.training.optimizers import OPTIMIZERS
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
@pytest.mark.parametrize("rule", workloads.RULES)
@pytest.mark.usefixtures("data")
def test_keeps_the_contract(name, rule):
    rule(WORKLOADS.build({"name": name, **SMALL.get(name, {})}))


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - set(POPULATION)))
def test_has_described_settings(name):
    require_described_settings(WORKLOADS[name])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_has_described_settings(name):
    require_described_settings(OPTIMIZERS[name])
