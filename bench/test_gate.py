"""The gate on ratios (bench/gate.py), on results that are made up."""

import json

import pytest

from bench import gate

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: A little noise, the same for nobody.
NOISE = [1.0, 1.04, 0.97, 1.01, 0.95, 1.02, 0.99, 1.03, 0.98, 1.0]


def rounds(nanoseconds, shift=0):
    """As many as there is noise."""
    return [nanoseconds * noise for noise in NOISE[shift:] + NOISE[:shift]]


def results():
    """What a quiet machine finds."""
    wakeups = {
        "raw futex, C program": 30_000,
        "raw futex, Python process": 36_000,
        "SystemEvent": 40_000,
        "multiprocessing.Event": 85_000,
    }
    each = {title: rounds(time, shift) for shift, (title, time) in enumerate(wakeups.items())}
    last = {title: [[time / 2, 50 * time] for time in times] for title, times in each.items()}
    scenes = [(0.01, "free", "idle"), (0.01, "free", "busy"), (1, "free", "idle")]
    return {
        "latency": [
            {"title": "", "idle_s": idle, "placement": where, "load": load, "rounds": each}
            for idle, where, load in scenes
        ],
        "broadcast": [
            {"waiters": 10, "kept": "all", "rounds": {}},
            {"waiters": 100, "kept": "all", "rounds": last},
        ],
        "calls": {
            title: {"SystemEvent": rounds(30), "threading.Event": rounds(60, 1)}
            for title in gate.CALLS
        },
        "commands": {
            title: {"seconds": rounds(0.02, shift)}
            for shift, title in enumerate([gate.BARE, *gate.COMMANDS])
        },
    }


@pytest.fixture
def judged(tmp_path, capsys):
    """A function: the gate's (exit status, printed lines) for results, written to files."""

    def judge(*attempts):
        paths = [tmp_path / f"{number}.json" for number in range(len(attempts))]
        for path, each in zip(paths, attempts, strict=True):
            path.write_text(each if isinstance(each, str) else json.dumps(each))
        return gate.main([str(path) for path in paths]), capsys.readouterr().out.splitlines()

    return judge


def complaints(lines):
    """The lines about limits that do not hold."""
    return [line for line in lines if " at most " in line and not line.endswith("  holds")]


def slower(times, factor=3):
    """Each of these, so many times."""
    return [time * factor for time in times]


def test_passes(judged):
    """What a quiet machine finds passes; every limit is printed with its ratio and interval."""
    status, lines = judged(results())
    assert status == 0
    assert complaints(lines) == []
    assert sum(line.endswith("  holds") for line in lines) == len(gate.LIMITS)
    assert lines[-1] == "passed"


@pytest.mark.parametrize("title", gate.CALLS)
def test_slow_call_fails(judged, title):
    """A call that costs more than threading.Event's is named, and the gate fails."""
    slow = results()
    slow["calls"][title]["SystemEvent"] = rounds(90)
    status, lines = judged(slow)
    assert status == 1
    assert lines[-1] == f"FAILED: in no attempt hold: {title} / threading.Event"
    (line,) = complaints(lines)
    assert line.startswith(f"  {title} / threading.Event")
    assert line.endswith("  BROKEN")


@pytest.mark.parametrize("title", gate.COMMANDS)
def test_slow_command_fails(judged, title):
    """A command that takes twice the time of an interpreter is named, and the gate fails."""
    slow = results()
    slow["commands"][title]["seconds"] = rounds(0.04, 2)
    status, lines = judged(slow)
    assert status == 1
    (line,) = complaints(lines)
    assert line.startswith(f"  {title} / python -c pass")


def test_slow_wakeup_fails(judged):
    """A slow wake-up of one waiter is too far from the floor, and behind multiprocessing.Event."""
    slow = results()
    found = slow["latency"][0]["rounds"]
    slow["latency"][0]["rounds"] = found | {"SystemEvent": slower(found["SystemEvent"])}
    status, lines = judged(slow)
    assert status == 1
    assert [line.split(" at most")[0].strip() for line in complaints(lines)] == [
        "one waiter / raw futex, C program",
        "one waiter / multiprocessing.Event",
    ]


@pytest.mark.parametrize("scene", [1, 2])
def test_other_scenes_are_not_judged(judged, scene):
    """Busy cores, and the few rounds after long sleeps, are too noisy for a gate."""
    slow = results()
    slow["latency"][scene]["rounds"] = {}
    status, _ = judged(slow)
    assert status == 0


