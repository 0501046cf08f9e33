"""The commands evt_set, evt_clear and evt_wait, and how every command is run.

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
    from collections.abc import Callable, Collection, Mapping
    from typing import NoReturn

#: Options with a value, and what they are called in the result of _parse().
_ONE_PREFIX = {"--prefix": "--prefix"}
#: With one of these, every operand is a name.
_MANY = {"--any", "--all"}


class UsageError(Exception):
    """The command line is wrong."""


class _Information(Exception):
    """--help or --version was asked for."""


class Failures(Exception):
    """Several things went wrong; the arguments say what."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_option(word: str) -> UsageError:
    return UsageError(f"no option {word!r} (a name that begins with a dash goes behind --)")


def _parse(
    most: int | None, flags: "Collection[str]", valued: "Mapping[str, str]"
) -> tuple[dict[str, str], list[str]]:
    """Return the options (with their values) and the operands of the command line.

    most: how many operands there may be; None, or an option of _MANY: all of them are names.
    valued: as _ONE_PREFIX.
    """
    options = {"--prefix": DEFAULT_PREFIX}
    operands: list[str] = []
    negative = ""
    words = iter(sys.argv[1:])
    for word in words:
        start, equals, value = word.partition("=")
        if word == "--":
            operands += words
        elif not word.startswith("-") or word == "-":
            operands.append(word)
        elif operands and _is_number(word):
            operands.append(word)  # a timeout; or wrong, if all words are names
            negative = negative or word
        elif word in ("--help", "-h", "--version"):
            raise _Information(word)
        elif word in flags:
            options[word] = ""
        elif word in valued:
            try:
                options[valued[word]] = next(words)
            except StopIteration:
                raise UsageError(f"{word} needs a value") from None
        elif equals and start.startswith("--") and start in valued:
            options[valued[start]] = value
        elif word[:2] in valued:
            options[valued[word[:2]]] = word[2:]
        else:
            raise _no_option(word)
    if most is None or not _MANY.isdisjoint(options):
        if negative:
            raise _no_option(negative)
    elif len(operands) > most:
        raise UsageError(f"too many words: {operands[most]!r}")
    return options, operands


def names_in(operands: list[str]) -> list[str]:
    """Return the operands; raise UsageError if there are none."""
    if not operands:
        raise UsageError("which event? Its name is missing")
    return operands


def _set(options: dict[str, str], operands: list[str]) -> tuple[int, str]:
    (name,) = names_in(operands)
    SystemEvent(name, options["--prefix"]).set()
    return 0, ""


def _clear(options: dict[str, str], operands: list[str]) -> tuple[int, str]:
    (name,) = names_in(operands)
    SystemEvent(name, options["--prefix"]).clear()
    return 0, ""


def _wait(options: dict[str, str], operands: list[str]) -> tuple[int, str]:
    names_in(operands)
    limits = [("--timeout", options["--timeout"])] if "--timeout" in options else []
    many = not _MANY.isdisjoint(options)
    if not many:
        limits += [("timeout_s", text) for text in operands[1:]]
    if options.keys() >= _MANY:
        raise UsageError("--any or --all, not both")
    if len(limits) > 1:
        raise UsageError("timeout_s or --timeout, not both")
    timeout = None
    for what, text in limits:
        if not _is_number(text):
            raise UsageError(f"{what} must be a number of seconds, not {text!r}")
        timeout = float(text)
    if many:
        return _wait_for_many("--all" in options, operands, options["--prefix"], timeout)
    return 0 if SystemEvent(operands[0], options["--prefix"]).wait(timeout) else 1, ""


def _wait_for_many(
    all_of_them: bool, names: list[str], prefix: str, timeout: float | None
) -> tuple[int, str]:
    from ._multi import wait_all, wait_any
    from ._names import object_name
    from ._platform import objects

    for name in names:  # before the first of them is created
        object_name(name, prefix, objects.LONGEST_NAME)
    events = [SystemEvent(name, prefix) for name in names]
    if not all_of_them:
        events = wait_any(events, timeout)
    elif not wait_all(events, timeout):
        events = []
    return 0 if events else 1, "".join(f"{event.name}\n" for event in events)


def _write(text: str) -> None:
    """Write all of the text to standard output, names as the bytes that they are; or OSError."""
    if not text:
        return
    if sys.stdout is None:  # and descriptor 1 may be something else by now
        raise OSError("it is closed")
    data = os.fsencode(text)
    while data:
        data = data[os.write(1, data) :]


def run(
    command: str,
    act: "Callable[[dict[str, str], list[str]], tuple[int, str]]",
    most: int | None = 1,
    flags: "Collection[str]" = (),
    valued: "Mapping[str, str]" = _ONE_PREFIX,
) -> "NoReturn":
    """Do what the command line says, and leave: with act()'s status, or 2 if it cannot be done.

    act: gets the options and the operands; returns the status and what standard output is to get.
    """
    # Ctrl-C kills, as a shell expects: a loop around the command stops, too. If SIGINT is ignored
    # (background jobs of scripts), it stays ignored.
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, SIG_DFL)
    errors: tuple[object, ...] = ()
    try:
        try:
            status, text = act(*_parse(most, flags, valued))
        except _Information as asked:
            from ._usage import USAGE

            status = 0
            text = f"SystemEvent {__version__}\n" if str(asked) == "--version" else USAGE[command]
        try:
            _write(text)
        except BrokenPipeError:  # as with `| head`: who closed it knows
            status = 2
        except OSError as error:
            errors = (f"cannot write to standard output: {error}",)
    except UsageError as error:
        errors = (f"{error}; see {command} --help",)
    except Failures as error:
        errors = error.args
    except (OSError, ValueError, OverflowError, ImportError) as error:
        errors = (error,)
    except Exception as error:  # a caller takes any other status for a time-out
        errors = (f"{type(error).__name__}: {error}",)
    if errors:
        status = 2
        try:
            sys.stderr.write("".join(f"{command}: {error}\n" for error in errors))
            sys.stderr.flush()
        except (OSError, AttributeError):  # full, or closed (None): there is nowhere to say so
            pass
    os._exit(status)


def evt_set() -> "NoReturn":
    """The command evt_set."""
    run("evt_set", _set)


def evt_clear() -> "NoReturn":
    """The command evt_clear."""
    run("evt_clear", _clear)


def evt_wait() -> "NoReturn":
    """The command evt_wait."""
    limit = {"-t": "--timeout", "--timeout": "--timeout"}
    run("evt_wait", _wait, 2, _MANY, _ONE_PREFIX | limit)
