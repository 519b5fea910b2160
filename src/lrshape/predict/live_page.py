"""Parts of the page of a suggestion on how a run in progress goes on."""

from typing import TYPE_CHECKING

from lrshape.predict.horizons import Choice, Live
from lrshape.predict.verdict import amount, precision, spread
from lrshape.report.sections import Table, table
from lrshape.report.words import printable

if TYPE_CHECKING:
    from lrshape.predict.suggestion import Suggestion

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


def live_tables(found: "Suggestion", live: Live) -> list[Table]:
    """Return tables on several horizons: how to branch off to each, and one schedule for all."""
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
