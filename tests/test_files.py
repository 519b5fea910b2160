"""Files go where they were meant to go, whatever somebody has put into the directory."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lrshape import files
from lrshape.errors import InputError
from lrshape.files import Folder, StoreError, inside, publish, read_file, write_file


@pytest.fixture(params=[True, False], ids=["descriptors", "paths"])
def root(request, tmp_path, monkeypatch):
    """A directory with another one beside it, on systems with and without directory descriptors."""
    monkeypatch.setattr(files, "_HAS_DESCRIPTORS", request.param)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").write_text("mine")
    (tmp_path / "study").mkdir()
    return tmp_path / "study"


def untouched(root):
    found = {path.name: path.read_text() for path in (root.parent / "elsewhere").iterdir()}
    return found == {"mine": "mine"}


@pytest.mark.parametrize("replace", [True, False])
def test_files_appear_in_folders_that_are_made(root, replace):
    for data in (b"1", b"2"):
        assert publish(root, "a/b/c.txt", data, replace=replace) is (replace or data == b"1")
    assert (root / "a" / "b" / "c.txt").read_bytes() == (b"2" if replace else b"1")
    assert sorted(path.name for path in root.rglob("*")) == ["a", "b", "c.txt"]


def test_permissions_are_those_of_any_new_file(root):
    (root / "plain").touch()
    publish(root, "made", b"")
    assert stat.S_IMODE((root / "made").stat().st_mode) == stat.S_IMODE((root / "plain").stat().st_mode)


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "pipe"])
def test_what_has_the_name_is_replaced_and_not_written_to(root, kind):
    target = root / "x.csv"
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "hard link":
        target.hardlink_to(root.parent / "elsewhere" / "mine")
    else:
        target.symlink_to(root.parent / "elsewhere" / ("mine" if kind == "link" else "new"))
    assert publish(root, "x.csv", b"ours") is False
    publish(root, "x.csv", b"ours", replace=True)
    assert untouched(root)
    assert target.read_bytes() == b"ours"
    assert not target.is_symlink()


@pytest.mark.parametrize("folder", ["tables", "a/tables"])
def test_a_folder_that_is_a_link_is_refused(root, folder):
    (root / folder).parent.mkdir(exist_ok=True)
    (root / folder).symlink_to(root.parent / "elsewhere")
    for replace in (True, False):
        with pytest.raises(InputError, match="tables is a link"):
            publish(root, f"{folder}/mine", b"ours", replace=replace)
    assert untouched(root)


def test_a_directory_that_the_user_reaches_by_a_link_is_fine(root):
    (root.parent / "short").symlink_to(root)
    assert publish(root.parent / "short", "tables/x", b"1")
    assert (root / "tables" / "x").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "a//x", "./x"])
def test_names_that_are_paths_are_refused(root, name):
    with pytest.raises(InputError, match="plain name"):
        inside(root, *name.split("/"))
    with pytest.raises(InputError, match="plain name"):
        publish(root, name, b"ours", replace=True)
    assert untouched(root)
    assert not (root.parent / "x").exists()


def test_a_link_that_takes_the_place_of_an_open_folder_leads_nowhere(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study").mkdir()
    with Folder(tmp_path / "study", "tables") as folder:
        (tmp_path / "study" / "tables").rename(tmp_path / "moved")
        (tmp_path / "study" / "tables").symlink_to(tmp_path / "elsewhere")
        folder.create("x", b"1")
        folder.replace("x", "y")
        assert folder.link("y", folder, "z")
    assert not list((tmp_path / "elsewhere").iterdir())
    assert sorted(path.name for path in (tmp_path / "moved").iterdir()) == ["y", "z"]


def test_the_name_of_a_link_is_changed_and_not_of_what_it_leads_to(root):
    (root / "old").symlink_to(root.parent / "elsewhere" / "mine")
    with Folder(root) as folder:
        assert folder.link("old", folder, "new")
    assert (root / "new").is_symlink()


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, problem in (("pipe", "no regular file"), ("/dev/zero", "no regular file"), ("", "directory")):
        with pytest.raises(OSError, match=problem):
            read_file(tmp_path / name)
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_file(tmp_path / "file", 4)
    with pytest.raises(OSError, match="links"):
        read_file(tmp_path / "link", follow=False)


def test_the_file_that_a_user_names(tmp_path):
    write_file(tmp_path / "a" / "x", b"1")
    os.mkfifo(tmp_path / "pipe")
    for path, problem in (
        (tmp_path / "pipe", "no regular file"),
        (tmp_path / "a", "no regular file"),
        (tmp_path / "a" / "x" / "y", "Not a directory"),
    ):
        with pytest.raises(InputError, match=f"{path}: cannot be written: .*{problem}"):
            write_file(path, b"2")
    with pytest.raises(InputError, match="File exists"):
        write_file(tmp_path / "a" / "x", b"2", replace=False)
    write_file(tmp_path / "a" / "x", b"3")
    assert (tmp_path / "a" / "x").read_bytes() == b"3"


def test_what_the_shell_offers_as_files_is_written_to(capfdbinary):
    before = os.lstat("/dev/stdout")
    write_file(Path("/dev/stdout"), b"1")
    assert capfdbinary.readouterr().out == b"1"
    assert os.lstat("/dev/stdout").st_ino == before.st_ino
    write_file(Path("/dev/null"), b"1")
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_no_bad_input():
    with pytest.raises(StoreError, match="/dev/full: No space left"):
        write_file(Path("/dev/full"), b"x")


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_disk_that_fails_is_no_bad_input(tmp_path, monkeypatch, error):
    def fails(*_):
        raise OSError(error, "no")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreError, match=f"{tmp_path / 'x'}: no"):
        write_file(tmp_path / "x", b"1")
    assert not list(tmp_path.iterdir())


def test_a_pipe_whose_reader_has_gone_is_no_bad_input():
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        write_file(Path(f"/dev/fd/{writer}"), b"x")
    os.close(writer)


def test_a_file_behind_the_standard_output_keeps_what_it_had(tmp_path):
    (tmp_path / "log").write_text("precious\n")
    code = "from pathlib import Path; from lrshape.files import write_file; "
    code += "write_file(Path('/dev/stdout'), b'more'); print(' and more')"
    with (tmp_path / "log").open("a") as log:
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert (tmp_path / "log").read_text() == "precious\nmore and more\n"


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path):
    publish(tmp_path, "n" * 255, b"x")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"
