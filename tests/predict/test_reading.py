"""Runs as people log them: every fault is handled, or told in one line."""

import json
import time

import numpy as np
import pytest

from lrshape import Schedule
from lrshape.errors import InputError
from lrshape.predict.reading import read_runs

LOG = "step,lr,loss\n0,0.1,3\n10,0.1,2\n20,0.05,1.5\n30,0,1.25\n"


def rows(heading, *rows):
    return "\n".join([heading, *rows]) + "\n"


def log(steps, loss=lambda step: 2 + 1 / step, lr=lambda step: 0.1, heading="step,lr,loss"):
    return rows(heading, *(f"{step},{lr(step):.9g},{loss(step):.9g}" for step in steps))


def test_a_log_gives_the_lr_of_every_step_and_the_losses_at_their_points(read, write):
    runs, notes = read(write(a=LOG))
    run = runs["a"]
    assert run.steps == 30
    np.testing.assert_allclose(run.lrs[[0, 10, 15, 20, 29]], [0.1, 0.1, 0.075, 0.05, 0.005])
    assert run.points.tolist() == [10, 20, 30]  # the loss at step 0 is of no trained model
    assert run.losses.tolist() == [2, 1.5, 1.25]
    assert notes == "lrshape reads the losses from 'loss'"


@pytest.mark.parametrize(("end", "steps"), [(99, 100), (95, 95), (100, 100)])
def test_a_log_from_step_0_that_ends_with_its_last_step_has_all_of_them(read, write, end, steps):
    run = read(write(a=log([*range(0, end, 20), end], lambda step: 2)))[0]["a"]
    assert (run.steps, run.points[-1]) == (steps, end)


def test_an_lr_that_jumps_between_two_logged_steps_jumps_at_the_later_one(read, write):
    runs, _ = read(write(a=log(range(10, 110, 10), lr=lambda step: 0.1 if step < 50 else 0.02)))
    np.testing.assert_allclose(runs["a"].lrs[[40, 49, 50, 99]], [0.1, 0.1, 0.02, 0.02])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + LOG,
        LOG.replace(",", ";"),
        LOG.replace(",", "\t"),
        LOG.replace("\n", "\r\n"),
        LOG.replace("step,lr,loss", "Iter,Learning Rate,train/loss"),
        LOG.replace("step,lr,loss", "iteration,learning_rate,Loss"),
        LOG.replace("step,lr,loss", "train/global_step,optim/lr,trainLoss"),
        rows("step,lr,loss,note", *(f"{line},ok" for line in LOG.split()[1:])),
        "step,lr_decay_steps,lr,lr_scheduler,loss\n0,9,.1,cos,3\n10,9,.1,cos,2\n20,9,.05,cos,1.5\n,,,,9\n30,9,0,cos,1.25\n",
        LOG.replace(",0.1,", ",[0.1],").replace(",0.05,", ",[5e-2],"),
        LOG + "40,0",  # the run died while it wrote this
        rows("epoch,step,lr,loss", *(f"{0.1 * i},{line}" for i, line in enumerate(LOG.split()[1:]))),
    ],
)
def test_encodings_separators_and_names_make_no_difference(read, write, text):
    runs, _ = read(write(a=text))
    assert runs["a"].losses.tolist() == [2, 1.5, 1.25]
    assert runs["a"].lrs[20] == 0.05


