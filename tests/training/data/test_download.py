"""Downloads from a real server on loopback: whole, interrupted, wrong, out of reach, hostile."""

import hashlib
import http.server
import io
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lrshape.errors import InputError
from lrshape.training.data.download import cache_dir, extract, fetch

CONTENT = bytes(range(256)) * 4096
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def server():
    """A server of CONTENT; its attributes say whether it continues files, and where it breaks off."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.headers.get("Range"))
            asked = self.headers.get("Range") if self.server.ranges else None
            begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
            if begin >= len(CONTENT):
                self.send_error(416)
                return
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(CONTENT) - begin))
            self.end_headers()
            self.wfile.write(CONTENT[begin : self.server.breaks_off])

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.ranges, server.breaks_off, server.asked = True, None, []
        server.url = f"http://127.0.0.1:{server.server_port}/data.bin"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_file_is_downloaded_once(server, tmp_path):
    for _ in range(2):
        assert fetch(server.url, DIGEST, tmp_path / "new").read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/new: cannot be written: Not a directory"):
        fetch(server.url, DIGEST, tmp_path / "file" / "new")
    assert server.asked == []


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(server, tmp_path, ranges):
    server.ranges, server.breaks_off = ranges, 5000
    with pytest.raises(InputError, match=r"ended after 5000 of 1048576 bytes; try again to continue"):
        fetch(server.url, DIGEST, tmp_path)
    assert not (tmp_path / "data.bin").exists()
    server.breaks_off = None
    assert fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=5000-"]


def test_a_whole_part_is_taken_as_it_is(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    assert fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_is_an_error_and_the_next_try_starts_anew(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match=r"checksum sha256:\w+, expected sha256:\w+; it was deleted"):
        fetch(server.url, DIGEST, tmp_path)
    assert fetch(server.url, DIGEST, tmp_path).read_bytes() == CONTENT


def test_four_at_once_get_the_whole_file(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: fetch(server.url, DIGEST, tmp_path).read_bytes(), range(4))
        assert list(found) == [CONTENT] * 4
    assert server.asked == [None]


def test_offline_is_one_clear_line(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"data.bin cannot be downloaded: .*refused"):
        fetch(server.url, DIGEST, tmp_path)


def archive(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            info.size = 3 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"abc") if info.size else None)
    return path


def test_an_archive_is_unpacked_once(tmp_path):
    file = archive(tmp_path / "a.tar.gz", ("set", tarfile.DIRTYPE), ("set/one.bin", tarfile.REGTYPE))
    assert (extract(file, tmp_path, "set") / "one.bin").read_bytes() == b"abc"
    file.unlink()
    assert extract(file, tmp_path, "set") == tmp_path / "set"
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("member", "kind", "message"),
    [
        ("../evil", tarfile.REGTYPE, "cannot be unpacked: .*outside"),
        ("set/link", tarfile.SYMTYPE, "must hold plain files only, got 'set/link'"),
        ("other/file", tarfile.REGTYPE, r"must hold a folder set, got \['other'\]"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, member, kind, message):
    inner = tmp_path / "inner"
    inner.mkdir()
    file = archive(inner / "a.tar.gz", (member, kind))
    with pytest.raises(InputError, match=message):
        extract(file, inner, "set")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["inner", "a.tar.gz"]


def test_a_damaged_archive_is_an_error(tmp_path):
    file = archive(tmp_path / "a.tar.gz", ("set", tarfile.DIRTYPE), ("set/one.bin", tarfile.REGTYPE))
    for damaged in (b"no archive", file.read_bytes()[:-20]):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a.tar.gz: cannot be unpacked"):
            extract(file, tmp_path, "set")


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("LRSHAPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "lrshape"


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_planted_part_is_not_written_through(server, tmp_path, kind):
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "data").mkdir()
    part = tmp_path / "data" / "data.bin.part"
    if kind == "link":
        part.symlink_to(tmp_path / "mine")
    else:
        part.hardlink_to(tmp_path / "mine")
    assert fetch(server.url, DIGEST, tmp_path / "data").read_bytes() == CONTENT
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_a_planted_lock_is_not_emptied(server, tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "data.bin.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="symbolic links"):
        fetch(server.url, DIGEST, tmp_path)
    assert (tmp_path / "mine").read_bytes() == b"mine"
