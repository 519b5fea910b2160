"""Each format as its own program writes it: read back, and refused in one line where it is damaged."""

import json
import sqlite3
import time

import numpy as np
import pytest

import lrshape
from lrshape import Schedule
from lrshape.errors import InputError
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.reader import READERS
from lrshape.predict.reading import read_runs
from lrshape.predict.suggest import suggest
from lrshape.testing import readers

STEPS = range(10, 51, 10)
LRS = {step: 0.1 * (1 - step / 50) for step in STEPS}
LOSSES = {step: 2 + 1 / step for step in STEPS}
FINAL = LOSSES[50]


def trainer_state(folder):
    entries = [{"epoch": s / 10, "learning_rate": LRS[s], "loss": LOSSES[s], "step": s} for s in STEPS]
    evaluated = {"epoch": 5.0, "eval_loss": 9.0, "eval_runtime": 1.0, "step": 50}
    total = {"epoch": 5.0, "train_loss": 7.0, "train_runtime": 3.0, "step": 50}
    state = {"global_step": 50, "max_steps": 50, "log_history": [*entries, evaluated, total]}
    return text(folder / "trainer_state.json", json.dumps(state))


def lightning(folder):
    rows = [f"{s // 20},{LRS[s]},{s},," for s in STEPS] + [f"{s // 20},,{s},{LOSSES[s]}," for s in STEPS]
    rows += [f"{s // 20},,{s},,9" for s in (20, 40)]
    return text(
        folder / "lightning_logs" / "version_3" / "metrics.csv",
        "\n".join(["epoch,lr-Adam,step,train_loss_step,val_loss", *rows]),
    )


def tensorboard(folder):
    writer = pytest.importorskip("tensorboardX").SummaryWriter(str(folder / "logs" / "mine"))
    for s in STEPS:
        writer.add_scalar("train/learning_rate", LRS[s], s)
        writer.add_scalar("train/loss", LOSSES[s], s)
    writer.add_text("note", "hello")
    writer.close()
    return folder / "logs"


def tensorboard_csv(folder):
    rows = "".join(f"{1.7e9 + s},{s},{LOSSES[s]}\n" for s in STEPS)
    return text(folder / "run-mine_train-tag-Loss.csv", "Wall time,Step,Value\n" + rows)


