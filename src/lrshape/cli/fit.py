"""The command that names a curve: fit."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lrshape.cli.app import app, say
from lrshape.errors import InputError


@app.command()
def fit(
    curve: Annotated[
        Path,
        typer.Argument(
            metavar="CURVE",
            help="Learning rates: csv (step,lr or one column), npy, json (a list or a schedule), or py.",
        ),
    ],
    family: Annotated[
        list[str], typer.Option(help="Family to fit; several are compared, the nearest first.")
    ],
    step_rule: Annotated[
        Literal["midpoint", "left", "right"],
        typer.Option(help="Where a step is read: t = (s + 1/2)/T, s/T (most frameworks) or (s + 1)/T."),
    ] = "midpoint",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the nearest as a schedule (JSON).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Find the member of a family that is nearest to given learning rates, by least squares.

    It says which schedule of a paper or a log something is, or comes close to. Errors are shares of the
    largest learning rate. It takes seconds a family.

    Examples:

        lrshape fit curve.csv --family two_point_spline

        lrshape fit curve.csv --family cosine --family wsd --family rex --step-rule left

        lrshape fit log.npy --family wsd --out wsd.json
    """
    from lrshape.frameworks.plain import write_curve
    from lrshape.shapes import FAMILIES
    from lrshape.shapes.files import read_curve
    from lrshape.shapes.fit import fit as nearest

    for name in family:
        FAMILIES[name]  # an unknown name shows before anything is computed
    if out is not None and out.suffix != ".json":
        raise InputError(f"--out must end with .json, got {out}")
    lrs = read_curve(curve).values()
    fits = [nearest(lrs, name, step_rule=step_rule) for name in dict.fromkeys(family)]
    fits.sort(key=lambda found: found.error)
    if as_json:
        say(json.dumps([_document(found) for found in fits], indent=2))
    else:
        for found in fits:
            _print(found)
    if out is not None:
        written = write_curve(fits[0].schedule.curve(), "json", out)
        if not as_json:
            say(f"wrote {written}")


def _document(found: Any) -> dict[str, Any]:
    return {
        "schedule": found.schedule.to_dict(),
        "relative_rms_error": found.error,
        "largest_relative_error": found.worst,
    }


def _print(found: Any) -> None:
    schedule = found.schedule
    say(f"{schedule.family}: base LR {schedule.base_lr:.6g}, {schedule.steps:,} steps")
    for name, value in schedule.params.items():
        say(f"    {name:<14}{value:.6g}" if isinstance(value, float) else f"    {name:<14}{value}")
    say(f"    RMS error {_share(found.error)}, largest {_share(found.worst)} of the largest learning rate")


def _share(value: float) -> str:
    return "0" if value < 1e-9 else f"{value:.2%}" if value >= 1e-4 else f"{value:.1e}"
