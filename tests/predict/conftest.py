"""Logs written by hand, and reading them."""

import pytest

from lrshape.predict.reading import read_runs


@pytest.fixture
def write(tmp_path):
    """Write files by name; return the paths, or the one."""

    def written(**files):
        paths = []
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path = path if path.suffix else path.with_suffix(".csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            paths.append(path)
        return paths[0] if len(paths) == 1 else paths

    return written


@pytest.fixture
def read():
    """Read runs: those by name, and the notes as one text."""

    def found(sources, **options):
        runs = read_runs(sources, **options)
        return {run.name: run for run in runs}, "\n".join(runs.notes)

    return found
