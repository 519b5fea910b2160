"""The trials of an Optuna study as a table, read from its storage without writing to it."""

import re
import sqlite3
import tempfile
import urllib.parse
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.errors import InputError, shown

DATABASE = re.compile(r"(sqlite|mysql|postgresql)(\+\w+)?://")
"""How the URL of a database starts."""

FILES = {".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".log": "journal", ".journal": "journal"}
"""Endings of the files that Optuna's storages are."""

MAX_BYTES = 1_000_000_000


def is_optuna(source: str) -> bool:
    """Whether a source names an Optuna storage: the URL of a database, or a file by its ending."""
    return DATABASE.match(source) is not None or Path(source).suffix in FILES


def read_trials(source: str, study: str | None = None) -> tuple[pd.DataFrame, bool]:
    """Read the finished trials of a study.

    Args:
        source: a database's URL, a file of SQLite, or one of the journal storage.
        study: the study's name; None if the storage has one only.

    Returns:
        One row a trial, with a column for each parameter and user attribute, ``value``, +inf for a trial that
        failed, and ``state``; and whether Optuna maximised.

    Raises:
        InputError: if Optuna is not installed, the storage cannot be read, the study is not in it, has no
            finished trial, or has several objectives.
    """
    try:
        import optuna
    except ImportError:
        raise InputError("this needs Optuna: pip install 'lrshape[optuna]'") from None
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = tempfile.TemporaryDirectory(prefix="lrshape-", ignore_cleanup_errors=True)
    try:
        storage = _storage(source, Path(folder.name))
        names = sorted(optuna.get_all_study_names(storage))
        if study is None and len(names) != 1:
            found = ", ".join(names[:10]) or "none"
            raise InputError(f"{source}: name one of its {len(names)} studies with --study: {found}")
        if study is not None and study not in names:
            raise InputError(f"{source}: --study must be one of {', '.join(names[:10])}, got {shown(study)}")
        opened = optuna.load_study(study_name=study or names[0], storage=storage)
        if len(opened.directions) != 1:
            raise InputError(f"{source}: the study has {len(opened.directions)} objectives; one is needed")
        maximised = opened.direction == optuna.study.StudyDirection.MAXIMIZE
        rows = [row for trial in opened.get_trials(deepcopy=False) if (row := _row(trial, maximised))]
    except InputError:
        raise
    except Exception as error:  # a storage that is none, or damaged, fails in as many ways as it has layers
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{source}: is no Optuna storage that can be read: {reason:.120}") from None
    finally:
        optuna.logging.set_verbosity(verbosity)
        folder.cleanup()
    if not rows:
        raise InputError(f"{source}: the study has no finished trial")
    return pd.DataFrame(rows), maximised


def _storage(source: str, folder: Path) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if DATABASE.match(source) and not source.startswith("sqlite"):
        return RDBStorage(source, skip_table_creation=True)
    path = Path(re.sub(r"^sqlite(\+\w+)?:///", "", source))
    if not path.is_file():  # both would make it
        raise InputError(f"{source}: there is no such file")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{source}: a storage has at most {MAX_BYTES:,} bytes, got {path.stat().st_size:,}")
    if FILES.get(path.suffix) == "journal" and not DATABASE.match(source):
        return JournalStorage(JournalFileBackend(str(path)))
    # Optuna writes to a database even when it only reads; it gets a copy.
    readable = urllib.parse.quote(path.absolute().as_posix())
    with (
        closing(sqlite3.connect(f"file:{readable}?mode=ro", uri=True)) as given,
        closing(sqlite3.connect(folder / "copy.db")) as copy,
    ):
        given.backup(copy)
    return RDBStorage(f"sqlite:///{folder / 'copy.db'}", skip_table_creation=True)


def _row(trial: Any, maximised: bool) -> dict[str, Any] | None:
    """A trial as a row; None if it is not finished or was pruned: its value is of another horizon."""
    state = trial.state.name
    if state not in ("COMPLETE", "FAIL"):
        return None
    bad = -np.inf if maximised else np.inf
    own = {"value": bad if trial.value is None else trial.value, "state": state}
    return {**trial.user_attrs, **trial.params, **own}
