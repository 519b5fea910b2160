"""Values as users give them, in plain Python: those of other libraries, typed text, and paths."""

import math
import os
import re
import tomllib
from collections.abc import Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from lrshape.errors import InputError, one_line, shown

_TO_PYTHON = ("tolist", "to_list", "numpy")
"""Methods that give an array's Python or NumPy form: of NumPy, PyTorch, JAX, pandas; of Polars; of Keras."""


_SHORT = re.compile(r"(?<![\w.])(\.)(?=\d)|(?<=\d)\.(?!\d)")
"""The point of a number that TOML wants a zero before or after."""


def plain(value: Any) -> Any:
    """Return a value as JSON would read it back: numbers, texts, lists, and dicts.

    Numbers and arrays of NumPy, PyTorch, JAX, pandas and the like become Python's; mappings (OmegaConf's, for
    example) dicts; sequences, iterators and views lists; paths texts; sets of texts lists in alphabetical
    order. Whatever else there is stays as it is, for others to refuse: a set of numbers has no order.

    Raises:
        InputError: if it is nested too deeply, or in itself, or a mapping cannot be read.

    Example:
        >>> import numpy as np
        >>> plain({"hidden": np.array([8, 8]), "steps": np.int32(5)})
        {'hidden': [8, 8], 'steps': 5}
    """
    try:
        return _plain(value)
    except RecursionError:
        raise InputError("lists and tables are nested too deeply") from None


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(inner) for key, inner in _items(value)}
    if isinstance(value, Sequence | Iterator | KeysView | ValuesView) and not isinstance(value, bytes):
        return [_plain(inner) for inner in value]
    if isinstance(value, Set) and all(isinstance(inner, str) for inner in value):
        return sorted(value)
    for name in _TO_PYTHON:
        if callable(convert := getattr(value, name, None)):
            try:
                found: Any = convert()
            except Exception:  # e.g. an array that JAX traces
                return value
            return value if type(found) is type(value) else _plain(found)
    try:
        if isinstance(value, Integral):
            return int(value)
        return float(value) if isinstance(value, Real | Decimal) else value
    except (OverflowError, ValueError):
        return value


def _items(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    try:
        return list(mapping.items())
    except Exception as error:  # e.g. OmegaConf's for a value that is missing
        raise InputError(f"a setting cannot be read: {one_line(error):.200}") from None


def scalar(value: Any) -> Any:
    """Return an array of no dimension as a number in its own precision; anything else as it is."""
    if getattr(value, "ndim", None) != 0:
        return value
    import numpy as np

    try:
        return np.asarray(value)[()]
    except Exception:  # a tensor on its graph or on a GPU, or traced
        return plain(value)


def integral(value: Any) -> Any:
    """Return a float without a fraction, such as 1e3, as an int, and anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole_number(what: str, value: Any, low: int, high: float = math.inf) -> int:
    """Return a whole number of any library as an int.

    Raises:
        InputError: if it is none in [low, high]; a float, a text and a bool are none.
    """
    number = plain(value)
    if type(number) is int and low <= number <= high:
        return number
    end = "" if high == math.inf else f" to {high:,}"
    raise InputError(f"{what} must be a whole number from {low}{end}, got {shown(value)}")


def positive_number(what: str, value: Any) -> float:
    """Return a number of any library as a float.

    Raises:
        InputError: if it is none above 0, or is not finite; a text and a bool are none.
    """
    number = plain(value)
    try:
        if type(number) in (int, float) and 0 < float(number) < math.inf:
            return float(number)
    except OverflowError:  # an integer beyond the floats
        pass
    raise InputError(f"{what} must be a finite number above 0, got {shown(value)}")


def typed(text: str) -> Any:
    """Return what somebody means who types a value: as TOML has it, a number as in ``.5`` or ``1.``, or text.

    Example:
        >>> [typed(text) for text in (".5", "1.", "+1E3", "1_000", "[1, .2]", "true", "rex")]
        [0.5, 1.0, 1000.0, 1000, [1, 0.2], True, 'rex']
    """
    for candidate in (text, _SHORT.sub(lambda dot: "0." if dot[1] else ".0", text)):
        try:
            return tomllib.loads(f"value = {candidate}")["value"]
        except (ValueError, RecursionError):
            continue
    for read in (int, float):  # e.g. of 05
        try:
            return read(text)
        except ValueError:
            continue
    return text.strip()


def path_of(given: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` and ``~user`` replaced by the home directory, as a shell does.

    Raises:
        InputError: if it is no path, or there is no such user, and no file of that name.
    """
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"a file or folder must be given as a text or a path, got {shown(given)}")
    path = Path(given)
    if "\0" in str(path):
        raise InputError(f"a path cannot contain a null character, got {shown(str(path))}")
    try:
        return path.expanduser()
    except RuntimeError:
        if path.exists():
            return path
        name = path.parts[0]
        user = f"a user {name[1:]!r}" if name[1:] else "this process's user"
        raise InputError(f"{path}: there is no home directory of {user}; a file is called ./{name}") from None
