"""What is sent to workers, as bytes."""

import pickle
import traceback
from typing import Any

from lrshape.errors import InputError


def packed(value: Any) -> bytes:
    """Pickled; functions that a worker cannot import, of scripts and notebooks for instance, by value.

    Raises:
        InputError: if it cannot be.
    """
    import cloudpickle

    try:
        return cloudpickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"this cannot be sent to a worker: {error}") from error


def sendable(error: Exception) -> tuple[Exception, str]:
    """An exception that can be read back elsewhere, and where it was raised, in words."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(packed(error))  # those with arguments of their own often fail here
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}"), text
    return error, text
