"""Download archives once, with a checksum, and unpack them safely."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Where downloads are kept: ``$LRSHAPE_CACHE``, else a folder in the user's cache."""
    given = os.environ.get("LRSHAPE_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lrshape"
