"""The exception that means: what the user gave cannot be used; and how messages show values and errors."""

import difflib
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Bad input from the user: the message states the rule and the value received.

    The command line turns it into one line and exit code 2; everything else that escapes is a bug.
    """


class PluginError(InputError):
    """A plug-in gave what its contract forbids; the message names the plug-in."""


@contextmanager
def about(what: str) -> Iterator[None]:
    """Put what an `InputError` is about before its message."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


@contextmanager
def needs(what: str, package: str) -> Iterator[None]:
    """Say what to install if the block cannot import it.

    Args:
        what: needs it, e.g. ``the executor ray``.
        package: what ``pip`` installs, e.g. ``ray>=2.40``.

    Raises:
        InputError: if an import fails.
    """
    try:
        yield
    except ImportError as error:
        quoted = f"'{package}'" if ">" in package else package
        raise InputError(
            f"{what} needs another package ({one_line(error):.200}): pip install {quoted}"
        ) from None


def message_of(error: BaseException) -> str:
    """Return the message of an error; exceptions of others may do anything when they are asked for it."""
    try:
        return str(error)
    except Exception:
        return "its message cannot be read"


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line, or its type if it has none."""
    return " ".join(message_of(error).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of the message of an error, or its type if it has none."""
    return (message_of(error).strip().splitlines() or [type(error).__name__])[0]


def shown(value: object, limit: int = 80) -> str:
    """Return ``repr(value)`` on one line and not longer than ``limit``, for messages about bad input."""
    try:
        plain = value.item() if getattr(value, "ndim", None) == 0 else value  # type: ignore[attr-defined]
        text = " ".join(repr(plain).split())
    except Exception:  # e.g. an integer too long to print: the message must still come out
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names on one line, at most so many of them, for messages about bad input."""
    names = list(names)
    return ", ".join([shown(name, 60) for name in names[:most]] + ["..."] * (len(names) > most)) or "none"


def did_you_mean(name: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``; did you mean 'rex'?`` for the end of a message if a known name is similar, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff) if isinstance(name, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""


def located(error: BaseException) -> str:
    """Return the file and line of others' code that raised an error, and the error, on one line.

    Of the calls that led to it, the last one outside of lrshape, the standard library and installed packages
    counts, or else the last one in an installed package.
    """
    text = " ".join(message_of(error).split())
    place = _place(error)
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        place, text = (error.filename, error.lineno), error.msg
    where = f"{place[0]}, line {place[1]}: " if place else ""
    return f"{where}{type(error).__name__}{': ' if text else ''}{text}"


def _place(error: BaseException) -> tuple[str, int | None] | None:
    paths = sysconfig.get_paths()
    python = (paths["stdlib"], paths["platstdlib"])
    packages = (paths["purelib"], paths["platlib"])
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        is_package = any(file.is_relative_to(folder) for folder in packages)
        is_python = not is_package and any(file.is_relative_to(folder) for folder in python)
        if is_python or frame.filename.startswith("<") or file.is_relative_to(Path(__file__).parent):
            continue
        if found is None or not is_package or found[0]:
            found = (is_package, frame.filename, frame.lineno)
    return found and found[1:]
