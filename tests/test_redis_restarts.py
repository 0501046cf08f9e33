"""A Redis server that dies under its waiters, and what it has kept when it comes back."""

import os
import signal
import sys
import time

import pytest
from processes import DEADLINE, command, until, worker, workers
from redis_server import PATIENT, VOLATILE, Server, no_server
from surroundings import need

from systemevent import SystemEvent, _redis_waits

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

WAITERS = 20
PERSISTENCE = {
    "append only file": ("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
    "snapshots": ("--save", "3600 1 300 100 60 10000", "--appendonly", "no"),
    "none": VOLATILE,
}


@pytest.fixture(autouse=True)
def possible():
    need(no_server())


@pytest.fixture
def server():
    """A server of this test, without persistence."""
    with Server(*VOLATILE, patience=PATIENT) as one:
        yield one


@pytest.fixture
def wait_until_over(monkeypatch):
    """A function: what a wait says whose time is over when SIGUSR1 comes; it looks often."""

    def wait(event):
        _redis_waits.monotonic_ns = lambda: time.monotonic_ns() + sum(passed)
        signal.signal(signal.SIGUSR1, lambda *_: passed.append(2000 * 10**9))
        return event.wait(1000)

    passed = []
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 0.3)
    return wait


def entry(name, server, *words):
    """Write an event's entry by hand: the answer of a server whose past was another one."""
    with server.client() as client:
        client.execute_command("XADD", f"systemevent:{name}", *words)


def saved(name, server):
    """The event, after a pulse that is in the server's snapshot."""
    event = SystemEvent(name, url=server.url)
    event.set()
    event.clear()
    with server.client() as client:
        client.save()
    return event


@pytest.mark.parametrize("persistence", PERSISTENCE)
def test_waiters_survive_the_death_of_the_server(name, persistence):
    """kill -9 and a restart under 20 blocked processes: the next set() releases all of them."""
    with Server(*PERSISTENCE[persistence], patience=PATIENT) as server:
        event = SystemEvent(name, url=server.url)
        event.set()
        event.clear()
        with workers(WAITERS, event.wait) as waiters:
            server.until_blocked(WAITERS)
            server.restart()
            server.until_blocked(WAITERS)
            event.set()
            assert [one.result() for one in waiters] == [True] * WAITERS


def test_a_set_event_survives_with_a_file(name):
    """With appendfsync always, what was acknowledged is there after kill -9."""
    with Server(*PERSISTENCE["append only file"], patience=PATIENT) as server:
        event = SystemEvent(name, url=server.url)
        event.set()
        server.restart()
        assert event.is_set()


def test_an_older_state_invents_no_set(name):
    """A server that comes back with an older snapshot has forgotten; no wait takes it for a set."""
    with Server(*PERSISTENCE["snapshots"], patience=PATIENT) as server:
        event = saved(name, server)
        event.set()
        event.clear()  # newer than what comes back
        with workers(3, event.wait) as waiters:
            server.until_blocked(3)
            server.restart()
            server.until_blocked(3)
            assert [one.has_answered() for one in waiters] == [False] * 3
            event.set()
            assert [one.result() for one in waiters] == [True] * 3


def test_a_timeout_after_an_older_state(name, wait_until_over):
    """Nor does a wait with a timeout: False, though the newest entry is another one than before."""
    with Server(*PERSISTENCE["snapshots"], patience=PATIENT) as server:
        event = saved(name, server)
        event.set()
        event.clear()
        with worker(wait_until_over, event) as waiter:
            server.until_blocked(1)
            server.restart()
            server.until_blocked(1)
            waiter.signal(signal.SIGUSR1)
            assert waiter.result() is False


def test_a_state_that_comes_back_invents_no_set(name):
    """A server comes back without its data, and then with them: no wait takes it for a set."""
    with Server(*PERSISTENCE["snapshots"], patience=PATIENT) as server:
        event = saved(name, server)
        data, aside = server.folder / "dump.rdb", server.folder / "aside.rdb"
        with workers(3, event.wait) as waiters:

            def all_block():
                answered = [one.has_answered() for one in waiters]
                return any(answered) or len(server.blocked_ports()) == 3

            server.until_blocked(3)
            server.kill()
            data.rename(aside)
            server.start()
            server.until_blocked(3)
            server.kill()
            aside.rename(data)
            server.start()
            until(all_block, "all wait on, or one does not")
            assert [one.has_answered() for one in waiters] == [False] * 3
            event.set()
            assert [one.result() for one in waiters] == [True] * 3


@pytest.mark.parametrize("loss", ["FLUSHALL", "restart"])
def test_a_server_that_has_forgotten_everything(server, name, loss):
    """After FLUSHALL, or a restart without persistence, the next set() releases who waits."""
    event = SystemEvent(name, url=server.url)
    event.set()
    event.clear()
    with workers(3, event.wait) as waiters:
        server.until_blocked(3)
        if loss == "restart":
            server.restart()
        else:
            with server.client() as client:
                client.flushall()
        server.until_blocked(3)
        event.set()
        assert [one.result() for one in waiters] == [True] * 3


