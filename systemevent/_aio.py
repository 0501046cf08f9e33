"""SystemEvent.wait_async: events in asyncio, without a thread for each wait.

All waits of an event loop on up to 63 events are one sleep of one thread, on the words of these
events and on a control word that tells it of new orders. What belongs to whom:

- The loop's thread has everything: the pending waits, by event (_Pending), and who sleeps for
  which events (_Waits). It gives orders, watches to sleep on, and gets reports.
- The sleeping thread (_Sleeper) has its orders only. It takes orders, sleeps, reports what has
  happened, and then sleeps for new orders: so it never reports the same twice, and what happens
  meanwhile shows in the generations. It holds no reference that keeps the loop, or a task, alive.
- The loop holds _Waits by a timer that is never due. A loop that is closed, or collected with all
  its tasks, drops it, and the threads end. Nothing else keeps it.

A wait is over if its event has been set since its own first look, by value or by generation. The
wake-up of the thread is believed as well, because a foreign program's pulse leaves no trace, but
only by waits that had begun before the thread's orders: the pulse may be older than a later wait.
"""

import os
from asyncio import get_running_loop
from contextvars import Context
from threading import Lock, Thread
from time import monotonic_ns
from weakref import WeakKeyDictionary, finalize, ref

from ._platform import ANY_MAX, Control, Watch, deadline_of, wait_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, TimerHandle
    from typing import TypeAlias

    from ._event import SystemEvent

    #: What a thread is to sleep on, and how many waits had begun: these believe its wake-up.
    _Orders: TypeAlias = tuple[tuple[Watch, ...], int]

#: Seconds: the timer by which a loop holds its waits; a century.
_NEVER = 100 * 365.25 * 24 * 3600


class _Sleeper:
    """A thread, if there is something to sleep on, and the orders for it."""

    def __init__(self, waits: "_Waits", loop: "AbstractEventLoop") -> None:
        self._waits = ref(waits)
        self._loop = ref(loop)
        self._control = Control()
        self._lock = Lock()
        self._orders: _Orders | None = None
        #: Of the thread that will look at the orders again; there may be others, about to end.
        self._turn: object = None

    def order(self, orders: "_Orders | None") -> None:
        """Sleep on these watches from now on; None: on nothing, and the thread ends."""
        turn = object()
        try:
            with self._lock:
                self._orders = orders
                starts = orders is not None and self._turn is None
                if starts:
                    self._turn = turn
            self._control.change()
            if starts:
                Thread(target=self._run, args=(turn,), name="SystemEvent", daemon=True).start()
        except BaseException:  # no thread can be started, or Ctrl-C
            self._end(turn)  # perhaps it has begun nevertheless
            raise

    def _end(self, turn: object) -> None:
        """That thread, if it is the one, is not to look at the orders again."""
        with self._lock:
            if self._turn is turn:
                self._turn = None
        self._control.change()

    def reset(self) -> None:
        """In a forked child: there is no thread, and nobody to give the lock back."""
        self._lock = Lock()
        self._turn = None

    def abandon(self) -> None:
        """End the thread, from wherever the collector happens to run: so without the lock."""
        self._orders = None
        self._control.change()

    def _run(self, turn: object) -> None:
        try:
            self._take_orders(turn)
        except BaseException:
            self._end(turn)
            raise

    def _take_orders(self, turn: object) -> None:
        while True:
            seen = self._control.value  # before the orders: later ones change it, and end the sleep
            with self._lock:
                if self._turn is not turn:
                    return
                orders = self._orders
                if orders is None:
                    self._turn = None
                    return
            watches, begun = orders
            del orders
            happened: list[Watch] = []
            error: BaseException | None = None
            try:
                happened = [watches[i] for i in wait_since(watches, None, self._control, seen)]
            except BaseException as failure:
                error = failure
            del watches
            if not happened and error is None:
                continue
            if not self._report(happened, begun, error):
                self._orders = None
                continue
            del happened, error
            try:
                wait_since((), None, self._control, seen)
            except OSError:
                pass  # what is reported twice does no harm

    def _report(self, happened: list[Watch], begun: int, error: BaseException | None) -> bool:
        """Tell the loop; False if it is not there any more."""
        loop = self._loop()
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(_deliver, self._waits, self, happened, begun, error)
        except RuntimeError:  # it is closed
            return False
        return True


