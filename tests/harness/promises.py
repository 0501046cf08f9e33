"""Is every promise watched? Nine mutants of the package itself, judged by nine of its tests.

    python -m tests.harness.promises [--write docs/promises.md]

A test that passes says nothing yet: it might pass on every event. So each promise has a *mutant*, a
copy of the package with one mistake that breaks this promise only, and in it the tests of all
promises run: its own must fail, the others must pass. (A test that fails on every mutant, because
the build is broken or because it expects too much, would be no proof either. It spoils the matrix;
and an unmutated copy, built in the same way, must pass all nine.)

mutants.py has events with mistakes, too. Those test the stress harness; these, made of the real
header, extension and C programs, test the tests.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from systemevent import _word as word

from .copies import CAUGHT, Edit, build, replace, run

BEGIN, END = "<!-- promises -->\n", "<!-- end of promises -->\n"
#: Seconds of tests/processes.py's DEADLINE in a test that is to fail: it may well be by hanging.
PATIENCE = 5


class Promise(NamedTuple):
    """A promise of the design, the test that shows it, and the mistake that breaks nothing else."""

    number: str
    name: str
    test: str
    fault: str
    edit: Edit


_HEADER, _GLUE = "systemevent/systemevent.h", "systemevent/_word.c"
_DEADLINE = Edit("tests/processes.py", "\nDEADLINE = 60.0\n", f"\nDEADLINE = {PATIENCE}\n")
#: The promise that any other mistake may break as well: its test judges all that it sees.
UMBRELLA = "P8"

PROMISES = (
    Promise(
        "P1",
        "Latch",
        "tests/test_promises_alone.py::test_latch",
        "a waiter with a timeout that was woken takes the flag back (auto-reset)",
        Edit(
            _HEADER,
            " systemevent__pass_on(event);\n    return 1;\n",
            " systemevent__pass_on(event);\n"
            "    if (deadline) systemevent_clear(event);\n"
            "    return 1;\n",
        ),
    ),
    Promise(
        "P2",
        "One flag, no flicker",
        "tests/test_latch.py::test_no_flicker",
        "`is_set()` says `False` if another process is inside `is_set()`",
        Edit(
            _HEADER,
            "    return systemevent__value(systemevent__load(event)) != 0;\n",
            # In bytes that nobody uses; a turn left open by a kill ends with the next one.
            "    uint64_t turn = __atomic_add_fetch(event->word + 3, 1, __ATOMIC_SEQ_CST);\n"
            "    bool is_set = systemevent__value(systemevent__load(event)) != 0;\n"
            "    return is_set && __atomic_load_n(event->word + 3, __ATOMIC_SEQ_CST) == turn;\n",
        ),
    ),
    Promise(
        "P3",
        "Clear means clear",
        "tests/test_latch.py::test_clear_means_clear",
        "a `wait()` that finds the event set posts it again (turnstile)",
        Edit(
            _GLUE,
            "    if (systemevent__value(first) != 0) return PyBool_FromLong(1);\n",
            "    if (systemevent__value(first) != 0) {\n"
            "        usleep(1); /* between sem_wait and sem_post, as it were */\n"
            "        systemevent_set(&self->event);\n"
            "        return PyBool_FromLong(1);\n"
            "    }\n",
        ),
    ),
    Promise(
        "P4",
        "Pulse",
        "tests/test_contract.py::test_every_pulse_releases_everybody",
        "a waiter with a timeout looks at the flag again after waking (gh-95826)",
        Edit(
            _HEADER,
            " systemevent__pass_on(event);\n    return 1;\n",
            " systemevent__pass_on(event);\n    return deadline ? systemevent_is_set(event) : 1;\n",
        ),
    ),
    Promise(
        "P5",
        "Nothing to lose by dying",
        "tests/test_kill_points.py::test_killed_in_set",
        "`set()` stores and wakes in two steps",
        Edit(
            _HEADER,
            "    long woken = syscall(SYS_futex, systemevent__upper_futex(event), FUTEX_WAKE_OP, "
            "INT_MAX,\n"
            "                         (void *)INT_MAX, systemevent__value_futex(event),\n"
            "                         FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_GE, 0));\n",
            "    void *futex = systemevent__value_futex(event);\n"
            "    __atomic_store_n((uint32_t *)futex, 1, __ATOMIC_SEQ_CST);\n"
            "    long woken = syscall(SYS_futex, futex, FUTEX_WAKE, INT_MAX);\n",
        ),
    ),
    Promise(
        "P6",
        "Signal-safe",
        "tests/test_signals.py::test_what_a_handler_raises_ends_the_wait",
        "what a handler raises is lost, Ctrl-C's `KeyboardInterrupt` too",
        Edit(
            _GLUE,
            "    if (PyErr_CheckSignals()) return -1;\n",
            "    if (PyErr_CheckSignals()) PyErr_Clear();\n",
        ),
    ),
    Promise(
        "P7",
        "No polling",
        "tests/test_life.py::test_waiting_costs_nothing",
        "a `wait()` without a timeout looks every millisecond",
        Edit(
            _GLUE,
            "    int result = systemevent__wait_since(&self->event, first, "
            "timeout == Py_None ? NULL : &deadline,\n"
            "                                         run_signal_handlers, &saved);\n",
            "    int result;\n"
            "    do {\n"
            "        if (timeout == Py_None) deadline = deadline_after(SECOND / 1000);\n"
            "        result = systemevent__wait_since(&self->event, first, &deadline,\n"
            "                                         run_signal_handlers, &saved);\n"
            "    } while (result == 0 && timeout == Py_None);\n",
        ),
    ),
    Promise(
        UMBRELLA,
        "Linearizable, timeouts included",
        "tests/test_promises_alone.py::test_history",
        "timeouts end 5 % early",
        Edit(
            _GLUE,
            "        deadline = deadline_after(remaining);\n",
            "        deadline = deadline_after(remaining - remaining / 20);\n",
        ),
    ),
    Promise(
        "P9",
        "Open to others",
        "tests/test_foreign.py::test_trywait_clears",
        "`set()` makes the semaphore's value 2, so one `sem_trywait` does not clear it",
        Edit(_HEADER, "FUTEX_OP(FUTEX_OP_SET, 1,", "FUTEX_OP(FUTEX_OP_SET, 2,"),
    ),
)


def row(folder, promise=None, modes=()):
    """Run the tests of all promises on a promise's mutant, or on the package: {number: Result}.

    modes: the sleeping modes in which they run; all, if none is named.
    """
    build(folder, *([promise.edit] if promise else []))
    options = ["-k", " or ".join(modes)] if modes else []
    others = [each for each in PROMISES if each != promise]
    results = run(folder, [each.test for each in others], *options)
    if promise:
        replace(folder, _DEADLINE)
        results |= run(folder, [promise.test], "-x", *options)
    return {each.number: results[each.test] for each in PROMISES}


def objections(results, promise=None):
    """What is not as it must be in a row of the matrix, in words; none: []."""
    said = []
    for each in PROMISES:
        outcome = results[each.number].outcome
        if each == promise:
            if outcome not in CAUGHT:
                said.append(f"{each.number}: {each.test} {outcome}, although {each.fault}")
        elif outcome != "passed" and not (promise and each.number == UMBRELLA):
            of = f"the mutant of {promise.number}" if promise else "the package itself"
            said.append(f"{each.number}: {each.test} {outcome} on {of}")
    return said


def first_mode():
    """The sleeping mode in which every test runs on this kernel."""
    return "futex_waitv" if word.sleeps_on_both_halves() else "futex_wait"


def cells(promise):
    """What the table says of a promise, whatever comes of a run."""
    return f"**{promise.number}** {promise.name}", f"`{promise.test}`", promise.fault


def table(caught):
    """The table in Markdown: caught has the Result of each promise's test on its mutant."""
    lines = ["| promise | test | mutant | caught after |", "|---|---|---|---|"]
    for promise in PROMISES:
        outcome, seconds = caught[promise.number]
        after = f"{seconds:.3g} s" + ", hangs" * (outcome == "hangs")
        lines.append(f"| {' | '.join((*cells(promise), after))} |")
    return "".join(f"{line}\n" for line in lines)


def write(path, text):
    """Put the table into a document, between its two marks."""
    head, begin, rest = path.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no {BEGIN.strip()} and {END.strip()}")
    path.write_text(f"{head}{begin}{text}{end}{tail}")


def main():
    """The command; its status: 0 if every test fails on its mutant alone, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.promises")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this file")
    file = parser.parse_args().write
    caught, wrong = {}, []
    with tempfile.TemporaryDirectory(prefix="promises.") as folder:
        for promise in (None, *PROMISES):
            name = promise.number if promise else "as it is"
            results = row(Path(folder) / name, promise)
            wrong += objections(results, promise)
            failed = [number for number, result in results.items() if result.outcome in CAUGHT]
            print(f"{name}: fails {', '.join(failed) or 'none'}", file=sys.stderr, flush=True)
            if promise:
                caught[promise.number] = results[promise.number]
    if wrong:
        print("", *wrong, sep="\n", file=sys.stderr)
        return 1
    print(table(caught), end="")
    if file:
        write(file, table(caught))
    return 0


if __name__ == "__main__":
    sys.exit(main())
