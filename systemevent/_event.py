"""SystemEvent: what threading.Event promises, for all processes of the machine."""

from ._names import DEFAULT_PREFIX, checked_mode, checked_prefix, object_name
from ._platform import Word, objects, own_methods


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

    Raises TypeError or ValueError for a name, prefix or mode that breaks these rules; OSError
    (PermissionError, ...) with errno and the event's name if the object cannot be opened or
    created.

    An event may be used by several threads, in forked children and in signal handlers. It pickles
    by name, so it is an argument for multiprocessing under every start method.
    """

    # Slots, because looking up a method is slower on an object whose __dict__ is in use.
    __slots__ = ("__dict__", "__weakref__", "_mode", "_name", "_prefix")

    def __init__(self, name: str, prefix: str = DEFAULT_PREFIX, mode: int = 0o666) -> None:
        if not self.closed:
            raise RuntimeError(f"this event is open already: {self!r}")
        semaphore = object_name(name, prefix, objects.LONGEST_NAME)
        self._mode = checked_mode(mode)
        self._name = name
        self._prefix = prefix
        try:
            super().__init__(objects.open_object(semaphore, mode))
        except OSError as error:
            raise objects.explained(error, f"cannot open event {name!r}", semaphore) from None

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
        return type(self), (self._name, self._prefix, self._mode)

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


def unlink(name: str, prefix: str = DEFAULT_PREFIX) -> None:
    """Remove the event's name. It ends when the last process that has it open closes it.

    Who has the event open keeps that one, also if it is waiting; who opens the name next gets a new
    event, which is clear (shm_overview(7), sem_unlink(3)).

    Raises FileNotFoundError if there is no such event, PermissionError if it is somebody else's,
    TypeError or ValueError for a name or prefix that no event can have.
    """
    semaphore = object_name(name, prefix, objects.LONGEST_NAME)
    try:
        objects.unlink_object(semaphore)
    except OSError as error:
        raise objects.explained(error, f"cannot unlink event {name!r}", semaphore) from None


def list_events(prefix: str = DEFAULT_PREFIX) -> list[str]:
    """Return the names of all events with that prefix on this machine, sorted, without the prefix.

    Raises TypeError or ValueError for a prefix that no event can have, PermissionError if the
    folder of the objects (/dev/shm) may not be read.
    """
    return objects.list_semaphores(checked_prefix(prefix))
