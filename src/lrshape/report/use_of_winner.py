"""The winner of a study: its parameters, and code and a command that use it."""

import json
import keyword
import math
import re
import shlex
from collections.abc import Mapping
from typing import Any

from lrshape.report.findings import Findings
from lrshape.report.sections import Code, table
from lrshape.report.words import number, printable, rate
from lrshape.shapes.lengths import IN_STEPS
from lrshape.shapes.schedules import GROUP_LR
from lrshape.store import Url, hyperparameters_of, params_of

LONGEST = 4_000
"""Characters of code that the page shows: a table of learning rates has more."""


def use_of_winner(findings: Findings, directory: str) -> dict[str, Any]:
    """Return the winner's parameters, and code and command that use it, as parts of a section.

    Args:
        findings: what the report states.
        directory: the study's name as a directory, or its `Url`.
    """
    winner = findings.winner
    if winner is None or not math.isfinite(winner["score"]):
        return {}
    params, tuned = params_of(winner["params"]), hyperparameters_of(winner["hyperparameters"])
    in_steps = {key: (key + IN_STEPS, length) for key, length in findings.lengths.items()}
    given = (in_steps.get(key, (key, value)) for key, value in params.items())
    settings = [f"{_literal(key)}: {_literal(value)}," for key, value in given]
    lines = [
        "from lrshape import Schedule",
        "",
        "schedule = Schedule(",
        f"    {_literal(winner['family'])},",
        *(["    {", *(f"        {line}" for line in settings), "    },"] if params else ["    {},"]),
        f"    base_lr={max(float(winner['base_lr']), findings.min_lr)!r},",
        f"    steps={findings.steps},",
        *([] if findings.step_rule == "midpoint" else [f"    step_rule={findings.step_rule!r},"]),
        *([f"    min_lr={findings.min_lr!r},"] if findings.min_lr else []),
        ")",
        "lrs = schedule.values().tolist()  # one learning rate per step",
        *(f"{_variable(name)} = {_value(name, value, findings)}" for name, value in tuned.items()),
    ]
    code = "\n".join(lines)
    codes = [Code(code, "In Python, with your own number of steps:", "Use it")] if len(code) < LONGEST else []
    if not findings.missing:
        by = f" --metric {shlex.quote(findings.metric)}" if findings.is_reranked else ""
        out = " --out lr.csv" if isinstance(directory, Url) else ""
        command = f"lrshape export {shlex.quote(directory)} --to csv --steps {findings.steps}{by}{out}"
        codes.append(Code(command, "Or as a file with one learning rate a step, for any framework:"))
    values = table(
        "Parameters of the winner",
        _parameters(params, tuned) or [("none", "")],
        {"parameter": lambda item: printable(item[0], 60), "value": lambda item: _parameter(item[1])},
        texts=[1],
        title=f"{winner['label']}, base LR {rate(winner['base_lr'])}",
        plain=True,
    )
    return {"tables": [values], "codes": codes}


def _variable(name: str) -> str:
    """Return the name of a hyperparameter as one in Python."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"{made}_" if keyword.iskeyword(made) or made in ("schedule", "Schedule") else made


def _value(name: str, value: Any, findings: Findings) -> str:
    """Return a hyperparameter as Python code after that of the learning rate's ``schedule``."""
    times = "schedule.base_lr * " if name.startswith(GROUP_LR) else ""
    if isinstance(value, Mapping):
        rule = "" if findings.step_rule == "midpoint" else f", step_rule={findings.step_rule!r}"
        given = f"{_literal(value['family'])}, {_literal(value['params'])}"
        return f"Schedule({given}, base_lr={times}{_literal(value['base'])}, steps=schedule.steps{rule})"
    if not times:
        return _literal(value)
    floor = f", min_lr=schedule.min_lr * {_literal(value)}" if findings.min_lr else ""
    return f"schedule.replace(base_lr={times}{_literal(value)}{floor})"


def _literal(value: Any) -> str:
    """Return a value from JSON as Python code in printable ASCII."""
    if isinstance(value, str):
        quoted = ascii(value)
        return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted
    return ascii(value)


def _parameters(params: Mapping[str, Any], tuned: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the parameters of a shape, and those of the schedules of hyperparameters, by name."""
    scheduled = {name: value for name, value in tuned.items() if isinstance(value, Mapping)}
    own = [
        (f"{name} {key}", value)
        for name, one in scheduled.items()
        for key, value in {"base value": one["base"], "family": one["family"], **one["params"]}.items()
    ]
    return [*params.items(), *own]


def _parameter(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else number(value)
    return printable(json.dumps(value) if isinstance(value, list | dict) else value, 200)
