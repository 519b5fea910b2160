"""What a sweep found, and the answer in words."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from lrshape.analysis.tables import where
from lrshape.checks.transfer_statistics import KEPT, TUNED, answer
from lrshape.report.palette import Style, family_styles
from lrshape.report.words import capital, counted, interval, listing, number, percent, printable, rate


@dataclass(frozen=True)
class SettingFindings:
    """What the study of one setting found.

    Args:
        slug: name of its study's directory.
        short: its values alone, e.g. ``0.01``.
        label: names and values, e.g. ``weight_decay 0.01``.
        values: value by key of the spec.
        best: its study's result, see `lrshape.analysis.result.Result.to_dict`.
        transfer_trials: how many trials tried the settings' best shapes in it.
        min_lr: no learning rate was below it.
    """

    slug: str
    short: str
    label: str
    values: Mapping[str, Any]
    best: Mapping[str, Any]
    transfer_trials: int = 0
    min_lr: float = 0.0

    @property
    def has_winner(self) -> bool:
        """Whether its best shape has a finite median."""
        return self.best["score_median"] is not None

    @property
    def interval(self) -> tuple[float, float]:
        """Of its best shape's median: NaN where there is none; an end that alone is null is infinite."""
        low, high = self.best["score_low"], self.best["score_high"]
        if low is None and high is None:
            return math.nan, math.nan
        return -math.inf if low is None else low, math.inf if high is None else high


@dataclass(frozen=True)
class SweepFindings:
    """What a sweep found.

    Args:
        metric: the metric that is minimised.
        varied: short names of what varies, e.g. ``("weight_decay",)``.
        settings: in the order of the sweep.
        regrets: as `lrshape.checks.transfer_statistics.regrets` gives them.
        margin: the regret that matters, as a fraction.
        document: what ``sweep.json`` states.
    """

    metric: str
    varied: Sequence[str]
    settings: Sequence[SettingFindings]
    regrets: pd.DataFrame
    margin: float
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
    def winners(self) -> list[SettingFindings]:
        """The settings that have a best shape."""
        return [s for s in self.settings if s.has_winner]

    @property
    def shared_shapes(self) -> list[list[str]]:
        """For each shape that several settings found, the slugs of these settings."""
        found: dict[str, list[str]] = {}
        for s in self.winners:
            shape = json.dumps([s.best["family"], s.best["params"]], sort_keys=True)
            found.setdefault(shape, []).append(s.slug)
        return [slugs for slugs in found.values() if len(slugs) > 1]

    def answer(self, choice: str) -> dict[str, Any]:
        """See `lrshape.checks.transfer_statistics.answer`; with tuned base LRs only of different shapes.

        If all settings found the same shape, it does not move.
        """
        alike = {(a, b) for slugs in self.shared_shapes for a in slugs for b in slugs}
        rows = self.regrets
        differ = [(row["shape_of"], row["used_in"]) not in alike for row in rows.to_dict("records")]
        found = answer(where(rows, differ) if choice == TUNED else rows, choice)
        return {**found, "moves": "no"} if self.shared_shapes and not found["pairs"] else found

    def regret(self, choice: str, shape_of: str, used_in: str) -> dict[str, Any]:
        """One row of ``regrets``."""
        return self._by_pair[choice, shape_of, used_in]

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        return {(r["choice"], r["shape_of"], r["used_in"]): r for r in self.regrets.to_dict("records")}


_MORE_SEEDS = "more scoring or tuning seeds (--seeds, --tuning-seeds)"


def regret_text(row: Mapping[str, Any]) -> str:
    """Return a regret with its interval, e.g. ``12% (95% interval 4.2% to 18%)``."""
    if math.isinf(row["regret"]):
        own = "minus infinity (the own best shape diverged)"
        return "infinity (it diverged)" if row["regret"] > 0 else own
    spread = ends(row)
    return amount(row) + (f" (95% interval {spread})" if spread else "")


def amount(row: Mapping[str, Any]) -> str:
    """Return a finite regret in percent; in units of the metric where the own median is not above 0."""
    return number(row["regret"]) if math.isnan(row["relative"]) else percent(row["relative"])


def ends(row: Mapping[str, Any]) -> str:
    """Return the ends of a regret's interval; the empty string where there is none."""
    if math.isnan(row["relative"]):
        return interval(row["regret_low"], row["regret_high"], lead=row["regret"] or None)
    low, high = row["relative_low"], row["relative_high"]
    return "" if math.isnan(low) or math.isnan(high) else f"{percent(low)} to {percent(high)}"


def cell_text(row: Mapping[str, Any]) -> str:
    """Return a regret in a word, e.g. ``+12%``, ``own``, ``diverged``."""
    if row["verdict"] == "own":
        return "own"
    if math.isinf(row["regret"]):
        return "diverged"
    return ("+" if row["regret"] > 0 else "") + amount(row)


