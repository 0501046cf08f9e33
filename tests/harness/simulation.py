"""A simulated machine under a deterministic scheduler: events, futexes, threads and a clock.

What C does in one step with regard to others is one step here: the look at the words and the sleep,
which the kernel begins only if the words are still the same.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

from .scheduler import Scheduler, Simulated

if TYPE_CHECKING:
    from .simulated_loop import Loop

#: Events in one sleep: few, so that few events need two.
ANY_MAX = 2


class Machine:
    """What the threads of one play share. The newest one is what the copies run on."""

    now: "Machine"

    def __init__(self, scheduler: Scheduler) -> None:
        Machine.now = self
        self.scheduler = scheduler
        self.clock = 1_000_000_000  # nanoseconds
        self.steps = 0
        self.loops: list[Loop] = []
        #: Who sleeps on what.
        self.sleeps: dict[Simulated, tuple[list[Event], Control]] = {}
        self.woken: dict[Simulated, Event | None] = {}

    def step(self, what: str) -> None:
        """The current thread does something that others can notice."""
        self.scheduler.step(what)
        self.steps += 1

    def sleep(self, events: "list[Event]", control: "Control") -> "Event | None":
        """The current thread sleeps; return the event that wakes it, None for the control word."""
        thread = self.scheduler.current
        assert thread
        self.sleeps[thread] = events, control
        self.scheduler.block()
        return self.woken.pop(thread)

    def wake(self, thread: Simulated, event: "Event | None") -> None:
        del self.sleeps[thread]
        self.woken[thread] = event
        thread.is_blocked = False

    def pass_time(self, seconds: float) -> None:
        """Timers become due."""
        self.step(f"{seconds} s pass")
        self.clock += round(seconds * 1e9)
        for loop in self.loops:
            loop.wake()


class Event:
    """The word of an event, and what its users do to it, each in one step."""

    device = 1
    _count = 0

    def __init__(self) -> None:
        Event._count += 1
        self.inode = Event._count
        self.is_set = False
        self.generation = 0
        #: The steps at which it became set, and at which it became clear.
        self.rises: list[int] = []
        self.falls: list[int] = []

    def was_set(self, begin: int, end: int) -> bool:
        """Was it set at an instant after step `begin`, and not after step `end`?"""
        set_before = len([step for step in self.rises if step <= begin])
        clear_before = len([step for step in self.falls if step <= begin])
        return set_before > clear_before or any(begin < step <= end for step in self.rises)

    def set(self) -> None:
        Machine.now.step(f"set event {self.inode}")
        if not self.is_set:
            self.is_set = True
            self.rises.append(Machine.now.steps)
            self._wake()

    def clear(self) -> None:
        Machine.now.step(f"clear event {self.inode}")
        if self.is_set:
            self.is_set = False
            self.generation += 1
            self.falls.append(Machine.now.steps)

    def foreign_pulse(self) -> None:
        """sem_post and sem_trywait: the sleeper is woken, and no generation changes."""
        Machine.now.step(f"foreign pulse of event {self.inode}")
        self.rises.append(Machine.now.steps)
        self.falls.append(Machine.now.steps)
        self._wake()

    def _wake(self) -> None:
        for thread, (events, _) in list(Machine.now.sleeps.items()):
            if self in events:
                Machine.now.wake(thread, self)


class Watch:
    """As _word.Watch."""

    def __init__(self, event: Event) -> None:
        Machine.now.step(f"look at event {event.inode}")
        self.event = event
        self._was_set = event.is_set
        self._generation = event.generation

    def again(self) -> "Watch":
        return Watch(self.event)

    def happened(self) -> bool:
        Machine.now.step(f"look again at event {self.event.inode}")
        return self.has_happened()

    def has_happened(self) -> bool:
        """happened(), as a part of a step."""
        event = self.event
        return self._was_set or event.is_set or event.generation != self._generation


class Control:
    """As _word.Control."""

    def __init__(self) -> None:
        # Weak: a finalizer of _aio.py refers to this, and must not keep all of an earlier play.
        self._machine = ref(Machine.now)
        self.word = 0

    @property
    def value(self) -> int:
        Machine.now.step("read the control word")
        return self.word

    def change(self) -> None:
        if self._machine() is not Machine.now:
            return  # the collector finds what an earlier play has left
        Machine.now.step("change the control word")
        self.word += 1
        for thread, (_, control) in list(Machine.now.sleeps.items()):
            if control is self:
                Machine.now.wake(thread, None)


def wait_since(
    watches: tuple[Watch, ...], timeout: float | None, control: Control, seen: int
) -> list[int]:
    """As _word.wait_since; a timeout is 0 or None."""
    machine = Machine.now
    machine.step(f"wait for {len(watches)} events")
    woken: Event | None = None
    while True:
        found = [
            i for i, watch in enumerate(watches) if watch.has_happened() or watch.event is woken
        ]
        if found or control.word != seen or timeout is not None:
            return found
        woken = machine.sleep([watch.event for watch in watches], control)
        machine.step(f"woken by {f'event {woken.inode}' if woken else 'the control word'}")


def deadline_of(timeout: float | None) -> int | None:
    """As _word.deadline_of."""
    return None if timeout is None else Machine.now.clock + round(timeout * 1e9)


def monotonic_ns() -> int:
    """The time of the machine."""
    return Machine.now.clock


class Lock:
    """As threading.Lock in a with statement."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[Simulated] = deque()

    def __enter__(self) -> None:
        Machine.now.step("take a lock")
        while self._is_taken:
            thread = Machine.now.scheduler.current
            assert thread
            self._waiting.append(thread)
            Machine.now.scheduler.block()
        self._is_taken = True

    def __exit__(self, *_: object) -> None:
        self._is_taken = False
        if self._waiting:
            self._waiting.popleft().is_blocked = False


class Thread:
    """As threading.Thread."""

    def __init__(
        self,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        name: str = "helper",
        daemon: bool = False,
    ) -> None:
        self._run = lambda: target(*args)
        self._name = name
        self._thread: Simulated | None = None
        self._joining: Simulated | None = None

    def start(self) -> None:
        Machine.now.step("start a thread")
        self._thread = Machine.now.scheduler.start(self._name, self._main)

    def _main(self) -> None:
        try:
            self._run()
        finally:
            if self._joining:
                self._joining.is_blocked = False

    def is_alive(self) -> bool:
        return self._thread is not None and not self._thread.is_done

    def join(self) -> None:
        Machine.now.step("join a thread")
        assert self._thread
        if not self._thread.is_done:
            self._joining = Machine.now.scheduler.current
            Machine.now.scheduler.block()
