"""Files that users give."""

import stat
from pathlib import Path

from lrshape.errors import InputError

_STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where shells offer their pipes as files."""


def require_file(path: Path) -> None:
    """Refuse what would be waited for, or read, for ever: named pipes and devices. A shell's pipe may pass.

    Raises:
        InputError: if it is one.
        OSError: if there is none.
    """
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode) and path.parent not in _STREAMS:
        raise InputError("must be a file, got a named pipe")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise InputError("must be a file, got a device")
