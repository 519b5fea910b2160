"""lrshape finds near-optimal learning-rate schedule shapes for a training workload.

Everything public is here; nothing heavy is imported before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from lrshape._version import __version__ as __version__

if TYPE_CHECKING:
    from lrshape import frameworks as frameworks
    from lrshape import testing as testing
    from lrshape import trackers as trackers
    from lrshape.analysis.result import Result as Result
    from lrshape.api import compare as compare
    from lrshape.api import search as search
    from lrshape.checks.check import Check as Check
    from lrshape.cli.progress import PrintProgress as PrintProgress
    from lrshape.errors import InputError as InputError
    from lrshape.files import StoreError as StoreError
    from lrshape.predict.suggest import suggest as suggest
    from lrshape.predict.suggestion import Suggestion as Suggestion
    from lrshape.shapes.family import FAMILIES
    from lrshape.shapes.family import Family as Family
    from lrshape.shapes.schedule import Schedule as Schedule
    from lrshape.shapes.schedules import Schedules as Schedules
    from lrshape.study.callback import Callback as Callback
    from lrshape.study.run import TooManyFailed as TooManyFailed
    from lrshape.study.study import Study as Study
    from lrshape.study.time_limit import TimeLimitReached as TimeLimitReached
    from lrshape.training.workload import GradientWorkload as GradientWorkload
    from lrshape.training.workload import Workload as Workload

    families = FAMILIES

_HOMES = {
    "Callback": "lrshape.study.callback",
    "Check": "lrshape.checks.check",
    "Family": "lrshape.shapes.family",
    "GradientWorkload": "lrshape.training.workload",
    "InputError": "lrshape.errors",
    "PrintProgress": "lrshape.cli.progress",
    "Result": "lrshape.analysis.result",
    "Schedule": "lrshape.shapes.schedule",
    "Schedules": "lrshape.shapes.schedules",
    "StoreError": "lrshape.files",
    "Study": "lrshape.study.study",
    "Suggestion": "lrshape.predict.suggestion",
    "TimeLimitReached": "lrshape.study.time_limit",
    "TooManyFailed": "lrshape.study.run",
    "Workload": "lrshape.training.workload",
    "compare": "lrshape.api",
    "families": "lrshape.shapes.family:FAMILIES",
    "search": "lrshape.api",
    "suggest": "lrshape.predict.suggest",
}
_NAMESPACES = ("frameworks", "testing", "trackers")

__all__ = sorted([*_HOMES, *_NAMESPACES])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _NAMESPACES:
        return importlib.import_module(f"lrshape.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lrshape' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
