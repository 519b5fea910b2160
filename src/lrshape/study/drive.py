"""Drive the phases of a search over a source of results: stored ones, or trained where they are missing."""

from collections.abc import Callable, Sequence

import pandas as pd

from lrshape.procedure.phases import PHASES
from lrshape.procedure.screening import Phase
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate
from lrshape.store import DamagedChunk, Store, chunk_name
from lrshape.study.chunk import Chunk, cut

Source = Callable[[list[Chunk]], Sequence[pd.DataFrame]]
"""Gives the rows of each chunk of a round; what it raises ends the search."""


def drive_search(spec: SearchSpec, drive: Callable[[str, Phase], list[Candidate]]) -> None:
    """Go through all phases, each with what the one before it chose.

    Args:
        spec: of the search.
        drive: takes a phase, by its name, to its end, and returns what it chose.
    """
    chosen: list[Candidate] = []
    for name, make in PHASES.items():
        chosen = drive(name, make(spec, chosen))


def drive_phase(name: str, phase: Phase, chunk_size: int, source: Source) -> tuple[list[Candidate], int]:
    """Give a phase the results of its rounds until it ends.

    Returns:
        What it chose, and how many chunks it has; the names of those are `cut`'s.
    """
    tables: list[pd.DataFrame] = []
    count, trials = 0, next(phase)
    while True:
        chunks = cut(name, count, trials, chunk_size)
        count += len(chunks)
        tables += source(chunks)
        try:
            trials = phase.send(pd.concat(tables, ignore_index=True))
        except StopIteration as end:
            return end.value, count


class Misfit(DamagedChunk):
    """A chunk holds other trials than planned."""


def read_chunk(store: Store, chunk: Chunk) -> pd.DataFrame:
    """The stored rows of a chunk.

    Raises:
        DamagedChunk: if they cannot be trusted.
        Misfit: if they are of other trials; a `DamagedChunk`, too.
        FileNotFoundError: if there are none.
        StoreError: if the disk cannot be read.
    """
    table = store.read(chunk.name)
    if not chunk.is_of(table):
        raise Misfit(chunk.name, "it holds other trials than planned")
    return table


def unplanned(store: Store, phase: str, planned: int) -> list[str]:
    """Stored chunks beyond those that a phase has."""
    known = {chunk_name(phase, number) for number in range(planned)}
    return [name for name in store.chunks() if name.rpartition("-")[0] == phase and name not in known]
