"""Commands as trials: real programs, and everything that they can do wrong."""

import errno
import signal
import subprocess
import sys
import time
import tracemalloc
from unittest import mock

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.files import StoreError
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads import command
from lrshape.training.workloads.command import MAX_METRICS, CommandWorkload

LRS = np.array([[0.1, 1 / 3, 1e-7], [0.5, 0.25, 0.0]])
PLACES = ("{schedule}", "{metrics}", "{seed}")
START = "import json, os, sys; schedule, metrics, seed = sys.argv[1:4]\n"


def run(code, lrs=LRS[:1], **settings):
    workload = CommandWorkload(command=[sys.executable, "-c", START + code, *PLACES], steps=3, **settings)
    return evaluate(workload, lrs, 7 + np.arange(len(lrs)))


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("csv", "[float(line.split(',')[1]) for line in open(schedule).readlines()[1:]]"),
        ("json", "json.load(open(schedule))"),
        ("npy", "__import__('numpy').load(schedule, allow_pickle=False).tolist()"),
    ],
)
def test_the_schedule_arrives_exactly_and_the_metrics_return(form, read):
    outcome = run(
        f"lrs = {read}; json.dump({{'first': lrs[0], 'best/sum': sum(lrs), 'seed': int(seed), 'more': None}},"
        " open(metrics, 'w'))",
        LRS, format=form, metrics=("first", "best/sum", "seed"),
    )  # fmt: skip
    assert outcome.status.tolist() == ["ok", "ok"], outcome.message
    assert outcome["final/first"].tolist() == LRS[:, 0].tolist()
    assert outcome["best/sum"].tolist() == [sum(row) for row in LRS.tolist()]
    assert outcome["final/seed"].tolist() == [7, 8]


def test_a_command_that_waits_for_input_gets_none():
    outcome = run("assert sys.stdin.read() == ''; open(metrics, 'w').write('1')", timeout=60)
    assert outcome.status.tolist() == ["ok"]


def test_a_bare_number_is_the_score():
    assert run("open(metrics, 'w').write('0.25')")["final/score"].tolist() == [0.25]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e300", "1" + "0" * 400])
def test_not_finite_is_a_divergence(value):
    assert run(f"open(metrics, 'w').write('{value}')").status.tolist() == ["diverged"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "the command wrote no metrics file"),
        ("open(metrics, 'w').write('0.5'); sys.exit(3)", "the training process ended with exit code 3"),
        ("open(metrics, 'w').write('oops')", "the metrics file is not JSON: Expecting value"),
        ("open(metrics, 'w').write('[' * 100_000)", "the metrics file is not JSON"),
        (
            "open(metrics, 'w').write('\"0.5\"')",
            "the metrics file must hold a number for score, got '0.5'",
        ),
        ("open(metrics, 'w').write('true')", "the metrics file must hold a number for score, got True"),
        ("open(metrics, 'w').write('null')", "the metrics file must hold a number for score, got None"),
        (
            "open(metrics, 'w').write('{\"loss\": 1}')",
            "must hold the metrics score; missing: score; got: loss (NaN",
        ),
        (f"open(metrics, 'w').write(' ' * {MAX_METRICS} + '1')", "has more than 1,000,000 bytes"),
        ("os.mkfifo(metrics)", "the metrics file cannot be read: it is no regular file"),
        ("os.symlink('/dev/zero', metrics)", "the metrics file cannot be read: Too many levels"),
        ("os.mkdir(metrics)", "the metrics file cannot be read: Is a directory"),
        ("os.kill(os.getpid(), 9)", "the training process was killed by SIGKILL (out of memory?)"),
        ("import pickle; pickle.dump(0.5, open(metrics, 'wb'))", "the metrics file is not JSON"),
    ],
)
def test_what_went_wrong_is_the_message(code, message):
    outcome = run(code)
    assert outcome.status.tolist() == ["failed"]
    assert message in outcome.message[0]
    assert np.isinf(outcome["final/score"]).all()


