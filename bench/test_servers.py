"""Contenders on a Redis server: it is theirs alone, and knows who is asleep; it ends with them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from surroundings import need

from bench import servers
from bench.contenders import BARE_SOCKET, ON_REDIS, OURS, PUB_SUB, Contender, chosen
from bench.peers import Place
from bench.redis_peers import OnRedis
from bench.rounds import alternate, gathered
from bench.servers import Server, no_server
from bench.teams import Team, Workshop

ALL = [ON_REDIS, PUB_SUB, BARE_SOCKET]


@pytest.fixture
def _has_server():
    need(no_server())


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


def exists(pid):
    return Path(f"/proc/{pid}").exists()


@pytest.mark.usefixtures("_has_server")
def test_a_server_ends_with_its_last_event(tmp_path):
    """All events of a class share one; nothing stays."""
    first, second = (OnRedis(Place(name, tmp_path, 1, 0, None)) for name in ("one", "two"))
    pid = first.server.pid
    assert second.server is first.server
    first.close()
    assert exists(pid)
    second.close()
    assert not exists(pid)


@pytest.mark.usefixtures("_has_server")
@pytest.mark.parametrize("contender", ALL, ids=lambda each: each.title)
def test_who_is_asleep_is_known_to_the_server(contender, workshop):
    """enter() returns when the server has all waiters, and it has nobody else."""
    team = Team(contender, 3, workshop)
    try:
        for _ in range(2):
            team.enter()
            assert team.events[0].asleep() == 3
            team.fire()
    finally:
        team.end()


def test_nobody_is_let_go_before_the_server_says_so(workshop):
    """Asleep in the kernel is not enough."""
    said = iter([0, 0, 1, 2, 2, 3])

    class Slow:
        def __init__(self, place):
            self._event = OURS.make(place)
            self.set, self.wait, self.clear = (
                getattr(self._event, name) for name in ("set", "wait", "clear")
            )

        def asleep(self):
            return next(said)

    team = Team(Contender("slow", Slow), 3, workshop)
    try:
        team.enter()
        assert list(said) == []
    finally:
        team.end()


@pytest.mark.usefixtures("_has_server")
def test_a_server_that_dies_fails_its_contender_alone(workshop):
    """The reason is listed."""
    skipped = {}
    with gathered([ON_REDIS, OURS], 1, workshop, skipped) as teams:
        os.kill(teams[0].events[0].server.pid, signal.SIGKILL)
        found = alternate(teams, 3, 0.001, skipped)
    assert {title: len(rows) for title, rows in found.items()} == {OURS.title: 3}
    assert list(skipped) == [ON_REDIS.title]


def test_events_of_this_machine_are_of_this_machine():
    """Whatever the environment says about events: no server is asked."""
    code = "import systemevent, bench.contenders as c; print(c.unlinked(systemevent.SystemEvent))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"SYSTEMEVENT_URL": "redis://127.0.0.1:1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert said.stdout.startswith("<SystemEvent 'bench.")


def test_without_a_server_they_are_listed(monkeypatch):
    """By name, with the reason; the others are measured."""
    monkeypatch.setenv("PATH", "/no/such/folder")
    skipped = {}
    titles = [each.title for each in chosen(None, skipped)]
    assert [skipped[each.title] for each in ALL] == ["no redis-server"] * 3
    assert OURS.title in titles


@pytest.mark.usefixtures("_has_server")
def test_without_redis_py_they_are_listed(monkeypatch):
    """The same."""
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)
    skipped = {}
    chosen(None, skipped)
    assert [skipped[each.title] for each in ALL] == ["redis-py is not installed"] * 3


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    """The last line of its log; no process stays."""
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho no memory at all\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(OSError, match="no redis-server: .*; no memory at all$"):
        Server.shared("a server", tmp_path)
    assert ("a server", tmp_path) not in Server._running
