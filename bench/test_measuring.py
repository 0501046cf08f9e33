"""The measuring part: every contender does wake, who fails fails alone, nothing is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from processes import until
from surroundings import need

from bench import __main__ as program
from bench import latency, several, split
from bench.contenders import CONTENDERS, FLOOR, OURS, Contender, chosen
from bench.rounds import alternate, gathered
from bench.statistics import percentile, ratio
from bench.teams import Team, TeamError, Workshop
from bench.traced import pid_in

ROOT = Path(__file__).parents[1]
TITLES = {contender.title: contender for contender in CONTENDERS}
ALL = TITLES | {contender.title: contender for contender in several.CONTENDERS}
#: So many children of a run at once are members of several teams.
TEAMS = 10


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.mark.parametrize("waiters", [1, 3])
@pytest.mark.parametrize("title", ALL)
def test_a_contender_wakes_all_each_time(title, waiters, workshop):
    """Each waiter sleeps, is woken later than set() began, and sleeps again."""
    contender = ALL[title]
    need(contender.unable())
    team = Team(contender, waiters, workshop)
    try:
        for _ in range(3):
            team.enter()
            latencies = team.fire()
            assert len(latencies) == waiters
            assert all(0 < each < 10 * 10**9 for each in latencies)
    finally:
        team.end()


class Broken:
    """An event whose waiters fail."""

    def __init__(self, place):
        pass

    def set(self):
        pass

    def wait(self):
        raise OSError("no such luck")

    clear = close = set


def test_who_fails_fails_alone(workshop):
    """A contender that raises is skipped with its reason; the others have all their rounds."""
    skipped = {}
    with gathered([Contender("broken", Broken), OURS], 1, workshop, skipped) as teams:
        found = alternate(teams, 4, 0.001, skipped)
    assert {title: len(rows) for title, rows in found.items()} == {"SystemEvent": 4}
    assert list(skipped) == ["broken"]
    assert "no such luck" in skipped["broken"]


def test_a_member_that_dies_is_told(workshop):
    """A waiter that is killed ends the team's round with an error, at once."""
    team = Team(OURS, 1, workshop)
    try:
        team.enter()
        os.kill(team.pids[0], signal.SIGKILL)
        with pytest.raises(TeamError, match="has ended"):
            team.fire()
    finally:
        team.end()


def test_who_begins_changes(workshop, monkeypatch):
    """What disturbs the first of each round disturbs each in turn."""
    order = []
    fire = Team.fire

    def noted(team):
        order.append(team.contender.title)
        return fire(team)

    monkeypatch.setattr(Team, "fire", noted)
    pair = [OURS, TITLES["pipe"]]
    with gathered(pair, 1, workshop, {}) as teams:
        alternate(teams, 4, 0.001, {}, warm_up=0)
    assert order[::2] == ["SystemEvent", "pipe"] * 2
    assert order[1::2] == ["pipe", "SystemEvent"] * 2


def test_a_histogram_keeps_three_digits():
    """What is written is what was measured."""
    times = [1, 999, 12_345, 6_789_012, 59 * 10**9]
    histogram = HdrHistogram.decode(latency.histogram(times))
    assert histogram.get_total_count() == len(times)
    assert histogram.get_max_value() == pytest.approx(max(times), rel=2e-3)
    assert histogram.get_value_at_percentile(60) == pytest.approx(12_345, rel=2e-3)


def test_ratios():
    """Round by round: what slows both does not count. The same figures give the same interval."""
    base = [10.0, 1000.0, 20.0, 500.0, 30.0, 7.0]
    assert ratio([2 * each for each in base], base) == (2, 2, 2)
    ours = [9.0, 11.0, 10.0, 12.0, 8.0, 10.0]
    median, low, high = ratio(ours, [10.0] * 6)
    assert (median, low, high) == ratio(ours, [10.0] * 6)
    assert low < median < high
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0], [1.0, 2.0])


def test_percentiles_are_values():
    """The nearest rank: nothing that was not measured."""
    values = [5, 1, 4, 2, 3]
    assert [percentile(values, each) for each in (0, 50, 99, 100)] == [1, 3, 5, 5]


