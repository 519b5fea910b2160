"""A study's directory: ``study.json``, and ``trainings/<phase>-<chunk>.parquet``, each written once."""

import json
import logging
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lrshape.errors import InputError
from lrshape.store import _chunk, _files, _names
from lrshape.store._chunk import DamagedChunk
from lrshape.store._files import StoreError
from lrshape.store._frame import chunk_frame, sorted_frame
from lrshape.store._place import Location, Place, locate, place_at

FORMAT = 2
"""The newest format of a study that this version reads. 1: a file a chunk; 2: packs of chunks, too."""

NEW = 1
"""The format of a new study: the oldest that can hold it, so that older versions read it."""

DOCUMENT = "study.json"
TRAININGS = "trainings"
DAMAGED = "damaged"

_ENDING = ".parquet"
_log = logging.getLogger("lrshape.store")


class Store:
    """What a study knows, on a local disk or in an object store.

    There are no locks and no states. A chunk is complete by existing, so a resume is the plan minus
    `chunks`, and two runs on one directory may do work twice but cannot harm each other.

    Args:
        path: directory or URL of a study that exists; `Store.create` makes a new one.

    Attributes:
        path: where it is, a `Path` or a `Url`.
        place: the same, with what can be done there.
        document: content of ``study.json``; ``document["hash"]`` identifies the study.

    Raises:
        InputError: if there is no study, or one that this version cannot read.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path: Location = locate(path)
        self.place = place_at(self.path)
        self.document = _read_document(self.place)
        self._unpacked: tuple[str, dict[str, pa.Table]] | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Store":
        """Open the study in a directory; the same as ``Store(path)``."""
        return cls(path)

    @classmethod
    def create(cls, path: str | os.PathLike[str], document: dict[str, Any]) -> "Store":
        """Make the directory of a study, and its parents.

        If it holds the same study already, as after a lost race with another run, that is opened. A crash
        at any moment leaves either no study, and `create` works again, or a complete one.

        Args:
            path: a directory or URL that does not exist or is empty.
            document: JSON-able, with a string ``hash`` that differs between studies; ``format`` is added.

        Raises:
            InputError: if the place is a file, holds something else, or cannot be written.
        """
        if not isinstance(document.get("hash"), str):
            raise InputError(f"a study's document needs a string 'hash', got {document.get('hash')!r}")
        place = place_at(locate(path))
        if not cls.exists(place.location):
            try:
                _refuse_foreign(place)
                place.prepare(TRAININGS)
                place.publish(DOCUMENT, _text(document, NEW))
            except OSError as error:
                raise InputError(
                    f"cannot write a study to {place.location}: {error.strerror or error}"
                ) from error
        store = cls(place.location)
        if store.document["hash"] != document["hash"]:
            raise InputError(f"{store.path} holds another study, {store.document['hash']}")
        store.require_writable()
        return store

    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a directory holds a study, readable or not.

        Raises:
            InputError: if an object store cannot be asked.
        """
        place = place_at(locate(path))
        try:
            return place.exists(DOCUMENT)
        except StoreError as error:
            raise InputError(f"cannot read {error}") from error

    def require_writable(self) -> None:
        """Check, by writing, that trainings can be stored; to be called before any is trained.

        What writers that died left unfinished a day ago or longer is removed.

        Raises:
            InputError: if not, with the path and the reason.
        """
        for folder in ("", TRAININGS):
            self.place.tidy(folder)
        try:
            self.place.probe(TRAININGS)
        except OSError as error:
            raise InputError(f"cannot write to the study {self.path}: {error.strerror or error}") from error

    def require_room(self, size: int) -> None:
        """Check that the disk has room for so many bytes, where its room is known.

        A quota shows only when it is reached: `write` then raises `StoreError`.

        Raises:
            InputError: if it has not, with the path and both numbers.
        """
        free = self.place.free_bytes()
        if free is not None and free < size:
            raise InputError(
                f"{self.path}: the study needs about {_megabytes(size)} MB more, and its disk has "
                f"{_megabytes(free)} MB left"
            )

    def write(self, name: str, table: pd.DataFrame) -> bool:
        """Store a chunk, durably, once.

        Args:
            name: ``<phase>-<number>``, the number with at least five digits.
            table: the chunk's trainings, all of that phase.

        Returns:
            False if the chunk exists; it is then left alone.

        Raises:
            StoreError: if the disk refuses; the chunk is then absent or whole, never torn.
            ValueError: if the name or the table is not as described.
        """
        phase, _ = _names.parse(name)
        data = _chunk.encode(table, name, self.document["hash"])
        phases = set(table["phase"])
        if phases - {phase}:
            raise ValueError(f"chunk {name} takes trainings of its own phase, got {sorted(phases)}")
        if self.document["format"] > NEW and name in self.holders():  # in a pack, perhaps
            return False
        return self.place.publish(file_name(name), data)

    def read(self, name: str) -> pd.DataFrame:
        """Return a chunk's trainings, as they were written.

        Raises:
            DamagedChunk: if the file is not, bit for bit, what this study wrote under this name.
            FileNotFoundError: if there is no such chunk.
            StoreError: if the disk cannot be read.
        """
        return chunk_frame(self.table(name))

    def table(self, name: str) -> pa.Table:
        """Return a chunk's trainings as an Arrow table; raises what `read` does."""
        _names.parse(name)
        try:
            return self.tables(name)[name]
        except FileNotFoundError:
            stem = self.holders().get(name)
            if stem is None:
                raise
        try:
            return self.tables(stem)[name]
        except DamagedChunk as damage:
            raise DamagedChunk(name, f"its pack {stem} is: {damage.reason}") from damage

    def tables(self, stem: str) -> dict[str, pa.Table]:
        """Return what a file of trainings holds: the tables of its chunks; raises what `read` does."""
        if not _names.is_pack(stem):
            return {stem: _chunk.decode(self.place.read(file_name(stem)), stem, self.document["hash"])}
        unpacked = self._unpacked
        if unpacked is None or unpacked[0] != stem:  # a resume asks for one chunk after another
            data = self.place.read(file_name(stem))
            chunks = _names.chunks_of(stem)
            unpacked = (stem, _chunk.decode_pack(data, stem, self.document["hash"], chunks))
            self._unpacked = unpacked
        return unpacked[1]

    def set_aside(self, name: str, reason: str) -> Location:
        """Move a chunk to ``damaged/``, where nothing is overwritten, so that it will be computed again.

        If it is in a pack, the other chunks of the pack get files of their own before.

        Returns:
            Where it is now.

        Raises:
            StoreError: if it cannot be moved.
            FileNotFoundError: if there is no such chunk.
        """
        _names.parse(name)
        moved = None
        stems = [s for s in self.stems() if name in _names.chunks_of(s)]
        for stem in sorted(stems, key=_names.is_pack, reverse=True):
            if _names.is_pack(stem):
                self.unpack(stem, without=name)
            moved = self.set_file_aside(stem, reason)
        if moved is None:
            raise FileNotFoundError(f"there is no chunk {name} in {self.path}")
        return moved

    def unpack(self, stem: str, without: str | None = None) -> None:
        """Give the chunks of a pack, all but one, files of their own; a damaged pack has nothing to give."""
        try:
            tables = dict(self.tables(stem))
        except (DamagedChunk, FileNotFoundError):
            return
        for name, table in tables.items():
            if name != without:
                data = _chunk.encode(chunk_frame(table), name, self.document["hash"])
                self.place.publish(file_name(name), data)

    def set_file_aside(self, stem: str, reason: str) -> Location:
        """Move a file of trainings to ``damaged/``; see `set_aside`, which is about chunks."""
        self._unpacked = None
        count, target = 0, f"{DAMAGED}/{stem}{_ENDING}"
        while not self.place.move(file_name(stem), target):
            count += 1
            target = f"{DAMAGED}/{stem}.{count}{_ENDING}"
        source, moved = self.place.at(file_name(stem)), self.place.at(target)
        _log.warning("%s is set aside as %s, to be computed again: %s", source, moved, reason)
        return moved

    def stems(self) -> list[str]:
        """Names of the files of trainings, without their ending, in any order."""
        names = (name for name in self.place.names(TRAININGS) if name.endswith(_ENDING))
        stems = (name.removesuffix(_ENDING) for name in names)
        return [stem for stem in stems if _names.chunks_of(stem)]

    def holders(self) -> dict[str, str]:
        """The file that each chunk is in, without its ending, in the order of `chunks`."""
        return _names.holders(self.stems())

    def chunks(self) -> list[str]:
        """Names of the chunks that exist, in the order of the phases, then of their numbers.

        Raises:
            StoreError: if the directory cannot be listed.
        """
        return list(self.holders())

    def trainings(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """Return all trainings, sorted by phase, shape, base LR and seed; no row depends on the chunks.

        Texts are categoricals, of which ten million rows take no more than their codes. Damaged chunks are
        set aside with a warning in the log, and are missing from the result and from `chunks` afterwards.

        Args:
            phases: those wanted; all if None.

        Raises:
            StoreError: if the disk cannot be read.
        """
        tables: dict[str, pa.Table] = {}
        ignored: set[str] = set()
        for _ in range(3):  # a file may be gone because its chunks are now in a pack, or the other way round
            missing = {
                chunk: stem
                for chunk, stem in self.holders().items()
                if chunk not in tables
                and stem not in ignored
                and (phases is None or _names.parse(chunk)[0] in phases)
            }
            if not missing:
                break
            for stem, found in self._read_all(dict.fromkeys(missing.values())):
                if isinstance(found, DamagedChunk):
                    ignored.add(stem)
                    self._try_to_set_aside(stem, found)
                    continue
                tables |= {name: table for name, table in found.items() if missing.get(name) == stem}
        return sorted_frame([tables[name] for name in sorted(tables, key=_names.order)])

    def _read_all(self, stems: Collection[str]) -> Iterator[tuple[str, dict[str, pa.Table] | DamagedChunk]]:
        """The content of files, several at once, in order; nothing of those that are gone."""

        def read(stem: str) -> tuple[str, dict[str, pa.Table] | DamagedChunk]:
            try:
                return stem, self.tables(stem)
            except FileNotFoundError:  # set aside, or compacted, by another run meanwhile
                return stem, {}
            except DamagedChunk as damage:
                return stem, damage

        with ThreadPoolExecutor(self.place.readers) as pool:
            yield from pool.map(read, stems)

    def _try_to_set_aside(self, stem: str, damage: DamagedChunk) -> None:
        try:
            self.set_file_aside(stem, damage.reason)
        except OSError as error:  # a study on a read-only medium can be reported all the same
            _log.warning("%s; it is ignored, and cannot be moved: %s", damage, error.strerror)

    def allow_packs(self) -> None:
        """State in ``study.json`` that there may be packs, so that versions that know none refuse the study.

        Raises:
            StoreError: if it cannot be written.
        """
        if self.document["format"] < 2:
            self.place.replace(DOCUMENT, _text(self.document, 2))
            self.document["format"] = 2


def file_name(stem: str) -> str:
    """Where the file of a chunk or pack is within its study."""
    return f"{TRAININGS}/{stem}{_ENDING}"


def _text(document: dict[str, Any], version: int) -> bytes:
    text = json.dumps({"format": version} | document | {"format": version}, indent=2, allow_nan=False)
    return f"{text}\n".encode()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:,.1f}"


