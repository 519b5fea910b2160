"""The code of docs/export.md runs, from top to bottom, and does what the page says."""

import re
from pathlib import Path

import pytest

from lrshape.frameworks import EXPORTERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text("utf-8")


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "docs_export"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 11
    for block in blocks:
        exec(compile(block, "export.md", "exec"), names)
        if "torch.save" in block:
            scheduler = names["scheduler"]
    schedule, lr = names["schedule"], names["lr"]
    assert lr == pytest.approx(names["lrs"][0])
    assert scheduler.last_epoch == 20
    assert scheduler.get_last_lr()[0] == pytest.approx(schedule.values()[-1])
    import torch

    states = torch.load(tmp_path / "training.pt", weights_only=True)
    schedule.to_torch(torch.optim.SGD(names["model"].parameters())).load_state_dict(states["scheduler"])


def test_every_target_is_in_the_table():
    rows = re.findall(r"^\| (`[^|]+) \| (`[^|]+) \|", PAGE, re.MULTILINE)
    listed = [target.strip("` ") for names, _ in rows for target in names.split(",")]
    files = [file.strip("` ") for _, names in rows for file in names.split(",")]
    assert sorted(listed) == list(EXPORTERS)
    assert files == [EXPORTERS[target].file_name() for target in listed]
