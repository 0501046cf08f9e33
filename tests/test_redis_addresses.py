"""Other ways to a Redis server than TCP: a socket in the file system, and TLS."""

import subprocess

import pytest
from processes import worker
from redis_server import PATIENT, VOLATILE, Server, free_port, no_server
from surroundings import error_of, need

from systemevent import SystemEvent, list_events

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(autouse=True)
def possible():
    need(no_server())


def check(server, event):
    """Everything works there: a pulse releases who waits."""
    with worker(event.wait) as waiter:
        server.until_blocked(1)
        event.set()
        event.clear()
        assert waiter.result() is True
    assert (event.is_set(), event.wait(0.01)) == (False, False)


def test_a_socket_in_the_file_system(name, tmp_path):
    """unix:///path, with options; and the system's word for it if nobody listens there."""
    path = tmp_path / "socket"
    url = f"unix://{path}"
    with Server(*VOLATILE, "--unixsocket", path) as server:
        event = SystemEvent(name, url=url + PATIENT)
        check(server, event)
        assert repr(event) == f"<SystemEvent '{name}' on {url}: unset>"
        assert list_events(url=url) == [name]
        assert list_events(url=f"{url}?db=1") == []
    # In a process of its own: redis-py 5.0 leaves a socket behind, for the collector to complain.
    with worker(error_of, event.set) as caller:
        kind, text = caller.result()
    assert kind in ("ConnectionError", "ConnectionRefusedError", "FileNotFoundError")
    assert f"cannot set event '{name}' on {url}: " in text


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1, and its key."""
    files = tmp_path / "certificate", tmp_path / "key"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
    subprocess.run(words, check=True, capture_output=True)
    return files


def test_tls(name, certificate):
    """rediss:// with the server's certificate; a wait rides out a restart of the server."""
    public, key = certificate
    tls = ["--tls-cert-file", public, "--tls-key-file", key, "--tls-auth-clients", "no"]
    port = free_port()
    with Server(*VOLATILE, "--tls-port", port, *tls) as server:
        url = f"rediss://127.0.0.1:{port}"
        event = SystemEvent(name, url=f"{url}{PATIENT}&ssl_ca_certs={public}")
        check(server, event)
        with worker(event.wait) as waiter:
            server.until_blocked(1)
            server.restart()
            server.until_blocked(1)
            event.set()
            assert waiter.result() is True
        with pytest.raises(ConnectionError, match=f"cannot open event '{name}' on {url}: "):
            SystemEvent(name, url=url)


def test_a_cluster_that_is_a_server(redis_server, name):
    """It has all events: they can be listed there, too."""
    url = f"redis+cluster://{redis_server.host}:{redis_server.port}"
    with SystemEvent(name, url=url) as event:
        event.set()
        assert name in list_events(url=url)
        event.clear()
