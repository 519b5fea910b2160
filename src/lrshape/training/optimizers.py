"""Optimizers give directions, the engine applies the learning rate: p <- p - lr * direction - decay.

Their settings are part of a study's spec, so that JAX and optax are imported only by what computes.
"""

import abc
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from lrshape.errors import InputError
from lrshape.registry import Registry
from lrshape.settings import Settings

if TYPE_CHECKING:
    import optax

PyTree = Any
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

    def init(self, params: PyTree) -> PyTree:
        """What the optimizer remembers before the first step."""
        return self.transformation().init(params)

    def step(
        self, params: PyTree, gradient: PyTree, memory: PyTree, lr: PyTree, base_lr: PyTree
    ) -> tuple[PyTree, PyTree]:
        """Parameters and memory after one update; the learning rates are as for `apply`."""
        direction, memory = self.transformation().update(gradient, memory, params)
        return self.apply(params, direction, lr, base_lr), memory

    def evaluated(self, params: PyTree, memory: PyTree) -> PyTree:
        """The weights that a training has come to, which metrics are computed at."""
        return params

    def apply(
        self,
        params: PyTree,
        direction: PyTree,
        lr: PyTree,
        base_lr: PyTree,
        start: PyTree | None = None,
    ) -> PyTree:
        """New parameters after one update, which starts from ``start`` if that is not ``params``.

        ``lr`` and ``base_lr`` are numbers, or trees with one a parameter.

        The decay term, of ``params``, is coupled as ``lr``: lr * wd * p (torch.optim.AdamW, optax.adamw);
        ``schedule``: m(t) * wd * p with m = lr / base_lr (Loshchilov and Hutter, arXiv:1711.05101,
        algorithm 2); ``constant``: wd * p.
        """
        import jax

        decays = not (isinstance(self.weight_decay, float) and self.weight_decay == 0)

        def update(s: jax.Array, p: jax.Array, d: jax.Array, lr: jax.Array, base_lr: jax.Array) -> jax.Array:
            if not decays:
                return s - lr * d
            factor = {"lr": lr, "schedule": lr / base_lr, "constant": 1.0}[self.coupling]
            return s - lr * d - factor * self.weight_decay * p

        lrs, base_lrs = jax.tree.broadcast(lr, params), jax.tree.broadcast(base_lr, params)
        return jax.tree.map(update, params if start is None else start, params, direction, lrs, base_lrs)


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
    nesterov: bool = Field(default=False, description="Nesterov momentum")

    def direction(self) -> "optax.GradientTransformation":
        """The momentum."""
        import optax

        return optax.trace(self.beta, nesterov=self.nesterov)


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    """Adam (arXiv:1412.6980) with bias correction; ``weight_decay`` is decoupled, as in AdamW.

    Betas that are hyperparameters may change from step to step: see `lrshape.training.changing_betas`.
    """

    beta1: Fraction = Field(default=0.9, description="decay rate of the mean of gradients")
    beta2: Fraction = Field(default=0.999, description="decay rate of the mean of squared gradients")
    eps: float = Field(default=1e-8, gt=0, description="added to the root of the mean of squared gradients")

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


@OPTIMIZERS.register("lion")
class Lion(Optimizer):
    """Lion (arXiv:2302.06675): the direction is a sign, so the LR is 3 to 10 times smaller than AdamW's.

    The defaults are optax.lion's.
    """

    weight_decay: float = Field(default=1e-3, ge=0, description="decoupled weight decay wd, per step")
    beta1: Fraction = Field(default=0.9, description="share of the momentum in the direction")
    beta2: Fraction = Field(default=0.99, description="momentum")

    def direction(self) -> "optax.GradientTransformation":
        """The sign of the gradient mixed with the momentum."""
        import optax

        return optax.scale_by_lion(self.beta1, self.beta2)


