"""The example of docs/suggest.md: three runs of a public 124M language model as CSV logs.

python benchmarks/_suggest_example.py runs
lrshape suggest runs/*.csv --out next

The runs are cosines to 10% over 25,000 steps; data of arXiv:2501.18965.
"""

import argparse
from pathlib import Path

import pandas as pd
from _suggest_data import CURVES

RUNS = {122: "cosine-5e-4", 125: "cosine-1e-3", 129: "cosine-2e-3"}
"""Names by the source's number of the run."""


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    for path in write_example(parser.parse_args().directory):
        print(f"wrote {path}")
