import jax
import pytest

from lrshape.training import devices
from lrshape.training.workloads.digits import DigitsMLP
from lrshape.training.workloads.linear_regression import LinearRegression


def test_a_cpu_core_advances_one_network_at_a_time_and_an_accelerator_all(monkeypatch):
    share = -(-64 // devices.mesh().size)
    assert devices.group_size(DigitsMLP(), 64) == 1
    assert devices.group_size(LinearRegression(), 64) == min(LinearRegression.cpu_group, share)
    monkeypatch.setattr(devices, "is_cpu", lambda: False)
    assert devices.group_size(DigitsMLP(), 64) == share


@pytest.fixture
def no_cache():
    """JAX without a folder for compiled programs."""
    names = [f"jax_{name}" for name in ("compilation_cache_dir", "persistent_cache_min_compile_time_secs")]
    names.append("jax_persistent_cache_min_entry_size_bytes")
    before = {name: jax.config.values[name] for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_compiled_programs_are_kept_in_the_users_own_cache(no_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    devices.mesh.__wrapped__()
    folder = tmp_path / "lrshape" / "programs"
    assert jax.config.values["jax_compilation_cache_dir"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    devices.mesh.__wrapped__()  # what is set stays
    assert jax.config.values["jax_compilation_cache_dir"] == str(folder)


def test_without_a_folder_for_them_programs_are_compiled(no_cache, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    devices.mesh.__wrapped__()
    assert jax.config.values["jax_compilation_cache_dir"] is None
