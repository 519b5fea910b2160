"""What is found, as JSON and as CSV files."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.intervals import penalised
from lrshape.errors import InputError
from lrshape.paper.run import OPTIMUM, Found
from lrshape.store import publish
from lrshape.study.creation import versions

FILE = "optimum.json"
FORMAT = 1


def claim(directory: Path) -> None:
    """Make the directory, or check that it holds an earlier result of the same command.

    Raises:
        InputError: if it is a file, cannot be made, or holds something else.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        entries = [entry.name for entry in directory.iterdir()]
    except OSError as error:
        raise InputError(
            f"--out must be a directory that can be written, got {directory}: {error.strerror}"
        ) from None
    if entries and FILE not in entries:
        raise InputError(
            f"{directory} is not empty and holds no {FILE}: it has {min(entries)}; use another one"
        )


def gap_table(found: Found) -> pd.DataFrame:
    """One row a family, best first: parameters, losses, gaps, checks."""
    rows = []
    for family in found.families:
        checked = found.checked[family.family]
        rows.append(
            {
                "family": family.family,
                "gap": found.gap(family),
                "exact_gap": found.exact_gap(family.family),
                "loss": family.loss,
                "exact_loss": checked.exact,
                **_simulated(checked),
                "base_lr": family.schedule.base_lr,
                "params": json.dumps(family.schedule.to_dict()["params"]),
                "at_edge": " ".join(family.edges),
                "second_refinement": family.spread,
            }
        )
    return pd.DataFrame(rows)


def _simulated(checked: Any) -> dict[str, Any]:
    mean = checked.simulated
    return {
        "simulated_mean": mean.mean,
        "simulated_low": mean.low,
        "simulated_high": mean.high,
        "simulated_seeds": mean.seeds,
        "loss_within_interval": checked.agrees,
    }


def tables(found: Found) -> dict[str, pd.DataFrame]:
    """``gaps``, ``descents`` and ``schedules``, the learning rates of every step."""
    descents = pd.DataFrame(
        {
            "start": d.start,
            "loss": d.loss,
            "above_best": d.loss / found.best.loss - 1,
            "projected_gradient": d.gradient,
            "evaluations": d.evaluations,
        }
        for d in found.descents
    )
    schedules = pd.DataFrame({name: checked.lrs for name, checked in found.checked.items()})
    schedules.insert(0, "step", range(len(schedules)))
    return {"gaps": gap_table(found), "descents": descents, "schedules": schedules}


def document(found: Found) -> dict[str, Any]:
    """The result as a JSON object; what is not finite is null."""
    best, certificate, optimum = found.best, found.certificate, found.checked[OPTIMUM]
    workload = found.spec.workload
    families = gap_table(found).to_dict("records")
    for row, family in zip(families, found.families, strict=True):
        row["schedule"] = family.schedule.to_dict()
        del row["params"], row["base_lr"]
    return _plain(
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
                "certificate": None
                if certificate is None
                else {
                    "local_minimum": certificate.holds,
                    "smallest_eigenvalue": certificate.smallest_eigenvalue,
                    "largest_eigenvalue": certificate.largest_eigenvalue,
                    "lrs_at_zero": certificate.at_zero,
                    "smallest_multiplier": certificate.smallest_multiplier,
                    "possible_improvement": certificate.improvement,
                },
                "total_variation": found.jaggedness.variation,
                "local_maxima": found.jaggedness.maxima,
                "jagged": found.jaggedness.jagged,
                "lrs": best.lrs.tolist(),
            },
            "families": families,
            "versions": versions(),
        }
    )


def _plain(value: Any) -> Any:
    """JSON types only."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(penalised(value)):
        return None
    return value


def write(found: Found, directory: Path) -> None:
    """Write ``optimum.json`` and ``tables/*.csv``.

    Raises:
        OSError: if they cannot be written.
    """
    folder = directory / "tables"
    folder.mkdir(exist_ok=True)
    for name, table in tables(found).items():
        publish(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode(), replace=True)
    text = f"{json.dumps(document(found), indent=2, allow_nan=False)}\n"
    publish(directory / FILE, text.encode(), replace=True)
