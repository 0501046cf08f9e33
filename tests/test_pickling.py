"""An event goes to other processes by name: as an argument, through pipes, in files, as a copy."""

import concurrent.futures
import copy
import os
import pickle
import stat
import sys

import pytest
from processes import DEADLINE, command, until_asleep
from surroundings import path_of

from systemevent import SystemEvent, unlink

pytestmark = pytest.mark.anywhere

one_mode = pytest.mark.one_mode


class Derived(SystemEvent):
    """A subclass, found by pickle."""


@one_mode
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [SystemEvent, Derived])
def test_round_trip(name, protocol, kind, sleeping_mode):
    """What is unpickled is the same event, of the same class, whatever the pickle protocol."""
    with kind(name) as event, pickle.loads(pickle.dumps(event, protocol)) as other:
        assert type(other) is type(event)
        assert isinstance(other, kind)
        assert other.name == event.name
        assert sleeping_mode == "redis" or other.inode == event.inode
        event.set()
        assert other.is_set()


@one_mode
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy(event, duplicate):
    """A copy is the same event, open a second time: closing one leaves the other open."""
    other = duplicate(event)
    other.set()
    other.close()
    assert event.is_set()


@pytest.mark.here
@one_mode
def test_prefix_and_mode_travel(name):
    """Prefix and mode are pickled too: a receiver that has to create the event makes it so."""
    with SystemEvent(name[1:], "SystemEvent." + name[0], 0o640) as event:
        data = pickle.dumps(event)
    unlink(name)
    with pickle.loads(data) as event:
        assert event.name == name[1:]
    assert stat.S_IMODE(os.stat(path_of(name)).st_mode) == 0o640


def wait_and_reply(request, reply):
    """Wait for one event, then set the other."""
    if request.wait(DEADLINE):
        reply.set()


def test_argument(context, new_name):
    """An event is an argument for a process under every start method (gh-89461, gh-77377)."""
    with SystemEvent(new_name()) as request, SystemEvent(new_name()) as reply:
        process = context.Process(target=wait_and_reply, args=(request, reply))
        process.start()
        try:
            until_asleep(process.pid)
            assert not reply.is_set()
            request.set()
            assert reply.wait(DEADLINE)
        finally:
            request.set()
            process.join()
        assert process.exitcode == 0
        process.close()


def receive_and_set(connection):
    """Set each event that comes through the pipe."""
    with connection:
        while event := connection.recv():
            event.set()
            event.close()
            connection.send("done")


@one_mode
def test_pipe(context, new_name):
    """An event can be sent to a process that runs already, unlike multiprocessing's (gh-125738)."""
    ours, theirs = context.Pipe()
    process = context.Process(target=receive_and_set, args=(theirs,))
    process.start()
    theirs.close()
    with ours:
        for _ in range(3):
            with SystemEvent(new_name()) as event:
                ours.send(event)
                assert ours.recv() == "done"
                assert event.is_set()
        ours.send(None)
        process.join()
    assert process.exitcode == 0
    process.close()


@one_mode
def test_executor(context, event):
    """An event is an argument and a result of a task in a pool of processes."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        other = pool.submit(copy.copy, event).result()
    with other:
        other.set()
    assert event.is_set()


@one_mode
def test_unrelated_programs(event, tmp_path):
    """A pickle in a file is the same event in a program that is no relative."""
    file = tmp_path / "event.pickle"
    file.write_bytes(pickle.dumps(event))
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb')).set()"
    with command(sys.executable, "-c", code, file) as process:
        assert process.communicate(timeout=DEADLINE) == ("", "")
    assert event.is_set()
