"""Repetitions of a job: what is done is kept, whatever else fails."""

import pytest


def job(k):
    if k == 1:
        raise RuntimeError("no GPU today")
    return {"k": k}


@pytest.mark.usefixtures("in_threads")
def test_one_that_fails_loses_no_other(tmp_path):
    import _repetitions

    (tmp_path / "b.jsonl").write_text('{"k": 0}\n{"k": ')  # cut off
    with pytest.raises(RuntimeError, match="no GPU today"):
        _repetitions.run(tmp_path, {"a": job, "b": job}, 4, 2)
    assert [one["k"] for one in _repetitions.read(tmp_path / "a.jsonl")] == [0, 2, 3]
    assert [one["k"] for one in _repetitions.read(tmp_path / "b.jsonl")] == [0, 2, 3]
