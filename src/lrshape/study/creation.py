"""Open a study's directory, or make it and note what the study runs on: versions, device, code revision."""

import logging
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

from lrshape.errors import InputError, shown
from lrshape.shapes import FAMILIES
from lrshape.store import Location, Store
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.code_digest import class_digest
from lrshape.training.devices import mesh, precision
from lrshape.training.memory import plan_chunk_size
from lrshape.training.workload import GradientWorkload, PopulationWorkload, Workload

_log = logging.getLogger(__name__)

PACKAGES = ("lrshape", "jax", "jaxlib", "optax", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn")


def open_or_create(spec: StudySpec, path: Location) -> Study:
    """Open the study of this spec in a directory, or make it.

    Raises:
        InputError: if the directory holds another study, or anything else, or its disk is too small.
    """

    def describe_run() -> dict[str, Any]:
        tuned = list(spec.tune)
        check_workload(spec.workload, tuned)
        chunk_size = spec.chunk_size
        if chunk_size == "auto":
            chunk_size = plan_chunk_size(spec.workload, tuned)
        # Before there is a study, since one with fewer trials would be another; a directory tells its room.
        Store.require_free(path)
        Store.require_room(path, Plan(spec).bytes(chunk_size))
        return {
            "chunk_size": chunk_size,
            "versions": versions(),
            "device": device(spec.workload),
            "precision": precision(spec.workload),
            "git_revision": git_revision(),
            "train_digest": _train_digest(spec.workload),
            "plugin_digests": _plugin_digests(spec),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    Store.create(path, {"name": spec.name, "spec": spec.document()}, more=describe_run)
    study = Study(path)
    if study.store.chunks():
        _compare_code(study, spec.workload)
        _compare_plugins(study, spec)
    return study


def check_workload(workload: Workload, hyperparameters: Sequence[str]) -> None:
    """Find what would go wrong at the first training, before a directory is made."""
    if isinstance(workload, CalledWorkload):
        workload.check(hyperparameters)
    elif not isinstance(workload, PopulationWorkload):
        rule = "its class must derive from GradientWorkload or StepWorkload"
        raise InputError(f"workload {workload.name}: {rule}, got {shown(type(workload))}")
    elif isinstance(workload, GradientWorkload):
        data = workload.data()
        jax.eval_shape(lambda key: workload.order(key, data), jax.eval_shape(lambda: jax.random.key(0)))


def _train_digest(workload: Workload) -> str | None:
    return workload.digest().sha256 if isinstance(workload, CalledWorkload) else None


def _compare_code(study: Study, workload: Workload) -> None:
    """Say where the trials that are stored may be of other code."""
    if not isinstance(workload, CalledWorkload):
        return
    digest = workload.digest()
    if study.document.get("train_digest") != digest.sha256:
        _log.warning(
            "%s: the code of %s, or a value that it holds, has changed since the study began; lrshape keeps "
            "the trials that are stored. To search anew, use another directory",
            *(study.path, workload.code),
        )
    elif digest.unknown:
        _log.warning(
            "%s: lrshape cannot tell whether %s is what the study began with: it cannot compare %s",
            *(study.path, workload.code, ", ".join(digest.unknown)),
        )


def _plugin_digests(spec: StudySpec) -> dict[str, str]:
    """Digests of the classes that the study uses and that are not lrshape's own, by what they are."""
    plugins = {
        "workload": spec.workload,
        "optimizer": getattr(spec.workload, "optimizer", None),
        "sampler": spec.sampler,
        "base-LR strategy": spec.base_lr,
    }
    used = {f"{kind} {one.name}": type(one) for kind, one in plugins.items() if one is not None}
    names = [one.name for one in spec.families] + [one.family for one in spec.baselines.values()]
    used |= {f"family {name}": FAMILIES[name] for name in names}
    return {
        name: class_digest(kind).sha256
        for name, kind in used.items()
        if not kind.__module__.startswith("lrshape.")
    }


def _compare_plugins(study: Study, spec: StudySpec) -> None:
    """Say where the trials that are stored may be of another class with the same name."""
    known = study.document.get("plugin_digests", {})  # earlier versions kept none
    for name, digest in _plugin_digests(spec).items():
        if known.get(name, digest) != digest:
            _log.warning(
                "%s: the class of %s has changed since the study began; lrshape keeps the stored trials of "
                "the same schedules. To search anew, use another directory",
                *(study.path, name),
            )


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def device(workload: Workload) -> dict[str, Any]:
    """The machine's processor and system, and kind and number of the devices where JAX trains the workload.

    For others JAX must not start: it would take most of a GPU's memory, and warn where the training forks.
    """
    machine = {"processor": _processor(), "system": f"{platform.system()} {platform.release()}"}
    if isinstance(workload, CalledWorkload):
        return machine
    devices = list(mesh().devices.flat)
    return {
        "kind": devices[0].device_kind,
        "platform": devices[0].platform,
        "count": len(devices),
        **machine,
    }


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def git_revision() -> str | None:
    """Revision of the current directory's repository, with ``-dirty`` if it has changes; None if none."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None
