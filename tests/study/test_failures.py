"""Studies whose trials fail: how many may, what is said then, and going on afterwards."""

import pandas as pd
import pytest

import lrshape
from lrshape.study.run import MIN_JUDGED, TooManyFailed

SPEC = {
    "families": ["rex"],
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 6},
    "baselines": ["constant"],
}


pytestmark = pytest.mark.usefixtures("no_report")


class Broken:
    """A trial that fails when its number is among the first of each ten, once so many have not."""

    def __init__(self, of_ten, after=0):
        self.of_ten, self.after, self.calls = of_ten, after, 0

    def __call__(self, lrs, seed):
        self.calls += 1
        if self.calls > self.after and self.calls % 10 < self.of_ten:
            raise OSError("no space\nleft")
        return float(lrs.mean())

    __qualname__ = "Broken"


def search(train, out, **settings):
    return lrshape.search({**SPEC, **settings}, train=train, steps=3, out=out)


def test_a_study_stops_when_most_trials_fail_and_says_the_first_message(tmp_path):
    train = Broken(10)
    with pytest.raises(TooManyFailed) as stop:
        search(train, tmp_path / "x")
    assert str(stop.value) == (
        "10 of the 10 trials of this run failed, more than max_failed_fraction = 0.5 allows, the first with: "
        f"OSError: no space left; the next run in {tmp_path / 'x'} trains the chunks again in which more "
        "than that share failed"
    )
    assert train.calls == MIN_JUDGED
    assert not list((tmp_path / "x" / "trials").iterdir())
    assert list((tmp_path / "x" / "damaged").iterdir())


def test_mended_code_finds_what_it_finds_without_the_mistake(tmp_path):
    """As the first trials choose a baseline's base LR, failures must not count as losses of it."""
    with pytest.raises(TooManyFailed):
        search(Broken(10), tmp_path / "x")
    tables = [search(Broken(0), tmp_path / name).trials().drop(columns="wall_time") for name in ("x", "y")]
    pd.testing.assert_frame_equal(*tables)


def test_mended_code_keeps_what_was_trained_before_the_mistake(tmp_path):
    with pytest.raises(TooManyFailed):
        search(Broken(10, after=12), tmp_path / "x", chunk_size=4)
    assert lrshape.Study(tmp_path / "x").trials()["status"].tolist() == ["ok"] * 12
    mended = Broken(0)
    study = search(mended, tmp_path / "x", chunk_size=4)
    assert mended.calls == len(study.trials()) - 12


@pytest.mark.parametrize(("of_ten", "most", "stops"), [(3, 0.5, False), (3, 0.2, True), (8, 0.9, False)])
def test_the_share_is_the_specs(tmp_path, of_ten, most, stops):
    if stops:
        with pytest.raises(TooManyFailed, match=f"more than max_failed_fraction = {most} allows"):
            search(Broken(of_ten), tmp_path / "x", max_failed_fraction=most)
    else:
        assert search(Broken(of_ten), tmp_path / "x", max_failed_fraction=most).is_complete()


def test_another_share_is_the_same_study(tmp_path):
    """It changes no training: who wants to go on whatever fails raises it."""
    with pytest.raises(TooManyFailed):
        search(Broken(10), tmp_path / "x")
    assert search(Broken(10), tmp_path / "x", max_failed_fraction=1.0).is_complete()


def test_divergence_is_no_failure(tmp_path):
    assert search(lambda lrs, seed: float("nan"), tmp_path / "x", max_failed_fraction=0.0).is_complete()
