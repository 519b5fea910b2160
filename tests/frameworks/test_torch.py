"""The PyTorch scheduler in real optimizers: values, groups, accumulation, states."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

from lrshape.errors import InputError
from lrshape.frameworks import EXPORTERS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.testing.exporters import run
from torch_training import saved

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


def same_groups(moved, rates, ratios):
    """Each group moved by the rates times its ratio; as many steps as were made."""
    np.testing.assert_allclose(moved, np.outer(rates[: len(moved)], ratios), rtol=1e-6, atol=1e-12)


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
    for schedule in (REX, Schedules({"lr": REX})):
        _, scheduler = schedule.to_transformers(sgd(1.0), step=25)
        configured = schedule.to_lightning(sgd(1.0), step=25)["lr_scheduler"]["scheduler"]
        same(scheduler.get_last_lr() + configured.get_last_lr(), [REX(25), REX(25)])


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


@pytest.mark.parametrize("keep_lr", [False, True])
@pytest.mark.parametrize("order", ["optimizer first", "scheduler first"])
@pytest.mark.parametrize("added", ["before the scheduler", "after the scheduler"])
@pytest.mark.parametrize("code", ["lrshape", "torch", "transformers", "lightning"])
def test_a_training_with_an_added_group_goes_on_with_its_learning_rates(code, added, order, keep_lr):
    """The base LRs of the saved training hold, whatever ratio the added group has to the others."""

    def make(optimizer):
        if code == "lrshape":
            return REX.to_torch(optimizer, keep_lr=keep_lr)
        names = run(EXPORTERS[code].content(REX).decode())
        return names["make_scheduler"](optimizer, **({"base_lr": None} if keep_lr else {}))

    def used(optimizer, scheduler, steps):
        rates = []
        for _ in range(steps):
            rates.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        return rates

    def add(optimizer):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})

    first = sgd(0.4, 0.2)
    scheduler = make(first)
    used(first, scheduler, 5)
    add(first)
    for since in (0, 1, 4):  # steps since the group was added
        used(first, scheduler, 1 if since else 0)
        states = saved(first, scheduler)
        second = sgd(0.4, 0.2)
        if added == "before the scheduler":
            add(second)
        resumed = make(second)
        if added == "after the scheduler":
            add(second)
        things = [(second, states[0]), (resumed, states[1])]
        for thing, state in things if order == "optimizer first" else reversed(things):
            thing.load_state_dict(state)
        clone = copy.deepcopy(scheduler)
        assert used(second, resumed, 9) == used(clone.optimizer, clone, 9)


def test_a_group_that_is_removed_leaves_the_others_their_base_lrs(same):
    optimizer = sgd(1.0, 0.2)
    scheduler = REX.to_torch(optimizer)
    train(optimizer, scheduler, 10)
    del optimizer.param_groups[0]
    scheduler.step()
    same(train(optimizer, scheduler, 19)[:, 0], REX.values()[11:] / 5)
    assert len(scheduler.state_dict()["base_lrs"]) == 1


@pytest.mark.parametrize("step", [0, 10])
@pytest.mark.parametrize("keep_lr", [False, True])
@pytest.mark.parametrize("added", [False, True])
def test_an_optimizer_that_never_had_a_scheduler_changes_no_base_lr(same, added, keep_lr, step):
    """As PyTorch's own schedulers do, it keeps the base LRs that it was made with; keep_lr, those of then."""
    first = sgd(1e-3, 1e-3)
    optimizer = sgd(0.4, 0.2)
    scheduler = REX.to_torch(optimizer, keep_lr=keep_lr, step=step)
    optimizer.load_state_dict(saved(first)[0])
    ratios = [0.4, 0.2] if keep_lr else [0.1, 0.05]
    if added:
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
        ratios.append(0.7)
    scheduler.state_dict()  # changes nothing
    moved = train(optimizer, scheduler, 20)
    same_groups(moved[1:], REX.multipliers()[step + 1 :], ratios)
    assert [group["initial_lr"] for group in optimizer.param_groups] == pytest.approx(ratios)


