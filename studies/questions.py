"""The questions that the stored studies answer: for each workload an effect, its interval and a verdict."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from effects import SMALL, Effect
from stored import FEWER, TEN_TIMES, WorkloadStudies, varied, workloads
from transfers import CONTESTED, SEEN, answer_of

from lrshape.analysis.direction import as_losses
from lrshape.analysis.tables import records, where
from lrshape.checks.local import CONFIRM_AFTER, LocalCheck
from lrshape.checks.local_statistics import confirm_points, largest_gain, score_points
from lrshape.checks.seeds import SeedsCheck
from lrshape.checks.seeds_statistics import score_matrix, seed_answer
from lrshape.checks.settings import Sweep
from lrshape.report.claims import plain_value
from lrshape.report.figures.shapes import curve
from lrshape.store import Store, params_of
from lrshape.study.study import Study

WIDE = 0.1
"""A near-optimal set is wide where its shapes differ by more than that, on average over training."""


class Cell(NamedTuple):
    """The answer to one question on one workload.

    Attributes:
        text: as the table has it.
        is_decided: whether it is a claim; None where the question makes no sense.
        effect: what the claim is about, where it is an effect.
    """

    text: str
    is_decided: bool | None
    effect: Effect | None = None


class Question(NamedTuple):
    """One row of the table.

    Attributes:
        text: what is asked.
        cells: the answers, by workload; None where the study was not run.
    """

    text: str
    cells: Mapping[str, Cell | None]


Answer = Callable[[WorkloadStudies], Cell | None]

CONTEST = {
    "Without warmup (best such shape)": "without-warmup",
    "Without decay": "without-decay",
    "Decay to 0": "best-to-0-percent",
    "Decay to 10%": "best-to-10-percent",
    "Decay to 30%": "best-to-30-percent",
    "Constant": "constant",
    "Linear": "linear",
    "Cosine": "cosine",
    "WSD, decay over 20%": "wsd",
}
"""Questions that one schedule of the contest answers, beside the best shape."""
DECAY = "workload.optimizer.weight_decay"
SWEEPS = {
    "Weight decay, lr x wd": (DECAY, "lr"),
    "Weight decay, wd": (DECAY, "constant"),
    "beta1": ("workload.optimizer.beta1", None),
    "beta2": ("workload.optimizer.beta2", None),
    "Horizon": ("workload.steps", None),
    "Optimizer": ("workload.optimizer.name", None),
}
"""Questions that a sweep answers: its axis, and the coupling of weight decay where it matters."""


def questions(studies: Sequence[WorkloadStudies]) -> list[Question]:
    """All questions with their answers."""
    return [Question(text, {one.name: answered(one) for one in studies}) for text, answered in _answers()]


def _answers() -> Iterator[tuple[str, Answer]]:
    for text, name in CONTEST.items():
        yield text, lambda one, name=name: beside_best(one, name)
    yield "Best shape of another family", best_of_another_family
    yield "Are the families' best shapes one curve?", same_curve
    yield "Width of the near-optimal set", near_optimal_width
    for text, (axis, coupling) in SWEEPS.items():
        yield (
            f"{text}: regret of a shape carried over",
            lambda one, at=(axis, coupling): carried_over(one, *at),
        )
    yield "Best change to one parameter", local_change
    yield "Search with fewer trials", fewer_trials
    yield "Search with up to ten times the trials", lambda one: beside_best(one, TEN_TIMES)
    yield "Seeds to screen, to choose among the best", seeds_needed


def share_decided(table: Sequence[Question], names: Sequence[str] = ()) -> tuple[int, int, int]:
    """How many cells are decided, how many were run, and how many there are; of all workloads, or of some."""
    cells = [
        cell for question in table for name, cell in question.cells.items() if not names or name in names
    ]
    asked = [cell for cell in cells if cell is None or cell.is_decided is not None]
    run = [cell for cell in asked if cell is not None]
    return sum(bool(cell.is_decided) for cell in run), len(run), len(asked)


def cell_of(effect: Effect) -> Cell:
    """A cell of an effect: bold where it matters, with a remark where it does not, or is not decided."""
    remark = {"small": "negligible", "open": "not decided"}.get(effect.verdict, "")
    text = effect.text if remark else f"**{effect.text}**"
    return Cell(", ".join(filter(None, (text, effect.note, remark))), effect.verdict != "open", effect)


def beside_best(one: WorkloadStudies, name: str) -> Cell | None:
    """A schedule of the contest beside the best shape."""
    return cell_of(one.effects[name]) if name in one.effects else None


def best_of_another_family(one: WorkloadStudies) -> Cell | None:
    """The best of the other families' best shapes in the contest, beside the best shape."""
    if not one.rivals:
        return None
    family = min(one.rivals, key=lambda rival: one.of_families[rival].value)
    effect = one.of_families[family]
    return cell_of(effect._replace(note=", ".join(filter(None, (f"`{family}`", effect.note)))))


