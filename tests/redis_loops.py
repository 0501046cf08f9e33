"""Event loops that wait for events on a Redis server, for the tests of wait_async there."""

import contextlib
import gc
import os

from loops import LOOPS, run, until
from processes import until as until_in_test
from redis_server import ports_of

from systemevent import SystemEvent


@contextlib.contextmanager
def events_on(server, monkeypatch):
    """Events are on that server; nobody is left blocking there."""
    monkeypatch.setenv("SYSTEMEVENT_URL", server.url)
    yield server
    gc.collect()
    until_in_test(lambda: not server.blocked_ports(), "nobody blocks")


def runner(loop):
    """A function that runs a coroutine function in such a loop; no connection is left behind."""

    def run_it(function, *args):
        before = ports_of(os.getpid())
        result = run(LOOPS[loop], function, *args)
        SystemEvent("warm").is_set()
        gc.collect()  # clients of redis-py before 6 leave this to the collector
        assert len(ports_of(os.getpid()) - before) <= 1  # is_set()'s
        return result

    return run_it


async def blocked(server, count):
    """Go on when so many XREADs block."""
    await until(lambda: len(server.blocked_ports()) == count, f"{count} block")


def pulse(*events):
    """set() and clear() at once, of each."""
    for event in events:
        event.set()
        event.clear()
