"""Train functions of every form: equal ones have equal digests, in every process, and other ones do not."""

import functools
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from lrshape.procedure.sampler import SequenceSampler
from lrshape.shapes import Family, parameter
from lrshape.training.code_digest import MOST, class_digest, code_digest

CODE = """
import functools
import os
from pathlib import Path

import numpy as np

WIDTH = int(os.environ["WIDTH"])


def train(lrs, seed, width=WIDTH):
    return 1.0 + width


def plain(lrs, seed, width=WIDTH):
    return width


def closure(width):
    def train(lrs, seed):
        return width
    return train


def logged(function, width):
    @functools.wraps(function)
    def call(lrs, seed):
        return function(lrs, seed) + width
    return call


class Counted:
    def __init__(self, function, width):
        functools.update_wrapper(self, function)
        self.function, self.width = function, width

    def __call__(self, lrs, seed):
        return self.function(lrs, seed)


class Trainer:
    def __init__(self, width):
        self.settings = {"width": width, "tags": {"a", "b", "c"}, "data": np.arange(4), "at": Path("x")}
        self.me = self

    def __call__(self, lrs, seed):
        return self.settings["width"]

    def run(self, lrs, seed):
        return self.settings["width"]


class Slotted:
    __slots__ = ("width",)

    def __init__(self, width):
        self.width = width

    def __call__(self, lrs, seed):
        return self.width


FORMS = {
    "default": train,
    "partial": functools.partial(train, width=WIDTH),
    "partial of an array": functools.partial(train, width=np.full(3, WIDTH)),
    "lambda": (lambda width: lambda lrs, seed: width)(WIDTH),
    "closure": closure(WIDTH),
    "decorated": logged(plain, WIDTH),
    "wrapper": Counted(plain, WIDTH),
    "object": Trainer(WIDTH),
    "slots": Slotted(WIDTH),
    "method": Trainer(WIDTH).run,
    "cached": functools.lru_cache(closure(WIDTH)),
    "generator": functools.partial(train, width=np.random.default_rng(WIDTH)),
}
"""


def forms(folder, width):
    """The digests of all forms, found by another process."""
    (folder / "forms.py").write_text(CODE)
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from forms import FORMS\nfrom lrshape.training.code_digest import code_digest\n"
        "for name, function in FORMS.items(): d = code_digest(function); assert not d.unknown, d; "
        "print(name, d.sha256, sep=':')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env=os.environ | {"WIDTH": str(width), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(line.split(":") for line in done.stdout.splitlines())


def test_equal_functions_are_equal_in_every_process_and_others_are_not(tmp_path):
    one, again, other = (forms(tmp_path, width) for width in (1, 1, 2))
    assert one == again
    assert len(set(one.values())) == len(one)
    assert [name for name in one if one[name] == other[name]] == []


def first(lrs, seed):
    return 1.0


def second(lrs, seed):
    return 2.0


def test_the_function_of_a_partial_counts():
    digests = {code_digest(functools.partial(one)).sha256 for one in (first, second)}
    assert len(digests | {code_digest(first).sha256}) == 3


def test_lambdas_of_one_line_differ():
    one, other = (lambda lrs, seed: 1.0), (lambda lrs, seed: 2.0)
    assert code_digest(one) != code_digest(other)
    assert code_digest(one) == code_digest(one)


def test_what_was_typed_in_is_compared_by_its_compiled_code():
    def typed(text):
        names = {}
        exec(f"def train(lrs, seed): return {text}", names)
        return names["train"]

    assert code_digest(typed("1.0")) == code_digest(typed("1.0"))
    assert code_digest(typed("1.0")) != code_digest(typed("2.0"))
    assert code_digest(typed("1.0")).unknown == ()


def test_jitted_functions_are_those_that_they_wrap():
    jax = pytest.importorskip("jax")
    one, again, other = jax.jit(first), jax.jit(first), jax.jit(second)
    assert code_digest(one) == code_digest(again)
    assert code_digest(one) != code_digest(other)
    assert code_digest(one).unknown == ()


@pytest.mark.parametrize(
    ("held", "unknown"),
    [
        (threading.Lock(), "a _thread.lock"),
        ((one for one in "ab"), "a builtins.generator"),
        (list(range(MOST)), f"more than {MOST:,} values"),
    ],
)
def test_what_cannot_be_compared_is_told(held, unknown):
    found = code_digest(functools.partial(first, held))
    assert found.unknown == (unknown,)
    assert found.sha256 != code_digest(functools.partial(second, held)).sha256


def test_a_class_counts_with_what_its_author_wrote_and_not_with_what_libraries_add(monkeypatch):
    def define(factor):
        @dataclass(frozen=True)
        class Line(Family):
            """A line."""

            formula = "1"
            slope: float = parameter(1.0, 0.1, 10.0)

            def multiplier(self, t):
                return factor * self.slope * t

        class Sampler(SequenceSampler):
            def sequence(self, dimensions, seed, start, count):
                return np.full((count, dimensions), factor)

        return Line, Sampler

    for one, same, other in zip(define(1.0), define(1.0), define(2.0), strict=True):
        assert class_digest(one) == class_digest(same) != class_digest(other)
        digest = class_digest(one)
        for name in ("__repr__", "__eq__", "__hash__"):
            if name in vars(one):
                monkeypatch.setattr(one, name, lambda self, *_: 3)
        assert class_digest(one) == digest
