"""Starts from every kind of source: studies, tables, Optuna's storages, curves; and what none of them is."""

import json

import numpy as np
import optuna
import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.export.trainings import write_trainings
from lrshape.imports import read_starts
from lrshape.imports.runs import Reading
from lrshape.imports.starts import TOP, write_starts
from lrshape.schedule import Schedule

FAMILIES = ["rex", "wsd", "cyclic_cosine"]


@pytest.mark.parametrize("target", ["csv", "parquet", "optuna"])
def test_what_trainings_writes_gives_the_starts_of_its_study(study, tmp_path, target):
    path = tmp_path / f"t.{'log' if target == 'optuna' else target}"
    write_trainings(study.trainings(), target, path, objective=study.objective, name="three")
    before = path.read_bytes()
    found, own = read_starts(path, FAMILIES), read_starts(study.path, FAMILIES)
    assert len(own.starts) == TOP
    assert found.scores == own.scores
    assert found.starts == own.starts
    assert path.read_bytes() == before


def optimized(storage, direction, **more):
    made = optuna.create_study(
        storage=storage, direction=direction, sampler=optuna.samplers.RandomSampler(seed=0), **more
    )

    def objective(trial):
        lr, warmup = trial.suggest_float("lr", 1e-4, 1e-1, log=True), trial.suggest_float("warmup", 0.0, 0.3)
        if trial.number == 3:
            raise optuna.TrialPruned
        distance = abs(np.log10(lr) + 2) + warmup
        return -distance if direction == "maximize" else distance

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made.optimize(objective, n_trials=12)
    return made


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_an_optuna_study_in_sqlite(tmp_path, direction):
    made = optimized(f"sqlite:///{tmp_path}/a.db", direction, study_name="mine")
    best_value, best_params = made.best_value, made.best_params
    file = (tmp_path / "a.db").rename(tmp_path / "a ?#%.db")
    before = file.read_bytes()
    for source in (file, f"sqlite:///{file}"):
        found = read_starts(source, ["cosine"], study="mine")
        assert len(found.starts) == TOP
        assert found.scores[0] == best_value
        best = found.starts[0]
        assert (best["base_lr"], best["params"]["warmup"]) == tuple(best_params.values())
    assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]
    with pytest.raises(InputError, match="no column names the rows' family"):
        read_starts(file, ["cosine", "rex"])
    with pytest.raises(InputError, match="--study must be one of mine, got 'other'"):
        read_starts(file, ["cosine"], study="other")


def test_which_optuna_study_must_be_clear(tmp_path):
    url = f"sqlite:///{tmp_path}/two.db"
    for name in ("one", "two"):
        optuna.create_study(storage=url, study_name=name)
    with pytest.raises(InputError, match="name one of its 2 studies with --study: one, two"):
        read_starts(url, ["cosine"])
    with pytest.raises(InputError, match="has no finished trial"):
        read_starts(url, ["cosine"], study="one")
    optuna.create_study(storage=url, study_name="both", directions=["minimize", "minimize"])
    with pytest.raises(InputError, match="has 2 objectives"):
        read_starts(url, ["cosine"], study="both")


def test_runs_over_seeds_count_by_their_median(tmp_path):
    rows = [("rex", 0.1, 1.0, s, loss) for s, loss in enumerate([0.0, 5.0, 6.0])]
    rows += [("rex", 0.1, 2.0, s, loss) for s, loss in enumerate([2.0, 3.0, float("nan")])]
    table = pd.DataFrame(rows, columns=["schedule", "lr", "config.beta", "seed", "score"])
    table.to_csv(tmp_path / "runs.csv", index=False)
    found = read_starts(tmp_path / "runs.csv", ["rex", "wsd"])
    assert [start["params"]["beta"] for start in found.starts] == [2.0, 1.0]
    assert found.scores == [3.0, 5.0]
    largest = read_starts(tmp_path / "runs.csv", ["rex"], reading=Reading(maximize=True))
    assert largest.scores == [5.0, 2.0]


def test_columns_can_be_quotients_and_metrics_with_slashes(tmp_path):
    pd.DataFrame(
        {
            "peak": [0.1, 0.2],
            "warm": [10, 40],
            "total": [100, 100],
            "val/loss": [2.0, 1.0],
            "name": ["a", "b"],
        }
    ).to_parquet(tmp_path / "runs.parquet")
    for warmup in ("warm/total", "warm/100"):
        columns = {"base_lr": "peak", "warmup": warmup, "score": "val/loss"}
        found = read_starts(tmp_path / "runs.parquet", ["cosine"], reading=Reading(columns))
        assert len(found.starts) == 1
        assert found.starts[0]["params"]["warmup"] == pytest.approx(0.1)
        assert found.notes[-1] == "left out, 1 of 2 rows: warmup must be a number in [0, 0.3], got 0.4"
    columns = {"base_lr": "peak", "warmup": "warm/nothing", "score": "val/loss"}
    with pytest.raises(InputError, match="there is no column 'warm/nothing'"):
        read_starts(tmp_path / "runs.parquet", ["cosine"], reading=Reading(columns))


