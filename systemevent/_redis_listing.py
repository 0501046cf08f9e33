"""Which events there are on a Redis server, and what each of them is."""

from redis import exceptions

from ._redis_entries import encoded, entry_of, key_of, look_at, slot_of
from ._redis_errors import NoEvent, builtin, explained
from ._redis_server import Server
from ._redis_session import Session, masters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

#: How many events are asked for at once.
_PAGE = 1000


def list_events(prefix: str, url: str) -> list[str]:
    """The names of all events with that prefix, sorted. Raises what RedisEvent.set() raises."""
    start = encoded(prefix)
    pattern = b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^" else bytes([c]) for c in start) + b"*"
    server = Server.at(url)
    names: set[str] = set()
    cursor: Any
    keys: Any
    with explained("cannot list the events", server.shown):
        for address in masters(server):
            with Session(server, address=address) as session:
                cursor = 0
                while cursor != b"0":
                    scan = "SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE, "TYPE", "stream"
                    ((cursor, keys),) = session.ask([scan])
                    # Those that are unlinked expire; if we may not ask, they are listed.
                    ttls = [("PTTL", key) for key in keys]
                    expiries = session.ask(ttls, is_tolerant=True) if keys else ()
                    names.update(
                        _decoded(key[len(start) :])
                        for key, expiry in zip(keys, expiries, strict=True)
                        if expiry == -1 or isinstance(expiry, exceptions.ResponseError)
                    )
    return sorted(name for name in names if _is_possible(name, prefix))


def _is_possible(name: str, prefix: str) -> bool:
    try:
        key_of(name, prefix)
    except ValueError:
        return False
    return True


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


class Seen:
    """An event on a server at some instant, as _inspection.Inspected is one of this machine.

    state: "set", "clear", "?" (we may not read it), or "invalid" (it is no event).
    path: its key. Nobody owns it, and nobody knows when it was created.
    """

    status = birth = None

    def __init__(self, state: str, path: str) -> None:
        self.state = state
        self.path = path


def seen(names: "Sequence[str]", prefix: str, url: str) -> "Iterator[tuple[str, Seen]]":
    """The events of those names, without those that are gone.

    Raises what RedisEvent.set() raises; what is wrong with a single one is its state, but not in a
    cluster.
    """
    server = Server.at(url)
    # In a cluster, whoever is asked knows his own events only.
    page = 1 if server.kind == "cluster" else _PAGE
    for i in range(0, len(names), page):
        some = {key_of(name, prefix): name for name in names[i : i + page]}
        slot = slot_of(next(iter(some))) if server.kind == "cluster" else None
        looks = [look_at(key) for key in some]
        with explained("cannot list the events", server.shown), Session(server, slot) as session:
            answers = session.ask(looks, is_tolerant=server.kind != "cluster")
        for (key, name), answer in zip(some.items(), answers, strict=True):
            if answer != []:
                yield name, Seen(_state(answer, server.shown), _decoded(key))


def _state(answer: "Any", shown: str) -> str:
    if not isinstance(answer, exceptions.ResponseError):
        try:
            return "set" if entry_of(answer)[1] else "clear"
        except NoEvent:
            return "invalid"
    known = builtin(answer, f"cannot list the events on {shown}")
    if isinstance(known, PermissionError):
        return "?"
    if isinstance(known, ValueError):
        return "invalid"
    try:
        raise known from answer
    finally:
        del known
