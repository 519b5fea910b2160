"""Options of commands that train: what runs the trials."""

from typing import Annotated, Any

import typer

from lrshape.errors import InputError

ExecutorName = Annotated[
    str,
    typer.Option(
        "--executor", metavar="NAME", help="Executor that runs the trials: inline, processes, ray, ..."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Number of workers; default: as many as the hardware allows."),
]
ExecutorSettings = Annotated[
    list[str] | None,
    typer.Option("--executor-set", metavar="A=B", help="Set an option of the executor, e.g. threads=2."),
]


def chosen(name: str, workers: int | None, assignments: list[str] | None) -> dict[str, Any]:
    """The executor's name and settings, checked.

    Raises:
        InputError: if there is no such executor, or it has no such setting, or a value is not legal.
    """
    from lrshape.study.spec import override
    from lrshape.workers.executor import EXECUTORS

    cls = type(EXECUTORS.build(name, "--executor"))
    found: dict[str, Any] = {"name": name}
    for assignment in assignments or []:
        if assignment.partition("=")[0].strip() == "name":
            raise InputError("--executor-set takes settings; --executor names the executor")
        override(found, assignment, "--executor-set", "threads=2")
    if workers is not None:
        if "workers" not in cls.model_fields:
            raise InputError(f"--workers: the executor {name} has no workers, got {workers}")
        found["workers"] = workers
    EXECUTORS.build(found, "--executor-set")
    return found
