"""The programs of ``benchmarks/``, most of which take too long to be run here, fit today's package."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def test_every_program_can_be_imported():
    names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.py")))
    subprocess.run([sys.executable, "-c", f"import {names}"], cwd=FOLDER, check=True)
