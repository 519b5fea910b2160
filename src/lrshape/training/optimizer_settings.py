"""Optimizer settings that a gradient workload carries; `lrshape.training.optimizers` computes with them."""

from typing import Annotated, Literal

from pydantic import Field

from lrshape.settings import Settings

Coupling = Literal["lr", "schedule", "constant"]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class _Decay(Settings):
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled weight decay wd, per step")
    coupling: Coupling = Field(
        default="lr", description="decay per step: lr (lr*wd*p), schedule (m(t)*wd*p) or constant (wd*p)"
    )
    clip_norm: float | None = Field(default=None, gt=0, description="clip the gradient's global norm to this")


class SGD(_Decay):
    """Plain stochastic gradient descent: the direction is the gradient."""

    name: Literal["sgd"] = "sgd"


class Momentum(_Decay):
    """Heavy-ball momentum, v <- beta v + g; the direction is v, or beta v + g with ``nesterov``."""

    name: Literal["momentum"] = "momentum"
    beta: Fraction = Field(default=0.9, description="momentum")
    nesterov: bool = False


class Adam(_Decay):
    """Adam (arXiv:1412.6980) with bias correction; ``weight_decay`` is decoupled, as in AdamW."""

    name: Literal["adam"] = "adam"
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: float = Field(default=1e-8, gt=0)


class AdamW(_Decay):
    """Adam with decoupled weight decay (arXiv:1711.05101); the default decay is torch.optim.AdamW's."""

    name: Literal["adamw"] = "adamw"
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.01, ge=0, description="decoupled weight decay wd, per step")


Optimizer = Annotated[SGD | Momentum | Adam | AdamW, Field(discriminator="name")]
