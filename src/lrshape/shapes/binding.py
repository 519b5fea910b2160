"""What binds a schedule to the framework that trains with it; frameworks are imported where they are used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lrshape.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import keras
    import torch


class Bindable:
    """Methods of `lrshape.Schedule` that hand it to frameworks."""

    def to(self, framework: str, *arguments: Any, **options: Any) -> Any:
        """Return what an exporter makes of the schedule for a program that runs: ``to("torch", optimizer)``.

        The methods ``to_...`` do so with named arguments; this one also reaches exporters of other packages.

        Args:
            framework: an exporter's name, see `lrshape.frameworks`.
            arguments: what it takes.
            options: what it takes.

        Raises:
            InputError: if there is no such exporter, or it writes files only.
        """
        from lrshape.frameworks.exporter import EXPORTERS

        exporter = EXPORTERS[framework]
        if exporter.bind is None:
            raise InputError(f"{framework} is a file: `lrshape export --to {framework}` writes it")
        return exporter.bind(self, *arguments, **options)

    def to_torch(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, keep_lr: bool = False, **changes: Any
    ) -> "torch.optim.lr_scheduler.LRScheduler":
        """Return a PyTorch scheduler; call its ``step()`` after each ``optimizer.step()``.

        Args:
            optimizer: its group with the largest learning rate gets the base LR, the others keep their
                ratios to it.
            step: how many optimizer steps are done.
            keep_lr: keep the optimizer's own learning rates as base LRs, those that it has at present; with a
                ``step`` above 0 those that it began with.
            changes: see `replace`.
        """
        return self._changed(keep_lr, changes).to("torch", optimizer, keep_lr=keep_lr, step=step)

    def follow(self, optimizer: "torch.optim.Optimizer", **changes: Any) -> "Iterator[float]":
        """Yield the learning rate of each step after setting it in a PyTorch optimizer.

        ``for lr in schedule.follow(optimizer):`` is a whole training loop: its body makes one optimizer step.

        Args:
            optimizer: see `to_torch`.
            changes: see `replace`.
        """
        schedule = self._changed(False, changes)
        return _followed(schedule.to_torch(optimizer), schedule.steps)

    def to_optax(self, **changes: Any) -> "Callable[[Any], Any]":
        """Return an optax schedule, which can be traced; for ``changes`` see `replace`."""
        return self._changed(False, changes).to("optax")

    def to_keras(
        self, *, gradient_accumulation_steps: int | None = None, **changes: Any
    ) -> "keras.optimizers.schedules.LearningRateSchedule":
        """Return a Keras 3 ``LearningRateSchedule``, which is saved with a model.

        Args:
            gradient_accumulation_steps: what the optimizer has as ``gradient_accumulation_steps``.
            changes: see `replace`.
        """
        return self._changed(False, changes).to("keras", gradient_accumulation_steps)

    def to_transformers(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, keep_lr: bool = False, **changes: Any
    ) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]":
        """Return ``(optimizer, scheduler)`` for ``Trainer(optimizers=...)``; arguments as for `to_torch`."""
        return self._changed(keep_lr, changes).to("transformers", optimizer, keep_lr=keep_lr, step=step)

    def to_trainer(
        self, trainer: type[Any] | None = None, *, base_lr: float | None = None, keep_lr: bool = False
    ) -> type[Any]:
        """Return a subclass of Hugging Face's ``Trainer`` that follows the shape over all its steps.

        Args:
            trainer: the class to derive from, default ``transformers.Trainer``.
            base_lr: another base LR.
            keep_lr: keep ``TrainingArguments.learning_rate`` as the base LR.
        """
        from lrshape.frameworks.exporter import EXPORTERS

        exporter: Any = EXPORTERS["transformers"]
        return exporter.trainer_class(self._changed(keep_lr, {"base_lr": base_lr}), trainer, keep_lr=keep_lr)

    def to_lightning(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, keep_lr: bool = False, **changes: Any
    ) -> dict[str, Any]:
        """Return what ``configure_optimizers`` returns in Lightning; arguments as for `to_torch`."""
        return self._changed(keep_lr, changes).to("lightning", optimizer, keep_lr=keep_lr, step=step)

    def _changed(self, keep_lr: bool, changes: Mapping[str, Any]) -> Any:
        if keep_lr and changes.get("base_lr") is not None:
            raise InputError("keep_lr keeps the optimizer's learning rates: base_lr cannot go with it")
        schedule: Any = self  # the class that these methods belong to has replace
        return schedule.replace(**changes)


def _followed(scheduler: "torch.optim.lr_scheduler.LRScheduler", steps: int) -> "Iterator[float]":
    for step in range(steps):
        yield float(max(scheduler.get_last_lr()))
        if step < steps - 1:
            scheduler.step()
