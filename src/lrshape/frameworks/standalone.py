"""A schedule as a Python file of its own, which needs neither lrshape nor, but for one framework, anything.

Nothing of a schedule's text becomes code: names and values are written as literals, and formulas come from
`lrshape.frameworks.formula`, which writes numbers and operations only.
"""

import dataclasses
import pprint
import textwrap
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter, require_at_most
from lrshape.frameworks.formula import Symbol, python_lines
from lrshape.shapes.family import Family
from lrshape.shapes.lengths import IN_STEPS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import EDITABLE
from lrshape.shapes.schedules import Schedules
from lrshape.shapes.steps import MAX_STEPS, OFFSETS

_WIDTH = 100

_CHECKED_STEPS = """
def checked_steps(steps):
    try:
        whole = 0 if isinstance(steps, bool) else steps.__index__()
    except (AttributeError, TypeError):  # inf is what trainers without an end give
        whole = 0
    if not 1 <= whole <= {most}:
        raise ValueError(f"steps must be a whole number from 1 to {most:,}, got {{steps!r}}")
    return whole"""


class CodeExporter(Exporter):
    """Writes a Python file: the functions ``multiplier(t)`` and ``lr(step)``, and what a framework takes."""

    imports: ClassVar[Sequence[str]]
    """The import lines of the file."""
    usage: ClassVar[str]
    """How the file is used: code for its docstring."""
    usage_of_several: ClassVar[str | None] = None
    """The same for a file of several schedules, None if it is the same code."""
    max_steps: ClassVar[int] = MAX_STEPS
    """How many steps a schedule may have."""

    @classmethod
    @abstractmethod
    def code(cls) -> str:
        """Return the rest of the file: it may use ``lr``, ``checked_steps``, ``STEPS`` and ``BASE_LR``."""

    @classmethod
    def code_of_several(cls) -> str | None:
        """Return the same for several schedules, None if there is no such file.

        It may use ``CURVES``, ``SCHEDULES``, ``checked_steps`` and ``STEPS``.
        """
        return None

    @override
    @classmethod
    def file_name(cls) -> str:
        return f"schedule_{cls.name}.py"

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        require_at_most(cls.max_steps, schedule, cls.name)
        return (
            "\n\n".join([cls._head(cls.usage), *_functions(schedule, cls.max_steps), cls.code()]) + "\n"
        ).encode()

    @override
    @classmethod
    def content_of_several(cls, schedules: Schedules) -> bytes:
        code = cls.code_of_several()
        if code is None:
            return super().content_of_several(schedules)
        head = cls._head(cls.usage_of_several or cls.usage)
        return ("\n\n".join([head, *_functions_of_several(schedules, cls.max_steps), code]) + "\n").encode()

    @classmethod
    def _head(cls, usage: str) -> str:
        purpose = "A schedule as a function of the optimizer step, written by lrshape."
        lines = [f'"""{purpose}', "", textwrap.indent(usage, "    "), '"""', "", *cls.imports]
        return "\n".join(lines)


def _functions(schedule: Schedule, most: int) -> list[str]:
    described = schedule.to_dict()
    constants = ["# You may edit these numbers; `lrshape` reads them back as they are."]
    for key in EDITABLE if schedule.batch_sizes is not None else EDITABLE[:2]:
        if key == "batch_sizes":
            constants.append("# Pairs: samples or tokens a step, number of steps.")
        constants.append(f"{key.upper()} = {_literal(described[key])}")
        described[key] = _Name(key.upper())
    constants += [
        f"# The schedule of this file.\nSCHEDULE = {_literal(described)}",
        f"FORMULA = {schedule.shape.formula!r}",
    ]
    return ["\n".join(constants), _CHECKED_STEPS.format(most=most), *_curve(schedule)]


