"""Specs of the experiments: one for each workload and scale."""

import copy
from typing import Any

PAPER_FAMILIES = [
    "constant",
    "cosine",
    "generalized_cosine",
    "cosine_floor",
    "sqrt",
    "rex",
    "two_point_linear",
    "two_point_spline",
    "two_point_spline_floor",
    "smooth_nonmonotonic",
]
_FEW = ["generalized_cosine", "two_point_spline", "smooth_nonmonotonic"]


def _sizes(
    shapes: int, points: int, screen: int, top: int, rescore: int, confirm: int, base_lrs: int = 3
) -> dict[str, Any]:
    return {
        "base_lr": {"points": points},
        "screen": {"shapes": shapes, "seeds": screen},
        "rescore": {"top": top, "seeds": rescore, "base_lrs": base_lrs},
        "confirm": {"seeds": confirm},
    }


_LINEAR = {"name": "linear-regression", "exponent": 1.0, "batch_size": 1}
_SMALL_CIFAR = {"name": "cifar10-cnn", "steps": 4, "batch_size": 16, "train_images": 400, "test_images": 400}
_SMALL_TEXT = {
    "name": "wikitext-transformer", "steps": 4, "batch_size": 4, "vocabulary": 512, "length": 16,
    "max_len": 16, "embed": 16, "mlp": 32, "heads": 2, "train_sequences": 100, "valid_sequences": 100,
}  # fmt: skip
_CPU_TEXT = {
    "name": "wikitext-transformer", "steps": 200, "batch_size": 16, "vocabulary": 1024, "length": 64,
    "max_len": 64, "embed": 64, "mlp": 256, "train_sequences": 400, "valid_sequences": 400,
}  # fmt: skip

SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("linear-regression", "smoke"): {
        "families": _FEW,
        "workload": {**_LINEAR, "dimension": 30, "steps": 50},
        **_sizes(16, 6, 1, 4, 1, 1),
    },
    ("linear-regression", "cpu"): {
        "families": PAPER_FAMILIES,
        "workload": {**_LINEAR, "dimension": 200, "steps": 300},
        **_sizes(256, 16, 1, 20, 1, 1, base_lrs=9),
    },
    ("linear-regression", "gpu"): {
        "families": PAPER_FAMILIES,
        "workload": {**_LINEAR, "dimension": 1000, "steps": 1000},
        **_sizes(1024, 16, 1, 20, 1, 1, base_lrs=9),
    },
    ("digits", "smoke"): {
        "families": _FEW[:2],
        "workload": {"name": "digits-mlp", "steps": 30},
        **_sizes(4, 4, 1, 3, 2, 6),
    },
    ("digits", "cpu"): {
        "families": ["generalized_cosine", "rex", "two_point_spline"],
        "workload": {"name": "digits-mlp", "steps": 300},
        **_sizes(64, 8, 2, 12, 10, 40),
    },
    ("cifar10", "smoke"): {
        "families": _FEW[:2],
        "baselines": ["constant", "cosine"],
        "workload": _SMALL_CIFAR,
        **_sizes(2, 2, 1, 2, 2, 6, base_lrs=1),
    },
    ("cifar10", "cpu"): {
        "families": _FEW[:2],
        "workload": {"name": "cifar10-cnn", "steps": 150, "train_images": 2000},
        **_sizes(12, 4, 1, 5, 3, 6, base_lrs=1),
    },
    ("cifar10", "gpu"): {
        "families": PAPER_FAMILIES,
        "workload": {"name": "cifar10-cnn", "steps": 2000},
        **_sizes(128, 8, 1, 20, 5, 20),
    },
    ("wikitext", "smoke"): {
        "families": _FEW[:2],
        "baselines": ["constant", "cosine"],
        "workload": _SMALL_TEXT,
        **_sizes(2, 2, 1, 2, 2, 6, base_lrs=1),
    },
    ("wikitext", "cpu"): {
        "families": _FEW[:2],
        "workload": _CPU_TEXT,
        **_sizes(8, 4, 1, 5, 3, 6, base_lrs=1),
    },
    ("wikitext", "gpu"): {
        "families": PAPER_FAMILIES,
        "workload": {"name": "wikitext-transformer", "steps": 2000},
        **_sizes(128, 8, 1, 20, 5, 20),
    },
}
_GRIDS = {"cifar10": (5e-4, 4e-3), "wikitext": (1e-3, 1e-2)}


def spec(name: str, scale: str) -> dict[str, Any]:
    """A fresh copy of a spec, named after the experiment and the scale."""
    found = copy.deepcopy(SPECS[name, scale])
    if name in _GRIDS and scale != "gpu":  # few points: around where the best ones lie
        low, high = _GRIDS[name]
        found["base_lr"] |= {"low": low, "high": high, "extend": 2}
    return {"name": f"{name} ({scale})", **found}
