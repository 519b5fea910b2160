"""What a workload gives to the engine.

Two kinds exist. A *population workload* is a set of pure JAX functions for one member, which the engine
trains many at a time; most are *gradient workloads*, which give only a model and a loss. A *function
workload* (`lrshape.training.workloads.function`) is any Python function that trains once and returns its
score.

Workloads are frozen pydantic models: their fields are their settings, as a study's spec writes them. JAX is
imported where it is used: processes that only call a train function start twice as fast without it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator
from typing_extensions import override

from lrshape.averages import STANDARD, checked_names
from lrshape.errors import InputError
from lrshape.loss_curve import MAX_POINTS
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.training.groups import Group
from lrshape.training.optimizers import Adam, AnyOptimizer

if TYPE_CHECKING:
    import jax

PyTree = Any
Batch = Any
Metrics = Mapping[str, "jax.Array"]


class Workload(Settings, abc.ABC):
    """Something that trains under a schedule and is scored.

    Attributes:
        name: the registered name.
        metric: the metric that decides unless a study's spec names another; it is minimised, or maximised if
            `lrshape.averages.higher_is_better` says so of its name.
        base_lrs: (low, high) of a base-LR grid that suits the default settings.
        max_members: trials in one chunk unless the user says otherwise; a chunk is trained as one
            program, and is what is lost at most when the process dies.
        steps: training steps.
    """

    name: ClassVar[str]
    metric: ClassVar[str] = "final/train_loss"
    base_lrs: ClassVar[tuple[float, float]] = (1e-4, 1e-1)
    max_members: ClassVar[int] = 128

    steps: int = Field(ge=1, le=100_000_000, description="training steps")

    @property
    def curve_points(self) -> int:
        """How many training losses the loss curve of a trial has, as far as the settings tell."""
        return 0

    @abc.abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics that a trial is scored by, e.g. ``("final/train_loss",)``."""


