"""A study's directory: ``study.json``, and ``trainings/<phase>-<chunk>.parquet``, each written once."""

import json
import logging
import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lrshape.errors import InputError
from lrshape.store import _chunk, _files
from lrshape.store._chunk import DamagedChunk
from lrshape.store._files import store_error

FORMAT = 1
PHASES = ("screen", "rescore", "confirm")
"""The phases of a search, in the order in which they run."""

FOLLOW_UPS = ("coordinate", "seeds", "transfer")
"""What may be trained once a search is done, each in a directory of its own."""

ORDER = PHASES + FOLLOW_UPS
"""The order in which trainings are sorted."""

_DOCUMENT = "study.json"
_CHUNK = re.compile(rf"({'|'.join(ORDER)})-(\d{{5,}})")
_log = logging.getLogger(__name__)


class Store:
    """What a study knows, on a local disk.

    There are no locks and no states. A chunk is complete by existing, so a resume is the plan minus
    `chunks`, and two runs on one directory may do work twice but cannot harm each other.

    Args:
        path: directory of a study that exists; `Store.create` makes a new one.

    Attributes:
        path: the directory.
        document: content of ``study.json``; ``document["hash"]`` identifies the study.

    Raises:
        InputError: if there is no study, or one that this version cannot read.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = _local(path)
        self.document = _read_document(self.path)
        self._trainings = self.path / "trainings"
        self._damaged = self.path / "damaged"
        for directory in (self.path, self._trainings):
            _files.remove_stale(directory)

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
            path: a directory that does not exist or is empty.
            document: JSON-able, with a string ``hash`` that differs between studies; ``format`` is added.

        Raises:
            InputError: if the place is a file, holds something else, or cannot be written.
        """
        directory = _local(path)
        if not isinstance(document.get("hash"), str):
            raise InputError(f"a study's document needs a string 'hash', got {document.get('hash')!r}")
        text = json.dumps({"format": FORMAT} | document | {"format": FORMAT}, indent=2, allow_nan=False)
        if not cls.exists(directory):
            try:
                _refuse_foreign(directory)
                (directory / "trainings").mkdir(parents=True, exist_ok=True)
                _files.publish(directory / _DOCUMENT, f"{text}\n".encode())
                _files.sync_directory(directory.parent)
            except OSError as error:
                raise InputError(f"cannot write a study to {directory}: {error.strerror or error}") from error
        store = cls(directory)
        if store.document["hash"] != document["hash"]:
            raise InputError(f"{directory} holds another study, {store.document['hash']}")
        store.require_writable()
        return store

    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a directory holds a study, readable or not."""
        try:
            return (_local(path) / _DOCUMENT).is_file()
        except OSError:
            return False

    def require_writable(self) -> None:
        """Check, by writing, that trainings can be stored; to be called before any is trained.

        Raises:
            InputError: if not, with the path and the reason.
        """
        probe = self._trainings / f".probe.{secrets.token_hex(8)}.tmp"
        try:
            self._trainings.mkdir(exist_ok=True)
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise InputError(f"cannot write to the study {self.path}: {error.strerror or error}") from error

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
        file = self._file(name)
        data = _chunk.encode(table, name, self.document["hash"])
        phases = set(table["phase"])
        if phases - {_parse(name)[0]}:
            raise ValueError(f"chunk {name} takes trainings of its own phase, got {sorted(phases)}")
        return _files.publish(file, data)

    def read(self, name: str) -> pd.DataFrame:
        """Return a chunk's trainings, as they were written.

        Raises:
            DamagedChunk: if the file is not, bit for bit, what this study wrote under this name.
            FileNotFoundError: if there is no such chunk.
            StoreError: if the disk cannot be read.
        """
        return _chunk.to_frame([self._read(name)])

    def set_aside(self, name: str, reason: str) -> Path:
        """Move a chunk to ``damaged/``, where nothing is overwritten, so that it will be computed again.

        Returns:
            Where it is now.

        Raises:
            StoreError: if it cannot be moved.
        """
        source = self._file(name)
        try:
            self._damaged.mkdir(exist_ok=True)
            count = 0
            target = self._damaged / source.name
            while not _files.link(source, target):
                count += 1
                target = self._damaged / f"{name}.{count}.parquet"
            source.unlink(missing_ok=True)
            _files.sync_directory(self._damaged)
            _files.sync_directory(self._trainings)
        except OSError as error:
            raise store_error(error, source) from error
        _log.warning("%s is set aside as %s, to be computed again: %s", source, target, reason)
        return target

    def chunks(self) -> list[str]:
        """Names of the chunks that exist, in the order of the phases, then of their numbers.

        Raises:
            StoreError: if the directory cannot be listed.
        """
        try:
            with os.scandir(self._trainings) as entries:
                names = [e.name.removesuffix(".parquet") for e in entries if e.name.endswith(".parquet")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise store_error(error, self._trainings) from error
        return sorted((n for n in names if _CHUNK.fullmatch(n)), key=_order)

    def trainings(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """Return all trainings, sorted by phase, shape, base LR and seed; no row depends on the chunks.

        Damaged chunks are set aside with a warning in the log, and are missing from the result and from
        `chunks` afterwards.

        Args:
            phases: those wanted; all if None.

        Raises:
            StoreError: if the disk cannot be read.
        """
        tables = []
        for name in self.chunks():
            if phases is None or _parse(name)[0] in phases:
                try:
                    tables.append(self._read(name))
                except FileNotFoundError:  # set aside by another run meanwhile
                    continue
                except DamagedChunk as damage:
                    self._try_to_set_aside(damage)
        return sort_trainings(_chunk.to_frame(tables))

    def _try_to_set_aside(self, damage: DamagedChunk) -> None:
        try:
            self.set_aside(damage.name, damage.reason)
        except OSError as error:  # a study on a read-only medium can be reported all the same
            _log.warning("%s; it is ignored, and cannot be moved: %s", damage, error.strerror)

    def _read(self, name: str) -> pa.Table:
        file = self._file(name)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_error(error, file) from error
        return _chunk.decode(data, name, self.document["hash"])

    def _file(self, name: str) -> Path:
        _parse(name)
        return self._trainings / f"{name}.parquet"


def sort_trainings(table: pd.DataFrame) -> pd.DataFrame:
    """Sort trainings by phase (in the order they are run), shape, base LR and seed."""
    phase = pd.Categorical(table["phase"], categories=ORDER).codes
    shape = pd.factorize(table["shape"], sort=True)[0]
    order = np.lexsort((table["seed"], table["base_lr"], shape, phase))
    return table.iloc[order].reset_index(drop=True)


def _parse(name: str) -> tuple[str, int]:
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ValueError(f"a chunk's name is <{'|'.join(ORDER)}>-<five digits or more>, got {name!r}")
    return match[1], int(match[2])


def _order(name: str) -> tuple[int, int, str]:
    phase, number = _parse(name)
    return ORDER.index(phase), number, name


def _local(path: str | os.PathLike[str]) -> Path:
    if "://" in os.fspath(path):
        raise InputError(f"a study is a local directory, got {os.fspath(path)!r}")
    return Path(path)


def _refuse_foreign(directory: Path) -> None:
    """Raise unless a new study may go here; what a crashed `create` leaves is no obstacle."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InputError(f"a study is a directory, got the file {directory}")
    for entry in directory.iterdir():
        empty = entry.name == "trainings" and entry.is_dir() and not any(entry.iterdir())
        if not empty and not _files.is_temporary(entry.name) and not (directory / _DOCUMENT).is_file():
            raise InputError(f"{directory} is not empty and holds no study: it has {entry.name}")


def _read_document(directory: Path) -> dict[str, Any]:
    file = directory / _DOCUMENT
    document = _files.read_document(file, "study")
    version = document.get("format")
    if type(version) is not int or version < 1:
        raise InputError(f"{file}: format must be a whole number from 1 to {FORMAT}, got {version!r}")
    if version > FORMAT:
        raise InputError(f"{file}: format {version} is of a newer lrshape, which reads up to {FORMAT} here")
    if not isinstance(document.get("hash"), str):
        raise InputError(f"{file}: hash must be a string, got {document.get('hash')!r}")
    return document
