"""CPython's own tests of threading.Event and multiprocessing.Event, run on SystemEvent."""

import importlib
import multiprocessing
import os
import time
import types
import unittest

import pytest
from processes import DEADLINE, is_asleep, until, until_asleep

from systemevent import SystemEvent, unlink

# What CPython's tests look at that SystemEvent has no equal of: the lock inside (a fork needs no
# repair here), and the text of repr.
NOT_OURS = {"test_at_fork_reinit", "test_reset_internal_locks", "test_repr"}
WAITERS = 5  # the threads that each of CPython's tests starts


def cpythons(module):
    """The module of CPython's test suite, which some distributions do not install."""
    try:
        return importlib.import_module(f"test.{module}")
    except ImportError as error:
        pytest.skip(f"this interpreter comes without test.{module}: {error}")


def run(case, test):
    """Run one test of a unittest.TestCase; fail as it fails."""
    result = unittest.TestResult()
    case(test).run(result)
    assert result.testsRun == 1
    assert not result.skipped
    assert result.wasSuccessful(), "\n".join(text for _, text in result.errors + result.failures)


def until_threads_sleep(seconds):
    """time.sleep() for CPython's tests: where they hope that all waiters wait, see to it."""
    if seconds <= 0.01:  # the pause of a polling loop
        time.sleep(seconds)
        return
    until(lambda: threads_asleep() == WAITERS, f"{WAITERS} threads wait for an event")


class Patient(SystemEvent):
    """For waits that are released in time, if not all stand still: Python 3.10's have a second."""

    def wait(self, timeout):
        return super().wait(timeout and DEADLINE)


def threads_asleep():
    """So many threads of this process wait for an event."""
    return sum(is_asleep(os.getpid(), int(tid)) for tid in os.listdir("/proc/self/task"))


@pytest.fixture
def unnamed_event(new_name):
    """A function that makes an event whose name is free again at once."""

    def make(kind=SystemEvent):
        name = new_name("cpython")
        event = kind(name)
        unlink(name)
        return event

    return make


def assert_timeout(case, actual, expected):
    """CPython's assertTimeout, which allows some to be early, and none to be ten times as late as
    it should: here none is early, and a machine that stands still may take its time."""
    assert expected <= actual < DEADLINE


@pytest.mark.parametrize("test", ["is_set", "notify", "timeout", "set_and_clear"])
def test_event_tests_of_threading(test, unnamed_event, monkeypatch):
    """SystemEvent passes CPython's test.lock_tests.EventTests."""
    tests = cpythons("lock_tests")
    clock = types.SimpleNamespace(sleep=until_threads_sleep, monotonic=time.monotonic)
    monkeypatch.setattr(tests, "time", clock)
    kind = Patient if test == "set_and_clear" else SystemEvent
    own = {"eventtype": lambda case: unnamed_event(kind), "assertTimeout": assert_timeout}
    run(type("Case", (tests.EventTests,), own), f"test_{test}")


@pytest.mark.one_mode
def test_no_event_test_of_threading_is_missing():
    """The tests above are all that CPython has, but for the inner lock and the text of repr."""
    ours = next(
        mark for mark in test_event_tests_of_threading.pytestmark if mark.name == "parametrize"
    )
    theirs = unittest.TestLoader().getTestCaseNames(cpythons("lock_tests").EventTests)
    assert set(theirs) - NOT_OURS == {f"test_{test}" for test in ours.args[1]}


def test_event_test_of_multiprocessing(unnamed_event):
    """SystemEvent passes CPython's test.test_multiprocessing's _TestEvent.test_event."""
    tests = cpythons("_test_multiprocessing")
    environment = {
        "TYPE": "processes",
        "Event": staticmethod(unnamed_event),
        "Process": staticmethod(multiprocessing.get_context("fork").Process),
    }
    run(type("Case", (tests._TestEvent, unittest.TestCase), environment), "test_event")


def test_the_methods_of_an_event_are_process_targets(context, event):
    """As with multiprocessing.Event, a process may be just a call of wait() or set()."""
    waiter, setter = context.Process(target=event.wait), context.Process(target=event.set)
    try:
        waiter.start()
        until_asleep(waiter.pid)
        setter.start()
        for process in (waiter, setter):
            process.join(DEADLINE)
            assert process.exitcode == 0
        assert event.is_set() is True
    finally:
        event.set()
