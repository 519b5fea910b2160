"""The one training loop: a population of members, spread over devices, advanced a block of steps at a time.

Every device walks over groups of its members with ``lax.map``; inside, a loop runs over the steps. On a CPU a
group is a single member, whose state then stays in the core's cache; on an accelerator it is a vmap over all
members of the device. How members are grouped, padded and spread changes no member's arithmetic on a CPU.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

from lrshape.engine.devices import group_size, mesh
from lrshape.engine.outcome import Outcome, Progress
from lrshape.engine.training import training
from lrshape.workloads.base import PopulationWorkload

BLOCK_SECONDS = 0.5
"""Wanted time between two looks at the progress, and the longest wait after Ctrl-C."""

MIN_SEEDS = 16
"""Batches are drawn for at least this many seeds: drawing is cheap, compiling anew for fewer is not."""


class Members(NamedTuple):
    """A population on the devices; every array starts with the axis of groups.

    Attributes:
        state: the workload's state.
        first_loss: training loss before the first step.
        bad_step: first step with a bad loss, -1 if none yet.
        lrs: learning rates, with the step axis second.
        base_lrs: base learning rates.
        seed: position of each member's seed among the distinct ones.
    """

    state: Any
    first_loss: jax.Array
    bad_step: jax.Array
    lrs: jax.Array
    base_lrs: jax.Array
    seed: jax.Array


@dataclass(frozen=True)
class Layout:
    """Where members sit on the devices: slots of shape (devices * groups, group).

    Members are dealt out to the devices in turn, so that divergence leaves the devices evenly loaded. There
    are slots for ``capacity`` members however many there are, so that few programs are compiled.
    """

    count: int
    group: int
    devices: int
    capacity: int

    @cached_property
    def groups(self) -> int:
        """Groups on each device."""
        return -(-self.capacity // (self.group * self.devices))

    @cached_property
    def slots(self) -> NDArray[np.intp]:
        """Each member's slot, (count,)."""
        index = np.arange(self.count)
        return (index % self.devices) * (self.groups * self.group) + index // self.devices

    def place(self, values: NDArray[Any], dtype: type[np.generic], empty: float = 0) -> jax.Array:
        """Put values, (count, ...), into slots on the devices; the other slots get ``empty``."""
        shape = values.shape[1:]
        size = self.devices * self.groups * self.group
        out = np.empty((size, *shape), dtype)
        if size > self.count:
            out.fill(empty)
        out[self.slots] = values
        grouped = out.reshape(-1, self.group, *shape)
        return jax.device_put(grouped, NamedSharding(mesh(), P("members")))

    def take(self, values: jax.Array) -> NDArray[Any]:
        """Per-member values, (count,), of an array with one number a slot."""
        return np.asarray(values).reshape(-1)[self.slots]


class Programs(NamedTuple):
    """The compiled parts: draw(keys, data), start(...), advance(...), score(...)."""

    draw: Callable[..., Any]
    start: Callable[..., Any]
    advance: Callable[..., Any]
    score: Callable[..., Any]


