import itertools

import numpy as np
import pytest

from lrshape.report.palette import CATEGORIES, COLOURS, INK, MUTED, PAPER, css_variables, family_styles

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8607, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def linear(colour):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    low, high = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    to_cone = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
               [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
              [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    return np.array(to_lab) @ np.cbrt(np.array(to_cone) @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_category_colours_differ_for_every_kind_of_sight(mode, sight):
    seen = [oklab(np.array(SIGHTS[sight]) @ linear(getattr(c, mode))) for c in CATEGORIES]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 0.065


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast_with_the_paper(mode):
    paper = getattr(PAPER, mode)
    assert min(contrast(getattr(c, mode), paper) for c in CATEGORIES) >= 3
    assert contrast(getattr(INK, mode), paper) >= 10
    assert contrast(getattr(MUTED, mode), paper) >= 4.5


def test_colours_are_told_apart_by_their_light_value():
    assert len({c.light for c in COLOURS}) == len(COLOURS) == len({c.variable for c in COLOURS})


def test_styles_depend_on_the_set_of_families_alone_and_all_differ():
    names = [f"family_{i:02d}" for i in range(20)]
    styles = family_styles(names)
    assert styles == family_styles(reversed(names + names))
    assert len({(s.colour, str(s.dash), s.marker) for s in styles.values()}) == 20


def test_css_variables_follow_the_mode():
    assert f"--paper: {PAPER.light};" in css_variables(dark=False)
    assert f"--paper: {PAPER.dark};" in css_variables(dark=True)
