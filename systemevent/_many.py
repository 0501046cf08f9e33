"""wait_any for more events than one sleep can hold: others sleep for them, in threads.

The caller sleeps on the first events and on the control word `found`, which a thread changes when
it has found something; the threads on the other events and on `done`, which the caller changes at
its end, however it ends. All watches begin before the first sleep, so it does not matter when a
thread begins: what happened meanwhile shows in the words. So a child that a signal handler forks in
the caller's sleep starts threads of its own.
"""

import os
from threading import Thread
from time import monotonic_ns

from ._platform import ANY_MAX, Control, Watch, deadline_of, wait_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from ._event import SystemEvent

    E = TypeVar("E", bound=SystemEvent)


#: Of the calls under way: what ends the sleeps of the callers.
_found: set[Control] = set()


def _wake_all() -> None:
    """In a forked child, which has no threads: end the sleeps of those that go on in it."""
    for control in list(_found):
        control.change()


os.register_at_fork(after_in_child=_wake_all)


def wait_any_of_many(events: "tuple[E, ...]", timeout: float | None) -> "list[E]":
    """wait_any() for more events than one sleep can hold."""
    watches = tuple(map(Watch, events))
    # Who waits in a thread ends the sleep of the caller, and the caller's end ends the threads.
    found, done = Control(), Control()
    seen_done = done.value
    woken: set[int] = set()
    errors: list[BaseException] = []

    def sleep(start: int, control: Control, seen: int, timeout: float | None) -> None:
        indices = wait_since(watches[start : start + ANY_MAX], timeout, control, seen)
        woken.update(start + i for i in indices)

    def sleep_in_thread(start: int) -> None:
        try:
            sleep(start, done, seen_done, None)
        except BaseException as error:
            errors.append(error)
        found.change()

    threads = []
    process = None  # that has the threads
    try:
        sleep(0, found, found.value, 0)  # raises at once what every thread would
        is_over = any(watch.happened() for watch in watches)
        deadline = None if is_over else deadline_of(timeout)  # which a set event does not look at
        is_over = is_over or deadline == 0
        _found.add(found)
        while True:
            seen_found = found.value  # before the look at what has been found, or it may be missed
            if is_over or woken or errors:
                break
            if process != os.getpid():
                process = os.getpid()
                for start in range(ANY_MAX, len(watches), ANY_MAX):
                    thread = Thread(target=sleep_in_thread, args=(start,), daemon=True)
                    thread.start()
                    threads.append(thread)
            sleep(0, found, seen_found, timeout)
            if deadline:
                timeout = max(deadline - monotonic_ns(), 0) / 1e9
                is_over = timeout == 0
    except BaseException as error:
        errors.insert(0, error)
    finally:
        done.change()
        _found.discard(found)
        for thread in threads:
            thread.join()
    if errors:
        watches = ()  # who keeps the traceback does not keep the events in use
        del errors[1:]
        raise errors.pop()
    return [
        event
        for i, (event, watch) in enumerate(zip(events, watches, strict=True))
        if i in woken or watch.happened()
    ]
