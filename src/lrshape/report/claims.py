"""What a comparison with the winner shows, in words that claim no more: amounts, verdicts, seeds needed.

Rows are those of `lrshape.analysis.analysis.Analysis.compared`; what is not known in them is NaN.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lrshape.analysis.design import Scale
from lrshape.analysis.direction import sign
from lrshape.analysis.seeds_needed import seeds_to_decide
from lrshape.report.words import Precision, counted, listing, number, percent, printable, rate
from lrshape.store import NOTHING_TUNED, hyperparameters_of

if TYPE_CHECKING:
    from lrshape.analysis.result import Measured, Result

Row: TypeAlias = Mapping[str, Any]
"""One row of a table, by column."""

LEAST_SEEDS = 6
"""With fewer there is no 95% interval of a median."""
_VERDICTS = {
    "winner": "",
    "open": "not told apart",
    "untuned": "not judged",
    "diverged": "better: it diverged or failed",
    "unknown": "not tested",
}
_MOST_PERCENT = 10.0


@dataclass(frozen=True)
class Claims:
    """The comparisons of a study's schedules with its winner, in words.

    Args:
        rows: the winner's row, and those that are compared with it.
        scale: the unit of effects: on ``log`` they are log ratios, and told in percent.
        margin: the smallest difference that matters, in the unit of effects; NaN if there is none.
        sign: 1 if lower values of the metric are better, -1 if higher ones are.
    """

    rows: Sequence[Row]
    scale: Scale
    margin: float
    sign: int = 1

    @property
    def _winners(self) -> list[Row]:
        """The winner's row, if it is there."""
        return [row for row in self.rows if row["is_winner"]]

    @property
    def precision(self) -> Precision:
        """Decimals for scores and differences: those of the scores, and more where differences need them."""
        lead = next((abs(r["score"]) for r in self.rows if r["score"] and math.isfinite(r["score"])), None)
        others = [row for row in self.rows if not row["is_winner"]]
        steps = [max(abs(row["difference"]), _width(row, "difference")) for row in others]
        steps = [step for step in steps if math.isfinite(step) and step > 0]
        return Precision(lead, step=min(steps or [w for r in self.rows if (w := _width(r, ""))], default=0.0))

    @property
    def is_noiseless(self) -> bool:
        """Whether the intervals of all scores, and of all differences to the winner's, are points."""
        others = [row for row in self.rows if not row["is_winner"]]
        ends = [(row["low"], row["high"]) for row in self.rows]
        ends += [(row["effect_low"], row["effect_high"]) for row in others]
        known = [(low, high) for low, high in ends if math.isfinite(low) and math.isfinite(high)]
        return bool(known) and all(low == high for low, high in known)

    def score(self, row: Row) -> tuple[str, str]:
        """Return a row's median, ``diverged`` or ``failed`` where it is infinite, and the interval of it."""
        if math.isinf(row["score"]):
            return lost(row), ""
        return self.precision.text(row["score"]), self.precision.interval(row["low"], row["high"])

    def side(self, effect: float) -> str:
        """Return where the winner's metric lies: ``lower`` or ``higher`` than the other's."""
        return "lower" if (effect >= 0) == (self.sign > 0) else "higher"

    def amount(self, row: Row) -> str:
        """Return how the winner's metric lies to a row's: ``13% lower``, ``0.021 higher``, ``equal``."""
        effect = row["effect"]
        if math.isnan(effect):
            return ""
        return f"{self._size(effect, effect >= 0)} {self.side(effect)}" if effect else "equal"

    def spread(self, row: Row) -> str:
        """Return the interval of `amount`, e.g. ``10% to 16%``; the empty string if there is none."""
        low, high, upright = row["effect_low"], row["effect_high"], not row["effect"] < 0
        if math.isnan(low) or math.isnan(high):
            return ""
        ends = [self._size(end, upright) for end in ((low, high) if upright else (high, low))]
        return " to ".join(ends)

    def gain(self, row: Row, of: str = "effect") -> tuple[str, str]:
        """Return by how much the winner is better, below 0 where it is worse, and the interval of that."""
        if math.isnan(row[of]):
            return "", ""
        low, high = (row[f"{of.removesuffix('_effect')}_{end}"] for end in ("low", "high"))
        ends = [] if math.isnan(low) or math.isnan(high) else [self._size(low), self._size(high)]
        return self._size(row[of]), " to ".join(ends)

    def _size(self, effect: float, upright: bool = True) -> str:
        """Format by how much the winner is better; the other way round if not ``upright``."""
        if self.scale != "log":
            return self.precision.text(effect if upright else -effect)
        # The winner's score as a multiple of the other's; where higher is better, both are below 0.
        ratio = math.exp(min(-effect, 700.0))
        gain = (1 - ratio) * (1 if upright else -1)
        if abs(gain) > _MOST_PERCENT:
            return f"{'over' if gain > 0 else 'under'} {percent(math.copysign(_MOST_PERCENT, gain))}"
        return percent(gain)

    def loss(self, effect: float) -> str:
        """Return how much worse an effect makes a schedule, in percent where effects are."""
        return percent(math.expm1(effect)) if self.scale == "log" else self.precision.text(effect)

    def margin_text(self) -> str:
        """Return the margin, in percent where effects are; the empty string without one."""
        if not self.margin > 0:
            return ""
        if self.scale != "log":
            return self._in_units(self.margin)
        share = math.expm1(self.margin)
        units = [self._in_units(abs(one["score"]) * share) for one in self._winners]
        return f"{percent(share)} ({units[0]})" if units else percent(share)

    def _in_units(self, margin: float) -> str:
        text = self.precision.text(margin)
        return text if text.strip("0.") else number(margin, 2)

    def verdict(self, row: Row) -> str:
        """Return what the winner is, beside a row; a row's ``verdict`` in words."""
        case = str(row["verdict"])
        return _VERDICTS.get(case, case)

    def reason(self, row: Row) -> str:
        """Return in a few words what limits a verdict, or what would bring one; else the empty string."""
        if row["verdict"] == "equal":
            return f"within {self.margin_text()}" if self.margin_text() else ""
        if row["verdict"] == "untuned":
            found = [one for one in (row, *self._winners) if edges(one)]
            whose = "" if not found or found[0] is row else "the winner’s "
            what = listing(list(edges(found[0]))) if found else "base LR"
            return f"{whose}{what} {'at the edge' if found else 'uncertain'}"
        if row["verdict"] == "unknown":
            return "too few seeds"
        if row["verdict"] != "open":
            return ""
        if row["effect_low"] == row["effect_high"] == 0:
            return "ties on most seeds"
        seeds = self.seeds_to_decide(row)
        return f"needs about {counted(seeds, 'seed')}" if seeds else ""

    def tuning_fault(self, row: Row) -> str:
        """Return in a sentence's end why the base LRs of a row and of the winner allow no verdict."""
        for one, whose in ((row, "its"), *((won, "the winner’s") for won in self._winners)):
            for name, side in edges(one).items():
                end = "lowest" if side == "low" else "highest"
                return f"{whose} best {name} lies at the edge of those tried (the {end})"
        known = [f"±{number(one['octaves'], 1)}" for one in (row, *self._winners) if one["octaves"] > 0]
        precision = f" ({' and '.join(known)} octaves)" if known else ""
        return f"the best base LRs are not known well enough{precision}"

    def seeds_to_decide(self, row: Row) -> int | None:
        """Return with how many seeds a row would probably be decided; see `lrshape.analysis.seeds_needed`."""
        return seeds_to_decide(row, self.margin, [one["cost"] for one in (row, *self._winners)])


