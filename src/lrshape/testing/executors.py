"""What every executor promises; those that run items in other processes survive the death of these, too."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lrshape.testing.contract import check, has_described_settings, require, require_refusal
from lrshape.testing.tasks import FussyError, Item, Process, Squares, Unreadable
from lrshape.workers.executor import Executor

ITEMS: list[Item] = [tuple(range(3 * i, 3 * i + 3)) for i in range(12)]


def check_executor(executor: Executor) -> None:
    """Require that an executor, an instance with about two workers, keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if it cannot run here.
    """
    with executor as started:
        check(RULES, started)


def gives_every_result_once(executor: Executor) -> None:
    """In any order; without items there are none."""
    found = list(executor.run(Squares(), ITEMS, _ignore, _pass))
    require(sorted(item for item, _ in found) == ITEMS, f"every item must come once, got {found}")
    _require_squares(dict(found), ITEMS)
    require(_run(executor, Squares(), []) == {}, "no items must give no results")


def takes_no_more_items_than_it_has_room_for(executor: Executor) -> None:
    """So that what is not begun can still be changed."""
    taken = finished = ahead = 0

    def items() -> Iterable[Item]:
        nonlocal taken
        for item in ITEMS:
            taken += 1
            yield item

    for _ in executor.run(Squares(), items(), _ignore, _pass):
        ahead = max(ahead, taken - finished)
        finished += 1
    most = 2 * (getattr(executor, "workers", 1) or len(ITEMS))  # those that run, and those just handed back
    require(finished == len(ITEMS) and ahead <= most, f"took {ahead} items ahead, {most} at most")


def goes_on_after_what_a_task_raises(executor: Executor) -> None:
    """It ends the run, with a note of where it came from if that is another process."""
    try:
        _run(executor, Squares(raises=[4]))
    except KeyError as error:
        notes = getattr(error, "__notes__", [])
        require("number 4" in str(error), f"the error must be the task's, got {error!r}")
        require(not _elsewhere(executor) or any("in raises" in note for note in notes), "needs a traceback")
    else:
        raise AssertionError("what a task raises must end the run")
    try:
        _run(executor, Squares(raises_fussily=[4]))
    except (FussyError, RuntimeError) as error:
        require("4 and 4" in str(error), f"the error must be the task's, got {error!r}")
    else:
        raise AssertionError("what a task raises must end the run")
    _require_squares(_run(executor, Squares()), ITEMS)


def hears_its_check(executor: Executor) -> None:
    """A few times a second, even while items hang elsewhere."""
    began = time.monotonic()

    def enough() -> None:
        if time.monotonic() - began > 0.5:
            raise TimeoutError

    mischief: dict[str, Any] = {"sleeps": [0]} if _elsewhere(executor) else {"pauses": range(100)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            _run(executor, Squares(folder, **mischief), ITEMS * 100, enough)
        except TimeoutError:
            require(time.monotonic() - began < 10, "must call check a few times a second")
            return
    raise AssertionError("what check raises must end the run")


def hands_on_reports(executor: Executor) -> None:
    """With the item that they are about."""
    heard: list[tuple[Any, Any]] = []
    list(executor.run(Squares(), ITEMS, lambda item, news: heard.append((item, news)), _pass))
    require(set(heard) <= {(item, 3) for item in ITEMS}, f"reports must come with their item, got {heard}")


def survives_workers_that_die(executor: Executor) -> None:
    """What they ran runs again."""
    if not _elsewhere(executor):
        return
    with tempfile.TemporaryDirectory() as folder:
        _require_squares(_run(executor, Squares(folder, dies_once=[1, 16])), ITEMS)
        require(len(list(Path(folder).iterdir())) == 2, "both must have died")


def fails_only_the_part_that_kills(executor: Executor) -> None:
    """An item that kills worker after worker is split."""
    if not _elsewhere(executor):
        return
    found = _run(executor, Squares(is_killed=[4]), ITEMS[:4])
    killed = found.pop((3, 4, 5))
    require(killed[0] == 9 and killed[2] == 25 and isinstance(killed[1], str), f"got {killed}")
    _require_squares(found, [item for item in ITEMS[:4] if 4 not in item])


def ends_what_runs_when_it_is_dropped(executor: Executor) -> None:
    """Within seconds."""
    if not _elsewhere(executor):
        return
    with tempfile.TemporaryDirectory() as folder:
        found = iter(executor.run(Squares(folder, sleeps=[3]), ITEMS, _ignore, _pass))
        next(found)
        while not (marks := list(Path(folder).iterdir())):
            time.sleep(0.05)
        began = time.monotonic()
        found.close()  # pyright: ignore[reportAttributeAccessIssue] - run is a generator
        require(time.monotonic() - began < 5, "must be dropped at once")
        process = int(marks[0].name.removeprefix("process-"))
        require(has_ended(process), f"process {process} must end")


def refuses_tasks_that_cannot_travel(executor: Executor) -> None:
    """Those that cannot be sent, and those that a worker cannot read."""
    if not _elsewhere(executor):
        return
    message = "what it should train: RuntimeError: not on this machine"
    require_refusal(lambda: _run(executor, Unreadable()), message)
    stuck = Squares()
    vars(stuck)["lock"] = threading.Lock()
    require_refusal(lambda: _run(executor, stuck), "cannot be sent to a worker")


def has_ended(process: int, patience: float = 10.0) -> bool:
    """Return whether a process of this machine ends within some seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def _run(
    executor: Executor, task: Squares, items: list[Item] = ITEMS, check: Callable[[], None] = lambda: None
) -> dict[Item, list[Any]]:
    return dict(executor.run(task, iter(items), _ignore, check))


def _elsewhere(executor: Executor) -> bool:
    (found,) = _run(executor, Process(), ITEMS[:1]).values()
    return found != [os.getpid()]


def _require_squares(found: dict[Item, list[Any]], items: list[Item]) -> None:
    require(found == {item: [x * x for x in item] for item in items}, f"wrong results: {found}")


def _ignore(item: Any, news: Any) -> None:
    pass


def _pass() -> None:
    pass


RULES = (
    has_described_settings,
    gives_every_result_once,
    takes_no_more_items_than_it_has_room_for,
    goes_on_after_what_a_task_raises,
    hears_its_check,
    hands_on_reports,
    survives_workers_that_die,
    fails_only_the_part_that_kills,
    ends_what_runs_when_it_is_dropped,
    refuses_tasks_that_cannot_travel,
)
