"""The kill test: a study is killed with SIGKILL at random moments and resumed, and must be the same study.

    python benchmarks/chaos.py                                   # 100 kills, as `make chaos`
    python benchmarks/chaos.py --kills 10 --executor processes   # the parent of two workers is killed

A study of more than 200 chunks, one cheap training each, runs in a process that is killed after a random
time and started again in the same directory, over and over; whenever one is complete a new one begins. Each
complete table must equal, bit for bit, that of a run that nobody killed, and no training may have run twice
but those that ran when the process was killed. Processes are forked from one that has imported lrshape and
not used it, since starting Python takes far longer than what is tested.
"""

import argparse
import collections
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

import lrshape
from lrshape import api

TRAINING = '''
import os
import zlib

def train(lrs, seed):
    """A noisy quadratic; every call is logged with its process before it begins."""
    line = f"{os.getpid()} {seed} {zlib.crc32(lrs.tobytes())}\\n"
    log = os.open(os.environ["CHAOS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line.encode())
    os.close(log)
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.1 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
'''

SPEC: dict[str, Any] = {
    "families": ["rex", "linear"],
    "baselines": ["cosine", "constant"],
    "workload": {"name": "function", "function": "chaos_training:train", "steps": 20},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 4},
    "screen": {"shapes": 5, "seeds": 4},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 2, "base_lrs": 3},
    "confirm": {"seeds": 8},
}


@dataclass
class Outcome:
    """What a kill test came to.

    Attributes:
        kills: processes that were killed.
        studies: complete studies, each compared with the one that nobody killed.
        chunks: of one study.
        moments: how many processes were killed after how many chunks of their own, by that number.
        again: trials that were begun twice because a kill hit them.
        wrong: what should not have happened.
    """

    kills: int = 0
    studies: int = 0
    chunks: int = 0
    moments: collections.Counter[int] = field(default_factory=collections.Counter)
    again: int = 0
    wrong: list[str] = field(default_factory=list)


def run(folder: Path, kills: int, seed: int, executor: str = "inline", in_flight: int = 1) -> Outcome:
    """Kill and resume.

    Args:
        folder: empty; everything is written there.
        kills: how many.
        seed: of the moments.
        executor: what runs the trials.
        in_flight: trials that run, or wait to be stored, at once.
    """
    (folder / "chaos_training.py").write_text(TRAINING)
    sys.path.insert(0, str(folder))
    outcome, rng = Outcome(), random.Random(seed)
    calm, began = folder / "calm", time.monotonic()
    code = _wait(_start(calm, folder / "calm.log", executor), None)
    expected = _table(calm) if code == 0 else pd.DataFrame()
    if code:
        outcome.wrong.append("the study fails without being killed")
        return outcome
    outcome.chunks = len(list((calm / "trials").iterdir()))
    pause = (time.monotonic() - began) / 3  # seconds that a process lives on average, adapted to need many
    while outcome.kills < kills and not outcome.wrong:
        outcome.studies += 1
        study = folder / f"study-{outcome.studies}"
        logs: list[Path] = []
        while True:
            logs.append(folder / f"{study.name}-{len(logs)}.log")
            before = _stored(study)
            last = outcome.kills == kills
            code = _wait(_start(study, logs[-1], executor), None if last else rng.uniform(0, 2 * pause))
            if code == 0:
                pause *= 0.6
                break
            if code != -signal.SIGKILL:
                outcome.wrong.append(f"{study.name}: process {len(logs)} ended with {code}")
                break
            outcome.kills += 1
            stored = _stored(study) - before
            outcome.moments[stored] += 1
            pause *= 1.25 if stored == 0 else 0.8 if stored > 2 * outcome.chunks / kills + 1 else 1
            outcome.wrong += _alive(logs[-1])
        outcome.again += _twice(logs, in_flight, outcome)
        if code == 0 and not _table(study).equals(expected):
            outcome.wrong.append(f"{study.name}: another table than that of a run that was not killed")
    return outcome


def _start(study: Path, log: Path, executor: str) -> int:
    """Fork a process that runs the study to its end; return its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forks: it has been imported, and not used
        process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.environ["CHAOS_LOG"] = str(log)
        api.write_report = lambda study: study.path  # drawing takes longer than all trials
        how: Any = executor if executor == "inline" else {"name": executor, "workers": 2}
        api.search(SPEC, out=study, executor=how)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait(process: int, seconds: float | None) -> int:
    """Kill a process after a time, unless it has ended; return how it ended."""
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        done, status = os.waitpid(process, 0 if end is None else os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _stored(study: Path) -> int:
    folder = study / "trials"
    return len(list(folder.glob("*.parquet"))) if folder.is_dir() else 0


def _table(study: Path) -> pd.DataFrame:
    return lrshape.Study(study).trials().drop(columns="wall_time")


def _begun(log: Path) -> list[tuple[str, str]]:
    """Trials that a process began, in order."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [(line.split()[1], line.split()[2]) for line in lines]


def _twice(logs: list[Path], in_flight: int, outcome: Outcome) -> int:
    """Count trials that ran again because they were in flight; no others may have."""
    finished: set[tuple[str, str]] = set()
    interrupted: set[tuple[str, str]] = set()
    again = 0
    for log in logs:
        begun = _begun(log)
        wasted = finished.intersection(begun)
        if wasted or len(set(begun)) < len(begun):
            outcome.wrong.append(f"{log.stem}: {len(wasted) or 'some'} trials ran twice")
        again += len(interrupted.intersection(begun))
        interrupted = (interrupted | set(begun[-in_flight:])) - set(begun[:-in_flight])
        finished |= set(begun[:-in_flight])
    return again


def _alive(log: Path) -> list[str]:
    """Worker processes that outlive their parent by more than some seconds."""
    lines = log.read_text().splitlines() if log.exists() else []
    workers = {line.split()[0] for line in lines}
    end = time.monotonic() + 5
    while workers and time.monotonic() < end:
        workers = {worker for worker in workers if Path("/proc", worker).exists()}
        time.sleep(0.001)
    return [f"worker {worker} outlives its parent" for worker in sorted(workers)]


def main() -> None:
    """Run it and say what came of it; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--executor", default="inline", choices=["inline", "processes"])
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lrshape-chaos-") as folder:
        in_flight = 1 if given.executor == "inline" else 4  # two run, and two may wait to be stored
        found = run(Path(folder), given.kills, given.seed, given.executor, in_flight)
    moments = sum(count for stored, count in found.moments.items() if stored)
    print(
        f"{found.kills} kills of studies of {found.chunks} chunks ({given.executor}, seed {given.seed}): "
        f"{found.studies} complete studies, {moments} kills after new chunks were stored, "
        f"{found.again} trials ran again because a kill hit them, {time.monotonic() - began:.0f} s"
    )
    for line in found.wrong:
        print(f"WRONG: {line}")
    if found.wrong:
        sys.exit(1)
    print("every table is bit for bit that of a run that was not killed; nothing else ran twice")


if __name__ == "__main__":
    main()