def claims_of(result: "Result") -> Claims:
    """Return the comparisons of a study's result: the winner's row, then families and baselines.

    Families that the winner's phase has not measured are left out: their scores are those that chose them.
    """
    others = [_row(one, one.family) for one in result.families if one.phase == result.phase]
    of_whom = "" if result.is_contest else " (baseline)"
    others += [_row(one, f"{one.name}{of_whom}") for one in result.baselines]
    won = result.name if result.is_contest else result.family
    winner = {**dict.fromkeys(others[0] if others else (), math.nan), **_row(result, f"{won} *")}
    return Claims(
        [{**winner, "verdict": "winner", "is_winner": True}, *others],
        result.scale,
        math.nan if result.margin is None else result.margin,
        sign(result.direction),
    )


def _row(one: "Measured", label: str) -> dict[str, Any]:
    """Return one schedule of a result as a row; None is NaN in it, or infinite where it was."""
    row = asdict(one)
    for of in ("score", "effect", "difference"):
        low, high = row.get(f"{of}_low"), row.get(f"{of}_high")
        if (low is None) != (high is None):
            row[f"{of}_{'low' if low is None else 'high'}"] = -math.inf if low is None else math.inf
    row = {key: math.nan if value is None else value for key, value in row.items()}
    score = math.inf if one.score_median is None else one.score_median
    ends = {"low": row["score_low"], "high": row["score_high"]}
    return {**row, **ends, "score": score, "edge": one.base_lr_edge, "label": label, "is_winner": False}