def wandb_history(folder):
    rows = [{"_step": 2 * s, "train": {"loss": LOSSES[s]}, "lr": LRS[s], "global_step": s} for s in STEPS]
    rows.insert(2, {"_step": 45, "gradients": {"_type": "histogram", "bins": [1, 2]}, "global_step": 22})
    rows.append({"_step": 101, "train": {"loss": "NaN"}, "global_step": 51})
    return text(folder / "mine.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def csv(folder):
    rows = "".join(f"{s},{LRS[s]},{LOSSES[s]}\n" for s in STEPS)
    return text(folder / "mine.csv", "step,lr,loss\n" + rows)


def optuna(folder, url="sqlite:///{}", direction="minimize"):
    module = pytest.importorskip("optuna")
    module.logging.set_verbosity(module.logging.ERROR)
    path = folder / "optuna.db"
    storage = url.format(path)
    if url == "journal":
        backend = module.storages.journal.JournalFileBackend(str(path))
        storage = module.storages.JournalStorage(backend)
    study = module.create_study(storage=storage, study_name="mine", direction=direction)

    def objective(trial):
        trial.suggest_float("lr", 0, 1)
        for s in list(STEPS)[: 2 if trial.number == 1 else None]:
            trial.report(LOSSES[s] + trial.number, s)
        if trial.number == 1:
            raise module.TrialPruned
        return 1.0

    study.optimize(objective, n_trials=3)
    return path


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


SAMPLES = {
    "csv": csv,
    "hugging_face": trainer_state,
    "lightning": lightning,
    "optuna": optuna,
    "tensorboard": tensorboard,
    "tensorboard_csv": tensorboard_csv,
    "wandb_history": wandb_history,
}


@pytest.mark.parametrize("name", READERS)
def test_keeps_the_contract(name, tmp_path, request):
    sample = SAMPLES[name](tmp_path) if name in SAMPLES else request.getfixturevalue("searched").path
    readers.check_reader(READERS[name], sample)


@pytest.mark.parametrize("name", ["csv", "hugging_face", "lightning", "tensorboard", "wandb_history"])
def test_the_same_run_in_every_format(name, tmp_path):
    runs = read_runs(SAMPLES[name](tmp_path), metric="train_loss")
    (run,) = runs.runs
    assert run.points.tolist() == list(STEPS)
    np.testing.assert_allclose(run.losses, list(LOSSES.values()), rtol=1e-6)
    np.testing.assert_allclose(run.lrs[[10, 25, 40]], [LRS[10], 0.05, LRS[40]], rtol=1e-6)
    assert run.steps in (50, 51)
    assert runs.unfinished == ()


def test_a_hugging_face_log_may_call_its_loss_train_loss(tmp_path):
    log = [{"step": step, "learning_rate": 0.1, "train_loss": 3 - 0.01 * step} for step in range(1, 21)]
    end = {"step": 20, "train_runtime": 9.0, "train_loss": 9.0}
    text(tmp_path / "trainer_state.json", json.dumps({"max_steps": 20, "log_history": [*log, end]}))
    (run,) = read_runs(tmp_path).runs
    assert run.losses[-1] == 2.8


@pytest.mark.parametrize("kind", ["trainer_state.json", "mine.csv", "mine.jsonl"])
def test_a_loss_of_0_without_a_finite_gradient_is_nan(tmp_path, kind):
    # The Trainer logs 0 for a NaN, unless logging_nan_inf_filter is off.
    before = "" if kind == "trainer_state.json" else "train/"
    rows = [
        {"step": s, "learning_rate": 0.1, f"{before}loss": 3.0 if s < 50 else 0.0,
         f"{before}grad_norm": 1.0 if s < 40 else float("nan")}
        for s in range(10, 101, 10)
    ]  # fmt: skip
    content = {
        "trainer_state.json": json.dumps({"max_steps": 100, "log_history": rows}),
        "mine.csv": "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]),
        "mine.jsonl": "\n".join(map(json.dumps, rows)),
    }[kind]
    runs = read_runs(text(tmp_path / kind, content))
    (run,) = runs.runs
    assert run.points.tolist() == [10, 20, 30, 40, 50]
    assert run.diverged
    assert "diverged at step 50" in "\n".join(runs.notes)


def test_hugging_face_output_folders_and_runs_that_were_stopped(tmp_path):
    folder = tmp_path / "my-model"
    trainer_state(folder / "checkpoint-5")
    state = json.loads(trainer_state(folder / "checkpoint-10").read_text())
    text(folder / "checkpoint-10" / "trainer_state.json", json.dumps(state | {"max_steps": 100}))
    runs = read_runs(folder, metric="loss")
    assert [run.name for run in runs] == ["my-model"]
    assert runs.unfinished == ("my-model",)
    assert "its losses, 'loss', end at step 50 of 100" in "\n".join(runs.notes)
    (run,) = read_runs(folder / "checkpoint-5").runs
    assert run.losses.tolist() == [9.0]
    with pytest.raises(InputError, match="holds no log_history"):
        read_runs(text(tmp_path / "trainer_state.json", '{"log_history": []}'))


def test_versions_of_lightning(tmp_path):
    lightning(tmp_path)
    other = tmp_path / "lightning_logs" / "version_4" / "metrics.csv"
    text(other, (tmp_path / "lightning_logs" / "version_3" / "metrics.csv").read_text())
    assert [run.name for run in read_runs(tmp_path / "lightning_logs")] == ["version_3", "version_4"]
    assert [run.name for run in read_runs(tmp_path)] == ["version_3", "version_4"]


def test_tensorboard_folders_resumes_and_unfinished_files(tmp_path):
    writer = pytest.importorskip("tensorboardX").SummaryWriter
    for begin, end, part, loss in ((1, 60, "train", 3), (50, 101, "train", 2), (1, 101, "validation", 5)):
        log = writer(str(tmp_path / "a" / part), filename_suffix=f".{begin:03}")
        for step in range(begin, end):
            if part == "train":
                log.add_scalar("lr", 0.1, step)
            log.add_scalar("loss", loss, step)
        log.close()
    (run,) = read_runs(tmp_path).runs
    assert run.name == "a"
    assert set(run.losses) == {5}
    (run,) = read_runs(tmp_path, metric="train_loss").runs
    assert run.losses.tolist() == [3] * 49 + [2] * 51
    assert not any("only" in note for note in read_runs(tmp_path).notes)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "log.csv").write_text("step,lr,loss\n1,0.1,3\n2,0.1,2\n")
    (tmp_path / "notes.txt").write_text("hello")
    trainer_state(tmp_path / "c")
    others = "'b/log.csv', 'c/trainer_state.json'"
    assert read_runs(tmp_path).notes[0].endswith(f"logs only; name the others to add them: {others}")
    file = next((tmp_path / "a" / "validation").iterdir())
    file.write_bytes(file.read_bytes()[:-5])
    assert read_runs(tmp_path).runs[0].points[-1] == 99
    file.write_bytes(b"x" * 50 + file.read_bytes())
    with pytest.raises(InputError, match="damaged at byte"):
        read_runs(file)


