"""What a Redis server may answer instead: it loads, is full, is busy, throws clients out."""

import os
import threading

import pytest
from processes import DEADLINE, until, worker
from redis_server import PATIENT, VOLATILE, Server, no_server
from surroundings import need

from systemevent import SystemEvent

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

CALLS = "set", "clear", "is_set"


@pytest.fixture(autouse=True)
def possible():
    need(no_server())


@pytest.fixture
def server():
    """A server of this test."""
    with Server(*VOLATILE, "--enable-debug-command", "local") as one:
        yield one


@pytest.fixture
def event(server, name):
    """The event."""
    return SystemEvent(name, url=server.url + PATIENT)


@pytest.fixture
def client(server):
    """A client to do harm with."""
    with server.client() as one:
        yield one


def blocked_ids(client):
    return [one["id"] for one in client.client_list() if "b" in one["flags"]]


def test_a_client_that_is_killed_waits_on(server, event, client):
    """CLIENT KILL: the wait connects again."""
    with worker(event.wait) as waiter:
        server.until_blocked(1)
        (killed,) = blocked_ids(client)
        client.client_kill_filter(_id=killed)
        until(lambda: blocked_ids(client) not in ([], [killed]), "it blocks again")
        event.set()
        assert waiter.result() is True


@pytest.mark.parametrize("how", ["TIMEOUT", "ERROR"])
def test_a_client_that_is_unblocked_waits_on(server, event, client, how):
    """CLIENT UNBLOCK, which looks like a time-out or is an error, is neither to the wait."""
    with worker(event.wait, 60) as waiter:
        server.until_blocked(1)
        for _ in range(3):
            before = _looks(client)
            client.execute_command("CLIENT", "UNBLOCK", *blocked_ids(client), how)
            until(lambda before=before: _looks(client) > before, "the wait has looked")
            server.until_blocked(1)
        assert not waiter.has_answered()
        event.set()
        assert waiter.result() is True


def _looks(client):
    return client.info("commandstats")["cmdstat_xrevrange"]["calls"]


def test_a_server_that_pauses(server, event, client, monkeypatch):
    """CLIENT PAUSE: calls raise TimeoutError, a wait sleeps through it."""
    with worker(event.wait) as waiter:
        server.until_blocked(1)
        client.client_pause(60_000, all=False)  # all that write
        with monkeypatch.context() as hurry:
            hurry.setattr(event._server, "answer", 1.0)
            with pytest.raises(TimeoutError):
                event.set()
        client.client_unpause()
        event.set()
        assert waiter.result() is True


def test_a_server_without_memory(server, event, client):
    """OOM: set() raises OSError (ENOMEM); what needs no memory goes on."""
    client.config_set("maxmemory", 1)
    with pytest.raises(OSError, match=r"\[Errno 12\] cannot set .*'maxmemory'"):
        event.set()
    assert (event.is_set(), event.wait(0)) == (False, False)
    event.clear()
    client.config_set("maxmemory", 0)
    event.set()
    client.config_set("maxmemory", 1)
    with pytest.raises(OSError, match=r"\[Errno 12\] cannot clear"):
        event.clear()
    assert event.is_set()


def test_a_server_that_cannot_save(server, event, client):
    """MISCONF: set() and clear() raise OSError (EIO), as nothing would be kept; reads go on."""
    client.config_set("save", "3600 1")
    (server.folder / "dump.rdb").mkdir()
    client.bgsave()
    until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "it has failed")
    for call in (event.set, event.clear):
        with pytest.raises(OSError, match=r"\[Errno 5\] cannot (set|clear) .*Redis is configured"):
            call()
    assert (event.is_set(), event.wait(0)) == (False, False)


