"""Join the chunks of a finished study into few files.

A chunk that others follow goes into a pack with them: one sealed file, in which each chunk keeps its rows. At
every moment all chunks are there: a pack is published whole and read back before a file that it replaces is
removed. Where both exist, because a compaction was stopped, they agree, and the next one goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from lrshape.errors import InputError
from lrshape.store import _chunk, _names
from lrshape.store._chunk import DamagedChunk
from lrshape.store.directory import Store, file_name

PACK_ROWS = 1_000_000
"""Trainings in a pack, about: damage to its file costs as many."""


@dataclass(frozen=True)
class Compaction:
    """What a compaction did: files of trainings before and after it, chunks and trainings in them."""

    before: int
    after: int
    chunks: int
    trainings: int


def compact(store: Store, rows: int = PACK_ROWS) -> Compaction:
    """Join chunks that follow one another into packs; `Store.chunks` and all tables stay as they are.

    Args:
        store: of a study that nobody trains any more: what is trained meanwhile stays in files of its own.
        rows: trainings in a pack at most, except that a chunk is never cut.

    Raises:
        InputError: if a chunk is damaged; nothing is removed then.
        StoreError: if the disk refuses; every chunk is still there.
    """
    before = len(store.stems())
    packs: set[str] = set()
    trainings = 0
    try:
        for tables in _groups(store, rows):
            trainings += sum(table.num_rows for table in tables.values())
            if len(tables) > 1:
                packs.add(_published(store, tables))
                _remove_replaced(store, packs)
    except DamagedChunk as damage:
        raise InputError(
            f"{store.path}: {damage}; `lrshape doctor {store.path} --repair` sets it aside, the study's "
            "search computes it again, then it can be compacted"
        ) from None
    return Compaction(before, len(store.stems()), len(store.chunks()), trainings)


def _groups(store: Store, rows: int) -> Iterator[dict[str, pa.Table]]:
    """Chunks that go into one file: the same phase, one number after another, the same columns."""
    group: dict[str, pa.Table] = {}
    total, following, columns = 0, None, None
    for name in store.chunks():
        table = store.table(name)
        full = total + table.num_rows > rows or len(group) == _names.LONGEST_PACK
        if group and (full or _names.parse(name) != following or table.column_names != columns):
            yield group
            group, total = {}, 0
        group[name] = table
        total += table.num_rows
        phase, number = _names.parse(name)
        following, columns = (phase, number + 1), table.column_names
    if group:
        yield group


def _published(store: Store, tables: dict[str, pa.Table]) -> str:
    """Publish a pack, and read it back."""
    first, *_, last = tables
    stem = _names.pack_name(first, last)
    if stem not in store.stems():
        store.allow_packs()
        store.place.publish(file_name(stem), _chunk.encode_pack(tables, stem, store.document["hash"]))
    for name, table in store.tables(stem).items():
        schema = _chunk.schema(_chunk.metric_columns(table.column_names))
        if not _chunk.same(table.cast(schema), tables[name].cast(schema)):
            raise DamagedChunk(stem, f"its {name} is not what is to be replaced by it")
    return stem


def _remove_replaced(store: Store, packs: set[str]) -> None:
    """Remove the files all of whose chunks are in packs that have just been read."""
    held = {chunk for pack in packs for chunk in _names.chunks_of(pack)}
    for stem in store.stems():
        if stem not in packs and held.issuperset(_names.chunks_of(stem)):
            store.place.remove(file_name(stem))
