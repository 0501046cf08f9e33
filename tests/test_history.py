"""Logs: cheap to write, readable whatever happened to the writer."""

import os
import signal
import subprocess

import pytest
from harness import history
from harness.history import CLEAR, IS_SET, NO_LIMIT, RAISED, SET, WAIT, Log, Operation
from processes import until, worker

pytestmark = pytest.mark.one_mode


def test_a_log_says_what_was_done(tmp_path):
    """Every call with its kind, its time-out, its result, and times that enclose it."""
    log = Log(tmp_path, worker=3)
    log.respond(log.invoke(SET))
    log.respond(log.invoke(IS_SET), True)
    log.respond(log.invoke(WAIT, -5), False)
    log.looked(at := log.invoke(WAIT, NO_LIMIT))
    log.respond(at, True)
    log.invoke(CLEAR)
    log.close()
    loaded = history.load(tmp_path)
    assert [(each.number, each.kind, each.timeout, each.result) for each in loaded] == [
        (0, "set", None, None),
        (1, "is_set", None, True),
        (2, "wait", -5, False),
        (3, "wait", None, True),
        (4, "clear", None, None),
    ]
    times = [
        time
        for each in loaded
        for time in (each.invoked, each.looked or each.invoked, each.returned)
    ]
    assert [each.looked is not None for each in loaded] == [False, False, False, True, False]
    assert times.pop() is None
    assert times == sorted(times)
    assert {each.worker for each in loaded} == {3}


def _call_and_hang(directory):
    log = Log(directory, worker=1)
    log.respond(log.invoke(SET))
    log.invoke(WAIT, 7)
    while True:
        signal.pause()


def test_a_killed_worker_leaves_a_pending_operation(tmp_path):
    """SIGKILL inside a call: the call is pending, and bounded by the death that was noted."""
    with worker(_call_and_hang, tmp_path) as process:
        path = tmp_path / "1.log"
        until(lambda: path.exists() and len(history.load(tmp_path)) == 2, "both calls are logged")
        os.kill(process.pid, signal.SIGKILL)
        process.reap()
    history.mark_dead(tmp_path, 1, died=2**62)
    done, pending = history.load(tmp_path)
    assert done.returned is not None
    assert done.died is None
    assert (pending.returned, pending.died, pending.timeout) == (None, 2**62, 7)


def test_killed_before_it_has_written_anything(tmp_path):
    """Its log is empty, whether or not it has got its size; the history is that of the others."""
    Log(tmp_path, worker=0).invoke(SET)
    for number, size in (1, 0), (2, 4096):
        (tmp_path / f"{number}.log").write_bytes(bytes(size))
        history.mark_dead(tmp_path, number)
    assert [(each.worker, each.kind) for each in history.load(tmp_path)] == [(0, "set")]


def test_a_handler_may_log_inside_a_call(tmp_path):
    """Calls inside calls have records of their own."""
    log = Log(tmp_path, worker=0)
    outer = log.invoke(WAIT)
    log.respond(log.invoke(SET))
    log.respond(outer, True)
    assert [each.kind for each in history.load(tmp_path)] == ["wait", "set"]


def test_a_call_that_raised_may_have_taken_effect(tmp_path):
    """It is pending until the time at which it raised."""
    log = Log(tmp_path, worker=0)
    log.respond(log.invoke(SET), RAISED)
    (operation,) = history.load(tmp_path)
    assert operation.returned is None
    assert operation.died >= operation.invoked


def test_a_full_log_says_so(tmp_path):
    """No call goes unrecorded."""
    log = Log(tmp_path, worker=0, capacity=1)
    log.respond(log.invoke(SET))
    with pytest.raises(history.LogFull, match=r"0\.log"):
        log.invoke(SET)


