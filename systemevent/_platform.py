"""The one place that chooses an implementation, and the only platform test."""

import os
import sys


def _unsupported() -> str | None:
    if sys.platform != "linux":
        return f"this is {sys.platform}"
    machine = os.uname().machine
    if machine not in ("x86_64", "aarch64") or sys.maxsize < 2**32:
        return f"this is a {sys.maxsize.bit_length() + 1}-bit interpreter on {machine}"
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        libc = None
    if libc is None:
        return "this C library is not glibc"
    major, minor = libc.split()[1].split(".")[:2]
    if (int(major), int(minor)) < (2, 21):
        return f"this is {libc}"
    return None


_reason = _unsupported()
if _reason:
    raise ImportError(
        "systemevent needs 64-bit Linux (x86-64 or aarch64) with glibc 2.21 or newer, "
        f"because it shares the word in which that C library keeps a semaphore; {_reason}"
    )

from . import _objects as objects

try:
    from ._word import (
        ANY_MAX,
        Control,
        Watch,
        Word,
        deadline_of,
        own_methods,
        sleep_on_value_only,
        sleeps_on_both_halves,
        wait_since,
    )
    from ._word import wait_all as wait_all_of
    from ._word import wait_any as wait_any_of
except ModuleNotFoundError:
    raise ImportError(
        f"systemevent is not compiled in {os.path.dirname(__file__)}: 'pip install .' there and "
        "start Python in another folder (or with -I), or 'pip install -e .'"
    ) from None

# For tests: sleep as on kernels before 5.16.
if os.environ.get("SYSTEMEVENT_SLEEP") == "futex_wait":
    sleep_on_value_only(True)

__all__ = [
    "ANY_MAX",
    "Control",
    "Watch",
    "Word",
    "deadline_of",
    "objects",
    "own_methods",
    "sleeps_on_both_halves",
    "wait_all_of",
    "wait_any_of",
    "wait_since",
]