def same_curve(one: WorkloadStudies) -> Cell | None:
    """How far the best shapes of other families lie from the best, and whether they score differently."""
    if not one.rivals:
        return None
    best = shape_of(one.confirmed["best"])
    areas = [area_between(best, shape_of(one.confirmed[name])) for name in one.rivals.values()]
    verdicts = [one.of_families[family].verdict for family in one.rivals]
    counts = {
        "as good": verdicts.count("small"),
        "told apart": verdicts.count("worse") + verdicts.count("better"),
        "not decided": verdicts.count("open"),
    }
    told = ", ".join(f"{count} {text}" for text, count in counts.items() if count)
    return Cell(f"areas {min(areas):.2f} to {max(areas):.2f}; {told}", not counts["not decided"])


def shape_of(row: Mapping[str, Any]) -> np.ndarray:
    """The multipliers of a row's shape, (points,)."""
    return multipliers_of(row["family"], params_of(row["params"]))


def multipliers_of(family: str, params: Mapping[str, Any]) -> np.ndarray:
    """The multipliers of a shape, (points,)."""
    values = curve(family, params)
    assert values is not None  # its family is ours
    return values


def area_between(best: np.ndarray, other: np.ndarray) -> float:
    """The mean distance over training of two shapes, (points,), the other one scaled to fit the best one."""
    scale = float(best @ other) / float(other @ other)
    return float(np.mean(np.abs(best - scale * other))) / float(best.max())


def near_optimal_width(one: WorkloadStudies) -> Cell | None:
    """By how much shapes of the near-optimal set differ, on average over training.

    From the width of those that are shown to be in it to that of those that may be. Shapes that were not
    scored might make the set wider, so only a wide one is decided.
    """
    shown, possible = near_optimal_shapes(one, True), near_optimal_shapes(one, True, None)
    widths = [float(np.mean(np.ptp(curves, axis=0))) for curves in (shown, possible)]
    is_decided = widths[0] > WIDE
    ends = [f"{width:.2f}" for width in widths], [str(len(curves)) for curves in (shown, possible)]
    width, count = (" to ".join(dict.fromkeys(pair)) for pair in ends)
    text = f"{width} ({count} of {len(one.near_optimal)} shapes)"
    return Cell(text if is_decided else f"{text}, not decided", is_decided)


def near_optimal_shapes(one: WorkloadStudies, *states: bool | None) -> np.ndarray:
    """Multipliers of the shapes in these states, (shapes, points); see `WorkloadStudies.near_optimal`."""
    return np.array([shape_of(row) for row, is_inside in one.near_optimal if is_inside in states])


def carried_over(one: WorkloadStudies, axis: str, coupling: str | None) -> Cell | None:
    """What it costs to use one setting's best shape in another, its base LR tuned again."""
    if axis.startswith("workload.optimizer") and "optimizer" not in one.main.spec.document()["workload"]:
        return Cell("has none", None)
    sweep = sweep_over(one, axis, coupling)
    return cell_of(largest_regret(one, sweep)) if sweep else None


def sweep_over(one: WorkloadStudies, axis: str, coupling: str | None) -> Sweep | None:
    """The complete sweep of an axis, with that coupling of weight decay where one is given."""
    found = (s for (key, how), s in one.sweeps.items() if key == axis and coupling in (None, how))
    return next(found, None)


