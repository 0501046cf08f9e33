"""How to wait for events on a Redis server: the protocol, without any input or output.

An event is a stream of one entry, with the field ``s``: 1 set, 0 clear. No key is a clear event.
The entry's id is the generation: each set() and clear() that changes the event replaces the entry
by one with a greater id, in one script that the server runs at one instant. So entries alternate,
the first one ever is a set, and this is all that a waiter needs to know:

    whatever is newer than an entry that was clear means that a set() has happened.

A waiter *looks* (reads the entry), then *blocks* in XREAD until there is a newer one than it has
seen. A pulse between the two makes XREAD return at once; one that falls into an outage shows in the
next look; both have left an entry with a greater id. False is only ever said by a look that the
server answered at the deadline or after it.

An id smaller than the last one means that the server has lost what it had acknowledged (it came
back with an older snapshot, or a replica that lags behind answers). That says nothing about set()
calls, so the waiter blocks behind what there is now. But only what is newer than all it has ever
seen is news: the lost state may come back, too (the replica catches up). If a Block behind an older
entry ends, a look tells. The waiter also looks every HEARTBEAT seconds, because what is lost, a key
that somebody deletes, and a connection that is cut silently do not wake it.

unlink() clears the event, too, and its key expires KEPT seconds later. Were it deleted at once,
set() and unlink() would be a pulse without a trace, for who is in an outage; a set() in the same
millisecond could get an id that a waiter has seen already; and if the server lost the deletion, the
old entry would be newer than none.

waiting() is a generator: it yields a Look, a Block or a Pause, and gets the answer sent in, or an
error of the connection thrown in. Who has a socket, or an asyncio loop, drives it.
"""

from math import inf
from random import uniform
from time import monotonic_ns

from ._platform import deadline_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import TypeAlias

    #: An entry: its id, and whether the event is set.
    Entry: TypeAlias = "tuple[tuple[int, int], bool]"
    Step: TypeAlias = "Look | Block | Pause"

#: Seconds after which a waiter looks, though nothing has woken it.
HEARTBEAT = 30.0
#: Seconds for which an unlinked event leaves its entry: longer than most outages.
KEPT = 300
#: Seconds that an answer may take at the deadline of a wait, unless the URL says otherwise.
GRACE = 1.0
#: Seconds by which a sleeper is so late that the machine must have stood still meanwhile.
LATE = 0.05
#: Seconds between attempts to reach a server that is away, or does not let us wait: the first
#: pause, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 1.0

#: The entry of an event that was never set: there is no key.
NEVER: "Entry" = ((0, 0), False)

_SECOND = 1_000_000_000


class Look:
    """Read the entries of all events, of several at one instant; the answer is a list of Entry.

    seconds: how long the answer may take; None: as long as any answer may.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds


class Block:
    """Until there is a newer entry than `ids` for one of the events, or `seconds` have passed.

    The answer is a list of the indices of such events, or None: a look may tell more.
    grace: so many seconds more may pass until the server says so; 0: go on at once without that.
    """

    def __init__(self, ids: "list[tuple[int, int]]", seconds: float, grace: float) -> None:
        self.ids = ids
        self.seconds = seconds
        self.grace = grace


class Pause:
    """Do nothing for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Outage(Exception):
    """Thrown in: the server cannot be asked; why is in args. No signal handler raises it."""


class _Seen:
    """What a wait has seen of its events."""

    def __init__(self) -> None:
        self._seen: list[Entry] | None = None
        #: The greatest id that each ever had.
        self._newest: list[tuple[int, int]] = []

    @property
    def ids(self) -> "list[tuple[int, int]]":
        """Of the entries that have been seen last."""
        assert self._seen
        return [identity for identity, _ in self._seen]

    def _note(self, entries: "Sequence[Entry]") -> None:
        is_first = self._seen is None
        self._seen = list(entries)
        self._newest = self.ids if is_first else list(map(max, self._newest, self.ids))


class Any(_Seen):
    """Was there a set() of one of the events since they were seen first?"""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._happened = [False] * count

    def see(self, entries: "Sequence[Entry]") -> bool:
        """Take note of a look; True if the wait is over."""
        for i, (identity, is_set) in enumerate(entries):
            newer = self._seen is not None and identity > self._newest[i]
            self._happened[i] |= is_set or newer
        self._note(entries)
        return self.happened

    @property
    def happened(self) -> bool:
        """Is anything known to have happened?"""
        return any(self._happened)

    def hear(self, news: list[int]) -> bool:
        """Take note of what has ended a Block; True if the wait is over.

        With several events, another look says which of them were set meanwhile, too.
        """
        for i in news:
            self._happened[i] |= self.ids[i] == self._newest[i]
        return self.happened and len(self._happened) == 1

    def result(self) -> list[bool]:
        """Which events were set."""
        return self._happened


