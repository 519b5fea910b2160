"""Files that users give: whatever is wrong with one is told in one line that begins with its name."""

import codecs
import csv
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lrshape.errors import InputError

_STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where shells offer their pipes as files."""


def require_file(path: Path) -> None:
    """Refuse what would be waited for, or read, for ever: named pipes and devices. A shell's pipe may pass.

    Raises:
        InputError: if it is one.
        OSError: if there is none.
    """
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode) and path.parent not in _STREAMS:
        raise InputError("must be a file, got a named pipe")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise InputError("must be a file, got a device")


@contextmanager
def reading(path: Path, refusal: str, most_bytes: int) -> Iterator[None]:
    """Turn every error of the block that reads a file into an `InputError` that names the file.

    Args:
        path: of the file.
        refusal: what the file is if its content makes no sense, e.g. ``no schedule``.
        most_bytes: the largest size that is read.
    """
    try:
        require_file(path)
        size = path.stat().st_size
        if size > most_bytes:
            raise InputError(f"such a file has at most {most_bytes:,} bytes, got {size:,}")
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise InputError(f"{path}: is {refusal}: brackets are nested too deeply") from None
    except (ValueError, SyntaxError, OverflowError, MemoryError, csv.Error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: is {refusal}: {reason:.120}") from None


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open UTF-8 text, with or without the byte order mark that Windows programs put before it.

    Raises:
        InputError: if it is UTF-16, as Excel's "Unicode Text" and PowerShell's ``>`` write it, or another
            encoding; while the block reads it.
        OSError: if it cannot be opened.
    """
    with path.open("rb") as file:
        if file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise InputError('must be UTF-8 text, got UTF-16: save it as UTF-8 (in Excel: "CSV UTF-8")')
        try:
            yield io.TextIOWrapper(file, encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise InputError(f"must be UTF-8 text, got the byte {byte:#04x}: save it as UTF-8") from None


def read_text(path: Path) -> str:
    """Return the text of a file, see `open_text`."""
    with open_text(path) as file:
        return file.read()
