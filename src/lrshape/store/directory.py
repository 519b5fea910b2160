"""A study's directory: ``study.json``, and ``trials/<phase>-<chunk>.parquet``, each written once."""

import json
import logging
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from lrshape.errors import InputError
from lrshape.files import is_link
from lrshape.store import chunk_file
from lrshape.store.chunk_file import DamagedChunk
from lrshape.store.document import MAX_BYTES, claim_directory, digest, exists, read_document, require_free
from lrshape.store.place import Location, locate
from lrshape.store.places import place_at
from lrshape.store.table import chunk_frame, curves_frame, sorted_frame

DOCUMENT = "study.json"
CHOICE = "choice.json"
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
        self.document = read_document(self.place, DOCUMENT, "study")

    @property
    def is_edited(self) -> bool:
        """Whether somebody changed what the document states: its hash is of something else."""
        return digest(self.document) != self.document["hash"]

    def require_unedited(self) -> None:
        """Raise `InputError` if somebody changed what the document states."""
        if self.is_edited:
            raise InputError(f"{self.path}/{DOCUMENT} was edited: its spec does not match its hash")

    @property
    def spec(self) -> dict[str, Any]:
        """The spec of a study, as JSON.

        Raises:
            InputError: if the document was edited, or is that of a check.
        """
        self.require_unedited()
        found = self.document.get("spec")
        if not isinstance(found, dict):
            raise InputError(f"{self.path} holds a check, no study: name the directory of the study")
        return found

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        document: Mapping[str, Any],
        *,
        more: Callable[[], Mapping[str, Any]] = dict,
    ) -> "Store":
        """Make the directory of a study, and its parents, or open it if it holds the same study already.

        Args:
            path: a directory or URL that does not exist, is empty, or holds this study.
            document: JSON-able; ``format`` and ``hash`` are added.
            more: called before a new directory is made: what its document has besides; what it raises
                ends this.

        Raises:
            InputError: if the place is a file, holds something else, or cannot be written.
        """
        place = place_at(locate(path))
        kind = "check" if "check" in document else "study"
        claim_directory(place, DOCUMENT, document, kind, folder=TRIALS, more=more)
        store = cls(place.location)
        store.require_writable()
        return store

    @staticmethod
    def require_free(path: str | os.PathLike[str]) -> None:
        """Check, by writing, that `create` can make a new study here; to be called before work for it.

        Raises:
            InputError: as `create` does.
        """
        require_free(place_at(locate(path)), DOCUMENT, "study", folder=TRIALS)

    @staticmethod
    def exists(path: str | os.PathLike[str]) -> bool:
        """Whether a directory holds a study, readable or not.

        Raises:
            InputError: if an object store cannot be asked.
        """
        return exists(place_at(locate(path)), DOCUMENT)

    def inner(self) -> list[Location]:
        """Where this study's checks have stores of their own. Links may lead to studies of others."""
        found = {name: self.place.at(name) for name in sorted(self.place.names(""))}
        own = {name: at for name, at in found.items() if not (isinstance(at, Path) and is_link(at))}
        return [at for name, at in own.items() if self.place.exists(f"{name}/{DOCUMENT}")]

    def require_writable(self) -> None:
        """Check, by writing, that trials can be stored; to be called before any is trained.

        What writers that died left unfinished a day ago or longer is removed.

        Raises:
            InputError: if not, with the path and the reason.
        """
        try:
            self.place.probe(TRIALS)
        except OSError as error:
            raise InputError(f"cannot write to the study {self.path}: {error.strerror or error}") from error
        for folder in ("", TRIALS):
            self.place.tidy(folder)

    @staticmethod
    def require_room(path: str | os.PathLike[str], size: int) -> None:
        """Check that the disk of a directory has room for so many bytes, where its room is known.

        A quota shows only when it is reached: `write` then raises `StoreError`.

        Raises:
            InputError: if it has not, with the path and both numbers.
        """
        free = place_at(locate(path)).free_bytes()
        if free is not None and free < size:
            raise InputError(
                f"{path}: the study needs about {_megabytes(size)} MB more, and its disk has "
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
        phase, _ = chunk_file.parse(name)
        data = chunk_file.encode(table, name, self.document["hash"])
        phases = set(table["phase"])
        if phases - {phase}:
            raise ValueError(f"chunk {name} takes trials of its own phase, got {sorted(phases)}")
        return self.place.publish(_file_name(name), data)

    def write_choice(self, choice: Mapping[str, Any]) -> None:
        """Note what a search has chosen to confirm, in place of an earlier note.

        Args:
            choice: JSON-able.

        Raises:
            StoreError: if the disk refuses.
        """
        text = json.dumps(choice, indent=2, allow_nan=False)
        if self.read_choice() != choice:
            self.place.replace(CHOICE, f"{text}\n".encode())

    def read_choice(self) -> dict[str, Any] | None:
        """Return what the search has chosen to confirm; None before it has, or if the note is damaged.

        Raises:
            StoreError: if the disk cannot be read.
        """
        try:
            choice = json.loads(self.place.read(CHOICE, MAX_BYTES))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return choice if isinstance(choice, dict) else None

    def read(self, name: str, curves: bool = False) -> pd.DataFrame:
        """Return a chunk's trials, as they were written.

        Args:
            name: of the chunk.
            curves: whether to read their loss curves, too, in a column ``curve``, where there are any.

        Raises:
            DamagedChunk: if the file is not, bit for bit, what this study wrote under this name.
            FileNotFoundError: if there is no such chunk.
            StoreError: if the disk cannot be read.
        """
        return chunk_frame(self.table(name, curves))

    def table(self, name: str, curves: bool = False) -> pa.Table:
        """Return a chunk's trials as an Arrow table; raises what `read` does."""
        chunk_file.parse(name)
        return chunk_file.decode(self.place.read(_file_name(name)), name, self.document["hash"], curves)

    def set_aside(self, name: str, reason: str = "") -> Location:
        """Move a chunk to ``damaged/``, where nothing is overwritten, so that it will be computed again.

        Args:
            name: the chunk's.
            reason: for a warning; none is logged without one.

        Returns:
            Where it is now.

        Raises:
            StoreError: if it cannot be moved.
        """
        chunk_file.parse(name)
        source = _file_name(name)
        count, target = 0, f"{DAMAGED}/{name}{_ENDING}"
        try:
            while not self.place.move(source, target):
                count += 1
                target = f"{DAMAGED}/{name}.{count}{_ENDING}"
        except FileNotFoundError:  # another run has set it aside just now
            return self.place.at(target)
        moved = self.place.at(target)
        if reason:
            _log.warning(
                "%s was moved to %s and will be recomputed if it is needed: %s",
                *(self.place.at(source), moved, reason),
            )
        return moved

    def chunks(self) -> list[str]:
        """Names of the chunks that exist, in the order of the phases, then of their numbers.

        Raises:
            StoreError: if the directory cannot be listed.
        """
        names = (name for name in self.place.names(TRIALS) if name.endswith(_ENDING))
        stems = (name.removesuffix(_ENDING) for name in names)
        return sorted(filter(chunk_file.is_chunk, stems), key=chunk_file.order)

    def trials(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """Return all trials, sorted by phase, shape, base LR and seed; no row depends on the chunks.

        Texts are categoricals, of which ten million rows take no more than their codes. Damaged chunks are
        set aside with a warning in the log, and are missing from the result and from `chunks` afterwards.

        Args:
            phases: those wanted; all if None.

        Raises:
            StoreError: if the disk cannot be read.
        """
        return sorted_frame(self._sound_tables(phases, curves=False))

    def curves(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """Return the loss curves of all trials that have one: a row a point, sorted by trial, then by step.

        Damaged chunks are treated as by `trials`.

        Args:
            phases: those wanted; all if None.

        Raises:
            StoreError: if the disk cannot be read.
        """
        return curves_frame(self._sound_tables(phases, curves=True))

    def _sound_tables(self, phases: Collection[str] | None, curves: bool) -> list[pa.Table]:
        names = [name for name in self.chunks() if phases is None or chunk_file.parse(name)[0] in phases]
        with ThreadPoolExecutor(self.place.readers) as pool:
            tables = pool.map(lambda name: self._table_if_sound(name, curves), names)
            return [table for table in tables if table is not None]

    def _table_if_sound(self, name: str, curves: bool) -> pa.Table | None:
        try:
            return self.table(name, curves)
        except FileNotFoundError:  # set aside by another run meanwhile
            return None
        except DamagedChunk as damage:
            try:
                self.set_aside(name, damage.reason)
            except (OSError, InputError) as error:  # a study on a read-only medium can be reported, too
                _log.warning("%s; lrshape ignores it and cannot move it: %s", damage, error)
            return None


def _file_name(chunk: str) -> str:
    return f"{TRIALS}/{chunk}{_ENDING}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:,.1f}"
