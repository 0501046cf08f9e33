"""Nothing leaks: descriptors, mappings, objects; and what is said when they run out."""

import contextlib
import gc
import os
import pickle
import resource
import sys
from mmap import PAGESIZE, PROT_READ, PROT_WRITE, mmap

import pytest
from processes import command, worker
from surroundings import descriptors, error_of, mappings, own_objects, path_of

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode


def test_opening_leaks_nothing(name):
    """40,000 times open, use and close leave no descriptor and no mapping (Poco#1033)."""
    SystemEvent(name).close()
    before = descriptors(), mappings()
    for _ in range(40_000):
        event = SystemEvent(name)
        event.is_set()
        event.close()
    assert (descriptors(), mappings()) == before


def test_dropping_leaks_nothing(event):
    """40,000 events that are dropped without close(), some in cycles, leave no mapping."""
    before = descriptors(), mappings()
    for i in range(40_000):
        other = SystemEvent(event.name)
        if i % 100 == 0:
            other.me = other  # only the garbage collector can find this one
            if i % 1000 == 0:
                gc.collect()
    del other
    gc.collect()
    assert (descriptors(), mappings()) == before


def test_creating_leaks_nothing(name):
    """5,000 times create and unlink leave no object, descriptor or mapping (Poco#2971)."""
    prefix = f"SystemEvent.{name}"
    before = descriptors(), mappings()
    for _ in range(5_000):
        with SystemEvent(name):
            assert own_objects(prefix) == [f"sem.{prefix}"]
            unlink(name)
    assert own_objects(prefix) == []
    assert (descriptors(), mappings()) == before


@pytest.mark.parametrize("exists", [False, True])
def test_open_event_costs_one_mapping(name, exists):
    """An open event holds one mapping and no descriptor; close() gives the mapping back."""
    if exists:
        SystemEvent(name).close()
    before = descriptors(), mappings()
    event = SystemEvent(name)
    assert (descriptors(), mappings()) == (before[0], before[1] + 1)
    event.close()
    event.close()
    assert (descriptors(), mappings()) == before


def test_failures_leak_nothing(event):
    """A thousand failing pickles, __init__ and bad arguments leave nothing behind."""
    closed = SystemEvent(event.name)
    closed.close()
    before = descriptors(), mappings()
    for _ in range(1000):
        assert error_of(pickle.dumps, closed)[0] == "ValueError"
        assert error_of(event.__init__, event.name)[0] == "RuntimeError"
        assert error_of(SystemEvent, event.name, "", -1)[0] == "ValueError"
        assert error_of(event.wait, "1")[0] == "TypeError"
    assert (descriptors(), mappings()) == before
    assert not event.is_set()


# ---- when they run out ------------------------------------------------------------------------


def load_all():
    """Load whatever the first creation in a process loads."""
    name = f"load.{os.getpid()}"
    SystemEvent(name).close()
    unlink(name)


def errors_while_descriptors_are_short(name):
    """What SystemEvent(name) says with no free descriptor, with one, ... until it works."""
    load_all()
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.dup(0))
    said = []
    while True:
        try:
            SystemEvent(name).close()
        except OSError as error:
            said.append(str(error))
            os.close(taken.pop())
        else:
            return said


def test_no_descriptor_left(name):
    """Without a free descriptor, EMFILE with the event's name; one is enough to create an event."""
    with worker(errors_while_descriptors_are_short, name) as process:
        assert process.result() == [
            f"[Errno 24] cannot open event {name!r}: Too many open files: {path_of(name)!r}"
        ]


def test_one_descriptor_left(name):
    """One free descriptor is enough also for the first event that an interpreter creates."""
    code = (
        "import os, resource, sys, systemevent\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "taken = []\n"
        "try:\n"
        "    while True: taken.append(os.dup(0))\n"
        "except OSError: os.close(taken[-1])\n"
        "systemevent.SystemEvent(sys.argv[1]).set()\n"
    )
    with command(sys.executable, "-c", code, name) as process:
        assert process.communicate() == ("", "")
        assert process.returncode == 0
    with SystemEvent(name) as event:
        assert event.is_set()


def errors_without_mappings(name):
    """What SystemEvent(name) says 1,000 times when the process may not map anything more."""
    load_all()
    hoard = []
    with contextlib.suppress(OSError):  # neighbours differ, so that they are not made one
        while True:
            hoard.append(mmap(-1, PAGESIZE, prot=PROT_READ | PROT_WRITE * (len(hoard) % 2)))
    before = descriptors()
    said = {error_of(SystemEvent, name) for _ in range(1000)}
    after = descriptors()
    hoard.clear()
    return said, before, after


@pytest.mark.parametrize("exists", [True, False])
def test_no_mapping_left(name, exists):
    """When the process has as many mappings as it may have: ENOMEM with the event's name."""
    if exists:
        SystemEvent(name).close()
    with worker(errors_without_mappings, name) as process:
        said, before, after = process.result()
    assert said == {
        (
            "OSError",
            f"[Errno 12] cannot open event {name!r}: Cannot allocate memory: {path_of(name)!r}",
        )
    }
    assert before == after
    assert (name in list_events()) == exists
