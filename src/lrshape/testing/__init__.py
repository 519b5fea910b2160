"""Contracts that plug-ins keep, for those who write one: ``check_family(MyFamily)`` in a test of theirs.

``python -m lrshape.testing [NAME...]`` checks whatever is registered, other packages' plug-ins included.
Nothing here needs pytest.
"""

from lrshape.testing.executors import check_executor
from lrshape.testing.families import check_family
from lrshape.testing.samplers import check_sampler
from lrshape.testing.trackers import check_tracker
from lrshape.testing.workloads import check_workload

__all__ = ["check_executor", "check_family", "check_sampler", "check_tracker", "check_workload"]
