"""Threads that use events of one Redis server, at once."""

import os
import threading

import pytest
from processes import until
from redis_server import PATIENT, VOLATILE, Server, no_server, waits_of
from surroundings import need

from systemevent import SystemEvent, wait_any

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(scope="module")
def server():
    need(no_server())
    with Server(*VOLATILE, patience=PATIENT) as one:
        yield one


def test_events_that_threads_have_opened_at_once(server, new_name):
    """Two threads that meet a URL for the first time: it is one server, also to wait_any."""
    one = SystemEvent(new_name(), url=server.url)
    type(one._server)._known.pop(server.url)  # as if the other thread had not seen it there
    other = SystemEvent(new_name(), url=server.url)
    assert one._server is not other._server
    assert wait_any([one, other], 0) == []


def test_the_waits_of_threads(server, name):
    """Each thread has a connection of its own, and one set() releases all."""
    event = SystemEvent(name, url=server.url)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(event.wait())) for _ in range(5)]
    for one in threads:
        one.start()
    until(lambda: waits_of(os.getpid(), server) == 5, "all block")
    event.set()
    for one in threads:
        one.join()
    assert answers == [True] * 5
