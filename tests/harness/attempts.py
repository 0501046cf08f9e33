"""What a victim does whose system calls fail, and what it may say then. (See failing_calls.py.)

A victim says "exit STATUS: " and what was returned or raised; a command, what it wrote.
"""

import dataclasses
import functools
import os
import sys
import time
from collections.abc import Callable

from systemevent import SystemEvent, _commands, unlink

from .system_calls import (
    NAME,
    PATH,
    Operation,
    absent,
    all_of,
    existing,
    names_of_any,
    object_file,
    sleepers,
    woken,
    woken_beside_a_clear_one,
    woken_beside_a_set_one,
)

_TIMEOUT = 0.01


@dataclasses.dataclass(frozen=True)
class Attempt(Operation):
    """An operation that may be refused.

    done: a pattern of what the victim says that has done it. refused: of what it says if not.
    believed: of what else it may say upon the kernel's word. says_which: the error is the kernel's
    (and not what the C library and posix_ipc make of it). seen(done): asserts that others see
    whether it was done.
    """

    done: str = "exit 0: None"
    refused: str = ""
    believed: str = ""
    says_which: bool = True
    seen: Callable = lambda done: None

    @property
    def sleeps(self):
        """Does anybody sleep in it, so that it matters how?"""
        return self.scene in (sleepers, woken) or self.of_two


def _flag_is_as_said(done):
    with SystemEvent(NAME) as event:
        assert event.is_set() == done


def _flag_is_the_opposite(done):
    _flag_is_as_said(not done)


def _name_is_as_said(done):
    assert os.path.exists(PATH) != done


def _open_and_close():
    SystemEvent(NAME).close()


def _wait_for_a_time(event):
    begin = time.monotonic()
    result = event.wait(_TIMEOUT)
    assert result or time.monotonic() - begin >= _TIMEOUT
    return result


def _command(name, *words):
    """A command, in a process that has its interpreter started already."""

    def run():
        sys.argv = [name, NAME, *words]
        getattr(_commands, name)()

    return run


def _cannot(what):
    return rf"exit 0: \w+ \[Errno (\d+)\] cannot {what}: .*"


def _exit_2(name):
    return rf"exit 2: {name}: \[Errno (\d+)\] cannot .*'{NAME}'.*\n"


_OS_ERROR = r"exit 0: \w+ \[Errno (\d+)\] .*"
_open = _cannot(f"open event '{NAME}'")

ATTEMPTS = [
    Attempt(
        "set",
        sleepers,
        SystemEvent.set,
        True,
        refused=_cannot("set the event"),
        seen=_flag_is_as_said,
    ),
    Attempt(
        "wait",
        woken,
        SystemEvent.wait,
        True,
        done="exit 0: True",
        refused=_cannot("wait for the event"),
    ),
    Attempt(
        "wait with a timeout",
        sleepers,
        _wait_for_a_time,
        True,
        done="exit 0: False",
        believed="exit 0: True",
        refused=_cannot("wait for the event"),
    ),
    Attempt(
        "wait_any",
        woken_beside_a_clear_one,
        names_of_any,
        True,
        of_two=True,
        done=rf"exit 0: \['{NAME}'\]",
        refused=_OS_ERROR,
        says_which=False,  # where futex_waitv is refused, it is always ENOSYS
    ),
    Attempt(
        "wait_all",
        woken_beside_a_set_one,
        all_of,
        True,
        of_two=True,
        done="exit 0: True",
        refused=_OS_ERROR,
    ),
    Attempt("opening", existing, _open_and_close, refused=_open),
    Attempt("creation", absent, _open_and_close, refused=_open, says_which=False),
    Attempt(
        "unlink",
        existing,
        lambda: unlink(NAME),
        refused=_cannot(f"unlink event '{NAME}'"),
        seen=_name_is_as_said,
    ),
    Attempt("close", existing, SystemEvent.close, True),
    Attempt(
        "evt_set",
        sleepers,
        _command("evt_set"),
        done="exit 0: ",
        refused=_exit_2("evt_set"),
        seen=_flag_is_as_said,
    ),
    Attempt(
        "evt_clear",
        functools.partial(object_file, True, was_set=True),
        _command("evt_clear"),
        done="exit 0: ",
        refused=_exit_2("evt_clear"),
        seen=_flag_is_the_opposite,
    ),
    Attempt("evt_wait", woken, _command("evt_wait"), done="exit 0: ", refused=_exit_2("evt_wait")),
    Attempt(
        "evt_wait with a timeout",
        sleepers,
        _command("evt_wait", str(_TIMEOUT)),
        done="exit 1: ",
        believed="exit 0: ",
        refused=_exit_2("evt_wait"),
    ),
]
