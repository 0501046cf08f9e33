"""What goes wrong with a server: builtin exceptions, in one clear line, and no secret in them."""

import asyncio
import contextlib
import importlib
import os
import re
import resource
import sys

import pytest
import redis
from processes import DEADLINE, command, worker
from redis_server import PATIENT, VOLATILE, Server
from redis_troubles import LOGIN, SECRET, TROUBLES
from redis_users import told_by, url_of, user_of
from surroundings import error_of

from systemevent import SystemEvent, list_events, unlink, wait_all, wait_any

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

CALLS = {
    "cannot open event 'a'": lambda url: SystemEvent("a", url=url),
    "cannot unlink event 'a'": lambda url: unlink("a", url=url),
    "cannot list the events": lambda url: list_events(url=url),
}


@pytest.fixture(params=TROUBLES)
def trouble(redis_server, request):
    """Each trouble: the URL, the exception, and what it says."""
    with TROUBLES[request.param](redis_server) as trouble:
        yield trouble


def test_troubles(trouble):
    """Every call raises the builtin exception, which names event and server; redis-py's caused it.

    Nothing in it shows the password, or what else stands in the URL before and behind the server.
    """
    url, kind, words = trouble
    shown = url.replace(LOGIN, "").partition("?")[0].replace(f"nobody:{SECRET}@", "")
    for start, call in CALLS.items():
        with pytest.raises(kind) as caught:
            call(url)
        error = caught.value
        assert type(error) is kind
        assert re.fullmatch(words, str(error)), error
        assert f"{start} on {shown}: " in str(error)
        assert isinstance(error.__cause__, redis.RedisError)
        assert SECRET not in told_by(error)
        assert "\n" not in str(error)


def later_calls(url):
    """What is called on events that are open."""
    events = [SystemEvent(name, url=url) for name in "ab"]
    return {
        "cannot set event 'a'": events[0].set,
        "cannot clear event 'a'": events[0].clear,
        "cannot test event 'a'": events[0].is_set,
        "cannot wait for event 'a'": lambda: events[0].wait(0.01),
        "cannot wait for event 'a' and 'b'": lambda: wait_any(events, 0.01),
        "cannot wait for event 'b' and 'a'": lambda: wait_all(events[::-1], 0.01),
    }


def test_later(redis_server):
    """So does every call on an event that is open; and repr() says something, and no secret."""
    with user_of(redis_server, "~*", "+@all", name="ann", password=SECRET) as url:
        calls = later_calls(url + PATIENT)
        event = SystemEvent("c", url=url)
    for start, call in calls.items():
        with pytest.raises(PermissionError, match=re.escape(f"[Errno 13] {start} on ")) as caught:
            call()
        assert SECRET not in told_by(caught.value)
    assert SECRET not in repr(event)


def test_an_answer_that_repeats_the_password(name):
    """Nor does a wait show it, in asyncio either, if a server comes back that knows no logins."""
    with Server(*VOLATILE) as server, user_of(server, "~*", "+@all", name="ann", password=SECRET):
        event = SystemEvent(name, url=url_of(server, "ann", SECRET))
        server.kill()
        server.options += ["--rename-command", "AUTH", ""]
        server.start()
        for call in (event.wait, lambda: asyncio.run(event.wait_async())):
            with pytest.raises(OSError, match="unknown command 'AUTH'$") as caught:
                call()
            assert SECRET not in told_by(caught.value)
            assert "unknown command 'AUTH'" in told_by(caught.value.__cause__)


def _outcomes_without_descriptors(event):
    """What calls say in a process that can open nothing more; wait() and wait_async() end, too."""
    event._server._idle.clear()
    loop = asyncio.new_event_loop()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, most))
    files = []
    with contextlib.suppress(OSError):
        while True:
            files.append(os.dup(0))
    calls = (
        *(event.set, event.is_set, event.wait, lambda: wait_any([event])),
        lambda: loop.run_until_complete(event.wait_async()),
    )
    outcomes = [error_of(call) for call in calls]
    for file in files:
        os.close(file)
    loop.close()
    return outcomes


def test_without_descriptors(redis_server, name):
    """A process that has none left is told so at once, by waits, too: no server is away."""
    importlib.import_module("systemevent._redis_aio")  # needs one
    event = SystemEvent(name, url=redis_server.url)
    with worker(_outcomes_without_descriptors, event) as process:
        outcomes = process.result()
    assert [kind for kind, _ in outcomes] == ["OSError"] * 5
    for _, words in outcomes:
        assert re.fullmatch(r"\[Errno 24\] cannot .*: Too many open files", words)


def make_string(client, key):
    client.set(key, "text")


def make_list(client, key):
    client.lpush(key, "1", "2")


def make_foreign_stream(client, key):
    client.xadd(key, {"field": "value"})


def make_stream_of_other_values(client, key):
    client.xadd(key, {"s": "2"})


def make_stream_of_two_fields(client, key):
    client.xadd(key, {"s": "1", "t": "1"})


def make_long_stream(client, key):
    client.xadd(key, {"s": "0"})
    client.xadd(key, {"s": "1"})


@pytest.mark.parametrize(
    "make",
    [
        *(make_string, make_list, make_foreign_stream, make_stream_of_other_values),
        *(make_stream_of_two_fields, make_long_stream),
    ],
)
def test_wrong_type(redis_server, make):
    """What is no event is a ValueError for every call, and stays as it was."""
    calls = later_calls(redis_server.url)
    calls |= {start: lambda call=call: call(redis_server.url) for start, call in CALLS.items()}
    del calls["cannot list the events"]
    with redis_server.client() as client:
        make(client, "systemevent:a")
        before = client.dump("systemevent:a")
        for start, call in calls.items():
            message = (
                f"{start} on {redis_server.shown}: its key holds something else, which is no event"
            )
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                call()
        assert client.dump("systemevent:a") == before
        client.delete("systemevent:a")


def test_cause_of_wrong_password(redis_server):
    """redis-py's own exception is there for who wants it."""
    with (
        TROUBLES["wrong_password"](redis_server) as (url, _, _),
        pytest.raises(PermissionError) as caught,
    ):
        SystemEvent("a", url=url)
    assert isinstance(caught.value.__cause__, redis.AuthenticationError)


WITHOUT = """
import sys
sys.modules["redis"] = None  # as if it were not installed
from systemevent import SystemEvent, list_events, unlink
calls = (SystemEvent, unlink, lambda name, url: list_events(url=url))
for call in calls:
    try:
        call("a", url=sys.argv[1])
    except ImportError as error:
        print(error)
"""


def test_without_redis_py():
    """Without redis-py, it is an ImportError that says what to install."""
    with command(sys.executable, "-c", WITHOUT, f"redis://{LOGIN}127.0.0.1:1") as process:
        output, errors = process.communicate(timeout=DEADLINE)
    message = "events on a server need redis-py: pip install 'SystemEvent[redis]'\n"
    assert (process.returncode, output, errors) == (0, 3 * message, "")