def test_the_last_lines_of_standard_error_are_kept():
    outcome = run("raise RuntimeError('CUDA out of memory')")
    assert outcome.message[0].startswith("the training process ended with exit code 1: Traceback")
    assert outcome.message[0].endswith("RuntimeError: CUDA out of memory")


def test_megabytes_of_output_fill_neither_memory_nor_message():
    tracemalloc.start()
    outcome = run(
        "for i in range(3000): print('o' * 10_000); print('e' * 10_000, file=sys.stderr)\n"
        "print('the end \\udcff', file=sys.stderr); os.write(2, b'\\xff\\n'); sys.exit(1)"
    )
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000
    assert outcome.message[0].endswith("the end \\udcff\n\ufffd")
    assert len(outcome.message[0]) <= 500


CHILD = (
    "import subprocess, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
    "open(os.environ['NOTE'], 'w').write(f'{os.getpid()} {child.pid}')\n"
)


def test_a_timeout_kills_the_command_and_its_children(tmp_path, monkeypatch, gone):
    monkeypatch.setenv("NOTE", str(tmp_path / "note"))
    began = time.monotonic()
    outcome = run(CHILD + "print('step 3', file=sys.stderr, flush=True); time.sleep(100)", timeout=1.0)
    assert time.monotonic() - began < 20
    assert outcome.status.tolist() == ["failed"]
    assert outcome.message == ["TimeoutError: not done after 1 s; killed: step 3"]
    assert all(map(gone, (tmp_path / "note").read_text().split()))


def test_a_command_that_ignores_sigterm_is_killed_all_the_same(tmp_path, monkeypatch, gone):
    monkeypatch.setenv("NOTE", str(tmp_path / "note"))
    monkeypatch.setattr(command, "GRACE", 0.2)
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    assert run(ignoring + CHILD + "time.sleep(100)", timeout=1.0).status.tolist() == ["failed"]
    assert all(map(gone, (tmp_path / "note").read_text().split()))


def test_children_left_behind_end_with_the_command(tmp_path, monkeypatch, gone):
    monkeypatch.setenv("NOTE", str(tmp_path / "note"))
    assert run(CHILD + "open(metrics, 'w').write('1')")["final/score"].tolist() == [1.0]
    assert gone((tmp_path / "note").read_text().split()[1])


def test_ctrl_c_kills_the_command(tmp_path, monkeypatch, gone):
    monkeypatch.setenv("NOTE", str(tmp_path / "note"))
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    with pytest.raises(KeyboardInterrupt):
        run(CHILD + "time.sleep(100)")
    assert all(map(gone, (tmp_path / "note").read_text().split()))


def test_the_command_and_its_files_end_with_a_parent_that_is_killed(tmp_path, gone):
    code = "import os, time; open('command', 'w').write(str(os.getpid())); time.sleep(100)"
    script = (
        "import os, sys, tempfile, numpy as np; os.mkdir('temporary'); tempfile.tempdir = 'temporary'\n"
        "from lrshape.training.evaluation import evaluate\n"
        "from lrshape.training.workloads.command import CommandWorkload\n"
        f"command = (sys.executable, '-c', {code!r} + '#{{schedule}}{{metrics}}')\n"
        "w = CommandWorkload(command=command, steps=3)\n"
        "evaluate(w, np.ones((1, 3)), [0])"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, start_new_session=True) as parent:
        mark = tmp_path / "command"
        while not (mark.exists() and mark.read_text()):
            assert parent.poll() is None
            time.sleep(0.02)
        parent.kill()
    assert gone(int(mark.read_text()))
    last = time.monotonic() + 10  # its worker removes the files after it
    while list((tmp_path / "temporary").iterdir()) and time.monotonic() < last:
        time.sleep(0.02)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("directory", ["current", "temporary"])
