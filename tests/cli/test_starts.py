"""Shapes to start from, on the command line."""

import json

import pytest

from lrshape.study.study import Study


def test_the_best_shapes_of_a_study_start_another(finished, folder):
    place = finished.path / "study"
    found = json.loads(finished.run("best", "study", "--json")[1])
    won = next(f for f in [found, *found["families"]] if f["family"] == "rex")
    command = ("search", "planned.toml", "--out", "second", "--trials", 48, "--start-from", place)
    code, _, errors = folder.run(*command)
    assert code == 0, errors
    assert "shapes from rex, linear" in errors
    first = Study(folder.path / "second").trials().query("family == 'rex'").iloc[0]
    assert json.loads(first["params"]) == pytest.approx(won["params"])
    code, _, errors = folder.run(*command[:-1], "nowhere")  # what it came from may change, or be gone
    assert code == 0, errors
    assert "goes on with the initial shapes that it began with" in errors
    assert "resuming" in errors
    given = ("--set", 'initial_shapes=[{family="rex"}]')
    code, _, errors = folder.run(*command[:3], "third", *command[4:], *given)
    assert code == 2
    assert "give either --start-from or initial_shapes in the spec, not both" in errors
