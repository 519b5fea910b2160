"""A suggestion as one self-contained page, its JSON document, and the next runs as schedule files."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrshape.errors import InputError
from lrshape.files import make_directory, publish
from lrshape.predict.horizons import MOST_HORIZONS, Choice, Live
from lrshape.predict.shape_transfer import CAUTION
from lrshape.predict.suggestion_figures import CURVES, SCHEDULES
from lrshape.predict.verdict import amount, precision, spread
from lrshape.report.drawing import PageFigure, draw_all
from lrshape.report.sections import Cell, Code, Notice, Section, Table, Tile, table, write_page, writing
from lrshape.report.words import capital, counted, percent, printable, rate

if TYPE_CHECKING:
    from lrshape.predict.runs import Run
    from lrshape.predict.suggestion import Row, Suggestion

METHOD = (
    "lrshape trained nothing. It fits the last-iterate bound of convex optimisation (arXiv:2501.18965, "
    "theorem 1), with exponents fitted to public curves of other models, to the final losses of your runs. "
    "The bound gives each shape its own best base LR and says how final losses differ.",
    "On a public grid of runs of a 124M language model, lrshape suggested from each sweep of three or "
    "more base LRs of one schedule. The suggestion ended 0.0010 above the best cell in the median "
    "and 0.0056 at worst; one of the first two shapes was always within 0.002, and 97% of the 95% intervals "
    "held. These figures flatter lrshape: the rule that orders candidates, and the errors that set the "
    "intervals, were chosen with that grid in view.",
    "Nobody has shown that the bound holds for your workload. It fails for least squares without label "
    "noise, where losses fall exponentially. The order of close candidates is a guess: train the first two.",
)
CURVES_METHOD = (
    "Forecasts are a mean of laws that were fitted to your loss curves and of the bound, weighted by how "
    "well each predicts differences of final losses: each run was predicted from the others. The errors of "
    "these predictions set the intervals, or 0.25% of the loss if that is more. Nothing was trained.",
    "Such laws fail where base LRs differ, so the base LR is that of your best run. A decay to lower LRs "
    "than those of your runs is an extrapolation.",
)
LIVE_METHOD = (
    "lrshape trained nothing. It keeps the LRs that were run, and compares decays that begin at several "
    "steps with your plan, or with a linear decay to 0 over the last fifth of all steps.",
    "Laws of loss curves decide where at least two runs have a curve and the LR of one of them falls; they "
    "are judged by differences of final losses that they were not fitted to. Otherwise the convex bound "
    "decides, from the finished runs. Without any, it assumes that the LR suits the plan, and its "
    "intervals are wide.",
    "On constant runs of one 124M language model, cut off at 10% to 60% of the steps, the first choice ended "
    "0.004 above the best known decay in the median and 0.013 at worst from the live run alone; with one "
    "shorter run whose LR fell, 0 and 0.002 where laws of curves decided, 0 and 0.008 where the bound did.",
)
NEXT_FILES = tuple(f"next-{number}.json" for number in range(1, MOST_HORIZONS + 2))
"""One for each horizon of a run in progress, and one for all of them; other suggestions have up to three."""


def write_suggestion(found: "Suggestion", directory: Path) -> list[Path]:
    """Write ``suggestion.html``, ``suggestion.json``, ``figures/``, and ``next-1.json`` and so on.

    Returns:
        The paths, without those of the figures.

    Raises:
        InputError: if the directory cannot be made.
        StoreError: if a file cannot be written.
    """
    make_directory(directory)
    for name in (*NEXT_FILES, "suggestion.json", "suggestion.html"):
        if (directory / name).is_dir() and not (directory / name).is_symlink():
            raise InputError(f"{directory / name}: must be a file, or not there, got a directory")
    runs = dict(zip(NEXT_FILES, found.next_runs, strict=False))
    with writing(directory):
        for name in NEXT_FILES:
            (directory / name).unlink(missing_ok=True)
        for name, run in runs.items():
            publish(directory, name, f"{run.schedule.to_json()}\n".encode(), replace=True)
        text = json.dumps(found.to_dict(), indent=2, allow_nan=False)
        publish(directory, "suggestion.json", f"{text}\n".encode(), replace=True)
        page = _write_page(found, directory)
    return [page, directory / "suggestion.json", *(directory / name for name in runs)]


def _write_page(found: "Suggestion", directory: Path) -> Path:
    cut = f" --from-step {found.live.from_step}" if found.live else ""
    shown = draw_all([SCHEDULES, CURVES], found, directory / "figures")
    known = found.next_runs or found.runs
    sections = [
        Section(
            "The next runs" if found.next_runs else "What to run next",
            sentences=[] if known else ["Give the schedule that you use (--like) for base LRs."],
            figures={key: shown[key] for key in ("schedules",) if key in shown},
            tables=[next_table(found)] if found.next_runs else [],
            codes=[Code(f"lrshape export next-1.json --to torch{cut}")] if found.next_runs else [],
        ),
        *([Section("The candidates", tables=tables(found))] if found.rows else []),
        *([_runs(found, shown)] if found.runs or found.notes else []),
        Section("How far to trust this", remarks=_method(found)),
    ]
    return write_page(
        directory / "suggestion.html",
        eyebrow="Schedule suggestion",
        name=f"{counted(len(found.runs) or len(found.unstable), 'run')}, {found.steps:,} steps",
        title=title(found),
        lede=[found.verdict],
        notices=[Notice("Doubt", doubt) for doubt in found.doubts],
        tiles=_tiles(found),
        sections=sections,
        numbers="suggestion.json",
    )


def _method(found: "Suggestion") -> Sequence[str]:
    if found.live is not None:
        return [found.curve_laws, *LIVE_METHOD]
    if found.by_curves:
        return [found.curve_laws, *CURVES_METHOD]
    return [found.curve_laws, *METHOD] if found.curve_laws else METHOD


def title(found: "Suggestion") -> str:
    """Return the suggestion in a few words."""
    if found.contradiction:
        return "No law holds for these runs"
    first = found.rows[0]
    if found.live is not None:
        several = f"Hold, and branch off to one of {len(found.live.horizons)} ends"
        return several if found.live.unbranched else capital(first.name)
    if not found.base_lr_known:
        return f"{first.name}, by the bound alone"
    return f"{first.name} at base LR {rate(first.schedule.base_lr)}"


def _tiles(found: "Suggestion") -> list[Tile]:
    if found.today is None or not found.rows or (found.live and found.live.unbranched):
        return []
    first, text = found.rows[0], precision(found).text
    against = "against the plan" if found.live else "against today"
    return [
        *(
            []
            if isnan(first.loss)
            else [Tile("expected final loss", text(first.loss), "of the first candidate")]
        ),
        Tile(against, amount(found, first), f"95% interval {spread(found, first)}"),
        Tile("chance to be better", percent(first.better), f"than {printable(found.today.name, 40)}"),
    ]


def next_table(found: "Suggestion") -> Table:
    """Return the next runs, and why each."""
    return table(
        "The next runs",
        list(zip(NEXT_FILES, found.next_runs, strict=False)),
        {
            "file": lambda each: each[0],
            "schedule": lambda each: each[1].name,
            **(
                {}
                if found.live
                else {
                    "base LR": lambda each: rate(each[1].schedule.base_lr),
                    "cost, in full runs": lambda each: f"{each[1].cost:.3g}",
                }
            ),
            "why": lambda each: each[1].reason,
        },
        texts=[1, 2 if found.live else 4],
    )


def tables(found: "Suggestion") -> list[Table]:
    """Return the candidates; for a run that may stop at several steps, what is best for each and for all."""
    if not found.rows:
        return []
    if found.live is not None and found.live.unbranched:
        return _live_tables(found, found.live)
    return [candidates_table(found)]


def candidates_table(found: "Suggestion") -> Table:
    """Return the candidates, the first choice at the front."""
    if found.today is None:
        columns: Mapping[str | Cell, str | Callable[[Any], str | Cell]] = {
            "schedule": _name,
            "base LR": lambda row: rate(row.schedule.base_lr) if found.base_lr_known else "",
            "bound, relative to the first": lambda row: f"{row.bound:.3f}",
        }
        return table("The candidates", found.rows, columns, bold=[0])
    text = precision(found).text
    return table(
        "The candidates",
        found.rows,
        {
            "schedule": _name,
            **({} if found.live else {"base LR": lambda row: rate(row.schedule.base_lr)}),
            ("against the plan" if found.live else "against today", "95% interval"): lambda row: (
                amount(found, row),
                spread(found, row),
            ),
            "chance to be better": lambda row: percent(row.better),
            **({} if isnan(found.rows[0].loss) else {"final loss": lambda row: text(row.loss)}),
        },
        bold=[0],
        note=f"lrshape orders candidates by the expected loss plus {CAUTION:g} times the law's error. Of two "
        "shapes that it cannot tell apart, the one nearer to your runs comes first.",
    )


def _live_tables(found: "Suggestion", live: Live) -> list[Table]:
    """Tables on several horizons: how to branch off to each, and one schedule for all."""
    text = precision(found).text

    def against(each: Choice) -> tuple[str, str]:
        return amount(found, each), spread(found, each)

    branches = table(
        "Where the run may stop",
        live.horizons,
        {
            "stops at": lambda each: f"{each.steps:,}",
            "first choice": lambda each: printable(each.name, 60),
            ("final loss, against the plan", "95% interval"): against,
        },
        texts=[1],
    )
    alone = table(
        "One schedule for all, without a branch",
        live.unbranched,
        {
            "schedule": lambda each: each.continuation.name,
            **{
                (f"{horizon.steps:,}", "stopped at"): lambda each, at=at: text(each.regrets[at])
                for at, horizon in enumerate(live.horizons)
            },
            "at worst": lambda each: text(max(each.regrets)),
        },
        bold=[0],
        note="How far the loss lies above that of the first choice for each number of steps, as forecast.",
    )
    return [branches, alone]


def _name(row: "Row") -> str:
    return f"{printable(row.name, 40)} (yours)" if row.own else row.name


def _runs(found: "Suggestion", shown: Mapping[str, PageFigure]) -> Section:
    left_out = {left.name: left for left in found.held_out}
    text = precision(found).text

    def beside_others(run: "Run") -> tuple[str, str]:
        if run.name not in left_out:
            return "", ""
        left = left_out[run.name]
        return signed(left.difference), f"{signed(left.predicted)} ± {text(left.error)}"

    def signed(difference: float) -> str:
        return f"{text(abs(difference))} {'lower' if difference <= 0 else 'higher'}"

    runs = table(
        "Your runs",
        sorted((*found.runs, *found.unstable), key=lambda run: run.final_loss),
        {
            "run": lambda run: printable(run.name, 60),
            "steps": lambda run: f"{run.steps:,}",
            "base LR": lambda run: rate(float(run.lrs.max())),
            "final loss": lambda run: "diverged" if run.diverged else text(run.final_loss),
            **(
                {("against the best other", "as predicted from the others"): beside_others}
                if left_out
                else {}
            ),
        },
        bold=[0] if found.runs else [],
    )
    return Section(
        "Your runs",
        figures={key: shown[key] for key in ("curves",) if key in shown},
        tables=[runs] if runs.rows else [],
        remarks=[
            "A final loss is the mean of the last logged losses: the noisier they are, the more.",
            *found.notes,
        ],
    )
