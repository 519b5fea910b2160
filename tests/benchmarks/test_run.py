"""``benchmarks/run.py`` replaces the section of a benchmark and keeps the others."""


def test_a_section_belongs_to_its_program_whatever_the_arguments():
    import run

    sections = run.earlier()
    assert set(run.BENCHMARKS) <= set(sections)
    assert "cifar10-cnn" in sections["cifar10.py"].partition("\n")[0]
    assert len(sections) == run.RESULTS.read_text(encoding="utf-8").count("\n## ")
