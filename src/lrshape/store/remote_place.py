"""An object store as the place of a study, through fsspec.

An object appears whole or not at all, so that one conditional PUT (``If-None-Match: *`` on S3) is all that
publishing takes. There are no temporary objects and nothing to link.
"""

import errno
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from lrshape import files
from lrshape.errors import InputError, needs, one_line, shown
from lrshape.files import StoreError
from lrshape.store.place import Place, Url

_CONFLICT = "ConditionalRequestConflict"  # S3: another conditional PUT of the same key is under way
_TRIES = 5


class RemotePlace(Place):
    """A directory of an object store.

    Args:
        location: its URL. Keys and endpoints are what the store's client reads of the environment.

    Raises:
        InputError: if there is no such kind of store, or what it needs is not installed.
    """

    readers = 16

    def __init__(self, location: Url):
        self.location = location
        self._fs, self._root = _filesystem(location)

    def read(self, name: str, most: int = files.LARGEST) -> bytes:
        """Get an object; its size is known only then."""
        with self._reached(name):
            data = self._fs.cat_file(self._key(name))
            if len(data) > most:
                raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
            return data

    def exists(self, name: str) -> bool:
        """Whether an object is there; raises `StoreError` where a local place would say False."""
        try:
            with self._reached(name):
                self._fs.invalidate_cache()
                return self._fs.info(self._key(name))["type"] == "file"  # isfile() hides what is wrong
        except FileNotFoundError:
            return False

    def names(self, folder: str) -> list[str]:
        """List the objects of a folder."""
        return [_name(entry) for entry in self._entries(folder)]

    def is_empty(self, folder: str) -> bool:
        """Whether no object is in a folder but probes."""
        return all(files.is_temporary(name) for name in self.names(folder))

    def publish(self, name: str, data: bytes) -> bool:
        """Put an object on the condition that there is none."""
        for attempt in range(_TRIES):
            try:
                self._create(name, data)
            except FileExistsError:
                return False
            except StoreError as error:
                # It may be refused although, or because, an object has come to be: of a PUT that was repeated
                # after its answer was lost, for instance.
                with suppress(OSError):
                    if self.exists(name):
                        return False
                if _CONFLICT not in str(error) or attempt == _TRIES - 1:
                    raise
                time.sleep(0.1 * 2**attempt)
            else:
                return True
        raise AssertionError("unreachable")

    def replace(self, name: str, data: bytes) -> None:
        """Put an object, whatever is there."""
        with self._reached(name, missing=True):
            self._fs.pipe_file(self._key(name), data)

    def move(self, name: str, target: str) -> bool:
        """Copy an object to a name that is free, and remove the old one unless it was replaced since."""
        data = self.read(name)
        if not self.publish(target, data):
            return False
        with suppress(FileNotFoundError):
            if self.read(name) == data:
                self.remove(name)
        return True

    def remove(self, name: str) -> None:
        """Remove an object."""
        with self._reached(name), suppress(FileNotFoundError):
            self._fs.rm_file(self._key(name))

    def prepare(self, folder: str) -> None:
        """Do nothing: folders are a part of names."""

    def probe(self, folder: str) -> None:
        """Put an object twice: the second time the store has to refuse."""
        name = f"{folder}/.probe.{secrets.token_hex(8)}.tmp"
        self._create(name, b"x")
        try:
            self._create(name, b"y")
        except FileExistsError:
            return
        finally:
            self.remove(name)
        raise InputError(
            f"{self.location}: this object store does not support conditional PUT, so two runs could "
            "overwrite each other; use another store or a local directory"
        )

    def free_bytes(self) -> int | None:
        """Unknown."""
        return None

    def stale(self, folder: str) -> list[str]:
        """Probes whose writer died."""
        found = []
        for entry in self._entries(folder):
            changed = entry.get("LastModified") or entry.get("created") or entry.get("mtime")
            seconds = changed.timestamp() if isinstance(changed, datetime) else changed
            old = isinstance(seconds, int | float) and time.time() - seconds > files.STALE_SECONDS
            if old and files.is_temporary(_name(entry)):
                found.append(_name(entry))
        return sorted(found)

    def _create(self, name: str, data: bytes) -> None:
        with self._reached(name, missing=True):
            self._fs.pipe_file(self._key(name), data, mode="create")

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        key = self._key(folder) if folder else self._root
        try:
            with self._reached(folder):
                self._fs.invalidate_cache()
                entries = self._fs.ls(key, detail=True)
        except FileNotFoundError:
            return []
        # Some stores list the folder itself, as an object of no bytes.
        return [entry for entry in entries if entry["name"].rstrip("/") != key.rstrip("/")]

    def _key(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _reached(self, name: str, missing: bool = False) -> Iterator[None]:
        """Turn whatever a store's client raises into a `StoreError`.

        Args:
            name: of the object.
            missing: whether "not found" is such an error, too: when writing, it is about the bucket.
        """
        try:
            yield
        except (FileNotFoundError, FileExistsError) as error:
            if missing and isinstance(error, FileNotFoundError):
                raise self._error(name, error) from error
            raise
        except Exception as error:  # each client has exceptions of its own
            raise self._error(name, error) from error

    def _error(self, name: str, error: Exception) -> StoreError:
        number = error.errno if isinstance(error, OSError) and error.errno else errno.EIO
        reason = (isinstance(error, OSError) and error.strerror) or one_line(error)
        where = self.location / name if name else self.location
        return StoreError(number, " ".join(reason.split())[:300], str(where))


def _filesystem(location: Url) -> tuple[Any, str]:
    with needs(f"{location}: a URL", "fsspec s3fs"):
        from fsspec.core import url_to_fs
    try:
        fs, root = url_to_fs(str(location), use_listings_cache=False)
    except ImportError as error:  # it names the package to install
        raise InputError(f"{location}: {one_line(error)}") from None
    except Exception as error:
        raise InputError(f"cannot use the URL {shown(str(location))}: {one_line(error)}") from error
    return fs, root


def _name(entry: dict[str, Any]) -> str:
    return entry["name"].rstrip("/").rpartition("/")[2]
