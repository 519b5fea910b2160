"""A study's directory: ``study.json``, and ``trials/<phase>-<chunk>.parquet``, each written once."""

import json
import logging
import os
from collections.abc import Collection
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

FORMAT = 1
"""The format of a study's directory."""

DOCUMENT = "study.json"
TRIALS = "trials"
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
                place.prepare(TRIALS)
                place.publish(DOCUMENT, _text(document))
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
        """Check, by writing, that trials can be stored; to be called before any is trained.

        What writers that died left unfinished a day ago or longer is removed.

        Raises:
            InputError: if not, with the path and the reason.
        """
        for folder in ("", TRIALS):
            self.place.tidy(folder)
        try:
            self.place.probe(TRIALS)
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
            table: the chunk's trials, all of that phase.

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
            raise ValueError(f"chunk {name} takes trials of its own phase, got {sorted(phases)}")
        return self.place.publish(_file_name(name), data)

    def read(self, name: str) -> pd.DataFrame:
        """Return a chunk's trials, as they were written.

        Raises:
            DamagedChunk: if the file is not, bit for bit, what this study wrote under this name.
            FileNotFoundError: if there is no such chunk.
            StoreError: if the disk cannot be read.
        """
        return chunk_frame(self.table(name))

    def table(self, name: str) -> pa.Table:
        """Return a chunk's trials as an Arrow table; raises what `read` does."""
        _names.parse(name)
        return _chunk.decode(self.place.read(_file_name(name)), name, self.document["hash"])

    def set_aside(self, name: str, reason: str) -> Location:
        """Move a chunk to ``damaged/``, where nothing is overwritten, so that it will be computed again.

        Returns:
            Where it is now.

        Raises:
            OSError: if it cannot be moved, or is not there.
        """
        _names.parse(name)
        source = _file_name(name)
        count, target = 0, f"{DAMAGED}/{name}{_ENDING}"
        while not self.place.move(source, target):
            count += 1
            target = f"{DAMAGED}/{name}.{count}{_ENDING}"
        moved = self.place.at(target)
        _log.warning("%s is set aside as %s, to be computed again: %s", self.place.at(source), moved, reason)
        return moved

    def chunks(self) -> list[str]:
        """Names of the chunks that exist, in the order of the phases, then of their numbers.

        Raises:
            StoreError: if the directory cannot be listed.
        """
        names = (name for name in self.place.names(TRIALS) if name.endswith(_ENDING))
        stems = (name.removesuffix(_ENDING) for name in names)
        return sorted(filter(_names.is_chunk, stems), key=_names.order)

    def trials(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """Return all trials, sorted by phase, shape, base LR and seed; no row depends on the chunks.

        Texts are categoricals, of which ten million rows take no more than their codes. Damaged chunks are
        set aside with a warning in the log, and are missing from the result and from `chunks` afterwards.

        Args:
            phases: those wanted; all if None.

        Raises:
            StoreError: if the disk cannot be read.
        """
        names = [name for name in self.chunks() if phases is None or _names.parse(name)[0] in phases]
        with ThreadPoolExecutor(self.place.readers) as pool:
            tables = list(pool.map(self._table_if_sound, names))
        return sorted_frame([table for table in tables if table is not None])

    def _table_if_sound(self, name: str) -> pa.Table | None:
        try:
            return self.table(name)
        except FileNotFoundError:  # set aside by another run meanwhile
            return None
        except DamagedChunk as damage:
            try:
                self.set_aside(name, damage.reason)
            except OSError as error:  # a study on a read-only medium can be reported all the same
                _log.warning("%s; it is ignored, and cannot be moved: %s", damage, error.strerror)
            return None


def _file_name(chunk: str) -> str:
    return f"{TRIALS}/{chunk}{_ENDING}"


def _text(document: dict[str, Any]) -> bytes:
    text = json.dumps({"format": FORMAT} | document | {"format": FORMAT}, indent=2, allow_nan=False)
    return f"{text}\n".encode()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:,.1f}"


def _refuse_foreign(place: Place) -> None:
    """Raise unless a new study may go here; what a crashed `create` leaves is no obstacle."""
    if isinstance(place.location, Path) and place.location.is_file():
        raise InputError(f"a study is a directory, got the file {place.location}")
    for name in place.names(""):
        if name == TRIALS and place.is_empty(name):
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
    if type(version) is not int or version != FORMAT:
        raise InputError(f"{file}: format must be {FORMAT}, got {version!r}")
    if not isinstance(document.get("hash"), str):
        raise InputError(f"{file}: hash must be a string, got {document.get('hash')!r}")
    return document
