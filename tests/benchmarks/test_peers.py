"""The benchmark of peers: a small run goes on and tells, and a peer spends the trials that it is given."""

import sys

import pytest


def run(monkeypatch, capsys, *options):
    import peers

    monkeypatch.setattr(sys, "argv", ["peers.py", *options])
    peers.main()
    return capsys.readouterr()


@pytest.mark.usefixtures("in_threads")
def test_it_searches_goes_on_and_tells(monkeypatch, capsys, tmp_path):
    options = ["--worlds", "lm", "--trials", "64", "--contenders", "default,cmaes", "--work", str(tmp_path)]
    run(monkeypatch, capsys, *options, "--repetitions", "1")
    told = run(monkeypatch, capsys, *options, "--repetitions", "2")
    assert "lm-64-cmaes: 1 new, 1 taken" in told.err
    assert "| CMA-ES | 64 |" in told.out
    assert told.out == run(monkeypatch, capsys, *options, "--report").out


@pytest.mark.usefixtures("in_threads")
def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, capsys, tmp_path):
    import peers

    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    options = ["--worlds", "lm", "--contenders", "smac", "--repetitions", "1", "--work", str(tmp_path)]
    with pytest.raises(SystemExit, match="has no results"):
        run(monkeypatch, capsys, *options)
    assert capsys.readouterr().err == "smac is left out: smac is not installed\n"


def test_a_race_spends_its_trials_and_ends_with_the_best():
    import numpy as np
    from _peer_search import Cube
    from _worlds import world

    cube = Cube(world("sharp", 0), 0)
    points = np.random.default_rng(0).random((12, cube.dimensions))
    shapes, base_lrs = cube.schedules(points)
    true = [
        cube.world.true(lr * shape(np.arange(1, 200, 2) / 200)[None])[0]
        for shape, lr in zip(shapes, base_lrs, strict=True)
    ]
    best = cube.race(points, 64)
    assert cube.trained == 64
    np.testing.assert_array_equal(best, points[np.argmin(true)])
