"""fork(), signal handlers and Ctrl-C in the middle of calls for an event on a Redis server."""

import os
import signal
import socket
import threading
import time

import pytest
from processes import Worker, receive, until, until_sleeping_in_poll, worker
from redis_proxy import Proxy
from redis_server import PATIENT, VOLATILE, Server, no_server, ports_of, waits_of
from surroundings import error_of, need

from systemevent import (
    SystemEvent,
    _redis_connection,
    _redis_server,
    _redis_session,
    _redis_waits,
)

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

CALLS = "set", "clear", "is_set", "wait"


@pytest.fixture(scope="module")
def server():
    need(no_server())
    with Server(*VOLATILE, patience=PATIENT) as one:
        yield one


@pytest.fixture
def event(server, name):
    """The event."""
    return SystemEvent(name, url=server.url)


def released_when(server, event, waiters):
    """Set the event when all of these processes block; return what their waits have returned."""
    for one in waiters:
        until(lambda one=one: waits_of(one.pid, server) == 1, "it blocks")
    event.set()
    return [one.result() for one in waiters]


def test_a_fork_during_a_wait_of_a_thread(server, event):
    """Parent and child have connections of their own: each blocks, and each is released."""
    waits = threading.Thread(target=event.wait)
    waits.start()
    until(lambda: waits_of(os.getpid(), server) == 1, "the thread blocks")
    with worker(event.wait) as child:
        until(lambda: waits_of(child.pid, server) == 1, "the child blocks")
        assert not ports_of(child.pid) & ports_of(os.getpid())
        event.set()
        assert child.result() is True
    waits.join()


def _wait_and_fork(event, opened, when):
    """A wait in which a signal makes a child; what both of them get from it."""

    def handle(*_):
        if when == "after a call":
            event.wait(0.01)
        children.append(os.fork())
        if children == [0]:
            files.extend(socket.socketpair() for _ in range(opened))

    def number(connection):
        found = descriptor_of(connection)
        if when == "falling asleep" and asleep and not children:
            signal.raise_signal(signal.SIGUSR1)
        return found

    def sleep_at_last(connection, seconds):
        asleep.extend([seconds] if seconds > 1 else [])
        return sleep(connection, seconds)

    reader, writer = os.pipe()
    signal.signal(signal.SIGUSR1, handle)
    children, files, asleep = [], [], []
    sleep, _redis_connection._sleep = _redis_connection._sleep, sleep_at_last
    descriptor_of, _redis_connection._descriptor_of = _redis_connection._descriptor_of, number
    happened = event.wait(60)
    if children == [0]:
        os.write(writer, b"%d" % happened)
        os._exit(0)
    os.close(writer)
    child = children[0]
    with open(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    return happened, answer, status


@pytest.mark.parametrize(
    ("opened", "when"),
    [(0, "asleep"), (10, "asleep"), (10, "after a call"), (10, "falling asleep")],
)
def test_a_fork_in_a_signal_handler_of_a_wait(server, event, monkeypatch, opened, when):
    """The child goes on in the wait of which it is a copy, on a connection of its own.

    At once, also if the handler opens files in it, has made a call before, or comes while the wait
    is falling asleep.
    """
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 1000)
    with worker(_wait_and_fork, event, opened, when) as waiter:
        if when != "falling asleep":
            until(lambda: waits_of(waiter.pid, server) == 1, "it blocks")
            waiter.signal(signal.SIGUSR1)
        server.until_blocked(2)
        event.set()
        assert waiter.result() == (True, b"1", 0)


def _wait_and_fork_late(event, seconds, late, writer):
    """A wait in which a signal makes a child, whose handler returns when the time is over."""
    children, ends = [], []

    def handle(*_):
        children.append(os.fork())
        if not children[0]:
            until(lambda: time.monotonic() > ends[0] + late, "the time is over")

    def block_with_alarm(session, command, length, grace):
        if not ends:
            ends.append(time.monotonic() + length)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
        return block(session, command, length, grace)

    signal.signal(signal.SIGALRM, handle)
    block = _redis_session.Session.block
    _redis_session.Session.block = block_with_alarm
    while not children:  # a wait that the machine has held up has no time left to block
        outcome = _told(event.wait, seconds)
    if children == [0]:
        os.write(writer, outcome.encode())
        os._exit(0)
    os.waitpid(children[0], 0)
    return outcome


