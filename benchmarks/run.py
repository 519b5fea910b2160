"""Run every benchmark and write RESULTS.md beside this file.

python benchmarks/run.py
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = ("families.py", "population.py", "linear_regression.py", "cifar10.py", "transformer.py")


def main() -> None:
    """Run them one after another, since they would disturb each other."""
    sections = []
    for name in BENCHMARKS:
        sys.stderr.write(f"running {name}\n")
        done = subprocess.run(
            [sys.executable, str(HERE / name)], stdout=subprocess.PIPE, text=True, check=True
        )
        sections.append(f"{done.stdout.strip()}\n\nCommand: `python benchmarks/{name}`.")
    heading = (
        "# Benchmark results\n\n"
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}. Each table comes from one process run in "
        "which the contenders take turns; ratios are what carries over to other machines."
    )
    (HERE / "RESULTS.md").write_text("\n\n".join([heading, *sections]) + "\n", encoding="utf-8")
    sys.stderr.write(f"wrote {HERE / 'RESULTS.md'}\n")


if __name__ == "__main__":
    main()
