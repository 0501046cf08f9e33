"""wait_async() by every kind of URL: the same addresses as wait(), found without blocking."""

import asyncio
import contextlib
import gc
import os
import shutil
import subprocess

import pytest
from loops import LOOPS, begin, run, until
from processes import until as until_in_test
from redis.asyncio import connection as of_asyncio
from redis_server import PATIENT, VOLATILE, Server, free_port, ports_of
from redis_users import url_of

from systemevent import SystemEvent

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(params=LOOPS)
def new_loop(request):
    """A function that makes an event loop."""
    return LOOPS[request.param]


def released(new_loop, url, server, name):
    """A wait blocks on that server until a pulse; nothing stays open."""

    def is_blocked():
        with server.client() as client:
            return any("b" in one["flags"] for one in client.client_list())

    async def main():
        with SystemEvent(name, prefix="{async}", url=url) as event:
            assert await event.wait_async(0.01) is False
            tasks = await begin(event.wait_async(), event.wait_async(60))
            await until(is_blocked, "it blocks")
            event.set()
            event.clear()
            assert await asyncio.gather(*tasks) == [True, True]

    before = ports_of(os.getpid())
    run(new_loop, main)
    gc.collect()  # the event, and with it what it has kept
    assert ports_of(os.getpid()) <= before


def test_unix_socket(new_loop, new_name, tmp_path):
    """The socket of a server on this machine."""
    path = tmp_path / "redis"
    with Server(*VOLATILE, "--unixsocket", path) as server:
        released(new_loop, f"unix://{path}{PATIENT}&db=1", server, new_name())


def test_password(new_loop, new_name, redis_server):
    """A user with a password, and a database; a wrong password is PermissionError."""
    with redis_server.client() as client:
        client.acl_setuser("asy", enabled=True, passwords="+p@ss", keys="*", commands=["+@all"])
    try:
        url = url_of(redis_server, "asy", "p@ss", f"/3{PATIENT}")
        released(new_loop, url, redis_server, new_name())
        with SystemEvent(new_name(), url=url) as event, redis_server.client() as client:
            client.acl_setuser("asy", passwords=["-p@ss", "+other"])
            with pytest.raises(PermissionError, match="cannot wait for event"):
                run(new_loop, event.wait_async)
    finally:
        with redis_server.client() as client:
            client.acl_deluser("asy")


class OlderConnection(of_asyncio.SSLConnection):
    """As redis-py had it before 7.2."""

    def __init__(self, ssl_ca_certs=None, ssl_check_hostname=False, **options):
        if "ssl_password" in options:
            raise TypeError("an unexpected keyword argument 'ssl_password'")
        words = {"ssl_ca_certs": ssl_ca_certs, "ssl_check_hostname": ssl_check_hostname}
        super().__init__(**words, **options)


@pytest.mark.parametrize("kind", [of_asyncio.SSLConnection, OlderConnection])
def test_tls(new_loop, new_name, tmp_path, monkeypatch, kind):
    """TLS, with a certificate that is checked."""
    monkeypatch.setattr(of_asyncio, "SSLConnection", kind)
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, certificate, port = tmp_path / "key", tmp_path / "certificate", free_port()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    words = ["--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key]
    with Server(*VOLATILE, *words, "--tls-auth-clients", "no") as server:
        url = f"rediss://127.0.0.1:{port}/0{PATIENT}&ssl_ca_certs={certificate}"
        released(new_loop, url, server, new_name())


def test_sentinel(new_loop, new_name, tmp_path):
    """The master that a Sentinel names; the first Sentinel is away."""
    with Server(*VOLATILE) as server:
        path = tmp_path / "sentinel.conf"
        path.write_text(f"sentinel monitor jobs 127.0.0.1 {server.port} 1\n")
        sentinel = Server(program="redis-sentinel")
        sentinel.options = []
        port, away = sentinel.port, free_port()
        words = ["redis-sentinel", str(path), "--port", str(port), "--bind", "127.0.0.1"]
        sentinel.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        with contextlib.ExitStack() as stack:
            stack.callback(sentinel.__exit__)
            until_in_test(sentinel._answers, "the Sentinel answers")
            url = f"redis+sentinel://127.0.0.1:{away},127.0.0.1:{port}/jobs/0{PATIENT}"
            released(new_loop, url, server, new_name())


def test_cluster(new_loop, new_name):
    """The node of a cluster that has the event, when another one was asked."""
    with contextlib.ExitStack() as stack:
        options = [*VOLATILE, "--cluster-enabled", "yes", "--cluster-node-timeout", "60000"]
        empty, full = (
            stack.enter_context(Server(*options, "--cluster-port", free_port())) for _ in range(2)
        )
        with full.client() as client, empty.client() as other:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", empty.port, empty.options[-1])
            until_in_test(
                lambda: all(
                    (
                        each.cluster("INFO")["cluster_state"] == "ok"
                        and each.cluster("INFO")["cluster_known_nodes"] == "2"
                    )
                    for each in (client, other)
                ),
                "the cluster is there",
            )
        url = f"redis+cluster://127.0.0.1:{empty.port}{PATIENT}"
        released(new_loop, url, full, new_name())
