"""``benchmarks/run.py`` replaces the section of a benchmark and keeps the others."""

import runpy
from pathlib import Path

RUN = Path(__file__).resolve().parents[2] / "benchmarks" / "run.py"


def test_a_section_belongs_to_its_program_whatever_the_arguments():
    run = runpy.run_path(str(RUN))  # studies/ has a module of this name, too
    sections = run["earlier"]()
    assert set(run["BENCHMARKS"]) <= set(sections)
    assert "cifar10-cnn" in sections["cifar10.py"].partition("\n")[0]
    assert len(sections) == run["RESULTS"].read_text(encoding="utf-8").count("\n## ")