def _deliver(
    waits: "ref[_Waits]",
    sleeper: _Sleeper,
    happened: list[Watch],
    begun: int,
    error: BaseException | None,
) -> None:
    """A report arrives in the loop's thread."""
    alive = waits()
    if alive is None:
        return
    if error:
        alive.fail(sleeper, error)
    else:
        alive.deliver(sleeper, happened, begun)


class _Wait:
    """One call of wait_async()."""

    __slots__ = ("_deadline", "_loop", "_timer", "future", "number", "pending", "watch")

    def __init__(self, loop: "AbstractEventLoop", watch: Watch) -> None:
        self.future: Future[bool] = loop.create_future()
        self.watch = watch
        self.pending: _Pending | None = None
        #: How many had begun with it, in this loop.
        self.number = 0
        self._loop = loop
        self._timer: TimerHandle | None = None

    def limit(self, deadline: int) -> None:
        """End it at that instant (time.monotonic_ns())."""
        self._deadline = deadline
        self._look_again()

    def _look_again(self) -> None:
        left = self._deadline - monotonic_ns()
        if left > 0:  # loops round: uvloop to milliseconds
            self._timer = self._loop.call_later(left / 1e9, self._look_again)
        elif not self.future.done():
            self.future.set_result(self.watch.happened())

    def end(self) -> None:
        """It is over, or cancelled: nothing refers to it any more."""
        if self._timer:
            self._timer.cancel()


class _Pending:
    """The pending waits for one event."""

    __slots__ = ("key", "sleeper", "waits", "watch")

    def __init__(self, key: "tuple[int, int]", watch: Watch) -> None:
        self.key = key
        #: What the thread sleeps on; not younger than any of the waits' own.
        self.watch = watch
        self.waits: dict[_Wait, None] = {}  # an ordered set
        self.sleeper: _Sleeper | None = None


