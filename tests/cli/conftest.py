import shutil

import pytest

from user_folder import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A complete study in ``<path>/study``."""
    made = Folder(tmp_path_factory.mktemp("finished"))
    code, out, err = made.run("search", "spec.toml", "--out", "study")
    assert code == 0, err
    made.output, made.errors = out, err
    return made


@pytest.fixture
def study(folder, finished):
    """A copy of the complete study, in the folder."""
    return shutil.copytree(finished.path / "study", folder.path / "study")
