"""The benchmark of verdicts: its worlds are what they say, and a small run of it goes on and tells."""

import sys

import numpy as np
import pytest


def test_the_noise_depends_on_seed_and_schedule_alone():
    from _worlds import Noise

    lrs, seeds = np.random.default_rng(0).uniform(0, 1, (2, 100)), np.arange(20_000)
    of_seed, own = Noise(1.0, 0.0).draw(lrs[:1], seeds), Noise(0.0, 1.0).draw(lrs[:1], seeds)
    other = Noise(0.0, 1.0).draw(lrs[1:], seeds)
    np.testing.assert_allclose(np.corrcoef([of_seed, own, other]), np.eye(3), atol=0.03)
    np.testing.assert_allclose(np.std([of_seed, own, other], axis=1), 1, atol=0.03)
    both = Noise(0.3, 0.4)
    assert both.draw(lrs[1:], seeds)[7] == both.draw(lrs, seeds[[3, 7]])[1]  # whatever is drawn with it


def test_every_world_scores_its_truth_at_the_median():
    from _worlds import WORLDS, world

    for name in WORLDS:
        one = world(name, 0)
        good = np.linspace(1, 0, one.steps)[None] * 0.1
        true = one.true(good)[0]
        median = np.median(one.loss(good, np.arange(20_000)))
        assert true >= one.best
        if np.isfinite(true) and name != "skew":  # its seeds' noise moves the median
            assert median == pytest.approx(true, rel=0.02, abs=0.002), name


def test_claims_are_judged_by_base_lrs_of_their_own():
    from _verdict_report import false_better, false_equal, false_worse

    def result(verdict, **baseline):
        row = {"is_baseline": True, "verdict": verdict, "tuned_effect": 0.1, **baseline}
        return {"winner": {"true": 1.0, "tuned": 0.9}, "margin": 0.05, "others": [row]}

    assert false_better(result("better", true=1.2, tuned=1.0))
    assert not false_better(result("better", true=1.2, tuned=1.1))
    assert not false_better(result("open", true=1.2, tuned=1.0))
    assert false_worse(result("worse", true=0.95, tuned=0.7))
    assert not false_worse(result("worse", true=0.8, tuned=0.7))
    assert false_equal(result("equal", true=1.2, tuned=1.0))


@pytest.mark.usefixtures("in_threads")
def test_it_searches_goes_on_and_tells(monkeypatch, capsys, tmp_path):
    import verdicts

    options = ["--worlds", "lm", "--trials", "48", "--work", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["verdicts.py", *options, "--repetitions", "1"])
    verdicts.main()
    cut_off = (tmp_path / "lm-48.jsonl").read_text() + '{"k": 1, "tr'
    (tmp_path / "lm-48.jsonl").write_text(cut_off)
    monkeypatch.setattr(sys, "argv", ["verdicts.py", *options, "--repetitions", "2"])
    verdicts.main()
    told = capsys.readouterr()
    assert "lm-48: 1 new, 1 taken" in told.err
    assert "| lm | 48 | 2 |" in told.out