def test_a_server_that_wants_replicas(server, event, client):
    """NOREPLICAS: set() and clear() raise ConnectionError; reads go on."""
    client.config_set("min-replicas-to-write", 1)
    for call in (event.set, event.clear):
        with pytest.raises(ConnectionError, match="NOREPLICAS"):
            call()
    assert (event.is_set(), event.wait(0)) == (False, False)


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_full(server, event, client, name, call):
    """Too many clients: ConnectionError; a wait rides it out."""
    client.ping()
    event._server._idle.clear()
    client.config_set("maxclients", 1)
    with pytest.raises(ConnectionError):
        getattr(event, call)()
    with pytest.raises(ConnectionError):
        SystemEvent(name, url=server.url)
    with worker(event.wait) as waiter:
        until(lambda: client.info("stats")["rejected_connections"] > 4, "the wait was refused")
        client.config_set("maxclients", 100)
        event.set()
        assert waiter.result() is True


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_busy(server, event, client, call):
    """A script of somebody else's that does not end: BUSY, or no answer; a wait rides it out."""
    client.config_set("busy-reply-threshold", 1)
    script = threading.Thread(target=_run_for_ever, args=(server,))
    script.start()
    try:
        until(lambda: _error_of(client.ping), "the script runs")
        with pytest.raises(ConnectionError, match="BUSY"):
            getattr(event, call)()
        with pytest.raises(ConnectionError, match="BUSY"):
            event.wait(0.1)
    finally:
        client.script_kill()
        script.join()
    assert event.is_set() is False
    event.set()
    assert event.wait(0)


def _run_for_ever(server):
    with server.client() as client:
        assert "Script killed" in _error_of(client.eval, "while true do end", 0)


def _error_of(function, *args):
    try:
        function(*args)
    except Exception as error:
        return str(error)
    return ""


def test_a_server_that_loads(server, name, client):
    """LOADING: calls raise ConnectionError, a wait rides it out."""
    event = SystemEvent(name, url=server.url + PATIENT)
    event.set()
    event.clear()
    for i in range(300):
        client.set(f"more.{i}", os.urandom(1000))  # compressed, it would answer rarely
    client.save()
    server.kill()
    server.options += [
        "--key-load-delay",
        "50000",
        "--loading-process-events-interval-bytes",
        "1024",
    ]
    server.launch()
    until(lambda: "loading the dataset" in _refusal_of(event), "it loads")
    with worker(event.wait) as waiter:
        client.config_set("key-load-delay", 0)
        until(lambda: not _refusal_of(event), "it has loaded")
        server.until_blocked(1)
        event.set()
        assert waiter.result() is True


def _refusal_of(event):
    try:
        event.is_set()
    except ConnectionError as error:
        return str(error)
    return ""


def test_a_password_that_has_changed(server, event, client):
    """NOAUTH is no outage: PermissionError, also from a wait that has to connect again."""
    with worker(_error_of, event.wait) as waiter:
        server.until_blocked(1)
        client.config_set("requirepass", "secret")
        client.client_kill_filter(_id=blocked_ids(client)[0])
        assert "[Errno 13] cannot wait for event" in waiter.result()
    event._server._idle.clear()
    with pytest.raises(PermissionError):
        event.set()


def test_rules_that_forbid(server, name, client):
    """NOPERM: PermissionError, without the password in it."""
    client.execute_command(
        "ACL", "SETUSER", "guest", "on", ">hidden", "~*", "+xrevrange", "+select"
    )
    url = server.url.replace("//", "//guest:hidden@")
    event = SystemEvent(name, url=url)
    with pytest.raises(PermissionError) as caught:
        event.set()
    assert "hidden" not in str(caught.value)
    with pytest.raises(PermissionError):
        event.wait(60)
    assert not event.is_set()


def test_a_key_that_is_something_else(server, event, name, client):
    """A wait whose key is overwritten raises ValueError, and does not ask for ever."""
    with worker(_error_of, event.wait, 60) as waiter:
        server.until_blocked(1)
        client.set(f"systemevent:{name}", "text")
        client.client_kill_filter(_id=blocked_ids(client)[0])
        assert waiter.result().endswith("its key holds something else, which is no event")


def test_who_is_no_redis_server(name):
    """A port where another protocol is spoken: OSError, and no hang."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as web:
        thread = threading.Thread(target=web.handle_request, daemon=True)
        thread.start()
        with pytest.raises(OSError, match=f"cannot open event '{name}'"):
            SystemEvent(name, url=f"redis://127.0.0.1:{web.server_port}/0?socket_timeout=2")
        thread.join(DEADLINE)  # it closes its connection, which a later test might count
