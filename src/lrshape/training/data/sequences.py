"""Texts as sequences that a language model trains on."""

import numpy as np
from numpy.typing import NDArray


def cut(tokens: NDArray[np.uint16], length: int, pad: int = 0) -> NDArray[np.uint16]:
    """Cut a text into sequences of inputs and, shifted by one, targets.

    Row i holds tokens i * length to i * length + length: ``row[:-1]`` are the inputs, ``row[1:]`` the
    targets, so that every token but the first is a target once. The last row is filled up with ``pad``.

    Args:
        tokens: (count,), at least 2.
        length: tokens a sequence, at least 1.
        pad: fills the last row up.

    Returns:
        (sequences, length + 1).

    Example:
        >>> cut(np.arange(1, 7, dtype=np.uint16), 3).tolist()
        [[1, 2, 3, 4], [4, 5, 6, 0]]
    """
    rows = max(1, -(-(len(tokens) - 1) // length))
    out = np.full((rows, length + 1), pad, np.uint16)
    filled = np.full(rows * length + 1, pad, np.uint16)
    filled[: len(tokens)] = tokens
    out[:, :-1] = filled[:-1].reshape(rows, length)
    out[:, -1] = filled[length::length]
    return out
