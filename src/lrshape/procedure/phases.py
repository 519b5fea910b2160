"""The phases of a study: each yields rounds of trials to run, and decides from their results.

A phase is a generator of lists of trials; the table of the phase's trials so far is sent back into it,
and it returns what it chose. What it does depends on the spec and the results alone, so that a study that is
run again from stored results takes the same course.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.comparisons import key_of, keys_of
from lrshape.analysis.direction import as_losses
from lrshape.analysis.scores import best_base_lrs, samples_by_seed, scores
from lrshape.procedure.choice import Choice
from lrshape.procedure.rounds import Phase, Rounds
from lrshape.procedure.sampler import worst_for_lost
from lrshape.procedure.screening import rank, screen
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate, trials
from lrshape.procedure.tuning import tune

RUNGS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
"""Seeds after which a race drops what cannot win."""


def rungs(seeds: int) -> list[int]:
    """The rungs of a race over ``seeds`` seeds, which is the last.

    Example:
        >>> rungs(20)
        [1, 3, 10, 20]
    """
    return [rung for rung in RUNGS if rung < seeds] + [seeds]


def drop_losers(
    trials: pd.DataFrame, metric: str, candidates: list[Candidate], error: float
) -> list[Candidate]:
    """Return the candidates that may still be the best.

    A candidate is dropped if a paired one-sided t-test over the common seeds rejects, at the level ``error``
    divided by the number of the others, that it is as good as the one with the best median. The scores are
    compared by their logarithms if all are positive, which makes noise symmetric and alike for all; a
    training that diverged counts as the worst finite one. With fewer than three seeds none is dropped.

    Args:
        trials: of the candidates, any order.
        metric: the metric that is minimised.
        candidates: shapes at base LRs.
        error: chance that the best of the candidates is dropped here, at most, in (0, 1).

    Source: racing by paired tests: Maron & Moore, "The racing algorithm" (1997).
    """
    table = pd.DataFrame([c.key for c in candidates], columns=["shape", "base_lr", "hyperparameters"])
    # The seeds that all have, which are those of the candidates that have run the fewest.
    values = pd.concat(samples_by_seed(trials, metric, table), axis=1, join="inner").to_numpy(np.float64)
    if len(values) < 3 or len(candidates) < 2:
        return candidates
    middle = np.median(values, axis=0)
    if not np.isfinite(middle).any():
        return candidates
    best = int(np.argmin(middle))
    worse = _p_values(_comparable(values), best) < error / (len(candidates) - 1)
    return [c for i, c in enumerate(candidates) if i == best or not worse[i]]


def _comparable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    y = worst_for_lost(values)
    return np.log(y) if (y > 0).all() else y


def _p_values(y: NDArray[np.float64], best: int) -> NDArray[np.float64]:
    """One-sided: how likely such a lead of the best one would be between equals, (candidates,)."""
    from scipy import stats  # slow to import

    difference = y - y[:, [best]]
    mean, spread = difference.mean(axis=0), difference.std(axis=0, ddof=1)
    exact = spread <= 1e-12 * np.maximum(np.abs(mean), 1e-300)  # no noise: any lead is one
    t = mean / np.where(exact, 1.0, spread / np.sqrt(len(y)))
    return np.where(exact, np.where(mean > 0, 0.0, 1.0), stats.t.sf(t, len(y) - 1))


def rescore(spec: SearchSpec, screened: Sequence[Candidate]) -> Phase:
    """The top shapes, and each family's best if that will be confirmed, around their best base LRs.

    They get fresh seeds. In a race, these are spent in rungs, and after each one only what may still win
    goes on. Baselines are not chosen, so they wait for the tune phase.
    """
    own = [c for c in screened if not c.shape.is_baseline]
    if not own:
        return _baselines(screened)
    chosen = own[: spec.rescore.top] + (_first_of_each_family(own) if spec.confirm.families else [])
    racing = [
        best._replace(base_lr=base_lr)
        for best in dict.fromkeys(chosen)
        for base_lr in spec.base_lr.bracket(best.base_lr, spec.rescore.base_lrs)
    ]
    shapes = [candidate.shape for candidate in chosen]
    done, table = 0, pd.DataFrame()
    for rung in rungs(spec.rescore.seeds) if spec.rescore.race else [spec.rescore.seeds]:
        table = yield trials("rescore", racing, rung - done, skip=done)
        done = rung
        if spec.rescore.race:
            racing = _may_win(table, spec, racing)
    return rank(best_base_lrs(scores(table, spec.metric)), shapes) + _baselines(screened)


def _may_win(table: pd.DataFrame, spec: SearchSpec, racing: list[Candidate]) -> list[Candidate]:
    """What may still win the study, and the best of each family if that will be confirmed."""
    error = spec.rescore.race_alpha / len(rungs(spec.rescore.seeds))
    kept = set(drop_losers(table, spec.metric, racing, error))
    if spec.confirm.families:
        best = best_base_lrs(scores(table, spec.metric))
        kept |= set(_first_of_each_family(rank(best, [c.shape for c in racing])))
    return [c for c in racing if c in kept]


def confirm(spec: SearchSpec, choice: Choice, spent: int) -> Rounds[Choice]:
    """The winner, each family's best and the baselines on unseen seeds, until the baselines are decided.

    After each look only the winner and what more seeds may still decide go on; what was decided and is open
    again, as the margin is estimated anew, catches up. In a contest a schedule that is shown to be better
    than the winner takes its place.

    Args:
        spec: of the search.
        choice: what to confirm.
        spent: trials of the phases before.
    """
    rows = [tuned.candidate for tuned in choice.schedules]
    by_key = {candidate.key: candidate for candidate in rows}
    left = None if spec.max_trials is None else max(0, spec.max_trials - spent)
    design, done = choice.design(spec), dict.fromkeys(by_key, 0)
    for look in spec.confirm.looks:
        seeds = look
        while left is not None and seeds and sum(max(0, seeds - done[row.key]) for row in rows) > left:
            seeds -= 1
        asked = [
            trial
            for row in rows
            if done[row.key] < seeds
            for trial in trials("confirm", [row], seeds - done[row.key], skip=done[row.key])
        ]
        if not asked:
            break
        table = yield asked
        done |= {row.key: max(seeds, done[row.key]) for row in rows}
        left = None if left is None else left - len(asked)
        analysis = Analysis(table, spec.metric, design=design).led()  # from the side of who leads now
        design, undecided = analysis.design, set(analysis.undecided())
        rows = [row for row in by_key.values() if row.key in undecided]
        if not rows or seeds < look:
            break
        rows = [by_key[key_of(analysis.winner)], *rows]
    return choice


def is_confirmed(spec: SearchSpec, choice: Choice, trials: pd.DataFrame, spent: int) -> bool:
    """Whether the confirm phase has all the trials that it takes.

    Args:
        spec: of the search.
        choice: what it confirms.
        trials: of the confirm phase, in any order of rows.
        spent: trials of the phases before.
    """
    own = as_losses(trials, spec.metric, spec.direction)
    keys = zip(keys_of(own), own["seed"], strict=True)
    stored = {key: row for row, key in enumerate(keys)}
    phase = confirm(spec, choice, spent)
    rows: list[int] = []
    try:
        asked = next(phase)
        while True:
            keys = [(trial.candidate.key, trial.seed) for trial in asked]
            if not all(key in stored for key in keys):
                return False
            rows += [stored[key] for key in keys]
            asked = phase.send(own.iloc[rows])
    except StopIteration:
        return True


PHASES: Mapping[str, Callable[[SearchSpec, Any, pd.DataFrame], Rounds[Any]]] = {
    "screen": lambda spec, _, __: screen(spec),
    "rescore": lambda spec, screened, _: rescore(spec, screened),
    "tune": tune,
    "confirm": lambda spec, choice, history: confirm(spec, choice, len(history)),
}
"""The phases of a search as they run; each takes what the one before it chose, and all trials before it."""


def _baselines(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.shape.is_baseline]


def _first_of_each_family(candidates: Sequence[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.shape.family.name, candidate)
    return list(first.values())
