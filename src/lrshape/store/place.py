"""Where files are kept: the few operations that a study needs of a local directory or an object store."""

import contextlib
import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lrshape.errors import InputError, shown
from lrshape.files import LARGEST
from lrshape.values import path_of

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")  # of two letters or more: C:/ is a drive
_LOCAL = ("file", "local")


class Url(str):
    """The address of a directory or file in an object store; ``/`` joins, as it does for paths.

    Example:
        >>> Url("s3://bucket/study") / "report.html"
        's3://bucket/study/report.html'
    """

    __slots__ = ()

    def __truediv__(self, name: str) -> "Url":
        return Url(f"{self}/{name}")

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.rpartition("/")[2]


Location = Path | Url


def locate(path: str | os.PathLike[str]) -> Location:
    """What a user names as a study's place: a path, or a URL that fsspec knows, such as ``s3://bucket/study``.

    A ``file://`` URL is the path in it.

    Raises:
        InputError: if it is empty, or a URL that is chained, or was made a path on its way here.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(text := os.fspath(path), str):
        raise InputError(f"a study is a directory or a URL, got {shown(path)}")
    if isinstance(path, Url):
        return path
    if not text:
        raise InputError("a study is a directory or a URL, got an empty name")
    if "::" in text and "://" in text:
        raise InputError(f"a study's URL names one store and is not chained with ::, got {shown(text)}")
    found = _SCHEME.match(text)
    if found is None:
        return path_of(text)
    if "://" not in text[: found.end() + 1]:
        raise InputError(f"a study's URL is given as text with ://, not as a path, got {shown(text)}")
    if found[1].lower() in _LOCAL:
        return _of_file_url(text)
    if not text[found.end() + 1 :].strip("/"):
        raise InputError(f"a study's URL has a path, e.g. s3://bucket/study, got {shown(text)}")
    return Url(text.rstrip("/"))


def _of_file_url(text: str) -> Path:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path or parts.query or parts.fragment:
        raise InputError(
            "a file:// URL is a path on this machine, with %23 for # and %3F for ?, e.g. "
            f"file:///home/me/study, got {shown(text)}"
        )
    return Path(url2pathname(parts.path))


def local(path: str | os.PathLike[str], what: str) -> Path:
    """The path of what has to be on a local disk.

    Raises:
        InputError: if it is empty, or a URL, other than ``file://``.
    """
    text = os.fspath(path)
    if not text:
        raise InputError(f"{what} must have a name, got an empty one")
    found = _SCHEME.match(text)
    if found is None:
        return path_of(path)
    if found[1].lower() in _LOCAL and "://" in text:
        return _of_file_url(text)
    raise InputError(f"{what} must be local, got {shown(text)}")


class Place(ABC):
    """A study's directory, wherever it is. Names are relative, with ``/``.

    All methods raise `StoreError` if the medium refuses, unless they say otherwise.
    """

    location: Location
    """Where it is."""

    readers: int
    """How many files are best read at once."""

    def at(self, name: str) -> Location:
        """The path or address of a file."""
        return self.location / name

    @abstractmethod
    def read(self, name: str, most: int = LARGEST) -> bytes:
        """Return a file's content, of ``most`` bytes; `FileNotFoundError` if there is none."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is such a file; False where that cannot be found out."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Names of what is directly in a folder, in any order; none if it does not exist."""

    @abstractmethod
    def is_empty(self, folder: str) -> bool:
        """Whether this is a folder with nothing but unfinished writes in it."""

    @abstractmethod
    def publish(self, name: str, data: bytes) -> bool:
        """Make a file hold ``data``, durably and whole, unless it exists; whether this call made it."""

    @abstractmethod
    def replace(self, name: str, data: bytes) -> None:
        """Make a file hold ``data``; a reader sees the old content or the new one."""

    @abstractmethod
    def move(self, name: str, target: str) -> bool:
        """Give a file another name; False, and nothing is done, if that is taken.

        Raises:
            FileNotFoundError: if there is no such file.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""

    @abstractmethod
    def prepare(self, folder: str) -> None:
        """Make a folder, and its parents, where folders are made; `OSError` if the medium refuses."""

    @abstractmethod
    def probe(self, folder: str) -> None:
        """Try, by writing, that files can be published into a folder; `OSError` or `InputError` if not."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Room on the medium, None where that is unknown."""

    @abstractmethod
    def stale(self, folder: str) -> list[str]:
        """Unfinished writes in a folder that no live writer can have, by name."""

    def tidy(self, folder: str) -> None:
        """Remove unfinished writes; one that cannot be removed does no harm."""
        for name in self.stale(folder):
            with contextlib.suppress(OSError):
                self.remove(f"{folder}/{name}" if folder else name)
