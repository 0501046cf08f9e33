"""Fixtures: the two sleeping modes, event names that are tidied up, the C peer."""

import contextlib
import gc
import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import types
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import processes
import pytest
from harness.requirements import no_injection
from processes import DEADLINE, command
from redis_server import PATIENT, VOLATILE, Server, no_server
from surroundings import need
from temporary import pytest_configure  # noqa: F401  # a hook
from turns import Turns

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
    # Behind a word, or it is a number that another process has counted to.
    own = re.compile(rf"[a-z]\.{os.getpid()}\.")
    assert {name for name in _semaphores() - before if own.search(name)} == set()


def pytest_sessionstart(session):
    # A developer's server is no place for tests; those that are about one say which.
    os.environ.pop("SYSTEMEVENT_URL", None)
    # Ignored in background jobs of scripts, and inherited by all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    session.config.semaphores_before = _semaphores()
    if hasattr(session.config, "workerinput"):  # of pytest-xdist; its folder is one of the run's
        session.config.turns = Turns(Path(session.config.option.basetemp).parent / "turns")


def pytest_sessionfinish(session):
    if hasattr(session.config, "turns"):
        session.config.turns.close()
    gc.unfreeze()
    if os.environ.get("CI") and not hasattr(session.config, "workerinput"):
        left = _semaphores() - session.config.semaphores_before
        if left:
            print("\nleft behind in /dev/shm:", *sorted(left))
            session.exitstatus = 1


def pytest_collection_finish(session):
    """What is here now stays to the end; the collector need not look at it after each test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Of those that run side by side, a test that is marked "alone" waits until it is."""
    turns = getattr(item.config, "turns", None)
    alone = item.get_closest_marker("alone") is not None
    with turns.turn(alone) if turns else contextlib.nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """What a test leaves to the collector is its own: not counted, or closed, in a later one.

    Nor is a thread of wait_async counted there that is about to end, because its loop is gone.
    """
    outcome = yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "SystemEvent":
            thread.join(DEADLINE)
    return outcome


def pytest_generate_tests(metafunc):
    """Every test runs in each sleeping mode that this kernel has; one_mode tests in the first.

    Tests marked "anywhere" run with events on a Redis server, too, if they are not marked "here".

    With ONE_MODE in the environment all do, and on no server: CI runs all modes on one interpreter,
    because the first two differ in C only, and the third has test files of its own.
    """
    modes = MODES if word.sleeps_on_both_halves() else MODES[1:]
    if one_mode := os.environ.get("ONE_MODE"):
        modes = modes[:1]
    if metafunc.definition.get_closest_marker("one_mode"):
        modes = modes[:1]
    marked = metafunc.definition.get_closest_marker
    if marked("anywhere") and not marked("here") and not one_mode:
        modes = (*modes, "redis")
    metafunc.parametrize("sleeping_mode", modes, indirect=True)


def pytest_collection_modifyitems(items):
    """Who knows semaphores or threads only does not take part in events on a server."""
    items[:] = [item for item in items if _is_possible(getattr(item, "callspec", None))]


def _is_possible(callspec):
    if callspec is None or callspec.params.get("sleeping_mode") != "redis":
        return True
    return getattr(callspec.params.get("new_event"), "anywhere", True)


@pytest.fixture(autouse=True)
def sleeping_mode(request, monkeypatch):
    """The sleeping mode, in this process and in all that it starts; "redis": not this machine."""
    monkeypatch.delenv("SYSTEMEVENT_URL", raising=False)
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        monkeypatch.setenv("SYSTEMEVENT_URL", server.url)
        monkeypatch.setattr(processes, "server", server)
        yield request.param
        return
    monkeypatch.setenv("SYSTEMEVENT_SLEEP", request.param)
    word.sleep_on_value_only(request.param == "futex_wait")
    yield request.param
    word.sleep_on_value_only(False)


@pytest.fixture
def times(sleeping_mode):
    """A function: how often to do what is done that often; a tenth on a server, which is slower."""
    return lambda count: count // 10 if sleeping_mode == "redis" else count


@pytest.fixture(scope="session")
def running_redis_server():
    """A Redis server of this test process, with what its tests have left there."""
    need(no_server())
    with Server(*VOLATILE, "--maxclients", 20000, patience=PATIENT) as server:
        yield server


@pytest.fixture
def redis_server(running_redis_server):
    """A Redis server of this test process, empty."""
    with running_redis_server.client() as client:
        client.flushall()
    return running_redis_server


@pytest.fixture
def silence(monkeypatch):
    """.ports from which nothing comes: waits for it are over at once, and the clock says so.

    So whoever is not silent may have as much time as he needs on a busy machine. .passed: the
    seconds that such waits would have taken.
    """
    from systemevent import _redis_connection, _redis_server, _redis_session

    def sleep_or_pass(connection, seconds):
        if connection.port not in silence.ports:
            return sleep(connection, seconds)
        silence.passed += seconds
        return []

    silence = types.SimpleNamespace(ports=set(), passed=0)
    sleep = _redis_connection._sleep
    monkeypatch.setattr(_redis_connection, "_sleep", sleep_or_pass)
    for module in _redis_connection, _redis_server, _redis_session:
        monkeypatch.setattr(module, "monotonic", lambda: time.monotonic() + silence.passed)
    return silence


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


@pytest.fixture
def new_events(new_name):
    """A function that opens that many events of their own, clear; they are closed at the end."""
    with contextlib.ExitStack() as ends:
        yield lambda count: [ends.enter_context(SystemEvent(new_name())) for _ in range(count)]


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


@pytest.fixture
def prefix():
    """A prefix of its own; whatever has it is removed at the end."""
    prefix = f"prefix.{os.getpid()}.{next(_counter)}."
    yield prefix
    for path in Path("/dev/shm").iterdir():
        if path.name.startswith(f"sem.{prefix}"):
            (path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)()


@pytest.fixture
def listed(run, prefix):
    """A function: what evt_list with that prefix says; it has to have that exit status."""

    def listed(*words, status=0, **options):
        found, output, errors = run("evt_list", "--prefix", prefix, *words, **options)
        assert (found, errors) == (status, "")
        return output

    return listed
