"""Contracts that plug-ins keep, for those who write one: ``check_family(MyFamily)`` in a test of theirs.

``python -m lrshape.testing [NAME...]`` checks whatever is registered, other packages' plug-ins included.
Nothing here needs pytest.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrshape.testing.checks import check_check as check_check
    from lrshape.testing.executors import check_executor as check_executor
    from lrshape.testing.exporters import check_exporter as check_exporter
    from lrshape.testing.families import check_family as check_family
    from lrshape.testing.readers import check_reader as check_reader
    from lrshape.testing.samplers import check_sampler as check_sampler
    from lrshape.testing.trackers import check_tracker as check_tracker
    from lrshape.testing.workloads import check_workload as check_workload

_HOME = {
    "check_check": "checks",
    "check_executor": "executors",
    "check_exporter": "exporters",
    "check_family": "families",
    "check_reader": "readers",
    "check_sampler": "samplers",
    "check_tracker": "trackers",
    "check_workload": "workloads",
}

__all__ = list(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    # Imported when used, for worker processes that import the tasks here need none of it.
    if name in _HOME:
        return getattr(importlib.import_module(f"lrshape.testing.{_HOME[name]}"), name)
    raise AttributeError(f"module 'lrshape.testing' has no attribute {name!r}")
