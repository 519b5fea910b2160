"""Three ways of looking at a sign test again after more seeds with 5% error in all, on exact binomial walks.

- Union bound: each look gets the share of the 5% that its seeds have of all (`lrshape.analysis.looks`).
- Exact boundaries: the same shares of the error, spent by recursion over the walks that have not stopped yet
  (Lan & DeMets 1983); what a look cannot spend passes to the next one.
- Betting: a Beta(3, 3) mixture of bets on the signs, valid after any seed (an e-process).
"""

import math

import numpy as np
from _measure import table
from numpy.typing import NDArray
from scipy import special, stats

from lrshape.analysis.intervals import interval_ranks
from lrshape.analysis.looks import share_of_error

LOOKS = (10, 20, 40, 80, 160)
ALPHA = 0.05
STUDIES = 4_000
BETA = 3.0
SEED_SD = 0.15
OWN_SDS = (0.1, 0.2)
EFFECTS = (0.0, 0.05, 0.1)

Ranks = dict[int, int]
"""By number of seeds: how many signs of one kind there may be, at most, for a claim; -1: none can be made."""


def union_bound(alpha: float) -> Ranks:
    """Plain tests, each at its share."""
    return {n: interval_ranks(n, 1 - alpha * share_of_error(n, LOOKS))[0] for n in LOOKS}


def exact_boundaries(alpha: float) -> Ranks:
    """Boundaries whose probability to be crossed first at a look is at most what may be spent by then."""
    walking, before, spent, ranks = np.ones(1), 0, 0.0, {}
    for n in LOOKS:
        walking = np.convolve(walking, stats.binom.pmf(np.arange(n - before + 1), n - before, 0.5))
        left = alpha * n / LOOKS[-1] - spent
        rank = int(np.searchsorted(2 * np.cumsum(walking), left, side="right")) - 1
        ranks[n] = min(rank, (n - 1) // 2)
        spent += sum(_stop(walking, ranks[n]))
        before = n
    return ranks


def betting(alpha: float) -> Ranks:
    """Counts at which the capital of the bets reaches 1/alpha, after every seed."""
    ranks = {}
    for n in range(1, LOOKS[-1] + 1):
        k = np.arange(n // 2 + 1)
        capital = special.betaln(k + BETA, n - k + BETA) - special.betaln(BETA, BETA) + n * math.log(2)
        ranks[n] = int(np.sum(capital >= -math.log(alpha))) - 1
    return ranks


def _stop(walking: NDArray[np.float64], rank: int) -> tuple[float, float]:
    """Take the walks that cross a boundary out; the probabilities of the lower and of the upper one."""
    if rank < 0:
        return 0.0, 0.0
    ends = slice(0, rank + 1), slice(len(walking) - 1 - rank, None)
    low, high = (float(walking[end].sum()) for end in ends)
    for end in ends:
        walking[end] = 0
    return low, high


def decide(ranks: Ranks, chance: float) -> tuple[float, float]:
    """Exact share of studies that claim a difference, and their mean number of seeds.

    Args:
        ranks: of a method.
        chance: probability that a pair's difference is positive.
    """
    walking, before, decided, seeds = np.ones(1), 0, 0.0, 0.0
    for n, rank in ranks.items():
        walking = np.convolve(walking, stats.binom.pmf(np.arange(n - before + 1), n - before, chance))
        stopped = sum(_stop(walking, rank))
        decided, seeds, before = decided + stopped, seeds + n * stopped, n
    return decided, seeds + float(walking.sum()) * before


def coverage_at_the_stop(ranks: Ranks, effect: float, own_sd: float) -> float:
    """How often the interval of the median log ratio holds the truth where a study stops, simulated."""
    random = np.random.default_rng(0)
    shape = (STUDIES, LOOKS[-1])
    own, other = SEED_SD * random.normal(size=shape) + own_sd * random.normal(size=(2, *shape))
    ratios, truth = other + math.log1p(effect) - own, math.log1p(effect)
    covered, walking = np.zeros(STUDIES, bool), np.ones(STUDIES, bool)
    for n, rank in ranks.items():
        if rank < 0:
            continue
        ordered = np.sort(ratios[:, :n], axis=1)
        low, high = ordered[:, rank], ordered[:, n - 1 - rank]
        stops = walking & ((low > 0) | (high < 0) | (n == LOOKS[-1]))
        covered[stops] = ((low <= truth) & (truth <= high))[stops]
        walking &= ~stops
    return float(covered.mean())


def compare_methods() -> str:
    """The comparison in Markdown."""
    rows = []
    methods = {
        "union bound (ours)": union_bound(ALPHA),
        "exact boundaries": exact_boundaries(ALPHA),
        "betting, after any seed": betting(ALPHA),
    }
    for name, ranks in methods.items():
        for own_sd in OWN_SDS:
            cells = []
            for effect in EFFECTS:
                chance = float(stats.norm.cdf(math.log1p(effect) / (math.sqrt(2) * own_sd)))
                decided, seeds = decide(ranks, chance)
                covered = coverage_at_the_stop(ranks, effect, own_sd)
                cells.append(f"{decided:.1%}, {seeds:.0f}, {covered:.1%}")
            rows.append([name, f"{own_sd:g}", *cells])
    return (
        f"Looks after {', '.join(map(str, LOOKS))} seeds; seeds move both log losses by {SEED_SD} (sd), each "
        "has its own noise. Share decided, mean seeds, and the interval’s coverage at the stop. Shares and "
        "seeds are exact.\n\n"
        + table(["method", "own sd", *(f"effect {effect:.0%}" for effect in EFFECTS)], rows)
    )
