"""The place at a location: a local directory, in this file, or one in an object store."""

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path

from lrshape import files
from lrshape.files import Folder, store_error
from lrshape.store.place import Location, Place


class LocalPlace(Place):
    """A directory on a disk that this machine mounts; see `lrshape.files` for how a file comes to be.

    Args:
        location: the directory; it need not exist.
    """

    def __init__(self, location: Path):
        self.location = location
        try:
            self._path = location.absolute()  # the current directory may change
        except FileNotFoundError:  # it is gone
            self._path = location
        self.readers = min(8, os.cpu_count() or 1)

    def read(self, name: str, most: int = files.LARGEST) -> bytes:
        """Return a file's content, if it is a regular file."""
        file = self._path / name
        try:
            return files.read_file(file, most)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_error(error, file) from error

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            return (self._path / name).is_file()
        except OSError:
            return False

    def names(self, folder: str) -> list[str]:
        """Names of what is in a folder."""
        try:
            return os.listdir(self._path / folder)  # noqa: PTH208 - names are wanted, not paths
        except FileNotFoundError:
            return []
        except OSError as error:
            raise store_error(error, self._path / folder) from error

    def is_empty(self, folder: str) -> bool:
        """Whether it is a folder with nothing but files that a crash left half written."""
        path = self._path / folder
        return path.is_dir() and all(files.is_temporary(one.name) for one in path.iterdir())

    def publish(self, name: str, data: bytes) -> bool:
        """Make a file by a hard link to a temporary one."""
        return files.publish(self._path, name, data)

    def replace(self, name: str, data: bytes) -> None:
        """Replace a file by renaming a temporary one."""
        files.publish(self._path, name, data, replace=True)

    def move(self, name: str, target: str) -> bool:
        """Give a file another name, by a hard link and then without the old name."""
        (old_folder, _, old), (new_folder, _, new) = name.rpartition("/"), target.rpartition("/")
        try:
            with Folder(self._path, old_folder) as source, Folder(self._path, new_folder) as goal:
                if not source.link(old, goal, new):
                    return False
                with contextlib.suppress(FileNotFoundError):
                    source.remove(old)
                goal.sync()
                source.sync()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_error(error, self._path / name) from error
        return True

    def remove(self, name: str) -> None:
        """Remove a file."""
        place, _, file = name.rpartition("/")
        try:
            with Folder(self._path, place) as folder, contextlib.suppress(FileNotFoundError):
                folder.remove(file)
        except OSError as error:
            raise store_error(error, self._path / name) from error

    def prepare(self, folder: str) -> None:
        """Make a folder."""
        self._path.mkdir(parents=True, exist_ok=True)
        with Folder(self._path, folder), Folder(self._path.parent) as parent:
            parent.sync()

    def probe(self, folder: str) -> None:
        """Write a byte into a folder and remove it."""
        probe = f".probe.{secrets.token_hex(8)}.tmp"
        with Folder(self._path, folder) as opened:
            try:
                opened.create(probe, b"x")
            finally:
                with contextlib.suppress(FileNotFoundError):
                    opened.remove(probe)

    def free_bytes(self) -> int | None:
        """Room for this user on the disk."""
        try:
            return shutil.disk_usage(self._path).free
        except OSError:
            return None

    def stale(self, folder: str) -> list[str]:
        """Unfinished writes that are older than any live writer's."""
        found = []
        if folder and files.is_link(self._path / folder):  # what it leads to is not this study's
            return found
        with contextlib.suppress(OSError), os.scandir(self._path / folder) as entries:
            for entry in entries:
                if files.is_temporary(entry.name):
                    with contextlib.suppress(OSError):
                        if time.time() - entry.stat(follow_symlinks=False).st_mtime > files.STALE_SECONDS:
                            found.append(entry.name)
        return sorted(found)


def place_at(location: Location) -> Place:
    """The place at a location.

    Raises:
        InputError: if it is a URL that fsspec, or this installation of it, cannot reach.
    """
    if isinstance(location, Path):
        return LocalPlace(location)
    from lrshape.store.remote_place import RemotePlace

    return RemotePlace(location)
