"""Download archives once, with a checksum, and unpack them safely."""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

from lrshape.errors import InputError
from lrshape.values import path_of

TIMEOUT_SECONDS = 20
"""Without an answer or a byte."""

BLOCK_BYTES = 1 << 20


def cache_dir() -> Path:
    """Where downloads are kept: ``$LRSHAPE_CACHE``, else a folder in the user's cache."""
    given = os.environ.get("LRSHAPE_CACHE")
    return path_of(given) if given else own_cache_dir()


def own_cache_dir() -> Path:
    """Our folder in the user's own cache, which others do not share."""
    return path_of(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "lrshape"


def fetch(url: str, digest: str, folder: Path) -> Path:
    """Download a file into a folder, unless it is there; an interrupted download is resumed.

    The file appears under its name only when it is whole and its digest is right. Processes that want the
    same file wait for each other.

    Args:
        url: where the file is; its last part names the file.
        digest: e.g. ``"md5:c32a..."`` or ``"sha256:..."``.
        folder: where to; it is made if needed.

    Raises:
        InputError: if the server cannot be reached or breaks off, if the digest is wrong, or if the folder
            cannot be written.
    """
    file = folder / url.rsplit("/", 1)[-1]
    if file.exists():
        return file
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(file.with_name(file.name + ".lock")):
            if not file.exists():  # another process may have been first
                part = file.with_name(file.name + ".part")
                try:
                    _download(url, part)
                except OSError as error:  # also urllib's errors; what has come stays for the next try
                    reason = getattr(error, "reason", None) or error
                    raise InputError(f"{url} cannot be downloaded: {reason}") from None
                found = _digest(part, digest.partition(":")[0])
                if found != digest:
                    part.unlink()
                    raise InputError(
                        f"{url}: what came has the checksum {found}, expected {digest}; it was deleted"
                    )
                part.replace(file)
    return file


@contextlib.contextmanager
def _written(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into one line."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from None


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Hold a lock that the system frees when its process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # not a Unix: two downloads at once may spoil each other, which the digest finds
        yield
        return
    with open(file, "ab", opener=_no_link) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _discard_foreign(part: Path) -> None:
    """Remove what no download left here: appending to a link would change the file that it leads to."""
    with contextlib.suppress(FileNotFoundError):
        found = part.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            part.unlink()


def _download(url: str, part: Path) -> None:
    """Append what is missing of a file, or all of it where the server cannot continue.

    Raises:
        OSError: if the transfer fails or ends early.
    """
    _discard_foreign(part)
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            error.close()
            return
        raise
    mode = "ab" if response.status == 206 else "wb"
    with response, open(part, mode, opener=_no_link) as out:
        length = response.headers.get("Content-Length")
        came = 0
        while block := response.read(BLOCK_BYTES):
            out.write(block)
            came += len(block)
        if length is not None and came < int(length):
            raise OSError(f"the connection ended after {came} of {length} bytes; try again to continue")


def _digest(file: Path, algorithm: str) -> str:
    with file.open("rb") as handle:
        return f"{algorithm}:{hashlib.file_digest(handle, algorithm).hexdigest()}"


def extract(archive: Path, folder: Path, name: str) -> Path:
    """Unpack one folder of a tar archive, unless it is there, and return it; it appears whole or not at all.

    Raises:
        InputError: if the archive is damaged, lacks the folder, or holds anything but plain files in it.
    """
    target = folder / name
    if target.exists():
        return target
    with _written(folder), tempfile.TemporaryDirectory(dir=folder) as temporary:
        try:
            with tarfile.open(archive) as tar:
                members = [m for m in tar.getmembers() if not m.isdir()]
                for member in members:
                    if not member.isreg():
                        raise InputError(f"{archive}: must hold plain files only, got {member.name!r}")
                tar.extractall(temporary, members, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{archive}: cannot be unpacked: {error}") from None
        unpacked = Path(temporary) / name
        if not unpacked.is_dir():
            found = sorted(path.name for path in Path(temporary).iterdir())
            raise InputError(f"{archive}: must hold a folder {name}, got {found!r:.80}")
        if not target.exists():
            with contextlib.suppress(FileExistsError):  # another process was first
                shutil.move(unpacked, target)
    return target
