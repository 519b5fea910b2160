"""export, compare, shapes show and shapes fit as users run them."""

import json

import numpy as np
import pytest

from lrshape.cli.export import read_batch_sizes
from lrshape.errors import InputError
from lrshape.frameworks import EXPORTERS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule, read_schedules
from lrshape.shapes.schedules import Schedules

REX = Schedule("rex", {"warmup": 0.1}, 0.1, 40)


LONG = "long" * 100


@pytest.fixture
def shapes(folder):
    (folder.path / "rex.json").write_text(REX.to_json())
    return folder


def test_a_study_and_its_exported_file_give_the_same_torch_file(finished, tmp_path):
    code, out, err = finished.run("export", "study", "--to", "json", "--out", tmp_path / "s.json")
    assert code == 0, err
    expected = Schedule.from_json((tmp_path / "s.json").read_text())
    for source in ("study", tmp_path / "s.json"):
        code, out, err = finished.run("export", source, "--to", "torch", "--out", tmp_path / "torch.py")
        assert (code, out) == (0, f"wrote {tmp_path / 'torch.py'}\n"), err
        assert read_schedule(tmp_path / "torch.py") == expected


@pytest.mark.parametrize("target", list(EXPORTERS))
def test_each_target_has_a_default_name_and_takes_the_changes(shapes, target):
    code, out, err = shapes.run("export", "rex.json", "--to", target, "--steps", 30, "--base-lr", 0.5)
    assert code == 0, err
    name = {"json": "schedule.json", "csv": "schedule.csv", "npy": "schedule.npy", "python": "schedule.py"}
    file = shapes.path / name.get(target, f"schedule_{target}.py")
    assert out == f"wrote {file.name}\n"
    np.testing.assert_allclose(
        read_schedule(file).values(), REX.replace(steps=30, base_lr=0.5).values(), rtol=1e-9
    )


def test_a_directory_gets_files_of_default_names(shapes):
    (shapes.path / "old").mkdir()
    for command, file in (
        (("export", "rex.json", "--to", "torch", "--out", "new/"), "new/schedule_torch.py"),
        (("export", "rex.json", "--to", "json", "--out", "new/"), "new/schedule.json"),
        (("export", "rex.json", "--to", "csv", "--out", "old"), "old/schedule.csv"),
        (("shapes", "fit", "rex.json", "--family", "rex", "--out", "old"), "old/schedule.json"),
        (("shapes", "show", "rex", "--svg", "old/"), "old/schedules.svg"),
        (("shapes", "show", "rex", "--svg", "newer/"), "newer/schedules.svg"),
        (("init", "function", "--out", "old"), "old/function.toml"),
        (("init", "function", "--out", "newest/"), "newest/function.toml"),
    ):
        code, out, err = shapes.run(*command)
        assert (code, f"wrote {file}" in out) == (0, True), err
        assert (shapes.path / file).is_file()


def test_a_minus_is_the_standard_output(shapes, capfd):
    code, _, err = shapes.run("export", "rex.json", "--to", "json", "--out", "-")
    assert (code, err) == (0, "wrote /dev/stdout\n")
    assert Schedule.from_json(capfd.readouterr().out) == REX
    assert not (shapes.path / "-").exists()


def test_batch_sizes(shapes):
    (shapes.path / "sizes.txt").write_text("\n".join(["8"] * 10 + ["32"] * 5))
    expected = REX.replace(batch_sizes=[(8, 10), (32, 5)]).values()
    for given in ("8x10,32x5", "sizes.txt"):
        code, _, err = shapes.run("export", "rex.json", "--to", "csv", "--batch-sizes", given)
        assert code == 0, err
        np.testing.assert_allclose(read_schedule(shapes.path / "schedule.csv").values(), expected, rtol=1e-9)
    code, _, err = shapes.run("export", "rex.json", "--to", "python", "--batch-sizes", "8x10,32x5")
    assert code == 0, err
    assert shapes.run("export", "schedule.py", "--to", "npy")[0] == 0  # they are kept
    np.testing.assert_allclose(np.load(shapes.path / "schedule.npy"), expected, rtol=1e-12)


def test_steps_and_the_lowest_lr_can_be_changed(shapes):
    code, _, err = shapes.run(
        "export", "rex.json", "--to", "json", "--warmup-steps", 4, "--min-lr", 0.01, "--out", "new.json"
    )
    assert code == 0, err
    expected = Schedule("rex", {"warmup_steps": 4, "beta": REX.params["beta"]}, 0.1, 40, min_lr=0.01)
    np.testing.assert_allclose(read_schedule(shapes.path / "new.json").values(), expected.values())


