"""Tables of contenders that took turns."""

import math
from collections.abc import Sequence

from _measure import spread, table
from _peers import Result


def training_table(results: Sequence[Result], flops: float, peak: float, ours: Result) -> str:
    """Speed, fraction of the peak, ratio, compile time and memory of every contender.

    Args:
        results: what was measured, in model-steps a second.
        flops: floating-point operations of a model-step's matrix products.
        peak: FLOP/s of a large matrix product here.
        ours: what the others are compared with.
    """
    rows = []
    for result in results:
        entry = result.entry
        if math.isnan(result.rate):
            rows.append([entry.name, str(entry.members), result.problem, "", "", "", ""])
            continue
        rows.append(
            [
                entry.name,
                str(entry.members),
                spread(result.rates, 1),
                f"{100 * result.rate * flops / peak:.0f}%",
                f"{ours.rate / result.rate:.1f}",
                f"{result.compile_seconds:.1f}",
                f"{result.peak_mib:,.0f}",
            ]
        )
    best = f"{ours.entry.name} at {ours.entry.members} is faster by"
    headings = ["contender", "members", "model-steps/s", "of peak", best, "compile, s", "peak memory, MiB"]
    return table(headings, rows)


def ratio(ours: Result, theirs: Result) -> str:
    """How many times faster, in words."""
    if math.isnan(theirs.rate):
        return f"{theirs.entry.name}: {theirs.problem}"
    return f"{ours.rate / theirs.rate:.2f} times as fast as {theirs.entry.name} at {theirs.entry.members}"
