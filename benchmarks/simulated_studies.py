"""Do the statistics hold what they promise? 20,000 simulated studies, by the functions that reports use.

Coverage of the intervals, three ways of looking again after more seeds, the error of the near-optimal set,
and the bias of a winner's score in each phase. Nothing is trained.

    python benchmarks/simulated_studies.py
"""

import math
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version

import numpy as np
from _measure import table
from _sequential_tests import compare_methods
from scipy import stats

from lrshape.analysis.intervals import hodges_lehmann, interval_ranks, sign_interval

STUDIES = 20_000
BLOCK = 250
RANKED = 1_000
"""Studies whose Walsh averages are taken: there are many of them."""
SEEDS = (10, 20, 40)
SHIFT = 0.5
CORRELATION = 0.7
"""Of two shapes' scores over seeds: what a seed does to one it mostly does to the other."""
INF = np.inf


def normal(z: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Leave normal scores as they are."""
    return z


def heavy(z: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Student's t with 2 degrees of freedom: its variance is infinite."""
    return z / np.sqrt(random.chisquare(2, z.shape) / 2)


def ties(z: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Few distinct values, as an error on a small test set has."""
    return np.round(2 * z) / 2


def unequal(z: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The first shape is three times as noisy as the second."""
    return z * np.array([3.0, 1.0])[:, None, None]


def diverging(z: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A fifth of the trials diverges, of each shape by itself."""
    return np.where(random.random(z.shape) < 0.2, INF, z)


NOISES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "normal": normal,
    "heavy-tailed, t(2)": heavy,
    "ties": ties,
    "unequal variances": unequal,
    "a fifth +∞": diverging,
}
LOST = {"a fifth +∞": 0.2}


def correlated(random: np.random.Generator, shapes: int, studies: int, seeds: int) -> np.ndarray:
    """Standard normal scores (shapes, studies, seeds), correlated over the seeds of a study."""
    of_seed, own = random.normal(size=(studies, seeds)), random.normal(size=(shapes, studies, seeds))
    return math.sqrt(CORRELATION) * of_seed + math.sqrt(1 - CORRELATION) * own


def median_of(noise: str) -> float:
    """The population's median under a noise."""
    return float(stats.norm.ppf(0.5 / (1 - LOST.get(noise, 0.0))))


def cover_median(noise: str, seeds: int) -> float:
    """Share of studies whose median interval holds the population's median."""
    random = np.random.default_rng([seeds, len(noise)])
    ordered = np.sort(NOISES[noise](correlated(random, 2, STUDIES, seeds), random)[0], axis=1)
    low, high = interval_ranks(seeds)
    truth = median_of(noise)
    return float(np.mean((ordered[:, low] <= truth) & (truth <= ordered[:, high])))


def cover_difference(noise: str, seeds: int) -> float:
    """Share of studies whose interval holds the median paired difference."""
    random = np.random.default_rng([seeds, len(noise)])
    a, b = NOISES[noise](correlated(random, 2, STUDIES, seeds), random)
    with np.errstate(invalid="ignore"):
        differences = a + SHIFT - b
    ordered = np.sort(np.where(np.isnan(differences), -INF, differences), axis=1)
    low, high = interval_ranks(seeds)
    held = ordered[:, low] <= SHIFT + 1e-12
    ordered = np.sort(np.where(np.isnan(differences), INF, differences), axis=1)
    held &= ordered[:, high] >= SHIFT - 1e-12
    return float(held.mean())


def skewed_pairs(seeds: int) -> tuple[float, float]:
    """Share of studies that claim a difference at 5% where medians are equal but one noise is skewed."""
    random = np.random.default_rng([seeds, 9])
    skewed = random.normal(0, 0.1, (RANKED, seeds)) - random.exponential(0.2, (RANKED, seeds))
    centre = np.median(random.normal(0, 0.1, 400_000) - random.exponential(0.2, 400_000))
    found = [(sign_interval(row), hodges_lehmann(row)) for row in skewed - centre]
    sign, ranked = (np.mean([pair[i].p_value < 0.05 for pair in found]) for i in (0, 1))
    return float(sign), float(ranked)


def put_outside(shapes: int, seeds: int) -> float:
    """Share of shapes, all equal to the best, that are put outside of the near-optimal set at margin 0.

    The best is the shape that came first on the same seeds. Shapes of one study count one by one, hence fewer
    studies than elsewhere give as many shapes.
    """
    random = np.random.default_rng([shapes, seeds, 1])
    outside, size = 0, 50
    blocks = math.ceil(STUDIES / (shapes * size))
    low, _ = interval_ranks(seeds)
    for _ in range(blocks):
        scores = correlated(random, shapes, size, seeds)
        best = np.argmin(np.median(scores, axis=2), axis=0)
        reference = scores[best, np.arange(size)]
        outside += int(np.sum(np.sum(scores <= reference, axis=2) <= low))
    return outside / (blocks * size * shapes)


def winners_curse() -> list[list[str]]:
    """Rows: a phase, the mean of its score of the winner minus the truth, and its interval's coverage."""
    random = np.random.default_rng(3)
    shapes, grid, top = 64, np.arange(-3.5, 4), 12
    found: dict[str, list[np.ndarray]] = {"screen": [], "rescore": [], "confirm": []}
    covered: dict[str, float] = dict.fromkeys(("rescore", "confirm"), 0.0)
    every = np.arange(BLOCK)
    for _ in range(STUDIES // BLOCK):
        quality, best_lr = random.normal(0, 1, (shapes, BLOCK)), random.uniform(-1.5, 1.5, (shapes, BLOCK))
        truth = quality[..., None] + 0.3 * (grid - best_lr[..., None]) ** 2  # (shapes, studies, base LRs)
        noise = np.stack([correlated(random, shapes * len(grid), BLOCK, 2)], 0).reshape(
            shapes, len(grid), BLOCK, 2
        )
        screen = np.median(truth[..., None] + noise.transpose(0, 2, 1, 3), axis=3)
        at = np.argmin(screen, axis=2)
        score, true = (np.take_along_axis(v, at[..., None], 2)[..., 0] for v in (screen, truth))
        first = np.argmin(score, axis=0)
        found["screen"].append(score[first, every] - true[first, every])
        kept = np.argsort(score, axis=0)[:top]
        kept_truth = np.take_along_axis(true, kept, 0)
        rescored = kept_truth[..., None] + correlated(random, top, BLOCK, 10)
        won = np.argmin(np.median(rescored, axis=2), axis=0)
        values = {"rescore": rescored[won, every], "confirm": correlated(random, 1, BLOCK, 20)[0]}
        values["confirm"] = values["confirm"] + kept_truth[won, every][:, None]
        for phase, sample in values.items():
            found[phase].append(np.median(sample, axis=1) - kept_truth[won, every])
            low, high = interval_ranks(sample.shape[1])
            ordered, is_true = np.sort(sample, axis=1), kept_truth[won, every]
            covered[phase] += np.sum((ordered[:, low] <= is_true) & (is_true <= ordered[:, high]))
    rows = []
    for phase, seeds in (("screen", 2), ("rescore", 10), ("confirm", 20)):
        bias = np.concatenate(found[phase])
        error = 1.96 * bias.std() / math.sqrt(STUDIES)
        share = f"{covered[phase] / STUDIES:.1%}" if phase in covered else "no interval"
        rows.append(
            [phase, str(seeds), f"{bias.mean():+.3f} ± {error:.3f}", f"{np.mean(bias < 0):.1%}", share]
        )
    return rows


def main() -> None:
    """Simulate and print."""
    percent = "{:.1%}".format
    with ProcessPoolExecutor(2) as pool:
        outside = {n: [pool.submit(put_outside, n, seeds) for seeds in SEEDS] for n in (12, 50)}
        differences = {n: [pool.submit(cover_difference, n, seeds) for seeds in SEEDS] for n in NOISES}
        curse = pool.submit(winners_curse)
        medians = [[n, *(percent(cover_median(n, seeds)) for seeds in SEEDS)] for n in NOISES]
        covered = [[n, *(percent(f.result()) for f in row)] for n, row in differences.items()]
        near = [[str(n), *(percent(f.result()) for f in row)] for n, row in outside.items()]
        biases = curse.result()
    skewed = [[str(n), *map(percent, skewed_pairs(n))] for n in (20, 40, 160)]
    seeds = [f"{n} seeds" for n in SEEDS]
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    write = sys.stdout.write
    write(
        f"## Statistics: {STUDIES:,} simulated studies\n\n{versions}. The standard error of a share of 95% "
        f"is {math.sqrt(0.95 * 0.05 / STUDIES):.2%}. Scores over seeds have a correlation of {CORRELATION} "
        "between shapes.\n\n### Coverage of the median's 95% interval\n\n"
    )
    write(table(["noise", *seeds], medians))
    write("\n\n### Coverage of the 95% interval of the median paired difference\n\n")
    write(table(["noise", *seeds], covered))
    write(
        "\n\n### Equal medians, but the pairs’ noise is skewed\n\n"
        "Share of studies that claim a difference at 5%: why the signed-rank test stands only beside.\n\n"
    )
    write(table(["seeds", "sign test", "signed-rank test"], skewed))
    write("\n\n### Looking again after more seeds\n\n")
    write(compare_methods())
    write(
        "\n\n### The near-optimal set: shapes that equal the best, put outside\n\n"
        f"The worst case: no margin, and the best is the luckiest of equals. {STUDIES:,} shapes.\n\n"
    )
    write(table(["rescored shapes", *seeds], near))
    write(
        "\n\n### The winner’s curse\n\n"
        "64 shapes whose qualities differ as much as one trial’s noise does, at 8 base LRs; the best 12 "
        "are rescored, the best of those is confirmed. The winner’s score minus its true median, in standard "
        "deviations of one trial.\n\n"
    )
    headings = ["score from", "seeds", "bias, mean ± 95%", "studies that flatter it", "interval covers"]
    write(table(headings, biases) + "\n")


if __name__ == "__main__":
    main()
