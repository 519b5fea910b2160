"""What a phase is: rounds of trials, each decided from the results of those before it."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

import pandas as pd

from lrshape.procedure.trial import Candidate, Trial

_Chosen = TypeVar("_Chosen")

Rounds: TypeAlias = Generator[list[Trial], pd.DataFrame, _Chosen]
"""Yields rounds of trials, is sent the table of the phase's trials so far, and returns what it chose."""

Phase: TypeAlias = Rounds[list[Candidate]]