def _curve(schedule: Schedule) -> list[str]:
    """The functions ``progress``, ``multiplier`` and ``lr``."""
    offset = OFFSETS[schedule.step_rule]
    if schedule.batch_sizes is None:
        body = f"return (min(max(int(step), 0), steps - 1) + {offset!r}) / steps"
    else:
        body = _IN_RUNS.format(offset=offset)
    limits = {p.name: p.high for p in schedule.shape.parameters()}
    shares = [
        _SHARE.format(name=name, given=f"{name}{IN_STEPS}", high=limits[name], percent=f"{limits[name]:.0%}")
        for name in schedule.in_steps
    ]
    # A long list is written once, for the sake of the file's size, and not built at each call.
    lists = {
        value: f'SCHEDULE["params"]["{name}"]'
        for name, value in schedule.params.items()
        if isinstance(value, tuple)
    }
    lines = [*shares, *python_lines(_of_steps(schedule), lists)]
    if schedule.min_lr:
        lines[-1] = lines[-1].replace("return ", "shape = ", 1)
        lines += [_MIN_LR, 'return max(shape, SCHEDULE["min_lr"] / base_lr)']
    shape = textwrap.indent("\n".join(lines), "    ")
    return [
        "\ndef progress(step, steps=STEPS):\n"
        '    """Training progress in [0, 1] at step 0, 1, ...; it stays where it is past the last one."""\n'
        "    steps = checked_steps(steps)\n"
        f"{textwrap.indent(body, '    ')}",
        "\ndef multiplier(t, steps=STEPS, base_lr=BASE_LR):\n"
        '    """The learning rate over the base LR at progress t in [0, 1]."""\n'
        f"{shape}",
        "\ndef lr(step, steps=STEPS, base_lr=BASE_LR):\n"
        '    """The learning rate at optimizer step 0, 1, ..., steps - 1, and the last one past the end."""\n'
        "    if not 0 < base_lr < math.inf:\n"
        '        raise ValueError(f"base_lr must be a finite number above 0, got {base_lr!r}")\n'
        "    return base_lr * multiplier(progress(step, steps), steps, base_lr)",
    ]


def _functions_of_several(schedules: Schedules, most: int) -> list[str]:
    described = schedules.to_dict()["schedules"]
    first = next(iter(schedules))
    curves = [
        f"\ndef curve_{i}(SCHEDULE):\n{textwrap.indent(_curve_in_a_function(schedules[name]), '    ')}"
        for i, name in enumerate(schedules)
    ]
    rows = [f"    {name!r}: curve_{i}(SCHEDULES[{name!r}])," for i, name in enumerate(schedules)]
    return [
        f'SCHEDULES = {_literal(described)}\nSTEPS = SCHEDULES[{first!r}]["steps"]',
        _CHECKED_STEPS.format(most=most),
        *curves,
        "\n".join(["\nCURVES = {", *rows, "}"]),
        "\ndef values(step, steps=STEPS):\n"
        '    """The value of each quantity at optimizer step 0, 1, ..., and the last one past the end."""\n'
        "    return {name: curve(step, steps) for name, curve in CURVES.items()}",
    ]


def _curve_in_a_function(schedule: Schedule) -> str:
    keys = EDITABLE if schedule.batch_sizes is not None else EDITABLE[:2]
    constants = [f'{key.upper()} = SCHEDULE["{key}"]' for key in keys]
    return "\n".join([*constants, *_curve(schedule), "\nreturn lr"])


def _of_steps(schedule: Schedule) -> Family:
    """The shape, where what is given in steps is a name in the code."""
    return dataclasses.replace(schedule.shape, **{name: Symbol(name) for name in schedule.in_steps})


_SHARE = """\
{name} = SCHEDULE["params"]["{given}"] / steps
if {name} > {high!r}:
    raise ValueError(f"{given} must be at most {percent} of the {{steps:,}} steps")"""
_MIN_LR = """\
if base_lr < SCHEDULE["min_lr"]:
    raise ValueError(f"min_lr must be from 0 to the base LR, {base_lr:g}, got {SCHEDULE['min_lr']}")"""
_IN_RUNS = """\
length = sum(count for _, count in BATCH_SIZES)
if steps != length:
    raise ValueError(f"the batch sizes are of {{length}} steps, got {{steps}}")
step, seen = min(max(int(step), 0), steps - 1), 0
for size, count in BATCH_SIZES:
    if step < count:
        return (seen + (step + {offset!r}) * size) / sum(size * count for size, count in BATCH_SIZES)
    step, seen = step - count, seen + size * count"""


class _Name:
    """A constant's name among literals."""

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _literal(value: object) -> str:
    """JSON-like data as Python text: ``repr`` of text, numbers, None, lists, dictionaries and names."""
    return pprint.pformat(value, width=_WIDTH, compact=True, sort_dicts=False)


_MAIN = """
if __name__ == "__main__":
    for number in range(STEPS):
        print(f"{number},{lr(number)!r}")"""


_MAIN_OF_SEVERAL = """
if __name__ == "__main__":
    for number in range(STEPS):
        print(number, *map(repr, values(number).values()), sep=",")"""


@EXPORTERS.register("python")
class Python(CodeExporter):
    """The function ``lr(step)``, without any import but ``math``."""

    imports = ("import math",)
    usage = "from schedule import STEPS, lr\nfor step in range(STEPS): ... lr(step) ..."

    @override
    @classmethod
    def file_name(cls) -> str:
        return "schedule.py"

    usage_of_several = (
        'from schedule import STEPS, values\nfor step in range(STEPS): ... values(step)["lr"] ...'
    )

    @override
    @classmethod
    def code(cls) -> str:
        return _MAIN

    @override
    @classmethod
    def code_of_several(cls) -> str:
        return _MAIN_OF_SEVERAL
