"""Run the benchmarks and write RESULTS.md beside this file.

python benchmarks/run.py                        # all
python benchmarks/run.py cifar10.py families.py # these; the other sections stay as they are

What was written by hand below the command of a section stays there.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
BENCHMARKS = (
    "families.py",
    "population.py",
    "linear_regression.py",
    "cifar10.py",
    "transformer.py",
    "optimizers.py",
    "averages.py",
    "executors.py",
    "search_efficiency.py",
    "time_to_quality.py",
    "search_time.py",
    "short_horizon.py",
    "model_cost.py",
    "storage.py",
    "verdicts.py",
)
KEEPING = ("search_efficiency.py", "time_to_quality.py", "verdicts.py")
"""Programs that go on with the results that their folder has."""

HEADING = (
    "# Benchmark results\n\n"
    "In each section the command that wrote it follows the results, or the text says how they were measured; "
    "`make bench` runs most of the commands. Contenders take turns in one process unless a section says "
    "otherwise; ratios are what carries over to other machines."
)


def earlier() -> dict[str, str]:
    """The sections that RESULTS.md has, by the benchmark that wrote them, or else by their heading."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = (f"## {part.strip()}" for part in text.split("\n## ")[1:])
    found = {}
    for section in sections:
        program = re.search(r"Command: `python benchmarks/(\w+\.py)", section)
        name = program[1] if program else ""
        found[name if name in BENCHMARKS else section.partition("\n")[0]] = section
    return found


def in_order(sections: Mapping[str, str]) -> list[str]:
    """Those of the programs in their order, then those that other commands wrote, in the file's."""
    others = [section for name, section in sections.items() if name not in BENCHMARKS]
    return [sections[name] for name in BENCHMARKS if name in sections] + others


def new_folder(name: str) -> list[str]:
    """Options that let a program measure everything: results of another day or other code are not today's."""
    if name not in KEEPING:
        return []
    folder = HERE / Path(name).stem
    folder.mkdir(exist_ok=True)
    return ["--work", tempfile.mkdtemp(prefix="run-", dir=folder)]


def measured(name: str) -> str:
    """Run one program and return its section."""
    command = [sys.executable, str(HERE / name), *new_folder(name)]
    sys.stderr.write(f"running {' '.join(command)}\n")
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    except (subprocess.CalledProcessError, KeyboardInterrupt):
        if name in KEEPING:
            sys.stderr.write(f"its results so far are kept; to go on: {' '.join(command)}\n")
        raise
    return f"{done.stdout.strip()}\n\nCommand: `python benchmarks/{name}`, {datetime.now(UTC):%Y-%m-%d}."


def by_hand(section: str) -> str:
    """What stands below the command of a section, with the empty line above it."""
    _, _, below = section.partition("\nCommand: `python benchmarks/")
    _, line, text = below.partition("\n\n")
    return line + text


def main() -> None:
    """Run them one after another, since they would disturb each other; keep what is done if one fails."""
    wanted = sys.argv[1:] or BENCHMARKS
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"benchmarks are {', '.join(BENCHMARKS)}, got {unknown[0]}")
    sections = earlier()
    for name in wanted:
        kept = by_hand(sections.get(name, ""))
        if kept:
            sys.stderr.write(f"kept what was written by hand below {name}: check that it still holds\n")
        sections[name] = measured(name) + kept
        RESULTS.write_text("\n\n".join([HEADING, *in_order(sections)]) + "\n", encoding="utf-8")
    sys.stderr.write(f"wrote {RESULTS}\n")


if __name__ == "__main__":
    main()
