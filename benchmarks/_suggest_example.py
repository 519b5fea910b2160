"""The example of docs/suggest.md: three runs of a public 124M language model as CSV logs.

python benchmarks/_suggest_example.py runs
lrshape suggest runs/*.csv --out next

The runs are cosines to 10% over 25,000 steps; data of arXiv:2501.18965.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from _measure import table
from _suggest_data import CURVES
from _suggest_grid import read_grid

from lrshape.predict.suggest import suggest

RUNS = {122: "cosine-5e-4", 125: "cosine-1e-3", 129: "cosine-2e-3"}
"""Names by the source's number of the run."""
NEIGHBOURS = ("hold, then 1-sqrt over the last 0.2", "hold, then linear over the last 0.4")
"""Shapes of the grid that are like the suggested one, which is not in it."""


def write_example(directory: Path) -> list[Path]:
    """Write a CSV of each run: step, LR and validation loss."""
    source = CURVES / "lr-scheduling"
    rates = pd.read_csv(source / "train_main_124m_210m.csv")[["run", "step", "lr"]]
    losses = pd.read_csv(source / "val_main_124m_210m.csv").rename(columns={"loss": "val_loss"})
    log = rates.merge(losses, on=["run", "step"], how="left")
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, name in RUNS.items():
        paths.append(directory / f"{name}.csv")
        log[log["run"] == number].drop(columns="run").drop_duplicates("step").to_csv(paths[-1], index=False)
    return paths


def example_table() -> str:
    """Return the verdict, and what neighbours of the suggestion truly gain over the best run."""
    with TemporaryDirectory() as directory:
        verdict = suggest(write_example(Path(directory))).verdict
    cells = read_grid(CURVES / "lr-scheduling" / "grid_124m.csv")[0][25_000]
    best_run = next(cell.loss for cell in cells if (cell.shape, cell.peak_lr) == ("cosine to 10%", 2e-3))
    rows = [
        (cell.shape, f"{cell.peak_lr:g}", f"{best_run - cell.loss:.3f} lower")
        for cell in cells
        if cell.shape in NEIGHBOURS and cell.peak_lr >= 1e-3
    ]
    return f"{verdict}\n\n{table(('shape', 'base LR', 'final loss, against cosine-2e-3'), rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    for path in write_example(parser.parse_args().directory):
        print(f"wrote {path}")
