"""Optimizers give directions, the engine applies the learning rate: p <- p - lr * direction - decay.

Their settings are part of a study's spec, so that JAX and optax are imported only by what computes.
"""

import abc
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lrshape.registry import Registry
from lrshape.settings import Settings

if TYPE_CHECKING:
    import optax

Coupling = Literal["lr", "schedule", "constant"]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Settings, abc.ABC):
    """An update rule without learning rate, weight decay and clipping, which are the same for all.

    Attributes:
        name: the registered name.
    """

    name: ClassVar[str]

    weight_decay: float = Field(default=0.0, ge=0, description="decoupled weight decay wd, per step")
    coupling: Coupling = Field(
        default="lr", description="decay per step: lr (lr*wd*p), schedule (m(t)*wd*p) or constant (wd*p)"
    )
    clip_norm: float | None = Field(default=None, gt=0, description="clip the gradient's global norm to this")

    @abc.abstractmethod
    def direction(self) -> "optax.GradientTransformation":
        """The optax transformation from (clipped) gradients to directions."""

    def transformation(self) -> "optax.GradientTransformation":
        """The optax transformation from gradients to directions, clipping included."""
        import optax

        if self.clip_norm is None:
            return self.direction()
        return optax.chain(optax.clip_by_global_norm(self.clip_norm), self.direction())

    def apply(self, params: Any, direction: Any, lr: Any, base_lr: Any) -> Any:
        """New parameters after one update; ``lr`` and ``base_lr`` are numbers, or trees with one a parameter.

        The decay term is coupled as ``lr``: lr * wd * p (torch.optim.AdamW, optax.adamw); ``schedule``:
        m(t) * wd * p with m = lr / base_lr (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2);
        ``constant``: wd * p.
        """
        import jax

        decays = not (isinstance(self.weight_decay, float) and self.weight_decay == 0)

        def update(p: jax.Array, d: jax.Array, lr: jax.Array, base_lr: jax.Array) -> jax.Array:
            if not decays:
                return p - lr * d
            factor = {"lr": lr, "schedule": lr / base_lr, "constant": 1.0}[self.coupling]
            return p - lr * d - factor * self.weight_decay * p

        lrs, base_lrs = jax.tree.broadcast(lr, params), jax.tree.broadcast(base_lr, params)
        return jax.tree.map(update, params, direction, lrs, base_lrs)


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer", "lrshape.training.optimizers", "lrshape.optimizers", Optimizer
)
"""The optimizers by name."""

AnyOptimizer = Annotated[Optimizer, OPTIMIZERS]


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    """Plain stochastic gradient descent: the direction is the gradient."""

    def direction(self) -> "optax.GradientTransformation":
        """The identity."""
        import optax

        return optax.identity()


@OPTIMIZERS.register("momentum")
class Momentum(Optimizer):
    """Heavy-ball momentum, v <- beta v + g; the direction is v, or beta v + g with ``nesterov``."""

    beta: Fraction = Field(default=0.9, description="momentum")
    nesterov: bool = False

    def direction(self) -> "optax.GradientTransformation":
        """The momentum."""
        import optax

        return optax.trace(self.beta, nesterov=self.nesterov)


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    """Adam (arXiv:1412.6980) with bias correction; ``weight_decay`` is decoupled, as in AdamW.

    Betas that are hyperparameters may change from step to step: see `lrshape.training.changing_betas`.
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: float = Field(default=1e-8, gt=0)

    def direction(self) -> "optax.GradientTransformation":
        """The bias-corrected first moment over the root of the second one."""
        import optax

        from lrshape.training.changing_betas import scale_by_adam

        fixed = isinstance(self.beta1, float) and isinstance(self.beta2, float)
        return (optax.scale_by_adam if fixed else scale_by_adam)(self.beta1, self.beta2, self.eps)


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with decoupled weight decay (arXiv:1711.05101); the default decay is torch.optim.AdamW's."""

    weight_decay: float = Field(default=0.01, ge=0, description="decoupled weight decay wd, per step")
