"""What every check shares: it runs its trials, evaluates them, and writes tables, figures and a page."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lrshape.analysis.tables import write_csv
from lrshape.checks.follow_up import FollowUp
from lrshape.registry import Registry
from lrshape.store import store_error
from lrshape.study.callback import Callback
from lrshape.study.study import Study
from lrshape.workers.executor import ExecutorChoice

if TYPE_CHECKING:
    from lrshape.report.interaction import Cards
    from lrshape.report.sections import Section, Table


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a check found, as its page, the terminal and JSON show it.

    Attributes:
        title: the answer in a few words.
        lede: what the title means, with numbers, a sentence each.
        sections: what the page shows below.
        method: how it was computed, a sentence each.
        summary: what the terminal shows besides the title: sentences and tables.
        tables: written as ``tables/<name>.csv``.
        data: plain JSON types; None stands for a number that is not finite.
        cards: of the shapes that can be pointed at on the page.
    """

    title: str
    lede: Sequence[str] = ()
    sections: "Sequence[Section]" = ()
    method: Sequence[str] = ()
    summary: "Sequence[str | Table]" = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    cards: "Cards | None" = None

    def to_dict(self) -> dict[str, Any]:
        """``data``, for JSON."""
        return dict(self.data)

    def write(self, directory: Path, *, eyebrow: str, name: str) -> Path:
        """Write ``report.html`` and ``tables/``; the same result gives the same bytes.

        Args:
            directory: where to write.
            eyebrow: what kind of page it is.
            name: of the study.

        Returns:
            The path of ``report.html``.

        Raises:
            StoreError: if the directory cannot be written.
        """
        from lrshape.report.sections import Section, write_page

        method = [Section("How it was computed", remarks=self.method)] if self.method else []
        try:
            write_csv(self.tables, directory / "tables")
            return write_page(
                directory / "report.html",
                eyebrow=eyebrow,
                name=name,
                title=self.title,
                lede=self.lede,
                sections=[*self.sections, *method],
                cards=self.cards,
            )
        except OSError as error:
            raise store_error(error, Path(error.filename2 or error.filename or directory)) from error


class Check(FollowUp):
    """A question to a complete study that more trials of its workload answer.

    A subclass that `CHECKS` registers is a command, ``lrshape check NAME``. Its fields are the check's
    settings and, with their descriptions, the command's options; its docstring is the command's help.
    """

    @abc.abstractmethod
    def cost(self, study: Study) -> int:
        """About how many trials the check takes."""

    @abc.abstractmethod
    def evaluate(self, study: Study, trials: pd.DataFrame, figures: Path) -> CheckResult:
        """What the trials say.

        Args:
            study: the study, complete.
            trials: all of the check's, sorted.
            figures: where figures are drawn, see `lrshape.report.drawing.draw_all`.
        """

    def run(
        self,
        study: Study,
        *,
        callback: Callback | None = None,
        time_limit: float | None = None,
        executor: ExecutorChoice = "inline",
    ) -> CheckResult:
        """Run the trials that are missing, and write ``report.html``, ``figures/`` and ``tables/``.

        Arguments and errors are those of `train`.
        """
        table = self.train(study, callback=callback, time_limit=time_limit, executor=executor)
        directory = study.directory / self.name
        try:
            (directory / "figures").mkdir(parents=True, exist_ok=True)
            result = self.evaluate(study, table, directory / "figures")
        except OSError as error:
            raise store_error(error, Path(error.filename2 or error.filename or directory)) from error
        stated = {"metric": study.metric, "settings": self.model_dump(mode="json"), "trials": len(table)}
        result = replace(
            result,
            tables={**result.tables, "trials": table.drop(columns="wall_time")},
            data={**stated, **result.data},
        )
        result.write(directory, eyebrow=f"Check: {self.name}", name=str(study.document.get("name", "study")))
        return result


CHECKS: Registry[Check] = Registry("check", "lrshape.checks", "lrshape.checks", Check)