def _refuse_foreign(place: Place) -> None:
    """Raise unless a new study may go here; what a crashed `create` leaves is no obstacle."""
    if isinstance(place.location, Path) and place.location.is_file():
        raise InputError(f"a study is a directory, got the file {place.location}")
    for name in place.names(""):
        if name == TRAININGS and place.is_empty(name):
            continue
        if not _files.is_temporary(name) and not place.exists(DOCUMENT):
            raise InputError(f"{place.location} is not empty and holds no study: it has {name}")


def _read_document(place: Place) -> dict[str, Any]:
    file = str(place.at(DOCUMENT))
    try:
        content = place.read(DOCUMENT)
    except FileNotFoundError:
        raise InputError(f"there is no study in {place.location}") from None
    except StoreError as error:
        if isinstance(error.__cause__, NotADirectoryError):
            raise InputError(f"there is no study in {place.location}") from None
        raise InputError(f"cannot read {error}") from error
    document = _files.parse_document(content, file, "study")
    version = document.get("format")
    if type(version) is not int or version < 1:
        raise InputError(f"{file}: format must be a whole number from 1 to {FORMAT}, got {version!r}")
    if version > FORMAT:
        raise InputError(f"{file}: format {version} is of a newer lrshape, which reads up to {FORMAT} here")
    if not isinstance(document.get("hash"), str):
        raise InputError(f"{file}: hash must be a string, got {document.get('hash')!r}")
    return document
