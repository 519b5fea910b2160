"""The one training loop: a population of members, advanced a block of steps at a time on all devices."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

from lrshape.averages import higher_is_better
from lrshape.training.curve_recorder import CurveRecorder
from lrshape.training.devices import group_size, mesh
from lrshape.training.layout import Layout
from lrshape.training.outcome import Outcome, Progress
from lrshape.training.programs import Members, is_sound, mover, programs
from lrshape.training.workload import PopulationWorkload

BLOCK_SECONDS = 0.5
"""Wanted time between two looks at the progress, and the longest wait after Ctrl-C."""

MIN_SEEDS = 16
"""Batches are drawn for at least this many seeds: drawing is cheap, compiling anew for fewer is not."""

COMPACTION_LOOKS = 10
"""At how many steps, evenly spaced, a population may be compacted: fixed, so that results are repeatable."""


def train(
    workload: PopulationWorkload,
    schedules: Mapping[str, NDArray[np.floating]],
    seeds: NDArray[np.integer],
    base_lrs: Mapping[str, NDArray[np.floating]],
    capacity: int,
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train one program's worth of members, at most ``capacity``; see `evaluate`.

    Args:
        workload: what to train.
        schedules: ``lr``, ``lr.NAME`` of groups, and traced hyperparameters by path, (members, steps) each.
        seeds: (members,).
        base_lrs: base learning rates, (members,), by the names of the learning rates.
        capacity: members to compile for.
        report: called between blocks of steps.
    """
    mesh()  # the devices come first: tuning may start JAX, which fixes their number
    workload.tune()
    population = _Population(workload, schedules, seeds, base_lrs, capacity)
    look = -(-workload.steps // COMPACTION_LOOKS)
    score_every = workload.evaluate_every or workload.steps
    block, step = max(1, workload.steps // 100), 0
    while step < workload.steps:
        stop = min(step + block, workload.steps, _next(step, look), _next(step, score_every))
        began = time.perf_counter()
        population.advance(step, stop)
        per_step = (time.perf_counter() - began) / (stop - step)
        if step > 0:  # the first block's time is mostly compilation
            block = int(np.clip(BLOCK_SECONDS / max(per_step, 1e-9), block / 4, block * 16)) or 1
        step = stop
        if report is not None:
            report(Progress(step / workload.steps, int(population.bad.sum())))
        if population.bad.all():
            break
        if step % score_every == 0 and step < workload.steps:
            population.score(step)
        if step % look == 0 and step < workload.steps:
            population.compact()
    population.score(step)
    return population.outcome()


def _next(step: int, every: int) -> int:
    """The next multiple after a step."""
    return (step // every + 1) * every


class _Population:
    """The members on the devices, and what is known of each on the host."""

    def __init__(
        self,
        workload: PopulationWorkload,
        schedules: Mapping[str, NDArray[np.floating]],
        seeds: NDArray[np.integer],
        base_lrs: Mapping[str, NDArray[np.floating]],
        capacity: int,
    ):
        self._workload, count = workload, len(seeds)
        self._traced = tuple(sorted(schedules.keys() - {"lr"}))
        self._layout = Layout(np.arange(count), group_size(workload, capacity), mesh().size, capacity)
        distinct, seed_of = np.unique(seeds, return_inverse=True)
        self._data = _device_data(workload)  # pyright: ignore[reportArgumentType] - frozen models have a hash
        self._keys = _keys(distinct)
        self._drawn = self._programs.draw(self._keys, len(distinct), self._data)
        self._members: Members = self._programs.start(
            self._keys,
            len(distinct),
            self._data,
            {name: self._layout.place(values, np.float32) for name, values in schedules.items()},
            {name: self._layout.place(values, np.float32, empty=1) for name, values in base_lrs.items()},
            self._layout.place(seed_of, np.int32),
            self._layout.place(np.full(count, -1), np.int32),  # empty slots count as diverged: 0
        )
        self._bad_step = np.full(count, -1, np.int64)
        self._first_loss = np.ones(count)
        self._curves = CurveRecorder(workload, count)
        self._final = {name: np.full(count, np.inf) for name in workload.score_names()}
        self._best = {name: np.full(count, np.inf) for name in workload.score_names()}
        self._best_step = {name: np.full(count, np.inf) for name in workload.score_names()}

    @property
    def _programs(self) -> Any:
        return programs(self._workload, self._layout.group, self._traced)  # pyright: ignore[reportArgumentType]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Whether each member has diverged."""
        return self._bad_step >= 0

    def advance(self, begin: int, end: int) -> None:
        """Train for the steps from ``begin`` to before ``end``, and wait for them."""
        self._members = self._programs.advance(
            self._members, self._layout.used, self._drawn, self._keys, self._data, begin, end
        )
        self._bad_step[self._layout.members] = self._layout.take(self._members.bad_step)
        self._first_loss[self._layout.members] = self._layout.take(self._members.first_loss)

    def score(self, step: int) -> None:
        """Compute the metrics after ``step`` steps, and remember each member's best."""
        here = self._layout.members
        scored = {
            name: self._layout.take(values).astype(np.float64)
            for name, values in self._programs.score(self._members, self._layout.used, self._data).items()
        }
        self._curves.add_scores(step, here, scored)
        for name, found in scored.items():
            self._final[name][here] = found
            best = self._best[name][here]  # inf before the first
            better = np.isinf(best) | (found > best if higher_is_better(name) else found < best)
            better &= np.isfinite(found)
            self._best[name][here[better]] = found[better]
            self._best_step[name][here[better]] = step

    def _read_losses(self) -> None:
        """Fetch what is needed for the loss curves of those on the devices."""
        if self._members.loss_sums is not None:
            sums = self._layout.take_series(self._members.loss_sums)
            self._curves.add_losses(self._layout.members, sums)

    def compact(self) -> None:
        """Leave the diverged members behind, if that makes what is left faster."""
        before = self._layout
        after = before.compacted(self._workload, ~self.bad[before.members])
        if after is None:
            return
        self._read_losses()
        move = mover(self._workload, before.group, after.group)  # pyright: ignore[reportArgumentType]
        empty = np.ones(after.size, bool)
        empty[after.slots] = False
        self._members = move(self._members, after.origin(before), empty)
        self._layout = after

    def outcome(self) -> Outcome:
        """Metrics and status of all members."""
        steps = self._workload.steps
        bad_step = self._bad_step
        if "train_loss" in self._final:
            multiple = self._workload.divergence_multiple
            sound = is_sound(self._final["train_loss"], self._first_loss, multiple)
        else:
            sound = np.any([np.isfinite(values) for values in self._final.values()], axis=0)
        bad_step = np.where((bad_step < 0) & ~sound, steps - 1, bad_step)  # the last step broke it
        diverged = bad_step >= 0
        values = {f"final/{name}": found for name, found in self._final.items()}
        values |= {f"best/{name}": found for name, found in self._best.items()}
        values |= {f"best/{name}_step": found for name, found in self._best_step.items()}
        metrics = {
            name: np.where(diverged | ~np.isfinite(values[name]), np.inf, values[name])
            for name in self._workload.metric_names()
        }
        status = np.where(diverged, "diverged", "ok")
        self._read_losses()
        curves = self._curves.curves(bad_step)
        return Outcome(metrics, status, bad_step, [""] * len(bad_step), curves)


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
