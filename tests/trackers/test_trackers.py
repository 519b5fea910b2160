"""Real searches in real trackers, read back from the files that these wrote."""

import json
import struct
import subprocess
import sys
from unittest import mock

import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.study.callback import Status
from lrshape.testing import trackers
from lrshape.trackers import TRACKERS, tracker

tensorboardX = pytest.importorskip("tensorboardX")  # noqa: N816 - the package's name

SPEC = {
    "name": "<mine>",
    "families": ["rex", "linear"],
    "baselines": ["constant"],
    "base_lr": {"low": 0.1, "high": 1.0, "points": 2},
    "screen": {"shapes": 2, "seeds": 1},
    "rescore": {"top": 1, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 2},
}


def train(lrs, seed):
    return float("inf") if seed % 2 and lrs.max() > 0.9 else float(lrs.sum())


def scalars(folder):
    """{tag: [(step, value)]} of all event files, and the texts: TensorFlow's records of protocol buffers."""
    from tensorboardX.proto.event_pb2 import Event

    found, texts = {}, {}
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found.setdefault(value.tag, []).append((event.step, value.simple_value))
                else:
                    texts[value.tag] = value.tensor.string_val[0].decode()
    return found, texts


def test_tensorboard_has_the_phases_and_the_winner(tmp_path):
    log = tracker(f"tensorboard:{tmp_path / 'runs'}")
    study = lrshape.search(SPEC, train=train, steps=4, out=tmp_path / "x", callback=log)
    found, texts = scalars(tmp_path / "runs")
    trials, best = study.trials(), study.best()
    for phase, rows in trials.groupby("phase"):
        step, value = found[f"{phase}/done"][-1]
        assert step == value == len(rows)
        assert found[f"{phase}/diverged"][-1][1] == (rows["status"] == "diverged").sum()
        assert found[f"{phase}/best"][-1][1] == pytest.approx(rows["final/score"].min())
    assert [lr for _, lr in found["winner/lr"]] == pytest.approx(study.schedule().values().tolist())
    (text,) = texts.values()
    assert json.loads(text)["score_median"] == best.score_median
    lrshape.search(SPEC, train=train, steps=4, out=tmp_path / "x", callback=log)
    again, _ = scalars(tmp_path / "runs")
    assert again["confirm/done"][-1] == found["confirm/done"][-1]


SCRIPT = """
import lrshape.api, sys
from lrshape.trackers import tracker
lrshape.api.write_report = lambda study: None
train = lambda lrs, seed: float(lrs.sum())
if __name__ == "__main__":
    lrshape.search({spec!r}, train=train, steps=4, out="x", callback=tracker("wandb:my-project"))
"""


def records(file):
    """The records of a run's file: LevelDB's log format, after a header of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, whole = file.read_bytes(), 7, b""
    while place + 7 < len(data):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(whole)
            whole = b""


def test_wandb_has_the_phases_and_the_winner_offline(tmp_path, monkeypatch):
    """In a process of its own: it starts another, and threads."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    (tmp_path / "script.py").write_text(SCRIPT.format(spec=SPEC))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {entry.name for entry in tmp_path.iterdir()} == {"script.py", "x"}
    (file,) = tmp_path.glob("x/wandb/offline-run-*/run-*.wandb")
    history, summary, config = {}, {}, {}
    for record in records(file):
        if record.HasField("run"):
            assert record.run.project == "my-project"
            assert record.run.display_name == "<mine>"
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        for item in record.history.item:
            key = "/".join(item.nested_key) or item.key
            history.setdefault(key, []).append(json.loads(item.value_json))
        summary |= {item.key: json.loads(item.value_json) for item in record.summary.update}
    study = lrshape.Study(tmp_path / "x")
    assert config["spec"] == study.document["spec"]
    counts = study.trials()["phase"].value_counts().to_dict()
    assert {phase: history[f"{phase}/done"][-1] for phase in counts} == counts
    assert history["winner/lr"] == pytest.approx(study.schedule().values().tolist())
    assert summary["median"] == study.best().score_median
    assert history["trials/nrows"][-1] == len(study.trials())


@pytest.mark.parametrize("name", sorted(set(TRACKERS) - {"wandb"}))  # which has the process above
@pytest.mark.parametrize("rule", trackers.RULES)
def test_keeps_the_contract(name, rule, tmp_path):
    rule(TRACKERS.build({"name": name, "target": str(tmp_path / "log")}))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        *((target, "tracker: must be NAME:TARGET") for target in ("", "tensorboard", "wandb:")),
        ("mlflow:x", "tracker: name must be one of"),
    ],
)
def test_what_is_no_tracker(target, message):
    with pytest.raises(InputError, match=message):
        tracker(target)


def test_a_directory_that_cannot_be_made_is_told_before_anything_is_trained(tmp_path):
    (tmp_path / "file").touch()
    log = tracker(f"tensorboard:{tmp_path / 'file'}")
    with pytest.raises(InputError, match=r"the tracker tensorboard cannot start: .*file: Not a directory"):
        lrshape.search(SPEC, train=train, steps=4, out=tmp_path / "x", callback=log)
    assert lrshape.Study(tmp_path / "x").trials().empty


class UnreadableError(Exception):
    """Its message raises."""

    def __str__(self):
        raise KeyError("message")


def test_an_error_without_a_readable_message_ends_the_log_and_not_the_search(monkeypatch, tmp_path, caplog):
    log = tracker(f"tensorboard:{tmp_path}")
    log.started("study", 0)
    monkeypatch.setattr(type(log), "write", mock.Mock(side_effect=UnreadableError))
    log.phase_done(Status("screen", planned=1, after=0, done=1, rate=None, diverged=0, best=0.5))
    assert "the search continues: its message cannot be read" in caplog.text


def test_what_a_tracker_raises_at_its_start_is_told_in_a_line(monkeypatch):
    monkeypatch.setattr(tensorboardX, "SummaryWriter", lambda target: {}[target])
    with pytest.raises(InputError, match=r"the tracker tensorboard cannot start: .*KeyError: 'x'$"):
        tracker("tensorboard:x").started("study", 0)


@pytest.mark.parametrize(
    ("target", "opened"), [("s3://bucket/runs", "s3://bucket/runs"), ("~/runs", "/me/runs")]
)
def test_tensorboard_takes_directories_and_urls(monkeypatch, target, opened):
    places = []
    monkeypatch.setenv("HOME", "/me")
    monkeypatch.setattr(tensorboardX, "SummaryWriter", places.append)
    tracker(f"tensorboard:{target}").started("study", 0)
    assert places == [opened]
