"""Do the statistics hold what they promise? 20,000 simulated studies, by the functions that reports use.

Coverage of the intervals, the family-wise error of the corrected tests, the error of the near-optimal set,
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
from scipy import stats

from lrshape.analysis.intervals import holm, interval_ranks, resampled_differences, tail_share, two_sided

STUDIES = 20_000
BLOCK = 250
SEEDS = (6, 10, 20, 40)
SHIFT = 0.5
CORRELATION = 0.7
"""Of two shapes' scores over seeds: what a seed does to one it mostly does to the other."""
INF = np.inf


def normal(z: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Leave normal scores as they are."""
    return z


def log_normal(z: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Skewed, as losses are."""
    return np.exp(z)


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


def together(z: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Two fifths of the seeds diverge, for both shapes."""
    return np.where(random.random(z.shape[1:]) < 0.4, INF, z)


NOISES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "normal": normal,
    "log-normal": log_normal,
    "heavy-tailed, t(2)": heavy,
    "ties": ties,
    "unequal variances": unequal,
    "a fifth +∞": diverging,
    "two fifths +∞, together": together,
}
LOST = {"a fifth +∞": 0.2, "two fifths +∞, together": 0.4}


def correlated(random: np.random.Generator, shapes: int, studies: int, seeds: int) -> np.ndarray:
    """Standard normal scores (shapes, studies, seeds), correlated over the seeds of a study."""
    of_seed, own = random.normal(size=(studies, seeds)), random.normal(size=(shapes, studies, seeds))
    return math.sqrt(CORRELATION) * of_seed + math.sqrt(1 - CORRELATION) * own


def median_of(noise: str) -> float:
    """The population's median under a noise."""
    quantile = float(stats.norm.ppf(0.5 / (1 - LOST.get(noise, 0.0))))
    return math.exp(quantile) if noise == "log-normal" else quantile


def cover_median(noise: str, seeds: int) -> float:
    """Share of studies whose median interval holds the population's median."""
    random = np.random.default_rng([seeds, len(noise)])
    ordered = np.sort(NOISES[noise](correlated(random, 2, STUDIES, seeds), random)[0], axis=1)
    low, high = interval_ranks(seeds)
    truth = median_of(noise)
    return float(np.mean((ordered[:, low] <= truth) & (truth <= ordered[:, high])))


def cover_difference(noise: str, seeds: int) -> tuple[float, float]:
    """Share of studies whose paired interval holds the truth: the plain percentile one's, and ours."""
    random = np.random.default_rng([seeds, len(noise)])
    resamples = 1000 if seeds <= 10 else 500
    cuts = [int(share * resamples) for share in (0.025, tail_share(seeds))]
    covered = np.zeros(2)
    for _ in range(STUDIES // BLOCK):
        a, b = NOISES[noise](correlated(random, 2, BLOCK, seeds), random)
        a = a * (1 + SHIFT) if noise == "log-normal" else a + SHIFT  # either way by SHIFT in the median
        found = resampled_differences(a, b, resamples)
        unknown = np.isnan(found)
        at_most = np.sum(unknown | (found <= SHIFT + 1e-12), axis=1)
        at_least = np.sum(unknown | (found >= SHIFT - 1e-12), axis=1)
        covered += [np.sum((at_most > cut) & (at_least > cut)) for cut in cuts]
    plain, ours = covered / STUDIES
    return float(plain), float(ours)


def family_wise(shapes: int, seeds: int) -> tuple[float, float, float]:
    """Share of studies in which one of equal shapes seems to differ from the first, at 5%.

    Returns:
        Uncorrected; Holm with p-values of the plain percentile bootstrap; Holm with ours.
    """
    random = np.random.default_rng([shapes, seeds])
    resamples, wrong = 1000, np.zeros(3)
    for _ in range(STUDIES // BLOCK):
        scores = correlated(random, shapes, BLOCK, seeds)
        found = [resampled_differences(scores[i], scores[0], resamples) for i in range(1, shapes)]
        beyond = [np.minimum(np.sum(d <= 0, axis=1), np.sum(d >= 0, axis=1)) for d in found]
        share = (np.array(beyond).T + 1) / (resamples + 1)
        plain, ours = np.minimum(1, 2 * share), two_sided(share, seeds)
        wrong[0] += np.sum(ours.min(axis=1) < 0.05)
        wrong[1] += sum(holm(p).min() < 0.05 for p in plain)
        wrong[2] += sum(holm(p).min() < 0.05 for p in ours)
    uncorrected, with_plain, with_ours = wrong / STUDIES
    return float(uncorrected), float(with_plain), float(with_ours)


def put_outside(shapes: int, seeds: int) -> float:
    """Share of shapes, all equal to the best, that are put outside of the near-optimal set at margin 0.

    The best is the shape that came first on the same seeds. Shapes of one study count one by one, hence fewer
    studies than elsewhere give as many shapes.
    """
    random = np.random.default_rng([shapes, seeds, 1])
    resamples, outside, size = 1000, 0, 50
    blocks = math.ceil(STUDIES / (shapes * size))
    cut = int(tail_share(seeds) * resamples)
    for _ in range(blocks):
        scores = correlated(random, shapes, size, seeds)
        best = np.argmin(np.median(scores, axis=2), axis=0)
        reference = scores[best, np.arange(size)]
        for own in scores:
            found = resampled_differences(own, reference, resamples)
            outside += int(np.sum(np.sum(found <= 0, axis=1) <= cut))
    return outside / (blocks * size * shapes)


def winners_curse() -> list[list[str]]:
    """Rows: a phase, the mean of its score of the winner minus the truth, and its interval's coverage."""
    random = np.random.default_rng(3)
    shapes, grid, top = 64, np.arange(-3.5, 4), 12
    found: dict[str, list[np.ndarray]] = {"screen": [], "rescore": [], "confirm": []}
    covered = dict.fromkeys(("rescore", "confirm"), 0.0)
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
        errors = {seeds: pool.submit(family_wise, 7, seeds) for seeds in (20, 40)}
        curse = pool.submit(winners_curse)
        medians = [[n, *(percent(cover_median(n, seeds)) for seeds in SEEDS)] for n in NOISES]
        covered = [
            [n, *(" / ".join(map(percent, future.result())) for future in row)]
            for n, row in differences.items()
        ]
        wrong = [[str(seeds), *map(percent, f.result())] for seeds, f in errors.items()]
        near = [[str(n), *(percent(f.result()) for f in row)] for n, row in outside.items()]
        biases = curse.result()
    seeds = [f"{n} seeds" for n in SEEDS]
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    write = sys.stdout.write
    write(
        f"## Statistics: {STUDIES:,} simulated studies\n\n{versions}. The standard error of a share of 95% "
        f"is {math.sqrt(0.95 * 0.05 / STUDIES):.2%}. Scores over seeds have a correlation of {CORRELATION} "
        "between shapes.\n\n### Coverage of the median's 95% interval\n\n"
    )
    write(table(["noise", *seeds], medians))
    write(
        "\n\n### Coverage of the 95% interval of a paired difference\n\n"
        "The plain percentile bootstrap / ours, whose tails are those of the t interval.\n\n"
    )
    write(table(["noise", *seeds], covered))
    write(
        "\n\n### Family-wise error: six shapes against a winner, all equal\n\n"
        "Share of studies in which at least one seems to differ at 5%.\n\n"
    )
    write(table(["seeds", "uncorrected", "Holm, plain p-values", "Holm, our p-values"], wrong))
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
