"""Notes on runs: what was chosen, filled and left out, one line each."""

from collections.abc import Iterable

from lrshape.errors import listed
from lrshape.predict.run_curves import Told
from lrshape.report.words import counted


class Notes:
    """Collects notes; those of one kind on several runs become one line, with what the first of them says."""

    def __init__(self) -> None:
        self._general: list[str] = []
        self._runs: dict[str, dict[str, str]] = {}

    def add(self, line: str) -> None:
        """Add a line that is about no single run."""
        self._general.append(line)

    def tell(self, run: str, notes: Iterable[Told]) -> None:
        """Add notes on a run."""
        for told in notes:
            self._runs.setdefault(told.kind, {}).setdefault(run, told.text)

    def lines(self) -> tuple[str, ...]:
        """All of them, those about no single run first."""
        return (*self._general, *map(_line, self._runs.values()))


def _line(by_run: dict[str, str]) -> str:
    (first, text), *others = by_run.items()
    if not others:
        return f"{first}: {text}"
    if all(other == text for _, other in others):
        return f"{len(by_run)} runs ({listed(by_run, 4)}): {text}"
    names = listed((name for name, _ in others), 4)
    return f"{first}: {text}; likewise {counted(len(others), 'more run')} ({names})"
