"""Where the workers of one machine run: which cores and which GPU each has."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What the libraries that compute read their number of threads from."""


_NO_GPU = ("", "-1", "NoDevFiles")
"""What stands for no GPU in ``CUDA_VISIBLE_DEVICES``; the last one is what some job schedulers write."""


@dataclass(frozen=True)
class Place:
    """One worker's share of the machine.

    Attributes:
        cores: that it is pinned to; empty where the system cannot pin.
        threads: that its libraries start.
        gpu: the GPU that it sees, as ``CUDA_VISIBLE_DEVICES`` names it; None to leave that as it is.
    """

    cores: tuple[int, ...]
    threads: int
    gpu: str | None

    def environment(self) -> dict[str, str]:
        """Environment variables of the worker."""
        found = {name: str(self.threads) for name in THREADS}
        if not self.cores:  # JAX counts the cores that it may use, so elsewhere it must be told
            found["XLA_FLAGS"] = xla_flags(self.threads)
        if self.gpu is not None:
            found["CUDA_VISIBLE_DEVICES"] = self.gpu
        return found


def xla_flags(cores: int) -> str:
    """Return this process's ``XLA_FLAGS``, with so many cores for JAX to use."""
    flags = os.environ.get("XLA_FLAGS", "")
    return f"{flags} --xla_force_host_platform_device_count={cores}".strip()


def import_path() -> list[str]:
    """``sys.path`` of a worker: its texts, because Python ignores what else is in it, such as a `Path`."""
    return [entry for entry in sys.path if isinstance(entry, str)]


def places(workers: int | None, threads: int | None) -> list[Place]:
    """Deal out the machine to workers.

    Args:
        workers: how many; by default one for each GPU, or else as many as there are cores for.
        threads: cores of each; by default one, or an equal share where each has a GPU to feed.
    """
    cores, count = _cores(), core_count()
    gpus = visible_gpus()
    number = workers or len(gpus) or max(1, count // (threads or 1))
    threads = threads or (max(1, count // number) if gpus else 1)
    return [
        Place(
            cores=tuple(sorted({cores[(i * threads + j) % count] for j in range(threads)})) if cores else (),
            threads=threads,
            gpu=gpus[i % len(gpus)] if gpus else None,
        )
        for i in range(number)
    ]


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """The NVIDIA GPUs that this process may use, found without starting anything on them."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    if asked is not None:
        return [name.strip() for name in asked.split(",") if name.strip() not in _NO_GPU]
    numbers = [p.name.removeprefix("nvidia") for p in devices.glob("nvidia[0-9]*")]
    return sorted((n for n in numbers if n.isdigit()), key=int)


def core_count() -> int:
    """How many cores this process may run on."""
    return len(_cores()) or os.cpu_count() or 1


def _cores() -> list[int]:
    """Cores that this process may run on; empty where the system cannot pin."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
