"""What the page of a sweep shows, and the answer in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from lrshape.analysis.transfer import KEPT, TUNED, answer
from lrshape.report.findings import Row
from lrshape.report.headline import Headline
from lrshape.report.palette import Style, family_styles
from lrshape.report.words import counted, interval, listing, number, percent, printable, rate


@dataclass(frozen=True)
class SweptSetting:
    """One setting of a sweep.

    Args:
        slug: name of its study's directory.
        short: its values alone, e.g. ``0.01``.
        label: names and values, e.g. ``weight_decay 0.01``.
        best: its study's result, see `lrshape.analysis.result.Result.to_dict`.
        transfer_trials: how many trials tried the settings' best shapes in it.
    """

    slug: str
    short: str
    label: str
    best: Mapping[str, Any]
    transfer_trials: int = 0

    @property
    def has_winner(self) -> bool:
        """Whether its best shape has a finite median."""
        return self.best["score_median"] is not None


@dataclass(frozen=True)
class Swept:
    """A sweep, ready to be shown.

    Args:
        name: of the spec.
        metric: the metric that is minimised.
        varied: short names of what varies, e.g. ``("weight_decay",)``.
        settings: in the order of the sweep.
        regrets: as `lrshape.analysis.transfer.regrets` gives them.
        margin: the regret that matters, as a fraction.
        how: how shapes were tuned and scored, see `lrshape.checks.transfer.TransferSpec`.
        document: what ``sweep.json`` states.
    """

    name: str
    metric: str
    varied: Sequence[str]
    settings: Sequence[SweptSetting]
    regrets: pd.DataFrame
    margin: float
    how: Mapping[str, int]
    document: Mapping[str, Any]

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels by slug."""
        return {s.slug: printable(s.label, 60) for s in self.settings}

    @cached_property
    def styles(self) -> dict[str, Style]:
        """How each setting is drawn, by slug; in the order of the sweep."""
        styles = family_styles(f"{i:06d}" for i in range(len(self.settings)))
        return dict(zip((s.slug for s in self.settings), styles.values(), strict=True))

    @property
    def winners(self) -> list[SweptSetting]:
        """The settings that have a best shape."""
        return [s for s in self.settings if s.has_winner]

    def regret(self, choice: str, shape_of: str, used_in: str) -> Row:
        """One row of ``regrets``."""
        return self._by_pair[choice, shape_of, used_in]

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str, str], Row]:
        return {(r["choice"], r["shape_of"], r["used_in"]): r for r in self.regrets.to_dict("records")}


def regret_text(row: Row) -> str:
    """Return a regret with its interval, e.g. ``12% (95% interval 4.2% to 18%)``."""
    if math.isinf(row["regret"]):
        own = "minus infinity (the own best shape diverged)"
        return "infinity (it diverged)" if row["regret"] > 0 else own
    if math.isnan(row["relative"]):
        spread = interval(row["regret_low"], row["regret_high"], lead=row["regret"] or None)
        return number(row["regret"]) + (f" (95% interval {spread})" if spread else "")
    spread = _ends(row)
    return percent(row["relative"]) + (f" (95% interval {spread})" if spread else "")


def _ends(row: Row) -> str:
    low, high = row["relative_low"], row["relative_high"]
    return "" if math.isnan(low) or math.isnan(high) else f"{percent(low)} to {percent(high)}"


def sweep_headline(swept: Swept) -> Headline:
    """Say whether the setting moves the best shape, by how much, and how sure that is."""
    found = answer(swept.regrets, TUNED)
    what = listing([printable(name, 40) for name in swept.varied])
    margin = percent(swept.margin)
    row, pairs = found["largest"], found["pairs"]
    compared = f"{pairs} pairs" if pairs != 1 else "one pair"
    if len(swept.winners) < 2:
        return Headline(
            "Nothing to compare",
            (f"{counted(len(swept.winners), 'setting')} of {len(swept.settings)} gave a finite score.",),
            bad=True,
        )
    assert row is not None  # two winners are two pairs
    pair = f"the best shape of {swept.labels[row['shape_of']]}, used in {swept.labels[row['used_in']]}"
    if found["moves"] == "yes":
        many = found["costs"] > 1
        title = f"The best shape depends on {what}"
        first = (
            f"With the base LR tuned again, {pair}, has a regret of {regret_text(row)} to that setting's own "
            f"best shape: more than the margin of {margin}, after correction for {compared}. "
            + (f"So it is for {found['costs']} of {compared}." if many else "It is the only such pair.")
        )
    elif found["moves"] == "no":
        title = f"The best shape does not depend on {what}, within {margin}"
        first = (
            f"With the base LR tuned again, the regrets of all {compared} have 95% intervals below the "
            f"margin of {margin}. The largest is that of {pair}: {regret_text(row)}."
        )
    elif found["moves"] == "undecided":
        title = f"Whether the best shape depends on {what} cannot be told"
        first = (
            f"With the base LR tuned again, no regret is surely above the margin of {margin}, and "
            f"{found['within']} of {compared} are surely below it. The largest is that of {pair}: "
            f"{regret_text(row)}. More scoring seeds may decide."
        )
    else:
        title = "Too few seeds to tell"
        first = f"{compared[0].upper()}{compared[1:]} were compared on fewer than 6 seeds: nothing is sure."
    return Headline(title, (first, *_kept(swept), _base_lrs(swept)))


def _kept(swept: Swept) -> list[str]:
    found = answer(swept.regrets, KEPT)
    row = found["largest"]
    if row is None:
        return []
    pair = f"the best shape of {swept.labels[row['shape_of']]} in {swept.labels[row['used_in']]}"
    if found["moves"] == "yes":
        return [
            f"With the base LR kept, too, {found['costs']} of {found['pairs']} pairs cost more than the "
            f"margin; most does {pair}: {regret_text(row)}."
        ]
    return [f"With the base LR kept, too, the largest regret is that of {pair}: {regret_text(row)}."]


def _base_lrs(swept: Swept) -> str:
    rates = [s.best["base_lr"] for s in swept.winners]
    low, high = min(rates), max(rates)
    if low == high:
        return f"The best base LR is {rate(low)} everywhere."
    return f"The best base LRs go from {rate(low)} to {rate(high)}, a factor of {number(high / low, 2)}."


def sweep_notices(swept: Swept) -> list[dict[str, Any]]:
    """Return what a reader must know before believing the result: ``title``, ``text``, ``bad``."""
    found = []
    lost = [s for s in swept.settings if not s.has_winner]
    if lost:
        text = f"No shape has a finite median in {listing([swept.labels[s.slug] for s in lost])}."
        found.append({"title": "Diverged", "text": text, "bad": True})
    edges = [s for s in swept.winners if s.best["base_lr_edge"]]
    if edges:
        names = listing([swept.labels[s.slug] for s in edges])
        text = f"The best base LR of {names} lies on the edge of those tried: a better one may lie beyond it."
        found.append({"title": "Base LR on the edge", "text": text, "bad": False})
    rows = swept.regrets
    tuned = rows[rows["edge"] != ""] if len(rows) else rows
    if len(tuned):
        text = f"{counted(len(tuned), 're-tuned base LR')} of the transfers lie on the edge of those tried."
        found.append({"title": "Transfer on the edge", "text": text, "bad": False})
    return found
