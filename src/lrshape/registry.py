"""Plug-ins are found by importing the modules of one package; a decorator registers each class by name."""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from lrshape.errors import InputError, shown

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])


class Registry(Mapping[str, type[T]]):
    """The classes of one kind, by name, in alphabetical order.

    Modules of ``package`` are imported on the first look-up, so that a new plug-in is one new file and
    that importing ``lrshape`` stays cheap. Modules whose name starts with an underscore hold shared code.

    Args:
        kind: what an entry is called in messages, e.g. ``"family"``.
        package: dotted name of the package whose modules hold the plug-ins.
    """

    def __init__(self, kind: str, package: str):
        self.kind = kind
        self._package = package
        self._classes: dict[str, type[T]] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[C], C]:
        """Return a class decorator that registers the class as ``name`` and sets its ``name`` attribute."""

        def decorate(cls: C) -> C:
            known = self._classes.get(name)
            if known is not None and known.__qualname__ != cls.__qualname__:
                raise TypeError(f"{self.kind} {name!r} is registered twice: {known} and {cls}")
            cls.name = name
            self._classes[name] = cls  # pyright: ignore[reportArgumentType] - C is a type[T]
            return cls

        return decorate

    def _discover(self) -> dict[str, type[T]]:
        if not self._discovered:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                if not module.name.startswith("_"):
                    importlib.import_module(f"{self._package}.{module.name}")
            self._discovered = True
        return self._classes

    def __getitem__(self, name: str) -> type[T]:
        classes = self._discover()
        if not isinstance(name, str) or name not in classes:
            close = difflib.get_close_matches(str(name), classes, n=1) if isinstance(name, str) else []
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise InputError(f"{self.kind} must be one of {', '.join(self)}, got {shown(name)}{hint}")
        return classes[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._discover()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._discover()))

    def __len__(self) -> int:
        return len(self._discover())
