"""Lightning: train on digits with a schedule stretched over the Trainer's number of steps.

Run ``python examples/with_lightning.py``; it takes a few seconds.
"""

import lightning
import torch
from sklearn.datasets import load_digits

import lrshape

SCHEDULE = lrshape.Schedule("rex", {"warmup": 0.05, "beta": 0.4}, base_lr=0.1, steps=1)


class Digits(lightning.LightningModule):
    """A two-layer network."""

    def __init__(self):
        super().__init__()
        self.network = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
        self.rates = []

    def training_step(self, batch, batch_idx):
        """Return the cross-entropy of a batch."""
        x, y = batch
        return torch.nn.functional.cross_entropy(self.network(x), y)

    def on_before_optimizer_step(self, optimizer):
        """Record the learning rate of each update."""
        self.rates.append(optimizer.param_groups[0]["lr"])

    def configure_optimizers(self):
        """Return the optimizer and a scheduler that steps once per update."""
        optimizer = torch.optim.SGD(self.parameters(), momentum=0.9)
        return SCHEDULE.to_lightning(optimizer, steps=self.trainer.estimated_stepping_batches)


def main():
    """Train for a few epochs, with two batches per update."""
    torch.set_num_threads(1)  # faster for so small a network
    lightning.seed_everything(0, verbose=False)
    images, digits = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(digits)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)
    module = Digits()
    trainer = lightning.Trainer(
        max_epochs=6, accumulate_grad_batches=2, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader)
    with torch.no_grad():
        accuracy = (module.network(x).argmax(dim=1) == y).float().mean().item()
    steps = len(module.rates)
    print(f"accuracy {accuracy:.3f} after {steps} steps, last learning rate {module.rates[-1]:.6f}")


if __name__ == "__main__":
    main()
