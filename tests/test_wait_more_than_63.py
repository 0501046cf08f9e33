"""wait_any of more events than one sleep holds: each further 63 take a thread meanwhile."""

import ctypes
import mmap
import os
import resource
import signal
import struct
import threading
import time

import pytest
from implementations import InThread
from processes import is_asleep, receive, until, until_all_asleep, worker, workers
from several import any_names, for_any, names, pulse, threads
from surroundings import descriptors, mappings

from systemevent import SystemEvent, wait_any

pytestmark = for_any
COUNTS = pytest.mark.parametrize("count", [63, 64, 65, 126, 127, 500])


@COUNTS
@pytest.mark.parametrize("release", [SystemEvent.set, pulse])
def test_any_of_them_ends_it(new_events, count, release):
    """Whichever of the events is set or pulsed, each waiting process returns with this one."""
    events = new_events(count)
    for index in sorted({0, 62, count // 2, count - 2, count - 1}):
        with workers(3, any_names, events) as them:
            for one in them:
                assert until_all_asleep(one.pid) == (count + 62) // 63
            release(events[index])
            assert [one.result() for one in them] == [names(events[index])] * 3
        events[index].clear()


@COUNTS
def test_all_that_are_set(new_events, count):
    """All that are set are returned, in the order given, those that are given twice twice."""
    events = new_events(count)
    chosen = [events[i] for i in (0, 1, count // 2, count - 1)]
    for event in chosen:
        event.set()
    assert wait_any(events) == chosen
    assert wait_any(events[::-1]) == chosen[::-1]
    assert wait_any(events * 2, 0) == chosen * 2
    assert wait_any([events[2]] * 99 + [events[0]] + [events[2]] * 99) == [events[0]]
    for event in chosen:
        event.clear()
    assert wait_any(events, 0.001) == []


def test_the_same_far_apart(new_events):
    """A pulse of an event that is given twice, in two sleeps, ends both, and is returned twice."""
    events = new_events(70)
    with worker(any_names, [*events, events[0]]) as one:
        until_all_asleep(one.pid)
        pulse(events[0])
        assert one.result() == names(events[0]) * 2


@pytest.mark.parametrize("timeout", [0, 0.001, 1000])
def test_nothing_is_left(new_events, timeout):
    """No thread, descriptor or mapping is left, whatever ended the wait."""
    events = new_events(200)
    if timeout == 1000:
        events[150].set()
    before, count = (threading.active_count(), descriptors(), mappings()), threads()
    for _ in range(50):
        assert wait_any(events, timeout) == events[150:151] * (timeout == 1000)
        assert (threading.active_count(), descriptors(), mappings()) == before
    if timeout == 1000:
        for _ in range(20):
            events[150].clear()
            thread = InThread(wait_any, events)
            until(thread.is_asleep, "the thread waits")
            events[150].set()
            assert thread.result() == [events[150]]
    # Fewer if those of an earlier test had not quite ended.
    until(lambda: threads() <= count, "the kernel has ended the threads")


# ---- errors ----------------------------------------------------------------------------------


def interrupted(events, writer, number, handler, error):
    """Wait until a handler raises; what is left then, and what the next wait returns."""
    before = threading.active_count(), descriptors()
    signal.signal(number, handler)
    with pytest.raises(error):
        wait_any(events)
    after = threading.active_count(), descriptors()
    until(lambda: threads() == 1, "the kernel has ended the threads")
    in_use = mappings()
    for event in events[:100]:
        event.close()
    given_back = in_use - mappings()
    os.write(writer, b".")
    return after == before, given_back, any_names(events[100:])


def raising(*_):
    raise LookupError


@pytest.mark.parametrize(
    ("number", "handler", "error"),
    [
        (signal.SIGINT, signal.default_int_handler, KeyboardInterrupt),
        (signal.SIGUSR1, raising, LookupError),
    ],
    ids=["Ctrl-C", "a handler"],
)
def test_what_a_handler_raises_ends_all_threads(new_events, ticks, number, handler, error):
    """Ctrl-C, and what another handler raises, ends the wait and all its threads at once; then no
    event is in use, also if somebody keeps the traceback."""
    reader, writer = ticks
    events = new_events(200)
    with worker(interrupted, events, writer, number, handler, error) as one:
        assert until_all_asleep(one.pid) == 4
        one.signal(number)
        assert receive(reader, 1) == b"."
        assert until_all_asleep(one.pid) == 2
        events[199].set()
        assert one.result() == (True, 100, names(events[199]))


def test_signals_are_handled_meanwhile(new_events, ticks):
    """Handlers run during the wait, and it goes on; one that sets an event ends it."""
    reader, writer = ticks
    events = new_events(130)

    def wait():
        signal.signal(signal.SIGUSR1, lambda *_: os.write(writer, b"."))
        signal.signal(signal.SIGUSR2, lambda *_: pulse(events[129]))
        return any_names(events)

    with worker(wait) as one:
        for _ in range(5):
            until_all_asleep(one.pid)
            one.signal(signal.SIGUSR1)
            assert receive(reader, 1) == b"."
        assert until_all_asleep(one.pid) == 3
        one.signal(signal.SIGUSR2)
        assert one.result() == names(events[129])


def without_threads(events, allowed):
    """What wait_any says when only so many threads can be started, and what is left then."""
    start, started, before = threading.Thread.start, [], mappings()

    def limited(thread):
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    threading.Thread.start = limited
    with pytest.raises(RuntimeError) as caught:
        wait_any(events)
    threading.Thread.start = start
    until(lambda: threads() == 1, "the kernel has ended the threads")
    for event in events:
        event.close()
    return str(caught.value), len(started), before - mappings()


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_no_thread_to_be_had(new_events, allowed):
    """If a thread cannot be started, the error says so; those that have begun end; nothing is in
    use."""
    with worker(without_threads, new_events(250), allowed) as one:
        assert one.result() == ("can't start new thread", allowed, 250)


def as_a_user_without_threads(events):
    """The same where it is the kernel that refuses the thread."""
    os.setgid(54321)
    os.setuid(54321)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    try:
        wait_any(events)
    except RuntimeError as error:
        return str(error), threads()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user without processes")
def test_no_thread_to_be_had_from_the_kernel(new_events):
    """Where RLIMIT_NPROC forbids threads: RuntimeError; up to 63 events can be waited for."""
    events = new_events(64)
    with worker(as_a_user_without_threads, events) as one:
        assert one.result() == ("can't start new thread", 1)


def test_set_during_the_start_of_the_threads(new_events, monkeypatch):
    """An event that is set, or pulsed, while the threads are started is not missed."""
    events = new_events(200)
    start = threading.Thread.start
    for index in (0, 62, 63, 125, 126, 199):

        def start_and_pulse(thread, index=index):
            pulse(events[index])
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_and_pulse)
        assert wait_any(events) == [events[index]]


def test_in_many_threads(new_events):
    """Twenty threads wait for overlapping hundreds; each set releases exactly who waits for it."""
    events = new_events(290)
    before = threads()
    waits = [InThread(wait_any, events[10 * i : 10 * i + 100]) for i in range(20)]
    for wait in waits:
        until(wait.is_asleep, "the thread waits")
    events[50].set()
    for wait in waits[:6]:
        assert wait.result() == [events[50]]
    assert all(wait.is_asleep() for wait in waits[6:])
    events[289].set()
    assert waits[19].result() == [events[289]]
    for event in events:
        event.set()
    for i in range(6, 19):
        result = waits[i].result()
        assert result
        assert set(result) <= set(events[10 * i : 10 * i + 100])
    # Fewer if those of an earlier test had not quite ended.
    until(lambda: threads() <= before, "the threads have ended")


def wait_and_fork(events, timeout, writer, over=None):
    """What a wait finds in a child that SIGUSR1 forks in it; the child tells its number before.

    over: memory whose first byte says that the wait is over; then the signal may still come.
    """
    children = []

    def fork(number, frame):
        children.append(os.fork())
        if not children[-1]:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            os.write(writer, struct.pack("i", os.getpid()))

    signal.signal(signal.SIGUSR1, fork)
    found = any_names(events, timeout)
    if over:
        over[0] = 1
        until(lambda: children, "the handler has forked")
    if children == [0]:
        os.write(writer, "".join(f"{each}\n" for each in [*found, "end"]).encode())
        os._exit(0)
    os.waitpid(children[0], 0)
    return found


@pytest.mark.parametrize("index", [0, 63, 127])
@pytest.mark.parametrize("timeout", [None, 1000])
def test_a_handler_forks(new_events, ticks, timeout, index):
    """A child that a signal handler forks in the wait waits on, with threads of its own."""
    events = new_events(128)
    reader, writer = ticks
    with worker(wait_and_fork, events, timeout, writer) as one:
        assert until_all_asleep(one.pid) == 3
        one.signal(signal.SIGUSR1)
        (child,) = struct.unpack("i", receive(reader, 4))
        until(lambda: len(os.listdir(f"/proc/{child}/task")) == 3, "the child has its threads")
        assert until_all_asleep(child) == 3
        pulse(events[index])
        assert one.result() == names(events[index])
        said = f"{events[index].name}\nend\n".encode()
        assert receive(reader, len(said)) == said


def test_a_handler_forks_and_the_time_passes(new_events, ticks):
    """There, too, the wait ends when its time has passed, and not before.

    If that happens before anybody has looked, because the machine is late, the fork is behind the
    wait; that ends in the same way.
    """
    reader, writer = ticks
    over = mmap.mmap(-1, 1)
    begin = time.monotonic()
    with worker(wait_and_fork, new_events(64), 3, writer, over) as one:
        until(lambda: over[0] or is_asleep(one.pid), "it waits, or has waited")
        one.signal(signal.SIGUSR1)
        receive(reader, 4)
        assert receive(reader, 4) == b"end\n"
        assert time.monotonic() - begin >= 3
        assert one.result() == []
