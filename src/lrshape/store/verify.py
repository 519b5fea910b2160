"""Read every file of a study and say what is wrong with it; nothing is changed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lrshape.store import _files, _names
from lrshape.store._chunk import DamagedChunk
from lrshape.store.directory import DAMAGED, TRAININGS, Store


@dataclass
class Health:
    """What a study's files are like.

    Attributes:
        files: sound files of trainings.
        chunks: sound chunks in them.
        trainings: trainings in those.
        damaged: files that cannot be trusted, by name without ending, with the reasons.
        lost: chunks that are in damaged files alone.
        gaps: chunks that are missing between others.
        stale: unfinished writes that died, by path within the study.
        foreign: names in ``trainings/`` that are no chunk's.
        set_aside: files in ``damaged/``.
    """

    files: int = 0
    chunks: int = 0
    trainings: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    set_aside: int = 0


def verify(store: Store) -> Health:
    """Check every file: its checksum, that it is this study's and this chunk's, its columns.

    Raises:
        StoreError: if the disk cannot be read.
    """
    health = Health()
    sound: dict[str, int] = {}
    stems = sorted(store.stems())
    for stem, rows, reason in _checked(store, stems):
        if reason is None:
            health.files += 1
            sound |= rows
        else:
            health.damaged[stem] = reason
    health.chunks, health.trainings = len(sound), sum(sound.values())
    held = {chunk for stem in stems for chunk in _names.chunks_of(stem)}
    health.lost = sorted(held - sound.keys(), key=_names.order)
    health.gaps = _gaps(set(sound))
    for folder in ("", TRAININGS):
        prefix = f"{folder}/" if folder else ""
        health.stale += [prefix + name for name in store.place.stale(folder)]
    known = {f"{stem}.parquet" for stem in stems}
    names = store.place.names(TRAININGS)
    health.foreign = sorted(n for n in names if n not in known and not _files.is_temporary(n))
    health.set_aside = len(store.place.names(DAMAGED))
    return health


def _checked(store: Store, stems: list[str]) -> Iterator[tuple[str, dict[str, int], str | None]]:
    def check(stem: str) -> tuple[str, dict[str, int], str | None]:
        try:
            return stem, {name: table.num_rows for name, table in store.tables(stem).items()}, None
        except DamagedChunk as damage:
            return stem, {}, damage.reason
        except FileNotFoundError:  # another run has set it aside
            return stem, {}, "it has vanished meanwhile"

    with ThreadPoolExecutor(store.place.readers) as pool:
        yield from pool.map(check, stems)


def _gaps(chunks: set[str]) -> list[str]:
    gaps = []
    for phase in _names.ORDER:
        numbers = {number for name in chunks for p, number in [_names.parse(name)] if p == phase}
        missing = set(range(max(numbers, default=-1) + 1)) - numbers if len(numbers) < 10**7 else set()
        gaps += [f"{phase}-{number:05d}" for number in sorted(missing)[:1000]]
    return gaps
