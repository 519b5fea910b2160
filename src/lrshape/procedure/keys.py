"""Every random number of a study comes from (study seed, purpose, index)."""

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

TRAINING, SAMPLER = 1, 2

FIRST_SEED = {
    "screen": 0,
    "rescore": 1_000_000,
    "confirm": 2_000_000,
    "optimum": 6_000_000,
    "pace": 7_000_000,
}
"""First seed index of each phase: no phase sees another's seeds, however many each one uses.

Those of checks follow from their classes, see `lrshape.checks.check.Check`: 3 to 5 million are taken.
"""


def training_seeds(study_seed: int, indices: ArrayLike) -> NDArray[np.int64]:
    """Seeds of trials from their seed indices, in [0, 2**32), all different within a study."""
    offset = int(np.random.SeedSequence(study_seed, spawn_key=(TRAINING,)).generate_state(1)[0])
    return (np.asarray(indices, np.int64) + offset) % 2**32


def sampler_seed(study_seed: int, family: str) -> int:
    """Seed of the sampler of a family's shapes: it depends on no other family."""
    index = zlib.crc32(family.encode())
    return int(np.random.SeedSequence(study_seed, spawn_key=(SAMPLER, index)).generate_state(1)[0])
