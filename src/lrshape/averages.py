"""Averages of the weights over a training: their names, and the rate of each update.

Every average is a running weighted mean, ``mean <- mean + rate * (weights - mean)``. It takes the weights
after the last step, ``interval(steps)`` steps before it, and so on.

``ema-0.1`` is the exponential moving average whose time constant is a tenth of training: the weights of
``age`` steps ago count ``exp(-age / (0.1 * steps))``, divided by the sum of all that counts. That is Adam's
bias correction (arXiv:1412.6980, section 3), by which the initial weights have no part in the average.
``tail-0.2`` is the plain mean over the last fifth of training; before that, it is the present weights.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown

STANDARD = ("ema-0.01", "ema-0.03", "ema-0.1", "ema-0.3", "tail-0.2")
"""Four horizons in equal ratios, and the plain mean whose weights are on average as old as ``ema-0.1``'s."""

SMALLEST_SHARE = 0.01

HIGHER_IS_BETTER = frozenset(
    ("acc", "accuracy", "auc", "auroc", "bleu", "f1", "iou", "precision", "recall", "reward", "rouge")
)
"""Words of the names of metrics whose higher values are better."""

_NAME = re.compile(r"(ema|tail)-(1|0\.\d{1,4})")


def checked_names(names: Any) -> tuple[str, ...]:
    """Return the names, of which one may come alone, if each is that of an average, and none comes twice.

    Raises:
        InputError: if one is not, or comes twice.

    Example:
        >>> checked_names(["ema-0.1", "tail-0.25"])
        ('ema-0.1', 'tail-0.25')
    """
    names = names if isinstance(names, list | tuple) else [names]
    for name in names:
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if found is None or float(found[2]) < SMALLEST_SHARE or names.count(name) > 1:
            raise InputError(
                "averages must be different names such as ema-0.1 or tail-0.2, with a share of training from "
                f"{SMALLEST_SHARE} to 1, got {shown(name)}"
            )
    return tuple(names)


def plain_metric(metric: str) -> str:
    """Return the name of the metric of the last weights that a metric of averaged ones belongs to.

    Example:
        >>> plain_metric("final/valid_loss@ema-0.1"), plain_metric("final/valid_loss")
        ('final/valid_loss', 'final/valid_loss')
    """
    return metric.partition("@")[0]


def last_word(metric: str) -> str:
    """Return what a metric measures, the last word of its name.

    Example:
        >>> last_word("final/test_accuracy@ema-0.1"), last_word("loss")
        ('accuracy', 'loss')
    """
    return plain_metric(metric).rpartition("/")[2].rpartition("_")[2]


def higher_is_better(metric: str) -> bool:
    """Return whether a metric says by its name that higher values are better, as of an accuracy.

    Example:
        >>> [higher_is_better(name) for name in ("final/valid_acc@ema-0.1", "F1-macro", "best/accuracy_step")]
        [True, True, False]
    """
    words = set(re.split("[^a-z0-9]+", plain_metric(metric).rpartition("/")[2].lower()))
    return bool(words & HIGHER_IS_BETTER) and not words & {"loss", "error", "step"}


def interval(steps: int) -> int:
    """Return how many steps lie between two updates of the averages, in a training of so many.

    Every fourth step keeps the cost below a tenth of the step's, even that of a tiny network. A training of
    50 steps or more has at least 50 updates, a long one about a thousand.

    Example:
        >>> [interval(steps) for steps in (50, 300, 2000, 100_000)]
        [1, 4, 4, 100]
    """
    return max(steps // 1000, min(4, steps // 50), 1)


def update_rates(names: Sequence[str], steps: int) -> NDArray[np.float64]:
    """Return the rates of all updates of a training, shape (updates, names).

    The updates are after ``steps`` steps, ``interval(steps)`` steps before, and so on.

    Args:
        names: of the averages.
        steps: of the whole training.

    Example:
        >>> update_rates(["ema-0.1", "tail-0.2"], 40)[[0, 1, 30, 39]].round(3).tolist()
        [[1.0, 1.0], [0.562, 1.0], [0.221, 1.0], [0.221, 0.125]]
    """
    every = interval(steps)
    updates = np.arange(1, -(-steps // every) + 1)
    found = np.empty((len(updates), len(names)))
    for i, name in enumerate(names):
        kind, _, share = name.partition("-")
        length = float(share) * steps / every  # in updates
        if kind == "ema":
            found[:, i] = np.expm1(-1 / length) / np.expm1(-updates / length)
        else:
            start = len(updates) - max(1, round(length))
            found[:, i] = 1 / np.maximum(updates - start, 1)
    return found
