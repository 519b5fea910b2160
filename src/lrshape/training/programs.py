"""The compiled parts of the training loop: draw batches, start members, advance them, score them.

Every device walks over its groups of slots that hold members; inside, a loop runs over the steps. On a CPU a
group is a single member, whose state then stays in the core's cache; on an accelerator it is a vmap over all
members of the device. How members are grouped, padded and spread changes no member's arithmetic on a CPU.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial, wraps
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from lrshape.averages import interval, update_rates
from lrshape.shapes.schedules import GROUP_LR
from lrshape.training.devices import activations, matmul_precision, mesh
from lrshape.training.groups import group_of_each
from lrshape.training.optimizers import Optimizer
from lrshape.training.workload import (
    Batch,
    GradientWorkload,
    Metrics,
    PopulationWorkload,
    PyTree,
    StepWorkload,
)

Values = Mapping[str, jax.Array]


class Training(NamedTuple):
    """Pure functions for one member.

    Attributes:
        init: (key, data) -> state.
        step: (state, now, base_lrs, batch, key) -> (state, training loss before the step). ``now`` are the
            step's learning rate, ``lr``, those of groups, ``lr.NAME``, and traced hyperparameters, by path.
        weights: state -> what is scored, and averaged.
        metrics: (weights, data) -> scalars by name.
    """

    init: Callable[[jax.Array, PyTree], PyTree]
    step: Callable[[PyTree, Values, Values, Batch, jax.Array | None], tuple[PyTree, Any]]
    weights: Callable[[PyTree], PyTree]
    metrics: Callable[[PyTree, PyTree], Metrics]


def training(workload: PopulationWorkload, traced: tuple[str, ...] = ()) -> Training:
    """Derive the functions: a gradient workload's state is its parameters and the optimizer's state.

    Args:
        workload: what is trained.
        traced: paths of the hyperparameters that ``step`` gets beside ``lr``.
    """
    if isinstance(workload, GradientWorkload):
        return _gradient_training(workload, traced)
    if isinstance(workload, StepWorkload):
        return Training(
            workload.init,
            lambda state, now, base_lrs, batch, key: workload.step(state, now["lr"], batch, key),
            lambda state: state,
            workload.metrics,
        )
    raise TypeError(f"{type(workload).__name__} must derive from GradientWorkload or StepWorkload")


def _gradient_training(workload: GradientWorkload, traced: tuple[str, ...]) -> Training:
    fields = [path.removeprefix("optimizer.") for path in traced if path.startswith("optimizer.")]
    loss_of = activations(workload, workload.loss)

    def optimizer(now: Values) -> Optimizer:
        values = {field: now[f"optimizer.{field}"] for field in fields}
        return workload.optimizer.model_copy(update=values) if fields else workload.optimizer

    def of_each(params: PyTree, rates: Values) -> PyTree:
        """The learning rate, or those of all parameters."""
        if not workload.groups:
            return rates["lr"]
        groups = group_of_each(workload.groups, params)
        return jax.tree.map(lambda group: rates.get(GROUP_LR + group, rates["lr"]), groups)

    def init(key: jax.Array, data: PyTree) -> PyTree:
        params = workload.init(key, data)
        if workload.groups:
            group_of_each(workload.groups, params)  # checks them
        anything = dict.fromkeys(traced, jnp.ones(()))  # what an optimizer starts with depends on no value
        return params, optimizer(anything).init(params)

    def step(state: PyTree, now: Values, base_lrs: Values, batch: Batch, key: Any) -> tuple[PyTree, Any]:
        params, memory = state
        loss, gradient = jax.value_and_grad(loss_of)(params, batch, key)
        rates, base_rates = of_each(params, now), of_each(params, base_lrs)
        return optimizer(now).step(params, gradient, memory, rates, base_rates), loss

    return Training(init, step, lambda state: workload.optimizer.evaluated(*state), workload.metrics)


class Members(NamedTuple):
    """A population on the devices; every array starts with the axis of groups.

    Attributes:
        state: the workload's state.
        averages: of the weights; each array has the axis of the averages behind that of the members.
        first_loss: training loss before the first step.
        bad_step: first step with a bad loss, -1 if none yet.
        schedules: learning rates and traced hyperparameters by name, with the step axis second.
        base_lrs: base learning rates, by the names of the learning rates.
        loss_sums: of the batch losses between two points of the loss curve, with the axis of the points
            second; None if no curve is recorded.
        seed: position of each member's seed among the distinct ones.
    """

    state: Any
    averages: Any
    first_loss: jax.Array
    bad_step: jax.Array
    schedules: dict[str, jax.Array]
    base_lrs: dict[str, jax.Array]
    loss_sums: jax.Array | None
    seed: jax.Array


def _carried(members: Members) -> tuple[Any, ...]:
    """What a step changes."""
    return members.state, members.averages, members.first_loss, members.bad_step, members.loss_sums


def _with(members: Members, carried: tuple[Any, ...]) -> Members:
    """The members after a step."""
    state, averages, first_loss, bad_step, sums = carried
    return members._replace(
        state=state, averages=averages, first_loss=first_loss, bad_step=bad_step, loss_sums=sums
    )


def _at(place: Any, groups: PyTree) -> Any:
    """One group."""
    return jax.tree.map(lambda leaf: leaf[place], groups)


def _set(place: Any, groups: PyTree, one: PyTree) -> Any:
    """The groups with one of them replaced; XLA writes it in place, which a ``lax.map`` does not."""
    return jax.tree.map(lambda leaf, value: leaf.at[place].set(value), groups, one)


def _worst(scores: PyTree) -> PyTree:
    return jax.tree.map(lambda one: jnp.full(one.shape, jnp.inf, one.dtype), scores)


def _of_first(count: Any, size: int, function: Callable[[Any], PyTree]) -> PyTree:
    """What a function gives for the first places, stacked; zeros for the others, which cost nothing."""
    shapes = jax.eval_shape(function, jnp.zeros((), jnp.int32))
    zeros = jax.tree.map(lambda one: jnp.zeros((size, *one.shape), one.dtype), shapes)
    return jax.lax.fori_loop(0, count, lambda place, found: _set(place, found, function(place)), zeros)


class Programs(NamedTuple):
    """draw(...), start(...), advance(...), score(...), each compiled at its first call.

    ``count`` is the number of seeds, and ``groups`` that of groups on each device that hold members.
    """

    draw: Callable[..., Any]
    start: Callable[..., Any]
    advance: Callable[..., Any]
    score: Callable[..., Any]


def is_sound(loss: Any, first_loss: Any, multiple: float) -> Any:
    """Whether members have not diverged: the loss is finite, and at most a multiple of the first.

    Losses may have any sign. A first loss of 0, of a hinge loss for instance, sets no limit.
    """
    limit = first_loss + (multiple - 1) * abs(first_loss)
    return (abs(loss) < jnp.inf) & ((loss <= limit) | (first_loss == 0))  # false for NaN


@lru_cache(maxsize=16)
def programs(workload: PopulationWorkload, group: int, traced: tuple[str, ...]) -> Programs:
    """Build the programs for groups of this size; JAX compiles them for each number of groups and seeds."""
    functions = training(workload, traced)
    single = group == 1 and not workload.broadcasts
    every, points = workload.curve_every, workload.curve_points
    averaged, steps, axis = workload.average_names, workload.steps, 0 if single else 1

    def over_members(one: Callable[..., Any], axes: Any) -> Callable[..., Any]:
        """Lift a function of one member to a group: by nothing, by broadcasting, or by vmap."""
        return one if single or workload.broadcasts else jax.vmap(one, in_axes=axes)

    weights_of = over_members(functions.weights, 0)

    def average(averages: Any, state: Any, done: Any) -> Any:
        """The averages of a group after so many steps."""
        if not averaged:
            return averages
        remaining, every = steps - done, interval(steps)
        rates = jnp.asarray(update_rates(averaged, steps), jnp.float32)

        def move(mean: jax.Array, weights: jax.Array) -> jax.Array:
            rate = rates[-1 - remaining // every].reshape(-1, *[1] * (weights.ndim - axis))
            return mean + rate * (jnp.expand_dims(weights, axis) - mean)

        def update(averages: Any) -> Any:
            return jax.tree.map(move, averages, weights_of(state))

        if every == 1:
            return update(averages)
        return jax.lax.cond(remaining % every == 0, update, lambda averages: averages, averages)

    def draw(keys: jax.Array, count: Any, data: Any) -> Any:
        return _of_first(count, len(keys), lambda i: workload.order(jax.random.fold_in(keys[i], 1), data))

    def start(
        keys: Any, count: Any, data: Any, schedules: Any, base_lrs: Any, seed: Any, bad_step: Any
    ) -> Members:
        initial = _of_first(count, len(keys), lambda i: functions.init(jax.random.fold_in(keys[i], 0), data))
        state = jax.tree.map(lambda leaf: leaf[seed], initial)  # (groups, group, ...)
        if single:
            state, schedules, base_lrs = jax.tree.map(lambda leaf: leaf[:, 0], (state, schedules, base_lrs))
            seed, bad_step = seed[:, 0], bad_step[:, 0]
        else:
            schedules = jax.tree.map(
                lambda leaf: jnp.swapaxes(leaf, 1, 2), schedules
            )  # (groups, steps, group)
        if workload.broadcasts:
            state = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, -1), state)
        sums = jnp.zeros((len(seed), points, *seed.shape[1:])) if every else None
        averages = None
        if averaged:
            weights = jax.lax.map(weights_of, state)
            averages = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(averaged), axis + 1), weights)
        return Members(state, averages, jnp.ones(seed.shape), bad_step, schedules, base_lrs, sums, seed)

    def advance(
        members: Members, groups: Any, drawn: Any, keys: Any, data: Any, begin: Any, end: Any
    ) -> Members:
        def update(t: Any, state: Any, now: Any, base_lrs: Any, seed: Any) -> Any:
            if workload.broadcasts:
                return functions.step(state, now, base_lrs, None, None)
            batch = None if drawn is None else workload.batch(data, jax.tree.map(lambda d: d[seed, t], drawn))
            key = jax.random.fold_in(jax.random.fold_in(keys[seed], 2), t)
            return functions.step(state, now, base_lrs, batch, key)

        step = over_members(update, (None, 0, 0, 0, 0))

        def group_block(m: Members) -> Members:
            def body(t: Any, carry: Any) -> Any:
                state, averages, first_loss, bad_step, sums = carry
                now = jax.tree.map(lambda schedule: schedule[t], m.schedules)
                state, loss = step(t, state, now, m.base_lrs, m.seed)
                averages = average(averages, state, t + 1)
                first_loss = jnp.where(t == 0, loss, first_loss)
                bad = (bad_step < 0) & ~is_sound(loss, first_loss, workload.divergence_multiple)
                sums = sums.at[t // every].add(loss) if every else None
                return state, averages, first_loss, jnp.where(bad, t, bad_step), sums

            return jax.lax.fori_loop(begin, end, body, _carried(m))

        def group(place: Any, carried: tuple[Any, ...]) -> tuple[Any, ...]:
            m = _at(place, _with(members, carried))
            return _set(place, carried, jax.lax.cond((m.bad_step < 0).any(), group_block, _carried, m))

        return _with(members, jax.lax.fori_loop(0, groups, group, _carried(members)))

    def score(members: Members, groups: Any, data: Any) -> Any:
        metrics = over_members(functions.metrics, (0, None))

        def scores(m: Members) -> dict[str, jax.Array]:
            found = dict(metrics(weights_of(m.state), data))
            if averaged:
                means = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, axis, 0), m.averages)
                scored = jax.lax.map(lambda mean: metrics(mean, data), means)
                for i, name in enumerate(averaged):
                    found |= {f"{metric}@{name}": values[i] for metric, values in scored.items()}
            return found

        shapes = jax.eval_shape(scores, _at(0, members))

        def group(place: Any) -> dict[str, jax.Array]:
            m = _at(place, members)
            return jax.lax.cond((m.bad_step < 0).any(), scores, lambda _: _worst(shapes), m)

        return _of_first(groups, len(members.bad_step), group)

    spread, everywhere = P("members"), P()
    # Every device has its own members: they never communicate.
    lift = partial(jax.shard_map, mesh=mesh(), out_specs=spread, check_vma=False)
    precision = matmul_precision(workload)
    return Programs(
        draw=_in_precision(precision, jax.jit(draw)),
        start=_in_precision(precision, jax.jit(lift(start, in_specs=(*[everywhere] * 3, *[spread] * 4)))),
        advance=_in_precision(
            precision, jax.jit(lift(advance, in_specs=(spread, *[everywhere] * 6)), donate_argnums=0)
        ),
        score=_in_precision("float32", jax.jit(lift(score, in_specs=(spread, everywhere, everywhere)))),
    )


def _in_precision(precision: str, program: Callable[..., Any]) -> Callable[..., Any]:
    """Trace and run the program with that precision of float32 matrix products, by JAX's name."""

    @wraps(program)
    def run(*arguments: Any) -> Any:
        with jax.default_matmul_precision(precision):
            return program(*arguments)

    return run


