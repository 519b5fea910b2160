"""A running study in the experiment trackers that people have: TensorBoard, Weights & Biases."""

from lrshape.errors import InputError, shown
from lrshape.trackers.tracker import Logger

__all__ = ["Logger", "logger"]


def logger(target: str) -> Logger:
    """Return a callback that logs a study; to be given to `lrshape.search` as ``callback``.

    Args:
        target: ``tensorboard:DIR`` or ``wandb:PROJECT``.

    Raises:
        InputError: if it is neither, or the tracker's package is not installed.
    """
    kind, _, where = target.partition(":")
    if kind not in ("tensorboard", "wandb") or not where:
        raise InputError(f"--log-to takes tensorboard:DIR or wandb:PROJECT, got {shown(target)}")
    try:
        if kind == "tensorboard":
            from lrshape.trackers.tensorboard import TensorBoard

            return TensorBoard(where)
        from lrshape.trackers.wandb import WeightsAndBiases

        return WeightsAndBiases(where)
    except ImportError:
        raise InputError(f"--log-to {kind} needs its package: pip install 'lrshape[{kind}]'") from None
