"""Fixtures: the two sleeping modes, event names that are tidied up, the C peer."""

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import pytest
from harness.requirements import no_injection
from processes import DEADLINE, command
from surroundings import need

from systemevent import SystemEvent, unlink
from systemevent import _word as word

HERE = Path(__file__).parent
MODES = ("futex_waitv", "futex_wait")
_counter = itertools.count()


def _semaphores():
    return {name for name in os.listdir("/dev/shm") if name.startswith("sem.")}


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """The run fails if it leaves objects behind; on a CI machine, of whatever name."""
    before = _semaphores()
    yield
    left = {name for name in _semaphores() - before if f".{os.getpid()}." in name}
    assert left == set()


def pytest_sessionstart(session):
    # Ignored in background jobs of scripts, and inherited by all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    session.config.semaphores_before = _semaphores()


def pytest_sessionfinish(session):
    if os.environ.get("CI") and not hasattr(session.config, "workerinput"):
        left = _semaphores() - session.config.semaphores_before
        if left:
            print("\nleft behind in /dev/shm:", *sorted(left))
            session.exitstatus = 1


def pytest_generate_tests(metafunc):
    """Every test runs in each sleeping mode that this kernel has; one_mode tests in the first."""
    modes = MODES if word.sleeps_on_both_halves() else MODES[1:]
    if metafunc.definition.get_closest_marker("one_mode"):
        modes = modes[:1]
    metafunc.parametrize("sleeping_mode", modes, indirect=True)


@pytest.fixture(autouse=True)
def sleeping_mode(request, monkeypatch):
    """The sleeping mode, in this process and in all that it starts."""
    monkeypatch.setenv("SYSTEMEVENT_SLEEP", request.param)
    word.sleep_on_value_only(request.param == "futex_wait")
    yield request.param
    word.sleep_on_value_only(False)


@pytest.fixture
def new_name():
    """A function that returns an event name of its own; the events are unlinked at the end."""
    names = []

    def make(start="test"):
        names.append(f"{start}.{os.getpid()}.{next(_counter)}")
        return names[-1]

    yield make
    for name in names:
        try:
            unlink(name)
        except FileNotFoundError:
            pass


@pytest.fixture
def name(new_name):
    """An event name of its own."""
    return new_name()


@pytest.fixture
def event(name):
    """An event of its own, clear."""
    with SystemEvent(name) as one:
        yield one


@pytest.fixture(scope="session")
def peer_program(tmp_path_factory):
    """The path of tests/peer.c, compiled."""
    path = tmp_path_factory.mktemp("peer") / "peer"
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, HERE / "peer.c", "-o", path, "-pthread"], check=True)
    return path


@pytest.fixture(scope="session")
def header_check(tmp_path_factory):
    """The path of tests/header_check.c, compiled."""
    path = tmp_path_factory.mktemp("header") / "header_check"
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, HERE / "header_check.c", "-o", path], check=True)
    return path


@pytest.fixture(scope="session")
def scripts():
    """The folder of the installed evt_* commands."""
    folder = Path(sysconfig.get_path("scripts"))
    assert (folder / "evt_wait").exists(), f"the commands are not installed in {folder}"
    return folder


@pytest.fixture
def run(scripts):
    """A function that runs a command to its end: (exit status, standard output, and error)."""

    def run(program, *words, **options):
        with command(scripts / program, *words, **options) as process:
            output, errors = process.communicate(timeout=DEADLINE)
        return process.returncode, output, errors

    return run


@pytest.fixture
def python():
    """The interpreter under test, as the first words of a command line."""
    return [sys.executable]


@pytest.fixture
def ticks():
    """A pipe in which signal handlers of workers leave a byte each time they run: its two ends."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture(scope="session")
def injection():
    """Says that tests/injection.py works here: strace, and a private /dev/shm."""
    need(no_injection())


@pytest.fixture(params=["fork", "spawn", "forkserver"])
def context(request):
    """A way in which multiprocessing starts processes. Its servers are stopped at the end."""
    yield multiprocessing.get_context(request.param)
    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()