def test_where_it_runs(directory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run(
        "open('left', 'w').write(os.getcwd()); open(metrics, 'w').write(str(len(os.listdir('.'))))",
        directory=directory,
    )
    assert outcome["final/score"].tolist() == [1.0]
    assert (tmp_path / "left").exists() == (directory == "current")


def test_a_relative_program_is_found_from_a_temporary_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.sh").write_text('#!/bin/sh\necho 0.5 > "$2"\n')
    (tmp_path / "train.sh").chmod(0o755)
    workload = CommandWorkload(command=["./train.sh", *PLACES], steps=3, directory="temporary")
    workload.check()
    assert evaluate(workload, LRS[:1], [0]).message == [""]


def test_nothing_temporary_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("open(metrics, 'w').write('1')")
    run("sys.exit(1)")
    assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_directory_ends_the_search_and_fails_no_trial(monkeypatch):
    def full(path, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")  # as `write` says it, without a name

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StoreError, match=r"/schedule\.csv: No space left on device"):
        run("open(metrics, 'w').write('1')")


def test_braces_of_other_kinds_and_shell_characters_stay_as_they_are(tmp_path):
    code = "import sys; assert sys.argv[4:] == ['{\"a\": 1}', '{other}', '$HOME; ls', '3']; " \
        "open(sys.argv[2], 'w').write('1')"  # fmt: skip
    more = ['{"a": 1}', "{other}", "$HOME; ls", "{steps}"]
    workload = CommandWorkload(command=[sys.executable, "-c", code, *PLACES, *more], steps=3)
    assert evaluate(workload, LRS[:1], [0]).status.tolist() == ["ok"]


def test_a_program_that_does_not_exist():
    workload = CommandWorkload(command=["no-such-program", *PLACES], steps=3)
    with pytest.raises(InputError, match="there is no program 'no-such-program'"):
        workload.check()
    outcome = evaluate(workload, LRS[:1], [0])
    assert outcome.message[0].startswith("FileNotFoundError")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "must have 1 entries or more"),
        (["train", "{schedule}"], r"must contain \{metrics\}"),
        (["train", "{metrics}"], r"must contain \{schedule\}"),
        ([*PLACES], r"must contain \{schedule\}"),
        (["a\0b", *PLACES], "null character"),
    ],
)
def test_commands_that_could_not_work(command, message):
    with pytest.raises(InputError, match=message):
        CommandWorkload(command=command, steps=3)


@pytest.mark.parametrize("argument", ["{wd}", "--wd={wd}"])
def test_braces_around_nothing_that_is_known_are_refused(argument):
    workload = CommandWorkload(command=[sys.executable, *PLACES, argument, "{print $1}", "f'{x}'"], steps=3)
    with pytest.raises(InputError, match=r"\{wd\} must be one of schedule, metrics, curve, seed, steps"):
        workload.check()
    workload.check(["wd"])


def test_a_tuned_name_is_none_of_the_files():
    workload = CommandWorkload(command=[sys.executable, *PLACES], steps=3)
    with pytest.raises(InputError, match=r"\{metrics\} is a file, so metrics cannot be tuned"):
        workload.check(["metrics"])


def test_the_digest_follows_the_script(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("1")
    workload = CommandWorkload(command=["python", str(script), *PLACES], steps=3)
    first = workload.digest()
    assert workload.digest() == first
    script.write_text("2")
    assert workload.digest() != first
    assert first.unknown == ()
    (unknown,) = CommandWorkload(command=["train", *PLACES], steps=3).digest().unknown
    assert unknown == "a command without a script among its arguments"


def test_a_file_that_cannot_be_read_is_unknown_to_the_digest(tmp_path, monkeypatch):
    script = tmp_path / "train.sh"
    script.touch()
    monkeypatch.setattr(type(script), "read_bytes", mock.Mock(side_effect=PermissionError))  # root may
    found = CommandWorkload(command=[str(script), *PLACES], steps=3).digest()
    assert found.unknown == (f"{script}, which cannot be read",)
