"""Event name -> semaphore name: the rules, and what they say when they are broken."""

import os

#: What the semaphore of an event is called before its name, unless the caller says otherwise.
DEFAULT_PREFIX = "SystemEvent."

#: Objects under construction have names that begin like this; events may not.
NEW_PREFIX = ".SystemEvent-new."


def object_name(name: str, prefix: str, longest: int) -> str:
    """Return the semaphore's name, ``prefix + name``, if it is one that the system can hold.

    longest: the system's limit for a semaphore's name without its leading slash, in bytes.

    Raises TypeError for anything but str, ValueError with the rule and the name otherwise.
    """
    if not isinstance(name, str):
        raise TypeError(f"an event's name must be a str, not {type(name).__name__}: {name!r}")
    checked_prefix(prefix)
    if not name:
        raise ValueError("an event's name must not be empty")
    if "/" in name or "\0" in name:
        raise ValueError(f"an event's name must not contain '/' or NUL: {name!r}")
    semaphore = prefix + name
    if semaphore.startswith(NEW_PREFIX):
        raise ValueError(f"names that begin with {NEW_PREFIX!r} are reserved: {semaphore!r}")
    try:
        size = len(os.fsencode(semaphore))
    except UnicodeEncodeError as error:
        raise ValueError(f"the file system cannot encode the event's name: {name!r}") from error
    if size > longest:
        raise ValueError(
            f"an event's name and prefix must not be longer than {longest} bytes together, "
            f"these are {size}: {semaphore!r}"
        )
    return semaphore


def checked_prefix(prefix: str) -> str:
    """Return the prefix, if it is one; raise TypeError or ValueError otherwise."""
    if not isinstance(prefix, str):
        raise TypeError(f"an event's prefix must be a str, not {type(prefix).__name__}: {prefix!r}")
    if "/" in prefix or "\0" in prefix:
        raise ValueError(f"an event's prefix must not contain '/' or NUL: {prefix!r}")
    return prefix


def checked_mode(mode: int) -> int:
    """Return the permission bits, if they are some; raise TypeError or ValueError otherwise."""
    if not isinstance(mode, int):
        raise TypeError(f"an event's mode must be an int, not {type(mode).__name__}: {mode!r}")
    if not 0 <= mode <= 0o777:
        raise ValueError(f"an event's mode must be permission bits, 0 to 0o777: {mode:#o}")
    return mode
