"""How well laws of curves and the bound predict unseen shapes at the base LR of the runs that are given."""

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _measure import table
from _suggest_data import CURVES, multi_power_runs
from _suggest_trainings import OWN, own_runs
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.ensemble import fit_ensemble
from lrshape.predict.held_out import held_out, widening
from lrshape.predict.reading import read_runs
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import CAUTION, MISFIT, REACH, transfer_sweep

DRAWS = 40
"""Draws of given runs from each source."""
ALIKE = ("model", "n_layer", "n_head", "n_embd", "dataset", "peak_lr", "beta2", "grad_clip", "group")
"""What runs share with the constant run that they were resumed from."""

Array = NDArray[np.float64]
Forecast = tuple[Array, Array, Array]


def scheduling_runs() -> list[list[Run]]:
    """Return the 124M runs of arXiv:2501.18965, those of one peak LR together."""
    folder = CURVES / "lr-scheduling"
    logs = [folder / "train_main_124m_210m.csv", folder / "val_main_124m_210m.csv"]
    logged = {line.split(",", 1)[0] for line in logs[0].read_text().splitlines()[1:]}
    with (folder / "runs.csv").open() as file:
        rows = {row["run"]: row for row in csv.DictReader(file) if row["run"] in logged}
    setups = {name: tuple(row[key] for key in ALIKE) for name, row in rows.items()}
    constant = {
        setups[name]: name
        for name, row in rows.items()
        if row["scheduler"] == "wsd" and not row["resumed_from"]
    }
    parents = {
        name: constant[setups[name]]
        for name, row in rows.items()
        if row["resumed_from"] and setups[name] in constant
    }
    groups = defaultdict(list)
    for run in read_runs(logs, parents=parents):
        if float(rows[run.name]["peak_lr"]) < 0.004:  # at 0.005 it diverged
            groups[setups[run.name]].append(run)
    return list(groups.values())


def draws(groups: list[list[Run]], count: int) -> Iterator[tuple[list[Run], list[Run], Run]]:
    """Draw three to five given runs of one LR, the unseen ones, and today's best.

    At least two of those that are given have the number of steps that is asked for, the others at most that.
    """
    rng = random.Random(0)
    for _ in range(count):
        group = rng.choice(groups)
        longest = max(run.steps for run in group)
        steps = rng.choice(sorted({run.steps for run in group if run.steps > longest / 4}))
        asked = [run for run in group if 0.99 < run.steps / steps < 1.01]
        if len(asked) < 3:
            continue
        given = rng.sample(asked, 2)
        rest = [run for run in group if run not in given and run.steps <= 1.01 * steps]
        given += rng.sample(rest, min(rng.choice([1, 2, 3]), len(rest) - 1))
        unseen = [run for run in asked if run not in given]
        if unseen and len(given) > 2:
            yield given, unseen, min((run for run in asked if run in given), key=lambda run: run.final_loss)


def by_bound(given: list[Run], lrs: list[Array], today: Run) -> Forecast | None:
    """Return differences, their errors and final losses by the bound; None where the runs contradict it.

    None, too, where an unstable run forbids the LRs of another.
    """
    try:
        found = transfer_sweep(given, lrs, [[1.0]] * len(lrs), today=today.lrs)
    except InputError:
        return None
    if found.fitted.misfit < MISFIT or len(found.forecasts) < len(lrs):
        return None
    rows = sorted(found.forecasts, key=lambda each: each.shape)
    wider = widening(held_out(found.fitted.runs))
    return (
        np.array([each.difference for each in rows]),
        wider * np.array([each.error for each in rows]),
        np.array([each.loss for each in rows]),
    )


def by_ensemble(given: list[Run], lrs: list[Array], today: Run) -> Forecast | None:
    """Return the same by the ensemble; None where it abstains."""
    try:
        ensemble = fit_ensemble(given)
        mean, error = ensemble.differences(lrs, today.lrs)
        ensemble.check_resolves(mean)
    except InputError:
        return None
    return mean, error, ensemble.losses(lrs)


def ensemble_table(trainings: Path | None = None) -> str:
    """Part (d): errors, intervals and regrets of unseen shapes at the LR that was run.

    Args:
        trainings: folder of lrshape's own trainings, which are made where they are missing; without it they
            are left out.
    """
    sources = {f"{size}M": [list(multi_power_runs(size).values())] for size in (25, 400)}
    sources["124M"] = scheduling_runs()
    if trainings is not None:
        sources |= {name: own_runs(name, trainings) for name in OWN}
    rows = [row for source, groups in sources.items() for row in judged(source, groups)]
    columns = ("source", "by", "forecasts", "RMSE of differences", "stated sd", "95% intervals hold")
    return table((*columns, "of final losses", "regret, mean", "worst"), rows)


def judged(source: str, groups: list[list[Run]]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one source: by the bound alone and by the ensemble, each where it forecasts."""
    for name, forecasts in (("bound", by_bound), ("ensemble", by_ensemble)):
        found, cases = defaultdict(list), list(draws(groups, DRAWS))
        for given, unseen, today in cases:
            lrs = [run.lrs for run in [*unseen, today]]
            forecast = forecasts(given, lrs, today)
            if forecast is None:
                continue
            mean, error, losses = forecast
            true = np.array([run.final_loss for run in [*unseen, today]])
            gap = true - today.final_loss
            found["miss"] += (mean - gap)[:-1].tolist()
            found["miss of loss"] += (losses - true)[:-1].tolist()
            found["error"] += error[:-1].tolist()
            found["regret"].append(true[np.argmin(mean + CAUTION * error)] - true.min())
        miss, of_loss, error, regret = (
            np.array(found[key]) for key in ("miss", "miss of loss", "error", "regret")
        )
        took_part = f"{len(regret)} of {len(cases)}"
        if not len(regret):
            yield (source, name, took_part, *[""] * 6)
            continue
        yield (
            source,
            name,
            took_part,
            f"{np.sqrt(np.mean(miss**2)):.4f}",
            f"{np.mean(error):.4f}",
            f"{np.mean(np.abs(miss) < REACH * error):.0%}",
            f"{np.mean(np.abs(of_loss) < REACH * error):.0%}",
            f"{regret.mean():.4f}",
            f"{regret.max():.4f}",
        )
