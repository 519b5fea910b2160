"""Links, hard links and pipes that somebody has planted in a study, and every command that writes into it."""

import os
import shutil

import pytest

TRIALS = ("trials", "study", "--to")
REPORT = ("report", "study")
SEARCH = ("search", "spec.toml", "--out", "study")
SWEEP = ("sweep", "spec.toml", "--over", "seed=1,2", "--out", "sweep")
FILES = {
    REPORT: ("report.html", "figures/scores.svg", "tables/trials.csv", "tables/trials.csv.tmp"),
    SEARCH: ("choice.json", "trials/screen-00000.parquet"),
    (*TRIALS, "csv"): ("trials.csv",),
    (*TRIALS, "parquet"): ("trials.parquet",),
    (*TRIALS, "optuna"): ("trials.log", "trials.log.lock"),
    ("export", "study", "--to", "json"): ("schedule.json",),
    ("export", "study", "--to", "npy", "--out", "study/x.npy"): ("x.npy",),
    ("compare", "study", "--svg", "study/x.svg", "--png", "study/x.png"): ("x.svg", "x.png"),
    ("init", "digits-mlp", "--out", "study/x.toml"): ("x.toml",),
    ("reproduce", "families", "--out", "study"): ("families.svg", "families.png"),
}
FOLDERS = {
    "study/figures": REPORT,
    "study/tables": REPORT,
    "study/trials": SEARCH,
    "study/seeds": ("check", "seeds", "study"),
    "study/local": ("check", "local", "study"),
    "study/damaged": ("store", "verify", "study", "--repair"),
    "sweep/studies": SWEEP,
}


@pytest.fixture
def planted(folder, study):
    """A copy of a complete study, and files that are none of its business."""
    (folder.path / "mine").write_text("mine")
    (folder.path / "elsewhere").mkdir()
    return folder


def plant(folder, name, kind):
    target = folder.path / name
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "hard link":
        target.hardlink_to(folder.path / "mine")
    else:
        target.symlink_to(folder.path / {"link": "mine", "dangling": "elsewhere/new"}.get(kind, "elsewhere"))


def check(folder, result):
    """Nothing outside of the study is changed, and the command succeeded or said why not in one line."""
    code, _, errors = result
    assert (folder.path / "mine").read_bytes() == b"mine"
    assert not list((folder.path / "elsewhere").iterdir())
    assert code == 0 or (code in (1, 2) and errors.splitlines()[-1].startswith("error: ")), errors


SLOW = (REPORT, SEARCH)
CASES = [
    pytest.param(command, kind, id=f"{' '.join(command)}-{kind}")
    for command in FILES
    for kind in ("link", "hard link", *(() if command in SLOW else ("dangling", "pipe")))
]


@pytest.mark.parametrize(("command", "kind"), CASES)
def test_no_command_writes_through_what_is_planted(planted, command, kind):
    for name in FILES[command]:
        plant(planted, f"study/{name}", kind)
    check(planted, planted.run(*command))


@pytest.mark.parametrize("name", FOLDERS)
def test_no_command_writes_into_a_folder_that_is_a_link(planted, name):
    if name == "study/damaged":
        chunk = planted.path / "study" / "trials" / "screen-00000.parquet"
        chunk.write_bytes(chunk.read_bytes()[:-1])
    if name == "sweep/studies":
        assert planted.run(*SWEEP, "--time-limit", "0.001")[0] == 130  # it has begun, and no more
    plant(planted, name, "folder")
    code, _, errors = result = planted.run(*FOLDERS[name])
    check(planted, result)
    assert (code, "is a link" in errors) == (2, True), errors


def test_studies_are_not_merged_into_a_folder_that_is_a_link(planted):
    shutil.copytree(planted.path / "study", planted.path / "copy")
    plant(planted, "copy/trials", "folder")
    code, _, errors = result = planted.run("store", "merge", "copy", "study")
    check(planted, result)
    assert (code, "is a link" in errors) == (2, True), errors


def test_a_repair_goes_into_no_study_that_a_link_leads_to(planted):
    shutil.copytree(planted.path / "study", planted.path / "theirs")
    chunk = planted.path / "theirs" / "trials" / "screen-00000.parquet"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    (planted.path / "study" / "check").symlink_to(planted.path / "theirs")
    assert planted.run("store", "verify", "study", "--repair")[0] == 0
    assert chunk.exists()


@pytest.mark.parametrize("name", ["study.json", "choice.json", "trials/screen-00000.parquet"])
def test_reading_waits_for_no_pipe(planted, name):
    plant(planted, f"study/{name}", "pipe")
    for command in (("status", "study"), REPORT, ("store", "verify", "study")):
        check(planted, planted.run(*command))
