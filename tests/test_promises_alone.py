"""What harness/promises.py asks of two promises, where no other test asks exactly that."""

import time

from harness.checker import judge
from harness.history import CLEAR, IS_SET, NO_LIMIT, NOTHING, SET, WAIT, Log, load
from processes import DEADLINE, until_asleep, worker, workers

#: Seconds of a wait, and of the silence after a write, in which some waits pass undisturbed.
PATIENCE, SILENCE = 0.02, 0.05


def test_latch(event):
    """After set(), present and later waits return True, with and without a timeout.

    Who is woken takes nothing: the event stays set for those who come later.
    """
    with workers(3, event.wait, DEADLINE) as timed, workers(3, event.wait) as endless:
        until_asleep(*[one.pid for one in timed + endless])
        event.set()
        assert [one.result() for one in timed + endless] == [True] * 6
    assert event.is_set() is True
    assert [event.wait(0), event.wait(DEADLINE), event.wait()] == [True] * 3


def logged(log, kind, method, *timeout):
    """Call a method of the event, and log the call."""
    at = log.invoke(kind, *[int(seconds * 1e9) for seconds in timeout] or [NO_LIMIT])
    value = method(*timeout)
    log.respond(at, NOTHING if value is None else value)


def write(event, log):
    """Pulses, and sets that last, some of them twice; silence after each."""
    for pause in (0, 0.005, 0) * 4:
        for _ in range(2):
            logged(log, SET, event.set)
            time.sleep(pause)
        logged(log, CLEAR, event.clear)
        time.sleep(SILENCE)


def look(i, event, directory):
    """Wait and look, until somebody kills this process."""
    log = Log(directory, i)
    while True:
        logged(log, WAIT, event.wait, PATIENCE)
        logged(log, IS_SET, event.is_set)
        time.sleep(PATIENCE / 10)  # while the event is set


def test_history(event, tmp_path):
    """What a writer and four waiters see in 0.7 s, threading.Event could have shown them."""
    with workers(range(1, 5), look, event, tmp_path), worker(write, event, Log(tmp_path, 0)) as one:
        one.result()
    operations = load(tmp_path)
    assert {(each.kind, each.result) for each in operations if each.returned} == {
        *[("set", None), ("clear", None)],
        *[(kind, result) for kind in ("is_set", "wait") for result in (False, True)],
    }
    verdict = judge(operations)
    assert verdict.kind == "legal", verdict.at