def test_a_schedule_is_a_start(tmp_path):
    schedule = Schedule("rex", {"beta": 0.5, "warmup": 0.1}, base_lr=0.1, steps=10)
    file = tmp_path / "schedule.json"
    file.write_text(schedule.to_json())
    (start,) = read_starts(file, ["rex"]).starts
    assert start == {"family": "rex", "params": dict(schedule.params), "base_lr": 0.1}
    with pytest.raises(InputError, match="holds no shape of power to start from"):
        read_starts(file, ["power"])


def test_logged_curves_become_the_nearest_members(tmp_path):
    """A chart of Weights & Biases: a column a run, with its spread, and gaps."""
    lrs = Schedule("rex", {"beta": 0.5, "warmup": 0.1}, base_lr=0.02, steps=400).values()
    logged = pd.DataFrame(
        {"Step": np.arange(400), "swift-1 - lr": lrs, "swift-1 - lr__MIN": lrs, "loss": 1.0}
    )
    logged[logged["Step"] % 3 == 0].to_csv(tmp_path / "chart.csv", index=False)
    logged[["swift-1 - lr"]].to_csv(tmp_path / "bare.csv", index=False)
    for name in ("chart.csv", "bare.csv"):
        found = read_starts(tmp_path / name, ["rex"])
        (start,) = found.starts
        assert start["base_lr"] == pytest.approx(0.02, rel=1e-2)
        assert start["params"]["beta"] == pytest.approx(0.5, rel=0.05)
        assert start["params"]["warmup"] == pytest.approx(0.1, abs=0.005)
        assert "nearest is rex, RMS error 0." in found.notes[0]


def test_what_was_written_reads_back(study, tmp_path):
    found = read_starts(study.path, FAMILIES, top=3)
    write_starts(found, tmp_path / "starts.json")
    assert read_starts(tmp_path / "starts.json", FAMILIES).starts == found.starts
    one = found.starts[0]["family"]
    assert {start["family"] for start in read_starts(tmp_path / "starts.json", [one]).starts} == {one}


def heavy_parquet(path):
    """A quarter of a megabyte that unfolds to sixty million values."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    block = pa.table({"a": pa.array(np.zeros(10_000_000, np.int8))})
    with pq.ParquetWriter(path, block.schema, compression="zstd") as writer:
        for _ in range(6):
            writer.write_table(block)


HOSTILE = {
    "empty.csv": b"",
    "heading.csv": b"lr,score\n",
    "binary.csv": bytes(range(256)) * 10,
    "ragged.csv": b"a,b\n1,2,3\n4\n",
    "text.csv": b"lr,score\nx,y\n",
    "huge.csv": b"lr,score\n1e400,1\n",
    "step.csv": b"Step,a - lr\n0,0.1\n99999999999,0.1\n",
    "negative.csv": b"Step,a - lr\n0,-0.1\n1,0.1\n",
    "no.parquet": b"PAR1nothing",
    "empty.parquet": b"",
    "nothing.db": b"",
    "text.db": b"SQLite format 3\0 but no more",
    "nothing.log": b"",
    "text.log": b"hello\nworld\n",
    "pickle.log": b"cos\nsystem\n(S'touch pwned'\ntR.\n",
    "codes.log": b'{"op_code": 99}\n{"op_code": 4, "study_id": 7}\n',
    "deep.json": b'{"starts": ' + b"[" * 100_000,
    "kind.json": b'{"starts": 3}',
    "many.json": b'{"starts": [' + b",".join([b"{}"] * 1001) + b"]}",
    "wrong.json": b'{"starts": [{"family": "rex", "params": {"beta": "__import__"}, "base_lr": 1}]}',
    "lr.json": b'{"starts": [{"family": "rex", "base_lr": NaN}]}',
    "none.json": b'{"starts": []}',
    "other.toml": b"x = 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_source_is_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as refused:
        read_starts(name, ["rex"])
    assert name in str(refused.value)
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert (tmp_path / name).read_bytes() == HOSTILE[name]


@pytest.mark.parametrize(
    "source", ["nothing", "nothing.csv", "sqlite:///nothing.db", "nothing.log", "x.json"]
)
def test_what_does_not_exist_is_not_made(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no study|No such|no such"):
        read_starts(source, ["rex"])
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_would_fill_memory_is_refused_unread(tmp_path):
    heavy_parquet(tmp_path / "heavy.parquet")
    assert (tmp_path / "heavy.parquet").stat().st_size < 1_000_000
    with pytest.raises(InputError, match="at most 50,000,000 values, got 60,000,000 rows"):
        read_starts(tmp_path / "heavy.parquet", ["rex"])


def test_starts_are_a_specs(study):
    from lrshape.study.sections import StartSpec

    for start in read_starts(study.path, FAMILIES).starts:
        assert StartSpec.model_validate(json.loads(json.dumps(start))).model_dump() == start
