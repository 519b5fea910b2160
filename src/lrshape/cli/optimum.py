"""The command that computes the best of all schedules: optimum."""

from pathlib import Path
from typing import Annotated

import typer

from lrshape.cli.app import app, fail, say, say_prose, whole
from lrshape.cli.check import print_table
from lrshape.cli.study import Overrides


@app.command()
def optimum(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="A spec with the workload linear-regression.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Output directory.")],
    starts: Annotated[
        int,
        typer.Option(parser=whole, metavar="N", help="Number of schedules to start gradient descent from."),
    ] = 8,
    families: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Families to compare; default: those of the spec, or all but table."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(parser=whole, metavar="N", help="Number of SGD simulations that check each schedule."),
    ] = 400,
    eigenbasis: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="SEED",
            help="Minimise the exact loss in this random eigenbasis instead of the recursion, which averages "
            "over eigenbases; takes minutes.",
        ),
    ] = None,
    settings: Overrides = None,
) -> None:
    """Compute the optimal schedule for linear regression, and how close each family comes to it.

    lrshape optimises every learning rate of the schedule, and the parameters and base LR of every family, on
    the workload's recursion for the expected loss; with --eigenbasis, on the exact loss in one eigenbasis.
    Simulated SGD checks each result. It writes optimum.html, optimum.json, tables/ and figures/.

    Examples:

        lrshape optimum examples/linear-regression.toml --out optimum

        lrshape optimum examples/linear-regression.toml --out few --families cosine,power

        lrshape optimum examples/linear-regression.toml --out b4 --set workload.batch_size=4

        lrshape optimum examples/linear-regression.toml --out exact --eigenbasis 0 --starts 2
    """
    from lrshape.paper.output import claim, write
    from lrshape.paper.page import gaps_table, summary, warnings, write_page
    from lrshape.paper.run import all_families, find_optimum, linear_regression
    from lrshape.store import local
    from lrshape.study.spec import StudySpec, plain_document, read_spec

    directory = local(out, "--out")
    document = plain_document(read_spec(spec, settings or []))
    counted = {"name", "workload", "families", "step_rule", "seed", "warmup_steps", "decay_steps"}
    ignored = {*StudySpec.model_fields, *StudySpec.also_allowed} - counted  # they are about a search
    document = {key: value for key, value in document.items() if key not in ignored}
    if families is not None:
        listed = document.get("families", [])
        listed = listed if isinstance(listed, list) else []
        given = {f["name"]: f for f in listed if isinstance(f, dict) and "name" in f}
        document["families"] = [given.get(n.strip(), n.strip()) for n in families.split(",") if n.strip()]
    else:
        document.setdefault("families", all_families())
    parsed = StudySpec.parse(document)
    linear_regression(parsed)
    claim(directory)
    found = find_optimum(
        parsed,
        starts_count=starts,
        seeds=seeds,
        eigenbasis=eigenbasis,
        report=lambda line: fail(line, prefix=""),
    )
    write(found, directory)
    page = write_page(found, directory)
    say_prose(f"{summary(found)}\n")
    print_table(gaps_table(found))
    for notice in warnings(found):
        say_prose(f"\n{notice.title}: {notice.text}")
    say(f"\nreport: {page}")