@lru_cache(maxsize=16)
def mover(workload: PopulationWorkload, group: int, new_group: int) -> Callable[..., Any]:
    """A program (members, origin, empty) -> members in a new layout, at groups of ``new_group``.

    ``origin``, (new slots,), is the old slot that each new one is filled from, and ``empty`` tells the new
    slots that hold no member; they count as diverged, and are skipped.
    """

    def member_axis(name: str) -> int:
        """Where a field's arrays have the axis of the members in a group, behind that of the groups."""
        if name == "state" and workload.broadcasts:
            return -1
        return 2 if name in ("schedules", "loss_sums") else 1

    def move(name: str, leaf: jax.Array, origin: jax.Array) -> jax.Array:
        axis = member_axis(name)
        if group > 1 or workload.broadcasts:
            leaf = jnp.moveaxis(leaf, axis, 1)
            leaf = leaf.reshape(-1, *leaf.shape[2:])
        leaf = leaf[origin]
        if new_group == 1 and not workload.broadcasts:
            return leaf
        return jnp.moveaxis(leaf.reshape(-1, new_group, *leaf.shape[1:]), 1, axis)

    def run(members: Members, origin: jax.Array, empty: jax.Array) -> Members:
        moved = Members(
            **{
                name: jax.tree.map(lambda leaf, name=name: move(name, leaf, origin), value)
                for name, value in members._asdict().items()
            }
        )
        return moved._replace(bad_step=jnp.where(empty.reshape(moved.bad_step.shape), 0, moved.bad_step))

    sharding = jax.sharding.NamedSharding(mesh(), P("members"))
    return jax.jit(run, out_shardings=sharding)
