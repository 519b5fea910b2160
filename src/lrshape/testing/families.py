"""What every family promises, in NumPy and in JAX."""

import dataclasses
import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lrshape.shapes.batch import evaluate
from lrshape.shapes.family import Family, WarmupFamily
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress
from lrshape.testing.contract import check, require, require_refusal

GRID = np.unique(np.concatenate([progress(40, rule) for rule in ("midpoint", "left", "right")]))
"""Progress at which shapes are read, both ends included."""

DRAWS = 60
"""Shapes that each rule tries."""


def check_family(family: type[Family]) -> None:
    """Require that a family keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
    """
    check(RULES, family)


def draw(family: type[Family], count: int = DRAWS) -> Iterator[dict[str, Any]]:
    """Give random legal parameters, at the ends of ranges as often as inside."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        drawn: dict[str, Any] = {}
        for p in family.parameters():
            if p.scale == "choice":
                drawn[p.name] = str(rng.choice(p.choices))
            elif p.scale == "list":
                values = [p.high, *rng.uniform(p.low, p.high, rng.integers(7))]
                drawn[p.name] = tuple(rng.permutation(values).tolist())
            elif p.scale == "integer":
                drawn[p.name] = int(rng.integers(int(p.low), int(p.high) + 1))
            else:
                inside = np.nextafter([p.low, p.high], [p.high, p.low])
                drawn[p.name] = float(rng.choice([p.low, p.high, *inside, *rng.uniform(p.low, p.high, 4)]))
        yield drawn


def batch(family: type[Family]) -> dict[str, np.ndarray]:
    """Return `columns` at 60 random points and up to 64 corners of the cube."""
    size = len(family.space())
    rng = np.random.default_rng(7)
    corners = np.array(list(itertools.product([0.0, 1.0], repeat=size)))
    corners = corners[rng.permutation(len(corners))[:64]]
    return columns(family, np.concatenate([rng.random((DRAWS, size)), corners]))


def columns(family: type[Family], units: np.ndarray) -> dict[str, np.ndarray]:
    """Return the searched numbers at points of the cube, a column each; choices do not broadcast."""
    batched = {p.name for p in family.parameters() if p.batched}
    return {name: column for name, column in family.space().from_unit(units).items() if name in batched}


def is_a_documented_frozen_dataclass(family: type[Family]) -> None:
    """Formula, docstring with example, source and parameters; values cannot be changed."""
    require(
        all(f.kw_only for f in dataclasses.fields(family)), "must be @dataclass(frozen=True, kw_only=True)"
    )
    require(family.formula and "\n" not in family.formula, "needs a formula of one line")
    doc = inspect.getdoc(family) or ""
    for part in (">>> ", "Source:"):
        require(part in doc, f"the docstring needs {part!r}")
    inherited = "".join(inspect.getdoc(base) or "" for base in family.__mro__[1:])
    for p in family.parameters():
        require(f"{p.name}:" in doc + inherited, f"the docstring needs '{p.name}:' with scale and range")
    try:
        setattr(family(), family.parameters()[0].name, 0.1)
    except dataclasses.FrozenInstanceError:
        return
    raise AssertionError("must be frozen")


def overrides_no_concrete_method(family: type[Family]) -> None:
    """A family fills in what is abstract, and changes nothing else."""
    for base in family.__mro__[1:]:
        for name, value in vars(base).items():
            if name.startswith("__") or not inspect.isfunction(value) or not issubclass(base, Family):
                continue
            abstract = getattr(value, "__isabstractmethod__", False)
            require(abstract or getattr(family, name) is value, f"must not override {base.__name__}.{name}")


def gives_multipliers(family: type[Family]) -> None:
    """Values lie in [0, 1], one for each progress."""
    for params in draw(family):
        require_multipliers(family, params)


def require_multipliers(family: type[Family], params: Mapping[str, Any]) -> None:
    """Require it of one shape."""
    m = family(**params)(GRID)
    require(m.shape == GRID.shape and m.dtype == np.float64, f"{params}: one float64 for each progress")
    require(
        np.all((m >= 0.0) & (m <= 1.0)), f"{params}: multipliers must lie in [0, 1], got {m.min()}, {m.max()}"
    )


def has_maximum_one(family: type[Family]) -> None:
    """The maximum is 1, unless ``reaches_one`` is false."""
    for params in draw(family) if family.reaches_one else ():
        require_maximum_one(family, params)


def require_maximum_one(family: type[Family], params: Mapping[str, Any]) -> None:
    """Require it of one shape."""
    # The peak is at the start or where a parameter says: the end of warmup, the top of the cycle.
    where = [v for v in params.values() if isinstance(v, float) and 0.0 <= v <= 1.0]
    top = float(family(**params)([*GRID, *where]).max())
    require(
        abs(top - 1.0) <= 1e-14, f"{params}: the maximum must be 1, got {top!r} (else reaches_one = False)"
    )


def rises_from_zero_to_one_in_warmup(family: type[Family]) -> None:
    """A family with warmup starts its decay exactly at 1, however it rises."""
    if not issubclass(family, WarmupFamily):
        return
    t, after = np.linspace(0.0, 0.2, 11), np.linspace(0.2, 1.0, 9)
    ramps = next(p.choices for p in family.parameters() if p.name == "warmup_shape")
    for params in draw(family):
        start = float(family(**params)(params["warmup"]))
        require(abs(start - 1.0) <= 1e-14, f"{params}: the decay must start at 1, got {start!r}")
        straight = family(**params | {"warmup": 0.2, "warmup_shape": "linear"})
        np.testing.assert_allclose(straight(t), t / 0.2, atol=1e-12)
        for ramp in ramps:
            shape = family(**params | {"warmup": 0.2, "warmup_shape": ramp})
            m = shape(t)
            require(m[0] == 0.0 and np.all(np.diff(m) > 0), f"{ramp} must rise from 0, got {m}")
            np.testing.assert_array_equal(shape(after), straight(after))


def gives_the_same_alone_and_in_batches(family: type[Family]) -> None:
    """Formulas broadcast: (n, 1) parameters against (steps,) progress."""
    values = batch(family)
    together = evaluate(family, values, GRID)
    one_by_one = [family(**{k: v[i] for k, v in values.items()})(GRID) for i in range(len(together))]
    np.testing.assert_array_equal(together, one_by_one)
    broadcast = family(**{k: v[:, None] for k, v in values.items()})(GRID)
    np.testing.assert_array_equal(together, np.broadcast_to(broadcast, together.shape))


def refuses_what_is_out_of_range(family: type[Family]) -> None:
    """An InputError of one line names the parameter, its rule and the value received."""
    for p in family.parameters():
        bad: list[Any] = ["nonsense"]
        if p.batched:
            bad += [p.low - 1, p.high + 0.5, float("nan"), float("inf"), None, True, [p.default], 10**400]
            bad += [np.array([p.default, p.high + 0.5]), np.array([float("nan")]), np.array(["a"])]
            bad += [1.5] if p.scale == "integer" else []
        for value in bad:
            require_refusal(lambda p=p, value=value: family(**{p.name: value}), p.name, "got")
        if p.batched:
            beyond = p.high + 0.625
            for value in (np.array([p.default, beyond]), np.float64(beyond)):
                require_refusal(lambda p=p, value=value: family(**{p.name: value}), f"got {beyond!r}")
    for t in (-0.1, 1.5, 500, float("nan")):
        require_refusal(lambda t=t: family()([0.5, t]), "progress must be in")


def survives_a_file(family: type[Family]) -> None:
    """A schedule comes back from a dictionary and from JSON, to the last bit."""
    for params in draw(family, 20):
        schedule = Schedule(family.name, params, 0.3, 11)
        again = Schedule.from_json(schedule.to_json())
        require(Schedule.from_dict(schedule.to_dict()) == schedule == again, f"{params}: must survive JSON")
        require(again.values().tobytes() == schedule.values().tobytes(), f"{params}: must survive JSON")


def searches_its_ranges(family: type[Family]) -> None:
    """The search space holds the searched parameters with their ranges, both ends legal."""
    searched = [p for p in family.parameters() if p.searched]
    space = family.space()
    for p, d in zip(searched, space.dimensions, strict=True):
        require(
            (d.name, d.low, d.high, d.scale) == (p.name, p.low, p.high, p.scale), f"the range of {p.name}"
        )
    for unit in (0.0, 1.0):
        family(**{k: v[0] for k, v in space.from_unit(np.full((1, len(space)), unit)).items()})


def gives_the_same_in_jax(family: type[Family]) -> None:
    """Under ``jit``, in double and in single precision; traced values are not checked."""
    import jax
    import jax.numpy as jnp

    values = batch(family)
    expected = evaluate(family, values, GRID)
    with jax.enable_x64(True):
        arrays = {k: jnp.asarray(v) for k, v in values.items()}
        jitted = jax.jit(lambda params: evaluate(family, params, jnp.asarray(GRID)))(arrays)
    require(jitted.dtype == np.float64, f"double precision must stay, got {jitted.dtype}")
    np.testing.assert_allclose(jitted, expected, atol=1e-12)
    single = np.asarray(jax.jit(lambda params: evaluate(family, params, GRID))(values))
    require(single.dtype == np.float32, f"single precision must stay, got {single.dtype}")
    # Rounding moves knots by about 1e-7: beside a jump or on a steep piece compare with the values near by.
    near = [evaluate(family, values, np.clip(GRID + d, 0, 1)) for d in (-4e-7, 0.0, 4e-7)]
    fits = (single >= np.min(near, axis=0) - 2e-6) & (single <= np.max(near, axis=0) + 2e-6)
    require(np.all(fits & (single >= 0.0) & (single <= 1.0)), "single precision must come near double")
    p = family.parameters()[0]
    if p.batched:
        jax.jit(lambda value: family(**{p.name: value})(jnp.asarray(0.5)))(p.high + 1.0)


def has_finite_and_right_gradients(family: type[Family]) -> None:
    """By the searched parameters: finite everywhere, and equal to differences."""
    import jax
    import jax.numpy as jnp

    if not (corners := batch(family)):
        return

    def curve(t: Any) -> Any:
        return lambda params: family(**params)(t)

    arrays = {k: jnp.asarray(v, jnp.float32) for k, v in corners.items()}
    gradients = jax.jit(jax.vmap(jax.jacrev(curve(jnp.asarray(GRID, jnp.float32)))))(arrays)
    for name, gradient in gradients.items():
        require(np.isfinite(gradient).all(), f"the gradient by {name} must be finite")
    values = columns(family, np.random.default_rng(3).uniform(0.1, 0.9, (25, len(family.space()))))
    t = progress(29)
    with jax.enable_x64(True):
        exact = {k: jnp.asarray(v) for k, v in values.items()}
        gradients = jax.jit(jax.vmap(jax.jacfwd(curve(jnp.asarray(t)))))(exact)
    for p in family.parameters():
        if p.name not in values or p.scale == "integer":
            continue
        h = 1e-6 * values[p.name] if p.scale == "log" else np.full(25, 1e-6)
        above = evaluate(family, values | {p.name: values[p.name] + h}, t)
        below = evaluate(family, values | {p.name: values[p.name] - h}, t)
        right = np.isclose(gradients[p.name], (above - below) / (2 * h[:, None]), rtol=1e-4, atol=1e-5)
        require(right.mean() > 0.995, f"the gradient by {p.name} is wrong")  # a kink spoils a difference


RULES = (
    is_a_documented_frozen_dataclass,
    overrides_no_concrete_method,
    gives_multipliers,
    has_maximum_one,
    rises_from_zero_to_one_in_warmup,
    gives_the_same_alone_and_in_batches,
    refuses_what_is_out_of_range,
    survives_a_file,
    searches_its_ranges,
    gives_the_same_in_jax,
    has_finite_and_right_gradients,
)
