"""What `lrshape demo` finds under other study seeds: the studies in ``digits-mlp/demo``."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from stored import STUDIES

from lrshape.study.study import Study


def findings() -> Mapping[str, Any]:
    """Ranges over the studies: of the winners, and of the lead over each baseline."""
    folders = sorted((STUDIES / "digits-mlp" / "demo").iterdir())
    results = [Study(folder).best() for folder in folders]
    leads: dict[str, list[float]] = {}
    for result in results:
        for one in result.baselines:
            assert one.effect is not None, f"{one.name} diverged"
            leads.setdefault(one.name, []).append(-math.expm1(-one.effect))
    return {
        "studies": len(results),
        "better": sum(all(one.verdict == "better" for one in result.baselines) for result in results),
        "leads": {name: ends(values) for name, values in leads.items()},
        "trials": ends([result.trials for result in results]),
        "score": ends([result.score_median for result in results]),
        "warmup": ends([result.params.get("warmup", 0.0) for result in results]),
        "families": Counter(result.family for result in results).most_common(),
    }


def ends(values: list[Any]) -> tuple[Any, Any]:
    """The smallest and the largest."""
    return min(values), max(values)
