"""Families of learning-rate schedule shapes.

``FAMILIES`` finds them by name, `families` lists them (and ``lrshape.shapes()`` does too), `evaluate`
computes many shapes at once. The modules of the families are imported on the first look-up, JAX never.
"""

import sys
from types import ModuleType

from lrshape.shapes.batch import evaluate
from lrshape.shapes.family import FAMILIES, Family, Parameter, WarmupFamily, parameter
from lrshape.shapes.info import FamilyInfo, families

__all__ = [
    "FAMILIES",
    "Family",
    "FamilyInfo",
    "Parameter",
    "WarmupFamily",
    "evaluate",
    "families",
    "parameter",
]


class _CallableModule(ModuleType):
    """Makes ``lrshape.shapes()`` the list of families, although ``lrshape.shapes`` is this package."""

    def __call__(self) -> dict[str, FamilyInfo]:
        return families()


sys.modules[__name__].__class__ = _CallableModule
