"""Drive the phases of a search over a source of results: stored ones, or trained where they are missing."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd

from lrshape.analysis.direction import as_losses
from lrshape.procedure.phases import PHASES
from lrshape.procedure.rounds import Rounds
from lrshape.procedure.spec import SearchSpec
from lrshape.store import DamagedChunk, Store, chunk_name
from lrshape.study.chunk import Chunk, cut

_Chosen = TypeVar("_Chosen")

Source = Callable[[list[Chunk]], Sequence[pd.DataFrame]]
"""Gives the rows of each chunk of a round; what it raises ends the search."""


def drive_search(spec: SearchSpec, drive: Callable[[str, Rounds[Any]], tuple[Any, pd.DataFrame]]) -> None:
    """Go through all phases, each with what the one before it chose and the trials so far.

    Args:
        spec: of the search.
        drive: takes a phase, by its name, to its end, and returns what it chose and its trials.
    """
    chosen: Any = []
    tables: list[pd.DataFrame] = []
    for name, make in PHASES.items():
        history = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        chosen, table = drive(name, make(spec, chosen, history))
        tables.append(table)


class Driven(NamedTuple, Generic[_Chosen]):
    """A phase that has ended.

    Attributes:
        chosen: what it returned.
        table: its trials, their metric as a loss.
        chunks: how many chunks it has; their names are `cut`'s.
    """

    chosen: _Chosen
    table: pd.DataFrame
    chunks: int


def drive_phase(
    spec: SearchSpec, name: str, phase: Rounds[_Chosen], chunk_size: int, source: Source
) -> Driven[_Chosen]:
    """Give a phase the results of its rounds, as losses, until it ends."""
    tables: list[pd.DataFrame] = []
    count = 0
    try:
        trials = next(phase)
        while True:
            chunks = cut(name, count, trials, chunk_size)
            count += len(chunks)
            tables += source(chunks)
            trials = phase.send(_losses(spec, tables))
    except StopIteration as end:
        return Driven(end.value, _losses(spec, tables), count)


def _losses(spec: SearchSpec, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return as_losses(table, spec.metric, spec.direction)


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
