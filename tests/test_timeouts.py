"""Timeouts: what is accepted, never early, and no clock but the monotonic one."""

import ctypes
import math
import os
import signal
import struct
import threading
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from implementations import InThread, ThreadingEvent, Threads
from processes import until_asleep, worker

pytestmark = pytest.mark.anywhere

CLONE_NEWTIME, CLONE_NEWUSER = 0x80, 0x10000000  # unshare(2)
FUTEX_WAITV, FUTEX_CLOCK_REALTIME = 449, 256
SECOND = 10**9  # nanoseconds


class Number:
    """Compares like `value`; a subclass says what else it has of a number."""

    def __init__(self, value):
        self.value = value

    def __gt__(self, other):
        return self.value > other


class Index(Number):
    """As numpy's integers are."""

    def __index__(self):
        return self.value


class RaisingIndex(Number):
    def __index__(self):
        raise LookupError


class Float(Number):
    def __float__(self):
        return float(self.value)


class OnlyIndex:
    def __index__(self):
        return 1


class OnlyFloat:
    def __float__(self):
        return 0.01


class Incomparable(OnlyIndex):
    def __gt__(self, other):
        raise LookupError


class Real(float):
    pass


MAX = threading.TIMEOUT_MAX
TIMEOUTS = [
    *(0, 0.0, -0.0, -1, -0.5, -1e300, -math.inf, math.nan, -(10**30), False, 5e-324, 1e-9),
    *(math.inf, 1e300, 10**30, MAX * 2, MAX + 1, int(MAX) + 1, 2**63, 2**64, Index(2**63)),
    *(Decimal(1), Decimal(0), Decimal(-1), Decimal("0.01"), Decimal("NaN"), Decimal("sNaN")),
    *(Fraction(1), Fraction(0), Fraction(-1, 2), 1j, 0j, Real(-1), Index(0), Index(-3)),
    *("1", "", b"1", [], [1], (), {}, object(), int, OnlyIndex(), OnlyFloat(), Incomparable()),
    *(Float(1), Float(0), Number(1), Number(0), RaisingIndex(1), RaisingIndex(0)),
    *(0.01, Real(0.01), True, Index(1)),
]
ENDLESS = [None, MAX, int(MAX), MAX + 0.5, Index(2**33), Real(2**33)]

CALLS = {
    "one argument": lambda wait: wait(0),
    "the keyword": lambda wait: wait(timeout=0),
    "two arguments": lambda wait: wait(0, 0),
    "three arguments": lambda wait: wait(0, 0, 0),
    "another keyword": lambda wait: wait(timeouts=0),
    "a keyword of another case": lambda wait: wait(Timeout=0),
    "an argument and the keyword": lambda wait: wait(0, timeout=0),
    "an argument and another keyword": lambda wait: wait(0, block=True),
    "the keyword and another": lambda wait: wait(timeout=0, block=True),
}


def id_of(timeout):
    """A test id that is the same in every process."""
    is_plain = isinstance(timeout, (int, float, complex, str, bytes, Decimal, Fraction))
    value = timeout if is_plain else getattr(timeout, "value", "")
    return f"{type(timeout).__name__}({value!r})"


def outcome(function, *args):
    """What a call comes to: its value and the value's type, or the type of its exception."""
    try:
        value = function(*args)
    except Exception as error:
        return type(error)
    return value, type(value)


def in_the_state(event, is_set):
    event.set() if is_set else event.clear()
    return event


def elapsed(function, *args):
    """The call's value, and how many nanoseconds it took on the monotonic clock."""
    start = time.monotonic_ns()
    value = function(*args)
    return value, time.monotonic_ns() - start


@pytest.mark.parametrize("is_set", [False, True], ids=["clear", "set"])
@pytest.mark.parametrize("timeout", TIMEOUTS, ids=id_of)
def test_every_timeout_is_taken_as_threading_event_takes_it(event, timeout, is_set):
    """wait(timeout) returns or raises what threading.Event.wait() does on this interpreter."""
    events = [in_the_state(each, is_set) for each in (threading.Event(), event)]
    theirs, ours = [InThread(outcome, each.wait, timeout) for each in events]
    assert ours.result() == theirs.result()
    assert event.is_set() is is_set


@pytest.mark.parametrize("implementation", [ThreadingEvent, Threads])
@pytest.mark.parametrize("timeout", ENDLESS, ids=id_of)
def test_longest_timeouts_wait_for_set(new_name, timeout, implementation):
    """Timeouts up to threading.TIMEOUT_MAX wait; the longest is no different from no timeout."""
    event = implementation(new_name(), None)
    try:
        (wait,) = event.asleep(1, timeout)
        event.set()
        assert wait.result() is True
        assert event.wait(timeout) is True
    finally:
        event.end()