def _told(function, *args):
    """What it returns or raises, in words."""
    try:
        return repr(function(*args))
    except Exception as error:
        return repr(error)


@pytest.mark.parametrize("late", [0.01, 0.2])
def test_a_handler_that_forks_returns_when_the_time_is_over(event, ticks, late):
    """Both say False, however late."""
    reader, writer = ticks
    with worker(_wait_and_fork_late, event, 1, late, writer) as waiter:
        assert receive(reader, 5) == b"False"
        assert waiter.result() == "False"


def _fork_in(function, *args):
    """What function(*args) says in a forked child."""
    with worker(function, *args) as child:
        return child.result()


def _opened():
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


def test_a_fork_beside_waits_leaves_no_descriptors(server, event):
    """The connections of other threads' waits are closed in a child."""
    before = _fork_in(_opened)
    waits = [threading.Thread(target=event.wait) for _ in range(10)]
    for one in waits:
        one.start()
    until(lambda: waits_of(os.getpid(), server) == 10, "the threads block")
    assert _fork_in(_opened) <= before
    event.set()
    for one in waits:
        one.join()


def _call_and_fork(event, call):
    """A call in which a signal makes a child; what both of them get from it."""
    signal.signal(signal.SIGUSR1, lambda *_: children.append(Worker(_do_nothing)))
    children = []
    outcome = getattr(event, call)()
    children[0].end()
    return outcome, event.is_set()


def _do_nothing():
    pass


