import os
from pathlib import Path

import pytest

TASKS = '''
import os, signal, time
from pathlib import Path

from lrshape.workers.executor import Task

class Fussy(Exception):
    """Cannot be read back from its pickled form."""
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")

class Squares(Task):
    """Items are tuples of numbers; what else a number does is in ``mischief``."""

    def __init__(self, folder="", **mischief):
        self.folder, self.mischief = folder, mischief

    def __call__(self, item, report):
        report(len(item))
        for x in item:
            for name, numbers in self.mischief.items():
                if x in numbers:
                    getattr(self, name)(x)
        return [x * x for x in item]

    def parts(self, item):
        middle = len(item) // 2
        return (item[:middle], item[middle:]) if middle else ()

    def joined(self, results):
        return [x for part in results for x in part]

    def failed(self, item, reason):
        return [reason] * len(item)

    def leaves(self, x):
        os._exit(3)

    def is_killed(self, x):
        os.kill(os.getpid(), signal.SIGKILL)

    def dies_once(self, x):
        try:
            Path(self.folder, f"died-{x}").touch(exist_ok=False)
        except FileExistsError:
            return
        os._exit(3)

    def raises(self, x):
        raise KeyError(f"number {x}")

    def raises_fussily(self, x):
        raise Fussy(x, x)

    def sleeps(self, x):
        Path(self.folder, f"process-{os.getpid()}").touch()
        time.sleep(600)

    def pauses(self, x):
        time.sleep(0.02)

    def takes_memory(self, x):
        self.kept = getattr(Squares, "kept", []) + [b"x" * (x * 2**20)]
        Squares.kept = self.kept
        time.sleep(0.5)

def unreadable():
    raise RuntimeError("not on this machine")

class Unreadable(Squares):
    def __reduce__(self):
        return unreadable, ()

class Deadly(Squares):
    def __reduce__(self):
        return os._exit, (7,)
'''


@pytest.fixture(scope="session")
def tasks(tmp_path_factory):
    """A module of tasks that other processes can import."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "contract_tasks.py").write_text(TASKS)
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(folder)
        import contract_tasks

        yield contract_tasks


@pytest.fixture(scope="session")
def local_ray():
    """Ray on this machine, which its executor then uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from lrshape.workers.executors.ray import Ray

        ray = pytest.importorskip("ray")
        with Ray(address="local"):
            yield ray


@pytest.fixture
def descendants():
    """Tells which processes a process has started, directly or not."""

    def found(process):
        children = []
        for thread in Path(f"/proc/{process}/task").glob("*/children"):
            children += [int(name) for name in thread.read_text().split()]
        return children + [grandchild for child in children for grandchild in found(child)]

    return found


@pytest.fixture
def environment():
    """Of a process that runs lrshape from here."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
