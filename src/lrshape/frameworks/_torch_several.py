"""The PyTorch scheduler of several quantities. Its text is also copied into standalone files."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from lrshape.frameworks._torch import ShapeLR


# The class is written into standalone files behind `ShapeLR`: it may use nothing else but what that may use.
class ShapesLR(LRScheduler):
    """Sets several quantities of an optimizer's groups, each along a shape of its own.

    What `ShapeLR` is to the learning rate, it is here to any number of the groups: each quantity is the
    learning rate of an optimizer without weights, which a `ShapeLR` sets and from which it is copied. Groups
    must be those of the whole training: one that is added later keeps its values.

    Args:
        optimizer: any optimizer.
        curves: ``{name: (shape, identity, base)}`` with the arguments of `ShapeLR`. A name is a key of the
            groups, or ``beta1`` or ``beta2`` for those in ``betas``; ``lr.NAME`` is for groups whose key
            ``name`` is NAME, and then ``lr`` is for the others.
        step: how many optimizer steps are done.

    Raises:
        ValueError: if a name fits no group, or all values that it fits are 0.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        curves: dict[str, tuple[Callable[[int], float], dict[str, Any], float]],
        step: int = 0,
    ) -> None:
        self.optimizer = optimizer
        self.members = {name: self._members(name, list(curves)) for name in curves}
        self.schedulers = {}
        for name, (shape, identity, base) in curves.items():
            quantity = name.partition(".")[0]
            mirrored = []
            for i in self.members[name]:
                group = optimizer.param_groups[i]
                value = self._get(group, quantity)
                mirrored.append(
                    {"params": [], "lr": value, "initial_lr": group.get(f"initial_{quantity}", value)}
                )
            if not any(group["lr"] > 0 or group["initial_lr"] > 0 for group in mirrored):
                raise ValueError(f"{name}: the optimizer needs a {quantity} above 0, its largest is 0")
            mirror = torch.optim.SGD(mirrored, lr=1.0)
            self.schedulers[name] = ShapeLR(mirror, shape, identity, base, step)
            mirror.step()  # PyTorch warns of a scheduler whose optimizer has made no step
        self._step_count = step + 1
        for group in optimizer.param_groups:
            self._unshare(group)
        self._copy()

    def _members(self, name: str, names: list[str]) -> list[int]:
        """The indices of the groups that a schedule is for."""
        quantity, _, wanted = name.partition(".")
        found = []
        for i, group in enumerate(self.optimizer.param_groups):
            called = group.get("name")
            if (called == wanted) if wanted else f"{quantity}.{called}" not in names:
                self._get(group, quantity)
                found.append(i)
        if not found:
            called = [group.get("name") for group in self.optimizer.param_groups]
            rule = f"have the name {wanted!r}" if wanted else f"have no {quantity} schedule of their own"
            raise ValueError(f"{name}: some param groups must {rule}, the names are {called}")
        return found

    def _get(self, group: dict[str, Any], quantity: str) -> float:
        if quantity in ("beta1", "beta2") and "betas" in group:
            return float(group["betas"][int(quantity[-1]) - 1])
        value: Any = group.get(quantity)
        if not self._is_number(value):
            numbers = [key for key, one in self.optimizer.defaults.items() if self._is_number(one)]
            has = ", ".join([*numbers, *(("beta1", "beta2") if "betas" in group else ())])
            raise ValueError(f"{quantity}: {type(self.optimizer).__name__} has no such number, it has {has}")
        return float(value)

    @staticmethod
    def _is_number(value: Any) -> bool:
        return isinstance(value, int | float | torch.Tensor) and not isinstance(value, bool)

    def _set(self, group: dict[str, Any], quantity: str, value: float) -> None:
        held: Any = group
        key: Any = quantity
        if quantity in ("beta1", "beta2") and "betas" in group:
            held, key = list(group["betas"]), int(quantity[-1]) - 1
        if isinstance(held[key], torch.Tensor):
            held[key].fill_(value)
        else:
            held[key] = value
        if held is not group:
            group["betas"] = tuple(held)

    def _unshare(self, group: dict[str, Any]) -> None:
        """Give a group tensors of its own: groups share those that are an optimizer's defaults."""
        for key, value in group.items():
            if isinstance(value, torch.Tensor):
                group[key] = value.clone()
            elif key == "betas":
                group[key] = tuple(one.clone() if isinstance(one, torch.Tensor) else one for one in value)

    def _copy(self) -> None:
        """Give the optimizer what the schedulers have set, and what they began with, for a resume."""
        for name, scheduler in self.schedulers.items():
            quantity = name.partition(".")[0]
            for i, mirrored in zip(self.members[name], scheduler.optimizer.param_groups, strict=True):
                group = self.optimizer.param_groups[i]
                group[f"initial_{quantity}"] = mirrored["initial_lr"]
                self._set(group, quantity, mirrored["lr"])
        self.last_epoch = next(iter(self.schedulers.values())).last_epoch
        groups = self.optimizer.param_groups
        self._last_lr = [float(group["lr"]) for group in groups]
        self.base_lrs = [float(group.get("initial_lr", group["lr"])) for group in groups]

    def get_lr(self) -> list[Any]:
        """The learning rate of each group at the present step."""
        return [*self._last_lr]

    def step(self, epoch: int | None = None) -> None:
        """Set the values of the next step."""
        for scheduler in self.schedulers.values():
            scheduler.step(epoch)
        self._step_count += 1
        self._copy()

    def state_dict(self) -> dict[str, Any]:
        """Return the state: numbers, text, lists and dictionaries."""
        schedulers = {name: scheduler.state_dict() for name, scheduler in self.schedulers.items()}
        return {"last_epoch": self.last_epoch, "schedulers": schedulers}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at the step of a saved state, see `ShapeLR`; of a quantity without one, only at the step.

        Raises:
            ValueError: if it is no state of a scheduler, or of another number of groups.
        """
        saved = state_dict.get("schedulers", {})
        gone = [name for name in saved if name not in self.schedulers]
        if gone:
            logging.getLogger(__name__).warning(
                "the saved training also had schedules of %s: without one, each stays as it now is",
                ", ".join(gone),
            )
        only_step = {key: state_dict[key] for key in ("last_epoch",) if key in state_dict}
        for name, scheduler in self.schedulers.items():
            scheduler.load_state_dict(saved.get(name, only_step))
        self._copy()
        self._step_count = self.last_epoch + 1