def test_several_schedules(shapes):
    several = Schedules({"lr": REX, "weight_decay": REX.replace(base_lr=0.2)})
    (shapes.path / "several.json").write_text(several.to_json())
    code, out, err = shapes.run("export", "several.json", "--to", "torch", "--steps", 30, "--from-step", 5)
    assert (code, out) == (0, "wrote schedule_torch.py\n"), err
    assert read_schedules(shapes.path / "schedule_torch.py") == several.replace(steps=30).tail(5)
    for arguments, message in (
        (
            ("export", "several.json", "--to", "csv", "--base-lr", 1),
            "--decay-steps change one schedule, and several",
        ),
        (
            ("export", "several.json", "--to", "keras"),
            "a file for keras holds one schedule, got 2: lr, weight_decay",
        ),
        (("shapes", "show", "several.json"), "several.json: must hold one schedule, got 2: lr, weight_decay"),
    ):
        shapes.refuses(message, *arguments)


def test_show_a_file(shapes):
    code, out, err = shapes.run("shapes", "show", "rex.json")
    assert code == 0, err
    assert "rex: warmup=0.1" in out
    assert "base LR 0.1, 40 steps, step rule midpoint" in out
    shown = json.loads(shapes.run("shapes", "show", "rex.json", "--json", "--steps", 20)[1])
    np.testing.assert_allclose(shown["multipliers"], REX.replace(steps=20).values() / 0.1)
    assert shapes.run("shapes", "show", "rex.json", "--svg", "rex.svg", "--png", "rex.png")[0] == 0
    assert (shapes.path / "rex.svg").read_text().startswith("<?xml")
    assert (shapes.path / "rex.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_called_like_a_family_is_not_in_its_way(shapes):
    (shapes.path / "cosine").write_text("notes")
    assert "cosine: warmup=0" in shapes.run("shapes", "show", "cosine")[1]


def test_compare_draws_schedules_of_any_source(shapes, finished):
    study = finished.path / "study"
    code, out, err = shapes.run("compare", "rex.json", study, "--families", "cosine, wsd")
    assert code == 0, err
    for text in ("rex.json", "rex, LR 0.1", " 40 ", "cosine", "wsd", "100 steps", "█"):
        assert text in out
    assert out.index("rex.json") < out.index("cosine")
    out = shapes.run("compare", "--families", "cosine,wsd", "--steps", 1_000_000)[1]
    assert max(map(len, out.splitlines())) <= 80
    code, out, err = shapes.run(
        "compare", "rex.json", "--families", "cosine", "--steps", 50, "--png", "a.png", "--svg", "a.svg"
    )
    assert (code, out) == (0, "wrote a.png\nwrote a.svg\n"), err
    assert (shapes.path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_shapes_fit_finds_the_closest_member_of_a_family(shapes):
    assert shapes.run("export", "rex.json", "--to", "csv", "--out", "curve.csv")[0] == 0
    families = ("--family", "cosine", "--family", "rex")
    code, out, err = shapes.run("shapes", "fit", "curve.csv", *families, "--out", "found.json")
    assert code == 0, err
    assert out.index("rex: base LR 0.1, 40 steps") < out.index("cosine: base LR")
    assert "RMS error 0," in out
    found = Schedule.from_json((shapes.path / "found.json").read_text())
    np.testing.assert_allclose(found.values(), REX.values(), atol=1e-7)
    listed = json.loads(shapes.run("shapes", "fit", "curve.csv", "--family", "rex", "--json")[1])
    assert listed[0]["relative_rms_error"] < 1e-6
    assert listed[0]["schedule"]["family"] == "rex"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "rex.json", "--to", "yaml"), "--to must be one of csv, json, keras"),
        (("export", "none.json", "--to", "csv"), "none.json: cannot be read: No such file"),
        (("export", "rex.json", "--to", "csv", "--steps", "0"), "steps must be a whole number"),
        (("export", "rex.json", "--to", "csv", "--base-lr", "-1"), "base_lr must be a finite number above 0"),
        (
            ("export", "rex.json", "--to", "csv", "--from-step", "40"),
            "--from-step must be from 0 to 39, got 40",
        ),
        (("export", "rex.json", "--to", "csv", "--batch-sizes", "8"), "--batch-sizes must be SIZExSTEPS"),
        (
            ("export", "rex.json", "--to", "csv", "--metric", "x"),
            "--metric applies to studies only",
        ),
        (
            ("export", "rex.json", "--to", "json", "--out", "rex.json"),
            "the export would overwrite its source",
        ),
        (("export", "rex.json", "--to", "csv", "--out", "/proc/x/y.csv"), "cannot be written"),
        (("export", "spec.toml", "--to", "csv"), "must end with one of .json, .csv, .npy, .py"),
        (("export", "my_training.py", "--to", "csv"), "has no constant SCHEDULE"),
        (("shapes", "show", "none.json"), "none.json: cannot be read"),
        (("shapes", "show", "rex.json", "-p", "beta=1"), "-p and --step-rule apply to families only"),
        (("compare",), "nothing to compare: give"),
        (("compare", "--families", "cosine,rexx"), "did you mean 'rex'?"),
        (("compare", "rex.json", "--families", ""), "family must be one of"),
        (("export", "rex.json", "--to", "csv", "--out", ""), "an output file must have a name"),
        (("compare", "--families", "rex", "--svg", "/proc/x/place.svg"), "cannot be written"),
        (("compare", LONG), "File name too long"),
        (("export", LONG, "--to", "json"), "File name too long"),
        (("export", "rex.json", "--to", "json", "--out", LONG), "File name too long"),
        (("shapes", "show", "rex", "--json", "--png", "rex.png"), "give --json, or --png and --svg"),
        (("compare", "nowhere"), "nowhere"),
        (("shapes", "fit", "rex.json", "--family", "rexx"), "did you mean 'rex'?"),
        (("shapes", "fit", "rex.json", "--family", "table"), "there is nothing to fit"),
        (("shapes", "fit", "none.csv", "--family", "rex"), "none.csv: cannot be read"),
        (("shapes", "fit", "rex.json"), "Missing option '--family'"),
        (("shapes", "fit", "rex.json", "--family", "rex", "--out", "a.csv"), "--out must end with .json"),
    ],
)
def test_wrong_input_is_one_clear_line(shapes, arguments, message):
    shapes.refuses(message, *arguments)
    assert Schedule.from_json((shapes.path / "rex.json").read_text()) == REX


