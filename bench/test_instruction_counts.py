"""How many instructions a call takes: what a quiet machine would show as time, on any machine.

bench/instructions.py counts under callgrind, and finds the same numbers in every run. The limits
stand well above what is found today, and below what a mistake would cost.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from surroundings import need

from bench import instructions

pytestmark = pytest.mark.one_mode  # nobody sleeps

#: threading.Event.is_set() is a Python function; where the interpreter inlines it, it is cheap.
#: The other methods take a lock, too. Found: is_set() 0.38 to 0.78, the others 0.02 to 0.07.
OF_THREADING_EVENT = {"is_set()": 1.0}
OF_THREADING_EVENT_OTHERS = 0.1
#: is_set() against the cheapest method of a built-in type. Found: 1.1 to 2.1. Where the interpreter
#: has a fast path for such calls (3.11 on) and cannot take it, 2.5 to 3.3.
OF_THE_CHEAPEST = 2.25
#: In C. Two loads and a comparison; with a fence; with a call. Found: 4, 20, 6, 5, 45 with gcc 12,
#: 4, 17, 8, 8, 46 with clang 14. Behind set + clear is one system call, through the C library.
IN_C = {"is_set": 6, "wait, set": 30, "set, set": 12, "clear, clear": 12, "set + clear": 80}


@pytest.fixture(autouse=True)
def callgrind():
    """Says that instructions can be counted here."""
    need(instructions.missing())


def too_many(found):
    """The calls that take more than their limit, of what in_python() found."""
    calls = dict(found)
    cheapest = calls.pop(instructions.CHEAPEST)["threading.Lock"]
    over = {
        call: f"{numbers['SystemEvent']} instructions, threading.Event {numbers['threading.Event']}"
        for call, numbers in calls.items()
        if numbers["SystemEvent"]
        > numbers["threading.Event"] * OF_THREADING_EVENT.get(call, OF_THREADING_EVENT_OTHERS)
    }
    is_set = calls["is_set()"]["SystemEvent"]
    if is_set > OF_THE_CHEAPEST * cheapest:
        over["is_set(), a C method"] = f"{is_set} instructions, lock.locked() {cheapest}"
    return over


def test_in_python(tmp_path):
    """No call costs more than threading.Event's, and is_set() about what any C method costs."""
    assert too_many(instructions.in_python(tmp_path)) == {}


@pytest.mark.one_python
@pytest.mark.skipif(sys.version_info < (3, 11), reason="this interpreter calls all methods slowly")
def test_slow_method_is_caught(tmp_path):
    """The counts tell when is_set() loses the interpreter's fast path, as inherited methods do."""
    program = instructions.PYTHON_PROGRAM.replace(
        "SystemEvent(name)", "type('Inheriting', (SystemEvent,), {})(name)"
    )
    assert "is_set(), a C method" in too_many(instructions.in_python(tmp_path, program))


@pytest.mark.one_python
def test_in_c(tmp_path):
    """The functions of systemevent.h are a few instructions each when nobody has to be woken."""
    found = instructions.in_c(tmp_path)
    assert found.keys() == IN_C.keys()
    assert {call: count for call, count in found.items() if count > IN_C[call]} == {}
