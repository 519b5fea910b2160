"""Give every command spoiled input: no traceback, no hang, no file touched outside the case's directory.

``make fuzz`` runs 10,000 inputs. ``python benchmarks/fuzz.py --count 500 --seed 7`` runs others, and
``--only 7:123`` one again. Every input runs the real command line in this process; an audit hook sees every
file that is opened for writing, made, renamed or removed.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

SECONDS = 60
"""Longer than this is a hang."""

MEMORY = 6 << 30
"""Bytes of address space that all inputs together may add."""

CODES = {0, 1, 2}
REPORTS = 0.01
"""Share of the spoiled studies whose report is written: that takes seconds."""

TRAINING = """
def train(lrs, seed):
    return float(abs(lrs.sum() - 1)) + seed % 7 / 100
"""

SPEC = {
    "name": "fuzzed",
    "families": ["rex", {"name": "wsd", "fixed": {"exponent": 1.0}, "ranges": {"decay": [0.1, 0.9]}}],
    "baselines": ["constant"],
    "chunk_size": 64,
    "sampler": {"name": "sobol"},
    "base_lr": {"strategy": "grid", "low": 0.1, "high": 1.0, "points": 2},
    "screen": {"shapes": 2, "seeds": 1},
    "rescore": {"top": 1, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3},
    "confirm": {"seeds": 2},
    "initial_shapes": [{"family": "rex", "params": {"beta": 0.5}, "base_lr": 0.2}],
    "workload": {"name": "linear-regression", "steps": 8, "dimension": 4},
}


class Guard:
    """Tells of every change to the file system outside of one directory."""

    EVENTS = (
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.truncate",
    )

    FROM_A_FOLDER = ("os.remove", "os.rename", "os.mkdir", "os.link")
    """Events that end with the descriptors of the folders that the names are in, -1 for none."""

    PROGRAMS = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn")

    def __init__(self) -> None:
        self.inside: Path | None = None
        self.touched: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.inside is None:
            return
        if event == "open":
            path, mode, flags = (*arguments, None, None, None)[:3]
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if isinstance(path, str | bytes) and (
                writes or (isinstance(mode, str) and set(mode) & set("wax+"))
            ):
                self._check(path, event)
        elif event in self.EVENTS:
            count = 2 if event in ("os.rename", "os.link", "os.symlink") else 1
            folders = arguments[-count:] if event in self.FROM_A_FOLDER else ()
            for path, folder in itertools.zip_longest(arguments[:count], folders, fillvalue=-1):
                if isinstance(path, str | bytes | os.PathLike):
                    where = f"/proc/self/fd/{folder}" if folder >= 0 else ""
                    self._check(os.path.join(where, os.fsdecode(path)), event)  # noqa: PTH118
        elif event in self.PROGRAMS and "git" not in str(arguments[:2]):  # whose revision a study notes
            self.touched.append(f"{event} {arguments[:1]!r:.80}")

    def _check(self, path: Any, event: str) -> None:
        assert self.inside is not None
        full = os.path.realpath(os.fsdecode(path))
        if full != str(self.inside) and not full.startswith((f"{self.inside}/", "/dev/")):
            self.touched.append(f"{event} {full}")


class Fuzz:
    """Makes what can be spoiled, once, in ``root``; then spoils and tries it, case by case."""

    def __init__(self, root: Path):
        self.root = root.resolve()
        self.good, self.case = self.root / "good", self.root / "case"
        self.good.mkdir(parents=True)
        os.environ["MPLCONFIGDIR"] = str(self.root / "matplotlib")
        os.environ["LRSHAPE_CACHE"] = str(self.root / "cache")
        os.environ["XDG_CACHE_HOME"] = str(self.root / "cache")  # of compiled programs
        self._make()
        self.guard = Guard()
        self.limit = resource.getrlimit(resource.RLIMIT_AS)

    def _make(self) -> None:
        from _fuzz_mutations import toml

        import lrshape
        from lrshape.checks.settings import run_sweep
        from lrshape.study.trial_files import write_trials

        good = self.good
        (good / "spec.toml").write_text(toml(SPEC))
        study = lrshape.search(SPEC, out=good / "study")
        for target, name in (("json", "s.json"), ("csv", "s.csv"), ("npy", "s.npy"), ("torch", "s.py")):
            self.invoke(["export", str(good / "study"), "--to", target, "--out", str(good / name)])
        write_trials(study.trials(), "csv", good / "t.csv", metric=study.metric, name="fuzzed")
        swept = {**SPEC, "name": "swept", "initial_shapes": []}
        run_sweep(swept, {"workload.steps": [6, 8]}, out=good / "sweep")

    def invoke(self, words: list[str]) -> tuple[int, str]:
        """Exit code and standard error of a command; raises what escapes it."""
        from typer.testing import CliRunner

        from lrshape.cli import app

        result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stderr

    def run(self, seed: int, number: int) -> str | None:
        """One case; what went wrong, or None."""
        rng = random.Random(f"{seed}:{number}")
        shutil.rmtree(self.case, ignore_errors=True)
        (self.case / "tmp").mkdir(parents=True)
        os.chdir(self.case)
        tempfile.tempdir = str(self.case / "tmp")
        what = rng.choice(KINDS)
        words = what(self, rng)
        self.guard.touched.clear()
        self.guard.inside = self.case
        began = time.monotonic()
        problem = None
        try:
            with hurried(SECONDS):
                for line in words:
                    code, errors = self.invoke(line)
                    if code not in CODES:
                        problem = f"exit code {code}"
                    elif code and len(errors) > 20_000:
                        problem = f"{len(errors)} characters of error"
                    elif "Traceback" in errors:
                        problem = f"a traceback is shown: {errors[-300:]!r}"
                    if problem:
                        break
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            frames = traceback.extract_tb(error.__traceback__)
            ours = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "lrshape" in f.filename][-3:]
            problem = f"{type(error).__name__}: {str(error)[:160]!r} at {' > '.join(ours)}"
        finally:
            self.guard.inside = None
        taken = time.monotonic() - began
        if self.guard.touched:
            problem = f"touched {self.guard.touched[0]}"
        if taken > SECONDS:
            problem = problem or f"took {taken:.0f} s"
        return None if problem is None else f"{what.__name__} {[' '.join(w)[:200] for w in words]}: {problem}"

    # What is spoiled, and the commands that are given it.

    def copy(self, name: str) -> Path:
        """A fresh copy in the case's directory."""
        source, target = self.good / name, self.case / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        return target


