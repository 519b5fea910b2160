"""Files that appear complete or not at all.

A file is written under a temporary name in its own directory, flushed to the disk, and only then given its
name by a hard link, which fails when the name is taken. A crash at any moment leaves a temporary file at
worst.
"""

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path

# A writer holds its temporary file for seconds at most. A day leaves room for suspended machines and for
# clocks of network disks, so that tidying can never take the file of a live writer.
STALE_SECONDS = 86_400

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}
_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF}


class StoreError(OSError):
    """The disk refused: no space, no permission, a read-only or failing medium.

    ``filename`` and ``errno`` tell where and why; what was stored before is untouched.
    """

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def store_error(error: OSError, path: Path) -> StoreError:
    """Return ``error`` as a `StoreError` about ``path``."""
    return StoreError(error.errno, error.strerror or str(error), str(path))


def is_temporary(name: str) -> bool:
    """Whether a file of this name is an unfinished write of this module."""
    return _TEMPORARY.fullmatch(name) is not None


def publish(target: Path, data: bytes, *, replace: bool = False) -> bool:
    """Make ``target`` hold ``data``; a reader sees the whole file or, before, what was there.

    Args:
        target: the file; its directory exists.
        data: its content.
        replace: whether a file that exists is replaced; else it is left alone, whatever it holds.

    Returns:
        Whether this call wrote the file.

    Raises:
        StoreError: if the disk refuses. The file is then as it was, or complete but perhaps not yet durable.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        if not replace and target.exists():
            return False
        try:
            _write(temporary, data)
            if replace:
                temporary.replace(target)
            written = replace or link(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        sync_directory(target.parent)
    except OSError as error:
        raise store_error(error, target) from error
    return written


def link(source: Path, target: Path) -> bool:
    """Give ``source`` the name ``target`` too; False if that name is taken.

    Where the file system has no hard links the file is renamed instead. Two writers may then both believe
    that they came first, but the file is one of theirs, and whole.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            return False
        source.rename(target)
    return True


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable, where the system can."""
    if os.name == "nt":  # Windows cannot open a directory, and journals its names itself
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