def test_choosing():
    """A word chooses; what ratios need is there anyway; all others are listed with the reason."""
    skipped = {}
    titles = [each.title for each in chosen(["PIPE"], skipped)]
    assert titles == [FLOOR.title, OURS.title, "pipe"]
    assert {*titles, *skipped} == set(TITLES)
    with pytest.raises(ValueError, match="no contender 'pope'"):
        chosen(["pope"], {})


def test_a_contender_that_is_missing_is_listed(monkeypatch):
    """Without a compiler: the reason, by name."""
    monkeypatch.setenv("CC", "no-such-compiler")
    skipped = {}
    titles = [each.title for each in chosen(None, skipped)]
    assert skipped[FLOOR.title] == "no C compiler (no-such-compiler)"
    assert OURS.title in titles


def test_steps_add_up(workshop):
    """The steps of a wake-up are all of it, in their order."""
    need(FLOOR.unable())
    skipped = {}
    found = split.measure("quick", workshop, skipped)
    assert set(found["rounds"]) == {split.IN_C, *split.STEPS, split.OWN}
    assert all(len(rows) == split.ROUNDS["quick"] for rows in found["rounds"].values())
    for steps in [found["rounds"], *found["traced"].values()]:
        assert all(nanoseconds >= 0 for rows in steps.values() for nanoseconds in rows)
    if not found["traced"]:
        assert "the kernel's part of a wake-up" in skipped


def test_fields_of_a_trace():
    """A pid is found by its whole name."""
    fields = "prev_comm=a prev_pid=11 prev_state=S ==> next_comm=pid=9 next_pid=22 next_prio=120"
    assert pid_in(fields, "next_pid") == 22
    assert pid_in("comm=python pid=7 prio=120 target_cpu=001") == 7
    assert pid_in("comm=python prio=120") == -1


def bench(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--contenders", "pope"], "no contender 'pope'; there are"),
        (["--waiters", "0"], "from 1 to 10,000"),
        (["--json", "no/such/folder/x.json"], "no such folder: no/such/folder"),
        (["--quick", "--full"], "not allowed with"),
    ],
)
def test_wrong_usage(words, said):
    """Status 2, and a line that helps."""
    with bench(*words) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in errors
    assert "Traceback" not in out + errors


def test_a_part_that_fails_spares_the_others(tmp_path, monkeypatch, capsys):
    """It is printed and in the JSON, and the status is 1."""
    path = tmp_path / "results.json"

    def fails(*args):
        raise OSError("the disk is gone")

    for name in ("timeouts", "broadcast", "strip", "split", "throughput", "scale", "latency"):
        monkeypatch.setattr(getattr(program, name), "measure", lambda *args: [])
    monkeypatch.setattr(program.commands, "measure", fails)
    monkeypatch.setattr(program.commands, "measure_crowds", lambda *args: {})
    words = ["bench", "--quick", "--json", str(path), "--report", str(tmp_path / "report.html")]
    monkeypatch.setattr(sys, "argv", words)
    assert program.main() == 1
    assert "FAILED: commands: OSError: the disk is gone" in capsys.readouterr().out
    results = json.loads(path.read_text())
    assert results["failed"] == {"commands": "OSError: the disk is gone"}
    assert results["calls"]["is_set()"]["SystemEvent"]


@pytest.mark.parametrize("module", ["bench", "bench.several", "bench.machines"])
def test_without_what_it_is_made_with(module):
    """One line says what to install."""
    code = f"import runpy, sys; sys.modules['hdrh'] = None; runpy.run_module({module!r})"
    words = [sys.executable, "-c", code]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "pip install -e '.[bench]'" in ran.stderr


def is_there(group):
    """Has the group a process?"""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


def test_interrupted_it_leaves_nothing(tmp_path):
    """Ctrl-C while teams are at work: status 130, no process, no folder, no event."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    words = ["--quick", "--report", str(tmp_path / "report.html")]
    with bench(*words, env=environment, start_new_session=True) as process:
        path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 60
        while len(members := path.read_text().split()) < TEAMS and time.monotonic() < end:
            time.sleep(0.01)
        assert len(members) >= TEAMS, "no teams at work"
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Interrupted; nothing is left behind." in errors
        assert "Traceback" not in errors
        # A team that was just being made is killed by the kernel, after the end of its parent.
        until(lambda: not is_there(process.pid), "its group has ended")
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in members), "all have ended")
        assert list(tmp_path.iterdir()) == []
        assert [each for each in os.listdir("/dev/shm") if f".bench.{process.pid}." in each] == []
