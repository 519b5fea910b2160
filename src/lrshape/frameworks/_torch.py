"""The PyTorch scheduler. Its text is also copied into standalone files."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler


# The class is written into standalone files as it is: it may use nothing but torch, logging,
# typing and collections.abc.
# Trainers swallow warnings at a resume (transformers does): a log record reaches the user.
class ShapeLR(LRScheduler):
    """Sets every group's learning rate to its base LR times a shape's value at the optimizer's step.

    Steps past the end keep the last value. A group that is added in training has the learning rate that it
    came with as its base LR. The state is plain numbers and text, so that it loads with
    ``torch.load(weights_only=True)``. What the shape is comes from the code and never from a loaded state: a
    state that was saved with another shape, number of steps or base LR logs a warning, and training goes on
    from its step along the present one.

    Args:
        optimizer: any optimizer.
        shape: ``step -> multiplier`` in [0, 1] for steps 0, 1, ...
        identity: what the shape is, as JSON; saved with the state, and compared when one is loaded.
        base_lr: base LR of the group whose learning rate is the largest; the others keep their ratios to
            it. None keeps the optimizer's own learning rates as base LRs. Both go by its learning rates at
            present; by those that it began with (``initial_lr``) if all are 0 now, or ``step`` is above 0.
            The learning rates of a state that the optimizer loads later become no base LRs.
        step: how many optimizer steps are done.

    Raises:
        ValueError: if ``base_lr`` or ``step`` is not legal, or no group has a learning rate above 0.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        shape: Callable[[int], float],
        identity: dict[str, Any],
        base_lr: float | None = None,
        step: int = 0,
    ) -> None:
        if isinstance(step, bool) or not hasattr(step, "__index__") or step < 0:
            raise ValueError(f"step must be a whole number from 0, got {step!r}")
        if base_lr is not None and not 0 < base_lr < float("inf"):
            raise ValueError(f"base_lr must be a finite number above 0, got {base_lr!r}")
        self.shape = shape
        self.identity = identity
        self.base_lr = None if base_lr is None else float(base_lr)
        groups = optimizer.param_groups
        rates = [float(group["lr"]) for group in groups]
        initial = [float(group.get("initial_lr", group["lr"])) for group in groups]
        if step > 0 or not max(rates) > 0:
            rates = initial
        largest = max(rates)
        if not largest > 0:
            raise ValueError(f"the optimizer needs a learning rate above 0, its largest is {largest}")
        if self.base_lr is not None:
            rates = initial = [self.base_lr * (rate / largest) for rate in rates]
        for group, rate in zip(groups, rates, strict=True):
            group["initial_lr"] = rate
        self.owners = [self._owner(group) for group in groups]
        super().__init__(optimizer, last_epoch=int(step) - 1)
        self.initial_lrs = initial
        for group, rate in zip(groups, initial, strict=True):  # until the first step: a SequentialLR needs it
            group["initial_lr"] = rate

    def get_lr(self) -> list[Any]:
        """The learning rate of each group at the present step."""
        self._match_groups()
        if self.last_epoch > 0:
            for group, base_lr in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
                group["initial_lr"] = base_lr
        elif self._get_lr_called_within_step and self.base_lr is None:
            # A SequentialLR begins with it: what was the present learning rate was its first scheduler's.
            self.base_lrs = [float(group["initial_lr"]) for group in self.optimizer.param_groups]
        return self._lrs()

    def _lrs(self) -> list[Any]:
        multiplier = self.shape(self.last_epoch)
        return [base_lr * multiplier for base_lr in self.base_lrs]

    def _match_groups(self) -> None:
        """Find the base LRs of groups that were added since, and forget those of groups that were removed."""
        groups, known = self.optimizer.param_groups, len(self.base_lrs)
        bare = [group for group in groups[:known] if "initial_lr" not in group]
        others = [g for g, owner in zip(bare, self.owners, strict=False) if self._owner(g) is not owner]
        if len(groups) < known or 0 < len(bare) < known or others:
            known, self.base_lrs, self.initial_lrs, self.owners = 0, [], [], []
        elif bare:  # the optimizer has loaded a state from a training without a scheduler: the base LRs hold
            began = self.base_lrs if self.last_epoch > 0 else self.initial_lrs
            for group, lr in zip(groups[:known], began, strict=True):
                group["initial_lr"] = lr
        for group in groups[known:]:
            lr = float(group.setdefault("initial_lr", float(group["lr"])))
            self.base_lrs.append(lr)
            self.initial_lrs.append(lr)
            self.owners.append(self._owner(group))

    @staticmethod
    def _owner(group: dict[str, Any]) -> Any:
        """The group's first parameter, which stays when the optimizer loads a state into a new group."""
        return next(iter(group["params"]), None)

    def state_dict(self) -> dict[str, Any]:
        """Return the state: numbers, text, lists and dictionaries."""
        self._match_groups()
        return {
            "last_epoch": self.last_epoch,
            "_step_count": self._step_count,
            "_last_lr": [float(lr) for lr in self._last_lr],
            "base_lr": self.base_lr,
            "base_lrs": [float(lr) for lr in self.base_lrs],
            "identity": self.identity,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on at the step of a saved state, and warn if it followed another schedule.

        Load the optimizer's state first, as for every scheduler. The saved base LRs of the groups hold, in
        proportion to ``base_lr`` if that is another one now. Of a scheduler of another class only the step is
        taken, and with ``base_lr`` None the base LRs.

        Raises:
            ValueError: if it is no state of a scheduler, or of another number of groups.
        """
        self._match_groups()
        first = state_dict
        while "last_epoch" not in first and first.get("_schedulers"):
            first = first["_schedulers"][0]  # of a ChainedScheduler
        if "last_epoch" not in first:
            raise ValueError("this is no state of a learning-rate scheduler: it has no 'last_epoch'")
        saved = [float(lr) for lr in state_dict.get("base_lrs", [])]
        changes = self._take_base_lrs(state_dict, saved)
        self.last_epoch = int(first["last_epoch"])
        self._step_count = int(first.get("_step_count", self.last_epoch + 1))
        if changes:
            logging.getLogger(__name__).warning(
                "the saved schedule was another one: %s. From step %d on training follows the present one",
                "; ".join(changes),
                self.last_epoch,
            )
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        own, last = ([float(lr) for lr in lrs] for lrs in (self._last_lr, state_dict.get("_last_lr", rates)))
        # Else it is in a SequentialLR, and another scheduler sets the learning rates at present.
        if self.last_epoch >= 0 and (rates[: len(last)] == last or rates[: len(own)] == own):
            # A group that was added since the last step comes with its own.
            rates[: len(last)] = self._lrs()[: len(last)]
            self._set_rates(rates)
        self._last_lr = [*rates]

    def _set_rates(self, rates: list[float]) -> None:
        for group, base_lr, lr in zip(self.optimizer.param_groups, self.base_lrs, rates, strict=True):
            group["initial_lr"] = base_lr
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def _take_base_lrs(self, state_dict: dict[str, Any], saved: list[float]) -> list[str]:
        """Take the base LRs that a state gives, and return what is another one now."""
        if "identity" not in state_dict:
            if self.base_lr is None and len(saved) == len(self.base_lrs):
                self.base_lrs = [*saved]
            return ["the state is of another kind of scheduler"]
        if len(saved) != len(self.base_lrs):
            raise ValueError(
                f"the state is of {len(saved)} param groups, the optimizer has {len(self.base_lrs)}: "
                "give the optimizer the groups of the saved training before its states are loaded"
            )
        before, now = state_dict["identity"], self.identity
        changes = [
            f"{key} {before.get(key)!r:.60} -> {now.get(key)!r:.60}"
            for key in {**before, **now}
            if before.get(key) != now.get(key)
        ]
        base_lr = state_dict["base_lr"]
        if base_lr == self.base_lr:
            self.base_lrs = [*saved]
        elif base_lr is not None and self.base_lr is not None:
            self.base_lrs = [*(lr * (self.base_lr / base_lr) for lr in saved)]
        if self.base_lrs != saved:
            changes.append(f"base LRs {saved} -> {self.base_lrs}")
        return changes
