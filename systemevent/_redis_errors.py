"""redis-py's exceptions as the builtin ones, with the event and the server in the message."""

import errno
import os
from ssl import SSLError
from sys import exc_info
from typing import TypeVar

from redis import exceptions

_E = TypeVar("_E", bound=BaseException)

#: The first words of what a server answers that will answer otherwise in a while...
_AWAY = (
    *("LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "BUSY", "UNBLOCKED", "ASK"),
    *("MOVED", "NOREPLICAS", "max number of clients reached"),
)
#: ... and of what it answers to whom may not do this, if not in a script.
_FORBIDDEN = ("NOPERM", "NOAUTH", "WRONGPASS", "DENIED", "invalid password")
_FORBIDDEN_IN_SCRIPT = "The user executing the script can't "
#: redis-py cuts such words off the text; since 7, they are in status_code.
_CODES = {
    "AskError": "ASK",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}

#: What some versions of redis-py leave as it is, in an answer to several questions.
_FROM_CLUSTERS = (
    ("MOVED", exceptions.MovedError),
    ("ASK", exceptions.AskError),
    ("CLUSTERDOWN", exceptions.ClusterDownError),
)

#: No outage of a server: this process, or machine, has no more descriptors, or no memory.
_OURS = errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS
#: Behind this, an answer repeats the words of a command that the server does not know.
_SENT = ", with args"

DIFFERENT_SLOTS = (
    "a cluster keeps them in different slots; give all of them the same prefix with braces, such "
    "as '{jobs}.'"
)


class NoEvent(exceptions.RedisError):  # type: ignore[misc]  # which may be Any
    """What the key holds is no event."""


class explained:
    """Raise redis-py's exceptions as builtin ones, of which they are the cause.

    A class, because contextlib's generators keep an exception and its traceback together.
    What was handled before it began is not bared.

    what: "cannot set event 'name'". shown: the server, without secrets.
    """

    def __init__(self, what: str, shown: str) -> None:
        self._what = f"{what} on {shown}"

    def __enter__(self) -> None:
        self._handled = exc_info()[1]

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, exceptions.RedisError):
            raise builtin(error, self._what) from bare(error, self._handled)


def bare(error: _E, handled: BaseException | None) -> _E:
    """The exception without tracebacks, and so those behind it, up to the one handled before.

    Frames, redis-py's among them, have exceptions in variables: with its traceback, such a one is
    kept until the collector comes, and with it all the frames have: the server, its connections.
    Nor does it repeat what was sent, with a password: a server that does not know AUTH does.
    """
    behind: BaseException | None = error
    while behind is not None and behind is not handled:
        behind.__traceback__ = None
        if _SENT in str(behind):
            behind.args = (str(behind).partition(_SENT)[0],)
        behind = behind.__cause__ or behind.__context__
    return error


def builtin(error: exceptions.RedisError, what: str) -> Exception:
    """The builtin exception for one of redis-py's."""
    text = str(error).partition(" script: ")[0]  # then its hash, and the number of a line
    status = getattr(error, "status_code", None) or _CODES.get(type(error).__name__)
    words = f"{status} {text}" if status and not text.startswith(status) else text
    if isinstance(error, exceptions.TimeoutError):
        return TimeoutError(errno.ETIMEDOUT, f"{what}: no answer in time")
    if isinstance(error, exceptions.AuthenticationError) or _says(words, _FORBIDDEN):
        return PermissionError(errno.EACCES, f"{what}: {text}")
    if _FORBIDDEN_IN_SCRIPT in text:
        return PermissionError(errno.EACCES, f"{what}: {text[text.index(_FORBIDDEN_IN_SCRIPT) :]}")
    if isinstance(error, (exceptions.ConnectionError, exceptions.BusyLoadingError)):
        return _away(error, what)
    if _says(words, _AWAY):
        return ConnectionError(errno.EAGAIN, f"{what}: {words}")
    if isinstance(error, NoEvent) or _says(words, ("WRONGTYPE", "NOEVENT")):
        return ValueError(f"{what}: its key holds something else, which is no event")
    if "DB index is out of range" in text:
        return ValueError(f"{what}: it has no database of that number")
    if _says(words, ("CROSSSLOT",)):
        return ValueError(f"{what}: {DIFFERENT_SLOTS}")
    if _says(words, ("OOM",)):
        return OSError(errno.ENOMEM, f"{what}: {text}")
    if _says(words, ("MISCONF",)):
        return OSError(errno.EIO, f"{what}: {text}")
    if "unknown command" in text or "Unknown Redis command" in text:
        unknown = text.partition(",")[0]
        if "SENTINEL" in unknown:
            return OSError(errno.ENOSYS, f"{what}: it is no Sentinel: {unknown}")
        return OSError(
            errno.ENOSYS,
            f"{what}: it does not have all that events need, which is Redis 6.2 or newer with "
            f"EVAL, XADD, XREVRANGE and XREAD: {unknown}",
        )
    return OSError(errno.EPROTO, f"{what}: {text}")


def of_cluster(error: exceptions.ResponseError) -> exceptions.ResponseError:
    """The error as MovedError, AskError or ClusterDownError, if that is what it says."""
    code, _, rest = str(error).partition(" ")
    for word, kind in _FROM_CLUSTERS:
        if code == word and not isinstance(error, exceptions.AskError):
            return kind(rest)
    return error


def _says(text: str, codes: "tuple[str, ...]") -> bool:
    """Does an answer begin with one of the codes? What a script has met stands further behind."""
    return any(
        text.startswith(code) or f" -{code} " in text or f": {code} " in text for code in codes
    )


def _away(error: Exception, what: str) -> OSError:
    """The system's reason, if there is one: redis-py puts it into a sentence of its own."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, SSLError):
        return ConnectionError(errno.EPROTO, f"{what}: TLS: {_of_tls(cause)}")
    if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
        if cause.errno > 0:
            reason = cause.strerror
            if reason.startswith("Connect call failed"):  # asyncio's words for all of them
                reason = os.strerror(cause.errno)
            if cause.errno in _OURS:
                return OSError(cause.errno, f"{what}: {reason}")
            return ConnectionError(cause.errno, f"{what}: {reason}")
        return ConnectionError(f"{what}: {cause.strerror}")  # of a name that cannot be resolved
    # asyncio has tried several addresses; redis-py says of the last one what was wrong.
    number = str(cause).rpartition("[Errno ")[2].partition("]")[0]
    if isinstance(cause, OSError) and number.isdigit():
        return ConnectionError(int(number), f"{what}: {os.strerror(int(number))}")
    return ConnectionError(f"{what}: {error}")


def _of_tls(error: SSLError) -> str:
    """What went wrong, without the numbers; the errno of such an error is none."""
    text = error.strerror or str(error.args[0])
    text = text.rpartition(" (_ssl.c")[0] or text
    if text.startswith("["):
        text = text.partition("] ")[2]
    if "certificate required" in text or "EOF occurred" in text:
        text += "; does the server want a certificate (ssl_certfile, ssl_keyfile)?"
    elif "PEM lib" in text or "no certificate or crl" in text:
        text += "; is a file or password in the URL (ssl_...) a wrong one?"
    return text
