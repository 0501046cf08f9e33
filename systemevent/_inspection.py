"""What an object file looks like from outside: nobody notices that it was looked at.

Nothing is created, mapped, written or waited for, and read permission is enough.
"""

import os
import stat
import sys

from ._objects import SIZE, path_of

# Of statx(2), which Python's os does not have before 3.15.
_STATX_BTIME = 0x800
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_STATX_SIZE, _BTIME_OFFSET = 256, 80


class Inspected:
    """An object file at some instant.

    state: "set", "clear", "?" (we may not read it), or "invalid" (it is no semaphore).
    status: its os.stat_result; None if we may not know.
    birth: when it was created, in seconds since the epoch; None if this system does not say.
    """

    def __init__(self, semaphore: str) -> None:
        """Look at it. Raises FileNotFoundError if it is gone, OSError."""
        self.path = path_of(semaphore)
        self.status = self.birth = None
        try:
            self.status = os.stat(self.path, follow_symlinks=False)
            self.birth = _birth(self.path)
        except PermissionError:  # of the folder
            self.state = "?"
            return
        # Only then opened: a device might do something.
        self.state = self._read() if stat.S_ISREG(self.status.st_mode) else "invalid"

    def _read(self) -> str:
        try:
            # O_NONBLOCK: for a FIFO or a file with a lease that has taken its place.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            raise
        except OSError:
            return "?"
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size < SIZE:
                return "invalid"
            word = int.from_bytes(os.pread(descriptor, 8, 0), sys.byteorder)
        finally:
            os.close(descriptor)
        return "set" if word & 0xFFFFFFFF else "clear"


def _birth(path: str) -> float | None:
    """When the file was created; None if the system does not say (Linux before 6.0, on tmpfs).

    Only the time of birth is that. Measured on a tmpfs: mtime and ctime move with the first store
    through each new mapping, so whenever somebody opens the event and sets or clears it; ctime
    with chmod() and with the link() that a creation ends with, too; atime with looks at it.
    """
    try:
        import ctypes

        statx = ctypes.CDLL(None).statx
    except (ImportError, AttributeError):  # Python without ctypes, glibc before 2.28
        return None
    answer = bytearray(_STATX_SIZE)
    buffer = (ctypes.c_char * _STATX_SIZE).from_buffer(answer)
    if statx(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, buffer) != 0:
        return None
    if not int.from_bytes(answer[:4], sys.byteorder) & _STATX_BTIME:
        return None
    seconds, nanoseconds = answer[_BTIME_OFFSET:][:8], answer[_BTIME_OFFSET + 8 :][:4]
    return (
        int.from_bytes(seconds, sys.byteorder, signed=True)
        + int.from_bytes(nanoseconds, sys.byteorder) / 1e9
    )
