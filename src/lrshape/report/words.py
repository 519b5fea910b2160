"""Numbers and names as people read them: significant digits, intervals, times, printable text."""

import math
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "−"


DIGITS = 3
"""Significant digits of a number, where nothing else is asked for."""


def number(value: float, digits: int = DIGITS) -> str:
    """Format a number with ``digits`` significant digits; ``∞`` where a trial diverged, ``–`` for NaN.

    Example:
        >>> [number(v) for v in (0.009034, 12.3456, 1234.5, 0.00001234, -0.5, 0, float("inf"))]
        ['0.00903', '12.3', '1230', '1.23e-5', '−0.500', '0', '∞']
    """
    value = float(value)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
    power = int(exponent)
    text = f"{mantissa}e{power}"
    if -4 <= power < 6:
        text = format(Decimal(text), "f")
    return (MINUS if value < 0 else "") + text


def score_text(score: float) -> str:
    """Format a score: `number`, or ``diverged`` where the median did."""
    return "diverged" if math.isinf(score) else number(score)


def short(value: object) -> str:
    """Format a value for a terminal in ASCII: three significant digits of a float, ``-`` for None.

    Example:
        >>> [short(v) for v in (0.031623, 12, None, "linear")]
        ['0.0316', '12', '-', 'linear']
    """
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ascii_text(text: str) -> str:
    """Return a formatted number or sentence as a terminal of any encoding shows it.

    Example:
        >>> ascii_text("−0.5, ±0.1, ∞")
        '-0.5, +-0.1, inf'
    """
    return text.translate(_ASCII)


_ASCII = str.maketrans(
    {
        MINUS: "-", "±": "+-", "∞": "inf", "–": "-", "’": "'", "“": '"', "”": '"', "…": "...", "→": "->",
        "·": "-", "×": "x", "\ufffd": "?",
    }
)  # fmt: skip


def correlation(value: float) -> str:
    """Format a correlation with two decimals, a third where it would look like ±1; ``–`` where undefined.

    Example:
        >>> [correlation(v) for v in (0.8512, -0.004, 0.9973, 0.9996, 1.0)]
        ['0.85', '0.00', '0.997', '> 0.999', '1']
    """
    if math.isnan(value) or abs(value) == 1:
        return number(value, 1)
    texts = [f"{value:.{decimals}f}" for decimals in (2, 3)]
    closest = "> 0.999" if value > 0 else "< -0.999"
    text = next((text for text in texts if abs(float(text)) < 1), closest)
    return text.replace("-0.00", "0.00").replace("-", MINUS)


@dataclass(frozen=True)
class Precision:
    """With how many decimals numbers that belong together are printed: those that the leading one needs.

    Args:
        lead: the number that leads; None, 0 or infinite: each number gets its own format. Numbers a hundred
            times larger get their own format, too.
        step: a difference that must show: it gets at least two digits, however large the numbers are.

    Example:
        >>> [Precision(0.00903).text(v) for v in (0.00903, 0.008612, 0.0101, 2.3456)]
        ['0.00903', '0.00861', '0.01010', '2.35']
        >>> [Precision(5000.123, step=0.177).text(v) for v in (5000.123, 5000.3, 0.177)]
        ['5000.12', '5000.30', '0.18']
    """

    lead: float | None
    step: float = 0.0

    def text(self, value: float) -> str:
        """Format one number."""
        lead = abs(self.lead or 0.0)
        if not 0 < lead < math.inf or not math.isfinite(value) or abs(value) > 100 * lead:
            return number(value)
        size = math.floor(math.log10(lead))
        decimals = DIGITS - 1 - size
        if self.step:  # at most the digits of a double
            decimals = min(max(decimals, 1 - math.floor(math.log10(self.step))), 14 - size)
        if not 1e-4 <= lead < 1e6:
            own = math.floor(math.log10(abs(value))) if value else 0
            return number(value, max(DIGITS, 1 + own + decimals))
        decimals = max(0, decimals)
        text = format(abs(Decimal(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN), "f")
        return (MINUS if value < 0 and float(text) != 0 else "") + text

    def interval(self, low: float, high: float) -> str:
        """Format an interval, e.g. ``0.00861 to 0.00962``; the empty string where it is undefined (NaN)."""
        if math.isnan(low) or math.isnan(high):
            return ""
        return f"{self.text(low)} to {self.text(high)}"


def interval(low: float, high: float, lead: float | None = None) -> str:
    """Format an interval, e.g. ``0.00861 to 0.00962``; the empty string where it is undefined.

    Args:
        low: lower end, NaN where undefined.
        high: upper end, NaN where undefined.
        lead: the number whose decimals the ends get, see `Precision`; without it the larger end.
    """
    ends = [abs(end) for end in (low, high) if math.isfinite(end)]
    return Precision(lead or max(ends, default=None)).interval(low, high)


def percent(fraction: float, zero: float = 0.0) -> str:
    """Format a fraction as a percentage with two significant digits, e.g. ``38%``, ``4.2%``, ``0.31%``.

    Args:
        fraction: what to format.
        zero: what is smaller than that is rounding, and ``0%``.

    Example:
        >>> [percent(v) for v in (0.3812, 0.042, 0.0031, 1.234, -0.05)]
        ['38%', '4.2%', '0.31%', '123%', '−5.0%']
    """
    if not math.isfinite(fraction):
        return number(fraction)
    if abs(fraction) < zero:
        return "0%"
    digits = 3 if abs(fraction) >= 0.995 else 2
    return number(100 * fraction, digits) + "%"


def share(fraction: float) -> str:
    """Format a fraction that somebody has chosen as a percentage, with no idle digits, e.g. ``95%``.

    Example:
        >>> [share(v) for v in (0.95, 0.05, 0.025)]
        ['95%', '5%', '2.5%']
    """
    return f"{100 * fraction:.6g}%"


def rate(value: float, digits: int = DIGITS) -> str:
    """Format a base LR with ``digits`` significant digits and no idle zeros, e.g. ``0.01``, ``3.16e-4``.

    Example:
        >>> [rate(v) for v in (0.01, 0.0316228, 0.000316228, 1.0, 100.0, 4000.0)]
        ['0.01', '0.0316', '3.16e-4', '1', '100', '4000']
    """
    if not math.isfinite(value):
        return number(value)
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return format(Decimal(f"{value:.{digits}g}"), "f")


def duration(seconds: float) -> str:
    """Format a time, e.g. ``0.4 s``, ``38 s``, ``3 min 20 s``, ``5 h 12 min``, ``2 d 3 h``.

    Example:
        >>> [duration(v) for v in (0.42, 38.2, 200, 18720, 183_600)]
        ['0.42 s', '38 s', '3 min 20 s', '5 h 12 min', '2 d 3 h']
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.2g} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


def probability(value: float) -> str:
    """Format a p-value: two significant digits, ``< 0.001`` below that, ``–`` where undefined."""
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else number(value, 2)


def listing(items: list[str]) -> str:
    """Join words as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def capital(text: str) -> str:
    """Return a text with a capital first."""
    return text[:1].upper() + text[1:]


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return e.g. ``1 seed``, ``1,536 trials``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def printable(text: object, limit: int = 300) -> str:
    """Return one line that any file takes: no control or surrogate characters, at most ``limit`` long.

    Example:
        >>> printable(f"a{chr(0)}b{chr(10)}c d", 5)
        'a�b …'
    """
    spaced = " ".join(str(text).split())
    clean = "".join("�" if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c for c in spaced)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