def test_groups_in_the_place_of_all_others_come_with_their_own_lr(same):
    optimizer = sgd(0.4)
    scheduler = REX.to_torch(optimizer)
    train(optimizer, scheduler, 2)
    optimizer.param_groups.clear()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.7})
    moved = train(optimizer, scheduler, 5)
    same_groups(moved[1:], REX.multipliers()[3:7], [0.7])


def test_in_a_sequence_an_optimizer_that_never_had_a_scheduler_changes_no_base_lr(same):
    kinds = torch.optim.lr_scheduler
    optimizer = sgd(0.1)
    warmup = kinds.LambdaLR(optimizer, lambda step: (step + 1) / 4)
    scheduler = kinds.SequentialLR(optimizer, [warmup, REX.to_torch(optimizer, keep_lr=True)], [3])
    optimizer.load_state_dict(saved(sgd(1e-3))[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions of SequentialLR call step(epoch), which is deprecated
        moved = train(optimizer, scheduler, 10)
    same(moved[1:, 0], [0.05, 0.075, *REX.values()[:7]])


def test_another_base_lr_at_a_resume_keeps_the_ratios_of_the_groups(same):
    first = sgd(1.0, 0.5)
    scheduler = REX.to_torch(first)
    train(first, scheduler, 10)
    second = sgd(1.0, 0.5)
    resumed = REX.to_torch(second, base_lr=0.3)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    same_groups(train(second, resumed, 20), REX.multipliers()[10:], [0.3, 0.15])


def second_phase(*lrs):
    """An optimizer that another scheduler brought to some learning rates."""
    optimizer = sgd(1.0, 0.1)
    torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    for group, lr in zip(optimizer.param_groups, lrs, strict=True):
        group["lr"] = lr
    return optimizer


def test_a_second_phase_goes_by_the_learning_rates_at_present(same):
    optimizer = second_phase(0.02, 0.04)
    scheduler = REX.to_torch(optimizer, keep_lr=True)
    scheduler.get_lr()  # changes nothing
    same_groups(train(optimizer, scheduler, 10), REX.multipliers(), [0.02, 0.04])
    resumed = REX.to_torch(optimizer, keep_lr=True, step=10)  # without a state of the scheduler
    same_groups(train(optimizer, resumed, 20), REX.multipliers()[10:], [0.02, 0.04])
    optimizer = second_phase(0.02, 0.04)
    same_groups(train(optimizer, REX.to_torch(optimizer), 30), REX.values(), [0.5, 1.0])
    optimizer = second_phase(0.0, 0.0)  # the first phase decayed to 0
    same_groups(train(optimizer, REX.to_torch(optimizer), 30), REX.values(), [1.0, 0.1])


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


def chained(optimizer):
    kinds = torch.optim.lr_scheduler
    return kinds.ChainedScheduler([kinds.LinearLR(optimizer, 0.1), kinds.ExponentialLR(optimizer, 0.9)])


@pytest.mark.parametrize("keep_lr", [False, True])
@pytest.mark.parametrize(
    "other",
    [
        chained,
        lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step)),
        lambda optimizer: torch.optim.lr_scheduler.SequentialLR(
            optimizer, [torch.optim.lr_scheduler.LinearLR(optimizer), REX.to_torch(optimizer)], [12]
        ),
    ],
)
def test_a_training_changes_from_another_scheduler_to_a_shape_at_its_step(same, caplog, other, keep_lr):
    first = sgd(0.5)
    scheduler = other(first)
    train(first, scheduler, 11)
    second = sgd(0.5)
    resumed = REX.to_torch(second, keep_lr=keep_lr)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    assert (
        "the state is of another kind of scheduler. From step 11 on training follows the present one"
        in caplog.text
    )
    same(train(second, resumed, 19)[:, 0], (0.5 if keep_lr else 0.1) * REX.multipliers()[11:])


def test_states_that_do_not_fit_are_refused():
    scheduler = REX.to_torch(sgd(1.0))
    with pytest.raises(ValueError, match="this is no state of a learning-rate scheduler"):
        scheduler.load_state_dict(sgd(1.0).state_dict())
    with pytest.raises(ValueError, match="the state is of 1 param groups, the optimizer has 2"):
        REX.to_torch(sgd(1.0, 1.0)).load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize("step", [-1, 1.5, "3", True, None])