def test_scalars_that_tensorflow_2_writes_as_tensors(tmp_path):
    proto = pytest.importorskip("tensorboardX.proto.event_pb2")
    records = b""
    for step in STEPS:
        event = proto.Event(step=step)
        for tag, value in (("lr", 0.1), ("evaluation_loss_vs_iterations", 3.0), ("epoch_loss", 9.0)):
            added = event.summary.value.add(tag=tag)
            added.tensor.dtype = 1
            if tag == "lr":
                added.tensor.float_val.append(value)
            else:
                added.tensor.tensor_content = np.float32(value).tobytes()
        data = event.SerializeToString()
        records += len(data).to_bytes(8, "little") + bytes(4) + data + bytes(4)
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "events.out.tfevents.1").write_bytes(records)
    (run,) = read_runs(tmp_path / "keras").runs
    assert run.losses.tolist() == [3] * 5


def test_the_csv_of_tensorboard_names_run_and_tag(tmp_path):
    for tag, values in (("lr", LRS), ("Loss", LOSSES)):
        for part in ("train", "val")[: 1 if tag == "lr" else 2]:
            rows = "".join(f"1,{s},{values[s] + (part == 'val')}\n" for s in STEPS)
            text(tmp_path / f"run-mine_{part}-tag-{tag}.csv", "Wall time,Step,Value\n" + rows)
    (run,) = read_runs(tmp_path).runs
    assert run.name == "mine"
    assert run.losses[-1] == FINAL + 1
    assert read_runs(tmp_path, metric="train_loss").runs[0].losses[-1] == FINAL


def test_a_json_list_and_a_line_that_is_being_written(tmp_path):
    file = wandb_history(tmp_path)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    (run,) = read_runs(text(tmp_path / "list.json", json.dumps(rows))).runs
    assert run.losses[-1] == FINAL
    (run,) = read_runs(text(tmp_path / "scalars.json", file.read_text())).runs
    assert run.losses[-1] == FINAL
    rows = [
        {"iteration": i, "loss_cls": 0.5, "lr": 0.1, "total_loss": 3 - i / 100} for i in range(0, 201, 20)
    ]
    (run,) = read_runs(text(tmp_path / "metrics.json", "\n".join(map(json.dumps, rows)))).runs  # detectron2's
    assert run.final_loss == 1
    with file.open("a") as opened:
        opened.write('{"_step": 99, "tr')
    assert read_runs(file).runs[0].losses[-1] == FINAL
    with pytest.raises(InputError, match="line 1 is no JSON"):
        read_runs(text(tmp_path / "bad.jsonl", "{\n" + file.read_text()))
    with pytest.raises(InputError, match="row 1 must be an object, got 3"):
        read_runs(text(tmp_path / "bad.jsonl", "3\n"))


def test_learning_rates_that_are_lists_or_texts(tmp_path):
    def read(rate):
        rows = [{"step": s, "lr": rate(LRS[s]), "loss": LOSSES[s]} for s in STEPS]
        return read_runs(text(tmp_path / "mine.jsonl", "".join(json.dumps(row) + "\n" for row in rows))).runs[
            0
        ]

    for rate in (lambda lr: [lr], lambda lr: f"{lr:e}"):
        np.testing.assert_allclose(read(rate).lrs[[10, 40]], [LRS[10], LRS[40]])
    with pytest.raises(InputError, match=r"mine: 'lr' must hold numbers: row 1 has \[1, 2\]"):
        read(lambda lr: [1, 2])


@pytest.mark.parametrize("url", ["sqlite:///{}", "journal"])
def test_trials_of_optuna_with_schedules(tmp_path, url):
    path = optuna(tmp_path, url)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"mine-0: logs no learning rates.* \(2 more runs cannot be used\)"):
        read_runs(path)
    schedule = Schedule("linear", {}, 0.1, 50)
    runs = read_runs(f"sqlite:///{path}", schedules={"mine-0": schedule, "mine-1": schedule})
    assert [run.name for run in runs] == ["mine-0", "mine-1"]
    assert runs.runs[0].losses[-1] == FINAL
    assert runs.unfinished == ("mine-1",)
    assert "mine-1: is unfinished: it was pruned" in "\n".join(runs.notes)
    assert path.read_bytes() == before


