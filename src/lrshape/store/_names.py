"""Names of chunks of trials."""

import re

PHASES = ("screen", "rescore", "confirm")
"""The phases of a search, in the order in which they run."""

FOLLOW_UPS = ("coordinate", "seeds", "transfer")
"""What may be trained once a search is done, each in a directory of its own."""

ORDER = PHASES + FOLLOW_UPS
"""The order in which trials are sorted."""

_CHUNK = re.compile(rf"({'|'.join(ORDER)})-(\d{{5,18}})")


def parse(name: str) -> tuple[str, int]:
    """Phase and number of a chunk.

    Raises:
        ValueError: if it is no chunk's name.
    """
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ValueError(f"a chunk's name is <{'|'.join(ORDER)}>-<five digits or more>, got {name!r}")
    return match[1], int(match[2])


def order(name: str) -> tuple[int, int, str]:
    """What chunks are sorted by: the phase, then the number."""
    phase, number = parse(name)
    return ORDER.index(phase), number, name


def is_chunk(name: str) -> bool:
    """Whether this is a chunk's name."""
    return _CHUNK.fullmatch(name) is not None
