"""Roles, played in Python and in C: the same calls, as often as they weigh."""

import collections
import random

import pytest
from harness import history, stress
from harness.roles import Step, parse, play

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.mark.parametrize(
    ("role", "alternatives"),
    [
        ("set", [[Step("set")]]),
        ("wait:0:3 pause:1", [[Step("wait", 0, 3), Step("pause", 1, 1)]]),
        ("2* set | clear is_set", [[Step("set")]] * 2 + [[Step("clear"), Step("is_set")]]),
    ],
)
def test_alternatives(role, alternatives):
    """A role is read as its alternatives, each as often as it weighs."""
    assert parse(role) == alternatives


@pytest.mark.parametrize("step", ["sets", "set:1", "wait:1:2:3", "wait:soon", "x* set"])
def test_what_is_no_role(step):
    """A mistyped role is refused, and not played as something else."""
    with pytest.raises(ValueError, match="not a step|could not convert|invalid literal"):
        parse(step)


def test_a_pause_lasts_its_milliseconds(monkeypatch):
    """Bounds are in milliseconds, and both of them are reached."""
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
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
    assert stress.run(f"{kind}/futex_wait", "one", 0.4, 0).kind == "legal"
    (directory,) = tmp_path.glob("stress.*")
    calls = [each for each in history.load(directory) if each.worker == 0]
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
