"""Does the winner keep its score?"""

import pandas as pd
from pydantic import Field

from lrshape.checks.check import CHECKS, Check, CheckResult
from lrshape.procedure.trial import Candidate, ShapeRecord


@CHECKS.register("repeat")
class Repeat(Check):
    """Train the winner again on fresh seeds, and compare its median score with the study's."""

    seeds: int = Field(default=20, ge=1, le=10_000, description="fresh seeds")

    def phase(self, study):
        """One round."""
        best = study.best()
        winner = ShapeRecord.of("winner", best.family, best.params)
        yield self.trials([Candidate(winner, best.base_lr)], self.seeds)
        return []

    def most_trials(self, study):
        """The winner alone."""
        return self.seeds

    def cost(self, study):
        """The same."""
        return self.seeds

    def evaluate(self, study, trials, figures):
        """Compare medians."""
        before, after = study.best().score_median, float(trials[study.metric].median())
        return CheckResult(
            title=f"The winner scores {after:.4g} on fresh seeds, {before:.4g} in the study",
            tables={"medians": pd.DataFrame({"study": [before], "fresh": [after]})},
            data={"study": before, "fresh": after},
        )
