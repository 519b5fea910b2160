"""The benchmark for GPUs in its short form on a CPU, and its check of what happens when memory runs out."""

import json
import sys
import threading

import pytest


@pytest.fixture
def gpu(monkeypatch):
    import gpu as program

    class Thread(threading.Thread):  # a process would have to import everything again
        def terminate(self):
            pass  # it ends with its pipe

    def new_process(pipe, module, memory):
        thread = Thread(target=program.serve, args=(pipe, module))
        thread.start()
        return thread

    monkeypatch.setattr(program, "new_process", new_process)
    return program


def run(gpu, monkeypatch, capsys, tmp_path, *options):
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--dry", "--out", str(tmp_path / "rows.jsonl"), "--only", *options]
    )
    with pytest.raises(SystemExit) as ended:
        gpu.main()
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    return ended.value.code, capsys.readouterr().out, rows


def test_it_measures_tells_and_goes_on_after_a_failure(gpu, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "_gpu_torch", None)  # as if PyTorch could not be imported
    code, told, rows = run(gpu, monkeypatch, capsys, tmp_path, "digits-mlp")
    assert code == 0
    ours = [row for row in rows if row["program"] == "lrshape"]
    assert [row["members"] for row in ours] == [4, 1]
    assert all(row["rate"] > 0 for row in ours)
    assert "| lrshape | digits-mlp | batch 4 | 4 | float32 |" in told
    assert "failed: ModuleNotFoundError" in told
    assert "skipped: only a GPU's memory is filled on purpose" in told


def test_what_no_time_is_left_for_is_dropped(gpu, monkeypatch, capsys, tmp_path):
    _, _, rows = run(gpu, monkeypatch, capsys, tmp_path, "digits-cnn", "--time-limit", "1")
    assert {row["note"] for row in rows} == {"dropped: no time was left"}


def test_the_check_of_memory_sees_the_halving_and_compares_all(gpu, monkeypatch):
    import _gpu_jax
    import jax
    from _gpu_rows import MEMORY, Row

    from lrshape.training import population

    train = population.train

    def limited(workload, schedules, seeds, base_lrs, capacity, report=None):
        if capacity > 16:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return train(workload, schedules, seeds, base_lrs, capacity, report)

    monkeypatch.setattr(population, "train", limited)
    monkeypatch.setattr(_gpu_jax, "is_cpu", lambda: False)
    monkeypatch.setattr(_gpu_jax, "free_memory", lambda: 500_000)
    row = Row(MEMORY, "digits-mlp", 0, "float32", {"batch_size": 4, "hidden": (8,)})
    found = _gpu_jax.measure(row, 0.1)
    assert found["members"] == 64
    assert found["halved_to"] == [32, 16]
    assert found["ok"]


def test_pytorch_trains_one_compiled_model_and_many(gpu):
    pytest.importorskip("torch")
    import _gpu_torch
    from _gpu_rows import FUNC, TORCH, Row

    for program in (FUNC, TORCH["reduce-overhead"]):
        row = Row(program, "digits-mlp", 2, "bf16", {"batch_size": 4})
        assert _gpu_torch.measure(row, 0.01)["rate"] > 0
