"""Histories with a name: what the checker must say of them, and why it is hard."""

import pytest
from harness.checker import judge
from harness.model import is_legal_by_brute_force
from histories import numbered, op

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

CLASSICS = {
    "nothing happened": ("legal", []),
    "clear at first": ("legal", [op("is_set", 1, 2, False)]),
    "set out of nowhere": ("illegal", [op("is_set", 1, 2, True)]),
    "flicker: False although set, and nobody cleared": (
        "illegal",
        [op("set", 1, 2), op("is_set", 3, 4, False), op("is_set", 5, 6, True)],
    ),
    "no flicker: a clear and a set were under way": (
        "legal",
        [
            op("set", 1, 2),
            op("clear", 3, 8),
            op("set", 3, 8),
            op("is_set", 3, 4, False),
            op("is_set", 5, 6, True),
        ],
    ),
    "flicker twice with one clear and one set": (
        "illegal",
        [
            op("set", 1, 2),
            op("clear", 3, 12),
            op("set", 3, 12),
            op("is_set", 3, 4, False),
            op("is_set", 5, 6, True),
            op("is_set", 7, 8, False),
        ],
    ),
    "clear undone: a waiter posts again": (
        "illegal",
        [op("set", 1, 2), op("wait", 0, 4, True), op("clear", 3, 5), op("is_set", 6, 7, True)],
    ),
    "lost pulse: set and clear inside a wait that timed out": (
        "illegal",
        [op("set", 50, 51), op("clear", 52, 53), op("wait", 1, 102, False, 100)],
    ),
    "pulse during a wait that returned True": (
        "legal",
        [op("set", 50, 51), op("clear", 52, 53), op("wait", 1, 102, True, 100)],
    ),
    "pulse before a wait: nothing to see": (
        "legal",
        [op("set", 1, 2), op("clear", 3, 4), op("wait", 5, 105, False, 100)],
    ),
    "set after the time-out, before the return": (
        "legal",
        [op("set", 103, 104), op("wait", 1, 110, False, 100), op("is_set", 105, 106, True)],
    ),
    "True without a set during the wait": (
        "illegal",
        [op("set", 1, 2), op("clear", 3, 4), op("wait", 5, 9, True)],
    ),
    "early time-out": ("illegal", [op("wait", 1, 100, False, 100)]),
    "time-out to the nanosecond": ("legal", [op("wait", 1, 101, False, 100)]),
    "False without a time-out": ("illegal", [op("wait", 1, 1000, False)]),
    "a time-out of zero, and below, asks": (
        "legal",
        [op("wait", 1, 2, False, 0), op("wait", 1, 2, False, -5)],
    ),
    "a time-out of zero is no excuse": ("illegal", [op("set", 1, 2), op("wait", 3, 4, False, 0)]),
    "legal pulse of no length": (
        "legal",
        [op("set", 5, 5), op("clear", 5, 5), op("wait", 1, 9, True), op("is_set", 5, 5, True)],
    ),
    "touching calls overlap": ("legal", [op("set", 1, 5), op("is_set", 5, 6, False)]),
    "killed setter: took effect": ("legal", [op("set", 1, None, died=9), op("is_set", 3, 4, True)]),
    "killed setter: never did": (
        "legal",
        [op("set", 1, None, died=9), op("is_set", 10, 11, False)],
    ),
    "killed setter: after its death": (
        "illegal",
        [op("set", 1, None, died=9), op("is_set", 10, 11, False), op("is_set", 12, 13, True)],
    ),
    "killed setter: not twice": (
        "illegal",
        [
            op("set", 1, None, died=30),
            op("is_set", 2, 3, True),
            op("clear", 4, 5),
            op("is_set", 6, 7, False),
            op("is_set", 8, 9, True),
        ],
    ),
    "a pulse at an instant that is no event's, between two time-outs": (
        "legal",
        [
            op("set", 3, 7),
            op("clear", 3, 7),
            op("is_set", 3, 7, True),
            op("wait", 0, 6, False, 5),
            op("wait", 0, 13, False, 8),
        ],
    ),
    "no pulse fits between two time-outs": (
        "illegal",
        [
            op("set", 3, 7),
            op("clear", 3, 7),
            op("is_set", 3, 7, True),
            op("wait", 0, 6, False, 5),
            op("wait", 0, 13, False, 9),
        ],
    ),
    "a stretch begins anew, after a shorter one that could not": (
        "legal",
        [
            op("wait", 0, 5, False, 5),
            op("wait", 0, 30, False, 8),
            op("set", 6, 7),
            op("clear", 6, 7),
        ],
    ),
    "a stretch begins anew, after a shorter one that could not, and a killed setter": (
        "legal",
        [
            op("set", 0, None, died=3),
            op("wait", 0, 5, False, 5),
            op("wait", 0, 30, False, 8),
            op("wait", 0, 40, False, 8),
            op("set", 6, 7),
            op("clear", 6, 7),
        ],
    ),
    "a stretch begins anew, where longer ones ended among calls that returned before them": (
        "legal",
        [
            op("wait", 0, 120, False, 100),
            op("wait", 0, 121, False, 100),
            op("clear", 40, 115),
            op("clear", 40, 116),
            op("wait", 101, 112, False, 3),
            op("set", 102, 102),
            op("clear", 103, 103),
        ],
    ),
    "a stretch that begins late, and is over before the next set": (
        "legal",
        [
            op("set", 0, 0),
            op("wait", 1, 21, False, 2),
            op("is_set", 4, 4, True),
            op("clear", 5, 5),
            op("set", 9, 9),
        ],
    ),
    "False while set, and a stretch only later": (
        "illegal",
        [
            op("wait", 0, 20, False, 2),
            op("set", 1, 1),
            op("is_set", 3, 4, False),
            op("clear", 6, 6),
        ],
    ),
    "a stretch that begins at zero, although the call began before": (
        "illegal",
        [
            op("set", -2, 1),
            op("clear", 0, 0),
            op("is_set", -1, 0, True),
            op("wait", -1, 6, False, 5),
            op("set", 4, 4),
        ],
    ),
    "a pulse early in a long call, seen late": (
        "legal",
        [
            op("set", 0, 10),
            op("clear", 0, 10),
            op("is_set", 0, 10, True),
            op("is_set", 4, 5, False),
            op("wait", 0, 12, False, 11),
        ],
    ),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_classic(name):
    """Histories with a name, each judged as the model says, by both."""
    expected, history = CLASSICS[name]
    history = numbered(history)
    assert judge(history).kind == expected
    assert is_legal_by_brute_force(history) == (expected == "legal")
