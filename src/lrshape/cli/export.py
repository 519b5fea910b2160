"""The command export."""

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from lrshape.cli.app import app, output_file, whole, wrote
from lrshape.cli.source import folder_of, schedules_of, study_of
from lrshape.cli.study import Metric
from lrshape.errors import InputError, shown
from lrshape.files import is_file
from lrshape.values import path_of


class _Export(TyperCommand):
    """Lists the exporters in the help, and only there: finding them takes imports."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from lrshape.frameworks import EXPORTERS

        lines = [
            f"- {name}: {(inspect.getdoc(exporter) or '').splitlines()[0]}"
            for name, exporter in EXPORTERS.items()
        ]
        self.help = "\n".join([f"{self.help}\n\nFormats:\n", *lines])
        super().format_help(ctx, formatter)


@app.command(cls=_Export)
def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR|FILE",
            help="Directory or URL of a study, or a file of schedules: .json, .csv, .npy, .py.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="json, csv, npy, python, or a framework: torch, transformers, lightning, optax, keras.",
        ),
    ],
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="N",
            help="Number of optimizer steps of your training; default: the schedule's.",
        ),
    ] = None,
    base_lr: Annotated[float | None, typer.Option(help="Base LR to use instead of the schedule's.")] = None,
    warmup_steps: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="N", help="Warmup of N steps, whatever --steps is."),
    ] = None,
    decay_steps: Annotated[
        int | None,
        typer.Option(parser=whole, metavar="N", help="Decay of N steps (family wsd), whatever --steps is."),
    ] = None,
    min_lr: Annotated[float | None, typer.Option(help="No learning rate is below this.")] = None,
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            metavar="RUNS|FILE",
            help="Batch sizes, if they change: SIZExSTEPS,SIZExSTEPS,... or a file with one size per line. "
            "Progress is then the fraction of samples (or tokens) seen.",
        ),
    ] = None,
    from_step: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="S",
            help="Export the rest after S steps, for code that resumes a run and counts from 0 again.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Output file, - for standard output, or a directory for schedule.*; default: that of the "
            "source.",
        ),
    ] = None,
    metric: Metric = None,
) -> None:
    """Write a study's winner, or any schedule, to a file that your training code can read.

    Exported code needs Python and the framework, but not lrshape.

    Examples:

        lrshape export digits --to json

        lrshape export digits --to csv --steps 50000 --out lr.csv

        lrshape export digits --to torch --steps 50000 --base-lr 0.0003

        lrshape export next/next-1.json --to torch --from-step 20000

        lrshape export schedules.json --to torch --steps 50000

        lrshape export digits/schedule.json --to python --batch-sizes 256x1000,512x9000

        lrshape export digits --to torch --steps 50000 --warmup-steps 500 --min-lr 1e-6

        lrshape export digits --to npy --metric final/test_error --out lr.npy
    """
    from lrshape.cli.verdicts import hyperparameter_lines
    from lrshape.frameworks import EXPORTERS
    from lrshape.frameworks import export as write
    from lrshape.shapes.schedule import Schedule
    from lrshape.store import Url, locate

    if to not in EXPORTERS:
        raise InputError(f"--to must be one of {', '.join(EXPORTERS)}, got {shown(to)}")
    sizes = None if batch_sizes is None else read_batch_sizes(batch_sizes)
    lengths = {"warmup_steps": warmup_steps, "decay_steps": decay_steps}
    of_one = {
        "base_lr": base_lr,
        "min_lr": min_lr,
        "params": {name: count for name, count in lengths.items() if count is not None},
    }
    study = study_of(source)
    schedule = schedules_of(source, metric, study)
    if isinstance(schedule, Schedule):
        schedule = schedule.replace(steps=steps, batch_sizes=sizes, **of_one)
    elif any(value not in (None, {}) for value in of_one.values()):
        raise InputError(
            "--base-lr, --min-lr, --warmup-steps and --decay-steps change one schedule, and "
            f"{source} holds {', '.join(schedule)}"
        )
    else:
        schedule = schedule.replace(steps=steps, batch_sizes=sizes)
    if from_step is not None:
        if not 0 <= from_step < schedule.steps:
            raise InputError(f"--from-step must be from 0 to {schedule.steps - 1:,}, got {from_step:,}")
        schedule = schedule.tail(from_step)
    name = EXPORTERS[to].file_name()
    path = folder_of(source) / name if out is None else output_file(out, name)
    place = locate(source)
    if is_file(path) and not isinstance(place, Url) and path.samefile(place):
        raise InputError(f"{path}: the export would overwrite its source; choose another file with --out")
    written = write(schedule, to, path)
    # Those with schedules are in the file.
    tuned = []
    if study is not None:
        tuned = hyperparameter_lines(study.best(metric), study.spec.tune, but=study.spec.scheduled)
    wrote(written, ["it was tuned together with", *tuned] if tuned else [])


def read_batch_sizes(text: str) -> list[tuple[int, int]]:
    """Read ``SIZExSTEPS,SIZExSTEPS,...``, or a file with the batch size of one step a line.

    Raises:
        InputError: if it is neither.

    Example:
        >>> read_batch_sizes("256x1000,512x9000")
        [(256, 1000), (512, 9000)]
    """
    from lrshape.shapes.batch_sizes import batch_sizes_of_file

    try:
        path = path_of(text)
        if is_file(path):
            return [(size, 1) for size in batch_sizes_of_file(path)]
        pairs = [part.split("x") for part in text.split(",")]
        return [(int(size), int(count)) for size, count in pairs]
    except InputError as error:
        raise InputError(f"--batch-sizes must be a file with one whole number per line: {error}") from None
    except (ValueError, OSError):
        raise InputError(
            "--batch-sizes must be SIZExSTEPS,SIZExSTEPS,... or a file with one whole number per line, "
            f"got {shown(text)}"
        ) from None