def test_slow_broadcast_fails(judged):
    """It is the last of the 100 that counts."""
    slow = results()
    found = slow["broadcast"][1]["rounds"]
    found["SystemEvent"] = [[first, 3 * last] for first, last in found["SystemEvent"]]
    status, lines = judged(slow)
    assert status == 1
    assert [line.split(" at most")[0].strip() for line in complaints(lines)] == [
        "last of 100 / raw futex, Python process",
        "last of 100 / multiprocessing.Event",
    ]


def test_noise_does_not_pass(judged):
    """A ratio that may as well be beyond the limit is not held, however good its median is."""
    noisy = results()
    noisy["calls"]["is_set()"]["SystemEvent"] = [30.0] * 6 + [300.0] * 4
    status, lines = judged(noisy)
    assert status == 1
    (line,) = complaints(lines)
    assert line.endswith("  TOO NOISY")


def without(*keys):
    """Results without what is found there."""
    found = results()
    part = found
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    return found


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("latency",), "MISSING: nothing is called 'latency' in the results"),
        (
            ("latency", 0),
            "MISSING: no latency of a waiter asleep for 0.01 s at most, free, idle",
        ),
        (("broadcast", 1), "MISSING: no broadcast to 100 waiters"),
        (
            ("broadcast", 1, "rounds", "multiprocessing.Event"),
            "MISSING: nothing is called 'multiprocessing.Event' in the results",
        ),
        (("calls", "is_set()"), "MISSING: nothing is called 'is_set()' in the results"),
        (
            ("calls", "is_set()", "SystemEvent", 0),
            "MISSING: 9 and 10 rounds, where as many of both are needed, 5 or more",
        ),
        (
            ("commands", "python -c pass"),
            "MISSING: nothing is called 'python -c pass' in the results",
        ),
    ],
)
def test_missing_part_fails(judged, keys, said):
    """What is not in the results counts as not held, and the line says what is missing."""
    status, lines = judged(without(*keys))
    assert status == 1
    assert complaints(lines)
    assert all(line.endswith(said) for line in complaints(lines))


def test_too_few_rounds_fail(judged):
    """An interval of a handful of rounds says nothing."""
    few = results()
    few["calls"]["is_set()"] = {title: [30.0] * 4 for title in ("SystemEvent", "threading.Event")}
    status, lines = judged(few)
    assert status == 1
    assert "4 and 4 rounds" in complaints(lines)[0]


def test_unreadable_file_fails(judged):
    """A file that is no JSON is an attempt that failed."""
    status, lines = judged("Killed")
    assert status == 1
    assert lines[1].startswith("  MISSING, all of it: Expecting value")


@pytest.mark.parametrize("good", [0, 1, 2])
def test_one_attempt_of_three_suffices(judged, good):
    """One attempt in which all limits hold suffices, and all three are printed."""
    attempts = [without("calls")] * 3
    attempts[good] = results()
    status, lines = judged(*attempts)
    assert status == 0
    assert sum(line.endswith(".json: median ratio [95 % interval]") for line in lines) == 3
    assert sum(" at most " in line for line in lines) == 3 * len(gate.LIMITS)


def test_each_limit_needs_one_attempt(judged):
    """Each limit held in some attempt: passed, as noise hits another one each time."""
    status, lines = judged(without("calls"), without("broadcast"), without("commands"))
    assert status == 0
    assert sum(line.endswith("limits do not hold") for line in lines) == 3


def test_a_limit_that_holds_in_no_attempt_fails(judged):
    """However well the others do."""
    missing = ("calls", "is_set()")
    status, lines = judged(without(*missing), without(*missing), without(*missing))
    assert status == 1
    assert lines[-1] == "FAILED: in no attempt hold: is_set() / threading.Event"


@pytest.fixture
def quick_runs(monkeypatch):
    """A function that replaces the gate's own runs by (results, exit status) in turn."""

    def replace(*outcomes):
        rest = list(outcomes)

        def run(path):
            found, status = rest.pop(0)
            path.write_text(json.dumps(found))
            return status

        monkeypatch.setattr(gate, "quick_run", run)
        return rest

    return replace


def test_own_runs_until_one_passes(quick_runs, capsys):
    """Without files the gate runs bench itself, again after a failure, and not after a success."""
    rest = quick_runs((without("calls"), 0), (results(), 0), (results(), 0))
    assert gate.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(rest) == 1
    assert [line[:9] for line in lines if line.startswith("attempt")] == ["attempt 1", "attempt 2"]


def test_three_own_runs_fail(quick_runs, capsys):
    """After three attempts it is over; a run that went wrong is one, whatever it wrote."""
    rest = quick_runs((without("calls"), 0), (results(), 3), (without("calls"), 0))
    assert gate.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert rest == []
    assert sum(line.startswith("attempt") for line in lines) == 3
    assert "  MISSING, all of it: python -m bench ended with status 3" in lines
