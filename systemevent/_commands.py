"""The commands evt_set, evt_clear and evt_wait.

Their cost is the interpreter's start and end: nothing is imported in vain, and they leave by
os._exit(), because taking the interpreter apart would take longer than all that they do.
"""

import os
import sys

# The module behind `signal`, which would import enum.
from _signal import (  # type: ignore[import-not-found]  # the type checker knows only `signal`
    SIG_DFL,
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

from . import __version__
from ._event import SystemEvent
from ._names import DEFAULT_PREFIX

TYPE_CHECKING = False  # as in `typing`, which is not imported for this
if TYPE_CHECKING:
    from typing import NoReturn

_OPTIONS = f"""
Options:
  --prefix PREFIX  what the semaphore is called before the event's name
                   (default: {DEFAULT_PREFIX})
  --help           show this text
  --version        show the version
  --               what follows is no option: for names that begin with a dash

Exit status: """

_SET = f"""\
Usage: evt_set [options] <event_name>

Set the event: everybody who waits for it goes on, and nobody blocks on it until
evt_clear. The event is created if there is none.
{_OPTIONS}0, or 2 on wrong usage or an error.
"""

_CLEAR = f"""\
Usage: evt_clear [options] <event_name>

Clear the event: who waits for it blocks until the next evt_set. The event is
created if there is none.
{_OPTIONS}0, or 2 on wrong usage or an error.
"""

_WAIT = f"""\
Usage: evt_wait [options] <event_name> [timeout_s]

Wait until the event is set, at the most timeout_s seconds (10, 0.5; 0 only
looks; no limit if it is not given). The event is created if there is none.
{_OPTIONS}0 if the event was set, 1 if it was not within timeout_s, 2 on wrong
usage or an error.
"""


class _UsageError(Exception):
    pass


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse(usage: str, most: int) -> tuple[str, list[str]]:
    """Return the prefix and the operands of the command line: one (the name) to `most`."""
    prefix = DEFAULT_PREFIX
    operands: list[str] = []
    waiting = iter(sys.argv[1:])
    for word in waiting:
        if word == "--":
            operands += waiting
        elif not word.startswith("-") or word == "-" or (operands and _is_number(word)):
            operands.append(word)
        elif word in ("--help", "-h"):
            sys.stdout.write(usage)
            sys.exit(0)
        elif word == "--version":
            print("SystemEvent", __version__)
            sys.exit(0)
        elif word.startswith("--prefix="):
            prefix = word[len("--prefix=") :]
        elif word == "--prefix":
            try:
                prefix = next(waiting)
            except StopIteration:
                raise _UsageError("--prefix needs a value") from None
        else:
            raise _UsageError(f"no option {word!r} (a name that begins with a dash goes behind --)")
    if not operands:
        raise _UsageError("which event? Its name is missing")
    if len(operands) > most:
        raise _UsageError(f"too many words: {operands[most]!r}")
    return prefix, operands


def _fail(command: str, error: Exception) -> "NoReturn":
    text = str(error)
    if isinstance(error, _UsageError):
        text += f"; see {command} --help"
    sys.stderr.write(f"{command}: {text}\n")  # escapes what it cannot encode
    sys.exit(2)


def _die_of_sigint() -> None:
    # As a shell expects: a loop around the command stops, too. If SIGINT is ignored (background
    # jobs of scripts), it stays ignored.
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, SIG_DFL)


def evt_set() -> None:
    """The command evt_set."""
    _die_of_sigint()
    try:
        prefix, (name,) = _parse(_SET, 1)
        SystemEvent(name, prefix).set()
    except (_UsageError, OSError, ValueError) as error:
        _fail("evt_set", error)
    os._exit(0)


def evt_clear() -> None:
    """The command evt_clear."""
    _die_of_sigint()
    try:
        prefix, (name,) = _parse(_CLEAR, 1)
        SystemEvent(name, prefix).clear()
    except (_UsageError, OSError, ValueError) as error:
        _fail("evt_clear", error)
    os._exit(0)


def evt_wait() -> None:
    """The command evt_wait."""
    _die_of_sigint()
    try:
        prefix, (name, *timeouts) = _parse(_WAIT, 2)
        if timeouts and not _is_number(timeouts[0]):
            raise _UsageError(f"timeout_s must be a number of seconds, not {timeouts[0]!r}")
        happened = SystemEvent(name, prefix).wait(float(timeouts[0]) if timeouts else None)
    except (_UsageError, OSError, ValueError, OverflowError) as error:
        _fail("evt_wait", error)
    os._exit(0 if happened else 1)