def train(
    workload: PopulationWorkload,
    lrs: NDArray[np.floating],
    seeds: NDArray[np.integer],
    base_lrs: NDArray[np.floating],
    capacity: int,
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train one program's worth of members, at most ``capacity``; see `lrshape.engine.evaluate`."""
    count = len(seeds)
    group = group_size(workload, capacity)
    layout = Layout(count, group, mesh().size, capacity)
    distinct, seed_of = np.unique(seeds, return_inverse=True)
    # Workloads are frozen models, which hash by their fields; the type checker does not see it.
    programs = _programs(workload, group)  # pyright: ignore[reportArgumentType]
    data = _device_data(workload)  # pyright: ignore[reportArgumentType]

    keys = _keys(distinct)
    drawn = programs.draw(keys, data)
    members = programs.start(
        keys,
        data,
        layout.place(lrs, np.float32),
        layout.place(base_lrs, np.float32, empty=1),
        layout.place(seed_of, np.int32),
        layout.place(np.full(count, -1), np.int32, empty=0),  # empty slots count as diverged, and are skipped
    )
    block, step = max(1, workload.steps // 100), 0
    while step < workload.steps:
        stop = min(step + block, workload.steps)
        began = time.perf_counter()
        members = programs.advance(members, drawn, keys, data, step, stop)
        bad = layout.take(members.bad_step) >= 0  # waits for the block
        elapsed = time.perf_counter() - began
        if step > 0:  # the first block's time is mostly compilation
            block = int(np.clip(block * BLOCK_SECONDS / max(elapsed, 1e-6), block / 4, block * 16)) or 1
        step = stop
        if report is not None:
            report(Progress(step / workload.steps, int(bad.sum())))
        if bad.all():
            break
    scores = {name: layout.take(values) for name, values in programs.score(members, data).items()}
    return _outcome(workload, scores, layout.take(members.bad_step), layout.take(members.first_loss))


def _outcome(
    workload: PopulationWorkload,
    scores: dict[str, NDArray[Any]],
    bad_step: NDArray[Any],
    first_loss: NDArray[Any],
) -> Outcome:
    bad_step = bad_step.astype(np.int64)
    sound = np.all([np.isfinite(values) for values in scores.values()], axis=0)
    if "train_loss" in scores:
        sound &= scores["train_loss"] <= loss_limit(first_loss, workload.divergence_multiple)
    bad_step = np.where((bad_step < 0) & ~sound, workload.steps - 1, bad_step)  # the last step broke it
    diverged = bad_step >= 0
    metrics = {f"final/{k}": np.where(diverged, np.inf, v.astype(np.float64)) for k, v in scores.items()}
    status = np.where(diverged, "diverged", "ok")
    return Outcome(metrics, status, bad_step, [""] * len(bad_step))


def loss_limit(first_loss: Any, multiple: float) -> Any:
    """The training loss above which a member has diverged: a multiple of the first, whatever its sign."""
    return first_loss + (multiple - 1) * abs(first_loss)


def _keys(distinct: NDArray[np.integer]) -> jax.Array:
    """One key a distinct seed; padded to a power of two, so that few programs are compiled."""
    size = MIN_SEEDS
    while size < len(distinct):
        size *= 2
    padded = np.resize(distinct, size).astype(np.uint64)
    words: Any = np.stack([padded >> np.uint64(32), padded & np.uint64(0xFFFFFFFF)], axis=1).astype(np.uint32)
    return jax.device_put(jax.random.wrap_key_data(words, impl="threefry2x32"), NamedSharding(mesh(), P()))


@lru_cache(maxsize=2)
def _device_data(workload: PopulationWorkload) -> Any:
    return jax.device_put(workload.data(), NamedSharding(mesh(), P()))


@lru_cache(maxsize=16)
def _programs(workload: PopulationWorkload, group: int) -> Programs:
    """Build the programs for groups of this size; JAX compiles them for each number of groups and seeds."""
    functions = training(workload)
    single = group == 1 and not workload.broadcasts

    def over_members(one: Callable[..., Any], axes: Any) -> Callable[..., Any]:
        """Lift a function of one member to a group: by nothing, by broadcasting, or by vmap."""
        return one if single or workload.broadcasts else jax.vmap(one, in_axes=axes)

    def draw(keys: jax.Array, data: Any) -> Any:
        return jax.lax.map(lambda key: workload.order(jax.random.fold_in(key, 1), data), keys)

    def start(keys: Any, data: Any, lrs: Any, base_lrs: Any, seed: Any, bad_step: Any) -> Members:
        initial = jax.lax.map(lambda key: functions.init(jax.random.fold_in(key, 0), data), keys)
        state = jax.tree.map(lambda leaf: leaf[seed], initial)  # (groups, group, ...)
        if single:
            state, lrs = jax.tree.map(lambda leaf: leaf[:, 0], (state, lrs))
            base_lrs, seed, bad_step = base_lrs[:, 0], seed[:, 0], bad_step[:, 0]
        else:
            lrs = jnp.swapaxes(lrs, 1, 2)  # (groups, steps, group)
        if workload.broadcasts:
            state = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, -1), state)
        return Members(state, jnp.ones_like(base_lrs), bad_step, lrs, base_lrs, seed)

    def advance(members: Members, drawn: Any, keys: Any, data: Any, begin: Any, end: Any) -> Members:
        def update(t: Any, state: Any, lr: Any, base_lr: Any, seed: Any) -> Any:
            if workload.broadcasts:
                return functions.step(state, lr, base_lr, None, None)
            batch = None if drawn is None else workload.batch(data, jax.tree.map(lambda d: d[seed, t], drawn))
            key = jax.random.fold_in(jax.random.fold_in(keys[seed], 2), t)
            return functions.step(state, lr, base_lr, batch, key)

        step = over_members(update, (None, 0, 0, 0, 0))

        def group_block(m: Members) -> Members:
            def body(t: Any, carry: Any) -> Any:
                state, first_loss, bad_step = carry
                state, loss = step(t, state, m.lrs[t], m.base_lrs, m.seed)
                first_loss = jnp.where(t == 0, loss, first_loss)
                sound = loss <= loss_limit(first_loss, workload.divergence_multiple)  # false for NaN
                bad = (bad_step < 0) & ~(sound & jnp.isfinite(loss))
                return state, first_loss, jnp.where(bad, t, bad_step)

            carry = jax.lax.fori_loop(begin, end, body, (m.state, m.first_loss, m.bad_step))
            return m._replace(state=carry[0], first_loss=carry[1], bad_step=carry[2])

        def group(m: Members) -> tuple[Any, Any, Any]:
            m = jax.lax.cond((m.bad_step < 0).any(), group_block, lambda m: m, m)
            return m.state, m.first_loss, m.bad_step

        state, first_loss, bad_step = jax.lax.map(group, members)
        return members._replace(state=state, first_loss=first_loss, bad_step=bad_step)

    def score(members: Members, data: Any) -> Any:
        metrics = over_members(functions.metrics, (0, None))
        return jax.lax.map(lambda state: metrics(state, data), members.state)

    spread, everywhere = P("members"), P()
    lift = partial(_sharded, mesh=mesh())
    return Programs(
        draw=jax.jit(draw),
        start=jax.jit(lift(start, (everywhere, everywhere, spread, spread, spread, spread), spread)),
        advance=jax.jit(
            lift(advance, (spread, everywhere, everywhere, everywhere, everywhere, everywhere), spread),
            donate_argnums=0,
        ),
        score=jax.jit(lift(score, (spread, everywhere), spread)),
    )


def _sharded(function: Callable[..., Any], inputs: Any, output: Any, *, mesh: Mesh) -> Callable[..., Any]:
    """Run the function on every device with that device's members: they never communicate."""
    return jax.shard_map(function, mesh=mesh, in_specs=inputs, out_specs=output, check_vma=False)
