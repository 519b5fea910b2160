"""What a callback hears of a running study, and how the command line says it, at every speed."""

from types import SimpleNamespace

import pytest

import lrshape
from lrshape.cli.progress import Bar, PrintProgress, described
from lrshape.study import callback
from lrshape.study.callback import Callback, Speed, Status, Tally

SPEC = {
    "families": ["rex"], "baselines": ["constant"], "base_lr": {"low": 0.01, "high": 1.0, "points": 2},
    "screen": {"shapes": 2, "seeds": 2}, "rescore": {"top": 1, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1}, "confirm": {"seeds": 2},
}  # fmt: skip


class Heard(Callback):
    def __init__(self):
        self.steps, self.ends = [], {}

    def progress(self, status):
        self.steps.append(status)

    def phase_done(self, status):
        self.ends[status.phase] = status


def train(lrs, seed):
    return float((lrs.sum() - 1) ** 2 + seed % 7 * 1e-3)


@pytest.mark.parametrize(
    "given",
    [{"train": train, "steps": 3}, {"workload": {"name": "linear-regression", "steps": 40}, "chunk_size": 4}],
    ids=["called", "population"],
)
def test_a_callback_is_told_once_of_each_step_with_whole_numbers(tmp_path, given):
    heard = Heard()
    study = lrshape.search(SPEC, out=tmp_path / "x", callback=heard, **given)
    stored = study.trials()["phase"].value_counts().to_dict()
    for phase, trials in stored.items():
        done = [status.done for status in heard.steps if status.phase == phase]
        assert all(type(one) is int for one in done)
        assert done == sorted(set(done))
        assert done[-1] == heard.ends[phase].done == heard.ends[phase].planned == trials
        assert all(status.done <= status.planned for status in heard.steps)


def test_the_bars_of_a_terminal_show_each_phase_and_start_anew_for_another_study(tmp_path, capsys):
    bar = Bar()
    for name in ("x", "y"):
        lrshape.search(SPEC, out=tmp_path / name, callback=bar, train=train, steps=3)
    bar.stop()
    shown = capsys.readouterr().err.replace("\n", "")  # long paths are wrapped
    assert all(shown.count(f"study in {tmp_path / name}") == 1 for name in ("x", "y"))
    assert all(shown.count(f"{phase:<8} ") >= 2 for phase in ("screen", "rescore", "tune", "confirm"))


def test_the_progress_of_a_script_is_printed(tmp_path, capsys):
    lrshape.search(SPEC, out=tmp_path / "x", callback=PrintProgress(), train=train, steps=3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"study in {tmp_path / 'x'}"
    assert sum(" trials, " in line for line in lines) >= 4  # one a phase


def test_a_narrow_terminal_shows_the_whole_bar(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    bar = Bar()
    bar.started("x", 0)
    bar.progress(status(0.05, after=180))
    bar.stop()
    shown = capsys.readouterr().err
    assert all(text in shown for text in ("screen  ", " 200/1,000 ", " failed"))


def test_a_resumed_study_goes_on_counting(tmp_path):
    class Stop(Heard):
        def progress(self, status):
            super().progress(status)
            if len(self.steps) == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lrshape.search(SPEC, train=train, steps=3, out=tmp_path / "x", callback=Stop())
    heard = Heard()
    lrshape.search(SPEC, train=train, steps=3, out=tmp_path / "x", callback=heard)
    assert heard.steps[0].done == 6


def status(rate, done=200, after=0):
    return Status("screen", planned=1000, after=after, done=done, rate=rate, diverged=0, best=0.5)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (1e4, "10,000 trials/s, at most 0.08 s left, "),
        (12.3, "12.3 trials/s, at most 1 min 5 s left, "),
        (0.999, "1 s a trial, at most 13 min 21 s left, "),
        (0.05, "20 s a trial, at most 4 h 27 min left, "),
        (1 / 7200, "2 h 0 min a trial, at most 66 d 16 h left, "),
    ],
)
def test_every_speed_has_words(rate, words):
    assert described(status(rate)).startswith(words)


def test_the_end_of_a_phase_has_words():
    assert described(status(0.05, done=999)).startswith("20 s a trial, at most 20 s left, best 0.5")
    assert described(status(0.05, done=1000)) == "20 s a trial, best 0.5, 0 diverged or failed"
    assert "20 s a trial, at most 1 h 0 min left of the study" in described(status(0.05, 1000, after=180))
    assert described(status(None)) == "best 0.5, 0 diverged or failed"


def test_slow_trials_of_two_workers_are_timed(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr(callback, "time", clock)
    tally = Tally("screen", "final/loss", "minimize", Speed(), at_most=100)
    tally.plan(100, None)
    heard = []
    for trained, clock.now in enumerate((20.0, 20.1, 40.0, 40.1, 60.0), 1):
        heard.append(tally.news(trained))
    assert [news.done for news in heard] == [1, 2, 3, 4, 5]
    assert [news.rate for news in heard[:2]] == [None, None]
    assert heard[-1].rate == pytest.approx(0.1)
    assert tally.news(5.999) is None
