"""Plug-ins by name: a decorator registers a class, and each registry finds its modules, ours and anyone's."""

import importlib
import logging
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, TypeVar

from lrshape.errors import InputError, did_you_mean, located, shown

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])

_log = logging.getLogger(__name__)


class Registry(Mapping[str, type[T]]):
    """The classes of one kind, by name, in alphabetical order.

    Modules are imported on the first look-up, so that a new plug-in is one new file and importing ``lrshape``
    stays cheap: those of ``package`` (but not modules whose name starts with an underscore, which hold shared
    code), then what installed packages name as entry points of ``group``, a module or a class each. An entry
    point that cannot be loaded is left out with a warning; asking for its name is an `InputError`.

    As metadata of a field of `lrshape.settings.Settings`, ``Annotated[Sampler, SAMPLERS]``, a registry
    makes the field take what `build` takes.

    Args:
        kind: what an entry is called in messages, e.g. ``"family"``.
        package: dotted name of the package (or of the one module) that holds our plug-ins.
        group: of other packages' entry points, e.g. ``"lrshape.families"``.
        base: the class that every entry derives from.
        key: the setting that names an entry, e.g. ``"name"`` in ``{"name": "gp", "batch_size": 8}``.
        rule: raises TypeError where a class that derives from the base cannot be an entry all the same.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        group: str = "",
        base: type[T] = object,
        key: str = "name",
        rule: Callable[[type[T]], None] | None = None,
    ):
        self.kind = kind
        self._package, self._group, self._base, self._key = package, group, base, key
        self._rule = rule
        self._classes: dict[str, type[T]] = {}
        self._broken: dict[str, str] = {}
        self._discovered = False
        self._discovering: set[int] = set()  # threads, by their identifiers

    def register(self, name: str) -> Callable[[C], C]:
        """Return a class decorator that registers the class as ``name`` and sets its ``name`` attribute.

        Raises:
            TypeError: if another class has the name, or the class does not derive from the registry's base or
                breaks its rule.
        """

        def decorate(cls: C) -> C:
            if not f"{cls.__module__}.".startswith(f"{self._package}."):
                self._import_own()  # so that it is the newcomer who is refused
            self._add(name, cls)
            return cls

        return decorate

    def _add(self, name: str, cls: type[Any]) -> None:
        known = self._classes.get(name)
        if known is not None and _path(known) != _path(cls):
            raise TypeError(f"{self.kind} {name!r} is registered twice: {_path(known)} and {_path(cls)}")
        if not (isinstance(cls, type) and issubclass(cls, self._base)):
            raise TypeError(f"{self.kind} {name!r} must derive from {_path(self._base)}, got {shown(cls)}")
        if self._rule is not None:
            self._rule(cls)
        cls.name = name  # pyright: ignore[reportAttributeAccessIssue] - every base declares it
        self._classes[name] = cls

    def _discover(self) -> dict[str, type[T]]:
        # Threads that come meanwhile discover the same, too, rather than wait: a lock would be held while
        # modules are imported, which have locks of their own. Within a thread a plug-in that is being loaded
        # may look up others.
        thread = threading.get_ident()
        if not self._discovered and thread not in self._discovering:
            self._discovering.add(thread)
            try:
                self._import_own()
                for entry in entry_points(group=self._group) if self._group else ():
                    self._load(entry)
                self._discovered = True
            finally:
                self._discovering.remove(thread)
        return self._classes

    def _import_own(self) -> None:
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(getattr(package, "__path__", ())):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")

    def _load(self, entry: EntryPoint) -> None:
        try:
            found = entry.load()
            if not isinstance(found, ModuleType) and found not in list(self._classes.values()):
                self._add(entry.name, found)
        except (Exception, SystemExit) as error:  # whatever another package does, ours work
            source = entry.dist.name if entry.dist else entry.value
            broken = f"{source} cannot be loaded: {located(error):.300}"
            if self._broken.setdefault(entry.name, broken) is broken:  # no other thread has said so
                _log.warning("%s %r of %s", self.kind, entry.name, broken)

    def __getitem__(self, name: str) -> type[T]:
        classes = self._discover()
        if not isinstance(name, str) or name not in classes:
            raise InputError(f"{self.kind} {self._no_entry(name)}")
        return classes[name]

    def _no_entry(self, name: Any) -> str:
        """What is wrong with a name, without what it is the name of."""
        if isinstance(name, str) and name in self._broken:
            return f"{name!r} of {self._broken[name]}"
        return f"must be one of {', '.join(self)}, got {shown(name)}{did_you_mean(name, self)}"

    def get(self, name: str, default: Any = None) -> Any:
        """Return the class of this name, or the default: `Mapping.get` expects a `KeyError`."""
        return self[name] if name in self else default  # noqa: SIM401 - this is what it would call

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._discover()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._discover()))

    def __len__(self) -> int:
        return len(self._discover())

    def build(self, given: Any, prefix: str = "") -> T:
        """Return an entry from what users write.

        Args:
            given: a name; or a mapping with the name (under the registry's key) and settings; or an entry.
            prefix: what messages call it, e.g. ``"--executor"``; default: the registry's kind.

        Raises:
            InputError: one line for each mistake: if there is no such entry, or it has no such setting, or a
                value is not legal.
        """
        from pydantic import ValidationError

        from lrshape.settings import explain

        prefix = prefix or self.kind
        try:
            return self.validated(given)
        except ValidationError as error:
            raise explain(error, prefix) from None
        except InputError as error:
            raise InputError(f"{prefix}: {error}") from None

    def validated(self, given: Any) -> T:
        """Return what `build` does, for validators of pydantic, which explain what is wrong themselves."""
        key = f"{self._key} "
        if isinstance(given, str):
            given, key = {self._key: given}, ""
        elif isinstance(given, self._base):
            known = self.get(getattr(given, "name", ""))
            if known is None or _path(known) != _path(type(given)):
                raise InputError(
                    f"class {type(given).__name__} is not registered: decorate it, see CONTRIBUTING"
                )
            return given
        if not isinstance(given, Mapping) or self._key not in given:
            raise InputError(f"needs a {self._key}, one of {', '.join(self)}, got {shown(given)}")
        name = given[self._key]
        if name not in self:
            raise InputError(f"{key}{self._no_entry(name)}")
        settings = {key: value for key, value in given.items() if key != self._key}
        return self[name].model_validate(settings)  # pyright: ignore[reportAttributeAccessIssue]

    def document(self, entry: Any) -> dict[str, Any]:
        """Return an entry's name and settings as plain JSON types; `build` reads them back."""
        return {self._key: entry.name, **entry.model_dump(mode="json")}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self.validated, serialization=core_schema.plain_serializer_function_ser_schema(self.document)
        )


def _path(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
