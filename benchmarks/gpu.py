"""Training many models on a GPU: lrshape's engine beside PyTorch on the same card, and its memory plan.

The data is random (digits excepted), which changes no speed. One process holds JAX and one PyTorch; they
take turns, the most important row first, until the time is up.

    python benchmarks/gpu.py --time-limit 150 --out rows.jsonl
    python benchmarks/gpu.py --dry                      # every row in a tiny size, on a CPU
"""

import argparse
import importlib
import json
import multiprocessing
import os
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from _gpu_rows import MEMORY, OURS, Row, all_rows
from _measure import machine, table

HEADINGS = (
    "program", "workload", "sizes", "members", "precision", "model-steps/s", "TFLOP/s", "set-up, s", "remarks"
)  # fmt: skip

ROW_SECONDS = 45.0
"""A row that takes longer is given up, and its process is started anew."""

LITTLE = 0.1
"""Share of the GPU's memory for the process whose population shall not fit: all of it takes long to fill."""

LEAST_SECONDS = 8.0
"""With less time left, no row is begun."""


class Worker:
    """A process that measures one row after another; it is started anew after one that it did not survive."""

    def __init__(self, module: str, memory: float | None = None):
        self._module, self._memory = module, memory
        self._process: Any = None

    def start(self) -> None:
        """Start the process and its imports, and do not wait for them."""
        if self._process is None:
            self._pipe, theirs = multiprocessing.Pipe()
            self._process = new_process(theirs, self._module, self._memory)

    def measure(self, row: Row, seconds: float, limit: float) -> dict[str, Any]:
        """Measure a row within ``limit`` seconds; what goes wrong is its ``note``."""
        self.start()
        try:
            self._pipe.send((row, seconds))
            if not self._pipe.poll(limit):
                self.stop()
                return {"note": f"given up after {limit:.0f} s"}
            return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self.stop()
            return {"note": f"failed: its process ended with code {code}"}

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._pipe.close()
            self._process.terminate()
            self._process.join()
            self._process = None


def new_process(pipe: Connection, module: str, memory: float | None) -> Any:
    """Start a process that measures, and shares the GPU's memory with others; JAX gets a share of it."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.pop("XLA_PYTHON_CLIENT_MEM_FRACTION", None)
    if memory is not None:
        os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(memory)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(pipe, module))
    process.start()
    pipe.close()
    return process


def serve(pipe: Connection, module: str) -> None:
    """A process's whole life: import, then measure until the pipe closes."""
    with suppress(Exception):  # the first row tells: libraries of another CUDA raise OSError
        importlib.import_module(module)
    with suppress(EOFError):
        while True:
            row, seconds = pipe.recv()
            try:
                found = importlib.import_module(module).measure(row, seconds)
            except Exception as error:  # a table with a gap is better than none
                told = (str(error) or "no message").splitlines()[0][:300]
                found = {"note": f"failed: {type(error).__name__}: {told}"}
            pipe.send(found)


def cells(row: Row, found: dict[str, Any]) -> list[str]:
    """A row of the table."""
    rate, flops = found.get("rate"), row.flops
    return [
        row.program,
        row.workload,
        row.size,
        f"{found.get('members', row.members):,}",
        row.precision,
        "" if rate is None else f"{rate:,.0f}" if rate >= 100 else f"{rate:.2f}",
        "" if rate is None or flops is None else f"{rate * flops / 1e12:.1f}",
        f"{found['compile_seconds']:.1f}" if "compile_seconds" in found else "",
        "; ".join(part for part in (found.get("note", ""), *found.get("said", ())) if part),
    ]


def ratios(results: list[tuple[Row, dict[str, Any]]]) -> str:
    """How many times the fastest of PyTorch the engine is at its fastest, in a line for each workload."""
    best: dict[tuple[str, str], dict[bool, tuple[float, str]]] = {}
    for row, found in results:
        if found.get("rate"):
            rates = best.setdefault((row.workload, row.size), {})
            told = f"{row.program}, {row.members} members, {row.precision}"
            ours = row.program == OURS
            rates[ours] = max(rates.get(ours, (0.0, "")), (found["rate"], told))
    lines = []
    for (workload, size), rates in best.items():
        if len(rates) == 2:
            (rate, ours), (other, theirs) = rates[True], rates[False]
            lines.append(f"- {workload}, {size}: {ours}, is {rate / other:.2f} times {theirs}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; exit with 1 if results after a halving were not those before."""
    began = time.perf_counter()
    given = _arguments()
    wanted: list[Row] = []
    for row in all_rows():
        row = row.tiny() if given.dry else row
        if row not in wanted and all(part in " ".join(map(str, row)) for part in given.only):
            wanted.append(row)
    torch = Worker("_gpu_torch")
    workers = {OURS: Worker("_gpu_jax"), MEMORY: Worker("_gpu_jax", memory=LITTLE)}
    for worker in (torch, workers[OURS]):
        worker.start()
    sys.stdout.write(
        f"## Many models on a GPU\n\n{machine()}.\n\nRandom data, digits excepted; no evaluation. Set-up is "
        "compilation and the first steps.\n\n" + table(HEADINGS, []) + "\n"
    )
    results: list[tuple[Row, dict[str, Any]]] = []
    dropped, sound = [], True
    try:
        for row in wanted:
            left = given.time_limit - (time.perf_counter() - began)
            if left < LEAST_SECONDS:
                dropped.append(row)
                continue
            worker = workers.get(row.program, torch)
            found = worker.measure(row, given.seconds, min(left, ROW_SECONDS))
            sound &= found.get("ok", True)
            results.append((row, found))
            _tell(row, found, given.out, time.perf_counter() - began)
    finally:
        for worker in (torch, *workers.values()):
            worker.stop()
    for row in dropped:
        _tell(row, {"note": "dropped: no time was left"}, given.out, time.perf_counter() - began)
    sys.stdout.write(f"\n{ratios(results)}\n")
    sys.exit(0 if sound else 1)


def _tell(row: Row, found: dict[str, Any], out: Path | None, elapsed: float) -> None:
    sys.stdout.write(f"| {' | '.join(cells(row, found))} |\n")
    sys.stdout.flush()
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row._asdict(), **found, "elapsed": round(elapsed, 1)}) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare speeds on a GPU.")
    parser.add_argument(
        "--time-limit", type=float, help="seconds in all; what is left is dropped; default 150, dry 600"
    )
    parser.add_argument("--out", type=Path, help="file that gets a line of JSON for each row")
    parser.add_argument("--only", nargs="+", default=[], help="rows with all of these words")
    parser.add_argument("--dry", action="store_true", help="every row in a tiny size")
    parser.add_argument("--seconds", type=float, help="to train in each row; default 1, dry 0.05")
    given = parser.parse_args()
    given.time_limit = given.time_limit or (600.0 if given.dry else 150.0)
    given.seconds = given.seconds or (0.05 if given.dry else 1.0)
    return given


if __name__ == "__main__":
    main()
