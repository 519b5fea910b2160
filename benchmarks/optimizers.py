"""Training chars-transformer with each optimizer: the time of a step beside AdamW's.

python benchmarks/optimizers.py
"""

import statistics
import sys

from _measure import alternate, machine, spread, table
from _peers_ours import Ours

from lrshape.training.optimizers import OPTIMIZERS
from lrshape.training.workloads.text import CharsTransformer

MEMBERS, STEPS = 4, 100


def main() -> None:
    """Measure and print."""
    contenders = {}
    for name in OPTIMIZERS:
        settings = {"optimizer": {"name": name}, "train_sequences": 16, "valid_sequences": 16}
        contenders[name] = Ours(CharsTransformer(steps=STEPS, **settings), MEMBERS).measure

    def milliseconds(name: str) -> float:
        steps, seconds = contenders[name]()
        return 1e3 * seconds / steps

    results = alternate({name: lambda name=name: milliseconds(name) for name in contenders})
    adamw = statistics.median(results["adamw"])
    rows = [
        [name, spread(values, 2), f"{statistics.median(values) / adamw:.2f}"]
        for name, values in results.items()
    ]
    sys.stdout.write(
        f"## Optimizers: chars-transformer, batch 16 x 64 characters, {MEMBERS} members\n\n"
        f"{machine()}.\n\n"
        "Milliseconds a model-step, median (range) of 5 turns; compilation and evaluation excluded.\n\n"
        + table(["optimizer", "ms a model-step", "of adamw's"], rows)
        + "\n"
    )


if __name__ == "__main__":
    main()
