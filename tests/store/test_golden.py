"""Studies as every version wrote them, read by this one; a new format brings its own."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from lrshape.cli import app
from lrshape.store import FORMAT, Store, verify

STUDIES = Path(__file__).resolve().parent.parent / "golden" / "studies"
FORMATS = range(1, FORMAT + 1)


@pytest.fixture(params=FORMATS)
def study(request, tmp_path):
    """A copy: a reader that is wrong must not harm the original."""
    return Path(shutil.copytree(STUDIES / f"format-{request.param}", tmp_path / f"format-{request.param}"))


def test_every_format_has_a_study():
    assert sorted(path.name for path in STUDIES.glob("format-*")) == [f"format-{n}" for n in FORMATS]


def test_the_trainings_are_those_that_were_written(study):
    store = Store.open(study)
    assert f"format-{store.document['format']}" == study.name
    expected = pd.read_csv(STUDIES / "expected.csv", keep_default_na=False)
    found = store.trainings()
    texts = [column for column in found.columns if found[column].dtype == "category"]
    pd.testing.assert_frame_equal(found.astype(dict.fromkeys(texts, "str")), expected, check_exact=True)
    assert len(store.chunks()) == 10
    assert sum(len(store.read(chunk)) for chunk in store.chunks()) == len(expected) == 36


def test_they_are_sound_and_complete(study):
    health = verify(Store.open(study))
    assert (health.chunks, health.trainings, health.damaged, health.gaps) == (10, 36, {}, [])
    best = CliRunner().invoke(app, ["best", str(study)])
    assert best.exit_code == 0
    assert "rex(" in best.output


def test_the_next_format_is_refused_in_one_line(study):
    file = study / "study.json"
    file.write_text(file.read_text().replace('"format": ', '"format": 9', 1))
    result = CliRunner().invoke(app, ["status", str(study)])
    assert result.exit_code == 2
    assert "is of a newer lrshape" in result.output
    assert len(result.output.splitlines()) == 1
