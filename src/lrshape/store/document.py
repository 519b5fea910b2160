"""The JSON document that says what a directory holds, such as ``study.json``: written once, and compared."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lrshape.errors import InputError, shown
from lrshape.files import StoreError, is_temporary
from lrshape.store.place import Place

SWEEP = "sweep.json"
"""The document of a sweep."""

FORMAT = 1
"""The format of these documents and of the directories that they describe."""

MAX_BYTES = 50_000_000
"""Bytes of a document: it takes many times as much memory."""

STATED = ("spec", "check", "of", "settings", "axes", "transfer")
"""Keys that decide which trials a directory holds; the others tell how it came to be."""


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of what a document states, hexadecimal, whatever the order of its keys."""
    canonical = json.dumps(_stated(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """What differs between two JSON values, as ``key: old -> new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
        ]
    return [] if old == new else [f"{where}: {shown(old, 60)} -> {shown(new, 60)}"]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs between what two documents state, for a message; empty if nothing does."""
    limit = "spec.max_trials:"  # users set it as trials, and many settings follow from it
    changed = sorted(differences(_stated(old), _stated(new)), key=lambda line: not line.startswith(limit))
    changed = [line.replace(limit, "trials (max_trials):") for line in changed]
    return "; ".join(line.removeprefix("spec.").removeprefix("settings.") for line in changed)


def claim_directory(
    place: Place,
    name: str,
    document: Mapping[str, Any],
    kind: str,
    *,
    folder: str = "",
    more: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Make a directory hold a document, unless it holds one that states the same already.

    A crash at any moment leaves either no document, and this works again, or a whole one.

    Args:
        place: the directory; it need not exist.
        name: of the document's file.
        document: JSON-able; ``format`` and ``hash`` are added.
        kind: what the directory holds, for messages: ``study``, ``sweep``.
        folder: one to make in it.
        more: called before a new directory is made: what its document has besides; what it raises ends this.

    Raises:
        InputError: if the place is a file, holds something else, or cannot be written.
    """
    if not exists(place, name):
        with _told(place, kind):
            _refuse_foreign(place, name, folder, kind)
        whole = {"format": FORMAT, "hash": digest(document), **document, **more()}
        text = json.dumps(whole, indent=2, allow_nan=False)
        with _told(place, kind):
            place.prepare(folder)
            place.publish(name, f"{text}\n".encode())
    if changed := changes(read_document(place, name, kind), document):
        raise InputError(
            f"{place.location} holds another {kind}; changed: {changed}; "
            f"{'move it away' if kind == 'check' else 'use another directory'}, or use the old settings"
        )


def require_free(place: Place, name: str, kind: str, *, folder: str) -> None:
    """Check, by writing, that `claim_directory` can make a new document here; makes the directory.

    Args:
        place: the directory; it need not exist.
        name: of the document's file.
        kind: what the directory is to hold, for messages.
        folder: one to make in it.

    Raises:
        InputError: if the place is a file, holds something else, or cannot be written.
    """
    with _told(place, kind):
        _refuse_foreign(place, name, folder, kind)
        place.prepare(folder)
        place.probe(folder)


def read_document(place: Place, name: str, kind: str) -> dict[str, Any]:
    """Return the document of a directory.

    Raises:
        InputError: if there is none, it cannot be read, or this version did not write it.
    """
    file = place.at(name)
    try:
        content = place.read(name, MAX_BYTES)
    except FileNotFoundError:
        more = ": it holds a sweep, whose studies are in studies/" if exists(place, SWEEP) else ""
        raise InputError(f"there is no {kind} in {place.location}{more}") from None
    except StoreError as error:
        if isinstance(error.__cause__, NotADirectoryError):
            raise InputError(f"there is no {kind} in {place.location}") from None
        raise InputError(f"cannot read {error}") from error
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not a valid {kind} document: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} must hold a JSON object, got {type(document).__name__}")
    version = document.get("format")
    if type(version) is not int or version != FORMAT:
        raise InputError(f"{file}: format must be {FORMAT}, got {version!r}")
    if not isinstance(document.get("hash"), str):
        raise InputError(f"{file}: hash must be a string, got {document.get('hash')!r}")
    return document


def _stated(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in STATED if key in document}


@contextmanager
def _told(place: Place, kind: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write a {kind} to {place.location}: {error.strerror or error}") from error


def exists(place: Place, name: str) -> bool:
    """Whether a place has a file; an `InputError` if an object store cannot be asked."""
    try:
        return place.exists(name)
    except StoreError as error:
        raise InputError(f"cannot read {error}") from error


def _refuse_foreign(place: Place, name: str, folder: str, kind: str) -> None:
    """Raise unless something new may go here; what a crashed `claim_directory` leaves is no obstacle."""
    if isinstance(place.location, Path) and place.location.is_file():
        raise InputError(f"a {kind} is a directory, got the file {place.location}")
    for other in sorted(place.names("")):
        if (other == folder and place.is_empty(other)) or is_temporary(other):
            continue
        if not place.exists(name):  # another run may have made it just now
            raise InputError(f"{place.location} is not empty and holds no {kind}: it has {other}")
