"""The storage benchmark's made-up rows are rows of today's store."""


def test_rows_are_written_and_read(tmp_path):
    import storage

    written, read = storage.write_ours(tmp_path, 1), storage.read_ours(tmp_path, 1)
    assert written["rows"] == read["rows"] == storage.ROWS
