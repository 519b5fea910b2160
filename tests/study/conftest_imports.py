"""A real study whose scores differ by phase, shape, base LR and seed."""

import pytest

import lrshape


def train(lrs, seed):
    if lrs.max() > 0.9 and seed % 5 == 0:
        raise OSError("no space left")
    return {"loss": float("nan") if lrs.max() > 0.99 else float(abs(lrs.sum() - 1)) + seed % 7 / 100}


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lrshape.Study, "report", lambda self: None)
        return lrshape.search(
            train=train, steps=4, metrics=("loss",), out=tmp_path_factory.mktemp("imported") / "study",
            families=["rex", "wsd", "cyclic_cosine"], baselines=["constant"], chunk_size=64,
            screen={"shapes": 4, "seeds": 4}, base_lr={"low": 0.1, "high": 1.0, "points": 3},
            rescore={"top": 5, "seeds": 2}, confirm={"seeds": 2}, name="three",
        )  # fmt: skip
