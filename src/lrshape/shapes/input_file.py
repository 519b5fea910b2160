"""Files that users give: whatever is wrong with one is told in one line that begins with its name."""

import codecs
import csv
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lrshape.errors import InputError, one_line
from lrshape.files import is_stream


@contextmanager
def reading(path: Path, refusal: str, most_bytes: int) -> Iterator[None]:
    """Turn every error of the block that reads a file into an `InputError` that names the file.

    What would be waited for, or read, for ever is refused: named pipes and devices. A shell's pipe may pass.

    Args:
        path: of the file.
        refusal: what the file is if its content makes no sense, e.g. ``no schedule``.
        most_bytes: the largest size of a file that is read; a shell's pipe has no size.
    """
    try:
        found = path.stat()
        if stat.S_ISFIFO(found.st_mode) and not is_stream(path):
            raise InputError("must be a file, got a named pipe")
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            raise InputError("must be a file, got a device")
        if found.st_size > most_bytes:
            raise InputError(f"such a file has at most {most_bytes:,} bytes, got {found.st_size:,}")
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise InputError(f"{path}: is {refusal}: brackets are nested too deeply") from None
    except (ValueError, SyntaxError, OverflowError, MemoryError, csv.Error) as error:
        raise InputError(f"{path}: is {refusal}: {one_line(error):.120}") from None


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
