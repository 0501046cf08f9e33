"""SystemEvent: what threading.Event promises, for all processes of the machine.

Or of several machines: with a URL, an event is kept on a server, and _redis.py does the rest.
"""

from os import environ

from ._names import DEFAULT_PREFIX, checked_mode, checked_prefix, object_name
from ._platform import Word, objects, own_methods

TYPE_CHECKING = False  # as in `typing`, which is not imported for this
if TYPE_CHECKING:
    from types import ModuleType


@own_methods
class SystemEvent(Word):
    """A named event that any process can set, clear, test and wait for.

    It behaves exactly as threading.Event: one flag, clear at first; after set() every present and
    later wait() returns True, until clear(). All events of the same name and prefix, in whatever
    process, are one event. It lives until unlink() or reboot, as every POSIX semaphore
    (sem_overview(7)), whether or not a process has it open.

    name: a non-empty str without '/' and NUL; with the prefix at most 251 bytes.
    prefix: what the semaphore is called before the name.
    mode: permission bits, 0 to 0o777, of an event that does not exist yet: exactly these, whatever
        the umask. Whoever uses an event needs read and write permission.
    url: of the Redis server that keeps the event, for all machines that reach it, such as
        redis://host:6379/0. None: what SYSTEMEVENT_URL in the environment says. Empty, or if that
        is not there: an event of this machine. (On a server, mode has no meaning.)

    Raises TypeError or ValueError for a name, prefix, mode or URL that breaks these rules; OSError
    (PermissionError, ConnectionError, ...) with errno and the event's name if the object cannot be
    opened or created, or the server does not answer; ImportError if redis-py is not installed.

    An event may be used by several threads, in forked children and in signal handlers. It pickles
    by name, so it is an argument for multiprocessing under every start method.
    """

    # Slots, because looking up a method is slower on an object whose __dict__ is in use.
    __slots__ = ("__dict__", "__weakref__", "_mode", "_name", "_prefix")

    def __init__(
        self,
        name: str,
        prefix: str = DEFAULT_PREFIX,
        mode: int = 0o666,
        url: str | None = None,
    ) -> None:
        if not self.closed:
            raise RuntimeError(f"this event is open already: {self!r}")
        url = _url_or_default(url)
        if url:
            opened = _redis().class_for(type(self))
            self.__class__ = opened  # it has the same layout
            opened._open(self, name, prefix, mode, url)
            return
        if hasattr(self, "_as_local"):  # it was on a server, and is opened anew
            self.__class__ = self._as_local
        semaphore = object_name(name, prefix, objects.LONGEST_NAME)
        self._mode = checked_mode(mode)
        self._name = name
        self._prefix = prefix
        try:
            super().__init__(objects.open_object(semaphore, mode))
        except OSError as error:
            raise objects.explained(error, f"cannot open event {name!r}", semaphore) from None

    async def wait_async(self, timeout: float | None = None) -> bool:
        """Wait for the event in asyncio, as wait() does, without blocking the event loop.

        timeout: seconds, as for wait(). None: no limit. 0, negative or NaN: do not block.

        All pending waits of an event loop, on up to 63 different events, share one sleeping thread;
        each further 63 events take one more; where nothing is awaited there is none. A wait may be
        cancelled, also by asyncio.timeout().

        Raises what wait() raises; RuntimeError outside of a running event loop, or if no thread can
        be started; OSError with ENOSYS on a kernel before 5.16 (futex_waitv(2)).
        """
        from ._aio import wait

        return await wait(self, timeout)

    @property
    def name(self) -> str:
        """The event's name, without the prefix."""
        return self._name

    def __enter__(self) -> "SystemEvent":
        """Return the event itself. Raises ValueError if it is closed."""
        self.is_set()
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the event."""
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by name: what is unpickled, anywhere on the machine, is the same event."""
        self.is_set()
        return type(self), (self._name, self._prefix, self._mode, "")

    def __repr__(self) -> str:
        """<SystemEvent 'name': set>; or unset, closed; 'unlinked' if its name is not its own."""
        name = getattr(self, "_name", None)
        if self.closed:
            state = "closed"
        else:
            state = "set" if self.is_set() else "unset"
            if objects.inode_of(self._prefix + self._name) != self.inode:
                state += ", unlinked"
        return f"<{type(self).__name__} {name!r}: {state}>"


def _url_or_default(url: str | None) -> str:
    """Where the events are; empty: on this machine."""
    if url is None:
        return environ.get("SYSTEMEVENT_URL", "")
    if not isinstance(url, str):
        raise TypeError(f"an event's URL must be a str, not {type(url).__name__}")
    return url


def _redis() -> "ModuleType":
    """The module of events on a server. Raises ImportError if what it needs is not installed."""
    try:
        from . import _redis as module
        from . import _redis_multi  # noqa: F401  # now, not in a signal handler that interrupts wait()
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        message = "events on a server need redis-py: pip install 'SystemEvent[redis]'"
        raise ImportError(message) from None
    return module


def unlink(name: str, prefix: str = DEFAULT_PREFIX, url: str | None = None) -> None:
    """Remove the event's name. It ends when the last process that has it open closes it.

    Who has the event open keeps that one, also if it is waiting; who opens the name next gets a new
    event, which is clear (shm_overview(7), sem_unlink(3)).

    On a server (url: as for SystemEvent), the event is cleared and forgotten; who waits for it
    waits on, until the next set(). One that was never set has left no trace there, so it is no
    error if there is none.

    Raises FileNotFoundError if this machine has no such event, PermissionError if it is somebody
    else's, TypeError or ValueError for a name, prefix or URL that no event can have, and what
    SystemEvent raises if the server does not answer.
    """
    if url := _url_or_default(url):
        _redis().unlink(name, prefix, url)
        return
    semaphore = object_name(name, prefix, objects.LONGEST_NAME)
    try:
        objects.unlink_object(semaphore)
    except OSError as error:
        raise objects.explained(error, f"cannot unlink event {name!r}", semaphore) from None


def list_events(prefix: str = DEFAULT_PREFIX, url: str | None = None) -> list[str]:
    """Return the names of all events with that prefix on this machine, sorted, without the prefix.

    On a server (url: as for SystemEvent): of all that were set once, and not unlinked since.

    Raises TypeError or ValueError for a prefix or URL that no event can have, PermissionError if
    the folder of the objects (/dev/shm) may not be read, and what SystemEvent raises if the server
    does not answer.
    """
    checked_prefix(prefix)
    if url := _url_or_default(url):
        names: list[str] = _redis().list_events(prefix, url)
        return names
    return objects.list_semaphores(prefix)
