"""What the check of seeds found: in words, on its page and as plain data."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.frames import records, where
from lrshape.checks.check import CheckResult
from lrshape.checks.seeds_figures import GROUPS, agreement_figure, finite_scores, scatter_figure
from lrshape.checks.seeds_statistics import SHOWN, Agreement, SeedAnswer
from lrshape.report.drawing import Drawing, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.sections import Section, Table
from lrshape.report.words import correlation, counted, number, percent, printable, share


def recommendation(answer: SeedAnswer, used: tuple[int, int]) -> tuple[str, str]:
    """How many seeds the screen and the rescore phase should have, a sentence each.

    Args:
        answer: what few seeds tell of many.
        used: ``(screen.seeds, rescore.seeds)`` of the search.
    """
    sure = share(answer.certainty)
    margin = share(answer.margin)
    keep = answer.screened.keep
    kept = f"one of the {keep} best" if keep > 1 else "the best"
    screen = (
        f"a chance of {sure} that {kept} of {answer.screened.shapes} screened shapes is within {margin} of "
        "the best one"
    )
    rescore = (
        f"a chance of {sure} that the shape chosen among the best {answer.top.shapes} is within {margin} of "
        "the best one"
    )
    return (
        _advice("screen", answer.screen_seeds, screen, answer.screened, "kept", used[0]),
        _advice("rescore", answer.rescore_seeds, rescore, answer.top, "certain", used[1]),
    )


def _advice(phase: str, seeds: int | None, chance: str, agreement: Agreement, column: str, used: int) -> str:
    largest = agreement.table.iloc[-1]
    had = f"this search used {used}"
    if seeds is None:
        return (
            f"For {chance}, more than {counted(int(largest['seeds']), 'seed')} are needed in the {phase}: "
            f"with that many it is {percent(largest[column])}; {had}. A wider margin needs fewer seeds."
        )
    row = where(agreement.table, agreement.table["seeds"] == seeds).iloc[0]
    return f"For {chance}, {phase}.seeds = {seeds} is enough ({percent(row[column])}); {had}."


def title(answer: SeedAnswer) -> str:
    """The recommendation in a few words."""
    most = int(answer.top.table["seeds"].iloc[-1])
    screen, rescore = (
        counted(n, "seed") if n else f"more than {most} seeds"
        for n in (answer.screen_seeds, answer.rescore_seeds)
    )
    return f"{screen[0].upper()}{screen[1:]} to screen, {rescore} to choose the best"


def _data(answer: SeedAnswer, used: tuple[int, int]) -> dict[str, Any]:
    return {
        "recommended": {"screen": answer.screen_seeds, "rescore": answer.rescore_seeds},
        "used": {"screen": used[0], "rescore": used[1]},
        "text": list(recommendation(answer, used)),
        "groups": {
            name: {
                "shapes": agreement.shapes,
                "reference_seeds": agreement.reference,
                "top": agreement.top,
                "keep": agreement.keep,
                "agreement": _plain(agreement.table),
                "cross": _plain(agreement.cross),
            }
            for name, agreement in _groups(answer).items()
        },
    }


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            str(key): value if isinstance(value, int) else (float(value) if math.isfinite(value) else None)
            for key, value in row.items()
        }
        for row in records(table)
    ]


def agreement_cells(agreement: Agreement) -> list[list[str]]:
    """The rows of the table as texts, in the order of `headings`, for a few numbers of seeds."""
    counts = agreement.table["seeds"]
    shown = where(agreement.table, counts.isin((*SHOWN, int(counts.iloc[-1]))))
    return [
        [
            f"{int(row['seeds']):,}",
            correlation(row["spearman"]),
            correlation(row["kendall"]),
            percent(row["recall"]),
            percent(row["regret"]),
            percent(row["regret_certain"]),
            percent(row["certain"]),
            *([percent(row["kept"])] if agreement.keep > 1 else []),
        ]
        for row in records(shown)
    ]


def headings(answer: SeedAnswer, agreement: Agreement) -> list[tuple[str, str]]:
    """Column headings and the small print below them."""
    return [
        ("seeds", ""),
        ("Spearman", ""),
        ("Kendall", ""),
        ("recall", f"top {agreement.top}"),
        ("regret", "mean"),
        ("regret", f"{share(answer.certainty)} sure"),
        ("choice good", f"within {share(answer.margin)}"),
        *([("good one kept", f"among {agreement.keep}")] if agreement.keep > 1 else []),
    ]


def seeds_result(
    answer: SeedAnswer,
    folder: Path,
    *,
    metric: str,
    used: tuple[int, int],
    trials: int,
    shapes: Mapping[str, Mapping[str, Any]],
) -> CheckResult:
    """The result of a check of seeds.

    Args:
        answer: what few seeds tell of many.
        folder: where figures are drawn.
        metric: the metric that is minimised.
        used: ``(screen.seeds, rescore.seeds)`` of the search.
        trials: how many were made.
        shapes: ``family``, ``params`` as JSON and ``base_lr`` of each shape.
    """
    certainty = share(answer.certainty)
    drawings = [
        Drawing(
            "agreement",
            "How well few seeds predict many others",
            "How well scores on few seeds agree with those on "
            f"{answer.top.reference} others: the correlation of ranks, the share of the best shapes that are "
            "found, and by how much the chosen shape is worse than the best (solid: the mean; "
            f"dashed: at most this much with a probability of {certainty}; dotted: the margin).",
            agreement_figure,
        ),
        Drawing(
            "scatter",
            "Scores of every shape on few seeds and on many others",
            "Each mark is a shape. On the line, both scores are equal; a good choice depends on the order "
            "along the line, not on the distance from it.",
            lambda answer: scatter_figure(answer, metric),
        ),
    ]
    figures = draw_all(drawings, answer, folder)
    groups = (("all screened shapes", answer.screened), ("the best shapes", answer.top))
    tables = [_table(answer, agreement, name) for name, agreement in groups]
    advice = recommendation(answer, used)
    return CheckResult(
        title=title(answer),
        lede=advice,
        sections=[
            Section("Few seeds against many", figures=figures, tables=tables),
            Section(
                "Few seeds against few",
                sentences=[
                    "Mean Spearman correlation between scores on the given numbers of different seeds."
                ],
                tables=[_cross_table(agreement, name) for name, agreement in groups],
            ),
        ],
        method=_method(answer, metric, trials),
        summary=[*tables, *advice],
        tables={
            "agreement": pd.concat([a.table.assign(group=g) for g, a in _groups(answer).items()]),
            "cross": pd.concat([a.cross.assign(group=g) for g, a in _groups(answer).items()]),
            "scores": answer.scores,
        },
        data=_data(answer, used),
        cards=_cards(answer, shapes, metric),
    )


def _groups(answer: SeedAnswer) -> dict[str, Agreement]:
    return {"screened": answer.screened, "top": answer.top}


def _cards(answer: SeedAnswer, shapes: Mapping[str, Mapping[str, Any]], metric: str) -> Cards:
    """A card for each mark of the scatter figure, in the order of `finite_scores`."""
    cards = Cards(f"median {metric} of {answer.top.reference} others")
    for row in records(finite_scores(answer)):
        shape = shapes[row["shape"]]
        cards.add(
            row["shape"],
            GROUPS[int(row["in_top"])][1],
            shape["family"],
            shape["params"],
            base_lr=shape["base_lr"],
            score=number(row["reference"]),
            more={counted(n, "seed"): number(row[key]) for key, n in (("one", 1), ("few", answer.few))},
        )
    return cards


def _table(answer: SeedAnswer, agreement: Agreement, name: str) -> Table:
    first, *others = headings(answer, agreement)
    return Table(
        name,
        [(name, f"{agreement.shapes} of them; seeds"), *others] if first else others,
        [[(cell, "") for cell in row] for row in agreement_cells(agreement)],
    )


def _cross_table(agreement: Agreement, name: str) -> Table:
    cross = agreement.cross
    counts: Sequence[int] = sorted(set(cross["seeds"]))
    known = {(n, m): value for n, m, value in cross.itertuples(index=False)}
    rows = [
        [(f"{n:,}", ""), *((correlation(known[n, m]) if (n, m) in known else "", "") for m in counts)]
        for n in counts
    ]
    return Table(f"{name}, few against few", [(name, "seeds"), *((f"{m:,}", "") for m in counts)], rows)


def _method(answer: SeedAnswer, metric: str, trials: int) -> list[str]:
    return [
        f"{trials:,} trials: every shape at its best base LR of the search, all on the same seeds, none "
        "of which the search used.",
        "The screened shapes are a sample that is even over the screen's ranks; the best shapes are those "
        "that the search ranks first.",
        f"In 2,000 random splits, the seeds of the estimate and the {answer.top.reference} of the reference "
        "are always different ones: shared seeds would make them agree in their noise.",
        "Regret is how much worse, in the reference, the shape with the best estimate is than the best "
        "shape of the reference, as a fraction of the best score. The reference is noisy as well, and the "
        "score of its best shape is biased in its favour. Regrets are therefore overstated, most where "
        "shapes are nearly equal, and the recommendation errs on the safe side.",
        f"“Choice good” is the chance that this regret is at most {share(answer.margin)}; “good one kept” "
        "that one of the best few by the estimate, as many as the rescore phase would keep, has a regret "
        "within that margin.",
        "The recommendation is the smallest number of seeds from which on the chance is at least the "
        "required one. "
        "It holds for this workload, these shapes, and base LRs that are already known.",
        f"Scores are medians of {printable(metric, 60)} over seeds; a trial that diverged or failed scores "
        "+∞.",
    ]
