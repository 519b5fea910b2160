"""Names of chunks of trials."""

import re

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

PHASES = ("screen", "rescore", "confirm")
"""The phases of a search, in the order in which they run."""

_CHUNK = re.compile(r"([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)-(\d{5,18})")


def phase_codes(phases: ArrayLike) -> NDArray[np.int64]:
    """The place of each trial's phase: those of a search as they run, then others by name.

    Example:
        >>> phase_codes(pd.Series(["seeds", "rescore", "seeds", "local"]))
        array([4, 1, 4, 3])
    """
    codes, names = pd.factorize(np.asarray(phases, object))
    others = sorted(set(names) - set(PHASES))
    place = {name: i for i, name in enumerate((*PHASES, *others))}
    return np.array([place[name] for name in names], np.int64)[codes]


def chunk_name(phase: str, number: int) -> str:
    """The name of a phase's chunk."""
    return f"{phase}-{number:05d}"


def parse(name: str) -> tuple[str, int]:
    """Phase and number of a chunk.

    Raises:
        ValueError: if it is no chunk's name.
    """
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ValueError(f"a chunk's name is <phase>-<five digits or more>, got {name!r}")
    return match[1], int(match[2])


def order(name: str) -> tuple[int, str, int, str]:
    """What chunks are sorted by: the phase, then the number."""
    phase, number = parse(name)
    return PHASES.index(phase) if phase in PHASES else len(PHASES), phase, number, name


def is_chunk(name: str) -> bool:
    """Whether this is a chunk's name."""
    return _CHUNK.fullmatch(name) is not None
