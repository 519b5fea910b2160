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
    (folder.path / "curve.csv").write_text("lr\n" + "\n".join(map(str, [1, 0.9, 0.7, 0.4, 0.1])))
    forms = (*command[:3], "one", "--trials", 24, "--start-from", "curve.csv", "--set")
    # A family by itself, and the empty list that `lrshape init` writes.
    code, _, errors = folder.run(*forms, "families=rex", "--set", "initial_shapes=[]")
    assert code == 0, errors
    assert "nearest is rex" in errors
    code, _, errors = folder.run(*forms, "families=[]", "--out", "none")
    assert code == 2
    assert errors == "error: families: at least one is needed to start from shapes, got none\n"
    given = ("--set", 'initial_shapes=[{family="rex"}]')
    code, _, errors = folder.run(*command[:3], "third", *command[4:], *given)
    assert code == 2
    assert "give either --start-from or initial_shapes in the spec, not both" in errors