def test_batch_sizes_from_the_command_line(tmp_path):
    file = tmp_path / "sizes.txt"
    file.write_text("8\n8\n16\n")
    assert read_batch_sizes(str(file)) == [(8, 1), (8, 1), (16, 1)]
    stages = [(2**i, 1000 + i) for i in range(30)]
    assert read_batch_sizes(",".join(f"{size}x{count}" for size, count in stages)) == stages
    file.write_bytes(b"\xef\xbb\xbfbatch_size\r\n8\r\n1.6e1\r\n\r\n")
    assert read_batch_sizes(str(file)) == [(8, 1), (16, 1)]
    for bad in ("8\n\n16\n", "8\n1.5\n", "1,000\n2,000\n", "8 16\n", ""):
        file.write_text(bad)
        with pytest.raises(InputError, match=r"--batch-sizes must be a file with one .*: .*sizes\.txt: "):
            read_batch_sizes(str(file))
    assert read_batch_sizes("8x2,16x1") == [(8, 2), (16, 1)]
    file.write_text("8\nx\n")
    for bad in (str(file), "8", "8x", "x", "", "8x2;9x1", "a" * 10_000, str(tmp_path), "\0"):
        with pytest.raises(InputError, match="--batch-sizes must be"):
            read_batch_sizes(bad)


def test_words_about_a_tuned_study_are_no_part_of_what_goes_to_the_standard_output(folder):
    code = "def train(lrs, seed, *, weight_decay):\n    return float(lrs[0]) + weight_decay + seed % 7\n"
    (folder.path / "tuned.py").write_text(code)
    (folder.path / "tuned.toml").write_text(
        """
        trials = 60
        families = ["rex"]
        baselines = []
        base_lr = {low = 0.01, high = 1.0}
        tune.weight_decay = {low = 0.1, high = 1.0}
        workload = {name = "function", function = "tuned:train", steps = 5}
        """
    )
    code, _, err = folder.run("search", "tuned.toml", "--out", "study")
    assert code == 0, err
    code, out, err = folder.run_apart("export", "study", "--to", "json", "--out", "/dev/stdout")
    assert code == 0, err
    assert Schedule.from_json(out).family == "rex"
    assert "it was tuned together with\nweight_decay" in err
