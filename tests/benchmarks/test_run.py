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


def test_what_is_written_by_hand_below_a_command_stays(tmp_path, monkeypatch):
    run = runpy.run_path(str(RUN))
    results = tmp_path / "RESULTS.md"
    command = "Command: `python benchmarks/families.py`, 2026-11"
    results.write_text(
        f"# Old\n\n## Families\n\nold\n\n{command}-01,\nof two.\n\nBy hand.\n\nAs well.\n\n## GPU\n"
    )
    new = f"## Families\n\nnew\n\n{command}-02."
    monkeypatch.setitem(run["main"].__globals__, "RESULTS", results)
    monkeypatch.setitem(run["main"].__globals__, "measured", lambda name: new)
    monkeypatch.setattr("sys.argv", ["run.py", "families.py"])
    run["main"]()
    assert results.read_text().endswith(f"\n\n{new}\n\nBy hand.\n\nAs well.\n\n## GPU\n")


def test_no_result_of_another_day_is_taken(tmp_path, monkeypatch):
    run = runpy.run_path(str(RUN))
    monkeypatch.setitem(run["new_folder"].__globals__, "HERE", tmp_path)
    (_, one), (_, other) = (run["new_folder"]("verdicts.py") for _ in range(2))
    assert one != other
    assert run["new_folder"]("families.py") == []


def test_programs_that_keep_results_are_known():
    run = runpy.run_path(str(RUN))
    keeping = {
        name
        for name in run["BENCHMARKS"]
        if "add_arguments(" in (RUN.parent / name).read_text(encoding="utf-8")
    }
    assert keeping == set(run["KEEPING"])
