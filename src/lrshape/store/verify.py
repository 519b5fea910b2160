"""Read every file of a study and say what is wrong with it; nothing is changed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lrshape.store import chunk_names, files
from lrshape.store.chunk_file import DamagedChunk
from lrshape.store.directory import DAMAGED, TRIALS, Store


@dataclass
class Health:
    """What a study's files are like.

    Attributes:
        chunks: sound chunks.
        trials: trials in those.
        damaged: chunks that cannot be trusted, with the reasons.
        gaps: chunks that are missing, or damaged, between sound ones.
        stale: unfinished writes that died, by path within the study.
        foreign: names in ``trials/`` that are no chunk's.
        set_aside: files in ``damaged/``.
    """

    chunks: int = 0
    trials: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
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
    names = store.chunks()
    sound: dict[str, int] = {}
    for name, found in _checked(store, names):
        if isinstance(found, str):
            health.damaged[name] = found
        else:
            sound[name] = found
    health.chunks, health.trials = len(sound), sum(sound.values())
    health.gaps = _gaps(set(sound))
    for folder in ("", TRIALS):
        prefix = f"{folder}/" if folder else ""
        health.stale += [prefix + name for name in store.place.stale(folder)]
    known = {f"{name}.parquet" for name in names}
    present = store.place.names(TRIALS)
    health.foreign = sorted(n for n in present if n not in known and not files.is_temporary(n))
    health.set_aside = len(store.place.names(DAMAGED))
    return health


def _checked(store: Store, names: list[str]) -> Iterator[tuple[str, int | str]]:
    """Each chunk with its number of trials, or with what is wrong."""

    def check(name: str) -> tuple[str, int | str]:
        try:
            return name, store.table(name).num_rows
        except DamagedChunk as damage:
            return name, damage.reason
        except FileNotFoundError:  # another run has set it aside
            return name, "it has disappeared"

    with ThreadPoolExecutor(store.place.readers) as pool:
        yield from pool.map(check, names)


def _gaps(chunks: set[str]) -> list[str]:
    gaps = []
    parsed = [chunk_names.parse(name) for name in sorted(chunks, key=chunk_names.order)]
    for phase in dict.fromkeys(phase for phase, _ in parsed):
        numbers = {number for p, number in parsed if p == phase}
        missing = set(range(max(numbers, default=-1) + 1)) - numbers if len(numbers) < 10**7 else set()
        gaps += [chunk_names.chunk_name(phase, number) for number in sorted(missing)[:1000]]
    return gaps
