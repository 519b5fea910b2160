"""Where samplers register themselves, and are found by name."""

from lrshape.registry import Registry
from lrshape.samplers.base import Sampler

SAMPLERS: Registry[Sampler] = Registry("sampler", "lrshape.samplers")
"""All samplers by name: ``SAMPLERS["sobol"]`` is a class. A new sampler is one new file in this package."""
