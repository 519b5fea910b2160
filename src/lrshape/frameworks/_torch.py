"""The PyTorch scheduler. Its text is also copied into standalone files."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler


# The class is written into standalone files as it is: it may use nothing but torch, logging and typing.
# Trainers swallow warnings at a resume (transformers does): a log record reaches the user.
class ShapeLR(LRScheduler):
    """Sets every group's learning rate to its base LR times a shape's value at the optimizer's step.

    Steps past the end keep the last value. The state is plain numbers and text, so that it loads with
    ``torch.load(weights_only=True)``. What the shape is comes from the code and never from a loaded state: a
    state that was saved with another shape, number of steps or base LR logs a warning, and training goes on
    from its step along the present one.

    Args:
        optimizer: any optimizer.
        shape: ``step -> multiplier`` in [0, 1] for steps 0, 1, ...
        identity: what the shape is, as JSON; saved with the state, and compared when one is loaded.
        base_lr: base LR of the group whose learning rate is the largest; the others keep their ratios to
            it. None keeps the optimizer's own learning rates as base LRs.
        step: how many optimizer steps are done.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        shape: Callable[[int], float],
        identity: dict[str, Any],
        base_lr: float | None = None,
        step: int = 0,
    ) -> None:
        for group in optimizer.param_groups:
            group["initial_lr"] = float(group.get("initial_lr", group["lr"]))
        largest = max(group["initial_lr"] for group in optimizer.param_groups)
        if base_lr is not None:
            if not largest > 0:
                raise ValueError(f"the optimizer needs a learning rate above 0, its largest is {largest}")
            for group in optimizer.param_groups:
                group["initial_lr"] = base_lr * (group["initial_lr"] / largest)
        self.shape = shape
        self.identity = identity
        super().__init__(optimizer, last_epoch=step - 1)

    def get_lr(self) -> list[Any]:
        """The learning rate of each group at the present step."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:  # added since: as it was given
            self.base_lrs.append(float(group.setdefault("initial_lr", group["lr"])))
        multiplier = self.shape(self.last_epoch)
        return [base_lr * multiplier for base_lr in self.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """Return the state: numbers, text, lists and dictionaries."""
        return {
            "last_epoch": self.last_epoch,
            "_step_count": self._step_count,
            "_last_lr": [float(lr) for lr in self._last_lr],
            "base_lrs": [float(lr) for lr in self.base_lrs],
            "identity": self.identity,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at the step of a saved state, and warn if it followed another schedule.

        Load the optimizer's state first, as for every scheduler.

        Raises:
            ValueError: if it is no state of this class, or of another number of groups.
        """
        missing = [
            key for key in ("last_epoch", "_step_count", "base_lrs", "identity") if key not in state_dict
        ]
        if missing:
            raise ValueError(f"this is no state of a {type(self).__name__}: it has no {missing[0]!r}")
        own, saved = [float(lr) for lr in self.base_lrs], list(state_dict["base_lrs"])
        if len(saved) != len(own):
            raise ValueError(f"the state is of {len(saved)} param groups, the optimizer has {len(own)}")
        changes = [
            f"{key} {state_dict['identity'].get(key)!r:.60} -> {self.identity.get(key)!r:.60}"
            for key in {**state_dict["identity"], **self.identity}
            if state_dict["identity"].get(key) != self.identity.get(key)
        ]
        if any(abs(new - old) > 1e-9 * abs(old) for new, old in zip(own, saved, strict=True)):
            changes.append(f"base LRs {saved} -> {own}")
        self.last_epoch = int(state_dict["last_epoch"])
        self._step_count = int(state_dict["_step_count"])
        if changes:
            logging.getLogger(__name__).warning(
                "the saved schedule was another one: %s. From step %d on training follows the present one",
                "; ".join(changes),
                self.last_epoch,
            )
        for group, base_lr, lr in zip(self.optimizer.param_groups, own, self.get_lr(), strict=True):
            group["initial_lr"] = base_lr
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr
        self._last_lr = self.get_lr()
