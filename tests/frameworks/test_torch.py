"""The PyTorch scheduler in real optimizers: values, groups, accumulation, states."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch

from lrshape.errors import InputError
from lrshape.shapes.schedule import Schedule

REX = Schedule("rex", {"warmup": 0.1}, base_lr=0.1, steps=30)


def sgd(*lrs, momentum=0.0):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], "lr": lr} for lr in lrs]
    return torch.optim.SGD(groups, momentum=momentum)


def train(optimizer, scheduler, steps, accumulate=1):
    """What each update moved the first weight of each group by, under a gradient of 1."""
    moved = []
    for _ in range(steps):
        for _ in range(accumulate):
            for group in optimizer.param_groups:
                (group["params"][0].sum() / accumulate).backward()
        before = [group["params"][0].item() for group in optimizer.param_groups]
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        moved.append([b - g["params"][0].item() for b, g in zip(before, optimizer.param_groups, strict=True)])
        for group in optimizer.param_groups:
            group["params"][0].data.zero_()
    return np.array(moved)


def saved(*things):
    """The states of things, through a file that is loaded without pickled code."""
    buffer = io.BytesIO()
    torch.save([thing.state_dict() for thing in things], buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_every_update_uses_the_schedules_value(schedule, same, accumulate):
    optimizer = sgd(1.0)
    moved = train(optimizer, schedule.to_torch(optimizer), 45, accumulate)
    same(moved[:, 0], schedule.values())


def test_it_goes_on_in_the_middle(schedule, same):
    first = sgd(1.0)
    scheduler = schedule.to_torch(first)
    before = train(first, scheduler, 17)
    states = saved(first, scheduler)
    second = sgd(1.0)
    resumed = schedule.to_torch(second)
    second.load_state_dict(states[0])
    resumed.load_state_dict(states[1])
    assert second.param_groups[0]["lr"] == resumed.get_last_lr()[0]
    same(np.concatenate([before, train(second, resumed, 28)])[:, 0], schedule.values())


@pytest.mark.parametrize("order", ["optimizer first", "scheduler first", "no state of the scheduler"])
def test_orders_of_resuming(same, order):
    first = sgd(1.0, 0.5)
    scheduler = REX.to_torch(first)
    train(first, scheduler, 11)
    states = saved(first, scheduler)
    second = sgd(1.0, 0.5)
    if order == "no state of the scheduler":
        second.load_state_dict(states[0])
        resumed = REX.to_torch(second, step=11)
    else:
        resumed = REX.to_torch(second)
        things = [(second, states[0]), (resumed, states[1])]
        for thing, state in things if order == "optimizer first" else reversed(things):
            thing.load_state_dict(state)
    moved = train(second, resumed, 19)
    same(moved[:, 0], REX.values()[11:])
    same(moved[:, 1], REX.values()[11:] / 2)


def test_a_step_to_start_from_needs_no_state(same):
    optimizer = sgd(1.0)
    same(train(optimizer, REX.to_torch(optimizer, step=25), 10)[:, 0], REX.values()[25:])


def test_groups_keep_their_ratios_and_the_largest_gets_the_base_lr(same):
    optimizer = sgd(0.01, 0.04, 0.0)
    moved = train(optimizer, REX.to_torch(optimizer), 30)
    same(moved[:, 1], REX.values())
    same(moved[:, 0], REX.values() / 4)
    assert (moved[:, 2] == 0).all()


def test_the_optimizers_own_learning_rates_can_be_kept(same):
    optimizer = sgd(0.01, 0.04)
    moved = train(optimizer, REX.to_torch(optimizer, keep_lr=True), 30)
    same(moved[:, 0], 0.01 * REX.multipliers())
    same(moved[:, 1], 0.04 * REX.multipliers())


def test_another_base_lr_and_another_horizon(same):
    optimizer = sgd(1.0)
    moved = train(optimizer, REX.to_torch(optimizer, base_lr=0.3, steps=50), 50)
    same(moved[:, 0], Schedule("rex", REX.params, 0.3, 50).values())


def test_batch_sizes_that_grow(same):
    optimizer = sgd(1.0)
    sizes = [(8, 10), (32, 20)]
    same(
        train(optimizer, REX.to_torch(optimizer, batch_sizes=sizes), 30)[:, 0],
        REX.replace(batch_sizes=sizes).values(),
    )


def test_a_group_that_is_added_later_has_its_own_base_lr(same):
    optimizer = sgd(1.0)
    scheduler = REX.to_torch(optimizer)
    train(optimizer, scheduler, 10)
    new = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer.add_param_group({"params": [new], "lr": 0.02})
    scheduler.step()  # the added group now follows
    moved = train(optimizer, scheduler, 19)
    same(moved[:, 1], 0.02 * REX.multipliers()[11:])
    same(moved[:, 0], REX.values()[11:])


def test_learning_rates_that_are_tensors_stay_tensors(same):
    optimizer = sgd(torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64))
    scheduler = REX.to_torch(optimizer)
    tensors = [group["lr"] for group in optimizer.param_groups]
    moved = train(optimizer, scheduler, 12)
    again = REX.to_torch(optimizer)
    again.load_state_dict(saved(scheduler)[0])
    assert [group["lr"] for group in optimizer.param_groups] == tensors
    assert all(g["lr"] is t for g, t in zip(optimizer.param_groups, tensors, strict=True))
    same(moved[:, 0], REX.values())
    same(train(optimizer, again, 18)[:, 1], REX.values()[12:] / 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 60}, "steps 30 -> 60"),
        ({"base_lr": 0.2}, "base LRs [0.1] -> [0.2]"),
        ({"batch_sizes": [(1, 10), (2, 20)]}, "batch_sizes None -> [[1, 10], [2, 20]]"),
        ({"family": "wsd"}, "family 'rex' -> 'wsd'"),
        ({"params": {"warmup": 0.2}}, "params"),
    ],
)
def test_a_changed_schedule_warns_and_goes_on_along_the_new_one(same, caplog, changes, message):
    first = sgd(1.0)
    scheduler = REX.to_torch(first)
    train(first, scheduler, 10)
    states = saved(first, scheduler)
    shape = {key: changes.pop(key) for key in ("family", "params") if key in changes}
    new = Schedule(**{"family": "rex", "params": {"warmup": 0.1}, "base_lr": 0.1, "steps": 30} | shape)
    second = sgd(1.0)
    resumed = new.to_torch(second, **changes)
    second.load_state_dict(states[0])
    resumed.load_state_dict(states[1])
    assert message in caplog.text
    assert "From step 10 on training follows the present one" in caplog.text
    same(train(second, resumed, 30)[:, 0], new.replace(**changes).values()[10:])


def test_the_same_schedule_does_not_warn(caplog):
    first = sgd(1.0, 0.3)
    scheduler = REX.to_torch(first)
    train(first, scheduler, 3)
    REX.to_torch(sgd(1.0, 0.3)).load_state_dict(saved(scheduler)[0])
    REX.to_torch(first).load_state_dict(saved(scheduler)[0])  # the same optimizer once more
    assert not caplog.text


def test_states_of_others_are_refused():
    optimizer = sgd(1.0)
    scheduler = REX.to_torch(optimizer)
    other = torch.optim.lr_scheduler.LambdaLR(sgd(1.0), lambda step: 1.0)
    with pytest.raises(ValueError, match="this is no state of a ShapeLR: it has no 'identity'"):
        scheduler.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="the state is of 1 param groups, the optimizer has 2"):
        REX.to_torch(sgd(1.0, 1.0)).load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize("step", [-1, 1.5, "3", True, None])
def test_bad_steps_are_input_errors(step):
    with pytest.raises(InputError, match="step must be a whole number from 0"):
        REX.to_torch(sgd(1.0), step=step)


def test_an_optimizer_without_a_learning_rate_is_an_input_error():
    with pytest.raises(InputError, match="the optimizer needs a learning rate above 0"):
        REX.to_torch(sgd(0.0))


@pytest.mark.parametrize("optimizer", ["adam", None, torch.optim.SGD, torch.nn.Linear(1, 1)])
def test_what_is_no_optimizer_is_an_input_error(optimizer):
    for export in (REX.to_torch, REX.to_transformers, REX.to_lightning):
        with pytest.raises(InputError, match=r"optimizer must be a torch\.optim\.Optimizer, got"):
            export(optimizer)


def test_keeping_and_replacing_the_base_lr_at_once_is_an_input_error():
    for export in (REX.to_torch, REX.to_transformers, REX.to_lightning, REX.to_trainer):
        with pytest.raises(InputError, match="base_lr cannot go with it"):
            export(sgd(1.0), keep_lr=True, base_lr=0.1)


def test_a_scheduler_can_be_copied(same):
    optimizer = sgd(1.0)
    scheduler = REX.to_torch(optimizer)
    train(optimizer, scheduler, 4)
    clone = copy.deepcopy(scheduler)
    same(train(clone.optimizer, clone, 26)[:, 0], REX.values()[4:])
    same(train(optimizer, scheduler, 26)[:, 0], REX.values()[4:])


def test_it_is_a_scheduler_like_any_other(same):
    """Inside SequentialLR, and with Adam."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=1.0)
    warmup = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=3)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer, [warmup, REX.to_torch(optimizer, keep_lr=True)], milestones=[3]
    )
    used = []
    for _ in range(10):
        weight.sum().backward()
        optimizer.step()
        used.append(optimizer.param_groups[0]["lr"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SequentialLR itself calls step(epoch), which is deprecated
            scheduler.step()
    same(used, np.concatenate([np.ones(3), REX.multipliers()[:7]]))


@pytest.mark.parametrize("schedule", [REX, Schedule.from_values(REX.values())])
def test_following_sets_each_step_of_every_group(schedule):
    optimizer = sgd(1.0, 0.1)
    seen = []
    for lr in schedule.follow(optimizer):
        for group in optimizer.param_groups:
            group["params"][0].sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append([lr, *(group["lr"] for group in optimizer.param_groups)])
    np.testing.assert_allclose(seen, np.outer(REX.values(), [1.0, 1.0, 0.1]), rtol=1e-12)
    assert [g["params"][0].item() for g in optimizer.param_groups] == pytest.approx(
        [-REX.values().sum(), -0.1 * REX.values().sum()]
    )


def test_following_stretches_and_checks():
    assert next(REX.follow(sgd(1.0), steps=7, base_lr=3.0)) == REX.replace(steps=7, base_lr=3.0)(0)
    with pytest.raises(InputError, match=r"must be a torch.optim.Optimizer, got 3"):
        REX.follow(3)