class PopulationWorkload(Workload):
    """Pure functions for one member; the engine owns the loop over steps and members.

    ``step`` and ``metrics`` of a workload that ``broadcasts`` take any number of trailing member axes
    (state leaves of shape ``(..., members)``, lr of shape ``(members,)``), and see neither batch nor key.

    Attributes:
        cpu_group: how many members one CPU core advances side by side. 1 keeps a network's state in the
            core's cache, which is faster there than a vmap over members.
        divergence_multiple: a member whose training loss exceeds this multiple of its first loss, or is not
            finite, has diverged.
    """

    cpu_group: ClassVar[int] = 1

    divergence_multiple: float = Field(
        default=1000.0,
        gt=1,
        description="a training loss above this multiple of the first one counts as diverged",
    )

    record_every: int = Field(
        default=0,
        ge=0,
        description="steps between two points of the loss curve, each the mean of the batch losses since the "
        "point before, which costs next to nothing; 0: no loss curve",
    )
    evaluate_every: int = Field(
        default=0,
        ge=0,
        description="also score every so many steps, for best/... metrics and the loss curve's validation "
        "loss, which takes the time of each scoring; 0: only at the end",
    )

    @model_validator(mode="after")
    def _bounded_curve(self) -> Self:
        for name, every in (("record_every", self.record_every), ("evaluate_every", self.evaluate_every)):
            if every and -(-self.steps // every) > MAX_POINTS:
                least = -(-self.steps // MAX_POINTS)
                raise ValueError(
                    f"{name} must be 0 or at least {least:,} for {self.steps:,} steps: a loss curve has at "
                    f"most {MAX_POINTS:,} points, got {every:,}"
                )
        return self

    @property
    def curve_every(self) -> int:
        """Steps between two training losses of the loss curve; 0 if there is none."""
        return self.record_every or self.evaluate_every

    @property
    @override
    def curve_points(self) -> int:
        return -(-self.steps // self.curve_every) if self.curve_every else 0

    @property
    def average_names(self) -> tuple[str, ...]:
        """The averages of the weights that are scored beside the weights, see `lrshape.averages`."""
        return ()

    @property
    def broadcasts(self) -> bool:
        """Whether ``step`` and ``metrics`` broadcast over trailing member axes."""
        return False

    @abc.abstractmethod
    def scores(self) -> tuple[str, ...]:
        """Names of what `metrics` returns, e.g. ``("train_loss", "test_error")``."""

    def score_names(self) -> tuple[str, ...]:
        """Names of all that is scored: `scores`, and ``test_error@ema-0.1`` for each average of weights."""
        averaged = (f"{name}@{average}" for average in self.average_names for name in self.scores())
        return (*self.scores(), *averaged)

    def metric_names(self) -> tuple[str, ...]:
        """``final/`` of every score; with ``evaluate_every`` also its best value, and at which step.

        ``best/test_loss`` is the smallest over all scored steps, the last one included, and
        ``best/test_accuracy`` the largest, see `lrshape.averages.higher_is_better`; ``best/test_loss_step``
        counts the steps done by then. They have their optimum in hindsight: use them to see how much early
        stopping would gain, rather than to choose a schedule.
        """
        names = self.score_names()
        final = tuple(f"final/{name}" for name in names)
        if not self.evaluate_every:
            return final
        return final + tuple(f"best/{name}{end}" for name in names for end in ("", "_step"))

    def tune(self) -> None:
        """Measure what is to be chosen for this device; called before anything is compiled."""

    @abc.abstractmethod
    def data(self) -> PyTree:
        """Arrays that all members share; loaded once and kept on the device."""

    @abc.abstractmethod
    def init(self, key: jax.Array, data: PyTree) -> PyTree:
        """State of one member before its first step. Members with one seed get one key."""

    def order(self, key: jax.Array, data: PyTree) -> jax.Array | None:
        """What each step of one seed's trials draws: int32, leading axis ``steps``; None for nothing."""
        return None

    def batch(self, data: PyTree, drawn: jax.Array) -> Batch:
        """The batch that a step trains on, from one row of `order`."""
        return drawn

    @abc.abstractmethod
    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """Scalars by the names of `scores`."""


class StepWorkload(PopulationWorkload):
    """A population workload that spells out its own update rule."""

    @abc.abstractmethod
    def step(self, state: PyTree, lr: jax.Array, batch: Batch, key: jax.Array | None) -> tuple[PyTree, Any]:
        """One training step: the new state and the training loss *before* it."""


class GradientWorkload(PopulationWorkload):
    """A model, a loss and an optimizer; the engine derives the step.

    ``data`` returns a mapping whose ``"train"`` is a tree of arrays with the example axis first, ``init``
    returns the parameters, and ``metrics`` takes them. Activations must take the parameters' dtype: the
    engine hands bfloat16 parameters to ``loss`` where the precision asks for them.
    """

    batch_size: int = Field(default=32, ge=1, description="examples per step")
    precision: Literal["auto", "float32", "tf32", "bf16"] = Field(
        default="auto",
        description="training precision: float32; tf32 matrix products (GPUs only); bf16 activations with "
        "float32 weights; auto: tf32 on GPUs, else float32",
    )
    optimizer: AnyOptimizer = Field(default_factory=Adam, description="the update rule")
    groups: tuple[Group, ...] = Field(
        default=(),
        description="groups of parameters, whose learning rates may differ; a parameter is in the first one "
        "whose rules it satisfies",
    )

    averages: tuple[str, ...] = Field(
        default=(),
        description="also score these averages of the weights, for metrics such as final/train_loss@ema-0.1: "
        f"names ema-SHARE or tail-SHARE, with a share of training; true: {', '.join(STANDARD)}",
    )

    @field_validator("averages", mode="before")
    @classmethod
    def _known_averages(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return STANDARD if value else ()
        return checked_names(value)

    @property
    @override
    def average_names(self) -> tuple[str, ...]:
        return self.averages

    @field_validator("optimizer", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Accept settings without a name, for the default optimizer."""
        if isinstance(value, dict):
            default = cls.model_fields["optimizer"].get_default(call_default_factory=True)
            return {"name": default.name, **value}
        return value

    @field_validator("groups")
    @classmethod
    def _different_names(cls, value: tuple[Group, ...]) -> tuple[Group, ...]:
        names = [group.name for group in value]
        if len(set(names)) < len(names):
            raise ValueError(f"must have different names, got {', '.join(names)}")
        return value

    @abc.abstractmethod
    def loss(self, params: PyTree, batch: Batch, key: jax.Array | None) -> jax.Array:
        """Mean loss of one batch."""

    def order(self, key: jax.Array, data: PyTree) -> jax.Array:
        """Indices of each step's examples, (steps, batch_size): a fresh permutation every epoch.

        An epoch's last, incomplete batch is dropped, as data loaders do with ``drop_last``.

        Raises:
            InputError: if a batch is larger than the training set.
        """
        import jax
        import jax.numpy as jnp

        examples = jax.tree.leaves(data["train"])[0].shape[0]
        per_epoch = examples // self.batch_size
        if per_epoch == 0:
            raise InputError(
                f"workload.batch_size must be at most the number of training examples, {examples}, "
                f"got {self.batch_size}"
            )

        def epoch(index: jax.Array) -> jax.Array:
            shuffled = jax.random.permutation(jax.random.fold_in(key, index), examples)
            return shuffled[: per_epoch * self.batch_size].reshape(per_epoch, self.batch_size)

        batches = jax.lax.map(epoch, jnp.arange(-(-self.steps // per_epoch)))
        return batches.reshape(-1, self.batch_size)[: self.steps].astype(jnp.int32)

    def batch(self, data: PyTree, drawn: jax.Array) -> Batch:
        """The examples at these indices."""
        import jax

        return jax.tree.map(lambda array: array[drawn], data["train"])


WORKLOADS: Registry[Workload] = Registry(
    "workload", "lrshape.training.workloads", "lrshape.workloads", Workload
)
"""The workloads by name."""