class All(_Seen):
    """Was there an instant, since the first look, at which all events were set?"""

    def __init__(self) -> None:
        super().__init__()
        #: Is it known that there was?
        self.happened = False

    def see(self, entries: "Sequence[Entry]") -> bool:
        """Take note of a look at one instant; True if the wait is over.

        If but one event has changed between two looks, all others were set in between; and if that
        one has a newer entry, there was a set() of it in between.
        """
        self.happened = all(is_set for _, is_set in entries)
        if self._seen and not self.happened:
            changed = [i for i, entry in enumerate(entries) if entry[0] != self._seen[i][0]]
            if len(changed) == 1:
                (one,) = changed
                others = [is_set for i, (_, is_set) in enumerate(entries) if i != one]
                self.happened = all(others) and entries[one][0] > self._newest[one]
        self._note(entries)
        return self.happened

    def hear(self, news: list[int]) -> bool:
        """What has ended a Block: only a look shows all events at one instant."""
        return False

    def result(self) -> bool:
        """Whether there was."""
        return self.happened


def waiting(
    seen: "Any | All", timeout: float | None, last_answer: float | None = None
) -> "Generator[Step, object, None]":
    """The steps of a wait; when they end, seen.result() is its outcome.

    last_answer: seconds that an answer may take at the deadline; None: GRACE.

    Raises what is thrown in if the server cannot be asked at the deadline, TypeError and
    OverflowError for a wrong timeout.
    """
    deadline: int | None = None
    # As threading.Event, a set event does not look at the timeout.
    is_limited = is_counting = over = False
    pause = FIRST_PAUSE
    rest = timeout if type(timeout) in (int, float) else None
    last_answer = GRACE if last_answer is None else last_answer
    begun = monotonic_ns()

    def left() -> float | None:
        return None if deadline is None else (deadline - monotonic_ns()) / _SECOND

    while True:
        failed = False
        lasted = inf  # when the Block will have lasted, so that it is no failed attempt
        try:
            entries = yield Look(rest if rest is None or rest > last_answer else last_answer)
            if seen.see(entries) or over:  # type: ignore[arg-type]  # sent in
                return
            if not is_counting:
                # Not before: a pulse may have come and gone before the look, and False means that
                # the event was clear for all of the timeout.
                deadline = deadline_of(timeout)
                is_limited = is_counting = True
                if deadline == 0:
                    return
            rest = left()
            if rest is None or rest > 0:
                # Those that were woken together do not all look again together.
                seconds, grace = HEARTBEAT * uniform(0.8, 1), inf
                if rest is not None and rest < HEARTBEAT:
                    seconds, grace = rest, 0
                elif rest is not None:
                    grace = rest - seconds + last_answer
                lasted = monotonic_ns() + min(seconds, LONGEST_PAUSE) * _SECOND
                news = yield Block(seen.ids, seconds, grace)
                if seen.hear(news or []):  # type: ignore[arg-type]  # sent in
                    return
                # Who is told at once that there is nothing would ask again and again.
                failed = news == [] and monotonic_ns() < lasted
                pause = pause if failed else FIRST_PAUSE
        except Outage as outage:
            if seen.happened:
                return
            if not is_limited:  # for the first answer; the timeout proper begins with that
                deadline = deadline_of(timeout)
                if deadline:
                    deadline -= monotonic_ns() - begun
                is_limited = True
            # That a connection ends on which we block does not say that nobody can be asked.
            is_cut = lasted < inf and isinstance(outage.args[0], ConnectionError)
            rest = None if is_cut else left()
            if rest is not None and rest <= 0:
                failure, outage.args = outage.args[0], ()  # one of the two keeps the other
                try:
                    raise failure from failure.__cause__
                finally:
                    del failure
            failed = True
            pause = pause if monotonic_ns() < lasted else FIRST_PAUSE
        if failed:  # out here: what a signal handler raises in it has nothing to do with the outage
            rest = left()
            length = pause * uniform(0.5, 1)
            pause = min(2 * pause, LONGEST_PAUSE)
            yield Pause(length if rest is None else max(min(length, rest), 0))
        rest = left()
        over = is_counting and rest is not None and rest <= 0