def test_a_locked_database_ends_in_one_line_within_seconds(tmp_path):
    path = optuna(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(InputError, match=r"optuna.db: cannot be read: database is locked; another program"):
        read_runs(path)
    assert time.monotonic() - began < 20
    other.execute("ROLLBACK")
    other.close()


def test_what_an_optuna_study_maximises_is_no_loss(tmp_path):
    with pytest.raises(InputError, match="the study 'mine' maximises its values, so they are no losses"):
        read_runs(optuna(tmp_path, direction="maximize"))


def test_another_database_is_refused(tmp_path):
    sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(InputError, match=r"^[^ ]*x.db: (cannot be read by Optuna|holds no trial)"):
        read_runs(tmp_path / "x.db")


def test_a_study_has_its_final_scores(searched):
    runs = read_runs(searched.path)
    trials = searched.trials()
    assert "lrshape reads the losses from 'final/score'" in runs.notes
    means = trials.groupby(["shape", "base_lr"], observed=True)["final/score"].mean()
    assert len(runs) == len(means)
    for run, ((shape, base_lr), mean) in zip(runs.runs[:3], means.items(), strict=False):
        assert run.name == f"{shape}-lr{base_lr:.6g}"
        assert run.points.tolist() == [searched.steps]
        assert run.losses[-1] == pytest.approx(mean)
        assert run.lrs.max() <= base_lr * (1 + 1e-9)


def train_by_the_bound(lrs, seed):
    """A loss curve that follows the convex bound; every second seed logs less often."""
    every = 10 + 10 * (seed % 2)
    points = np.arange(every, len(lrs) + 1, every)
    terms = [ConvexBound().terms(np.asarray(lrs)[:point]) for point in points]
    losses = [2.8 + 2 * each.distance + 0.15 * each.noise + 1e-3 * (seed % 7) for each in terms]
    return {
        "score": losses[-1],
        "curve": [(int(point), None, loss) for point, loss in zip(points, losses, strict=True)],
    }


def test_a_shape_of_a_study_has_the_mean_curve_of_its_seeds(tmp_path):
    lrs = {
        "constant": np.ones(200),
        "ramp": np.linspace(1, 0.2, 200),
        "drop": np.where(np.arange(200) < 120, 1.0, 0.3),
    }
    given = {name: {"lrs": values.tolist(), "tune": False} for name, values in lrs.items()}
    study = lrshape.compare(
        train=train_by_the_bound, steps=200, schedules=given, trials=24, out=tmp_path / "study"
    )
    runs = read_runs(study.path)
    assert len(runs) == 3
    means = study.trials().groupby("shape", observed=True)["final/score"].mean()
    for run in runs:
        assert run.points.tolist() == list(range(20, 201, 20))
        assert run.losses[-1] == pytest.approx(means[run.name.rpartition("-")[0]], abs=1e-6)
    assert suggest(study.path).by_curves


def train_with_decay(lrs, seed, *, decay):
    return float(np.log(np.mean(lrs)) ** 2 + np.log(decay) ** 2 + 1 + 1e-3 * (seed % 7))


def test_trials_with_other_hyperparameters_are_other_runs(tmp_path):
    study = lrshape.compare(
        train=train_with_decay,
        steps=20,
        schedules=["constant", "linear"],
        tune={"decay": {"choices": [1.0, 3.0]}},
        trials=40,
        out=tmp_path / "study",
    )
    keys = ["shape", "base_lr", "hyperparameters"]
    means = study.trials().groupby(keys, observed=True)["final/score"].mean()
    runs = read_runs(study.path)
    assert sorted(run.losses[-1] for run in runs) == pytest.approx(sorted(means))
    assert len({run.name for run in runs}) == len(means) > study.trials()["base_lr"].nunique()


def test_packages_that_are_missing(tmp_path, monkeypatch):
    events, storage = tensorboard(tmp_path), optuna(tmp_path)
    for name in ("tensorboardX", "tensorboardX.proto.event_pb2", "tensorboard", "optuna"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for source, package in ((events, "tensorboardX"), (storage, "optuna")):
        with pytest.raises(InputError, match=f"pip install {package}"):
            read_runs(source)
