"""The command export, and how commands find the schedule that an argument names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrshape.cli.app import app, say
from lrshape.cli.studies import Metric
from lrshape.errors import InputError

if TYPE_CHECKING:
    from lrshape.shapes.curve import Curve


@app.command()
def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR|FILE", help="A study's directory or URL, or a schedule: json, csv, npy, py."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(help="json, csv, npy, python, torch, optax, keras, transformers or lightning."),
    ],
    steps: Annotated[
        int | None, typer.Option(help="Steps of your training; default: the schedule's.")
    ] = None,
    base_lr: Annotated[float | None, typer.Option(help="Another base LR.")] = None,
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            metavar="RUNS|FILE",
            help="Where the batch size changes: SIZExSTEPS,SIZExSTEPS,... or a file with one size a line; "
            "progress is then the share of samples (or tokens) seen.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: schedule.FORMAT beside what is exported.")
    ] = None,
    metric: Metric = None,
) -> None:
    """Write a study's winner, or any schedule, as a file that your training can read.

    json holds family, parameters and base LR; csv and npy hold one learning rate a step. python is a file
    with a function lr(step) that needs Python alone; torch, optax, keras, transformers and lightning add to
    it what the framework takes, and need the framework but not lrshape. Steps are optimizer steps.

    Examples:

        lrshape export digits --to json

        lrshape export digits --to csv --steps 50000 --out lr.csv

        lrshape export digits --to torch --steps 50000 --base-lr 0.0003

        lrshape export digits/schedule.json --to python --batch-sizes 256x1000,512x9000

        lrshape export digits --to npy --metric final/test_error --out lr.npy
    """
    from lrshape.frameworks.plain import file_name, write_curve
    from lrshape.shapes.curve import Curve, read_batch_sizes
    from lrshape.store import Url, locate

    name = file_name(to)
    found = curve_of(source, metric)
    sizes = found.runs if batch_sizes is None and steps is None else None
    sizes = sizes if batch_sizes is None else read_batch_sizes(batch_sizes)
    curve = Curve(found.schedule, steps=steps, base_lr=base_lr, batch_sizes=sizes)
    path = out or _beside(source) / name
    if path.exists() and not isinstance(locate(source), Url) and path.samefile(source):
        raise InputError(f"{path}: would be replaced by its own export; name another file with --out")
    say(f"wrote {write_curve(curve, to, path)}")


def _beside(source: str) -> Path:
    """The directory of what is exported."""
    from lrshape.store import Url, locate

    found = locate(source)
    if isinstance(found, Url):
        raise InputError(f"--out must name a local file, for the study is at {found}")
    return found if found.is_dir() else found.parent


def curve_of(source: str, metric: str | None = None) -> "Curve":
    """The schedule that an argument names: a study's winner, or what a file holds.

    Raises:
        InputError: if it is neither, or a metric is named for a file.
    """
    from lrshape.store import Url, locate

    found = locate(source)
    if not isinstance(found, Url) and not found.is_dir() and (found.is_file() or found.suffix):
        from lrshape.shapes.files import read_curve

        if metric is not None:
            raise InputError("--metric ranks the shapes of a study: a file holds one schedule")
        return read_curve(found)
    from lrshape.study.study import Study

    return Study(source).schedule(metric=metric).curve()
