"""Roles, played in Python and in C: the same calls, as often as they weigh."""

import collections
import itertools
import random
import types

import pytest
from harness import history, stress
from harness.roles import Step, events_of, parse, play, waits_for
from harness.scenarios_of_several import SEVERAL

from systemevent import _word as word

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.mark.parametrize(
    ("role", "alternatives"),
    [
        ("set", [[Step("set")]]),
        ("wait:0:3 pause:1", [[Step("wait", 0, 3), Step("pause", 1, 1)]]),
        ("set:B any:AC:0:3", [[Step("set", events=2), Step("any", 0, 3, events=5)]]),
        ("all:AB wait:C:1", [[Step("all", events=3), Step("wait", 1, 1, events=4)]]),
        ("2* set | clear is_set", [[Step("set")]] * 2 + [[Step("clear"), Step("is_set")]]),
    ],
)
def test_alternatives(role, alternatives):
    """A role is read as its alternatives, each as often as it weighs."""
    assert parse(role) == alternatives


@pytest.mark.parametrize(
    "step",
    ["sets", "set:1", "wait:1:2:3", "wait:soon", "x* set", "any:3", "all", "wait:AB", "set:I"],
)
def test_what_is_no_role(step):
    """A mistyped role is refused, and not played as something else."""
    with pytest.raises(ValueError, match="not a step|could not convert|invalid literal"):
        parse(step)


def test_which_events_and_waits_a_role_needs():
    """As many events as the last letter says; none, if there is only one."""
    assert events_of(["set wait:0:3", "close"]) == 0
    assert events_of(["set:A", "any:AC:0:3 pause:1"]) == 3
    assert waits_for(["set:A", "any:AC:0:3 pause:1"]) == {"any"}
    assert waits_for(["set:A wait:B", "close"]) == set()


@pytest.mark.parametrize("scenario", SEVERAL)
def test_scenarios_of_several_say_of_which(scenario):
    """Every step of them has its letters."""
    every = [step for role in SEVERAL[scenario] for steps in parse(role) for step in steps]
    assert all(step.events for step in every if step.operation != "pause")


def test_a_pause_lasts_its_milliseconds(monkeypatch):
    """Bounds are in milliseconds, and both of them are reached."""
    slept = []  # by roles.py, and by nobody else in this process
    monkeypatch.setattr("harness.roles.time", types.SimpleNamespace(sleep=slept.append))
    source = random.Random(1)
    for _ in range(100):
        play(parse("pause:1:3")[0], None, source)
    assert 0.001 <= min(slept) < 0.0012
    assert 0.0028 < max(slept) <= 0.003


@pytest.mark.parametrize("kind", ["processes", "programs"])
def test_what_is_played_is_what_is_written(kind, monkeypatch, tmp_path):
    """In Python and in C: a worker's log has the steps in their order, as often as they weigh."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    role = "3* set wait:5:7 | clear is_set wait:0 pause:0.2"
    monkeypatch.setitem(stress.ALL_SCENARIOS, "one", [role])
    calls, seeds = [], itertools.count()
    while len(calls) < 2000:  # enough to count; who comes late to a run has but a few
        assert stress.run(f"{kind}/futex_wait", "one", 0.4, next(seeds)).kind == "legal"
        (directory,) = tmp_path.glob("stress.*")
        calls += [each for each in history.load(directory) if each.worker == 0]
        directory.rename(tmp_path / f"judged.{len(calls)}")
    monkeypatch.undo()
    text = " ".join(each.kind for each in calls)
    found = collections.Counter(
        {"first": text.count("set wait") - text.count("is_set wait"), "other": text.count("clear")}
    )
    assert found["first"] * 2 + found["other"] * 3 == len(calls)
    assert 2 < found["first"] / found["other"] < 4.5
    limits = [each.timeout for each in calls if each.kind == "wait" and each.timeout]
    assert 5_000_000 <= min(limits) < 5_500_000
    assert 6_500_000 < max(limits) <= 7_000_000


@pytest.mark.parametrize("kind", ["processes", "programs"])
def test_calls_of_several_events(kind, monkeypatch, tmp_path):
    """In Python and in C: the log says of which events a call was, and what was set."""
    if not word.sleeps_on_both_halves():
        pytest.skip("wait_any needs futex_waitv")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    # At the end of the run it sets all events, which is early for a worker that comes late.
    monkeypatch.setattr("harness.seats._close", lambda *_: None)
    role = (
        "set:B any:AB:0:1 is_set:A wait:B all:AB:0.1 set:A all:AB any:CB clear:A clear:B any:AC:0"
    )
    monkeypatch.setitem(stress.ALL_SCENARIOS, "one", [role])
    assert stress.run(f"{kind}/futex_waitv", "one", 0.1, 0).kind == "legal"
    (directory,) = tmp_path.glob("stress.*")
    calls = [each for each in history.load(directory) if each.worker == 0]
    monkeypatch.undo()
    texts = [each.words("") for each in calls[:11]]
    assert texts == [
        "set(B)",
        "wait_any(AB) → [B]",
        "is_set(A) → False",
        "wait(B) → True",
        "wait_all(AB) → False",
        "set(A)",
        "wait_all(AB) → True",
        "wait_any(BC) → [B]",
        "clear(A)",
        "clear(B)",
        "wait_any(AC) → []",
    ]
