"""Where the members of a population sit on the devices."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

from lrshape.training.devices import group_size, is_cpu, mesh
from lrshape.training.workload import PopulationWorkload

SMALLEST_CAPACITY = 64
"""No population is compacted below this: compiling a program for fewer costs more than it saves."""

UNEVEN = 1.25
"""A device with this multiple of its share of the living, and one more, is worth dealing anew."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where members sit: slots of shape (devices * groups, group).

    Members are dealt out to the devices in turn, so that divergence leaves the devices evenly loaded. There
    are slots for ``capacity`` members however many there are, so that few programs are compiled.

    Attributes:
        members: indices, in the whole population, of the members that have a slot.
        group: members that one device advances side by side.
        devices: number of devices.
        capacity: members that there are slots for.
    """

    members: NDArray[np.intp]
    group: int
    devices: int
    capacity: int

    @cached_property
    def groups(self) -> int:
        """Groups on each device."""
        return -(-self.capacity // (self.group * self.devices))

    @property
    def used(self) -> int:
        """Groups on each device that hold members, the first ones."""
        return -(-len(self.members) // (self.group * self.devices))

    @property
    def size(self) -> int:
        """Slots on all devices together."""
        return self.devices * self.groups * self.group

    @cached_property
    def slots(self) -> NDArray[np.intp]:
        """Each member's slot, in the order of ``members``."""
        index = np.arange(len(self.members))
        return (index % self.devices) * (self.groups * self.group) + index // self.devices

    def place(self, values: NDArray[Any], dtype: type[np.generic], empty: float = 0) -> jax.Array:
        """Put values, (members, ...), into slots on the devices; the other slots get ``empty``."""
        shape = values.shape[1:]
        out = np.empty((self.size, *shape), dtype)
        if self.size > len(self.members):
            out.fill(empty)
        out[self.slots] = values
        return jax.device_put(out.reshape(-1, self.group, *shape), NamedSharding(mesh(), P("members")))

    def take(self, values: jax.Array) -> NDArray[Any]:
        """Per-member values, (members,), of an array with one number a slot."""
        return np.asarray(values).reshape(-1)[self.slots]

    def take_series(self, values: jax.Array) -> NDArray[Any]:
        """Per-member series, (members, n), of an array with n numbers a slot, their axis the second."""
        return np.moveaxis(np.asarray(values), 1, -1).reshape(-1, values.shape[1])[self.slots]

    def compacted(self, workload: PopulationWorkload, alive: NDArray[np.bool_]) -> "Layout | None":
        """The layout to go on with when only some of the members are alive; None to keep this one.

        Members that a device advances side by side all cost the same, dead or alive: as soon as half of the
        capacity suffices, it is halved, so that there are few sizes to compile for. Where each is a group of
        its own, the dead are skipped, and the living are only dealt out anew, once one device has far more
        of them than its share. What is decided depends on who is alive and on nothing else.

        Args:
            workload: what is trained.
            alive: (members,), whether each of ``self.members`` still trains.
        """
        count, capacity = int(alive.sum()), self.capacity
        if self.group == 1:
            loads = np.bincount(np.flatnonzero(alive) % self.devices, minlength=self.devices)
            if loads.max() <= 1 + UNEVEN * count / self.devices:
                return None
        elif workload.broadcasts and is_cpu():  # small groups, skipped when all of one are dead
            return None
        else:
            while capacity // 2 >= max(count, SMALLEST_CAPACITY):
                capacity //= 2
            if capacity == self.capacity:
                return None
        return Layout(self.members[alive], group_size(workload, capacity), self.devices, capacity)

    def origin(self, before: "Layout") -> NDArray[np.intp]:
        """For each of this layout's slots, the slot of the same member before; 0 for empty slots."""
        slot_before = dict(zip(before.members.tolist(), before.slots.tolist(), strict=True))
        out = np.zeros(self.size, np.intp)
        out[self.slots] = [slot_before[member] for member in self.members.tolist()]
        return out
