"""A user's directory, and the command line in it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrshape.cli import app
from lrshape.cli.stopping import SIGNALS

TRAINING = """
import time

def train(lrs, seed):
    time.sleep({pause})
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.1 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
"""

WORKLOAD = """
[workload]
name = "function"
function = "my_training:train"
steps = 10
"""

SPEC = f"""
families = ["rex", "linear"]
baselines = ["cosine", "constant"]
chunk_size = 2
base_lr = {{low = 0.01, high = 1.0, points = 3}}
screen = {{shapes = 4, seeds = 2}}
rescore = {{top = 2, seeds = 6}}
tuning = {{rounds = 1, base_lrs = 3, seeds = 1}}
confirm = {{seeds = 8}}
{WORKLOAD}"""

PLANNED = f"""
families = ["rex", "linear"]
baselines = ["constant"]
chunk_size = 8
base_lr = {{low = 0.01, high = 1.0}}
confirm = {{seeds = 6}}
{WORKLOAD}"""
"""A spec that leaves open how to search."""


NO_REPORT = "import lrshape.api; lrshape.api.write_report = lambda study: None"
"""For a command that is run as a process: drawing takes longer than all else there."""


class Folder:
    """A directory with a user's training and spec, and the command line run in it."""

    def __init__(self, path: Path):
        self.path = path
        self.pause(0.0)
        (path / "spec.toml").write_text(SPEC)
        (path / "planned.toml").write_text(PLANNED)
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the training is edited within a second

    def pause(self, seconds):
        """Let each training wait so long."""
        (self.path / "my_training.py").write_text(TRAINING.format(pause=seconds))

    def run(self, *arguments):
        """Run a command in this process: exit code, output, errors."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.path)
            patch.syspath_prepend(self.path)
            patch.delitem(sys.modules, "my_training", raising=False)  # another folder's
            handlers = {number: signal.getsignal(number) for number in SIGNALS}
            try:
                result = CliRunner().invoke(app, [str(one) for one in arguments], prog_name="lrshape")
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def refuses(self, message, *arguments):
        """Assert that a command ends with exit code 2 and one clear line, its last one."""
        code, _, err = self.run(*arguments)
        assert code == 2, err
        assert "Traceback" not in err
        lines = err.splitlines()
        assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
        assert message in lines[-1]

    def start(self, *arguments, before=NO_REPORT, **options):
        """Run a command as a process, which can be sent signals, after a line of Python."""
        command = [sys.executable, "-c", f"{before}; from lrshape.cli import main; main()"]
        command += map(str, arguments)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, cwd=self.path, env=self.environment, text=True, **options)

    def run_apart(self, *arguments):
        """Run a command as a process to its end: exit code, output, errors."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def wait(self, process, pattern, count):
        """Wait until a command that was started has made so many files."""
        for _ in range(1200):
            if len(list(self.path.glob(pattern))) >= count:
                return
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        raise AssertionError("the command did not get going")
