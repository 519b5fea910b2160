"""Samplers: ways to choose points in the unit cube, found by name in ``SAMPLERS``."""

from lrshape.procedure.sampler import SAMPLERS, Sampler, State

__all__ = ["SAMPLERS", "Sampler", "State"]
