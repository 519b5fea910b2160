"""A schedule as a Python file of its own, which needs neither lrshape nor, but for one framework, anything.

Nothing of a schedule's text becomes code: names and values are written as literals, and formulas come from
`lrshape.frameworks.formula`, which writes numbers and operations only.
"""

import pprint
import textwrap
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.frameworks.formula import python_lines
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import OFFSETS

_WIDTH = 100


class CodeExporter(Exporter):
    """Writes a Python file: the functions ``multiplier(t)`` and ``lr(step)``, and what a framework takes."""

    imports: ClassVar[Sequence[str]]
    """The import lines of the file."""
    usage: ClassVar[str]
    """How the file is used: code for its docstring."""

    @classmethod
    @abstractmethod
    def code(cls) -> str:
        """Return what follows the functions in the file: it may use ``lr``, ``STEPS`` and ``BASE_LR``."""

    @override
    @classmethod
    def file_name(cls) -> str:
        return f"schedule_{cls.name}.py"

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        return ("\n\n".join([cls._head(), *_functions(schedule), cls.code()]) + "\n").encode()

    @classmethod
    def _head(cls) -> str:
        purpose = "A learning-rate schedule as a function of the optimizer step, written by lrshape."
        lines = [f'"""{purpose}', "", textwrap.indent(cls.usage, "    "), '"""', "", *cls.imports]
        return "\n".join(lines)


def _functions(schedule: Schedule) -> list[str]:
    offset = OFFSETS[schedule.step_rule]
    constants = [
        f"# What this file was made from.\nSCHEDULE = {_literal(schedule.to_dict())}",
        f"FORMULA = {schedule.shape.formula!r}",
        f"BASE_LR = {schedule.base_lr!r}",
        f"STEPS = {schedule.steps!r}",
    ]
    if schedule.batch_sizes is None:
        body = f"return (min(max(int(step), 0), steps - 1) + {offset!r}) / steps"
    else:
        constants.append(
            "# Pairs: samples or tokens a step, number of steps.\n"
            f"BATCH_SIZES = {_literal(schedule.batch_sizes)}"
        )
        body = _IN_RUNS.format(offset=offset)
    shape = textwrap.indent("\n".join(python_lines(schedule.shape)), "    ")
    return [
        "\n".join(constants),
        "\ndef progress(step, steps=STEPS):\n"
        '    """Training progress in [0, 1] at step 0, 1, ...; it stays where it is past the last one."""\n'
        f"{textwrap.indent(body, '    ')}",
        "\ndef multiplier(t):\n"
        '    """The shape: the learning rate over the base LR at progress t in [0, 1]."""\n'
        f"{shape}",
        "\ndef lr(step, steps=STEPS, base_lr=BASE_LR):\n"
        '    """The learning rate at optimizer step 0, 1, ..., steps - 1, and the last one past the end."""\n'
        "    return base_lr * multiplier(progress(step, steps))",
    ]


_IN_RUNS = """\
if steps != STEPS:
    raise ValueError(f"the batch sizes are of {{STEPS}} steps, got {{steps}}")
step, seen = min(max(int(step), 0), STEPS - 1), 0
for size, count in BATCH_SIZES:
    if step < count:
        return (seen + (step + {offset!r}) * size) / sum(size * count for size, count in BATCH_SIZES)
    step, seen = step - count, seen + size * count"""


def _literal(value: object) -> str:
    """JSON-like data as Python text: ``repr`` of text, numbers, None, lists and dictionaries."""
    return pprint.pformat(value, width=_WIDTH, compact=True, sort_dicts=False)


_MAIN = """
if __name__ == "__main__":
    for number in range(STEPS):
        print(f"{number},{lr(number)!r}")"""


@EXPORTERS.register("python")
class Python(CodeExporter):
    """The function ``lr(step)``, without any import but ``math``."""

    imports = ("import math",)
    usage = "from schedule import STEPS, lr\nfor step in range(STEPS): ... lr(step) ..."

    @override
    @classmethod
    def file_name(cls) -> str:
        return "schedule.py"

    @override
    @classmethod
    def code(cls) -> str:
        return _MAIN
