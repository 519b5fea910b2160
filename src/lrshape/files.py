"""How every file is written: complete or not at all, and nowhere else than where it was meant to be.

A file is written under a random temporary name in its own folder, flushed to the disk, and only then given
its name: by a hard link, which fails when the name is taken, or by a rename, which replaces whatever has the
name and follows no link. A crash at any moment leaves a temporary file at worst.

A directory that somebody else made may hold links, pipes and devices. The directory itself is the user's
choice; the folders in it are opened one by one, and one that is a link is refused. Where the system has no
directory descriptors (Windows) the folders are looked at before the file is written, so that somebody who may
write to the directory can still exchange one in between.
"""

import contextlib
import errno
import os
import re
import stat
from pathlib import Path, PurePath

from lrshape.errors import InputError, shown

# A writer holds its temporary file for seconds at most. A day leaves room for suspended machines and for
# clocks of network disks, so that tidying can never take the file of a live writer.
STALE_SECONDS = 86_400

LARGEST = 2**31
"""Bytes of a file that are read at once: what is larger was made to fill the memory."""

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}
_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF}
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd
_MEDIUM_REFUSES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_JUNCTION = 0xA0000003  # Windows: a link to a directory that is no symbolic link
_STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where shells offer their pipes as files."""


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


def is_link(path: Path) -> bool:
    """Whether this is a symbolic link or a junction, wherever it leads."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION


def _plain(name: str) -> str:
    if not name or PurePath(name).name != name or name == "..":
        raise InputError(f"a file of a study must have a plain name, got {shown(name)}")
    return name


def inside(root: Path, *names: str) -> Path:
    """Return the path of a folder in a directory, which need not exist.

    Raises:
        InputError: if one of the names is no plain name, or has a link, which could lead anywhere.
    """
    path = root
    for name in names:
        path = path / _plain(name)
        if is_link(path):
            raise InputError(
                f"{path} is a link: lrshape writes to a study's own folders only; replace it by a folder"
            )
    return path