def headline(findings: SweepFindings) -> tuple[str, list[str]]:
    """Whether the setting moves the best shape, by how much, and how sure that is.

    Returns:
        The answer in a few words, and sentences with the numbers.
    """
    what = listing([printable(name, 40) for name in findings.varied])
    margin = percent(findings.margin)
    if len(findings.winners) < 2:
        count = counted(len(findings.winners), "setting")
        return "Nothing to compare", [f"{count} of {len(findings.settings)} gave a finite score."]
    shared = findings.shared_shapes
    same = [
        f"The searches in {listing([findings.labels[slug] for slug in slugs])} found the same shape."
        for slugs in shared
    ]
    rest = [*same, *_kept(findings), _base_lrs(findings)]
    found = findings.answer(TUNED)
    row, compared = found["largest"], f"{found['pairs']} pairs{' of different shapes' if shared else ''}"
    if row is None:
        return "The searches found the same best shape", rest
    there, here = findings.labels[row["used_in"]], findings.labels[row["shape_of"]]
    pair = f"the best shape of {here}, used in {there}"
    above = (
        f"With the base LR tuned again, {pair}, has a regret of {regret_text(row)} to that setting's own "
        f"best shape: more than the margin of {margin}, after correction for all pairs. "
    )
    if found["moves"] == "yes":
        title = f"The best shape depends on {what}"
        first = f"{above}The other way round the regret is {regret_text(found['reverse'])}. " + (
            f"{found['costs']} of {compared} have one above the margin."
            if found["costs"] > 1
            else "No other pair has one above the margin."
        )
    elif found["moves"] == "no":
        title = f"The best shape does not depend on {what}, within {margin}"
        first = (
            f"With the base LR tuned again, the regrets of all {compared} have 95% intervals below the "
            f"margin of {margin}. The largest is that of {pair}: {regret_text(row)}."
        )
    elif found["moves"] == "undecided" and found["costs"]:
        title = f"It is undecided whether the best shape depends on {what}"
        missed = (
            ", after correction for all pairs of settings"
            if found["reverse"]["regret_low"] > 0
            else f": the search in {here} may have missed a better shape"
        )
        first = (
            f"{above}But the best shape of {there}, used in {here}, is not shown to be worse there (regret "
            f"{regret_text(found['reverse'])}){missed}. More trials in each search may decide, or "
            f"{_MORE_SEEDS}."
        )
    elif found["moves"] == "undecided":
        title = f"It is undecided whether the best shape depends on {what}"
        first = (
            f"With the base LR tuned again, no regret is significantly above the margin of {margin}, and "
            f"{found['within']} of {compared} have intervals below it. The largest is that of {pair}: "
            f"{regret_text(row)}. {capital(_MORE_SEEDS)} may decide."
        )
    else:
        title = "Too few seeds to tell"
        first = f"{compared} were compared on fewer than 6 seeds, too few for intervals."
    return title, [first, *rest]


def _kept(findings: SweepFindings) -> list[str]:
    found = findings.answer(KEPT)
    row = found["largest"]
    if row is None:
        return []
    pair = f"the best shape of {findings.labels[row['shape_of']]} in {findings.labels[row['used_in']]}"
    if found["costs"]:
        return [
            f"With the base LR kept, too, {found['costs']} of {found['pairs']} pairs have a regret above "
            f"the margin; the largest is that of {pair}: {regret_text(row)}."
        ]
    return [f"With the base LR kept, too, the largest regret is that of {pair}: {regret_text(row)}."]


def _base_lrs(findings: SweepFindings) -> str:
    rates = [s.best["base_lr"] for s in findings.winners]
    low, high = min(rates), max(rates)
    if low == high:
        return f"The best base LR is {rate(low)} everywhere."
    return f"The best base LRs range from {rate(low)} to {rate(high)}, a factor of {number(high / low, 2)}."


def warnings(findings: SweepFindings) -> list[str]:
    """What a reader must know before believing the result."""
    found = []
    lost = [s for s in findings.settings if not s.has_winner]
    if lost:
        found.append(f"No shape has a finite median in {listing([findings.labels[s.slug] for s in lost])}.")
    edges = [s for s in findings.winners if s.best["base_lr_edge"]]
    if edges:
        names = listing([findings.labels[s.slug] for s in edges])
        found.append(
            f"The best base LR of {names} lies on the edge of those tried: a better one may lie beyond it."
        )
    rows = findings.regrets
    tuned = rows[rows["edge"] != ""] if len(rows) else rows
    if len(tuned):
        found.append(
            f"{counted(len(tuned), 're-tuned base LR')} of the transfers lie on the edge of those tried."
        )
    return found
