"""The workloads by name."""

from lrshape.registry import Registry
from lrshape.workloads.base import Workload

WORKLOADS: Registry[Workload] = Registry("workload", "lrshape.workloads")
