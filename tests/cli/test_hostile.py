"""Files and arguments that mean harm; each was found by reading or by ``make fuzz``."""

import csv
import json

import pandas as pd
import pytest

from lrshape.checks.settings import Sweep
from lrshape.errors import InputError
from lrshape.store import Store, digest
from lrshape.store.chunk_file import encode
from lrshape.study.initial_shapes import read_initial_shapes

COMMANDS = (
    ("status", "study"),
    ("best", "study"),
    ("export", "study", "--to", "json", "--out", "x.json"),
    ("trials", "study", "--to", "csv", "--out", "x.csv"),
)


def rewrite(study, change):
    """Change study.json, with the hash that fits; the chunks become those of the changed study."""
    store = Store(study)
    tables = {name: store.read(name) for name in store.chunks()}
    document = json.loads((study / "study.json").read_text())
    change(document)
    if isinstance(document.get("spec"), dict):
        document["hash"] = digest(document)
    (study / "study.json").write_text(json.dumps(document))
    for name, table in tables.items():
        (study / "trials" / f"{name}.parquet").write_bytes(encode(table, name, document["hash"]))


def reseal(study, name, change):
    """Change the rows of a chunk, with the digest that fits."""
    store = Store(study)
    table = store.read(name)
    change(table)
    (study / "trials" / f"{name}.parquet").write_bytes(encode(table, name, store.document["hash"]))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["spec"].update(workload={"steps": 8}),
        lambda d: d["spec"].update(workload=None),
        lambda d: d["spec"].update(metric=["final/score"]),
        lambda d: d["spec"].update(families={"rex": 1}),
        lambda d: d["spec"]["workload"].update(steps=10**12),
        lambda d: d["spec"].update(name="x" * 1000),
        lambda d: d.update(chunk_size=10**9),
        lambda d: d.update(chunk_size=None),
        lambda d: d.pop("chunk_size"),
        lambda d: d.pop("spec"),
        lambda d: d.update(spec=[]),
    ],
)
def test_a_study_whose_document_makes_no_sense(folder, study, change):
    rewrite(study, change)
    for command in COMMANDS:
        code, _, errors = folder.run(*command)
        assert code == 2, command
        assert errors.startswith("error: ")
        assert errors.count("\n") == 1


def test_a_spec_without_some_keys_has_their_defaults(folder, study):
    rewrite(study, lambda document: [document["spec"].pop(key) for key in ("initial_shapes", "step_rule")])
    assert [folder.run(*command)[0] for command in COMMANDS] == [0] * len(COMMANDS)


def test_what_only_repeats_the_spec_may_be_missing(folder, study):
    rewrite(study, lambda document: document.pop("name"))
    assert [folder.run(*command)[0] for command in COMMANDS] == [0] * len(COMMANDS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("phase", "confirm"),
        ("phase", "../x"),
        ("status", "fine"),
        ("base_lr", float("nan")),
        ("base_lr", -1.0),
        ("base_lr", 1e308),
        ("seed", -1),
    ],
)
def test_rows_that_break_the_rules_are_set_aside(folder, study, column, value):
    reseal(study, "screen-00000", lambda table: table.__setitem__(column, value))
    assert folder.run("status", "study")[0] == 0
    assert [path.name for path in (study / "damaged").iterdir()] == ["screen-00000.parquet"]


@pytest.mark.parametrize(
    "text", ["", "nan", "[]", "[" * 100_000, '{"beta": null}', '{"beta": {}}', "9" * 5000]
)
def test_parameters_that_are_none_are_told(folder, study, text):
    for phase in ("screen", "rescore", "tune", "confirm"):
        for path in study.glob(f"trials/{phase}-*"):
            reseal(study, path.stem, lambda table: table.__setitem__("params", text))
    for command in COMMANDS[1:]:
        code, _, errors = folder.run(*command)
        assert (code, errors.count("\n")) == (2, 1), (command, errors)
        assert "a trial's params must be a JSON object" in errors


@pytest.mark.parametrize("text", ["", "[]", '{"beta": null}', '{"beta": {}}', '{"beta": {"base": 1}}'])
def test_hyperparameters_that_are_none_are_told(folder, study, text):
    for path in study.glob("trials/*"):
        reseal(study, path.stem, lambda table: table.__setitem__("hyperparameters", text))
    code, _, errors = folder.run("report", "study")
    assert (code, errors.count("\n")) == (2, 1), errors
    assert "a trial's hyperparameters must be a JSON object" in errors


def test_parameters_of_another_family_are_told(study):
    for path in study.glob("trials/*"):
        reseal(study, path.stem, lambda table: table.__setitem__("params", '{"exponent": 2.0}'))
    with pytest.raises(InputError, match="has parameters"):
        read_initial_shapes(study, ["rex", "linear"])