def finds_best(one: WorkloadStudies, margin: float) -> bool:
    """Whether the short search of a sweep surely ends less than a margin above the best shape.

    Else small regrets say nothing about best shapes: what all settings have found may be as bad everywhere.
    """
    missed = one.effects.get(FEWER)
    return missed is not None and missed.high < margin


def largest_regret(one: WorkloadStudies, sweep: Sweep) -> Effect:
    """That of the pairs that show that the best shape moves if any does, else of those that cost, or of all.

    It is judged if a pair does, or if the regrets of all pairs are small and the sweep finds best shapes.
    """
    shown, small = (answer_of(one, sweep, margin) for margin in (0.0, SMALL))
    row, back = shown["largest"], shown["reverse"]
    if row is None:
        return Effect(math.nan, math.nan, math.nan, "one setting trains", is_judged=False)
    axis = varied(sweep)[0]
    labels = {setting.slug: plain_value(setting.values[axis]) for setting in sweep.settings}
    largest, smallest = (
        Effect(pair["relative"], pair["relative_low"], pair["relative_high"]) for pair in (row, back)
    )
    note = f"from {labels[row['shape_of']]} to {labels[row['used_in']]}; back {smallest.text}"
    is_small = small["moves"] == "no" and finds_best(one, SMALL)
    is_moved = shown["moves"] == "yes" and largest.verdict == "worse"
    return largest._replace(note=note, is_judged=is_small or is_moved)


def fewer_trials(one: WorkloadStudies) -> Cell | None:
    """The winner of a sweep's search in the setting of the main search, which had more trials."""
    study = one.fewer_trials
    if study is None:
        return None
    note = f"{study.spec.max_trials} of {one.main.spec.max_trials:,}"
    return cell_of(one.effects[FEWER]._replace(note=note))


def local_change(one: WorkloadStudies) -> Cell | None:
    """The best change to one parameter of the winner; the lower end bounds all changes."""
    path = one.path / "main" / LocalCheck.name
    if not Store.exists(path):
        return None
    study = one.main
    trials = _losses(path, LocalCheck.name, study)
    confirming = (trials["seed"] >= LocalCheck.first_seed() + CONFIRM_AFTER).to_numpy(bool)
    points = score_points(where(trials, ~confirming), study.metric)
    rows = confirm_points(where(trials, confirming), points, study.metric)
    rows = where(rows, rows["shape"] == one.best.shape)
    best = max(records(rows), key=lambda row: (row["verdict"] == "better", row["gain"]))
    bound = largest_gain(rows, "gain_relative_high")
    is_judged = best["verdict"] == "better" or bound < SMALL
    note = f"`{best['parameter']}`"
    return cell_of(Effect(-best["gain_relative"], -bound, -best["gain_relative_low"], note, is_judged))


def seeds_needed(one: WorkloadStudies) -> Cell | None:
    """How many seeds it takes to screen, and to choose within 5% of the best with certainty 95%."""
    path = one.path / "main" / SeedsCheck.name
    if not Store.exists(path):
        return None
    check = SeedsCheck(**Store(path).document["settings"])
    plan = check.plan(one.main)
    found = seed_answer(
        score_matrix(_losses(path, SeedsCheck.name, one.main), one.main.metric),
        *([candidate.shape.id for candidate in group] for group in (plan.screened, plan.top)),
        keep=plan.keep,
    )
    most = found.top.table["seeds"].tolist()[-1]
    counts = found.screen_seeds, found.rescore_seeds
    text = ", ".join(f"more than {most}" if count is None else str(count) for count in counts)
    return Cell(text, None not in counts)


def _losses(path, phase: str, study: Study):
    return as_losses(Store(path).trials([phase]), study.metric, study.spec.direction)


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    studies = workloads()
    table = questions(studies)
    return {
        "workloads": [one.name for one in studies],
        "questions": table,
        "decided": share_decided(table),
        "noisy": share_decided(table, [one.name for one in studies if one.expected is None]),
        "seen": sorted({name for name, _ in SEEN}),
        "contested": CONTESTED,
        "small": SMALL,
        "wide": WIDE,
    }
