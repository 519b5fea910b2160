"""About how much room a study takes on the disk, from its spec."""

from lrshape.procedure.base_lr import GridLR, PredictedLR
from lrshape.study.spec import StudySpec

CHUNK = 4_096
"""Bytes of a chunk's file besides its trials: Parquet's description of the columns."""

TRAINING = 60
"""Bytes of a trial besides its metrics: mostly the digits of its parameters."""

METRIC = 6
"""Bytes of a trial's metric, compressed."""

CSV = 250
"""Bytes of a trial in the report's tables."""

REPORT = 4_000_000
"""Bytes of the report's page and figures."""


def expected_trials(spec: StudySpec) -> dict[str, int]:
    """About how many trials each phase has; a search that ends early or widens base LRs has others."""
    baselines = len(spec.baselines)
    strategy = spec.base_lr
    rates = strategy.points if isinstance(strategy, GridLR | PredictedLR) else 1
    shapes = sum(family.shapes or spec.screen.shapes for family in spec.families) + baselines
    finalists = spec.rescore.top + len(spec.families) - 1 + baselines  # one is the best of its family
    return {
        "screen": shapes * rates * spec.screen.seeds,
        "rescore": finalists * spec.rescore.base_lrs * spec.rescore.seeds,
        "confirm": (len(spec.families) + baselines) * spec.confirm.seeds,
    }


def expected_bytes(spec: StudySpec, chunk_size: int, stored: int = 0) -> int:
    """About how many bytes a study has still to write, its report included.

    Args:
        spec: of the study.
        chunk_size: trials in a chunk.
        stored: chunks that are there already.
    """
    planned = expected_trials(spec)
    chunks = sum(-(-count // chunk_size) for count in planned.values())
    trials = sum(planned.values())
    training = TRAINING + METRIC * len(spec.workload.metric_names())
    left = max(0.0, 1 - stored / max(1, chunks))
    return int(left * (chunks * CHUNK + trials * training) + trials * CSV + REPORT)
