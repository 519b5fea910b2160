"""A family's formula as plain Python text, found by running it on symbols.

Families are written once, with array-API operations. Called on a `Symbol`, such a formula records what it
does; numbers that do not depend on progress are computed at once. What comes out is straight-line code of
``math`` functions, so that the formula is written nowhere a second time.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.shapes.family import Family

LINE = 76
"""Results that are used once are written in place unless a line becomes longer than this."""


class Symbol:
    """A number that is known only when the written code runs.

    Args:
        template: Python text with ``{0}``, ``{1}``, ... where the arguments go.
        arguments: symbols, numbers, or tuples of numbers.
    """

    __array_ufunc__ = None  # NumPy's numbers leave the operators to us
    dtype = float

    def __init__(self, template: str, *arguments: Any):
        self.template = template
        self.arguments = arguments

    def __array_namespace__(self, api_version: Any = None) -> "type[_Operations]":
        return _Operations

    def __add__(self, other: Any) -> "Symbol":
        return self if _is(other, 0.0) else Symbol("({0} + {1})", self, other)

    def __radd__(self, other: Any) -> "Symbol":
        return self if _is(other, 0.0) else Symbol("({0} + {1})", other, self)

    def __sub__(self, other: Any) -> "Symbol":
        return self if _is(other, 0.0) else Symbol("({0} - {1})", self, other)

    def __rsub__(self, other: Any) -> "Symbol":
        return Symbol("({0} - {1})", other, self)

    def __mul__(self, other: Any) -> "Symbol":
        return self if _is(other, 1.0) else Symbol("({0} * {1})", self, other)

    def __rmul__(self, other: Any) -> "Symbol":
        return self if _is(other, 1.0) else Symbol("({0} * {1})", other, self)

    def __truediv__(self, other: Any) -> "Symbol":
        return self if _is(other, 1.0) else Symbol("({0} / {1})", self, other)

    def __rtruediv__(self, other: Any) -> "Symbol":
        return Symbol("({0} / {1})", other, self)

    def __pow__(self, other: Any) -> "Symbol":
        return Symbol("({0} ** {1})", self, other)

    def __neg__(self) -> "Symbol":
        return Symbol("(-{0})", self)

    def __gt__(self, other: Any) -> "Symbol":
        return Symbol("({0} > {1})", self, other)

    def __ge__(self, other: Any) -> "Symbol":
        return Symbol("({0} >= {1})", self, other)

    def __lt__(self, other: Any) -> "Symbol":
        return Symbol("({0} < {1})", self, other)

    def __le__(self, other: Any) -> "Symbol":
        return Symbol("({0} <= {1})", self, other)

    def __and__(self, other: Any) -> "Symbol":
        return Symbol("({0} and {1})", self, other)

    def __or__(self, other: Any) -> "Symbol":
        return Symbol("({0} or {1})", self, other)

    def __bool__(self) -> bool:
        raise TypeError("a formula must not branch on progress: use where")

    def astype(self, kind: type) -> "Symbol":
        """A number as a whole number, or the other way round."""
        return Symbol("int({0})" if kind is int else "float({0})", self)


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Symbol) and value == number


class _Values:
    """A tuple of numbers that a symbol may index."""

    def __init__(self, values: tuple[float, ...]):
        self._values = values
        self._symbol = Symbol("{0}", values)

    def __getitem__(self, key: Any) -> Any:
        return Symbol("{0}[{1}]", self._symbol, key) if isinstance(key, Symbol) else self._values[key]


def _operation(name: str, template: str) -> Any:
    def apply(*arguments: Any) -> Any:
        if any(isinstance(argument, Symbol) for argument in arguments):
            return Symbol(template, *arguments)
        return getattr(np, name)(*arguments).item()

    return staticmethod(apply)


class _Operations:
    """The array-API namespace of symbols; formulas may use what is here."""

    abs = _operation("abs", "abs({0})")
    ceil = _operation("ceil", "math.ceil({0})")
    clip = _operation("clip", "min(max({0}, {1}), {2})")
    cos = _operation("cos", "math.cos({0})")
    exp = _operation("exp", "math.exp({0})")
    expm1 = _operation("expm1", "math.expm1({0})")
    floor = _operation("floor", "math.floor({0})")
    log = _operation("log", "math.log({0})")
    log1p = _operation("log1p", "math.log1p({0})")
    maximum = _operation("maximum", "max({0}, {1})")
    minimum = _operation("minimum", "min({0}, {1})")
    sin = _operation("sin", "math.sin({0})")
    sqrt = _operation("sqrt", "math.sqrt({0})")
    tanh = _operation("tanh", "math.tanh({0})")
    where = _operation("where", "({1} if {0} else {2})")

    @staticmethod
    def asarray(value: Any) -> Any:
        return _Values(value) if isinstance(value, tuple) else value

    @staticmethod
    def isdtype(dtype: Any, kind: str) -> bool:
        return True  # progress is a float

    @staticmethod
    def ones_like(value: Any) -> float:
        return 1.0

    @staticmethod
    def zeros_like(value: Any) -> float:
        return 0.0


def python_lines(shape: Family, lists: Mapping[tuple[float, ...], str]) -> list[str]:
    """Return the lines of a function body that computes ``shape`` at ``t``, a float in [0, 1].

    They need ``import math`` and no more; the last one is the ``return``.

    Args:
        shape: what to compute.
        lists: Python text for lists of numbers that are written elsewhere already.

    Raises:
        InputError: if the family's formula uses an operation that has no Python text here.
    """
    try:
        result = shape(Symbol("t"))
    except (AttributeError, TypeError) as error:
        raise InputError(
            f"{shape.name} cannot be written as plain Python ({error}); export json, csv or npy instead"
        ) from error
    uses: Counter[int] = Counter()
    _count(result, uses)
    writer = _Writer(uses, lists)
    last = _bare(writer.expression(result))
    return [*writer.lines, f"return {last}"]


def _count(value: Any, uses: Counter[int]) -> None:
    if isinstance(value, Symbol):
        uses[id(value)] += 1
        if uses[id(value)] == 1:
            for argument in value.arguments:
                _count(argument, uses)


class _Writer:
    def __init__(self, uses: Counter[int], lists: Mapping[tuple[float, ...], str]):
        self.lines: list[str] = []
        self._uses = uses
        self._lists = lists
        self._names: dict[int, str] = {}
        self._known: dict[str, str] = {}

    def text(self, value: Any) -> str:
        if isinstance(value, tuple) and value in self._lists:
            return self._lists[value]
        if not isinstance(value, Symbol):
            return _literal(value)
        if id(value) not in self._names:
            written = self.expression(value)
            table = any(isinstance(argument, tuple) for argument in value.arguments)
            keep = table or (value.arguments and (self._uses[id(value)] > 1 or len(written) > LINE))
            self._names[id(value)] = self._assigned(written) if keep else written
        return self._names[id(value)]

    def expression(self, value: Any) -> str:
        """The text of a value's last operation."""
        if not isinstance(value, Symbol):
            return _literal(value)
        parts = [self.text(argument) for argument in value.arguments]
        if not value.template.startswith("("):  # a call has parentheses of its own
            parts = [_bare(part) for part in parts]
        return value.template.format(*parts)

    def _assigned(self, written: str) -> str:
        if written not in self._known:
            self._known[written] = f"v{len(self._known) + 1}"
            self.lines.append(f"{self._known[written]} = {_bare(written)}")
        return self._known[written]


def _bare(written: str) -> str:
    """Drop the parentheses around a whole expression."""
    inner = written[1:-1]
    if inner.endswith(","):
        return written  # a tuple
    depth = 0
    for mark in re.findall(r"[()]", inner):
        depth += 1 if mark == "(" else -1
        if depth < 0:
            return written
    return inner if written.startswith("(") else written


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_literal(item) for item in value)},)"
    if isinstance(value, bool | np.bool_):
        return repr(bool(value))
    number = float(value)
    if not math.isfinite(number):
        raise InputError(f"a formula has finite numbers only, got {number}")
    text = repr(int(value) if isinstance(value, int | np.integer) else number)
    return f"({text})" if number < 0 else text
