"""Samplers: ways to choose points in the unit cube, found by name in ``SAMPLERS``."""

from lrshape.samplers.base import Sampler, State
from lrshape.samplers.registry import SAMPLERS

__all__ = ["SAMPLERS", "Sampler", "State"]
