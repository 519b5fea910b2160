"""What it costs to use one setting's best shape in another, on seeds that have decided nothing else.

A sweep of `lrshape` measures that itself. Where the losses are known, they are computed instead. Some of the
stored sweeps were left undecided by their first seeds, and got more: of these only the later ones count, or,
where base LRs were tuned again, too, contests of the best shapes on fresh seeds (`CONTESTED`).
"""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from effects import Effect, contest_effect, effect_of_logs
from exact import expected_scores, lowest, rms_lr, shape
from stored import WorkloadStudies, contest_rows

from lrshape.analysis.intervals import holm
from lrshape.analysis.paired import LEVEL
from lrshape.analysis.tables import where
from lrshape.checks.settings import Sweep
from lrshape.checks.transfer import FIRST_SCORING_SEED
from lrshape.checks.transfer_statistics import TUNED, BestShape, answer
from lrshape.store import params_of
from lrshape.study.study import Study

CONTESTED = ("digits-cnn",)
"""Workloads whose sweeps have a contest for each setting."""
CONTESTS = "contests"
"""The folder of a sweep that has them, by the settings' slugs."""
SEEN = {("cifar10-cnn", "weight-decay-constant"): 8, ("wikitext-transformer", "weight-decay-constant"): 8}
"""How many scoring seeds of a workload's sweep had been looked at before more were added."""


@functools.cache  # several sections ask
def answer_of(one: WorkloadStudies, sweep: Sweep, margin: float) -> dict[str, Any]:
    """Whether a setting changes which shape is better; see `lrshape.checks.transfer_statistics.answer`."""
    return answer(_regrets_of(one, sweep)(margin))


@functools.cache
def _regrets_of(one: WorkloadStudies, sweep: Sweep) -> Callable[[float], pd.DataFrame]:
    """The regrets for a margin, from what takes long and is the same for all margins."""
    if one.expected is not None:
        return functools.partial(_table, list(_computed(sweep)))
    if one.name in CONTESTED:
        return functools.partial(_table, list(_contested(sweep)))
    return _Fresh(sweep.path, SEEN.get((one.name, sweep.path.name), 0)).regrets


def contest_place(sweep: Path, slug: str) -> Path:
    """The contest of a setting."""
    return sweep / CONTESTS / slug


def schedule_name(slug: str) -> str:
    """What the contests call the best shape of a setting: names of schedules have no dots."""
    return slug.replace(".", "_")


def given(best: BestShape) -> dict[str, Any]:
    """A setting's best shape as specs have it."""
    return {"family": best.family, "params": params_of(best.params)}


class _Fresh(Sweep):
    """A sweep without its first scoring seeds."""

    def __init__(self, path: Path, seen: int):
        super().__init__(path)
        self._seen = [FIRST_SCORING_SEED + i for i in range(seen)]

    def transfers(self) -> dict[str, pd.DataFrame]:
        found = super().transfers()
        return {slug: where(table, ~table["seed"].isin(self._seen)) for slug, table in found.items()}


Pairs = Iterable[tuple[str, str, Effect, float]]
"""Which setting's shape, in which other setting, what that costs, and the p-value of a regret above 0."""


def _computed(sweep: Sweep) -> Pairs:
    studies = {setting.slug: sweep.study(setting) for setting in sweep.settings}
    for own in sweep.best_shapes:
        scores = expected_scores(studies[own.setting].spec.workload)
        assert scores is not None
        shapes = [shape(given(best)) for best in sweep.best_shapes]
        about = rms_lr(shape(given(own)), own.base_lr)
        losses = dict(zip(sweep.best_shapes, lowest(scores, shapes, about), strict=True))
        for best in sweep.best_shapes:
            loss = losses[best] - losses[own]
            yield best.setting, own.setting, effect_of_logs(loss, loss, loss), float(loss <= 0)


def _contested(sweep: Sweep) -> Pairs:
    for own in sweep.best_shapes:
        reference = schedule_name(own.setting)
        rows = contest_rows(Study(contest_place(sweep.path, own.setting)), reference)
        for best in sweep.best_shapes:
            row = rows[schedule_name(best.setting)]
            yield best.setting, own.setting, contest_effect(row, rows[reference]), float(row["p_value"])


def _table(pairs: Pairs, margin: float) -> pd.DataFrame:
    """The regrets as `lrshape.checks.settings.Sweep.regrets` has them, as far as `answer` needs them.

    Unlike there, p-values are of a regret above 0, whatever the margin.
    """
    found = [pair for pair in pairs if pair[0] != pair[1]]
    corrected = holm([p for *_, p in found])
    rows = []
    for (best, own, effect, p_value), p in zip(found, corrected, strict=True):
        costs, is_within = effect.low > margin and p < LEVEL, effect.high < margin
        verdict = "costs" if costs else "within" if is_within else "undecided"
        rows.append(
            {
                "choice": TUNED,
                "shape_of": best,
                "used_in": own,
                "relative": effect.value,
                "relative_low": effect.low,
                "relative_high": effect.high,
                "regret": effect.value,
                "regret_low": effect.low,
                "p_above_0": p_value,
                "edge": "" if effect.is_judged else "edge",
                "own_edge": "",
                "verdict": verdict if effect.is_judged else "undecided",
            }
        )
    return pd.DataFrame(rows)
