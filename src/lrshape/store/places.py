"""The place at a location: a local directory, or one in an object store."""

from pathlib import Path

from lrshape.store.local_place import LocalPlace
from lrshape.store.place import Location, Place


def place_at(location: Location) -> Place:
    """The place at a location.

    Raises:
        InputError: if it is a URL that fsspec, or this installation of it, cannot reach.
    """
    if isinstance(location, Path):
        return LocalPlace(location)
    from lrshape.store.remote_place import RemotePlace

    return RemotePlace(location)
