"""systemevent_multi.h for C and C++ programs: it compiles, keeps its contracts, and takes part."""

import os
import re
from pathlib import Path

import pytest
from processes import DEADLINE, command, until_asleep
from several import needs_futex_waitv, pulse
from surroundings import compile_with
from test_header import CPP, SANITIZED, STRICT, C

from systemevent import SystemEvent, get_include, wait_any

pytestmark = pytest.mark.one_python
one_mode = pytest.mark.one_mode
HERE = Path(__file__).parent
HEADER = Path(get_include()) / "systemevent_multi.h"
BUILDS = [("gcc", ["-O3"]), ("gcc", SANITIZED)]
MODES = ("futex_waitv", "futex_wait")
CHECK = HERE / "multi_check.c"


@one_mode
@pytest.mark.parametrize("compiler", C + CPP)
def test_compiles(compiler):
    """The header alone, and a program that calls all of it, compile without one warning."""
    language, standards = ("c++", ["17", "20"]) if compiler in CPP else ("c", ["99", "17"])
    for standard in standards:
        flags = [f"-std={language}{standard}", *STRICT, "-x", language]
        compile_with(compiler, *flags, "-fsyntax-only", "-include", HEADER, os.devnull)
    compile_with(compiler, *flags, "-O2", "-c", CHECK, "-o", os.devnull)


@one_mode
def test_names_are_its_own():
    """All that the header defines is called systemevent..."""
    text = HEADER.read_text()
    names = re.findall(r"^#define (\w+)|^static inline .*?(\w+)\(|^} (\w+);", text, re.M)
    names = ["".join(each) for each in names]
    assert len(names) > 15
    assert all(name.upper().startswith("SYSTEMEVENT_") for name in names)


@one_mode
@pytest.mark.parametrize(("compiler", "flags"), BUILDS, ids=["gcc", "sanitized"])
def test_contracts(tmp_path, compiler, flags):
    """Every function returns what its contract says in each sleeping mode, also with sanitizers."""
    program = tmp_path / "multi_check"
    compile_with(compiler, "-std=c99", *flags, CHECK, "-o", program)
    for mode in MODES:
        with command(program, env={"SYSTEMEVENT_SLEEP": mode}) as process:
            assert process.communicate(timeout=DEADLINE) == ("", "")
            assert process.returncode == 0


# ---- among Python ----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["gcc", "g++"])
def waiter(request, tmp_path_factory):
    """A function that starts a C or C++ program that waits for any, or for all, of the events."""
    program = tmp_path_factory.mktemp("multi") / "multi_check"
    language = ["-x", "c++", "-std=c++17"] if request.param in CPP else ["-std=c99"]
    compile_with(request.param, *language, "-O2", CHECK, "-o", program)

    def start(kind, events, seconds=0):
        return command(program, kind, str(seconds), *(f"/SystemEvent.{e.name}" for e in events))

    return start


@one_mode
@needs_futex_waitv
@pytest.mark.parametrize("release", [SystemEvent.set, pulse])
@pytest.mark.parametrize("count", [1, 2, 63])
def test_wait_any_in_c(new_events, waiter, release, count):
    """systemevent_wait_any is released by Python's set() and pulses, and says which it was."""
    events = new_events(count)
    for index in sorted({0, count // 2, count - 1}):
        with waiter("any", events) as one, waiter("any", events) as other:
            until_asleep(one.pid, other.pid)
            release(events[index])
            assert wait_any(events, 0) == [events[index]] * (release is not pulse)
            for process in one, other:
                assert process.communicate(timeout=DEADLINE) == (f"1 {index}\n", "")
        events[index].clear()


@pytest.mark.parametrize("release", [SystemEvent.set, pulse])
@pytest.mark.parametrize("count", [1, 3, 100])
def test_wait_all_in_c(new_events, waiter, release, count):
    """systemevent_wait_all is released when Python has set all, or pulses the last one."""
    events = new_events(count)
    for event in events[:-1]:
        event.set()
    with waiter("all", events) as process:
        until_asleep(process.pid)
        release(events[-1])
        assert process.communicate(timeout=DEADLINE) == ("1\n", "")


@one_mode
@needs_futex_waitv
def test_limits_in_c(new_events, waiter):
    """64 events are too many for systemevent_wait_any, and it says so."""
    with waiter("any", new_events(64)) as process:
        assert process.communicate(timeout=DEADLINE) == ("", "wait: Invalid argument\n")


@one_mode
@needs_futex_waitv
@pytest.mark.parametrize("kind", ["any", "all"])
def test_timeout_in_c(new_events, waiter, kind):
    """Both return 0 when the deadline has passed."""
    with waiter(kind, new_events(2), 0.001) as process:
        assert process.communicate(timeout=DEADLINE) == ("0\n", "")
