"""What every family of shapes is: parameters with ranges, and a formula on training progress.

Formulas use array-API operations that broadcast, so that one text serves NumPy, JAX (``jit``, ``grad``,
``vmap``) and whole batches: parameters of shape ``(n, 1)`` against progress of shape ``(steps,)`` give
multipliers of shape ``(n, steps)``. Nothing here imports JAX.
"""

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, final

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError, PluginError, did_you_mean, shown
from lrshape.registry import Registry
from lrshape.shapes.parameter import Parameter, parameter
from lrshape.shapes.space import Space

__all__ = [
    "NARROW",
    "Family",
    "Numeric",
    "Parameter",
    "WarmupFamily",
    "namespace",
    "parameter",
    "passed",
    "power",
]

Numeric: TypeAlias = Any
"""A number, or an array (NumPy's, JAX's, ...) that broadcasts against the others in its formula."""

NARROW = 1e-9
"""Stretches of progress narrower than this count as empty: no training has a billion steps, and quotients
of such widths would overflow in the gradients of float32."""

ROUNDING = 1e-9
"""By how much rounding may take a multiplier out of [0, 1]."""


def namespace(*values: Any) -> Any:
    """Return the array-API namespace of the first array that is not NumPy's; ``numpy`` if there is none."""
    for value in values:
        if not isinstance(value, np.ndarray | np.generic) and hasattr(value, "__array_namespace__"):
            return value.__array_namespace__()
    return np


def as_number(value: Any) -> Any:
    """Return NumPy's scalars as Python numbers: an optimizer's state with others cannot be loaded safely."""
    return value.item() if isinstance(value, np.generic) else value


def passed(t: Numeric, width: Numeric) -> Numeric:
    """Return which part of the first ``width`` of progress has passed at ``t``, in [0, 1]; 1 if it is empty.

    Gradients are finite, whatever the width.
    """
    xp = namespace(t, width)
    wide = width > NARROW
    # Where the stretch is empty, adding 1 before the clip is cheaper than choosing for every element.
    return xp.clip(t / xp.where(wide, width, 1.0) + xp.where(wide, 0.0, 1.0), 0.0, 1.0)


def power(base: Numeric, exponent: Numeric) -> Numeric:
    """Return ``base ** exponent`` for a base >= 0; 0 where the base is 0, with gradient 0 there.

    The derivative of a power below 1 is infinite at 0, and 0 times infinite is NaN: hence the two ``where``.
    Exponential and logarithm cost less than ``**`` in NumPy, and several times less in XLA.
    """
    xp = namespace(base, exponent)
    positive = base > 0.0
    return xp.where(positive, xp.exp(exponent * xp.log(xp.where(positive, base, 1.0))), 0.0)


