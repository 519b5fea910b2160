"""Run the benchmarks and write RESULTS.md beside this file.

python benchmarks/run.py                        # all
python benchmarks/run.py cifar10.py families.py # these; the other sections stay as they are
"""

import re
import subprocess
import sys
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
HEADING = (
    "# Benchmark results\n\n"
    "Each section ends with the command that wrote it, or says how it was measured; `make bench` runs most "
    "of the commands. Contenders take turns in one process unless a section says otherwise; ratios are what "
    "carries over to other machines."
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


def measured(name: str) -> str:
    """Run one program and return its section."""
    sys.stderr.write(f"running {name}\n")
    done = subprocess.run([sys.executable, str(HERE / name)], stdout=subprocess.PIPE, text=True, check=True)
    return f"{done.stdout.strip()}\n\nCommand: `python benchmarks/{name}`, {datetime.now(UTC):%Y-%m-%d}."


def main() -> None:
    """Run them one after another, since they would disturb each other; keep what is done if one fails."""
    wanted = sys.argv[1:] or BENCHMARKS
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"benchmarks are {', '.join(BENCHMARKS)}, got {unknown[0]}")
    sections = earlier()
    for name in wanted:
        sections[name] = measured(name)
        RESULTS.write_text("\n\n".join([HEADING, *in_order(sections)]) + "\n", encoding="utf-8")
    sys.stderr.write(f"wrote {RESULTS}\n")


if __name__ == "__main__":
    main()
