"""Against values of the paper's own code."""

import json
from pathlib import Path

import numpy as np
import pytest

from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "reference_shapes.json").read_text())
STEPS = GOLDEN["total_steps"]
SAMPLED = [*range(0, STEPS, 500), STEPS - 1]
OUR_FAMILY = {"cosine_standard": "cosine"}
OUR_PARAMETER = {"x0": "warmup"}
CASES = [(f, i) for f, cases in GOLDEN["families"].items() for i in range(len(cases))]


def _our_params(family, params):
    ours = {}
    for name, value in params.items():
        if name == "warmup_steps":
            ours["warmup"] = value / STEPS
        elif (family, name) == ("cosine_floor", "alpha"):
            ours["floor"] = value
        else:
            ours[OUR_PARAMETER.get(name, name)] = value
    return ours


def test_the_papers_ten_families_are_there():
    assert len(GOLDEN["families"]) == 10
    assert {OUR_FAMILY.get(f, f) for f in GOLDEN["families"]} <= set(FAMILIES)


@pytest.mark.parametrize(("family", "index"), CASES)
def test_agrees_with_the_papers_code(family, index):
    case = GOLDEN["families"][family][index]
    theirs = np.array(case["y"])
    params = _our_params(family, case["params"])
    if family == "sqrt":
        # Their ramp and decay are scaled so that the peak is at (w - 1)/w, w the number of warmup steps.
        w = case["params"]["warmup_steps"]
        theirs = theirs / ((w - 1) / w)
    ours = Schedule(OUR_FAMILY.get(family, family), params, 1.0, STEPS, "left").multipliers()[SAMPLED]
    np.testing.assert_allclose(ours, theirs, atol=4e-3)
