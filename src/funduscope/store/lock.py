"""One writer at a time: a file that the operating system holds for a process.

The kernel gives the lock back when the process ends, however it ends, so what a killed run left
can be resumed at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def held(file: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock `file`, made here and taken away at the end.

    Args:
        file: name of the lock; its folder exists.
        wait: until another process gives it back; else that is an error.

    Raises:
        BlockingIOError: another process holds it.
        OSError: the file cannot be written, or its disk knows no locks.
    """
    while True:
        with file.open("ab") as stream:
            _lock(stream.fileno(), wait)
            if not _is(file, stream.fileno()):
                continue  # its last holder took it away between our opening and locking it
            try:
                yield
            finally:
                with contextlib.suppress(PermissionError):  # Windows keeps what is open
                    file.unlink(missing_ok=True)
            return


def _is(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, wait: bool) -> None:
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, "held by another process") from error
else:
    import fcntl

    def _lock(handle: int, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
