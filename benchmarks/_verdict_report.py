"""The section of RESULTS.md that verdicts.py prints: tables of what was claimed and what is true."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from _measure import machine, table
from _verdict_measures import Result
from _worlds import WORLDS
from scipy.stats import binomtest

DECIDED = ("better", "worse", "equal")

BEFORE = {
    # false "better" in % of studies; base-LR loss (median; 90%) of winners and of baselines
    "linear": ("5.5% (200)", "0.15%; 1.0%", "2.5%; 13%"),
    "sharp": ("35% (66)", "0.06%; 0.3%", "5.6%; 22%"),
    "spline": ("3% (100)", "", ""),
    "heavy": ("15% (120)", "", ""),
    "skew": ("6.7% (120)", "", ""),
    "noisy": ("5% (100)", "1.2%; 5%", "8.8%; 66%"),
    "accuracy": ("9% (120)", "", ""),
    "lm": ("0% (100)", "0.01%; 0.03%", "0.13%; 0.3%"),
    "cap": ("9% (100)", "", ""),
    "quad": ("0% (100)", "0.65%; 1.9%", "53%; 124%"),
}

INTRODUCTION = """\
Whole searches of synthetic workloads whose truth is known (`_worlds.py`): each schedule has a score \
without noise, and each seed adds noise that all schedules share and noise of each schedule's own. N is the \
number of trials that a study may train. Shares are of studies, with 95% Clopper-Pearson intervals.

- False better: the study claims that the winner is better than some baseline, but at its own best base \
LR this baseline is at least as good as the confirmed winner.
- False worse: the study claims that some baseline is better than the winner, but at its own best base \
LR the winner is at least as good as that confirmed baseline.
- False equal: the study claims that some baseline equals the winner within the margin, but at their own \
best base LRs they differ by more.
- Before: false better under the rules of revision 1c03511 and the number of studies: base LRs of \
baselines from a grid of factor 2 and one seed each, bootstrap of the difference of medians over 20 \
seeds. N was 256 for linear, sharp, lm and quad, else 128, and did not count baselines and the confirm \
phase; the own noise was drawn by other random numbers. "-" was not measured."""

TRUTHS = """\
Base-LR loss is how much better a schedule would be at its own best base LR: log ratio, or difference \
where the metric may be negative. Covered is how often 95% intervals hold the truth: the winner's median, \
and the paired effects of all other rows at the base LRs that were confirmed. Regret is the winner's \
distance from the best schedule of all. Gain is the share of the way from the best baseline, tuned, to \
the best schedule ("-": a baseline is the best)."""


def section(results: Mapping[str, Sequence[Result]]) -> str:
    """The section, from the results of searches by ``WORLD-TRIALS``."""
    parts = ["## Verdicts: what searches claim and what is true", f"{machine()}."]
    parts += [INTRODUCTION, table(CLAIMED, [_claims(*item) for item in results.items()])]
    parts += [TRUTHS, table(MEASURED, [_truths(*item) for item in results.items()])]
    return "\n\n".join(parts) + "\n"


CLAIMED = ["world", "N", "studies", "false better", "before", "false worse", "false equal"]
CLAIMED += ["baselines decided", "seeds a row", "trained of N"]


def _claims(name: str, results: Sequence[Result]) -> list[str]:
    world, trials = name.rsplit("-", 1)
    baselines = [row for result in results for row in result["others"] if row["is_baseline"]]
    decided = [row["verdict"] in DECIDED for row in baselines]
    seeds = [row["seeds"] for result in results for row in (result["winner"], *result["others"])]
    return [
        world,
        trials,
        str(len(results)),
        _share(sum(map(false_better, results)), len(results)),
        BEFORE.get(world, ("-",))[0],
        _share(sum(map(false_worse, results)), len(results)),
        _share(sum(map(false_equal, results)), len(results)),
        f"{np.mean(decided):.0%}",
        f"{np.mean(seeds):.0f}",
        f"{np.mean([sum(result['trained'].values()) for result in results]) / int(trials):.0%}",
    ]


def false_better(result: Result) -> bool:
    """Whether it claims to beat a baseline that, tuned, is at least as good as the winner as confirmed."""
    return _claims_wrongly(result, "better", lambda row, winner: row["tuned"] <= winner["true"])


def false_worse(result: Result) -> bool:
    """Whether it claims to lose to a baseline that, as confirmed, is no better than the winner tuned."""
    return _claims_wrongly(result, "worse", lambda row, winner: winner["tuned"] <= row["true"])


def false_equal(result: Result) -> bool:
    """Whether it claims to equal a baseline within the margin, which both tuned are not."""
    return _claims_wrongly(result, "equal", lambda row, _: abs(row["tuned_effect"]) > result["margin"])


def _claims_wrongly(result: Result, verdict: str, is_wrong: Callable[[Result, Result], bool]) -> bool:
    return any(
        row["verdict"] == verdict and is_wrong(row, result["winner"])
        for row in result["others"]
        if row["is_baseline"]
    )


MEASURED = ["world", "N", "base-LR loss, winner: median; 90% quantile", "baselines", "before: winner"]
MEASURED += ["baselines", "winner covered", "paired covered", "regret, median", "gain, median"]
MEASURED += ["CPU s a study"]


def _truths(name: str, results: Sequence[Result]) -> list[str]:
    world, trials = name.rsplit("-", 1)
    winners = [result["winner"] for result in results]
    percent = WORLDS[world](world, 1.0).scale == "log"
    others = [row for result in results for row in result["others"]]
    return [
        world,
        trials,
        _spread([row["loss"] for row in winners], percent),
        _spread([row["loss"] for row in others if row["is_baseline"]], percent),
        *(BEFORE.get(world, ("", "", ""))[1:]),
        _share(*_covered(winners, "low", "median", "high")),
        _share(*_covered(others, "effect_low", "true_effect", "effect_high")),
        _number(float(np.median([result["regret"] for result in results])), percent),
        _gain(results),
        f"{np.mean([result['seconds'] for result in results]):.1f}",
    ]


def _covered(rows: Iterable[Result], low: str, truth: str, high: str) -> tuple[int, int]:
    """How many intervals hold the truth, and how many there are."""
    known = [row for row in rows if np.isfinite([row[low], row[truth]]).all()]
    # Ties of discrete metrics differ by rounding.
    held = [row[low] - 1e-12 <= row[truth] <= row[high] + 1e-12 for row in known]
    return sum(held), len(held)


def _gain(results: Sequence[Result]) -> str:
    """The winner's share of what the best schedule gains over the best baseline, each tuned."""
    shares = []
    for result in results:
        baseline = min(row["tuned"] for row in result["others"] if row["is_baseline"])
        possible = baseline - result["best"]
        if possible > 1e-3 * abs(result["best"]):
            shares.append((baseline - result["winner"]["true"]) / possible)
    return f"{np.median(shares):.0%}" if shares else "-"


def _spread(values: Sequence[float], percent: bool) -> str:
    return f"{_number(np.median(values), percent)}; {_number(np.quantile(values, 0.9), percent)}"


def _number(value: float, percent: bool) -> str:
    return f"{value:.2%}" if percent else f"{value:.4f}"


def _share(count: int, of: int) -> str:
    """A share with its exact 95% interval."""
    if not of:
        return "-"
    interval = binomtest(count, of).proportion_ci()
    return f"{count / of:.1%} [{interval.low:.1%}, {interval.high:.1%}]"
