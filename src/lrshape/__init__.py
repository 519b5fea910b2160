"""lrshape finds near-optimal learning-rate schedule shapes for a training workload.

Everything public is here; nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from lrshape._version import __version__ as __version__

if TYPE_CHECKING:
    from lrshape.api import search as search
    from lrshape.errors import InputError as InputError
    from lrshape.shapes.family import FAMILIES as families  # noqa: N811 - to users it is a mapping
    from lrshape.shapes.family import Family as Family
    from lrshape.shapes.schedule import Schedule as Schedule
    from lrshape.study.callback import Callback as Callback
    from lrshape.study.run import TimeLimitReached as TimeLimitReached
    from lrshape.study.study import Study as Study

_HOMES = {
    "Callback": "lrshape.study.callback",
    "Family": "lrshape.shapes.family",
    "InputError": "lrshape.errors",
    "Schedule": "lrshape.shapes.schedule",
    "Study": "lrshape.study.study",
    "TimeLimitReached": "lrshape.study.run",
    "families": "lrshape.shapes.family:FAMILIES",
    "search": "lrshape.api",
}

__all__ = [
    "Callback",
    "Family",
    "InputError",
    "Schedule",
    "Study",
    "TimeLimitReached",
    "families",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lrshape' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
