import shutil
import sys

import pandas as pd
import pytest

import lrshape

TRAINING = '''
calls = []
stop_after = None

def train(lrs, seed):
    """A quadratic with gradient noise that differs by seed: wants a decay, and little warmup."""
    if stop_after is not None and len(calls) >= stop_after:
        raise KeyboardInterrupt
    calls.append(seed)
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.3 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
'''

SPEC = {
    "families": ["rex", "linear"],
    "workload": {"name": "function", "function": "followed_training:train", "steps": 12},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 4},
    "screen": {"shapes": 6, "seeds": 2},
    "rescore": {"top": 3, "seeds": 6},
    "confirm": {"seeds": 6},
    "baselines": ["constant"],
    "chunk_size": 4,
}


@pytest.fixture(scope="session")
def _searched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("followed")
    (folder / "followed_training.py").write_text(TRAINING)
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(folder)
        # The report stays as it is for every other test of this process: this fixture lives as long as that.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lrshape.Study, "report", lambda self: None)
            lrshape.search(SPEC, out=folder / "study")
        yield folder / "study"


@pytest.fixture
def searched(_searched, tmp_path):
    """A complete study of a quick training function, a fresh copy."""
    return lrshape.Study(shutil.copytree(_searched, tmp_path / "study"))


@pytest.fixture
def training(_searched):
    """The module of the training: ``calls`` has the seeds, ``stop_after`` interrupts it."""
    module = sys.modules["followed_training"]
    module.calls.clear()
    module.stop_after = None
    yield module
    module.stop_after = None


def _drive(phase, metric):
    """Run a phase on ``metric(training)``; return its rounds of trials and what it chose."""
    rounds = [next(phase)]
    while True:
        rows = [
            {
                "phase": t.phase,
                "shape": t.shape.id,
                "family": t.shape.family,
                "params": t.shape.params,
                "base_lr": t.base_lr,
                "seed": t.seed,
                "final/train_loss": metric(t),
                "status": "ok",
            }
            for trials in rounds
            for t in trials
        ]
        try:
            rounds.append(phase.send(pd.DataFrame(rows)))
        except StopIteration as end:
            return rounds, end.value


@pytest.fixture
def drive():
    """Runs a phase on ``metric(training)``; gives its rounds of trials and what it chose."""
    return _drive