HISTORY = [
    Operation(0, 0, "set", 10, 20),
    Operation(0, 1, "wait", 30, 40, None, 5, False),
    Operation(0, 2, "wait", 50, 60, None, None, True),
    Operation(0, 3, "wait", 61, 69, None, None, True, 61),
    Operation(0, 4, "wait", 70, None, None, None, None, 75),
    Operation(7, 0, "clear", 12, None, 99),
    Operation(7, 1, "is_set", 13, 14, None, None, False),
    Operation(8, 0, "set", 15, 16, None, None, None, None, 4),
    Operation(8, 1, "wait_any", 17, 18, None, 7, True, None, 7, 5),
    Operation(8, 2, "wait_any", 19, 20, None, 7, False, None, 3, 0),
    Operation(8, 3, "wait_all", 21, 22, None, None, True, None, 255),
    Operation(8, 4, "wait_any", 23, None, None, None, None, None, 3),
]


def test_a_history_survives_saving(tmp_path):
    """Saved and loaded, as logs and as JSON, it is the same."""
    history.save(tmp_path / "saved", HISTORY, epsilon_ns=3)
    assert history.load(tmp_path / "saved") == HISTORY
    assert history.load_settings(tmp_path / "saved") == {"epsilon_ns": 3}
    assert history.from_json(history.to_json(HISTORY)) == HISTORY


def test_a_call_says_of_which_events(tmp_path):
    """In letters; a wait_any, which of them were set."""
    assert [str(each) for each in HISTORY[-5:]] == [
        "set(C)",
        "wait_any(ABC, 7e-06 ms) → [A, C]",
        "wait_any(AB, 7e-06 ms) → []",
        "wait_all(ABCDEFGH) → True",
        "wait_any(AB) …",
    ]


def test_what_is_not_a_log_is_refused(tmp_path):
    """No verdict about a directory without logs, or with something else in them."""
    with pytest.raises(ValueError, match="no logs in"):
        history.load(tmp_path)
    (tmp_path / "1.log").write_bytes(b"hello")
    with pytest.raises(ValueError, match="not a log"):
        history.load(tmp_path)


PROGRAM = r"""
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "history.h"

int main(int count, char **words) {
    if (count != 2) return 2;
    int file = open(words[1], O_RDWR | O_CREAT, 0666);
    size_t size = sizeof(struct history_header) + 10 * sizeof(struct history_record);
    if (file < 0 || ftruncate(file, (off_t)size)) return 2;
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) return 2;
    struct history_header *header = map;
    memcpy(header->magic, "SE-HIST1", 8);
    header->worker = 5;
    struct history_log log = {(struct history_record *)(header + 1), 5, 10, 0};
    history_respond(history_invoke(&log, HISTORY_SET, HISTORY_NO_LIMIT), HISTORY_NOTHING);
    struct history_record *at = history_invoke(&log, HISTORY_WAIT, 17);
    history_looked(at);
    history_respond(at, HISTORY_FALSE);
    history_invoke(&log, HISTORY_IS_SET, HISTORY_NO_LIMIT);
    at = history_invoke_of(&log, HISTORY_WAIT_ANY, 18, 6);
    at->answer = 4;
    history_respond(at, HISTORY_TRUE);
    history_respond(history_invoke_of(&log, HISTORY_WAIT_ALL, 19, 3), HISTORY_FALSE);
    return 0;
}
"""


def test_a_c_program_writes_the_same_log(tmp_path):
    """history.h and history.py agree on the layout."""
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    folder = os.path.dirname(history.__file__)
    words = ["cc", "-Wall", "-Wextra", "-Werror", f"-I{folder}", str(source), "-o"]
    subprocess.run([*words, str(tmp_path / "program")], check=True)
    subprocess.run([str(tmp_path / "program"), str(tmp_path / "5.log")], check=True)
    loaded = history.load(tmp_path)
    assert [
        (each.worker, each.number, each.kind, each.timeout, each.result) for each in loaded
    ] == [
        (5, 0, "set", None, None),
        (5, 1, "wait", 17, False),
        (5, 2, "is_set", None, None),
        (5, 3, "wait_any", 18, True),
        (5, 4, "wait_all", 19, False),
    ]
    assert [(each.asked, each.answer) for each in loaded[2:]] == [(0, None), (6, 4), (3, None)]
    assert loaded[0].returned <= loaded[1].invoked <= loaded[1].looked <= loaded[1].returned
    assert loaded[0].looked is loaded[2].looked is None
    assert loaded[2].returned is None
