"""The schedule in Lightning's Trainer."""

import numpy as np
import pytest
import torch

from lrshape.frameworks import EXPORTERS
from lrshape.shapes.schedule import Schedule
from lrshape.testing.exporters import run as run_file
from torch_training import QUIET

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance:FutureWarning",  # Lightning's own use of PyTorch
    "ignore:The '.*_dataloader' does not have many workers",
    "ignore:You are trying to `self.log",
    "ignore:The dirpath has changed",
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

    def run(configure, max_steps=12, accumulate=1, resume=None, save=None, max_epochs=None):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(10, 2)), batch_size=2)
        module = Module(configure)
        trainer = lightning.Trainer(
            max_steps=max_steps, max_epochs=max_epochs, accumulate_grad_batches=accumulate,
            enable_checkpointing=False, default_root_dir=tmp_path, **QUIET,
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
        return REX.to_lightning(optimizer, steps=module.trainer.estimated_stepping_batches, base_lr=0.5)

    same(fit(configure, max_steps=7), REX.replace(steps=7, base_lr=0.5).values())


def configured_by_file(optimizer, **changes):
    return run_file(EXPORTERS["lightning"].content(REX).decode())["configured"](optimizer, **changes)


@pytest.mark.parametrize("configured", [REX.to_lightning, configured_by_file])
def test_a_trainer_without_an_end_is_refused(fit, configured):
    def configure(module, optimizer):
        return configured(optimizer, steps=module.trainer.estimated_stepping_batches)

    with pytest.raises(ValueError, match=r"steps must be a whole number from 1 to .*, got inf"):
        fit(configure, max_steps=-1, max_epochs=-1)


@pytest.mark.parametrize("configured", [REX.to_lightning, configured_by_file])
def test_unfreezing_in_training_goes_on_from_a_checkpoint(tmp_path, caplog, configured):
    """As without the stop: BackboneFinetuning adds a group of parameters after an epoch."""
    import lightning
    from lightning.pytorch.callbacks import BackboneFinetuning, ModelCheckpoint

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.backbone, self.head, self.used = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1), []

        def training_step(self, batch, batch_idx):
            self.used.append([group["lr"] for group in self.trainer.optimizers[0].param_groups])
            return self.head(self.backbone(batch)).square().mean()

        def configure_optimizers(self):
            return configured(torch.optim.SGD(self.head.parameters(), lr=0.1))

    def fit(name, epochs, resume=None):
        module = Module()
        unfreeze = BackboneFinetuning(1, lambda_func=lambda epoch: 1.0)
        callbacks = [unfreeze, ModelCheckpoint(tmp_path / name, save_last=True)]
        trainer = lightning.Trainer(max_epochs=epochs, callbacks=callbacks, **QUIET)
        trainer.fit(module, torch.utils.data.DataLoader(torch.ones(3, 2)), ckpt_path=resume)
        return module.used

    whole = fit("whole", 4)
    fit("begun", 2)
    assert fit("resumed", 4, tmp_path / "begun" / "last.ckpt") == whole[6:]
    assert "the saved schedule was another one" not in caplog.text
    assert [len(rates) for rates in whole] == [1, 1, 1, *[2] * 9]


def test_two_optimizers_have_a_schedule_each(tmp_path):
    """As in a GAN, which steps both by hand."""
    import lightning

    class Gan(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.parts, self.used = torch.nn.ModuleList([torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)]), []

        def training_step(self, batch, batch_idx):
            self.used.append([optimizer.param_groups[0]["lr"] for optimizer in self.optimizers()])
            for part, optimizer, scheduler in zip(
                self.parts, self.optimizers(), self.lr_schedulers(), strict=True
            ):
                optimizer.zero_grad()
                self.manual_backward(part(batch).square().mean())
                optimizer.step()
                scheduler.step()

        def configure_optimizers(self):
            first, second = (torch.optim.SGD(part.parameters(), lr=1.0) for part in self.parts)
            return REX.to_lightning(first), REX.to_lightning(second, base_lr=0.5)

    module = Gan()
    trainer = lightning.Trainer(max_epochs=1, enable_checkpointing=False, default_root_dir=tmp_path, **QUIET)
    trainer.fit(module, torch.utils.data.DataLoader(torch.ones(12, 2)))
    np.testing.assert_allclose(module.used, np.outer(REX.multipliers(), [REX.base_lr, 0.5]), rtol=1e-6)