@pytest.mark.parametrize("call", CALLS)
def test_a_fork_in_a_signal_handler_of_a_call(server, name, call):
    """The child's end does not end the parent's connection, nor take its answer."""
    SystemEvent(name, url=server.url).set()
    with Proxy(server.port) as proxy:
        event = SystemEvent(name, url=proxy.url(PATIENT))
        proxy.hold()
        with worker(_call_and_fork, event, call) as caller:
            until(lambda: proxy.connections == 2, "it has connected")
            until_sleeping_in_poll(caller.pid)
            caller.signal(signal.SIGUSR1)
            until(lambda: _children(caller.pid), "it has forked")
            proxy.release()
            outcome, is_set = caller.result()
        assert outcome == {"is_set": True, "wait": True}.get(call)
        assert is_set == (call != "clear")


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def test_ctrl_c_while_a_connection_is_given_back(server, name, monkeypatch):
    """It is given back once: two threads must never share it."""

    def give_back_and_be_interrupted(self, *taken):
        give_back(self, *taken)
        raise KeyboardInterrupt

    event = SystemEvent(name, url=server.url)
    session = _redis_session.Session(event._server)
    session.ask([("PING",)])
    give_back = _redis_server.Server.give_back
    monkeypatch.setattr(_redis_server.Server, "give_back", give_back_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.__exit__()  # in the midst of a redirection
    session.__exit__()
    (kept,) = event._server._idle.values()
    assert len(kept) == len({id(connection) for _, connection in kept}) == 1


@pytest.mark.parametrize("call", ["is_set", "wait"])
def test_a_fork_while_a_kept_connection_is_taken(server, name, monkeypatch, call):
    """A child that is made just then has none to look at, and says so; its next call connects."""
    event = SystemEvent(name, url=server.url)
    event.set()
    is_silent = _redis_server.is_silent
    children = []

    def fork_before(connection):
        if not children:
            children.append(os.fork())
        return is_silent(connection)

    monkeypatch.setattr(_redis_server, "is_silent", fork_before)
    try:
        answer = getattr(event, call)()
        outcome = answer is True and event.is_set()
    except BaseException:
        outcome = False
    if children[0] == 0:
        os._exit(0 if outcome else 1)
    assert outcome
    assert os.waitpid(children[0], 0)[1] == 0


def test_a_fork_while_connecting(server, name, monkeypatch):
    """A child made before the connection is there has no part in it, and says so."""
    event = SystemEvent(name, url=server.url)
    event._server._idle.clear()
    base = event._server.connection_class  # redis-py's
    connect = base._connect

    def connect_and_fork(self):
        connected = connect(self)
        children.append(os.fork())
        return connected

    children = []
    monkeypatch.setattr(base, "_connect", connect_and_fork)
    try:
        event.set()
    except BaseException as error:
        if children[0] == 0:
            os._exit(7 if isinstance(error, ConnectionError) else 1)
        raise
    if children[0] == 0:
        os._exit(2)
    _, status = os.waitpid(children[0], 0)
    assert (os.waitstatus_to_exitcode(status), event.is_set()) == (7, True)


def _call_and_handle(event, call, inner, ticks):
    """A call; a signal handler calls another method of the same event in it."""

    def handle(*_):
        answers.append(getattr(event, inner)())
        os.write(ticks, b".")

    signal.signal(signal.SIGUSR1, handle)
    answers = []
    return getattr(event, call)(), answers


@pytest.mark.parametrize("inner", ["set", "clear", "is_set"])
@pytest.mark.parametrize("call", CALLS)
def test_a_signal_handler_makes_calls(server, name, ticks, call, inner):
    """While a call waits for its answer, a signal handler gets another one: each its own."""
    with Proxy(server.port) as proxy:
        event = SystemEvent(name, url=proxy.url(PATIENT))
        proxy.hold()
        with worker(_call_and_handle, event, call, inner, ticks[1]) as caller:
            until(lambda: proxy.connections == 2, "it has connected")
            until_sleeping_in_poll(caller.pid)
            held = proxy.forget()
            caller.signal(signal.SIGUSR1)
            assert receive(ticks[0], 1) == b"."
            held.set()
            if call == "wait":
                SystemEvent(name, url=server.url).set()
            outcome, answers = caller.result()
    assert answers == [False if inner == "is_set" else None]
    assert outcome is {"wait": True, "is_set": inner == "set"}.get(call)


def _alarmed(event, call, words, error):
    """What comes out of a call when a signal handler raises that."""

    def alarm(*_):
        raise error("alarm")

    signal.signal(signal.SIGUSR1, alarm)
    return error_of(getattr(event, call), *words)


@pytest.mark.parametrize("error", [TimeoutError, ConnectionError, ValueError])
@pytest.mark.parametrize(
    ("call", "words"), [("wait", ()), ("wait", (60,)), ("set", ()), ("is_set", ())]
)
def test_what_a_signal_handler_raises_ends_a_call(server, name, call, words, error):
    """What an alarm raises is the program's own; no call takes it for an outage."""
    with Proxy(server.port) as proxy:
        event = SystemEvent(name, url=proxy.url(PATIENT))
        if call != "wait":
            proxy.hold()
        with worker(_alarmed, event, call, words, error) as caller:
            until(lambda: proxy.connections == 2, "it has connected")
            if call == "wait":
                server.until_blocked(1)
            until_sleeping_in_poll(caller.pid)
            caller.signal(signal.SIGUSR1)
            assert caller.result() == (error.__name__, "alarm")


def test_an_alarm_during_an_outage_ends_a_wait(name, monkeypatch):
    """Also between the attempts to reach the server."""
    monkeypatch.setattr(_redis_waits, "FIRST_PAUSE", 120)  # redis-py keeps an alarm to itself
    with Server(*VOLATILE) as server:
        event = SystemEvent(name, url=server.url)
        with worker(_alarmed, event, "wait", (), TimeoutError) as caller:
            server.until_blocked(1)
            server.kill()
            until(lambda: _sleeps_in_a_pause(caller.pid), "it pauses")
            caller.signal(signal.SIGUSR1)
            assert caller.result() == ("TimeoutError", "alarm")


def _sleeps_in_a_pause(pid):
    """Is the process in clock_nanosleep(), or in select(), as Python 3.10 sleeps?"""
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0] in ("230", "115", "23", "270", "72")


def _interrupted(event):
    """What the event does after Ctrl-C in a wait()."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        event.wait()
    except KeyboardInterrupt:
        before = len(ports_of(os.getpid()))
        event.set()
        return event.is_set(), event.wait(0), len(ports_of(os.getpid())) - before
    return None


def test_ctrl_c_in_a_wait_leaves_a_usable_event(server, event):
    """KeyboardInterrupt at once; the event works on, and the interrupted connection is closed."""
    with worker(_interrupted, event) as waiter:
        until(lambda: waits_of(waiter.pid, server) == 1, "it blocks")
        waiter.signal(signal.SIGINT)
        assert waiter.result() == (True, True, 1)
    server.until_blocked(0)
