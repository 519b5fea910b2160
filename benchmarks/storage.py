"""What storing and reading trials costs, for our store and for Optuna's storages, on the same rows.

    python benchmarks/storage.py [--chunks N] [--work DIR]

A row is a trial of a study of four metrics, ten base LRs a shape. Ours are 2,000 chunks of 5,000 rows;
Optuna's storages get fewer rows, one trial each, and their times are scaled up in proportion, which favours
them: their time a row grows with the rows. Every measurement is made in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _measure import machine, table

from lrshape.store import NOTHING_TUNED, Store

ROWS = 5000
METRICS = ("final/train_loss", "final/test_loss", "final/train_error", "final/test_error")
BASE_LRS = 10
PARAMETERS = ("delta_x1", "delta_x2", "delta_y2", "warmup", "y1")
MILLION = 1_000_000
OPTUNA_ROWS = {"SQLite": 1000, "journal": 5000}
WRITE_LIMIT, SIZE_LIMIT, READ_LIMIT, MEMORY_LIMIT = 5.0, 30.0, 15.0, 4.0


def main() -> None:
    """Measure in processes of their own, and print the section."""
    arguments = _arguments()
    if arguments.measure:
        found = MEASUREMENTS[arguments.measure](Path(arguments.work), arguments.chunks)
        sys.stdout.write(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        results = {name: _measured(name, work, arguments.chunks) for name in MEASUREMENTS}
    sys.stdout.write(section(results, arguments.chunks))


def _measured(name: str, work: str, chunks: int) -> dict[str, float]:
    sys.stderr.write(f"{name}\n")
    command = [sys.executable, __file__, "--measure", name, "--work", work, "--chunks", str(chunks)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def chunk(number: int) -> pd.DataFrame:
    """One made-up chunk of ``ROWS`` trials: shapes with parameters of their own, each at ten base LRs.

    Losses have float32's digits, errors are shares of a test set, and a tenth has diverged.
    """
    rng = np.random.default_rng(number)
    shapes = ROWS // BASE_LRS
    params = [
        json.dumps(dict(zip(PARAMETERS, values, strict=True)), sort_keys=True)
        for values in rng.random((shapes, len(PARAMETERS))).tolist()
    ]
    names = [f"two_point_spline-{number * shapes + i:04d}" for i in range(shapes)]
    losses = np.exp(rng.normal(size=(2, ROWS)))
    errors = rng.integers(0, 360, (2, ROWS)) / 360
    metrics = np.concatenate([losses, errors]).astype(np.float32).astype(np.float64)
    diverged = rng.random(ROWS) < 0.1
    metrics[:, diverged] = np.inf
    return pd.DataFrame(
        {
            "phase": "screen",
            "shape": np.repeat(names, BASE_LRS),
            "family": "two_point_spline",
            "params": np.repeat(params, BASE_LRS),
            "base_lr": np.tile(np.logspace(-4, 0, BASE_LRS), shapes),
            "hyperparameters": NOTHING_TUNED,
            "seed": 0,
            **dict(zip(METRICS, metrics, strict=True)),
            "status": np.where(diverged, "diverged", "ok"),
            "first_bad_step": np.where(diverged, rng.integers(0, 300, ROWS), -1),
            "message": "",
            "wall_time": 0.0123 + number * 1e-6,
        }
    )


def write_ours(work: Path, chunks: int) -> dict[str, float]:
    """Microseconds of wall and of processor time, and bytes, a trial."""
    store = Store.create(work / "study", {})
    taken = worked = 0.0
    for number in range(chunks):
        rows = chunk(number)
        began, processor = time.perf_counter(), time.process_time()
        store.write(f"screen-{number:05d}", rows)
        taken += time.perf_counter() - began
        worked += time.process_time() - processor
    size = sum(file.stat().st_size for file in (work / "study" / "trials").iterdir())
    total = chunks * ROWS
    return {
        "write": taken / total * MILLION,
        "write_cpu": worked / total * MILLION,
        "bytes": size / total,
        "rows": total,
    }


def read_ours(work: Path, chunks: int) -> dict[str, float]:
    """Seconds of wall and of processor time, and memory, of reading all into a table; then of scoring it."""
    from lrshape.analysis.scores import scores

    store = Store(work / "study")
    found = _read(lambda: store.trials())
    rows = found.pop("result")
    assert len(rows) == chunks * ROWS
    began = time.perf_counter()
    scores(rows, METRICS[0])
    return found | {"rows": len(rows), "score": time.perf_counter() - began}


def optuna(kind: str) -> Callable[[Path, int], dict[str, float]]:
    """Measures one of Optuna's storages: adding a finished trial for each row, and reading all again."""

    def measure(work: Path, _: int) -> dict[str, float]:
        import optuna as peer

        peer.logging.set_verbosity(peer.logging.ERROR)
        file = work / f"{kind}.storage"
        count = OPTUNA_ROWS[kind]
        trials = _trials(peer, count)
        study = peer.create_study(storage=_storage(kind, file), study_name="rows")
        began, processor = time.perf_counter(), time.process_time()
        for trial in trials:
            study.add_trial(trial)
        wall, worked = time.perf_counter() - began, time.process_time() - processor
        size = sum(path.stat().st_size for path in work.glob(f"{kind}.storage*"))
        found = _read(
            lambda: peer.load_study(storage=_storage(kind, file), study_name="rows").trials_dataframe()
        )
        assert len(found.pop("result")) == count
        return found | {
            "write": wall / count * MILLION,
            "write_cpu": worked / count * MILLION,
            "bytes": size / count,
            "rows": count,
        }

    return measure