@pytest.mark.one_mode
@pytest.mark.parametrize("is_set", [False, True], ids=["clear", "set"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_is_taken_as_threading_event_takes_it(event, call, is_set):
    """wait() takes one argument, also as `timeout`; all else fails as for threading.Event."""
    events = [in_the_state(each, is_set) for each in (threading.Event(), event)]
    theirs, ours = [outcome(call, each.wait) for each in events]
    assert ours == theirs


@pytest.mark.parametrize("timeout", [1e-9, 1e-7, 1e-6, 1e-5, 3.3e-5, 1e-4, 7.7e-4, 1e-3, 7e-3])
def test_never_early(event, timeout):
    """wait() never returns False before its timeout has passed on the monotonic clock."""
    for _ in range(20):
        value, duration = elapsed(event.wait, timeout)
        assert value is False
        assert duration >= timeout * SECOND


def wait_among_signals(event, timeout, signals):
    """Wait until a timer's handler has run that often; return each wait's value and duration."""
    count = 0

    def handler(*_):
        nonlocal count
        count += 1

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    waits = []
    while count < signals:
        waits.append(elapsed(event.wait, timeout))
    return waits


def test_signals_change_no_timeout(event):
    """A wait that signals interrupt all the time ends, with False, when its timeout has passed."""
    timeout = 0.3  # 300 ticks of the timer: if each began it anew, it would never end
    with worker(wait_among_signals, event, timeout, 200) as one:
        waits = one.result()
    assert {value for value, _ in waits} == {False}
    assert min(duration for _, duration in waits) >= timeout * SECOND


def deadline_of(pid):
    """The clock, and the deadline on it in nanoseconds, of the futex call a process sleeps in."""
    with open(f"/proc/{pid}/syscall") as file:
        number, *args = file.read().split()
    args = [int(arg, 16) for arg in args]
    if int(number) == FUTEX_WAITV:
        clock = args[4]
    else:
        clock = time.CLOCK_REALTIME if args[1] & FUTEX_CLOCK_REALTIME else time.CLOCK_MONOTONIC
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(args[3])
        seconds, rest = struct.unpack("qq", memory.read(16))
    return clock, seconds * SECOND + rest


@pytest.mark.here
def test_the_wall_clock_has_no_part_in_it(event):
    """The kernel is given a deadline on the monotonic clock (cpython gh-85876)."""
    timeout = 1000
    before = time.monotonic_ns()
    with worker(event.wait, timeout) as one:
        until_asleep(one.pid)
        after = time.monotonic_ns()
        clock, deadline = deadline_of(one.pid)
    assert clock == time.CLOCK_MONOTONIC
    assert before <= deadline - timeout * SECOND <= after


def in_a_time_namespace(offset, function, *args):
    """function(*args) where the monotonic clock is `offset` seconds ahead; or why not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWTIME) and libc.unshare(CLONE_NEWTIME | CLONE_NEWUSER):
        return None, f"the kernel refuses a time namespace: {os.strerror(ctypes.get_errno())}"
    with open("/proc/self/timens_offsets", "w") as file:
        file.write(f"monotonic {offset} 0\n")
    with worker(lambda: (time.monotonic(), function(*args))) as one:  # its children are inside
        return one.result(), None


def test_timeout_in_a_time_namespace(event):
    """In a container whose monotonic clock is shifted, a timeout is what it is elsewhere."""
    offset, timeout = 100_000, 0.05
    here = time.monotonic()
    with worker(in_a_time_namespace, offset, elapsed, event.wait, timeout) as one:
        result, refusal = one.result()
    if refusal:
        pytest.skip(refusal)
    there, (value, duration) = result
    assert there >= here + offset
    assert value is False
    assert duration >= timeout * SECOND


class Pulsing:
    """A timeout of 1 s that sets and clears an event when it is compared."""

    def __init__(self, event):
        self._event = event

    def __gt__(self, other):
        self._event.set()
        self._event.clear()
        return other < 1

    def __index__(self):
        return 1


@pytest.mark.parametrize("make", [lambda event: event, lambda event: threading.Event()])
def test_a_pulse_before_the_sleep_is_not_missed(event, make):
    """wait() reads the word first, then the clock: a pulse in between does not count as clear time.

    Else False could come back although the event was not clear for the whole timeout.
    """
    one = make(event)
    assert one.wait(Pulsing(one)) is True