@OPTIMIZERS.register("schedule_free_adamw")
class ScheduleFreeAdamW(Adam):
    """Schedule-free AdamW (arXiv:2405.15682): gradients at y, between the steps z and their average x.

    ``metrics`` are x's, losses of batches are y's. The average weighs each step by its largest LR so far, to
    the power of ``weight_lr_power``; weight decay is that of y. The defaults are those of
    optax.contrib.schedule_free_adamw, without weight decay.
    """

    beta1: float = Field(default=0.9, gt=0, lt=1, description="share of the average x in y")
    weight_lr_power: float = Field(
        default=2.0, ge=0, description="the average weighs a step by its largest LR so far to this power"
    )

    def direction(self) -> "optax.GradientTransformation":
        """Adam's without a first moment, which the average replaces."""
        import optax

        from lrshape.training.changing_betas import scale_by_adam

        if not isinstance(self.beta2, float):
            return scale_by_adam(0.0, self.beta2, self.eps)
        return optax.scale_by_rms(self.beta2, self.eps, eps_in_sqrt=False, bias_correction=True)

    def init(self, params: PyTree) -> PyTree:
        """The second moments, z, and the average's weights so far."""
        return self._averaging(0.0, 1.0).init(params)

    def step(
        self, params: PyTree, gradient: PyTree, memory: PyTree, lr: PyTree, base_lr: PyTree
    ) -> tuple[PyTree, PyTree]:
        """Y and memory after one update of z and of the average.

        Raises:
            InputError: if groups of parameters have learning rates of their own.
        """
        import jax
        import optax

        if not jax.tree_util.all_leaves([lr]):
            raise InputError(
                "workload.groups cannot go with schedule_free_adamw: its average goes by one learning rate"
            )
        memory = memory._replace(b1=self.beta1)
        updates, memory = self._averaging(lr, base_lr).update(gradient, memory, params)
        return optax.apply_updates(params, updates), memory

    def evaluated(self, params: PyTree, memory: PyTree) -> PyTree:
        """The average x."""
        from optax.contrib import schedule_free_eval_params

        return schedule_free_eval_params(memory, params)

    def _averaging(self, lr: Any, base_lr: Any) -> "optax.GradientTransformation":
        """The optax transformation of a step at this learning rate."""
        import optax
        from optax.contrib import schedule_free

        inner = self.transformation()

        def update(updates: PyTree, state: PyTree, params: PyTree = None) -> tuple[PyTree, PyTree]:
            direction, state = inner.update(updates, state, params)
            return self.apply(params, direction, lr, base_lr, optax.tree.zeros_like(params)), state

        return schedule_free(
            optax.GradientTransformation(inner.init, update), lr, self.beta1, self.weight_lr_power
        )


@OPTIMIZERS.register("muon")
class Muon(AdamW):
    """Muon for the matrices of hidden layers, AdamW for all else, at one learning rate.

    A matrix's direction is its momentum with singular values near 1 (Jordan et al., 2024), times
    consistent_rms * sqrt(larger side): at 0.2 the size of AdamW's, so that base LR and weight decay are
    AdamW's, too (arXiv:2502.16982; ``match_rms_adamw`` of torch.optim.Muon).

    A matrix is a parameter of rank 2 in no layer of ``rest``. Those of a higher rank, such as kernels, are
    AdamW's, as in optax; the kernels of lrshape's own workloads are matrices of (filters, inputs).
    """

    beta: Fraction = Field(default=0.95, description="momentum of the matrices")
    nesterov: bool = Field(default=True, description="Nesterov momentum, with optax's bias correction")
    ns_steps: int = Field(default=5, ge=1, le=20, description="Newton-Schulz iterations")
    consistent_rms: float = Field(
        default=0.2, gt=0, description="root mean square of a matrix's direction, where AdamW's is about 0.2"
    )
    rest: tuple[str, ...] = Field(
        default=("embedding", "position", "output"), description="layers whose matrices are left to AdamW"
    )

    def direction(self) -> "optax.GradientTransformation":
        """The orthogonalised momentum of the matrices, and Adam's direction for the rest."""
        import jax
        import optax
        from optax.contrib import MuonDimensionNumbers, scale_by_muon

        def scaled(updates: PyTree, params: PyTree | None) -> PyTree:
            return jax.tree.map(lambda d: self.consistent_rms * max(d.shape) ** 0.5 * d, updates)

        muon = scale_by_muon(
            ns_steps=self.ns_steps,
            beta=self.beta,
            nesterov=self.nesterov,
            weight_dimension_numbers=lambda tree: jax.tree.map(lambda _: MuonDimensionNumbers(), tree),
        )
        matrices = optax.chain(muon, optax.stateless(scaled))
        return optax.partition({"muon": matrices, "adamw": super().direction()}, self._labels)

    def _labels(self, params: PyTree) -> PyTree:
        """``muon`` or ``adamw`` for each parameter.

        Raises:
            InputError: if there is nothing for Muon, or no layer of a name in ``rest`` that is not the
                default's.
        """
        import jax

        paths = jax.tree_util.tree_flatten_with_path(params)[0]
        layers = [jax.tree_util.keystr(path, simple=True, separator=".").split(".") for path, _ in paths]
        usual = type(self).model_fields["rest"].default
        for name in self.rest:
            if name not in usual and not any(name in layer for layer in layers):
                names = ", ".join(sorted({layer[0] for layer in layers}))
                raise InputError(f"workload.optimizer.rest must name layers of {names}, got {name!r}")
        labels = [
            "muon" if leaf.ndim == 2 and not set(self.rest) & set(layer) else "adamw"
            for (_, leaf), layer in zip(paths, layers, strict=True)
        ]
        if "muon" not in labels:
            names = ", ".join(".".join(layer) for layer in layers)
            raise InputError(f"workload.optimizer: muon needs a matrix outside rest, got {names}")
        return jax.tree.unflatten(jax.tree.structure(params), labels)