def _storage(kind: str, file: Path) -> Any:
    if kind == "SQLite":
        return f"sqlite:///{file}"
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(file)))


def _trials(peer: Any, count: int) -> list[Any]:
    number = peer.distributions.FloatDistribution
    trials = []
    for index in range(-(-count // ROWS)):
        for row in chunk(index).to_dict("records"):
            params = json.loads(row["params"]) | {"base_lr": row["base_lr"]}
            trials.append(
                peer.trial.create_trial(
                    value=row[METRICS[0]],
                    params=params,
                    distributions={name: number(0.0, 1.0) for name in params},
                    user_attrs={"seed": row["seed"], "status": row["status"]}
                    | {name: str(row[name]) for name in METRICS[1:]},
                )
            )
    return trials[:count]


def _read(act: Callable[[], Any]) -> dict[str, Any]:
    began, processor = time.perf_counter(), time.process_time()
    result = act()
    return {
        "read": time.perf_counter() - began,
        "read_cpu": time.process_time() - processor,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "result": result,
    }


MEASUREMENTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "write": write_ours,
    "read": read_ours,
    **{kind: optuna(kind) for kind in OPTUNA_ROWS},
}


def section(results: dict[str, dict[str, float]], chunks: int) -> str:
    """The section of RESULTS.md."""
    write, read = results["write"], results["read"]
    total = chunks * ROWS
    rows = [
        [
            f"lrshape, {chunks:,} chunks",
            f"{total:,}",
            f"{write['write']:.1f} ({write['write_cpu']:.1f})",
            f"{write['bytes']:.1f}",
            f"{read['read']:.1f} ({read['read_cpu']:.1f})",
            f"{read['memory']:.1f}",
        ],
    ]
    for kind in OPTUNA_ROWS:
        found = results[kind]
        scale = total / found["rows"]
        rows.append(
            [
                f"Optuna, {kind}",
                f"{found['rows']:,.0f}",
                f"{found['write']:,.0f} ({found['write_cpu']:,.0f})",
                f"{found['bytes']:,.0f}",
                f"{found['read'] * scale:,.0f} ({found['read_cpu'] * scale:,.0f}), scaled by {scale:,.0f}",
                f"{found['memory']:,.1f}, at {found['rows']:,.0f}",
            ]
        )
    held = {
        f"writing {write['write']:.1f} of {WRITE_LIMIT:.0f} microseconds a trial": write["write"]
        <= WRITE_LIMIT,
        f"{write['bytes']:.1f} of {SIZE_LIMIT:.0f} bytes a trial": write["bytes"] <= SIZE_LIMIT,
        f"reading {read['read']:.1f} of {READ_LIMIT:.0f} s": read["read"] <= READ_LIMIT,
        f"{read['memory']:.1f} of {MEMORY_LIMIT:.0f} GiB": read["memory"] <= MEMORY_LIMIT,
    }
    limits = "; ".join(f"{what} ({'kept' if kept else 'MISSED'})" for what, kept in held.items())
    headings = ["storage", "trials", "write, us each", "bytes each", "read all, s", "peak memory, GiB"]
    return f"""\
## Storage: {total:,} trials

{machine()}.

Wall time, and in parentheses processor time, once each; each measurement is a process of its own. A trial
has 5 parameters and {len(METRICS)} metrics; 10 trials share a shape. Reading ends with one table of all
rows, sorted. Optuna's storages store one trial per call; they were measured on fewer, and what they would
take to read {total:,} is scaled up in proportion; their memory is not.

{table(headings, rows)}

Limits: {limits}.

Scores of all shapes and base LRs take a further {read["score"]:.1f} s.
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what storing and reading trials costs.")
    parser.add_argument("--chunks", type=int, default=2000, help=f"chunks of {ROWS:,} trials")
    parser.add_argument("--work", default=None, help="where to write; default: the system's temporary folder")
    parser.add_argument("--measure", choices=list(MEASUREMENTS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
