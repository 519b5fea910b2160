"""The schedule in Lightning's Trainer."""

import numpy as np
import pytest
import torch

from lrshape.shapes.schedule import Schedule

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance:FutureWarning",  # Lightning's own use of PyTorch
    "ignore:The '.*_dataloader' does not have many workers",
    "ignore:You are trying to `self.log",
)

REX = Schedule("rex", {"warmup": 0.2}, base_lr=0.01, steps=12)


@pytest.fixture
def fit(tmp_path):
    """Train one layer for some steps; return what learning rates its updates used."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self, configure):
            super().__init__()
            self.layer, self.configure, self.used = torch.nn.Linear(2, 1), configure, []

        def training_step(self, batch, batch_idx):
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self):
            return self.configure(self, torch.optim.SGD(self.parameters(), lr=1.0))

        def on_before_optimizer_step(self, optimizer):
            self.used.append(optimizer.param_groups[0]["lr"])

    def run(configure, max_steps=12, accumulate=1, resume=None, save=None):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10, 2)), batch_size=2)
        module = Module(configure)
        trainer = lightning.Trainer(
            max_steps=max_steps, accumulate_grad_batches=accumulate, accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            default_root_dir=tmp_path, devices=1,
        )  # fmt: skip
        trainer.fit(module, data, ckpt_path=resume, weights_only=True if resume else None)
        if save is not None:
            trainer.save_checkpoint(save)
        return np.array(module.used)

    return run


def along(schedule):
    return lambda module, optimizer: schedule.to_lightning(optimizer)


@pytest.mark.parametrize("accumulate", [1, 2])  # 5 batches an epoch: the last update of an epoch has only one
def test_every_update_uses_the_schedules_value(fit, same, accumulate):
    same(fit(along(REX), accumulate=accumulate), REX.values())


@pytest.mark.parametrize(("accumulate", "until"), [(1, 5), (2, 6)])  # ends of epochs
def test_it_goes_on_from_a_checkpoint(fit, same, tmp_path, accumulate, until):
    file = tmp_path / "middle.ckpt"
    first = fit(along(REX), max_steps=until, accumulate=accumulate, save=file)
    second = fit(along(REX), accumulate=accumulate, resume=file)
    same(np.concatenate([first, second]), REX.values())


def test_the_trainers_own_number_of_steps(fit, same):
    def configure(module, optimizer):
        return REX.to_lightning(optimizer, steps=int(module.trainer.estimated_stepping_batches), base_lr=0.5)

    same(fit(configure, max_steps=7), REX.replace(steps=7, base_lr=0.5).values())