@contextlib.contextmanager
def hurried(seconds: float) -> Any:
    """Raise TimeoutError in the main thread when the time is over."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _of_study(rng: random.Random, directory: str = "study") -> list[list[str]]:
    if rng.random() < REPORTS:
        return [["report", directory]]
    target = rng.choice(("csv", "json", "python", "torch", "npy"))
    all_of_them = [
        ["status", directory, *rng.choice(([], ["--json"]))],
        ["best", directory, *rng.choice(([], ["--json"], ["--metric", "final/x"]))],
        ["trials", directory, "--to", rng.choice(("csv", "parquet"))],
        [
            "export",
            directory,
            "--to",
            target,
            "--out",
            f"out.{'py' if target in ('python', 'torch') else target}",
        ],
        ["store", "verify", directory, *rng.choice(([], ["--repair"], ["--json"]))],
    ]
    return rng.sample(all_of_them, 2)


def spec_as_bytes(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A spec with spoiled bytes."""
    from _fuzz_mutations import spoiled_bytes

    path = fuzz.copy("spec.toml")
    path.write_bytes(spoiled_bytes(path.read_bytes(), rng))
    return _planned(rng)


def spec_as_document(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A spec with spoiled values."""
    from _fuzz_mutations import spoiled, toml

    text = toml(spoiled(SPEC, rng)).encode("utf-8", "replace")
    (fuzz.case / "spec.toml").write_bytes(text)
    return _planned(rng)


def _planned(rng: random.Random) -> list[list[str]]:
    """A spec that is whole would be trained: it is read as far as that, by what refuses its axis."""
    more = rng.choice(
        ([], ["--set", "workload.steps=5"], ["--preset", "horizon"], ["--preset", "weight-decay"])
    )
    return [["sweep", "spec.toml", "--out", "x", "--over", "no.such.key=1,2", *more]]


def study_document(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A study.json with spoiled values, most with a hash that fits."""
    from _fuzz_mutations import spoiled, spoiled_bytes

    from lrshape.store import digest

    path = fuzz.copy("study") / "study.json"
    if rng.random() < 0.3:
        path.write_bytes(spoiled_bytes(path.read_bytes(), rng))
        return _of_study(rng)
    document = json.loads(path.read_text())
    if rng.random() < 0.6:
        document["spec"] = spoiled(document["spec"], rng)
        document["hash"] = digest(document)
        _relabel(fuzz, document["hash"])
    else:
        document = spoiled(document, rng)
    path.write_text(json.dumps(document), encoding="utf-8", errors="replace")
    return _of_study(rng)


def _relabel(fuzz: Fuzz, spec_hash: str) -> None:
    """Make the copied chunks those of another study."""
    from lrshape.store import Store
    from lrshape.store.chunk_file import encode

    store = Store(fuzz.good / "study")
    for name in store.chunks():
        data = encode(store.read(name), name, spec_hash)
        (fuzz.case / "study" / "trials" / f"{name}.parquet").write_bytes(data)


def chunk_bytes(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A chunk with spoiled bytes."""
    from _fuzz_mutations import spoiled_bytes

    study = fuzz.copy("study")
    path = rng.choice(sorted(study.glob("trials/*.parquet")))
    path.write_bytes(spoiled_bytes(path.read_bytes(), rng))
    return _of_study(rng)


def chunk_rows(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A chunk whose digest is right and whose rows are wrong."""
    from _fuzz_mutations import spoiled_rows

    from lrshape.store import Store
    from lrshape.store.chunk_file import encode

    fuzz.copy("study")
    store = Store(fuzz.good / "study")
    for name in rng.sample(store.chunks(), rng.randint(1, 3)):
        table = spoiled_rows(store.read(name), rng)
        try:
            data = encode(table, name, store.document["hash"])
        except ValueError:
            continue
        (fuzz.case / "study" / "trials" / f"{name}.parquet").write_bytes(data)
    return _of_study(rng)


def sweep_document(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A sweep.json with spoiled values and a hash that fits."""
    from _fuzz_mutations import spoiled

    from lrshape.store import digest

    path = fuzz.copy("sweep") / "sweep.json"
    fuzz.copy("spec.toml")
    document = json.loads(path.read_text())
    document.pop("hash")
    document = spoiled(document, rng)
    if isinstance(document, dict):
        document["hash"] = digest(document)
    path.write_text(json.dumps(document), encoding="utf-8", errors="replace")
    axis = rng.choice(("workload.steps=6,8", "workload.dimension=3,4"))
    return [
        [
            "sweep",
            "spec.toml",
            "--out",
            "sweep",
            "--over",
            axis,
            "--set",
            "name=swept",
            "--set",
            "initial_shapes=[]",
        ]
    ]


def schedule_file(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """A schedule's file with spoiled bytes or values."""
    from _fuzz_mutations import spoiled, spoiled_bytes

    path = fuzz.copy(rng.choice(("s.json", "s.csv", "s.npy", "s.py")))
    if path.suffix == ".json" and rng.random() < 0.6:
        text = json.dumps(spoiled(json.loads(path.read_text()), rng))
        path.write_text(text, encoding="utf-8", errors="replace")
    else:
        path.write_bytes(spoiled_bytes(path.read_bytes(), rng))
    target = rng.choice(("json", "csv", "python", "torch", "npy"))
    out = f"out.{'py' if target in ('python', 'torch') else target}"
    return [
        ["shapes", "show", path.name, "--steps", "50"],
        ["export", path.name, "--to", target, "--out", out, "--steps", "9"],
    ]


def command_line(fuzz: Fuzz, rng: random.Random) -> list[list[str]]:
    """Arguments that make little sense."""
    from _fuzz_mutations import arguments

    for name in ("s.json", "s.csv", "t.csv"):
        fuzz.copy(name)
    fuzz.copy("study")
    (fuzz.case / "wrong.toml").write_text('families = "rex"\n')
    files = [
        "s.json",
        "s.csv",
        "t.csv",
        "study",
        "wrong.toml",
        "nothing",
        ".",
        "tmp",
        "study/study.json",
    ]
    return [arguments(rng, files, _options)]


def _options(command: str) -> list[str]:
    from typer import main

    from lrshape.cli import app

    known: Any = main.get_command(app)
    for word in command.split():
        known = known.get_command(None, word) if known else None
    found = [name for parameter in known.params for name in parameter.opts if name[0] == "-"] if known else []
    return [*found, "--help", "--version", "--no-such-option"]


KINDS = (
    spec_as_bytes, spec_as_document, spec_as_document, study_document, chunk_bytes, chunk_rows, chunk_rows,
    sweep_document, schedule_file, command_line, command_line,
)  # fmt: skip


def fuzzed(count: int, seed: int, root: Path, only: int | None) -> list[str]:
    """Run cases; return what went wrong, a line each."""
    import logging

    logging.disable(logging.WARNING)
    fuzz = Fuzz(root)
    place, began = Path.cwd(), time.monotonic()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, fuzz.limit[1]))
    problems: list[str] = []
    try:
        for number in range(count) if only is None else [only]:
            if (problem := fuzz.run(seed, number)) is not None:
                problems.append(f"{seed}:{number} {problem}")
                print(problems[-1], flush=True)
            if number % 500 == 499:
                spent = time.monotonic() - began
                print(f"{number + 1:,} inputs, {len(problems)} problems, {spent:.0f} s", flush=True)
    finally:
        os.chdir(place)
        tempfile.tempdir = None
        resource.setrlimit(resource.RLIMIT_AS, fuzz.limit)
        logging.disable(logging.NOTSET)
    return problems


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="SEED:NUMBER")
    options = parser.parse_args()
    seed, only = options.seed, None
    if options.only:
        seed, only = map(int, options.only.split(":"))
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        problems = fuzzed(options.count, seed, Path(folder) / "fuzz", only)
    kinds = Counter(problem.split(": ", 1)[-1][:60] for problem in problems)
    print(
        f"{options.count if only is None else 1:,} inputs in {time.monotonic() - began:.0f} s, "
        f"{len(problems)} problems of {len(kinds)} kinds"
    )
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
