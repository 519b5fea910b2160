"""The executors by name."""

from lrshape.executors.base import Executor
from lrshape.registry import Registry

EXECUTORS: Registry[Executor] = Registry("executor", "lrshape.executors")
