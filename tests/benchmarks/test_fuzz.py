"""The short form of ``make fuzz``."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz.py"


def test_spoiled_input_is_refused_in_words_and_touches_nothing_else():
    """In a process of its own, whose memory it limits and whose files it watches."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "--count", "80", "--seed", "11"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "80 inputs in" in done.stdout
    assert "0 problems" in done.stdout
