"""What every exporter promises; code that it writes runs here, with its framework."""

import inspect
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.frameworks import CodeExporter, Exporter
from lrshape.shapes.family import FAMILIES, Family, Numeric, namespace, parameter
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import MAX_BYTES, read_schedule, read_schedules
from lrshape.shapes.schedules import Schedules
from lrshape.testing.contract import check, require, require_refusal
from lrshape.testing.families import draw

STEPS = 40
BATCH_SIZES = ((8, 10), (16, 20), (64, 15))
NO_STEPS = (math.inf, -math.inf, math.nan, 0, -1, 1.5, 40.0, True, np.True_, "40", None, [40], 10**9 + 1)


def check_exporter(exporter: type[Exporter]) -> None:
    """Require that an exporter keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if it writes code whose framework is not installed.
    """
    check(RULES, exporter)


def schedules() -> Iterator[Schedule]:
    """Schedules of each family, read in each way; one whose batches grow."""
    for name, family in FAMILIES.items():
        for params in draw(family, 2):
            yield Schedule(name, params, 0.05, STEPS)
    for step_rule in ("left", "right"):
        yield Schedule("rex", {}, 0.05, STEPS, step_rule)
    grows = Schedule("cosine", {"warmup": 0.1}, 0.05, 45, batch_sizes=BATCH_SIZES)
    yield grows
    yield grows.tail(12)
    yield Schedule("wsd", {"warmup_steps": 3, "decay_steps": 10}, 0.05, STEPS, min_lr=0.002)


def is_documented(exporter: type[Exporter]) -> None:
    """A docstring is its help; a file has a name."""
    require(inspect.getdoc(exporter), "must have a docstring: its first line is the help")
    name = exporter.file_name()
    require(PurePath(name).name == name and PurePath(name).suffix, f"a file needs NAME.SUFFIX, got {name!r}")


def writes_the_same_bytes(exporter: type[Exporter]) -> None:
    """Files depend on the schedule alone."""
    for schedule in schedules():
        content = exporter.content(schedule)
        require(isinstance(content, bytes) and content, f"content must be bytes, got {content!r:.80}")
        require(exporter.content(schedule) == content, "the same schedule must give the same bytes")


def is_read_back(exporter: type[Exporter]) -> None:
    """In formats that lrshape reads: as the same learning rates, from code and JSON as the same schedule."""
    if (suffix := PurePath(exporter.file_name()).suffix) not in MAX_BYTES:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, exporter.file_name())
        for schedule in schedules():
            file.write_bytes(exporter.content(schedule))
            found = read_schedule(file)
            if suffix in (".json", ".py"):
                require(found == schedule, f"must be read back as {schedule}, got {found}")
            np.testing.assert_allclose(found.values(), schedule.values(), rtol=1e-9, atol=1e-14)


def writes_code_that_gives_the_same_values(exporter: type[Exporter]) -> None:
    """Without lrshape, also past the end and for another number of steps and base LR."""
    if not issubclass(exporter, CodeExporter):
        return
    for schedule in schedules():
        text = exporter.content(schedule).decode()
        require("import lrshape" not in text and "from lrshape" not in text, "the file must not need lrshape")
        lr = run(text)["lr"]
        values = [*schedule.values(), *[schedule.values()[-1]] * 3]
        _require_close([lr(step) for step in range(len(values))], values)
        _require_close([lr(-5)], values[:1])
        if schedule.batch_sizes is None:
            longer = schedule.replace(steps=97, base_lr=0.3)
            _require_close([lr(step, 97, 0.3) for step in range(97)], longer.values())
        else:
            require_refusal(lambda lr=lr: lr(0, 46), "of 45 steps, got 46", error=ValueError)


def writes_code_that_refuses_what_a_schedule_refuses(exporter: type[Exporter]) -> None:
    """A number of steps that is none, such as inf of a trainer without an end, and a base LR that is none."""
    if not issubclass(exporter, CodeExporter):
        return
    schedule = Schedule("rex", {}, 0.05, STEPS)
    lr = run(exporter.content(schedule).decode())["lr"]
    for key, rule, values in (
        ("steps", "steps must be a whole number from 1 to", NO_STEPS),
        ("base_lr", "base_lr must be a finite number above 0", (math.inf, math.nan, 0.0, -0.1)),
    ):
        for value in values:
            require_refusal(partial(Schedule.from_dict, {**schedule.to_dict(), key: value}), rule)
            require_refusal(partial(lr, 3, **{key: value}), rule, error=ValueError)
    _require_close(lr(3, np.int64(97)), schedule.replace(steps=97)(3))


