"""What averages of the weights cost: steps and scorings with the five standard averages, and without.

CPU time of all threads, so that other programs on the machine disturb little; the two take turns.

    python benchmarks/averages.py
"""

import statistics
import sys
import time
from typing import Any

import numpy as np
from _measure import alternate, machine, table

from lrshape.averages import STANDARD
from lrshape.training.devices import mesh
from lrshape.training.population import _Population  # its parts are timed apart
from lrshape.training.workload import WORKLOADS

MEMBERS = {"digits-mlp": 16, "digits-cnn": 4, "chars-transformer": 2}
STEPS = {"digits-mlp": 240, "digits-cnn": 240, "chars-transformer": 40}
"""How many of the default 300 are timed."""


def spent(workload: Any, members: int, steps: int) -> tuple[float, float]:
    """Milliseconds of one member's step, and of scoring it once."""
    lrs = np.full((members, workload.steps), workload.base_lrs[0])
    population = _Population(workload, {"lr": lrs}, np.arange(members) % 2, {"lr": lrs[:, 0]}, members)
    population.advance(0, 1)
    began = time.process_time()
    population.advance(1, 1 + steps)
    stepped = time.process_time()
    population.score(1 + steps)
    return (
        1e3 * (stepped - began) / (members * steps),
        1e3 * (time.process_time() - stepped) / members,
    )


def main() -> None:
    """Measure and print."""
    rows = []
    for name in MEMBERS:
        settings: Any = [WORKLOADS.build({"name": name, "averages": on}) for on in (False, True)]
        settings[0].tune()
        scorings: list[list[float]] = [[], []]

        def turn(i: int, name: str = name, settings: Any = settings, scorings: Any = scorings) -> float:
            step, scoring = spent(settings[i], MEMBERS[name], STEPS[name])
            scorings[i].append(scoring)
            return step

        results = alternate({"without": lambda: turn(0), "with": lambda: turn(1)})
        ratios = sorted(b / a for a, b in zip(results["without"], results["with"], strict=True))
        without, scoring, averaged = map(statistics.median, (results["without"], *scorings))
        rows.append(
            [
                name,
                f"{without:.3f}",
                f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                f"{scoring:.2f}",
                f"{averaged / scoring:.1f}",
            ]
        )
    headings = ["workload", "step, ms", "step with averages", "scoring, ms", "scoring with averages"]
    sys.stdout.write(
        "## Averages of the weights\n\n"
        f"{machine()}; {mesh().size} devices.\n\nCPU time of one model without averages, and the ratio with "
        f"{', '.join(STANDARD)}: median (range) of 5 turns.\n\n" + table(headings, rows) + "\n"
    )


if __name__ == "__main__":
    main()
