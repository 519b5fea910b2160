"""What is found, as JSON and as CSV files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.tables import plain, write_csv
from lrshape.errors import InputError
from lrshape.files import make_directory, publish
from lrshape.paper.run import OPTIMUM, OptimumResult, ScheduleCheck
from lrshape.study.creation import versions

FILE = "optimum.json"
FORMAT = 1


def claim(directory: Path) -> None:
    """Make the directory, or check that it holds an earlier result of the same command.

    Raises:
        InputError: if it is a file, cannot be made, or holds something else.
    """
    make_directory(directory)
    try:
        entries = [entry.name for entry in directory.iterdir()]
    except OSError as error:
        raise InputError(f"{directory}: cannot be read: {error.strerror}") from None
    if entries and FILE not in entries:
        raise InputError(
            f"{directory} is not empty and holds no {FILE}: it has {min(entries)}; use another one"
        )


def gap_table(found: OptimumResult) -> pd.DataFrame:
    """One row a family, best first: parameters, losses, gaps, checks."""
    rows = []
    for family in found.families:
        check = found.checks[family.family]
        rows.append(
            {
                "family": family.family,
                "gap": found.gap(family),
                "exact_gap": found.exact_gap(family.family),
                "loss": family.loss,
                "exact_loss": check.exact,
                **_simulated(check),
                "base_lr": family.schedule.base_lr,
                "params": json.dumps(family.schedule.to_dict()["params"]),
                "at_edge": " ".join(family.edges),
                "second_refinement": family.spread,
            }
        )
    return pd.DataFrame(rows)


def _simulated(check: ScheduleCheck) -> dict[str, Any]:
    mean = {f"simulated_{name}": value for name, value in check.simulated._asdict().items()}
    return {**mean, "loss_within_interval": check.agrees}


def tables(found: OptimumResult) -> dict[str, pd.DataFrame]:
    """``gaps``, ``descents`` and ``schedules``, the learning rates of every step."""
    descents = pd.DataFrame({**vars(d), "above_best": d.loss / found.best.loss - 1} for d in found.descents)
    schedules = pd.DataFrame({name: check.lrs for name, check in found.checks.items()})
    schedules.insert(0, "step", range(len(schedules)))
    return {"gaps": gap_table(found), "descents": descents.drop(columns="lrs"), "schedules": schedules}


def document(found: OptimumResult) -> dict[str, Any]:
    """The result as a JSON object; what is not finite is null."""
    best, certificate, optimum = found.best, found.certificate, found.checks[OPTIMUM]
    workload = found.spec.workload
    families = gap_table(found).to_dict("records")
    for row, family in zip(families, found.families, strict=True):
        row["schedule"] = family.schedule.to_dict()
        del row["params"], row["base_lr"]
    return plain(
        {
            "format": FORMAT,
            "workload": {"name": workload.name, **workload.model_dump(mode="json")},
            "step_rule": found.spec.step_rule,
            "seed": found.spec.seed,
            "minimised": "recursion" if found.eigenbasis is None else "second moments",
            "eigenbasis": found.eigenbasis,
            "exact_eigenbasis": found.check_eigenbasis,
            "optimum": {
                "loss": best.loss,
                "exact_loss": optimum.exact,
                **_simulated(optimum),
                "start": best.start,
                "starts": len(found.descents),
                "spread_over_starts": found.spread,
                "projected_gradient": best.gradient,
                "lr_scale": found.lr_scale,
                "certificate": certificate and {"local_minimum": certificate.holds, **vars(certificate)},
                **vars(found.jaggedness),
                "jagged": found.jaggedness.jagged,
                "lrs": best.lrs.tolist(),
            },
            "families": families,
            "versions": versions(),
        }
    )


def write(found: OptimumResult, directory: Path) -> None:
    """Write ``optimum.json`` and ``tables/*.csv``.

    Raises:
        OSError: if they cannot be written.
    """
    text = f"{json.dumps(document(found), indent=2, allow_nan=False)}\n"
    publish(directory, FILE, text.encode(), replace=True)  # first: `claim` knows the directory by it
    write_csv(tables(found), directory, "tables")