DECAY, SETTING = np.array([0.1, 0.1, 0.05, 0]), np.full(4, 9.0)


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"lr/group0": DECAY / 10, "lr/group1": DECAY}, "lr/group1"),
        ({"lr/adamw": DECAY / 10, "lr/muon": DECAY}, "lr/muon"),
        ({"lr-AdamW/pg1": DECAY, "lr-AdamW/pg2": DECAY / 10}, "lr-AdamW/pg1"),
        ({"optim/lr_decay_steps": SETTING, "optim/lr": DECAY}, "optim/lr"),
        ({"base_lr": SETTING, "lr/group0": DECAY}, "lr/group0"),
        ({"lr/group0": 10 * DECAY, "lr": DECAY}, "lr"),
    ],
)
def test_of_several_learning_rates_the_largest_that_changes_counts(read, write, columns, chosen):
    """As in exports, where the base LR is that of the group with the largest; a plain heading is surer."""
    table = zip((0, 10, 20, 30), *columns.values(), (3, 2, 1.5, 1.25), strict=True)
    lines = (",".join(map(str, row)) for row in table)
    runs, notes = read(write(a=rows(",".join(["step", *columns, "loss"]), *lines)))
    assert runs["a"].lrs[[0, 20]].tolist() == [0.1, 0.05]
    (other,) = columns.keys() - {chosen}
    assert f"reads the LR from '{chosen}', not '{other}'" in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("step,lr,loss\n", "has no rows"),
        ("0,0.1,3\n10,0.1,2\n", "first row must hold headings"),
        (LOG.replace("step", "epoch"), r"counts epochs \('epoch'\), not optimizer steps"),
        (LOG.replace("step", "tokens"), r"counts tokens \('tokens'\), not optimizer steps"),
        (LOG.replace("step", "consumed_samples"), "counts samples"),
        (
            LOG.replace("step", "clock"),
            r"needs a column of steps; its columns are 'clock', .*--columns step=",
        ),
        (LOG.replace("10,", "0.5,").replace("20,", "1.5,"), "whole numbers of at least 0, got 0.5"),
        (LOG.replace("30,", "3e12,"), "are they tokens or samples"),
        (LOG.replace("10,", "-10,"), "whole numbers of at least 0, got -10"),
        (LOG.replace("10,", "10.0000001,"), "whole numbers of at least 0, got 10.0000001"),
        (LOG.replace("0.05", "-0.05"), "a: learning rates must be finite and at least 0, got -0.05"),
        (LOG.replace("loss", "nll"), "a: has no finite loss; it has .*'nll'.*--metric"),
        (LOG.replace("loss", "accuracy"), "a: has no finite loss; it has 'lr', 'accuracy'$"),
        ('step,lr,loss\n"1,000",0.1,3\n', "separators of thousands; line 2 has '1,000'"),
        (LOG.replace("0.1", "0").replace("0.05", "0"), "a: LRs must be .* not all 0"),
        ("step;lr;loss\n0;0,1;3\n", "decimal point.* line 2 has '0,1'"),
        ("step,lr,loss\n0,0.1,3\n1,0.1\n2,0.1,2\n", "line 3 has 2 cells"),
        (LOG.replace("3\n", "tensor(3.)\n"), r"a: 'loss' must hold numbers: line 2 has 'tensor\(3.\)'"),
        (LOG.replace(",0.1,", ',"[1, 1]",'), r"a: 'lr' must hold numbers: line 2 has '\[1, 1\]'"),
        ('step,lr\n1,"[1, 1]"\n', r"a.csv: 'lr' must hold numbers: line 2 has '\[1, 1\]'"),
        ("step,loss\n1,3\n2,2\n", r"a: logs no learning rates; give .*schedules={'a': .*--schedule a=FILE"),
        (
            LOG.replace("lr", "lrn"),
            r"a: logs no learning rates; name their column, if one of 'lrn' has them \(--columns lr=NAME\), "
            "or give its schedule",
        ),
        (
            "step,lr,loss\n1,nan,3\n2,nan,2\n",
            "a: logs no learning rates: 'lr' holds no number; give its sched",
        ),
        ("step,lr,loss\n1,,3\n2,,2\n", "a: logs no learning rates: 'lr' holds no number; give its schedule"),
        ("step,lr,loss\n1,abc,3\n2,abc,2\n", "a: 'lr' must hold numbers: line 2 has 'abc'"),
        ("step,lr,loss\n10,0.1,3\n20,,2\n", "holds one learning rate"),
        ("step,lr,loss\n0,0.1,3\n", "has no finite loss after its first step"),
        ("step,lr,loss\n1,0.1,nan\n2,0.1,inf\n", "has no finite loss"),
        ("run,lr,steps,final_loss\na,1,10,3\nb,1,10,2\n", "a table of runs, and no log of their steps"),
        ("Name,State,lr,steps,val_loss\na,ok,1,20,3\nb,ok,1,10,2\n", "a table of runs, and no log"),
        ("Name,lr,_step,loss\na,1,10,3\nb,1,20,2\nc,1,20,2\n", "a table of runs, and no log"),
    ],
)
def test_what_is_no_log_is_told_in_one_line(write, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_runs(write(a=text))
    assert "\n" not in str(caught.value)


def test_wrong_arguments_are_told_in_one_line(write, tmp_path):
    path = write(a=LOG)
    for options, message in (
        ({"columns": {"steps": "step"}}, "columns: unknown key 'steps'; .* did you mean 'step'"),
        ({"columns": {"loss": "nll"}}, "loss='nll' is no column of numbers; there are 'lr', 'loss'"),
        (
            {"columns": {"step": "update"}},
            "step='update' is no column of a log; there are 'step', 'lr'",
        ),
        ({"columns": {"run": "who"}}, "run='who' is no column of a log"),
        ({"metric": "val_loss"}, r"a loss, better if lower \(found: 'loss'\), got 'val_loss'"),
        ({"metric": "LR"}, r"metric must be the heading of a loss, .*\(found: 'loss'\), got 'LR'"),
        ({"columns": {"val_loss": "lr"}}, "columns: val_loss must be the heading of a loss, .* got 'lr'"),
        ({"schedules": {"b": path}}, "schedules must be a run, one of 'a', got 'b'"),
        ({"parents": {"b": "a"}}, "parents must be a run"),
        ({"parents": {"a": "b"}}, "the parent of 'a' must be a run"),
        ({"schedules": {"a": tmp_path / "none.json"}}, "none.json: cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            read_runs(path, **options)
    for source, message in (("none.csv", "no such file"), ("s3://x/y", "on this machine")):
        with pytest.raises(InputError, match=message):
            read_runs(source)
    assert read_runs([]).runs == ()


@pytest.mark.parametrize("name", ["val_acc", "eval/accuracy@5", "acc1", "evalF1", "train/reward", "epoch"])
def test_what_is_no_loss_or_better_if_higher_is_refused_as_a_loss(write, name):
    text = LOG.replace("loss", f"loss,{name}").replace("\n", ",0.5\n").replace(f"{name},0.5", name)
    with pytest.raises(InputError, match=rf"a loss, better if lower \(found: 'loss'\), got '{name}'"):
        read_runs(write(a=text), metric=name)
    with pytest.raises(InputError, match=f"loss must be the heading of a loss, .* got '{name}'"):
        read_runs(write(a=text), columns={"loss": name})
    assert read_runs(write(a=text.replace(name, "reward_loss")), metric="reward_loss").runs


def test_a_file_of_accuracies_holds_no_losses(write):
    paths = write(lr=rows("step,a", "0,.1", "20,.1"), val_acc=rows("step,a", "10,3", "20,2"))
    with pytest.raises(InputError, match="a: has no finite loss; it has 'lr', 'val_acc'"):
        read_runs(paths)


def test_columns_of_other_names(read, write):
    text = LOG.replace("step,lr,loss", "Clock,eta,nll")
    runs, _ = read(write(a=text), columns={"step": "clock", "lr": "Eta", "loss": "nll"})
    assert runs["a"].losses.tolist() == [2, 1.5, 1.25]
    text = rows("who,step,lr,loss", *(f"w{i // 2},{1 + i % 2},0.1,{i}" for i in range(4)))
    assert list(read(write(a=text), columns={"run": "Who"})[0]) == ["w0", "w1"]


@pytest.mark.parametrize(
    "text",
    [
        rows("run,step,lr,loss", "a,10,.1,3", "b,10,.2,4", "a,20,.1,2", "b,20,.2,3"),
        rows("step,lr_a,loss_a,lr_b,loss_b", "10,.1,3,.2,4", "20,.1,2,.2,3"),
        rows("step,a/lr,a/loss,b/lr,b/loss", "10,.1,3,.2,4", "20,.1,2,.2,3"),
        rows('Step,"a - lr","a - loss","b - lr","b - loss"', "10,.1,3,.2,4", "20,.1,2,.2,3"),
        rows(
            'Step,"a - lr","a - lr__MIN","a - loss","a - loss__MIN","a - loss__MAX","b - lr","b - loss"',
            "10,.1,9,3,9,9,,",
            "20,.1,9,2,9,9,,",
            "10,,,,,,.2,4",
            "20,,,,,,.2,3",
        ),
    ],
)
def test_a_column_of_runs_in_any_order_of_rows_and_a_run_a_column(read, write, text):
    runs, _ = read(write(chart=text))
    assert {name: run.losses.tolist() for name, run in runs.items()} == {"a": [3, 2], "b": [4, 3]}
    assert runs["b"].lrs.tolist() == [0.2] * 20


def test_a_run_a_column_in_one_file_for_each_metric(read, write):
    paths = write(lr=rows("step,a,b", "0,.1,.2", "20,.1,.2"), val_loss=rows("step,a,b", "10,3,4", "20,2,3"))
    runs, notes = read(paths)
    assert {name: run.losses.tolist() for name, run in runs.items()} == {"a": [3, 2], "b": [4, 3]}
    assert "reads the losses from 'val_loss'" in notes


@pytest.mark.parametrize(
    "names", [("lr_a", "loss_a"), ("a_lr", "a_loss"), ("a.lr", "a.loss"), ("lr", "loss")]
)
def test_the_lr_in_one_file_and_the_loss_in_another_at_other_steps(read, write, names):
    rates, losses = rows("step,lr", "0,.1", "40,.0"), rows("step,loss", "7,3", "21,2", "40,1")
    first, second = (f"folder__{name.replace('.', '-')}" for name in names)
    (run,) = read(write(**{first: rates, second: losses}))[0].values()
    assert run.points.tolist() == [7, 21, 40]
    assert run.lrs[20] == pytest.approx(0.05)
    assert run.name == ("folder" if names[0] == "lr" else "a")


def test_files_of_the_training_and_the_validation_loss_of_the_same_runs(read, write):
    train = rows("run,step,lr,loss", "1,10,.1,3", "1,20,.1,2", "2,10,.1,4", "2,20,.1,3")
    val = rows("run,step,loss", "1,20,2.5", "2,20,3.5")
    paths = write(train_x=train, val_x=val)
    runs, notes = read(paths)
    assert {name: run.losses.tolist() for name, run in runs.items()} == {"1": [2.5], "2": [3.5]}
    assert "from 'val_loss', not 'train_loss': metric (--metric)" in notes
    assert read(paths, metric="train_loss")[0]["2"].losses.tolist() == [4, 3]
    assert read(paths, metric="train")[0]["2"].losses.tolist() == [4, 3]


def test_files_of_one_name_are_told_apart_by_their_folders(read, write, tmp_path):
    write(x__run=LOG, y__run=LOG.replace("1.25", "1"))
    runs, _ = read(tmp_path)
    assert {name: run.losses[-1] for name, run in runs.items()} == {"x/run": 1.25, "y/run": 1}


def test_a_folder_is_read_without_what_is_no_log(read, write, tmp_path):
    write(a=LOG, readme_DOT_md="hello", other="x,y\n1,2\n")
    runs, notes = read(tmp_path)
    assert list(runs) == ["a"]
    assert "other.csv: needs a column of steps" in notes
    assert "readme" not in notes


def test_the_kind_of_losses_that_most_runs_have_is_read_and_the_others_are_left_out(read, write):
    both = rows("step,lr,train_loss,val_loss", "10,.1,3,4", "20,.1,2,3")
    train = rows("step,lr,train_loss", "10,.1,3", "20,.1,2")
    runs, notes = read(write(a=both, b=both, c=train), metric="val_loss")
    assert list(runs) == ["a", "b"]
    assert "c: is left out: has no finite loss" in notes
    assert len(read(write(a=both, b=both, c=train))[0]) == 3


def test_several_losses_must_be_chosen_from(read, write):
    path = write(a=rows("step,lr,val/c4_loss,val/wiki_loss", "10,.1,3,4", "20,.1,2,3"))
    with pytest.raises(
        InputError,
        match=r"several losses, 'val/c4_loss', 'val/wiki_loss': choose .*--metric.*each run needs a column",
    ):
        read_runs(path)
    assert read(path, metric="val/wiki_loss")[0]["a"].losses.tolist() == [4, 3]
    names = "step,lr,loss_scale,aux_loss,loss,loss_ema,best_loss"
    runs, _ = read(write(a=rows(names, "10,.1,65536,9,3,8,7", "20,.1,65536,9,2,8,7")))
    assert runs["a"].losses.tolist() == [3, 2]


def test_a_smoothed_loss_is_told(read, write):
    runs, notes = read(write(a=LOG.replace("loss", "loss_smoothed")))
    assert "smoothed losses lag behind" in notes
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("steps", "losses", "kept"),
    [
        ([10, 20, 30, 40, 30, 40, 50], [1, 2, 3, 4, 5, 6, 7], {10: 1, 20: 2, 30: 5, 40: 6, 50: 7}),
        ([10, 20, 30, 40, 25, 45, 65], [1, 2, 3, 4, 5, 6, 7], {10: 1, 20: 2, 25: 5, 45: 6, 65: 7}),
        ([10, 20, 30, 40, 10, 20], [1, 2, 3, 4, 5, 6], {10: 1, 20: 2, 30: 3, 40: 4}),  # begun again, and died
        ([10, 20, 30, 20, 30, 30, 40], [1, 2, 3, 4, 5, 6, 7], {10: 1, 20: 4, 30: 6, 40: 7}),
        ([30, 40, 50, 10, 20, 30], [3, 4, 5, 1, 2, 9], {10: 1, 20: 2, 30: 3, 40: 4, 50: 5}),
        ([40, 30, 20, 10], [4, 3, 2, 1], {10: 1, 20: 2, 30: 3, 40: 4}),
        ([30, 10, 40, 20, 60, 50], [3, 1, 4, 2, 6, 5], {10: 1, 20: 2, 30: 3, 40: 4, 50: 5, 60: 6}),
        ([10, 10, 20, 20], [1, 2, 3, 4], {10: 2, 20: 4}),
    ],
)
def test_steps_that_go_back(read, write, steps, losses, kept):
    text = rows("step,lr,loss", *(f"{step},.1,{loss}" for step, loss in zip(steps, losses, strict=True)))
    runs, notes = read(write(a=text))
    assert dict(zip(runs["a"].points.tolist(), runs["a"].losses.tolist(), strict=True)) == kept
    assert (len(notes.splitlines()) > 1) == bool((np.diff(steps) < 0).any())


def test_steps_that_begin_again_in_each_epoch_are_refused_and_a_resume_is_not(read, write):
    body = [f"{i // 100},{i % 100},{0.1 * (1 - i / 1000):.4f},{2 + 1 / (1 + i)}" for i in range(0, 1000, 20)]
    with pytest.raises(InputError, match=r"the steps \('iter'\) begin again in each epoch: log a step that"):
        read_runs(write(a=rows("epoch,iter,lr,loss", *body)))
    resumed = [f"{s // 100},{s},0.1,2" for s in (*range(10, 311, 10), *range(110, 501, 10))]
    assert read(write(a=rows("epoch,step,lr,loss", *resumed)))[0]["a"].steps == 500
    evaluated = "0,50,.1,3,", "0,100,.1,3,", "1,1,,,4", "1,150,.1,2,", "1,200,.1,2,", "2,2,,,3"
    path = write(a=rows("epoch,step,lr,loss,val_loss", *evaluated))  # whose steps are epochs
    assert read(path, metric="loss")[0]["a"].points.tolist() == [50, 100, 150, 200]


INTERLEAVED = [f"{run},{s},{lr},{2 + lr}" for s in range(0, 101, 10) for run, lr in (("a", 0.1), ("b", 0.2))]


def test_a_column_of_another_name_is_of_runs_if_their_steps_overlap(read, write):
    runs, _ = read(write(x=rows("experiment,step,lr,loss", *INTERLEAVED)))
    assert {name: run.losses[-1] for name, run in runs.items()} == {"a": 2.1, "b": 2.2}
    crashed = [f"c,{s},.3,4" for s in (5, 9)]
    later = [row.replace("b,0,", "b,10,") for row in INTERLEAVED]  # which begins after that has ended
    assert set(read(write(x=rows("experiment,step,lr,loss", *later, *crashed)))[0]) >= {"a", "b"}
    resumed = [f"first,{s},.1,2" for s in range(0, 61, 10)] + [f"more,{s},.1,2" for s in range(40, 101, 10)]
    assert list(read(write(x=rows("config,step,lr,loss", *resumed)))[0]) == ["x"]


def test_rows_of_several_runs_without_a_column_that_says_so_are_refused(read, write):
    path = write(x=rows("who,step,lr,loss", *INTERLEAVED))
    with pytest.raises(InputError, match=r"'lr' cannot be read: has two values at step 0, 0.1 and 0.2,"):
        read_runs(path)
    assert list(read(path, columns={"run": "who"})[0]) == ["a", "b"]


def test_of_several_losses_at_a_step_the_last_counts_and_is_told(read, write):
    batches = (f"{s},.1,{3 - i / 10}" for s in range(0, 101, 10) for i in range(4))
    runs, notes = read(write(a=rows("step,lr,loss", *batches)))
    assert runs["a"].final_loss == 2.7
    assert "a: 'loss' has two values at step 0, 3 and 2.9, and so at 11 of 11 steps: the last one" in notes


def test_a_column_that_says_which_losses_are_of_validation(read, write):
    body = [f"{s},{part},.1,{len(part)}" for s in range(10, 101, 10) for part in ("train", "validation")]
    path = write(a=rows("step,split,lr,loss", *body))
    runs, notes = read(path)
    assert set(runs["a"].losses) == {10}
    assert "from 'val_loss', not 'train_loss'" in notes
    assert set(read(path, metric="train_loss")[0]["a"].losses) == {5}
    parts = [("train", 2), ("val_seen", 3), ("sanity", 9), ("val_unseen", 3)]
    path = write(
        a=rows("step,split,lr,loss", *(f"{s},{p},.1,{n}" for s in range(9, 99, 9) for p, n in parts))
    )
    assert set(read(path)[0]["a"].losses) == {3}


@pytest.mark.parametrize("order", ["val_loss,loss", "loss,val_loss"])
def test_rows_of_validation_that_have_a_column_of_their_own(read, write, order):
    cells = {"train": {"loss": 2, "val_loss": ""}, "val": {"loss": "", "val_loss": 3}}
    body = [
        ",".join(map(str, (s, part, 0.1, *(cells[part][name] for name in order.split(",")))))
        for s in range(10, 101, 10)
        for part in cells
    ]
    assert set(read(write(a=rows(f"step,phase,lr,{order}", *body)))[0]["a"].losses) == {3}


def test_a_resumed_log_in_two_files(read, write):
    first, second = log(range(10, 101, 10), lambda s: 1), log(range(80, 201, 10), lambda s: 2)
    runs, _ = read(write(x__train_a=first, x__training_a=second))
    assert runs["a"].losses.tolist() == [1] * 7 + [2] * 13


@pytest.mark.parametrize(("lost", "end"), [(np.inf, 200), (np.nan, 200), (np.nan, 70)])
def test_losses_that_are_not_finite_are_left_out_or_a_run_diverged(write, lost, end):
    def loss(step):
        return lost if step == 30 or step > 60 else 2 + 1 / step

    runs = read_runs(write(a=log(range(0, end + 1, 10), lambda step: loss(step) if step else 3)))
    (run,) = runs.runs
    assert run.points.tolist() == [10, 20, 40, 50, 60, 70]
    assert (run.diverged, run.losses[-1], run.steps) == (True, np.inf, end)
    assert runs.unfinished == ()
    assert "leaves out 1 loss without a finite value" in "\n".join(runs.notes)
    assert "diverged at step 70: from there on no loss is finite" in "\n".join(runs.notes)


def test_last_losses_of_0_are_told(read, write):
    _, notes = read(write(a=log(range(10, 101, 10), lambda step: 2 if step < 70 else 0)))
    assert "a: its last 4 losses are exactly 0: if its trainer logs 0 for NaN" in notes
    _, notes = read(write(a=log(range(10, 101, 10), lambda step: 2 if step < 100 else 0)))
    assert "a: its last loss is exactly 0" in notes


@pytest.mark.parametrize("gap", ["", "nan"])
def test_a_loss_that_is_logged_rarely_has_not_diverged(read, write, gap):
    lines = [f"{s},.1,{2 if s % 50 == 0 else gap}" for s in range(0, 140, 10)]
    assert not read(write(a=rows("step,lr,val_loss", *lines)))[0]["a"].diverged
    lines = [f"{s},.1,3,{gap}" for s in range(0, 140, 10)]
    assert read(write(a=rows("step,lr,train_loss,val_loss", *lines)))[0]["a"].points[-1] == 130
    lines = [f"{s},.1,{gap or 'inf'}" for s in range(0, 140, 10)]  # and no loss at all is one that diverged
    paths = write(a=rows("step,lr,loss", *lines), b=log(range(10, 140, 10)))
    assert read(paths)[0]["a"].losses.tolist() == [np.inf]


def test_a_run_that_crashed_keeps_its_curve_and_is_unfinished(write):
    def decay(step):
        return 0.1 * (1 - step / 200)

    paths = write(
        whole=log(range(10, 201, 10), lr=decay),
        cut=log(range(10, 101, 10), lr=decay),
        higher=log(range(10, 101, 10), lr=lambda step: 2 * decay(step)),
        short=log(range(10, 101, 10)),
    )
    runs = read_runs(paths)
    assert runs.unfinished == ("cut", "higher")
    assert len(runs) == 4
    assert "cut: is unfinished: it ends at step 100, and has the LRs of 'whole'" in "\n".join(runs.notes)
    runs = read_runs([paths[0], paths[2]])
    assert "higher: is unfinished: it ends at step 100, and has 2 times the LRs of 'whole'" in runs.notes[1]
    given = read_runs(paths[3], schedules={"short": Schedule("constant", {}, 0.1, 200)})
    assert given.unfinished == ("short",)


def warmed_cosine(step, steps=1000, warmup=50, peak=0.1):
    return peak * min(step / warmup, 0.5 * (1 + np.cos(np.pi * max(step - warmup, 0) / (steps - warmup))))


def stepped(step, peak=0.1):
    return peak if step < 290 else peak / 10 if step < 530 else peak / 100 * (1 - step / 2000)


@pytest.mark.parametrize("every", [1, 7, 10, 15, 25, 50])
@pytest.mark.parametrize("offset", [0, 3])
@pytest.mark.parametrize("factor", [1, 0.4])
@pytest.mark.parametrize("lr", [warmed_cosine, stepped])
def test_a_run_that_crashed_may_have_logged_at_other_steps_than_the_whole_one(
    write, every, offset, factor, lr
):
    begin = every + offset
    paths = write(
        whole=log(range(20, 1001, 20), lr=lr),
        cut=log(range(begin, 603, every), lr=lambda step: lr(step, peak=0.1 * factor)),
    )
    runs = read_runs(paths)
    assert runs.unfinished == ("cut",)
    same = "has the LRs" if factor == 1 else "times the LRs"
    assert f"{same} of 'whole', which go on" in "\n".join(runs.notes)


@pytest.mark.parametrize("every", [1, 10, 30, 100, 200])
def test_a_shorter_schedule_is_finished_however_rarely_it_was_logged(write, every):
    shorter = {
        "cosine": lambda step: warmed_cosine(step, 850, 40),
        "same-warmup": lambda step: warmed_cosine(step, 850),
        "half": lambda step: warmed_cosine(step, 500, 25),
        "linear": lambda step: 0.1 * (1 - step / 800),
        "cooled": lambda step: min(warmed_cosine(step), warmed_cosine(400) * (600 - step) / 200),
    }
    lasts = {"cosine": 850, "same-warmup": 850, "half": 500, "linear": 800, "cooled": 600}
    logs = {
        name: log([*range(every, lasts[name], every), lasts[name]], lr=lr) for name, lr in shorter.items()
    }
    assert read_runs(write(whole=log(range(20, 1001, 20), lr=warmed_cosine), **logs)).unfinished == ()


def test_a_finished_decay_is_not_like_a_drop_of_a_longer_run(write):
    runs = read_runs(
        write(
            short=log(range(100, 1001, 100), lr=lambda step: 0.1 * min(1.0, (1000 - step) / 100)),
            long=log(range(100, 2001, 100), lr=lambda step: 0.1 if step < 1000 else 0.01),
        )
    )
    assert runs.unfinished == ()


@pytest.mark.parametrize("line", ["1,0.1,4.5", "1,1e-6,4.6", "2,0.1,4.5"])
def test_a_run_that_crashed_after_one_logged_step_is_left_out(read, write, line):
    whole = log(range(10, 201, 10), lr=lambda step: 0.1 * (1 - step / 200))
    runs, notes = read(write(crash=rows("step,lr,loss", line), whole=whole))
    assert list(runs) == ["whole"]
    assert f"crash: is left out: holds one learning rate, at step {line[0]}: a curve needs two" in notes


@pytest.mark.parametrize(
    ("steps", "rises"), [(range(1, 3), True), (range(10, 41, 10), True), (range(10, 101, 10), False)]
)
def test_a_run_that_ends_in_its_warmup_is_unfinished(write, steps, rises):
    runs = read_runs(write(a=log(steps, lr=lambda step: min(step, 50) / 500)))
    assert runs.unfinished == (("a",) if rises else ())
    told = f"a: is unfinished: its LR still rises at step {steps[-1]}, its last: it ended in its warmup"
    assert (told in runs.notes) == rises
    assert not rises or runs.runs[0].steps == steps[-1]


def test_an_lr_that_was_logged_where_it_changed_has_left_the_warmup(write):
    lines = [f"{s},{ {0: 0, 100: 0.05, 1000: 0.1}.get(s, '') },2" for s in range(0, 20_001, 10)]
    assert read_runs(write(a=rows("step,lr,loss", *lines))).unfinished == ()


@pytest.mark.filterwarnings("error")
def test_a_run_that_ends_where_another_one_still_has_an_lr_of_0_is_compared_with_it(read, write):
    late = log(range(0, 201, 10), lambda step: 2, lr=lambda step: 0 if step < 50 else 0.1 - step / 3000)
    runs, notes = read(write(short=log(range(1, 21)), late=late))
    assert list(runs) == ["short", "late"]
    assert "unfinished" not in notes


def test_lrs_from_a_schedule(read, write, tmp_path):
    schedule = Schedule("cosine", {"warmup": 0.1}, 0.3, 20)
    (tmp_path / "cosine.json").write_text(schedule.to_json())
    path = write(a=rows("step,val_loss", "10,3", "20,2"))
    for given in (schedule, tmp_path / "cosine.json", str(tmp_path / "cosine.json")):
        runs, _ = read(path, schedules={"a": given})
        np.testing.assert_array_equal(runs["a"].lrs, schedule.values())
    with pytest.raises(InputError, match="its losses go on to step 20, its schedule has 10 steps"):
        read_runs(path, schedules={"a": schedule.replace(steps=10)})


def test_a_schedule_that_is_too_short_leaves_out_its_run_alone(write):
    paths = write(a=rows("step,val_loss", "10,3", "20,2"), b=rows("step,val_loss", "10,3", "20,2"))
    schedule = Schedule("cosine", {}, 0.3, 20)
    runs = read_runs(paths, schedules={"a": schedule.replace(steps=10), "b": schedule})
    assert [run.name for run in runs] == ["b"]
    assert "a: is left out: its losses go on to step 20, its schedule has 10 steps" in runs.notes


def test_a_broken_log_of_a_folder_is_told(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.csv").write_text("step,lr,loss\n1,2\n")
    (tmp_path / "good.csv").write_text(rows("step,lr,loss", "0,0.1,3", "1,0.1,2"))
    (note,) = [line for line in read_runs(tmp_path).notes if "leaves out" in line]
    assert "bad.csv: has no rows" in note


@pytest.mark.parametrize(
    ("lrs", "begin"),
    [
        ({50: 0.05, 100: 0.1, 1000: 0.1}, [0, 0.001, 0.002]),  # a warmup, logged every 50 steps
        ({100: 0.1, 150: 0.1, 1000: 0.1}, [0.1, 0.1, 0.1]),  # constant from the beginning
        ({200: 0.1, 250: 0.1, 1000: 0.0}, [0.0005, 0.001, 0.0015]),  # logged after the warmup only
        ({200: 0.1, 210: 0.105, 1000: 0.2}, [0, 0.0005, 0.001]),  # it rises
        ({1: 0.1, 2: 0.2, 3: 0.3}, [0.1, 0.2, 0.3]),  # every step, counted from 1
        ({0: 0.1, 1: 0.2, 2: 0.3, 3: 0.2}, [0.1, 0.2, 0.3]),  # and from 0
    ],
)
def test_lrs_before_the_first_that_was_logged(read, write, lrs, begin):
    text = rows("step,lr,loss", *(f"{step},{lr},2" for step, lr in lrs.items()))
    runs, _ = read(write(a=text))
    np.testing.assert_allclose(runs["a"].lrs[:3], begin, atol=1e-12)


@pytest.mark.parametrize(
    ("lrs", "last"),
    [
        ({0: 0.1, 300: 0.01, 800: 0.001}, 0.001 - 10 * 0.009 / 500),  # logged at its changes only
        ({step: 0.1 - step / 1e4 for step in range(0, 1000, 200)}, 1e-4),  # regularly, of a linear decay
    ],
)
def test_lrs_that_are_logged_much_less_often_than_losses(read, write, lrs, last):
    body = [f"{step},{lrs.get(step, '')},{2 + 1 / (1 + step)}" for step in range(0, 1001, 10)]
    runs, notes = read(write(a=rows("step,lr,loss", *body)))
    assert runs["a"].lrs[-1] == pytest.approx(last)
    gap = np.median(np.diff(list(lrs)))
    assert f"a: its {len(lrs)} LRs lie {gap:g} steps apart, its losses 10: straight lines join" in notes
    assert (", and the last one stays" in notes) == (len(lrs) == 3)


def test_a_run_goes_on_where_the_log_of_its_parent_ends(read, write):
    first, later = range(0, 91, 10), range(100, 201, 10)
    paths = write(**{name: log(steps, lambda s: 3 - s / 100, lambda s: 0.2 - s / 1000)
                     for name, steps in (("killed", first), ("resumed", later))})  # fmt: skip
    runs, _ = read(paths, parents={"resumed": "killed"})
    np.testing.assert_allclose(runs["resumed"].lrs, 0.2 - np.arange(200) / 1000, atol=1e-9)


def test_a_branch_begins_with_the_lrs_of_its_parent(read, write):
    constant = log(range(0, 201, 10), lambda s: 3 - s / 100, lambda s: min(s, 20) / 200)
    branch = log(range(110, 161, 10), lambda s: 2 - s / 100, lambda s: 0.1 * (160 - s) / 60)
    twig = log(range(140, 151, 10), lambda s: 1, lambda s: 0.01)
    paths = write(constant=constant, branch=branch, twig=twig)
    runs, notes = read(paths, parents={"branch": "constant", "twig": "branch"})
    run = runs["branch"]
    assert run.steps == 160
    assert run.points.tolist() == [110, 120, 130, 140, 150, 160]
    expected = [0, 0.05, 0.1, 0.1, 0.0916667, 0.0833333, 0.0016667]
    np.testing.assert_allclose(run.lrs[[0, 10, 20, 100, 105, 110, 159]], expected, rtol=1e-4)
    np.testing.assert_allclose(runs["twig"].lrs[:131], run.lrs[:131])
    assert notes == "lrshape reads the losses from 'loss'"
    runs, notes = read(paths)
    assert list(runs) == ["constant"]
    assert "branch: is left out: begins at step 110 of 160" in notes
    assert "parents={'branch': RUN} (--parent branch=RUN)" in notes
    with pytest.raises(InputError, match="'branch': was resumed from itself"):
        read_runs(paths[1:], parents={"branch": "twig", "twig": "branch"})


def test_a_resumed_run_may_log_one_step(read, write):
    paths = write(first=log(range(10, 201, 10)), later=log([201]))
    assert read(paths, parents={"later": "first"})[0]["later"].steps == 201


@pytest.mark.parametrize("steps", [range(0, 61, 10), range(10, 61, 10), range(1, 61), range(9, 60, 10)])
def test_a_resumed_run_whose_steps_begin_again_is_left_out(read, write, steps):
    paths = write(live=log(range(10, 201, 10)), cool=log(steps, lambda s: 2, lambda s: 0.1 - s / 600))
    runs, notes = read(paths, parents={"cool": "live"})
    assert list(runs) == ["live"]
    assert (
        "cool: is left out: was resumed from 'live': its steps must count on from the step at which it was "
        f"resumed, but begin at {steps[0]}: if they count from 0 again, add that step to them" in notes
    )


def test_a_resumed_run_may_log_its_first_interval_as_a_whole(read, write):
    paths = write(live=log(range(10, 41, 10)), later=log(range(50, 501, 50)))
    assert read(paths, parents={"later": "live"})[0]["later"].steps == 500


def test_a_column_names_the_parent(read, write):
    lines = [f"c,{s},.1,2," for s in range(0, 101, 10)] + [
        f"b,{s},{(100 - s) / 500},1,c" for s in range(60, 101, 10)
    ]
    runs, _ = read(write(a=rows("run,step,lr,loss,resumed_from", *lines)))
    assert runs["b"].lrs[:50].tolist() == [0.1] * 50
    assert runs["b"].points[0] == 60
    _, notes = read(write(a=rows("run,step,lr,loss,resumed_from", *lines).replace(",c\n", ",d\n")))
    assert "b: is left out: was resumed from 'd', which is no run here" in notes


def test_many_rows_take_seconds(write):
    steps = np.arange(20_000)
    body = "".join(f"r{run},{step},0.001,{3:.5f}\n" for run in range(10) for step in steps.tolist())
    path = write(big="run,step,lr,loss\n" + body)
    began = time.process_time()
    runs = read_runs(path)
    assert time.process_time() - began < 4
    assert [len(run.points) for run in runs] == [19_999] * 10


@pytest.mark.parametrize(("metric", "end"), [(None, 2300), ("eval_loss", 2000)])
def test_a_run_whose_last_evaluation_is_not_at_its_end_is_finished(write, metric, end):
    history = [
        {"step": step, "learning_rate": 0.1, "loss": 3 - step / 2300} for step in range(100, 2301, 100)
    ] + [{"step": step, "eval_loss": 4 - step / 2300} for step in range(500, 2301, 500)]
    path = write(a__trainer_state_DOT_json=json.dumps({"max_steps": 2300, "log_history": history}))
    runs = read_runs(path, metric=metric)
    assert runs.unfinished == ()
    assert (runs.runs[0].points[-1], runs.runs[0].steps) == (end, 2300)
    told = "no val loss is logged near the end of its run, so the train loss counts" in runs.notes
    assert told == (metric is None)
    cut = write(b__trainer_state_DOT_json=json.dumps({"max_steps": 9000, "log_history": history}))
    assert read_runs(cut, metric=metric).unfinished == ("b",)
