"""Intermediate values of the trials in a storage of Optuna."""

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import override

from lrshape.errors import InputError, first_line, needs, shown
from lrshape.predict.reader import MAX_BYTES, READERS, Reader, RunLog, logged
from lrshape.process_wide import quiet_optuna
from lrshape.shapes.input_file import reading

WAIT_SECONDS = 2.0
"""How long another program may keep a database locked."""

_SQLITE = b"SQLite format 3\x00"
_STOPPED = {"PRUNED": "it was pruned", "FAIL": "it failed", "RUNNING": "it is still running"}


@READERS.register("optuna")
class OptunaStorage(Reader):
    """An SQLite database or a journal file of Optuna; a trial is a run, called after its study and number.

    The intermediate values are taken as losses, and their steps as optimizer steps. Trials have no learning
    rates, so their schedules must be given. Needs Optuna: ``pip install optuna``.
    """

    @override
    def recognises(self, source: Path) -> bool:
        if not source.is_file():
            return False
        with source.open("rb") as file:
            begin = file.read(64)
        return begin.startswith(_SQLITE) or (begin.startswith(b"{") and b'"op_code"' in begin)

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        with needs("a storage of Optuna", "optuna"):
            import optuna
        logs = []
        with reading(source, "no storage of Optuna", MAX_BYTES), quiet_optuna(), _storage(source) as storage:
            for name in optuna.get_all_study_names(storage):
                study = optuna.load_study(study_name=name, storage=storage)
                trials = [trial for trial in study.get_trials(deepcopy=False) if trial.intermediate_values]
                if trials and study.direction.name == "MAXIMIZE":
                    raise InputError(f"the study {shown(name)} maximises its values, so they are no losses")
                for trial in trials:
                    series = logged(sorted(trial.intermediate_values.items()))
                    stopped = _STOPPED.get(trial.state.name, "")
                    logs.append(RunLog(f"{name}-{trial.number}", source, {"loss": series}, stopped=stopped))
            if not logs:
                raise InputError("holds no trial with intermediate values of trial.report")
        return logs


@contextmanager
def _storage(source: Path) -> Iterator[Any]:
    """Optuna's storage of a file; a database is copied, because Optuna writes to one and waits for locks."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    with tempfile.TemporaryDirectory(prefix="lrshape-", ignore_cleanup_errors=True) as folder:
        storage = None
        try:
            with source.open("rb") as file:
                is_database = file.read(len(_SQLITE)) == _SQLITE
            if is_database:
                copy = Path(folder) / "copy.db"
                _copy(source, copy)
                storage = RDBStorage(f"sqlite:///{copy}")
            else:
                storage = JournalStorage(JournalFileBackend(str(source)))
            yield storage
        except (InputError, OSError):
            raise
        except Exception as error:  # a storage raises what its library does
            raise InputError(f"cannot be read by Optuna: {first_line(error):.200}") from None
        finally:
            if isinstance(storage, RDBStorage):
                storage.engine.dispose()


def _copy(source: Path, target: Path) -> None:
    """Copy a database as it is between two writes of others."""
    uri = f"{source.resolve().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None)) as database,
            closing(sqlite3.connect(target)) as copy,
        ):
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes the lock, or gives up
            database.backup(copy)
    except sqlite3.Error as error:
        locked = "; another program is writing to it: try again when it has ended" * ("locked" in str(error))
        raise InputError(f"cannot be read: {error}{locked}") from None