def test_scores_beyond_float32_count_as_infinite(folder, study):
    def change(table):
        table["final/score"] = 1e308

    for path in study.glob("trials/*"):
        reseal(study, path.stem, change)
    code, _, err = folder.run("best", "study", "--json")
    assert (code, "no shape has a finite final/score" in err) == (2, True)
    assert folder.run("report", "study")[0] == 0


def test_no_cell_of_a_csv_is_a_formula(folder, study):
    def change(table):
        table["message"] = ["=cmd()"] + ["@x"] * (len(table) - 1)

    reseal(study, "confirm-00000", change)
    assert folder.run("trials", "study", "--to", "csv", "--out", "x.csv")[0] == 0
    with (study.parent / "x.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert {"'=cmd()", "'@x"} <= set(cells)
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@")) and not c[1:2].isdigit()]
    assert (pd.read_csv(study.parent / "x.csv")["message"].dropna().str.startswith("'")).all()


def test_messages_do_not_steer_the_terminal(folder, study):
    rewrite(study, lambda document: document.update(format="\x1b[2J\x9b\u202e"))
    _, _, errors = folder.run("status", "study")
    assert not set(errors) & {"\x1b", "\x9b", "\u202e"}
    code, _, errors = folder.run("shapes", "show", "\x1b[31mrex\u202e\u2066\udcff")
    assert code == 2
    assert not set(errors) & {"\x1b", "\u202e", "\u2066"}


DEEP = "[" * 20_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("shapes", "show", "rex", "-p", f"beta={DEEP}"),
        ("shapes", "show", "rex", "-p", f"beta={'9' * 5000}"),
        ("shapes", "show", "rex", "--steps", "1000000000000"),
        ("search", "spec.toml", "--out", "x", "--set", f"seed={DEEP}"),
        ("search", "spec.toml", "--out", "x", "--set", f"seed={'9' * 5000}"),
        ("search", "spec.toml", "--out", "x", "--set", "workload.steps=1000000000000"),
        (
            "search",
            "spec.toml",
            "--out",
            "x",
            "--set",
            "chunk_size=1000000",
            "--set",
            "workload.steps=100000",
        ),
        (
            "search",
            "spec.toml",
            "--out",
            "x",
            "--set",
            "screen.shapes=1000000",
            "--set",
            "screen.seeds=10000",
        ),
        ("search", "spec.toml", "--out", "x", "--set", "rescore.top=1000000000"),
        ("sweep", "spec.toml", "--out", "x", "--over", f"seed={DEEP}"),
        ("sweep", "spec.toml", "--out", "x", "--over", f"seed={'9' * 5000},1"),
        ("search", "deep.toml", "--out", "x"),
        ("search", "digits.toml", "--out", "x"),
        ("search", "huge.toml", "--out", "x"),
        ("shapes", "show", "deep.json"),
        ("shapes", "show", "token.npy"),
        ("shapes", "show", "huge.npy"),
        ("shapes", "show", "huge.py"),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_huge_and_deep_input_is_told_in_few_words(arguments, folder):
    (folder.path / "deep.toml").write_text(f"seed = {DEEP}")
    (folder.path / "digits.toml").write_text(f"seed = {'9' * 5000}")
    (folder.path / "deep.json").write_text("[" * 1_000_000)
    (folder.path / "token.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': (('<f8\n" + b" " * 8)
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    (folder.path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header)
    for name, size in (("huge.toml", 2**30), ("huge.py", 2**30)):
        with (folder.path / name).open("wb") as file:
            file.truncate(size)  # takes no room on the disk
    before = {path.name for path in folder.path.iterdir()}
    code, _, errors = folder.run(*arguments)
    assert code == 2
    assert 1 <= errors.count("\n") <= 3
    assert len(errors) < 1100
    assert {path.name for path in folder.path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("spec"), "must be objects"),
        (lambda d: d.pop("transfer"), "must be objects"),
        (lambda d: d.update(transfer=[1]), "must be objects"),
        (lambda d: d.update(transfer={"no": 1}), "unknown key 'no'"),
        (lambda d: d.update(axes=[]), "axes hold lists"),
        (lambda d: d.update(axes={"workload.steps": 3}), "axes hold lists"),
        (lambda d: d.update(axes={}), "at least one --over"),
    ],
)
def test_a_sweep_whose_document_makes_no_sense(tmp_path, change, message):
    spec = {"families": ["rex"], "workload": {"name": "linear-regression", "steps": 8, "dimension": 4}}
    transfer = {"seeds": 20, "tuning_seeds": 10}
    document = {"format": 1, "spec": spec, "axes": {"workload.steps": [4, 8]}, "transfer": transfer}

    def opened():
        stated = json.dumps({**document, "hash": digest(document)})
        (tmp_path / "sweep.json").write_text(stated)
        return Sweep(tmp_path)

    assert len(opened().settings) == 2
    change(document)
    with pytest.raises(InputError, match=message):
        opened()
