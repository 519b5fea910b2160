"""A study whose trials end in every way."""

import signal

import pytest

import lrshape


def train(lrs, seed):
    if lrs.max() > 0.9 and seed % 5 == 0:
        raise OSError("no space left")
    loss = float("nan") if lrs.max() > 0.99 else float(abs(lrs.sum() - 1)) + seed % 7 / 100
    return {"loss": loss, "seed": seed}


@pytest.fixture(scope="session")
def study(without_report, tmp_path_factory):
    """A complete study of three families, some of whose trials failed or diverged."""
    with without_report():
        return lrshape.search(
            train=train, steps=4, metrics=("loss", "seed"), out=tmp_path_factory.mktemp("uneven") / "study",
            families=["rex", "wsd", "cyclic_cosine"], baselines=["constant"], chunk_size=64,
            screen={"shapes": 4, "seeds": 4}, base_lr={"low": 0.1, "high": 1.0, "points": 3},
            rescore={"top": 5, "seeds": 2}, tuning={"rounds": 1, "base_lrs": 3, "seeds": 1},
            confirm={"seeds": 2}, name="three",
        )  # fmt: skip


@pytest.fixture
def hears_interrupts():
    """Shells start background jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
