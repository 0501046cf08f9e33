"""wait_any and wait_all: wait for several events at once."""

from sys import modules

from ._platform import ANY_MAX, wait_all_of, wait_any_of

TYPE_CHECKING = False  # as in `typing`, which is not imported for this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from ._event import SystemEvent
    from ._platform import Word

    E = TypeVar("E", bound=SystemEvent)

#: Imported only when there is an event on a server.
_ON_SERVERS = f"{__package__}._redis"


def wait_any(events: "Iterable[E]", timeout: float | None = None) -> "list[E]":
    """Block until at least one of the events is set; return those that were, in the order given.

    At once if one is set already. For each event alone the promises are those of wait(): no pulse
    is missed, and an event that is not in the list was clear at some instant of the call.

    events: SystemEvent objects, at least one, of any prefixes. One that is given twice is returned
        twice.
    timeout: seconds, as for wait(). When they have passed and all events were clear until then,
        return []. None: no limit. 0, negative or NaN: do not block.

    Up to 63 events are waited for in one sleep of the calling thread. Of more, each further 63 take
    a thread of their own until the call returns.

    Raises TypeError if an event is not a SystemEvent or the timeout no number, ValueError if there
    is no event or one is closed, OverflowError if the timeout is too large, OSError if the kernel
    refuses: with ENOSYS for more than one event on a kernel before 5.16, which can only sleep on
    one word (futex_waitv(2)); RuntimeError if a thread that is needed cannot be started. For events
    on a server, ValueError if they are not all on the same one, and what SystemEvent raises if it
    does not answer.
    """
    chosen = tuple(events)
    if _ON_SERVERS in modules and _any_on_server(chosen):
        from ._redis_multi import wait_any_of as wait_any_on_server

        return wait_any_on_server(chosen, timeout)  # type: ignore[return-value]
    if len(chosen) <= ANY_MAX:
        return wait_any_of(chosen, timeout)
    from ._many import wait_any_of_many

    return wait_any_of_many(chosen, timeout)


def wait_all(events: "Iterable[Word]", timeout: float | None = None) -> bool:
    """Block until all events are set at once; return True, or False when the timeout has passed.

    True means that there was an instant inside the call at which all of them were set. A pulse of
    one event is not missed while the others stay set, from before it until the waiter has woken up
    and looked. If two or more change within the time of one wake-up, an instant at which all were
    set may be missed, and the wait goes on. (Kernels before 5.16 wake it for one event only: it
    may miss a pulse of the last one that is set.)

    events: SystemEvent objects, at least one, of any prefixes; any number, in one sleep of the
        calling thread, also on kernels before 5.16. One that is given twice counts once.
    timeout: seconds, as for wait(). None: no limit. 0, negative or NaN: do not block.

    Raises TypeError if an event is not a SystemEvent or the timeout no number, ValueError if there
    is no event or one is closed, OverflowError if the timeout is too large, OSError if the kernel
    refuses. For events on a server, as wait_any().
    """
    chosen = tuple(events)
    if _ON_SERVERS in modules and _any_on_server(chosen):
        from ._redis_multi import wait_all_of as wait_all_on_server

        return wait_all_on_server(chosen, timeout)
    return wait_all_of(chosen, timeout)


def _any_on_server(events: "tuple[object, ...]") -> bool:
    from ._redis import RedisEvent

    return any(isinstance(event, RedisEvent) for event in events)
