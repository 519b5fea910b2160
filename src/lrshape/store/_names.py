"""Names of chunks of trials."""

import re

PHASES = ("screen", "rescore", "confirm")
"""The phases of a search, in the order in which they run. Those of checks have directories of their own."""

_CHUNK = re.compile(r"([a-z][a-z0-9_-]{0,60})-(\d{5,18})")


def parse(name: str) -> tuple[str, int]:
    """Phase and number of a chunk.

    Raises:
        ValueError: if it is no chunk's name.
    """
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ValueError(f"a chunk's name is <phase>-<five digits or more>, got {name!r}")
    return match[1], int(match[2])


def order(name: str) -> tuple[int, int, str]:
    """What chunks are sorted by: the phase, then the number."""
    phase, number = parse(name)
    return PHASES.index(phase) if phase in PHASES else len(PHASES), number, name


def is_chunk(name: str) -> bool:
    """Whether this is a chunk's name."""
    return _CHUNK.fullmatch(name) is not None