def lost(row: Row) -> str:
    """Return what made a row's median infinite: ``failed`` if more trials failed than diverged."""
    return "failed" if row["failed"] > row["diverged"] else "diverged"


def base_lr(row: Row) -> str:
    """Return a row's base LR and how well it is known, and its hyperparameters.

    E.g. ``0.024, ±0.1 octaves; weight_decay 0.1``.
    """
    text = rate(row["base_lr"])
    if row["edge"]:
        text += ", at the edge"
    elif row["octaves"] > 0:
        text += f", ±{number(row['octaves'], 1)} octaves"
    return "; ".join([text, *(f"{name} {value}" for name, value in hyperparameters(row).items())])


def hyperparameters(row: Row) -> dict[str, str]:
    """Return a row's hyperparameters by name, as texts."""
    beyond = edges(row)
    return {
        name: plain_value(value) + (", at the edge" if name in beyond else "")
        for name, value in _tuned(row, "hyperparameters").items()
    }


def as_good(flat: Sequence[Any], choices: Sequence[Any] = ()) -> str:
    """Return hyperparameters that are as good as the best: the ends of a range, or some of the choices.

    Example:
        >>> as_good([0.01, 0.1]), as_good([16, 256], [16, 64, 256])
        ('0.01 to 0.1', '16, 256')
    """
    return (", " if choices else " to ").join(plain_value(one) for one in flat)


def plain_value(value: Any) -> str:
    """Return the value of a parameter or hyperparameter as text; of a schedule, ``0.1 × power``."""
    if isinstance(value, Mapping):
        return f"{rate(value['base'])} × {printable(value['family'], 20)}"
    return rate(value) if isinstance(value, float) else printable(value, 60)


def edges(row: Row) -> dict[str, str]:
    """Return which of a row's best values, by name, may lie beyond those tried: ``low`` or ``high``."""
    return ({"base LR": row["edge"]} if row["edge"] else {}) | _tuned(row, "edges")


def _tuned(row: Row, key: str) -> dict[str, Any]:
    """A row's entry for each hyperparameter, by name; rows of tables hold it as JSON."""
    values = row.get(key, NOTHING_TUNED)
    return hyperparameters_of(values) if isinstance(values, str) else values


def _width(row: Row, of: str) -> float:
    """The width of an interval; 0 where it is not known or has no end."""
    low, high = (row[f"{of}_{end}" if of else end] for end in ("low", "high"))
    return high - low if math.isfinite(low) and math.isfinite(high) else 0.0
