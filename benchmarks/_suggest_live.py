"""How well the best cooldown of a run in progress is forecast, on constant runs with public cooldowns."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from _measure import table
from _suggest_data import CURVES
from _suggest_ensemble import scheduling_runs

from lrshape.predict.live_forecasts import forecast
from lrshape.predict.live_run import live_run
from lrshape.predict.reading import Runs
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import CAUTION, REACH

STEPS = (15_000, 25_000, 50_000)
DONE = (0.1, 0.2, 0.4, 0.6)
"""Shares of the steps that are done."""
CLOSE = 0.002


def held(run: Run) -> int:
    """Return the step until which a run stays at its highest LR."""
    return int(np.flatnonzero(run.lrs >= 0.999 * run.lrs.max())[-1]) + 1


def decays(group: Sequence[Run], rows: dict[str, dict[str, str]], steps: int) -> list[Run]:
    """Return the runs of so many steps that hold the LR and then decay it, for one setting each."""
    alike = [run for run in group if abs(run.steps - steps) <= 0.01 * steps and held(run) < 0.95 * run.steps]
    return [run for run in alike if rows[run.name]["decay_type"]]


def usual(runs: Sequence[Run], rows: dict[str, dict[str, str]]) -> Run | None:
    """Return the run that decays linearly over the last fifth."""
    found = [run for run in runs if rows[run.name]["decay_type"] == "linear"]
    return next((run for run in found if float(rows[run.name]["wsd_fract_decay"]) == 0.2), None)


def cases() -> Iterator[tuple[str, Run, list[Run], list[Run], list[float], Run]]:
    """Yield what is given, the live and finished runs, the known decays, their losses, and the usual one."""
    with (CURVES / "lr-scheduling" / "runs.csv").open() as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    for group in scheduling_runs():
        constant = next((run for run in group if held(run) > 0.99 * run.steps), None)
        if constant is None:
            continue
        for steps in STEPS:
            known = decays(group, rows, steps)
            plan = usual(known, rows)
            for share in DONE:
                done = round(share * steps)
                # Cooldowns of some horizons were resumed within a few percent of the nominal step.
                unseen = [run for run in known if held(run) >= 0.97 * done]
                if plan is None or plan not in unseen or len(unseen) < 3:
                    continue
                live, _ = live_run(Runs((constant,)), int(constant.points[constant.points <= done][-1]))
                losses = [float(rows[run.name]["final_val_loss"]) for run in unseen]
                yield "nothing else", live, [], unseen, losses, plan
                for fewer in STEPS:
                    if fewer >= steps:
                        break
                    short = decays(group, rows, fewer)
                    cosines = [
                        run for run in group if run.steps == fewer and rows[run.name]["scheduler"] == "cos"
                    ]
                    if (other := usual(short, rows)) is not None:
                        yield "a WSD 20% of fewer steps", live, [other], unseen, losses, plan
                        for cosine in cosines[:1]:
                            yield "that and a cosine", live, [other, cosine], unseen, losses, plan
                    for cosine in cosines[:1]:
                        yield "a cosine of fewer steps", live, [cosine], unseen, losses, plan


def live_table() -> str:
    """Return how far suggestions end above the best known cooldown, and whether their intervals hold."""
    found, without = defaultdict(lambda: defaultdict(list)), 0
    for given, live, finished, known, losses, plan in cases():
        lrs = [run.lrs for run in known]
        judged = forecast(live, finished, plan.lrs, lrs)
        if judged.laws is None:
            without += 1
            continue
        mean, error = judged.laws.differences(lrs, plan.lrs)
        truth = np.array(losses) - losses[known.index(plan)]
        part = found[given, "curves" if judged.by_curves else "bound"]
        first = int(np.argmin(mean + CAUTION * error))
        part["regret"].append(truth[first] - truth.min())
        part["usual"].append(-truth.min())
        others = np.array([run is not plan for run in known])
        part["holds"] += (np.abs(mean - truth) < REACH * error)[others].tolist()
        part["miss"] += (mean - truth)[others].tolist()
        if mean[first] + REACH * error[first] < 0:
            part["right"].append(truth[first] < 0)
    rows = [
        (
            given,
            by,
            str(len(part["regret"])),
            f"{np.median(part['regret']):.4f}",
            f"{np.max(part['regret']):.4f}",
            f"{np.mean(np.array(part['regret']) <= CLOSE):.0%}",
            f"{np.median(part['usual']):.4f}",
            f"{np.max(part['usual']):.4f}",
            f"{np.sqrt(np.mean(np.square(part['miss']))):.4f}",
            f"{np.mean(part['holds']):.0%}",
            f"{sum(part['right'])} of {len(part['right'])}",
        )
        for (given, by), part in found.items()
    ]
    columns = ("beside the live run", "by", "cases", "median regret", "worst", "within 0.002")
    columns += ("regret of WSD 20%", "worst", "RMSE of differences", "95% intervals hold", "claims right")
    left_out = f"\n\nCases left out because their runs contradict the laws: {without}." if without else ""
    return table(columns, rows) + left_out