@functools.cache
def _parameters(family: type) -> tuple[Parameter, ...]:
    name = f"family {family.__name__}"
    own = vars(family)
    if "__dataclass_fields__" not in own and any(isinstance(v, dataclasses.Field) for v in own.values()):
        raise TypeError(f"{name}: needs its own @dataclass(frozen=True, kw_only=True) below its registration")
    fields = [f for f in dataclasses.fields(family) if f.init]
    for f in fields:
        if not isinstance(f.metadata.get("parameter"), Parameter):
            raise TypeError(f"{name}: field {f.name} must be made with parameter(...)")
    return tuple(dataclasses.replace(f.metadata["parameter"], name=f.name) for f in fields)


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """A parameterised set of shapes m(t): t in [0, 1] is training progress, m in [0, 1] the LR over base LR.

    A subclass is a frozen dataclass whose fields are made with `parameter`, has a one-line ``formula``, and
    implements `multiplier`. Values may be arrays; out-of-range numbers raise `InputError` (values that JAX
    traces are not checked). See ``CONTRIBUTING`` for how to add one.
    """

    name: ClassVar[str]
    """What specs and the command line call it."""
    formula: ClassVar[str]
    """The formula on one line; u is progress after warmup, t of the whole training."""
    summary: ClassVar[str]
    """The first line of the class's docstring."""
    reaches_one: ClassVar[bool] = True
    """Whether the maximum of every shape is 1."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.summary = (cls.__doc__ or "").strip().split("\n")[0]

    def __post_init__(self) -> None:
        for p in self.parameters():
            object.__setattr__(self, p.name, p.validated(getattr(self, p.name)))

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """Return the parameters, in order."""
        return _parameters(cls)

    @classmethod
    def space(cls) -> Space:
        """Return the space of the searched parameters."""
        return Space(tuple(p.dimension for p in cls.parameters() if p.searched))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """Make a shape from ``{name: value}``; parameters that are not named take their defaults.

        Raises:
            InputError: if a name is unknown or a value breaks its parameter's rule.
        """
        known = [p.name for p in cls.parameters()]
        for name in params:
            if name not in known:
                rule = f"{cls.name} has parameters {', '.join(known)}"
                raise InputError(f"{rule}, got {shown(name)}{did_you_mean(name, known)}")
        return cls(**params)

    @property
    def params(self) -> dict[str, Any]:
        """All parameters, as ``{name: value}``."""
        return {p.name: getattr(self, p.name) for p in self.parameters()}

    @final
    def __call__(self, t: Numeric) -> Numeric:
        """Return the multipliers at progress ``t``.

        Args:
            t: progress in [0, 1], a number or an array; it broadcasts against the parameters.

        Returns:
            Multipliers in [0, 1]: a float or float64 for NumPy, else of the arrays' own library and type.

        Raises:
            InputError: if ``t`` or a multiplier (as far as they can be seen) leaves [0, 1].
        """
        xp = namespace(t, *self.params.values())
        if namespace(t) is np:
            t = np.asarray(t, np.float64)
            if t.size and not (t.min() >= 0.0 and t.max() <= 1.0):
                bad = t[~((t >= 0.0) & (t <= 1.0))].flat[0]
                raise InputError(f"progress must be in [0, 1], that is step / steps, got {float(bad)!r}")
        if xp is not np:
            t = xp.asarray(t)
            t = t if xp.isdtype(t.dtype, "real floating") else t * 1.0
        m = self.multiplier(t)
        if xp is np:
            self._check_multipliers(m)
        return as_number(m)

    def _check_multipliers(self, m: Numeric) -> None:
        """Refuse multipliers outside [0, 1]: training would clip negative ones, and the shape could win."""
        if np.min(m, initial=0.0) >= -ROUNDING and np.max(m, initial=1.0) <= 1.0 + ROUNDING:  # no NaN either
            return
        numbers = {p.name: getattr(self, p.name) for p in self.parameters() if p.batched}
        values, *columns = np.broadcast_arrays(m, *numbers.values())
        worst = int(np.argmax(np.abs(values - 0.5)))  # a NaN, if there is one
        own = {name: column.flat[worst].item() for name, column in zip(numbers, columns, strict=True)}
        got = f"got {float(values.flat[worst])!r} with {shown(self.params | own, 200)}"
        raise PluginError(f"family {self.name}: multipliers must lie in [0, 1], {got}")

    @abstractmethod
    def multiplier(self, t: Numeric) -> Numeric:
        """Return the multipliers at progress ``t``, an array."""


def _linear(x: Numeric) -> Numeric:
    return x


def _cosine(x: Numeric) -> Numeric:
    return namespace(x).sin(np.pi / 2 * x) ** 2


def _exponential(x: Numeric) -> Numeric:
    xp = namespace(x)
    return xp.minimum(xp.expm1(np.log(100.0) * x) / 99.0, 1.0)  # rounding must not leave the range


def _polynomial(x: Numeric) -> Numeric:
    return x * x


_RAMPS = {"linear": _linear, "cosine": _cosine, "exponential": _exponential, "polynomial": _polynomial}


@dataclass(frozen=True, kw_only=True)
class WarmupFamily(Family):
    """A family that rises from 0 to 1 over the first part of training, and then follows `after_warmup`.

    Parameters:
        warmup: fraction of training spent on warmup, in [0, 0.3]; default 0, no warmup.
        warmup_shape: with x = t / warmup: ``linear`` x (default), ``cosine`` (1 - cos(pi x))/2,
            ``exponential`` (100^x - 1)/99, ``polynomial`` x^2. Not searched.
    """

    warmup: Numeric = parameter(0.0, 0.0, 0.3, share=True)
    warmup_shape: str = parameter("linear", scale="choice", choices=tuple(_RAMPS), searched=False)

    @final
    @override
    def multiplier(self, t: Numeric) -> Numeric:
        ramp = _RAMPS[self.warmup_shape](passed(t, self.warmup))
        # Counted from the end, so that u is exactly 1 at t = 1 even where a compiler multiplies by the
        # inverse: a small power of a tiny rest would be far from 0.
        u = namespace(t, self.warmup).clip(1.0 - (1.0 - t) / (1.0 - self.warmup), 0.0, 1.0)
        # One of the factors is always 1: a product costs less than a choice, and is as exact.
        return ramp * self.after_warmup(u)

    @abstractmethod
    def after_warmup(self, u: Numeric) -> Numeric:
        """Return the multipliers at decay progress ``u`` in [0, 1], an array; exactly 1 at u = 0."""


def _can_be_listed(family: type[Family]) -> None:
    """Raise TypeError for a family that would break ``lrshape shapes list`` for all others."""
    _parameters(family)
    formula = getattr(family, "formula", None)
    if not isinstance(formula, str) or "\n" in formula:
        raise TypeError(f"family {family.__name__}: must have a formula, a text of one line")


FAMILIES: Registry[Family] = Registry(
    "family", "lrshape.shapes.families", "lrshape.families", Family, rule=_can_be_listed
)
"""The families by name."""
