"""What one call of a user's training code came to. Light: worker processes import it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Complex, Real
from typing import Any

MESSAGE_LENGTH = 500


@dataclass(frozen=True)
class Result:
    """A trial that returned its scores, or failed with a message.

    Attributes:
        scores: a number for each metric, which need not be finite; None if the trial failed.
        message: why it failed.
    """

    scores: dict[str, float] | None
    message: str = ""


def failure(error: BaseException) -> Result:
    """A failed trial with an exception's name and text; users' exceptions may do anything."""
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be read"
    return Result(None, storable(f"{type(error).__name__}: {text}"))


def storable(message: str) -> str:
    """A message of at most `MESSAGE_LENGTH` characters, as text that any file can hold."""
    return message[:MESSAGE_LENGTH].encode("utf-8", "backslashreplace").decode("utf-8")


def full_name(metric: str) -> str:
    """A metric's name as it is stored: ``final/`` goes before a name without a moment."""
    return metric if "/" in metric else f"final/{metric}"


def scores(result: Any, names: Sequence[str], what: str = "train must return") -> dict[str, float]:
    """Check what a trial gave.

    Args:
        result: a number or a mapping of metric names to numbers; metrics that are not asked for are ignored.
        names: full names of the metrics.
        what: the beginning of the messages.

    Raises:
        TypeError: if it is neither a number nor a mapping with numbers for all the stated metrics.
    """
    named = result if isinstance(result, Mapping) else {names[0]: result}
    given = {full_name(str(name)): value for name, value in named.items()}
    missing = [name for name in names if name not in given]
    if missing:
        raise TypeError(f"{what} the metrics {', '.join(names)}; missing: {', '.join(missing)}")
    found = {}
    for name in names:
        value: Any = given[name]
        if not _is_real(value):
            raise TypeError(f"{what} a number for {name}, got {value!r:.80}")
        found[name] = float(value.detach() if hasattr(value, "detach") else value)  # a tensor on its graph
    return found


def _is_real(value: Any) -> bool:
    if isinstance(value, str | bytes | bool) or (isinstance(value, Complex) and not isinstance(value, Real)):
        return False
    return hasattr(value, "__float__")