def reads_back_what_was_edited(exporter: type[Exporter]) -> None:
    """The constants at the top of a file of code: what the file computes is what lrshape reads."""
    if not issubclass(exporter, CodeExporter):
        return
    schedule = Schedule("cosine", {"warmup": 0.1}, 0.05, 45, batch_sizes=BATCH_SIZES)
    text = exporter.content(schedule).decode()
    for old, new in (
        ("BASE_LR = 0.05", "BASE_LR = 0.3"),
        ("STEPS = 45", "STEPS = 46"),
        ("[64, 15]", "[64, 16]"),
    ):
        require(text.count(old) == 1, f"the file must have the constant {old}")
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, exporter.file_name())
        file.write_text(text, "utf-8")
        found = read_schedule(file)
    expected = schedule.replace(base_lr=0.3, batch_sizes=(*BATCH_SIZES[:2], (64, 16)))
    require(found == expected, f"must be read back as {expected}, got {found}")
    lr = run(text)["lr"]
    _require_close([lr(step) for step in range(46)], expected.values())


def holds_several_schedules_or_refuses(exporter: type[Exporter]) -> None:
    """A file of schedules of several quantities: read back as they are, and code gives their values."""
    cosine, *_, in_steps = schedules()
    growing = Schedule("linear", {}, 0.3, STEPS, "left", batch_sizes=[(8, 10), (16, 30)])
    several = Schedules({"lr": cosine, "lr.matrix": in_steps, "weight_decay": growing})
    try:
        content = exporter.content_of_several(several)
    except InputError as error:
        require(f"{exporter.name} " in str(error), f"must name the exporter, got {error}")
        return
    require(exporter.content_of_several(several) == content, "the same schedules must give the same bytes")
    if exporter.file_name().endswith((".json", ".py")):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, exporter.file_name())
            file.write_bytes(content)
            require(read_schedules(file) == several, f"must be read back as {several}")
    if issubclass(exporter, CodeExporter):
        values = run(content.decode())["values"]
        for name, expected in several.values().items():
            _require_close([values(step)[name] for step in range(-1, STEPS + 1)], np.pad(expected, 1, "edge"))


def never_makes_text_code(exporter: type[Exporter]) -> None:
    """Names and texts of a schedule are written as literals, whatever is in them."""
    schedule = Schedule(Hostile(), {}, 0.1, 5)
    text = exporter.content(schedule)
    if issubclass(exporter, CodeExporter):
        names = run(text.decode())
        require(names["FORMULA"] == HOSTILE == names["SCHEDULE"]["family"], "texts must be literals")
        _require_close([names["lr"](step) for step in range(5)], schedule.values())
    elif exporter.file_name().endswith(".json"):
        require(json.loads(text)["family"] == HOSTILE, "texts must be JSON")


def says_whether_it_takes_a_schedule_in_memory(exporter: type[Exporter]) -> None:
    """``bind`` is a function of a schedule and more; without it there are files only."""
    if exporter.bind is None:
        schedule = Schedule("rex", {}, 0.1, STEPS)
        require_refusal(lambda: schedule.to(exporter.name), exporter.name, "is a file")
    else:
        parameters = list(inspect.signature(exporter.bind).parameters)
        require(parameters[:1] == ["schedule"], f"bind must take a schedule first, got {parameters}")


HOSTILE = "\"\"\"\nraise SystemExit(3)\n'''{0} %s \\ \x00 \u2028"


@dataclass(frozen=True, kw_only=True)
class Hostile(Family):
    """A family whose texts would end a literal that is not written with care."""

    name = HOSTILE
    formula = HOSTILE
    kind: str = parameter(HOSTILE, scale="choice", choices=(HOSTILE, "other"), searched=False)

    @override
    def multiplier(self, t: Numeric) -> Numeric:
        return namespace(t).sqrt(1.0 - 0.5 * t)


def run(text: str) -> dict[str, Any]:
    """Run a file of code, and return its names.

    Raises:
        InputError: if its framework is not installed.
    """
    names: dict[str, Any] = {"__name__": "schedule"}
    try:
        exec(compile(text, "schedule.py", "exec"), names)
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed") from None
    return names


def _require_close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


RULES = (
    is_documented,
    writes_the_same_bytes,
    is_read_back,
    writes_code_that_gives_the_same_values,
    writes_code_that_refuses_what_a_schedule_refuses,
    reads_back_what_was_edited,
    holds_several_schedules_or_refuses,
    never_makes_text_code,
    says_whether_it_takes_a_schedule_in_memory,
)
