"""lrshape finds near-optimal learning-rate schedule shapes for a training workload.

Everything public is here; nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lrshape import shapes as families
    from lrshape.analysis.result import Result as Result
    from lrshape.api import search as search
    from lrshape.errors import InputError as InputError
    from lrshape.shapes.schedule import Schedule as Schedule
    from lrshape.study.callback import Callback as Callback
    from lrshape.study.run import TimeLimitReached as TimeLimitReached
    from lrshape.study.study import Study as Study

_HOME = {
    "InputError": "lrshape.errors",
    "Callback": "lrshape.study.callback",
    "Result": "lrshape.analysis.result",
    "Schedule": "lrshape.shapes.schedule",
    "Study": "lrshape.study.study",
    "TimeLimitReached": "lrshape.study.run",
    "search": "lrshape.api",
}

__all__ = ["Callback", "InputError", "Result", "Schedule", "Study", "TimeLimitReached", "families", "search"]


def __getattr__(name: str) -> Any:
    if name == "families":
        return importlib.import_module("lrshape.shapes")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'lrshape' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
