"""The least that a user of the server has to be allowed: exactly that suffices."""

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from processes import until, worker
from redis_server import PATIENT, no_server
from redis_topologies import Cluster, Migration
from redis_users import user_of
from surroundings import need

from systemevent import SystemEvent, _redis_waits, list_events, unlink, wait_all, wait_any
from systemevent._redis_session import Session

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

READ, WRITE = "%R~systemevent:*", "%W~systemevent:*"


def look(url):
    event = SystemEvent("a", url=url)
    assert event.is_set()
    assert repr(event).endswith(": set>")


def wait(url):
    assert SystemEvent("a", url=url).wait(0)
    assert not SystemEvent("b", url=url).wait(0.01)


def change(url):
    with SystemEvent("a", url=url) as event:
        event.clear()
        event.set()


def wait_for_several(url):
    events = [SystemEvent(name, url=url) for name in "ab"]
    assert wait_any(events, 0.01) == events[:1]
    assert not wait_all(events, 0.01)


def enumerate_names(url):
    assert list_events(url=url) == ["a"]


def remove(url):
    unlink("a", url=url)


#: What is done, and the rules that it needs.
LEAST = {
    look: [READ, "+xrevrange"],
    wait: [READ, "+xrevrange", "+xread"],
    change: [READ, WRITE, "+xrevrange", "+xadd", "+persist", "+eval"],
    wait_for_several: [READ, "+xrevrange", "+xread", "+multi", "+exec"],
    enumerate_names: ["+scan"],
    remove: [READ, WRITE, "+xrevrange", "+xadd", "+pexpire", "+eval"],
}
#: To list events, and while a slot moves.
IN_CLUSTER = "+cluster|slots", "+asking"
CASES = [(act, rule) for act, rules in LEAST.items() for rule in rules]


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch):
    """But while the server lets a wait block: who is late does not block, and need not ask to."""

    def block_and_be_late(session, command, seconds, grace):
        answer = block(session, command, seconds, grace)
        passed.append(int(seconds * 1e9) + 1)
        return answer

    passed = [1]
    block = Session.block
    monkeypatch.setattr(Session, "block", block_and_be_late)
    monkeypatch.setattr(_redis_waits, "monotonic_ns", lambda: sum(passed))
    monkeypatch.setattr(
        _redis_waits, "deadline_of", lambda time: time and sum(passed) + int(time * 1e9)
    )


@pytest.fixture(autouse=True)
def only_event(redis_server):
    """There is an event a, which is set."""
    SystemEvent("a", url=redis_server.url).set()


@pytest.mark.parametrize("act", LEAST, ids=lambda act: act.__name__)
def test_suffices(redis_server, act):
    """Who may do that, and nothing else, can do it."""
    with user_of(redis_server, *LEAST[act]) as url:
        act(url + PATIENT)


@pytest.mark.parametrize(("act", "rule"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_is_needed(redis_server, act, rule):
    """Without any one of it, that is a PermissionError."""
    rules = [one for one in LEAST[act] if one != rule]
    with user_of(redis_server, *rules) as url, pytest.raises(PermissionError, match="Errno 13"):
        act(url + PATIENT)


def test_other_keys(redis_server):
    """Who may use the events of one prefix cannot use those of another."""
    rules = [rule for rules in LEAST.values() for rule in rules]
    with user_of(redis_server, *rules) as url:
        for call in (SystemEvent, unlink):
            with pytest.raises(PermissionError):
                call("a", "other:", url=url)


def test_another_database(redis_server):
    """For another database than 0, SELECT is needed, too."""
    with user_of(redis_server, *LEAST[look], "+select") as url:
        SystemEvent("a", url=url.replace("/0", "/1"))
    with user_of(redis_server, *LEAST[look]) as url, pytest.raises(PermissionError):
        SystemEvent("a", url=url.replace("/0", "/1"))


def test_name_of_connection(redis_server):
    """For client_name, CLIENT SETNAME is needed, too."""
    with user_of(redis_server, *LEAST[look], "+client|setname") as url:
        SystemEvent("a", url=f"{url}?client_name=me")
    with user_of(redis_server, *LEAST[look]) as url, pytest.raises(PermissionError):
        SystemEvent("a", url=f"{url}?client_name=me")


def test_blocked_wait(redis_server):
    """Who may only wait is woken by who may only set."""

    def waits(url):
        assert SystemEvent("b", url=url).wait(60)

    with user_of(redis_server, *LEAST[wait]) as reader, worker(waits, reader) as waiter:
        with redis_server.client() as client:
            until(lambda: client.info("clients")["blocked_clients"], "the waiter blocks")
        with user_of(redis_server, *LEAST[change]) as writer:
            SystemEvent("b", url=writer).set()
        assert waiter.reap() == 0


@pytest.fixture(scope="module")
def cluster():
    need(no_server())
    with Cluster() as one:
        yield one


@contextlib.contextmanager
def user_of_cluster(cluster, *rules):
    """A user of all its servers: the URL."""
    with contextlib.ExitStack() as ends:
        for node in cluster.nodes:
            ends.enter_context(user_of(node, *rules, name="ann", password="secret"))
        yield cluster.url.replace("//", "//ann:secret@") + PATIENT


def test_names_in_a_cluster(cluster):
    """To list events there, who has them must be asked, too."""
    for name in "abc":
        SystemEvent(name, url=cluster.url).set()
    rules = *LEAST[enumerate_names], IN_CLUSTER[0]
    with user_of_cluster(cluster, *rules) as url:
        assert list_events(url=url) == ["a", "b", "c"]
    with (
        user_of_cluster(cluster, *LEAST[enumerate_names]) as url,
        pytest.raises(PermissionError, match="Errno 13"),
    ):
        list_events(url=url)


ACTS = {
    "is_set": lambda event: event.is_set(),
    "wait": lambda event: event.wait(0),
    "wait_async": lambda event: asyncio.run(event.wait_async(0)),
}


@pytest.mark.parametrize("act", ACTS)
def test_while_a_slot_moves(cluster, act):
    """The new home of an event answers only to who may say that he was sent there."""
    with SystemEvent("moving", url=cluster.url) as event:
        event.set()
    with user_of_cluster(cluster, *LEAST[wait]) as url:
        event = SystemEvent("moving", url=url)
        with Migration(cluster, "moving") as slot:
            slot.move_keys()
            with pytest.raises(PermissionError, match=r"to run the 'asking' command"):
                ACTS[act](event)
            with slot.target.client() as client:
                client.execute_command("ACL", "SETUSER", "ann", IN_CLUSTER[1])
            assert ACTS[act](event)


def test_documented():
    """The table in the documentation says the same."""
    pages = (Path(__file__).parent.parent / "docs").glob("*.md")
    text = "".join(page.read_text() for page in pages)
    rows = set(re.findall(r"^\| .* \| `(.*)` \|$", text, re.M))
    short = [
        " ".join(rules).replace(f"{READ} {WRITE}", "~systemevent:*") for rules in LEAST.values()
    ]
    assert rows >= set(short)
    assert all(f"`{rule}`" in text for rule in IN_CLUSTER)
