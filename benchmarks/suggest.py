"""What laws predict from few runs, on public loss curves; prints Markdown for RESULTS.

python benchmarks/suggest.py --parts a,b,c,d,e,g,live --trainings DIR
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # "seconds of a fit" are of one core; read when NumPy is imported

from _repetitions import names
from _suggest_carried import carried_table
from _suggest_data import CURVES
from _suggest_ensemble import ensemble_table
from _suggest_example import example_table
from _suggest_failing import failing_table
from _suggest_grid import main as grid_tables
from _suggest_laws import gain_table, seconds_table, split_table
from _suggest_live import live_table

GRID = CURVES / "lr-scheduling" / "grid_124m.csv"


def suggestion_tables() -> str:
    """Part (c): at the sweep's own number of steps, and at others; and the example of docs/suggest.md."""
    return "\n\n".join(
        (
            grid_tables(GRID),
            f"### Sweeps of three LRs or more, carried over\n\n{carried_table(GRID)}",
            f"### The example of docs/suggest.md\n\n{example_table()}",
        )
    )


PARTS = {
    "a": ("Whole curves: three runs fitted, six predicted", split_table),
    "b": ("Error of the difference WSD minus cosine (true: -0.0278 and -0.0174)", gain_table),
    "c": ("Suggestions from LR sweeps on a public grid of trainings", suggestion_tables),
    "d": ("Unseen shapes at the LR of three to five given runs", ensemble_table),
    "e": ("Where laws fail: no claim, or a right one", failing_table),
    "g": ("Seconds of a fit on one core", seconds_table),
    "live": ("Cooldowns of a constant run in progress", live_table),
}


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=names([*PARTS]), default=[*PARTS], help="which, separated by commas")
    parser.add_argument(
        "--trainings",
        type=Path,
        help="folder of lrshape's own trainings for (d), which it adds where missing",
    )
    given = parser.parse_args()
    for part in given.parts:
        title, measure = PARTS[part]
        found = ensemble_table(given.trainings) if part == "d" else measure()
        print(f"### ({part}) {title}\n\n{found}\n", flush=True)


if __name__ == "__main__":
    main()
