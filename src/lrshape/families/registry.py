"""Where families register themselves, and are found by name."""

from lrshape.families.base import Family
from lrshape.registry import Registry

FAMILIES: Registry[Family] = Registry("family", "lrshape.families")
"""All families by name: ``FAMILIES["rex"]`` is a class. A new family is one new file in this package."""
