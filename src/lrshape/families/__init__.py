"""Families of learning-rate schedule shapes.

``FAMILIES`` finds them by name, `families` lists them (and ``lrshape.families()`` does too), `evaluate`
computes many shapes at once. The modules of the families are imported on the first look-up, JAX never.
"""

import sys
from types import ModuleType

from lrshape.families._batch import evaluate
from lrshape.families._info import FamilyInfo, families
from lrshape.families.base import Family, Parameter, WarmupFamily, parameter
from lrshape.families.registry import FAMILIES

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
    """Makes ``lrshape.families()`` the list of families, although ``lrshape.families`` is this package."""

    def __call__(self) -> dict[str, FamilyInfo]:
        return families()


sys.modules[__name__].__class__ = _CallableModule