def test_a_clock_set_back_delays_until_the_heartbeat(server, name, monkeypatch):
    """A set() that looks older than what a waiter has seen releases it at the next heartbeat.

    The clock was set back after the key was deleted: ids begin anew, and smaller.
    """
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 0.3)
    entry(name, server, "99999999999999-0", "s", "0")
    event = SystemEvent(name, url=server.url)
    with worker(event.wait) as waiter:
        server.until_blocked(1)
        with server.client() as client:
            client.flushall()
        event.set()
        assert waiter.result() is True


def test_a_clock_set_back_loses_nothing_while_the_key_lives(server, name):
    """Redis goes on counting from the newest id: a pulse is newer whatever the clock says."""
    entry(name, server, "99999999999999-0", "s", "0")
    event = SystemEvent(name, url=server.url)
    with worker(event.wait) as waiter:
        server.until_blocked(1)
        event.set()
        event.clear()
        assert waiter.result() is True


def test_a_wait_rides_out_an_outage_until_its_timeout(server, name, wait_until_over):
    """False, and no exception, if the server is back when the timeout has passed."""
    event = SystemEvent(name, url=server.url)
    with worker(wait_until_over, event) as waiter:
        server.until_blocked(1)
        server.restart()
        server.until_blocked(1)
        waiter.signal(signal.SIGUSR1)
        assert waiter.result() is False


def test_a_set_event_ends_a_wait_after_an_outage(name):
    """True, if the server comes back with the event set: a wait that began in the outage, too."""
    with Server(*PERSISTENCE["append only file"], patience=PATIENT) as server:
        event = SystemEvent(name, url=server.url)
        event.set()
        server.kill()
        with workers(3, event.wait, 60) as waiters:
            server.start()
            assert [one.result() for one in waiters] == [True] * 3


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_a_wait_raises_if_the_server_is_away_at_its_deadline(server, name, timeout):
    """Refused connections: ConnectionError, in time, and not False."""
    event = SystemEvent(name, url=server.url)
    server.kill()
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=f"cannot wait for event '{name}' on redis://"):
        event.wait(timeout)
    assert timeout <= time.monotonic() - start < 30, "as long as an answer may take"


@pytest.mark.parametrize("call", ["set", "clear", "is_set"])
def test_calls_raise_while_the_server_is_away(server, name, call):
    """Nothing is asked twice, and nothing is remembered for later: ConnectionError at once."""
    event = SystemEvent(name, url=server.url)
    server.kill()
    with pytest.raises(ConnectionError, match=r"\[Errno 111\] cannot .*: Connection refused"):
        getattr(event, call)()
    server.start()
    assert not event.is_set()


@pytest.mark.parametrize("call", ["set", "clear", "is_set"])
def test_a_server_killed_in_progress(server, name, call):
    """A call whose answer the server did not live to give raises ConnectionError."""
    event = SystemEvent(name, url=server.url)
    event.is_set()
    server.stop()
    with worker(_error_of, getattr(event, call)) as caller:
        until(lambda: _is_unanswered(server), "the question has arrived")
        server.kill()
        assert caller.result() == "ConnectionError"


def _error_of(function):
    try:
        function()
    except OSError as error:
        return type(error).__name__
    return None


def _is_unanswered(server):
    """Has the server's system taken a question that the server has not read?"""
    with open("/proc/net/tcp") as file:
        lines = [line.split() for line in file.read().splitlines()[1:]]
    return any(
        fields[1].endswith(f":{server.port:04X}") and fields[3] == "01" and fields[4][9:] != "0" * 8
        for fields in lines
    )


@pytest.mark.parametrize("program", ["evt_wait", "evt_set", "evt_clear"])
def test_commands_say_so_in_one_line(server, name, run, program):
    """Exit status 2, which is neither set nor timed out, and one line on standard error."""
    server.kill()
    words = [name, "0.1"] if program == "evt_wait" else [name]
    status, output, errors = run(program, *words, env=os.environ | {"SYSTEMEVENT_URL": server.url})
    expected = f"[Errno 111] cannot open event '{name}' on {server.shown}: Connection refused"
    assert (status, output, errors) == (2, "", f"{program}: {expected}\n")


DEADLY = """
import os, signal, sys
from systemevent import _redis_session

def block_without_server(session, *words):
    os.kill(pid, signal.SIGKILL)
    _redis_session.Session.block = block
    return block(session, *words)

block = _redis_session.Session.block
_redis_session.Session.block = block_without_server
pid = int(sys.argv.pop())
sys.argv.pop(0)
exec(open(sys.argv[0]).read())
"""


def test_evt_wait_whose_server_dies(server, name, scripts):
    """A command that waits rides an outage out; without an end of it, status 2 at its timeout."""
    words = scripts / "evt_wait", name, "1", server.process.pid
    env = os.environ | {"SYSTEMEVENT_URL": server.url}
    with command(sys.executable, "-c", DEADLY, *map(str, words), env=env) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith("evt_wait: [Errno 111] cannot wait for event")
    assert errors.count("\n") == 1