class Folder:
    """A folder, held open: what is done in it stays in it, even if a link takes its place meanwhile.

    Args:
        root: the directory that the user chose; it exists, and may be a link.
        name: of the folder in it, with ``/``; the directory itself if empty. It is made if it is missing.

    Raises:
        InputError: if the name leads out of the directory, see `inside`.
    """

    def __init__(self, root: Path, name: str = ""):
        self._path = root
        self._descriptor: int | None = None
        if _HAS_DESCRIPTORS:
            self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in name.split("/") if name else ():
                self._enter(part)
        except BaseException:
            self.close()
            raise

    def _enter(self, name: str) -> None:
        path = inside(self._path, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._at(name), dir_fd=self._descriptor)
        if self._descriptor is not None:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            outer, self._descriptor = self._descriptor, os.open(name, flags, dir_fd=self._descriptor)
            os.close(outer)
        self._path = path

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self._path / name)

    def exists(self, name: str) -> bool:
        """Whether the name is taken, by whatever it is."""
        try:
            os.lstat(self._at(name), dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True

    def create(self, name: str, data: bytes) -> None:
        """Make a file, durably; `FileExistsError` if the name is taken."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY  # which follows no link
        descriptor = os.open(self._at(name), flags, 0o666, dir_fd=self._descriptor)
        try:
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[os.write(descriptor, remaining) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def replace(self, name: str, target: str) -> None:
        """Give a file the name of another one, which is gone then."""
        descriptors = {"src_dir_fd": self._descriptor, "dst_dir_fd": self._descriptor}
        os.replace(self._at(name), self._at(target), **descriptors)  # noqa: PTH105 - as above

    def link(self, name: str, folder: "Folder", target: str) -> bool:
        """Give a file another name, too, in this folder or another one; False if that name is taken.

        Where the file system has no hard links the file is renamed instead. Two writers may then both believe
        that they came first, but the file is one of theirs, and whole.
        """
        names = self._at(name), folder._at(target)
        descriptors: dict[str, int | None] = {
            "src_dir_fd": self._descriptor,
            "dst_dir_fd": folder._descriptor,
        }
        try:
            os.link(*names, **descriptors, follow_symlinks=not _HAS_DESCRIPTORS)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if folder.exists(target):
                return False
            os.rename(*names, **descriptors)  # noqa: PTH104 - as above
        return True

    def sync(self) -> None:
        """Make the names in the folder durable, where the system can; Windows journals its names itself."""
        if self._descriptor is None:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in _NO_DIRECTORY_SYNC:
                raise


def publish(root: Path, name: str, data: bytes, *, replace: bool = False) -> bool:
    """Make a file hold ``data``; a reader sees the whole file or, before, what was there.

    Args:
        root: the directory that the user chose; it exists, and may be a link.
        name: of the file in it; ``/`` separates folders, which are made if they are missing.
        data: its content.
        replace: whether a file that exists is replaced; else it is left alone, whatever it holds.

    Returns:
        Whether this call wrote the file.

    Raises:
        InputError: if the name leads out of the directory.
        StoreError: if the disk refuses. The file is then as it was, or complete but perhaps not yet durable.
    """
    place, _, file = name.rpartition("/")
    temporary = f".{_plain(file)[:40]}.{os.urandom(8).hex()}.tmp"  # within the limit of a long name
    try:
        with Folder(root, place) as folder:
            if not replace and folder.exists(file):
                return False
            try:
                folder.create(temporary, data)
                if replace:
                    folder.replace(temporary, file)
                written = replace or folder.link(temporary, folder, file)
            finally:
                with contextlib.suppress(OSError):
                    folder.remove(temporary)
            folder.sync()
    except OSError as error:
        raise store_error(error, root / name) from error
    return written


def is_stream(path: Path) -> bool:
    """Whether a path names what the shell offers as a file, such as ``/dev/stdout``."""
    return path.parent in _STREAMS


def is_file(path: Path) -> bool:
    """Whether this is a file, and can be found to be one; if not, opening it tells why."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises some errors


def is_directory(path: Path) -> bool:
    """Whether this is a directory, and can be found to be one; if not, opening it tells why."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def make_directory(path: Path) -> None:
    """Make a directory that the user named, if it does not exist.

    Raises:
        InputError: if it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "must be a directory, got a file" if path.exists() else f"cannot be made: {error.strerror}"
        raise InputError(f"{path}: {reason}") from None


def write_file(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file that the user named, and make its directory; a link is replaced, not followed.

    What the shell offers as files, such as ``/dev/stdout``, is written to as it is; a disk is not.

    Args:
        path: the file.
        data: its content.
        replace: whether a file that exists is replaced.

    Raises:
        InputError: if it cannot be written, is a directory, or another pipe or device, or exists and is not
            to be replaced.
        StoreError: if the disk is full or fails.
        BrokenPipeError: if it is a pipe whose reader has gone.
    """
    try:
        if is_stream(path) and not path.is_block_device():
            number = {"stdout": "1", "stderr": "2"}.get(path.name, path.name)
            # Opened by its name, a file behind it would be emptied, and written from its start.
            with os.fdopen(os.dup(int(number)), "wb") if number.isdigit() else path.open("wb") as stream:
                stream.write(data)
            return
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot be written: it exists and is no regular file")
        if path.parent.is_file():  # mkdir would say that it exists
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not publish(path.parent, path.name, data, replace=replace):
            raise InputError(f"{path}: cannot be written: {os.strerror(errno.EEXIST)}")
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _MEDIUM_REFUSES:
            raise store_error(error, path) from error
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def read_file(path: Path, most: int = LARGEST, *, follow: bool = True) -> bytes:
    """Return the content of a regular file; nothing that is none, such as a pipe, is waited for.

    Args:
        path: the file.
        most: bytes that it may have.
        follow: whether it may be a link.

    Raises:
        OSError: if there is none, it is no regular file, or it is larger.
    """
    flags = os.O_RDONLY | _BINARY
    for name in ("O_NONBLOCK", "O_NOCTTY", *(() if follow else ("O_NOFOLLOW",))):  # of POSIX
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(found.st_size)
    finally:
        os.close(descriptor)
