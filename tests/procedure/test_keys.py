import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrshape.procedure.trial import FIRST_SEED, sampler_seed, training_seeds

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS)
def test_seeds_of_a_study_differ_and_fit_any_framework(study_seed):
    indices = [first + i for first in FIRST_SEED.values() for i in range(100)]
    seeds = training_seeds(study_seed, indices)
    assert len(set(seeds.tolist())) == len(indices)
    assert seeds.min() >= 0
    assert seeds.max() < 2**31  # int32, as of Fortran, C and the GPU's generators


@given(SEEDS, st.integers(0, 10_000_000))
def test_a_seed_depends_on_its_index_alone(study_seed, index):
    assert training_seeds(study_seed, [index])[0] == training_seeds(study_seed, [5, index])[1]


def test_known_values_never_change():
    """A change here would silently change every study that anyone has run."""
    assert training_seeds(0, [0, 1, 1_000_000]).tolist() == KNOWN_TRAINING
    assert sampler_seed(0, "rex") == KNOWN_SAMPLER


def test_families_and_studies_get_their_own_shapes():
    seeds = {sampler_seed(study, family) for study in range(5) for family in ("rex", "sqrt", "cosine")}
    assert len(seeds) == 15
    assert not np.array_equal(training_seeds(0, [0]), training_seeds(1, [0]))


KNOWN_TRAINING = [673228719, 673228720, 674228719]
KNOWN_SAMPLER = 2433073200