class _Waits:
    """All pending waits of one event loop."""

    def __init__(self, loop: "AbstractEventLoop") -> None:
        self._loop = loop
        self._begun = 0
        self._pending: dict[tuple[int, int], _Pending] = {}
        self._of_watch: dict[Watch, _Pending] = {}
        #: Who sleeps for which events.
        self._sleepers: dict[_Sleeper, set[_Pending]] = {}
        self._changed: set[_Sleeper] = set()
        self._threads: list[_Sleeper] = []
        finalize(self, _abandon, self._threads)

    def add(self, event: "SystemEvent", wait: _Wait) -> None:
        """Begin a wait: its future becomes True when the event is set."""
        self._begun += 1
        wait.number = self._begun
        key = event.device, event.inode
        pending = self._pending.get(key) or _Pending(key, wait.watch)
        wait.pending = pending
        pending.waits[wait] = None
        self._pending[key] = pending
        if pending.sleeper is None or pending not in self._sleepers.get(pending.sleeper, ()):
            self._place(pending)
        elif self._changed:  # orders are due, unless Ctrl-C has prevented them
            self._loop.call_soon(self._order)

    def remove(self, wait: _Wait) -> None:
        """End a wait, if it is not over."""
        pending = wait.pending
        if pending and pending.waits:
            pending.waits.pop(wait, None)
            if not pending.waits:
                self._drop(pending)

    def deliver(self, sleeper: _Sleeper, happened: list[Watch], begun: int) -> None:
        """The thread has seen these; `begun` waits had begun when it got its orders."""
        self._change(sleeper)  # in any case: it sleeps until it gets new orders
        for watch in happened:
            pending = self._of_watch.pop(watch, None)
            if pending is None:
                continue  # nobody waits for it any more
            # First the new watch, then the looks at the old ones: it misses nothing for who stays.
            pending.watch = watch.again()
            self._of_watch[pending.watch] = pending
            # What has left a trace may be older than the orders, and than waits that believe them.
            believed = 0 if watch.happened() else begun
            for wait in list(pending.waits):
                if wait.number <= believed or wait.watch.happened():
                    del pending.waits[wait]
                    if not wait.future.done():
                        wait.future.set_result(True)
            if not pending.waits:
                self._drop(pending)

    def fail(self, sleeper: _Sleeper, error: BaseException) -> None:
        """The thread cannot sleep: that is raised in every wait that depends on it."""
        self._change(sleeper)
        for pending in list(self._sleepers.get(sleeper, ())):
            for wait in pending.waits:
                if not wait.future.done():
                    wait.future.set_exception(copied(error))
            pending.waits.clear()
            self._drop(pending)

    def _place(self, pending: _Pending) -> None:
        """Find somebody who sleeps for it."""
        with_room = (each for each, group in self._sleepers.items() if len(group) < ANY_MAX)
        sleeper = next(with_room, None)
        if sleeper is None:
            sleeper = _Sleeper(self, self._loop)
            self._sleepers[sleeper] = set()
            self._threads.append(sleeper)
        self._sleepers[sleeper].add(pending)
        self._change(sleeper)
        pending.sleeper = sleeper

    def _drop(self, pending: _Pending) -> None:
        """Nobody waits for that event any more."""
        if self._pending.get(pending.key) is pending:
            del self._pending[pending.key]
        for sleeper, group in self._sleepers.items():
            if pending in group:
                self._change(sleeper)
                group.discard(pending)
        self._of_watch.pop(pending.watch, None)

    def _change(self, sleeper: _Sleeper) -> None:
        """The sleeper needs new orders: once for all changes of this turn of the loop. By then, who
        was released and waits again has done so, too: its thread goes on, rather than end and be
        started anew."""
        self._changed.add(sleeper)
        self._loop.call_soon(self._order)

    def _order(self) -> None:
        try:
            self._give_orders()
        except BaseException:
            self._loop.call_soon(self._order)
            raise

    def _give_orders(self) -> None:
        while (len(self._sleepers) - 1) * ANY_MAX >= max(len(self._pending), 1):
            last, group = self._sleepers.popitem()  # the others have room for all of its events
            for pending in group:
                self._place(pending)
            last.order(None)
            self._threads.remove(last)
            self._changed.discard(last)
        for sleeper in list(self._changed):
            group = self._sleepers.get(sleeper, set())
            for pending in [each for each in group if not each.waits]:
                self._drop(pending)  # Ctrl-C has prevented it
            self._of_watch.update((pending.watch, pending) for pending in group)
            watches = tuple(pending.watch for pending in group)
            try:
                sleeper.order((watches, self._begun) if watches else None)
            except RuntimeError as error:  # no thread can be started
                self.fail(sleeper, error)
            else:
                self._changed.discard(sleeper)

    def never(self) -> None:
        """The callback of the timer by which the loop holds this object."""

    def reset(self) -> None:
        """In a forked child: every thread has to be started anew, if the loop goes on there."""
        for sleeper in self._sleepers:
            sleeper.reset()
        try:
            for sleeper in self._sleepers:
                self._change(sleeper)
        except RuntimeError:
            pass  # it is closed, or another thread's, and does not go on


def copied(error: BaseException) -> BaseException:
    """An exception of its own for each wait."""
    try:
        return type(error)(*error.args)
    except Exception:
        return RuntimeError(repr(error))


def _abandon(sleepers: list[_Sleeper]) -> None:
    for sleeper in sleepers:
        sleeper.abandon()


_waits_of: "WeakKeyDictionary[AbstractEventLoop, ref[_Waits]]" = WeakKeyDictionary()


def _reset() -> None:
    for known in list(_waits_of.values()):
        waits = known()
        if waits:
            waits.reset()


os.register_at_fork(after_in_child=_reset)


def _waits_in(loop: "AbstractEventLoop") -> _Waits:
    known = _waits_of.get(loop)
    waits = known() if known else None
    if waits is None:
        wait_since((), 0, Control(), 0)  # raises OSError if threads could not sleep either
        waits = _Waits(loop)
        loop.call_later(_NEVER, waits.never, context=Context())  # not with the caller's variables
        _waits_of[loop] = ref(waits)
    return waits


async def wait(event: "SystemEvent", timeout: float | None) -> bool:
    """SystemEvent.wait_async."""
    loop = get_running_loop()
    waits = _waits_in(loop)
    watch = Watch(event)
    if watch.happened():
        return True
    deadline = deadline_of(timeout)
    if deadline == 0:
        return False
    this = _Wait(loop, watch)
    # Not even a task that hangs in a loop that is gone keeps its waits.
    known = ref(waits)
    try:
        waits.add(event, this)
        del waits
        if deadline is not None:
            this.limit(deadline)
        return await this.future
    finally:
        this.end()
        found = known()
        if found:
            found.remove(this)
