"""A parabola with noisy gradients."""

import jax
from pydantic import Field

from lrshape.training.workload import WORKLOADS, StepWorkload


@WORKLOADS.register("parabola")
class Parabola(StepWorkload):
    """Descend x^2 / 2 from 1, with noise in the gradient."""

    base_lrs = (1e-2, 1.0)

    steps: int = Field(default=50, ge=1, description="training steps")
    noise: float = Field(default=0.1, ge=0, description="standard deviation of the gradient")

    def scores(self):
        """The loss alone."""
        return ("train_loss",)

    def data(self):
        """Nothing."""
        return ()

    def init(self, key, data):
        """Every member starts at 1."""
        return jax.numpy.ones(())

    def order(self, key, data):
        """A key for each step."""
        return jax.random.key_data(jax.random.split(key, self.steps)).astype("int32")

    def step(self, state, lr, batch, key):
        """One step, and the loss before it."""
        noise = self.noise * jax.random.normal(jax.random.wrap_key_data(batch.astype("uint32")))
        return state - lr * (state + noise), state**2 / 2

    def metrics(self, state, data):
        """The loss at the end."""
        return {"train_loss": state**2 / 2}
