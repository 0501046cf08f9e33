"""Those who sleep too long are named, and nobody else."""

import pytest
from harness.liveness import complaints
from histories import numbered, op

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

LONG, BOUND = 10_000, 100


@pytest.mark.parametrize(
    ("kind", "calls", "set_at_end"),
    [
        (None, [op("set", 10, 20), op("wait", 5, 60, True, looked=6)], None),
        ("late", [op("set", 10, 20), op("wait", 5, 200, True, looked=6)], None),
        ("late", [op("set", 10, 20), op("wait", 5, 200, True, looked=10)], None),
        (None, [op("set", 10, 20), op("wait", 5, 200, True, looked=11)], None),
        # It cannot tell when it looked: after 100, by the bound.
        (None, [op("set", 10, 20), op("clear", 30, 40), op("wait", 5, 200, True)], None),
        (None, [op("set", 104, 110), op("clear", 120, 130), op("wait", 5, 300, True)], None),
        ("late", [op("set", 105, 110), op("wait", 5, 300, True)], None),
        # It lasted so long that it must have been seen, wherever the waiter was.
        ("late", [op("set", 10, 20), op("clear", 121, 130), op("wait", 5, 900, True)], None),
        (None, [op("set", 10, 20), op("clear", 120, 130), op("wait", 5, 900, True)], None),
        ("sleeper", [op("set", 105, 120), op("clear", 130, 140), op("wait", 5, None)], None),
        ("sleeper", [op("wait", 5, None)], 500),
        ("sleeper", [op("set", 10, 20), op("wait", 5, None, died=900, looked=9)], None),
        (None, [op("set", 10, 20), op("wait", 5, None, died=90, looked=9)], None),
        (None, [op("set", 10, None), op("wait", 5, None, looked=9)], None),
        (None, [op("set", 4, 20), op("wait", 5, None, looked=9)], None),
        ("overslept", [op("wait", 5, 200, False, 50)], None),
        (None, [op("wait", 5, 105, False, 50)], None),
    ],
)
def test_who_sleeps_too_long(kind, calls, set_at_end):
    """Late risers, sleepers and those that outlive their time-out are named, others are not."""
    found = complaints(numbered(calls), BOUND, LONG, set_at_end)
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(str(each) for each in found)


@pytest.mark.parametrize(
    ("found", "calls"),
    [
        (True, []),
        (True, [op("clear", 121, 130)]),
        (True, [op("clear", 1, 9), op("clear", 2, 3)]),
        (True, [op("clear", 1, None, died=9)]),
        (False, [op("clear", 120, 130)]),
        (False, [op("clear", 12, 18)]),
        (False, [op("clear", 1, 10), op("clear", 2, 3)]),
        (False, [op("clear", 1, None, died=10)]),
        (False, [op("clear", 1, None)]),
    ],
)
def test_where_only_lasting_sets_count(found, calls):
    """A set that nobody can have taken back within the bound must have been seen."""
    history = numbered([op("wait", 5, 900, True, looked=6), op("set", 10, 20), *calls])
    assert bool(complaints(history, BOUND, LONG, pulses_count=False)) == found
    assert complaints(history, BOUND, LONG)
