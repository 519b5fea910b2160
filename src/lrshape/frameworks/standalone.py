"""A schedule as a Python file of its own, which needs neither lrshape nor, but for one framework, anything.

Nothing of a schedule's text becomes code: names and values are written as literals, and formulas come from
`lrshape.frameworks.formula`, which writes numbers and operations only.
"""

import ast
import pprint
import textwrap
from collections.abc import Callable
from importlib import resources

from lrshape.frameworks.formula import python_lines
from lrshape.shapes.curve import Curve
from lrshape.shapes.schedule import OFFSETS

_WIDTH = 100


def standalone(curve: Curve, target: str = "python") -> str:
    """Return the text of a Python file with the functions ``multiplier(t)`` and ``lr(step)``.

    Args:
        curve: what it follows.
        target: ``python``, or the framework that it has an adapter for: see `ADAPTERS`.

    Raises:
        InputError: if the family's formula cannot be written as plain Python.
    """
    return "\n\n".join([_head(target), *_functions(curve), *ADAPTERS[target]()]) + "\n"


def _head(target: str) -> str:
    imports, use = _USES[target]
    purpose = "A learning-rate schedule as a function of the optimizer step, written by lrshape."
    lines = [f'"""{purpose}', "", textwrap.indent(use, "    "), '"""', "", *imports]
    return "\n".join(lines)


def _functions(curve: Curve) -> list[str]:
    schedule = curve.schedule
    offset = OFFSETS[schedule.step_rule]
    constants = [
        f"# What this file was made from.\nSCHEDULE = {_literal(curve.to_dict())}",
        f"FORMULA = {schedule.shape.formula!r}",
        f"BASE_LR = {curve.base_lr!r}",
        f"STEPS = {curve.steps!r}",
    ]
    if curve.runs is None:
        body = f"return (min(max(int(step), 0), steps - 1) + {offset!r}) / steps"
    else:
        constants.append(
            f"# Pairs: samples or tokens a step, number of steps.\nBATCH_SIZES = {_literal(curve.runs)}"
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


def _python() -> list[str]:
    return [
        '\nif __name__ == "__main__":\n'
        "    for number in range(STEPS):\n"
        '        print(f"{number},{lr(number)!r}")'
    ]


def _torch() -> list[str]:
    return [f"\n{_class_source('torch.py', 'ShapeLR')}", _MAKE_SCHEDULER]


def _class_source(file: str, name: str) -> str:
    """The text of a class in this folder, found without importing it: its framework may not be here."""
    text = resources.files("lrshape.frameworks").joinpath(file).read_text("utf-8")
    nodes = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == name)
    return ast.get_source_segment(text, next(nodes)) or ""


_MAKE_SCHEDULER = '''
def make_scheduler(optimizer, steps=STEPS, base_lr=BASE_LR, step=0):
    """Return a scheduler; base_lr=None keeps the optimizer's own learning rates, step is what is done."""
    identity = {**SCHEDULE, "steps": steps}
    del identity["base_lr"]
    return ShapeLR(optimizer, lambda s: multiplier(progress(s, steps)), identity, base_lr, step)'''

_CREATE_SCHEDULER = '''
class ShapeTrainer(Trainer):
    """Trainer along the shape, stretched over the steps that it counts."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            self.lr_scheduler = make_scheduler(optimizer or self.optimizer, num_training_steps)
            self._created_lr_scheduler = True
        return self.lr_scheduler'''

_CONFIGURE = '''
def configured(optimizer, steps=STEPS, base_lr=BASE_LR):
    """Return what configure_optimizers returns."""
    scheduler = make_scheduler(optimizer, steps, base_lr)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}'''

_OPTAX = '''
def make_schedule(steps=STEPS, base_lr=BASE_LR):
    """Return count -> learning rate, which can be traced."""
    values = np.array([lr(step, steps, base_lr) for step in range(steps)])

    def schedule(count):
        return jnp.take(jnp.asarray(values), jnp.clip(jnp.asarray(count), 0, steps - 1).astype(int))

    return schedule'''

_KERAS = '''
@keras.saving.register_keras_serializable(package="lrshape_file")
class ShapeSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step; give it the optimizer's gradient_accumulation_steps, if it has any."""

    def __init__(self, steps=STEPS, base_lr=BASE_LR, gradient_accumulation_steps=1):
        super().__init__()
        self.settings = {"steps": steps, "base_lr": base_lr}
        self.every = gradient_accumulation_steps or 1
        self.values = np.array([lr(step, steps, base_lr) for step in range(steps)], "float32")

    def __call__(self, step):
        index = ops.floor_divide(ops.cast(step, "int32"), self.every)
        return ops.take(self.values, ops.clip(index, 0, len(self.values) - 1))

    def get_config(self):
        return {**self.settings, "gradient_accumulation_steps": self.every}'''

ADAPTERS: dict[str, Callable[[], list[str]]] = {
    "python": _python,
    "torch": _torch,
    "optax": lambda: [_OPTAX],
    "keras": lambda: [_KERAS],
    "transformers": lambda: [*_torch(), _CREATE_SCHEDULER],
    "lightning": lambda: [*_torch(), _CONFIGURE],
}
"""What follows the functions in a file for each target."""

_TORCH_IMPORTS = [
    "import logging",
    "import math",
    "from collections.abc import Callable",
    "from typing import Any",
    "",
    "import torch",
    "from torch.optim.lr_scheduler import LRScheduler",
]
_USES = {
    "python": (["import math"], "from schedule import STEPS, lr\nfor step in range(STEPS): ... lr(step) ..."),
    "torch": (
        _TORCH_IMPORTS,
        "scheduler = make_scheduler(optimizer)\n... optimizer.step(); scheduler.step() ...",
    ),
    "transformers": (
        [*_TORCH_IMPORTS, "from transformers import Trainer"],
        "trainer = ShapeTrainer(...)\nor: Trainer(..., optimizers=(optimizer, make_scheduler(optimizer)))",
    ),
    "lightning": (
        _TORCH_IMPORTS,
        "def configure_optimizers(self):\n"
        "    steps = self.trainer.estimated_stepping_batches\n"
        "    return configured(torch.optim.SGD(self.parameters()), steps)",
    ),
    "optax": (
        ["import math", "", "import jax.numpy as jnp", "import numpy as np"],
        "optimizer = optax.sgd(make_schedule())",
    ),
    "keras": (
        ["import math", "", "import keras", "import numpy as np", "from keras import ops"],
        "optimizer = keras.optimizers.SGD(ShapeSchedule())",
    ),
}
