"""Where a package is missing, the message has the command that installs it."""

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS
from lrshape.study import trial_files
from lrshape.trackers import tracker
from lrshape.training.data import wikitext
from lrshape.workers.executor import executor_of

USES = {
    "a URL": ("fsspec", "fsspec s3fs", lambda: lrshape.Study("s3://bucket/study")),
    "ray": ("ray", "'ray>=2.40'", lambda: executor_of("ray").__enter__()),
    "wandb": ("wandb", "wandb", lambda: tracker("wandb:x").started("study", 0)),
    "tensorboard": ("tensorboardX", "tensorboardX", lambda: tracker("tensorboard:x").started("study", 0)),
    "text": ("sentencepiece", "sentencepiece", lambda: wikitext._model(Path("x"), 9, Path("none"))),
    "a sampler": ("optuna", "optuna", lambda: (one := SAMPLERS["optuna"]()).ask(one.init(1, 0), 1)),
    "trials": ("optuna", "optuna", lambda: trial_files._journal(pd.DataFrame(), "x", "minimize", "x")),
}  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_a_missing_package_is_told_with_what_installs_it(monkeypatch, use):
    package, command, act = USES[use]
    for name in {package, *(name for name in sys.modules if name.startswith(f"{package}."))}:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=re.escape(f"): pip install {command}") + "$"):
        act()