def test_bad_steps_are_input_errors(step):
    with pytest.raises(InputError, match="step must be a whole number from 0"):
        REX.to_torch(sgd(1.0), step=step)


def test_an_optimizer_without_a_learning_rate_is_an_input_error():
    with pytest.raises(InputError, match="the optimizer needs a learning rate above 0"):
        REX.to_torch(sgd(0.0))
    with pytest.raises(InputError, match="the optimizer needs a learning rate above 0, its largest is 0"):
        REX.to_torch(sgd(0.0), keep_lr=True)


@pytest.mark.parametrize("optimizer", ["adam", None, torch.optim.SGD, torch.nn.Linear(1, 1)])
def test_what_is_no_optimizer_is_an_input_error(optimizer):
    for export in (REX.to_torch, REX.to_transformers, REX.to_lightning):
        with pytest.raises(InputError, match=r"optimizer must be a torch\.optim\.Optimizer, got"):
            export(optimizer)


def test_keeping_and_replacing_the_base_lr_at_once_is_an_input_error():
    for export in (REX.to_torch, REX.to_transformers, REX.to_lightning, REX.to_trainer):
        with pytest.raises(InputError, match="base_lr cannot go with it"):
            export(sgd(1.0), keep_lr=True, base_lr=0.1)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda scheduler: pickle.loads(pickle.dumps(scheduler))]
)
def test_a_scheduler_can_be_copied(same, duplicate):
    optimizer = sgd(1.0)
    scheduler = REX.to_torch(optimizer)
    train(optimizer, scheduler, 4)
    clone = duplicate(scheduler)
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


@pytest.mark.parametrize("keep_lr", [False, True])
@pytest.mark.parametrize("until", [2, 5])
@pytest.mark.parametrize("order", ["optimizer first", "scheduler first"])
def test_after_a_warmup_in_a_sequence(same, order, until, keep_lr):
    """It begins at its own base LR, and goes on in either phase: the one in charge sets learning rates."""
    kinds = torch.optim.lr_scheduler

    def make(optimizer):
        warmup = kinds.LinearLR(optimizer, 0.25, total_iters=3)
        return kinds.SequentialLR(optimizer, [warmup, REX.to_torch(optimizer, keep_lr=keep_lr)], [3])

    first = sgd(0.1)
    scheduler = make(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions of SequentialLR call step(epoch), which is deprecated
        moved = train(first, scheduler, until)
        states = saved(first, scheduler)
        second = sgd(0.1)
        resumed = make(second)
        things = [(second, states[0]), (resumed, states[1])]
        for thing, state in things if order == "optimizer first" else reversed(things):
            thing.load_state_dict(state)
        moved = np.concatenate([moved, train(second, resumed, 10 - until)])
    same(moved[:, 0], [0.025, 0.05, 0.075, *REX.values()[:7]])


def test_checkpoints_hold_no_numpy_numbers():
    """What a schedule returns for one step is a Python number: torch.load refuses others by default."""
    optimizer = sgd(np.float64(1.0))
    batches = REX.replace(batch_sizes=[(8, 10), (16, 20)])
    for lr in (
        REX(3), REX(np.int64(3)), REX.base_lr * REX.multiplier(0.3), REX.base_lr * REX.shape(0.3),
        REX.multiplier(batches.progress(4)), *REX.values().tolist(), next(batches.follow(optimizer)),
    ):  # fmt: skip
        optimizer.param_groups[0]["lr"] = lr
        saved(optimizer)
    schedule = Schedule(
        "rex", {"beta": np.float64(0.4)}, np.float64(0.1), np.int64(30), min_lr=np.float64(0.01)
    )
    for step in (np.int64(3), np.int64(29)):  # at the last one the LR is the lowest
        for keep_lr in (False, True):
            saved(optimizer, schedule.to_torch(optimizer, keep_lr=keep_lr, step=step))
        for target, name in (
            ("torch", "make_scheduler"),
            ("transformers", "make_scheduler"),
            ("lightning", "configured"),
        ):
            make = run(EXPORTERS[target].content(schedule).decode())[name]
            made = make(optimizer, np.int64(30), np.float64(0.2), step)
            saved(optimizer, made["lr_scheduler"]["scheduler"] if name == "configured" else made)


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
