"""Families of learning-rate schedule shapes.

``FAMILIES`` finds them by name, `evaluate` computes many shapes at once. The modules of the families are
imported on the first look-up, JAX never.
"""

from lrshape.shapes.batch import evaluate
from lrshape.shapes.family import FAMILIES, Family, Parameter, WarmupFamily, parameter

__all__ = ["FAMILIES", "Family", "Parameter", "WarmupFamily", "evaluate", "parameter"]
