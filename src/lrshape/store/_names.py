"""Names of files with trainings: a chunk's, and a pack's, which holds chunks that follow one another."""

import re
from collections.abc import Iterable

PHASES = ("screen", "rescore", "confirm")
"""The phases of a search, in the order in which they run."""

FOLLOW_UPS = ("coordinate", "seeds", "transfer")
"""What may be trained once a search is done, each in a directory of its own."""

ORDER = PHASES + FOLLOW_UPS
"""The order in which trainings are sorted."""

LONGEST_PACK = 100_000
"""Chunks that a pack may hold; a name that claims more is none."""

_CHUNK = re.compile(rf"({'|'.join(ORDER)})-(\d{{5,18}})")
_PACK = re.compile(rf"({'|'.join(ORDER)})-(\d{{5,18}})-(\d{{5,18}})")


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


def pack_name(first: str, last: str) -> str:
    """The name of a pack from its first to its last chunk."""
    return f"{first}-{parse(last)[1]:05d}"


def chunks_of(stem: str) -> list[str]:
    """The chunks in a file, by its name without the ending; none if it is no file of trainings.

    Example:
        >>> chunks_of("screen-00003"), chunks_of("screen-00003-00005"), chunks_of("notes")
        (['screen-00003'], ['screen-00003', 'screen-00004', 'screen-00005'], [])
    """
    if _CHUNK.fullmatch(stem):
        return [stem]
    match = _PACK.fullmatch(stem)
    if match is None:
        return []
    phase, first, last = match[1], int(match[2]), int(match[3])
    if not first <= last < first + LONGEST_PACK or stem != f"{phase}-{first:05d}-{last:05d}":
        return []
    return [f"{phase}-{number:05d}" for number in range(first, last + 1)]


def is_pack(stem: str) -> bool:
    """Whether a file's name is a pack's."""
    return bool(chunks_of(stem)) and _CHUNK.fullmatch(stem) is None


def holders(stems: Iterable[str]) -> dict[str, str]:
    """In which file each chunk is, in the order of the chunks; a file of its own comes before packs.

    A chunk may be in several files for a while, when a compaction was stopped: they agree.
    """
    found: dict[str, str] = {}
    packs = sorted((s for s in stems if is_pack(s)), key=lambda s: (-len(chunks_of(s)), s))
    alone = [s for s in stems if _CHUNK.fullmatch(s)]
    for stem in (*alone, *packs):
        for chunk in chunks_of(stem):
            found.setdefault(chunk, stem)
    return {chunk: found[chunk] for chunk in sorted(found, key=order)}
