"""The schedule in Hugging Face's Trainer: a tiny model with random weights, nothing downloaded."""

import numpy as np
import pytest
import torch

from lrshape.errors import InputError
from lrshape.shapes.schedule import Schedule

REX = Schedule("rex", {"warmup": 0.2}, base_lr=0.01, steps=12)


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train a model of one layer for some steps; return what learning rates its updates used."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import transformers

    class Recorder(transformers.TrainerCallback):
        def __init__(self):
            self.used = []

        def on_pre_optimizer_step(self, args, state, control, optimizer, **others):
            self.used.append([group["lr"] for group in optimizer.param_groups])

    def run(
        trainer_class=None, schedule=None, max_steps=12, accumulate=1, resume=None, stop=None, **settings
    ):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        config = transformers.GPT2Config(
            vocab_size=16, n_positions=8, n_embd=8, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0
        )
        model = transformers.GPT2LMHeadModel(config)
        tokens = torch.randint(0, 16, (40, 8))
        data = [{"input_ids": row, "labels": row} for row in tokens]
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path), max_steps=max_steps, per_device_train_batch_size=2,
            gradient_accumulation_steps=accumulate, report_to="none", save_steps=5, use_cpu=True,
            disable_tqdm=True, logging_strategy="no", dataloader_pin_memory=False, **settings,
        )  # fmt: skip
        recorder = Recorder()
        optimizers = (None, None)
        if schedule is not None:
            optimizers = schedule(torch.optim.AdamW(model.parameters(), lr=1.0))
        trainer = (trainer_class or transformers.Trainer)(
            model=model, args=arguments, train_dataset=data, callbacks=[recorder], optimizers=optimizers
        )
        trainer.train(resume_from_checkpoint=resume)
        return np.array(recorder.used)

    return run


def test_an_optimizer_and_scheduler_for_a_trainer_use_the_schedules_values(train, same):
    same(train(schedule=REX.to_transformers, accumulate=3)[:, 0], REX.values())


def test_the_create_scheduler_override_stretches_the_shape(train, same):
    used = train(REX.to_trainer(), max_steps=9, accumulate=2)
    expected = REX.replace(steps=9).values()
    for group in used.T:  # with and without weight decay
        same(group, expected)


def test_training_arguments_may_keep_the_base_lr(train, same):
    used = train(REX.to_trainer(keep_lr=True), max_steps=6, learning_rate=0.5)
    same(used[:, 0], REX.replace(steps=6, base_lr=0.5).values())
    used = train(REX.to_trainer(base_lr=0.25), max_steps=6, learning_rate=0.5)
    same(used[:, 0], REX.replace(steps=6, base_lr=0.25).values())


def test_a_second_training_keeps_the_same_base_lr(train, same):
    """A Trainer goes on with its optimizer, also after a try with a batch that was too large."""

    class Twice(REX.to_trainer(keep_lr=True)):
        def train(self, **options):
            super().train(**options)
            super().train(**options)

    expected = REX.replace(steps=6, base_lr=0.5).values()
    same(train(Twice, max_steps=6, learning_rate=0.5)[:, 0], [*expected, *expected])


@pytest.mark.parametrize("way", ["optimizers", "override"])
def test_it_goes_on_from_a_checkpoint(train, same, tmp_path, way):
    how = {"schedule": REX.to_transformers} if way == "optimizers" else {"trainer_class": REX.to_trainer()}
    same(train(**how)[:, 0], REX.values())
    resumed = train(**how, resume=str(tmp_path / "checkpoint-5"))
    same(resumed[:, 0], REX.values()[5:])


def test_another_horizon_at_a_resume_warns(train, same, caplog, tmp_path):
    """By the log: Trainer swallows warnings there."""
    train(REX.to_trainer(), max_steps=6)
    assert not caplog.text
    used = train(REX.to_trainer(), max_steps=12, resume=str(tmp_path / "checkpoint-5"))
    assert "the saved schedule was another one: steps 6 -> 12" in caplog.text
    same(used[:, 0], REX.values()[5:])


@pytest.mark.parametrize("keep_lr", [False, True])
def test_a_training_with_another_scheduler_changes_to_a_shape(train, same, caplog, tmp_path, keep_lr):
    train(lr_scheduler_type="cosine", learning_rate=0.03)
    resume = str(tmp_path / "checkpoint-5")
    used = train(REX.to_trainer(keep_lr=keep_lr), resume=resume, learning_rate=0.03)
    assert "another kind of scheduler. From step 5 on training follows the present one" in caplog.text
    same(used[:, 0], (0.03 if keep_lr else REX.base_lr) * REX.multipliers()[5:])


@pytest.mark.parametrize("trainer", [object(), dict])
def test_what_is_no_class_of_trainers_is_an_input_error(trainer):
    with pytest.raises(InputError, match=r"trainer must be transformers.Trainer or a subclass"):
        REX.to_trainer(trainer)


def test_the_file_of_code(train, same):
    from lrshape.frameworks import EXPORTERS

    names = {"__name__": "schedule"}
    exec(compile(EXPORTERS["transformers"].content(REX), "schedule.py", "exec"), names)
    same(train(names["ShapeTrainer"], max_steps=8)[:, 0], REX.replace(steps=8).values())
    made = lambda optimizer: (optimizer, names["make_scheduler"](optimizer))  # noqa: E731
    same(train(schedule=made)[:, 0], REX.values())
