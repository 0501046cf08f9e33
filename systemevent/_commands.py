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
    from collections.abc import Callable
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
{_OPTIONS}0 if the event was set, 1 if it was not within timeout_s,
2 on wrong usage or an error.
"""


class _UsageError(Exception):
    """The command line is wrong."""


class _Information(Exception):
    """--help or --version was asked for."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse(most: int) -> tuple[str, list[str]]:
    """Return the prefix and the operands of the command line: one (the name) to `most`."""
    prefix = DEFAULT_PREFIX
    operands: list[str] = []
    words = iter(sys.argv[1:])
    for word in words:
        if word == "--":
            operands += words
        elif not word.startswith("-") or word == "-" or (operands and _is_number(word)):
            operands.append(word)
        elif word in ("--help", "-h", "--version"):
            raise _Information(word)
        elif word.startswith("--prefix="):
            prefix = word[len("--prefix=") :]
        elif word == "--prefix":
            try:
                prefix = next(words)
            except StopIteration:
                raise _UsageError("--prefix needs a value") from None
        else:
            raise _UsageError(f"no option {word!r} (a name that begins with a dash goes behind --)")
    if not operands:
        raise _UsageError("which event? Its name is missing")
    if len(operands) > most:
        raise _UsageError(f"too many words: {operands[most]!r}")
    return prefix, operands


def _set(prefix: str, name: str) -> bool:
    SystemEvent(name, prefix).set()
    return True


def _clear(prefix: str, name: str) -> bool:
    SystemEvent(name, prefix).clear()
    return True


def _wait(prefix: str, name: str, timeout: str | None = None) -> bool:
    if timeout is not None and not _is_number(timeout):
        raise _UsageError(f"timeout_s must be a number of seconds, not {timeout!r}")
    return SystemEvent(name, prefix).wait(None if timeout is None else float(timeout))


def _run(command: str, usage: str, most: int, act: "Callable[..., bool]") -> "NoReturn":
    """Do what the command line says, and leave: 0, 1 if act() is False, 2 if it cannot be done."""
    # Ctrl-C kills, as a shell expects: a loop around the command stops, too. If SIGINT is ignored
    # (background jobs of scripts), it stays ignored.
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, SIG_DFL)
    output = sys.stderr
    try:
        prefix, operands = _parse(most)
        text, status = "", 0 if act(prefix, *operands) else 1
    except _Information as asked:
        text = f"SystemEvent {__version__}\n" if str(asked) == "--version" else usage
        output, status = sys.stdout, 0
    except _UsageError as error:
        text, status = f"{command}: {error}; see {command} --help\n", 2
    except (OSError, ValueError, OverflowError) as error:
        text, status = f"{command}: {error}\n", 2
    except Exception as error:  # a caller takes any other status for a time-out
        text, status = f"{command}: {type(error).__name__}: {error}\n", 2
    if text:
        try:
            output.write(text)
            output.flush()
        except (OSError, AttributeError):  # full, or closed (None): there is nowhere to say so
            status = 2
    os._exit(status)


def evt_set() -> "NoReturn":
    """The command evt_set."""
    _run("evt_set", _SET, 1, _set)


def evt_clear() -> "NoReturn":
    """The command evt_clear."""
    _run("evt_clear", _CLEAR, 1, _clear)


def evt_wait() -> "NoReturn":
    """The command evt_wait."""
    _run("evt_wait", _WAIT, 2, _wait)
