"""Who sleeps in wait_any or wait_all although they are set is named, and nobody else."""

import pytest
from harness.joint_liveness import certainly_set
from harness.judge import complaints
from histories import numbered
from histories_of_several import bits, of

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

LONG, BOUND = 10_000, 100


def kinds(calls, **about):
    """The kinds of the complaints about these calls."""
    found = complaints(numbered(calls), BOUND, LONG, **about)
    assert all("wait_a" in str(each) for each in found)
    return [each.kind for each in found]


A, B = of("A", "set", 10, 20), of("B", "set", 30, 40)
#: B is set from the bound before the pulse of A to the bound after it.
EARLY_B, PULSE_OF_A = of("B", "set", 10, 20), [of("A", "set", 120, 130), of("A", "clear", 140, 150)]


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (None, [A, B, of("AB", "wait_all", 5, 60, True)]),
        ("late", [A, B, of("AB", "wait_all", 5, 141, True)]),
        ("late", [A, B, of("AB", "wait_all", 5, 141, False, timeout=80)]),
        ("late", [A, B, of("AB", "wait_all", 60, 161, True)]),
        (None, [A, B, of("AB", "wait_all", 60, 160, True)]),
        ("sleeper", [A, B, of("AB", "wait_all", 5, None)]),
        (None, [A, of("AB", "wait_all", 5, None)]),
        (None, [A, B, of("AB", "wait_all", 5, None, died=140)]),
        # They were not set at once for longer than the bound.
        (None, [A, B, of("A", "clear", 140, 150), of("AB", "wait_all", 5, 900, True)]),
        ("late", [A, B, of("A", "clear", 141, 150), of("AB", "wait_all", 5, 900, True)]),
        # The clear may have come after the set.
        (None, [A, B, of("A", "clear", 15, 30), of("AB", "wait_all", 5, 900, True)]),
        (None, [A, B, of("A", "clear", 15, None), of("AB", "wait_all", 5, 900, True)]),
        # A pulse of A, while B stays set.
        ("late", [EARLY_B, *PULSE_OF_A, of("AB", "wait_all", 5, 231, True)]),
        (None, [EARLY_B, *PULSE_OF_A, of("AB", "wait_all", 5, 230, True)]),
        ("sleeper", [EARLY_B, *PULSE_OF_A, of("AB", "wait_all", 5, None)]),
        (None, [EARLY_B, *PULSE_OF_A, of("AB", "wait_all", 21, None)]),
        (None, [of("B", "set", 11, 21), *PULSE_OF_A, of("AB", "wait_all", 5, None)]),
        (None, [EARLY_B, *PULSE_OF_A, of("B", "clear", 229, 240), of("AB", "wait_all", 5, None)]),
        ("overslept", [of("AB", "wait_all", 5, 200, False, timeout=50)]),
        (None, [of("AB", "wait_all", 5, 105, False, timeout=50)]),
    ],
)
def test_who_sleeps_too_long_in_wait_all(kind, calls):
    """All set for long, or one of them for a moment while the others stay so."""
    assert kinds(calls) == ([kind] if kind else [])


def test_where_only_lasting_sets_count():
    """A waiter that sleeps on the value alone may miss a pulse of one, but not all of them set."""
    pulse = [EARLY_B, *PULSE_OF_A, of("AB", "wait_all", 5, None)]
    assert kinds(pulse, pulses_count=False) == []
    assert kinds([A, B, of("AB", "wait_all", 5, None)], pulses_count=False) == ["sleeper"]


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (None, [B, of("AB", "wait_any", 5, 60, answer="B", looked=6)]),
        ("late", [B, of("AB", "wait_any", 5, 141, answer="B", looked=6)]),
        ("late", [B, A, of("AB", "wait_any", 5, 125, answer="A", looked=6)]),
        ("sleeper", [B, of("AB", "wait_any", 5, None, looked=6)]),
        (None, [of("C", "set", 30, 40), of("AB", "wait_any", 5, None, looked=6)]),
        ("overslept", [of("AB", "wait_any", 5, 200, timeout=50)]),
    ],
)
def test_who_sleeps_too_long_in_wait_any(kind, calls):
    """A set of any of them ends it."""
    assert kinds(calls) == ([kind] if kind else [])


def test_since_when_an_event_is_certainly_set():
    """From the response of a set that nobody can have taken back, to the next clear."""
    calls = [
        of("A", "set", 10, 20),
        of("A", "set", 25, 30),
        of("A", "clear", 50, 60),
        of("A", "set", 55, 70),
        of("A", "set", 80, 90),
        of("B", "clear", 91, 92),
    ]
    found = [(begin, end) for begin, end, _ in certainly_set(calls, bits("A"))]
    assert found == [(20, 50), (90, float("inf"))]
