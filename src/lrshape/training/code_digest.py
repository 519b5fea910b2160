"""What a train function is, its code and what it holds, so that a resumed study notices another one."""

import copyreg
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, cast

import numpy as np

MOST = 200_000
"""Parts that are looked at: more would take seconds."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))


@dataclass(frozen=True)
class CodeDigest:
    """The code of a train function, to be compared with that of another process.

    Attributes:
        sha256: of all that can be compared, hexadecimal.
        unknown: what cannot be compared, in words; sorted.
    """

    sha256: str
    unknown: tuple[str, ...] = ()


def code_digest(function: Callable[..., Any]) -> CodeDigest:
    """Return the digest of a function's source, its defaults and what its closure holds.

    Of a `functools.partial` the function and its arguments count, of a bound method or a callable object the
    class and the state as `pickle` would store it, of a decorated or jitted function what it wraps, too. What
    a function finds in its module, such as what it calls, does not count.
    """
    parts = _Parts()
    found = parts.digest(function)
    return CodeDigest(found.hex(), tuple(sorted(parts.unknown)))


def class_digest(kind: type) -> CodeDigest:
    """Return the digest of a class's source, and of what its methods hold, as that of functions."""
    parts = _Parts()
    found = parts.digest([kind, [one for one in vars(kind).values() if _is_written(one, kind)]])
    return CodeDigest(found.hex(), tuple(sorted(parts.unknown)))


class _Parts:
    """Digests of values; equal values have equal ones in every process."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self._count = 0
        self._known: dict[int, bytes] = {}
        self._open: dict[int, int] = {}  # depth of what is being looked at
        self._kept: list[Any] = []  # an identity belongs to one object as long as that lives

    def digest(self, value: Any) -> bytes:
        self._count += 1
        if self._count > MOST:
            self.unknown.add(f"more than {MOST:,} values")
            return b""
        if isinstance(value, _PLAIN):
            return _joined(type(value).__name__, repr(value))
        key = id(value)
        if key in self._open:
            return _joined("itself", str(self._open[key]))
        if key not in self._known:
            self._kept.append(value)
            self._open[key] = len(self._open)
            self._known[key] = self._looked_at(value)
            del self._open[key]
        return self._known[key]

    def _looked_at(self, value: Any) -> bytes:
        try:
            return self._of(value)
        except RecursionError:
            self.unknown.add("values within values without end")
        except Exception:  # locks, files, generators, and whatever else cannot be pickled
            self.unknown.add(f"a {_name(type(value))}")
        return _joined("unknown", _name(type(value)))

    def _of(self, value: Any) -> bytes:
        if isinstance(value, functools.partial):
            return self._all("partial", [value.func, value.args, value.keywords])
        if isinstance(value, types.MethodType):
            return self._all("method", [value.__func__, value.__self__])
        if isinstance(value, types.FunctionType):
            cells = [cell.cell_contents for cell in value.__closure__ or () if not _is_empty(cell)]
            return self._all(_source(value), [value.__defaults__, value.__kwdefaults__, cells])
        wrapped = getattr(value, "__wrapped__", None) or getattr(value, "py_func", None)
        if wrapped is not None and not isinstance(value, type):  # jitted by JAX or Numba, cached
            return self._all("wrapper", [type(value), wrapped, _attributes(value)])
        if isinstance(value, type):
            return _joined(_name(value), _class_source(value))
        if isinstance(value, Enum):
            return _joined(_name(type(value)), value.name)
        if isinstance(value, types.ModuleType):
            return _joined("module", value.__name__)
        if isinstance(value, PurePath):
            return _joined("path", str(value))
        if hasattr(value, "__array__") and hasattr(value, "dtype"):
            held = value.detach().cpu() if hasattr(value, "detach") else value  # of PyTorch
            return self._array(np.asarray(held))
        return self._container(value)

    def _array(self, array: np.ndarray) -> bytes:
        if array.dtype.hasobject:
            return self._all(f"array {array.shape}", array.ravel().tolist())
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return _joined(f"array {array.dtype} {array.shape}", content.data)

    def _container(self, value: Any) -> bytes:
        kind = type(value)
        if kind in (list, tuple):
            return self._all(kind.__name__, value)
        if kind in (set, frozenset):
            return _joined(kind.__name__, *sorted(map(self.digest, value)))
        if kind in (dict, types.MappingProxyType):
            return self._mapping(value)
        reduce = copyreg.dispatch_table.get(kind)
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        if isinstance(reduced, str):
            return _joined("global", _name(kind), reduced)
        maker, arguments, state, items, pairs = cast("list[Any]", [*reduced, *[None] * 5][:5])
        held = dict(state) if isinstance(state, Mapping) else state
        return self._all(_name(kind), [maker, arguments, held, list(items or ()), list(pairs or ())])

    def _mapping(self, value: Mapping[Any, Any]) -> bytes:
        pairs = sorted((self.digest(key), self.digest(one)) for key, one in value.items())
        return _joined("dict", *(part for pair in pairs for part in pair))

    def _all(self, kind: str, values: Iterable[Any]) -> bytes:
        return _joined(kind, *map(self.digest, values))


def _is_written(member: Any, kind: type) -> bool:
    """Whether it is a method that the class's author wrote, and not one that dataclasses or pydantic made."""
    made = inspect.unwrap(member) if isinstance(member, types.FunctionType) else None
    if not isinstance(made, types.FunctionType) or made.__code__.co_filename == "<string>":
        return False
    return made.__qualname__.startswith(f"{kind.__qualname__}.")


def _attributes(wrapper: Any) -> dict[str, Any]:
    """What an object has besides what `functools.wraps` copies."""
    held = getattr(wrapper, "__dict__", {})
    return {name: one for name, one in held.items() if not name.startswith("__")}


def _joined(*parts: str | bytes | memoryview) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(f"{len(data)}:".encode())
        found.update(data)
    return found.digest()


def _is_empty(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises
    except ValueError:
        return True
    return False


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"


def _source(function: types.FunctionType) -> str:
    """A function's own source, not that of what it wraps; the compiled code where there is none."""
    try:
        source = inspect.getsource(function.__code__)
    except (OSError, TypeError):  # typed in
        return _compiled(function.__code__)
    if function.__name__ == "<lambda>":  # other lambdas may stand in its line
        return source + _compiled(function.__code__)
    return source


def _compiled(code: types.CodeType) -> str:
    constants = [
        _compiled(one) if isinstance(one, types.CodeType) else _constant(one) for one in code.co_consts
    ]
    return repr((code.co_code.hex(), code.co_names, code.co_varnames, constants))


def _constant(value: Any) -> str:
    return repr(sorted(value, key=repr)) if isinstance(value, frozenset) else repr(value)


def _class_source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # built in, or typed in
        return ""
